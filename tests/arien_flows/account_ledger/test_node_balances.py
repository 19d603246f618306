"""The ledger's balances are those of a real node, for every account and asset at every block."""

from collections import defaultdict

import numpy as np
import pytest

from arien_flows.account_ledger.columns import NULL_ACCOUNT
from arien_flows.account_ledger.memory import account_view_of
from chains.errors import LookupFailedError
from chains.ethereum.networks import ETHEREUM_DEV
from chains.ethereum.tables import NO_ACCOUNT, CallCoverage, MovementKind, Ordering
from heuristics.wide import to_ints
from tests.anvil import anvil
from tests.dev_chain import GWEI, send_blob
from tests.ethereum_nodes import connect, refusing, relay

SINGLE = (MovementKind.NFT, MovementKind.MULTI_TOKEN)
NOT_CONSERVING = {"sly_fee", "rebasing"}


def differences(source, named):
    """Return (block, asset, account) -> node minus ledger, wherever they are not equal.

    The node is asked once for what accounts held after the genesis block, since it does not tell
    what that allocates. The null address owes what it made.
    """
    view = account_view_of(source.batches(0, source.tip().height + 1), ETHEREUM_DEV)
    accounts = [raw.tobytes() for raw in view.addresses]
    contracts = [facts.contract for facts in view.asset_facts]
    names = {number: named.get("0x" + raw.hex(), raw.hex()) for number, raw in enumerate(accounts)}
    held = defaultdict(int)
    for account, wei in enumerate(source.balances(0, accounts, None)):
        held[0, account] = wei
    amounts = to_ints(view.amounts.of(slice(None)))
    rows, block_of = view.movements, view.blocks_of(view.movements.transaction)
    found, compared = {}, 0
    for block in range(view.counts.blocks):
        for row in np.flatnonzero(block_of == block):
            if rows.kind[row] in SINGLE:
                continue
            asset = int(rows.asset[row])
            if rows.giver[row] != NO_ACCOUNT:
                held[asset, int(rows.giver[row])] -= amounts[row]
            if rows.receiver[row] != NO_ACCOUNT:
                held[asset, int(rows.receiver[row])] += amounts[row]
        for asset, contract in enumerate(contracts):
            own = [account for of, account in held if of == asset and account != NULL_ACCOUNT]
            told = source.balances(block, [accounts[account] for account in own], contract)
            for account, balance in zip(own, told, strict=True):
                assert not isinstance(balance, LookupFailedError)
                compared += 1
                if balance != held[asset, account]:
                    token = None if contract is None else named["0x" + contract.hex()]
                    found[block, token, names[account]] = balance - held[asset, account]
    return view, found, compared


@pytest.fixture(scope="module")
def named(ethereum_chain):
    return {address: name for name, address in ethereum_chain.names.items()}


@pytest.fixture(scope="module", params=["debug", "trace"])
def told(request, ethereum_chain, named):
    with connect(f"{ethereum_chain.source}?traces={request.param}") as source:
        yield (request.param, *differences(source, named))


def test_balances__are_the_nodes_for_every_account_and_token_at_every_block(told):
    _, view, found, compared = told
    assert {token for _, token, _ in found} == NOT_CONSERVING
    assert view.calls is CallCoverage.TRACED
    assert compared > 1_500


def test_balances__of_tokens_that_do_not_conserve_are_off_by_what_no_event_tells(told):
    _, view, found, _ = told
    last = int(view.blocks.height[-1])
    off = {(name, account): by for (at, name, account), by in found.items() if at == last}
    # A hundredth of 1,000,000,000 and of 400,000,001 that was taken without a word.
    assert off["sly_fee", "alice"] == -(10**7)
    assert off["sly_fee", "bob"] == -4_000_000
    grown = [off["rebasing", account] for account in ("deployer", "alice", "bob")]
    assert len(off) == 2 + len(grown)
    # 10**22 more for everybody together, rounded down thrice.
    assert 10**22 - 3 <= sum(grown) <= 10**22


def test_order__is_that_of_execution_where_the_node_places_events(told):
    form, view, _, _ = told
    assert view.ordering is (Ordering.EXECUTION if form == "debug" else Ordering.CALLS_FIRST)


def test_balances__without_traces_are_off_by_what_contracts_moved(ethereum_chain, named):
    methods = ("trace_block", "debug_traceBlockByNumber")
    with (
        relay(ethereum_chain.node, refusing(*methods)) as (_, uri),
        connect(uri) as source,
    ):
        (note,) = source.notes()
        assert "does not trace" in note
        assert "name a node that traces" in note
        view, found, _ = differences(source, named)
    assert view.calls is CallCoverage.MISSING
    last = int(view.blocks.height[-1])
    off = {account: by for (at, token, account), by in found.items() if (at, token) == (last, None)}
    ether = 10**18
    assert off["crowd0"] == off["crowd1"] == ether
    assert off["splitter"] == -5 * ether
    assert off["fresh"] == 10 * ether - ether // 100
    assert off["mixer"] == -20 * ether
    assert off["deposit_thief"] == -35 * ether
    # What one lacks another has, but for accounts that only contracts ever paid: nothing tells
    # that there are such.
    assert sum(off.values()) == -(4 + 2) * ether
    for name in ("heir", "vault"):
        unseen = bytes.fromhex(ethereum_chain.people[name][2:])
        assert view.index.find_account(unseen) is None


@pytest.mark.slow
def test_balances__after_a_transaction_with_blobs_are_the_nodes(tmp_path):
    with anvil(tmp_path) as node:
        fee = send_blob(node)
        with connect(node.source) as source:
            view, found, _ = differences(source, {})
    assert found == {}
    assert view.transactions.tx_kind.tolist()[-1] == 3
    burnt = view.amounts.of(view.movements.kind == MovementKind.GAS_BURNT)
    assert 0 < fee < GWEI * 131_072
    assert any(amount > fee for amount in to_ints(burnt))
