"""Captures in the casebook: kept once, read several times, withdrawn with what rests on them."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.capture_records import CaptureFilter
from arien_flows.casebook.engine import writing
from arien_flows.errors import NotFoundError
from tests.arien_flows.casebook.collected import (
    CAPTURED,
    batch,
    capture,
    document,
    fill_captures,
    finding,
)
from tests.arien_flows.casebook.packs import FIRST, GENESIS, WITNESS


def keep(casebook: Casebook, *documents: object) -> list[list[str]]:
    number = casebook.captures.begin(batch())
    return casebook.captures.keep(number, documents, [], now=FIRST, by="x")  # type: ignore[arg-type, return-value]


def test_keep__once_however_often_it_is_offered(casebook: Casebook):
    one = document(b"bytes", capture(finding()), capture(finding(), begin=10))
    assert keep(casebook, one) == [["new", "new"]]
    assert keep(casebook, one) == [["known", "known"]]
    elsewhere = replace(one, captures=(replace(one.captures[0], url="http://b.onion/1"),))
    assert keep(casebook, elsewhere) == [["new"]]
    assert len(casebook.captures.of(CaptureFilter(sha256=one.sha256))) == 3


def test_keep__newer_rules_add_a_reading(casebook: Casebook):
    keep(casebook, document(b"bytes", capture(finding())))
    newer = document(b"bytes", capture(finding(GENESIS), extractor="test/2"))
    assert keep(casebook, newer) == [["read_anew"]]
    (kept,) = casebook.captures.of(CaptureFilter())
    readings = casebook.captures.readings([kept.id])
    assert [each.is_current for each in readings] == [False, True]
    assert [each.reading for each in readings] == [
        capture(finding()).reading,
        newer.captures[0].reading,
    ]
    # The address of the superseded reading no longer finds it.
    assert casebook.captures.page(CaptureFilter(address=WITNESS), 0, 9) == []
    assert len(casebook.captures.page(CaptureFilter(address=GENESIS), 0, 9)) == 1


def test_settle__makes_tags_that_follow_from_the_findings(casebook: Casebook):
    kept = document(b"a", capture(finding(), finding(owner=None), finding(GENESIS, "Bob")))
    keep(casebook, kept)
    (made,) = casebook.captures.settle(1, [], [kept.sha256], now=FIRST, by="x", reason="r")
    assert made.tags == 2
    assert {tag.label for tag in casebook.export("bitcoin")} == {"Alice @ Nile", "Bob"}
    # The same again makes nothing; a judgement that attributes less makes other tags.
    assert casebook.captures.settle(1, [], [kept.sha256], now=FIRST, by="x", reason="r") == []
    less = replace(kept.captures[0].reading, findings=(finding(),))  # type: ignore[type-var]  # it is there
    (made,) = casebook.captures.settle(1, [(1, less)], [], now=FIRST, by="x", reason="less")
    assert (made.tags, made.withdrawn) == (1, (1,))
    assert {tag.label for tag in casebook.export("bitcoin")} == {"Alice @ Nile"}
    assert casebook.read_import(1).withdrawal is not None
    assert casebook.evidence.verify().faults == ()


def test_captures__of_no_casebook_are_none(casebook: Casebook):
    captures = casebook.captures
    assert captures.page(CaptureFilter(), 0, 9) == []
    assert captures.sites([WITNESS]) == {}
    assert captures.known("0" * 64, 0, 0).captures == {}
    with pytest.raises(NotFoundError):
        captures.batch(1)


def test_sites__of_withdrawn_documents_do_not_count(casebook: Casebook):
    kept = document(b"a", capture(finding()))
    keep(casebook, kept, document(b"b", replace(capture(finding()), site="other")))
    assert casebook.captures.sites([WITNESS]) == {WITNESS: {"nile", "other"}}
    casebook.captures.withdraw(kept.sha256, reason="r", now=FIRST, by="x")
    assert casebook.captures.sites([WITNESS]) == {WITNESS: {"other"}}


def test_filter__finds_by_market_in_any_case_and_by_time(casebook: Casebook):
    keep(casebook, document(b"a", capture(), capture(begin=10)))
    assert len(casebook.captures.page(CaptureFilter(market="NILE"), 0, 9)) == 2
    assert casebook.captures.page(CaptureFilter(market="Ni"), 0, 9) == []
    assert {each.captured_at for each in casebook.captures.of(CaptureFilter())} == {CAPTURED}


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("captures", "captured_at = '2020-01-01 00:00:00'"),
        ("findings", "address = 'x'"),
        ("extractions", "extractor = 'x'"),
        ("found_secrets", "first_byte = 9"),
        ("capture_refusals", "reason = 'x'"),
        ("capture_batches", "market = 'x'"),
        ("document_withdrawals", "reason = 'x'"),
        ("derived_imports", "document_id = 1"),
    ],
)
def test_evidence__a_changed_row_is_named(casebook: Casebook, table: str, change: str):
    fill_captures(casebook)
    assert casebook.evidence.verify().faults == ()
    with writing(casebook._engine) as connection:
        connection.execute(text(f"UPDATE {table} SET {change}"))  # noqa: S608 constants
    assert any(table in fault.where for fault in casebook.evidence.verify().faults)


def test_evidence__a_row_that_was_slipped_in_is_named(casebook: Casebook):
    fill_captures(casebook)
    with writing(casebook._engine) as connection:
        connection.execute(
            text(
                "INSERT INTO capture_refusals SELECT id + 100, part_id, 'x', 'y' "
                "FROM capture_refusals"
            )
        )
    assert not casebook.evidence.verify().ok
