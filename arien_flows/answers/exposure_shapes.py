"""Exposure, in the shape in which it leaves the program."""

from dataclasses import dataclass
from datetime import datetime

from arien_flows.shapes import Certainty, ChainAnswer, Shape
from arien_flows.tracing.manifest_answer import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureRequestShape(Shape):
    """The question as it was understood."""

    subjects: tuple[str, ...]
    """Whose exposure: addresses, or `entity:ADDRESS`; several count as one."""

    directions: tuple[str, ...]
    """`in` (where money came from) or `out` (where it went), or both."""

    policy: str
    """The accounting convention: `haircut`, in every transaction pro rata."""

    since: datetime | None
    """What moved before is not counted."""

    until: datetime | None
    """What moved after is not counted."""

    horizon_days: int | None
    """How far back (or on) from what is counted money is followed; nothing for without end."""

    max_hops: int
    """Entities up to the named owner, who is counted."""

    min_value: str | None
    """Smallest amount followed, in base units; nothing where it was found by the budget."""

    budget: int
    """Transactions that may be gone through in one direction."""

    min_confidence: int
    """Confidence, of 100, from which a tag names an owner."""

    fan_out_outputs: int
    """Transactions with more outputs are payouts to many, ..."""

    fan_out_percent: int
    """... not gone through where less than this percentage of them is followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryExposure(Shape):
    """The parts of all owners of one category."""

    category: str
    """Risk category."""

    direct: str
    """One entity away, in base units."""

    indirect: str
    """Further away."""

    value: str
    """Both together."""

    percent: str
    """Of the total, with two digits; rounded so that all rows of both tables sum to 100.00."""

    least_hops: int
    """Distance of the nearest of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestExposure(Shape):
    """What no named owner was found for."""

    reason: str
    """Why paths ended, in a word that programs may rely on."""

    meaning: str
    """What that is, in this direction."""

    value: str
    """In base units."""

    percent: str
    """Of the total, as in the other table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerExposure(Shape):
    """The part of one named owner at one distance."""

    label: str
    """What the best tag calls the owner; `CoinJoin` where a rule takes the transaction for one."""

    category: str
    """Risk category."""

    actor: str | None
    """Id of the owner in the public list of actors."""

    hops: int
    """Entities up to the owner: 1 is direct."""

    value: str
    """In base units."""

    confidence: int
    """0 to 100, of all sources; of the weaker claim where they name different actors. Of a CoinJoin
    the least figure that is published for any design."""

    is_disputed: bool
    """Whether sources contradict each other."""

    certainty: Certainty
    """`attribution` where a source names the very address; `inference` where it names another one
    of its entity, or where a rule takes the transaction for a CoinJoin."""

    documents: tuple[str, ...]
    """SHA-256 of each document that the name rests on."""

    entity: str
    """First-seen address of the entity that was met (of several, the one with most of the value);
    empty for CoinJoins."""

    entities: int
    """Entities that go by this name here."""

    transaction: str
    """Where the largest single amount met the owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureSide(Shape):
    """One direction. `total` is the sum of `categories` and `rest`, exactly."""

    direction: str
    """`in` or `out`."""

    total: str
    """What came from outside, or went there, in base units; paid fees are among the latter."""

    attributed: str
    """What a named owner was found for."""

    direct: str
    """Of that: one entity away. No limit cuts this part."""

    indirect: str
    """Of that: further away."""

    unattributed: str
    """The rest, whatever the reason. It is not clean: nobody is known."""

    coverage_percent: str
    """Attributed, as a percentage of the total."""

    categories: tuple[CategoryExposure, ...]
    """The largest first."""

    rest: tuple[RestExposure, ...]
    """The largest first."""

    owners: tuple[OwnerExposure, ...]
    """The largest first."""

    owners_left_out: int
    """Rows past the limit of `owners`."""

    owners_left_out_value: str
    """Their sum."""

    transactions: int
    """Transactions of the subject that moved the total."""

    followed: int
    """Other transactions that money was followed through."""

    min_value: str
    """Smallest amount that was followed beyond the subject's direct counterparties."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureAnswer(ChainAnswer):
    """Whose money somebody received, and who received theirs."""

    network: str
    """Name of the network."""

    request: ExposureRequestShape
    """The question, with every limit in force."""

    entities: tuple[str, ...]
    """First-seen addresses of the entities that the subjects belong to."""

    asset: str
    """What the amounts count."""

    decimals: int
    """Digits after the point when base units are shown as whole coins."""

    certainty: Certainty
    """Always `inference`: amounts rest on a convention, and distances on a clustering."""

    categories: str
    """Name of the map that makes categories of what tags say."""

    categories_sha256: str
    """Hash of that map."""

    sides: tuple[ExposureSide, ...]
    """One for each direction that was asked for."""

    manifest: Manifest
    """What the answer stands on, and its hash."""

    manifest_sha256: str
    """Over the request and the manifest."""
