"""The evidence chain: what is recorded, what refuses to be changed, and what is found if it was."""
# ruff: noqa: S608 the names of tables and columns are the program's own

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import Column, Table, text

from arien_flows.casebook import evidence, models
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import sqlite_url, writing
from arien_flows.casebook.evidence import EvidenceKind, Provenance
from arien_flows.casebook.evidence_rows import measure, rows_of
from arien_flows.casebook.evidence_triggers import TRIGGERS
from arien_flows.casebook.evidence_verify import head_named, verify
from arien_flows.casebook.records import PriceOffer
from arien_flows.errors import CasebookError, InputError, NotFoundError
from tests.arien_flows.casebook.observations import fill_vendors
from tests.arien_flows.casebook.packs import ETHEREUM, FIRST, GENESIS, SCRIPT, bring_in, pack, row
from tests.arien_flows.intake.desk import SECRET, Desk, page

COLLECTED = {
    "capture_batches", "capture_parts", "captures", "extractions", "findings", "found_secrets",
    "capture_refusals", "document_withdrawals", "derived_imports",
}  # fmt: skip
"""Tables that only the whole way of a document fills."""

STATED = {"evidence", "tag_sets"}
"""Tables that the chain holds in other ways than by the acts that wrote their rows."""

TABLES = [
    table
    for table in models.metadata.sorted_tables
    if "recorded_by" in table.info or table.name in STATED
]
"""Others hold what may be changed and erased: accounts, jobs, cases, receivers."""

GUARDED = [table for table in TABLES if table.name not in COLLECTED]

words = st.text(max_size=20)
payloads = st.dictionaries(
    words, st.one_of(words, st.integers(), st.none(), st.lists(words)), max_size=4
)


def fill(casebook: Casebook) -> None:
    """Do everything that a casebook's tables can hold."""
    bring_in(
        casebook,
        pack(
            row(GENESIS, "Pool", actor="pool", lastmod="2020-01-01", confidence="web_crawl"),
            row("wrong", "Typo"),
            row(SCRIPT, "Café", context="{a: 1}", tag_type="actor"),
        ),
    )
    wrong = bring_in(casebook, pack(row(ETHEREUM, "Other", network="ETH"), row(SCRIPT, "Other")))
    casebook.withdraw(wrong.record.id, reason="mistaken", now=FIRST, by="a reviewer")
    offer = PriceOffer(
        name="prices.csv",
        asset="BTC",
        currency="EUR",
        source="An exchange",
        licence="CC0",
        imported_at=FIRST,
        imported_by="an analyst",
    )
    prices = casebook.import_prices(b"date,close\n2024-03-01,5\nyesterday,5\n2024-03-02,6\n", offer)
    casebook.withdraw_prices(prices.record.id, reason="mistaken", now=FIRST, by="a reviewer")


def fill_the_rest(casebook: Casebook) -> None:
    """Do what other parts of the program do to a casebook."""
    fill_vendors(casebook)
    said = {"reason": "seen", "now": FIRST, "by": "a reviewer"}
    casebook.lists.review(1, row=1, verdict="approved", **said)
    casebook.lists.set_policy(counts_proposed=True, **said)
    casebook.lists.import_actors(ACTORS, name="actors.yaml", now=FIRST, by="an analyst")


ACTORS = b"""\
title: Actors
creator: the tests
actors:
- {id: pool, uri: "https://pool.example", label: Pool, lastmod: 2024-01-01, categories: [miner]}
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of a casebook whose tables all hold something."""
    file = tmp_path_factory.mktemp("evidence") / "casebook.sqlite"
    book = Casebook(sqlite_url(file))
    fill(book)
    fill_the_rest(book)
    assert book.evidence.verify().faults == ()
    book.close()
    return checked(file, GUARDED)


