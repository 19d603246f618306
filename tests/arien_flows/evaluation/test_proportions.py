"""Wilson's interval against closed values, and shares as people read them."""

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.evaluation.proportions import NORMAL_QUANTILE, Proportion, percent, share


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_interval__is_the_published_one(hits: int, trials: int, low: float, high: float) -> None:
    found = Proportion(hits=hits, trials=trials).interval
    assert tuple(round(end, 4) for end in found) == (low, high)


@given(st.integers(1, 10**9), st.data())
def test_interval__has_ends_that_are_just_compatible_with_the_count(
    trials: int, data: st.DataObject
) -> None:
    hits = data.draw(st.integers(0, trials))
    proportion = Proportion(hits=hits, trials=trials)
    low, high = proportion.interval
    assert 0 <= low <= proportion.value <= high <= 1
    # Wilson's ends solve (share - end)^2 = z^2 end (1 - end) / n.
    for end in (low, high):
        left = (proportion.value - end) ** 2
        right = NORMAL_QUANTILE**2 * end * (1 - end) / trials
        assert isclose(left, right, rel_tol=1e-5, abs_tol=1e-14)


@given(st.integers(1, 10**6), st.data())
def test_interval__is_the_mirror_image_for_misses(trials: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, trials))
    low, high = Proportion(hits=hits, trials=trials).interval
    other_low, other_high = Proportion(hits=trials - hits, trials=trials).interval
    assert isclose(low, 1 - other_high, abs_tol=1e-12)
    assert isclose(high, 1 - other_low, abs_tol=1e-12)


@pytest.mark.parametrize(("hits", "trials"), [(0, 0), (2, 1), (-1, 3)])
def test_proportion__refuses_what_is_no_share(hits: int, trials: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        Proportion(hits=hits, trials=trials)


def test_share__of_nothing_is_nothing() -> None:
    assert share(0, 0) is None
    assert share(1, 2) == Proportion(hits=1, trials=2)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00 %"),
        (1.0, "100.00 %"),
        (0.5, "50.00 %"),
        (0.00073, "0.0730 %"),
        (0.99996, "99.9960 %"),
        (1 - 1e-12, "99.9999 %"),
        (1e-12, "0.0001 %"),
    ],
)
def test_percent__never_rounds_to_certainty(value: float, text: str) -> None:
    assert percent(value) == text
