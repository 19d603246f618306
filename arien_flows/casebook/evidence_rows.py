"""Digests of rows of tables, from which the evidence chain tells whether they were changed.

The digest of some rows is the SHA-256 of their JSON arrays, one a line, in the order of the
table's key; an array holds the columns in the order that is named beside the digest. Binary values
are written in hexadecimal digits (capitals), moments as SQLite keeps them, truth as 1 and 0. So the
digest is the same whichever database holds the rows. SQLite makes the arrays itself: a list of half
a million tags takes a second that way, and text that is no longer valid still has a digest.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, cast

from sqlalchemy import Connection, Table, text

AT_ONCE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RowGroup:
    """Some rows of a table, and the columns of them that count."""

    table: str
    key: tuple[str, ...]
    """Columns that tell the rows apart, in the order in which they are sorted."""

    columns: tuple[str, ...]
    """All columns that count, the key included."""

    where: Mapping[str, int | str]
    """Columns and the values that they have in the rows that are meant; none for all rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A group of rows, and what they came to."""

    group: RowGroup
    count: int
    sha256: str

    def payload(self) -> dict[str, object]:
        """Return it as a row of evidence tells it."""
        return {
            "table": self.group.table,
            "key": list(self.group.key),
            "columns": list(self.group.columns),
            "where": dict(self.group.where),
            "count": self.count,
            "sha256": self.sha256,
        }

    @staticmethod
    def told(payload: Mapping[str, object]) -> "Measured":
        """Return what `payload` made a dictionary of."""
        found = cast("Mapping[str, Any]", payload)
        return Measured(
            group=RowGroup(
                table=found["table"],
                key=tuple(found["key"]),
                columns=tuple(found["columns"]),
                where=dict(found["where"]),
            ),
            count=found["count"],
            sha256=found["sha256"],
        )


def rows_of(table: Table, **where: int | str) -> RowGroup:
    """Return the rows of a table that have values in columns; all rows where none is named.

    Columns whose `info` says `changes` are left out: they may be changed later. So are those that
    another hash covers (`hashed`). A table's `info` may name another `order` than the primary
    key's, which an index gives without sorting.
    """
    key: tuple[str, ...] = table.info.get(
        "order", tuple(column.name for column in table.primary_key)
    )
    others = (
        column.name
        for column in table.columns
        if column.name not in key and not column.info.keys() & {"changes", "hashed"}
    )
    return RowGroup(table=table.name, key=key, columns=(*key, *others), where=where)


def measure(connection: Connection, group: RowGroup) -> Measured:
    """Read the rows of a group, and return their number and digest."""
    digest, count = hashlib.sha256(), 0
    for lines in _lines(connection, group):
        count += len(lines)
        digest.update(b"".join(lines))
    return Measured(group=group, count=count, sha256=digest.hexdigest())


def _lines(connection: Connection, group: RowGroup) -> Iterator[list[bytes]]:
    """Yield the rows as lines of JSON, some at once."""
    is_sqlite = connection.dialect.name == "sqlite"
    binary = _binary_columns(connection, group.table) if is_sqlite else frozenset()
    columns = ", ".join(
        f'CASE WHEN "{name}" IS NOT NULL THEN hex("{name}") END' if name in binary else f'"{name}"'
        for name in group.columns
    )
    wanted = f"CAST(json_array({columns}) || char(10) AS BLOB)" if is_sqlite else columns
    where = " AND ".join(f'"{name}" = :{name}' for name in group.where)
    order = ", ".join(f'"{name}"' for name in group.key)
    # Names of tables and columns are this program's own, or bound into the chain by a hash.
    query = f'SELECT {wanted} FROM "{group.table}"' + (f" WHERE {where}" if where else "")  # noqa: S608
    if is_sqlite:
        query += f" ORDER BY {order}"
    found = connection.execute(text(query), dict(group.where))
    if is_sqlite:
        for part in found.partitions(AT_ONCE):
            yield [bytes(row[0]) for row in part]
        return
    # Servers sort text by the rules of a language, which differ.
    rows = sorted((tuple(map(_plain, row)) for row in found), key=lambda row: row[: len(group.key)])
    for start in range(0, len(rows), AT_ONCE):
        yield [_line(row) for row in rows[start : start + AT_ONCE]]


def _binary_columns(connection: Connection, table: str) -> frozenset[str]:
    """Return a SQLite table's columns of bytes; bytes in any other cannot be read as JSON."""
    found = connection.execute(text(f'PRAGMA table_info("{table}")'))
    return frozenset(row.name for row in found if row.type == "BLOB")


def _line(row: Sequence[object]) -> bytes:
    return (json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n").encode()


def _plain(value: object) -> Any:
    """Return a value of a server's driver as SQLite would keep it."""
    match value:
        case bool():
            return int(value)
        case bytes() | memoryview():
            return bytes(value).hex().upper()
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        case date():
            return value.isoformat()
    return value
