"""The generator is multiply-with-carry, exactly; its draws stay in bounds and fill them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.simulation.rng import FACTOR, draw, fill_bytes, seeded, spread, word


@given(st.integers(1, 2**64 - 2**32))
def test_word__is_multiply_with_carry(state: int) -> None:
    random = np.array([state], dtype=np.uint64)
    bits = int(word(random))
    high, low = divmod(state, 2**32)
    assert bits == high ^ low
    assert int(random[0]) == int(FACTOR) * low + high


@given(st.integers(0, 2**64 - 1), st.integers(1, 2**31))
def test_draw__stays_in_bounds(seed: int, bound: int) -> None:
    random = seeded(seed, "test")
    assert all(0 <= draw(random, bound) < bound for _ in range(20))


@given(st.integers(0, 2**64 - 1), st.integers(1, 10_000))
def test_spread__stays_in_bounds(seed: int, bound: int) -> None:
    random = seeded(seed, "test")
    assert all(1 <= spread(random, bound) <= bound for _ in range(20))


def test_spread__makes_each_doubling_about_as_likely() -> None:
    random = seeded(3, "test")
    doublings = np.bincount([spread(random, 127).bit_length() for _ in range(3_500)])[1:]
    assert len(doublings) == 7
    assert 400 < doublings.min() <= doublings.max() < 600


def test_draw__reaches_every_value() -> None:
    random = seeded(1, "test")
    assert {draw(random, 6) for _ in range(200)} == set(range(6))


@given(st.integers(0, 40), st.integers(0, 40))
def test_fill_bytes__writes_where_it_is_told(start: int, length: int) -> None:
    out = np.zeros(100, dtype=np.uint8)
    fill_bytes(seeded(1, "test"), out, start, length)
    assert not out[:start].any()
    assert not out[start + length :].any()
    assert length < 20 or out[start : start + length].any()


def test_seeded__tells_seeds_and_purposes_apart() -> None:
    states = {int(seeded(seed, use)[0]) for seed in range(50) for use in ("one", "other")}
    assert len(states) == 100
    assert 0 not in states


def test_seeded__is_the_same_everywhere() -> None:
    random = seeded(1, "economy")
    assert [draw(random, 1_000) for _ in range(5)] == [987, 132, 549, 102, 174]
    with pytest.raises(OverflowError):
        seeded(2**64, "economy")
