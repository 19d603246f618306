"""What any answer stands on, in the shape in which it leaves the program.

Traces, comparisons and connections tell it alike, and a replay reads it back.
"""

from dataclasses import dataclass

from arien_flows.fetched.completeness import Origin
from arien_flows.shapes import Shape
from arien_flows.tracing.values import PriceTableUsed


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteringMade(Shape):
    """The run that made the entities."""

    profile: str
    """Its choice of rules."""

    height: int
    """Height of the last block that it saw."""

    block_hash: str
    """Hash of that block."""

    rules: dict[str, int]
    """Its rules and their versions."""

    parameters: dict[str, str]
    """What else it depended on: limits of rules, the model, the tags that bind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSeen(Shape):
    """A block of the chain that the answer stands on."""

    height: int
    """Its height."""

    block_hash: str
    """Its hash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(Shape):
    """What is needed to make the same answer again and to see that it is the same."""

    kind: str = "trace"
    """What was run: `trace`, `comparison`, `path`, `taint`, `exposure`, `flows` or `risk`."""

    program: str
    """Name of the program."""

    version: str
    """Its version."""

    network: str
    """Name of the network."""

    tip_height: int
    """Height of the last block that the answer knows of."""

    tip_hash: str
    """Hash of that block."""

    first_height: int = 0
    """Height of the first block that the ledger holds."""

    blocks: tuple[BlockSeen, ...] = ()
    """Blocks below the last one, at distances that double: where another chain parts from this
    one. None for fetched transactions."""

    rules: dict[str, int]
    """Versions of the rules that the answer rests on."""

    tags_sha256: str
    """Hash over the set of tags, whatever their order."""

    tags_are_later: bool = False
    """Whether the ledger went on past the last block that the answer knows of when it was made: the
    tags, and the owners that clusterings heed, are those of that later time."""

    clustering: str
    """Which clustering made the entities; `addresses` without one."""

    clustering_made: ClusteringMade | None = None
    """How it was made; nothing without one."""

    coinjoin_marks: str
    """`present` or `absent`: whether CoinJoins could end paths."""

    transactions_explored: int
    """Transactions looked at."""

    transactions_followed: int
    """Those of them that traced money passes through."""

    timed_out: bool = False
    """Whether the time that was asked for ran out. The budget of the request is then how many
    transactions were looked at, and the same question with that budget has the same result."""

    result_sha256: str
    """Over the answer without this manifest, as canonical JSON: sorted keys, no spaces, UTF-8."""

    fetched: Origin | None = None
    """Where the transactions come from; nothing for a ledger of whole blocks."""

    prices: tuple[PriceTableUsed, ...] = ()
    """Price tables that values were made from, in the order in which they were asked."""
