"""Every damage is found, and a sound ledger is called sound."""

from pathlib import Path
from random import Random

import numpy as np
import pytest

from arien_flows.account_ledger.ledger import AccountLedger
from arien_flows.account_ledger.schema import ACCOUNT_SCHEMA, FAMILIES
from arien_flows.account_ledger.verify import verify_accounts
from arien_flows.account_ledger.verify_balances import negative_balances
from arien_flows.account_ledger.verify_source import compare_balances
from arien_flows.account_ledger.writer import AccountLedgerWriter
from arien_flows.ledger.files import run_path
from chains.account_source import AssetClaim
from chains.ethereum.networks import ETHEREUM_DEV
from tests.account_chains import AccountChain, address_of, text_of
from tests.arien_flows.account_ledger.chain_source import ChainSource
from tests.arien_flows.account_ledger.disk_ledgers import (
    batches,
    fill,
    manifest_of,
    random_chain,
)
from tests.arien_flows.account_ledger.test_ingest import fee_story, taken_in
from tests.arien_flows.ledger.stores import QuickDisk


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a ledger of several batches, some merged. Never write to it."""
    root = tmp_path_factory.mktemp("sound")
    claim = AssetClaim(b"", "SYM", "Name", 6)
    with AccountLedgerWriter(root, ETHEREUM_DEV, QuickDisk(root)) as writer:
        for batch in batches(random_chain(Random(21), 16), range(1, 16)):
            usd = address_of("usd") in {row.tobytes() for row in batch.address}
            writer.append(
                batch,
                lambda contracts: [claim._replace(contract=it) for it in contracts],
                marked=[(address_of("usd"), 0)] if usd and writer.rows.assets > 1 else [],
            )
        writer.finish_merges()
    return root


def test_verify__finds_nothing_in_a_sound_ledger(sound: Path) -> None:
    found = verify_accounts(AccountLedger(sound))
    assert [check.name for check in found.checks if not check.ok] == []
    assert all(check.rows_checked for check in found.checks)


def test_verify__holds_after_a_roll_back_into_a_batch(tmp_path: Path) -> None:
    chain = random_chain(Random(21), 12)
    fill(tmp_path, chain, [6])
    with AccountLedgerWriter(tmp_path, ETHEREUM_DEV, QuickDisk(tmp_path)) as writer:
        writer.roll_back(8)
        rolled = verify_accounts(AccountLedger(tmp_path))
        writer.append(chain.batch(9, 10))
    assert rolled.ok
    assert any("no checksum" in check.note for check in rolled.checks)
    whole = verify_accounts(AccountLedger(tmp_path))
    assert whole.ok
    assert not any(check.note for check in whole.checks)


@pytest.mark.parametrize("path", [column.path for column in ACCOUNT_SCHEMA])
def test_verify__finds_a_flipped_bit_in_any_column(sound: Path, path: str) -> None:
    file = sound / path
    content = file.read_bytes()
    column = next(each for each in ACCOUNT_SCHEMA if each.path == path)
    size = column.elements(manifest_of(sound).rows) * np.dtype(column.dtype).itemsize
    assert size, "the sample has such rows"
    place = size - 1
    damaged = bytearray(content)
    damaged[place] ^= 1
    try:
        file.write_bytes(damaged)
        assert not verify_accounts(AccountLedger(sound)).ok
    finally:
        file.write_bytes(content)


@pytest.mark.parametrize("family", FAMILIES)
def test_verify__finds_a_flipped_bit_in_any_index(sound: Path, family: str) -> None:
    for run in getattr(manifest_of(sound).runs, family):
        file = sound / run_path(family, run)
        content = file.read_bytes()
        try:
            file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
            found = verify_accounts(AccountLedger(sound))
        finally:
            file.write_bytes(content)
        assert {check.name for check in found.checks if not check.ok} >= {"runs"}


def test_negative_balances__are_those_that_a_walk_finds(tmp_path: Path) -> None:
    chain = AccountChain()
    chain.genesis(alice=5)
    chain.pay("alice", "bob", 7, burnt=1)
    chain.send("usd", "bob", "carol", 2**130)
    fill(tmp_path, chain)
    view = AccountLedger(tmp_path).view()
    found = sorted(negative_balances(view), key=lambda each: each[2])
    assert [balance for *_, balance in found] == [-(2**130), -3]
    assert [view.account_id(account) for account, *_ in found] == [text_of("bob"), text_of("alice")]
    (check,) = [it for it in verify_accounts(AccountLedger(tmp_path)).checks if not it.ok]
    assert (check.name, check.finding_count) == ("balances", 2)


def test_compare_balances__names_what_differs(tmp_path: Path) -> None:
    source = ChainSource(fee_story())
    view = taken_in(tmp_path, source)
    found = verify_accounts(AccountLedger(tmp_path))
    assert compare_balances(found, view, source, 100).ok
    source.gains = [(4, "carol", "fee", -5)]
    compared = compare_balances(found, view, source, 100).checks[-1]
    assert compared.finding_count == 1
    assert "the ledger says 50 base units, the source 45" in compared.findings[0].message
    source.knows_balances = False
    assert compare_balances(found, view, source, 100).checks[-1].skipped
    other = ChainSource(random_chain(Random(1), 5, salt="other"))
    assert "another block" in compare_balances(found, view, other, 5).checks[-1].skipped
