"""Rows of a CSV file, each with the bytes at which it and its fields stand.

The library's reader tells no places, and a place is the evidence. Quoting is read as spreadsheets
write it: a field in quotation marks may hold delimiters, ends of lines, and a quotation mark
written twice. Lists that people made themselves break their own rules: a row that has another
number of fields than the header is still read as text, and keeps only the fields in front of the
first long one, in which the surplus commas most likely stand.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from arien_flows.documents.columns import (
    LONG_TEXTS,
    ColumnMapping,
    UnknownColumnsError,
    check_known,
    meanings,
)
from arien_flows.documents.item import Item
from arien_flows.documents.limits import MOST_FIELDS, MOST_ROWS
from arien_flows.documents.moments import moment_of

_DELIMITERS = (",", ";", "\t", "|")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class _Row:
    begin: int
    end: int
    cells: list[tuple[int, int, bool]]
    """Begin and end of each field, and whether a quotation mark is written twice in it."""


def table_items(
    raw: bytes, path: str, mapping: ColumnMapping | None, media_type: str
) -> Iterator[Item]:
    """Yield the rows of a table; `UnknownColumnsError` where nobody knows its columns."""
    encoding = _encoding(raw)
    delimiter = mapping.delimiter if mapping and mapping.delimiter else _delimiter(raw, encoding)
    rows = _rows(raw, delimiter.encode())
    header = next(rows, None)
    if header is None:
        raise UnknownColumnsError("the table has no row")
    columns = [_cell(raw, cell, encoding) for cell in header.cells]
    fields = meanings(columns, mapping)
    check_known(fields, columns)
    yielded = False
    for number, row in enumerate(rows, start=1):
        if number > MOST_ROWS:
            raise UnknownColumnsError(f"it has more than {MOST_ROWS:,} rows: split it")
        yielded = True
        yield _item(raw, path, number, row, fields, encoding, media_type)
    if not yielded:
        raise UnknownColumnsError("the table has a header and no rows")


def _encoding(raw: bytes) -> str:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _delimiter(raw: bytes, encoding: str) -> str:
    """Return the delimiter under which most columns of the header are known."""
    best, most = ",", (-1, -1)
    for delimiter in _DELIMITERS:
        header = next(_rows(raw, delimiter.encode()), None)
        if header is not None:
            names = meanings([_cell(raw, cell, encoding) for cell in header.cells], None)
            count = sum(not name.startswith("column:") for name in names), len(names)
            if count > most:
                best, most = delimiter, count
    return best


def _rows(raw: bytes, delimiter: bytes) -> Iterator[_Row]:
    sign = re.escape(delimiter)
    # Possessive, so that a mark that is never closed is found out in one pass.
    cell = re.compile(
        rb'[ ]*+"((?:[^"]++|"")*+)"[ ]*+(?=' + sign + rb"|\r|\n|\Z)|([^" + sign + rb"\r\n]*+)"
    )
    place = len(_BOM) if raw.startswith(_BOM) else 0
    while place < len(raw):
        begin, cells = place, list[tuple[int, int, bool]]()
        while True:
            found = cell.match(raw, place)
            assert found is not None  # noqa: S101 the second way matches nothing at all, too
            which = 1 if found.group(1) is not None else 2
            start, stop = found.span(which)
            cells.append((start, stop, which == 1 and b'""' in found.group(1)))
            place = found.end()
            if raw[place : place + 1] != delimiter:
                break
            place += 1
        end = place
        place += 2 if raw[place : place + 2] == b"\r\n" else 1
        if end > begin:
            yield _Row(begin, end, cells)


def _cell(raw: bytes, cell: tuple[int, int, bool], encoding: str) -> str:
    start, stop, is_doubled = cell
    text = raw[start:stop].decode(encoding, "replace")
    return text.replace('""', '"') if is_doubled else text


def _item(
    raw: bytes,
    path: str,
    number: int,
    row: _Row,
    fields: list[str],
    encoding: str,
    media_type: str,
) -> Item:
    note, known = "", fields
    if len(row.cells) != len(fields):
        first_long = next((i for i, f in enumerate(fields) if f in LONG_TEXTS), len(fields))
        known = fields[: min(first_long, len(row.cells))]
        note = (
            f"the row has {len(row.cells)} fields and the table {len(fields)} columns: read as "
            "text, and only the fields in front of the first long one are believed"
        )
    values: dict[str, str] = {}
    places: dict[str, tuple[int, int]] = {}
    for field, cell in zip(known[:MOST_FIELDS], row.cells, strict=False):
        text = _cell(raw, cell, encoding).strip()
        if text:
            values[field] = text
            places[field] = cell[:2]
    moment = moment_of(values.get("captured_at", ""))
    return Item(
        path=f"{path}#{number}",
        raw=raw,
        document_path=path,
        media_type=media_type,
        captured_at=moment,
        clock="" if moment is None else "field:captured_at",
        url=values.get("url"),
        fields=values,
        places=places,
        begin=row.begin,
        end=row.end,
        note=note,
    )
