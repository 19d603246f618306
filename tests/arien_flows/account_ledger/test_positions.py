"""Movements named by a transaction's id and a place."""

from arien_flows.account_ledger.positions import positions_of, rows_of_id, same_id
from chains.ethereum.tables import MovementKind
from tests.account_chains import AccountChain


def test_rows_of_id__are_the_movements_of_a_transaction() -> None:
    chain = AccountChain()
    chain.genesis(alice=9, bob=9)
    chain.block()
    chain.pay("alice", "bob", 1, burnt=1, tip=1)
    view = chain.view()
    row = view.find_transaction(chain.tx_hash(1, 0))
    assert rows_of_id(view, row).tolist() == [2, 3, 4]
    assert positions_of(view, rows_of_id(view, row)).tolist() == [0, 1, 2]


def test_rows_of_id__count_through_both_system_transactions_of_a_block() -> None:
    chain = AccountChain(first_height=5)
    chain.system(MovementKind.OPENING, alice=9, bob=9)
    chain.pay("alice", "bob", 1)
    chain.system(MovementKind.WITHDRAWAL, bob=3)
    view = chain.view()
    first = view.find_transaction(chain.tx_hash(0, 0))
    assert same_id(view, first) == same_id(view, 2) == (0, 2)
    assert rows_of_id(view, first).tolist() == rows_of_id(view, 2).tolist() == [0, 1, 3]
    assert positions_of(view, rows_of_id(view, first)).tolist() == [0, 1, 2]
    assert rows_of_id(view, 1).tolist() == [2]
