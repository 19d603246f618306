from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.ledger import sorted_runs
from arien_flows.ledger.sorted_runs import (
    FAN_IN,
    LAST_KEY,
    KeyRun,
    RunName,
    live_entries,
    merge_key_runs,
    merges_due,
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


parts_of_runs = st.lists(
    st.tuples(st.lists(keys, max_size=12), st.integers(0, 12)), min_size=1, max_size=8
)


@given(parts_of_runs, st.integers(1, 30))
def test_merge_key_runs__keeps_what_is_live_in_order(
    parts: list[tuple[list[int], int]], step: int
) -> None:
    runs, expected, start = [], [], 0
    for entries, live in parts:
        runs.append(run_of(entries, start, start + live))
        expected += [(key, start + i) for i, key in enumerate(entries) if i < live]
        start += len(entries)
    count = sum(live_entries(run) for run in runs)
    key, number = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.uint32)
    pauses: list[int] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sorted_runs, "STEP", step)
        merge_key_runs(runs, key, number, lambda: pauses.append(1))
    assert len(pauses) == -(-start // step)
    assert list(zip(key.tolist(), number.tolist(), strict=True)) == sorted(expected)


def merged(runs: list[RunName], choice: int = 0) -> list[RunName]:
    """Make one of the merges that are due."""
    all_due = merges_due(runs)
    if not all_due:
        return runs
    due = all_due[choice % len(all_due)]
    first, last = runs[due.start], runs[due.stop - 1]
    one = RunName(
        level=first.level + 1,
        start=first.start,
        end=last.end,
        limit=last.limit,
        entries=sum(run.entries for run in runs[due]),
        checksum=0,
    )
    return [*runs[: due.start], one, *runs[due.stop :]]


@given(st.lists(st.lists(st.integers(0, 3), max_size=2), max_size=150))
def test_merges_due__gives_the_same_runs_whenever_and_in_whatever_order_merges_come(
    merges: list[list[int]],
) -> None:
    at_once: list[RunName] = []
    late: list[RunName] = []
    for row, choices in enumerate(merges):
        new = RunName(level=0, start=row, end=row + 1, limit=row + 1, entries=1, checksum=0)
        at_once.append(new)
        while merges_due(at_once):
            at_once = merged(at_once)
        late.append(new)
        for choice in choices:
            late = merged(late, choice)
    while merges_due(late):
        late = merged(late, -1)
    assert late == at_once
    levels = [run.level for run in late]
    assert levels == sorted(levels, reverse=True)
    assert all(levels.count(level) < FAN_IN for level in levels)
