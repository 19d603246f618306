"""Candidates behind CoinJoins in whole traces: what is listed, and that nothing else changes."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.attribution.ownership import SingleAddresses
from arien_flows.attribution.snapshot import no_attribution
from arien_flows.cli.demix_texts import MARK
from arien_flows.cli.trace_texts import trace_lines
from arien_flows.errors import InputError
from arien_flows.ledger.view import View
from arien_flows.tracing.answer import TraceAnswer, canonical_json
from arien_flows.tracing.demixing import RULES, Mixes, follow_candidates
from arien_flows.tracing.engine import Ground
from arien_flows.tracing.inferences import Inference, Ratio
from arien_flows.tracing.request import TraceRequest
from arien_flows.tracing.trace import trace
from heuristics.demix import Mix, Plan, unravel
from heuristics.rules import RULES as ALL_RULES
from tests.arien_flows.tracing.chains import attribution_of
from tests.arien_flows.tracing.mixing import JOIN, POOL, WHIRL, marks_of, mix_of_pool
from tests.ledgers import Tx, build_view, text_of_name
from tests.reference import demix as reference


def ask(view: View, source: str, /, **fields: Any) -> TraceAnswer:
    services = attribution_of(view, fields.pop("services", {"exchange": "exchange"}))
    request = TraceRequest(
        sources=(text_of_name(source),), **({"min_value_sat": 1, "demix": "candidates"} | fields)
    )
    return trace(view, request, coinjoin_marks=marks_of(view), attribution=services).answer


def only(answer: TraceAnswer) -> Inference:
    assert answer.inferences is not None
    (told,) = answer.inferences.coinjoins
    return told


def exact(ratio: Ratio | None) -> Fraction:
    assert ratio is not None
    return Fraction(int(ratio.numerator), int(ratio.denominator))


def whole(told: Inference) -> Fraction:
    listed = sum((exact(each.mass) for each in told.candidates), Fraction(0))
    return listed + exact(told.unlisted_mass) + exact(told.rest)


@pytest.fixture(scope="module")
def join() -> View:
    return build_view(JOIN)


@pytest.fixture(scope="module")
def whirl() -> View:
    return build_view(WHIRL)


def test_inferences__are_made_only_if_asked_for_and_change_nothing_else(join):
    without, asked = ask(join, "thief", demix="stop"), ask(join, "thief")
    assert without.inferences is None
    assert asked.totals.by_reason == {"coinjoin": "60000000"}
    for part in ("totals", "leaves", "services", "service_points", "destroyed", "graph"):
        one, other = getattr(without, part), getattr(asked, part)
        assert canonical_json({"it": one}) == canonical_json({"it": other})
    assert (without.complete, without.truncations) == (asked.complete, asked.truncations)


def test_inferences__name_rules_that_are_documented_in_the_same_version(join):
    told = ask(join, "thief").inferences
    assert told is not None
    assert told.rules == RULES
    assert {rule.name: rule.version for rule in ALL_RULES}.items() >= RULES.items()


def test_inferences__change_spent_with_a_mixed_output_settles_whose_that_is(join):
    told = only(ask(join, "thief"))
    assert whole(told) == 1
    assert [each.design for each in told.passed] == ["equal_outputs"]
    by_place = {each.outpoint[-1]: each for each in told.candidates if each.outpoint}
    assert sorted(by_place) == ["0", "1", "2", "3"]
    assert {place: each.fate for place, each in by_place.items()} == {
        "0": "spent", "1": "spent", "2": "unspent", "3": "spent",
    }  # fmt: skip
    assert [exact(by_place[place].chance) for place in "0123"] == [Fraction(1, 3)] * 3 + [1]
    assert exact(by_place["0"].raised) == 1
    assert by_place["1"].raised is None
    (joined,) = told.consolidations
    assert [coin[-1] for coin in joined.coins] == ["0", "3"]
    assert (joined.rule, exact(joined.raised)) == ("demix_consolidation", 1)
    (landing,) = by_place["1"].landings
    assert (landing.label, landing.value) == ("The exchange", "30000000")
    assert landing.address == text_of_name("exchange")


def test_inferences__a_candidate_paid_straight_to_a_service_ends_there(join):
    told = only(ask(join, "thief", services={"mixed-2": "exchange"}))
    (at_service,) = [each for each in told.candidates if each.fate == "service"]
    assert at_service.address == text_of_name("mixed-2")
    assert [each.label for each in at_service.landings] == ["The mixed-2"]


def test_inferences__backward_every_participant_is_a_candidate(join):
    answer = ask(join, "hoard", direction="backward")
    assert answer.inferences is not None
    by_place = {told.coin[-1]: told for told in answer.inferences.coinjoins if told.coin}
    mixed, change = by_place["0"], by_place["3"]
    assert whole(mixed) == whole(change) == 1
    assert [exact(each.mass) for each in mixed.candidates] == [Fraction(1, 3)] * 3
    assert {each.fate for each in mixed.candidates} == {"newly_mined"}
    (payer,) = change.candidates
    assert (payer.address, exact(payer.chance)) == (text_of_name("thief"), 1)
    assert payer.spent_by is not None
    assert payer.spent_by.endswith(":0")


def test_inferences__follow_candidates_through_mixes_and_multiply_masses(whirl):
    answer = ask(whirl, "premix-a")
    told = only(answer)
    assert whole(told) == 1
    assert [(each.design, each.depth, each.entered) for each in told.passed] == [
        ("whirlpool", 1, 1), ("whirlpool", 2, 2), ("whirlpool", 2, 2),
    ]  # fmt: skip
    sold = [each for each in told.candidates if each.fate == "spent"]
    assert [exact(each.mass) for each in sold] == [Fraction(1, 5)] * 2
    assert [exact(each.raised) for each in sold] == [Fraction(2, 5)] * 2
    assert {each.label for one in sold for each in one.landings} == {"The exchange"}
    deep = [each for each in told.candidates if each.fate == "unspent"]
    # Two of five enter the second mix; one of its outputs and one of the first enter the third.
    assert [exact(each.mass) for each in deep] == [Fraction(2, 25)] * 4 + [Fraction(7, 125)] * 5
    assert {each.value for each in told.candidates} == {str(POOL)}


def test_inferences__stop_at_the_depth_that_was_asked_for(whirl):
    told = only(ask(whirl, "premix-a", demix_depth=1))
    assert told.cut == ("depth",)
    assert [each.fate for each in told.candidates].count("depth") == 3
    assert whole(told) == 1
    assert len(only(ask(whirl, "premix-a", demix_depth=2)).passed) == 3


def test_inferences__backward_through_several_mixes(whirl):
    told = only(ask(whirl, "three-0", direction="backward"))
    assert whole(told) == 1
    assert [each.depth for each in told.passed] == [1, 2, 2]
    assert {each.fate for each in told.candidates} == {"newly_mined", "made"}
    entry = [each for each in told.candidates if each.fate == "made"]
    # Of the third mix's inputs one comes from the first, and one from the second, of whose inputs
    # two come from the first.
    assert [exact(each.mass) for each in entry] == [Fraction(1, 5) * Fraction(7, 25)]


def test_inferences__look_no_further_than_the_time_that_was_asked_for():
    late = [tx for tx in WHIRL if tx.name in ("mix-2", "mix-3", "pool")]
    chain = [tx for tx in WHIRL if tx not in late]
    later = [Tx(name=f"later-{i}", outputs=[("miner", POOL)]) for i in range(12)]
    view = build_view([*chain, *later, *late])
    until = datetime.fromtimestamp(int(view.median_times[-2]), UTC)
    told = only(ask(view, "premix-a", until=until))
    assert {each.fate for each in told.candidates} == {"time_window"}
    assert len(told.passed) == 1
    assert told.consolidations == ()
    assert {each.landings for each in told.candidates} == {()}


def test_inferences__a_limit_on_coinjoins_is_said(whirl, monkeypatch):
    monkeypatch.setattr("arien_flows.tracing.demixing.MOST_COINJOINS", 2)
    monkeypatch.setattr("arien_flows.tracing.candidates.MOST_CANDIDATES", 3)
    told = only(ask(whirl, "premix-a"))
    assert told.cut == ("count",)
    assert len(told.passed) == 2
    assert (len(told.candidates), told.unlisted > 0) == (3, True)
    assert whole(told) == 1


def test_inferences__a_limit_on_traced_coins_is_said(join, monkeypatch):
    monkeypatch.setattr("arien_flows.tracing.candidates.MOST_COINS", 1)
    told = ask(join, "hoard", direction="backward").inferences
    assert told is not None
    assert (len(told.coinjoins), told.unasked, told.unasked_traced) == (1, 1, "9980000")


def test_inferences__every_line_of_text_says_what_it_is(whirl):
    answer = ask(whirl, "premix-a", demix_depth=2)
    lines = list(trace_lines(answer))
    first = next(place for place, line in enumerate(lines) if line.startswith(MARK))
    last = lines.index("", first)
    assert all(line.startswith(MARK) for line in lines[first:last])
    assert not any(line.startswith(MARK) for line in lines[:first] + lines[last:])
    told = "\n".join(lines[first:last])
    assert "20.00 %" in told
    assert "2/5" in told
    assert "The exchange" in told
    plain = list(trace_lines(replace(answer, inferences=None)))
    assert plain == lines[: first - 1] + lines[last:]


def test_request__refuses_what_demix_is_not():
    with pytest.raises(InputError, match="neither stop nor candidates"):
        TraceRequest(sources=("a",), demix="guess")  # type: ignore[arg-type]  # not a name
    with pytest.raises(InputError, match="demix_depth must be between 1 and 10"):
        TraceRequest(sources=("a",), demix_depth=11)


def two_amounts(random: Random, *, pooled: bool) -> tuple[Mixes, Mix]:
    """Return a mix with two agreed amounts, and a second mix that takes outputs of both."""
    equal = [100] * random.randint(2, 4) + [200] * random.randint(2, 4)
    brought = [random.randint(100, 900) for _ in range(random.randint(2, 5))]
    brought.append(random.randint(0, 300) + max(0, sum(equal) - sum(brought)))
    spent = [random.randrange(len(equal)), *random.sample(range(len(equal)), 3)]
    taken = sorted({*spent, 0, len(equal) - 1})
    paid = sum(equal[place] for place in taken)
    chain = [
        Tx(name="mined", outputs=[(f"p{i}", sat) for i, sat in enumerate(brought)]),
        Tx(
            name="first",
            inputs=[f"mined:{i}" for i in range(len(brought))],
            outputs=[(f"e{i}", sat) for i, sat in enumerate(equal)],
        ),
        Tx(
            name="second",
            inputs=[f"first:{i}" for i in taken],
            outputs=[("x", paid // 2), ("y", paid // 2)],
        ),
    ]
    view = build_view(chain)
    ground = Ground(
        view=view,
        entities=SingleAddresses(),
        attribution=no_attribution(view),
        coinjoin_marks=np.array([0, 1, 1], np.uint8),
    )
    mixes = Mixes(ground=ground, is_forward=False)
    for transaction, plan in ((1, Plan(amounts=(100, 200), pooled=pooled)), (2, None)):
        rows = slice(*view.first_input[transaction : transaction + 2].tolist())
        given = slice(*view.first_output[transaction : transaction + 2].tolist())
        mixes.known[transaction] = (
            unravel(
                np.asarray(view.input_value[rows]),
                np.asarray(view.input_address[rows]),
                np.asarray(view.output_value[given]),
                np.asarray(view.output_address[given]),
                plan or Plan(amounts=(paid // 2,), pooled=True),
            ),
            None,
            None,
        )
    return mixes, mixes.at(1)


@pytest.mark.parametrize("pooled", [False, True])
def test_inferences__backward_an_input_stands_for_its_part_of_each_amount(pooled):
    check_every_path_back(7, pooled=pooled)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_inferences__backward_masses_are_those_of_every_path(seed, pooled):
    check_every_path_back(seed, pooled=pooled)


def check_every_path_back(seed: int, *, pooled: bool) -> None:
    mixes, first = two_amounts(Random(seed), pooled=pooled)
    walk = follow_candidates(mixes, 2, 0, 3, (0, 2))
    view = mixes.ground.view
    expected: dict[int, Fraction] = {}
    rest = Fraction(0)
    # Every path by itself: from the second mix to an output of the first, and to its inputs.
    for share in mixes.at(2).entering(0):
        for row, mass in zip(share.rows, share.masses, strict=True):
            place = int(view.spent_output[int(view.first_input[2]) + row] - view.first_output[1])
            before = first.entering(place)
            rest += mass * (1 - sum(sum(each.masses) for each in before))
            for each in before:
                for origin, part in zip(each.rows, each.masses, strict=True):
                    expected[origin] = expected.get(origin, Fraction(0)) + mass * part
    start = int(view.first_input[1])
    assert {each.row - start: each.arrival.mass for each in walk.found} == expected
    assert walk.rest == rest
    assert sum(expected.values()) + rest == 1


def pool_of_mixes(seed: int, count: int) -> tuple[list[Tx], dict[str, tuple[str, int]]]:
    """Return mixes that take outputs of one another, and where each spent output went."""
    random = Random(seed)
    fresh = [f"others:{i}" for i in range(10 * count)]
    chain = [
        Tx(name="mined", outputs=[("thief", POOL + 300)]),
        Tx(name="others", outputs=[(f"o{i}", POOL + 300 * (i % 2)) for i in range(10 * count)]),
    ]
    mixed: list[str] = []
    spends = {}
    for number in range(count):
        name = f"mix{number}"
        again = random.sample(mixed, min(len(mixed), random.randint(1, 3)))
        taken = (["mined:0"] if number == 0 else []) + again
        even = [coin for coin in fresh if int(coin.split(":")[1]) % 2 == 0]
        odd = [coin for coin in fresh if int(coin.split(":")[1]) % 2]
        if number == 0:
            taken += [*even[:3], odd[0]]
        else:
            taken += [even[0], odd[0], *even[1 : 5 - 1 - len(again)]]
        taken = taken[:5]
        fresh = [coin for coin in fresh if coin not in taken]
        mixed = [coin for coin in mixed if coin not in again]
        random.shuffle(taken)
        for place, coin in enumerate(taken):
            spends[coin] = (name, place)
        chain.append(mix_of_pool(name, taken, f"{name}-out"))
        mixed += [f"{name}:{i}" for i in range(5)]
    return chain, spends


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 8))
def test_inferences__masses_are_those_of_walking_every_path(seed, count):
    chain, spends = pool_of_mixes(seed, count)
    view = build_view(chain)
    told = only(ask(view, "thief", demix_depth=10))
    mixes = {tx.name: [f"{tx.name}:{i}" for i in range(5)] for tx in chain[2:]}
    expected = reference.masses_after(spends["mined:0"], mixes, spends, 10)
    names = {
        view.outpoint_text(int(view.first_output[place]) + i): f"{tx.name}:{i}"
        for place, tx in enumerate(chain)
        for i in range(len(tx.outputs))
    }
    found = {names[each.outpoint or ""]: exact(each.mass) for each in told.candidates}
    assert found == expected
    assert whole(told) == 1
    # In such mixes a share of the money and the chance to own the coin are the same.
    assert all(each.chance == each.mass for each in told.candidates)


# --- real mixes, with the amounts, the order and the links that they have on the main network


def real_whirlpool(folder: Path) -> list[Tx]:
    """Return real mixes and what enters them; coins from elsewhere are made up beforehand."""
    with gzip.open(folder / "txs.jsonl.gz", "rt") as file:
        rows = [row for row in map(json.loads, file) if row["label"] in WHIRLPOOL]
    rows.sort(key=lambda row: (row["time"], row["block_index"]))
    known = {row["txid"] for row in rows}
    made_up: dict[str, list[tuple[str, int]]] = {}
    chain = []
    for number, row in enumerate(rows):
        before, taken = made_up.setdefault(f"before-{number // 20}", []), []
        for spent in row["inputs"]:
            if spent["txid"] in known:
                taken.append(f"{spent['txid']}:{spent['vout']}")
            else:
                taken.append(f"before-{number // 20}:{len(before)}")
                before.append((spent["script"], spent["value"]))
        given = [
            (f"data:{place}" if out["script"].startswith("6a") else out["script"], out["value"])
            for place, out in enumerate(row["outputs"])
        ]
        chain.append(Tx(name=row["txid"], inputs=taken, outputs=given))
    coins = [Tx(name=name, outputs=outputs) for name, outputs in made_up.items()]
    # A transaction that spends nothing begins a block, and no block of these tests is long.
    blocks = [
        [Tx(name=f"block-{start}", outputs=[("miner", POOL)]), *chain[start : start + 200]]
        for start in range(0, len(chain), 200)
    ]
    return [*coins, *(tx for block in blocks for tx in block)]


WHIRLPOOL = {"whirlpool_mix", "whirlpool_tx0"}


@pytest.mark.slow
def test_inferences__real_mixes_are_followed_as_every_path_says(shared_data: Path):
    chain = real_whirlpool(shared_data / "btc_coinjoin")
    view = build_view(chain)
    marks = marks_of(view)
    places = {tx.name: place for place, tx in enumerate(chain)}
    mixes = {
        tx.name: [f"{tx.name}:{i}" for i in range(len(tx.outputs))]
        for place, tx in enumerate(chain)
        if marks[place]
    }
    assert len(mixes) >= 700
    spends = {
        coin: (tx.name, place)
        for tx in chain
        if tx.name in mixes
        for place, coin in enumerate(tx.inputs)
    }
    starts = [coin for coin in spends if coin.partition(":")[0] not in mixes]
    entered = []
    for coin in starts[:120]:
        name, _, vout = coin.partition(":")
        outpoint = f"{view.txid_text(places[name])}:{vout}"
        request = TraceRequest(sources=(outpoint,), min_value_sat=1, demix="candidates")
        told = only(trace(view, request, coinjoin_marks=marks).answer)
        assert whole(told) == 1
        expected = reference.masses_after(spends[coin], mixes, spends, 3)
        assert sorted(exact(each.mass) for each in told.candidates) == sorted(expected.values())
        assert len({each.value for each in told.candidates}) == 1
        entered.append(len(told.passed))
    assert len(entered) > 50
    assert max(entered) > 3
