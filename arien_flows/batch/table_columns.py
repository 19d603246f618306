"""The columns of the tables that a batch writes, the same in CSV and in the workbook.

Amounts stand in base units, exactly, and beside that in whole coins. The columns of the input come
first and keep their names, but where one of ours is called the same: then ` (input)` follows.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Generic, TypeVar

from arien_flows.amounts import Asset, plain_amount
from arien_flows.batch.columns import ERROR_COLUMNS
from arien_flows.batch.results import (
    ExposureRow,
    ExposureTotals,
    RiskTotals,
    SummaryRow,
    TraceTotals,
    TransferRow,
)
from arien_flows.batch.rows import RowFault
from arien_flows.shapes import shown_time

R = TypeVar("R")
Cell = str | int | None
"""A text, a count or an amount in base units, or nothing."""


class Kind(Enum):
    """What a column holds."""

    TEXT = "text"
    COUNT = "count"
    BASE_UNITS = "base_units"
    """An amount, exactly; as an integer."""

    COINS = "coins"
    """An amount in whole coins, exactly; as decimal text."""

    FIGURE = "figure"
    """A percentage or a score, as decimal text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[R]):
    """One column: its name, what it holds, and how a row fills it."""

    name: str
    kind: Kind
    cell: Callable[[R], Cell]


def _text(name: str, cell: Callable[[R], str | None]) -> Column[R]:
    return Column(name=name, kind=Kind.TEXT, cell=cell)


def _count(name: str, cell: Callable[[R], int | None]) -> Column[R]:
    return Column(name=name, kind=Kind.COUNT, cell=cell)


def _base(name: str, cell: Callable[[R], int | None]) -> Column[R]:
    return Column(name=name, kind=Kind.BASE_UNITS, cell=cell)


def _coins(name: str, cell: Callable[[R], str | None]) -> Column[R]:
    return Column(name=name, kind=Kind.COINS, cell=cell)


def _figure(name: str, cell: Callable[[R], str | None]) -> Column[R]:
    return Column(name=name, kind=Kind.FIGURE, cell=cell)


def _time(name: str, cell: Callable[[R], datetime | None]) -> Column[R]:
    def shown(row: R) -> str | None:
        moment = cell(row)
        return None if moment is None else shown_time(moment)

    return _text(name, shown)


def _whole(amount: int | None, asset: str, decimals: int) -> str | None:
    return None if amount is None else plain_amount(amount, Asset(name=asset, decimals=decimals))


def _exposure(
    side: str, of: Callable[[SummaryRow], ExposureTotals | None]
) -> list[Column[SummaryRow]]:
    def part(take: Callable[[ExposureTotals], R]) -> Callable[[SummaryRow], R | None]:
        return lambda row: None if (found := of(row)) is None else take(found)

    return [
        _base(f"exposure_{side}_base", part(lambda each: each.total)),
        _base(f"exposure_{side}_attributed_base", part(lambda each: each.attributed)),
        _figure(f"exposure_{side}_coverage_percent", part(lambda each: each.coverage_percent)),
        _text(
            f"exposure_{side}_categories",
            part(lambda each: "; ".join(f"{name} {share} %" for name, share in each.categories)),
        ),
    ]


def _risk() -> list[Column[SummaryRow]]:
    def part(take: Callable[[RiskTotals], str]) -> Callable[[SummaryRow], str | None]:
        return lambda row: None if row.risk is None else take(row.risk)

    return [
        _figure("risk_score", part(lambda each: each.score)),
        _text("risk_band", part(lambda each: each.band)),
        _figure("risk_lower", part(lambda each: each.lower)),
        _figure("risk_upper", part(lambda each: each.upper)),
        _figure("risk_coverage_percent", part(lambda each: each.coverage_percent)),
    ]


def _trace(
    direction: str, of: Callable[[SummaryRow], TraceTotals | None]
) -> list[Column[SummaryRow]]:
    def part(take: Callable[[TraceTotals], R]) -> Callable[[SummaryRow], R | None]:
        return lambda row: None if (found := of(row)) is None else take(found)

    def ends(each: TraceTotals, *reasons: str) -> int:
        return sum(amount for reason, amount in each.by_reason if reason in reasons)

    def others(each: TraceTotals) -> int:
        told = ends(each, "service_reached", "unspent")
        return sum(amount for _, amount in each.by_reason) - told

    return [
        _text(f"{direction}_method", part(lambda each: each.method)),
        _base(f"{direction}_source_base", part(lambda each: each.source)),
        _base(f"{direction}_at_services_base", part(lambda each: ends(each, "service_reached"))),
        _base(f"{direction}_unspent_base", part(lambda each: ends(each, "unspent"))),
        _base(f"{direction}_other_ends_base", part(others)),
        _base(f"{direction}_fees_base", part(lambda each: each.fees)),
        _base(f"{direction}_destroyed_base", part(lambda each: each.destroyed)),
        _text(
            f"{direction}_ends",
            part(lambda each: "; ".join(f"{reason} {sum_}" for reason, sum_ in each.by_reason)),
        ),
    ]


