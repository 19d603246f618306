"""Stories about the weaker rules, each with a trap."""

import pytest

from chains.ethereum.tables import CodeKind, EventKind
from tests.account_chains import ETHER, AccountChain
from tests.arien_flows.account_entities.stories import exchange_chain, together

FARM = ("f1", "f2", "f3")
HOT = "binance hot"


def airdropped(*honest: str, by_themselves: bool = True, collector: str = "collector"):
    chain = exchange_chain("project", *FARM, *honest)
    for name in (*FARM, *honest):
        chain.send("DROP", "project", name, 400)
        # Who pays only to exchanges may be a deposit address.
        chain.pay(name, "shop", 1)
    chain.block()
    for name in FARM:
        with chain.transaction(name if by_themselves else "mallory", "DROP") as tx:
            tx.token("DROP", name, collector, 400)
    return chain


def test_airdrop__joins_the_accounts_of_a_farm_in_profile_standard_only():
    chain = airdropped("carol")
    names = (*FARM, "carol", "collector", "project")
    assert together(chain, *names, profile="standard") == [{*FARM, "collector"}]
    assert together(chain, *names, profile="strict") == []


def test_airdrop__needs_many_recipients():
    names = (*FARM, "collector")
    assert together(airdropped(), *names, profile="standard") == []


def test_airdrop__does_not_believe_a_token_about_who_paid():
    chain = airdropped("carol", by_themselves=False)
    assert together(chain, *FARM, "collector", profile="standard") == []


def test_airdrop__leaves_out_exchanges_and_their_deposit_addresses():
    assert together(airdropped("carol", collector=HOT), *FARM, profile="standard") == []
    chain = airdropped("carol", collector="d1")
    chain.block()
    chain.send("DROP", "d1", HOT, 1_200)
    assert together(chain, *FARM, "d1", profile="standard") == []


@pytest.mark.parametrize("burn", ["null", "0x000000000000000000000000000000000000dead"])
def test_airdrop__leaves_out_what_is_destroyed(burn):
    chain = airdropped("carol", collector=burn)
    assert together(chain, *FARM, burn, profile="standard") == []


@pytest.mark.parametrize("profile", ["strict", "standard", "wide"])
def test_rules__never_join_through_burns(profile):
    dead = "0x000000000000000000000000000000000000dead"
    chain = exchange_chain("alice", "bob", "carol")
    for name in ("alice", "bob", "carol"):
        chain.pay(name, dead, ETHER)
        chain.send("USD", name, "null", 5)
        approval(chain, name, dead)
    chain.block()
    # Nobody can send from there; were it claimed, it would still join nobody.
    chain.pay(dead, HOT, 3 * ETHER)
    names = ("alice", "bob", "carol", dead, "null")
    assert together(chain, *names, profile=profile) == []


def funded(count: int, *, sweep: int = 0, collector: str = "collector") -> AccountChain:
    chain = exchange_chain("boss", "collector")
    names = [f"worker {number}" for number in range(count)]
    for name in names:
        chain.pay("boss", name, ETHER)
    chain.block()
    for name in names[:sweep]:
        chain.pay(name, collector, ETHER // 2)
    for name in names[sweep:]:
        chain.pay(name, f"shop of {name}", 1)
    return chain


def test_gas_funding__joins_one_who_funded_few_for_exploration_only():
    chain = funded(2)
    names = ("boss", "worker 0", "worker 1", "shop of worker 0", HOT)
    assert together(chain, *names, profile="wide") == [{"boss", "worker 0", "worker 1"}]
    assert together(chain, *names, profile="standard") == []


def test_gas_funding__takes_who_funded_many_for_a_service():
    names = [f"worker {number}" for number in range(5)]
    assert together(funded(5), "boss", *names, profile="wide", many_funded=4) == []


@pytest.mark.parametrize(("collector", "joins"), [("collector", True), (HOT, False)])
def test_gas_funding__is_sure_where_many_are_swept_to_one_account_of_no_service(collector, joins):
    names = [f"worker {number}" for number in range(5)]
    chain = funded(5, sweep=5, collector=collector)
    found = together(chain, "boss", *names, profile="standard", many_funded=4)
    assert found == ([{"boss", *names}] if joins else [])


def test_gas_funding__is_nobodys_where_an_exchange_paid_first():
    chain = exchange_chain()
    chain.pay(HOT, "customer", ETHER)
    chain.block()
    chain.pay("customer", "shop", 1)
    assert together(chain, HOT, "customer", "shop", profile="wide") == []


def test_gas_funding__does_not_speak_of_deposit_addresses_or_of_tips():
    chain = exchange_chain("alice")
    people = [f"person {number}" for number in range(30)]
    chain.genesis(**dict.fromkeys(people, ETHER))
    for person in people:
        chain.pay(person, "memo address", 10)
    chain.block()
    chain.pay("memo address", HOT, 300)
    chain.pay("alice", "shop", 1, tip=5)
    chain.block()
    chain.pay("miner", "alice", 1)
    names = (*people, "memo address", "miner", "alice")
    assert together(chain, *names, profile="wide") == []


def approval(chain: AccountChain, owner: str, spender: str, *, by: str = "", amount: int = 5):
    with chain.transaction(by or owner, "USD") as tx:
        tx.event(EventKind.APPROVAL, "USD", owner, spender, amount=amount)


def test_self_authorisation__is_off_unless_exploring():
    chain = exchange_chain("alice", "alice too", "mallory")
    approval(chain, "alice", "alice too")
    names = ("alice", "alice too", "mallory")
    assert together(chain, *names, profile="wide") == [{"alice", "alice too"}]
    assert together(chain, *names, profile="standard") == []


def test_self_authorisation__leaves_out_thieves_contracts_and_inventions():
    victims = [f"victim {number}" for number in range(11)]
    chain = exchange_chain(*victims, "alice", "bob", "thief", "known thief")
    for victim in victims:
        approval(chain, victim, "thief")
    approval(chain, "alice", "known thief")
    approval(chain, "bob", "alice", by="thief")
    approval(chain, "bob", "thief", amount=0)
    with chain.transaction("bob", "router") as tx:
        tx.event(EventKind.SWAP, "router")
    approval(chain, "bob", "router")
    names = (*victims, "alice", "bob", "thief", "known thief", "router")
    assert together(chain, *names, profile="wide", tagged=("known thief",)) == []


def test_same_creator__joins_contracts_with_each_other_and_not_with_who_deployed_them():
    chain = exchange_chain("dev", "other dev")
    for dev, contract in (("dev", "c1"), ("dev", "c2"), ("other dev", "c3")):
        with chain.transaction(dev) as tx:
            tx.code(contract, dev)
    assert together(chain, "c1", "c2", "c3", "dev") == [{"c1", "c2"}]


def test_same_creator__joins_few_copies_that_one_account_had_a_factory_make():
    chain = exchange_chain("dev", "other dev")
    for dev, contract, code in (
        ("dev", "v1", b"v"),
        ("dev", "v2", b"v"),
        ("dev", "w1", b"w"),
        ("other dev", "w2", b"w"),
    ):
        with chain.transaction(dev, "factory") as tx:
            tx.code(contract, "factory", CodeKind.SAFE_PROXY, code * 32)
    assert together(chain, "v1", "v2", "w1", "w2") == [{"v1", "v2"}]


def test_same_creator__leaves_out_contracts_of_many_people():
    chain = exchange_chain("dev")
    for contract in ("USD", "c2"):
        with chain.transaction("dev") as tx:
            tx.code(contract, "dev")
    chain.send("USD", "dev", "alice", 1)
    assert together(chain, "USD", "c2") == []
