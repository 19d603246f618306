"""From the bytes of a table to rows that can be answered, and to what is wrong with the others.

CSV, TSV, workbooks and plain lists, in the encodings and dialects that spreadsheets write. What is
wrong with the file as a whole is an `InputError`; what is wrong with a row is a fault of that row,
and the others go on. The same bytes are always read in the same way.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from arien_flows.batch.decoding import decoded_text
from arien_flows.batch.dialects import text_rows, too_large, too_many_rows
from arien_flows.batch.grid import Grid
from arien_flows.batch.layout import Layout, layout_of
from arien_flows.batch.row_reading import RowReader
from arien_flows.batch.rows import (
    LARGEST_TABLE,
    MOST_ROWS,
    InputFormat,
    InputRow,
    InputTable,
    RowFault,
)
from arien_flows.batch.sheets import workbook_rows
from arien_flows.errors import InputError
from chains.networks import any_network

FormatName = Literal["auto", "csv", "tsv", "xlsx", "text"]

_ZIP = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NO_TABLES: Mapping[bytes, str] = {
    b"%PDF": "a PDF", b"\x1f\x8b": "a packed file", b"PAR1": "Parquet", b"Rar!": "an archive",
    b"7z\xbc\xaf": "an archive", b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture",
    b"{\\rtf": "a text document",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingOptions:
    """What the caller knows of a table."""

    networks: tuple[str, ...] = ("bitcoin", "ethereum")
    """That the run is for: `btc` means the first Bitcoin network of them, `eth` the first Ethereum
    network, and an address that is valid on several is of the first."""

    input_format: FormatName = "auto"
    address_column: str | None = None
    """A column's name, or its number from 1."""

    network_column: str | None = None
    """Likewise."""


_NOTHING_KNOWN = ReadingOptions()


def read_table(raw: bytes, name: str, *, options: ReadingOptions = _NOTHING_KNOWN) -> InputTable:
    """Return what a table asks; nothing is concluded from its `name`, which stands in messages.

    Raises `InputError` if the file as a whole cannot be read: too large or too long, of no kind
    that is known, or without a column of addresses.
    """
    for network in options.networks:
        any_network(network)
    if len(raw) > LARGEST_TABLE:
        raise too_large(name, len(raw))
    grid, delimiter, encoding, kind = _grid(raw, name, options)
    records = tuple(record for record in grid.records if not record.is_blank)
    comments = [r for r in records if kind == "text" and r.cells[0].lstrip().startswith("#")]
    records = tuple(record for record in records if record not in comments) if comments else records
    if not records:
        raise InputError(f"{name}: holds no rows")
    layout = layout_of(
        records, name, options.networks, options.address_column, options.network_column
    )
    body = records[layout.first :]
    if not body:
        raise InputError(f"{name}: has a header and no rows")
    if len(body) > MOST_ROWS:
        raise too_many_rows(name, len(body))
    reader = RowReader(layout, options.networks, is_text=kind != "xlsx", delimiter=delimiter)
    read = [reader.read(record) for record in body]
    return InputTable(
        header=layout.header,
        rows=tuple(each for each in read if isinstance(each, InputRow)),
        faults=tuple(each for each in read if isinstance(each, RowFault)),
        format=kind,
        delimiter=delimiter,
        has_header=layout.has_header,
        encoding=encoding,
        sha256=hashlib.sha256(raw).hexdigest(),
        remarks=(*grid.remarks, *_comments(len(comments)), *layout.remarks, *reader.remarks(),
                 *_carried(layout)),
    )  # fmt: skip


def _grid(raw: bytes, name: str, options: ReadingOptions) -> tuple[Grid, str, str, InputFormat]:
    """Return the rows of a file, what parts its cells, its encoding and its kind."""
    wanted = options.input_format
    if raw.startswith(_OLD_OFFICE):
        raise InputError(
            f"{name}: an old or encrypted workbook (.xls, or with a password): save it as .xlsx "
            "without one, or as CSV"
        )
    for mark, what in _NO_TABLES.items():
        if raw.startswith(mark):
            raise InputError(f"{name}: this is {what}, not a table: save it as CSV or .xlsx")
    if wanted == "xlsx" or (wanted == "auto" and raw.startswith(_ZIP)):
        return workbook_rows(raw, name), "", "utf-8", "xlsx"
    if raw.startswith(_ZIP):
        raise InputError(f"{name}: this is a workbook or an archive, not {wanted}")
    text, encoding, remarks = decoded_text(raw, name)
    if not text.strip():
        raise InputError(f"{name}: holds nothing")
    separator = {"tsv": "\t", "text": ""}.get(wanted)
    grid, delimiter = text_rows(text, name, separator, options.address_column)
    kind: InputFormat = "tsv" if delimiter == "\t" else "csv" if delimiter else "text"
    if wanted == "csv":
        kind = "csv"
    records = Grid(records=grid.records, remarks=(*remarks, *grid.remarks))
    return records, delimiter, encoding, kind


def _comments(count: int) -> Sequence[str]:
    return [f"{count:,} lines that begin with # were taken for comments"] if count else []


def _carried(layout: Layout) -> Sequence[str]:
    """Say which columns mean nothing to the program."""
    known = set(layout.places.values()) | layout.secret
    carried = [
        name for name, place in zip(layout.header, layout.kept, strict=True) if place not in known
    ]
    if not carried:
        return []
    named = ", ".join(name[:40] for name in carried[:10]) + ", …" * (len(carried) > 10)
    return [f"columns carried through unchanged: {named}"]
