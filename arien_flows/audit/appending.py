"""The one transaction that every request waits for, put to the driver itself.

Four statements: begin as the only writer, read the last row, insert the rows that follow it, commit
with full durability. Through the library that the rest of the program uses for its databases the
same costs four times the processor time, several hundred times a second.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection

from arien_flows.audit.chain import COLUMNS, AuditEntry, linked
from arien_flows.casebook.engine import BUSY_SECONDS
from arien_flows.casebook.evidence import NO_ROWS, Head

LOCK = "arien-flows audit"
"""Name of the lock of a server under which rows are appended."""

_LAST = "SELECT seq, row_hash, at FROM audit_log ORDER BY seq DESC LIMIT 1"
_INSERT = f"INSERT INTO audit_log ({', '.join(COLUMNS)}) VALUES ({{}})"  # noqa: S608 constants

_BEGIN = {
    "sqlite": "BEGIN IMMEDIATE",
    # A server may be set to confirm commits early; what it promises beyond the disk is kept.
    "postgresql": (
        "BEGIN ISOLATION LEVEL READ COMMITTED; "
        f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'; "
        "SELECT set_config('synchronous_commit', 'on', true) "
        "WHERE current_setting('synchronous_commit') IN ('off', 'local'); "
        f"SELECT pg_advisory_xact_lock(hashtext('{LOCK}'))"
    ),
}
_MARK = {"sqlite": "?", "postgresql": "%s"}


class Appender:
    """Appends over a connection of its own, which is kept until something goes wrong."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        dialect = engine.dialect.name
        self._begin = _BEGIN[dialect]
        self._insert = _INSERT.format(", ".join([_MARK[dialect]] * len(COLUMNS)))
        self._prepare: Callable[[Any], None] = (
            _commit_by_ourselves if dialect == "postgresql" else lambda _connection: None
        )
        self._connection: PoolProxiedConnection | None = None

    def append(self, entries: Sequence[AuditEntry]) -> Head:
        """Append rows that follow the last one; return when they are durable. Raises as drivers do.

        The tables have to be there.
        """
        if self._connection is None:
            self._connection = self._engine.raw_connection()
            self._prepare(self._connection.driver_connection)
        cursor = self._connection.cursor()
        try:
            cursor.execute(self._begin)
            cursor.execute(_LAST)
            found = cursor.fetchone()
            last = NO_ROWS if found is None else _head(*found)
            rows = list(linked(entries, last))
            cursor.executemany(self._insert, rows)
            cursor.execute("COMMIT")
            cursor.close()
        except BaseException:
            self.close()
            raise
        return _head(rows[-1][0], rows[-1][-1], rows[-1][1])

    def close(self) -> None:
        """Let go of the connection; what was not committed is undone."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()


def _commit_by_ourselves(connection: Any) -> None:
    """Keep the driver from beginning transactions on its own."""
    connection.autocommit = True


def _head(seq: object, row_hash: object, at: object) -> Head:
    return Head(seq=int(str(seq)), row_hash=str(row_hash), recorded_at=str(at))
