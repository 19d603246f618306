import time

import numpy as np
import pytest
from bitcoin.core import CBlockHeader
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin import headers
from chains.bitcoin.networks import BITCOIN
from tests.reference import headers as reference

EASY_BITS = (0x207FFFFF, 0x203FFFFF, 0x1F7FFFFF, 0x1F00FFFF)
"""Targets whose works are about 2, 4, 512 and 65,536: sums of one can equal sums of another."""


def header_bytes(parent: bytes, bits: int, seconds: int = 0, nonce: int = 0) -> bytes:
    return CBlockHeader(
        nVersion=1, hashPrevBlock=parent, nTime=seconds, nBits=bits, nNonce=nonce
    ).serialize()


def header_hash(header: bytes) -> bytes:
    return CBlockHeader.deserialize(header).GetHash()


def hashes_of(given_rows: np.ndarray) -> np.ndarray:
    joined = b"".join(header_hash(row.tobytes()) for row in given_rows)
    return np.frombuffer(joined, dtype=np.uint8).reshape(-1, 32)


def rows(serialised: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(serialised), dtype=np.uint8).reshape(-1, 80)


@st.composite
def forests(draw):
    """Draw headers of a random tree in a random order, some of them left out."""
    serialised = [header_bytes(bytes(32), EASY_BITS[0])]
    for nonce in range(draw(st.integers(0, 15))):
        parent = draw(st.sampled_from(serialised))
        bits = draw(st.sampled_from(EASY_BITS[:2]))
        hashed = header_hash(parent)
        serialised.append(header_bytes(hashed, bits, nonce=nonce))
    genesis = header_hash(serialised[0])
    kept = draw(st.permutations(serialised))
    return kept[: draw(st.integers(1, len(kept)))], genesis


@given(forests())
def test_link_headers__agrees_with_a_node_that_takes_one_block_after_another(forest):
    serialised, genesis = forest
    given_rows = rows(serialised)
    hashes = hashes_of(given_rows)
    linked = headers.link_headers(given_rows, hashes, genesis)
    blocks = [
        (hashed.tobytes(), raw[4:36], reference.work(int.from_bytes(raw[72:76], "little")))
        for hashed, raw in zip(hashes, serialised, strict=True)
    ]
    assert linked.best.tolist() == reference.best_chain(blocks, genesis)


@given(forests())
def test_link_headers__gives_each_connected_header_its_parents_height_plus_one(forest):
    serialised, genesis = forest
    given_rows = rows(serialised)
    hashes = hashes_of(given_rows)
    height = headers.link_headers(given_rows, hashes, genesis).height.tolist()
    by_hash = dict(zip([h.tobytes() for h in hashes], height, strict=True))
    for raw, level, hashed in zip(serialised, height, hashes, strict=True):
        if hashed.tobytes() == genesis:
            assert level == 0
        else:
            above = by_hash.get(raw[4:36], -1)
            assert level == (above + 1 if above >= 0 else -1)


def test_link_headers__prefers_work_to_length():
    root = header_bytes(bytes(32), EASY_BITS[0])
    genesis = header_hash(root)
    heavy = header_bytes(genesis, EASY_BITS[2])
    chain = [root, heavy]
    parent = genesis
    for nonce in range(20):
        chain.append(header_bytes(parent, EASY_BITS[0], nonce=nonce))
        parent = header_hash(chain[-1])
    given_rows = rows(chain)
    linked = headers.link_headers(given_rows, hashes_of(given_rows), genesis)
    assert linked.best.tolist() == [0, 1]
    assert linked.height.max() == 20


def test_link_headers__is_empty_without_the_genesis_block():
    given_rows = rows([header_bytes(bytes(32), EASY_BITS[0])])
    hashes = hashes_of(given_rows)
    linked = headers.link_headers(given_rows, hashes, BITCOIN.genesis_hash)
    assert linked.best.tolist() == []
    assert linked.height.tolist() == [-1]


def test_link_headers__accepts_none_at_all():
    none = np.zeros((0, 80), dtype=np.uint8)
    linked = headers.link_headers(none, hashes_of(none), BITCOIN.genesis_hash)
    assert len(linked.best) == len(linked.height) == 0


def test_link_headers__refuses_a_header_given_twice():
    given_rows = rows([header_bytes(bytes(32), EASY_BITS[0])] * 2)
    with pytest.raises(ValueError, match="twice"):
        headers.link_headers(given_rows, hashes_of(given_rows), bytes(32))


