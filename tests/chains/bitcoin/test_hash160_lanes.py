import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.hash160_lanes import hash160_rows, sha256_rows
from chains.bitcoin.sha256_rounds import LANES
from chains.types import Int64Array
from tests.reference import bitcoin as reference


def digests(hash_rows, messages: list[bytes], rows: Int64Array) -> list[bytes]:
    """Hash some of the messages, which stand in one buffer with a byte between them."""
    raw = np.frombuffer(b"\xaa".join([b"", *messages, b""]), np.uint8).copy()
    length = np.array([len(message) for message in messages], np.int64)
    start = np.cumsum(length + 1) - length
    out = np.zeros((len(messages), 8), dtype="<u4")
    hash_rows(raw, start, length, rows, out)
    return [row.tobytes() for row in out]


def short(message: bytes) -> bytes:
    """Return HASH160 and the bytes of the row that are left alone."""
    return reference.hash160(message) + bytes(12)


messages_and_rows = st.lists(st.binary(max_size=150), min_size=1, max_size=5).flatmap(
    lambda messages: st.tuples(
        st.just(messages), st.sets(st.integers(0, len(messages) - 1)).map(sorted)
    )
)


@given(messages_and_rows)
def test_sha256_rows__agrees_with_hashlib_and_leaves_other_rows_alone(case):
    messages, rows = case
    expected = [
        hashlib.sha256(message).digest() if row in rows else bytes(32)
        for row, message in enumerate(messages)
    ]
    assert digests(sha256_rows, messages, np.array(rows, np.int64)) == expected


@given(messages_and_rows)
def test_hash160_rows__agrees_with_python_bitcoinlib_and_leaves_other_rows_alone(case):
    messages, rows = case
    expected = [
        short(message) if row in rows else bytes(32) for row, message in enumerate(messages)
    ]
    assert digests(hash160_rows, messages, np.array(rows, np.int64)) == expected


@pytest.mark.slow
@pytest.mark.parametrize("count", [LANES - 1, LANES, LANES + 1, 2 * LANES + 5])
def test_hash160_rows__fills_lanes_with_messages_of_all_lengths(count):
    random = np.random.default_rng(count)
    messages = [random.bytes(size) for size in [*random.integers(0, 300, count - 1), 9_000]]
    rows = random.permutation(count)
    assert digests(hash160_rows, messages, rows) == [short(message) for message in messages]


@pytest.mark.slow
@pytest.mark.parametrize("filler", [0x00, 0xFF])
def test_sha256_rows__pads_every_length_as_specified(filler):
    messages = [bytes([filler]) * length for length in range(200)]
    expected = [hashlib.sha256(message).digest() for message in messages]
    assert digests(sha256_rows, messages, np.arange(200)) == expected


@pytest.mark.parametrize("hash_rows", [sha256_rows, hash160_rows])
@pytest.mark.parametrize(
    ("start", "length", "width"), [(-1, 1, 8), (0, -1, 8), (1, 4, 8), (0, 4, 4)]
)
def test_hash_rows__refuses_what_does_not_fit(hash_rows, start, length, width):
    with pytest.raises(ValueError, match=r"buffer|fit"):
        hash_rows(
            np.zeros(4, np.uint8),
            np.array([start], np.int64),
            np.array([length], np.int64),
            np.zeros(1, np.int64),
            np.zeros((1, width), dtype="<u4"),
        )