@pytest.fixture(scope="module")
def full(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same after documents were collected, read and withdrawn."""
    folder = tmp_path_factory.mktemp("collected")
    file = folder / "casebook.sqlite"
    shutil.copyfile(filled, file)
    desk = Desk(folder, f"sqlite:///{file}")
    shown = page("Alice", GENESIS, more=f"<p>my key {SECRET}</p>")
    result = desk.bring({"alice.html": shown, "broken.zip": b"PK\x03\x04"})
    desk.withdraw(next(row.sha256 for row in result.rows if row.sha256))
    desk.bring({"bob.html": page("Bob", SCRIPT)})
    assert desk.casebook.evidence.verify().faults == ()
    desk.casebook.close()
    return checked(file, TABLES)


def checked(file: Path, tables: Sequence[Table]) -> Path:
    """Return a file whose tables all hold something, without what SQLite keeps beside it."""
    connection = sqlite3.connect(file)
    for table in tables:
        (count,) = connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()
        assert count > 0, f"nothing to change in {table.name}"
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return file


def faults_after(
    filled: Path, change: Callable[[sqlite3.Connection], object], head: str | None = None
) -> list[tuple[str, str]]:
    """Let somebody who owns the file change it; return what verification names."""
    copy = filled.with_name("changed.sqlite")
    for left in filled.parent.glob("changed.sqlite*"):
        left.unlink()
    shutil.copyfile(filled, copy)
    connection = sqlite3.connect(copy, isolation_level=None)
    kept = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    triggers = dict(kept.fetchall())
    for name in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    change(connection)
    for made in triggers.values():
        connection.execute(made)
    connection.close()
    book = Casebook(sqlite_url(copy))
    expected = None if head is None else head_named(head)
    found = book.evidence.verify(expected=expected)
    book.close()
    assert found.ok is not bool(found.faults)
    return [(fault.kind, fault.where) for fault in found.faults]


@given(data=st.data())
def test_verify__names_any_byte_that_was_changed(filled: Path, data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(GUARDED), "table")
    column = data.draw(st.sampled_from(list(table.columns)), "column").name

    def change(connection: sqlite3.Connection) -> None:
        query = f"SELECT rowid, {column}, typeof({column}) FROM {table.name} ORDER BY rowid"
        rows = connection.execute(query.replace(f" {column},", f" CAST({column} AS BLOB),"))
        place, raw, kind = data.draw(st.sampled_from(rows.fetchall()), "row")
        update = f"UPDATE {table.name} SET {column} = CAST(? AS {kind}) WHERE rowid = ?"
        if not raw:
            connection.execute(update.replace(f" AS {kind}", " AS TEXT"), (b"x", place))
        elif kind == "integer":
            bit = data.draw(st.integers(0, 30), "bit")
            with suppress(sqlite3.IntegrityError):
                connection.execute(update, (int(raw) ^ 1 << bit, place))
            # The number of another row is refused, and nothing was changed.
            assume(connection.total_changes > 0)
        else:
            at = data.draw(st.integers(0, len(raw) - 1), "byte")
            flipped = raw[at] ^ data.draw(st.integers(1, 255), "mask")
            connection.execute(update, (raw[:at] + bytes([flipped]) + raw[at + 1 :], place))

    found = faults_after(filled, change)
    called = {"evidence": "evidence row", "documents": "document"}.get(table.name, table.name)
    if table is models.tag_sets or (table is models.tags and column == "is_current"):
        called = "tag"
    assert any(called in where for _, where in found), found


@pytest.mark.slow
def test_verify__finds_a_change_in_every_column_of_every_table(full: Path) -> None:
    book = Casebook(sqlite_url(full))
    missed = []
    with book._engine.connect() as connection:
        connection.execute(text("DROP TRIGGER documents_no_update"))
        connection.execute(text("DROP TRIGGER evidence_no_update"))
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        for table in TABLES:
            for column in table.columns:
                savepoint = connection.begin_nested()
                connection.execute(text(changed(table, column)))
                found = verify(connection, "it").faults
                if all(fault.kind == "trigger" for fault in found):
                    missed.append(f"{table.name}.{column.name}")
                savepoint.rollback()
        connection.rollback()
    book.close()
    assert missed == []


def changed(table: Table, column: Column[object]) -> str:
    """Return an act that changes the first row's value in a column."""
    name = column.name
    if column.primary_key:
        new = f"{name} + 1000" if column.type.python_type is int else "'x'"
    elif column.nullable:
        new = f"CASE WHEN {name} IS NULL THEN 1 END"
    else:
        new = f"CASE {name} WHEN 1 THEN 0 ELSE 1 END"
    first = f"(SELECT min(rowid) FROM {table.name})"
    return f"UPDATE {table.name} SET {name} = {new} WHERE rowid = {first}"


@given(data=st.data())
def test_verify__names_rows_that_were_removed_or_slipped_in(
    filled: Path, data: st.DataObject
) -> None:
    table = data.draw(st.sampled_from(GUARDED))
    is_removed = data.draw(st.booleans())

    def change(connection: sqlite3.Connection) -> None:
        rowids = [each for (each,) in connection.execute(f"SELECT rowid FROM {table.name}")]
        place = data.draw(st.sampled_from(sorted(rowids)))
        if is_removed:
            connection.execute(f"DELETE FROM {table.name} WHERE rowid = ?", (place,))
            return
        columns = [column.name for column in table.columns]
        told = list(
            connection.execute(
                f"SELECT {', '.join(columns)} FROM {table.name} WHERE rowid = ?", (place,)
            ).fetchone()
        )
        for i, column in enumerate(table.columns):
            if column.primary_key and isinstance(told[i], int):
                told[i] += 1_000
            elif column.unique:
                told[i] = "0" * 64
        if table is models.tags:
            told[columns.index("row")] += 1_000
        marks = ", ".join("?" * len(told))
        with suppress(sqlite3.IntegrityError):
            connection.execute(f"INSERT INTO {table.name} VALUES ({marks})", told)
        # What the tables themselves refuse, nobody has to find.
        assume(connection.total_changes > 0)

    assert faults_after(filled, change)


def test_verify__names_the_very_tag_that_was_changed(filled: Path) -> None:
    change = "UPDATE tags SET subject = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4' WHERE row = 3"
    found = faults_after(filled, lambda it: it.execute(change))

    assert found == [("rows", "table tags, import_id 1"), ("rows", "tag 3 of import 1")]


def test_verify__finds_a_chain_that_was_made_anew_by_a_head_that_was_kept(filled: Path) -> None:
    def rebuild(connection: sqlite3.Connection) -> None:
        rows = connection.execute("SELECT * FROM evidence ORDER BY seq").fetchall()
        before = evidence.FIRST_HASH
        for seq, kind, payload, _, _, when, author in rows:
            by = "somebody else" if seq == 3 else author
            own = evidence.row_hash(before, seq, kind, payload, when, by)
            connection.execute(
                "UPDATE evidence SET prev_hash = ?, row_hash = ?, recorded_by = ? WHERE seq = ?",
                (before, own, by, seq),
            )
            before = own

    book = Casebook(sqlite_url(filled))
    head = book.evidence.head()
    book.close()
    kept = f"{head.seq}:{head.row_hash}"
    assert faults_after(filled, rebuild) == []
    assert faults_after(filled, rebuild, head=kept) == [("head", f"evidence row {head.seq}")]
    assert faults_after(filled, lambda _: None, head=kept) == []
    beyond = f"{head.seq + 1}:{head.row_hash}"
    assert faults_after(filled, lambda _: None, head=beyond) != []


@pytest.fixture(scope="module")
def growing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Casebook]:
    """Return a casebook to which every example adds rows."""
    book = Casebook(sqlite_url(tmp_path_factory.mktemp("chain") / "casebook.sqlite"))
    book.evidence.record(EvidenceKind.MENTION, {"told": {}}, at=FIRST, by="x")
    yield book
    book.close()


