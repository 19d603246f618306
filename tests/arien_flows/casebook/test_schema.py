"""Migrations: they lead to the tables that the program expects, up and down, with data in them."""

import pkgutil
import resource
from importlib import import_module
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, select, text

from arien_flows import casebook as package
from arien_flows.access.roles import Role
from arien_flows.access.tlp import Tlp
from arien_flows.casebook import models
from arien_flows.casebook.access_records import BegunSignIn, NewKey, NewPerson
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import (
    database_url,
    open_engine,
    reading,
    sqlite_url,
    writing,
)
from arien_flows.casebook.records import PriceOffer
from arien_flows.casebook.schema import known_versions, migrate
from arien_flows.casebook.version import version_of
from arien_flows.errors import CasebookError, CasebookVersionError
from tests.arien_flows.casebook.case_folders import fill_cases
from tests.arien_flows.casebook.collected import fill_captures
from tests.arien_flows.casebook.observations import fill_vendors
from tests.arien_flows.casebook.packs import FIRST, GENESIS, SCRIPT, bring_in, pack, row

for module in pkgutil.iter_modules(package.__path__):
    if module.name.endswith("_tables"):
        import_module(f"{package.__name__}.{module.name}")  # makes its tables known

COLLECTED = (
    "capture_batches", "capture_parts", "captures", "extractions", "findings", "found_secrets",
    "capture_refusals", "document_withdrawals", "derived_imports",
)  # fmt: skip
"""Version 0005 made these; the tags that were made of them stay."""

FILLED = (
    "documents", "tag_imports", "withdrawals", "statements", "tags", "faulty_tags", "tag_sets",
    "price_tables", "price_points", "faulty_prices", "price_withdrawals", "evidence",
    *COLLECTED, "people", "keys", "sessions", "sign_ins", "cases", "case_members", "case_acts",
)  # fmt: skip
"""Tables that `fill` writes to."""

ACCOUNTS = ("people", "keys", "sessions", "sign_ins")
"""Version 0008 made these; a step down removes them."""

PRICES = ("price_tables", "price_points", "faulty_prices", "price_withdrawals")
"""Version 0003 made these; a step down removes them, and their files stay among the documents."""


Rows = dict[str, list[dict[str, object]]]


def without_prices(rows: Rows) -> Rows:
    later = [name for name in rows if name.startswith(("vendor_", "case_")) or name == "cases"]
    return content(rows) | {name: [] for name in (*PRICES, *COLLECTED, *ACCOUNTS, *later)}


def content(rows: Rows) -> Rows:
    """Leave out the evidence: a step down removes it, and a step up begins a new chain."""
    return {name: found for name, found in rows.items() if name != "evidence"}


def rows_of(engine: Engine) -> Rows:
    """Return everything that the database holds, by table; older versions lack some columns."""
    with reading(engine) as connection:
        found = {}
        for table in models.metadata.sorted_tables:
            if inspect(connection).has_table(table.name):
                known = {column["name"] for column in inspect(connection).get_columns(table.name)}
                columns = [column for column in table.columns if column.name in known]
                rows = connection.execute(select(*columns).order_by(*table.primary_key)).all()
                found[table.name] = [dict(row._mapping) for row in rows]
        return found


def shown_by(before: Rows, kept: Rows) -> Rows:
    """Return what was before, as far as the tables and columns that are left can show it."""
    return {
        name: [
            {column: row[column] for column in (left[0] if left else row)} for row in before[name]
        ]
        for name, left in kept.items()
    }


def fill(casebook: Casebook) -> None:
    bring_in(casebook, pack(row(GENESIS, "Pool", lastmod="2020-01-01"), row("wrong", "Typo")))
    bring_in(casebook, pack(row(GENESIS, "Pool", lastmod="2021-01-01"), row(SCRIPT, "Shop")))
    wrong = bring_in(casebook, pack(row(SCRIPT, "Other", network="ETH"), row(SCRIPT, "Other")))
    casebook.withdraw(wrong.record.id, reason="mistaken", now=FIRST, by="x")
    offer = PriceOffer(
        name="prices.csv",
        asset="BTC",
        currency="EUR",
        source="An exchange",
        licence=None,
        imported_at=FIRST,
        imported_by="x",
    )
    prices = casebook.import_prices(b"date,close\n2024-03-01,5\nyesterday,5\n", offer)
    casebook.withdraw_prices(prices.record.id, reason="mistaken", now=FIRST, by="x")
    fill_vendors(casebook)
    fill_captures(casebook)
    fill_cases(casebook)
    fill_accounts(casebook)


