"""Histories of single accounts, joined: what two tell is there once, and contradictions show."""

from typing import Any

import numpy as np
import pytest

from arien_flows.account_inquiry.joining import Joined, TipBlock, join_histories
from arien_flows.fetched.checking import ContradictionError
from chains.ethereum.explorer.building import AccountRows, history_of
from chains.ethereum.explorer.rows import BlockFacts, Call, ListedTransaction, TokenTransfer
from chains.ethereum.lookups import AccountHistory
from chains.ethereum.parts import TransactionPart, parts_of
from chains.ethereum.tables import CallCoverage, MovementKind, Ordering
from tests.account_chains import address_of, hash_of

TIP = TipBlock(9, hash_of("tip"), 1_000)
BLOCK = BlockFacts(5, 500, hash_of("block", 5))
TX = hash_of("tx")


def sent(**other: Any) -> ListedTransaction:
    facts: dict[str, Any] = {
        "block": BLOCK, "tx_hash": TX, "index": 3, "sender": address_of("alice"),
        "receiver": address_of("bob"), "created": None, "value": 40, "gas_used": 10,
        "gas_price": 2, "nonce": 1, "selector": 0, "succeeded": True,
    }  # fmt: skip
    return ListedTransaction(**(facts | other))


def called(giver: str, receiver: str, wei: int, place: tuple[int, ...]) -> Call:
    return Call(
        block=BLOCK, tx_hash=TX, kind=MovementKind.CALL, giver=address_of(giver),
        receiver=address_of(receiver), wei=wei, took_effect=True, moves=True, place=place,
    )  # fmt: skip


def token(giver: str, receiver: str, amount: int, log_index: int | None = None) -> TokenTransfer:
    return TokenTransfer(
        block=BLOCK, tx_hash=TX, index=3, kind=MovementKind.TOKEN, contract=address_of("USD"),
        giver=address_of(giver), receiver=address_of(receiver), amount=amount, token_id=None,
        log_index=log_index, symbol="USD", name="", decimals=2, gas_used=10, gas_price=2, nonce=1,
    )  # fmt: skip


def history(name: str, **lists: list[Any]) -> AccountHistory:
    return history_of(address_of(name), AccountRows(**lists), calls=CallCoverage.TRACED, missing=())


def joined(**histories: AccountHistory) -> Joined:
    return join_histories(
        "explorer", {address_of(name): each for name, each in histories.items()}, TIP
    )


def only(found: Joined) -> TransactionPart:
    (part,) = [part for block in parts_of(found.batch) for part in block.transactions]
    return part


def moves(found: Joined) -> list[tuple[MovementKind, int]]:
    return [(move.kind, move.amount) for move in only(found).moves]


def test_join_histories__keeps_what_two_tell_once() -> None:
    both = [token("alice", "bob", 7), token("alice", "bob", 7)]
    found = joined(
        alice=history("alice", transactions=[sent()], tokens=both),
        bob=history("bob", transactions=[sent()], tokens=both),
    )
    assert moves(found) == [
        (MovementKind.CALL, 40), (MovementKind.TOKEN, 7), (MovementKind.TOKEN, 7),
        (MovementKind.GAS_BURNT, 20),
    ]  # fmt: skip
    assert not found.forgotten


def test_join_histories__puts_movements_in_the_order_that_places_tell() -> None:
    found = joined(
        bob=history("bob", calls=[called("router", "bob", 2, (0, 2))]),
        carol=history("carol", calls=[called("router", "carol", 1, (0, 1, 4))]),
        alice=history("alice", transactions=[sent(receiver=address_of("router"))]),
    )
    assert [amount for _, amount in moves(found)] == [40, 1, 2, 20]
    assert only(found).sender == address_of("alice")


def test_join_histories__takes_the_order_of_events_from_who_tells_most() -> None:
    found = joined(
        alice=history("alice", tokens=[token("pool", "alice", 2)]),
        bob=history("bob", tokens=[token("bob", "pool", 1)]),
        pool=history("pool", tokens=[token("bob", "pool", 1), token("pool", "alice", 2)]),
    )
    assert [amount for _, amount in moves(found)] == [1, 2]


def test_join_histories__is_the_same_in_any_order_of_histories() -> None:
    parts = {
        "alice": history("alice", transactions=[sent()], tokens=[token("alice", "carol", 5)]),
        "bob": history("bob", transactions=[sent()]),
        "carol": history("carol", tokens=[token("alice", "carol", 5)]),
    }
    one, other = joined(**parts), joined(**dict(reversed(parts.items())))
    assert parts_of(one.batch) == parts_of(other.batch)


def test_join_histories__keeps_and_counts_what_one_history_forgot() -> None:
    found = joined(
        alice=history("alice", transactions=[sent()], tokens=[token("alice", "bob", 7)]),
        bob=history("bob", transactions=[sent()]),
    )
    assert (MovementKind.TOKEN, 7) in moves(found)
    assert found.forgotten == {address_of("bob"): 1}


def test_join_histories__ends_with_the_tip() -> None:
    batch = joined(alice=history("alice", transactions=[sent()])).batch
    assert batch.height.tolist() == [5, 9]
    assert batch.block_hash[-1].tobytes() == TIP.block_hash
    assert batch.time.tolist() == [500, 1_000]
    assert batch.ordering is Ordering.CALLS_FIRST
    assert np.array_equal(batch.first_transaction, [0, 1, 1])


def test_join_histories__knows_as_little_of_calls_as_the_least_knowing_history() -> None:
    parts = {
        "alice": history("alice", transactions=[sent()]),
        "bob": history_of(address_of("bob"), AccountRows(), calls=CallCoverage.MISSING, missing=()),
    }
    assert joined(**parts).batch.calls is CallCoverage.MISSING


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"value": 41}, "is not the same"),
        ({"gas_price": 3}, "is not the same"),
        ({"succeeded": False}, "is not the same"),
        ({"block": BLOCK._replace(height=6)}, "stands at"),
        ({"block": BLOCK._replace(block_hash=hash_of("other"))}, "block 5 is not the same"),
        ({"block": BLOCK._replace(time=501)}, "block 5 is not the same"),
    ],
)
def test_join_histories__names_both_accounts_of_a_contradiction(
    other: dict[str, Any], words: str
) -> None:
    parts = {
        "alice": history("alice", transactions=[sent()]),
        "bob": history("bob", transactions=[sent(**other)]),
    }
    with pytest.raises(ContradictionError, match=words) as caught:
        joined(**parts)
    assert str(caught.value).count("0x") >= 2


def test_join_histories__refuses_two_contents_of_one_place() -> None:
    with pytest.raises(ContradictionError, match="different things at one place"):
        joined(
            alice=history("alice", tokens=[token("alice", "bob", 7, log_index=4)]),
            bob=history("bob", tokens=[token("alice", "bob", 8, log_index=4)]),
        )


def test_join_histories__refuses_movements_of_what_failed() -> None:
    with pytest.raises(ContradictionError, match="failed, and moved something"):
        joined(
            alice=history("alice", transactions=[sent(succeeded=False)]),
            carol=history("carol", tokens=[token("alice", "carol", 7)]),
        )


def test_join_histories__refuses_a_tip_that_is_another_block() -> None:
    late = BLOCK._replace(height=9, time=1_000)
    with pytest.raises(ContradictionError, match="block 9 is another one"):
        joined(alice=history("alice", transactions=[sent(block=late)]))
