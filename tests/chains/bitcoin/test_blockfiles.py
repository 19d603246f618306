import hashlib
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.blockrecords import Damage
from chains.bitcoin.blockscan import is_whole_block
from chains.bitcoin.headers import work_of
from chains.bitcoin.networks import BITCOIN, NETWORKS, REGTEST, SIGNET, TESTNET3
from chains.errors import MalformedBlockError, SourceUnavailableError
from tests.blocks import EASY_BITS, GENESIS, chain_of, framed, mine, obfuscated, write_files

KEY = bytes.fromhex("c0ffee0123456789")


def hashes_of(source):
    return [source.block_hash(height) for height in range(source.tip_height() + 1)]


def blocks_of(source, start=0, stop=None):
    """Return the headers of the blocks that the source's batches hold, by height."""
    stop = source.tip_height() + 1 if stop is None else stop
    served = []
    for batch in source.batches(start, stop):
        served.extend(header.tobytes() for header in batch.header)
    return served


@st.composite
def file_sets(draw):
    """Draw a chain, some stale siblings, and how all that is spread over obfuscated files."""
    chain = chain_of(draw(st.integers(1, 8)))
    stale = [
        mine(chain[draw(st.integers(0, len(chain) - 2))], 1000 + number)
        for number in range(draw(st.integers(0, 2)) if len(chain) > 2 else 0)
    ]
    twice = draw(st.lists(st.sampled_from(chain), max_size=2))
    records = draw(st.permutations([framed(block) for block in [*chain, *stale, *twice]]))
    contents = [b"" for _ in range(draw(st.integers(1, 3)))]
    for record in records:
        contents[draw(st.integers(0, len(contents) - 1))] += record
    contents = [content + bytes(draw(st.sampled_from([0, 1, 100]))) for content in contents]
    return chain, len(stale), len(twice), contents, draw(st.sampled_from([None, bytes(8), KEY]))


@given(file_sets(), st.integers(1, 2000))
def test_block_files__serves_the_best_chain_whatever_the_order(drawn, batch_bytes):
    chain, stale_count, duplicate_count, contents, key = drawn
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), contents, key)
        source = BlockFiles(Path(folder), REGTEST, batch_bytes=batch_bytes)
        # A sibling of the last block may have been seen before it, and stays then.
        assert hashes_of(source)[:-1] == [block.GetHash() for block in chain[:-1]]
        assert source.tip_height() == len(chain) - 1
        assert source.stale_count == stale_count
        assert source.duplicate_count == duplicate_count
        assert source.unconnected_count == 0
        expected = [block.serialize()[:80] for block in chain[:-1]]
        assert blocks_of(source)[:-1] == expected


@given(st.integers(1, 700), st.integers(0, 9), st.integers(0, 10))
def test_batches__cut_by_start_and_blocks_alone(batch_bytes, start, stop):
    blocks = [GENESIS]
    for number in range(1, 10):
        blocks.append(mine(blocks[-1], number, padding=number * 9))
    start, stop = sorted((start, stop))
    with tempfile.TemporaryDirectory() as name:
        folder = write_files(Path(name), [b"".join(framed(b) for b in blocks)])
        source = BlockFiles(folder, REGTEST, batch_bytes=batch_bytes)
        counts = [batch.block_count for batch in source.batches(start, stop)]
        assert sum(counts) == stop - start
        # Each batch is full: not too large unless it is one block, and the next would not fit.
        sizes = [len(block.serialize()) for block in blocks[start:stop]]
        for count in counts:
            taken, sizes = sizes[:count], sizes[count:]
            assert count == 1 or sum(taken) <= batch_bytes
            assert not sizes or sum(taken) + sizes[0] > batch_bytes
        # A run that stopped after the first batch goes on with the same cuts.
        if counts:
            again = source.batches(start + counts[0], stop)
            assert [batch.block_count for batch in again] == counts[1:]


