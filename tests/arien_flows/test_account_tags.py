"""Tags of accounts: found by name and as arrays, several kept, none handed on by a creator."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from arien_flows.account_tags import AccountTags
from arien_flows.answers.tags import naming
from arien_flows.attribution.ownership import EntityMap, SingleAddresses
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import sqlite_url
from arien_flows.cli.main import run
from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from chains.ethereum.address import checksummed
from chains.ethereum.networks import ETHEREUM
from chains.ethereum.tables import CodeKind
from tests.account_chains import ETHER, AccountChain, text_of
from tests.arien_flows.casebook.packs import bring_in, pack, row

DAY = date(2026, 2, 1)


def quoted(name: str) -> str:
    return f'"{text_of(name)}"'


def tagged(name: str, label: str, **told: str) -> str:
    return row(quoted(name), label, **{"network": "ethereum-dev", "currency": "ETH", **told})


PACK = pack(
    tagged("exchange", "Exchange One", category="exchange", confidence="service_data"),
    tagged("exchange", "Other Name", category="mixer", confidence="web_crawl"),
    tagged("alice", "Alice", confidence="forensic"),
    tagged("bob", "A thief", category="perpetrator", confidence="ownership"),
    tagged("nobody", "Never used"),
)


class Pair:
    """Alice and Bob are one entity."""

    identity = "pair"

    def __init__(self, first: int, second: int) -> None:
        self.pair = np.array(sorted((first, second)), np.uint32)
        self.labels = np.arange(self.pair[1] + 1, dtype=np.uint32)
        self.labels[self.pair] = self.pair[0]

    def root_of(self, address: int) -> int:
        return int(self.pair[0]) if address in self.pair else address

    def members(self, root: int) -> "np.ndarray[tuple[int], np.dtype[np.uint32]]":
        return self.pair if root == self.pair[0] else np.array([root], np.uint32)


def chain() -> AccountChain:
    story = AccountChain()
    story.genesis(alice=9 * ETHER, bob=ETHER)
    story.block()
    story.pay("alice", "exchange", ETHER)
    with story.transaction("bob") as tx:
        tx.code("made", "bob", CodeKind.PLAIN)
    return story


VIEW = chain().view()


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Casebook]:
    casebook = Casebook(sqlite_url(tmp_path / "casebook.sqlite"))
    bring_in(casebook, PACK)
    yield casebook
    casebook.close()


def number(name: str) -> int:
    return VIEW.find_account(text_of(name))


def tags_in(book: Casebook, entities: EntityMap | None = None) -> AccountTags:
    return AccountTags(VIEW, book, entities or SingleAddresses())


def test_tags_of__keeps_all_that_is_said_of_an_address(book: Casebook):
    found = tags_in(book).tags_of(number("exchange"), 10)
    assert [each.stored.tag.label for each in found.shown] == ["Exchange One", "Other Name"]
    told = naming(found, DAY)
    assert told is not None
    assert told.disputed


def test_tags_of__says_what_the_limit_leaves_out(book: Casebook):
    found = tags_in(book).tags_of(number("exchange"), 1)
    assert ([it.stored.tag.label for it in found.shown], found.left_out) == (["Exchange One"], 1)
    assert len(found.own) == 2


def test_tags_of__a_contract_has_no_part_in_its_creators_tags(book: Casebook):
    found = tags_in(book).tags_of(number("made"), 10)
    assert (found.shown, found.own, found.inherited) == ((), frozenset(), frozenset())


@pytest.mark.parametrize("looked_up_first", [False, True])
def test_tags_of__an_entity_shares_its_tags(
    book: Casebook, looked_up_first: bool, monkeypatch: pytest.MonkeyPatch
):
    tags = tags_in(book, Pair(number("alice"), number("bob")))
    if looked_up_first:
        monkeypatch.setattr("arien_flows.account_tags.MEMBERS_ASKED", 1)
    found = tags.tags_of(number("alice"), 10)
    assert [(each.stored.tag.label, each.is_inherited) for each in found.shown] == [
        ("Alice", False),
        ("A thief", True),
    ]
    assert {said.label for said in found.inherited} == {"A thief"}


def test_attribution__has_the_tags_by_account_number(book: Casebook):
    attribution = tags_in(book).attribution
    assert attribution.network == "ethereum-dev"
    assert set(attribution.address.tolist()) == {number(it) for it in ("alice", "bob", "exchange")}
    assert attribution.not_in_ledger == 1
    service = attribution.service_at(number("exchange"), number("exchange"))
    assert service is not None
    assert (service.tag.label, service.tag.address) == ("Exchange One", text_of("exchange"))
    assert attribution.service_at(number("alice"), number("alice")) is None


def test_constraints__name_the_owners_that_tags_are_sure_of(book: Casebook):
    constraints = tags_in(book).constraints
    assert constraints.names == ("a thief", "exchange one")
    assert number("bob") in constraints.columns.address
    assert tags_in(book).still_give(constraints)


def test_account_tags__of_an_empty_casebook_are_none(tmp_path: Path):
    casebook = Casebook(sqlite_url(tmp_path / "casebook.sqlite"))
    tags = tags_in(casebook)
    assert tags.is_empty
    assert tags.tags_of(number("alice"), 5).shown == ()
    assert len(tags.attribution.address) == 0
    assert tags.still_give(tags.constraints)
    casebook.close()


@pytest.mark.parametrize("written", ["ETH", "ethereum", "ETHEREUM"])
def test_a_pack_that_says_eth__is_of_the_network_it_is_read_for(tmp_path: Path, written: str):
    casebook = Casebook(sqlite_url(tmp_path / "casebook.sqlite"))
    bring_in(casebook, pack(tagged("alice", "Alice", network=written)), network="ethereum-dev")
    assert casebook.count("ethereum-dev") == 1
    bring_in(casebook, pack(tagged("bob", "Bob", network=written)), network="bitcoin")
    assert casebook.count("ethereum") == 1
    casebook.close()


def test_tags__of_a_mistyped_address_are_of_nobody(tmp_path: Path):
    casebook = Casebook(sqlite_url(tmp_path / "casebook.sqlite"))
    mistyped = checksummed(text_of("alice")).swapcase().replace("0X", "0x")
    outcome = bring_in(
        casebook, pack(row(f'"{mistyped}"', "Alice", network="ethereum", currency="ETH"))
    )
    assert "checksum" in outcome.faults[0].fault
    assert casebook.count("ethereum") == 0
    casebook.close()


def test_tags__of_real_lists_are_found_on_ethereum(shared_data: Path, tmp_path: Path):
    listed = shared_data / "tags_eth" / "forta_malicious_smart_contracts.csv"
    options = ["--data", str(tmp_path), "--progress", "none"]
    assert run([*options, "tags", "import", str(listed)]) == 0
    casebook = Workspace(Settings(data=tmp_path)).casebook
    table = casebook.table("ethereum")
    assert table is not None
    assert len(table.tag_id) == casebook.count("ethereum") > 500
    told = "0x" + table.payload[:20].tobytes().hex()
    chain = AccountChain(ETHEREUM, first_height=1)
    chain.pay(told, "bob", 1)
    view = chain.view()
    tags = AccountTags(view, casebook, SingleAddresses())
    assert tags.attribution.address.tolist() == [view.find_account(told)]
    assert tags.tags_of(view.find_account(told), 1).shown[0].stored.tag.address == told
    casebook.close()
