import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin import hashing
from tests.reference import bitcoin as reference

MESSAGES = st.binary(max_size=200)


def slice_hash(kernel, message: bytes, before: int, size: int) -> bytes:
    """Hash a message that stands inside a larger buffer, into the middle of another."""
    data = np.frombuffer(b"\xaa" * before + message + b"\xbb" * 9, np.uint8).copy()
    out = np.zeros(before + size, np.uint8)
    kernel(data, before, len(message), out, before)
    assert not out[:before].any()
    return out[before:].tobytes()


@given(MESSAGES, st.integers(0, 5))
def test_sha256_into__agrees_with_hashlib(message, before):
    expected = hashlib.sha256(message).digest()
    assert slice_hash(hashing.sha256_into, message, before, 32) == expected


@given(MESSAGES, st.integers(0, 5))
def test_double_sha256_into__agrees_with_hashlib(message, before):
    expected = reference.double_sha256(message)
    assert slice_hash(hashing.double_sha256_into, message, before, 32) == expected


@given(MESSAGES, st.integers(0, 5))
def test_ripemd160_into__agrees_with_python_bitcoinlib(message, before):
    expected = bytes(reference.ripemd160(message))
    assert slice_hash(hashing.ripemd160_into, message, before, 20) == expected


@given(MESSAGES, st.integers(0, 5))
def test_hash160_into__agrees_with_python_bitcoinlib(message, before):
    expected = reference.hash160(message)
    assert slice_hash(hashing.hash160_into, message, before, 20) == expected
    assert hashing.hash160(message) == expected


# Around these lengths the padding moves into one more block.
@pytest.mark.parametrize("length", [0, 1, 3, 4, 55, 56, 57, 63, 64, 65, 119, 120, 128])
def test_hashes__pad_every_length_as_specified(length):
    message = bytes(range(length))
    assert slice_hash(hashing.sha256_into, message, 1, 32) == hashlib.sha256(message).digest()
    expected = bytes(reference.ripemd160(message))
    assert slice_hash(hashing.ripemd160_into, message, 1, 20) == expected


@pytest.mark.slow
def test_sha256_into__counts_the_bits_of_a_long_message():
    message = bytes(3_000_001)
    assert slice_hash(hashing.sha256_into, message, 0, 32) == hashlib.sha256(message).digest()
    expected = bytes(reference.ripemd160(message[:300_001]))
    assert slice_hash(hashing.ripemd160_into, message[:300_001], 0, 20) == expected


def test_double_sha256__hashes_the_genesis_header():
    header = bytes.fromhex(
        "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b2"
        "7ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c"
    )
    name = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
    assert hashing.double_sha256(header)[::-1].hex() == name
