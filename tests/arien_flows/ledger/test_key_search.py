from bisect import bisect_left

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.ledger import key_search
from arien_flows.ledger.key_search import NO_SAMPLES, samples_of, seek

keys = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.one_of(keys, st.integers(-3, 3)), max_size=200), st.data())
def test_seek__is_bisect_left(members: list[int], data: st.DataObject) -> None:
    members.sort()
    nearby = [member + step for member in members for step in (-1, 0, 1)]
    wanted = data.draw(st.one_of(keys, st.sampled_from(nearby)) if nearby else keys)
    wanted = max(-(2**63), min(wanted, 2**63 - 1))
    run = np.array(members, dtype=np.int64)
    assert seek(run, NO_SAMPLES, wanted) == bisect_left(members, wanted)
    # Samples of something else cost time, and no more.
    others = data.draw(st.lists(keys, min_size=2, max_size=9).map(sorted))
    assert seek(run, np.array(others, dtype=np.int64), wanted) == bisect_left(members, wanted)


def test_seek__finds_its_way_among_keys_that_somebody_chose() -> None:
    # Keys that lie anything but evenly: steps of one, then of a billion, and many equal ones.
    parts = [np.arange(1_000), 10**9 * np.arange(1_000), np.full(3_000, 77), -np.arange(2_000)]
    run = np.sort(np.concatenate(parts))
    for wanted in [*run[::97].tolist(), 78, 10**9 - 1, -(2**63), 2**63 - 1]:
        assert seek(run, NO_SAMPLES, wanted) == np.searchsorted(run, wanted)


# Hashes are spread evenly; ground ones gather in a few places; the ends are where sums overflow.
hashes = st.one_of(
    keys,
    st.integers(0, 40),
    st.integers(2**63 - 41, 2**63 - 1),
    st.sampled_from([-(2**63), -(2**63) + 1, -1, 2**63 - 1]),
)


@given(st.lists(hashes, max_size=200), hashes)
def test_seek__is_a_bisection_at_the_ends_too(entries: list[int], wanted: int) -> None:
    entries.sort()
    run = np.array(entries, dtype=np.int64)
    for key in {wanted, *entries[::17]}:
        assert seek(run, NO_SAMPLES, key) == bisect_left(entries, key)


def test_seek__takes_many_runground_to_one_place() -> None:
    far = np.array([-(2**63) + i * (2**64 // 50) for i in range(50)], dtype=np.int64)
    run = np.sort(np.concatenate([far, np.arange(10**6, 10**6 + 4_000)]))
    for key in [*range(10**6 - 2, 10**6 + 4_002, 61), -(2**63), 2**63 - 1, 0]:
        assert seek(run, NO_SAMPLES, key) == bisect_left(run.tolist(), key)


@pytest.mark.parametrize(("is_sampled", "most"), [(False, 2.5), (True, 1.5)])
def test_seek__reads_few_pages_of_even_keys(
    monkeypatch: pytest.MonkeyPatch, is_sampled: bool, most: float
) -> None:
    random = np.random.default_rng(1)
    run = np.sort(random.integers(-(2**63), 2**63 - 1, 1_000_000))

    class Watched:
        """Notes which pages of 512 keys are read."""

        def __init__(self) -> None:
            self.pages: set[int] = set()

        def __len__(self) -> int:
            return len(run)

        def __getitem__(self, position: int) -> np.int64:
            self.pages.add(position // 512)
            return run[position]

    plain = getattr(seek, "py_func", seek)
    for name in ("_narrowed", "_halved"):
        called = getattr(key_search, name)
        monkeypatch.setattr(key_search, name, getattr(called, "py_func", called))
    samples = samples_of(run) if is_sampled else NO_SAMPLES
    pages = []
    for wanted in random.integers(-(2**63), 2**63 - 1, 200).tolist():
        watched = Watched()
        assert plain(watched, samples, wanted) == np.searchsorted(run, wanted)
        pages.append(len(watched.pages))
    assert np.mean(pages) < most
