import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.sha256_lanes import STRETCH, double_sha256_many, order_by_blocks
from chains.bitcoin.sha256_rounds import LANES
from tests.reference import bitcoin as reference


def hash_all(pieces: list[tuple[bytes, int, int]]) -> list[bytes]:
    """Hash messages, each cut after its first and before its last 4 bytes by gaps."""
    data = b"\xcc"
    columns = []
    for message, middle_gap, tail_gap in pieces:
        columns.append((len(data), len(message), middle_gap, middle_gap + tail_gap))
        data += message[:4] + b"\xaa" * middle_gap + message[4:-4]
        data += b"\xbb" * tail_gap + message[-4:]
    table = np.array(columns, np.int64).reshape(-1, 4)
    start, length, middle_skip, tail_skip = (table[:, i].copy() for i in range(4))
    out = np.zeros((len(pieces), 32), np.uint8)
    raw = np.frombuffer(data, np.uint8).copy()
    order = order_by_blocks(length)
    double_sha256_many(raw, start, length, middle_skip, tail_skip, order, out)
    return [row.tobytes() for row in out]


cut = st.tuples(st.binary(min_size=8, max_size=150), st.integers(0, 3), st.integers(0, 9))
whole = st.tuples(st.binary(min_size=8, max_size=150), st.just(0), st.just(0))


@given(st.lists(cut | whole, max_size=4))
def test_double_sha256_many__agrees_with_hashlib(pieces):
    expected = [reference.double_sha256(message) for message, _, _ in pieces]
    assert hash_all(pieces) == expected


@pytest.mark.slow
@pytest.mark.parametrize("count", [LANES - 1, LANES, LANES + 1, 3 * LANES + 7])
def test_double_sha256_many__fills_lanes_with_messages_of_all_lengths(count):
    random = np.random.default_rng(count)
    # One long message keeps a lane busy after the others of its group have ended.
    sizes = [*random.integers(8, 700, count - 1), 20_000]
    pieces = [(random.bytes(size), int(size) % 3, int(size) % 50) for size in sizes]
    expected = [reference.double_sha256(message) for message, _, _ in pieces]
    assert hash_all(pieces) == expected


@pytest.mark.slow
def test_double_sha256_many__pads_every_length_as_specified():
    pieces = [(bytes(range(length)), 0, 0) for length in range(8, 200)]
    expected = [reference.double_sha256(message) for message, _, _ in pieces]
    assert hash_all(pieces) == expected


@given(st.lists(st.integers(8, 700)))
def test_order_by_blocks__puts_messages_of_most_blocks_first(lengths):
    blocks = [(length + 9 + 63) // 64 for length in lengths]
    expected = sorted(range(len(lengths)), key=lambda i: -blocks[i])
    assert order_by_blocks(np.array(lengths, np.int64)).tolist() == expected


def test_order_by_blocks__leaves_distant_messages_apart():
    lengths = np.full(2 * STRETCH + 1, 100, np.int64)
    lengths[[5, STRETCH + 7, 2 * STRETCH]] = 300
    order = order_by_blocks(lengths)
    assert order[[0, STRETCH, 2 * STRETCH]].tolist() == [5, STRETCH + 7, 2 * STRETCH]
    assert sorted(order.tolist()) == list(range(len(lengths)))
    for first in range(0, len(lengths), STRETCH):
        assert set(order[first : first + STRETCH] // STRETCH) == {first // STRETCH}
