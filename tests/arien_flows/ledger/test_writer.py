from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.errors import (
    InputError,
    LedgerDamagedError,
    LedgerError,
    LedgerLockedError,
    NotFoundError,
    SourceError,
)
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.sorted_runs import FAN_IN
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.networks import BITCOIN, REGTEST
from tests.arien_flows.ledger.chains import random_chain
from tests.arien_flows.ledger.stores import (
    QuickDisk,
    columns_of,
    cut,
    everything_of,
    fill,
    manifest_of,
)
from tests.ledgers import Chain, Tx, batch_of, text_of_name


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(1, 4), max_size=20))
def test_append__columns_do_not_depend_on_how_batches_are_cut(
    tmp_path_factory: pytest.TempPathFactory, seed: int, sizes: list[int]
) -> None:
    blocks = random_chain(Random(seed), 14).blocks
    whole, pieces = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("pieces")
    fill(whole, [blocks])
    fill(pieces, cut(blocks, sizes))
    assert columns_of(pieces) == columns_of(whole)
    assert manifest_of(pieces).unspent_sat == manifest_of(whole).unspent_sat


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32), height=st.integers(-1, 12))
def test_roll_back__leaves_what_a_shorter_chain_gives(
    tmp_path_factory: pytest.TempPathFactory, seed: int, height: int
) -> None:
    blocks = random_chain(Random(seed), 12).blocks
    longer, shorter = tmp_path_factory.mktemp("longer"), tmp_path_factory.mktemp("shorter")
    fill(longer, cut(blocks, [2] * 9))
    fill(shorter, cut(blocks[: height + 1], [3] * 9))
    with LedgerWriter(longer, REGTEST, QuickDisk(longer)) as writer:
        writer.roll_back(height)
        assert columns_of(longer) == columns_of(shorter)
        assert manifest_of(longer).unspent_sat == manifest_of(shorter).unspent_sat
        if height < 12:
            writer.append(batch_of(blocks[height + 1 :]))
    fill(shorter, [blocks[height + 1 :]] if height < 12 else [])
    assert columns_of(longer) == columns_of(shorter)


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32))
def test_roll_back__then_another_branch_is_as_if_it_had_come_first(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    random = Random(seed)
    common = random_chain(random, 6)
    losing = random_chain(random, 5, common.copy(), salt=1).blocks
    winning = random_chain(random, 6, common.copy(), salt=2).blocks
    switched, straight = tmp_path_factory.mktemp("switched"), tmp_path_factory.mktemp("straight")
    fill(switched, cut(losing, [1] * 20))
    with LedgerWriter(switched, REGTEST, QuickDisk(switched)) as writer:
        writer.roll_back(6)
        for blocks in cut(winning[7:], [2, 1]):
            writer.append(batch_of(blocks))
    fill(straight, [winning])
    assert columns_of(switched) == columns_of(straight)
    ledgers = Ledger(switched).view(), Ledger(straight).view()
    for number in range(ledgers[1].counts.addresses):
        text = ledgers[1].address_text(number)
        assert text is not None
        assert ledgers[0].find_address(text) == number
        assert ledgers[0].totals(number) == ledgers[1].totals(number)
    for number in range(ledgers[1].counts.transactions):
        assert ledgers[0].find_transaction(ledgers[1].txid_text(number)) == number


def test_append__merges_runs_and_finds_everything_in_them(tmp_path: Path) -> None:
    blocks = random_chain(Random(3), FAN_IN * FAN_IN + 5).blocks
    fill(tmp_path, cut(blocks, [1] * len(blocks)))
    runs = manifest_of(tmp_path).runs
    assert {run.level for run in runs.transactions} == {0, 2}
    assert len(list((tmp_path / "index/transactions").iterdir())) == len(runs.transactions)
    view = Ledger(tmp_path).view()
    for number in range(view.counts.transactions):
        assert view.find_transaction(view.txid_text(number)) == number
    for number in range(view.counts.addresses):
        assert view.find_lock(*view.lock(number)) == number
    spent = np.zeros(view.counts.addresses, dtype=np.int64)
    np.add.at(spent, view.input_address, view.input_value)
    assert [view.totals(number).sent_sat for number in range(len(spent))] == spent.tolist()


def test_append__a_repeated_coinbase_voids_the_earlier_outputs(tmp_path: Path) -> None:
    # BIP 30: before it, a coinbase could repeat another's bytes and so its id.
    chain = Chain.from_genesis().add([Tx(name="a", outputs=[("alice", 50)])])
    first = chain.transactions["a"]
    chain.height -= 1
    chain.add([Tx(name="a", outputs=[("alice", 50)])])
    assert chain.transactions["a"].GetTxid() == first.GetTxid()
    chain.height += 2
    chain.add([Tx(name="b"), Tx(name="c", inputs=["a:0"], outputs=[("bob", 50)])])
    fill(tmp_path, [chain.blocks[:2], chain.blocks[2:]])
    view = Ledger(tmp_path).view()
    assert view.counts.overwrites == 1
    assert view.spenders(np.array([1, 2])).tolist() == [2, view.counts.transactions - 1]
    assert view.find_transaction(chain.txid("a")) == 2
    genesis_sat = int(view.output_value[0])
    assert manifest_of(tmp_path).unspent_sat == genesis_sat + 50
    with LedgerWriter(tmp_path, REGTEST) as writer:
        writer.roll_back(1)
        assert writer.view.spenders(np.array([1])).tolist() == [-1]


def test_open__a_second_writer_is_refused(tmp_path: Path) -> None:
    with (
        LedgerWriter(tmp_path, REGTEST),
        pytest.raises(LedgerLockedError, match=r"process \d+ is writing"),
    ):
        LedgerWriter(tmp_path, REGTEST)
    LedgerWriter(tmp_path, REGTEST).close()


def test_open__another_network_is_refused(tmp_path: Path) -> None:
    LedgerWriter(tmp_path, REGTEST).close()
    with pytest.raises(InputError, match="ledger of bitcoin-regtest, not of bitcoin"):
        LedgerWriter(tmp_path, BITCOIN)


def test_open__a_truncated_column_is_damage(tmp_path: Path) -> None:
    fill(tmp_path, [random_chain(Random(1), 3).blocks])
    (tmp_path / "transactions/fee").write_bytes(b"")
    with pytest.raises(LedgerDamagedError, match="shorter than the manifest says"):
        Ledger(tmp_path)


def test_open__no_ledger_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="`arien-flows ledger ingest`"):
        Ledger(tmp_path / "nothing")


