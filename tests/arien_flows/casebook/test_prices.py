"""Price tables in the casebook, in both databases: whole, recognised, withdrawn, superseded."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, text

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import database_url, reading, writing
from arien_flows.casebook.models import documents, price_points
from arien_flows.casebook.records import PriceImport, PriceOffer
from arien_flows.errors import CasebookError, InputError, NotFoundError
from tests.arien_flows.casebook.packs import FIRST, GENESIS, bring_in, pack, row
from tests.arien_flows.prices.tables import seconds

EURO = b"date,close\n2024-03-01,57643.10\n2024-03-02,57000\n2024-03-03,N/A\n2024-03-04,x\n"
OFFER = PriceOffer(
    name="btc.csv",
    asset="BTC",
    currency="EUR",
    source="An exchange",
    licence="CC0",
    imported_at=FIRST,
    imported_by="an analyst",
)


def bring(
    casebook: Casebook, raw: bytes = EURO, column: str | None = None, **changes: Any
) -> PriceImport:
    return casebook.import_prices(raw, replace(OFFER, **changes), column=column)


def rate(casebook: Casebook, moment: str, asset: str = "BTC", currency: str = "EUR") -> str | None:
    found = casebook.price_book(asset, currency).rates(np.array([seconds(moment)], np.int64))
    return found.rates[0].text if found.rates else None


def test_import__keeps_the_file_and_says_what_was_read(casebook: Casebook):
    outcome = bring(casebook)
    record = outcome.record
    assert outcome.is_new
    assert (record.id, record.asset, record.currency, record.granularity) == (
        1,
        "BTC",
        "EUR",
        "day",
    )
    assert (record.points, record.missing, record.absent, record.repeated, record.faulty) == (
        2,
        0,
        1,
        0,
        1,
    )
    assert record.first_time == datetime(2024, 3, 1, tzinfo=UTC)
    assert record.last_time == datetime(2024, 3, 2, tzinfo=UTC)
    assert record.longest_gap == 86_400
    origin = record.origin
    assert (origin.source, origin.licence, origin.file, origin.column) == (
        "An exchange",
        "CC0",
        "btc.csv",
        "close",
    )
    assert (record.imported_at, record.imported_by, record.withdrawal) == (
        FIRST,
        "an analyst",
        None,
    )
    assert [(fault.line, fault.text) for fault in outcome.faults] == [(5, "x")]
    with reading(casebook._engine) as connection:
        kept = connection.execute(select(documents)).one()
        rows = connection.execute(select(price_points)).all()
    assert (kept.content, kept.media_type, kept.sha256) == (EURO, "text/csv", origin.sha256)
    assert [tuple(each) for each in rows] == [
        (1, seconds("2024-03-01"), "57643.1"),
        (1, seconds("2024-03-02"), "57000"),
    ]


def test_import__recognises_the_same_prices_of_the_same_source(casebook: Casebook):
    first = bring(casebook)
    again = bring(casebook, name="other name.csv", imported_at=FIRST + timedelta(days=1))
    assert (again.is_new, again.record, again.faults) == (False, first.record, first.faults)
    changed = (
        bring(casebook, source="Another exchange"),
        bring(casebook, licence=None),
        bring(casebook, asset="ETH"),
        bring(casebook, currency="USD"),
        bring(casebook, EURO + b"\n"),
    )
    assert [(each.is_new, each.record.id) for each in changed] == [(True, i) for i in range(2, 7)]
    assert not bring(casebook, licence=None).is_new
    assert len(casebook.price_tables()) == 6


def test_import__of_a_file_that_contradicts_itself_leaves_nothing(casebook: Casebook):
    bring(casebook)
    with pytest.raises(InputError, match="two prices"):
        bring(casebook, b"date,close\n2024-03-01,1\n2024-03-01,2\n")
    assert len(casebook.price_tables()) == 1


def test_import__a_document_may_hold_tags_and_prices(casebook: Casebook):
    raw = pack(row(GENESIS, "Pool"))
    bring_in(casebook, raw)
    with pytest.raises(InputError, match="no line that names its columns"):
        bring(casebook, raw)
    assert casebook.count("bitcoin") == 1


def test_withdrawal__lets_the_other_table_speak_again(casebook: Casebook):
    bring(casebook)
    newer = bring(casebook, b"date,close\n2024-03-02,58000\n2024-03-03,58500\n", imported_at=FIRST)
    days = ("2024-03-01T12:00", "2024-03-02T12:00", "2024-03-03T12:00")
    assert [rate(casebook, day) for day in days] == ["57643.1", "58000", "58500"]
    later = FIRST + timedelta(days=3)
    record = casebook.withdraw_prices(
        newer.record.id, reason="wrong pair", now=later, by="the head"
    )
    assert record.withdrawal is not None
    assert (record.withdrawal.reason, record.withdrawal.withdrawn_at) == ("wrong pair", later)
    assert [rate(casebook, day) for day in days] == ["57643.1", "57000", None]
    assert [each.withdrawal is None for each in casebook.price_tables()] == [True, False]
    with pytest.raises(InputError, match="was withdrawn before: wrong pair"):
        casebook.withdraw_prices(newer.record.id, reason="again", now=later, by="x")
    # Withdrawn by mistake: the file may be imported anew, under a new number.
    again = bring(casebook, b"date,close\n2024-03-02,58000\n2024-03-03,58500\n")
    assert (again.is_new, again.record.id) == (True, 3)
    assert rate(casebook, "2024-03-03T12:00") == "58500"


def test_withdrawal__of_what_is_not_there_says_so(casebook: Casebook):
    with pytest.raises(NotFoundError, match="nothing was imported"):
        casebook.withdraw_prices(1, reason="x", now=FIRST, by="x")
    bring(casebook)
    for number in (2, 2**40):
        with pytest.raises(NotFoundError, match=f"there is no price table {number}"):
            casebook.withdraw_prices(number, reason="x", now=FIRST, by="x")


def test_book__finer_tables_speak_first_and_of_equally_fine_ones_the_last(casebook: Casebook):
    hours = b"time,close\n2024-03-01T00:00,1\n2024-03-01T01:00,2\n2024-03-01T02:00,3\n"
    bring(casebook, hours)
    bring(casebook)
    bring(casebook, EURO.replace(b"57643.10", b"57644"))
    assert rate(casebook, "2024-03-01T01:30") == "2"
    assert rate(casebook, "2024-03-01T06:00") == "57644"


def test_book__converts_by_exchange_rates(casebook: Casebook):
    bring(casebook, b"date,close\n2024-03-01,110\n", currency="USD")
    assert casebook.price_book("BTC", "EUR").is_empty
    rates = b"Date,USD,JPY,GBP,CHF,CAD,\n2024-03-01,1.1,1,1,1,1,\n2024-02-29,1.2,1,1,1,1,\n"
    bring(casebook, rates, asset="EUR", currency="USD", source="ECB")
    assert rate(casebook, "2024-03-01T12:00") == "100"
    assert rate(casebook, "2024-03-01T12:00", currency="USD") == "110"
    assert rate(casebook, "2024-03-01T12:00", asset="USD") == "0.909090909090909091"
    assert casebook.price_book("tBTC", "EUR").is_empty


def test_book__without_a_casebook_is_empty(casebook: Casebook):
    assert casebook.price_book("BTC", "EUR").is_empty
    assert casebook.price_tables() == []


def test_book__refuses_points_that_are_not_those_that_were_imported(
    casebook: Casebook, address: str
):
    bring(casebook)
    with writing(casebook._engine) as connection:
        connection.execute(text("UPDATE price_points SET price = '1' WHERE price = '57000'"))
    book = Casebook(database_url(address))
    with pytest.raises(CasebookError, match="price table 1 does not hold the points"):
        book.price_book("BTC", "EUR")
    book.close()


def test_import__of_real_files_is_whole(casebook: Casebook, shared_data: Path):
    folder = shared_data / "prices"
    if not folder.is_dir():
        pytest.skip("the real prices are absent")
    for name, asset, currency, points in (
        ("ecb_eurofxref-hist.csv", "EUR", "USD", 7_126),
        ("cryptocompare_BTC-USD_hours.csv", "BTC", "USD", 6_171),
        ("electrum_BitFinex_BTC_EUR.json", "BTC", "EUR", 3_000),
    ):
        raw = (folder / name).read_bytes()
        now = datetime(2026, 11, 23, tzinfo=UTC)
        found = bring(casebook, raw, name=name, asset=asset, currency=currency, imported_at=now)
        assert (found.record.points, found.record.faulty) == (points, 0)
    assert rate(casebook, "2011-01-02T12:30") == "0.220433060153814549"
    assert rate(casebook, "2024-03-01T12:30") == "57643"
    assert rate(casebook, "2013-01-01") is None
