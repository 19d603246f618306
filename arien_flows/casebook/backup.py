"""A database kept whole in an archive, and made again from it, in the same kind of database or not.

Everything is read in one transaction, so that it is of one moment while others go on writing. A
database is made again in one transaction as well: it holds everything afterwards, or nothing.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO

from sqlalchemy import Connection, func, select

from arien_flows.casebook.backup_tables import Column, Kind, columns_of, fill, lines_of, tables_in
from arien_flows.errors import InputError

OpenPart = Callable[[str], AbstractContextManager[IO[bytes]]]
"""Opens a part of an archive, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTable:
    """One table in an archive."""

    name: str
    columns: tuple[tuple[str, Kind], ...]
    rows: int
    sha256: str
    """Of its lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDatabase:
    """A whole database in an archive."""

    version: str
    """Of its tables."""

    tables: tuple[KeptTable, ...]


def keep_tables(
    connection: Connection, folder: str, open_part: OpenPart, *, of_audit: bool = False
) -> list[KeptTable]:
    """Write the tables of the casebook, or of the audit log, into a folder of an archive."""
    kept = []
    for table in tables_in(connection, of_audit=of_audit):
        digest, rows = hashlib.sha256(), 0
        with open_part(f"{folder}/{table.name}.jsonl") as part:
            for line in lines_of(connection, table):
                raw = line.encode() + b"\n"
                digest.update(raw)
                part.write(raw)
                rows += 1
        kept.append(
            KeptTable(
                name=str(table.name),
                columns=tuple((each.name, each.kind) for each in columns_of(table)),
                rows=rows,
                sha256=digest.hexdigest(),
            )
        )
    return kept


def restore_tables(
    connection: Connection,
    kept: Sequence[KeptTable],
    folder: str,
    open_part: OpenPart,
    *,
    of_audit: bool = False,
) -> None:
    """Fill tables, which are there and empty, inside the caller's transaction.

    `InputError` where the archive was changed, or its tables are not those that are there.
    """
    there = {table.name: table for table in tables_in(connection, of_audit=of_audit)}
    strange = sorted({table.name for table in kept} ^ set(there))
    if strange:
        raise InputError(f"the backup and this version differ in the table {strange[0]}")
    told = {table.name: table for table in kept}
    for name, table in there.items():
        if connection.execute(select(func.count()).select_from(table)).scalar():
            raise InputError(
                f"there is something in the table {name} already: restore into an empty database"
            )
        with open_part(f"{folder}/{name}.jsonl") as part:
            lines = _Lines(part)
            columns = [Column(name=each, kind=kind) for each, kind in told[name].columns]
            try:
                rows = fill(connection, table, columns, lines)
            except ValueError as error:
                raise InputError(f"the backup cannot be read: {error}") from error
        if (rows, lines.digest.hexdigest()) != (told[name].rows, told[name].sha256):
            raise InputError(f"the backup was changed after it was made: see {folder}/{name}.jsonl")


class _Lines:
    """The lines of a part, with their hash."""

    def __init__(self, part: IO[bytes]) -> None:
        self._part = io.BufferedReader(part) if isinstance(part, io.RawIOBase) else part
        self.digest = hashlib.sha256()

    def __iter__(self) -> Iterator[str]:
        for line in self._part:
            self.digest.update(line)
            yield line.decode()
