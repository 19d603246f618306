"""What a watch and its alerts look like."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from arien_flows.shapes import Certainty, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchAnswer(Shape):
    """Something whose movements somebody wants to hear of."""

    id: str
    """`watch_…`"""

    network: str
    """Name of the network."""

    kind: Literal["address", "entity"]
    """Whether the address alone is watched, or all addresses of its entity, those included that
    join it later."""

    subject: str
    """The address, or any address of the entity."""

    profile: str | None
    """Whose entity; nothing for an address."""

    direction: Literal["in", "out", "both"]
    """Which movements count."""

    min_value: str
    """Smallest change that counts, in base units: what a transaction gave the subject, less what it
    took."""

    asset: str | None
    """On a network of accounts the one asset that counts: a token's contract, or the name of the
    coin. Nothing where all do."""

    list: str | None
    """Name of the list that it stands on."""

    owner: str
    """Who made it."""

    case_id: str | None
    """The case that it belongs to; those who see the case see the watch."""

    begins_at: int
    """Height of the first block that is looked at."""

    until: datetime | None
    """Blocks of a later time raise no alerts."""

    created_at: datetime
    """When it was made."""

    ended_at: datetime | None
    """When it was ended, or its time was over; its alerts stay."""

    version: int
    """Raised by each change; the `ETag` says it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPage(Shape):
    """A page of watches."""

    items: tuple[WatchAnswer, ...]
    """Watches, the newest first."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWatches(Shape):
    """Watches that were made."""

    items: tuple[WatchAnswer, ...]
    """One for each subject, in the order given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(Shape):
    """What a transaction did with one asset of the subject."""

    asset: str
    """What the amounts count."""

    contract: str | None
    """The token's contract; nothing for a coin."""

    decimals: int | None
    """Digits after the point when base units are shown as whole ones; nothing where not known."""

    received: str
    """What the transaction paid to the subject, in base units."""

    sent: str
    """What it took from the subject, in base units; its own change comes back as received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterpart(Shape):
    """Somebody on the other side, as it was known when the alert was raised."""

    address: str
    """Who paid, or was paid."""

    value: str
    """In base units of `asset`: what this address put into the transaction, or got out of it. Where
    several pay several, nobody can say who paid whom."""

    asset: str
    """What the value counts."""

    entity: str | None
    """The entity that rules put it into (an inference); nothing where there was no clustering."""

    label: str | None
    """Who sources say it is (an attribution). Nothing means that no loaded source names it, not
    that it is clean."""

    category: str | None
    """The category that sources put it into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDetail(Shape):
    """What an alert keeps of the moment at which it was raised."""

    moved: tuple[Moved, ...]
    """What changed for the subject, by asset."""

    counterparts: tuple[Counterpart, ...]
    """The largest on the other side."""

    counterpart_count: int
    """All of them, those included that are not listed."""

    clustering: str | None
    """The run of rules that entities were taken from; nothing where there was none."""

    as_of_height: int
    """The last block that was known then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertActAnswer(Shape):
    """One thing that happened to an alert."""

    kind: Literal["raised", "moved", "withdrawn", "confirmed_again", "acknowledged"]
    """What happened."""

    at: datetime
    """When."""

    by: str | None
    """Who did it; nothing where the chain did."""

    height: int
    """Height of the block in which the transaction stood then."""

    block_hash: str
    """Hash of that block."""

    why: str
    """In words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertAnswer(Shape):
    """A transaction that moved what somebody watches."""

    id: str
    """`alert_…`"""

    watch_id: str
    """The watch that raised it."""

    network: str
    """Name of the network."""

    subject: str
    """The watched address, or the address by which the watched entity is named."""

    profile: str | None
    """Whose entity is watched; nothing for an address."""

    case_id: str | None
    """The case that the watch belongs to."""

    txid: str
    """The transaction, as people read its id; on a network of accounts the hash of a block stands
    for what moved outside any transaction."""

    height: int
    """Height of its block."""

    block_hash: str
    """Hash of that block."""

    time: datetime
    """The time that the block's header states."""

    direction: Literal["in", "out"]
    """Whether the subject had more or less afterwards."""

    certainty: Certainty
    """`fact` where the watched address itself was touched, `inference` where only rules tie what
    was touched to it."""

    detail: AlertDetail
    """What moved, and who was on the other side."""

    created_at: datetime
    """When it was raised."""

    withdrawn_at: datetime | None
    """When a reorganisation was found to have removed the transaction; nothing while it stands."""

    acknowledged_at: datetime | None
    """When somebody said that he or she has seen it."""

    acknowledged_by: str | None
    """Who."""

    acts: tuple[AlertActAnswer, ...]
    """All that happened to it, the first thing first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPage(Shape):
    """A page of alerts."""

    items: tuple[AlertAnswer, ...]
    """Alerts, the newest first, withdrawn ones included."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""
