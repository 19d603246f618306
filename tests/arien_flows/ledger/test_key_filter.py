import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.ledger import key_filter
from arien_flows.ledger.key_filter import BLOCK_BITS, FULL_AT, SMALLEST_BLOCKS, KeyFilter
from chains.types import Int64Array

keys = st.integers(-(2**63), 2**63 - 1)
key_lists = st.lists(st.one_of(keys, st.integers(-3, 3)), max_size=60)


def array_of(members: list[int]) -> Int64Array:
    return np.array(members, dtype=np.int64)


@given(st.lists(key_lists, max_size=5))
def test_add__never_denies_what_was_added(lists: list[list[int]]) -> None:
    filter_ = KeyFilter(0)
    known: set[int] = set()
    for members in lists:
        told = filter_.add(array_of(members)).tolist()
        for member, may_be_known in zip(members, told, strict=True):
            assert may_be_known or member not in known
            known.add(member)
        assert filter_.add(array_of(members)).all()
    assert filter_.count <= len(known)


@given(st.lists(key_lists, max_size=4), st.integers(0, 10_000))
def test_of__is_what_adding_one_by_one_makes(lists: list[list[int]], room: int) -> None:
    at_once = KeyFilter.of([array_of(sorted(members)) for members in lists], room)
    one_by_one = KeyFilter(room)
    for members in lists:
        one_by_one.add(array_of(members))
    assert at_once.words.tobytes() == one_by_one.words.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize(("bits_per_key", "most"), [(8, 0.035), (12, 0.009), (16, 0.003)])
def test_add__lets_few_keys_through(bits_per_key: int, most: float) -> None:
    random = np.random.default_rng(7)
    filter_ = KeyFilter(200_000)
    count = 64 * len(filter_.words) // bits_per_key
    drawn = random.integers(-(2**63), 2**63 - 1, count)
    half = np.sort(drawn[: count // 2])
    filter_ = KeyFilter.of([half], 200_000)
    filter_.add(drawn[count // 2 :])
    others = random.integers(-(2**63), 2**63 - 1, 100_000)
    let_through = 0
    for part in np.split(others, 100):
        kept = filter_.words.copy()
        let_through += int(filter_.add(part).sum())
        filter_.words = kept
    assert let_through / len(others) < most


def test_has_room_for__ends_where_keys_have_too_few_bits() -> None:
    full = SMALLEST_BLOCKS * BLOCK_BITS // FULL_AT
    filter_ = KeyFilter(0)
    assert filter_.has_room_for(full)
    assert not filter_.has_room_for(full + 1)
    assert KeyFilter(full + 1).has_room_for(2 * full)
    filter_.add(np.arange(10, dtype=np.int64) << 40)
    assert not filter_.has_room_for(full)


def test_has_room_for__everything_once_it_may_grow_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(key_filter, "MOST_BLOCKS", 2 * SMALLEST_BLOCKS)
    largest = KeyFilter(10**12)
    assert len(largest.words) * 64 == 2 * SMALLEST_BLOCKS * BLOCK_BITS
    assert largest.has_room_for(10**12)
