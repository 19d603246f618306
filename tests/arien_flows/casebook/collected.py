"""Collected documents for the tests of the casebook, without anybody reading them."""

import hashlib
from datetime import UTC, datetime

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.capture_records import (
    Finding,
    FoundSecret,
    NewBatch,
    NewCapture,
    NewDocument,
    NewRefusal,
    Reading,
)
from tests.arien_flows.casebook.packs import FIRST, WITNESS

CAPTURED = datetime(2021, 4, 5, tzinfo=UTC)


def batch(name: str = "a batch") -> NewBatch:
    return NewBatch(
        name=name,
        collector="a collector",
        market="Nile",
        network="bitcoin",
        options="{}",
        imported_at=FIRST,
        imported_by="x",
    )


def finding(address: str = WITNESS, owner: str | None = "Alice @ Nile") -> Finding:
    return Finding(
        network="bitcoin",
        networks=("bitcoin",),
        address=address,
        form="p2wpkh",
        begin=3,
        end=3 + len(address),
        rules=("joined",),
        factor="19/20",
        role="pay_to" if owner else "other",
        role_rule="pay-request" if owner else "unclear",
        role_begin=0,
        role_end=3,
        attributes=owner is not None,
        owner=owner,
        confidence="web_crawl",
        note="",
    )


def capture(
    *findings: Finding, listing: str = "nile:file/a", extractor: str = "test/1", begin: int = 0
) -> NewCapture:
    return NewCapture(
        path="a.html",
        begin=begin,
        end=begin + 10,
        listing=listing,
        site="nile",
        market="Nile",
        url="http://a.onion/1",
        captured_at=CAPTURED,
        clock="option",
        note="",
        reading=Reading(
            extractor=extractor,
            reason="first",
            cut=("joins",),
            findings=findings,
            secrets=(FoundSecret(kind="private_key", begin=0, end=2),),
        ),
    )


def document(raw: bytes, *captures: NewCapture) -> NewDocument:
    return NewDocument(
        raw=raw,
        sha256=hashlib.sha256(raw).hexdigest(),
        name="a.html",
        media_type="text/html",
        captures=captures,
    )


def fill_captures(casebook: Casebook) -> None:
    """Write to every table of collected documents."""
    captures = casebook.captures
    number = captures.begin(batch())
    kept = document(b"pay" + WITNESS.encode(), capture(finding()))
    other = document(b"PAY" + WITNESS.encode(), capture(finding()))
    captures.keep(
        number,
        [kept, other],
        [NewRefusal(path="b.pdf", reason="a PDF")],
        now=FIRST,
        by="x",
    )
    captures.settle(number, [], [kept.sha256, other.sha256], now=FIRST, by="x", reason="made")
    captures.withdraw(other.sha256, reason="mistaken", now=FIRST, by="x")
