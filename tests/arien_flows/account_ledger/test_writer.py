"""The ledger on disk: it says what the ledger in memory says, however it came about."""

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.account_ledger.ledger import AccountLedger, open_accounts
from arien_flows.account_ledger.memory import account_view_of
from arien_flows.account_ledger.writer import AccountLedgerWriter
from arien_flows.errors import InputError, LedgerLockedError, NotFoundError, SourceError
from arien_flows.ledger.sorted_runs import FAN_IN
from chains.account_source import AssetClaim
from chains.ethereum.networks import ETHEREUM, ETHEREUM_DEV
from tests.account_chains import AccountChain, address_of
from tests.arien_flows.account_ledger.disk_ledgers import (
    assert_alike,
    batches,
    columns_of,
    everything_of,
    fill,
    manifest_of,
    random_chain,
)
from tests.arien_flows.ledger.stores import QuickDisk

CUTS = st.sets(st.integers(1, 11), max_size=11)


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), cuts=CUTS)
def test_ledger__says_what_memory_says_however_blocks_are_cut(seed: int, cuts: set[int]) -> None:
    chain = random_chain(Random(seed), 8)
    with TemporaryDirectory() as folder:
        fill(Path(folder), chain, cuts)
        assert_alike(open_accounts(Path(folder)), chain.view())


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), cuts=CUTS, height=st.integers(-1, 11))
def test_roll_back__leaves_the_bytes_of_a_ledger_that_never_went_on(
    seed: int, cuts: set[int], height: int
) -> None:
    chain = random_chain(Random(seed), 12)
    other = random_chain(Random(seed + 1), 12, salt="other")
    with TemporaryDirectory() as folder:
        root, whole = Path(folder) / "rolled", Path(folder) / "whole"
        fill(root, other, cuts)
        with AccountLedgerWriter(root, ETHEREUM_DEV, QuickDisk(root)) as writer:
            writer.roll_back(-1)
            for batch in batches(chain, cuts):
                writer.append(batch)
            writer.roll_back(height)
            rolled = columns_of(root)
            assert_alike(writer.view, account_view_of([chain.batch(0, height + 1)], ETHEREUM_DEV))
            for batch in batches(chain, cuts, height + 1):
                writer.append(batch)
        assert_alike(open_accounts(root), chain.view())
        if height >= 0:
            fill(whole, chain, [height + 1])
            with AccountLedgerWriter(whole, ETHEREUM_DEV, QuickDisk(whole)) as writer:
                writer.roll_back(height)
            assert columns_of(whole) == rolled


@settings(max_examples=15)
@given(cuts=CUTS)
def test_columns__are_the_same_bytes_at_once_or_in_steps(cuts: set[int]) -> None:
    chain = random_chain(Random(3), 12)
    with TemporaryDirectory() as folder:
        fill(Path(folder) / "once", chain)
        fill(Path(folder) / "steps", chain, cuts)
        assert columns_of(Path(folder) / "once") == columns_of(Path(folder) / "steps")


def test_merging__changes_no_answer(tmp_path: Path) -> None:
    chain = random_chain(Random(5), 2 * FAN_IN + 3)
    fill(tmp_path, chain, range(40))
    assert any(run.level for run in manifest_of(tmp_path).runs.touches)
    assert_alike(open_accounts(tmp_path), chain.view())
    with AccountLedgerWriter(tmp_path, ETHEREUM_DEV, QuickDisk(tmp_path)) as writer:
        writer.roll_back(10)
        assert_alike(writer.view, account_view_of([chain.batch(0, 11)], ETHEREUM_DEV))
        for batch in batches(chain, range(40), 11):
            writer.append(batch)
        writer.finish_merges()
    assert_alike(open_accounts(tmp_path), chain.view())


