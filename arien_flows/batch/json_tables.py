"""A table that comes as JSON: rows of named cells, read like the same cells in a file.

The rows are written as CSV, whose hash then stands for the table: row `i` of the list is line
`i + 2`, after the header.
"""

import csv
import io
from collections.abc import Mapping, Sequence

COLUMNS = (
    "address", "network", "case_ref", "label", "note", "direction", "from", "to", "min_value",
    "max_hops", "method",
)  # fmt: skip


def csv_of_rows(rows: Sequence[Mapping[str, str]]) -> bytes:
    """Return rows of cells by column as CSV; columns that no row fills are left out."""
    used = [name for name in COLUMNS if name == "address" or any(row.get(name) for row in rows)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow(used)
    writer.writerows([row.get(name, "") for name in used] for row in rows)
    return text.getvalue().encode()