def test_append__blocks_that_do_not_follow_are_refused(tmp_path: Path) -> None:
    blocks = random_chain(Random(2), 5).blocks
    with LedgerWriter(tmp_path, REGTEST) as writer:
        writer.append(batch_of(blocks[:3]))
        with pytest.raises(SourceError, match="does not follow"):
            writer.append(batch_of(blocks[4:]))
        with pytest.raises(LedgerError, match="open it again"):
            writer.append(batch_of(blocks[3:]))
    fill(tmp_path, [blocks[3:]])
    assert manifest_of(tmp_path).counts.blocks == len(blocks)


def test_append__a_chain_that_does_not_begin_at_genesis_is_refused(tmp_path: Path) -> None:
    blocks = random_chain(Random(2), 2).blocks
    with LedgerWriter(tmp_path, REGTEST) as writer, pytest.raises(SourceError, match="genesis"):
        writer.append(batch_of(blocks[1:]))


def test_append__money_from_nowhere_is_refused(tmp_path: Path) -> None:
    chain = Chain.from_genesis().add([Tx(name="a", outputs=[("alice", 50 * 10**8 + 1)])])
    with LedgerWriter(tmp_path, REGTEST) as writer, pytest.raises(SourceError, match="creates"):
        writer.append(batch_of(chain.blocks))


def test_append__spending_twice_is_refused_and_names_the_output(tmp_path: Path) -> None:
    chain = Chain.from_genesis().add(
        [
            Tx(name="a", outputs=[("alice", 50)]),
            Tx(name="b", inputs=["a:0"], outputs=[("bob", 50)]),
            Tx(name="c", inputs=["a:0"], outputs=[("carol", 50)]),
        ]
    )
    with (
        LedgerWriter(tmp_path, REGTEST) as writer,
        pytest.raises(SourceError, match=f"spends {chain.txid('a')}:0"),
    ):
        writer.append(batch_of(chain.blocks))
    assert manifest_of(tmp_path).counts.blocks == 0


def test_append__paying_out_more_than_is_spent_is_refused(tmp_path: Path) -> None:
    chain = Chain.from_genesis().add(
        [
            Tx(name="a", outputs=[("alice", 50)]),
            Tx(name="b", inputs=["a:0"], outputs=[("bob", 51)]),
        ]
    )
    with LedgerWriter(tmp_path, REGTEST) as writer, pytest.raises(SourceError, match="pays out"):
        writer.append(batch_of(chain.blocks))


def test_roll_back__a_height_that_is_not_there(tmp_path: Path) -> None:
    fill(tmp_path, [random_chain(Random(2), 2).blocks])
    with LedgerWriter(tmp_path, REGTEST) as writer, pytest.raises(InputError, match="0 to 2"):
        writer.roll_back(3)


def test_append__the_same_batches_give_the_same_bytes(tmp_path: Path) -> None:
    blocks = random_chain(Random(5), 12).blocks
    for name in ("one", "two"):
        fill(tmp_path / name, cut(blocks, [5, 1]))
    assert everything_of(tmp_path / "one") == everything_of(tmp_path / "two")


def test_find_address__never_used_says_how_far_the_ledger_looks(tmp_path: Path) -> None:
    fill(tmp_path, [random_chain(Random(2), 2).blocks])
    with pytest.raises(NotFoundError, match="up to block 2"):
        Ledger(tmp_path).view().find_address(text_of_name("nobody"))
