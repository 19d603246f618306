"""Buckets that processes share: exact against a simple model, whoever asks, wherever."""

import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.middleware.rates import WINDOW_SECONDS, SharedRates


@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.floats(0, 30), st.integers(1, 8)), min_size=1, max_size=40),
)
def test_take__agrees_with_a_bucket_that_is_counted(
    tmp_path_factory: pytest.TempPathFactory, limit: int, asked: list[tuple[float, int]]
) -> None:
    rates = SharedRates(tmp_path_factory.mktemp("rates") / "run/rates", limit)
    now, tokens = 1000.0, float(limit)
    for pause, cost in asked:
        now += pause
        tokens = min(limit, tokens + pause * limit / WINDOW_SECONDS)
        taken = rates.take("somebody", cost, now)
        wanted = min(cost, limit)
        if abs(tokens - wanted) > 1e-3:  # nearer, rounding decides
            assert taken.is_allowed == (tokens >= wanted)
        tokens -= wanted if taken.is_allowed else 0
        assert abs(taken.remaining - tokens) < 1.01
        assert 0 <= taken.reset_seconds <= WINDOW_SECONDS + 1
        assert (taken.retry_seconds == 0) == taken.is_allowed


def test_take__tells_when_to_come_back(tmp_path: Path) -> None:
    rates = SharedRates(tmp_path / "rates", 6)
    for left in (5, 4, 3, 2, 1, 0):
        taken = rates.take("somebody", 1, 100.0)
        assert (taken.is_allowed, taken.remaining) == (True, left)
    refused = rates.take("somebody", 1, 100.0)
    assert (refused.is_allowed, refused.retry_seconds, refused.reset_seconds) == (False, 10, 60)
    assert not rates.take("somebody", 1, 109.9).is_allowed
    assert rates.take("somebody", 1, 110.0).is_allowed
    assert rates.take("somebody else", 6, 100.0).is_allowed


def test_take__forgets_what_was_written_before_the_machine_started(tmp_path: Path) -> None:
    rates = SharedRates(tmp_path / "rates", 2)
    for _ in range(3):
        rates.take("somebody", 1, 1_000_000.0)
    assert rates.take("somebody", 2, 5.0).is_allowed


def test_take__keeps_more_callers_apart_than_there_are_places_near_each_other(
    tmp_path: Path,
) -> None:
    rates = SharedRates(tmp_path / "rates", 10)
    for number in range(500):
        assert rates.take(f"caller {number}", 10, 50.0).is_allowed
    assert not any(rates.take(f"caller {number}", 1, 50.0).is_allowed for number in range(500))


def _ask(file: Path, count: int) -> int:
    rates = SharedRates(file, 100)
    return sum(rates.take("somebody", 1, 7.0).is_allowed for _ in range(count))


def test_take__is_exact_over_processes(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        allowed = pool.starmap(_ask, [(tmp_path / "rates", 80)] * 2)
    assert sum(allowed) == 100
