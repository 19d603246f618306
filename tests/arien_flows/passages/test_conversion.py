"""Conversions, told from stories whose truth is written down beside them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.account_ledger.view import AccountView
from arien_flows.passages.conversion import Conversion, conversions_in, survey_conversions
from arien_flows.passages.legs import net_of, scene_of
from chains.ethereum.tables import EventKind, MovementKind
from tests.account_chains import ETHER, AccountChain, Transaction, text_of


def chain() -> AccountChain:
    made = AccountChain()
    made.knows("usd", "USD", 6)
    made.knows("weth", "WETH", 18)
    made.genesis(alice=100 * ETHER, bob=100 * ETHER, bundler=ETHER)
    made.block()
    return made


def found_in(made: AccountChain) -> tuple[Conversion, ...]:
    view = made.view()
    return conversions_in(view, np.arange(view.counts.transactions))


def undecided_in(made: AccountChain) -> dict[str, int]:
    view = made.view()
    survey = survey_conversions(view, np.arange(view.counts.transactions))
    assert not survey.found
    return dict(survey.undecided)


def told(view: AccountView, it: Conversion) -> tuple[str, str, int, str, int]:
    """Return a conversion as (rule, gave, amount, got, amount) with the symbols of assets."""
    symbol = {fact.number: fact.symbol for fact in view.asset_facts}
    return it.rule, symbol[it.gave], it.gave_amount, symbol[it.got], it.got_amount


def test_conversions__of_a_swap_in_one_pool():
    made = chain()
    with made.transaction("alice", "router", burnt=1000, tip=10) as tx:
        tx.move("alice", "pool", 2 * ETHER)
        tx.token("usd", "pool", "alice", 6_000)
    view = made.view()
    (it,) = conversions_in(view, np.array([1]))
    assert told(view, it) == ("swap-eulerian", "tETH", 2 * ETHER, "USD", 6_000)
    assert it.owner == view.find_account(text_of("alice"))
    assert (it.given_rows, it.gotten_rows) == ((3,), (4,))
    assert it.certainty == "inference"


def test_conversions__go_through_a_router_that_wraps_and_refunds():
    made = chain()
    with made.transaction("alice", "router") as tx:
        tx.move("alice", "router", 3 * ETHER)
        tx.wrap("weth", "router", 2 * ETHER)
        tx.token("weth", "router", "pool", 2 * ETHER)
        tx.token("usd", "pool", "alice", 6_000)
        tx.move("router", "alice", ETHER)
    view = made.view()
    swap, wrap = conversions_in(view, np.array([1]))
    assert told(view, wrap) == ("wrap", "tETH", 2 * ETHER, "WETH", 2 * ETHER)
    assert wrap.owner == view.find_account(text_of("router"))
    assert wrap.certainty == "fact"
    # The last thing that came in is the refund, so the net position has to tell.
    assert told(view, swap) == ("swap-net", "tETH", 2 * ETHER, "USD", 6_000)
    assert len(swap.given_rows) == 1
    assert len(swap.gotten_rows) == 2


def test_conversions__of_a_route_over_three_assets_name_its_ends():
    made = chain()
    with made.transaction("alice", "aggregator") as tx:
        tx.token("a", "alice", "aggregator", 50)
        tx.token("a", "aggregator", "pool1", 50)
        tx.token("b", "pool1", "alice", 70)
        tx.token("b", "alice", "pool2", 70)
        tx.token("usd", "pool2", "alice", 90)
    view = made.view()
    (it,) = conversions_in(view, np.array([1]))
    assert told(view, it) == ("swap-eulerian", "", 50, "USD", 90)
    assert len(it.rows) == 4


def test_conversions__leave_a_fee_to_whom_it_went():
    made = chain()
    with made.transaction("alice", "router") as tx:
        tx.token("usd", "alice", "treasury", 30)
        tx.token("usd", "alice", "pool", 970)
        tx.move("pool", "alice", ETHER)
    view = made.view()
    (it,) = conversions_in(view, np.array([1]))
    assert told(view, it) == ("swap-eulerian", "USD", 970, "tETH", ETHER)
    fee = int(view.transactions.first_movement[1])
    assert fee not in it.rows


def test_conversions__count_what_arrived_of_a_token_with_a_fee():
    made = chain()
    with made.transaction("alice", "router") as tx:
        tx.move("alice", "pool", ETHER)
        tx.token("tax", "pool", "alice", 100)
        tx.token("tax", "alice", None, 5, MovementKind.DIFFERENCE_DOWN)
    (it,) = found_in(made)
    assert (it.rule, it.gave_amount, it.got_amount) == ("swap-eulerian", ETHER, 95)
    assert len(it.given_rows) == 2


def test_conversions__are_not_what_adds_or_takes_liquidity():
    made = chain()
    with made.transaction("alice", "router") as tx:
        tx.token("a", "alice", "pool", 10)
        tx.token("b", "alice", "pool", 20)
        tx.token("pool", "null", "alice", 14)
    made.block()
    with made.transaction("alice", "router") as tx:
        tx.token("pool", "alice", "pool", 14)
        tx.token("pool", "pool", "null", 14)
        tx.token("a", "pool", "alice", 10)
        tx.token("b", "pool", "alice", 20)
    assert undecided_in(made) == {"several_assets": 2}


def test_conversions__know_a_vault_that_makes_its_own_shares():
    made = chain()
    with made.transaction("alice", "vault") as tx:
        tx.token("usd", "alice", "vault", 500)
        tx.token("vault", "null", "alice", 480)
    with made.transaction("alice", "stake") as tx:
        tx.move("alice", "stake", ETHER)
        tx.token("share", "null", "alice", 9)
    rounds, kept = found_in(made)
    assert (rounds.rule, rounds.gave_amount, rounds.got_amount) == ("swap-eulerian", 500, 480)
    assert (kept.rule, kept.gave_amount, kept.got_amount) == ("swap-net", ETHER, 9)


def test_conversions__give_up_where_money_appears():
    made = chain()
    with made.transaction("alice", "safe") as tx:
        tx.token("usd", "alice", "bob", 100)
        tx.token("reward", "farm", "alice", 7)
    with made.transaction("alice", "router") as tx:
        tx.token("usd", "alice", "pool", 100)
        tx.move("pool", "alice", ETHER)
        tx.token("reward", "searcher", "pool", 7)
    assert undecided_in(made) == {"appeared": 2}


def test_conversions__say_nothing_where_somebody_else_gets_the_proceeds():
    made = chain()
    with made.transaction("alice", "router") as tx:
        tx.token("usd", "alice", "pool", 100)
        tx.move("pool", "mallory", ETHER)
    assert undecided_in(made) == {"one_way": 1}


def test_conversions__have_no_amounts_for_what_has_an_identity():
    made = chain()
    with made.transaction("alice", "market") as tx:
        tx.move("alice", "bob", ETHER)
        tx.token("punk", "bob", "alice", 1, MovementKind.NFT, token_id=4)
    assert undecided_in(made) == {"singular": 1}


def test_conversions__belong_to_the_accounts_of_a_bundle_and_not_to_its_bundler():
    made = chain()
    with made.transaction("bundler", "entry_point") as tx:
        for user, usd in (("carol", 100), ("dave", 300)):
            tx.token("usd", user, "pool", usd)
            tx.move("pool", user, usd * 10**15)
        tx.move("paymaster", "bundler", 10**15)
        for user in ("carol", "dave"):
            tx.event(EventKind.USER_OPERATION, "entry_point", user, "paymaster", user)
        tx.event(EventKind.USER_OPERATION, "entry_point", "eve")
    view = made.view()
    owners = {view.account_text(it.owner) for it in found_in(made)}
    assert owners == {
        view.account_text(view.find_account(text_of(name))) for name in ("carol", "dave")
    }
    assert [it.gave_amount for it in found_in(made)] == [100, 300]


def test_conversions__belong_to_a_safe_and_not_to_who_relays():
    made = chain()
    with made.transaction("alice", "safe") as tx:
        tx.token("usd", "safe", "pool", 100)
        tx.move("pool", "safe", ETHER)
        tx.event(EventKind.SAFE_EXECUTION, "safe")
    view = made.view()
    (it,) = conversions_in(view, np.array([1]))
    assert it.owner == view.find_account(text_of("safe"))


def test_conversions__leave_the_searcher_around_a_swap_alone():
    made = chain()
    with made.transaction("searcher", "bot", tip=10**15) as tx:
        tx.token("weth", "bot", "pool", 5 * ETHER)
        tx.token("usd", "pool", "bot", 15_000)
    assert undecided_in(made) == {}


def test_wraps__are_told_of_any_account_and_by_listed_contracts_a_fact():
    made = chain()
    with made.transaction("alice", "weth") as tx:
        tx.wrap("weth", "alice", ETHER)
    with made.transaction("alice", "fake") as tx:
        tx.unwrap("fake", "alice", ETHER)
    wrap, unwrap = found_in(made)
    assert (wrap.rule, wrap.certainty) == ("wrap", "fact")
    assert (unwrap.rule, unwrap.certainty) == ("unwrap", "inference")
    assert (wrap.gave, wrap.got) == (0, unwrap.gave - 1)


def test_wraps__without_a_payment_are_counted():
    made = chain()
    with made.transaction("alice", "weth") as tx:
        tx.token("weth", "null", "alice", ETHER, MovementKind.WRAP)
        tx.move("alice", "weth", ETHER - 1)
    view = made.view()
    survey = survey_conversions(view, np.array([1]))
    assert survey.undecided == {"wrap_without_coin": 1}


def test_conversions__ignore_failed_and_system_transactions_and_repetition():
    made = chain()
    with made.transaction("alice", "router") as tx:
        tx.succeeded = False
        tx.move("alice", "pool", ETHER)
        tx.token("usd", "pool", "alice", 1)
    with made.transaction("alice", "router") as tx:
        tx.move("alice", "pool", ETHER)
        tx.token("usd", "pool", "alice", 1)
    view = made.view()
    assert [it.transaction for it in conversions_in(view, np.array([2, 0, 1, 2]))] == [2]
    assert conversions_in(view, np.empty(0, np.int64)) == ()


accounts = st.sampled_from(["alice", "router", "pool", "other", "safe", "null"])
assets = st.sampled_from([None, "usd", "weth", "x"])
flows = st.lists(st.tuples(accounts, accounts, assets, st.integers(0, 4)), max_size=9)


def _write(tx: Transaction, moved: list[tuple[str, str, str | None, int]]) -> None:
    for giver, receiver, asset, amount in moved:
        if asset is None:
            tx.move(giver, receiver, amount)
        else:
            tx.token(asset, giver, receiver, amount)


@given(flows, st.booleans())
def test_conversions__account_for_exactly_what_their_rows_moved(moved, by_safe):
    made = chain()
    with made.transaction("alice", "router") as tx:
        _write(tx, moved)
        if by_safe:
            tx.event(EventKind.SAFE_EXECUTION, "safe")
            tx.event(EventKind.USER_OPERATION, "entry", "alice", None, "alice")
    view = made.view()
    scene, seen = scene_of(view, 1), set()
    for it in conversions_in(view, np.array([1])):
        part = [edge for edge in scene.edges if edge.row in it.rows]
        assert net_of(part, it.owner) == {it.gave: -it.gave_amount, it.got: it.got_amount}
        assert min(it.gave_amount, it.got_amount) > 0
        assert all(edge.giver == it.owner for edge in part if edge.row in it.given_rows)
        assert all(edge.receiver == it.owner for edge in part if edge.row in it.gotten_rows)
        assert seen.isdisjoint(it.rows)
        seen.update(it.rows)


@pytest.mark.parametrize("turned", [False, True])
def test_conversions__do_not_depend_on_the_order_of_pools(turned):
    made = chain()
    ways = [("pool1", 60), ("pool2", 40)]
    with made.transaction("alice", "router") as tx:
        for pool, part in reversed(ways) if turned else ways:
            tx.token("a", "alice", pool, part)
            tx.token("usd", pool, "alice", 2 * part)
    (it,) = found_in(made)
    assert (it.rule, it.gave_amount, it.got_amount) == ("swap-eulerian", 100, 200)


def test_conversions__are_not_hidden_by_an_empty_safe_beside_them():
    made = chain()
    with made.transaction("alice", "router") as tx:
        tx.move("alice", "pool", ETHER)
        tx.token("usd", "pool", "alice", 100)
        tx.event(EventKind.SAFE_EXECUTION, "throwaway")
    view = made.view()
    (it,) = found_in(made)
    assert it.owner == view.find_account(text_of("alice"))
    assert (it.gave_amount, it.got_amount) == (ETHER, 100)


def test_conversions__take_away_long_chains_of_side_payments():
    made = chain()
    with made.transaction("alice", "router") as tx:
        tx.move("alice", "pool", ETHER)
        tx.token("usd", "pool", "alice", 100)
        # From the end of the chain to its beginning, which is the worst order.
        for number in reversed(range(4_000)):
            tx.token("usd", f"side{number}", f"side{number + 1}", 1)
        tx.token("usd", "alice", "side0", 1)
    (it,) = found_in(made)
    assert (it.rule, it.gave_amount, it.got_amount) == ("swap-eulerian", ETHER, 100)


def test_wraps__take_each_payment_once():
    made = chain()
    with made.transaction("alice", "router") as tx:
        for _ in range(2):
            tx.move("alice", "weth", ETHER)
        for _ in range(3):
            tx.token("weth", "null", "alice", ETHER, MovementKind.WRAP)
    view = made.view()
    survey = survey_conversions(view, np.array([1]))
    assert [it.given_rows for it in survey.found] == [(3,), (4,)]
    assert survey.undecided["wrap_without_coin"] == 1
