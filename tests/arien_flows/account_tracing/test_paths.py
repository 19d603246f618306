"""Connections between accounts, on stories and against every way through small random chains."""

import json
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.account_entities.burns import burn_accounts
from arien_flows.account_tracing import paths_search
from arien_flows.account_tracing.ground import Ground
from arien_flows.account_tracing.paths import find_account_paths
from arien_flows.account_tracing.paths_answer import AccountPathAnswer
from arien_flows.account_tracing.paths_request import AccountPathRequest
from arien_flows.cli.account_path import account_path_lines
from arien_flows.errors import InputError, NotFoundError
from arien_flows.passages.asset_choice import amount_of, chosen_asset
from arien_flows.passages.conversion import conversions_in
from arien_flows.reports.account_path_files import write_account_paths
from chains.ethereum.address import checksummed
from tests.account_chains import ETHER, AccountChain, text_of
from tests.account_readings import reading_of


def ground_of(chain: AccountChain, services=None, groups=()) -> Ground:
    reading = reading_of(chain, services, groups)
    return Ground(
        view=reading.view,
        entities=reading.entities,
        attribution=reading.attribution,
        find_conversions=conversions_in,
        burns=burn_accounts(reading.view),
        denied=np.empty(0, np.uint32),
    )


def ask(chain: AccountChain, origin: str, destination: str, **fields: object) -> AccountPathAnswer:
    services = fields.pop("services", None)
    groups = fields.pop("groups", ())
    request = AccountPathRequest(
        origin=origin if ":" in origin or origin.startswith("0x") else text_of(origin),
        destination=destination
        if ":" in destination or destination.startswith("0x")
        else text_of(destination),
        **fields,  # type: ignore[arg-type]  # fields of one known class
    )
    return find_account_paths(ground_of(chain, services, groups), request)


def names_of(answer: AccountPathAnswer, *names: str) -> list[list[str]]:
    known = {checksummed(text_of(name)): name for name in names}
    return [
        [known[each.legs[0].giver], *(known[leg.receiver] for leg in each.legs)]
        for each in answer.connections
    ]


def stolen() -> AccountChain:
    chain = AccountChain()
    chain.knows("usd", "USD", 6)
    chain.genesis(thief=100 * ETHER, friend=5 * ETHER, pool=0)
    with chain.transaction("usd", "usd") as tx:
        tx.token("usd", "null", "pool", 10**12)
    chain.block()
    chain.pay("thief", "mule", 60 * ETHER, burnt=1000)
    with chain.transaction("mule", "router", burnt=1000) as tx:
        tx.move("mule", "pool", 30 * ETHER)
        tx.token("usd", "pool", "mule", 90_000_000_000)
    chain.block()
    chain.send("usd", "mule", "deposit", 80_000_000_000)
    chain.send("usd", "deposit", "exchange", 80_000_000_000)
    chain.pay("thief", "friend", 10 * ETHER)
    chain.pay("friend", "exchange", 12 * ETHER, burnt=1000)
    return chain