SUMMARY: Sequence[Column[SummaryRow]] = (
    _count("row", lambda row: row.row),
    _text("status", lambda row: row.status),
    _text("error_code", lambda row: row.error_code),
    _text("error_detail", lambda row: row.error_detail),
    _text("suggestion", lambda row: row.suggestion),
    _count("duplicate_of", lambda row: row.duplicate_of),
    _text("chain", lambda row: row.network),
    _text("subject", lambda row: row.subject),
    _text("asset", lambda row: row.asset),
    _count("transaction_count", lambda row: row.transaction_count),
    _base("received_base", lambda row: row.received),
    _coins("received", lambda row: _whole(row.received, row.asset, row.decimals)),
    _base("sent_base", lambda row: row.sent),
    _coins("sent", lambda row: _whole(row.sent, row.asset, row.decimals)),
    _base("balance_base", lambda row: row.balance),
    _coins("balance", lambda row: _whole(row.balance, row.asset, row.decimals)),
    _time("first_seen_utc", lambda row: row.first_seen),
    _time("last_seen_utc", lambda row: row.last_seen),
    _text("entity", lambda row: row.entity),
    _count("entity_address_count", lambda row: row.entity_address_count),
    _count("tag_count", lambda row: row.tag_count),
    _text("tags", lambda row: "; ".join(row.tags)),
    *_exposure("in", lambda row: row.exposure_in),
    *_exposure("out", lambda row: row.exposure_out),
    *_risk(),
    *_trace("forward", lambda row: row.forward),
    *_trace("backward", lambda row: row.backward),
    _text("truncations", lambda row: "; ".join(row.truncations)),
    _text("remarks", lambda row: "; ".join(row.remarks)),
)
"""What stands behind the columns of the input."""

EXPOSURE: Sequence[Column[ExposureRow]] = (
    _count("row", lambda row: row.row),
    _text("chain", lambda row: row.network),
    _text("subject", lambda row: row.subject),
    _text("entity", lambda row: row.entity),
    _text("direction", lambda row: row.direction),
    _text("category", lambda row: row.category),
    _text("unattributed_reason", lambda row: row.reason),
    _text("asset", lambda row: row.asset),
    _base("direct_base", lambda row: row.direct),
    _base("indirect_base", lambda row: row.indirect),
    _base("value_base", lambda row: row.value),
    _coins("value", lambda row: _whole(row.value, row.asset, row.decimals)),
    _figure("percent", lambda row: row.percent),
    _count("least_hops", lambda row: row.least_hops),
    _text("certainty", lambda row: row.certainty),
)


def transfer_columns(run_id: str, currency: str | None) -> Sequence[Column[TransferRow]]:
    """Return the columns of transfers; that of values is called after the run's currency."""
    return (
        _text("run_id", lambda _: run_id),
        _count("row", lambda row: row.row),
        _text("chain", lambda row: row.network),
        _text("txid", lambda row: row.txid),
        _count("vout", lambda row: row.vout),
        _count("log_index", lambda row: row.log_index),
        _count("block_height", lambda row: row.block_height),
        _time("block_time_utc", lambda row: row.block_time),
        _text("from_address", lambda row: row.from_address),
        _text("from_label", lambda row: row.from_label),
        _text("to_address", lambda row: row.to_address),
        _text("to_label", lambda row: row.to_label),
        _text("asset", lambda row: row.asset),
        _base("value_base", lambda row: row.value),
        _coins("value", lambda row: _whole(row.value, row.asset, row.decimals)),
        _figure(f"value_{(currency or 'usd').lower()}", lambda row: row.value_fiat),
        _text("price_source", lambda row: row.price_source),
        _time("price_time_utc", lambda row: row.price_time),
        _count("hop", lambda row: row.hop),
        _text("method", lambda row: row.method),
        _figure("share", _share),
        _text("certainty", lambda row: row.certainty),
        _text("stop_reason", lambda row: row.stop_reason),
        _text("direction", lambda row: row.direction),
        _base("traced_base", lambda row: row.traced),
    )


def _share(row: TransferRow) -> str:
    """Return the traced part of a value, with six digits, rounded down: `traced_base` is exact."""
    if not row.value:
        return ""
    parts = row.traced * 10**6 // row.value
    return f"{parts // 10**6}.{parts % 10**6:06d}"


def summary_columns(header: Sequence[str]) -> Sequence[Column[SummaryRow]]:
    """Return the columns of a summary: those of the input, then ours."""
    ours = {column.name for column in SUMMARY}
    return (*_of_input(header, ours, lambda row: row.cells), *SUMMARY)


def error_columns(header: Sequence[str]) -> Sequence[Column[RowFault]]:
    """Return the columns of the errors: those of the input as they are, then what is wrong."""
    cells: Sequence[Callable[[RowFault], Cell]] = (
        lambda row: row.row,
        lambda row: row.code,
        lambda row: row.detail,
        lambda row: row.suggestion,
    )
    added = [
        Column(name=name, kind=Kind.TEXT if i else Kind.COUNT, cell=cell)
        for i, (name, cell) in enumerate(zip(ERROR_COLUMNS, cells, strict=True))
    ]
    return (*_of_input(header, (), lambda row: row.cells), *added)


def _of_input(
    header: Sequence[str], taken: Iterable[str], cells: Callable[[R], Sequence[str]]
) -> list[Column[R]]:
    avoided = set(taken)

    def nth(place: int) -> Callable[[R], Cell]:
        return lambda row: cells(row)[place]

    return [
        Column(
            name=f"{name} (input)" if name.strip().lower() in avoided else name,
            kind=Kind.TEXT,
            cell=nth(place),
        )
        for place, name in enumerate(header)
    ]
