"""Stories about deposit addresses, each with a trap of the rule."""

import numpy as np
import pytest

from arien_flows.account_entities.actors import MOST_COUNTERPARTIES
from chains.ethereum.tables import CodeKind, EventKind
from heuristics.deposits import MOST_ADDRESSES, MOST_SENDERS
from tests.account_chains import ETHER
from tests.arien_flows.account_entities.stories import (
    clustered,
    deposit,
    exchange_chain,
    number_of,
    together,
)

HOT = "binance hot"


def test_deposit_reuse__joins_payers_and_address_and_never_the_exchange():
    chain = exchange_chain("alice", "alice too", "bob")
    deposit(chain, "alice", "d1")
    deposit(chain, "alice too", "d1", 3 * ETHER)
    deposit(chain, "bob", "d2")
    names = ("alice", "alice too", "bob", "d1", "d2", HOT)
    assert together(chain, *names) == [{"alice", "alice too", "d1"}, {"bob", "d2"}]


def test_deposit_reuse__says_which_exchange_holds_the_address_and_how_sure_it_is():
    chain = exchange_chain("alice")
    # The numbers of worked example 6.
    deposit(chain, "alice", "d1", blocks=400, fee=2 * ETHER // 1000)
    view, made = clustered(chain)
    custody = made.custody
    assert custody.deposit.tolist() == [number_of(view, "d1")]
    assert custody.exchange.tolist() == [number_of(view, HOT)]
    assert custody.confidence_ppm.tolist() == [837_500]
    assert made.known.custodian(int(custody.exchange[0])) == "binance"
    assert made.links.confidence_ppm.tolist() == [837_500]


def test_deposit_reuse__averages_over_the_matches_of_an_address():
    chain = exchange_chain("alice", "alice too")
    deposit(chain, "alice", "d1", blocks=400, fee=2 * ETHER // 1000)
    deposit(chain, "alice too", "d1", blocks=800, fee=4 * ETHER // 1000)
    _, made = clustered(chain)
    assert made.custody.confidence_ppm.tolist() == [(837_500 + 675_000) // 2]
    assert made.custody.matches.tolist() == [2]


def test_deposit_reuse__joins_nobody_below_the_least_confidence():
    chain = exchange_chain("alice")
    deposit(chain, "alice", "d1", blocks=2_000, fee=5 * ETHER // 1000)
    assert together(chain, "alice", "d1") == []
    assert together(chain, "alice", "d1", profile="wide") == [{"alice", "d1"}]


def test_deposit_reuse__takes_tokens_to_the_unit_from_those_who_sent_them_themselves():
    chain = exchange_chain("alice", "mallory")
    chain.send("USD", "alice", "d1", 500)
    chain.block()
    chain.send("USD", "d1", HOT, 500)
    chain.block()
    chain.send("USD", "alice", "d2", 500)
    chain.block()
    chain.send("USD", "d2", HOT, 499)
    assert together(chain, "alice", "d1", "d2") == [{"alice", "d1"}]


def test_deposit_reuse__does_not_believe_what_a_token_says_of_somebody_else():
    chain = exchange_chain("victim", "mallory")
    with chain.transaction("mallory", "FAKE") as tx:
        tx.token("FAKE", "victim", "mallory deposit", 500)
        tx.token("FAKE", "mallory deposit", HOT, 500)
    assert together(chain, "victim", "mallory deposit") == []


def test_deposit_reuse__takes_forwarders_that_are_contracts():
    chain = exchange_chain("alice", "sweeper")
    with chain.transaction("sweeper", "factory") as tx:
        tx.code("d1", "factory", CodeKind.MINIMAL_PROXY, target="logic")
    chain.pay("alice", "d1", 2 * ETHER)
    chain.block()
    with chain.transaction("sweeper", "d1") as tx:
        tx.move("d1", HOT, 2 * ETHER)
    assert together(chain, "alice", "d1", "sweeper", HOT) == [{"alice", "d1"}]


@pytest.mark.parametrize("payers", [MOST_SENDERS, MOST_SENDERS + 1])
def test_deposit_reuse__leaves_out_an_address_that_many_share(payers):
    people = [f"person {number}" for number in range(payers)]
    chain = exchange_chain(*people)
    for person in people[:3]:
        deposit(chain, person, "memo address")
    for person in people[3:]:
        chain.pay(person, "memo address", ETHER)
    joined = together(chain, *people, "memo address")
    expected = [{*people[:3], "memo address"}] if payers <= MOST_SENDERS else []
    assert joined == expected


def test_deposit_reuse__leaves_out_a_wallet_that_pays_others_but_for_exploration():
    chain = exchange_chain("friend", "alice")
    deposit(chain, "friend", "wallet")
    chain.pay("wallet", "shop", 1)
    chain.block()
    deposit(chain, "wallet", "d1", ETHER // 10)
    names = ("friend", "wallet", "d1", "shop")
    assert together(chain, *names) == [{"wallet", "d1"}]
    # A deposit address itself is nobody's customer.
    assert together(chain, *names, profile="wide") == [{"friend", "wallet"}]


def test_deposit_reuse__leaves_out_who_pays_two_exchanges():
    chain = exchange_chain("alice", "kraken hot")
    deposit(chain, "alice", "wallet")
    deposit(chain, "alice", "wallet", exchange="kraken hot")
    two = {HOT: "binance", "kraken hot": "kraken"}
    assert together(chain, "alice", "wallet", exchanges=two) == []
    one = {HOT: "binance", "kraken hot": "binance"}
    assert together(chain, "alice", "wallet", exchanges=one) == [{"alice", "wallet"}]


@pytest.mark.parametrize("payer", ["kraken hot", "miner", "till", "null"])
def test_deposit_reuse__drops_payers_that_are_no_customers(payer):
    chain = exchange_chain("alice", "maker", "kraken hot", "miner")
    with chain.transaction("maker") as tx:
        tx.code("till", "maker")
    deposit(chain, "alice", "d1")
    with chain.transaction("maker" if payer == "till" else payer, payer) as tx:
        tx.move(payer, "d1", 4 * ETHER)
    chain.block()
    chain.pay("d1", HOT, 4 * ETHER)
    exchanges = {HOT: "binance", "kraken hot": "kraken"}
    assert together(chain, "alice", payer, "d1", exchanges=exchanges) == [{"alice", "d1"}]


def test_deposit_reuse__never_joins_a_contract_of_many_people_that_forwards():
    chain = exchange_chain("alice", "maker")
    with chain.transaction("maker") as tx:
        tx.code("pool", "maker")
    with chain.transaction("alice", "pool") as tx:
        tx.move("alice", "pool", 2 * ETHER)
        tx.move("pool", HOT, 2 * ETHER)
        tx.token("USD", "pool", "alice", 5)
    assert together(chain, "alice", "pool") == []


@pytest.mark.parametrize("addresses", [MOST_ADDRESSES, MOST_ADDRESSES + 1])
def test_deposit_reuse__takes_who_pays_to_many_addresses_for_an_unnamed_exchange(addresses):
    chain = exchange_chain("unnamed", "alice")
    names = [f"d{number}" for number in range(addresses)]
    for name in names:
        deposit(chain, "unnamed", name)
    deposit(chain, "alice", "d0")
    joined = together(chain, "unnamed", "alice", *names)
    everybody = {"unnamed", "alice", *names}
    assert joined == ([everybody] if addresses <= MOST_ADDRESSES else [{"alice", "d0"}])


@pytest.mark.parametrize("swaps", [False, True])
def test_deposit_reuse__knows_an_exchange_by_its_contract_and_not_by_a_pool(swaps):
    people = [f"person {number}" for number in range(MOST_COUNTERPARTIES + 1)]
    chain = exchange_chain("alice", "maker", *people)
    with chain.transaction("maker") as tx:
        tx.code("vault", "maker")
    for person in people:
        with chain.transaction(person, "vault") as tx:
            tx.move("vault", person, 1)
            if swaps:
                tx.event(EventKind.SWAP, "vault", person)
    deposit(chain, "alice", "d1", exchange="vault")
    joined = together(chain, "alice", "d1", "vault", exchanges={"vault": "bitfinex"})
    assert joined == ([] if swaps else [{"alice", "d1"}])


def test_deposit_reuse__keeps_customers_apart_whom_tags_name_differently():
    chain = exchange_chain("lazarus", "fbi")
    deposit(chain, "lazarus", "d1")
    deposit(chain, "fbi", "d1")
    view, made = clustered(chain, owners={"lazarus": "lazarus", "fbi": "fbi"})
    assert made.root_of(number_of(view, "lazarus")) != made.root_of(number_of(view, "fbi"))
    about = made.conflicts_about(made.root_of(number_of(view, "lazarus")))
    assert len(about) == 1
    assert np.isin(about[0, 1:3], [number_of(view, "fbi"), number_of(view, "d1")]).all()


def test_deposit_reuse__is_nothing_without_named_exchanges():
    chain = exchange_chain("alice")
    deposit(chain, "alice", "d1")
    assert together(chain, "alice", "d1", exchanges={"alice": "alice's"}) == []


def test_deposit_reuse__does_not_let_a_token_make_a_stranger_a_deposit_address():
    chain = exchange_chain("mallory")
    chain.pay("mallory", "cold", ETHER)
    chain.send("FAKE", "mallory", "cold", 500)
    chain.block()
    with chain.transaction("mallory", "FAKE") as tx:
        tx.token("FAKE", "cold", HOT, 500)
    assert together(chain, "mallory", "cold") == []


def test_deposit_reuse__does_not_let_a_token_hide_a_deposit_address():
    chain = exchange_chain("alice", "mallory", "kraken hot")
    deposit(chain, "alice", "d1")
    with chain.transaction("mallory", "FAKE") as tx:
        tx.token("FAKE", "d1", "kraken hot", 500)
    two = {HOT: "binance", "kraken hot": "kraken"}
    assert together(chain, "alice", "d1", exchanges=two) == [{"alice", "d1"}]


@pytest.mark.parametrize("listed", [True, False])
def test_deposit_reuse__takes_tokens_that_an_exchange_or_a_contract_collects(listed):
    chain = exchange_chain("alice", "bob", "sweeper")
    chain.knows("USD", "USD", 6, is_listed=listed)
    with chain.transaction("sweeper", "factory") as tx:
        tx.code("forwarder", "factory", CodeKind.MINIMAL_PROXY, target="logic")
    chain.send("USD", "alice", "forwarder", 500)
    chain.send("USD", "bob", "d1", 700)
    chain.block()
    with chain.transaction("sweeper", "forwarder") as tx:
        tx.token("USD", "forwarder", HOT, 500)
    with chain.transaction(HOT, "USD") as tx:
        tx.token("USD", "d1", HOT, 700)
    joined = together(chain, "alice", "bob", "forwarder", "d1")
    by_contract = [{"alice", "forwarder"}] if listed else []
    assert joined == [*by_contract, {"bob", "d1"}]
