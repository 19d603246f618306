"""Looks at documents with secrets."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event

from arien_flows.answers.listing_views import record_view
from arien_flows.answers.listings import listing_detail
from arien_flows.casebook.evidence import EvidenceKind
from tests.arien_flows.intake.desk import FIRST, SECRET, Desk, page

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    more = f"<p>{SECRET}</p> and <p>{SECRET}</p>"
    made.bring({"a.html": page("Alice", FIRST, more=more), "b.html": page("Bob", None)})
    return made


def test_record_view__names_who_looked_at_a_document_with_secrets(desk: Desk):
    book = desk.casebook
    for name in ("nile market:file/a.html", "nile market:file/b.html"):
        record_view(book, listing_detail(book, name), reason="a look", at=AT, by="an officer")
    (row,) = book.evidence.page(limit=9, kind=EvidenceKind.SECRET_VIEWED)
    raw = book.document(row.told["document_sha256"])
    begin = row.told["begin"]
    assert begin == raw.index(SECRET.encode())
    assert begin + row.told["length"] == raw.rindex(SECRET.encode()) + len(SECRET)
    assert (row.recorded_by, row.told["reason"]) == ("an officer", "a look")


def test_record_view__of_a_casebook_that_nobody_can_write_to_keeps_nobody_from_reading(desk: Desk):
    book = desk.casebook
    detail, before = listing_detail(book, "nile market:file/a.html"), book.evidence.head()
    engine = book._engine
    engine.dispose()
    event.listen(engine, "connect", lambda made, _record: made.execute("PRAGMA query_only = 1"))
    record_view(book, detail, reason="a look", at=AT, by="an officer")
    assert book.evidence.head() == before
