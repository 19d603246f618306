"""Earlier states of an account ledger equal the ledgers that were there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.account_ledger.as_of import accounts_as_of
from arien_flows.account_ledger.memory import account_view_of
from arien_flows.account_ledger.view import AccountView
from arien_flows.errors import InputError, NotFoundError
from chains.ethereum.tables import CodeKind, EventKind
from tests.account_chains import AccountChain, text_of

NAMES = ("alice", "bob", "carol", "dave", "token")
steps = st.lists(
    st.tuples(st.booleans(), st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(0, 9)),
    max_size=12,
)


def chain_of(written: list[tuple[bool, str, str, int]]) -> AccountChain:
    chain = AccountChain()
    chain.genesis(alice=100)
    for is_new, giver, receiver, amount in written:
        if is_new:
            chain.block()
        with chain.transaction(giver, receiver, burnt=amount) as tx:
            if amount % 3 == 0:
                tx.move(giver, receiver, amount)
            elif amount % 3 == 1:
                tx.token(f"coin-{amount}", giver, receiver, amount)
            else:
                tx.event(EventKind.APPROVAL, giver, receiver, f"spender-{amount}")
                tx.code(f"made-{amount}", giver, CodeKind.PLAIN)
    return chain


@given(steps)
def test_accounts_as_of__equals_the_ledger_that_ended_there(
    written: list[tuple[bool, str, str, int]],
) -> None:
    chain = chain_of(written)
    whole = chain.view()
    for height in range(len(chain.blocks)):
        expected = account_view_of([chain.batch(0, height + 1)], chain.network)
        _same(accounts_as_of(whole, height), expected)


def _same(found: AccountView, expected: AccountView) -> None:
    assert found.counts == expected.counts
    assert found.tip == expected.tip
    for table in ("blocks", "transactions", "movements", "events", "codes", "assets"):
        for left, right in zip(getattr(found, table), getattr(expected, table), strict=True):
            assert np.array_equal(left, right)
    assert np.array_equal(found.addresses, expected.addresses)
    for account in range(expected.counts.accounts):
        for name in ("transactions_of", "events_of", "codes_of", "assets_of"):
            left, right = getattr(found.index, name), getattr(expected.index, name)
            assert left(account).tolist() == right(account).tolist()
        for asset in expected.index.assets_of(account).tolist():
            assert found.index.totals(account, asset) == expected.index.totals(account, asset)
        for asset in range(expected.counts.assets):
            had = expected.index.has_moved(account, asset)
            assert found.index.has_moved(account, asset) == had


def test_accounts_as_of__does_not_know_what_came_later() -> None:
    chain = AccountChain()
    chain.genesis(alice=100)
    chain.block()
    chain.send("token", "alice", "bob", 5)
    view, txid = chain.view(), chain.tx_hash(1, 0)
    token = view.find_account(text_of("token"))
    earlier = accounts_as_of(view, 0)
    with pytest.raises(NotFoundError, match="up to block 0"):
        earlier.find_account(text_of("bob"))
    with pytest.raises(NotFoundError):
        earlier.find_transaction(txid)
    assert earlier.index.find_asset(token) is None
    assert accounts_as_of(view, 1) is view


@pytest.mark.parametrize("height", [-1, 1, 99])
def test_accounts_as_of__refuses_blocks_that_the_ledger_lacks(height: int) -> None:
    chain = AccountChain()
    with pytest.raises(InputError, match="holds blocks 0 to 0"):
        accounts_as_of(chain.view(), height)
