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
    level_on,
    noisy_or,
)
from arien_flows.attribution.tag import CONFIDENCE
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
