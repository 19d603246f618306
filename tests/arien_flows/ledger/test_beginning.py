"""Ledgers that begin late: what they hold is what a whole ledger says of the same blocks."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.errors import InputError, SourceError
from arien_flows.ledger.beginning import begins_late, first_height, stated_height
from arien_flows.ledger.ingest import fork_height, ingest, work_above
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.prove import check_proof, prove
from arien_flows.ledger.resident import Resident
from arien_flows.ledger.schema import EXTERNAL, NO_ADDRESS
from arien_flows.ledger.verify import verify
from arien_flows.ledger.view import View
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.networks import BITCOIN, REGTEST
from tests.arien_flows.ledger.chains import random_chain
from tests.arien_flows.ledger.late import ChainSource, transactions_of
from tests.arien_flows.ledger.stores import QuickDisk, columns_of, fill, manifest_of
from tests.arien_flows.ledger.test_resident import contents
from tests.ledgers import Chain, Tx, batch_of


def begin(root: Path, source: ChainSource, height: int, until: int | None = None) -> View:
    with LedgerWriter(root, REGTEST, QuickDisk(root)) as writer:
        writer.begin_at(height)
        ingest(writer, source, until=until)
        return writer.view


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32), data=st.data())
def test_late_ledger__says_what_a_whole_one_says_of_its_blocks(
    tmp_path_factory: pytest.TempPathFactory, seed: int, data: st.DataObject
) -> None:
    blocks = random_chain(Random(seed), 10).blocks
    height = data.draw(st.integers(1, 10))
    source = ChainSource(blocks, batch_blocks=data.draw(st.integers(1, 4)))
    whole, late = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("late")
    fill(whole, [blocks])
    view, full = begin(late, source, height), Ledger(whole).view()
    assert (first_height(view), begins_late(view)) == (height, True)
    assert transactions_of(view, height) == transactions_of(full, height)
    for address in range(view.counts.addresses):
        text = view.address_text(address)
        assert text is not None
        history = full.history(full.find_address(text))
        here = full.heights_of(history.transaction) >= height
        mine = view.history(address)
        assert mine.received_sat.tolist() == history.received_sat[here].tolist()
        assert mine.sent_sat.tolist() == history.sent_sat[here].tolist()
    unspent = (view.spender >= view.counts.transactions).nonzero()
    assert manifest_of(late).unspent_sat == int(view.output_value[unspent].sum())
    found = verify(Ledger(late))
    assert found.ok, [check for check in found.checks if not check.ok]
    assert f"begins at block {height}" in found.limits


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32), data=st.data())
def test_late_ledger__does_not_depend_on_cuts_pauses_and_roll_backs(
    tmp_path_factory: pytest.TempPathFactory, seed: int, data: st.DataObject
) -> None:
    blocks = random_chain(Random(seed), 10).blocks
    height = data.draw(st.integers(1, 9))
    straight, winding = tmp_path_factory.mktemp("straight"), tmp_path_factory.mktemp("winding")
    begin(straight, ChainSource(blocks, 20), height)
    source = ChainSource(blocks, batch_blocks=data.draw(st.integers(1, 3)))
    begin(winding, source, height, until=data.draw(st.integers(height, 10)))
    with LedgerWriter(winding, REGTEST, QuickDisk(winding)) as writer:
        ingest(writer, source)
        writer.roll_back(data.draw(st.integers(height - 1, 10)))
        addresses = writer.view.counts.addresses
        assert writer._resident is None or contents(writer._resident, addresses) == contents(
            Resident.of(writer.view), addresses
        )
        assert writer.view.counts.blocks == 0 or first_height(writer.view) == height
        ingest(writer, source)
    assert columns_of(winding) == columns_of(straight)
    assert manifest_of(winding).unspent_sat == manifest_of(straight).unspent_sat


def payments() -> Chain:
    return Chain.from_genesis().add(
        [
            Tx(name="a", outputs=[("alice", 50), ("p2sh:bob", 9)]),
            Tx(name="b", outputs=[("carol", 7)]),
            Tx(name="c", inputs=["a:0", "a:1"], outputs=[("dave", 30), ("p2wpkh:bob", 25)]),
            Tx(name="d"),
            Tx(name="e", inputs=["c:0", "b:0"], outputs=[("alice", 36)]),
        ]
    )


def test_late_ledger__what_was_made_before_it_is_external(tmp_path: Path) -> None:
    chain = payments()
    view = begin(tmp_path, ChainSource(chain.blocks), 3)
    # b:0 was made in block 2; c:0 as well. Both are named with what they were worth and whose.
    assert view.counts.blocks == 1
    assert view.spent_output.tolist() == [EXTERNAL, EXTERNAL]
    assert view.input_value.tolist() == [30, 7]
    assert int(view.fee[-1]) == 1
    assert NO_ADDRESS not in view.input_address
    proof = prove(view, chain.txid("e"))
    assert proof.height == 3
    assert check_proof(proof)
    assert int(view.heights_of(np.array([1]))[0]) == 3


def test_late_ledger__goes_on_where_it_was_and_begins_nowhere_else(tmp_path: Path) -> None:
    chain = payments()
    begin(tmp_path, ChainSource(chain.blocks), 2, until=2)
    with LedgerWriter(tmp_path, REGTEST) as writer:
        for height in (1, 3):
            with pytest.raises(InputError, match=f"begins at block 2, not at {height}"):
                writer.begin_at(height)
        writer.begin_at(2)
        assert ingest(writer, ChainSource(chain.blocks)).blocks_added == 1
        with pytest.raises(InputError, match="holds blocks 2 to 3"):
            writer.roll_back(0)
        with pytest.raises(InputError, match="heights start at 0"):
            writer.begin_at(-1)
        writer.roll_back(-1)
        assert writer.view.counts.blocks == 0
        assert writer.next_height == 2


def test_begin_at__a_height_that_the_source_has_not_reached(tmp_path: Path) -> None:
    source = ChainSource(payments().blocks)
    with pytest.raises(InputError, match="ends at block 3"):
        begin(tmp_path, source, 5)
    # The very next block may still come.
    assert begin(tmp_path, source, 4).counts.blocks == 0


@pytest.mark.parametrize(
    ("script", "stated"),
    [
        ("00", 0),
        ("51", 1),
        ("60", 16),
        ("0111", 17),
        ("028000", 128),
        ("035b7a03", 227_931),
        ("0340d10c192f", 840_000),
    ],
)
def test_stated_height__is_what_a_coinbase_pushes_first(script: str, stated: int) -> None:
    assert stated_height(REGTEST, max(stated, 1), bytes.fromhex(script)) == stated
    old = stated_height(BITCOIN, 227_930, bytes.fromhex(script))
    assert old is None
    assert stated_height(BITCOIN, 227_931, bytes.fromhex(script)) == stated


@pytest.mark.slow
@pytest.mark.parametrize("height", [300_025, 540_107, 702_861, 951_658])
def test_stated_height__is_the_height_of_real_blocks(height: int, shared_data: Path) -> None:
    batch = batch_of([(shared_data / "btc_blocks" / f"mainnet_{height}.raw").read_bytes()])
    start = int(batch.coinbase_script_start[0])
    script = batch.raw[start : start + int(batch.coinbase_script_length[0])].tobytes()
    assert stated_height(BITCOIN, height, script) == height


def test_ingest__a_first_block_at_another_height_than_it_states_is_refused(tmp_path: Path) -> None:
    chain = payments()
    source = ChainSource([chain.blocks[0], *chain.blocks])
    with pytest.raises(SourceError, match="has at height 3, states height 2 itself"):
        begin(tmp_path, source, 3)
    assert manifest_of(tmp_path).counts.blocks == 0


class BlocksAlone:
    """A source that does not say what its blocks spend."""

    def __init__(self, source: ChainSource) -> None:
        self._source = source

    def __getattr__(self, name: str) -> object:
        if name == "spending_batches":
            raise AttributeError(name)
        return getattr(self._source, name)


def test_ingest__a_late_ledger_needs_to_know_what_is_spent(tmp_path: Path) -> None:
    source = BlocksAlone(ChainSource(payments().blocks))
    with LedgerWriter(tmp_path, REGTEST) as writer:
        writer.begin_at(2)
        with pytest.raises(InputError, match="begins at block 2 needs a source that says"):
            ingest(writer, source)
        with pytest.raises(ValueError, match="must be told"):
            writer.append(batch_of(payments().blocks[2:]))


class LyingSource(ChainSource):
    """Says of what some inputs spend that it was worth more, or somebody else's."""

    lie = "value"

    def with_spent(self, blocks):
        batch, spent = super().with_spent(blocks)
        if self.lie == "value":
            spent.value[0] += 1
        else:
            spent.payload_start[0] += 1
        return batch, spent


