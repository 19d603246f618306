"""Tags that bind a clustering."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from arien_flows.attribution.ownership import SingleAddresses
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import sqlite_url
from arien_flows.casebook.records import TagTable
from arien_flows.entities.constraints import Constraints, no_constraints
from arien_flows.ledger.view import View
from arien_flows.tag_book import TagBook
from arien_flows.tag_owners import binding_of
from heuristics.constrained_sets import NO_OWNER
from tests.arien_flows.casebook.packs import bring_in, pack, row
from tests.ledgers import Tx, build_view, text_of_name

EARLY = [Tx(name="m", outputs=[("a", 9), ("b", 9), ("k", 9), ("d", 9)])]
LATE = [*EARLY, Tx(name="n", outputs=[("p2pkh:k", 9)])]
VIEW = build_view(EARLY)


def tag(name: str, label: str, **more: str) -> str:
    return row(f'"{text_of_name(name)}"', label, **more)


SURE = [
    tag("a", "Exchange A", category="exchange", confidence="ownership"),
    tag("b", "  EXCHANGE   a ", confidence="forensic_investigation"),
    tag("p2pkh:k", "Carol", confidence="ownership"),
    tag("d", "Shop D", category="payment_processor", confidence="service_data"),
    tag("nobody", "Dave", confidence="ownership"),
]
WEAK = [tag("a", "Somebody else", confidence="web_crawl")]


@pytest.fixture
def casebook(tmp_path: Path) -> Iterator[Casebook]:
    book = Casebook(sqlite_url(tmp_path / "casebook.sqlite"))
    yield book
    book.close()


def constraints(casebook: Casebook, view: View = VIEW) -> Constraints:
    return TagBook(view, casebook, SingleAddresses()).constraints


def table(casebook: Casebook) -> TagTable:
    found = casebook.table("bitcoin-regtest")
    assert found is not None
    return found


def owners(found: Constraints) -> dict[int, str]:
    columns = found.columns
    known = columns.owner != NO_OWNER
    named = [found.names[number] for number in columns.owner[known].tolist()]
    return dict(zip(columns.address[known].tolist(), named, strict=True))


def test_constraints__name_owners_that_sources_are_sure_of(casebook: Casebook) -> None:
    bring_in(casebook, pack(*SURE, *WEAK), network="bitcoin-regtest")
    found = constraints(casebook)
    a, b, k, d = (VIEW.find_address(text_of_name(name)) for name in "abkd")
    # One owner whatever the case; a key's tag speaks of the form that the ledger holds.
    assert owners(found) == {a: "exchange a", b: "exchange a", k: "carol"}
    services = found.columns.service[found.columns.address == d]
    assert [found.names[number] for number in services] == ["shop d"]
    assert len(found.twice_named) == 0


def test_constraints__of_a_key_bind_the_forms_that_appear_later_too(casebook: Casebook) -> None:
    bring_in(casebook, pack(*SURE), network="bitcoin-regtest")
    late = build_view(LATE)
    found = owners(constraints(casebook, late))
    for name in ("k", "p2pkh:k"):
        assert found[late.find_address(text_of_name(name))] == "carol"


def test_constraints__have_a_revision_of_the_tags_that_bind_and_of_nothing_else(
    casebook: Casebook,
) -> None:
    none = constraints(casebook)
    assert (none.revision, none.parameters, none.names) == ("", {}, ())
    bring_in(casebook, pack(*WEAK), network="bitcoin-regtest")
    assert constraints(casebook).revision == ""
    bring_in(casebook, pack(*SURE), network="bitcoin-regtest", name="sure.yaml")
    sure = constraints(casebook)
    assert len(sure.revision) == 64
    assert constraints(casebook, build_view(LATE)).revision == sure.revision
    more = tag("d", "Dora", confidence="ownership")
    bring_in(casebook, pack(*SURE, more), network="bitcoin-regtest", name="more.yaml")
    assert constraints(casebook).revision not in ("", sure.revision)


def test_binding_of__is_computed_once_until_a_tag_changes(casebook: Casebook) -> None:
    bring_in(casebook, pack(*SURE), network="bitcoin-regtest")
    first = binding_of(table(casebook))
    assert binding_of(table(casebook)) is first
    bring_in(casebook, pack(*WEAK), network="bitcoin-regtest", name="weak.yaml")
    second = binding_of(table(casebook))
    assert second is not first
    assert second.revision == first.revision


@pytest.mark.parametrize(
    ("more", "still"), [(WEAK, True), ([tag("d", "X", confidence="ownership")], False)]
)
def test_still_give__tells_whether_other_tags_bind(
    casebook: Casebook, more: list[str], still: bool
) -> None:
    book = TagBook(VIEW, casebook, SingleAddresses())
    assert book.still_give(no_constraints())
    bring_in(casebook, pack(*SURE), network="bitcoin-regtest")
    assert not book.still_give(no_constraints())
    sure = constraints(casebook)
    assert book.still_give(sure)
    bring_in(casebook, pack(*more), network="bitcoin-regtest", name="more.yaml")
    assert book.still_give(sure) is still


def test_constraints__tell_of_addresses_with_several_owners(casebook: Casebook) -> None:
    other = tag("a", "Mallory", confidence="service_api")
    bring_in(casebook, pack(*SURE, other), network="bitcoin-regtest")
    found = constraints(casebook)
    a = VIEW.find_address(text_of_name("a"))
    assert owners(found)[a] == "exchange a"
    twice = [(row[0], found.names[row[1]], found.names[row[2]]) for row in found.twice_named]
    assert twice == [(a, "exchange a", "mallory")]