def fill_accounts(casebook: Casebook) -> None:
    owner = NewPerson(name="ann", role=Role.ANALYST, clearance=Tlp.AMBER)
    casebook.keys.make_with_owner(NewKey(owner="ann"), owner, now=FIRST, by="x")
    casebook.sessions.begin_sign_in("state", BegunSignIn(nonce="n", verifier="v"), FIRST)
    casebook.sessions.open("ann", FIRST)


def test_versions__the_last_one_is_the_one_that_the_program_expects():
    assert known_versions()[-1] == models.SCHEMA


def test_migrations__make_the_tables_of_the_models(casebook: Casebook):
    casebook.upgrade()
    with reading(casebook._engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, models.metadata) == []


def test_migrations__lose_nothing_on_the_way_down_and_up(casebook: Casebook):
    fill(casebook)
    engine, before = casebook._engine, rows_of(casebook._engine)
    assert all(before[name] for name in FILLED)
    for version in known_versions()[-2::-1]:
        with writing(engine) as connection:
            migrate(connection, version)
            assert version_of(connection) == version
        kept = rows_of(engine)
        assert "documents" in kept
        assert kept == shown_by(before, kept)
    with writing(engine) as connection:
        migrate(connection)
    after = rows_of(engine)
    assert content(after) == without_prices(before)
    assert [row["kind"] for row in after["evidence"]] == ["casebook_upgraded"]
    assert casebook.evidence.verify().faults == ()


def test_migrations__down_to_nothing_leave_nothing(casebook: Casebook):
    fill(casebook)
    with writing(casebook._engine) as connection:
        migrate(connection, "base")
        assert version_of(connection) is None
    assert rows_of(casebook._engine) == {}


def test_migrations__that_fail_leave_the_tables_as_they_were(
    casebook: Casebook, monkeypatch: pytest.MonkeyPatch
):
    fill(casebook)
    with writing(casebook._engine) as connection:
        migrate(connection, "0001")
    before = rows_of(casebook._engine)
    monkeypatch.setattr("alembic.op.bulk_insert", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError), writing(casebook._engine) as connection:
        migrate(connection)
    assert rows_of(casebook._engine) == before


def test_casebook__of_an_older_version_is_refused_until_it_is_upgraded(
    address: str, tmp_path: Path
):
    old = Casebook(database_url(address))
    fill(old)
    before = rows_of(old._engine)
    with writing(old._engine) as connection:
        migrate(connection, "0001")
    old.close()
    book = Casebook(database_url(address))
    with pytest.raises(CasebookVersionError, match="arien-flows casebook upgrade"):
        book.revision("bitcoin")
    with pytest.raises(CasebookVersionError, match="arien-flows casebook upgrade"):
        bring_in(book, pack(row(GENESIS, "Late")))
    version, copy = book.upgrade()
    assert version == "0001"
    assert content(rows_of(book._engine)) == without_prices(before)
    assert book.evidence.verify().ok
    assert book.upgrade() == (models.SCHEMA, None)
    if address.startswith("sqlite"):
        assert copy == tmp_path / "casebook.sqlite.0001.bak"
        assert copy.stat().st_mode & 0o077 == 0
        engine = open_engine(database_url(f"sqlite:///{copy}"))
        kept = rows_of(engine)
        engine.dispose()
        assert kept == shown_by(before, kept)
        assert "tag_sets" not in kept
    else:
        assert copy is None
    book.close()


def test_upgrade__that_finds_no_room_for_a_copy_changes_nothing(tmp_path: Path):
    file = tmp_path / "casebook.sqlite"
    book = Casebook(sqlite_url(file))
    rows = (row(GENESIS, "Pool", source=f"{'x' * 1000}{i}") for i in range(100))
    bring_in(book, pack(*rows))
    with writing(book._engine) as connection:
        migrate(connection, "0001")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, limits[1]))
    try:
        with pytest.raises(CasebookError, match=r"cannot be copied to casebook\.sqlite\.0001\.bak"):
            book.upgrade()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert book.version() == "0001"
    book.close()
    assert list(tmp_path.iterdir()) == [file]


def test_casebook__of_a_newer_version_is_refused(address: str):
    new = Casebook(database_url(address))
    fill(new)
    with writing(new._engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    new.close()
    book = Casebook(database_url(address))
    for question in (lambda: book.revision("bitcoin"), book.upgrade):
        with pytest.raises(CasebookVersionError, match="of a newer version"):
            question()
    book.close()
