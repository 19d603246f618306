"""A row's answer as programs read it: in `rows.jsonl`, and from the service."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from arien_flows.batch.results import ExposureTotals, RiskTotals, SummaryRow, TraceTotals
from arien_flows.shapes import Certainty, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryPart(Shape):
    """One category of an exposure."""

    category: str
    """Risk category of named owners."""

    percent: str
    """Of the total of its direction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowExposure(Shape):
    """One direction of a row's exposure, in sums."""

    total: str
    """What came from outside, or went there, in base units."""

    attributed: str
    """Of that: what a named owner was found for. The rest is unknown, and not clean."""

    coverage_percent: str
    """The same as a percentage."""

    categories: tuple[CategoryPart, ...]
    """Categories of named owners, the largest first."""

    certainty: Certainty = "inference"
    """Amounts are divided pro rata."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRisk(Shape):
    """A row's score."""

    score: str
    """0 to 100."""

    band: str
    """The band of the policy that it lies in; `undetermined` where too little is known."""

    lower: str
    """Lower end of the interval."""

    upper: str
    """Upper end of the interval."""

    coverage_percent: str
    """Of the money: what was found to have a named owner."""

    certainty: Certainty = "inference"
    """A means of putting cases in order, and no finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTrace(Shape):
    """One direction of a row's trace, in sums."""

    method: str
    """Accounting convention."""

    source: str
    """What was traced, in base units."""

    by_reason: dict[str, str]
    """Where paths ended, in base units by reason."""

    fees: str
    """Traced money that went to miners, in base units."""

    destroyed: str
    """In outputs that nobody can ever spend, in base units."""

    certainty: Certainty = "inference"
    """Amounts follow from the method."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError(Shape):
    """Why a row has no answer."""

    code: str
    """Stable name of the kind of fault."""

    detail: str
    """What is wrong."""

    suggestion: str
    """What may have been meant; empty where nothing comes to mind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow(Shape):
    """All that is said of one row of a table. Nothing stands for not asked or not known."""

    row: int
    """Place in the file as a spreadsheet counts it: from 1, the header counted."""

    cells: dict[str, str]
    """The cells of the row by the names of their columns, as they stood."""

    status: str
    """`ok`, `truncated` (answered, something is left out), `not_found`, `invalid` or `error`."""

    error: RowError | None
    """Why it has no answer."""

    duplicate_of: int | None
    """The first row that asks the same; its answer is repeated here."""

    network: str
    """Name of the network."""

    subject: str
    """The address in canonical text, the transaction's id, or `txid:vout`."""

    asset: str
    """What amounts count."""

    decimals: int
    """Digits after the point when base units are shown as whole coins."""

    transaction_count: int | None
    """Transactions that touch the address."""

    received: str | None
    """Sum of all that was paid to it, in base units."""

    sent: str | None
    """Sum of all that it spent."""

    balance: str | None
    """What it holds as of the last block."""

    first_seen: datetime | None
    """Time of the block of the first transaction that touches it."""

    last_seen: datetime | None
    """Time of the block of the last one."""

    entity: str
    """First-seen address of the entity that rules put it into: an inference."""

    entity_address_count: int | None
    """Addresses that the entity joins."""

    tags: tuple[str, ...]
    """What sources call it or its entity, the best one first: attributions."""

    tag_count: int | None
    """Tags of it and its entity."""

    exposure_in: RowExposure | None
    """Whose money was received."""

    exposure_out: RowExposure | None
    """Who received the money."""

    risk: RowRisk | None
    """The score."""

    forward: RowTrace | None
    """Where the money went."""

    backward: RowTrace | None
    """Where the money came from."""

    truncations: tuple[str, ...]
    """What is left out of the answer, one sentence each."""

    remarks: tuple[str, ...]
    """How the row was understood where that was not plain."""


def batch_row(header: Sequence[str], row: SummaryRow) -> BatchRow:
    """Return a row's answer as programs read it."""
    error = None
    if row.error_code:
        error = RowError(code=row.error_code, detail=row.error_detail, suggestion=row.suggestion)
    return BatchRow(
        row=row.row,
        cells=dict(zip(header, row.cells, strict=False)),
        status=row.status,
        error=error,
        duplicate_of=row.duplicate_of,
        network=row.network,
        subject=row.subject,
        asset=row.asset,
        decimals=row.decimals,
        transaction_count=row.transaction_count,
        received=_text(row.received),
        sent=_text(row.sent),
        balance=_text(row.balance),
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        entity=row.entity,
        entity_address_count=row.entity_address_count,
        tags=row.tags,
        tag_count=row.tag_count,
        exposure_in=_exposure(row.exposure_in),
        exposure_out=_exposure(row.exposure_out),
        risk=_risk(row.risk),
        forward=_trace(row.forward),
        backward=_trace(row.backward),
        truncations=row.truncations,
        remarks=row.remarks,
    )


def _text(amount: int | None) -> str | None:
    return None if amount is None else str(amount)


def _exposure(totals: ExposureTotals | None) -> RowExposure | None:
    if totals is None:
        return None
    return RowExposure(
        total=str(totals.total),
        attributed=str(totals.attributed),
        coverage_percent=totals.coverage_percent,
        categories=tuple(
            CategoryPart(category=name, percent=percent) for name, percent in totals.categories
        ),
    )


def _risk(totals: RiskTotals | None) -> RowRisk | None:
    if totals is None:
        return None
    return RowRisk(
        score=totals.score,
        band=totals.band,
        lower=totals.lower,
        upper=totals.upper,
        coverage_percent=totals.coverage_percent,
    )


def _trace(totals: TraceTotals | None) -> RowTrace | None:
    if totals is None:
        return None
    return RowTrace(
        method=totals.method,
        source=str(totals.source),
        by_reason={why: str(amount) for why, amount in totals.by_reason},
        fees=str(totals.fees),
        destroyed=str(totals.destroyed),
    )
