"""What was worked out about one subject, before it is laid out row by row.

It goes to the checkpoint file as it is and comes back the same, so it consists of texts, integers
and moments.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from arien_flows.answers.exposure_shapes import ExposureSide
from arien_flows.batch.items import Item
from arien_flows.batch.results import (
    ExposureRow,
    ExposureTotals,
    RiskTotals,
    Status,
    SummaryRow,
    TraceTotals,
    TransferRow,
)
from arien_flows.batch.rows import FaultCode
from arien_flows.errors import (
    ArienError,
    InputError,
    NotFoundError,
    StaleSnapshotError,
    UnfinishedError,
)
from arien_flows.shapes import Truncation
from arien_flows.tag_book import FoundTags
from chains.errors import AddressError

MOST_LABELS = 20
"""Names of one subject that a row shows; `tag_count` counts the tags behind all of them."""

NO_ROW = 0
"""Stands in the place of a row's number until the answer is given to one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Exposure and risk of one subject, whether an address or an entity."""

    entity: str
    """The entity that was asked about as a whole; empty where an address was."""

    sides: tuple[ExposureSide, ...]
    risk: RiskTotals | None
    cuts: tuple[Truncation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceDone:
    """One trace of a subject."""

    direction: Literal["forward", "backward"]
    totals: TraceTotals | None
    """Nothing where it could not be made."""

    transfers: tuple[TransferRow, ...]
    """In chain order."""

    cuts: tuple[str, ...]
    error_code: str
    """Why it was not made, where that is the row's fault or the program's."""

    error_detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """All that was worked out about one subject."""

    summary: SummaryRow
    exposure: tuple[ExposureRow, ...]
    traces: tuple[TraceDone, ...]
    """In the order of the item's."""


def answered(
    summary: SummaryRow, judged: Judged | None = None, traces: Sequence[TraceDone] = ()
) -> Answered:
    """Put together what the parts say of a subject."""
    if judged is None:
        return Answered(summary=summary, exposure=(), traces=tuple(traces))
    sides = {side.direction: _totals(side) for side in judged.sides}
    return Answered(
        summary=replace(
            summary,
            exposure_in=sides.get("in"),
            exposure_out=sides.get("out"),
            risk=judged.risk,
            truncations=(*summary.truncations, *sentences(judged.cuts)),
        ),
        exposure=tuple(row for side in judged.sides for row in _rows(summary, judged.entity, side)),
        traces=tuple(traces),
    )


def sentences(cuts: Iterable[Truncation]) -> tuple[str, ...]:
    """Return what is left out, one sentence each, none twice."""
    return tuple(
        dict.fromkeys(f"{cut.where} ({cut.reason}): {cut.detail}".rstrip(": ") for cut in cuts)
    )


def tag_labels(found: FoundTags) -> tuple[str, ...]:
    """Return what sources call a subject, the best one first, each name once."""
    labels = dict.fromkeys(each.stored.tag.label for each in found.shown)
    return tuple(labels)[:MOST_LABELS]


def failed(item: Item, error: Exception) -> Answered:
    """Return what a row says of which nothing could be worked out."""
    status, code, detail = explained(error)
    return Answered(
        summary=SummaryRow(
            row=NO_ROW,
            cells=(),
            status=status,
            error_code=code,
            error_detail=detail,
            network=item.network,
            subject=item.subject,
        ),
        exposure=(),
        traces=(),
    )


def no_ledger(item: Item, why: str) -> Answered:
    """Return what a row says of whose network there is no ledger."""
    found = failed(item, NotFoundError(why))
    summary = replace(found.summary, status="error", error_code="unsupported_chain")
    return replace(found, summary=summary)


def explained(error: Exception) -> tuple[Status, FaultCode, str]:
    """Return the status of a row that an error ended, the code, and what to say of it.

    What is no expected error is a bug: its kind is told, and nothing of its text, which might hold
    anything.
    """
    if isinstance(error, NotFoundError):
        return "not_found", "not_found", str(error)
    if isinstance(error, StaleSnapshotError):
        return "error", "stale", str(error)
    if isinstance(error, UnfinishedError):
        return "error", "budget", str(error)
    if isinstance(error, InputError | AddressError):
        return "invalid", "bad_value", str(error)
    if isinstance(error, ArienError):
        return "error", "failed", str(error)
    return "error", "failed", f"this is a bug ({type(error).__name__}): report it"


def _totals(side: ExposureSide) -> ExposureTotals:
    return ExposureTotals(
        total=int(side.total),
        attributed=int(side.attributed),
        coverage_percent=side.coverage_percent,
        categories=tuple((each.category, each.percent) for each in side.categories),
    )


def _rows(summary: SummaryRow, entity: str, side: ExposureSide) -> list[ExposureRow]:
    direction: Literal["in", "out"] = "in" if side.direction == "in" else "out"
    common = ExposureRow(
        row=NO_ROW,
        network=summary.network,
        subject=summary.subject,
        entity=entity,
        direction=direction,
        asset=summary.asset,
        decimals=summary.decimals,
        value=0,
        percent="",
        certainty="inference",
    )
    named = [
        replace(
            common,
            category=each.category,
            direct=int(each.direct),
            indirect=int(each.indirect),
            value=int(each.value),
            percent=each.percent,
            least_hops=each.least_hops,
        )
        for each in side.categories
    ]
    rest = [
        replace(common, reason=each.reason, value=int(each.value), percent=each.percent)
        for each in side.rest
    ]
    return named + rest
