"""From rows to distinct work: each subject is looked at once, however many rows name it.

Rows of one subject may ask for different traces; then the subject has several, each once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from arien_flows.batch.request import BatchRequest, BatchTrace, ways_of
from arien_flows.batch.rows import InputRow, SubjectKind


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceAsked:
    """One trace of one subject, with what the row and the batch say taken together."""

    direction: Literal["forward", "backward"]
    policy: str
    max_hops: int
    min_value: int | None
    since: datetime | None
    until: datetime | None
    horizon_days: int | None
    budget: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """All that rows with one subject ask."""

    network: str
    subject: str
    kind: SubjectKind
    traces: tuple[TraceAsked, ...]
    """Distinct, in the order of the rows that ask for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The distinct items of a table, and which of them answers each row."""

    items: tuple[Item, ...]
    """In the order in which they come up."""

    item_of_row: tuple[int, ...]
    """Place of each row's item."""

    traces_of_row: tuple[tuple[int, ...], ...]
    """Places of each row's traces among those of its item."""


def work_of(rows: Sequence[InputRow], request: BatchRequest) -> Work:
    """Return what has to be computed for the rows of a table."""
    places: dict[tuple[str, str], int] = {}
    heads: list[InputRow] = []
    traces: list[dict[TraceAsked, int]] = []
    item_of_row: list[int] = []
    traces_of_row: list[tuple[int, ...]] = []
    for row in rows:
        place = places.setdefault((row.network, row.subject), len(heads))
        if place == len(heads):
            heads.append(row)
            traces.append({})
        known = traces[place]
        wanted = asked_of(row, request.trace)
        traces_of_row.append(tuple(known.setdefault(each, len(known)) for each in wanted))
        item_of_row.append(place)
    items = tuple(
        Item(network=row.network, subject=row.subject, kind=row.kind, traces=tuple(known))
        for row, known in zip(heads, traces, strict=True)
    )
    return Work(items=items, item_of_row=tuple(item_of_row), traces_of_row=tuple(traces_of_row))


def asked_of(row: InputRow, trace: BatchTrace | None) -> list[TraceAsked]:
    """Return the traces of a row; none where the batch makes none."""
    if trace is None:
        return []
    least = None if trace.min_value is None else int(trace.min_value)
    return [
        TraceAsked(
            direction=way,
            policy=row.method or trace.policy,
            max_hops=trace.max_hops if row.max_hops is None else row.max_hops,
            min_value=least if row.min_value is None else row.min_value,
            since=row.since,
            until=row.until,
            horizon_days=trace.horizon_days,
            budget=trace.budget,
        )
        for way in ways_of(row.direction or trace.direction)
    ]
