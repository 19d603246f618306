"""The history index against a plain list of everything that happens to each address."""

from collections import defaultdict
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.ledger.history import HistoryIndex, HistoryRun, Totals

Entries = dict[int, list[tuple[int, int, int]]]
"""Per address: (transaction, received, sent), ascending."""


def run_of(entries: Entries, limit: int) -> HistoryRun:
    """Return the run of some addresses' entries."""
    addresses = sorted(entries)
    rows = [entries[address] for address in addresses]
    received = [np.cumsum([one[1] for one in row]) for row in rows]
    sent = [np.cumsum([one[2] for one in row]) for row in rows]
    return HistoryRun(
        first=np.cumsum([0, *map(len, rows)]).astype(np.int64),
        received_sat=np.concatenate([np.empty(0), *received]).astype(np.int64),
        sent_sat=np.concatenate([np.empty(0), *sent]).astype(np.int64),
        transaction=np.array([one[0] for row in rows for one in row], dtype=np.uint32),
        address=np.array(addresses, dtype=np.uint32),
        limit=limit,
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[HistoryIndex, Entries]:
    """Draw runs over consecutive transactions, some of them cut, and what a view of them shows."""
    edges = sorted(draw(st.sets(st.integers(0, 40), min_size=1, max_size=6)))
    visible = draw(st.integers(0, 45))
    runs, shown = [], defaultdict(list)
    for start, stop in pairwise([0, *edges]):
        limit = draw(st.integers(start, stop))
        entries: Entries = {}
        for address in draw(st.sets(st.integers(0, 6))):
            touched = draw(st.sets(st.integers(start, max(start, stop - 1)), min_size=1))
            amounts = st.tuples(st.integers(0, 9), st.integers(0, 9))
            entries[address] = [(t, *draw(amounts)) for t in sorted(touched)]
            shown[address] += [one for one in entries[address] if one[0] < min(limit, visible)]
        runs.append(run_of(entries, limit))
    return HistoryIndex(runs=runs, transaction_count=visible), dict(shown)


@given(histories())
def test_history_index__says_what_a_list_says(drawn: tuple[HistoryIndex, Entries]) -> None:
    index, shown = drawn
    for address, entries in shown.items():
        if not entries:
            continue
        assert index.totals(address) == Totals(
            transaction_count=len(entries),
            received_sat=sum(one[1] for one in entries),
            sent_sat=sum(one[2] for one in entries),
            first_transaction=entries[0][0],
            last_transaction=entries[-1][0],
        )
        for start, stop in [(0, None), (1, 3), (-2, None), (0, -1), (5, 2)]:
            page = index.history(address, start, stop)
            columns = (page.transaction, page.received_sat, page.sent_sat)
            rows = list(zip(*(column.tolist() for column in columns), strict=True))
            assert rows == entries[slice(start, stop)]


@given(histories(), st.integers(0, 45))
def test_place__is_where_the_transaction_stands(
    drawn: tuple[HistoryIndex, Entries], wanted: int
) -> None:
    index, shown = drawn
    for address in range(8):
        transactions = [one[0] for one in shown.get(address, [])]
        expected = transactions.index(wanted) if wanted in transactions else None
        assert index.place(address, wanted) == expected


@given(histories(), st.integers(0, 45), st.integers(0, 45))
def test_stretch__is_what_lies_between_two_transactions(
    drawn: tuple[HistoryIndex, Entries], first: int, last: int
) -> None:
    index, shown = drawn
    for address in range(8):
        entries = [one[0] for one in shown.get(address, [])]
        start, stop = index.stretch(address, first, max(first, last))
        assert entries[start:stop] == [one for one in entries if first <= one <= max(first, last)]
        assert index.stretch(address, 0, 2**62) == (0, len(entries))
