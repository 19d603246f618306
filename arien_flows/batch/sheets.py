"""The rows of a workbook (.xlsx), read without trusting it.

A workbook is a ZIP archive of XML. It may be a bomb (a few bytes that unpack to gigabytes), lie
about its sizes, hold members twice, or name a cell a million rows down, for which a reader makes a
million rows. So its members are unpacked here, within limits, the sheets are looked through for
what would make a reader run away, and only then is it handed on, packed anew from what was looked
at. Declarations of entities are refused: no workbook has them, and they are how XML reads files.

A cell holds a number or a text, and a spreadsheet keeps fifteen digits of a number. Digits are
never taken for more than that: a number where an address or an amount may stand says so.
"""

import io
import re
import zipfile
import zlib
from datetime import date, datetime, time, timedelta
from typing import Any

from arien_flows.batch.grid import MOST_COLUMNS, Grid, Record, too_many_columns
from arien_flows.errors import InputError

MOST_MEMBERS = 1_000
MOST_UNPACKED = 64 * 2**20
"""Bytes of all members together: 10,000 rows of 200 short cells."""

MOST_SHEET_ROWS = 100_000
"""The last row that may hold a cell; blank rows in between count."""

MOST_CELLS = 4_000_000
"""Of the rectangle around all cells of a sheet, which the reader makes in memory."""

LARGEST_EXACT = 10**15
"""From here on a spreadsheet rounds whole numbers."""

_TAG = re.compile(rb"<(?:[\w.-]+:)?(c|row)(?=[\s/>])((?:[^\"'<>]++|\"[^\"]*+\"|'[^']*+')*+)")
"""A cell or a row, and its attributes. Quoted, they may hold any sign."""

_PLACE = re.compile(rb"(?:^|[\s\"'])r\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_CELL_PLACE = re.compile(rb"([A-Za-z]{1,3})([0-9]{1,7})")
_ROW_PLACE = re.compile(rb"[0-9]{1,7}")
_COUNT = re.compile(rb"[cC]ount\s*=\s*[\"']?\s*\+?0*([0-9]{7,})")
"""How many of something a part says that it holds, where that is a million or more. The reader
makes room for so many before it has seen one, and a process without memory ends at once."""

_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_ENTITY = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\0")
_BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, IndexError,
    KeyError, NotImplementedError,
)  # fmt: skip
"""What the library raises for archives that are damaged or made to be."""


def workbook_rows(raw: bytes, name: str) -> Grid:
    """Return the rows of the first visible sheet that has any; `InputError` says what is wrong."""
    import python_calamine

    clean, has_formulas = _looked_through(raw, name)
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(clean))
        visible = [
            sheet.name
            for sheet in book.sheets_metadata
            if sheet.visible == python_calamine.SheetVisibleEnum.Visible
            and sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
        ]
        filled = {}
        for title in visible:
            sheet = book.get_sheet_by_name(title)
            if sheet.height:
                filled[title] = sheet
        if not filled:
            raise InputError(f"{name}: no visible sheet holds anything")
        title, sheet = next(iter(filled.items()))
        rows = sheet.to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise InputError(f"{name}: the workbook is damaged: save it again as .xlsx") from error
    remarks = [f"sheet {number} of the workbook was read" for number in _place(book, title)]
    if len(filled) > 1:
        remarks.append(f"{len(filled) - 1} more sheets hold something and were not read")
    hidden = len(book.sheet_names) - len(visible)
    if hidden:
        remarks.append(f"{hidden} hidden sheets were not read")
    if has_formulas:
        remarks.append("of formulas the values were read that the spreadsheet last computed")
    records, has_clock = _records(rows, name)
    if has_clock:
        remarks.append("times of day in cells were taken as UTC")
    return Grid(records=records, remarks=tuple(remarks))


def _place(book: Any, title: str) -> list[int]:
    """Return the place of a sheet where there are several to be told apart."""
    return [book.sheet_names.index(title) + 1] if len(book.sheet_names) > 1 else []


def _looked_through(raw: bytes, name: str) -> tuple[bytes, bool]:
    """Return the archive made anew of members that are harmless, and whether it has formulas."""
    has_formulas = False
    clean = io.BytesIO()
    try:
        with (
            zipfile.ZipFile(io.BytesIO(raw)) as archive,
            zipfile.ZipFile(clean, "w", zipfile.ZIP_STORED) as copy,
        ):
            members = archive.infolist()
            if len(members) > MOST_MEMBERS:
                raise InputError(
                    f"{name}: the workbook has {len(members):,} parts, and one may have "
                    f"{MOST_MEMBERS:,}: save the sheet alone, or as CSV"
                )
            _check_members(members, name)
            room = MOST_UNPACKED
            for info in members:
                if info.is_dir() or not info.filename.endswith((".xml", ".rels")):
                    # Pictures, macros and printer settings say nothing of a table.
                    continue
                content = _content(archive, info, room, name)
                room -= len(content)
                has_formulas = _check_part(content, name) or has_formulas
                copy.writestr(info.filename, content)
    except _BROKEN as error:
        raise InputError(f"{name}: the workbook is damaged: save it again as .xlsx") from error
    return clean.getvalue(), has_formulas