def test_batches__hold_the_very_bytes_of_the_blocks(tmp_path):
    chain = chain_of(6)
    order = [3, 0, 5, 1, 2, 4]
    contents = [
        b"".join(framed(chain[place]) for place in order[:3]),
        b"".join(framed(chain[place]) for place in order[3:]),
    ]
    source = BlockFiles(write_files(tmp_path, contents, KEY), REGTEST)
    (batch,) = source.batches(0, 6)
    assert [bytes(h) for h in batch.header] == [block.serialize()[:80] for block in chain]
    assert [bytes(t) for t in batch.txid] == [block.vtx[0].GetTxid() for block in chain]
    for height, block in enumerate(chain):
        begin = int(batch.coinbase_script_start[height])
        script = bytes(batch.raw[begin : begin + int(batch.coinbase_script_length[height])])
        assert script == bytes(block.vtx[0].vin[0].scriptSig)


def test_batches__may_be_left_half_way(tmp_path):
    source = BlockFiles(
        write_files(tmp_path, [b"".join(map(framed, chain_of(5)))]), REGTEST, batch_bytes=1
    )
    batches = source.batches(0, 5)
    assert next(batches).block_count == 1
    batches.close()
    assert [bytes(batch.block_hash[0]) for batch in source.batches(3, 5)] == hashes_of(source)[3:]


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (2, 1), (0, 4), (4, 5)])
def test_batches__refuses_heights_that_are_not_there(tmp_path, start, stop):
    source = BlockFiles(write_files(tmp_path, [b"".join(map(framed, chain_of(3)))]), REGTEST)
    with pytest.raises(ValueError, match="not among the 3 blocks"):
        source.batches(start, stop)


def test_batches__raise_what_is_wrong_in_the_place_of_its_batch(tmp_path):
    chain = chain_of(6)
    records = [framed(block) for block in chain]
    damaged = bytearray(records[3])
    damaged[8 + 90] ^= 1
    records[3] = bytes(damaged)
    source = BlockFiles(write_files(tmp_path, [b"".join(records)]), REGTEST, batch_bytes=1)
    batches = source.batches(0, 6)
    for height in range(3):
        assert bytes(next(batches).block_hash[0]) == chain[height].GetHash()
    with pytest.raises(MalformedBlockError, match="block 3 in"):
        next(batches)
    assert next(batches, None) is None


def test_batches__leave_no_thread_behind(tmp_path):
    before = threading.active_count()
    source = BlockFiles(
        write_files(tmp_path, [b"".join(map(framed, chain_of(5)))]), REGTEST, batch_bytes=1
    )
    batches = source.batches(0, 5)
    next(batches)
    assert threading.active_count() == before + 2
    batches.close()
    assert threading.active_count() == before
    assert len(list(source.batches(0, 5))) == 5
    assert threading.active_count() == before


def test_raw_batches__hold_the_bytes_that_batches_decode(tmp_path):
    chain = chain_of(5)
    content = b"".join(map(framed, chain))
    source = BlockFiles(write_files(tmp_path, [content], KEY), REGTEST, batch_bytes=300)
    blocks = []
    for batch in source.raw_batches(1, 5):
        assert batch.first_height == 1 + len(blocks)
        for start, length in zip(batch.starts.tolist(), batch.lengths.tolist(), strict=True):
            blocks.append(batch.raw[start : start + length].tobytes())
    assert blocks == [block.serialize() for block in chain[1:]]


def test_batches__may_be_empty(tmp_path):
    source = BlockFiles(write_files(tmp_path, [b"".join(map(framed, chain_of(3)))]), REGTEST)
    assert list(source.batches(3, 3)) == []


def test_block_files__follows_work_and_not_length(tmp_path):
    chain = chain_of(5)
    heavy = mine(chain[0], 77, bits=0x200FFFFF)
    source = BlockFiles(write_files(tmp_path, [b"".join(map(framed, [*chain, heavy]))]), REGTEST)
    assert hashes_of(source) == [chain[0].GetHash(), heavy.GetHash()]
    assert source.stale_count == 4
    assert source.work_above(0) == work_of(0x200FFFFF)
    assert source.work_above(-1) == work_of(0x200FFFFF) + work_of(EASY_BITS)
    assert source.work_above(1) == 0


