"""How a table of text is written: what parts its columns, and whether its first row names them.

The library's sniffer guesses from character statistics, and fails on one column, on semicolons
after a byte-order mark, and on lists without a header. Here the first rows are read with every
separator, and that one is taken under which a column is known to be the address, or a cell looks
like one; among several, the one that gives every row the same number of cells.
"""

import re
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from arien_flows.batch.cleaning import clean, is_secret_subject
from arien_flows.batch.columns import meaning_of
from arien_flows.batch.grid import Grid, Record, records_of
from arien_flows.batch.rows import LARGEST_TABLE, MOST_ROWS
from arien_flows.errors import InputError

DELIMITERS = ("", ",", ";", "\t", "|")
"""The first of equals is taken; empty is a single column."""

LOOKED_AT = 50
"""Rows by which a separator is chosen."""

PREAMBLE = 20
"""Rows that may stand above the header: a title, a date, who asks."""

MOST_KEPT = MOST_ROWS + PREAMBLE + 1

_HINT = re.compile(r"sep=([,;\t|])\r?\n?", re.IGNORECASE)
_SHAPE = re.compile(
    r"[^0-9A-Za-z]{0,3}(?:bitcoin:|ethereum:)?(?=[^0-9]{0,120}[0-9])[0-9A-Za-z]{25,112}\W{0,3}"
    r"|[0-9A-Fa-f]{64}:[0-9]{1,7}|(?:bitcoin|ethereum):\S{25,200}|https?://\S{30,300}",
    re.IGNORECASE,
)


class TextGrid(NamedTuple):
    """The rows of a text, and what parted their cells."""

    grid: Grid
    delimiter: str


def looks_like_subject(cell: str) -> bool:
    """Return whether a cell has the shape of an address, valid or not, or of a secret."""
    plain = clean(cell)
    if _SHAPE.fullmatch(plain):
        return True
    return len(plain) >= 22 and is_secret_subject(plain, ())


def text_rows(text: str, name: str, wanted: str | None, address_column: str | None) -> TextGrid:
    """Return the rows of a text that are not blank.

    `wanted` is the separator, empty for a single column; None to find it out. `address_column` is
    the name of the column that holds addresses, where the caller knows it.
    """
    hint = _HINT.match(text)
    if hint is not None and wanted is None:
        # Excel writes the line, obeys it, and does not show it.
        wanted, text = hint[1], text[hint.end() :]
    delimiter = _delimiter(text, name, address_column) if wanted is None else wanted
    records: list[Record] = []
    unclosed: list[int] = []
    filled = 0
    for record in records_of(text, delimiter, name):
        if record.is_blank:
            continue
        filled += 1
        if filled > MOST_KEPT:
            # Counted to the end, because the error says how many there are.
            continue
        records.append(record)
        if record.is_unclosed:
            unclosed.append(record.number)
    if filled > MOST_KEPT:
        raise too_many_rows(name, filled)
    remarks = (
        (f"a quotation mark is not closed in {rows_named(unclosed)}: it was read as a character",)
        if unclosed
        else ()
    )
    return TextGrid(Grid(records=tuple(records), remarks=remarks), delimiter)


def too_many_rows(name: str, count: int) -> InputError:
    """Return the error of a table that is too long."""
    return InputError(
        f"{name}: has {count:,} rows, and one batch has at most {MOST_ROWS:,}: split the table"
    )


def too_large(name: str, size: int) -> InputError:
    """Return the error of a file that is too large."""
    return InputError(
        f"{name}: has {size:,} bytes, and a table has at most {LARGEST_TABLE:,}: split it"
    )


def rows_named(numbers: Sequence[int]) -> str:
    """Return rows by their numbers: `row 3`, `rows 3, 5 and 7`, at most ten of them."""
    if len(numbers) == 1:
        return f"row {numbers[0]:,}"
    if len(numbers) > 10:
        return f"{len(numbers):,} rows, the first of them row {numbers[0]:,}"
    *most, last = numbers
    return f"rows {', '.join(f'{number:,}' for number in most)} and {last:,}"


def _delimiter(text: str, name: str, address_column: str | None) -> str:
    best: tuple[str, tuple[int, ...]] | None = None
    too_wide: InputError | None = None
    for delimiter in DELIMITERS:
        try:
            looked_at = islice(records_of(text, delimiter, name), 4 * LOOKED_AT)
            records = [record for record in looked_at if not record.is_blank][:LOOKED_AT]
        except InputError as error:
            too_wide = too_wide or error
            continue
        merit = _merit(records, address_column)
        if best is None or merit > best[1]:
            best = delimiter, merit
    if too_wide is not None and (best is None or not best[1][0]):
        raise too_wide
    return best[0] if best else ""


def _merit(records: Sequence[Record], address_column: str | None) -> tuple[int, ...]:
    """Return how well a separator explains some rows; of two, the better one is the greater."""
    if not records:
        return (0,)
    first = records[0].cells
    wanted = clean(address_column or "").casefold()
    names = {meaning_of(cell) for cell in first} - {None}
    has_name = bool(names & {"address", "txid"}) or (
        bool(wanted) and any(clean(cell).casefold() == wanted for cell in first)
    )
    subjects = sum(any(map(looks_like_subject, record.cells)) for record in records)
    widths = [len(record.cells) for record in records]
    usual = max(set(widths), key=lambda width: (widths.count(width), width))
    share = 100 * widths.count(usual) // len(widths)
    return (
        int(has_name),
        100 * subjects // len(records),
        len(names),
        int(share == 100 and usual > 1),
        share if usual > 1 else 0,
    )
