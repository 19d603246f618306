"""Fees in answers: listed, summed, or followed into coinbases; and whose money is whose."""

from dataclasses import replace
from typing import Any

import pytest

from arien_flows.attribution.ownership import SingleAddresses
from arien_flows.attribution.snapshot import attribute
from arien_flows.errors import InputError
from arien_flows.ledger.view import View
from arien_flows.tracing.request import POLICIES, TraceRequest, policies_of
from arien_flows.tracing.trace import TraceResult, trace
from tests.arien_flows.tracing.chains import COIN, attribution_of, tag
from tests.ledgers import Tx, build_view, text_of_name

FEE = 3_000

MINED = [
    Tx(name="mined", outputs=[("thief", 50 * COIN)]),
    Tx(name="block", outputs=[("miner", 50 * COIN + FEE)]),
    Tx(name="pay", inputs=["mined:0"], outputs=[("hop", 50 * COIN - FEE)]),
    Tx(name="wasteful", outputs=[("idle", 50 * COIN)]),
    Tx(name="cash", inputs=["block:0"], outputs=[("cash", 50 * COIN)]),
    Tx(name="last", outputs=[("late", 50 * COIN)]),
]


@pytest.fixture(scope="module")
def mined() -> View:
    return build_view(MINED)


def ask(view: View, *sources: str, **fields: Any) -> TraceResult:
    texts = tuple(text if ":" in text else text_of_name(text) for text in sources)
    return trace(view, TraceRequest(sources=texts, **({"min_value_sat": 1} | fields)))


def test_fees__are_listed_with_their_transactions(mined):
    answer = ask(mined, "thief").answer
    (fee,) = answer.fees
    assert (fee.txid, fee.kind, fee.reason) == (mined.txid_text(2), "fee", "fee")
    assert (fee.value, fee.traced, fee.height) == (str(FEE), str(FEE), 1)
    assert answer.totals.fees == str(FEE)
    dropped = ask(mined, "thief", fee_mode="drop").answer
    assert dropped.fees == ()
    assert dropped.totals == answer.totals


def test_fees__are_followed_into_coinbases(mined):
    result = ask(mined, "thief", fee_mode="track_coinbase")
    answer = result.answer
    # New money comes first, so the fee is the end of the miner's coin and is paid as a fee again;
    # the next miner does not claim it.
    (unclaimed,) = answer.fees
    assert (unclaimed.kind, unclaimed.reason, unclaimed.traced) == (
        "unclaimed", "destroyed", str(FEE),
    )  # fmt: skip
    assert unclaimed.txid == mined.txid_text(3)
    assert (answer.totals.fees, answer.totals.destroyed) == ("0", str(FEE))
    assert answer.totals.by_reason == {"unspent": str(50 * COIN - FEE)}
    last = ask(mined, "thief", fee_mode="track_coinbase", subsidy_order="last").answer
    assert {leaf.address: leaf.traced for leaf in last.leaves} == {
        text_of_name("hop"): str(50 * COIN - FEE),
        text_of_name("cash"): str(FEE),
    }


def test_fees__are_followed_out_of_coinbases(mined):
    answer = ask(mined, "cash", direction="backward", fee_mode="track_coinbase").answer
    assert answer.totals.by_reason == {"newly_mined": str(50 * COIN)}
    assert {fee.kind for fee in answer.fees} == {"subsidy"}
    late = ask(
        mined, "cash", direction="backward", fee_mode="track_coinbase", subsidy_order="last"
    ).answer
    sums = {fee.txid: fee.traced for fee in late.fees}
    # 3,000 of the miner's coin are the thief's fee, which was mined in the first block.
    assert sums == {
        mined.txid_text(0): str(FEE), mined.txid_text(1): str(50 * COIN - FEE),
    }  # fmt: skip


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("order", ["first", "last"])
def test_fees__balance_the_graph_at_every_node(mined, direction, order):
    for policy in policies_of(direction):
        source = "thief" if direction == "forward" else "cash"
        result = ask(
            mined, source, policy=policy, direction=direction, fee_mode="track_coinbase",
            subsidy_order=order,
        )  # fmt: skip
        if policy != "poison":
            came, went = result.flow_graph.balance()
            assert came.tolist() == went.tolist()


def test_fees__too_small_to_follow_are_told_as_cut(mined):
    answer = ask(mined, "thief", fee_mode="track_coinbase", min_value_sat=FEE + 1).answer
    assert answer.totals.fees == str(FEE)
    assert [fee.reason for fee in answer.fees] == ["below_min"]
    (cut,) = [cut for cut in answer.truncations if cut.where == "fees"]
    assert (cut.reason, cut.limit) == ("below_min", FEE + 1)
    assert not answer.complete


PARTED = [
    Tx(name="m1", outputs=[("alice", 30 * COIN), ("alan", 20 * COIN)]),
    Tx(name="m2", outputs=[("bob", 50 * COIN)]),
    Tx(name="join", inputs=["m1:0", "m2:0"], outputs=[("shop", 40 * COIN), ("rest", 40 * COIN)]),
]


