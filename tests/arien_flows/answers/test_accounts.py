"""Answers about accounts: summaries, histories, transactions, each exact and honest."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from arien_flows.account_ledger.view import AccountView
from arien_flows.account_workspace import AccountReading, account_reading
from arien_flows.answers.account_address import MAX_TOKENS, account_answer
from arien_flows.answers.account_history import account_history_answer
from arien_flows.answers.account_transaction import account_transaction_answer
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import sqlite_url
from arien_flows.errors import InputError, NotFoundError, StaleCursorError
from arien_flows.shapes import json_text
from chains.ethereum.tables import (
    CallCoverage,
    CodeKind,
    EventKind,
    MovementKind,
    Ordering,
    TransactionKind,
)
from tests.account_chains import ETHER, AccountChain, text_of


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Casebook]:
    casebook = Casebook(sqlite_url(tmp_path / "casebook.sqlite"))
    yield casebook
    casebook.close()


def reading_of(chain: AccountChain | AccountView, book: Casebook) -> AccountReading:
    return account_reading(chain.view() if isinstance(chain, AccountChain) else chain, book)


def test_account_answer__tells_the_coin_to_the_wei(book: Casebook):
    chain = AccountChain()
    chain.genesis(alice=2**200)
    chain.block()
    chain.pay("alice", "bob", 2**199 + 1, burnt=3, tip=2)
    found = account_answer(reading_of(chain, book), text_of("alice").upper().replace("0X", "0x"))
    assert found.received == str(2**200)
    assert found.sent == str(2**199 + 6)
    assert found.balance == str(2**200 - 2**199 - 6)
    assert (found.asset, found.decimals) == ("tETH", 18)
    assert (found.kind, found.kind_certainty) == ("key", "fact")
    assert (found.transaction_count, found.sent_count) == (2, 1)
    assert found.first_seen is not None
    assert found.first_seen.height == 0


def test_account_answer__sets_listed_tokens_apart_from_what_strangers_sent(book: Casebook):
    chain = AccountChain()
    chain.knows("real", "USDX", 6)
    chain.knows("fake", "USDX", 6, is_listed=False)
    for token in ("real", "fake", "other"):
        chain.send(token, "mallory", "alice", 7)
    chain.send("real", "alice", "bob", 3)
    found = account_answer(reading_of(chain, book), text_of("alice"))
    (real,) = found.tokens
    assert (real.asset.name, real.received, real.sent, real.balance) == ("USDX", "7", "3", "4")
    assert found.other_token_count == 2
    assert found.imitation_count == 1
    assert {(it.asset.standing, it.asset.decimals) for it in found.other_tokens} == {
        ("imitation", 6),
        ("unverified", None),
    }


def test_account_answer__bounds_the_tokens_of_strangers(book: Casebook):
    chain = AccountChain()
    for number in range(MAX_TOKENS + 5):
        chain.send(f"spam-{number}", "mallory", "alice", 1)
    found = account_answer(reading_of(chain, book), text_of("alice"))
    assert len(found.other_tokens) == MAX_TOKENS
    assert found.other_token_count == MAX_TOKENS + 5
    assert ("other_tokens", "too_many") in {(it.where, it.reason) for it in found.truncations}


def test_account_answer__tells_code_creator_and_delegation(book: Casebook):
    chain = AccountChain()
    with chain.transaction("bob", "factory") as tx:
        tx.code("made", "factory", CodeKind.MINIMAL_PROXY, b"\x02" * 32, "target")
    with chain.transaction("alice", "alice", kind=TransactionKind.SET_CODE) as tx:
        tx.code("alice", None, CodeKind.DELEGATION, target="wallet")
    with chain.transaction("alice", "alice", kind=TransactionKind.SET_CODE) as tx:
        tx.code("alice", None, CodeKind.DELEGATION)
    reading = reading_of(chain, book)
    made = account_answer(reading, text_of("made"))
    assert (made.kind, made.kind_certainty) == ("minimal_proxy", "fact")
    assert made.created is not None
    assert made.created.creator == reading.view.account_text(
        reading.view.find_account(text_of("factory"))
    )
    assert made.created.sender is not None
    assert made.created.sender.lower() == text_of("bob")
    assert [code.target is not None for code in made.codes] == [True]
    alice = account_answer(reading, text_of("alice"))
    assert [code.kind for code in alice.codes] == ["delegation", "delegation_ended"]
    assert alice.created is None


def test_account_answer__flags_approvals_that_stand(book: Casebook):
    chain = AccountChain()
    with chain.transaction("alice", "token") as tx:
        tx.event(EventKind.APPROVAL, "token", "alice", "thief", amount=2**256 - 1)
        tx.event(EventKind.APPROVAL, "token", "alice", "shop", amount=5)
        tx.event(EventKind.APPROVAL, "token", "alice", "shop", amount=0)
        tx.event(EventKind.APPROVAL, "token", "bob", "alice", amount=5)
    (flag,) = account_answer(reading_of(chain, book), text_of("alice")).flags
    assert (flag.name, flag.certainty) == ("approvals", "fact")
    assert "it let 1 account take its tokens of 1 contract" in flag.detail


def test_account_answer__flags_the_null_address_and_balances_below_zero(book: Casebook):
    chain = AccountChain(calls=CallCoverage.MISSING)
    chain.pay("alice", "null", ETHER)
    reading = reading_of(chain, book)
    burnt, *_ = account_answer(reading, text_of("null")).flags
    assert burnt.name == "burn_address"
    assert "newly made" in burnt.detail
    alice = account_answer(reading, text_of("alice"))
    assert alice.balance == str(-ETHER)
    assert "balance_below_zero" in [it.name for it in alice.flags]


def test_answers__say_that_the_ledger_begins_late_lacks_traces_and_order(book: Casebook):
    chain = AccountChain(first_height=7, calls=CallCoverage.MISSING, ordering=Ordering.CALLS_FIRST)
    chain.pay("alice", "bob", 1)
    reading = reading_of(chain, book)
    for found in (
        account_answer(reading, text_of("alice")),
        account_history_answer(reading, text_of("alice"), limit=5),
        account_transaction_answer(reading, chain.tx_hash(0, 0), limit=5),
    ):
        assert not found.complete
        reasons = {it.reason for it in found.truncations}
        assert {"before_ledger", "no_traces", "order_not_told"} <= reasons


def test_account_answer__keeps_hostile_names_harmless_and_short(book: Casebook):
    chain = AccountChain()
    chain.knows("evil", "<script>\u202e\x1b[2J\n" + "x" * 10_000, 6, is_listed=False)
    chain.send("evil", "mallory", "alice", 1)
    reading = reading_of(chain, book)
    for found in (
        account_answer(reading, text_of("alice")),
        account_history_answer(reading, text_of("alice"), limit=5),
        account_transaction_answer(reading, chain.tx_hash(0, 0), limit=5),
    ):
        text = json_text(found)
        assert "\u202e" not in text
        assert "\\u001b" not in text
        assert "x" * 40 not in text


# --- histories


def story() -> AccountChain:
    chain = AccountChain()
    chain.knows("fake", "tETH", 18, is_listed=False)
    chain.genesis(alice=9 * ETHER)
    for number in range(4):
        chain.block()
        chain.pay("alice", "bob", number + 1)
        chain.send("fake", "mallory", "alice", 5)
        with chain.transaction("mallory", "token") as tx:
            tx.token("token", "alice", "eve", 0)
    return chain


def test_account_history_answer__passes_over_what_strangers_wrote_and_counts_it(book: Casebook):
    found = account_history_answer(reading_of(story(), book), text_of("alice"), limit=10)
    assert [row.sent for row in found.items] == ["4", "3", "2", "1", "0"]
    assert found.hidden == 8
    assert found.next_cursor is None
    assert not any(row.hidden for row in found.items)


def test_account_history_answer__shows_all_where_that_is_asked(book: Casebook):
    found = account_history_answer(
        reading_of(story(), book), text_of("alice"), limit=50, show_all=True
    )
    assert len(found.items) == 13
    assert found.hidden == 0
    assert sum(row.hidden for row in found.items) == 8


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("show_all", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_account_history_answer__pages_join_to_the_whole(
    book: Casebook, order, show_all: bool, limit: int
):
    reading = reading_of(story(), book)

    def page(limit: int, cursor: str | None):
        return account_history_answer(
            reading, text_of("alice"), limit=limit, order=order, cursor=cursor, show_all=show_all
        )

    whole, parts, hidden, cursor = page(50, None), [], 0, None
    while True:
        part = page(limit, cursor)
        parts += part.items
        hidden += part.hidden
        cursor = part.next_cursor
        if cursor is None:
            break
    assert tuple(parts) == whole.items
    assert hidden == whole.hidden


def test_account_history_answer__what_the_account_sent_is_never_hidden(book: Casebook):
    chain = AccountChain()
    with chain.transaction("alice", "token") as tx:
        tx.token("token", "alice", "bob", 0)
    found = account_history_answer(reading_of(chain, book), text_of("alice"), limit=5)
    assert len(found.items) == 1
    assert found.items[0].movements[0].hidden


def test_account_history_answer__pages_through_both_system_rows_of_a_block(book: Casebook):
    chain = AccountChain(first_height=9)
    chain.system(MovementKind.OPENING, alice=1)
    chain.system(MovementKind.WITHDRAWAL, alice=2)
    reading = reading_of(chain, book)
    first = account_history_answer(reading, text_of("alice"), limit=1)
    assert first.next_cursor is not None
    second = account_history_answer(reading, text_of("alice"), limit=1, cursor=first.next_cursor)
    assert [it.received for it in (*first.items, *second.items)] == ["2", "1"]
    assert first.items[0].movements[0].position == 1
    assert second.next_cursor is None


def test_account_history_answer__refuses_cursors_of_other_lists(book: Casebook):
    reading = reading_of(story(), book)
    cursor = account_history_answer(reading, text_of("alice"), limit=1).next_cursor
    with pytest.raises(InputError, match="belongs to another list"):
        account_history_answer(reading, text_of("eve"), limit=1, cursor=cursor)
    with pytest.raises(InputError, match="other order"):
        account_history_answer(reading, text_of("alice"), limit=1, cursor=cursor, order="oldest")
    fresh = AccountChain(salt="other")
    fresh.pay("alice", "bob", 1)
    with pytest.raises(StaleCursorError):
        account_history_answer(reading_of(fresh, book), text_of("alice"), limit=1, cursor=cursor)


# --- transactions


def test_account_transaction_answer__a_failed_one_moved_nothing_but_gas(book: Casebook):
    chain = AccountChain()
    with chain.transaction("alice", "bob", burnt=9, tip=4, succeeded=False, value=ETHER):
        pass
    found = account_transaction_answer(reading_of(chain, book), chain.tx_hash(0, 0), limit=10)
    assert not found.succeeded
    assert (found.gas_burnt, found.gas_tip) == ("9", "4")
    assert [it.kind for it in found.movements] == ["gas_burnt", "gas_tip"]
    assert [it.name for it in found.flags] == ["failed"]


def test_account_transaction_answer__tells_a_swap_with_its_rule_and_movements(book: Casebook):
    chain = AccountChain()
    chain.knows("usd", "USDX", 6)
    with chain.transaction("alice", "router", burnt=1) as tx:
        tx.move("alice", "router", ETHER)
        tx.move("router", "pool", ETHER)
        tx.token("usd", "pool", "alice", 2_000)
        tx.event(EventKind.SWAP, "pool", "router", "alice")
    found = account_transaction_answer(reading_of(chain, book), chain.tx_hash(0, 0), limit=10)
    (swap,) = found.conversions
    assert swap.owner.lower() == text_of("alice")
    assert (swap.gave.name, swap.gave_amount) == ("tETH", str(ETHER))
    assert (swap.got.name, swap.got_amount) == ("USDX", "2000")
    assert swap.certainty == "inference"
    assert swap.positions == (0, 2)
    assert [(it.kind, len(it.accounts)) for it in found.events] == [("swap", 2)]


def test_account_transaction_answer__tells_what_events_say(book: Casebook):
    chain = AccountChain()
    word = b"\x07" * 32
    with chain.transaction("bundler", "entry") as tx:
        tx.move("alice", "bob", 1)
        tx.event(EventKind.APPROVAL, "token", "alice", "thief", amount=2**256 - 1)
        tx.event(EventKind.MIXER_DEPOSIT, "mixer", word=word, amount=12)
        tx.event(EventKind.MIXER_WITHDRAWAL, "mixer", "eve", "relayer", word=word, amount=3)
        tx.event(EventKind.USER_OPERATION, "entry", "alice", None, None, word=word, amount=8)
        tx.event(EventKind.BRIDGE, "bridge", "alice", word=word, amount=1)
        tx.event(EventKind.DELEGATION, None, "alice", "wallet")
    found = account_transaction_answer(reading_of(chain, book), chain.tx_hash(0, 0), limit=10)
    approval, deposit, withdrawal, operation, bridge, delegation = found.events
    assert approval.unlimited
    assert (deposit.amount, deposit.word) == ("12", "0x" + word.hex())
    assert [it.lower() for it in withdrawal.accounts] == [text_of("eve"), text_of("relayer")]
    assert (operation.succeeded, operation.amount) == (False, "8")
    assert operation.asset is not None
    assert operation.asset.standing == "coin"
    assert bridge.leaves_chain
    assert delegation.contract is None
    assert found.acting is not None
    assert found.acting.lower() == text_of("alice")


def test_account_transaction_answer__pages_movements_and_says_so(book: Casebook):
    chain = AccountChain()
    with chain.transaction("alice", "many") as tx:
        for number in range(7):
            tx.move("many", f"friend-{number}", number + 1)
    reading = reading_of(chain, book)
    found = account_transaction_answer(reading, chain.tx_hash(0, 0), limit=3, offset=3)
    assert [it.amount for it in found.movements] == ["4", "5", "6"]
    assert [it.position for it in found.movements] == [3, 4, 5]
    assert found.movement_count == 7
    assert "3 to 5, of 7" in found.truncations[0].detail


def test_account_transaction_answer__a_blocks_hash_names_what_moved_outside_any(book: Casebook):
    chain = AccountChain()
    chain.genesis(alice=1)
    chain.system(MovementKind.REWARD, miner=2)
    found = account_transaction_answer(
        reading_of(chain, book), "0x" + chain.block_hash(0).hex(), limit=5
    )
    assert (found.kind, found.sender) == ("system", None)
    assert [(it.kind, it.amount, it.giver) for it in found.movements] == [
        ("genesis", "1", None),
        ("reward", "2", None),
    ]


def test_account_transaction_answer__refuses_what_is_no_id(book: Casebook):
    chain = AccountChain()
    chain.pay("alice", "bob", 1)
    reading = reading_of(chain, book)
    with pytest.raises(InputError, match="not a transaction id"):
        account_transaction_answer(reading, "0x12", limit=5)
    with pytest.raises(NotFoundError, match="up to block 0"):
        account_transaction_answer(reading, "0x" + "ab" * 32, limit=5)
