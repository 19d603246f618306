"""A database's tables as lines of JSON, and back: the same for SQLite and PostgreSQL.

Tables are read as they stand in the database, not as this version's models have them, so that a
database of an older version can be kept as well. A row is one JSON array in the order of the
columns. Bytes are written in base 64 and moments in RFC 3339 to the microsecond; everything else
is what JSON knows. A table whose rows name others of its own comes in the order of its key.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from typing import Literal

from sqlalchemy import (
    Connection,
    Date,
    DateTime,
    LargeBinary,
    MetaData,
    Table,
    insert,
    select,
)
from sqlalchemy.types import TypeEngine

Kind = Literal["plain", "bytes", "moment", "date"]

ROWS_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column and how its values are written."""

    name: str
    kind: Kind


AUDIT = ("audit_log", "audit_version")
"""Tables of the audit log, which may lie in the casebook's database."""

VERSIONS = ("alembic_version", "audit_version")
"""Tables of Alembic: they say of which version the others are."""


def tables_in(connection: Connection, *, of_audit: bool) -> list[Table]:
    """Return the tables of the audit log, or of the casebook; those that others refer to first."""
    found = MetaData()
    found.reflect(connection)
    return [
        table
        for table in found.sorted_tables
        if (table.name in AUDIT) == of_audit and table.name not in VERSIONS
    ]


def columns_of(table: Table) -> list[Column]:
    """Return a table's columns, in their order."""
    return [Column(name=str(each.name), kind=_kind(each.type)) for each in table.columns]


def lines_of(connection: Connection, table: Table) -> Iterator[str]:
    """Yield a table's rows in the order of its key, a line each."""
    writers = [_WRITERS.get(each.kind) for each in columns_of(table)]
    wanted = select(table).order_by(*table.primary_key)
    for row in connection.execution_options(yield_per=ROWS_AT_ONCE).execute(wanted):
        values = [
            value if value is None or write is None else write(value)
            for value, write in zip(row, writers, strict=True)
        ]
        yield json.dumps(values, ensure_ascii=True, separators=(",", ":"))


def fill(
    connection: Connection, table: Table, columns: Iterable[Column], lines: Iterable[str]
) -> int:
    """Insert the rows of lines into an empty table; return how many there are.

    `ValueError` where the columns are not those of the table, or a line is not a row of them.
    """
    told = list(columns)
    if told != columns_of(table):
        raise ValueError(f"the columns of {table.name} are not those that were kept")
    is_sqlite = connection.dialect.name == "sqlite"
    readers = [_readers(is_sqlite).get(each.kind) for each in told]
    count, rest = 0, iter(lines)
    while part := list(islice(rest, ROWS_AT_ONCE)):
        rows = []
        for line in part:
            values = json.loads(line)
            rows.append(
                {
                    each.name: value if value is None or read is None else read(value)
                    for each, read, value in zip(told, readers, values, strict=True)
                }
            )
        connection.execute(insert(table), rows)
        count += len(rows)
    return count


def _kind(column: TypeEngine[object]) -> Kind:
    if isinstance(column, LargeBinary):
        return "bytes"
    if isinstance(column, DateTime):
        return "moment"
    return "date" if isinstance(column, Date) else "plain"


def _moment_text(value: datetime) -> str:
    # SQLite keeps moments without a zone, and ours are all in UTC.
    moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")


_WRITERS: Mapping[Kind, Callable[..., str]] = {
    "bytes": lambda value: b64encode(value).decode(),
    "moment": _moment_text,
    "date": date.isoformat,
}


def _readers(is_sqlite: bool) -> Mapping[Kind, Callable[[str], object]]:
    def moment(text: str) -> datetime:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=None) if is_sqlite else found

    return {"bytes": b64decode, "moment": moment, "date": date.fromisoformat}
