"""The archive: evidence as it came, facts for good, statements while they hold."""

import hashlib
import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.errors import LedgerDamagedError, LedgerVersionError
from arien_flows.fetched.archive import FILE_NAME, Archive
from arien_flows.fetched.records import (
    Place,
    pack_outputs,
    pack_sightings,
    unpack_outputs,
    unpack_sightings,
)
from chains.exchange import Exchange
from chains.lookups import BlockHeader, FetchedTransaction, Sighting, StatedOutput
from chains.types import TxIdRaw

NOW = datetime(2026, 3, 4, 5, 6, 7, 890_000, tzinfo=UTC)
TXID = TxIdRaw(b"\x01" * 32)

outputs = st.builds(
    StatedOutput, value_sat=st.integers(0, 21 * 10**14), script=st.binary(max_size=40)
)
sightings = st.builds(
    Sighting,
    txid=st.binary(min_size=32, max_size=32).map(TxIdRaw),
    height=st.none() | st.integers(0, 2**31),
)


def exchange(answer: bytes, request: str = "GET /tx/1") -> Exchange:
    return Exchange(
        source="esplora+https://x.example", request=request, answer=answer, received_at=NOW
    )


@given(st.lists(outputs, max_size=5))
def test_outputs__survive_packing(some: list[StatedOutput]):
    assert unpack_outputs(pack_outputs(some)) == tuple(some)


@given(st.lists(sightings, max_size=5))
def test_sightings__survive_packing(some: list[Sighting]):
    assert unpack_sightings(pack_sightings(some)) == tuple(some)


def test_keep__holds_answers_byte_for_byte_with_their_circumstances(tmp_path: Path):
    answers = [b"", b"one", b"\x00\xff" * 5000, b"one"]
    with Archive(tmp_path) as archive:
        for number, answer in enumerate(answers):
            archive.keep(exchange(answer, f"GET /{number}"))
    with Archive(tmp_path) as archive:
        found = list(archive.witnessed())
    assert [each.answer for each in found] == answers
    assert [each.request for each in found] == ["GET /0", "GET /1", "GET /2", "GET /3"]
    assert [each.sha256 for each in found] == [sha256(answer).hexdigest() for answer in answers]
    assert {each.received_at for each in found} == {"2026-03-04T05:06:07.890+00:00"}


def test_keep__stores_equal_answers_once(tmp_path: Path):
    with Archive(tmp_path) as archive:
        for _ in range(3):
            archive.keep(exchange(b"the same"))
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    try:
        assert connection.execute("SELECT count(*) FROM answers").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM exchanges").fetchone() == (3,)
    finally:
        connection.close()


def test_facts__are_there_again_in_the_next_run(tmp_path: Path):
    spent = (StatedOutput(value_sat=5, script=b"\x51"),)
    known = FetchedTransaction(raw=b"raw", spent=spent)
    silent = FetchedTransaction(raw=b"other", spent=None)
    coinbase = FetchedTransaction(raw=b"third", spent=())
    place = Place(
        block_hash=b"\x02" * 32,
        height=7,
        position=1,
        path=(b"\x03" * 32, b"\x04" * 32),
        is_settled=True,
    )
    header = BlockHeader(height=7, header=b"\x05" * 80, median_time=1_300_000_000)
    ids = [TXID, TxIdRaw(b"\x06" * 32), TxIdRaw(b"\x07" * 32)]
    fetched = dict(zip(ids, (known, silent, coinbase), strict=True))
    with Archive(tmp_path) as archive:
        archive.keep_transactions(fetched)
        archive.keep_places({TXID: place})
        archive.keep_headers({place.block_hash: header})
    with Archive(tmp_path) as archive:
        assert archive.transactions([*ids, TxIdRaw(b"\x09" * 32)]) == fetched
        assert archive.places(ids) == {TXID: place}
        assert archive.headers([place.block_hash, b"\x00" * 32]) == {place.block_hash: header}


