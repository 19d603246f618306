"""A casebook in an archive, and made again from it: in either database, whichever it came from."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from arien_flows.casebook.backup import KeptDatabase
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import database_url, sqlite_url, writing
from arien_flows.casebook.schema import known_versions, migrate
from arien_flows.errors import CasebookError, InputError, NotFoundError
from tests.arien_flows.casebook.collected import fill_captures
from tests.arien_flows.casebook.observations import NOW, fill_vendors
from tests.arien_flows.casebook.packs import GENESIS, bring_in, pack, row
from tests.arien_flows.casebook.test_schema import rows_of

HOSTILE = "an 'exchange'\r\n\t\0 \\0 \u2028 ☠ \ud83d"


class Archive:
    """A ZIP in memory."""

    def __init__(self) -> None:
        self.raw = io.BytesIO()

    @contextmanager
    def write(self, name: str) -> Iterator[IO[bytes]]:
        with zipfile.ZipFile(self.raw, "a") as file, file.open(name, "w") as part:
            yield part

    @contextmanager
    def read(self, name: str) -> Iterator[IO[bytes]]:
        with zipfile.ZipFile(self.raw) as file, file.open(name) as part:
            yield part

    def change(self, name: str, old: bytes, new: bytes) -> "Archive":
        changed = Archive()
        with zipfile.ZipFile(self.raw) as file:
            for each in file.namelist():
                with changed.write(each) as part:
                    raw = file.read(each)
                    assert each != name or old in raw
                    part.write(raw.replace(old, new) if each == name else raw)
        return changed


@pytest.fixture
def kept(casebook: Casebook) -> tuple[Archive, KeptDatabase]:
    bring_in(casebook, pack(row(GENESIS, "'an exchange'")), name=HOSTILE)
    fill_captures(casebook)
    fill_vendors(casebook)
    archive = Archive()
    return archive, casebook.keep("casebook", archive.write)


@pytest.fixture(params=["sqlite", "postgresql"])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Casebook]:
    """Return another empty casebook, in either database."""
    if request.param == "sqlite":
        book = Casebook(sqlite_url(tmp_path / "other" / "casebook.sqlite"))
        yield book
        book.close()
        return
    server = request.getfixturevalue("postgresql_server")
    book = Casebook(database_url(server.make_database("restored")))
    yield book
    book.close()
    server.drop_database("restored")


def test_restore__makes_the_same_casebook_in_either_database(kept, casebook, other: Casebook):
    archive, told = kept
    other.restore(told, "casebook", archive.read)
    assert rows_of(other._engine) == rows_of(casebook._engine)
    found = other.evidence.verify()
    assert found.faults == ()
    assert other.evidence.head() == casebook.evidence.head()


def test_restore__of_what_was_changed_leaves_nothing_behind(kept, tmp_path: Path):
    archive, told = kept
    changed = archive.change("casebook/statements.jsonl", b"an exchange", b"an innocent")
    book = Casebook(sqlite_url(tmp_path / "other.sqlite"))
    with pytest.raises(InputError, match=r"changed after it was made: see casebook/statements"):
        book.restore(told, "casebook", changed.read)
    assert book.version() is None
    book.restore(told, "casebook", archive.read)
    book.close()


def test_restore__into_a_casebook_that_holds_something_is_refused(kept, casebook):
    archive, told = kept
    with pytest.raises(InputError, match="already: restore into an empty place"):
        casebook.restore(told, "casebook", archive.read)


def test_restore__of_a_newer_version_is_refused(kept, tmp_path: Path):
    archive, told = kept
    book = Casebook(sqlite_url(tmp_path / "other.sqlite"))
    with pytest.raises(InputError, match="newer version of this program"):
        book.restore(replace(told, version="9999"), "casebook", archive.read)


@pytest.mark.parametrize("version", ["0004", "0007"])
def test_restore__of_an_older_version_is_brought_up_to_date(tmp_path: Path, version: str):
    old = Casebook(sqlite_url(tmp_path / "old.sqlite"))
    bring_in(old, pack(row(GENESIS, "One")))
    with writing(old._engine) as connection:
        migrate(connection, version)
    archive = Archive()
    told = old.keep("casebook", archive.write)
    assert told.version == version
    book = Casebook(sqlite_url(tmp_path / "new.sqlite"))
    book.restore(told, "casebook", archive.read)
    assert book.version() == known_versions()[-1]
    assert book.count("bitcoin") == 1
    for each in (old, book):
        each.close()


def test_keep__of_no_casebook_is_refused(tmp_path: Path):
    with pytest.raises(NotFoundError, match="nothing was written"):
        Casebook(sqlite_url(tmp_path / "none.sqlite")).keep("casebook", Archive().write)


def test_keep__of_a_broken_file_says_so(tmp_path: Path):
    file = tmp_path / "casebook.sqlite"
    file.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 40)
    book = Casebook(sqlite_url(file))
    with pytest.raises(CasebookError):
        book.keep("casebook", Archive().write)
    book.close()


def test_keep__is_of_one_moment(casebook: Casebook):
    bring_in(casebook, pack(row(GENESIS, "One")))
    archive = Archive()
    is_written = False

    @contextmanager
    def write(name: str) -> Iterator[IO[bytes]]:
        nonlocal is_written
        if not is_written:
            is_written = True
            casebook.withdraw(1, reason="meanwhile", now=NOW, by="somebody")
        with archive.write(name) as part:
            yield part

    told = casebook.keep("casebook", write)
    assert {table.name: table.rows for table in told.tables}["withdrawals"] == 0
    assert casebook.read_import(1).withdrawal is not None
