from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.errors import InputError
from arien_flows.ledger.ingest import fork_height, ingest
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.memory import view_of
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import BITCOIN, REGTEST
from chains.errors import SourceUnavailableError
from chains.tables import BlockBatch
from tests.arien_flows.ledger.chains import random_chain
from tests.arien_flows.ledger.late import ChainSource
from tests.arien_flows.ledger.stores import columns_of, fill, manifest_of
from tests.ledgers import Chain, Tx, batch_of, write_block_file
from tests.regtest_chain import RegtestChain


@pytest.mark.slow
def test_ingest__the_main_chains_first_blocks(tmp_path: Path, shared_data: Path) -> None:
    source = BlockFiles(shared_data / "btc_blocks" / "chain_mainnet_0_4312.dat", BITCOIN)
    with LedgerWriter(tmp_path, BITCOIN) as writer:
        summary = ingest(writer, source)
    view = Ledger(tmp_path).view()
    assert (summary.blocks_added, summary.transactions_added) == (4313, 4371)
    assert view.counts.transactions == 4371
    assert view.counts.inputs == 247
    assert manifest_of(tmp_path).unspent_sat == 215_650 * 100_000_000
    # The first payment ever, block 170, and the receiver's key.
    payment = "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"
    assert view.heights_of([view.find_transaction(payment)]).tolist() == [170]


def ended(chain: Chain) -> list[bytes]:
    """Return the blocks and an empty one: the newest block of a file must be provably whole."""
    return chain.add([Tx(name="end")]).blocks


def test_ingest__takes_the_branch_with_more_work(tmp_path: Path) -> None:
    random = Random(8)
    common = random_chain(random, 5)
    shorter = ended(random_chain(random, 2, common.copy(), salt=1))
    longer = ended(random_chain(random, 4, common.copy(), salt=2))
    ledger, files = tmp_path / "ledger", tmp_path / "blk00000.dat"
    write_block_file(files, shorter)
    with LedgerWriter(ledger, REGTEST) as writer:
        ingest(writer, BlockFiles(files, REGTEST))
        write_block_file(files, [*shorter, *longer[6:]])
        summary = ingest(writer, BlockFiles(files, REGTEST))
        assert (summary.blocks_removed, summary.blocks_added) == (3, 5)
        # A source that knows only the losing branch changes nothing.
        write_block_file(files, shorter)
        summary = ingest(writer, BlockFiles(files, REGTEST))
        assert (summary.blocks_removed, summary.blocks_added) == (0, 0)
    fill(tmp_path / "straight", [longer])
    assert columns_of(ledger) == columns_of(tmp_path / "straight")


class Boaster(ChainSource):
    """Claims work that its blocks did not do."""

    def work_above(self, height: int) -> int:
        return super().work_above(height) + 10**6


class Dying(ChainSource):
    """Goes away before it delivers a block."""

    def batches(self, start: int, stop: int) -> Iterator[BlockBatch]:
        raise SourceUnavailableError(f"gone before blocks {start} to {stop}")


def test_ingest__keeps_its_blocks_until_better_ones_are_there(tmp_path: Path) -> None:
    random = Random(9)
    common = random_chain(random, 5)
    shorter = ended(random_chain(random, 2, common.copy(), salt=1))
    longer = ended(random_chain(random, 4, common.copy(), salt=2))
    with LedgerWriter(tmp_path, REGTEST) as writer:
        ingest(writer, ChainSource(longer))
        before = columns_of(tmp_path)
        with pytest.raises(SourceUnavailableError, match="claims more work"):
            ingest(writer, Boaster(shorter, batch_blocks=100))
        assert columns_of(tmp_path) == before
        assert writer.view.counts.blocks == len(longer)
    with LedgerWriter(tmp_path / "other", REGTEST) as writer:
        ingest(writer, ChainSource(shorter))
        with pytest.raises(SourceUnavailableError, match="gone"):
            ingest(writer, Dying(longer))
        assert writer.view.counts.blocks == len(shorter)


def test_ingest__stops_where_it_is_told_and_goes_on(tmp_path: Path) -> None:
    blocks = ended(random_chain(Random(9), 8))
    write_block_file(tmp_path / "blk00000.dat", blocks)
    source = BlockFiles(tmp_path / "blk00000.dat", REGTEST)
    steps: list[int] = []
    with LedgerWriter(tmp_path / "ledger", REGTEST) as writer:
        assert ingest(writer, source, until=4).blocks_added == 5
        assert ingest(writer, source, until=4).blocks_added == 0
        assert ingest(writer, source, report=lambda step: steps.append(step.height)).blocks_added
        with pytest.raises(InputError, match="start at 0"):
            ingest(writer, source, until=-1)
    assert steps[-1] == 9


@given(ours=st.integers(1, 40), theirs=st.integers(1, 40), shared=st.integers(1, 40))
def test_fork_height__is_found_with_few_questions(ours: int, theirs: int, shared: int) -> None:
    shared = min(ours, theirs, shared)
    common = Chain.from_genesis().add([Tx(name=f"c{height}") for height in range(shared - 1)])
    blocks, others = (
        common.copy()
        .add([Tx(name=f"{salt}-{row}") for row in range(length - shared)], salt=salt)
        .blocks
        for salt, length in ((1, ours), (2, theirs))
    )
    heights = np.arange(len(blocks), dtype=np.uint32)
    view = view_of(batch_of(blocks), REGTEST, heights=heights)
    asked = []

    class Asked(ChainSource):
        def block_hash(self, height: int) -> bytes:
            asked.append(height)
            return super().block_hash(height)

    assert fork_height(view, Asked(others)) == shared - 1
    depth = min(ours, theirs) - shared
    assert len(asked) <= 1 + 2 * depth.bit_length()


def test_ingest__agrees_with_a_real_node(tmp_path: Path, regtest_chain: RegtestChain) -> None:
    with LedgerWriter(tmp_path, REGTEST) as writer:
        ingest(writer, BlockFiles(regtest_chain.datadir, REGTEST))
    view = Ledger(tmp_path).view()
    unspent = regtest_chain.rpc.call("gettxoutsetinfo")
    assert view.tip.block_hash == unspent["bestblock"]
    genesis_sat = 50 * 100_000_000
    destroyed = sum(int(view.output_value[output]) for output in view.op_return_output)
    assert manifest_of(tmp_path).unspent_sat - genesis_sat - destroyed == round(
        unspent["total_amount"] * 100_000_000
    )
    for block in regtest_chain.blocks:
        for transaction in block["tx"]:
            number = view.find_transaction(transaction["txid"])
            assert int(view.heights_of([number])[0]) == block["height"]
            if "fee" in transaction:
                assert int(view.fee[number]) == round(transaction["fee"] * 100_000_000)
            size = int(view.stripped_size[number] + view.witness_size[number])
            assert size == transaction["size"]
