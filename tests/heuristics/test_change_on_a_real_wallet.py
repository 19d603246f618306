"""The static rules on payments of a real Electrum wallet, which knows its own change.

The data hold the wallet's own transactions only. So an address counts as new if the wallet had not
met it, and whether payees spent what they got is not known: dynamic rules cannot be measured.
"""

import json
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import numpy as np
import pytest
from bitcoin.core import CTransaction

from chains.bitcoin.address import parse_address
from chains.bitcoin.networks import TESTNET3
from heuristics.change import vote_difference
from heuristics.change_rules import STATIC, ChangeRule
from tests.heuristics.test_change import all_votes
from tests.heuristics.wallet_cases import (
    Input,
    Lock,
    Output,
    SmallLedger,
    Transaction,
    change_columns,
)
from tests.reference import change as reference


def lock_of(text: str) -> Lock:
    kind, payload = parse_address(text, TESTNET3)
    return Lock(int(kind), payload)


def wallet_ledger(path: Path) -> tuple[SmallLedger, dict[int, int]]:
    """Return the wallet's transactions in chain order, and the change output of its payments."""
    known = {each["txid"]: each for each in json.loads(path.read_text())["txs"]}
    graph = {
        txid: [spent["txid"] for spent in each["inputs"] if spent["txid"] in known]
        for txid, each in known.items()
    }
    depth = {txid: place for place, txid in enumerate(TopologicalSorter(graph).static_order())}
    order = sorted(known, key=lambda txid: (known[txid]["height"], depth[txid]))
    ledger = SmallLedger(blocks=len(order))
    numbers = {txid: number for number, txid in enumerate(order)}
    change: dict[int, int] = {}
    for number, txid in enumerate(order):
        told, raw = known[txid], bytes.fromhex(known[txid]["raw"])
        parsed = CTransaction.deserialize(raw)
        inputs = []
        for place, spent in enumerate(told["inputs"]):
            maker = numbers.get(spent["txid"])
            output = None if maker is None else ledger.transactions[maker].outputs[spent["vout"]]
            if output is not None:
                output.spender, output.spending_input = number, place
            unknown = Lock(0, f"{spent['txid']}:{spent['vout']}".encode())
            inputs.append(
                Input(
                    output,
                    lock_of(spent["address"]) if spent["address"] else unknown,
                    spent["value"] or 0,
                    parsed.vin[place].nSequence,
                )
            )
        stripped = len(CTransaction(parsed.vin, parsed.vout, parsed.nLockTime, 1).serialize())
        ledger.transactions.append(
            Transaction(
                number=number,
                block=number,
                txid=bytes.fromhex(txid)[::-1],
                version=parsed.nVersion,
                locktime=parsed.nLockTime,
                stripped_size=stripped,
                witness_size=len(raw) - stripped,
                inputs=inputs,
                outputs=[
                    Output(lock_of(out["address"]), out["value"], number, out["n"])
                    for out in told["outputs"]
                ],
            )
        )
        if told["sent_by_wallet"] and len(told["change_outputs"]) == 1:
            change[number] = told["change_outputs"][0]
    return ledger, change


@pytest.fixture(scope="module")
def wallet(shared_data) -> tuple[SmallLedger, dict[int, int]]:
    (path,) = (shared_data / "btc_change_groundtruth").glob("client_2_9_3*.json")
    return wallet_ledger(path)


RIGHT = {
    ChangeRule.OPTIMAL_CHANGE: 3,
    ChangeRule.OPTIMAL_CHANGE_WITH_FEE: 3,
    ChangeRule.ADDRESS_TYPE: 2,
    ChangeRule.POWER_OF_TEN_2: 2,
    ChangeRule.POWER_OF_TEN_3: 6,
    ChangeRule.POWER_OF_TEN_4: 8,
    ChangeRule.POWER_OF_TEN_5: 8,
    ChangeRule.POWER_OF_TEN_6: 4,
    ChangeRule.POWER_OF_TEN_7: 2,
    ChangeRule.LEGACY: 3,
}
"""Of eight payments with one change, how often each static rule votes; it is never wrong. All
payees' addresses are new to the wallet, so the rules on freshness are silent."""


def test_votes__on_a_real_wallet_are_as_often_right_as_measured(wallet) -> None:
    ledger, change = wallet
    assert len(change) == 8
    first = change_columns(ledger).first_output
    votes = all_votes(ledger, lag=0)
    right: Counter[ChangeRule] = Counter()
    wrong: Counter[ChangeRule] = Counter()
    for number, position in change.items():
        rows = votes[first[number] : first[number + 1]]
        for rule in STATIC:
            if rows[:, rule].any():
                outcome = right if rows[position, rule] > 0 else wrong
                outcome[rule] += 1
    assert right == RIGHT
    assert not wrong


def test_votes__on_a_real_wallet_agree_with_reference(wallet) -> None:
    ledger, _ = wallet
    votes = all_votes(ledger, lag=3)
    first = change_columns(ledger).first_output
    rules = [rule for rule in ChangeRule if rule is not ChangeRule.SAME_CLUSTER]
    for transaction in ledger.transactions:
        known = min(transaction.number + 4, len(ledger.transactions))
        expected = np.array(reference.votes(reference.Case(ledger, transaction, known)))
        rows = votes[first[transaction.number] : first[transaction.number + 1]]
        assert rows[:, rules].tolist() == expected[:, rules].tolist()


def test_vote_difference__on_a_real_wallet(wallet) -> None:
    ledger, change = wallet
    first = change_columns(ledger).first_output
    outcome = vote_difference(all_votes(ledger, lag=0), first)
    differences = [int(outcome.difference[number]) for number in sorted(change)]
    assert differences == [7, 4, 4, 6, 5, 5, 2, 5]
    for number, position in change.items():
        assert outcome.row[number] == first[number] + position