@given(st.lists(st.tuples(payloads, words), min_size=1, max_size=5))
def test_record__binds_each_row_to_the_one_before_it(
    growing: Casebook, acts: list[tuple[dict[str, object], str]]
) -> None:
    last = growing.evidence.head()
    for payload, by in acts:
        growing.evidence.record(EvidenceKind.MENTION, {"told": payload}, at=FIRST, by=by)
    before = last.row_hash
    found = growing.evidence.page(after=last.seq, limit=100)
    assert [row.seq for row in found] == [last.seq + 1 + i for i in range(len(acts))]
    for kept, (payload, _) in zip(found, acts, strict=True):
        assert kept.told == {"told": payload}
        # As anybody can compute it, from the words of the design alone.
        told = {
            "seq": kept.seq,
            "kind": "mention",
            "payload": json.loads(kept.payload),
            "recorded_at": "2026-02-03T04:05:06.000000Z",
            "recorded_by": kept.recorded_by,
        }
        canonical = json.dumps(told, sort_keys=True, separators=(",", ":"))
        assert kept.prev_hash == before
        before = hashlib.sha256((before + canonical).encode()).hexdigest()
        assert kept.row_hash == before
    assert growing.evidence.verify().ok


def test_record__is_a_part_of_the_act(casebook: Casebook) -> None:
    bring_in(casebook, pack(row(GENESIS, "Pool")))
    before = casebook.evidence.head()
    with suppress(ZeroDivisionError), writing(casebook._engine) as connection:
        evidence.record(connection, EvidenceKind.DECISION, {}, at=FIRST, by="x")
        raise ZeroDivisionError
    assert casebook.evidence.head() == before
    with pytest.raises(ValueError, match="the chain's own"):
        casebook.evidence.record(EvidenceKind.DECISION, {"rows": []}, at=FIRST, by="x")


