"""The database of the audit log: appending to it, and being sure that it is the one it was.

Rows are appended by one process at a time, which reads the last row, links its own, and commits
them with full durability. SQLite lets other writers sleep ever longer between tries; so processes
that share a file wait in a queue of the system instead, for a lock on a file beside it. A server
has a lock of its own for this.

A SQLite file that somebody removes or puts another in its place would be written to all the same,
by the name that it once had, and nothing would be kept. So it is looked at before each commit.
"""

import fcntl
import os
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, select

from arien_flows.audit.appending import LOCK, Appender
from arien_flows.audit.chain import AuditEntry
from arien_flows.audit.tables import SCHEMA, VERSIONS, audit_log
from arien_flows.casebook.backup import KeptDatabase, OpenPart, keep_tables, restore_tables
from arien_flows.casebook.engine import (
    open_engine,
    reading,
    shown,
    sqlite_file,
    translated,
    writing,
)
from arien_flows.casebook.evidence import NO_ROWS, Head
from arien_flows.casebook.version import version_of
from arien_flows.errors import AuditUnavailableError, CasebookVersionError

MIGRATIONS = Path(__file__).parent / "migrations"

_WHAT = "the audit log"


class Store:
    """The log's database: a SQLite file, or a database of a server. Connects when it is used."""

    def __init__(self, url: URL) -> None:
        self._engine = open_engine(url)
        self._file = sqlite_file(url)
        self._lock = Lock()
        self._opened: tuple[int, int] | None = None
        self._is_current = False
        self._appender = Appender(self._engine)
        # A pool that is merely forgotten leaves its connections open, and drivers complain.
        self._end = weakref.finalize(self, _close, self._appender, self._engine)
        self.name = shown(url)
        """How people call it: the file, or the server's address without its password."""

    def close(self) -> None:
        """Close all connections; the store may be used again, and connects anew."""
        with self._lock:
            _close(self._appender, self._engine)

    def append(self, entries: Sequence[AuditEntry]) -> Head:
        """Append rows in their order, and return when they are durable; the last of them.

        Raises what the database says is wrong, and nothing has been appended then; but a server
        that is lost in the moment of the commit may hold them.
        """
        with self._lock:
            self._look_at_file()
            with self._alone():
                if not self._is_current:
                    self._make_tables()
                with translated(self._engine, _WHAT):
                    return self._appender.append(entries)

    def migrate(self, target: str = SCHEMA) -> None:
        """Bring the tables to a version, older or newer, or to `base`: none at all."""
        with self._lock, self._alone(), self._writing() as connection:
            _migrate(connection, target)
            self._is_current = target == SCHEMA

    def keep(self, folder: str, open_part: OpenPart) -> KeptDatabase | None:
        """Write all rows into a folder of an archive, as of one moment; nothing where none is."""
        with self.reading() as connection:
            if connection is None:
                return None
            tables = keep_tables(connection, folder, open_part, of_audit=True)
            version = version_of(connection, VERSIONS)
        return KeptDatabase(version=str(version), tables=tuple(tables))

    def restore(self, kept: KeptDatabase, folder: str, open_part: OpenPart) -> None:
        """Make all rows again from an archive; `InputError` where there are rows already."""
        _refuse_newer(kept.version, "the backup")
        with self._lock:
            self._look_at_file()
            with self._alone(), self._writing() as connection:
                if version_of(connection, VERSIONS) is None:
                    _migrate(connection, kept.version)
                restore_tables(connection, kept.tables, folder, open_part, of_audit=True)
                if kept.version != SCHEMA:
                    _migrate(connection, SCHEMA)
                self._is_current = True

    @contextmanager
    def reading(self) -> Iterator[Connection | None]:
        """Connect for reading; nothing where there is no log yet."""
        if self._file is not None and not self._file.exists():
            yield None
            return
        with reading(self._engine, _WHAT) as connection:
            version = version_of(connection, VERSIONS)
            _refuse_newer(version, self.name)
            yield None if version is None else connection

    # --- how

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with writing(self._engine, _WHAT, lock=LOCK) as connection:
            yield connection

    def _make_tables(self) -> None:
        """Bring the tables up to date before they are first written to."""
        with self._writing() as connection:
            version = version_of(connection, VERSIONS)
            _refuse_newer(version, self.name)
            if version != SCHEMA:
                # Only this program writes to the log and rows are never changed: there is nothing
                # that a copy would have to be made of first.
                _migrate(connection, SCHEMA)
        self._is_current = True

    def _look_at_file(self) -> None:
        """Raise where the file is gone; connect anew where another one stands in its place."""
        if self._file is None:
            return
        if self._opened is None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._engine.connect():
                self._opened = _identity(self._file)
            return
        found = _identity(self._file)
        if found is None:
            raise AuditUnavailableError(
                f"{self._file} has been removed while it was written to: put it back, or start the "
                "service again to begin a new log"
            )
        if found != self._opened:
            _close(self._appender, self._engine)
            self._opened, self._is_current = found, False

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from appending to the same file."""
        if self._file is None:
            with nullcontext():
                yield
            return
        name = self._file.with_name(f"{self._file.name}.lock")
        lock = os.open(name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _close(appender: Appender, engine: Engine) -> None:
    appender.close()
    engine.dispose()


def head(connection: Connection) -> Head:
    """Return the last row of a log."""
    wanted = select(audit_log.c.seq, audit_log.c.row_hash, audit_log.c.at)
    found = connection.execute(wanted.order_by(audit_log.c.seq.desc()).limit(1)).first()
    if found is None:
        return NO_ROWS
    return Head(seq=found.seq, row_hash=found.row_hash, recorded_at=found.at)


def known_versions() -> list[str]:
    """Return all migrations that this program has, the first one first."""
    steps = ScriptDirectory(str(MIGRATIONS)).walk_revisions()
    return [step.revision for step in steps][::-1]


def _migrate(connection: Connection, target: str) -> None:
    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    settings.attributes["connection"] = connection
    known, present = known_versions(), version_of(connection, VERSIONS)
    is_newer = target != "base" and (present is None or known.index(target) > known.index(present))
    (command.upgrade if is_newer else command.downgrade)(settings, target)


def _refuse_newer(version: str | None, where: str) -> None:
    if version is not None and version != SCHEMA and version not in known_versions():
        raise CasebookVersionError(
            f"{_WHAT} in {where} is of a newer version of this program ({version}, known up to "
            f"{SCHEMA}): install the newer version"
        )


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
