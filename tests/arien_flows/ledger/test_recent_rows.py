from collections import deque

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.ledger import recent_rows
from arien_flows.ledger.recent_rows import CERTAIN_BATCHES, SMALLEST, RecentRows, home_of, tag_of
from chains.types import UInt64Array

entries = st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**32 - 3))
batches = st.lists(st.lists(entries, max_size=30), max_size=12)


def found_in(table: UInt64Array, key: int) -> set[int]:
    """Return the numbers filed under the tag of a key, by the rule that a search follows."""
    with np.errstate(over="ignore"):
        slot, tag = home_of(tag_of(np.int64(key)), len(table)), int(np.int64(key)) & 0xFFFF_FFFF
    numbers = set()
    while table[slot]:
        if int(table[slot]) >> 32 == tag:
            numbers.add((int(table[slot]) & 0xFFFF_FFFF) - 1)
        slot = (slot + 1) % len(table)
    return numbers


def fill(rows: RecentRows, batch: list[tuple[int, int]]) -> None:
    rows.begin_batch(len(batch))
    rows.add(
        np.array([key for key, _ in batch], dtype=np.int64),
        np.array([number for _, number in batch], dtype=np.int64),
    )


@given(batches, st.integers(4, 8))
def test_add__the_last_batches_are_held_whatever_came_before(
    lists: list[list[tuple[int, int]]], size: int
) -> None:
    smallest, recent_rows.SMALLEST = recent_rows.SMALLEST, 1 << 4
    try:
        rows = RecentRows(1 << size)
    finally:
        recent_rows.SMALLEST = smallest
    last: deque[list[tuple[int, int]]] = deque(maxlen=CERTAIN_BATCHES + 1)
    for batch in lists:
        fill(rows, batch)
        last.append(batch)
        for key, number in [entry for batch in last for entry in batch]:
            assert number in found_in(rows.young, key) | found_in(rows.old, key)
        assert 4 * np.count_nonzero(rows.young) <= 3 * len(rows.young)


def test_begin_batch__forgets_the_old_and_stays_in_bounds() -> None:
    rows = RecentRows(2 * SMALLEST)
    random = np.random.default_rng(3)
    for first in range(0, 100_000, 1_000):
        keys = random.integers(-(2**63), 2**63 - 1, 1_000)
        fill(rows, list(zip(keys.tolist(), range(first, first + 1_000), strict=True)))
    assert len(rows.young) == len(rows.old) == 2 * SMALLEST
    held = np.concatenate([rows.young, rows.old])
    numbers = (held[held != 0] & np.uint64(0xFFFF_FFFF)).astype(np.int64) - 1
    assert sorted(numbers.tolist()) == list(range(100_000 - len(numbers), 100_000))
    assert len(numbers) >= SMALLEST


def test_begin_batch__grows_beyond_its_bounds_for_a_batch_that_needs_it() -> None:
    rows = RecentRows(SMALLEST)
    fill(rows, [(number << 20, number) for number in range(3 * SMALLEST)])
    assert len(rows.young) == 4 * SMALLEST
    assert found_in(rows.young, 5 << 20) >= {5}