def test_record_many__writes_the_rows_that_single_records_would(casebook: Casebook) -> None:
    told = [{"n": n} for n in range(3)]
    with casebook._writing() as connection:
        head = evidence.record_many(
            connection, EvidenceKind.MENTION, told, at=FIRST, by="an\0 \ud800 analyst"
        )
    found = casebook.evidence.page(limit=9)
    assert [row.told for row in found] == told
    assert found[-1].row_hash == head.row_hash
    assert {row.recorded_by for row in found} == {"an\\0 \\ud800 analyst"}
    assert casebook.evidence.verify().ok


def test_acts__leave_rows_that_say_who_did_what(casebook: Casebook) -> None:
    fill(casebook)
    found = casebook.evidence.page(limit=100)
    assert [(row.kind, row.recorded_by) for row in found] == [
        ("document_kept", "an analyst"),
        ("tag_import", "an analyst"),
        ("document_kept", "an analyst"),
        ("tag_import", "an analyst"),
        ("withdrawal", "a reviewer"),
        ("document_kept", "an analyst"),
        ("price_import", "an analyst"),
        ("withdrawal", "a reviewer"),
    ]
    assert found[4].told["reason"] == "mistaken"
    assert found[4].told["import"] == 2
    verified = casebook.evidence.verify()
    assert verified.faults == ()
    assert (verified.rows, verified.documents) == (8, 3)
    only = casebook.evidence.page(limit=100, kind=EvidenceKind.WITHDRAWAL)
    assert [row.seq for row in only] == [5, 8]


def test_import__that_is_recognised_leaves_no_row(casebook: Casebook) -> None:
    raw = pack(row(GENESIS, "Pool"))
    bring_in(casebook, raw)
    head = casebook.evidence.head()
    bring_in(casebook, raw, days=1)
    assert casebook.evidence.head() == head
    assert head.seq == 2


REFUSED = {
    "sqlite": (
        "INSERT OR REPLACE INTO evidence SELECT * FROM evidence WHERE seq = 1",
        "REPLACE INTO evidence SELECT seq + 9, kind, payload, prev_hash, row_hash, recorded_at, "
        "recorded_by FROM evidence WHERE seq = 1",
        "REPLACE INTO documents SELECT * FROM documents",
        "UPDATE OR REPLACE evidence SET seq = 1 WHERE seq = 2",
    ),
    "postgresql": (
        "TRUNCATE evidence",
        "TRUNCATE documents CASCADE",
        "INSERT INTO documents SELECT * FROM documents ON CONFLICT (id) DO UPDATE SET name = 'x'",
    ),
}


def test_tables__refuse_to_change_what_is_evidence(casebook: Casebook) -> None:
    bring_in(casebook, pack(row(GENESIS, "Pool")))
    everywhere = (
        "UPDATE documents SET name = 'another'",
        "UPDATE documents SET content = content",
        "DELETE FROM documents",
        "UPDATE evidence SET payload = '{}'",
        "DELETE FROM evidence WHERE seq = 2",
    )
    for act in (*everywhere, *REFUSED[casebook._engine.dialect.name]):
        with (
            pytest.raises(CasebookError, match=r"documents are kept|evidence is only"),
            writing(casebook._engine) as connection,
        ):
            connection.execute(text(act))
    assert casebook.evidence.verify().ok


def test_verify__misses_the_triggers(casebook: Casebook) -> None:
    bring_in(casebook, pack(row(GENESIS, "Pool")))
    dialect = casebook._engine.dialect.name
    name = TRIGGERS[dialect][0]
    with writing(casebook._engine) as connection:
        on = "" if dialect == "sqlite" else " ON documents"
        connection.execute(text(f"DROP TRIGGER {name}{on}"))
    (fault,) = casebook.evidence.verify().faults
    assert (fault.kind, fault.where) == ("trigger", f"trigger {name}")


EMPTIED = {
    "sqlite": (
        "DROP TRIGGER documents_no_update",
        "CREATE TRIGGER documents_no_update BEFORE UPDATE ON documents WHEN 0 BEGIN SELECT 1; END",
    ),
    "postgresql": (
        "CREATE FUNCTION does_nothing() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RETURN NEW; END $$",
        "CREATE TABLE elsewhere (id integer)",
        "CREATE TRIGGER documents_no_change BEFORE UPDATE OR DELETE ON elsewhere "
        "FOR EACH ROW EXECUTE FUNCTION arien_flows_refuse('no')",
        "DROP TRIGGER documents_no_change ON documents",
    ),
}
"""What takes a trigger out of force and leaves one of its name."""


