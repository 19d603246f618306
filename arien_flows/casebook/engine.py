"""The connection to the casebook's database: SQLite in the data folder, or PostgreSQL.

SQLite is told explicitly what it does not do by itself: keep foreign keys, let readers read while
somebody writes (WAL), wait for another writer instead of failing, and begin a transaction where
one is meant. A database on a medium that cannot be written to is opened as one that nobody
changes. There is one writer at a time in either database; it numbers the rows.

The file holds documents as they were seized, with the keys and phrases in them. So it is made for
its owner alone; the files that SQLite makes beside it have its mode. One that is there keeps the
mode that it has: its owner may share it.

Whatever a driver says is passed on in one line, without the password of the address.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from arien_flows.errors import (
    CasebookBusyError,
    CasebookError,
    CasebookReadOnlyError,
    InputError,
    StorageFullError,
)

BUSY_SECONDS = 30
"""How long a writer waits for another one."""

CASEBOOK = "the casebook"
"""How errors call a database, unless they are told otherwise."""

_WRITING = "arien_flows_writing"
_POSTGRESQL = "postgresql+psycopg"


def database_url(address: str, variable: str = "ARIEN_CASEBOOK") -> URL:
    """Return the address of a database; `InputError` for what is no such address.

    `variable` is where it was set.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        # Neither the text nor the error is repeated: of `user:PASSWORD` without a host the
        # library takes the password for a port, and quotes it.
        raise InputError(
            f"{variable} is not an address: write postgresql+psycopg://USER@HOST/NAME or "
            "sqlite:///FILE"
        ) from None
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername=_POSTGRESQL)
    if url.drivername == "sqlite" and url.database not in (None, "", ":memory:"):
        return url
    if url.drivername == _POSTGRESQL:
        return url
    raise InputError(
        f"{variable} names the database {url.drivername!r}; PostgreSQL "
        "(postgresql+psycopg://USER@HOST/NAME) or a SQLite file (sqlite:///FILE) is wanted"
    )


def sqlite_url(file: Path) -> URL:
    """Return the address of a SQLite file."""
    return URL.create("sqlite", database=str(file))


def sqlite_file(url: URL) -> Path | None:
    """Return the file of a SQLite database; nothing for a server."""
    return Path(url.database or "") if url.drivername == "sqlite" else None


def shown(url: URL) -> str:
    """Return an address as people may read it: no password, and a file by its path."""
    file = sqlite_file(url)
    bare = url.set(query=dict.fromkeys(url.query, "***"))
    return str(file) if file is not None else bare.render_as_string(hide_password=True)


def open_engine(url: URL) -> Engine:
    """Return an engine for a database; nothing is connected yet."""
    file = sqlite_file(url)
    if file is None:
        try:
            return create_engine(url, pool_pre_ping=True, hide_parameters=True)
        except (ImportError, NoSuchModuleError) as error:
            raise InputError(
                "PostgreSQL needs its driver: install arien-flows with the extra `postgres`"
            ) from error
    if _is_read_only(file):
        frozen = {"mode": "ro", "immutable": "1", "uri": "true"}
        fixed = URL.create("sqlite", database=file.absolute().as_uri(), query=frozen)
        engine = create_engine(fixed, hide_parameters=True)
    else:
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "do_connect", lambda *_: make_private(file))
        event.listen(engine, "connect", _set_up_file)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


@contextmanager
def reading(engine: Engine, what: str = CASEBOOK) -> Iterator[Connection]:
    """Connect for reading: everything that is read is of one moment.

    `what` is how errors call the database.
    """
    with translated(engine, what), engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


@contextmanager
def writing(
    engine: Engine, what: str = CASEBOOK, lock: str = "arien-flows"
) -> Iterator[Connection]:
    """Connect as the one writer; what is written becomes visible at the end, or not at all.

    A server tells its writers by the name of a lock; a SQLite file has one writer anyway.
    """
    is_writer = {_WRITING: True}
    with translated(engine, what), engine.execution_options(**is_writer).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'"))
            connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtext(:lock))"), {"lock": lock}
            )
        yield connection


@contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """Connect to change rows that are locked one by one, beside the one writer.

    SQLite knows no such locks: there it is the writer.
    """
    with translated(engine), engine.execution_options(**{_WRITING: True}).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'"))
        yield connection


@contextmanager
def translated(engine: Engine, what: str = CASEBOOK) -> Iterator[None]:
    """Turn what a driver raises, itself or through the library, into errors that say what to do."""
    url, driver = engine.url, engine.dialect.loaded_dbapi
    try:
        yield
    except DBAPIError as error:
        raise _expected(error.orig, url, what) from error
    except driver.Error as error:
        raise _expected(error, url, what) from error
    except PoolTimeoutError as error:
        raise CasebookBusyError(
            f"too many questions wait for the casebook in {shown(url)}: try again later"
        ) from error


def _expected(error: BaseException | None, url: URL, what: str) -> CasebookError | StorageFullError:
    reason = " ".join(str(error).split())
    if url.password:
        reason = reason.replace(str(url.password), "***")
    where = f"{what} in {shown(url)}"
    # By its code: a server may speak another language.
    code = str(getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", ""))
    if code == "55P03" or code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return CasebookBusyError(f"{where} is being written to by another process: try again later")
    if code in ("25006", "42501") or code.startswith("SQLITE_READONLY"):
        return CasebookReadOnlyError(f"{where} cannot be written to: {reason}")
    if code in ("53100", "SQLITE_FULL"):
        return StorageFullError(
            f"no space is left for {where}: make room and run the same command again"
        )
    return CasebookError(f"{where} cannot be used: {reason}")


def make_private(file: Path) -> None:
    """Make an empty file that only its owner may read, unless it is there already."""
    # Where it cannot be made, SQLite says why.
    with suppress(OSError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _is_read_only(file: Path) -> bool:
    """Tell whether nobody can change a file, and it holds all that was written to it."""
    if not file.exists() or (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
        return False
    return not file.with_name(f"{file.name}-wal").exists()


def _set_up_file(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # The driver would begin transactions on its own, at other moments than ours.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    # Its own knows the letters of English only, and a filter holds in any case.
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(text: object) -> object:
    return text.lower() if isinstance(text, str) else text


def _begin_sqlite(connection: Connection) -> None:
    is_writer = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")
