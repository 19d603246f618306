"""Comparing what a ledger says accounts hold with what a node says."""

from collections import defaultdict
from dataclasses import replace

import numpy as np

from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.view import AccountView
from arien_flows.ledger.verify_result import Findings, Verification
from chains.account_source import AccountBlockSource
from chains.errors import LookupFailedError
from chains.ethereum.tables import MovementKind

COVERS = "Balances after the last block are those that the source tells, asset by asset."


def compare_balances(
    found: Verification, view: AccountView, source: AccountBlockSource, accounts: int
) -> Verification:
    """Return a verification with one more check: balances of so many accounts, at a source.

    The accounts are spread evenly over all, by number, so that the same ledger asks for the same.
    """
    check = Findings()
    height = view.tip.height
    asked: dict[int, list[int]] = defaultdict(list)
    spread = np.unique(np.linspace(1, max(view.counts.accounts - 1, 1), accounts).astype(np.int64))
    for account in spread[spread < view.counts.accounts].tolist():
        for asset in {NATIVE, *view.index.assets_of(account).tolist()}:
            if view.asset_facts[asset].standard in (MovementKind.CALL, MovementKind.TOKEN):
                asked[asset].append(account)
    if source.place(height).block_hash != view.blocks.block_hash[-1].tobytes():
        skipped = f"{source.name} has another block {height}: bring the ledger to its chain first"
        return replace(found, checks=(*found.checks, check.check("source", COVERS, skipped)))
    untold = 0
    for asset, numbers in sorted(asked.items()):
        facts = view.asset_facts[asset]
        addresses = [view.addresses[number].tobytes() for number in numbers]
        for number, told in zip(
            numbers, source.balances(height, addresses, facts.contract), strict=True
        ):
            if isinstance(told, LookupFailedError):
                untold += 1
                continue
            check.rows_checked += 1
            held = view.index.totals(number, asset).balance
            if held != told:
                name = facts.symbol or (view.account_text(int(view.assets.contract[asset])))
                check.add(
                    f"{view.account_text(number)}, {name}",
                    f"the ledger says {held} base units, the source {told}",
                )
    if untold:
        check.note = f"the source did not tell {untold:,} balances"
    skipped = "the source tells no balances" if untold and not check.rows_checked else ""
    return replace(found, checks=(*found.checks, check.check("source", COVERS, skipped)))