def test_verify__misses_a_trigger_of_which_only_the_name_is_there(casebook: Casebook) -> None:
    bring_in(casebook, pack(row(GENESIS, "Pool")))
    dialect = casebook._engine.dialect.name
    name = TRIGGERS[dialect][0]
    with writing(casebook._engine) as connection:
        for act in EMPTIED[dialect]:
            connection.execute(text(act))
    (fault,) = casebook.evidence.verify().faults
    assert fault.where == f"trigger {name}"
    if dialect == "postgresql":
        with writing(casebook._engine) as connection:
            connection.execute(
                text(
                    "CREATE TRIGGER documents_no_change BEFORE UPDATE OR DELETE ON documents "
                    "FOR EACH ROW EXECUTE FUNCTION does_nothing()"
                )
            )
        (fault,) = casebook.evidence.verify().faults
    assert "not the one that was made" in fault.detail


def test_measure__is_the_same_in_both_databases(casebook: Casebook) -> None:
    labels = [row(GENESIS, r'"Caf\u00e9 \"x\" \\ \u2028 \u0001 \x7f"'), row(SCRIPT, "\U0001f600")]
    labels.append(row(ETHEREUM, "Nobody", network="ETH"))
    bring_in(casebook, pack(*labels))
    offer = PriceOffer(
        name="p.csv",
        asset="BTC",
        currency="EUR",
        source="s",
        licence=None,
        imported_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        imported_by="x",
    )
    casebook.import_prices(b"date,close\n2024-03-01,5\n2024-03-02,5\n", offer)
    with casebook._held() as connection:
        found = {
            table.name: measure(connection, rows_of(table)).sha256
            for table in (models.statements, models.tags, models.price_tables)
        }
        statements = connection.execute(models.statements.select()).all()
    told = [
        [value if not isinstance(value, bool) else int(value) for value in each]
        for each in statements
    ]
    lines = "".join(
        json.dumps(each, separators=(",", ":"), ensure_ascii=False) + "\n" for each in told
    )
    assert found["statements"] == hashlib.sha256(lines.encode()).hexdigest()
    assert found == DIGESTS


DIGESTS = {
    "statements": "3395ffe6d71adc075a432dca2b00e90b991349ae7926d3c2b936b8f561bd8b1a",
    "tags": "b108672c3b2cc2650b59e5b60021172082278828f3bb31e72e03ab4c7fea5bcf",
    "price_tables": "97d488ea4f9fd1fbe23e79074c05b26d7d4eebc53205182c1ffb278580b82af5",
}
"""What SQLite gave; PostgreSQL has to give the same."""


def test_head__of_a_day_is_the_last_row_before_its_end(casebook: Casebook) -> None:
    with pytest.raises(NotFoundError):
        casebook.evidence.head()
    bring_in(casebook, pack(row(GENESIS, "Pool")))
    bring_in(casebook, pack(row(SCRIPT, "Shop")), days=2)
    assert casebook.evidence.head().seq == 4
    assert casebook.evidence.head(FIRST + timedelta(days=1)).seq == 2
    assert casebook.evidence.head(FIRST).seq == 0


@pytest.mark.parametrize("told", ["", "1", f"1:{'0' * 63}", f"x:{'0' * 64}", f"1:{'g' * 64}"])
def test_head_named__refuses_what_is_no_head(told: str) -> None:
    with pytest.raises(InputError, match="write SEQ:HASH"):
        head_named(told)


def test_secrets__are_recorded_when_they_are_looked_at(casebook: Casebook) -> None:
    casebook.evidence.secret_viewed(
        document_sha256="ab" * 32, begin=5, end=57, reason="seizure", at=FIRST, by="an officer"
    )
    (kept,) = casebook.evidence.page(limit=9)
    assert kept.kind == "secret_viewed"
    assert kept.told == {
        "document_sha256": "ab" * 32,
        "begin": 5,
        "length": 52,
        "reason": "seizure",
    }


def test_provenance__tells_every_field_that_a_finding_has_to_carry() -> None:
    told = Provenance(
        document_sha256="ab" * 32,
        media_type="text/html",
        begin=10,
        end=44,
        extractor="scan 1",
        rule="plain",
        confidence=20,
        captured_at=FIRST,
    ).payload()
    assert told["length"] == 34
    assert told["captured_at"] == "2026-02-03T04:05:06.000000Z"
    assert told["analyst"] is None