@pytest.mark.parametrize("lie", ["value", "script"])
def test_ingest__a_source_that_contradicts_the_ledger_is_refused(tmp_path: Path, lie: str) -> None:
    chain = payments()
    source = LyingSource(chain.blocks, batch_blocks=1)
    source.lie = lie
    with LedgerWriter(tmp_path, REGTEST) as writer:
        writer.begin_at(2)
        # What is spent in block 2 was made before: nobody can know better. In block 3 it was not.
        with pytest.raises(SourceError, match=f"of the output {chain.txid('c')}:0 is not what"):
            ingest(writer, source)
    assert manifest_of(tmp_path).counts.blocks == 1


@pytest.mark.parametrize("batch_blocks", [1, 9])
def test_ingest__spending_twice_is_not_taken_for_external(
    tmp_path: Path, batch_blocks: int
) -> None:
    chain = payments().add([Tx(name="f"), Tx(name="g", inputs=["c:0"], outputs=[("mallory", 1)])])
    with LedgerWriter(tmp_path, REGTEST) as writer:
        writer.begin_at(2)
        with pytest.raises(SourceError, match=f"spends {chain.txid('c')}:0, which"):
            ingest(writer, ChainSource(chain.blocks, batch_blocks))


def test_ingest__a_reorganisation_inside_a_late_ledger(tmp_path: Path) -> None:
    random = Random(3)
    common = random_chain(random, 5)
    losing = random_chain(random, 2, common.copy(), salt=1).blocks
    winning = random_chain(random, 4, common.copy(), salt=2).blocks
    source = ChainSource(losing)
    root = tmp_path / "late"
    with LedgerWriter(root, REGTEST, QuickDisk(root)) as writer:
        writer.begin_at(3)
        ingest(writer, source)
        source.coming = winning
        source.refresh()
        assert fork_height(writer.view, source) == 5
        assert work_above(writer.view, 5) == ChainSource(losing).work_above(5)
        summary = ingest(writer, source)
        assert (summary.blocks_removed, summary.blocks_added) == (2, 4)
        # The other way round nothing happens: less work.
        source.coming = losing
        source.refresh()
        summary = ingest(writer, source)
        assert (summary.blocks_removed, summary.blocks_added, summary.blocks_kept) == (0, 0, 4)
        # Nor where the source is so far behind that the two share nothing.
        source.coming = losing[:2]
        source.refresh()
        assert ingest(writer, source).blocks_kept == 7
    begin(tmp_path / "straight", ChainSource(winning), 3)
    assert columns_of(root) == columns_of(tmp_path / "straight")