def test_block_files__keeps_the_branch_seen_first_where_work_is_equal(tmp_path):
    chain = chain_of(3)
    sibling = mine(chain[1], 99)
    for first, second in ((chain[2], sibling), (sibling, chain[2])):
        folder = tmp_path / first.GetHash().hex()
        content = b"".join(map(framed, [*chain[:2], first, second]))
        source = BlockFiles(write_files(folder, [content]), REGTEST)
        assert source.block_hash(2) == first.GetHash()
        assert source.stale_count == 1


def test_block_files__counts_blocks_without_ancestors_apart(tmp_path):
    chain = chain_of(6)
    del chain[3]
    source = BlockFiles(write_files(tmp_path, [b"".join(map(framed, chain))]), REGTEST)
    assert source.tip_height() == 2
    assert source.unconnected_count == 2


def test_block_files__stops_at_a_truncated_block_and_says_so(tmp_path):
    chain = chain_of(4)
    whole = b"".join(map(framed, chain[:3]))
    for cut in (1, 5, 8, 50, 88, 100):
        folder = write_files(tmp_path / str(cut), [whole + framed(chain[3])[:cut]], KEY)
        source = BlockFiles(folder, REGTEST)
        assert source.tip_height() == 2
        (note,) = source.notes()
        assert (note.file.name, note.offset, note.byte_count) == ("blk00000.dat", len(whole), cut)
        # Three bytes or fewer are not even a whole magic.
        assert note.damage is (Damage.TRUNCATED if cut >= 4 else Damage.GARBAGE)


def test_block_files__leaves_out_a_block_that_is_still_being_written(tmp_path):
    chain = chain_of(4)
    whole = b"".join(map(framed, chain[:3]))
    record = framed(chain[3])
    for written in (60, 88, len(record) - 20):
        folder = tmp_path / str(written)
        # The space behind was allocated ahead and holds raw zeros, which no key covers.
        raw = obfuscated(whole + record[:written], KEY) + bytes(len(record) - written + 500)
        write_files(folder, [b""], KEY)
        (folder / "blk00000.dat").write_bytes(raw)
        source = BlockFiles(folder, REGTEST)
        assert source.tip_height() == 2
        assert sum(note.damage is Damage.GARBAGE for note in source.notes()) == 0
        assert len(source.notes()) == 1


def test_block_files__says_nothing_of_space_allocated_ahead(tmp_path):
    folder = write_files(tmp_path, [b""], KEY)
    raw = obfuscated(b"".join(map(framed, chain_of(2))), KEY) + bytes(3_000_000)
    (folder / "blk00000.dat").write_bytes(raw)
    source = BlockFiles(folder, REGTEST)
    assert source.tip_height() == 1
    assert source.notes() == ()


@pytest.mark.parametrize(
    ("between", "damage"),
    [
        (b"\x99" * 37, Damage.GARBAGE),
        (bytes(11), Damage.GAP),
        (REGTEST.magic + b"\xff" * 60, Damage.GARBAGE),
        (REGTEST.magic + (300).to_bytes(4, "little") + b"\x01" * 120, Damage.GARBAGE),
        (bytes((1 << 20) - 2), Damage.GAP),
    ],
)
def test_block_files__goes_on_behind_damage_and_says_so(tmp_path, between, damage):
    chain = chain_of(4)
    before, after = b"".join(map(framed, chain[:2])), b"".join(map(framed, chain[2:]))
    source = BlockFiles(write_files(tmp_path, [before + between + after]), REGTEST)
    assert source.tip_height() == 3
    (note,) = source.notes()
    assert (note.offset, note.byte_count, note.damage) == (len(before), len(between), damage)
    assert "blk00000.dat" in str(note)
    assert str(len(between)) in str(note)


