"""Traces of balances: stories whose amounts are known by hand, and what answers say of them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from arien_flows.account_tracing import explore
from arien_flows.account_tracing.request import AccountTraceRequest
from arien_flows.account_tracing.sources import movement_text
from arien_flows.account_tracing.trace import request_of, trace_accounts_in
from arien_flows.errors import InputError, NothingReceivedError
from arien_flows.shapes import json_text
from chains.ethereum.tables import CallCoverage, CodeKind, EventKind, MovementKind
from tests.account_chains import ETHER, AccountChain, text_of
from tests.account_readings import reading_of
from tests.arien_flows.account_tracing.stories import (
    CONSERVING,
    DOLLAR,
    EXCHANGE,
    asked,
    ends_of,
    of,
    stolen,
    theft,
)


@pytest.mark.parametrize(
    ("policy", "paid_in", "kept"),
    [("fifo", 4_000, 8), ("lifo", 20_000, 0), ("haircut", 12_000, 4), ("poison", 24_000, 8)],
)
def test_theft__ends_at_the_exchange_with_the_amounts_of_each_policy(policy, paid_in, kept):
    chain = theft()
    answer = asked(reading_of(chain, EXCHANGE), stolen(chain), policy=policy).answer
    (service,) = answer.services
    assert (service.label, service.reason) == ("Big Exchange", "service_reached")
    assert (int(service.traced), service.unit.asset) == (paid_in * DOLLAR, "USDC")
    coin, wrapped, dollars = answer.assets
    assert int(coin.totals.by_reason.get("unspent", 0)) == kept * ETHER
    assert coin.totals.converted_away == wrapped.totals.came_by_conversion
    assert wrapped.totals.converted_away == wrapped.totals.came_by_conversion
    assert int(dollars.totals.came_by_conversion) == paid_in * DOLLAR
    assert [step.rule for step in answer.conversions] == ["wrap", "swap-eulerian"]
    (point,) = answer.service_points
    assert point.address == reading_of(chain).view.account_text(
        reading_of(chain).view.find_account(text_of("exchange"))
    )
    (transfer,) = point.coins
    assert transfer.counterparty is not None
    assert transfer.counterparty.lower() == text_of("deposit")
    assert transfer.outpoint == f"{chain.tx_hash(5, 0)}:0"


def test_theft__backward_from_the_exchange_finds_the_victim():
    chain = theft()
    source = f"{chain.tx_hash(5, 0)}:0"
    for policy in CONSERVING:
        result = of(chain, source, direction="backward", policy=policy)
        # Twelve ether bought the dollars: ten of one origin, two of the other, or six and six.
        assert ends_of(result) == {("tETH", "newly_mined"): 12 * ETHER}
        assert {step.rule for step in result.answer.conversions} == {"wrap", "swap-eulerian"}


def test_trace__of_an_address_means_what_it_received_from_others():
    chain = theft()
    answer = of(chain, "thief").answer
    # Genesis and theft; what it got for its own ether is no new money.
    assert int(answer.totals.source) == 20 * ETHER
    dollars = of(chain, "deposit", asset=text_of("USDC")).answer
    assert int(dollars.totals.source) == 24_000 * DOLLAR
    assert (dollars.asset, dollars.decimals) == ("USDC", 6)
    assert of(chain, "deposit", asset="usdc").answer.request.asset == dollars.request.asset
    with pytest.raises(NothingReceivedError, match="received no WETH from others"):
        of(chain, "thief", asset="WETH")


def test_trace__of_an_entity_leaves_out_what_its_accounts_pay_each_other():
    chain = AccountChain()
    chain.genesis(one=5 * ETHER)
    chain.block()
    chain.pay("one", "two", 3 * ETHER)
    reading = reading_of(chain, groups=(("one", "two"),))
    result = asked(reading, f"entity:{text_of('two')}")
    assert int(result.answer.totals.source) == 5 * ETHER
    (node,) = result.answer.graph.nodes
    assert (node.kind, node.members, int(node.returned)) == ("source", 2, 3 * ETHER)
    assert node.certainty == "inference"


def test_trace__gas_is_destroyed_or_a_tip_and_its_order_matters():
    chain = AccountChain()
    chain.genesis(alice=3)
    chain.block()
    chain.genesis(bob=7)
    chain.block()
    chain.pay("bob", "alice", 7)
    chain.block()
    chain.pay("alice", "carol", 4, burnt=2, tip=1)
    source = f"{chain.tx_hash(2, 0)}:0"
    last = of(chain, source, min_value=1)
    assert ends_of(last) == {("tETH", "unspent"): 4, ("tETH", "fees"): 1, ("tETH", "destroyed"): 2}
    assert [(fee.kind, fee.traced) for fee in last.answer.fees] == [("burnt", "2"), ("tip", "1")]
    first = of(chain, source, min_value=1, gas_order="first")
    # Three clean units leave first: for gas, so that all of what carol gets is traced.
    assert ends_of(first) == {("tETH", "unspent"): 7}
    assert of(chain, source, min_value=1, fee_mode="drop").answer.fees == ()
    followed = of(chain, source, min_value=1, fee_mode="track_coinbase")
    assert ends_of(followed) == {("tETH", "unspent"): 5, ("tETH", "destroyed"): 2}


@pytest.mark.parametrize("nobody", ["null", "0x000000000000000000000000000000000000dead"])
def test_trace__what_is_burnt_is_destroyed_and_goes_to_nobody(nobody):
    chain = AccountChain()
    chain.genesis(alice=9, carol=4)
    chain.block()
    chain.pay("alice", nobody, 5)
    chain.pay("carol", nobody, 4)
    chain.block()
    chain.pay("alice", "bob", 4)
    result = of(chain, "alice", min_value=1)
    assert ends_of(result) == {("tETH", "unspent"): 4, ("tETH", "destroyed"): 5}
    (leaf,) = result.answer.destroyed
    assert leaf.outpoint == f"{chain.tx_hash(1, 0)}:0"
    # Asked what the burner received, its own trace ends where it began.
    assert ends_of(of(chain, f"{chain.tx_hash(1, 0)}:0", min_value=1)) == {("tETH", "destroyed"): 5}


def test_trace__cycles_and_payments_to_oneself_lose_nothing():
    chain = AccountChain()
    chain.genesis(alice=10)
    chain.block()
    chain.pay("alice", "alice", 6)
    chain.pay("alice", "bob", 8)
    chain.pay("bob", "alice", 5)
    chain.pay("alice", "bob", 1)
    for policy in CONSERVING:
        assert ends_of(of(chain, "alice", policy=policy, min_value=1)) == {("tETH", "unspent"): 10,
            ("tETH", "retainted"): 5}  # fmt: skip
    genesis = f"{chain.view().transaction_text(0)}:0"
    for policy in CONSERVING:
        assert ends_of(of(chain, genesis, policy=policy, min_value=1)) == {("tETH", "unspent"): 10}


def test_trace__transfers_of_nothing_lead_nowhere():
    chain = AccountChain()
    chain.genesis(alice=10)
    chain.block()
    chain.pay("alice", "stranger", 0)
    result = of(chain, "alice", min_value=1)
    assert {node.address for node in result.answer.graph.nodes if node.address} == {
        result.answer.leaves[0].address
    }
    with pytest.raises(NothingReceivedError, match="worth nothing"):
        of(chain, f"{chain.tx_hash(1, 0)}:0")


def test_trace__a_token_that_keeps_a_fee_is_followed_by_what_arrived():
    chain = AccountChain()
    chain.genesis(alice=1)
    chain.knows("FEE", "FEE", 0, is_listed=False)
    chain.known[0] = replace(chain.known[0], is_conserving=False)
    chain.block()
    with chain.transaction("maker", "FEE") as tx:
        tx.token("FEE", "null", "alice", 100)
    chain.block()
    with chain.transaction("alice", "FEE") as tx:
        tx.token("FEE", "alice", "bob", 100)
        tx.token("FEE", "bob", None, 3, MovementKind.DIFFERENCE_DOWN)
    result = of(chain, "alice", asset=text_of("FEE"), min_value=1)
    assert ends_of(result) == {("FEE?", "unspent"): 97, ("FEE?", "destroyed"): 3}
    (asset,) = result.answer.assets
    assert (asset.is_conserving, asset.standing) == (False, "unverified")
    assert "not_conserving" in {cut.reason for cut in result.answer.truncations}


def test_trace__backward_ends_in_balances_from_before_the_ledger():
    chain = AccountChain(first_height=100)
    chain.system(MovementKind.OPENING, alice=10)
    chain.block()
    chain.pay("alice", "bob", 6)
    result = of(chain, "bob", direction="backward", min_value=1)
    assert ends_of(result) == {("tETH", "before_ledger"): 6}
    assert {"before_ledger"} <= {cut.reason for cut in result.answer.truncations}
    # An account that pays more than the ledger knows of had it before.
    lacking = AccountChain(first_height=100)
    lacking.block()
    lacking.pay("alice", "bob", 6)
    assert ends_of(of(lacking, "bob", direction="backward", min_value=1)) == {
        ("tETH", "before_ledger"): 6
    }


def test_trace__says_what_missing_traces_leave_out():
    chain = AccountChain(calls=CallCoverage.MISSING)
    chain.genesis(alice=10)
    result = of(chain, "alice", min_value=1)
    assert not result.answer.complete
    assert "no_traces" in {cut.reason for cut in result.answer.truncations}


def test_budget__of_one_looks_into_nothing():
    chain = theft()
    result = of(chain, stolen(chain), budget=1)
    assert ends_of(result) == {("tETH", "budget"): 10 * ETHER}
    assert "budget" in {cut.reason for cut in result.answer.truncations}


@pytest.mark.parametrize("policy", ["fifo", "haircut"])
def test_hop_limit__ends_where_money_goes_on_and_not_where_it_rests(policy):
    chain = AccountChain()
    chain.genesis(alice=10)
    chain.block()
    chain.pay("alice", "bob", 6)
    chain.pay("alice", "rests", 4)
    chain.block()
    chain.pay("bob", "carol", 6)
    result = of(chain, "alice", max_hops=1, min_value=1, policy=policy)
    assert ends_of(result) == {("tETH", "hop_limit"): 6, ("tETH", "unspent"): 4}
    assert {leaf.hops for leaf in result.answer.leaves} == {1}


def test_dust__is_summed_by_transaction():
    chain = AccountChain()
    chain.genesis(alice=10 * ETHER)
    chain.block()
    with chain.transaction("alice", "spreader") as tx:
        for number in range(30):
            tx.move("alice", f"dust{number}", 10**6)
    result = of(chain, "alice")
    (bucket,) = result.answer.buckets
    assert (bucket.coins, bucket.positions, bucket.traced) == (30, "0-29", str(30 * 10**6))
    small = [node for node in result.answer.graph.nodes if node.kind == "small"]
    assert [node.label for node in small] == ["30 small transfers"]
    assert ends_of(result) == {
        ("tETH", "unspent"): 10 * ETHER - 30 * 10**6, ("tETH", "below_min"): 30 * 10**6,
    }  # fmt: skip


def test_fan_out__ends_at_accounts_that_deal_with_many():
    chain = AccountChain()
    chain.genesis(alice=10 * ETHER, whale=5_000 * ETHER)
    chain.block()
    chain.pay("whale", "hub", 5_000 * ETHER)
    chain.pay("alice", "hub", 10 * ETHER)
    for number in range(40):
        chain.pay("hub", f"customer{number}", ETHER)
    reading = reading_of(chain)
    assert ends_of(asked(reading, "alice", fan_out=30)) == {("tETH", "fan_out"): 10 * ETHER}
    wide = asked(reading, "alice", fan_out=30, fan_out_percent=0)
    assert ("tETH", "fan_out") not in ends_of(wide)


@pytest.mark.slow
def test_trace__ten_thousand_counterparties_are_told_and_folded():
    chain = AccountChain()
    chain.genesis(alice=10_000 * ETHER)
    chain.block()
    with chain.transaction("alice", "spreader") as tx:
        for number in range(10_000):
            tx.move("alice", f"customer{number}", ETHER)
    result = of(chain, "alice", min_value=1, max_hops=1)
    assert ends_of(result) == {("tETH", "unspent"): 10_000 * ETHER}
    assert len(result.answer.leaves) == 10_000
    assert len(result.answer.graph.nodes) <= 600
    assert result.answer.graph.full_nodes == 10_001
    assert sum(int(node.ends.get("unspent", 0)) for node in result.answer.graph.nodes) == (
        10_000 * ETHER
    )


def test_time_window__ends_what_goes_on_later():
    chain = AccountChain()
    chain.genesis(alice=10)
    chain.block(86_400)
    chain.pay("alice", "bob", 6)
    chain.block(86_400)
    chain.pay("bob", "carol", 5)
    view = chain.view()
    until = view.tip.time.replace(hour=0)
    result = of(chain, "alice", until=until, min_value=1)
    assert ends_of(result) == {("tETH", "time_window"): 6, ("tETH", "unspent"): 4}
    horizon = of(chain, "alice", horizon_days=1, min_value=1)
    assert ends_of(horizon) == {("tETH", "time_window"): 6, ("tETH", "unspent"): 4}
    back = of(chain, "carol", direction="backward", horizon_days=1, min_value=1)
    assert ends_of(back) == {("tETH", "time_window"): 5}


def test_dormant__balances_are_told_apart():
    chain = AccountChain()
    chain.genesis(alice=10)
    chain.block()
    chain.pay("alice", "bob", 6)
    chain.block(3 * 365 * 86_400)
    chain.pay("alice", "carol", 1)
    result = of(chain, "alice", min_value=1)
    assert ends_of(result) == {("tETH", "dormant"): 6, ("tETH", "unspent"): 4}


def test_contracts__of_many_end_paths_and_wallets_do_not():
    chain = AccountChain()
    chain.genesis(alice=10 * ETHER, pool=ETHER)
    chain.block()
    with chain.transaction("maker") as tx:
        tx.code("safe", "maker", CodeKind.SAFE_PROXY)
        tx.code("proxy", "maker", CodeKind.MINIMAL_PROXY)
        tx.code("pool", "maker", CodeKind.PLAIN)
    chain.block()
    with chain.transaction("alice", "pool") as tx:
        tx.event(EventKind.SWAP, "pool")
        tx.move("alice", "pool", ETHER)
    chain.pay("alice", "safe", 3 * ETHER)
    chain.pay("alice", "proxy", 2 * ETHER)
    chain.block()
    for name in ("safe", "proxy"):
        with chain.transaction("owner", name) as tx:
            tx.move(name, f"after {name}", 2 * ETHER)
    answer = of(chain, "alice").answer
    assert {
        leaf.reason: int(leaf.traced) for leaf in answer.leaves if leaf.reason == "contract"
    } == {"contract": ETHER}
    reached = {leaf.address.lower() for leaf in answer.leaves if leaf.address}
    assert {text_of("after safe"), text_of("after proxy")} <= reached


@pytest.mark.parametrize(
    ("event", "reason"),
    [(EventKind.MIXER_DEPOSIT, "mixer"), (EventKind.BRIDGE, "bridge")],
)
def test_contracts__that_mix_or_bridge_end_paths_without_a_name(event, reason):
    chain = AccountChain()
    chain.genesis(alice=10 * ETHER)
    chain.block()
    with chain.transaction("alice", "service") as tx:
        tx.move("alice", "service", ETHER)
        tx.event(event, "service")
    result = of(chain, "alice")
    assert ends_of(result)["tETH", reason] == ETHER
    assert result.answer.services == ()


def test_service__is_not_looked_into_and_its_own_trace_is():
    chain = theft()
    reading = reading_of(chain, {"thief": ("Mule Ltd", "exchange")})
    assert ends_of(asked(reading, "victim")) == {("tETH", "service_reached"): 10 * ETHER}
    # Who is named as the source was asked for, whatever he is called.
    assert ("USDC", "unspent") in ends_of(asked(reading, "thief"))
    # One movement to a service is money that is mixed there.
    assert ends_of(asked(reading, stolen(chain))) == {("tETH", "service_reached"): 10 * ETHER}
    # A name that is not certain enough ends nothing.
    doubted = ends_of(asked(reading, "victim", min_confidence=100))
    assert doubted.get(("tETH", "service_reached")) in (None, 10 * ETHER)


def test_swap__that_no_rule_tells_ends_at_the_contract():
    chain = AccountChain()
    chain.genesis(alice=10 * ETHER, pool=ETHER)
    chain.block()
    with chain.transaction("alice", "pool") as tx:
        tx.move("alice", "pool", 4 * ETHER)
        tx.token("A", "pool", "alice", 5)
        tx.token("B", "pool", "alice", 6)
        tx.event(EventKind.SWAP, "pool")
    assert ends_of(of(chain, "alice")) == {
        ("tETH", "contract"): 4 * ETHER, ("tETH", "unspent"): 6 * ETHER,
    }  # fmt: skip


def test_answer__is_the_same_twice_and_in_threads():
    chain = theft()
    reading = reading_of(chain, EXCHANGE)
    first = asked(reading, "thief").json_bytes()
    with ThreadPoolExecutor(4) as pool:
        others = list(pool.map(lambda _: asked(reading, "thief").json_bytes(), range(4)))
    assert {first, *others} == {first}


def test_answer__can_be_asked_again_from_its_request():
    chain = theft()
    answer = of(chain, stolen(chain), policy="lifo", asset="tETH", max_hops=7).answer
    again = trace_accounts_in(chain.view(), request_of(answer.request)).answer
    assert again.manifest.result_sha256 == answer.manifest.result_sha256
    assert json_text(again) == json_text(answer)


def test_sources__of_several_kinds_are_refused_or_said_to_be_one():
    chain = theft()
    swap = f"{chain.tx_hash(3, 0)}:1"
    with pytest.raises(InputError, match="several assets"):
        of(chain, stolen(chain), swap)
    both = of(chain, "victim", "thief").answer
    assert "sources_not_told_apart" in {cut.reason for cut in both.truncations}
    # The theft is the thief's receipt, and the victim's money at the same time.
    assert int(both.totals.by_reason["retainted"]) == 10 * ETHER


@pytest.mark.parametrize(
    ("source", "more", "message"),
    [
        ("0x" + "ab" * 32, {}, "write TXHASH:0"),
        ("{theft}:7", {}, "has 1 movements"),
        ("thief", {"asset": "DOGE"}, "no listed token of this ledger"),
        ("thief", {"asset": text_of("thief")}, "is no token's contract"),
        ("{theft}:0", {"asset": "USDC"}, "moves another asset than USDC"),
        ("thief", {"policy": "tiho"}, "a balance pays one receiver at a time"),
        ("thief", {"budget": 0}, "budget must be between"),
        ("thief", {"fiat": "EUR"}, "values need prices"),
    ],
)
def test_trace__says_what_to_change(source, more, message):
    chain = theft()
    text = source.format(theft=chain.tx_hash(1, 0))
    with pytest.raises(InputError, match=message):
        of(chain, text, **more)


def test_movement__of_single_pieces_needs_no_convention():
    chain = AccountChain()
    chain.block()
    with chain.transaction("maker", "APE") as tx:
        tx.token("APE", "null", "alice", 1, MovementKind.NFT, token_id=5)
    with pytest.raises(InputError, match="single pieces"):
        of(chain, "alice", asset=text_of("APE"))


def test_request__defaults_follow_the_source():
    request = AccountTraceRequest(sources=("x",))
    assert request.smallest_followed(10**18, is_coin=True) == 10**15
    assert request.smallest_followed(10**22, is_coin=True) == 10**19
    assert request.smallest_followed(10, is_coin=False) == 1
    assert replace(request, min_value=5).smallest_followed(10**30, is_coin=True) == 5


def test_graph__balances_at_every_node():
    chain = theft()
    for direction, source in (("forward", stolen(chain)), ("backward", f"{chain.tx_hash(5, 0)}:0")):
        for policy in CONSERVING:
            graph = of(chain, source, policy=policy, direction=direction).answer.graph
            for node in graph.nodes:
                came = sum(int(edge.amount) for edge in graph.edges if edge.target == node.id)
                went = sum(int(edge.gave) for edge in graph.edges if edge.source == node.id)
                ended = sum(map(int, node.ends.values()))
                begun, ended = (
                    (int(node.entry), ended) if direction == "forward" else (ended, int(node.entry))
                )
                assert came + begun == went + ended + int(node.fees)
                assert int(node.amount) == came + begun


def test_graph__says_where_the_convention_decides():
    chain = theft()
    edges = of(chain, stolen(chain)).answer.graph.edges
    assert all(edge.depends_on_policy and edge.certainty == "inference" for edge in edges)
    alone = AccountChain()
    alone.genesis(alice=10)
    alone.block()
    alone.pay("alice", "bob", 10)
    (edge,) = of(alone, "alice", min_value=1).answer.graph.edges
    assert (edge.depends_on_policy, edge.certainty) == (False, "fact")


def test_not_fetched__accounts_end_paths():
    class Fetched:
        limits = ()

        def __init__(self, *accounts: int) -> None:
            self.accounts = accounts

        def is_fetched(self, account: int) -> bool:
            return account in self.accounts

    chain = theft()
    view = chain.view()
    fetched = Fetched(view.find_account(text_of("thief")))
    request = AccountTraceRequest(sources=(stolen(chain),))
    result = trace_accounts_in(view, request, fetched=fetched)
    assert ends_of(result) == {
        ("tETH", "unspent"): 8 * ETHER,
        ("USDC", "not_fetched"): 4_000 * DOLLAR,
    }
    assert "before_ledger" not in {cut.reason for cut in result.answer.truncations}


def test_sources__say_what_came_where_the_receiver_paid_as_well():
    chain = AccountChain()
    chain.genesis(alice=100, vault=10_000)
    chain.block()
    with chain.transaction("alice", "vault") as tx:
        tx.move("alice", "vault", 1)
        tx.move("vault", "alice", 9_000)
    with chain.transaction("alice", "vault") as tx:
        tx.move("alice", "vault", 50)
        tx.move("vault", "alice", 20)
    answer = of(chain, "alice", min_value=1).answer
    assert answer.totals.source == "100"
    (cut,) = [c for c in answer.truncations if c.reason == "paid_in_same_transaction"]
    assert f"in 1 movement, from {chain.tx_hash(1, 0)}:1 on" in cut.detail
    assert not answer.complete
    named = of(chain, f"{chain.tx_hash(1, 0)}:1", min_value=1).answer
    assert named.totals.source == "9000"
    since = answer.as_of.time
    with pytest.raises(NothingReceivedError, match="only where it paid tETH"):
        of(chain, "alice", min_value=1, since=since)


def test_exchange__what_a_person_gave_in_somebody_s_swap_is_no_longer_his():
    chain = AccountChain()
    chain.genesis(nobody=1)
    chain.knows("USDC", "USDC", 6)
    chain.knows("WETH", "WETH", 18)
    with chain.transaction("mint", "USDC") as tx:
        tx.token("USDC", "null", "victim", 1_000)
        tx.token("WETH", "null", "alice", 50)
    chain.block()
    chain.send("USDC", "victim", "maker", 1_000)
    source = f"{chain.tx_hash(1, 0)}:0"
    chain.block()
    chain.send("USDC", "maker", "alice", 400)
    with chain.transaction("alice", "router") as tx:
        tx.token("USDC", "alice", "pool", 400)
        tx.token("WETH", "pool", "alice", 40)
    chain.block()
    with chain.transaction("alice", "router") as tx:
        tx.token("WETH", "alice", "maker", 30)
        tx.token("USDC", "maker", "alice", 300)
    result = of(chain, source, min_value=1)
    assert ends_of(result) == {
        ("USDC", "exchanged"): 300, ("USDC", "unspent"): 300, ("WETH", "unspent"): 40,
    }  # fmt: skip
    assert "exchanged" in {cut.reason for cut in result.answer.truncations}
    # What the maker holds at the end is what the ledger says it holds.
    (held,) = [leaf for leaf in result.answer.leaves if leaf.unit.asset == "USDC"
               and leaf.reason == "unspent"]  # fmt: skip
    assert held.value == "300"
    # Backward, what the maker got in it came from somebody who got another asset for it.
    back = of(chain, f"{chain.tx_hash(3, 0)}:0", direction="backward", min_value=1)
    assert sum(ends_of(back).values()) >= 30


def test_tips__to_nobody_are_destroyed_where_they_are_followed():
    chain = AccountChain()
    chain.genesis(alice=100)
    chain.block()
    with chain.transaction("alice", "bob") as tx:
        tx.move("alice", "bob", 50)
        tx.gas(2, 5, "null")
    result = of(chain, "alice", min_value=1, fee_mode="track_coinbase")
    assert ends_of(result) == {("tETH", "unspent"): 93, ("tETH", "destroyed"): 7}
    assert (0, 0) not in result.traced.search.pots


def test_conversion__at_rest_is_dated_by_its_own_transaction():
    chain = AccountChain()
    chain.genesis(alice=20)
    chain.knows("WETH", "WETH", 18)
    for _ in range(2):
        chain.block()
        with chain.transaction("alice", "WETH") as tx:
            tx.wrap("WETH", "alice", 10)
    leaves = of(chain, "alice", budget=3).answer.leaves
    assert [(leaf.unit.asset, leaf.reason, leaf.height) for leaf in leaves] == [
        ("WETH", "budget", 1), ("WETH", "budget", 2),
    ]  # fmt: skip


def test_sources__refuse_places_of_thousands_of_digits():
    chain = theft()
    with pytest.raises(InputError, match="named"):
        of(chain, f"{chain.tx_hash(1, 0)}:{'9' * 6_000}")


def test_time_out__has_the_same_result_by_its_budget(monkeypatch):
    chain = AccountChain()
    chain.genesis(alice=1_000 * ETHER, **{f"u{n}": ETHER for n in range(60)})
    chain.block()
    with chain.transaction("alice", "hub") as tx:
        tx.code("hub", "alice", CodeKind.PLAIN)
    chain.pay("alice", "hub", 10 * ETHER)
    chain.pay("alice", "bob", 10 * ETHER)
    for number in range(60):
        chain.pay(f"u{number}", "hub", ETHER // 2)
    for number in range(3):
        with chain.transaction("u1", "hub") as tx:
            tx.move("hub", f"u{number}", ETHER // 10)
    chain.pay("bob", "carol", 9 * ETHER)
    reading = reading_of(chain)
    clock = iter([0.0, 0.0])
    monkeypatch.setattr(explore, "monotonic", lambda: next(clock, 1e9))
    first = asked(reading, "alice", seconds=5)
    # The hub has more movements than were looked at, and is a contract all the same.
    assert ends_of(first)["tETH", "contract"] == 10 * ETHER
    assert ends_of(first)["tETH", "budget"] == 10 * ETHER
    again = trace_accounts_in(reading.view, request_of(first.answer.request))
    assert again.answer.manifest.result_sha256 == first.answer.manifest.result_sha256


def test_movement__is_named_by_its_place_among_all_that_bear_the_id():
    chain = AccountChain(first_height=5)
    chain.system(MovementKind.OPENING, alice=9)
    chain.pay("alice", "bob", 1)
    chain.system(MovementKind.WITHDRAWAL, carol=3)
    block = chain.tx_hash(0, 0)
    assert chain.tx_hash(0, 2) == block
    view = chain.view()
    assert movement_text(view, 2) == f"{block}:1"
    assert ends_of(of(chain, f"{block}:1")) == {("tETH", "unspent"): 3}
    with pytest.raises(InputError, match=f"has 2 movements, named {block}:0"):
        of(chain, f"{block}:2")
