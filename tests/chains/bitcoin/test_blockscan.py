"""Block files that grow while they are followed."""

import os
import time
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin import blockrecords, blockscan
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import REGTEST
from chains.errors import SourceUnavailableError
from tests.blocks import chain_of, framed, mine, obfuscated, write_files

KEY = bytes.fromhex("c0ffee0123456789")

AGED_SECONDS = 100


def age(folder: Path) -> None:
    """Make files look as if they had last been changed a while ago, each at its own time."""
    for number, file in enumerate(sorted(folder.glob("blk*.dat"))):
        changed = file.stat().st_mtime - AGED_SECONDS - number
        os.utime(file, (changed, changed))


def told_by(source: BlockFiles) -> tuple[object, ...]:
    """Return everything that a source of block files says, but for the blocks' bytes."""
    heights = range(source.tip_height() + 1)
    return (
        [source.block_hash(height) for height in heights],
        [source.work_above(height) for height in heights],
        source.notes(),
        (source.duplicate_count, source.stale_count, source.unconnected_count),
        [batch.header.tobytes() for batch in source.batches(0, len(heights))],
    )


@given(seed=st.integers(0, 2**32))
def test_refresh__sees_what_opening_anew_would_see(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    folder, random = tmp_path_factory.mktemp("blocks"), Random(seed)
    chain = chain_of(9)
    stale = [mine(chain[random.randrange(8)], 50 + number) for number in range(3)]
    records = [framed(block) for block in [*chain, *stale, chain[random.randrange(9)]]]
    random.shuffle(records)
    contents, key = [framed(chain[0])], random.choice([None, KEY])
    source = BlockFiles(write_files(folder, contents, key), REGTEST)
    while records:
        for _ in range(random.randint(0, 3)):
            if not records:
                break
            if random.random() < 0.2:
                contents.append(b"")
            # Files that a node has left behind may change as well: it is started anew.
            file = random.randrange(len(contents))
            contents[file] += random.choice([b"", b"", b"\x99" * 9]) + records.pop()
        unfinished = records[-1][: random.randrange(len(records[-1]))] if records else b""
        shown = [*contents[:-1], contents[-1] + random.choice([b"", unfinished, bytes(50)])]
        write_files(folder, shown, key)
        if random.random() < 0.5:
            age(folder)
        source.refresh()
        assert told_by(source) == told_by(BlockFiles(folder, REGTEST))


def bytes_read(source: BlockFiles, monkeypatch: pytest.MonkeyPatch) -> int:
    """Refresh a source; return how many bytes of files that took."""
    taken = [0]
    real_pread, real_preadv = os.pread, os.preadv

    def pread(descriptor: int, length: int, offset: int) -> bytes:
        answer = real_pread(descriptor, length, offset)
        taken[0] += len(answer)
        return answer

    def preadv(descriptor, buffers, offset):
        count = real_preadv(descriptor, buffers, offset)
        taken[0] += count
        return count

    with monkeypatch.context() as patch:
        patch.setattr(blockrecords.os, "pread", pread)
        patch.setattr(blockscan.os, "preadv", preadv)
        source.refresh()
    return taken[0]


def test_refresh__reads_nothing_of_files_that_did_not_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = chain_of(40)
    records = [framed(block) for block in chain]
    contents = [b"".join(records[:20]), b"".join(records[20:39])]
    source = BlockFiles(write_files(tmp_path, contents, KEY), REGTEST)
    age(tmp_path)
    source.refresh()
    index = source._index
    assert bytes_read(source, monkeypatch) == 0
    assert source._index is index
    with (tmp_path / "blk00001.dat").open("ab") as file:
        file.write(obfuscated(contents[1] + records[39], KEY)[len(contents[1]) :])
    # One known header, the new record and a look behind it; not the 38 other blocks.
    assert 0 < bytes_read(source, monkeypatch) < 5 * len(records[39])
    assert source.tip_height() == 39


def test_refresh__looks_again_at_a_file_that_changed_just_before(tmp_path: Path) -> None:
    chain = chain_of(3)
    whole = b"".join(map(framed, chain))
    unfinished = whole[: -len(framed(chain[2]))] + bytes(len(framed(chain[2])))
    folder = write_files(tmp_path, [unfinished])
    source = BlockFiles(folder, REGTEST)
    assert source.tip_height() == 1
    file = folder / "blk00000.dat"
    changed = file.stat().st_mtime_ns
    # The block is written into space that is there already, within one tick of the clock.
    file.write_bytes(whole)
    os.utime(file, ns=(changed, changed))
    source.refresh()
    assert source.tip_height() == 2


def test_refresh__reads_a_file_that_was_replaced_from_its_beginning(tmp_path: Path) -> None:
    chain = chain_of(6)
    source = BlockFiles(write_files(tmp_path, [b"".join(map(framed, chain[:4]))]), REGTEST)
    other = [chain[0], mine(chain[0], 70)]
    while len(other) < 7:
        other.append(mine(other[-1], 70 + len(other)))
    write_files(tmp_path, [b"".join(map(framed, other))])
    source.refresh()
    assert source.block_hash(1) == other[1].GetHash()
    assert source.tip_height() == 6
    write_files(tmp_path, [b"".join(map(framed, chain[:2]))])
    source.refresh()
    assert source.tip_height() == 1


def test_refresh__a_key_that_changed_makes_all_files_new(tmp_path: Path) -> None:
    content = b"".join(map(framed, chain_of(4)))
    source = BlockFiles(write_files(tmp_path, [content], KEY), REGTEST)
    age(tmp_path)
    source.refresh()
    write_files(tmp_path, [content], KEY[::-1])
    source.refresh()
    assert source.tip_height() == 3
    assert sum(batch.block_count for batch in source.batches(0, 4)) == 4


def test_refresh__files_that_are_gone_are_an_error_until_they_are_back(tmp_path: Path) -> None:
    chain = chain_of(5)
    contents = [b"".join(map(framed, chain[:2])), b"".join(map(framed, chain[2:]))]
    source = BlockFiles(write_files(tmp_path, contents), REGTEST)
    age(tmp_path)
    time.sleep(0.01)
    source.refresh()
    first = tmp_path / "blk00000.dat"
    kept = first.read_bytes()
    first.unlink()
    for _ in range(2):
        with pytest.raises(SourceUnavailableError, match="must start at the genesis block"):
            source.refresh()
    first.write_bytes(kept)
    source.refresh()
    assert source.tip_height() == 4
