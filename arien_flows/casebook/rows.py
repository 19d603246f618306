"""Writing rows in bulk, under numbers that the one writer gives."""

from sqlalchemy import Connection, Table, func, insert, select

ROWS_AT_ONCE = 10_000
"""Rows of one statement."""


def write_rows(connection: Connection, table: Table, rows: list[dict[str, object]]) -> None:
    """Insert rows in bulk; none is no statement at all."""
    if rows:
        connection.execute(insert(table), rows)


def next_number(connection: Connection, table: Table) -> int:
    """Return the number of the next row; there is no other writer to take it."""
    return int(connection.execute(select(func.max(table.c.id))).scalar() or 0) + 1
