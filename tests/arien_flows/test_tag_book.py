"""Tags in one view: asked by name or found by number, the two ways agree."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from arien_flows import tag_book
from arien_flows.answers.tags import left_out_cuts, naming
from arien_flows.attribution.ownership import SingleAddresses
from arien_flows.attribution.snapshot import attribute, no_attribution
from arien_flows.attribution.tagpack import parse_tagpack
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import sqlite_url
from arien_flows.ledger.numbering import Locks
from arien_flows.tag_book import TagBook, direct_tags
from chains.bitcoin.address import parse_address
from chains.bitcoin.networks import REGTEST
from tests.arien_flows.casebook.packs import bring_in, pack, row
from tests.ledgers import Tx, build_view, text_of_name

COIN = 100_000_000
NAMES = ["a", "b", "p2pkh:c", "p2sh:d", "p2tr:e", "p2pk:f"]
VIEW = build_view(
    [Tx(name="m", outputs=[(name, COIN) for name in NAMES] + [("g", 44 * COIN)])],
)


class Halves:
    """An entity map in which the first four addresses are one entity."""

    identity = "halves"
    labels = np.array([0, 0, 0, 0], np.uint32)

    def root_of(self, address: int) -> int:
        return 0 if address < 4 else address

    def members(self, root: int) -> "np.ndarray[tuple[int], np.dtype[np.uint32]]":
        return np.array([0, 1, 2, 3] if root == 0 else [root], np.uint32)


def number(name: str) -> int:
    return VIEW.find_address(text_of_name(name))


def quoted(name: str) -> str:
    return f'"{text_of_name(name)}"'


PACK = pack(
    *(row(quoted(name), f"Tag of {name[-1]}", confidence="forensic") for name in NAMES[1:]),
    row(quoted("b"), "Exchange B", category="exchange", confidence="ownership"),
    row(quoted("nobody"), "Never used"),
    f"tx_hash: {'ab' * 32}, label: Theft",
)


@pytest.fixture
def casebook(tmp_path: Path) -> Iterator[Casebook]:
    book = Casebook(sqlite_url(tmp_path / "casebook.sqlite"))
    yield book
    book.close()


def test_tags__of_an_address_are_its_own_first_and_then_those_of_its_entity(casebook: Casebook):
    bring_in(casebook, PACK, network="bitcoin-regtest")
    tags = TagBook(VIEW, casebook, Halves())
    found = tags.tags_of(number("p2pkh:c"), 10)
    assert [(each.stored.tag.label, each.is_inherited) for each in found.shown] == [
        ("Tag of c", False),
        ("Exchange B", True),
        ("Tag of b", True),
        ("Tag of d", True),
    ]
    assert found.left_out == 0
    assert not tags.is_empty


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 4, 9])
@pytest.mark.parametrize("name", NAMES)
def test_tags__of_a_large_entity_are_those_of_a_small_one(
    casebook: Casebook, monkeypatch: pytest.MonkeyPatch, limit: int, name: str
):
    bring_in(casebook, PACK, network="bitcoin-regtest")
    by_name = TagBook(VIEW, casebook, Halves()).tags_of(number(name), limit)
    monkeypatch.setattr(tag_book, "MEMBERS_ASKED", 0)
    by_number = TagBook(VIEW, casebook, Halves()).tags_of(number(name), limit)
    assert by_number == by_name
    whole = TagBook(VIEW, casebook, Halves()).tags_of(number(name), 100)
    assert by_name.shown == whole.shown[:limit]
    assert by_name.left_out == len(whole.shown[limit:])


@pytest.mark.parametrize("members_asked", [0, 50])
def test_naming__counts_what_is_said_by_tags_that_are_not_shown(
    casebook: Casebook, monkeypatch: pytest.MonkeyPatch, members_asked: int
):
    monkeypatch.setattr(tag_book, "MEMBERS_ASKED", members_asked)
    rows = (
        row(quoted("b"), "One", actor="one", confidence="ownership"),
        row(quoted("p2pkh:c"), "Two", actor="two", confidence="web_crawl"),
    )
    bring_in(casebook, pack(*rows), network="bitcoin-regtest")
    found = TagBook(VIEW, casebook, Halves()).tags_of(number("p2sh:d"), 1)
    assert [each.stored.tag.label for each in found.shown] == ["One"]
    told = naming(found, date(2026, 1, 1))
    assert told is not None
    assert (told.label, told.disputed, told.combined_confidence) == ("One", True, 20)
    assert left_out_cuts(found)[0].detail == "1 more tags, the least confident, are not shown"


def test_direct_tags__past_the_limit_are_left_out_and_counted(casebook: Casebook):
    bring_in(casebook, PACK, network="bitcoin-regtest")
    found = direct_tags(casebook, "bitcoin-regtest", text_of_name("b"), 1)
    assert [each.stored.tag.label for each in found.shown] == ["Exchange B"]
    assert (found.left_out, len(found.own), found.inherited) == (1, 2, frozenset())


@pytest.mark.parametrize("entities", [SingleAddresses(), Halves()])
def test_attribution__is_that_of_the_same_tags_looked_up_one_by_one(casebook: Casebook, entities):
    bring_in(casebook, PACK, network="bitcoin-regtest")
    found = TagBook(VIEW, casebook, entities).attribution
    expected = attribute(VIEW, parse_tagpack(PACK, "pack").tags, entities)
    assert (found.not_in_ledger, found.foreign) == (1, 1)
    assert (expected.not_in_ledger, expected.foreign) == (1, 1)
    for address in range(VIEW.counts.addresses):
        root = entities.root_of(address)
        for question in ("at", "service_at"):
            one, other = (getattr(them, question)(address, root) for them in (found, expected))
            assert (one is None) == (other is None)
            if one is not None:
                assert one.is_inherited == other.is_inherited
                assert one.tag.address == other.tag.address
                assert one.tag.statement == other.tag.statement
    assert [stops.tolist() for stops in found.stops()] == [
        stops.tolist() for stops in expected.stops()
    ]
    assert found.revision == casebook.revision("bitcoin-regtest")


def test_attribution__of_an_empty_casebook_is_none_at_all(casebook: Casebook):
    tags = TagBook(VIEW, casebook, SingleAddresses())
    assert tags.is_empty
    assert tags.attribution.revision == no_attribution(VIEW).revision
    assert tags.tags_of(0, 10).shown == ()
    bring_in(casebook, pack(row("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "Main")))
    elsewhere = TagBook(VIEW, casebook, SingleAddresses())
    assert elsewhere.is_empty
    assert elsewhere.attribution.revision == no_attribution(VIEW).revision


def test_find_locks__finds_each_script_as_find_address_does(casebook: Casebook):
    bring_in(casebook, FORMS, network="bitcoin-regtest")
    table = casebook.table("bitcoin-regtest")
    assert table is not None
    locks = Locks(
        source=table.payload,
        script_type=table.script_type,
        start=table.first_payload_byte[:-1],
        length=np.diff(table.first_payload_byte),
    )
    same, related = VIEW.find_locks(locks)
    stored = casebook.tags_numbered(table.tag_id.tolist())
    for each, found, first in zip(stored, same.tolist(), related.tolist(), strict=True):
        lock = parse_address(str(each.tag.address), REGTEST)
        wanted = VIEW.find_lock(*lock)
        assert found == (-1 if wanted is None else wanted)
        forms = VIEW.forms_of_key(*lock)
        assert first == (forms[0] if forms else found)


FORMS = pack(
    row(quoted("p2pkh:f"), "Key of f", category="exchange", confidence="service_data"),
    row(quoted("p2wpkh:c"), "Key of c", confidence="forensic"),
    row(quoted("p2pkh:c"), "Tag of c", confidence="web_crawl"),
    row(quoted("nobody"), "Never used"),
)
"""The ledger holds the bare key of `f` and the P2PKH address of `c`, and no other form of them."""


@pytest.mark.parametrize("members_asked", [0, 50])
def test_tags__of_another_form_of_a_key_are_shown_as_of_another_address(
    casebook: Casebook, monkeypatch: pytest.MonkeyPatch, members_asked: int
):
    monkeypatch.setattr(tag_book, "MEMBERS_ASKED", members_asked)
    bring_in(casebook, FORMS, network="bitcoin-regtest")
    tags = TagBook(VIEW, casebook, SingleAddresses())
    (found,) = tags.tags_of(number("p2pk:f"), 10).shown
    assert (found.stored.tag.label, found.is_inherited) == ("Key of f", True)
    assert found.stored.tag.address == text_of_name("p2pkh:f")
    both = tags.tags_of(number("p2pkh:c"), 10).shown
    assert [(each.stored.tag.label, each.is_inherited) for each in both] == [
        ("Tag of c", False),
        ("Key of c", True),
    ]


def test_attribution__stops_at_another_form_of_a_service_s_key(casebook: Casebook):
    bring_in(casebook, FORMS, network="bitcoin-regtest")
    found = TagBook(VIEW, casebook, SingleAddresses()).attribution
    bare, other = number("p2pk:f"), number("p2pkh:c")
    service = found.service_at(bare, bare)
    assert service is not None
    assert (service.tag.address, service.is_inherited) == (text_of_name("p2pkh:f"), True)
    named = found.at(other, other)
    assert named is not None
    assert (named.tag.label, named.is_inherited) == ("Tag of c", False)
    assert (found.service_address.tolist(), found.service_root.tolist()) == ([], [bare])
    assert found.not_in_ledger == 1