def test_stage__is_seen_by_nobody_before_the_commit(tmp_path: Path) -> None:
    chain = random_chain(Random(1), 4)
    with AccountLedgerWriter(tmp_path, ETHEREUM_DEV, QuickDisk(tmp_path)) as writer:
        writer.append(chain.batch(0, 2))
        reader = AccountLedger(tmp_path)
        writer.stage(chain.batch(2, 3))
        assert writer.view.counts.blocks == 3
        assert reader.view().counts.blocks == 2
    # What was staged is dropped, and what comes next is written over it.
    with AccountLedgerWriter(tmp_path, ETHEREUM_DEV, QuickDisk(tmp_path)) as writer:
        assert writer.view.counts.blocks == 2
        writer.append(chain.batch(2))
    assert_alike(reader.view(), chain.view())


def test_roll_back__makes_views_stale(tmp_path: Path) -> None:
    chain = random_chain(Random(1), 4)
    fill(tmp_path, chain)
    reader = AccountLedger(tmp_path)
    view = reader.view()
    with AccountLedgerWriter(tmp_path, ETHEREUM_DEV, QuickDisk(tmp_path)) as writer:
        writer.roll_back(3)
        assert reader.is_current(view)
        writer.roll_back(2)
    assert not reader.is_current(view)
    assert_alike(view, chain.view())


def test_append__takes_only_what_follows(tmp_path: Path) -> None:
    chain, other = random_chain(Random(1), 4), random_chain(Random(1), 4, salt="other")
    with AccountLedgerWriter(tmp_path, ETHEREUM_DEV, QuickDisk(tmp_path)) as writer:
        writer.append(chain.batch(0, 2))
        with pytest.raises(SourceError, match="block 3 where block 2"):
            writer.append(chain.batch(3))
        with pytest.raises(SourceError, match="block 2 does not follow"):
            writer.append(other.batch(2))
        writer.append(chain.batch(2))
    assert_alike(open_accounts(tmp_path), chain.view())


def test_claims__are_asked_once_for_each_new_contract(tmp_path: Path) -> None:
    chain = random_chain(Random(2), 12)
    asked: list[bytes] = []

    def claims(contracts) -> list[AssetClaim]:
        asked.extend(contracts)
        return [AssetClaim(each, "Ünï\udcff", each.hex()[:4], 300) for each in contracts]

    with AccountLedgerWriter(tmp_path, ETHEREUM_DEV, QuickDisk(tmp_path)) as writer:
        for batch in batches(chain, range(12)):
            writer.append(batch, claims, marked=[])
    facts = open_accounts(tmp_path).asset_facts
    assert len(facts) > 2
    assert asked == [each.contract for each in facts[1:]]
    assert [each.symbol for each in facts[1:]] == ["Ünï?"] * len(asked)
    assert [each.name for each in facts[1:]] == [each.hex()[:4] for each in asked]
    assert {each.decimals for each in facts[1:]} == {None}


def test_marks__stand_and_fall_with_the_block_that_showed_them(tmp_path: Path) -> None:
    chain = AccountChain()
    chain.send("usd", "null", "alice", 5)
    chain.block()
    chain.send("usd", "alice", "bob", 5)
    with AccountLedgerWriter(tmp_path, ETHEREUM_DEV, QuickDisk(tmp_path)) as writer:
        writer.append(chain.batch(0, 1))
        writer.append(chain.batch(1), marked=[(address_of("usd"), 0)])
        assert not writer.view.asset_facts[1].is_conserving
        writer.roll_back(0)
        assert writer.view.asset_facts[1].is_conserving


def test_writer__is_one_at_a_time_and_of_one_network(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        open_accounts(tmp_path)
    with (
        AccountLedgerWriter(tmp_path, ETHEREUM_DEV, QuickDisk(tmp_path)),
        pytest.raises(LedgerLockedError),
    ):
        AccountLedgerWriter(tmp_path, ETHEREUM_DEV)
    with pytest.raises(InputError, match="ethereum-dev"):
        AccountLedgerWriter(tmp_path, ETHEREUM)


def test_same_batches__give_the_same_bytes(tmp_path: Path) -> None:
    chain = random_chain(Random(9), 12)
    for name in ("one", "two"):
        fill(tmp_path / name, chain, range(0, 12, 2))
    assert everything_of(tmp_path / "one") == everything_of(tmp_path / "two")
