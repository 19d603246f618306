"""What an exposure says: a partition of what came in, or went out, to the last satoshi.

Every unit is in exactly one place. Either it belongs to a *share*: the first named owner that its
path met, at a distance in entity hops (1: paid by or to that owner directly). Or it belongs to the
*rest*, by the reason why its path ended before anybody was named. What lies behind a named owner is
that owner's business and is never attributed through it.

A share is an attribution where a source names the very address that was met. It is an inference
where the name is another address's of the same entity, or where a rule takes the transaction for a
CoinJoin: then the share is as good as that rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from arien_flows.shapes import Certainty, Truncation
from heuristics.conservation import ConservationError

COINJOIN = "coinjoin"
"""Category of what came out of, or went into, a CoinJoin."""

IN, OUT = "in", "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureShare:
    """The part of the value whose paths meet one named owner first, at one distance."""

    category: str
    """Risk category (`attribution.categories`)."""

    label: str
    """What the best tag calls the owner; `CoinJoin` where a rule found one."""

    confidence: int
    """0 to 100, of all sources together; of the weaker one where they name different actors. Of a
    CoinJoin the least figure that is published for any design."""

    hops: int
    """Entities from the subject to the owner: 1 is direct, 2 and more are indirect."""

    value: int
    """Base units."""

    documents: tuple[str, ...]
    """SHA-256 of each document that names the owner, ascending; none for a CoinJoin."""

    certainty: Certainty
    """`attribution` or `inference`."""

    actor: str | None = None
    """Id of the owner in the public list of actors, where the tags have one."""

    is_disputed: bool = False
    """Whether sources contradict each other (`attribution.owner`)."""

    stated: int | None = None
    """The confidence before another actor's claim lowered it; nothing where a rule names it."""

    entity: str = ""
    """First-seen address of the entity that was met, or of the largest one where it goes by one
    name with others; empty for a CoinJoin."""

    entities: int = 1
    """Entities that go by this name."""

    transaction: str = ""
    """Id of the transaction in which the largest single amount met the owner."""

    @property
    def is_direct(self) -> bool:
        """Whether the owner paid, or was paid by, the subject itself."""
        return self.hops == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What an owner received, or paid, in a time: shares and rest sum to the total.

    Raises `ConservationError` where they do not.
    """

    direction: str
    """`in` or `out`."""

    total: int
    """Base units that came from outside, or went there; fees that were paid are among the
    latter."""

    shares: tuple[ExposureShare, ...]
    """The largest first."""

    rest: Mapping[str, int]
    """By reason, in the order of the rules: what no named owner was found for."""

    truncations: tuple[Truncation, ...] = ()
    """Where limits cut paths that might have met somebody."""

    transactions: int = 0
    """Transactions of the subject that the total was moved by."""

    followed: int = 0
    """Other transactions that paths went through."""

    min_value: int = 1
    """The smallest amount that was followed beyond the first owner."""

    def __post_init__(self) -> None:
        values = [share.value for share in self.shares] + list(self.rest.values())
        if any(value <= 0 for value in values):
            raise ConservationError("a part of an exposure is worth nothing, or less")
        if sum(values) != self.total:
            raise ConservationError(
                f"{self.total} sat were moved and {sum(values)} sat accounted for"
            )

    @property
    def attributed(self) -> int:
        """Base units with a name."""
        return sum(share.value for share in self.shares)

    @property
    def unattributed(self) -> int:
        """Base units without one, whatever the reason."""
        return sum(self.rest.values())

    @property
    def direct(self) -> int:
        """Base units that a named owner paid or received directly."""
        return sum(share.value for share in self.shares if share.is_direct)
