import numpy as np

from arien_flows.account_entities.actors import (
    MOST_COUNTERPARTIES,
    ActorKind,
    Actors,
    many_people,
    sender_of,
)
from chains.ethereum.tables import NO_ACCOUNT, CodeKind, EventKind
from tests.account_chains import ETHER, AccountChain, text_of

MANY = MOST_COUNTERPARTIES + 1


def kind_of(view, name: str) -> ActorKind:
    return ActorKind(int(Actors(view).kind[view.find_account(text_of(name))]))


def serves_many(view, name: str) -> bool:
    return bool(many_people(view)[view.find_account(text_of(name))])


def funded(*names: str) -> AccountChain:
    chain = AccountChain()
    chain.genesis(**dict.fromkeys((*names, "alice"), 100 * ETHER))
    chain.block()
    return chain


def test_kind__follows_the_code_that_was_put_there():
    chain = funded()
    with chain.transaction("alice", "factory") as tx:
        tx.code("factory", "alice")
        tx.code("clone", "factory", CodeKind.MINIMAL_PROXY, target="logic")
        tx.code("vault", "factory", CodeKind.SAFE_PROXY, target="singleton")
    view = chain.view()
    kinds = [kind_of(view, name) for name in ("alice", "factory", "clone", "vault")]
    assert kinds == [
        ActorKind.KEY,
        ActorKind.CONTRACT,
        ActorKind.MINIMAL_PROXY,
        ActorKind.SAFE,
    ]
    leads_to = Actors(view).implementation[view.find_account(text_of("clone"))]
    assert leads_to == view.find_account(text_of("logic"))


def test_kind__of_a_delegated_account_stays_that_of_a_key():
    chain = funded("bob")
    with chain.transaction("relayer", "bob") as tx:
        tx.code("bob", kind=CodeKind.DELEGATION, target="wallet code")
        tx.event(EventKind.DELEGATION, None, "bob", "wallet code")
        # Code that runs at the account emits events in its name and pays in others' transactions.
        tx.event(EventKind.SWAP, "bob", "relayer")
        tx.move("bob", "carol", ETHER)
    assert kind_of(chain.view(), "bob") == ActorKind.DELEGATED
    chain.block()
    with chain.transaction("relayer", "bob") as tx:
        tx.code("bob", kind=CodeKind.DELEGATION)
        tx.event(EventKind.DELEGATION, None, "bob")
    chain.block()
    chain.pay("bob", "carol", ETHER)
    assert kind_of(chain.view(), "bob") == ActorKind.KEY


def test_kind__of_a_contract_whose_creation_was_not_seen():
    chain = funded()
    with chain.transaction("alice", "old contract") as tx:
        tx.move("alice", "old contract", ETHER)
        tx.move("old contract", "carol", ETHER)
    view = chain.view()
    assert kind_of(view, "old contract") == ActorKind.CONTRACT
    assert kind_of(view, "carol") == ActorKind.KEY


def test_kind__follows_what_a_contract_emits():
    chain = funded()
    with chain.transaction("alice", "router") as tx:
        tx.code("router", "alice")
        tx.token("USD", "alice", "pool", 5)
        tx.event(EventKind.SWAP, "pool", "router", "alice")
    with chain.transaction("alice", "cash") as tx:
        tx.event(EventKind.MIXER_DEPOSIT, "cash")
    with chain.transaction("alice", "gate") as tx:
        tx.event(EventKind.BRIDGE, "gate", "alice", amount=1)
    with chain.transaction("bundler", "entry") as tx:
        tx.event(EventKind.USER_OPERATION, "entry", "smart", third="smart")
        tx.move("smart", "carol", 0)
    view = chain.view()
    assert {
        name: kind_of(view, name)
        for name in ("USD", "pool", "router", "cash", "gate", "entry", "smart", "bundler")
    } == {
        "USD": ActorKind.TOKEN,
        "pool": ActorKind.POOL,
        "router": ActorKind.ROUTER,
        "cash": ActorKind.MIXER,
        "gate": ActorKind.BRIDGE,
        "entry": ActorKind.ENTRY_POINT,
        "smart": ActorKind.SMART_ACCOUNT,
        "bundler": ActorKind.KEY,
    }
    served = {name for name in ("USD", "pool", "router", "cash", "gate", "entry", "smart", "alice")
              if serves_many(view, name)}  # fmt: skip
    assert served == {"USD", "pool", "router", "cash", "gate", "entry"}


def test_kind__is_not_taken_from_events_of_an_account_that_sends_transactions():
    chain = funded()
    with chain.transaction("alice", "bob") as tx:
        tx.event(EventKind.SWAP, "alice")
    assert kind_of(chain.view(), "alice") == ActorKind.KEY


def test_many_people__begins_with_one_more_counterparty_than_allowed():
    def contract(counterparties: int, payees: int):
        chain = AccountChain()
        names = [f"user {number}" for number in range(counterparties)]
        chain.genesis(**dict.fromkeys([*names, "maker"], ETHER))
        chain.block()
        with chain.transaction("maker") as tx:
            tx.code("till", "maker")
            tx.receiver = "till"
        for name in names[1:]:
            chain.pay(name, "till", 10)
        with chain.transaction(names[0], "till") as tx:
            for payee in range(payees):
                tx.move("till", f"payee {payee}", 1)
        return chain.view()

    # The maker and every payee deal with it, too.
    assert not serves_many(contract(MOST_COUNTERPARTIES - 3, 2), "till")
    assert serves_many(contract(MOST_COUNTERPARTIES - 2, 2), "till")
    # A forwarder of deposits pays to one account only.
    assert not serves_many(contract(MANY + 5, 1), "till")


def test_many_people__never_means_an_account_of_a_key():
    chain = funded("rich")
    for number in range(MANY):
        chain.pay("rich", f"friend {number}", 1)
    assert not serves_many(chain.view(), "rich")


def test_sender_of__is_the_smart_account_the_safe_or_the_sender():
    chain = funded()
    chain.pay("alice", "bob", 1)
    with chain.transaction("bundler", "entry") as tx:
        tx.event(EventKind.USER_OPERATION, "entry", "smart", third="smart")
    with chain.transaction("bundler", "entry") as tx:
        tx.event(EventKind.USER_OPERATION, "entry", "smart", third="smart")
        tx.event(EventKind.USER_OPERATION, "entry", "other smart", third="other smart")
    with chain.transaction("alice", "safe") as tx:
        tx.event(EventKind.SAFE_EXECUTION, "safe")
    with chain.transaction("alice", "game") as tx:
        tx.event(EventKind.SAFE_EXECUTION, "safe")
    view = chain.view()
    found = sender_of(view, np.arange(view.counts.transactions))
    names = ("alice", "smart", "safe")
    alice, smart, safe = (view.find_account(text_of(name)) for name in names)
    assert found.tolist() == [NO_ACCOUNT, alice, smart, NO_ACCOUNT, safe, alice]


def test_sender_of__takes_any_selection_of_transactions():
    chain = funded()
    chain.pay("alice", "bob", 1)
    assert sender_of(chain.view(), np.array([1])).tolist() == [
        chain.view().find_account(text_of("alice"))
    ]
    assert sender_of(chain.view(), np.empty(0, np.int64)).tolist() == []
