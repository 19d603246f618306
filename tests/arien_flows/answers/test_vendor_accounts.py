"""Accounts as answers: what is shown of each, and what links them."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from arien_flows.answers.vendor_accounts import VendorQuery, vendor_answer, vendors_answer
from arien_flows.answers.vendor_aliases import (
    alias_book,
    named_accounts,
    named_fingerprints,
    strict_reading_of,
)
from arien_flows.answers.vendor_links import habits_of, vendor_link_answer
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.capture_tables import document_withdrawals
from arien_flows.casebook.capture_writing import document_number
from arien_flows.casebook.engine import sqlite_url
from arien_flows.casebook.vendor_records import AccountName
from arien_flows.errors import InputError, NotFoundError
from arien_flows.ledger.manifest import MANIFEST
from arien_flows.settings import Settings
from arien_flows.shapes import Truncation, json_text
from arien_flows.vendors.account import ContactKind, ContactSeen
from arien_flows.workspace import Workspace
from tests.arien_flows.casebook.observations import (
    NOW,
    THEN,
    clear_signed,
    green_key,
    observe,
    page,
)
from tests.arien_flows.casebook.packs import GENESIS, bring_in, pack, row


@pytest.fixture
def casebook(tmp_path: Path) -> Iterator[Casebook]:
    book = Casebook(sqlite_url(tmp_path / "casebook.sqlite"))
    yield book
    book.close()


def contact(handle: str) -> ContactSeen:
    return ContactSeen(
        kind=ContactKind.JABBER, handle=handle, begin=5, end=8, rule="jabber-label/text"
    )


@pytest.fixture
def filled(casebook: Casebook) -> Casebook:
    """Green on two markets with one key, Blue with Green's jabber, Red alone."""
    observe(casebook, b"empire green", page(contacts=(contact("g@x.im"),)))
    observe(
        casebook,
        b"apollon green",
        page(market="apollon", handle="GreenShop2", contacts=(), sales=()),
    )
    observe(
        casebook,
        b"apollon blue",
        page(market="apollon", handle="Blue", keys=(), contacts=(contact("g@x.im"),)),
    )
    observe(casebook, b"red", page(market="cryptonia", handle="Red", keys=(), contacts=()))
    return casebook


def withdraw(casebook: Casebook, raw: bytes) -> None:
    with casebook._writing() as connection:
        number = document_number(connection, hashlib.sha256(raw).hexdigest())
        connection.execute(
            document_withdrawals.insert().values(
                document_id=number, reason="planted", withdrawn_at=NOW, withdrawn_by="t"
            )
        )


def test_vendors_answer__pages_through_all_accounts(filled: Casebook):
    query = VendorQuery()
    first = vendors_answer(filled, query, limit=3)
    assert [each.id for each in first.items] == [
        "apollon/Blue",
        "apollon/GreenShop2",
        "cryptonia/Red",
    ]
    rest = vendors_answer(filled, query, limit=3, cursor=first.next_cursor)
    assert ([each.id for each in rest.items], rest.next_cursor) == (["empire/GreenShop"], None)
    assert {each.owner for each in (*first.items, *rest.items)} == {"apollon/Blue", "cryptonia/Red"}
    assert rest.items[0].accounts_of_owner == 3
    by_sales = vendors_answer(filled, VendorQuery(sort="sales"), limit=1)
    assert by_sales.items[0].sales == 2
    only = vendors_answer(filled, VendorQuery(market="Apollon Market"), limit=9)
    assert {each.market for each in only.items} == {"apollon"}


def test_vendor_answer__shows_all_with_its_bytes(filled: Casebook):
    answer = vendor_answer(filled, "empire/GreenShop")
    (key,) = answer.keys
    assert key.fingerprint == green_key().fingerprint
    assert key.user_ids == ("GreenShop <green@example.org>",)
    assert key.shown[0].document_sha256 == hashlib.sha256(b"empire green").hexdigest()
    assert (key.shown[0].begin, key.shown[0].end) == (3, 9)
    assert answer.contacts[0].handle == "g@x.im"
    assert {each.name for each in answer.fields} == {"registered", "profile"}
    assert [(e.amount, e.currency) for e in answer.offers[0].versions[0].quotes] == [
        ("0.0001", "BTC"),
        ("100", "USD"),
    ]
    assert len(answer.sales) == 2
    assert [each.sales for each in answer.sales_by_month] == [1]
    assert answer.documents[0].unreadable == ("sale: no date",)
    assert answer.aliases.accounts == ("apollon/Blue", "apollon/GreenShop2", "empire/GreenShop")
    assert {each.rule for each in answer.aliases.links} == {"same-key", "same-contact"}
    assert json_text(answer)


def test_vendor_answer__shows_prices_over_time(casebook: Casebook):
    observe(casebook, b"one", page())
    observe(casebook, b"two", page(), captured_at=THEN + timedelta(days=9))
    listing = page().listings[0]
    cheaper = type(listing)(
        title=listing.title,
        category="Tea",
        quotes=listing.quotes[:1],
        begin=0,
        end=1,
        rule="r",
    )
    observe(casebook, b"three", page(listings=(cheaper,)), captured_at=THEN + timedelta(days=20))
    (offer,) = vendor_answer(casebook, "GreenShop").offers
    assert offer.category == "Tea"
    assert [len(each.quotes) for each in offer.versions] == [2, 1]
    assert offer.versions[1].shown.captured_at == THEN + timedelta(days=20)


