"""Rows of cells, before anybody knows what they mean, and how to find them in a text.

Quoting is read as spreadsheets write it (RFC 4180): a cell in quotation marks may hold separators,
ends of lines, and a quotation mark written twice. A mark that is never closed is read as a
character: the row says so, and the rows after it are not swallowed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from arien_flows.errors import InputError

MOST_COLUMNS = 200
LONGEST_CELL = 32_767
"""Characters; no spreadsheet holds more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One row of a file."""

    number: int
    """As `InputRow.number`."""

    cells: tuple[str, ...]
    rounded: frozenset[int] = frozenset()
    """Places of cells that hold a number where a text may have stood: a spreadsheet keeps fifteen
    digits of it."""

    is_unclosed: bool = False
    """A quotation mark opens a cell and closes none."""

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing in it."""
        return not any(cell.strip() for cell in self.cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """All rows of a file that are not blank."""

    records: tuple[Record, ...] = field(repr=False)
    remarks: tuple[str, ...] = ()


def too_many_columns(name: str, number: int) -> InputError:
    """Return the error of a row that is too wide."""
    return InputError(
        f"{name}: row {number:,} has more than {MOST_COLUMNS} columns: is the separator right, or "
        "does the table lie on its side?"
    )


def records_of(text: str, delimiter: str, name: str) -> Iterator[Record]:
    """Yield the rows of a text, blank ones too; an empty delimiter means one column.

    Raises `InputError` at a row of more than `MOST_COLUMNS` cells.
    """
    cell = _cell_shape(delimiter)
    place, number, size = 0, 0, len(text)
    while place < size:
        number += 1
        cells: list[str] = []
        is_unclosed = False
        while True:
            found = cell.match(text, place)
            assert found is not None  # noqa: S101 the second way matches nothing at all, too
            quoted, plain = found.groups()
            if quoted is None:
                is_unclosed = is_unclosed or plain.lstrip(" ").startswith('"')
                cells.append(plain)
            else:
                cells.append(quoted.replace('""', '"'))
            place = found.end()
            if not delimiter or text[place : place + 1] != delimiter:
                break
            if len(cells) >= MOST_COLUMNS:
                raise too_many_columns(name, number)
            place += 1
        place += 2 if text.startswith("\r\n", place) else 1
        yield Record(number=number, cells=tuple(cells), is_unclosed=is_unclosed)


def _cell_shape(delimiter: str) -> re.Pattern[str]:
    sign = re.escape(delimiter)
    ends = rf"{sign}|\r|\n|\Z" if delimiter else r"\r|\n|\Z"
    # Possessive, so that a mark that is never closed is found out in one pass.
    return re.compile(rf' *+"((?:[^"]++|"")*+)" *+(?={ends})|([^{sign}\r\n]*+)')