def test_block_files__leaves_out_headers_that_do_no_work(tmp_path):
    chain = chain_of(3)
    claims = mine(chain[2], 5).serialize()
    idle = claims[:72] + (0x1D00FFFF).to_bytes(4, "little") + claims[76:]
    record = REGTEST.magic + len(idle).to_bytes(4, "little") + idle
    content = b"".join(map(framed, chain[:2])) + record + framed(chain[2])
    source = BlockFiles(write_files(tmp_path, [content]), REGTEST)
    assert source.tip_height() == 2
    assert [note.damage for note in source.notes()] == [Damage.GARBAGE]


def test_batches__names_a_damaged_block(tmp_path):
    chain = chain_of(4)
    records = [framed(block) for block in chain]
    damaged = bytearray(records[2])
    damaged[8 + 90] ^= 1
    folder = write_files(tmp_path, [b"".join([*records[:2], bytes(damaged), records[3]])], KEY)
    source = BlockFiles(folder, REGTEST)
    with pytest.raises(MalformedBlockError, match=r"block 2 in .*blk00000\.dat at offset"):
        list(source.batches(0, 4))
    assert len(blocks_of(source, 0, 2)) == 2


def test_batches__notices_files_that_changed_meanwhile(tmp_path):
    chain = chain_of(3)
    folder = write_files(tmp_path, [b"".join(map(framed, chain))])
    source = BlockFiles(folder, REGTEST)
    other = mine(chain[1], 500)
    write_files(folder, [b"".join(map(framed, [*chain[:2], other]))])
    with pytest.raises(SourceUnavailableError, match="changed while they were read"):
        list(source.batches(0, 3))
    write_files(folder, [b"".join(map(framed, chain[:2]))])
    with pytest.raises(SourceUnavailableError, match="shorter"):
        list(source.batches(0, 3))
    (folder / "blk00000.dat").unlink()
    with pytest.raises(SourceUnavailableError, match="cannot read"):
        list(source.batches(0, 3))


def test_block_files__serves_what_was_there_when_it_was_opened(tmp_path):
    chain = chain_of(5)
    folder = write_files(tmp_path, [b"".join(map(framed, chain[:3]))])
    source = BlockFiles(folder, REGTEST)
    write_files(folder, [b"".join(map(framed, chain))])
    assert len(blocks_of(source)) == 3
    assert BlockFiles(folder, REGTEST).tip_height() == 4


def test_block_files__accepts_files_without_any_block_yet(tmp_path):
    begun = obfuscated(framed(GENESIS)[:50], KEY)
    for number, raw in enumerate([b"", bytes(1000), begun, begun + bytes(1000)]):
        folder = write_files(tmp_path / str(number), [b""], KEY)
        (folder / "blk00000.dat").write_bytes(raw)
        source = BlockFiles(folder, REGTEST)
        assert source.tip_height() == -1
        assert source.work_above(-1) == 0
        assert list(source.batches(0, 0)) == []
        assert len(source.notes()) == (number >= 2)


@pytest.mark.parametrize("below", ["", "blocks", "regtest/blocks"])
def test_block_files__are_found_from_the_folders_that_people_name(tmp_path, below):
    write_files(tmp_path / "regtest" / "blocks", [framed(GENESIS)])
    start = tmp_path if below == "regtest/blocks" else tmp_path / "regtest" / below
    assert BlockFiles(start, REGTEST).tip_height() == 0


def test_block_files__may_be_one_file(tmp_path):
    write_files(tmp_path, [b"".join(map(framed, chain_of(3)))], KEY)
    assert BlockFiles(tmp_path / "blk00000.dat", REGTEST).tip_height() == 2


def test_block_files__are_taken_in_the_order_of_their_numbers(tmp_path):
    chain = chain_of(2)
    siblings = [mine(chain[0], number) for number in (1, 2)]
    (tmp_path / "blk100000.dat").write_bytes(framed(siblings[0]))
    (tmp_path / "blk99999.dat").write_bytes(framed(siblings[1]))
    (tmp_path / "blk00000.dat").write_bytes(framed(GENESIS))
    (tmp_path / "rev00000.dat").write_bytes(b"undo data")
    assert BlockFiles(tmp_path, REGTEST).block_hash(1) == siblings[1].GetHash()


