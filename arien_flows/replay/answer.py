"""What a replay answers."""

from dataclasses import dataclass
from typing import Literal

from arien_flows.shapes import Shape

Outcome = Literal["same", "different", "inputs_changed", "stale", "not_here"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputChange(Shape):
    """Something that the answer stood on and that is another now."""

    name: str
    """Field of the manifest, as `tags_sha256`."""

    then: str
    """What the manifest says."""

    now: str
    """What the replay stood on."""

    advice: str
    """What to do to get the answer of then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Shape):
    """A place at which two answers differ."""

    path: str
    """Where, as `totals.by_reason.unspent` or `leaves[3].traced`."""

    then: str
    """What the file says, as JSON; empty where it says nothing."""

    now: str
    """What the replay says, as JSON; empty where it says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed(Shape):
    """Whether an answer could be made again, and whether it is the same."""

    outcome: Outcome
    """`same`: the result hash is equal. `different`: it is not, from the same inputs; or it is, and
    the file tells of a run that was another. `inputs_changed`: it is not, and something that the
    answer stood on is another now. `stale`: its last block was removed from the chain. `not_here`:
    the ledger does not hold that block, and none of the answer's contradicts it."""

    detail: str
    """The same in a sentence, with what to do."""

    kind: str
    """What was run: `trace`, `comparison`, `path`, `taint`, `exposure` or `risk`; on networks of
    accounts `account_trace`, `account_comparison`, `account_exposure` or `account_risk`."""

    network: str
    """Name of the network."""

    height: int
    """Height of the last block that the answer knows of."""

    block_hash: str
    """Hash of that block."""

    expected_sha256: str
    """Result hash of the file."""

    found_sha256: str | None
    """Result hash of the replay; nothing where none could be made."""

    parts_after: int | None
    """Height of the last block known to be in both chains, where the answer is stale."""

    parts_by: int | None
    """Height of the first block known to be in one of them only; right after `parts_after` where
    that is near the tip."""

    changed: tuple[InputChange, ...]
    """What the answer stood on that is another now, and what the manifest says of the run that
    does not hold of the replay."""

    sections: tuple[str, ...]
    """Parts of the answer that differ, as far as the file holds the answer."""

    differences: tuple[Difference, ...]
    """The first places at which they differ."""

    more_differences: int
    """Further places."""

    version_then: str
    """Version of the program that made the answer."""

    version_now: str
    """Version of the program that made it again."""
