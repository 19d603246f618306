"""Cells of tables that no spreadsheet runs as a formula.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, also behind blanks
and in the wide forms of these signs, and some drop a tab or a line break in front. Labels, notes
and file names are the words of whoever wrote them, often of those who are investigated. So an
apostrophe is put in front, which makes the cell a text.

A spreadsheet whose separator is another one than the file's cuts a cell where its own separator
stands in it: a table with commas, opened where semicolons are usual. So what follows `;`, `|`, a
tab, or a line break inside a cell is treated like the beginning of a cell.

The rule can be undone exactly: a text that already has apostrophes there gets one more, and
`original_text` takes one away.
"""

import re

_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b\u2212"
"""With the wide and small forms and the minus sign, which some spreadsheets read alike."""

_BLANKS = '[ "\u00a0\u2000-\u200f\u202f\u205f\u2060\u3000\ufeff]*'
"""What may be dropped in front; a quotation mark is where a cell is cut."""

_INSIDE = r"[;|\t\r\n\v\f\x85\u2028\u2029]"
_BEHIND = rf"(?='*{_BLANKS}[{_SIGNS}])"
_FIRST = rf"(?='*{_BLANKS}[{_SIGNS}\t\r\n])"
_PLAIN = re.compile(rf"(\A){_FIRST}|({_INSIDE}){_BEHIND}")
_MARKED = re.compile(rf"(\A)'{_FIRST}|({_INSIDE})'{_BEHIND}")


def safe_text(text: str) -> str:
    """Return a text as a cell of CSV that no spreadsheet takes for a formula."""
    # Most cells are addresses, ids and words: nothing in them begins anything.
    return text if text.isalnum() else _PLAIN.sub(r"\1\2'", text)


def original_text(cell: str) -> str:
    """Return the text that `safe_text` made a cell of; other cells as they are."""
    return _MARKED.sub(r"\1\2", cell)
