import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.merkle import fold_path, merkle_path, merkle_roots
from tests.reference import bitcoin as reference

# Few different ids, so that pairs of equal nodes come up.
ids = st.integers(0, 5).map(lambda seed: bytes([seed]) * 32)
trees = st.lists(st.lists(ids, min_size=1, max_size=9), max_size=4)


def roots_of(lists: list[list[bytes]]) -> list[tuple[bytes, bool]]:
    first = np.cumsum([0, *map(len, lists)], dtype=np.int64)
    flat = b"".join(b"".join(txids) for txids in lists)
    txid = np.frombuffer(flat, np.uint8).reshape(-1, 32)
    roots = np.zeros((len(lists), 32), np.uint8)
    mutated = np.zeros(len(lists), np.bool_)
    merkle_roots(txid, first, roots, mutated)
    return [(root.tobytes(), bool(bad)) for root, bad in zip(roots, mutated, strict=True)]


@given(trees)
def test_merkle_roots__agrees_with_reference(lists):
    assert roots_of(lists) == [reference.merkle_root(txids) for txids in lists]


@given(st.lists(ids, min_size=1, max_size=9, unique=True))
def test_merkle_roots__sees_the_repeated_tail_that_leaves_the_root_unchanged(txids):
    size = len(txids)
    tails = [tail for tail in (1, 2, 4) if tail < size and size % (2 * tail) == tail]
    lists = [txids, *([*txids, *txids[-tail:]] for tail in tails)]
    (root, mutated), *longer = roots_of(lists)
    assert not mutated
    assert longer == [(root, True)] * len(tails)
    assert tails or size in (1, 2, 4, 8)


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=20), st.data())
def test_fold_path__leads_from_every_position_to_the_root(txids, data):
    position = data.draw(st.integers(0, len(txids) - 1))
    table = np.frombuffer(b"".join(txids), np.uint8).reshape(-1, 32)
    path = merkle_path(table, position)
    root, _ = reference.merkle_root(txids)
    assert fold_path(txids[position], position, path) == root
    if path:
        forged = [bytes([path[0][0] ^ 1]) + path[0][1:], *path[1:]]
        assert fold_path(txids[position], position, forged) != root


def test_merkle_path__refuses_a_position_outside_the_block():
    with pytest.raises(ValueError, match="position 2 is outside a block of 2"):
        merkle_path(np.zeros((2, 32), np.uint8), 2)
    with pytest.raises(ValueError, match="position -1 is outside"):
        merkle_path(np.zeros((2, 32), np.uint8), -1)


def test_fold_path__refuses_a_position_that_its_levels_cannot_reach():
    with pytest.raises(ValueError, match="position 2 does not belong to a path of 1"):
        fold_path(bytes(32), 2, [bytes(32)])
