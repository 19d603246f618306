"""A table over the small case, as an analyst might send it, and what tests do with its run."""

import hashlib
from pathlib import Path

from arien_flows.batch.reading import ReadingOptions, read_table
from arien_flows.batch.request import BatchRequest, BatchTrace
from arien_flows.batch.rows import InputTable
from arien_flows.batch.running import BatchOrder
from tests.ledgers import text_of_name
from tests.small_case import NETWORK

PRIVATE_KEY = "KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn"
TRACED = BatchRequest(trace=BatchTrace(), scope="address")

ROWS = (
    (text_of_name("alice"), "=cmd()", "forward"),
    (text_of_name("bob"), "", "both"),
    (text_of_name("exchange"), "", ""),
    (text_of_name("alice"), "again", "forward"),
    (text_of_name("nobody-at-all"), "", ""),
    (text_of_name("alice-3"), "", "backward"),
    (text_of_name("alice")[:-1] + "q", "typing error", ""),
    (PRIVATE_KEY, "pasted", ""),
)


def small_table() -> InputTable:
    lines = ["address;remark;direction", *(";".join(row) for row in ROWS)]
    options = ReadingOptions(networks=(NETWORK,))
    return read_table("\n".join(lines).encode(), "list.csv", options=options)


def order_of(request: BatchRequest = TRACED) -> BatchOrder:
    return BatchOrder(table=small_table(), name="list.csv", request=request)


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.is_file()
    }


def quiet(_step: str, _done: int, _total: int | None, _unit: str) -> None:
    """Take progress and tell nobody."""
