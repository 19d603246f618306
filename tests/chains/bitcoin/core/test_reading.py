import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.core.forms import StoredBlock
from chains.bitcoin.core.reading import FetchedBlock, read_batches
from chains.errors import ChainChangedError, MalformedBlockError, SourceUnavailableError
from tests.blocks import GENESIS, chain_of, mine

PLENTY = 1 << 20


def fetching(blocks, spent=None):
    """Return what fetches these blocks, which stand at heights from 0 on."""
    ready = [
        FetchedBlock(
            height=height,
            hash=block.GetHash(),
            stored=StoredBlock(raw=block.serialize(), spent=spent[height] if spent else None),
        )
        for height, block in enumerate(blocks)
    ]
    return lambda first, last: ready[first:last]


def parent_of(blocks, start):
    return blocks[start - 1].GetHash() if start else bytes(32)


def long_chain():
    blocks = [GENESIS]
    for number in range(1, 60):
        blocks.append(mine(blocks[-1], number, padding=(number * 37) % 200))
    return blocks


CHAIN = long_chain()
FETCH = fetching(CHAIN)
SIZES = [len(block.serialize()) for block in CHAIN]
HASHES = [block.GetHash() for block in CHAIN]


delays = st.lists(st.sampled_from([0, 0.001, 0.003]), min_size=4, max_size=4)


@pytest.mark.slow
@given(st.integers(1, 2000), st.integers(0, 60), st.integers(0, 60), delays)
def test_read_batches__cut_the_same_however_requests_come_back(batch_bytes, start, stop, delays):
    start, stop = sorted((start, stop))

    def fetch(first, last):
        time.sleep(delays[first % len(delays)])
        return FETCH(first, last)

    batches = list(
        read_batches(fetch, start, stop, parent=parent_of(CHAIN, start), batch_bytes=batch_bytes)
    )
    hashes = [bytes(block_hash) for fetched in batches for block_hash in fetched.batch.block_hash]
    assert hashes == HASHES[start:stop]
    sizes = SIZES[start:stop]
    for fetched in batches:
        count = fetched.batch.block_count
        taken, sizes = sizes[:count], sizes[count:]
        assert count == 1 or sum(taken) <= batch_bytes
        assert not sizes or sum(taken) + sizes[0] > batch_bytes


def test_read_batches__say_where_the_spent_outputs_stand():
    spent = [bytes([height]) * height for height in range(len(CHAIN))]
    fetch = fetching(CHAIN, spent)
    for fetched in read_batches(fetch, 5, 60, parent=parent_of(CHAIN, 5), batch_bytes=900):
        raw = fetched.batch.raw
        for start, length in zip(fetched.spent_starts, fetched.spent_lengths, strict=True):
            assert raw[start : start + length].tobytes() == bytes([length]) * length


def test_read_batches__notice_that_the_chain_has_changed():
    other = [*CHAIN[:30], mine(CHAIN[29], 77)]
    mixed = [*other, *CHAIN[31:]]
    with pytest.raises(ChainChangedError, match="block 31 no longer stands on block 30"):
        list(read_batches(fetching(mixed), 0, 60, parent=bytes(32), batch_bytes=PLENTY))
    begun = read_batches(FETCH, 5, 60, parent=CHAIN[9].GetHash(), batch_bytes=PLENTY)
    with pytest.raises(ChainChangedError, match="block 5 no longer stands on block 4"):
        list(begun)


@pytest.mark.parametrize("batch_bytes", [1, 1000, PLENTY])
def test_read_batches__hand_out_what_came_before_a_fault(batch_bytes):
    blocks = [*CHAIN[:40], *chain_of(45)[40:]]
    begun = read_batches(fetching(blocks), 0, 45, parent=bytes(32), batch_bytes=batch_bytes)
    heights = []
    with pytest.raises(ChainChangedError, match="block 40"):
        heights.extend(fetched.batch.block_count for fetched in begun)
    assert sum(heights) <= 40
    assert batch_bytes > 1 or sum(heights) == 40


def test_read_batches__refuse_a_block_that_was_not_asked_for():
    plain = FETCH

    def fetch(first, last):
        return [
            FetchedBlock(height=block.height, hash=bytes(32), stored=block.stored)
            if block.height == 7
            else block
            for block in plain(first, last)
        ]

    with pytest.raises(SourceUnavailableError, match="another block than 0000"):
        list(read_batches(fetch, 0, 20, parent=bytes(32), batch_bytes=PLENTY))


@pytest.mark.parametrize("damage", [b"", b"\x00", CHAIN[7].serialize()[:-1]])
def test_read_batches__name_the_block_that_is_damaged(damage):
    plain = FETCH

    def fetch(first, last):
        return [
            FetchedBlock(
                height=block.height, hash=block.hash, stored=StoredBlock(raw=damage, spent=None)
            )
            if block.height == 7
            else block
            for block in plain(first, last)
        ]

    with pytest.raises(MalformedBlockError, match="block 7 is damaged as the node gives it"):
        list(read_batches(fetch, 0, 20, parent=bytes(32), batch_bytes=PLENTY))


def test_read_batches__pass_on_what_fetching_raises():
    def fetch(first, last):
        if last > 20:
            raise SourceUnavailableError("gone")
        return FETCH(first, last)

    with pytest.raises(SourceUnavailableError, match="gone"):
        list(read_batches(fetch, 0, 60, parent=bytes(32), batch_bytes=PLENTY))


def test_read_batches__stop_fetching_when_they_are_left():
    plain, fetched = FETCH, []

    def fetch(first, last):
        fetched.append(first)
        return plain(first, last)

    batches = read_batches(fetch, 0, 60, parent=bytes(32), batch_bytes=1)
    next(batches)
    batches.close()
    assert len(fetched) <= 6
    assert not [t for t in threading.enumerate() if t.name.startswith("fetch-blocks")]


def test_read_batches__do_not_wait_for_what_is_under_way_when_interrupted():
    plain, hangs = FETCH, threading.Event()

    def fetch(first, last):
        if first == 8:
            raise KeyboardInterrupt
        if first:
            hangs.wait(30)
        return plain(first, last)

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(read_batches(fetch, 0, 60, parent=bytes(32), batch_bytes=PLENTY))
    assert time.monotonic() - started < 10
    hangs.set()


def test_read_batches__fetch_ahead_within_bounds():
    """Blocks that the caller has not asked for yet are under way, but not the whole chain."""
    blocks = chain_of(400)
    plain, highest = fetching(blocks), [0]

    def fetch(first, last):
        highest[0] = max(highest[0], last)
        return plain(first, last)

    batches = read_batches(fetch, 0, 400, parent=bytes(32), batch_bytes=1)
    next(batches)
    time.sleep(0.1)
    assert 8 < highest[0] <= 64
    batches.close()