def _check_members(members: list[zipfile.ZipInfo], name: str) -> None:
    names = [info.filename for info in members]
    if len(set(names)) != len(names):
        raise InputError(f"{name}: the workbook holds a part twice: save it again as .xlsx")
    if "[Content_Types].xml" not in names or "xl/workbook.xml" not in names:
        raise InputError(
            f"{name}: a ZIP archive, and no Excel workbook: unpack it, or save it as .xlsx or CSV"
        )
    unpacked = sum(info.file_size for info in members)
    if unpacked > MOST_UNPACKED:
        raise _too_large(name)


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, room: int, name: str) -> bytes:
    with archive.open(info) as member:
        content = member.read(room + 1)
    if len(content) > room:
        raise _too_large(name)
    return content


def _too_large(name: str) -> InputError:
    return InputError(
        f"{name}: unpacked the workbook has more than {MOST_UNPACKED:,} bytes: save the sheet "
        "alone as CSV"
    )


def _check_part(content: bytes, name: str) -> bool:
    """Return whether a part of the workbook has formulas; `InputError` where it is a trap.

    Any part may be a sheet, whatever it is called.
    """
    if content.startswith(_WIDE_MARKS) or _ENTITY.search(content):
        raise InputError(
            f"{name}: the workbook declares what no spreadsheet writes (entities, or a wide "
            "encoding): save it again as .xlsx"
        )
    if any(len(found[1]) > 9 or int(found[1]) > MOST_CELLS for found in _COUNT.finditer(content)):
        raise InputError(
            f"{name}: the workbook says that it holds more than {MOST_CELLS:,} texts: save the "
            "sheet alone, or as CSV"
        )
    last_column, last_row = _corner(content)
    if last_row > MOST_SHEET_ROWS:
        raise InputError(
            f"{name}: a cell stands in row {last_row:,}, and {MOST_SHEET_ROWS:,} is the last that "
            "is read: delete what stands below the table"
        )
    if last_column * last_row > MOST_CELLS:
        raise InputError(
            f"{name}: the sheet is {last_column:,} columns wide and {last_row:,} rows long, and at "
            f"most {MOST_CELLS:,} cells are read: delete what stands beside and below the table"
        )
    return _FORMULA.search(content) is not None


def _corner(content: bytes) -> tuple[int, int]:
    """Return the last column and the last row of a sheet that hold a cell, from 1.

    Cells and rows that do not say where they stand follow the one before. `ValueError` for a place
    that is written as no spreadsheet writes it.
    """
    column = row = last_column = last_row = 0
    for found in _TAG.finditer(content):
        places = [a or b for a, b in _PLACE.findall(found[2])]
        if found[1] == b"row":
            row = max((_row_number(place) for place in places), default=row + 1)
            column = 0
        else:
            at = [_CELL_PLACE.fullmatch(place) for place in places]
            if None in at:
                raise ValueError("the place of a cell")
            column = max((_column(each[1]) for each in at if each), default=column + 1)
            row = max((int(each[2]) for each in at if each), default=row)
        last_column, last_row = max(last_column, column), max(last_row, row)
    return last_column, last_row


def _row_number(place: bytes) -> int:
    if not _ROW_PLACE.fullmatch(place):
        raise ValueError("the place of a row")
    return int(place)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _records(rows: list[list[Any]], name: str) -> tuple[tuple[Record, ...], bool]:
    records = []
    has_clock = False
    for number, row in enumerate(rows, start=1):
        width = max((i + 1 for i, cell in enumerate(row) if cell != ""), default=0)
        if not width:
            continue
        if width > MOST_COLUMNS:
            raise too_many_columns(name, number)
        cells = [_text(cell) for cell in row[:width]]
        has_clock = has_clock or any(type(cell) is datetime for cell in row[:width])
        rounded = frozenset(i for i, cell in enumerate(row[:width]) if _is_rounded(cell))
        records.append(Record(number=number, cells=tuple(cells), rounded=rounded))
    return tuple(records), has_clock


def _is_rounded(cell: object) -> bool:
    return isinstance(cell, float) and abs(cell) >= LARGEST_EXACT


def _text(cell: object) -> str:
    match cell:
        case str():
            return cell
        case bool():
            return str(cell).upper()
        case float() if cell.is_integer() and abs(cell) < LARGEST_EXACT:
            return str(int(cell))
        case datetime():
            return f"{cell.isoformat(timespec='seconds')}Z"
        case date() | time():
            return cell.isoformat()
        case timedelta():
            return str(cell)
        case _:
            return str(cell)