def test_block_files__may_begin_with_garbage_in_some_files(tmp_path):
    chain = chain_of(4)
    contents = [b"garbage" + framed(chain[2]), b"".join(map(framed, chain[:2])), framed(chain[3])]
    source = BlockFiles(write_files(tmp_path, contents), REGTEST)
    assert source.tip_height() == 3
    assert [(note.file.name, note.byte_count) for note in source.notes()] == [("blk00000.dat", 7)]


def test_block_files__of_another_network_are_refused_by_name(tmp_path):
    for other in NETWORKS:
        if other is REGTEST:
            continue
        folder = write_files(tmp_path / other.name, [framed(GENESIS, other)], KEY)
        with pytest.raises(SourceUnavailableError, match=f"blocks of {other.name}, not of"):
            BlockFiles(folder, REGTEST)


def test_block_files__refuses_a_missing_place(tmp_path):
    with pytest.raises(SourceUnavailableError, match="does not exist"):
        BlockFiles(tmp_path / "nowhere", REGTEST)


def test_block_files__refuses_a_folder_without_block_files_and_says_what_is_there(tmp_path):
    with pytest.raises(SourceUnavailableError, match="holds no block files") as caught:
        BlockFiles(tmp_path, REGTEST)
    assert "it holds those" not in str(caught.value)
    write_files(tmp_path / "signet" / "blocks", [b""])
    with pytest.raises(SourceUnavailableError, match="it holds those of bitcoin-signet"):
        BlockFiles(tmp_path, TESTNET3)
    assert BlockFiles(tmp_path, SIGNET).tip_height() == -1


def test_block_files__refuses_an_unreadable_file(tmp_path):
    # A folder in place of a file: even root cannot read that.
    (tmp_path / "blk00000.dat").mkdir()
    with pytest.raises(SourceUnavailableError, match="cannot read"):
        BlockFiles(tmp_path, REGTEST)


def test_block_files__refuses_an_unreadable_place_or_key(tmp_path):
    with pytest.raises(SourceUnavailableError, match="cannot read"):
        BlockFiles(tmp_path / ("x" * 5000), REGTEST)
    write_files(tmp_path, [framed(GENESIS)])
    (tmp_path / "xor.dat").mkdir()
    with pytest.raises(SourceUnavailableError, match=r"cannot read .*xor\.dat"):
        BlockFiles(tmp_path, REGTEST)


def test_block_files__refuses_a_key_of_another_length(tmp_path):
    write_files(tmp_path, [framed(GENESIS)], KEY)
    (tmp_path / "xor.dat").write_bytes(KEY[:7])
    with pytest.raises(SourceUnavailableError, match="8 bytes, not 7"):
        BlockFiles(tmp_path, REGTEST)


def test_block_files__refuses_files_that_are_none_and_thinks_of_the_key(tmp_path):
    write_files(tmp_path, [framed(GENESIS)], KEY)
    (tmp_path / "xor.dat").unlink()
    with pytest.raises(SourceUnavailableError, match=r"xor\.dat must lie beside it"):
        BlockFiles(tmp_path, REGTEST)


def test_block_files__refuses_files_of_a_pruned_node(tmp_path):
    content = b"".join(map(framed, chain_of(5)[2:]))
    with pytest.raises(SourceUnavailableError, match=r"must start at the genesis block.*pruned"):
        BlockFiles(write_files(tmp_path, [content]), REGTEST)


def test_block_files__refuses_another_genesis_block(tmp_path):
    other = GENESIS.serialize()
    for nonce in range(3, 50):
        other = other[:76] + nonce.to_bytes(4, "little") + other[80:]
        hashed = hashlib.sha256(hashlib.sha256(other[:80]).digest()).digest()
        if hashed[31] < 0x7F:
            break
    record = REGTEST.magic + len(other).to_bytes(4, "little") + other
    with pytest.raises(SourceUnavailableError, match=f"start at block {hashed[::-1].hex()}"):
        BlockFiles(write_files(tmp_path, [record]), REGTEST)