def test_statements__hold_for_their_source_and_tip_only(tmp_path: Path):
    with Archive(tmp_path) as archive:
        archive.keep_statements("a", b"tip 1", {b"q": b"old"})
        assert archive.statements("a", b"tip 1", [b"q", b"r"]) == {b"q": b"old"}
        assert archive.statements("b", b"tip 1", [b"q"]) == {}
        assert archive.statements("a", b"tip 2", [b"q"]) == {}
        archive.keep_statements("a", b"tip 2", {b"q": b"new"})
        assert archive.statements("a", b"tip 2", [b"q"]) == {b"q": b"new"}
        assert archive.statements("a", b"tip 1", [b"q"]) == {b"q": b"old"}


def test_record__is_kept_under_the_hash_of_its_text(tmp_path: Path):
    with Archive(tmp_path) as archive:
        name = archive.keep_record(b"what an answer stood on")
        assert archive.keep_record(b"what an answer stood on") == name
        assert name == hashlib.sha256(b"what an answer stood on").hexdigest()
    with Archive(tmp_path) as archive:
        assert archive.record(name) == b"what an answer stood on"
        assert archive.record("00" * 32) is None


def test_archive__of_the_first_version_keeps_its_statements(tmp_path: Path):
    """The tables are those that the program made before records came."""
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        for table in (
            "answers (sha256 BLOB PRIMARY KEY, content BLOB NOT NULL)",
            "headers (block_hash BLOB PRIMARY KEY, height INTEGER NOT NULL, "
            "header BLOB NOT NULL, median_time INTEGER NOT NULL)",
            "statements (source TEXT NOT NULL, question BLOB NOT NULL, tip BLOB NOT NULL, "
            "answer BLOB NOT NULL, PRIMARY KEY (source, question)) WITHOUT ROWID",
        ):
            connection.execute(f"CREATE TABLE {table}")
        connection.execute(
            "INSERT INTO statements VALUES (?, ?, ?, ?)", ("a", b"q", b"tip 1", b"old")
        )
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    with Archive(tmp_path) as archive:
        archive.keep_statements("a", b"tip 2", {b"q": b"new"})
        assert archive.statements("a", b"tip 1", [b"q"]) == {b"q": b"old"}
        assert archive.statements("a", b"tip 2", [b"q"]) == {b"q": b"new"}
        assert archive.record(archive.keep_record(b"note")) == b"note"


def test_archive__is_for_its_owner_only(tmp_path: Path):
    with Archive(tmp_path):
        mode = stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode)
    assert mode & 0o077 == 0


def test_archive__of_a_newer_program_is_refused(tmp_path: Path):
    Archive(tmp_path).close()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LedgerVersionError, match="newer version"):
        Archive(tmp_path)


def test_archive__that_is_no_database_is_named(tmp_path: Path):
    (tmp_path / FILE_NAME).write_bytes(b"not a database, but long enough to be looked at" * 30)
    with pytest.raises(LedgerDamagedError, match="is damaged: move it away"):
        Archive(tmp_path)


def test_archive__keeps_everything_that_was_answered_before_a_kill(tmp_path: Path):
    program = f"""
import os, signal
from datetime import UTC, datetime
from pathlib import Path
from arien_flows.fetched.archive import Archive
from chains.exchange import Exchange
archive = Archive(Path({str(tmp_path)!r}))
for number in range(50):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    archive.keep(Exchange(source="s", request=str(number), answer=b"a", received_at=now))
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", program], check=False)
    assert killed.returncode == -9
    with Archive(tmp_path) as archive:
        assert [each.request for each in archive.witnessed()] == [str(i) for i in range(50)]


def test_archive__may_be_used_by_two_runs_at_once(tmp_path: Path):
    with Archive(tmp_path) as first, Archive(tmp_path) as second:
        for number in range(10):
            first.keep(exchange(b"a", f"first {number}"))
            second.keep(exchange(b"b", f"second {number}"))
        assert len(list(first.witnessed())) == 20
