"""The ledger in memory, against the story that it was made from."""

from arien_flows.account_ledger.columns import NATIVE
from chains.ethereum.tables import MovementKind, TransactionKind
from heuristics.account_events import Movement
from heuristics.wide import to_ints
from tests.account_chains import ETHER, AccountChain, text_of


def story() -> AccountChain:
    """Return a chain in which a token, the coin, and wrapped coin move."""
    chain = AccountChain()
    chain.knows("usd", "USD", 6)
    chain.genesis(alice=10 * ETHER)
    chain.block()
    chain.pay("alice", "bob", 4 * ETHER, burnt=1000, tip=10)
    with chain.transaction("bob", to="usd") as tx:
        tx.token("usd", "null", "bob", 5_000_000)
        tx.token("usd", "bob", "carol", 2_000_000)
    chain.block()
    with chain.transaction("bob", to="weth") as tx:
        tx.wrap("weth", "bob", ETHER)
    chain.pay("bob", "null", ETHER)
    return chain


def test_view__numbers_accounts_and_assets_once_and_adds_up():
    chain = story()
    view = chain.view()
    alice, bob = view.find_account(text_of("alice")), view.find_account(text_of("bob"))
    assert view.find_account(text_of("null")) == 0
    assert view.index.totals(alice, NATIVE).balance == 6 * ETHER - 1010
    assert view.index.totals(bob, NATIVE).balance == 2 * ETHER
    usd = view.index.find_asset(view.find_account(text_of("usd")))
    assert usd is not None
    assert view.asset_facts[usd].symbol == "USD"
    assert view.index.totals(bob, usd)[1:3] == (5_000_000, 2_000_000)
    assert view.index.assets_of(bob).tolist() == sorted(view.index.assets_of(bob).tolist())
    assert view.counts.blocks == 3
    assert view.tip.height == 2
    assert view.begins_at_genesis


def test_view__finds_transactions_and_their_places():
    chain = story()
    view = chain.view()
    row = view.find_transaction(chain.tx_hash(2, 1))
    assert view.heights_of(view.movements.transaction[-1:]).tolist() == [2]
    assert view.transaction_text(row) == chain.tx_hash(2, 1)
    assert view.is_system(0)
    assert view.transactions.tx_kind[0] == TransactionKind.SYSTEM


def test_movement_columns__let_nothing_pass_through_the_null_address():
    view = story().view()
    columns = view.movement_columns()
    kinds = [Movement(kind).name for kind in columns.kind.tolist()]
    assert kinds == [
        "CREDIT", "TRANSFER", "GAS_BURNT", "GAS_TIP", "CREDIT", "TRANSFER", "TRANSFER", "CREDIT",
        "BURN",
    ]  # fmt: skip
    assert view.movements.kind.tolist()[-2] == MovementKind.WRAP
    assert to_ints(columns.amount)[-1] == ETHER