def test_paths__go_over_a_conversion_and_say_what_each_policy_says():
    answer = ask(stolen(), "thief", "exchange")
    assert names_of(answer, "thief", "mule", "deposit", "exchange", "friend") == [
        ["thief", "mule", "mule", "deposit", "exchange"],
        ["thief", "friend", "exchange"],
    ]
    swapped, plain = answer.connections
    assert [leg.kind for leg in swapped.legs] == ["transfer", "conversion", "transfer", "transfer"]
    assert (swapped.hops, swapped.carried, swapped.unit.asset) == (3, "80000000000", "USD")
    # 80,000 of 90,000 USD stand for as much of the 30 coins that were given for them.
    assert swapped.from_origin == str(30 * ETHER * 8 // 9)
    assert (swapped.certainty, plain.certainty) == ("inference", "fact")
    assert plain.carried == str(10 * ETHER)
    told = {(it.policy, it.unit.asset): it for it in answer.policies}
    assert told["fifo", "USD"].arrived == "80000000000"
    assert told["fifo", "tETH"].source == str(70 * ETHER)
    # The friend's own coins came first, and so they left first.
    assert told["fifo", "tETH"].arrived == str(7 * ETHER)
    assert told["lifo", "tETH"].arrived == str(10 * ETHER)
    assert told["haircut", "tETH"].arrived == str(8 * ETHER)
    assert told["poison", "tETH"].arrived == str(12 * ETHER)
    assert told["fifo", "tETH"].converted_out == str(30 * ETHER)


def test_paths__of_one_asset_and_by_hops():
    by_hops = ask(stolen(), "thief", "exchange", by="hops", asset="tETH")
    assert [each.hops for each in by_hops.connections] == [2, 3]
    assert by_hops.request.asset == "tETH"
    few = ask(stolen(), "thief", "exchange", limit=1, max_hops=2)
    assert [each.hops for each in few.connections] == [2]
    large = ask(stolen(), "thief", "exchange", asset="tETH", min_value=20 * ETHER)
    assert [each.hops for each in large.connections] == [3]


def test_paths__need_money_to_arrive_before_it_goes_on():
    chain = AccountChain()
    chain.genesis(a=10 * ETHER, b=10 * ETHER)
    chain.block()
    chain.pay("b", "c", 3 * ETHER)
    chain.pay("a", "b", 2 * ETHER)
    none = ask(chain, "a", "c")
    assert none.connections == ()
    assert none.statement.startswith(f"No path from {text_of('a')} to {text_of('c')} within these")
    assert none.statement.endswith("Everything within them was looked at.")
    chain.pay("b", "c", ETHER)
    found = ask(chain, "a", "c")
    assert [each.carried for each in found.connections] == [str(ETHER)]
    assert found.connections[0].legs[1].count == 1


def test_paths__end_at_services_and_burns_unless_let_through():
    chain = AccountChain()
    chain.genesis(a=10 * ETHER)
    chain.block()
    for giver, receiver in pairwise(["a", "mixer", "b", "c"]):
        chain.pay(giver, receiver, ETHER)
    chain.pay("a", "null", ETHER)
    services = {"mixer": ("A mixer", "mixer"), "c": ("The end", "exchange")}
    stopped = ask(chain, "a", "b", services=services)
    assert stopped.connections == ()
    assert [(it.reason, it.label) for it in stopped.barred] == [("mixer", "A mixer")]
    assert "not through a service" in stopped.statement
    passed = ask(chain, "a", "category:exchange", services=services, through=("services",))
    assert passed.connections[0].hops == 3
    assert passed.connections[0].legs[-1].receiver_label == "The end"
    with pytest.raises(InputError, match="can be searched from"):
        ask(chain, "category:mixer", "service:The end", services=services)
    with pytest.raises(NotFoundError, match="no tag names"):
        ask(chain, "a", "category:gambling", services=services)


def test_paths__between_entities_and_what_they_refuse():
    chain = stolen()
    groups = (("thief", "mule"),)
    answer = ask(chain, f"entity:{text_of('mule')}", "deposit", groups=groups)
    assert [each.hops for each in answer.connections] == [1]
    assert answer.policies[0].arrived == "80000000000"
    with pytest.raises(InputError, match="in common"):
        ask(chain, f"entity:{text_of('mule')}", "thief", groups=groups)
    with pytest.raises(InputError, match="no end"):
        ask(chain, "thief", "coin:1")
    for fields in ({"by": "luck"}, {"limit": 0}, {"min_value": 5}, {"through": ("walls",)}):
        with pytest.raises(InputError):
            AccountPathRequest(origin="a", destination="b", **fields)  # type: ignore[arg-type]


def test_paths__say_what_a_budget_left_out(monkeypatch):
    answer = ask(stolen(), "thief", "exchange", budget=4)
    assert "budget" in [cut.reason for cut in answer.truncations]
    assert not answer.searched.exhaustive
    monkeypatch.setattr(paths_search, "MOST_MOVES", 2)
    wide = ask(stolen(), "thief", "exchange")
    assert "many_movements" in [cut.reason for cut in wide.truncations]


payments = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 9)), min_size=1, max_size=12
)


