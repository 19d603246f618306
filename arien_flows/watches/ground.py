"""What following needs of a ledger, whether it keeps coins or accounts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from arien_flows.answers.tags import naming
from arien_flows.answers.watch_shapes import AlertDetail, Counterpart
from arien_flows.casebook.watch_records import Found, MoveDirection, Watch
from arien_flows.shapes import json_text
from arien_flows.tag_book import FoundTags

MOST_COUNTERPARTS = 10
"""Listed in an alert, the largest; all are counted."""


class Ground(Protocol):
    """One state of a ledger, with the entities that are known of it."""

    @property
    def first_height(self) -> int:
        """The first block that the ledger holds."""

    @property
    def top(self) -> int:
        """The last one; below the first where there is none."""

    @property
    def clustering(self) -> str | None:
        """The run that entities are taken from; nothing where there is none."""

    @property
    def clustered_height(self) -> int | None:
        """The last block that this run knew."""

    def hash_at(self, height: int) -> str | None:
        """Return the hash of a block; nothing for one that the ledger does not hold."""

    def time_at(self, height: int) -> datetime:
        """Return the time that the header of a block states."""

    def holds(self, txid: str) -> bool:
        """Tell whether a transaction stands in the ledger and moves the same as ever."""

    def news(self, watches: Sequence[Watch], first: int, last: int) -> Iterator[Found]:
        """Yield what moves watched subjects in blocks `first` to `last`; costs what they hold."""

    def past(self, watch: Watch, first: int, last: int) -> Iterator[Found]:
        """Yield what moved one subject in blocks `first` to `last`; costs what it did there."""

    def transactions_since(self, subject: str, height: int) -> int:
        """Return how much a look into a subject's past from a height on has to read at most."""


def net_direction(received: int, sent: int) -> MoveDirection:
    """Return which way something went; what gave back as much as it took went out."""
    return "in" if received > sent else "out"


def counts(watch: Watch, direction: MoveDirection, change: int) -> bool:
    """Tell whether a change is one that a watch is about."""
    return watch.direction in (direction, "both") and change >= watch.min_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a transaction stands."""

    txid: str
    height: int
    block_hash: str
    time: datetime


def found_at(
    watch: Watch,
    at: Standing,
    direction: MoveDirection,
    detail: AlertDetail,
    *,
    is_fact: bool,
) -> Found:
    """Return what is to be raised for a watch."""
    return Found(
        watch=watch,
        txid=at.txid,
        height=at.height,
        block_hash=at.block_hash,
        block_time=at.time,
        direction=direction,
        certainty="fact" if is_fact else "inference",
        detail=json_text(detail),
    )


def is_in_time(watch: Watch, at: Standing) -> bool:
    """Tell whether a watch looks at a block."""
    return at.height >= watch.begins_at and (watch.until is None or at.time <= watch.until)


def by_key(watches: Sequence[Watch], key_of: Mapping[str, int]) -> dict[int, list[Watch]]:
    """Return watches by the number or root that their subject has; unused subjects are left out."""
    found: dict[int, list[Watch]] = {}
    for watch in watches:
        key = key_of.get(watch.subject)
        if key is not None:
            found.setdefault(key, []).append(watch)
    return found


def said(tags: FoundTags, on: date) -> tuple[str | None, str | None]:
    """Return the label and the category that sources give somebody."""
    named = naming(tags, on)
    return (None, None) if named is None else (named.label, named.claims[0].category)


def largest(counterparts: Sequence[Counterpart]) -> tuple[Counterpart, ...]:
    """Return the counterparts that an alert lists: the largest, ties by address."""
    ranked = sorted(counterparts, key=lambda it: (-int(it.value), it.address, it.asset))
    return tuple(ranked[:MOST_COUNTERPARTS])
