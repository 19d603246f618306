"""What every source of single accounts must do, against explorers of both dialects.

The expected histories are read off the chain itself: the transactions that an account sent or was
sent to, and all movements in which it gave or received.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from chains.account_source import AccountLookupSource
from chains.errors import LookupFailedError, SourceUnavailableError
from chains.ethereum.lookups import AccountHistory, BlockPlace
from chains.ethereum.parts import MovePart, parts_of
from chains.ethereum.tables import MovementKind, Ordering, TransactionKind
from chains.registry import open_account_lookups
from tests.account_chains import ETHER, AccountChain, address_of
from tests.ethereum_explorer import StandIn, served, uri_of

GAS = (MovementKind.GAS_BURNT, MovementKind.GAS_TIP)
WRAPS = (MovementKind.WRAP, MovementKind.UNWRAP)
NAMES = ("alice", "bob", "router", "pool", "vault", "made", "validator", "miner")

HABITS: list[dict[str, Any]] = [
    {},
    {"is_blockscout": True},
    {"tells_log_index": True},
    {"longest_page": 50},
    {"is_blockscout": True, "most_rows_at_once": 100},
]


def story() -> AccountChain:
    """A chain with one of everything that an explorer lists."""
    chain = AccountChain()
    chain.genesis(alice=1_000 * ETHER, bob=ETHER)
    chain.block()
    chain.pay("alice", "bob", 4 * ETHER, burnt=21_000 * 7, tip=21_000)
    with chain.transaction("alice", "router", burnt=42_000) as tx:
        tx.move("alice", "router", 3 * ETHER)
        tx.move("router", "pool", 2 * ETHER)
        tx.move("router", "alice", ETHER)
        tx.token("USD", "pool", "alice", 9_000)
        tx.token("USD", "pool", "alice", 9_000)
    chain.block()
    with chain.transaction("bob", "made", burnt=21_000, succeeded=True) as tx:
        tx.code("made", "bob")
        tx.move("bob", "made", 7, MovementKind.CREATE)
    with chain.transaction("alice", "bob", burnt=63_000, succeeded=False) as tx:
        tx.value = ETHER
    with chain.transaction("alice", "vault", burnt=21_000) as tx:
        tx.move("vault", "bob", 5, MovementKind.SELF_DESTRUCT)
        tx.token("cats", "bob", "alice", 1, MovementKind.NFT, token_id=77)
        tx.token("coins", "alice", "bob", 12, MovementKind.MULTI_TOKEN, token_id=5)
    chain.block()
    chain.system(MovementKind.WITHDRAWAL, validator=32 * ETHER, bob=10**9)
    chain.block()
    chain.system(MovementKind.REWARD, miner=2 * ETHER)
    chain.block()
    for _ in range(105):
        chain.send("USD", "alice", "bob", 3)
    chain.block()
    chain.pay("bob", "bob", 1, burnt=21_000)
    return chain


@contextmanager
def opened(stand_in: StandIn) -> Iterator[AccountLookupSource]:
    with (
        served(stand_in) as server,
        open_account_lookups(uri_of(server, stand_in), "ethereum-dev") as source,
    ):
        yield source


@pytest.fixture(params=HABITS[:2], ids=["etherscan", "blockscout"])
def habits(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.param
    return found


def expected(chain: AccountChain, account: bytes) -> list[tuple[int, bytes, list[MovePart]]]:
    """Return height, id and sorted movements of the transactions that touch an account."""
    rows = []
    for block in parts_of(chain.batch()):
        for part in block.transactions:
            is_named = account in (part.sender, part.receiver)
            moves = [
                move for move in part.moves
                if account in (move.giver, move.receiver) and move.kind not in GAS
            ]  # fmt: skip
            own = [move for move in part.moves if move.kind in (MovementKind.CALL,
                   MovementKind.CREATE) and move.giver == part.sender][:1]  # fmt: skip
            if is_named:
                # Its row tells the call and the gas, whoever pays.
                moves += [move for move in own if part.value and move not in moves]
                paid = sum(move.amount for move in part.moves if move.kind in GAS)
                if paid:
                    burnt = MovePart(MovementKind.GAS_BURNT, part.sender, None, None, paid)
                    moves.append(burnt)
            if is_named or moves:
                rows.append((block.height, part.tx_hash, _sorted(moves)))
    return rows


def told(history: AccountHistory | LookupFailedError) -> list[tuple[int, bytes, list[MovePart]]]:
    assert isinstance(history, AccountHistory), history
    return [
        (block.height, part.tx_hash, _sorted(part.moves))
        for block in parts_of(history.batch)
        for part in block.transactions
    ]


def _sorted(moves: list[MovePart]) -> list[MovePart]:
    return sorted((move._replace(log_index=-1) for move in moves), key=repr)


def _without_system_ids(
    rows: list[tuple[int, bytes, list[MovePart]]], chain: AccountChain
) -> list[tuple[int, bytes | None, list[MovePart]]]:
    # An explorer does not tell the hash of a block with nothing but system movements.
    systems = {
        (block.height, part.tx_hash)
        for block in parts_of(chain.batch())
        for part in block.transactions
        if part.kind == TransactionKind.SYSTEM
    }
    heights = {height for height, _ in systems}
    hashes = {tx for _, tx in systems} | {height.to_bytes(32, "big") for height in heights}
    return [(height, None if tx in hashes else tx, moves) for height, tx, moves in rows]


@pytest.mark.parametrize("habits", HABITS, ids=str)
def test_histories__tell_everything_that_touches_an_account(habits: dict[str, Any]) -> None:
    chain = story()
    with opened(StandIn.of(chain.batch(), **habits)) as source:
        accounts = [address_of(name) for name in NAMES]
        for account, history in zip(accounts, source.histories(accounts, most=1_000), strict=True):
            assert _without_system_ids(told(history), chain) == _without_system_ids(
                expected(chain, account), chain
            )
            assert isinstance(history, AccountHistory)
            assert history.is_whole
            assert history.missing
            assert history.batch.ordering is Ordering.CALLS_FIRST
            assert len(history.positions) == history.batch.transaction_count
            assert len(history.places) == len(history.batch.kind)


def test_histories__tell_one_block_where_one_is_wanted(habits: dict[str, Any]) -> None:
    chain = story()
    with opened(StandIn.of(chain.batch(), **habits)) as source:
        account = address_of("bob")
        (history,) = source.histories([account], most=1_000, only=2)
        assert told(history) == [row for row in expected(chain, account) if row[0] == 2]
        assert isinstance(history, AccountHistory)
        assert not history.is_whole


def test_histories__are_refused_where_they_are_too_long(habits: dict[str, Any]) -> None:
    with opened(StandIn.of(story().batch(), **habits)) as source:
        long, short = source.histories([address_of("alice"), address_of("made")], most=20)
        assert isinstance(long, LookupFailedError)
        assert "ask a node or a ledger" in str(long)
        assert isinstance(short, AccountHistory)


def test_balances__are_those_of_the_chain(habits: dict[str, Any]) -> None:
    with opened(StandIn.of(story().batch(), **habits)) as source:
        assert source.balances([address_of("validator"), address_of("nobody")], None) == [
            32 * ETHER,
            0,
        ]
        assert source.balances([address_of("bob")], address_of("USD")) == [315]


def test_sent__tells_sender_receiver_and_block(habits: dict[str, Any]) -> None:
    chain = story()
    with opened(StandIn.of(chain.batch(), **habits)) as source:
        paid, made, unknown = source.sent(
            [bytes.fromhex(chain.tx_hash(1, 0)[2:]), bytes.fromhex(chain.tx_hash(2, 0)[2:]),
             bytes(32)]
        )  # fmt: skip
        assert not isinstance(paid, LookupFailedError)
        assert not isinstance(made, LookupFailedError)
        assert (paid.height, paid.sender, paid.receiver) == (
            1, address_of("alice"), address_of("bob"),
        )  # fmt: skip
        assert (made.height, made.receiver) == (2, None)
        assert isinstance(unknown, LookupFailedError)


def test_stand_at__sees_the_chain_as_it_was(habits: dict[str, Any]) -> None:
    chain = story()
    with opened(StandIn.of(chain.batch(), **habits)) as source:
        assert source.tip() == BlockPlace(6, chain.block_hash(6))
        earlier = BlockPlace(4, chain.block_hash(4))
        assert source.stand_at(earlier)
        assert source.tip() == earlier
        (history,) = source.histories([address_of("bob")], most=1_000)
        rows = [row for row in expected(chain, address_of("bob")) if row[0] <= 4]
        assert _without_system_ids(told(history), chain) == _without_system_ids(rows, chain)
        assert not source.stand_at(BlockPlace(4, bytes(32)))
        assert not source.stand_at(BlockPlace(40, bytes(32)))
        assert source.tip() == earlier
        source.refresh()
        assert source.tip().height == 6


def test_source__says_what_it_does_not_offer(habits: dict[str, Any]) -> None:
    chain = story()
    stand_in = StandIn.of(chain.batch(), **habits)
    stand_in.habits = replace(
        stand_in.habits, not_offered=frozenset({"txsBeaconWithdrawal", "token1155tx"})
    )
    with opened(stand_in) as source:
        (history,) = source.histories([address_of("validator")], most=10)
        assert isinstance(history, AccountHistory)
        assert history.batch.transaction_count == 0
        assert any("withdrawals" in text for text in history.missing)
        assert len(source.notes()) == 2


def test_source__that_lists_no_transactions_is_of_no_use(habits: dict[str, Any]) -> None:
    stand_in = StandIn.of(story().batch(), **habits)
    stand_in.habits = replace(stand_in.habits, not_offered=frozenset({"txlist"}))
    with opened(stand_in) as source, pytest.raises(SourceUnavailableError, match="txlist"):
        source.histories([address_of("bob")], most=10)


def test_source__of_another_network_is_refused() -> None:
    stand_in = StandIn.of(story().batch())
    with served(stand_in) as server:
        uri = uri_of(server, stand_in)
        with pytest.raises(SourceUnavailableError, match="ethereum is wanted"):
            open_account_lookups(uri, "ethereum")
        with pytest.raises(SourceUnavailableError, match="add --network ethereum"):
            open_account_lookups(uri, "bitcoin")
