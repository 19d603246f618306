"""Questions to a source over blocks in memory, and the same ones to a ledger of these blocks."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import numpy as np

from arien_flows.attribution.ownership import EntityMap, SingleAddresses
from arien_flows.attribution.snapshot import Attribution, no_attribution
from arien_flows.entities.constraints import Constraints, no_constraints
from arien_flows.fetched.archive import Archive
from arien_flows.fetched.conversation import Conversation
from arien_flows.inquiry.inquire import Question, inquire
from arien_flows.ledger.memory import view_of
from arien_flows.ledger.view import View
from arien_flows.shapes import plain
from arien_flows.tracing.manifest import NOT_HASHED
from arien_flows.tracing.trace import TraceResult
from arien_flows.workspace import Reading
from chains.bitcoin.networks import REGTEST
from tests.arien_flows.entities.random_chains import grow
from tests.chain_lookups import ChainLookups
from tests.ledgers import Chain, batch_of

Answer = TypeVar("Answer")

PLENTY = 1_000_000


@dataclass(frozen=True)
class Tags:
    """Tags for a view, as far as traces and clusterings need them."""

    of: Callable[[EntityMap], Attribution]
    constraints: Constraints = field(default_factory=no_constraints)
    entities: EntityMap = field(default_factory=SingleAddresses)

    @property
    def attribution(self) -> Attribution:
        return self.of(self.entities)

    def among(self, entities: EntityMap) -> "Tags":
        return replace(self, entities=entities)


def no_tags(view: View) -> Any:
    return Tags(lambda _entities: no_attribution(view))


@dataclass
class Desk:
    """An archive, a chain, and the source that knows it."""

    folder: Path
    chain: Chain
    options: dict[str, Any] = field(default_factory=dict)
    tags: Any = no_tags
    made: int = 0
    """Requests of the last question."""

    source: ChainLookups | None = None
    """The source of the last question."""

    def ask(
        self,
        question: Question,
        answer: Callable[[Reading], Answer],
        *,
        requests: int = PLENTY,
    ) -> Answer:
        with Archive(self.folder) as archive:
            conversation = Conversation(archive, requests)
            self.source = ChainLookups(self.chain.blocks, conversation, **self.options)
            try:
                return inquire(question, answer, self.source, archive, conversation, tags=self.tags)
            finally:
                self.made = conversation.made

    def bulk(self) -> View:
        heights = np.arange(len(self.chain.blocks), dtype=np.uint32)
        return view_of(batch_of(self.chain.blocks), REGTEST, heights=heights)


def random_chain(seed: int, blocks: int = 12) -> Chain:
    return grow(Chain.from_genesis(), Random(seed), blocks, salt=seed)


def told(result: TraceResult) -> dict[str, Any]:
    """Return what a trace says, apart from its manifest and what only fetching leaves open."""
    answer = result.answer
    limits = () if result.ground.fetched is None else result.ground.fetched.limits
    kept = tuple(cut for cut in answer.truncations if cut not in limits)
    plainer = replace(answer, truncations=kept, complete=not kept)
    names = [each.name for each in fields(plainer) if each.name not in NOT_HASHED]
    return {name: plain(getattr(plainer, name)) for name in names}
