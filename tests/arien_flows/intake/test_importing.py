"""The whole path: from documents that are offered to tags, and back again."""

import base64
import json
from datetime import timedelta
from io import BytesIO
from itertools import permutations
from pathlib import Path

import pytest
from PIL import Image
from pysequoia import SignatureMode, Tsk, sign
from sqlalchemy import select

from arien_flows.attribution.concepts import CONCEPTS
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.capture_records import CaptureFilter
from arien_flows.casebook.models import metadata
from arien_flows.casebook.past import earlier_casebook
from arien_flows.documents.columns import read_mapping
from arien_flows.documents.item import Item
from arien_flows.errors import InputError, NotFoundError
from arien_flows.intake import extracting
from tests.arien_flows.documents.archives import PAGE, tarred, zipped
from tests.arien_flows.documents.test_pictures import drawn
from tests.arien_flows.documents.test_warc import crawled
from tests.arien_flows.intake.desk import (
    CAPTURED,
    FIRST,
    MARKET,
    SECOND,
    SECRET,
    THIRD,
    Desk,
    page,
)


def test_import__a_vendor_s_address_becomes_a_tag_that_names_its_document(any_desk: Desk):
    result = any_desk.bring({"alice.html": page("Alice", FIRST), "empty.html": page("Bob", None)})
    assert [(row.path, row.result, row.attributing) for row in result.rows] == [
        ("offer-1/alice.html", "imported", 1),
        ("offer-1/empty.html", "imported", 0),
    ]
    (stored,) = any_desk.casebook.tags_of("bitcoin", [FIRST])
    tag = stored.tag
    assert tag.label == f"Alice @ {MARKET}"
    assert "vendor" in tag.concepts
    assert set(tag.concepts) <= CONCEPTS
    assert tag.lastmod == CAPTURED.date()
    assert tag.source == f"document:{result.rows[0].sha256}"
    assert any_desk.sources(FIRST) == {result.rows[0].sha256}
    context = json.loads(tag.context or "")
    raw = any_desk.casebook.document(context["document_sha256"])
    assert raw[context["begin"] : context["end"]] == FIRST.encode()
    assert b"send payment" in raw[context["role_begin"] : context["role_end"] + 20]


def test_import__the_same_again_changes_nothing(desk: Desk):
    pages = {"alice.html": page("Alice", FIRST)}
    desk.bring(pages)
    before = desk.casebook.revision("bitcoin"), desk.casebook.evidence.head()
    result = desk.bring(pages)
    assert [row.result for row in result.rows] == ["known"]
    assert result.batch is None
    assert result.derived == ()
    assert (desk.casebook.revision("bitcoin"), desk.casebook.evidence.head()) == before


def test_import__a_later_capture_is_a_new_version_of_the_listing(desk: Desk):
    desk.bring({"alice.html": page("Alice", FIRST)})
    later = CAPTURED + timedelta(days=90)
    desk.bring({"alice.html": page("Alice", SECOND)}, captured_at=later)
    # An earlier one, found later, and the first one once more at another time.
    desk.bring({"alice.html": page("Alice", None)}, captured_at=CAPTURED - timedelta(days=90))
    desk.bring({"alice.html": page("Alice", FIRST)}, captured_at=CAPTURED + timedelta(days=30))
    found = desk.casebook.captures.of(CaptureFilter(listing="nile market:file/alice.html"))
    assert [each.captured_at for each in found] == [
        CAPTURED + timedelta(days=days) for days in (-90, 0, 30, 90)
    ]
    assert len({each.document_sha256 for each in found}) == 3
    # He changed his address: both are his, each confirmed when it was last seen.
    assert desk.labels() == {FIRST: {f"Alice @ {MARKET}"}, SECOND: {f"Alice @ {MARKET}"}}
    (stored,) = desk.casebook.tags_of("bitcoin", [FIRST])
    assert stored.tag.lastmod == (CAPTURED + timedelta(days=30)).date()


