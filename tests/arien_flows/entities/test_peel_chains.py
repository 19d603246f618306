"""Following chains: by hand, against the bulk rule, and against the truth of a simulated chain."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from arien_flows.entities.coinjoins import mark_coinjoins
from arien_flows.entities.fingerprints import fingerprint_columns
from arien_flows.entities.peel_chains import (
    ChainStop,
    PeelChain,
    chain_through,
    follow,
    follow_back_from,
)
from arien_flows.entities.peel_hops import Hops, coinjoin_test, peel_columns
from arien_flows.entities.peel_measures import Behaviour, Validation, behaviour, validate
from arien_flows.ledger.memory import view_of
from arien_flows.ledger.schema import EXTERNAL
from arien_flows.ledger.view import View
from arien_flows.simulation.parameters import SMALLEST, Parameters
from arien_flows.simulation.roles import Kind
from arien_flows.simulation.simulate import simulate
from arien_flows.simulation.truth import Truth
from chains.bitcoin.decode import decode_blocks
from chains.bitcoin.networks import REGTEST
from heuristics.fingerprint import fingerprints
from heuristics.peeling import HopStop, fresh_outputs, hop_features, next_hops
from tests.arien_flows.entities.random_chains import random_chain, view_at
from tests.ledgers import Tx, build_view, text_of_name

COIN = 100_000_000


def peeling(hops: int) -> list[Tx]:
    """Return a coin that pays 0.1, 0.2, … to `shop0`, `shop1`, …; the fee is 1,001 each."""
    chain = [Tx(name="mined", outputs=[("start", 50 * COIN)])]
    spent, value = "mined:0", 50 * COIN
    for i in range(hops):
        pay = (i + 1) * COIN // 10
        value -= pay + 1_001
        outputs = [(f"rest{i}", value), (f"p2pkh:shop{i}", pay)]
        chain.append(Tx(name=f"hop{i}", inputs=[spent], outputs=outputs[:: 1 - 2 * (i % 2)]))
        spent = f"hop{i}:{i % 2}"
    return chain


def nowhere(_address: int) -> bool:
    return False


def judge_of(view: View) -> Hops:
    return Hops(view, coinjoin_test(view, None))


def followed(view: View, start: int, direction="forward", most_hops=100, is_service=nowhere):
    return follow(
        judge_of(view), start, direction=direction, most_hops=most_hops, is_service=is_service
    )


def numbers(chain: PeelChain) -> list[int]:
    return [hop.transaction for hop in chain.hops]


def test_follow__lists_what_was_peeled_off():
    view = build_view(peeling(6))
    chain = followed(view, 1)
    assert numbers(chain) == [1, 2, 3, 4, 5]
    assert chain.stop is ChainStop.UNSPENT
    assert chain.end == 6
    for i, hop in enumerate(chain.hops):
        assert [view.address_text(int(view.output_address[o])) for o in hop.peeled] == [
            text_of_name(f"p2pkh:shop{i}")
        ]
        assert hop.peeled_sat == (i + 1) * COIN // 10
        assert hop.fee_sat == 1_001
        assert hop.input_sat == hop.peeled_sat + hop.next_sat + hop.fee_sat
        assert view.address_text(int(view.output_address[hop.next_output])) == text_of_name(
            f"rest{i}"
        )


def test_follow__backward_finds_the_same_hops():
    view = build_view(peeling(6))
    forward = followed(view, 1)
    backward = followed(view, 6, "backward")
    assert backward.hops == forward.hops
    assert backward.stop is ChainStop.CHAIN_BEGINS
    assert backward.end == 1
    from_output = follow_back_from(
        judge_of(view), 5, forward.hops[-1].next_output, most_hops=100, is_service=nowhere
    )
    assert from_output.hops == forward.hops
    peeled = forward.hops[-1].peeled[0]
    astray = follow_back_from(judge_of(view), 5, peeled, most_hops=100, is_service=nowhere)
    assert astray.hops == ()
    assert astray.stop is ChainStop.CHAIN_BEGINS


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_follow__gives_up_at_the_limit_and_can_go_on_from_there(direction):
    view = build_view(peeling(8))
    whole = followed(view, 1 if direction == "forward" else 8, direction)
    start, found = (1, []) if direction == "forward" else (8, [])
    part = followed(view, start, direction, most_hops=3)
    while part.stop is ChainStop.HOP_LIMIT:
        assert len(part.hops) == 3
        found = [*found, *part.hops] if direction == "forward" else [*part.hops, *found]
        part = followed(view, part.end, direction, most_hops=3)
    found = [*found, *part.hops] if direction == "forward" else [*part.hops, *found]
    assert tuple(found) == whole.hops
    assert part.stop is whole.stop


def test_follow__stops_where_two_outputs_fit():
    chain = [*peeling(2), Tx(name="top", outputs=[("other", COIN)])]
    chain += [
        Tx(name="fork", inputs=["hop1:1"], outputs=[("a", COIN), ("b", 2 * COIN)]),
        Tx(name="left", inputs=["fork:0"], outputs=[("c", COIN // 2), ("d", COIN // 4 + 7)]),
        Tx(name="right", inputs=["fork:1"], outputs=[("e", COIN // 2), ("f", COIN // 4 + 7)]),
    ]
    view = build_view(chain)
    found = followed(view, 1)
    assert numbers(found) == [1, 2]
    assert found.stop is ChainStop.AMBIGUOUS
    assert [view.outpoint_text(output).split(":")[1] for output in found.candidates] == ["0", "1"]
    assert {int(view.spender[output]) for output in found.candidates} == {5, 6}


def test_follow__stops_where_the_money_is_spent_in_another_way():
    chain = [*peeling(3), Tx(name="all", inputs=["hop2:0"], outputs=[("shop", COIN)])]
    assert followed(build_view(chain), 1).stop is ChainStop.NOT_CONTINUED
    chain = [
        *peeling(3),
        Tx(
            name="replaceable",
            inputs=["hop2:0"],
            outputs=[("x", COIN), ("y", COIN)],
            sequence=0xFFFFFFFD,
        ),
    ]
    assert followed(build_view(chain), 1).stop is ChainStop.NOT_CONTINUED


def test_follow__never_goes_through_what_mixes_money():
    chain = [Tx(name="c", outputs=[(f"in{i}", 60_000) for i in range(3)])]
    chain.append(
        Tx(
            name="mix",
            inputs=["c:0", "c:1", "c:2"],
            outputs=[(f"out{i}", 40_000) for i in range(3)]
            + [(f"rest{i}", 20_000 - i) for i in range(3)],
        )
    )
    view = build_view(chain)
    for direction in ("forward", "backward"):
        found = followed(view, 1, direction)
        assert found.stop is ChainStop.COINJOIN
        assert found.end == 1
    marks = np.zeros(2, dtype=np.uint8)
    assert not coinjoin_test(view, marks)(1)
    assert followed(view, 0).stop is followed(view, 0, "backward").stop is ChainStop.COINBASE


def test_follow__stops_at_a_service_and_says_which_output_leads_there():
    view = build_view(peeling(6))
    service = view.find_address(text_of_name("rest2"))
    forward = followed(view, 1, is_service=lambda address: address == service)
    assert numbers(forward) == [1, 2]
    assert forward.stop is ChainStop.TAGGED_SERVICE
    assert [int(view.output_address[output]) for output in forward.candidates] == [service]
    backward = followed(view, 6, "backward", is_service=lambda address: address == service)
    assert numbers(backward) == [5]
    assert backward.stop is ChainStop.TAGGED_SERVICE


def test_follow__backward_ends_where_the_ledger_begins():
    view = build_view(peeling(6))
    spent = view.spent_output.copy()
    spent[2] = EXTERNAL
    found = followed(replace(view, spent_output=spent), 6, "backward")
    assert numbers(found) == [3, 4, 5]
    assert found.stop is ChainStop.BEFORE_LEDGER
    assert found.end == 3


def test_follow__backward_looks_at_a_hundred_inputs():
    wide = [Tx(name="c", outputs=[(f"in{i}", COIN) for i in range(101)])]
    wide.append(
        Tx(
            name="wide",
            inputs=[f"c:{i}" for i in range(101)],
            outputs=[("x", COIN), ("y", 100 * COIN - 1_000)],
        )
    )
    assert followed(build_view(wide), 1, "backward").stop is ChainStop.MANY_INPUTS


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_judge__says_of_each_transaction_what_the_bulk_pass_says(seed):
    view = view_at(random_chain(seed, 25))
    columns = peel_columns(view)
    words = fingerprints(fingerprint_columns(view), 0, view.counts.transactions)
    marks = mark_coinjoins(view, None).detected
    bulk = next_hops(
        columns,
        hop_features(columns, 0, words, view.fee),
        fresh_outputs(columns),
        (marks != 0).astype(np.uint8),
        0,
        view.counts.transactions,
    )
    hops = Hops(view, coinjoin_test(view, marks))
    assert [hops.judge(t) for t in range(view.counts.transactions)] == bulk.tolist()
    without_marks = judge_of(view)
    assert [without_marks.judge(t) for t in range(view.counts.transactions)] == bulk.tolist()


def test_chain_through__looks_both_ways():
    view = build_view(peeling(6))
    hops = judge_of(view)
    whole = followed(view, 1).hops
    for transaction in range(1, 7):
        assert chain_through(hops, transaction) == whole


def test_validate__counts_hops_that_the_co_spend_rule_can_judge():
    view = build_view(peeling(6))
    hops = followed(view, 1).hops
    place = {name: view.find_address(text_of_name(name)) for name in ("start", "rest0", "rest1")}

    def joined(*groups: tuple[str, ...]) -> Validation:
        roots = {place[name]: place[group[0]] for group in groups for name in group}
        return validate(view, hops, lambda address: roots.get(address, address))

    assert joined() == Validation(testable=0, agreeing=0)
    assert joined(("start", "rest0")) == Validation(testable=1, agreeing=1)
    assert joined(("start", "rest0", "rest1")) == Validation(testable=2, agreeing=2)
    shop = view.find_address(text_of_name("p2pkh:shop0"))
    astray = validate(view, hops, lambda it: place["start"] if it == shop else it)
    assert astray == Validation(testable=1, agreeing=0)
    # Where all outputs are the payer's own, nothing was tested.
    own = {shop, place["rest0"], place["start"]}
    moved = validate(view, hops[:1], lambda it: place["start"] if it in own else it)
    assert moved == Validation(testable=0, agreeing=0)


def test_validation__refuses_a_chain_from_twenty_testable_hops_on():
    assert not Validation(testable=19, agreeing=0).refuses_clustering
    assert Validation(testable=20, agreeing=19).refuses_clustering
    assert not Validation(testable=50, agreeing=49).refuses_clustering
    assert Validation(testable=51, agreeing=49).refuses_clustering


def test_behaviour__is_reported_for_long_chains_of_real_payments():
    view = build_view(peeling(6))
    hops = followed(view, 1).hops
    found = behaviour(view, hops)
    assert found == Behaviour(length=5, largest_peel_permille=11, smallest_peel_sat=COIN // 10)
    assert found.is_peel_chain
    assert not behaviour(view, hops[:4]).is_peel_chain
    assert not behaviour(view, ()).is_peel_chain
    greedy = Behaviour(length=5, largest_peel_permille=501, smallest_peel_sat=COIN)
    assert not greedy.is_peel_chain
    dusty = Behaviour(length=5, largest_peel_permille=1, smallest_peel_sat=1_000)
    assert not dusty.is_peel_chain


@pytest.mark.slow
def test_follow__keeps_to_the_owner_of_a_simulated_peel_chain(tmp_path):
    simulate(Parameters(transactions=SMALLEST, seed=3, disorder=False), tmp_path)
    truth, view = Truth(tmp_path), simulated_view(tmp_path / "blocks" / "blk00000.dat")
    # The truth does not count the genesis block's transaction.
    kind, sender = (truth.transactions[name].to_numpy() for name in ("kind", "sender"))
    owner = truth.addresses["owner"].to_numpy()
    holder = owner[truth.outputs["address"].to_numpy()]
    hops = judge_of(view)
    peels = Counter()
    longest = 0
    for number in np.flatnonzero(kind == Kind.PEEL).tolist():
        verdict = hops.judge(number + 1)
        name = HopStop(verdict).name if verdict < 0 else "hop"
        peels[name] += 1
        if verdict >= 0:
            assert holder[verdict - 1] == sender[number]
            chain = follow(hops, number + 1, direction="forward", most_hops=100, is_service=nowhere)
            longest = max(longest, len(chain.hops))
    # The last peels of the chain are not spent yet.
    assert peels["hop"] > peels["UNSPENT"] > 10 * peels["NOT_CONTINUED"]
    assert set(peels) == {"hop", "UNSPENT", "NOT_CONTINUED"}
    assert longest >= 5


def simulated_view(path) -> View:
    raw = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    starts, lengths, position = [], [], 0
    while position + 8 <= len(raw) and raw[position : position + 4].tobytes() == REGTEST.magic:
        lengths.append(int.from_bytes(raw[position + 4 : position + 8].tobytes(), "little"))
        starts.append(position + 8)
        position += 8 + lengths[-1]
    batch = decode_blocks(raw, np.array(starts), np.array(lengths))
    return view_of(batch, REGTEST, heights=np.arange(len(starts), dtype=np.uint32))
