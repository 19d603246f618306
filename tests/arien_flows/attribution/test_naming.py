"""Who is named at an address: the best claim, its category, its documents."""

from datetime import date

import pytest

from arien_flows.attribution.naming import Naming
from arien_flows.attribution.ownership import SingleAddresses
from arien_flows.attribution.snapshot import attribute
from arien_flows.attribution.tag import Tag
from tests.arien_flows.tracing.chains import COIN, tag
from tests.ledgers import Tx, build_view, text_of_name

DOCUMENT = "ab" * 32


def naming(*tags: Tag, least: int = 5) -> tuple[Naming, int]:
    view = build_view([Tx(name="mined", outputs=[("shop", 50 * COIN)])])
    entities = SingleAddresses()
    found = attribute(view, tags, entities)
    named = Naming(attribution=found, least=least, on=date(2026, 1, 1))
    return named, view.find_address(text_of_name("shop"))


def test_of_address__a_rumour_does_not_make_an_exchange_a_fraud():
    named, shop = naming(
        tag("shop", "Halyard", "exchange", actor="halyard", confidence="authority_data"),
        tag("shop", "Halyard stole my coins", "scam", actor="Halyard", confidence="web_crawl"),
    )
    owner = named.of_address(shop)
    assert (owner.category, owner.label, owner.is_disputed) == ("exchange", "Halyard", False)


def test_of_address__takes_the_category_of_the_next_statement_where_the_best_has_none():
    named, shop = naming(
        tag("shop", "Halyard", "service", confidence="ownership"),
        tag("shop", "halyard", "exchange", confidence="web_crawl", source="https://b.example"),
    )
    assert named.of_address(shop).category == "exchange"


def test_of_address__names_the_documents_of_the_best_claim():
    context = f'{{"document_sha256": "{DOCUMENT}"}}'
    named, shop = naming(
        tag("shop", "White Rabbit", "drugs", context=context),
        tag("shop", "Somebody else", "exchange", confidence="unknown"),
    )
    assert named.of_address(shop).documents == (DOCUMENT,)
    assert named.of_entity(shop) == named.of_address(shop)


@pytest.mark.parametrize(("least", "found"), [(50, 1), (51, 0)])
def test_address__holds_those_that_are_named_surely_enough(least: int, found: int):
    named, shop = naming(tag("shop", "Halyard", "exchange"), least=least)
    assert named.address.tolist() == [shop] * found
    assert named.root.tolist() == [shop] * found


def test_of_address__knows_nobody_where_nobody_is_named():
    named, shop = naming(tag("shop", "Halyard", "exchange"))
    with pytest.raises(ValueError, match="nobody"):
        named.of_address(shop + 1)
