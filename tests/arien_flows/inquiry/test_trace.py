"""Traces that are fetched hop by hop give what a ledger of all blocks gives."""

from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.amounts import asset_of, coins
from arien_flows.entities.coinjoins import mark_coinjoins
from arien_flows.errors import InputError, NotFoundError
from arien_flows.inquiry.trace import TraceQuestion
from arien_flows.ledger.view import View
from arien_flows.tracing.comparison import compare
from arien_flows.tracing.request import BACKWARD_POLICIES, POLICIES, TraceRequest
from arien_flows.tracing.trace import TraceResult, trace
from arien_flows.workspace import Reading
from chains.errors import LookupFailedError
from tests.arien_flows.inquiry.asking import PLENTY, Desk, Tags, random_chain, told
from tests.arien_flows.tracing.chains import COIN, attribution_of
from tests.arien_flows.tracing.mixing import JOIN
from tests.ledgers import Chain, Tx, script_of_name, text_of_name

DIRECTIONS = ("forward", "backward")


def by_address(reading: Reading, request: TraceRequest) -> TraceResult:
    """Trace with every address for itself: entities depend on what else was fetched."""
    return trace(
        reading.view,
        request,
        coinjoin_marks=reading.coinjoin_marks,
        fetched=reading.fetched,
    )


def some_source(desk: Desk, random: Random) -> str:
    """Return an outpoint or an address of the chain that holds money."""
    view = desk.bulk()
    paid = [i for i in range(view.counts.outputs) if view.output_value[i] > 0]
    output = random.choice([i for i in paid if view.address_text(int(view.output_address[i]))])
    if random.random() < 0.5:
        return view.outpoint_text(output)
    history = view.history(int(view.output_address[output]))
    paying = set(history.transaction[history.received_sat > 0].tolist())
    spending = set(history.transaction[history.sent_sat > 0].tolist())
    if paying <= spending:
        return view.outpoint_text(output)
    return str(view.address_text(int(view.output_address[output])))


def from_bulk(desk: Desk, request: TraceRequest) -> dict[str, Any]:
    view = desk.bulk()
    return told(trace(view, request, coinjoin_marks=mark_coinjoins(view, None).detected))


@given(
    seed=st.integers(0, 10_000),
    direction=st.sampled_from(DIRECTIONS),
    policy=st.sampled_from(BACKWARD_POLICIES),
    min_value=st.sampled_from([1, 2_000, 40_000]),
    max_hops=st.sampled_from([2, 12]),
    states_spent=st.booleans(),
    states_heights=st.booleans(),
)
@pytest.mark.slow
def test_trace__settled_gives_what_all_blocks_give(
    seed: int,
    direction: Any,
    policy: Any,
    min_value: int,
    max_hops: int,
    states_spent: bool,
    states_heights: bool,
):
    with TemporaryDirectory() as folder:
        options = {"states_spent": states_spent, "states_heights": states_heights}
        desk = Desk(Path(folder), random_chain(seed), options)
        request = TraceRequest(
            sources=(some_source(desk, Random(seed)),),
            direction=direction,
            policy=policy,
            min_value_sat=min_value,
            max_hops=max_hops,
        )
        question = TraceQuestion(requests=(request,), settle=True)
        found = desk.ask(question, lambda it: told(by_address(it, request)))
        assert found == from_bulk(desk, request)


