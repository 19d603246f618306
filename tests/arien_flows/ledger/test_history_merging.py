"""Merging runs of histories against plain lists of what happens to each address."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.ledger import history_merging
from arien_flows.ledger.history import HistoryRun
from arien_flows.ledger.history_merging import merge_history_runs, merged_size
from tests.arien_flows.ledger.test_history import Entries, run_of


@st.composite
def consecutive_runs(draw: st.DrawFn) -> tuple[list[HistoryRun], Entries]:
    """Draw runs over consecutive transactions, some of them cut, and what is live of them."""
    edges = sorted(draw(st.sets(st.integers(1, 40), min_size=1, max_size=8)))
    runs = []
    live: Entries = {}
    for start, stop in pairwise([0, *edges]):
        limit = draw(st.integers(start, stop))
        entries: Entries = {}
        for address in draw(st.sets(st.integers(0, 9))):
            touched = draw(st.sets(st.integers(start, stop - 1), min_size=1))
            amounts = st.tuples(st.integers(0, 9), st.integers(0, 9))
            entries[address] = [(t, *draw(amounts)) for t in sorted(touched)]
            kept = [one for one in entries[address] if one[0] < limit]
            if kept:
                live.setdefault(address, []).extend(kept)
        runs.append(run_of(entries, limit))
    return runs, live


def empty_run(addresses: int, entries: int) -> HistoryRun:
    return HistoryRun(
        first=np.empty(addresses + 1, dtype=np.int64),
        received_sat=np.empty(entries, dtype=np.int64),
        sent_sat=np.empty(entries, dtype=np.int64),
        transaction=np.empty(entries, dtype=np.uint32),
        address=np.empty(addresses, dtype=np.uint32),
        limit=40,
    )


@given(consecutive_runs(), st.integers(1, 30))
def test_merge_history_runs__is_the_run_of_all_entries_whatever_the_steps(
    drawn: tuple[list[HistoryRun], Entries], step: int
) -> None:
    runs, live = drawn
    pauses: list[int] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(history_merging, "STEP", step)
        addresses, entries = merged_size(runs, lambda: pauses.append(0))
        made = empty_run(addresses, entries)
        merge_history_runs(runs, made, lambda: pauses.append(1))
    expected = run_of(live, 40)
    for name in ("first", "received_sat", "sent_sat", "transaction", "address"):
        assert getattr(made, name).tolist() == getattr(expected, name).tolist(), name
    # Steps end with an address: none is longer than what an address has in all runs above `step`.
    in_all = sum(len(run.transaction) for run in runs)
    assert pauses.count(0) == pauses.count(1) <= in_all // step + 1


def test_merge_history_runs__ends_where_a_pause_raises() -> None:
    runs = [run_of({address: [(0, 1, 0)] for address in range(9)}, 1)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(history_merging, "STEP", 4)
        made = empty_run(9, 9)
        made.address[:] = 99
        with pytest.raises(ZeroDivisionError):
            merge_history_runs(runs, made, lambda: 1 // 0)
    assert made.address.tolist() == [0, 1, 2, 3] + 5 * [99]