def test_import__newer_rules_read_again_and_the_earlier_reading_stays(
    any_desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    any_desk.bring({"alice.html": page("Alice", FIRST)})
    for module in ("extracting", "importing"):
        monkeypatch.setattr(f"arien_flows.intake.{module}.EXTRACTOR", "listings/2")
    result = any_desk.bring({"alice.html": page("Alice", FIRST)})
    assert [row.result for row in result.rows] == ["read_anew"]
    (capture,) = any_desk.casebook.captures.of(CaptureFilter())
    readings = any_desk.casebook.captures.readings([capture.id])
    assert [(each.reading.extractor, each.is_current) for each in readings] == [
        ("listings/1", False),
        ("listings/2", True),
    ]
    assert any_desk.labels() == {FIRST: {f"Alice @ {MARKET}"}}
    (stored,) = any_desk.casebook.tags_of("bitcoin", [FIRST])
    assert json.loads(stored.tag.context or "")["extractor"] == "listings/2"


def test_withdrawal__takes_the_tags_along_and_shows_in_the_chain_of_evidence(any_desk: Desk):
    result = any_desk.bring({"alice.html": page("Alice", FIRST), "bob.html": page("Bob", SECOND)})
    sha256 = str(result.rows[0].sha256)
    told = any_desk.casebook.revision("bitcoin")
    settled = any_desk.withdraw(sha256)
    assert [(each.document_sha256, each.import_id) for each in settled.derived] == [(sha256, None)]
    assert any_desk.labels() == {SECOND: {f"Bob @ {MARKET}"}}
    withdrawals = [
        row.told for row in any_desk.casebook.evidence.page(limit=500) if row.kind == "withdrawal"
    ]
    assert any(each.get("document_sha256") == sha256 for each in withdrawals)
    assert any_desk.casebook.evidence.verify().ok
    # It stays out of effect, even where it is offered again.
    again = any_desk.bring({"alice.html": page("Alice", FIRST)})
    assert [row.result for row in again.rows] == ["withdrawn"]
    assert any_desk.labels() == {SECOND: {f"Bob @ {MARKET}"}}
    with pytest.raises(InputError, match="before"):
        any_desk.withdraw(sha256)
    with pytest.raises(NotFoundError, match="listings list"):
        any_desk.withdraw("0" * 64)
    # What was said before the withdrawal can still be had.
    with earlier_casebook(
        any_desk.casebook, lambda book: book.revision("bitcoin") == told
    ) as earlier:
        assert earlier is not None
        assert len(list(earlier.export("bitcoin"))) == 2


def test_conflict__mirrors_that_name_different_addresses_attribute_nobody(desk: Desk):
    for host, address in (("a", FIRST), ("b", FIRST)):
        desk.bring({"c.warc": crawled(body=page("Alice", address), url=f"http://{host}.onion/l/1")})
    assert desk.labels() == {FIRST: {f"Alice @ {MARKET}"}}
    result = desk.bring(
        {"c.warc": crawled(body=page("Alice", SECOND), url="http://mirror.onion/l/1")}
    )
    (conflict,) = result.conflicts
    assert conflict.addresses == tuple(sorted((FIRST, SECOND)))
    assert conflict.sources == ("a.onion", "b.onion", "mirror.onion")
    assert desk.labels() == {}
    # An analyst finds out that the mirror was a thief's.
    settled = desk.withdraw(str(result.rows[0].sha256))
    assert settled.conflicts == ()
    assert desk.labels() == {FIRST: {f"Alice @ {MARKET}"}}
    assert desk.casebook.evidence.verify().ok


HERE, THERE = "http://aaa.onion/item/1", "http://bbb.onion/item/1"


def test_conflict__a_mirror_that_adds_an_address_is_doubted_about_it(desk: Desk):
    desk.bring({"l.html": page("Alice", FIRST)}, origin=HERE)
    both = f"{FIRST}. Or send payment to my address {SECOND}"
    result = desk.bring({"l.html": page("Alice", both)}, origin=THERE)
    assert [each.addresses for each in result.conflicts] == [(SECOND,)]
    assert desk.labels() == {FIRST: {f"Alice @ {MARKET}"}}


def test_conflict__a_mirror_that_names_whom_to_pay_where_the_page_names_nobody_is_doubted(
    desk: Desk,
):
    desk.bring({"l.html": page("Alice", None)}, origin=HERE)
    assert desk.bring({"l.html": page("Alice", SECOND)}, origin=THERE).conflicts
    assert desk.labels() == {}
    # Another account's page under that name says nothing about it.
    desk.bring({"m.html": page("Bob", None)}, origin="http://aaa.onion/item/2")
    desk.bring({"m.html": page("Alice", THIRD)}, origin="http://bbb.onion/item/2")
    assert desk.labels() == {THIRD: {f"Alice @ {MARKET}"}}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_conflict__reaches_the_mirror_s_other_pages_whatever_comes_first(
    desk: Desk, order: tuple[int, ...]
):
    offers = (
        (page("Alice", FIRST), HERE),
        (page("Alice", SECOND), THERE),
        (page("Alice", SECOND, more="z"), "http://bbb.onion/item/2"),
    )
    made = {
        number: desk.bring({"l.html": offers[number][0]}, origin=offers[number][1])
        for number in order
    }
    assert desk.labels() == {}
    # Without the page that contradicts it the address is his again, on both.
    desk.withdraw(str(made[0].rows[0].sha256))
    assert desk.labels() == {SECOND: {f"Alice @ {MARKET}"}}
    assert len(desk.sources(SECOND)) == 2


def test_conflict__files_of_one_name_are_no_captures_of_one_page(desk: Desk):
    for vendor, address in (("Alice", FIRST), ("Bob", SECOND)):
        assert desk.bring({"index.html": page(vendor, address)}).conflicts == ()
    assert desk.labels() == {FIRST: {f"Alice @ {MARKET}"}, SECOND: {f"Bob @ {MARKET}"}}
    # Those of one vendor may be, at one time.
    assert desk.bring({"index.html": page("Alice", THIRD)}).conflicts
    assert desk.labels() == {SECOND: {f"Bob @ {MARKET}"}}


def test_settle__a_key_that_comes_or_goes_bears_on_what_it_signed(desk: Desk):
    holder = Tsk.generate("Green <g@example.org>")
    lines = base64.encodebytes(bytes(holder.extract_certificate())).decode()
    block = f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{lines}-----END PGP PUBLIC KEY BLOCK-----"
    words = f"Send payment to my address {FIRST} please."
    signed = sign(holder.signer(), words.encode(), mode=SignatureMode.CLEAR)
    desk.bring({"s.txt": signed}, market=None)
    assert desk.labels() == {}
    shown = {"k.csv": f'vendor,title,description,pgp\nGreen,T,hi,"{block}"\n'.encode()}
    kept = desk.bring(shown)
    (label,) = desk.labels()[FIRST]
    assert label.startswith("PGP key ")
    desk.withdraw(str(kept.rows[0].sha256), "a forged page")
    assert desk.labels() == {}
    assert desk.casebook.evidence.verify().ok


@pytest.mark.slow
def test_frequency__an_address_of_many_sites_is_nobody_s(desk: Desk):
    for number in range(9):
        desk.bring({"a.html": page("Alice", FIRST)}, market=f"Market {number}")
    assert len(desk.sources(FIRST)) == 1  # the same bytes on all of them
    for number in range(9, 11):
        desk.bring({"a.html": page(f"Alice {number}", FIRST)}, market=f"Market {number}")
    assert desk.labels() == {}
    rules = {
        each.role_rule
        for stored in desk.casebook.captures.readings(range(1, 12))
        if stored.is_current
        for each in stored.reading.findings
    }
    assert rules == {"many-sites"}


@pytest.mark.slow
def test_frequency__pages_of_one_market_count_once(desk: Desk):
    desk.bring({f"{n}.html": page("Alice", FIRST, more=f"<p>{n}</p>") for n in range(15)})
    assert desk.labels() == {FIRST: {f"Alice @ {MARKET}"}}


def test_import__archives_and_tables_and_crawls_give_the_same(desk: Desk):
    raw = page("Alice", FIRST)
    row = "vendor,title,description\nAlice,A thing,Please send payment to my address {}\n"
    line = json.dumps(
        {"vendor": "Alice", "title": "x", "text": f"Deal:\nsend to my address {FIRST}"}
    )
    offers = {
        "a.zip": zipped({"alice.html": raw}),
        "b.tar": tarred({"alice.html": raw}),
        "c.csv": row.format(FIRST).encode(),
        "d.jsonl": f"{line}\n{{}}\n".encode(),
        "e.warc": crawled(body=raw),
    }
    for name, content in offers.items():
        own = Desk(desk.folder / name.partition(".")[0])
        own.folder.mkdir()
        own.bring({name: content})
        assert own.labels() == {FIRST: {f"Alice @ {MARKET}"}}, name
        (stored,) = own.casebook.tags_of("bitcoin", [FIRST])
        context = json.loads(stored.tag.context or "")
        kept = own.casebook.document(context["document_sha256"])
        assert kept[context["begin"] : context["end"]] == FIRST.encode()
        own.casebook.close()


def test_import__a_table_by_its_mapping_can_be_judged_again(desk: Desk):
    text = '[columns]\nvendor = "Who"\ndescription = "Words"\n'
    mapping = read_mapping(text.encode(), "m.toml")
    raw = f"Who,Words\nAlice,Please send payment to my address {FIRST}\nBob,nothing\n".encode()
    result = desk.bring({"t.csv": raw}, mapping=mapping, mapping_text=text)
    assert [row.path for row in result.rows] == ["offer-1/t.csv#1", "offer-1/t.csv#2"]
    other = desk.bring({"x.html": page("Bob", FIRST)})
    # Two vendors, one address: both claims are kept; none is judged away.
    assert desk.labels() == {FIRST: {f"Alice @ {MARKET}", f"Bob @ {MARKET}"}}
    desk.withdraw(str(other.rows[0].sha256))
    assert desk.labels() == {FIRST: {f"Alice @ {MARKET}"}}


def test_import__secrets_are_counted_and_shown_nowhere(desk: Desk):
    raw = page("Alice", FIRST, more=f"<p>my key {SECRET}</p>")
    table = f"vendor,title,description\nAlice,{SECRET},text\n".encode()
    result = desk.bring({"a.html": raw, "b.csv": table})
    assert [row.secrets for row in result.rows] == [1, 1]
    book = desk.casebook
    shown = repr(result) + repr(book.captures.page(CaptureFilter(), 0, 100))
    shown += repr(book.captures.readings(range(1, 10))) + repr(book.evidence.page(limit=1000))
    shown += repr(list(book.export(None))) + repr(book.vendors.summaries())
    assert SECRET not in shown
    kinds = [row.kind for row in book.evidence.page(limit=1000)]
    assert kinds.count("secret_found") == 2


def test_import__pictures_are_read_for_codes(desk: Desk):
    blank = BytesIO()
    Image.new("L", (60, 60), 255).save(blank, "PNG")
    result = desk.bring({"a.png": drawn(f"bitcoin:{THIRD}?amount=1"), "b.png": blank.getvalue(),
                         "c.png": b"\x89PNG\r\n\x1a\n" + bytes(80)})  # fmt: skip
    assert [(row.result, row.found) for row in result.rows] == [
        ("imported", 1),
        ("imported", 0),
        ("refused", 0),
    ]
    (found,) = desk.casebook.captures.readings([1])[0].reading.findings
    assert found.address == THIRD
    assert "picture" in found.note


@pytest.mark.slow
def test_import__hostile_offers_have_a_row_each(desk: Desk, tmp_path: Path):
    large = tmp_path / "large.txt"
    with large.open("wb") as stream:
        stream.write(b"a" * 2**17)
        stream.truncate(2**30)
    result = desk.offer(large)
    assert [row.result for row in result.rows] == ["refused"]
    offers = {
        "a.html": b"<div>" * 50_000,
        "b.html": b"<" * 100_000,
        "c.txt": b"1" * 300_000,
        "d.txt": b"\xff\xfe" + "send to".encode("utf-16-le") + b"\x00",
        "e.csv": b"x,y\n1,2\n",
        "f.zip": zipped({"a.html": PAGE})[:-10],
        "g.txt": b"\xc3\x28 broken \x81 letters " * 1_000,
        "h.html": b"<p " + b"a=b " * 50_000 + b">",
    }
    result = desk.bring(offers)
    assert len(result.rows) == len(offers)
    told = {row.path.rpartition("/")[2]: row for row in result.rows}
    assert told["e.csv"].result == told["f.zip"].result == "refused"
    assert any("no text" in note for note in told["g.txt"].notes)
    assert [each.path for each in desk.casebook.captures.refusals(2)] == [
        "offer-2/e.csv",
        "offer-2/f.zip",
    ]


def test_import__an_address_that_came_into_use_much_later_is_doubted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """No ledger holds these addresses; what one would say is put in its place."""
    from arien_flows.intake.existence import Chains, FirstUse

    used = {FIRST: CAPTURED + timedelta(days=31), SECOND: CAPTURED + timedelta(days=30)}
    monkeypatch.setattr(
        Chains, "first_use", lambda _s, _n, address: FirstUse(at=used.get(address), height=1)
    )
    desk.bring({f"{a}.html": page("Alice", a) for a in (FIRST, SECOND, THIRD)})
    assert set(desk.labels()) == {SECOND, THIRD}
    notes = [
        found.note
        for each in desk.casebook.captures.readings([1, 2, 3])
        for found in each.reading.findings
        if found.address == FIRST
    ]
    assert "first used on" in notes[0]


def test_extractor__has_a_version():
    name, _, version = extracting.EXTRACTOR.partition("/")
    assert name
    assert version.isdigit()


@pytest.mark.slow
def test_import__of_the_simulator_s_listings_attributes_what_is_true(desk: Desk, tmp_path: Path):
    """Every address that a vendor asks to be paid at, and no decoy: the truth lies beside."""
    from arien_flows.simulation.parameters import Parameters
    from arien_flows.simulation.simulate import simulate
    from arien_flows.simulation.truth import Truth

    folder = tmp_path / "simulated"
    simulate(Parameters(transactions=2_000, seed=1), folder)
    result = desk.offer(folder / "listings", market=None, network="bitcoin-regtest")
    assert {row.result for row in result.rows} == {"imported"}
    wanted: dict[str, set[str]] = {}
    for document in Truth(folder).documents:
        for mention in document["mentions"]:
            if mention["role"] == "pay_to" and document["vendor"]:
                wanted.setdefault(mention["address"], set()).add(document["vendor"])
    found = {
        address: {label.partition(" @ ")[0] for label in labels}
        for address, labels in desk.labels("bitcoin-regtest").items()
    }
    assert wanted
    assert found == wanted


@pytest.mark.slow
def test_import__of_the_saved_pages_attributes_nobody(desk: Desk, shared_data: Path):
    result = desk.offer(shared_data / "dnm_html" / "pages.tar.gz", market=None)
    assert len(result.rows) > 100
    assert desk.labels() == {}
    assert result.derived == ()


def texts_of(book: Casebook) -> list[tuple[str, str]]:
    """Return every text that a casebook holds, with where it stands; documents are left out."""
    with book._engine.connect() as connection:
        return [
            (f"{table.name}.{name}", value)
            for table in metadata.sorted_tables
            for row in connection.execute(select(table))
            for name, value in row._mapping.items()
            if isinstance(value, str)
        ]


def test_import__secrets_stand_in_no_table(desk: Desk):
    header = "vendor,title,category,price,market,description"
    rows = (
        f"Green,Thing,{SECRET},{SECRET},{SECRET},hello there",
        f"{SECRET},Thing,c,1 btc,Nile,Please send payment to my address {FIRST}.",
        f"Blue,Thing,c,1 btc,Nile,my address {SECOND} private key: {'1a' * 32}",
    )
    line = json.dumps({"vendor": "Red", "title": SECRET, "id": SECRET, "price": "x" * 30 + SECRET})
    result = desk.bring(
        {
            "a.csv": "\n".join((header, *rows)).encode(),
            "b.jsonl": line.replace(SECRET, f"\\u00{ord(SECRET[0]):x}{SECRET[1:]}").encode(),
            f"{SECRET}.txt": b"hello words",
            f"{SECRET}.bin": bytes(range(256)),
        },
        market=None,
        name=f"batch {SECRET}",
        origin=f"http://x.onion/?key={SECRET}",
    )
    found = texts_of(desk.casebook)
    assert len(found) > 100
    hidden = (SECRET.casefold(), SECRET[:30].casefold(), "1a" * 32)
    assert [where for where, text in found if any(each in text.casefold() for each in hidden)] == []
    assert SECRET not in repr(result)
    assert {"vendor_accounts.handle", "findings.note"} <= {where for where, _ in found}
    assert not any(SECRET in label for labels in desk.labels().values() for label in labels)


def test_import__an_item_on_which_the_program_fails_leaves_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    def read_account(item: Item, **_said: object) -> None:
        if b"trap" in item.raw:
            raise ZeroDivisionError(SECRET)

    monkeypatch.setattr(extracting, "read_account", read_account)
    result = desk.bring({"a.txt": b"a trap", "b.txt": b"good words"})
    assert [row.result for row in result.rows] == ["refused", "imported"]
    reason = str(result.rows[0].reason)
    assert "ZeroDivisionError" in reason
    assert "test_importing.py" in reason
    assert SECRET not in reason


def test_import__a_page_whose_clock_began_with_the_calendar_is_read(desk: Desk):
    raw = b"""<html><body>CRYPTONIA MARKET<div id=header><div class=controlbox>
        <span>Server Time: 0001-01-02 10:00</span></div></div>
        <div class=titlebox><a class=hlink href=x>x</a></div>
        <div class=mainarea><div class=mainarea_inner><h2>Green (1)</h2></div></div>
        <div class=inline_div><div>Last online: 3 weeks ago</div></div></body></html>"""
    result = desk.bring({"a.html": raw, "b.txt": b"hello words"}, captured_at=None, market=None)
    assert [row.result for row in result.rows] == ["imported", "imported"]
