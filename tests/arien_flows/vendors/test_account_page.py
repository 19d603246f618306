"""Accounts read from pages: the markets' saved ones, and such as we made."""

import base64
import datetime
import hashlib
import io
import pickle
import tarfile
from datetime import UTC, timedelta
from decimal import Decimal

import pytest

from arien_flows.documents.item import whole
from arien_flows.extraction.finding import Secret, SecretKind
from arien_flows.extraction.html_tree import parse
from arien_flows.vendors.account import REDACTED, FieldName, account_id, market_name
from arien_flows.vendors.account_layout import AccountLayoutError, account_layout
from arien_flows.vendors.account_page import read_page
from arien_flows.vendors.photos import difference_hash, photo_value
from arien_flows.vendors.reading import account_layouts, read_account
from tests.arien_flows.vendors.test_photos import drawing, encoded

CAPTURED = datetime.datetime(2019, 11, 5, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def pages(shared_data):
    """The saved pages and what their collector read in them, by path."""
    with tarfile.open(shared_data / "dnm_html" / "pages.tar.gz") as archive:
        return {
            member.name.removeprefix("tests/"): archive.extractfile(member).read()
            for member in archive
            if member.isfile()
        }


class DatesOnly(pickle.Unpickler):
    """Reads the collector's values, which are dates and plain values, and nothing else."""

    def find_class(self, module, name):
        if module == "datetime" and name in ("date", "datetime"):
            return getattr(datetime, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no plain value")


def expected(pages, number, what):
    raw = pages[f"cryptonia/expected_values/user_profile_{number}_{what}"]
    return DatesOnly(io.BytesIO(raw)).load()


def read(pages, path, **options):
    return read_account(whole(path, pages[path], "text/html"), **options)


def cryptonia(pages, number, **options):
    path = f"cryptonia/html_files/users/saved_cryptonia_user_profile_{number}"
    return read(pages, path, **options)


def said(page, name):
    return [each for each in page.fields if each.name is name]


def texts(page, name):
    return [each.text for each in said(page, name)]


def with_seller_info(pages):
    prefix = "cryptonia/expected_values/user_profile_"
    return sorted(
        int(name.removeprefix(prefix).removesuffix("_seller_info"))
        for name in pages
        if name.startswith(prefix) and name.endswith("_seller_info")
    )


def test_read_account__reads_what_cryptonias_collector_read(pages):
    numbers = with_seller_info(pages)
    assert len(numbers) == 17
    for number in numbers:
        page = cryptonia(pages, number)
        rating, _, markets, _, origin, destinations, jabber, _, joined, seen = expected(
            pages, number, "seller_info"
        )
        assert [Decimal(each.rstrip("%")) for each in texts(page, FieldName.RATING)] == [
            Decimal(str(rating))
        ]
        assert texts(page, FieldName.ORIGIN) == ([origin] if origin else [])
        assert texts(page, FieldName.DESTINATION) == list(destinations)
        assert len(texts(page, FieldName.OTHER_MARKET)) >= len(markets)
        shown = [each.handle for each in page.contacts if each.rule.startswith("layout:")]
        assert shown == ([jabber.lower()] if jabber else [])
        (registered,) = said(page, FieldName.REGISTERED)
        moment = joined.replace(tzinfo=UTC)
        assert registered.interval.earliest < moment < registered.interval.latest
        assert registered.interval.latest - registered.interval.earliest == timedelta(hours=26)
        # The collector wrote down the day on which he tested his program as "last online"; the
        # page tells a span before its own clock.
        (last_seen,) = said(page, FieldName.LAST_SEEN)
        assert last_seen.interval is not None
        assert last_seen.interval.earliest.date() <= seen


def test_read_account__reads_cryptonias_keys(pages):
    for number in range(6):
        raw = pages[f"cryptonia/expected_values/user_profile_{number}_pgp_key"]
        keys = cryptonia(pages, number).keys
        assert [each.rule for each in keys] == (["key-block"] if raw else [])
        if raw:
            from arien_flows.vendors.keys import key_blocks

            (block,) = key_blocks(raw.decode())
            assert keys[0].fingerprint == block.key.fingerprint


def test_read_account__reads_cryptonias_feedback(pages):
    checked = 0
    for number in range(6):
        days, _, titles, _, _, buyers, currencies, amounts = expected(pages, number, "feedback")[:8]
        sales = cryptonia(pages, number).sales
        assert [each.title.split() for each in sales] == [each.split() for each in titles]
        assert [each.buyer for each in sales] == list(buyers)
        assert [each.quote.currency for each in sales] == list(currencies)
        assert [each.quote.amount for each in sales] == [Decimal(str(each)) for each in amounts]
        for sale, day in zip(sales, days, strict=True):
            noon = datetime.datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
            assert sale.when.earliest <= noon - timedelta(hours=12)
            assert sale.when.latest - sale.when.earliest <= timedelta(hours=50)
            checked += 1
    assert checked > 75


def test_read_account__knows_where_cryptonias_texts_stand(pages):
    for number in range(6):
        page = cryptonia(pages, number)
        raw = pages[f"cryptonia/html_files/users/saved_cryptonia_user_profile_{number}"]
        for what, name in (
            ("description", FieldName.PROFILE),
            ("terms_and_conditions", FieldName.TERMS),
        ):
            words = pages[f"cryptonia/expected_values/user_profile_{number}_{what}"].decode()
            first = words.split()[:1]
            found = said(page, name)
            if words.startswith("This user has not"):
                assert found == []
                continue
            assert len(found) == bool(first)
            for field in found:
                assert first[0] in raw[field.begin : field.end].decode()
                assert field.text == ""


def test_read_account__reads_every_saved_profile_and_listing(pages):
    """All pages of one vendor name him; no list of many vendors is taken for an account."""
    accounts = {}
    for path, raw in pages.items():
        if "/html_files/" in path and b"<" in raw:
            found = read(pages, path)
            if found is not None:
                accounts[path] = found
    of = lambda kind: [a for path, a in accounts.items() if kind in path]  # noqa: E731
    assert len(of("cryptonia/html_files/users/")) == 22
    assert len(of("cryptonia/html_files/listings/")) == 15
    assert len(of("empire/html_files/users/")) == 6
    assert len(of("empire/html_files/listings/")) == 15
    # Two of the seven users are buyers.
    assert len(of("apollon/html_files/sellers/")) == 5
    assert len(of("apollon/html_files/listings/")) == 7
    for kind in ("search_results", "category_index", "login_page", "ddos", "errors"):
        assert of(kind) == []
    for kind in ("cryptonia/html_files/listings/", "empire/html_files/listings/"):
        for account in of(kind):
            (listing,) = account.listings
            assert listing.quotes
    assert sum(len(each.faults) for each in accounts.values()) == 0


def test_read_account__shows_the_bytes_of_what_it_read(pages):
    raw = pages["cryptonia/html_files/users/saved_cryptonia_user_profile_16"]
    page = cryptonia(pages, 16)
    assert page.id == "cryptonia/MarleysMainMan"
    for begin, end, words in (
        (page.handle_begin, page.handle_end, page.handle),
        *((e.begin, e.end, e.text) for e in page.fields if e.text),
        *((e.begin, e.end, e.title) for e in page.sales),
    ):
        assert words.split()[0] in raw[begin:end].decode()


def test_read_account__finds_contacts_in_profiles(pages):
    found = {(str(each.kind), each.handle) for each in cryptonia(pages, 16).contacts}
    assert found == {
        ("jabber", "marleysmainman@xmpp.jp"),
        ("wickr", "therealmmm"),
        ("email", "therealmmm@protonmail.com"),
        ("email", "marleysmainman1@mail2tor.com"),
        ("onion", "55j6kjwki4vjtmzp.onion"),
        ("onion", "empiremktxgjovhm.onion"),
    }


def test_read_account__does_not_read_amounts_without_currency(pages):
    page = read(pages, "apollon/html_files/feedbacks/positive_feedback_0")
    assert len(page.sales) == 15
    assert all(each.quote is None for each in page.sales)
    # A buyer's own feedback page is of no vendor.
    assert read(pages, "apollon/html_files/feedbacks/positive_feedback_3") is None


PAGE = """<html><head><title>x</title></head><body>
<header><h1>Silk Lane Market</h1></header>
<section class="vendor"><h2>Vendor: Green &amp; Co</h2>
<p class="key">PGP fingerprint: {fingerprint}</p></section>
<table class="listings"><tr><th>Product</th><th>Price (BTC)</th></tr>
<tr><td>Tea, 5 g</td><td>0.0125</td></tr><tr><td>Tea, 9 g</td><td>on request</td></tr></table>
<section class="terms"><p>Write me on Wickr: greenco7</p></section>
<section class="feedback"></section><footer>f</footer></body></html>"""
FINGERPRINT = "0123456789abcdef0123456789abcdef01234567"


def made(text=None, **options):
    raw = (text or PAGE.format(fingerprint=FINGERPRINT)).encode()
    return read_account(whole("p.html", raw, "text/html"), **options)


def test_read_account__reads_pages_of_the_simulation():
    page = made()
    assert page.id == "silk-lane/Green & Co"
    assert [(each.fingerprint, each.rule) for each in page.keys] == [
        (FINGERPRINT, "fingerprint-field")
    ]
    assert [(str(e.kind), e.handle) for e in page.contacts] == [("wickr", "greenco7")]
    first, second = page.listings
    assert (first.title, first.quotes[0].amount, first.quotes[0].currency) == (
        "Tea, 5 g",
        Decimal("0.0125"),
        "BTC",
    )
    assert second.quotes == ()
    assert [each.reason for each in page.faults] == ["no price: 'on request'"]


def test_read_account__never_repeats_a_secret():
    page = made()
    contact = page.contacts[0]
    secret = Secret(
        kind=SecretKind.SEED_PHRASE, start=0, stop=1, begin=contact.begin + 1, end=contact.begin + 2
    )
    assert page.without([secret]).contacts == ()
    listing = page.listings[0]
    secret = Secret(
        kind=SecretKind.PRIVATE_KEY, start=0, stop=1, begin=listing.begin, end=listing.begin + 1
    )
    assert page.without([secret]).listings[0].title == REDACTED
    assert page.without([secret]).contacts == page.contacts
    assert page.without([]) == page


def test_read_account__of_an_unknown_page_believes_a_line_that_names_the_vendor():
    text = "<html><body><p>Vendor: Green Co</p><p>jabber: green@xmpp.example</p></body></html>"
    page = made(text, market="Far Market")
    assert (page.id, page.layout) == ("far/Green Co", "generic")
    assert [each.handle for each in page.contacts] == ["green@xmpp.example"]
    assert made(text) is None
    assert made("<html><body>Who is the vendor: nobody knows</body></html>", market="m") is None


LISTINGS = "<div class=listing><p>Vendor: Alice</p></div><div class=listing><p>{}</p></div>"


@pytest.mark.parametrize(
    "body",
    [
        LISTINGS.format("Vendor: Bob"),
        LISTINGS.format("by Bob"),
        "<p class=description>Tea</p><div class=feedback><p>Vendor: Zed</p></div>",
        "<p>Tea</p><blockquote><p>Vendor: Zed</p></blockquote><footer>Vendor: Site</footer>",
        "<p style='left:-9999px'>Vendor: Zed</p>",
    ],
)
def test_read_page__gives_no_page_to_one_of_several_vendors_nor_to_others(body):
    assert made(f"<html><body>{body}</body></html>", market="Far Market") is None


def test_read_page__says_where_an_unknown_page_names_the_vendor():
    text = f"<html><body>{LISTINGS.format('Vendor: alice')}<p class=review>Vendor: Zed</p></body>"
    page = made(text, market="Far Market")
    assert page.handle == "Alice"
    assert text[page.handle_begin : page.handle_end] == "Vendor: Alice"


RULES = {
    "handle": [{"select": "h1"}],
    "fields": [{"name": "last_seen", "select": "p"}],
    "sales": {"rows": "li", "when": {"select": "i"}, "title": {"select": "b"}},
}
DATED = b"<h1>Green</h1><p>3 days ago</p><ul><li><b>Tea</b><i>yesterday</i></li></ul>"


def test_read_page__needs_the_time_of_capture_for_relative_dates():
    layout = account_layout("x", RULES, "Far Market")
    page = read_page(parse(DATED), layout)
    assert [each.what for each in page.faults] == ["last_seen", "sale"]
    assert "when the page was captured" in page.faults[0].reason
    assert page.sales == ()
    page = read_page(parse(DATED), layout, captured_at=CAPTURED)
    assert page.faults == ()
    seen, sold = page.fields[0].interval, page.sales[0].when
    assert seen.earliest <= CAPTURED - timedelta(days=3) <= seen.latest <= CAPTURED
    assert sold.earliest <= CAPTURED - timedelta(days=1) <= sold.latest <= CAPTURED


@pytest.mark.parametrize(
    "section",
    [
        {"handles": []},
        {"handle": [{"selector": "h1"}]},
        {"handle": [{"select": "h1", "pattern": "("}]},
        {"handle": [{"select": "h1", "pattern": "x"}]},
        {"fields": [{"name": "colour", "select": "h1"}]},
        {"contacts": [{"kind": "pigeon", "select": "h1"}]},
        {"sales": {"rows": "tr", "price": {"select": "td"}}},
        {"keys": "h1"},
    ],
)
def test_account_layout__refuses_what_it_does_not_know(section):
    with pytest.raises(AccountLayoutError):
        account_layout("x", section)


def test_account_layouts__are_all_read():
    assert set(account_layouts()) >= {"apollon", "cryptonia", "empire", "simulated"}


def test_market_name__is_short_and_stable():
    assert market_name("The Silk-Road 2.0 Market") == "silk-road-2-0"
    assert market_name(market_name("Empire Market")) == "empire"
    assert market_name("Market") == "market"
    assert account_id(market_name("Empire Market"), "x") == "empire/x"


def test_read_page__reads_pictures_that_the_page_holds():
    layout = account_layout("x", {**RULES, "photos": [{"select": "img.own"}]}, "Far Market")
    picture = encoded(drawing(7))
    letters = base64.b64encode(picture).decode()
    text = (
        f"<h1>Green</h1><img class=own src='data:image/png;base64,{letters}'>"
        "<img class=own src='/image/1'><img class=own src='data:image/png;base64,???'>"
        f"<img class=logo src='data:image/png;base64,{letters[:40]}'>"
    )
    page = read_page(parse(text.encode()), layout)
    (photo,) = said(page, FieldName.PHOTO)
    assert photo.text == photo_value(hashlib.sha256(picture).hexdigest(), difference_hash(picture))
    assert [each.what for each in page.faults] == ["photo"]
