"""Dates, prices and contacts as markets and vendors write them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.vendors.account import ContactKind
from arien_flows.vendors.contacts import find_contacts
from arien_flows.vendors.moments import AHEAD, BEHIND, needs_capture_time, read_moment
from arien_flows.vendors.quotes import read_number, read_quote, read_quotes

CAPTURED = datetime(2019, 11, 5, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
FORMS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%B %d, %Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%A, %b %d, %Y",
    "%d. %b %Y",
)
CLOCKS = ("", " %H:%M", " %H:%M:%S")
moments = st.datetimes(
    datetime(2011, 1, 1),  # noqa: DTZ001 made aware below
    datetime(2026, 1, 1),  # noqa: DTZ001
).map(lambda moment: moment.replace(microsecond=0))
"""To the second: no page says more."""
zones = st.integers(-12, 14).map(lambda hours: timedelta(hours=hours))


@given(moment=moments, form=st.sampled_from(FORMS), clock=st.sampled_from(CLOCKS), zone=zones)
def test_read_moment__holds_the_moment_whatever_the_zone(moment, form, clock, zone):
    actual = moment.replace(tzinfo=UTC)
    found = read_moment((moment + zone).strftime(form + clock), None)
    assert found.earliest <= actual <= found.latest
    assert found.latest - found.earliest <= DAY + AHEAD + BEHIND


@given(moment=moments)
def test_read_moment__is_exact_where_the_zone_is_named(moment):
    second = moment.replace(microsecond=0)
    found = read_moment(second.isoformat() + "Z", None)
    assert found.earliest == found.latest == second.replace(tzinfo=UTC)
    assert read_moment(second.isoformat() + "+02:00", None).earliest == (
        second.replace(tzinfo=UTC) - timedelta(hours=2)
    )


@given(moment=moments)
def test_read_moment__takes_a_date_of_numbers_for_either_month(moment):
    for form in ("%d/%m/%Y", "%m/%d/%Y"):
        found = read_moment(moment.strftime(form), None)
        assert found.earliest <= moment.replace(tzinfo=UTC) <= found.latest


UNITS = {"hour": timedelta(hours=1), "day": DAY, "week": 7 * DAY}


@given(count=st.integers(1, 90), unit=st.sampled_from(tuple(UNITS)), part=st.floats(-0.5, 0.99))
def test_read_moment__counts_back_from_the_capture(count, unit, part):
    """Whether markets round down or to the nearest, the moment lies within."""
    actual = CAPTURED - UNITS[unit] * (count + part)
    found = read_moment(f"{count} {unit}{'s' if count > 1 else ''} ago", CAPTURED)
    assert found.earliest <= min(actual, CAPTURED) <= found.latest <= CAPTURED


@pytest.mark.parametrize("text", ["3 days ago", "yesterday", "today", "within the last 3 days"])
def test_read_moment__of_a_relative_date_needs_the_capture(text):
    assert read_moment(text, None) is None
    assert needs_capture_time(text)
    assert read_moment(text, CAPTURED).latest <= CAPTURED


@pytest.mark.parametrize(
    "text",
    ["", "soon", "0.0254 BTC", "99.70%", "2019-13-45", "31/31/2019", "900 days ago", "1" * 100],
)
def test_read_moment__is_none_of_what_is_no_date(text):
    assert read_moment(text, CAPTURED) is None


@given(text=st.text(max_size=90))
def test_read_moment__survives_any_text(text):
    found = read_moment(text, CAPTURED)
    assert found is None or found.earliest <= found.latest


@pytest.mark.parametrize(
    ("text", "amount", "currency", "unit"),
    [
        ("240.00 USD/ORDER", "240.00", "USD", "ORDER"),
        ("USD 1,106.71", "1106.71", "USD", None),
        ("0.02546640 BTC", "0.02546640", "BTC", None),
        ("$ 12.50", "12.50", "USD", None),
        ("12,50 €", "12.50", "EUR", None),
        ("1.250,75 EUR", "1250.75", "EUR", None),
        ("£250 per oz", "250", "GBP", "oz"),
        ("0.5 xbt", "0.5", "BTC", None),
    ],
)
def test_read_quote__reads_prices(text, amount, currency, unit):
    found = read_quote(text)
    assert (found.amount, found.currency, found.unit) == (Decimal(amount), currency, unit)


def test_read_quotes__reads_the_same_price_in_two_currencies():
    found = read_quotes("240.00 USD/ORDER (0.02546640 BTC/ORDER)")
    assert [(str(each.amount), each.currency) for each in found] == [
        ("240.00", "USD"),
        ("0.02546640", "BTC"),
    ]


@pytest.mark.parametrize("text", ["", "850.00", "on request", "12 pills", "5 USD 6 EUR"])
def test_read_quote__is_none_of_what_is_no_price(text):
    assert read_quote(text) is None


def test_read_quote__takes_a_bare_number_where_the_column_names_the_currency():
    assert read_quote("0.0125", "BTC").amount == Decimal("0.0125")
    assert read_quote("5 pills", "BTC") is None


@given(number=st.decimals(0, 10**6, places=2, allow_nan=False))
def test_read_number__reads_both_ways_of_parting(number):
    english = f"{number:,}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert read_number(english, is_coin=False) == read_number(german, is_coin=False) == number


@pytest.mark.parametrize(
    ("text", "amount"),
    [("0,100 BTC", "0.1"), ("0,005 BTC", "0.005"), ("0,500 EUR", "0.5"), ("1,200 EUR", "1200")],
)
def test_read_quote__takes_digits_after_a_leading_zero_for_decimals(text, amount):
    assert read_quote(text).amount == Decimal(amount)


def test_read_quote__is_none_where_a_comma_may_part_or_group_the_digits_of_a_coin():
    assert read_quote("1,200 BTC") is None
    assert read_quote("1,200", "XMR") is None
    assert read_quote("1,200.00 BTC").amount == 1200
    assert read_quote("1,25 BTC").amount == Decimal("1.25")


@given(text=st.text(max_size=200))
def test_read_quotes__survive_any_text(text):
    assert all(each.amount >= 0 for each in read_quotes(text))


SESSION = "05" + "ab" * 32
TOX = "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5"


@pytest.mark.parametrize(
    ("text", "kind", "handle"),
    [
        ("Wickr: GreenShop7", ContactKind.WICKR, "greenshop7"),
        ("wicker me - icon12", ContactKind.WICKR, "icon12"),
        ("Wickr:\nTheRealMMM\n", ContactKind.WICKR, "therealmmm"),
        ("ADD OUR NEW WICKR SENORHATS\n", ContactKind.WICKR, "senorhats"),
        ("telegram @green_shop", ContactKind.TELEGRAM, "green_shop"),
        ("https://t.me/greenshop", ContactKind.TELEGRAM, "greenshop"),
        ("XMPP: Green@Exploit.im", ContactKind.JABBER, "green@exploit.im"),
        ("green@jabber.ccc.de", ContactKind.JABBER, "green@jabber.ccc.de"),
        ("mail green@protonmail.com", ContactKind.EMAIL, "green@protonmail.com"),
        (f"Session {SESSION}", ContactKind.SESSION, SESSION),
        (f"tox {TOX}", ContactKind.TOX, TOX[:64].lower()),
        ("at abcdefghij234567.onion/x", ContactKind.ONION, "abcdefghij234567.onion"),
    ],
)
def test_find_contacts__reads_each_kind(text, kind, handle):
    (found,) = find_contacts(text)
    assert (found.kind, found.handle) == (kind, handle)
    assert text[found.start : found.stop].lower().startswith(found.handle[:16])


@pytest.mark.parametrize(
    "text",
    [
        "WiCKR : just ask me",
        "write me on wickr including your order",
        "Wickr: available on request",
        "contact me via telegram or jabber",
        "Telegram channel only",
        "Wickr me",
        "session " + "ab" * 33,
        f"tox {TOX[:-1]}6",
        "not an address: green@nowhere",
    ],
)
def test_find_contacts__takes_no_word_of_a_sentence_for_a_handle(text):
    assert find_contacts(text) == []


@given(text=st.text(alphabet="wickrtelgamjb@.:- \nAb7", max_size=300))
def test_find_contacts__never_overlap_and_never_fail(text):
    found = find_contacts(text)
    for one, other in pairwise(found):
        assert one.stop <= other.start


@pytest.mark.parametrize("text", ["3 weeks ago", "yesterday", "within the last 2 years", "now"])
def test_read_moment__of_a_clock_at_the_beginning_of_the_calendar_is_none(text):
    assert read_moment(text, datetime(1, 1, 1, tzinfo=UTC)) is None
