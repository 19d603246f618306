"""Accounts as documents show them, put into a casebook."""

import hashlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

from pysequoia import SignatureMode, Tsk, sign

from arien_flows.casebook.documents import keep_document
from arien_flows.casebook.vendor_records import NewObservation, NewStatement
from arien_flows.vendors.account import (
    AccountField,
    AccountPage,
    ContactKind,
    ContactSeen,
    Fault,
    FieldName,
    Interval,
    KeySeen,
    ListingSeen,
    Quote,
    SaleSeen,
)
from arien_flows.vendors.keys import read_key

NOW = datetime(2026, 1, 2, tzinfo=UTC)
THEN = datetime(2019, 11, 3, 20, 21, tzinfo=UTC)


@cache
def holder():
    return Tsk.generate("GreenShop <green@example.org>")


@cache
def green_key():
    return read_key(bytes(holder().extract_certificate()))


def clear_signed(words):
    return sign(holder().signer(), words.encode(), mode=SignatureMode.CLEAR)


def page(handle="GreenShop", market="empire", **changed):
    key = green_key()
    day = Interval(earliest=THEN - timedelta(days=2), latest=THEN - timedelta(days=1))
    shown = {"begin": 3, "end": 9}
    values = {
        "market": market,
        "handle": handle,
        "layout": "empire",
        "begin": 0,
        "end": 40,
        "handle_begin": 1,
        "handle_end": 2,
        "fields": (
            AccountField(
                name=FieldName.REGISTERED, text="2 days ago", interval=day, rule="r", **shown
            ),
            AccountField(name=FieldName.PROFILE, text="", rule="r", **shown),
        ),
        "keys": (KeySeen(key=key, fingerprint=key.fingerprint, rule="key-block", **shown),),
        "contacts": (
            ContactSeen(kind=ContactKind.WICKR, handle="green", rule="wickr-label", **shown),
        ),
        "listings": (
            ListingSeen(
                title="5 g",
                category=None,
                quotes=(
                    Quote(amount=Decimal("0.0001"), currency="BTC", unit="g"),
                    Quote(amount=Decimal("1E+2"), currency="USD"),
                ),
                rule="r",
                **shown,
            ),
        ),
        "sales": (
            SaleSeen(
                title="5 g",
                when=day,
                quote=Quote(amount=Decimal("0.50"), currency="BTC"),
                buyer="a***z",
                rating="good",
                rule="r",
                **shown,
            ),
            SaleSeen(title=None, when=None, quote=None, buyer=None, rating=None, rule="r", **shown),
        ),
        "faults": (Fault(what="sale", begin=4, end=5, reason="no date"),),
    }
    return AccountPage(**{**values, **changed})


def keep(connection, raw, name="page.html"):
    sha256 = hashlib.sha256(raw).hexdigest()
    keep_document(
        connection,
        raw,
        sha256,
        name=name,
        media_type="text/html",
        imported_at=NOW,
        imported_by="t",
    )
    return sha256


def observe(casebook, raw, *pages, captured_at=THEN, statements=()):
    with casebook._writing() as connection:
        sha256 = keep(connection, raw)
        return casebook.vendors.observe(
            connection,
            [
                NewObservation(document_sha256=sha256, page=each, captured_at=captured_at)
                for each in pages
            ],
            [
                NewStatement(document_sha256=sha256, begin=begin, end=end, encoding="utf-8")
                for begin, end in statements
            ],
            now=NOW,
            by="t",
        )


def fill_vendors(casebook):
    """Put a row into every table of vendors."""
    observe(casebook, b"a page of a market", page(), statements=[(2, 6)])