def test_block_files__refuses_a_batch_size_without_sense(tmp_path):
    with pytest.raises(ValueError, match="positive"):
        BlockFiles(tmp_path, REGTEST, batch_bytes=0)


def test_block_hash__refuses_heights_that_are_not_there(tmp_path):
    source = BlockFiles(write_files(tmp_path, [b"".join(map(framed, chain_of(2)))]), REGTEST)
    for height in (-1, 2):
        with pytest.raises(ValueError, match="the tip is 1"):
            source.block_hash(height)
    for height in (-2, 2):
        with pytest.raises(ValueError, match="the tip is 1"):
            source.work_above(height)


@pytest.mark.slow
def test_block_files__reads_the_first_4313_blocks_of_the_main_network(shared_data):
    file = shared_data / "btc_blocks" / "chain_mainnet_0_4312.dat"
    source = BlockFiles(file, BITCOIN, batch_bytes=100_000)
    assert source.tip_height() == 4312
    assert source.block_hash(0) == BITCOIN.genesis_hash
    assert (source.stale_count, source.duplicate_count, source.unconnected_count) == (0, 0, 0)
    assert source.notes() == ()
    assert source.work_above(-1) == 4313 * work_of(0x1D00FFFF)
    batches = list(source.batches(0, 4313))
    assert sum(batch.block_count for batch in batches) == 4313
    assert sum(batch.transaction_count for batch in batches) == 4371
    assert sum(len(batch.spent_vout) for batch in batches) == 247
    # Each header names the block before it.
    headers = np.concatenate([batch.header for batch in batches])
    hashes = np.concatenate([batch.block_hash for batch in batches])
    assert np.array_equal(headers[1:, 4:36], hashes[:-1])


@pytest.mark.slow
def test_block_files__reads_a_real_file_that_was_cut_off(shared_data, tmp_path):
    whole = (shared_data / "btc_blocks" / "chain_mainnet_0_4312.dat").read_bytes()
    (tmp_path / "blk00000.dat").write_bytes(whole[:-100])
    source = BlockFiles(tmp_path, BITCOIN)
    assert source.tip_height() == 4311
    (note,) = source.notes()
    assert note.damage is Damage.TRUNCATED
    assert note.offset + note.byte_count == len(whole) - 100


@pytest.mark.slow
def test_is_whole_block__proves_real_blocks_witnesses_included(shared_data):
    folder = shared_data / "btc_blocks"
    for name in ("mainnet_540107.raw", "mainnet_702861.raw", "mainnet_131025.raw"):
        assert is_whole_block((folder / name).read_bytes())
    # The merkle root does not cover the last signature; the witness commitment does.
    raw = bytearray((folder / "mainnet_702861.raw").read_bytes())
    raw[-20] ^= 1
    assert not is_whole_block(bytes(raw))


def test_batches__take_a_good_copy_of_a_damaged_block(tmp_path):
    chain = chain_of(5)
    records = [framed(block) for block in chain]
    damaged = bytearray(records[2])
    damaged[8 + 90] ^= 1
    contents = [
        b"".join([*records[:2], bytes(damaged), *records[3:]]),
        bytes(damaged) + records[2] + records[4],
    ]
    source = BlockFiles(write_files(tmp_path, contents, KEY), REGTEST)
    assert source.duplicate_count == 3
    (batch,) = source.batches(0, 5)
    assert [bytes(txid) for txid in batch.txid] == [block.vtx[0].GetTxid() for block in chain]
    contents[1] = bytes(damaged) + records[4]
    source = BlockFiles(write_files(tmp_path, contents, KEY), REGTEST)
    with pytest.raises(MalformedBlockError, match=r"block 2 in .*blk00001\.dat at offset 8"):
        list(source.batches(0, 5))