def test_vendor_answer__shows_a_sale_once_however_often_it_was_captured(casebook: Casebook):
    observe(casebook, b"one", page())
    observe(casebook, b"two", page(), captured_at=THEN + timedelta(days=9))
    assert len(vendor_answer(casebook, "GreenShop").sales) == 2
    twice = (*page().sales, page().sales[0])
    observe(casebook, b"three", page(sales=twice))
    assert len(vendor_answer(casebook, "GreenShop").sales) == 3


def test_find__takes_names_as_far_as_they_are_clear(filled: Casebook):
    book = alias_book(filled)
    assert book.find("EMPIRE/greenshop").id == book.find("greenshop").id == "empire/GreenShop"
    with pytest.raises(NotFoundError, match="vendors list"):
        book.find("nobody")
    observe(filled, b"another", page(market="far", keys=(), contacts=()))
    with pytest.raises(NotFoundError, match="empire/GreenShop or far/GreenShop"):
        alias_book(filled).find("greenshop")


def test_vendor_link_answer__shows_the_way_and_what_is_alike(filled: Casebook):
    answer = vendor_link_answer(filled, "apollon/Blue", "apollon/GreenShop2")
    assert answer.same_owner
    assert [each.rule for each in answer.path] == ["same-contact", "same-key"]
    assert answer.direct == ()
    assert (answer.enemies, answer.style) == (False, None)
    alone = vendor_link_answer(filled, "Red", "Blue")
    assert (alone.same_owner, alone.path) == (False, ())
    with pytest.raises(InputError, match="one account"):
        vendor_link_answer(filled, "Red", "cryptonia/Red")


def test_withdrawing_a_document__takes_its_links_and_no_other(filled: Casebook):
    withdraw(filled, b"apollon green")
    book = alias_book(filled)
    assert book.groups.set_of["apollon/Blue"] == {"apollon/Blue", "empire/GreenShop"}
    assert {str(each.rule) for each in book.links} == {"same-contact"}
    withdraw(filled, b"apollon blue")
    assert alias_book(filled).links == ()


def test_signed_statements__link_whom_they_name(casebook: Casebook):
    words = "I am GreenShop on Empire. My new shop is Fresh-Leaf at Apollon market."
    raw = b"x" + clear_signed(words)
    # The message comes first, and its key later.
    observe(
        casebook,
        raw,
        page(market="apollon", handle="Fresh-Leaf", keys=(), contacts=()),
        statements=[(1, len(raw))],
    )
    assert alias_book(casebook).known.statements == []
    observe(casebook, b"key", page(contacts=()))
    (link,) = alias_book(casebook).links
    # The other account has not signed that it is so.
    assert (str(link.rule), link.confidence) == ("named-in-statement", 40)
    assert link.pair == ("apollon/Fresh-Leaf", "empire/GreenShop")
    answer = vendor_answer(casebook, "Fresh-Leaf")
    assert answer.aliases.accounts == ("apollon/Fresh-Leaf",)


def test_named_accounts__need_market_and_handle_near_each_other():
    names = [AccountName(number=1, market="silk-road-2", handle="Bob")]
    assert named_accounts("find Bob on Silk Road 2", names) == {"silk-road-2/Bob"}
    assert named_accounts("find Bobby on Silk Road 2", names) == frozenset()
    assert named_accounts("find Bob", names) == frozenset()
    assert named_accounts("Bob" + " x" * 200 + " Silk Road 2", names) == frozenset()


def test_named_fingerprints__are_full_ones_only():
    full = "ab" * 20
    assert named_fingerprints(f"my new key: {full.upper()}, id {full[-16:]}") == {full}


def test_wallets__are_what_tags_name_as_the_accounts(filled: Casebook):
    bring_in(
        filled,
        pack(
            row(GENESIS, "GreenShop @ Empire Market"),
            row(GENESIS, "GreenShop @ Other Market"),
            row(GENESIS, "NotGreenShop @ Empire Market"),
        ),
    )
    (wallet,) = vendor_answer(filled, "empire/GreenShop").wallets
    assert (wallet.address, wallet.account, wallet.entity) == (GENESIS, "empire/GreenShop", None)
    (from_other,) = vendor_answer(filled, "apollon/Blue").wallets
    assert from_other.account == "empire/GreenShop"
    assert vendor_answer(filled, "Red").wallets == ()


def test_habits_of__are_what_documents_show(filled: Casebook):
    name = alias_book(filled).find("empire/GreenShop")
    stored = filled.vendors.account(name.number)
    assert stored is not None
    habits = habits_of(stored)
    assert (habits.market, habits.titles) == ("empire", ("5 g",))
    assert len(habits.days) == 1
    # The sale is dated to a day, and a day has no hour.
    assert habits.sales == ()


def test_strict_reading_of__several_ledgers_says_that_one_has_to_be_named(
    filled: Casebook, tmp_path: Path
):
    for name in ("bitcoin", "bitcoin-testnet4"):
        (tmp_path / name).mkdir()
        (tmp_path / name / MANIFEST).touch()
    ledger = strict_reading_of(Workspace(Settings(data=tmp_path)), None)
    assert isinstance(ledger, Truncation)
    assert ledger.reason == "several_networks"
    assert "bitcoin or bitcoin-testnet4" in ledger.detail
    for answer in (
        vendor_answer(filled, "Red", ledger),
        vendor_link_answer(filled, "Red", "Blue", ledger),
    ):
        assert (answer.complete, answer.truncations) == (False, (ledger,))