def test_link_headers__refuses_another_shape():
    with pytest.raises(ValueError, match="shape"):
        headers.link_headers(np.zeros((1, 79), np.uint8), np.zeros((1, 32), np.uint8), bytes(32))


@given(st.integers(1, 34), st.integers(1, 0x7FFFFF))
def test_work_of__agrees_with_reference(exponent, mantissa):
    bits = exponent << 24 | mantissa
    target = headers.target_of(bits)
    if target:
        assert headers.work_of(bits) == reference.work(bits)
    else:
        assert headers.work_of(bits) == 0


@pytest.mark.parametrize(
    ("bits", "target"),
    [
        # The cases of Bitcoin Core's arith_uint256_tests.
        (0, 0),
        (0x00123456, 0),
        (0x01003456, 0),
        (0x02000056, 0),
        (0x04923456, 0),  # negative
        (0x01FEDCBA, 0),  # negative
        (0x01123456, 0x12),
        (0x02123456, 0x1234),
        (0x03123456, 0x123456),
        (0x04123456, 0x12345600),
        (0x05009234, 0x92340000),
        (0x20123456, 0x123456 << 232),
        (0xFF123456, 0),  # more than 256 bits
        (0x1D00FFFF, 0xFFFF << 208),
    ],
)
def test_target_of__expands_as_bitcoin_core_does(bits, target):
    assert headers.target_of(bits) == target


def test_work_of__matches_the_genesis_chain_work():
    # `chainwork` that a node gives for block 0 of the main network and of regtest.
    assert headers.work_of(0x1D00FFFF) == 0x100010001
    assert headers.work_of(0x207FFFFF) == 2


@given(st.lists(st.sampled_from(EASY_BITS), max_size=50))
def test_total_work__is_the_sum(bits):
    total = headers.total_work(np.array(bits, dtype=np.uint32))
    assert total == sum(headers.work_of(one) for one in bits)


targets = st.builds(
    lambda exponent, mantissa: exponent << 24 | mantissa,
    st.one_of(st.integers(0, 36), st.integers(0, 255)),
    st.one_of(st.integers(0, 2**24 - 1), st.sampled_from([0, 1, 0xFF, 0x100, 0xFFFF, 0x10000])),
)


@given(targets, st.integers(-2, 2), st.binary(min_size=32, max_size=32))
def test_meets_target__agrees_with_reference(bits, distance, drawn):
    header = header_bytes(bytes(32), bits)
    near = headers.target_of(bits) + distance
    near_hash = near.to_bytes(32, "little") if 0 <= near < 2**256 else drawn
    for block_hash in (drawn, near_hash):
        given_hash = np.frombuffer(block_hash, dtype=np.uint8).reshape(1, 32)
        expected = reference.meets_target(header, block_hash)
        assert headers.meets_target(rows([header]), given_hash).tolist() == [expected]


def test_meets_target__refuses_another_shape():
    with pytest.raises(ValueError, match="shape"):
        headers.meets_target(np.zeros((2, 80), np.uint8), np.zeros((1, 32), np.uint8))


@given(st.lists(st.integers(0, 2**32 - 1), max_size=40), st.integers(0, 40))
def test_median_time_past__agrees_with_reference_and_can_be_continued(times, cut):
    array = np.array(times, dtype=np.uint32)
    expected = [reference.median_time_past(times, height) for height in range(len(times))]
    assert headers.median_time_past(array).tolist() == expected
    assert headers.median_time_past(array[cut:], array[:cut]).tolist() == expected[cut:]


@pytest.mark.slow
def test_link_headers__links_a_whole_main_chain_within_seconds():
    count = 930_000
    random = np.random.default_rng(1)
    hashes = random.integers(0, 256, (count, 32), dtype=np.uint8)
    many = np.zeros((count, 80), dtype=np.uint8)
    many[:, 72:76] = np.frombuffer(EASY_BITS[1].to_bytes(4, "little"), dtype=np.uint8)
    many[1:, 4:36] = hashes[:-1]
    order = random.permutation(count)
    started = time.perf_counter()
    linked = headers.link_headers(many[order], hashes[order], hashes[0].tobytes())
    seconds = time.perf_counter() - started
    assert np.array_equal(order[linked.best], np.arange(count))
    assert seconds < 15
