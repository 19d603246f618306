"""What a set of tags comes to: one rule for subjects and counterparts."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.attribution.categories import UNKNOWN
from arien_flows.attribution.confidence import MOST_GAIN
from arien_flows.attribution.owner import Owner, is_disputed, owner_of, readings
from arien_flows.attribution.tag import CONFIDENCE, Statement
from tests.arien_flows.tracing.chains import tag

TODAY = date(2026, 6, 1)

BASE = tag("a", "Shop", "market").statement
statements = st.builds(
    lambda confidence, source, actor, label, days, concepts: replace(
        BASE,
        concepts=concepts,
        confidence=confidence,
        source=source,
        actor=actor,
        label=label,
        lastmod=None if days is None else TODAY - timedelta(days=days),
    ),
    st.sampled_from(sorted(CONFIDENCE)),
    st.sampled_from("stuv"),
    st.sampled_from([None, "one", "two"]),
    st.sampled_from(["Shop", "shop ", "Pool"]),
    st.one_of(st.none(), st.integers(-10, 9_000)),
    st.sampled_from([("market",), ("exchange",), ("sanction",), ("user",)]),
)


def told(*found: Statement) -> tuple[Owner, ...]:
    return readings([(each, each.source) for each in found], TODAY)


def said(concept: str = "market", **changes: object) -> Statement:
    changed = {"concepts": (concept,), **changes}
    return replace(BASE, **changed)  # type: ignore[arg-type]  # fields of one known class


@given(st.lists(statements, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_readings__do_not_depend_on_the_order(found, random):
    shuffled = found[:]
    random.shuffle(shuffled)
    assert told(*found) == told(*shuffled)


@given(st.lists(statements, min_size=1, max_size=6))
def test_readings__count_a_source_that_repeats_itself_once(found):
    assert told(*found, *found) == told(*found)


@given(st.lists(statements, min_size=1, max_size=6))
def test_readings__claim_no_more_than_their_statements(found):
    for each in told(*found):
        assert 0 <= each.confidence <= each.stated <= 100
        most = max(CONFIDENCE[one.confidence] for one in found)
        assert each.stated <= most + MOST_GAIN
    assert any(each.is_disputed for each in told(*found)) == is_disputed(found)


@given(st.lists(statements, max_size=6))
def test_owner_of__a_list_of_sanctions_is_heard_beside_anything(found):
    """Whatever else is said, short of another sanctioned name or an actor against an actor."""
    listed = said("sanction", label="LAZARUS GROUP", confidence="authority_data", source="sdn")
    owner = owner_of([(each, each.source) for each in (*found, listed)], TODAY)
    assert owner is not None
    assert owner.category == "sanctioned"
    assert owner.stated >= 60


@pytest.mark.parametrize("level", ["unknown", "heuristic"])
@pytest.mark.parametrize("concept", ["scam", "sanction", "exchange"])
@pytest.mark.parametrize("actor", [None, "junk"])
def test_owner_of__a_guess_neither_hides_nor_lowers_what_is_well_founded(level, concept, actor):
    founded = said("exchange", label="Halyard", actor="halyard", confidence="authority_data")
    junk = said(concept, label="Junk", actor=actor, confidence=level, source="junk")
    owner = owner_of([(founded, "a"), (junk, "b")], TODAY)
    assert owner is not None
    assert (owner.label, owner.category, owner.confidence) == ("Halyard", "exchange", 60)
    assert owner.documents == ("a",)
    # It is told nevertheless.
    assert owner.is_disputed == (actor is not None or concept != "exchange")


def test_owner_of__two_sources_are_surer_than_one():
    (found,) = told(
        said(source="a", confidence="forensic"), said(source="b", confidence="web_crawl")
    )
    assert (found.confidence, found.is_disputed, found.sources) == (60, False, 2)


def test_readings__two_actors_are_a_dispute_and_the_lower_counts_for_these_alone():
    found = told(
        said(actor="one", confidence="forensic"),
        said(actor="two", confidence="authority_data", label="Pool"),
        said(actor=None, confidence="manual_transaction", label="Hot wallet"),
    )
    assert [(each.label, each.confidence, each.stated, each.is_disputed) for each in found] == [
        ("Hot wallet", 90, 90, False),
        ("Pool", 50, 60, True),
        ("Shop", 50, 50, True),
    ]


def test_readings__different_labels_of_one_category_are_no_dispute():
    found = told(said(), said(label="Pool", confidence="ownership"))
    assert [each.is_disputed for each in found] == [False, False]
    assert found[0].confidence == 100


def test_readings__of_one_name_several_categories_are_no_dispute():
    listed = said("sanction", label="Halyard", confidence="authority_data", source="sdn")
    trading = said("exchange", label="halyard", confidence="ownership")
    found = told(listed, trading)
    assert [(each.category, each.confidence) for each in found] == [
        ("sanctioned", 60),
        ("exchange", 100),
    ]
    assert not is_disputed([listed, trading])


def test_readings__a_bare_name_lends_its_certainty_to_no_category():
    found = told(said("user", confidence="ownership"), said("market", confidence="web_crawl"))
    assert [(each.category, each.confidence) for each in found] == [("darknet_market", 20)]
    assert told(said("user"))[0].category == UNKNOWN


def test_readings__go_by_the_level_that_age_has_left():
    old = said("market", confidence="web_crawl", lastmod=date(2010, 1, 1), label="X")
    new = said("exchange", confidence="heuristic", label="X", source="new")
    assert [each.category for each in told(old, new)] == ["exchange", "darknet_market"]


def test_readings__a_mention_names_nobody():
    assert told(said(tag_type="mention"), said(tag_type="event")) == ()
    assert owner_of([], TODAY) is None


def test_readings__of_many_names_stay_quick():
    many = [said("scam", label=f"name {i}", source=f"s{i}") for i in range(3_000)]
    assert len(told(*many)) == 3_000