def peeling(length: int, services: bool = False) -> Chain:
    """Return a chain in which 50 coins go on and on, a little leaving at each step."""
    transactions = [Tx(name="mined", outputs=[("thief", 50 * COIN)])]
    rest = 50 * COIN
    for i in range(length):
        rest -= COIN // 10 + 1_000
        spent = "mined:0" if i == 0 else f"peel{i - 1}:0"
        payee = "exchange" if services and i == 3 else f"side{i}"
        paid = [(f"p{i}", rest), (payee, COIN // 10)]
        transactions.append(Tx(name=f"peel{i}", inputs=[spent], outputs=paid))
        transactions.append(Tx(name=f"block{i}", outputs=[("miner", 50 * COIN)]))
    return Chain.from_genesis().add(transactions)


def request_of(source: str, **changes: Any) -> TraceRequest:
    return TraceRequest(sources=(source,), **({"min_value_sat": 1, "max_hops": 100} | changes))


def asked(desk: Desk, request: TraceRequest, **options: Any) -> TraceResult:
    requests = options.pop("requests", PLENTY)
    question = TraceQuestion(requests=(request,), **options)
    return desk.ask(question, lambda it: by_address(it, request), requests=requests)


@pytest.mark.slow
def test_trace__runs_that_go_on_come_to_the_same_end(tmp_path: Path):
    chain = peeling(30)
    request = request_of(text_of_name("thief"))
    whole = Desk(tmp_path / "whole", chain, {"states_spent": False})
    expected = told(asked(whole, request, settle=True))
    needed = whole.made
    desk = Desk(tmp_path / "parts", chain, {"states_spent": False})
    made, runs, is_exhausted = 0, 0, True
    while is_exhausted:
        runs += 1
        assert runs < 30
        result = asked(desk, request, settle=True, requests=24)
        made += desk.made
        reasons = {cut.reason for cut in result.answer.truncations}
        is_exhausted = "request_budget" in reasons
        # Whatever is here is told, and every satoshi of it is accounted for.
        assert result.answer.totals.source == str(50 * COIN)
    assert runs > 4
    assert told(result) == expected
    # Each run asks for the tip twice and holds nothing back but that.
    assert made <= needed + 4 * runs
    again = asked(desk, request, settle=True, requests=24)
    assert told(again) == expected
    assert desk.made == 1


def test_trace__what_is_not_fetched_is_told_with_its_amount(tmp_path: Path):
    desk = Desk(tmp_path, peeling(30))
    result = asked(desk, request_of(text_of_name("thief")), requests=30)
    (cut,) = [cut for cut in result.answer.truncations if cut.reason == "not_fetched"]
    left = int(result.answer.totals.by_reason["not_fetched"])
    assert left > 0
    shown = coins(left, asset_of("bitcoin-regtest"))
    assert cut.detail == f"{shown} in 1 coin: not fetched from the source"
    (whole,) = [cut for cut in result.answer.truncations if cut.reason == "incomplete"]
    origin = result.answer.manifest.fetched
    assert origin is not None
    assert whole.limit == origin.transactions
    assert whole.detail.startswith(
        f"fetched {origin.transactions} of at most {origin.transactions + 1} transactions"
    )
    # One more sees, after the answer, that the tip still stands.
    assert (origin.requests_allowed, origin.requests) == (30, desk.made - 1)
    assert not result.answer.complete


def test_trace__the_largest_amounts_are_asked_about_first(tmp_path: Path):
    parts = [(f"part{i}", (i + 1) * COIN) for i in range(9)]
    chain = Chain.from_genesis().add(
        [
            Tx(name="mined", outputs=[("thief", 50 * COIN)]),
            Tx(name="split", inputs=["mined:0"], outputs=parts),
            Tx(name="mined-2", outputs=[("miner", COIN)]),
            *(
                Tx(name=f"on{i}", inputs=[f"split:{i}"], outputs=[(f"end{i}", (i + 1) * COIN)])
                for i in range(9)
            ),
        ]
    )
    desk = Desk(tmp_path, chain)
    asked(desk, request_of(text_of_name("thief")))
    assert desk.source is not None
    questions = [each for kind, each in desk.source.asked if kind == "candidates"]
    spent = [
        question.vout for question in questions if question.txid[::-1].hex() == chain.txid("split")
    ]
    assert spent == list(range(8, -1, -1))


def test_trace__services_and_limits_save_requests(tmp_path: Path):
    chain = peeling(10, services=True)
    names: list[Any] = []

    def tags(view: View) -> Any:
        return Tags(lambda entities: attribution_of(view, {"exchange": "exchange"}, entities))

    desk = Desk(tmp_path, chain, tags=tags)
    request = request_of(text_of_name("thief"), min_value_sat=COIN, max_hops=5)
    desk.ask(
        TraceQuestion(requests=(request,)),
        lambda it: names.append(trace(it.view, request, attribution=it.tags.attribution,
                                      fetched=it.fetched)),
    )  # fmt: skip
    assert desk.source is not None
    scripts = {each.script for kind, each in desk.source.asked if kind == "candidates"}
    assert script_of_name("exchange") not in scripts
    assert script_of_name("side1") not in scripts  # below the smallest amount
    assert script_of_name("p4") not in scripts  # beyond the hop limit
    assert script_of_name("p3") in scripts
    (result,) = names
    assert set(result.answer.totals.by_reason) == {"service_reached", "below_min", "hop_limit"}
    (open_ends,) = [cut for cut in result.answer.truncations if cut.reason == "unsettled"]
    # The other side payments and what lies beyond the hop limit; the exchange is the end.
    assert " tBTC in 5 coins ended before anybody asked whether they are spent" in open_ends.detail


def test_trace__a_coin_that_cannot_be_followed_says_why(tmp_path: Path):
    def lose(kind: str, answer: Any) -> Any:
        return LookupFailedError("history too large") if kind == "candidates" else answer

    desk = Desk(tmp_path, peeling(3), {"tamper": lose})
    result = asked(desk, request_of(f"{desk.chain.txid('peel0')}:0"))
    reasons = {cut.reason: cut for cut in result.answer.truncations}
    assert "history too large" in reasons["lookup_failed"].detail
    assert "not_fetched" in reasons


def test_trace__a_spender_that_is_not_in_a_block_spends_nothing_yet(tmp_path: Path):
    chain = peeling(3)
    future = chain.copy().add(
        [Tx(name="b", outputs=[("m", 1)]), Tx(name="w", inputs=["peel2:0"], outputs=[("x", 1)])]
    )
    waiting = future.transactions["w"]
    desk = Desk(tmp_path, chain, {"unconfirmed": [waiting.serialize()]})
    result = asked(desk, request_of(text_of_name("thief")))
    assert told(result) == from_bulk(desk, request_of(text_of_name("thief")))
    (cut,) = [cut for cut in result.answer.truncations if cut.reason == "unconfirmed"]
    assert future.txid("w") in cut.detail


@pytest.mark.slow
def test_trace__all_conventions_can_be_asked_about_at_once(tmp_path: Path):
    desk = Desk(tmp_path, random_chain(3))
    base = request_of(some_source(desk, Random(3)))
    every = tuple(replace(base, policy=policy) for policy in POLICIES)
    found = desk.ask(
        TraceQuestion(requests=every, settle=True),
        lambda it: [told(by_address(it, request)) for request in every],
    )
    assert found == [from_bulk(desk, request) for request in every]


@pytest.mark.slow
def test_compare__says_what_all_conventions_leave_out(tmp_path: Path):
    desk = Desk(tmp_path, random_chain(3))
    request = request_of(some_source(desk, Random(3)))
    comparison = desk.ask(
        TraceQuestion(requests=(request,)),
        lambda it: compare(it.view, request, fetched=it.fetched),
    )
    (provisional,) = [cut for cut in comparison.truncations if cut.reason == "provisional"]
    assert desk.source is not None
    assert desk.source.name in provisional.detail
    assert comparison.fetched is not None
    assert comparison.fetched.source == desk.source.name


@pytest.mark.slow
def test_trace__rounds_grow(tmp_path: Path):
    rounds: list[int] = []
    fan = [(f"part{i}", COIN // 10) for i in range(200)]
    chain = Chain.from_genesis().add(
        [
            Tx(name="mined", outputs=[("thief", 50 * COIN)]),
            Tx(name="split", inputs=["mined:0"], outputs=fan),
        ]
    )
    desk = Desk(tmp_path, chain)
    asked(
        desk,
        request_of(f"{chain.txid('mined')}:0"),
        on_round=lambda _number, coins: rounds.append(coins),
    )
    assert rounds == [1, 64, 128, 8]


def test_trace__outputs_that_do_not_exist_are_refused(tmp_path: Path):
    desk = Desk(tmp_path, peeling(2))
    with pytest.raises(NotFoundError, match="there is no output 7"):
        asked(desk, request_of(f"{desk.chain.txid('peel0')}:7"))
    with pytest.raises(InputError, match="write it as TXID:POSITION"):
        asked(desk, request_of(f"{desk.chain.txid('peel0')}:x"))
    with pytest.raises(NotFoundError, match=r"is not in a block|cannot be had"):
        asked(desk, request_of(f"{'ab' * 32}:0"))


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_trace__tells_candidates_behind_coinjoins_as_far_as_they_were_fetched(
    tmp_path: Path, direction: Any
):
    desk = Desk(tmp_path, Chain.from_genesis().add(JOIN))
    source = text_of_name("thief" if direction == "forward" else "hoard")
    result = asked(desk, request_of(source, direction=direction, demix="candidates"))
    assert result.answer.inferences is not None
    behind = result.answer.inferences.coinjoins[0]
    bulk = from_bulk(desk, request_of(source, direction=direction, demix="candidates"))
    whole = bulk["inferences"]["coinjoins"][0]
    assert [each.outpoint for each in behind.candidates] == [
        each["outpoint"] for each in whole["candidates"]
    ]
    assert [each.mass.numerator for each in behind.candidates] == [
        each["mass"]["numerator"] for each in whole["candidates"]
    ]
    # Nothing was asked for their sake.
    assert {each.fate for each in behind.candidates} == {"not_fetched"}
