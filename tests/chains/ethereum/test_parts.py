"""The canonical tables taken apart and put together."""

from dataclasses import fields

import numpy as np

from chains.ethereum.parts import batch_of, parts_of
from chains.ethereum.tables import AccountBatch, CodeKind, EventKind, MovementKind
from tests.account_chains import ETHER, AccountChain


def chain_of_everything() -> AccountChain:
    chain = AccountChain()
    chain.genesis(alice=10 * ETHER)
    chain.block()
    chain.pay("alice", "bob", 4 * ETHER, burnt=21_000 * 7)
    chain.block()
    with chain.transaction("alice", "router", burnt=42_000, selector=0x01020304) as tx:
        tx.move("alice", "router", 2**200)
        tx.token("cats", "null", "alice", 1, MovementKind.NFT, token_id=2**255)
        tx.event(EventKind.APPROVAL, "USD", "alice", "router", amount=2**256 - 1)
        tx.code("made", "alice", CodeKind.MINIMAL_PROXY, b"\7" * 32, "router")
    chain.block()
    return chain


def same(one: AccountBatch, other: AccountBatch) -> bool:
    return all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name))
        for field in fields(AccountBatch)
    )


def test_batch_of__is_the_inverse_of_parts_of() -> None:
    batch = chain_of_everything().batch()
    assert same(batch_of(parts_of(batch), calls=batch.calls, ordering=batch.ordering), batch)


def test_batch_of__makes_an_empty_batch_of_nothing() -> None:
    batch = chain_of_everything().batch()
    empty = batch_of([], calls=batch.calls, ordering=batch.ordering)
    assert empty.block_count == empty.transaction_count == 0
    assert parts_of(empty) == []
    assert empty.amount.shape == (0, 4)
