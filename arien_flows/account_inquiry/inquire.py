"""Answering a question about accounts from an explorer, and seeing that the chain held still.

Everything is as of one block. A run that could not finish leaves a note of its block, and the same
question, asked again within a day, goes on as of that block, as long as it is still in the chain:
a live chain has a new one every few seconds, and lists as of another block are other lists.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from arien_flows.account_inquiry.gathering import AccountGathering, Report
from arien_flows.account_inquiry.limits import fetched_limits
from arien_flows.account_inquiry.memory import ArchivedAnswers
from arien_flows.account_inquiry.questions import ReadSoFar
from arien_flows.account_tags import AccountTags
from arien_flows.account_workspace import AccountReading
from arien_flows.attribution.ownership import SingleAddresses
from arien_flows.casebook.book import Casebook
from arien_flows.errors import StaleSnapshotError, UnfinishedError
from arien_flows.fetched.accounts import FetchedAccountHistories
from arien_flows.fetched.archive import Archive
from arien_flows.fetched.checking import ContradictionError
from arien_flows.fetched.conversation import Conversation
from chains.account_source import AccountLookupSource
from chains.errors import ChainChangedError, RequestBudgetError, SourceUnavailableError
from chains.ethereum.lookups import BlockPlace

ATTEMPTS = 3
"""How often a question is asked anew because the chain changed meanwhile."""

GOES_ON_FOR = timedelta(days=1)
"""How long after its beginning an unfinished run can be gone on with."""

NO_ENTITIES = "accounts that were fetched one by one are not joined: that needs a ledger"

_PINS = b"unfinished"
"""In place of a block: where the archive keeps which block unfinished questions are as of."""

Answer = TypeVar("Answer")


class AccountsQuestion(Protocol):
    """Something that is asked of an explorer."""

    def check(self) -> None:
        """Refuse, before anything is asked, what cannot be asked."""

    def gather(self, gathering: AccountGathering, read: ReadSoFar, /) -> None:
        """Fetch what the answer needs; stop anywhere where the requests run out.

        `read` returns the reading of what is here.
        """


def inquire_accounts(
    question: AccountsQuestion,
    answer: Callable[[AccountReading], Answer],
    source: AccountLookupSource,
    archive: Archive,
    conversation: Conversation,
    casebook: Casebook,
    *,
    report: Report = lambda _accounts, _requests: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Answer:
    """Return the answer to a question, as of the source's last block or that of an earlier run.

    The source must record into `conversation`, and that into `archive`.

    Raises
    ------
    SourceUnavailableError
        The source is of no use (any more). What it answered before is kept.
    StaleSnapshotError
        Its chain was reorganised while it was asked, several times over.
    UnfinishedError
        The requests ran out before there was anything that could be said.
    """
    pin = _Pin(archive, source, question, now)
    try:
        for _ in range(ATTEMPTS):
            pin.stand()
            try:
                found, is_finished = _answered(
                    question, answer, source, archive, conversation, casebook, report
                )
            except (ContradictionError, ChainChangedError):
                # Answers from before and after a reorganisation may exclude each other.
                if _still_stands(source, conversation):
                    raise
                pin.drop()
                source.refresh()
                continue
            if _still_stands(source, conversation):
                if is_finished:
                    pin.drop()
                return found
            pin.drop()
            source.refresh()
    except SourceUnavailableError as error:
        raise type(error)(
            f"{error}; what was fetched is kept, and the same command goes on from there"
        ) from error
    except RequestBudgetError as error:
        raise UnfinishedError(
            f"{conversation.budget:,} requests did not suffice to see where the source's chain "
            "ends, and that it held still: run the same command again, or allow more with "
            "--requests"
        ) from error
    raise StaleSnapshotError(
        "the source's chain was reorganised while it was asked, several times over: ask again"
    )


def _answered(
    question: AccountsQuestion,
    answer: Callable[[AccountReading], Answer],
    source: AccountLookupSource,
    archive: Archive,
    conversation: Conversation,
    casebook: Casebook,
    report: Report,
) -> tuple[Answer, bool]:
    answers = ArchivedAnswers(archive, source.name, source.tip().block_hash)
    source.remember_with(answers)
    gathering = AccountGathering(source, answers, conversation, report)
    is_exhausted = False
    try:
        question.gather(gathering, lambda: reading_of(gathering, casebook))
    except RequestBudgetError:
        is_exhausted = True
    return answer(reading_of(gathering, casebook, is_exhausted=is_exhausted)), not is_exhausted


def reading_of(
    gathering: AccountGathering, casebook: Casebook, *, is_exhausted: bool = False
) -> AccountReading:
    """Return what is here as a reading; every account stands for itself."""
    joined = gathering.joined()
    view = gathering.view(joined)
    return AccountReading(
        view=view,
        clustering=None,
        clustering_gap=NO_ENTITIES,
        tags=AccountTags(view, casebook, SingleAddresses()),
        fetched=FetchedAccountHistories(
            whole=gathering.whole(view),
            limits=tuple(fetched_limits(gathering, joined, view, is_exhausted=is_exhausted)),
            origin=gathering.origin(view),
        ),
    )


def _still_stands(source: AccountLookupSource, conversation: Conversation) -> bool:
    """Ask the source whether its chain still has the block that everything is as of."""
    with conversation.closing():
        return source.stand_at(source.tip())


class _Pin:
    """The block that an unfinished question is as of."""

    def __init__(
        self,
        archive: Archive,
        source: AccountLookupSource,
        question: AccountsQuestion,
        now: Callable[[], datetime],
    ) -> None:
        self._archive = archive
        self._source = source
        self._key = hashlib.sha256(repr(question).encode()).digest()
        self._now = now

    def stand(self) -> None:
        """See the chain as of the kept block, or keep the present one."""
        kept = self._archive.statements(self._source.name, _PINS, [self._key]).get(self._key)
        if kept:
            told = json.loads(kept)
            begun = datetime.fromisoformat(told["begun"])
            place = BlockPlace(told["height"], bytes.fromhex(told["block_hash"]))
            if self._now() - begun < GOES_ON_FOR and self._source.stand_at(place):
                return
        place = self._source.tip()
        told = {
            "begun": self._now().isoformat(),
            "height": place.height,
            "block_hash": place.block_hash.hex(),
        }
        self._keep(json.dumps(told).encode())

    def drop(self) -> None:
        """Forget the block: the question is answered, or the block is gone."""
        self._keep(b"")

    def _keep(self, content: bytes) -> None:
        self._archive.keep_statements(self._source.name, _PINS, {self._key: content})
