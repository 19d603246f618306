"""Confidence of several sources: bounded, monotone, independent of order, repeatable."""

from dataclasses import replace
from datetime import date, timedelta
from math import prod

from hypothesis import given
from hypothesis import strategies as st

from arien_flows.attribution.confidence import (
    HALF_LIFE_DAYS,
    MOST_GAIN,
    STALE_KINDS,
    combine,
    level_on,
    noisy_or,
)
from arien_flows.attribution.tag import CONFIDENCE, Statement
from tests.arien_flows.tracing.chains import tag

TODAY = date(2026, 6, 1)

BASE = tag("a", "Shop", "market").statement
statements = st.builds(
    lambda confidence, source, actor, label, days: replace(
        BASE,
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
)
levels = st.lists(st.integers(0, 100), min_size=1, max_size=8)


@given(levels)
def test_noisy_or__is_what_the_formula_says_and_bounded(found):
    exact = 100 * (1 - prod(1 - level / 100 for level in found))
    combined = noisy_or(found)
    assert max(found) <= combined <= min(100, max(found) + MOST_GAIN)
    assert combined == max(found) + MOST_GAIN or abs(combined - exact) <= 1


@given(levels, st.integers(0, 100))
def test_noisy_or__another_source_never_lowers_it(found, more):
    assert noisy_or([*found, more]) >= noisy_or(found)


def test_noisy_or__of_many_sources_stays_quick():
    assert noisy_or([0] * 50_000 + [20] * 50_000) == 20 + MOST_GAIN
    assert noisy_or([0] * 3) == 0


@given(st.lists(statements, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_combine__does_not_depend_on_the_order(found, random):
    shuffled = found[:]
    random.shuffle(shuffled)
    assert combine(found, TODAY) == combine(shuffled, TODAY)


@given(st.lists(statements, min_size=1, max_size=6))
def test_combine__counts_a_source_that_repeats_itself_once(found):
    assert combine([*found, *found], TODAY) == combine(found, TODAY)


@given(statements)
def test_level__only_falls_with_time(said):
    days = [level_on(said, TODAY + timedelta(days=days)) for days in range(0, 4_000, 500)]
    assert days == sorted(days, reverse=True)
    assert 0 <= days[-1] <= days[0] <= said.level


def test_level__of_a_web_crawl_halves_in_five_years_and_others_stay():
    old = TODAY - timedelta(days=HALF_LIFE_DAYS)
    for confidence, level in CONFIDENCE.items():
        said = replace(BASE, confidence=confidence, lastmod=old)
        assert level_on(said, TODAY) == (round(level / 2) if confidence in STALE_KINDS else level)
        assert level_on(replace(said, lastmod=None), TODAY) == level


def said(**changes: object) -> Statement:
    return replace(BASE, **changes)  # type: ignore[arg-type]  # fields of one known class


def test_combine__two_sources_are_surer_than_one():
    combined = combine(
        [said(source="a", confidence="forensic"), said(source="b", confidence="web_crawl")], TODAY
    )
    assert combined is not None
    (claim,) = combined.claims
    assert (combined.confidence, combined.is_disputed) == (60, False)
    assert (claim.sources, claim.label) == (2, "Shop")


def test_combine__two_actors_are_a_dispute_and_the_lower_counts():
    combined = combine(
        [
            said(actor="one", confidence="forensic"),
            said(actor="two", confidence="authority_data", label="Pool"),
            said(actor=None, confidence="ownership", label="Hot wallet"),
        ],
        TODAY,
    )
    assert combined is not None
    assert combined.is_disputed
    assert combined.confidence == 50
    assert [claim.label for claim in combined.claims] == ["Hot wallet", "Pool", "Shop"]


def test_combine__different_labels_alone_are_no_dispute():
    combined = combine([said(), said(label="Pool", confidence="ownership")], TODAY)
    assert combined is not None
    assert (combined.is_disputed, combined.confidence, len(combined.claims)) == (False, 100, 2)


def test_combine__a_mention_names_nobody():
    assert combine([said(tag_type="mention"), said(tag_type="event")], TODAY) is None
    assert combine([], TODAY) is None
