"""Rows of the casebook: written in bulk under numbers that the one writer gives, and read alike."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Connection, RowMapping, Table, func, insert, select

from arien_flows.casebook.records import Withdrawal

ROWS_AT_ONCE = 10_000
"""Rows of one statement."""

VALUES_AT_ONCE = 400
"""Values of one question: SQLite takes some 32,000 variables, PostgreSQL 65,535."""

T = TypeVar("T")


def parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield values in parts that one question can name."""
    for start in range(0, len(values), VALUES_AT_ONCE):
        yield values[start : start + VALUES_AT_ONCE]


def write_rows(connection: Connection, table: Table, rows: list[dict[str, object]]) -> None:
    """Insert rows in bulk; none is no statement at all."""
    if rows:
        connection.execute(insert(table), rows)


def write_tuples(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[tuple[object, ...]],
) -> None:
    """Insert many rows of plain values, in the order of the columns, past all conversions.

    SQLAlchemy takes twice as long to convert half a million rows as SQLite to write them.
    """
    if not rows:
        return
    mark = {"qmark": "?", "format": "%s", "pyformat": "%s"}[connection.dialect.paramstyle]
    names = ", ".join(f'"{column}"' for column in columns)
    marks = ", ".join([mark] * len(columns))
    # The names are this program's own.
    query = f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'  # noqa: S608
    connection.exec_driver_sql(query, list(rows))


def next_number(connection: Connection, table: Table) -> int:
    """Return the number of the next row; there is no other writer to take it."""
    return int(connection.execute(select(func.max(table.c.id))).scalar() or 0) + 1


def withdrawal_in(found: RowMapping) -> Withdrawal | None:
    """Return the withdrawal in a row of a query; nothing for what still counts."""
    if found["withdrawn_at"] is None:
        return None
    return Withdrawal(
        reason=found["reason"],
        withdrawn_at=found["withdrawn_at"],
        withdrawn_by=found["withdrawn_by"],
    )