@pytest.mark.parametrize("height", [5, 6, 7])
def test_ingest__a_reorganisation_of_a_late_ledgers_first_block(
    tmp_path: Path, height: int
) -> None:
    random = Random(4)
    common = random_chain(random, 5)
    losing = random_chain(random, 3, common.copy(), salt=1).blocks
    winning = random_chain(random, 4, common.copy(), salt=2).blocks
    source = ChainSource(losing)
    with LedgerWriter(tmp_path, REGTEST, QuickDisk(tmp_path)) as writer:
        writer.begin_at(height)
        ingest(writer, source)
        source.coming = winning
        source.refresh()
        if height == 7:
            with pytest.raises(SourceError, match="parts from the ledger's before block 7"):
                ingest(writer, source)
        else:
            ingest(writer, source)
            assert writer.view.tip.height == 9
            assert first_height(writer.view) == height
    assert height == 7 or verify(Ledger(tmp_path)).ok


def test_verify__a_late_ledger_whose_first_spends_were_changed(tmp_path: Path) -> None:
    begin(tmp_path, ChainSource(payments().blocks), 2)
    values = np.memmap(tmp_path / "inputs/value", dtype="<i8", mode="r+")
    values[0] += 1
    values.flush()
    failed = {check.name for check in verify(Ledger(tmp_path)).checks if not check.ok}
    assert failed >= {"column_checksums", "amounts", "histories"}
    values[0] -= 1
    owners = np.memmap(tmp_path / "inputs/address", dtype="<u4", mode="r+")
    owners[0] += 1
    owners.flush()
    found = {check.name: check for check in verify(Ledger(tmp_path)).checks}
    places = [finding.place for finding in found["address_numbers"].findings]
    assert places == [f"inputs/address row 0 (input 0 of {payments().txid('c')})"]
    assert found["address_numbers"].findings[0].message == "is 2: a number was left out before it"
    owners[0] -= 1
    heights = np.memmap(tmp_path / "blocks/height", dtype="<u4", mode="r+")
    heights += 1
    heights.flush()
    found = {check.name: check for check in verify(Ledger(tmp_path)).checks}
    assert not found["column_checksums"].ok
    (height,) = found["headers"].findings
    assert height.message == "is 3, and the block's coinbase states 2"
