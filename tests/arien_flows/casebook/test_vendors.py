import hashlib
from datetime import timedelta

import pytest

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.capture_tables import document_withdrawals
from arien_flows.casebook.capture_writing import document_number
from arien_flows.casebook.vendor_records import NewObservation
from arien_flows.errors import CasebookError
from tests.arien_flows.casebook.observations import NOW, THEN, clear_signed, observe, page


def test_observe__keeps_all_that_a_page_says(casebook: Casebook):
    said = page()
    assert observe(casebook, b"page", said) == 1
    (name,) = casebook.vendors.names()
    assert name.id == "empire/GreenShop"
    stored = casebook.vendors.account(name.number)
    (seen,) = stored.observations
    assert seen.fields == list(said.fields)
    assert seen.contacts == list(said.contacts)
    assert [(e.title, e.quotes) for e in seen.listings] == [
        (e.title, e.quotes) for e in said.listings
    ]
    assert seen.sales == list(said.sales)
    assert seen.faults == list(said.faults)
    assert stored.keys == [said.keys[0].key]
    assert (seen.place.captured_at, seen.begin, seen.end) == (THEN, 0, 40)


def test_observe__recognises_what_it_knows(casebook: Casebook):
    assert observe(casebook, b"page", page()) == 1
    assert observe(casebook, b"page", page(), page()) == 0
    # The same bytes at another time say when "2 days ago" was anew.
    assert observe(casebook, b"page", page(), captured_at=THEN + timedelta(days=1)) == 1
    (summary,) = casebook.vendors.summaries()
    assert (summary.documents, summary.keys, summary.listings, summary.sales) == (1, 1, 1, 2)
    assert summary.first_captured == THEN


def test_observe__keeps_rows_of_one_document_apart(casebook: Casebook):
    rows = [page(handle=f"v{at}", begin=at * 10, end=at * 10 + 9) for at in range(600)]
    assert observe(casebook, b"table", *rows) == 600
    assert len(casebook.vendors.names()) == 600
    assert len(casebook.vendors.sightings()) == 1200


def test_observe__needs_the_document(casebook: Casebook):
    observe(casebook, b"page", page())
    new = NewObservation(document_sha256="00" * 32, page=page(), captured_at=None)
    with (
        pytest.raises(CasebookError, match="does not keep the document"),
        casebook._writing() as connection,
    ):
        casebook.vendors.observe(connection, [new], now=NOW, by="t")


def test_vendors__of_no_casebook_are_none(casebook: Casebook):
    vendors = casebook.vendors
    assert vendors.names() == []
    assert vendors.account(1) is None
    assert (vendors.sightings(), vendors.keys(), vendors.statements()) == ([], [], [])


def test_withdrawn_documents__say_nothing_any_more(casebook: Casebook):
    observe(casebook, b"one", page())
    observe(casebook, b"two", page(handle="Other", contacts=()))
    sha256 = hashlib.sha256(b"one").hexdigest()
    with casebook._writing() as connection:
        connection.execute(
            document_withdrawals.insert().values(
                document_id=document_number(connection, sha256),
                reason="planted",
                withdrawn_at=NOW,
                withdrawn_by="t",
            )
        )
    assert [each.id for each in casebook.vendors.names()] == ["empire/Other"]
    assert {each.account for each in casebook.vendors.sightings()} == {"empire/Other"}
    assert set(casebook.vendors.activity()) == {"empire/Other"}


def test_statements__give_the_signed_bytes(casebook: Casebook):
    signed = clear_signed("I am GreenShop.")
    raw = b"<pre>" + signed + b"</pre>"
    observe(casebook, raw, page(), statements=[(5, 5 + len(signed))])
    observe(casebook, raw, page(), statements=[(5, 5 + len(signed))])
    (found,) = casebook.vendors.statements()
    assert (found.raw, found.begin, found.captured_at) == (signed, 5, THEN)


def test_observe__is_bound_into_the_evidence_chain(casebook: Casebook):
    observe(casebook, b"page", page())
    assert casebook.evidence.verify().faults == ()
    with casebook._writing() as connection:
        connection.exec_driver_sql("UPDATE vendor_contacts SET handle = 'another'")
    assert any("vendor_contacts" in str(each) for each in casebook.evidence.verify().faults)