@pytest.mark.parametrize("policy", POLICIES)
def test_by_source__adds_up_at_every_end_and_for_every_source(policy):
    answer = ask(build_view(PARTED), "alice", "bob", policy=policy).answer
    for leaf in answer.leaves:
        assert sum(int(part.traced) for part in leaf.by_source) == int(leaf.traced)
    if policy == "fifo":
        shop = next(leaf for leaf in answer.leaves if leaf.address == text_of_name("shop"))
        assert [(part.sources, part.traced) for part in shop.by_source] == [
            ((0,), str(30 * COIN)), ((1,), str(10 * COIN)),
        ]  # fmt: skip
    if policy != "poison":
        for each in answer.totals.by_source:
            ended = sum(map(int, each.by_reason.values())) + int(each.fees) + int(each.destroyed)
            assert ended == int(each.traced)
        received = {each.source: each.traced for each in answer.totals.by_source}
        assert received == {
            text_of_name("alice"): str(30 * COIN), text_of_name("bob"): str(50 * COIN),
        }  # fmt: skip


@pytest.mark.parametrize("policy", ["fifo", "haircut", "lifo"])
def test_by_source__leaves_out_no_end_that_is_only_summed(policy, monkeypatch):
    monkeypatch.setattr("arien_flows.tracing.leaves.MOST_LEAVES", 1)
    small = [(f"s{i}", COIN) for i in range(9)]
    chain = [
        *PARTED[:2],
        Tx(
            name="join",
            inputs=["m1:0", "m2:0"],
            outputs=[*small, ("shop", 30 * COIN), ("rest", 20 * COIN), ("last", 20 * COIN)],
        ),
        Tx(name="sweep", inputs=[f"join:{i}" for i in range(9)], outputs=[("vault", 9 * COIN)]),
    ]
    answer = ask(build_view(chain), "alice", "bob", policy=policy, min_value_sat=2 * COIN).answer
    assert answer.buckets
    assert answer.further
    told = [*answer.leaves, *answer.buckets, *answer.further, *answer.destroyed, *answer.fees]
    for end in told:
        assert sum(int(part.traced) for part in end.by_source) == int(end.traced)
    for place, each in enumerate(answer.totals.by_source):
        found = sum(
            int(part.traced) for end in told for part in end.by_source if place in part.sources
        )
        assert found == int(each.traced) > 0


def test_by_source__is_silent_for_a_single_source():
    answer = ask(build_view(PARTED), "alice").answer
    assert answer.totals.by_source == ()
    assert all(leaf.by_source == () for leaf in answer.leaves)


def test_by_source__counts_money_that_comes_to_another_source_once():
    view = build_view(PARTED)
    answer = ask(view, "alice", "shop").answer
    # All 30 of alice's come to the shop's coin and go on with it.
    first, second = answer.totals.by_source
    assert (first.traced, second.traced) == (str(30 * COIN), str(40 * COIN))
    assert first.by_reason == {"unspent": str(30 * COIN)}
    assert second.by_reason == {"unspent": str(40 * COIN)}
    assert answer.totals.by_reason == {
        "retainted": str(30 * COIN), "unspent": str(40 * COIN),
    }  # fmt: skip


def test_by_source__says_where_sources_are_too_many():
    view = build_view([Tx(name="m", outputs=[(f"a{i}", COIN // 2) for i in range(63)])])
    answer = ask(view, *(f"a{i}" for i in range(63))).answer
    assert answer.totals.by_source == ()
    (cut,) = [cut for cut in answer.truncations if cut.where == "by_source"]
    assert (cut.reason, cut.limit) == ("sources_not_told_apart", 62)
    assert ask(view, *(f"a{i}" for i in range(62))).answer.totals.by_source != ()


def test_min_confidence__decides_which_tags_stop_a_path(mined):
    source = replace(tag("hop", "A forum post", "exchange"), confidence="web_crawl")
    attribution = attribute(mined, [source], SingleAddresses())
    for least, reason in ((source.level, "service_reached"), (source.level + 1, "unspent")):
        request = TraceRequest(
            sources=(text_of_name("thief"),), min_value_sat=1, min_confidence=least
        )
        answer = trace(mined, request, attribution=attribution).answer
        assert set(answer.totals.by_reason) == {reason}
        assert len(answer.services) == (reason == "service_reached")
    strict = TraceRequest(sources=(text_of_name("thief"),), min_value_sat=1, min_confidence=100)
    sure = trace(mined, strict, attribution=attribution_of(mined, {"hop": "exchange"})).answer
    assert set(sure.totals.by_reason) == {"unspent"}


def test_seconds__that_suffice_change_nothing(mined):
    hurried = ask(mined, "thief", seconds=600).answer
    assert hurried.manifest.result_sha256 == ask(mined, "thief").answer.manifest.result_sha256


def test_fees__cannot_be_followed_through_fetched_transactions():
    request = TraceRequest(sources=("a",), fee_mode="track_coinbase")
    with pytest.raises(InputError, match="ledger of whole blocks"):
        request.check_for_fetched()
