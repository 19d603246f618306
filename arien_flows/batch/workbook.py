"""The tables of a batch as one workbook, `report.xlsx`.

Every text is written as text: no cell becomes a formula or a link, whatever stands in it. A
spreadsheet keeps fifteen digits of a number, so amounts in base units are texts with all of their
digits; the columns in whole coins are numbers, to sort and to add by, and their names say that they
are rounded. A sheet has 1,048,576 rows: what does not fit is said in the sheet, in `About`, and to
the caller, and stands whole in the CSV file.

The same answers make the same bytes: nothing tells when the file was written, but the time of the
state that it describes.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from arien_flows.batch.results import ExposureRow, RunFacts, SummaryRow, TransferRow
from arien_flows.batch.rows import RowFault
from arien_flows.batch.table_columns import (
    EXPOSURE,
    Column,
    Kind,
    error_columns,
    summary_columns,
    transfer_columns,
)

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

R = TypeVar("R")

SHEET_ROWS = 1_048_576
"""Of any sheet, its header included."""

LONGEST_TEXT = 32_000
"""Characters of a cell; a spreadsheet holds 32,767."""

_CUT = " […] cut: whole in the CSV file"
_WIDTHS = {
    Kind.TEXT: 18, Kind.COUNT: 11, Kind.BASE_UNITS: 22, Kind.COINS: 20, Kind.FIGURE: 13,
}  # fmt: skip
_WIDE = {"subject": 46, "address": 46, "txid": 46, "error_detail": 46, "tags": 40}
_LEGEND = (
    ("fact", "the chain says it: that a coin was paid and spent, when, and how much it was"),
    ("inference", "a named rule says it: which addresses are one entity, and how much is traced"),
    ("attribution", "a source says it: whose an address is"),
)
_NOTES = (
    ("amounts in base units", "exact; texts, because a spreadsheet keeps 15 digits of a number"),
    ("amounts in coins", "rounded to 15 digits, to sort and to add by"),
    ("empty cells", "not asked for, or not known: neither zero nor clean"),
    ("scores and categories", "advice and attributions, never findings"),
)


def write_workbook(
    path: Path,
    facts: RunFacts,
    header: Sequence[str],
    *,
    summary: Iterable[SummaryRow],
    exposure: Iterable[ExposureRow],
    transfers: Iterable[TransferRow],
    faults: Iterable[RowFault],
    most_rows: int = SHEET_ROWS,
) -> tuple[str, ...]:
    """Write the workbook; return what was left out of it, one sentence for each sheet.

    `most_rows` is the rows of a sheet with its header, at least 3.
    """
    from xlsxwriter.workbook import Workbook

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": None,
    }
    book = Workbook(str(path), options)
    book.set_properties({
        "title": f"Batch {facts.run_id}",
        "created": facts.made_on.astimezone(UTC).replace(tzinfo=None),
    })  # fmt: skip
    sheets = _Sheets(book, most_rows)
    sheets.add("Summary", summary_columns(header), summary, "summary.csv")
    sheets.add("Exposure", EXPOSURE, exposure, "exposure.csv")
    columns = transfer_columns(facts.run_id, facts.currency)
    sheets.add("Transfers", columns, transfers, "transfers.csv")
    sheets.add("Errors", error_columns(header), faults, "errors.csv")
    sheets.add_about(_about(facts, sheets.cuts))
    book.close()
    return tuple(sheets.cuts)


class _Sheets:
    """Writes the sheets of a workbook, one after the other."""

    def __init__(self, book: "Workbook", most_rows: int) -> None:
        self._book = book
        self._most_rows = most_rows
        self._bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        self._wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        self._formats: dict[Kind, Format] = {
            Kind.TEXT: book.add_format({"num_format": "@"}),
            Kind.COUNT: book.add_format({"num_format": "0"}),
            Kind.BASE_UNITS: book.add_format({"num_format": "@", "align": "right"}),
            Kind.COINS: book.add_format({"num_format": "#,##0.00######"}),
            Kind.FIGURE: book.add_format({"num_format": "0.00####"}),
        }
        self.cuts: list[str] = []

    def add(
        self, title: str, columns: Sequence[Column[R]], rows: Iterable[R], whole_in: str
    ) -> None:
        """Write a table as a sheet, or as much of it as a sheet holds."""
        sheet = self._book.add_worksheet(title)
        for place, column in enumerate(columns):
            width = _WIDE.get(column.name.lower(), _WIDTHS[column.kind])
            sheet.set_column(place, place, width, self._formats[column.kind])
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(columns):
            rounded = " (rounded to 15 digits)" if column.kind is Kind.COINS else ""
            sheet.write_string(0, place, _fitting(column.name + rounded), self._bold)
        last, left_out = 0, 0
        # One row is kept for the sentence that says what is missing.
        for row in rows:
            if last + 1 < self._most_rows - 1:
                last += 1
                for place, column in enumerate(columns):
                    self._write_cell(sheet, last, place, column, row)
            else:
                left_out += 1
        if left_out:
            cut = f"{title}: {left_out:,} more rows stand in {whole_in} alone"
            self.cuts.append(cut)
            sheet.write_string(last + 1, 0, cut, self._bold)
        sheet.autofilter(0, 0, max(last, 1), len(columns) - 1)

    def add_about(self, lines: Iterable[tuple[str, str]]) -> None:
        """Write what the answers rest on."""
        sheet = self._book.add_worksheet("About")
        sheet.set_column(0, 0, 30, self._bold)
        sheet.set_column(1, 1, 110, self._wrapped)
        for place, (name, value) in enumerate(lines):
            sheet.write_string(place, 0, _fitting(name), self._bold)
            sheet.write_string(place, 1, _fitting(value), self._wrapped)

    def _write_cell(
        self, sheet: "Worksheet", line: int, place: int, column: Column[R], row: R
    ) -> None:
        cell = column.cell(row)
        if cell is None or cell == "":
            return
        shape = self._formats[column.kind]
        match column.kind:
            case Kind.COUNT:
                sheet.write_number(line, place, int(cell), shape)
            case Kind.COINS | Kind.FIGURE:
                # To sort by; the exact amount stands beside it, as text.
                sheet.write_number(line, place, float(cell), shape)
            case _:
                sheet.write_string(line, place, _fitting(str(cell)), shape)


def _fitting(text: str) -> str:
    """Return a text that a cell can hold."""
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + _CUT


def _about(facts: RunFacts, cuts: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield "run", facts.run_id
    for state in facts.as_of:
        yield "state of the chain", state
    yield "input", facts.input_name
    yield "SHA-256 of the input", facts.input_sha256
    yield from facts.about
    for name, meaning in _LEGEND:
        yield f"certainty: {name}", meaning
    yield from _NOTES
    left_out = (*facts.truncations, *cuts)
    for sentence in left_out:
        yield "left out", sentence
    if not left_out:
        yield "left out", "nothing of the run as a whole; of a row, what its truncations say"