def _every_way(moved: list[tuple[int, int, int]], max_hops: int) -> set[tuple[int, ...]]:
    """Return all rows of accounts from 0 to 4 along which a unit can have gone, by trying them."""
    ways: set[tuple[int, ...]] = set()
    fringe = [((0,), -1)]
    while fringe:
        row, moment = fringe.pop()
        if row[-1] == 4:
            ways.add(row)
            continue
        for order, (giver, receiver, _) in enumerate(moved):
            if order > moment and giver == row[-1] and receiver not in row and len(row) <= max_hops:
                fringe.append(((*row, receiver), order))
    return ways


@given(payments, st.integers(1, 4))
def test_paths__are_all_ways_in_time_and_none_other(moved, max_hops):
    names = ["n0", "n1", "n2", "n3", "n4"]
    chain = AccountChain()
    chain.genesis(**dict.fromkeys(names, ETHER))
    chain.block()
    for giver, receiver, amount in moved:
        chain.pay(names[giver], names[receiver], amount)
    answer = ask(chain, "n0", "n4", limit=1_000, max_hops=max_hops)
    found = {tuple(names.index(it) for it in row) for row in names_of(answer, *names)}
    assert found == _every_way(moved, max_hops)
    carried = [int(each.carried) for each in answer.connections]
    assert carried == sorted(carried, reverse=True)
    assert not answer.more
    # Within fewer hops than all ways have, money may take a longer way over the same accounts.
    for share in answer.policies if max_hops == 4 else ():
        if share.policy != "poison":
            assert int(share.arrived) <= sum(carried)


def test_path_lines__show_amounts_with_their_assets_and_rules():
    text = "\n".join(account_path_lines(ask(stolen(), "thief", "exchange")))
    assert "can have carried at most 80,000.000000 USD, which stands for 26.66" in text
    assert "30.000000000000000000 tETH for 90,000.000000 USD (swap-eulerian)" in text
    assert "the same" in text
    assert text.count("fifo") == 2


def test_write_account_paths__writes_the_answer_and_its_graph(tmp_path):
    answer = ask(stolen(), "thief", "exchange")
    told, graph = write_account_paths(answer, tmp_path / "out")
    assert json.loads(told.read_text())["statement"] == answer.statement
    edges = nx.read_graphml(graph, force_multigraph=True).edges(data=True)
    assert len(edges) == 6
    assert {data["kind"] for *_, data in edges} == {"transfer", "conversion"}
    with pytest.raises(InputError, match="is a file"):
        write_account_paths(answer, told)


def test_amount_of__reads_what_people_type():
    view = stolen().view()
    assert amount_of(view, 0, "0.5tETH") == ETHER // 2
    assert amount_of(view, 0, "12") == 12
    usd = chosen_asset(view, "usd")
    assert amount_of(view, usd, "1.5 USD") == 1_500_000
    for text in ("1.5", "much", "1.0000001USD", "1tETH", ""):
        with pytest.raises(InputError):
            amount_of(view, usd, text)


def test_paths__end_at_a_burn_address_that_is_asked_for_and_never_pass_it():
    chain = AccountChain()
    dead = "0x" + "0" * 40
    chain.genesis(alice=100 * ETHER)
    chain.block()
    chain.pay("alice", "null", ETHER)
    with chain.transaction("token", "token") as tx:
        tx.token("token", "null", "bob", 5)
    lost = ask(chain, "alice", dead)
    (it,) = lost.connections
    assert (it.hops, it.carried) == (1, str(ETHER))
    assert {(each.arrived, each.destroyed) for each in lost.policies} == {("0", str(ETHER))}
    (made,) = ask(chain, dead, "bob").connections
    assert made.carried == "5"
    assert not ask(chain, "alice", "bob").connections
