"""Everything that sources were asked and answered, and what was learned from it, in one file.

Two things are kept apart. *Evidence*: each answer as it arrived, under its SHA-256, with the
question, the source and the time; it is never changed and never removed. *Facts*: what was checked
and may be used again without asking. A transaction's bytes hash to its id, a place is proved by a
merkle branch against a header, a header by its work; these hold whoever delivered them. What a
source says of the present (the history of an address, who spends an output) is a *statement*: it
is used again only while the same source has the same last block. What an answer stood on is noted
in a *record*, so that the answer can be made again without asking anybody.

Each answer is one commit, so that a killed run loses nothing that it was told. The file is
SQLite's, in write-ahead mode: several runs may use it at once.
"""

import hashlib
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from arien_flows.errors import LedgerDamagedError, LedgerError, LedgerVersionError, StorageFullError
from arien_flows.fetched.records import Place, pack_outputs, unpack_outputs
from chains.closing import Closing
from chains.exchange import Exchange
from chains.lookups import BlockHeader, FetchedTransaction
from chains.types import TxIdRaw

FILE_NAME = "archive.sqlite"
FORMAT_VERSION = 2
WAIT_SECONDS = 30.0
"""How long a run waits for another one that writes to the file."""

_TABLES = """
CREATE TABLE answers (
    sha256 BLOB PRIMARY KEY,
    content BLOB NOT NULL  -- compressed by zlib
);
CREATE TABLE exchanges (
    number INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    request TEXT NOT NULL,
    received_at TEXT NOT NULL,
    sha256 BLOB NOT NULL REFERENCES answers
);
CREATE TABLE transactions (
    txid BLOB PRIMARY KEY,
    raw BLOB NOT NULL,
    spent BLOB
);
CREATE TABLE places (
    txid BLOB PRIMARY KEY,
    block_hash BLOB NOT NULL,
    height INTEGER NOT NULL,
    position INTEGER NOT NULL,
    path BLOB NOT NULL,
    is_settled INTEGER NOT NULL
);
CREATE TABLE headers (
    block_hash BLOB PRIMARY KEY,
    height INTEGER NOT NULL,
    header BLOB NOT NULL,
    median_time INTEGER NOT NULL
);
"""

_STATEMENTS = """
CREATE TABLE statements (
    source TEXT NOT NULL,
    tip BLOB NOT NULL,
    question BLOB NOT NULL,
    answer BLOB NOT NULL,
    PRIMARY KEY (source, tip, question)
) WITHOUT ROWID;
CREATE TABLE records (
    sha256 BLOB PRIMARY KEY,
    content BLOB NOT NULL  -- compressed by zlib
);
CREATE INDEX headers_by_height ON headers (height);
"""

