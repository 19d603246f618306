"""What the casebook says of watches and of the alerts that they raised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

WatchDirection = Literal["in", "out", "both"]
MoveDirection = Literal["in", "out"]

ADDRESSES = "address"
"""The lane of watched addresses; those of entities are called as their profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWatch:
    """Something whose movements somebody wants to hear of."""

    network: str
    lane: str
    """`address`, or the profile whose entity the subject stands for."""

    subject: str
    """An address in canonical text."""

    direction: WatchDirection
    min_value: int
    """Smallest change that counts, in base units."""

    asset: str | None
    """On a network of accounts the one asset that counts: a contract, or the name of the coin."""

    list_name: str | None
    begins_at: int
    """Height of the first block that is looked at."""

    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch(NewWatch):
    """A watch that is kept."""

    id: str
    owner: str
    case_id: str | None
    behind_from: int | None
    """The next height to look at, where it has yet to meet its lane."""

    created_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    """Who ended it; nobody where its time was over."""

    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchChange:
    """What a watch shall be from now on; alerts that it raised stay."""

    direction: WatchDirection
    min_value: int
    list_name: str | None
    until: datetime | None


class AlertActKind(StrEnum):
    """What happened to an alert."""

    RAISED = "raised"
    MOVED = "moved"
    """A reorganisation put the transaction into another block."""

    WITHDRAWN = "withdrawn"
    """A reorganisation removed the transaction."""

    CONFIRMED_AGAIN = "confirmed_again"
    """A transaction that was removed came back."""

    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertAct:
    """One thing that happened to an alert; nothing of it is ever changed."""

    kind: AlertActKind
    at: datetime
    by: str | None
    """Who did it; nobody where the chain did."""

    height: int
    block_hash: str
    """The block in which the transaction stood then."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A transaction that moves what somebody watches."""

    watch: Watch
    txid: str
    height: int
    block_hash: str
    block_time: datetime
    direction: MoveDirection
    certainty: Literal["fact", "inference"]
    detail: str
    """As JSON: what moved, and who was on the other side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What a watch raised."""

    id: str
    watch: Watch
    txid: str
    height: int
    block_hash: str
    block_time: datetime
    direction: str
    certainty: str
    detail: str
    created_at: datetime
    withdrawn_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    acts: tuple[AlertAct, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """Where an alert stands, as far as a reorganisation cares."""

    id: str
    watch_id: str
    txid: str
    height: int
    block_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """How far the watches of a lane were judged."""

    network: str
    name: str
    clustering: str | None
    """The run that entities were judged by last."""

    settled_height: int | None
    """Up to which that run knew all joins: what came later is judged anew with a later run."""

    blocks: Sequence[tuple[int, str]]
    """Heights and hashes of judged blocks, the last one first; not of all of them."""

    @property
    def position(self) -> int | None:
        """Return the last height that was judged; nothing where none was."""
        return self.blocks[0][0] if self.blocks else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneStep:
    """What a lane shall know after some blocks were judged."""

    blocks: Mapping[int, str]
    """Hashes by height of blocks that were judged now."""

    clustering: str | None
    settled_height: int | None

    forgotten_above: int | None = None
    """Blocks above are forgotten first: a reorganisation has removed them."""

    begin_at_latest: int | None = None
    """Watches that go with the lane and were to begin later begin here: blocks that took the place
    of others are new to them, too."""
