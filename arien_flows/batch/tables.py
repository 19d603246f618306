"""The tables of a batch as CSV: RFC 4180, UTF-8, the same bytes for the same answers.

`safe_text` keeps spreadsheets from running what stands in a cell; what the program itself writes
as a number stays one. Rows are written as they come, so that a table need not fit the memory; they
have to come in the order of the input.

`errors.csv` can be corrected and sent again: it has the columns of the input, and `read_table`
leaves out the four that are added.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from arien_flows.batch.results import ExposureRow, RunFacts, SummaryRow, TransferRow
from arien_flows.batch.rows import RowFault
from arien_flows.batch.table_columns import (
    EXPOSURE,
    Cell,
    Column,
    error_columns,
    summary_columns,
    transfer_columns,
)
from arien_flows.reports.cells import safe_text

R = TypeVar("R")


def write_summary(
    path: Path, header: Sequence[str], rows: Iterable[SummaryRow], *, with_mark: bool = False
) -> int:
    """Write `summary.csv`, a line for each row of the input; return how many.

    `with_mark` puts the mark in front by which Excel knows UTF-8.
    """
    return _write(path, summary_columns(header), rows, with_mark=with_mark)


def write_exposure(path: Path, rows: Iterable[ExposureRow], *, with_mark: bool = False) -> int:
    """Write `exposure.csv`, a line for each part of each row's exposure; return how many."""
    return _write(path, EXPOSURE, rows, with_mark=with_mark)


def write_transfers(
    path: Path, facts: RunFacts, rows: Iterable[TransferRow], *, with_mark: bool = False
) -> int:
    """Write `transfers.csv`, a line for each movement of traced money; return how many."""
    columns = transfer_columns(facts.run_id, facts.currency)
    return _write(path, columns, rows, with_mark=with_mark)


def write_errors(
    path: Path, header: Sequence[str], faults: Iterable[RowFault], *, with_mark: bool = False
) -> int:
    """Write `errors.csv`, a line for each row that has no answer; return how many."""
    return _write(path, error_columns(header), faults, with_mark=with_mark)


def _write(path: Path, columns: Sequence[Column[R]], rows: Iterable[R], *, with_mark: bool) -> int:
    count = 0
    encoding = "utf-8-sig" if with_mark else "utf-8"
    with path.open("w", encoding=encoding, newline="") as stream:
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow([safe_text(column.name) for column in columns])
        for row in rows:
            writer.writerow([_shown(column.cell(row)) for column in columns])
            count += 1
    return count


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    return safe_text(cell) if isinstance(cell, str) else str(cell)