_SET_ASIDE = "ALTER TABLE statements RENAME TO older_statements"
_BRING_OVER = """
INSERT INTO statements SELECT source, tip, question, answer FROM older_statements;
DROP TABLE older_statements;
"""
"""Version 1 kept what a source said last, and forgot what it had said at earlier tips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """An answer in the archive, with its circumstances."""

    source: str
    request: str
    received_at: str
    """RFC 3339, UTC."""

    sha256: str
    answer: bytes


def archive_folder(data: Path, network: str) -> Path:
    """Return where the answers about a network are kept in a data folder."""
    return data / f"{network}-fetched"


class Archive(Closing):
    """The archive of one network. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        """Open the archive in `folder`, or make an empty one.

        Raises `LedgerVersionError` where a newer program wrote it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / FILE_NAME
        # What is investigated is nobody else's business.
        self.path.touch(mode=0o600)
        self._lock = Lock()
        with self._translated():
            self._connection = sqlite3.connect(
                self.path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file; the archive is not used afterwards."""
        self._connection.close()

    # --- evidence

    def keep(self, exchange: Exchange) -> None:
        """Keep an answer as it arrived."""
        digest = hashlib.sha256(exchange.answer).digest()
        when = exchange.received_at.isoformat(timespec="milliseconds")
        with self._writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO answers VALUES (?, ?)",
                (digest, zlib.compress(exchange.answer)),
            )
            connection.execute(
                "INSERT INTO exchanges (source, request, received_at, sha256) VALUES (?, ?, ?, ?)",
                (exchange.source, exchange.request, when, digest),
            )

    def witnessed(self) -> Iterator[Witnessed]:
        """Yield every kept answer, in the order of arrival."""
        last = 0
        while True:
            with self._lock, self._translated():
                row = self._connection.execute(
                    "SELECT number, source, request, received_at, sha256, content FROM exchanges "
                    "JOIN answers USING (sha256) WHERE number > ? ORDER BY number LIMIT 1",
                    (last,),
                ).fetchone()
            if row is None:
                return
            last = row[0]
            yield Witnessed(
                source=row[1],
                request=row[2],
                received_at=row[3],
                sha256=row[4].hex(),
                answer=zlib.decompress(row[5]),
            )

    # --- facts

    def transactions(self, txids: Iterable[TxIdRaw]) -> dict[TxIdRaw, FetchedTransaction]:
        """Return those of the transactions that are kept."""
        rows = self._rows("SELECT txid, raw, spent FROM transactions WHERE txid = ?", txids)
        return {
            txid: FetchedTransaction(
                raw=raw, spent=None if spent is None else unpack_outputs(spent)
            )
            for txid, raw, spent in rows
        }

    def keep_transactions(self, fetched: Mapping[TxIdRaw, FetchedTransaction]) -> None:
        """Keep transactions whose bytes hash to their ids."""
        rows = [
            (txid, each.raw, None if each.spent is None else pack_outputs(each.spent))
            for txid, each in fetched.items()
        ]
        with self._writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO transactions VALUES (?, ?, ?)", rows)

    def places(self, txids: Iterable[TxIdRaw]) -> dict[TxIdRaw, Place]:
        """Return the proved places of those transactions that have one."""
        rows = self._rows(
            "SELECT txid, block_hash, height, position, path, is_settled FROM places "
            "WHERE txid = ?",
            txids,
        )
        return {
            txid: Place(
                block_hash=block_hash,
                height=height,
                position=position,
                path=tuple(path[at : at + 32] for at in range(0, len(path), 32)),
                is_settled=bool(is_settled),
            )
            for txid, block_hash, height, position, path, is_settled in rows
        }

    def keep_places(self, places: Mapping[TxIdRaw, Place]) -> None:
        """Keep places that were proved."""
        rows = [
            (
                txid,
                place.block_hash,
                place.height,
                place.position,
                b"".join(place.path),
                place.is_settled,
            )
            for txid, place in places.items()
        ]
        with self._writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?, ?)", rows)

    def headers(self, block_hashes: Iterable[bytes]) -> dict[bytes, BlockHeader]:
        """Return those of the headers that are kept, by block hash."""
        rows = self._rows(
            "SELECT block_hash, height, header, median_time FROM headers WHERE block_hash = ?",
            block_hashes,
        )
        return {
            block_hash: BlockHeader(height=height, header=header, median_time=median_time)
            for block_hash, height, header, median_time in rows
        }

    def keep_headers(self, headers: Mapping[bytes, BlockHeader]) -> None:
        """Keep headers that were checked, by block hash."""
        rows = [
            (block_hash, each.height, each.header, each.median_time)
            for block_hash, each in headers.items()
        ]
        with self._writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO headers VALUES (?, ?, ?, ?)", rows)

    def replaced_by(self, block_hash: bytes) -> bytes | None:
        """Return another block of the same height that was seen later, if there is one."""
        rows = self._rows(
            "SELECT later.block_hash FROM headers AS later JOIN headers AS kept "
            "ON later.height = kept.height AND later.rowid > kept.rowid "
            "WHERE kept.block_hash = ? ORDER BY later.rowid DESC LIMIT 1",
            [block_hash],
        )
        return None if not rows else bytes(rows[0][0])

    # --- statements

    def statements(self, source: str, tip: bytes, questions: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return what a source answered while its last block was `tip`."""
        rows = self._rows(
            "SELECT question, answer FROM statements WHERE question = ? AND source = ? AND tip = ?",
            questions,
            source,
            tip,
        )
        return dict(rows)

    def keep_statements(self, source: str, tip: bytes, answers: Mapping[bytes, bytes]) -> None:
        """Keep what a source answers while its last block is `tip`."""
        rows = [(source, tip, question, answer) for question, answer in answers.items()]
        with self._writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO statements VALUES (?, ?, ?, ?)", rows)

    # --- records

    def keep_record(self, content: bytes) -> str:
        """Keep what an answer stands on; return its name, the SHA-256 of its text."""
        digest = hashlib.sha256(content).digest()
        with self._writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO records VALUES (?, ?)", (digest, zlib.compress(content))
            )
        return digest.hex()

    def record(self, name: str) -> bytes | None:
        """Return a record by its name, or nothing where it is not kept here."""
        rows = self._rows("SELECT content FROM records WHERE sha256 = ?", [bytes.fromhex(name)])
        if not rows:
            return None
        content: bytes = zlib.decompress(rows[0][0])
        return content

    # --- the file

    def _rows(self, query: str, keys: Iterable[bytes], *rest: str | bytes) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        with self._lock, self._translated():
            for key in keys:
                found += self._connection.execute(query, (key, *rest)).fetchall()
        return found

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection; what is done with it is committed together or not at all."""
        with self._lock, self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            # Misuse of the module itself has no code.
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code == sqlite3.SQLITE_FULL:
                raise StorageFullError(
                    f"no space is left for {self.path}; what was kept before is intact"
                ) from error
            if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise LedgerDamagedError(
                    f"{self.path} is damaged: move it away; what it held is asked for again"
                ) from error
            raise LedgerError(f"{self.path} cannot be used: {error}") from error

    def _prepare(self) -> None:
        with self._translated():
            self._connection.execute("PRAGMA journal_mode = WAL")
            # A killed process loses nothing; a power cut may cost the last answers.
            self._connection.execute("PRAGMA synchronous = NORMAL")
        with self._writing() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > FORMAT_VERSION:
                raise LedgerVersionError(
                    f"{self.path} was written by a newer version of this program"
                )
            if version < FORMAT_VERSION:
                upgrade = (_SET_ASIDE, _STATEMENTS, _BRING_OVER)
                for part in upgrade if version == 1 else (_TABLES, _STATEMENTS):
                    for statement in part.split(";\n"):
                        connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
