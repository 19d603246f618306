from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.ledger.sorted_runs import (
    LAST_KEY,
    KeyRun,
    live_entries,
    merge_key_runs,
    sort_entries,
)

# Few distinct keys, and many that share their first bits: what somebody who grinds ids can make.
keys = st.one_of(
    st.integers(-(2**63), LAST_KEY),
    st.integers(0, 40),
    st.sampled_from([-(2**63), -1, 0, LAST_KEY]),
)


def run_of(entries: Sequence[int], start: int, limit: int) -> KeyRun:
    key, number = sort_entries(
        np.array(entries, dtype=np.int64),
        np.arange(start, start + len(entries), dtype=np.uint32),
    )
    return KeyRun(key=key, number=number, limit=limit)


@given(st.lists(keys, max_size=200))
def test_sort_entries__is_a_stable_sort(entries: list[int]) -> None:
    key = np.array(entries, dtype=np.int64)
    number = np.arange(len(key), dtype=np.uint32)
    order = np.argsort(key, kind="stable")
    sorted_key, sorted_number = sort_entries(key, number)
    assert sorted_key.tolist() == key[order].tolist()
    assert sorted_number.tolist() == number[order].tolist()


def test_sort_entries__takes_ground_keys() -> None:
    key = np.full(3_000, 7, dtype=np.int64)
    key[::3] = 9
    sorted_key, sorted_number = sort_entries(key, np.arange(3_000, dtype=np.uint32))
    order = np.argsort(key, kind="stable")
    assert (sorted_key == key[order]).all()
    assert (sorted_number == order).all()


@given(st.lists(st.tuples(st.lists(keys, max_size=12), st.integers(0, 12)), min_size=1, max_size=8))
def test_merge_key_runs__keeps_what_is_live_in_order(parts: list[tuple[list[int], int]]) -> None:
    runs, expected, start = [], [], 0
    for entries, live in parts:
        runs.append(run_of(entries, start, start + live))
        expected += [(key, start + i) for i, key in enumerate(entries) if i < live]
        start += len(entries)
    count = sum(live_entries(run) for run in runs)
    key, number = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.uint32)
    merge_key_runs(runs, key, number)
    assert list(zip(key.tolist(), number.tolist(), strict=True)) == sorted(expected)
