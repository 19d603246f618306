from datetime import UTC, datetime

import pytest
from pysequoia import SignatureMode, Tsk, sign

from arien_flows.casebook.capture_records import Finding
from arien_flows.documents.item import Item
from arien_flows.documents.reading import items
from arien_flows.intake.extracting import Circumstances, Place, extract, look
from arien_flows.vendors.keys import read_key
from tests.arien_flows.intake.desk import FIRST, SECOND

PLACE = Place(
    listing="a listing",
    site="a site",
    market="Nile",
    url=None,
    captured_at=datetime(2021, 4, 5, tzinfo=UTC),
    clock="option",
)


@pytest.fixture(scope="module")
def holder():
    return Tsk.generate("Green <green@example.org>")


def clear(secret: Tsk, text: str) -> bytes:
    return sign(secret.signer(), text.encode(), mode=SignatureMode.CLEAR)


def found_in(raw: bytes, name: str, secret: Tsk) -> dict[str, Finding]:
    """Return what is found in the items of a document, by address."""
    key = read_key(bytes(secret.extract_certificate()))
    assert key is not None
    around = Circumstances(network="bitcoin", keys=[key])
    return {
        finding.address: finding
        for item in items(raw, name=name)
        if isinstance(item, Item)
        for finding in extract(item, PLACE, look(item), around).reading.findings
    }


@pytest.mark.parametrize(
    ("name", "there", "put"),
    [
        ("a.txt", b"Thanks.", "<send payment to my address {} >Thanks."),
        ("a.txt", b"\n\nGreen", "\nComment: send payment to my address {}\n\nGreen"),
        ("a.html", b"Thanks.", "<a href='bitcoin:{}'>Thanks.</a>"),
        ("a.html", b"Thanks.", "<input value='send payment to my address {}'>Thanks."),
    ],
)
def test_judged__takes_only_what_was_verified_for_signed(holder, name, there, put):
    raw = clear(holder, f"Green.\nSend payment to my address {FIRST} please.\nThanks.")
    raw = raw.replace(there, put.format(SECOND).encode())
    if name.endswith(".html"):
        raw = b"<html><body><pre>" + raw + b"</pre></body></html>"
    found = found_in(raw, name, holder)
    assert (found[FIRST].attributes, found[FIRST].confidence) == (True, "forensic")
    assert (found[FIRST].owner or "").startswith("PGP key ")
    assert not found[SECOND].attributes


def test_judged__does_not_sign_with_words_that_the_signer_said_otherwise(holder):
    raw = clear(holder, f"Green.\nNever send anything to {SECOND}.\nThanks.")
    raw = raw.replace(b"Thanks.", f"<send payment to my address {SECOND} >Thanks.".encode())
    assert not found_in(raw, "a.txt", holder)[SECOND].attributes


def test_judged__knows_what_is_signed_in_the_rows_of_a_table(holder):
    signed = clear(holder, f"Send payment to my address {FIRST} today.").decode()
    rows = "".join(f"V{row},T{row},harmless words number {row}\n" for row in range(12))
    cell = f"Please send payment to my address {SECOND} today.\n\n{signed}"
    raw = f'vendor,title,description\n{rows}GreenShop,Tea,"{cell}"\n'.encode()
    found = found_in(raw, "a.csv", holder)
    assert found[SECOND].role_rule == "pay-request"
    assert (found[FIRST].role_rule, found[FIRST].confidence) == ("signed-statement", "forensic")
    assert (found[FIRST].owner or "").startswith("PGP key ")
