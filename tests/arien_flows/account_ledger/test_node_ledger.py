"""A ledger on disk, taken in from a real node: it holds what the node says, and follows it."""

from pathlib import Path

import pytest

from arien_flows.account_ledger.ingest import ingest_accounts
from arien_flows.account_ledger.ledger import AccountLedger
from arien_flows.account_ledger.limits import limits_of
from arien_flows.account_ledger.verify import verify_accounts
from arien_flows.account_ledger.verify_source import compare_balances
from arien_flows.account_ledger.writer import AccountLedgerWriter
from chains.ethereum.networks import ETHEREUM_DEV
from chains.ethereum.tables import MovementKind
from tests.arien_flows.ledger.stores import QuickDisk
from tests.ethereum_nodes import connect

NOT_TOLD = {"rebasing", "sly_fee"}
"""Tokens that change balances of accounts which no event names."""


@pytest.mark.parametrize("start", [None, 25])
def test_ledger__holds_what_the_node_says(tmp_path: Path, ethereum_chain, start) -> None:
    with connect(ethereum_chain.source) as source:
        with AccountLedgerWriter(tmp_path, ETHEREUM_DEV, QuickDisk(tmp_path)) as writer:
            ingest_accounts(writer, source, start=start)
        ledger = AccountLedger(tmp_path)
        view = ledger.view()
        found = compare_balances(verify_accounts(ledger), view, source, view.counts.accounts)
    names = {address: name for name, address in ethereum_chain.names.items()}
    marked = {
        names["0x" + facts.contract.hex()]
        for facts in view.asset_facts
        if facts.contract is not None and not facts.is_conserving
    }
    if start is None:
        assert "sly_fee" in marked
    assert marked <= NOT_TOLD
    wrong = [check for check in found.checks if not check.ok]
    assert {check.name for check in wrong} <= {"source"}
    for check in wrong:
        assert {it.place.rsplit(", ", 1)[1] for it in check.findings} <= {"SLY", "REB"}
    kind = MovementKind.GENESIS if start is None else MovementKind.OPENING
    assert (view.movements.kind == kind).any()
    assert [cut.reason for cut in limits_of(view)] == ([] if start is None else ["before_ledger"])
