"""Price tables: what became of each file, and what a coin was worth at a moment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np

from arien_flows.answers.tag_imports import WithdrawalAnswer
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.records import PriceImport, PriceTableRecord
from arien_flows.errors import NotFoundError
from arien_flows.shapes import Shape, shown_time
from arien_flows.tracing.fiat import rate_steps, table_used
from arien_flows.tracing.values import PriceTableUsed, RateStep


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTableAnswer(Shape):
    """One price table."""

    id: int
    """Its number, by which it is withdrawn."""

    asset: str
    """One unit of this ..."""

    currency: str
    """... in units of this."""

    source: str
    """Who states the prices, in the words of whoever imported them."""

    licence: str | None
    """Terms on which they were given."""

    file: str
    """Name of the file."""

    sha256: str
    """Hash of the file's bytes, which the casebook keeps."""

    column: str
    """Column of the file that was read; `value` where it has none."""

    granularity: str
    """How far apart the points are: `hour`, `day`, `business_day`, or seconds as `900 s`."""

    points: int
    """Prices in the table."""

    points_sha256: str
    """Hash of the points: equal hashes give equal values."""

    first_time: datetime
    """Of the first point."""

    last_time: datetime
    """Of the last."""

    missing: int
    """Points that are absent between these two."""

    longest_gap_seconds: int
    """The most seconds between two neighbours."""

    absent: int
    """Rows that state that there is no price."""

    repeated: int
    """Rows that say what another row says."""

    faulty: int
    """Rows that could not be used."""

    imported_at: datetime
    """When it was imported."""

    imported_by: str
    """By whom."""

    withdrawal: WithdrawalAnswer | None
    """Why it no longer counts; nothing for one that does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyPriceAnswer(Shape):
    """A row of a file that could not be used."""

    line: int
    """Line of the file, from 1; in JSON the number of the entry."""

    text: str
    """What stands there, shortened."""

    fault: str
    """What is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceReport(Shape):
    """What became of a file that was offered."""

    file: str
    """Name of the file."""

    result: Literal["imported", "already_imported", "refused"]
    """Whether it was taken in now, was there before, or cannot be read as prices."""

    table: PriceTableAnswer | None
    """The table; nothing for a file that was refused."""

    faults: tuple[FaultyPriceAnswer, ...]
    """All rows that could not be used; the others were."""

    error: str | None
    """Why the file was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceAnswer(Shape):
    """What one unit of an asset was worth at a moment."""

    asset: str
    """One unit of this ..."""

    currency: str
    """... in units of this."""

    time: datetime
    """The moment that was asked about."""

    rate: str
    """Exactly as a source states it, or derived to 18 digits."""

    rate_time: datetime
    """Time that the table gives the asset's price."""

    steps: tuple[RateStep, ...]
    """Where the rate is from: one price, or two where it is converted from another currency."""

    tables: tuple[PriceTableUsed, ...]
    """The tables of the steps."""


def price_report(outcome: PriceImport) -> PriceReport:
    """Return what became of a file that could be read."""
    return PriceReport(
        file=outcome.record.origin.file,
        result="imported" if outcome.is_new else "already_imported",
        table=table_answer(outcome.record),
        faults=tuple(
            FaultyPriceAnswer(line=row.line, text=row.text, fault=row.fault)
            for row in outcome.faults
        ),
        error=None,
    )


def refused_prices(file: str, error: str) -> PriceReport:
    """Return what became of a file that holds no prices."""
    return PriceReport(file=file, result="refused", table=None, faults=(), error=error)


def price_tables(casebook: Casebook) -> list[PriceTableAnswer]:
    """Return all tables in the order of their import, withdrawn ones included."""
    return [table_answer(record) for record in casebook.price_tables()]


def price_answer(casebook: Casebook, asset: str, currency: str, moment: datetime) -> PriceAnswer:
    """Return the price in force at a moment; `NotFoundError` where there is none."""
    book = casebook.price_book(asset, currency)
    if book.is_empty:
        raise NotFoundError(
            f"the casebook holds no prices from which {asset} can be valued in {currency}: import "
            f"them with `arien-flows prices import FILE --asset {asset} --currency {currency} "
            "--source TEXT`"
        )
    found = book.rates(np.array([int(moment.timestamp())], np.int64))
    if not found.rates:
        raise NotFoundError(
            f"no price of {asset} in {currency} is in force at {shown_time(moment)}: `arien-flows "
            "prices list` shows from when to when each table reaches"
        )
    steps = rate_steps(found.rates[0])
    return PriceAnswer(
        asset=asset,
        currency=currency,
        time=moment,
        rate=found.rates[0].text,
        rate_time=steps[0].time,
        steps=steps,
        tables=tuple(map(table_used, found.tables)),
    )


def table_answer(record: PriceTableRecord) -> PriceTableAnswer:
    """Return a price table as answers show it."""
    withdrawal = record.withdrawal
    return PriceTableAnswer(
        id=record.id,
        asset=record.asset,
        currency=record.currency,
        source=record.origin.source,
        licence=record.origin.licence,
        file=record.origin.file,
        sha256=record.origin.sha256,
        column=record.origin.column,
        granularity=record.granularity,
        points=record.points,
        points_sha256=record.points_sha256,
        first_time=record.first_time,
        last_time=record.last_time,
        missing=record.missing,
        longest_gap_seconds=record.longest_gap,
        absent=record.absent,
        repeated=record.repeated,
        faulty=record.faulty,
        imported_at=record.imported_at,
        imported_by=record.imported_by,
        withdrawal=None
        if withdrawal is None
        else WithdrawalAnswer(
            reason=withdrawal.reason,
            withdrawn_at=withdrawal.withdrawn_at,
            withdrawn_by=withdrawal.withdrawn_by,
        ),
    )
