"""From answers about subjects to the rows of a table: each row of the input gets its own.

Rows that ask the same share one answer. What belongs to it in other tables (the parts of the
exposure, the movements of traced money) stands there once, under the first of these rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import cast

from arien_flows.batch.answered import Answered, TraceDone
from arien_flows.batch.items import Work
from arien_flows.batch.results import ExposureRow, SummaryRow, TraceTotals, TransferRow
from arien_flows.batch.rows import FaultCode, InputRow, InputTable, RowFault


@dataclass(frozen=True, slots=True, kw_only=True)
class RowAnswer:
    """All that is said of one row."""

    summary: SummaryRow
    exposure: tuple[ExposureRow, ...]
    transfers: tuple[TransferRow, ...]
    fault: RowFault | None
    """Nothing where the row has an answer."""


def row_answers(
    table: InputTable, work: Work, answer_to: Callable[[int], Answered]
) -> Iterator[RowAnswer]:
    """Yield what is said of each row, in the order of the file; one answer is held at a time."""
    first: dict[tuple[int, tuple[int, ...]], int] = {}
    asked = {row.number: (place, row) for place, row in enumerate(table.rows)}
    faulty = {fault.row: fault for fault in table.faults}
    for number in sorted({*asked, *faulty}):
        if number in faulty:
            yield _refused(faulty[number])
            continue
        place, row = asked[number]
        key = work.item_of_row[place], work.traces_of_row[place]
        same_as = first.setdefault(key, number)
        answer = answer_to(key[0])
        traces = tuple(answer.traces[each] for each in key[1] if each < len(answer.traces))
        yield _answered(row, answer, traces, None if same_as == number else same_as)


def _refused(fault: RowFault) -> RowAnswer:
    summary = SummaryRow(
        row=fault.row,
        cells=fault.cells,
        status="invalid",
        error_code=fault.code,
        error_detail=fault.detail,
        suggestion=fault.suggestion,
    )
    return RowAnswer(summary=summary, exposure=(), transfers=(), fault=fault)


def _answered(
    row: InputRow, answer: Answered, traces: tuple[TraceDone, ...], same_as: int | None
) -> RowAnswer:
    totals: dict[str, TraceTotals | None] = {each.direction: each.totals for each in traces}
    found = answer.summary
    cuts = tuple(dict.fromkeys((*found.truncations, *(c for it in traces for c in it.cuts))))
    summary = replace(
        found,
        row=row.number,
        cells=row.cells,
        duplicate_of=same_as,
        forward=totals.get("forward"),
        backward=totals.get("backward"),
        truncations=cuts,
        remarks=(*row.remarks, *found.remarks),
    )
    wrong = next((each for each in traces if each.error_code), None)
    if summary.status == "ok" and wrong is not None:
        is_of_row = wrong.error_code == "bad_value"
        summary = replace(
            summary,
            status="invalid" if is_of_row else "error",
            error_code=wrong.error_code,
            error_detail=f"trace {wrong.direction}: {wrong.error_detail}",
        )
    elif summary.status == "ok" and cuts:
        summary = replace(summary, status="truncated")
    fault = None
    if summary.error_code:
        fault = RowFault(
            row=row.number,
            cells=row.cells,
            code=cast("FaultCode", summary.error_code),
            detail=summary.error_detail,
            suggestion=summary.suggestion,
        )
    if same_as is not None:
        return RowAnswer(summary=summary, exposure=(), transfers=(), fault=fault)
    return RowAnswer(
        summary=summary,
        exposure=tuple(replace(each, row=row.number) for each in answer.exposure),
        transfers=tuple(
            replace(each, row=row.number) for trace in traces for each in trace.transfers
        ),
        fault=fault,
    )
