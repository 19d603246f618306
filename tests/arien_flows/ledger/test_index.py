import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.ledger.index import KeyIndex
from arien_flows.ledger.sorted_runs import KeyRun, sort_entries

LOWEST, HIGHEST = -(2**63), 2**63 - 1

# Hashes are spread evenly; ground ones gather in a few places; the ends are where guesses divide.
hashes = st.one_of(
    st.integers(LOWEST, HIGHEST),
    st.integers(0, 40),
    st.integers(HIGHEST - 40, HIGHEST),
    st.sampled_from([LOWEST, LOWEST + 1, -1, HIGHEST]),
)


@given(
    st.lists(st.tuples(st.lists(hashes, max_size=12), st.integers(0, 12)), max_size=6),
    st.integers(0, 60),
)
def test_candidates__are_all_live_numbers_of_a_key(
    parts: list[tuple[list[int], int]], row_count: int
) -> None:
    runs, live, start = [], [], 0
    for entries, kept in parts:
        numbers = np.arange(start, start + len(entries), dtype=np.uint32)
        key, number = sort_entries(np.array(entries, dtype=np.int64), numbers)
        runs.append(KeyRun(key=key, number=number, limit=start + kept))
        live += [(entry, start + i) for i, entry in enumerate(entries[:kept])]
        start += len(entries)
    index = KeyIndex(runs=runs, row_count=row_count)
    for key_wanted in {entry for entry, _ in live} | {7}:
        expected = [n for entry, n in live if entry == key_wanted and n < row_count]
        assert list(index.candidates(key_wanted)) == expected
