import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.attribution.categories import (
    MAP,
    category_of,
    plain,
    read_categories,
    standard_categories,
)
from arien_flows.attribution.concepts import CONCEPTS
from arien_flows.errors import InputError

some_concepts = st.lists(st.sampled_from(sorted(CONCEPTS)), max_size=6)

USE_OF_AN_ADDRESS = frozenset(
    {
        "administrator", "authorities", "behaviour", "cold_wallet", "concept",
        "cryptocurrencies_user", "customer", "darknet_email_service", "darknet_forum",
        "darknet_wiki", "ico", "irc", "moderator", "paste_site_service", "proxy", "regulator",
        "service_provider", "unhosted_wallet",
        "dark_web", "deployer", "deposit_wallet", "entity",
        "forum_mention", "funder", "gov_white_list", "gray_usage", "hot_wallet", "item", "mention",
        "organization", "service", "source", "unknown", "user", "victim", "warm_wallet",
        "website_mention", "white_list", "white_usage",
    }
)  # fmt: skip
"""Concepts of the vocabulary that say nothing about an owner's business."""


@given(some_concepts, some_concepts)
def test_category_of__is_the_most_severe_whatever_the_order(
    some: list[str], more: list[str]
) -> None:
    order = standard_categories().names
    both = order.index(category_of(some + more))

    assert both == order.index(category_of(more + some))
    # Concepts that say more together may only raise it.
    assert both <= min(order.index(category_of(some)), order.index(category_of(more)))


def test_categories__place_every_concept_of_the_vocabulary_or_say_why_not() -> None:
    placed = {concept for concept in CONCEPTS if category_of([concept]) != "unknown"}

    assert placed.isdisjoint(USE_OF_AN_ADDRESS)
    assert placed | USE_OF_AN_ADDRESS >= CONCEPTS


@pytest.mark.parametrize(
    ("concepts", "category"),
    [
        (["exchange"], "exchange"),
        (["service", "mixing_service"], "custodial_mixer"),
        (["user", "sanction"], "sanctioned"),
        (["exchange", "ransomware"], "ransomware"),
        (["vendor", "dark_web", "drugs"], "darknet_vendor"),
        (["shop", "dark_web"], "darknet_vendor"),
        (["shop"], "merchant"),
        (["dark_market"], "darknet_market"),
        (["hosted-wallet"], "hosted_wallet"),
        (["exit-scam"], "scam"),
        (["service"], "unknown"),
        ([], "unknown"),
    ],
)
def test_category_of__reads_both_vocabularies(concepts: list[str], category: str) -> None:
    assert category_of(concepts) == category


def test_categories__own_no_concept_twice_and_spell_it_plainly() -> None:
    seen: set[str] = set()
    for each in standard_categories().categories:
        assert seen.isdisjoint(each.concepts)
        assert {plain(concept) for concept in each.concepts} == each.concepts
        assert set(each.graphsense) <= CONCEPTS
        seen |= each.concepts


def test_categories__are_called_as_others_call_them() -> None:
    market = standard_categories().category("darknet_market")

    assert market.graphsense == ("market",)
    assert market.chainalysis == ("darknet market",)
    assert "Dark Market-Centralized" in market.elliptic
    with pytest.raises(InputError, match="write one of sanctioned"):
        standard_categories().category("dark market")


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (b"name = ", "is not TOML"),
        (b"\xff", "is not TOML"),
        (b'name = "x"', "lacks 'category'"),
        (b'name = "x"\ncategory = []', "the last one"),
    ],
)
def test_read_categories__says_what_is_wrong(document: bytes, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        read_categories(document)


def test_read_categories__refuses_a_category_that_stands_twice() -> None:
    entry = (
        '[[category]]\nname = "unknown"\nsummary = ""\nconcepts = []\nelliptic = []\n'
        "chainalysis = []\ngraphsense = []\n"
    )
    with pytest.raises(InputError, match="twice"):
        read_categories(f'name = "{MAP}"\n{entry}{entry}'.encode())
