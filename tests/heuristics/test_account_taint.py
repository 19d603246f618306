"""Taint on balances: the worked example, properties, and the kernels against their oracles."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics import account_taint
from heuristics.account_events import (
    FeeMode,
    GasOrder,
    Movement,
    by_balance_differences,
)
from heuristics.account_queues import move_segments
from heuristics.account_steps import OPENING_COLOUR
from heuristics.account_taint import (
    ACCOUNT_POLICIES,
    AccountFlow,
    AccountQuestion,
    trace_accounts,
)
from heuristics.conservation import ConservationError
from heuristics.stops import Direction
from heuristics.taint import Policy
from heuristics.wide import from_ints, to_ints
from tests.heuristics.account_cases import (
    FIVE_ASSETS,
    LARGEST,
    cases,
    columns_of,
    conversions_of,
    run,
)
from tests.reference import account as reference
from tests.reference.account import Case, Move

VECTOR: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "account_4.json").read_text()
)
QUEUES = (Policy.FIFO, Policy.LIFO)
CONSERVING = (Policy.FIFO, Policy.LIFO, Policy.HAIRCUT)

policies = st.sampled_from(ACCOUNT_POLICIES)
converting_cases = cases(converting=True, assets=FIVE_ASSETS) | cases(
    converting=True, assets=FIVE_ASSETS, largest=2**250, longest=12
)
forward_cases = (
    cases() | cases(largest=2**70) | cases(largest=2**250, longest=12) | converting_cases
)
backward_cases = cases(Direction.BACKWARD)
converting_backward_cases = cases(Direction.BACKWARD, converting=True, assets=FIVE_ASSETS)


def pot_values(flow: AccountFlow, column: np.ndarray) -> dict[tuple[int, int], int]:
    """Return the amounts of a column of pots by account and asset, without zeros."""
    pots = zip(flow.pots.account.tolist(), flow.pots.asset.tolist(), strict=True)
    return {pot: value for pot, value in zip(pots, to_ints(column), strict=True) if value}


def worked_example(unit: int) -> Case:
    """Return the example: account 0 is paid and pays account 1, account 2 earns the tip."""
    moves = [
        Move(transaction=row, kind=Movement.CREDIT, receiver=0, amount=credit["amount"] * unit)
        for row, credit in enumerate(VECTOR["credits"])
    ]
    number = len(moves)
    # The ledger may list gas first; the rule says that it is paid last.
    moves.append(
        Move(
            transaction=number, kind=Movement.GAS_TIP, giver=0, receiver=2,
            amount=VECTOR["gas"] * unit,
        )
    )  # fmt: skip
    moves.append(Move(transaction=number, giver=0, receiver=1, amount=VECTOR["transfer"] * unit))
    declared = {row: 1 for row, credit in enumerate(VECTOR["credits"]) if credit["tainted"]}
    return Case(moves=moves, declared=declared)


@pytest.mark.parametrize("unit", [int(unit) for unit in VECTOR["units"]])
@pytest.mark.parametrize("policy", ACCOUNT_POLICIES)
def test_trace_accounts__gives_the_worked_example(policy, unit):
    flow = run(worked_example(unit), policy, infer=False)
    expected = VECTOR["expect"][policy.name.lower()]
    carried = to_ints(flow.carried)
    assert carried[:2] == [0, 0]
    assert carried[2] == expected["gas"] * unit
    assert carried[3] == expected["transfer"] * unit
    assert to_ints(flow.tainted)[0] == expected["left"] * unit
    if policy in QUEUES:
        assert flow.segments is not None
        segments = VECTOR["segments"][policy.name.lower()]
        for pot, name in enumerate(("left", "transfer")):
            wanted = [(length * unit, colour) for length, colour in segments[name]]
            assert flow.segments.of_pot(pot) == wanted


def test_trace_accounts__pays_gas_before_the_value_where_told_to():
    case = replace(worked_example(1), gas_order=GasOrder.FIRST)
    assert to_ints(run(case, Policy.FIFO).carried) == [0, 0, 10, 290]
    assert to_ints(run(case, Policy.HAIRCUT).carried) == [0, 0, 3, 120]


def assert_same_movements(case: Case, flow: AccountFlow, answer: reference.Answer) -> None:
    rows = range(len(case.moves))
    assert to_ints(flow.carried) == [answer.carried[row] for row in rows]
    assert flow.carried_colours.tolist() == [answer.colours.get(row, 0) for row in rows]
    assert to_ints(flow.carried_unknown) == [answer.unknown[row] for row in rows]
    turned = [row for row in rows if case.moves[row].got is not None]
    assert to_ints(flow.came) == [answer.came[row] for row in turned]


@given(forward_cases, policies)
def test_forward__agrees_with_the_oracle(case, policy):
    flow = run(case, policy)
    answer = reference.forward(case, policy)
    assert_same_movements(case, flow, answer)
    assert pot_values(flow, flow.tainted) == +answer.tainted
    assert pot_values(flow, flow.unknown) == +answer.pot_unknown
    assert pot_values(flow, flow.opening) == case.openings()
    if flow.segments is not None:
        found = {
            (int(account), int(asset)): flow.segments.of_pot(pot)
            for pot, (account, asset) in enumerate(zip(*flow.pots, strict=True))
        }
        assert {pot: pieces for pot, pieces in found.items() if pieces} == answer.segments
    if flow.by_colour is not None:
        for pot, parts in enumerate(flow.by_colour):
            name = (int(flow.pots.account[pot]), int(flow.pots.asset[pot]))
            assert to_ints(parts) == answer.by_colour.get(name, [0] * len(parts))


@given(backward_cases, st.sampled_from(QUEUES))
def test_backward__gives_every_unit_the_way_it_came(case, policy):
    flow = run(case, policy, Direction.BACKWARD)
    assert_same_movements(case, flow, reference.backward(case, policy))


@given(backward_cases | converting_backward_cases)
def test_backward_poison__finds_the_movements_whose_taint_would_arrive(case):
    flow = run(case, Policy.POISON, Direction.BACKWARD)
    answer = reference.backward(case, Policy.POISON)
    for row, move in enumerate(case.moves):
        if move.got is not None and answer.carried[row]:
            answer.came[row] = move.amount
    assert_same_movements(case, flow, answer)


@given(
    backward_cases
    | cases(Direction.BACKWARD, largest=2**250, longest=12)
    | converting_backward_cases
)
def test_backward_haircut__asks_each_movement_for_its_part_of_the_balance(case):
    flow = run(case, Policy.HAIRCUT, Direction.BACKWARD)
    assert to_ints(flow.carried) == [
        reference.backward(case, Policy.HAIRCUT).carried[row] for row in range(len(case.moves))
    ]


@given(st.sampled_from(Direction), st.data(), st.sampled_from(CONSERVING))
def test_totals__account_for_every_declared_unit(direction, data, policy):
    case = data.draw(
        cases(direction)
        | cases(direction, largest=2**250, longest=12)
        | cases(direction, converting=True, assets=FIVE_ASSETS)
    )
    flow = run(case, policy, direction)
    assert np.all(flow.balance.any(axis=1) | ~flow.tainted.any(axis=1))
    for totals in flow.totals:
        declared = [row for row in case.declared if case.moves[row].asset == totals.asset]
        assert totals.source == sum(case.moves[row].amount for row in declared)
        parts = [totals.retainted, totals.held, totals.fees, totals.destroyed]
        parts += [totals.newly_issued, totals.before_first, totals.converted_away]
        assert totals.source + totals.came_by_conversion == sum(parts)
        if direction == Direction.FORWARD:
            assert totals.newly_issued == totals.before_first == 0
        else:
            assert totals.held == totals.destroyed == 0
        if case.follow_tips:
            assert totals.fees == 0
    for row, carried in enumerate(to_ints(flow.carried)):
        assert carried <= case.moves[row].amount


@given(forward_cases, policies)
def test_poison__reaches_whatever_another_policy_reaches(case, policy):
    poison, other = run(case, Policy.POISON), run(case, policy)
    for name in ("carried", "tainted"):
        reached = getattr(other, name).any(axis=1)
        assert np.all(getattr(poison, name).any(axis=1)[reached])


@given(
    cases(one_colour=True) | cases(one_colour=True, converting=True, assets=FIVE_ASSETS),
    st.data(),
    st.sampled_from((*QUEUES, Policy.POISON)),
)
def test_forward__another_source_never_lowers_taint(case, data, policy):
    rows = [
        row for row, move in enumerate(case.moves) if move.receiver is not None and move.got is None
    ]
    more = data.draw(st.sampled_from(rows))
    wider = replace(case, declared={**case.declared, more: 1})
    before, after = run(case, policy), run(wider, policy)
    for name in ("carried", "tainted"):
        pairs = zip(to_ints(getattr(before, name)), to_ints(getattr(after, name)), strict=True)
        assert all(less <= greater for less, greater in pairs)


@given(cases(), st.integers(2, 2**200), st.sampled_from(QUEUES), st.sampled_from(Direction))
def test_queues__scale_with_the_unit(case, unit, policy, direction):
    side = "receiver" if direction == Direction.FORWARD else "giver"
    if any(getattr(case.moves[row], side) is None for row in case.declared):
        return
    scaled = replace(case, moves=[replace(move, amount=move.amount * unit) for move in case.moves])
    small, large = run(case, policy, direction), run(scaled, policy, direction)
    assert [amount * unit for amount in to_ints(small.carried)] == to_ints(large.carried)


@given(cases(one_colour=True), st.sampled_from(QUEUES), st.data())
def test_queues__backward_is_the_inverse_of_forward(case, policy, data):
    rows = range(len(case.moves))
    starts = [row for row in rows if case.moves[row].receiver is not None]
    goals = [row for row in rows if case.moves[row].giver is not None]
    if not goals:
        return
    start, goal = data.draw(st.sampled_from(starts)), data.draw(st.sampled_from(goals))
    there = run(replace(case, declared={start: 1}), policy)
    back = run(replace(case, declared={goal: 1}), policy, Direction.BACKWARD)
    assert to_ints(there.carried)[goal] == to_ints(back.carried)[start]


def test_trace_accounts__tells_colours_apart():
    moves = [
        Move(kind=Movement.CREDIT, receiver=0, amount=10),
        Move(kind=Movement.CREDIT, receiver=0, amount=20),
        Move(giver=0, receiver=1, amount=15),
    ]
    case = Case(moves=moves, declared={0: 1, 1: 4})
    flow = run(case, Policy.FIFO)
    assert flow.segments is not None
    assert flow.segments.of_pot(1) == [(10, 1), (5, 4)]
    flow = run(case, Policy.HAIRCUT)
    assert flow.by_colour is not None
    assert to_ints(flow.by_colour[1]) == [5, 0, 10]
    assert run(case, Policy.POISON).carried_colours[2] == 5


def test_trace_accounts__counts_what_comes_back_to_a_source_once():
    moves = [
        Move(kind=Movement.CREDIT, receiver=0, amount=10),
        Move(giver=0, receiver=1, amount=10),
        Move(giver=1, receiver=2, amount=6),
    ]
    for policy in CONSERVING:
        (totals,) = run(Case(moves=moves, declared={0: 1, 1: 1}), policy).totals
        assert (totals.source, totals.retainted, totals.held) == (20, 10, 10)


def test_trace_accounts__lists_tips_by_fee_mode():
    case = worked_example(1)
    for fee_mode, listed, fees in (
        (FeeMode.TRACK, [2], 3),
        (FeeMode.DROP, [], 3),
        (FeeMode.TRACK_COINBASE, [], 0),
    ):
        question = AccountQuestion(
            direction=Direction.FORWARD,
            policy=Policy.HAIRCUT,
            declared=np.array([0]),
            colours=np.array([1]),
            fee_mode=fee_mode,
        )
        flow = trace_accounts(columns_of(case.moves), question)
        assert flow.tainted_tips.tolist() == listed
        assert flow.totals[0].fees == fees
        recipient = flow.pots.account.tolist().index(2)
        assert to_ints(flow.tainted)[recipient] == 3 - fees


def test_trace_accounts__counts_burnt_gas_as_destroyed():
    moves = [
        Move(kind=Movement.CREDIT, receiver=0, amount=10),
        Move(kind=Movement.GAS_BURNT, giver=0, amount=4),
    ]
    (totals,) = run(Case(moves=moves, declared={0: 1}), Policy.FIFO).totals
    assert (totals.destroyed, totals.held) == (4, 6)


def test_trace_accounts__passes_nothing_on_with_zero_amounts():
    moves = [
        Move(kind=Movement.CREDIT, receiver=0, amount=10),
        Move(giver=0, receiver=1, amount=0),
        Move(kind=Movement.CREDIT, receiver=1, amount=5),
    ]
    for policy in ACCOUNT_POLICIES:
        flow = run(Case(moves=moves, declared={0: 1}), policy)
        assert to_ints(flow.tainted) == [10, 0]


def test_poison__leaves_an_emptied_account():
    moves = [
        Move(kind=Movement.CREDIT, receiver=0, amount=10),
        Move(giver=0, receiver=1, amount=10),
        Move(kind=Movement.CREDIT, receiver=0, amount=5),
    ]
    flow = run(Case(moves=moves, declared={0: 1}), Policy.POISON)
    assert to_ints(flow.tainted) == [0, 10]


@pytest.mark.parametrize("policy", QUEUES)
def test_queues__a_payment_to_oneself_reorders_and_loses_nothing(policy):
    moves = [
        Move(kind=Movement.CREDIT, receiver=0, amount=3),
        Move(kind=Movement.CREDIT, receiver=0, amount=7),
        Move(giver=0, receiver=0, amount=8),
    ]
    flow = run(Case(moves=moves, declared={0: 1}), policy)
    assert flow.segments is not None
    # A queue goes on behind what stayed; a stack is taken off and laid down the other way round.
    expected = {
        Policy.FIFO: [(2, 0), (3, 1), (5, 0)],
        Policy.LIFO: [(1, 1), (7, 0), (2, 1)],
    }
    assert flow.segments.of_pot(0) == expected[policy]


def test_opening__is_the_smallest_that_explains_all_payments_and_never_clean():
    moves = [
        Move(giver=0, receiver=1, amount=5),
        Move(kind=Movement.CREDIT, receiver=0, amount=4),
        Move(giver=0, receiver=1, amount=6),
    ]
    flow = run(Case(moves=moves, declared={1: 1}), Policy.FIFO)
    assert to_ints(flow.opening) == [7, 0]
    assert flow.segments is not None
    assert flow.segments.of_pot(1) == [(7, OPENING_COLOUR), (4, 1)]
    assert to_ints(flow.carried_unknown) == [5, 0, 2]
    with pytest.raises(ValueError, match="movement 0 takes more of asset 0 than account 0 holds"):
        run(Case(moves=moves, declared={1: 1}), Policy.FIFO, infer=False)


def test_by_balance_differences__burns_what_did_not_arrive_and_credits_what_appeared():
    moves = [
        Move(kind=Movement.CREDIT, receiver=0, asset=9, amount=100),
        Move(giver=0, receiver=1, asset=9, amount=50),
        Move(giver=0, receiver=1, asset=8, amount=0),
        Move(giver=0, receiver=1, asset=7, amount=10),
    ]
    received = from_ints([0, 49, 0, 12])
    settled = by_balance_differences(columns_of(moves), received)
    assert settled.origin.tolist() == [0, 1, 1, 2, 3, 3]
    assert settled.movements.kind.tolist() == [
        Movement.CREDIT, Movement.TRANSFER, Movement.BURN,
        Movement.TRANSFER, Movement.TRANSFER, Movement.CREDIT,
    ]  # fmt: skip
    assert to_ints(settled.movements.amount) == [100, 49, 1, 0, 10, 2]
    assert settled.non_conserving.tolist() == [7, 9]
    question = AccountQuestion(
        direction=Direction.FORWARD,
        policy=Policy.FIFO,
        declared=np.array([0]),
        colours=np.array([1]),
    )
    settled = by_balance_differences(columns_of(moves[:2]), from_ints([0, 49]))
    (totals,) = trace_accounts(settled.movements, question).totals
    assert (totals.held, totals.destroyed) == (99, 1)


@given(cases(one_colour=True), st.data(), policies)
def test_conversion__one_to_one_and_back_changes_nothing(case, data, policy):
    # An account that wraps all that it has, and unwraps it, holds what it held. In a queue a
    # conversion takes the whole pot along, so its order stays.
    at = data.draw(st.integers(0, len(case.moves)))
    held = Case(moves=case.moves[:at], declared={}).balances()
    owner = data.draw(st.integers(0, 3))
    amount = held.get((owner, 0), 0)
    wrap = Move(kind=Movement.CONVERSION, giver=owner, receiver=owner, asset=0, amount=amount,
                got=(9, amount))  # fmt: skip
    if amount == 0 or policy == Policy.LIFO:
        return
    moment = case.moves[at - 1].transaction
    moves = [
        *case.moves[:at],
        replace(wrap, transaction=moment),
        replace(wrap.mirror, transaction=moment),
        *case.moves[at:],
    ]
    shifted = {row + 2 * (row >= at): colour for row, colour in case.declared.items()}
    plain = replace(case, gas_order=GasOrder.LAST)
    wider = replace(plain, moves=moves, declared=shifted)
    if plain.ordered()[:at] != list(enumerate(case.moves))[:at]:
        return
    before, after = run(plain, policy), run(wider, policy)
    found = to_ints(after.carried)
    assert found[:at] + found[at + 2 :] == to_ints(before.carried)
    assert pot_values(after, after.tainted) == pot_values(before, before.tainted)


@pytest.mark.parametrize("policy", ACCOUNT_POLICIES)
def test_conversion__carries_taint_as_a_fraction(policy):
    # 3 of 10 ether are traced; all are swapped for 100 dollars, of which 67 are paid on.
    moves = [
        Move(kind=Movement.CREDIT, receiver=0, amount=3),
        Move(kind=Movement.CREDIT, receiver=0, amount=7),
        Move(kind=Movement.CONVERSION, giver=0, receiver=0, amount=10, got=(1, 100)),
        Move(giver=0, receiver=1, asset=1, amount=67),
    ]
    expected = {
        Policy.FIFO: (30, 0),
        # The last to come in was given first, and lies below: 70 clean, and 30 traced on top.
        Policy.LIFO: (30, 0),
        Policy.HAIRCUT: (20, 10),
        Policy.POISON: (67, 33),
    }
    paid, kept = expected[policy]
    flow = run(Case(moves=moves, declared={0: 1}), policy)
    assert to_ints(flow.came) == [100 if policy == Policy.POISON else 30]
    assert pot_values(flow, flow.tainted) == {
        pot: amount for pot, amount in {(0, 1): kept, (1, 1): paid}.items() if amount
    }
    if policy != Policy.POISON:
        ether, dollars = flow.totals
        assert (ether.source, ether.converted_away, ether.held) == (3, 3, 0)
        assert (dollars.source, dollars.came_by_conversion, dollars.held) == (0, 30, 30)


def test_conversion__bounds_are_rounded_together():
    # Segments of 1, 1 and 1 of 3 units become 3, 3 and 4 of 10: no unit is lost between them.
    moves = [
        *(Move(kind=Movement.CREDIT, receiver=0, amount=1) for _ in range(3)),
        Move(kind=Movement.CONVERSION, giver=0, receiver=0, amount=3, got=(1, 10)),
    ]
    flow = run(Case(moves=moves, declared={0: 1, 1: 2, 2: 4}), Policy.FIFO)
    assert flow.segments is not None
    assert flow.segments.of_pot(1) == [(3, 1), (3, 2), (4, 4)]
    flow = run(Case(moves=moves, declared={0: 1, 1: 2, 2: 4}), Policy.HAIRCUT)
    assert flow.by_colour is not None
    assert to_ints(flow.by_colour[1]) == [3, 3, 4]


@pytest.mark.parametrize(
    "change",
    [
        {"receiver": 1},
        {"got": (0, 5)},
        {"got": (1, 0)},
        {"amount": 0},
    ],
)
def test_trace_accounts__rejects_conversions_that_are_none(change):
    turn = Move(kind=Movement.CONVERSION, giver=0, receiver=0, amount=5, got=(1, 5))
    case = Case(
        moves=[Move(kind=Movement.CREDIT, receiver=0, amount=5), replace(turn, **change)],
        declared={0: 1},
    )
    with pytest.raises(ValueError, match="movement 1 is no conversion"):
        run(case, Policy.FIFO)


def test_trace_accounts__wants_to_know_of_every_conversion_what_it_got():
    turn = Move(kind=Movement.CONVERSION, giver=0, receiver=0, amount=5, got=(1, 5))
    moves = [Move(kind=Movement.CREDIT, receiver=0, amount=5), turn]
    columns, question = (
        columns_of(moves),
        AccountQuestion(
            direction=Direction.FORWARD,
            policy=Policy.FIFO,
            declared=np.array([0]),
            colours=np.array([1]),
        ),
    )
    with pytest.raises(ValueError, match="conversions must be the movements of that kind"):
        trace_accounts(columns, question)
    got = conversions_of(moves)
    with pytest.raises(ValueError, match="must have 1 rows"):
        trace_accounts(columns, question, got._replace(amount=got.amount[:0]))
    with pytest.raises(ValueError, match="movement 1 cannot be a source: it is a conversion"):
        run(Case(moves=moves, declared={1: 1}), Policy.FIFO)


@pytest.mark.parametrize(
    ("field", "factor", "message"),
    [("tainted", 0, "300 units of asset 0 were traced and 0"), ("carried", 7, "more traced units")],
)
def test_trace_accounts__gives_no_answer_where_the_sums_are_wrong(
    monkeypatch, field, factor, message
):
    def miscount(*arguments):
        queues = move_segments(*arguments)
        return queues._replace(**{field: getattr(queues, field) * np.uint64(factor)})

    monkeypatch.setattr(account_taint, "move_segments", miscount)
    with pytest.raises(ConservationError, match=message):
        run(worked_example(1), Policy.FIFO)


GOOD = [
    Move(kind=Movement.CREDIT, receiver=0, amount=10),
    Move(transaction=1, giver=0, receiver=1, amount=4),
    Move(transaction=1, kind=Movement.BURN, giver=0, amount=1),
]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"declared": []}, "declare at least one"),
        ({"declared": [1, 0], "colours": [1, 1]}, "ascending"),
        ({"declared": [3]}, "ascending"),
        ({"colours": [0]}, "bits 0 to 61"),
        ({"colours": [OPENING_COLOUR]}, "bits 0 to 61"),
        ({"declared": [2]}, "movement 2 .* nobody receives"),
        ({"direction": Direction.BACKWARD}, "movement 0 .* nobody gave"),
    ],
)
def test_trace_accounts__rejects_questions_without_meaning(changes, message):
    fields = {
        "direction": Direction.FORWARD, "policy": Policy.FIFO, "declared": [0], "colours": [1],
    } | changes  # fmt: skip
    fields |= {name: np.array(fields[name], np.int64) for name in ("declared", "colours")}
    with pytest.raises(ValueError, match=message):
        trace_accounts(columns_of(GOOD), AccountQuestion(**fields))


@pytest.mark.parametrize("policy", [p for p in Policy if p not in ACCOUNT_POLICIES])
def test_trace_accounts__refuses_policies_that_choose_among_outputs(policy):
    with pytest.raises(ValueError, match="one receiver at a time"):
        run(Case(moves=GOOD, declared={0: 1}), policy)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"transaction": np.array([1, 0, 0])}, "must not fall"),
        ({"asset": np.zeros(2, np.uint32)}, "asset must have 3 rows"),
        ({"amount": np.zeros((3, 2), np.uint64)}, "3 rows of 4 limbs"),
        ({"kind": np.array([0, 0, 3], np.uint8)}, "movement 0 lacks an account"),
        ({"kind": np.array([1, 0, 9], np.uint8)}, "movement 2 lacks an account"),
    ],
)
def test_trace_accounts__rejects_columns_that_contradict_each_other(changes, message):
    question = AccountQuestion(
        direction=Direction.FORWARD,
        policy=Policy.FIFO,
        declared=np.array([0]),
        colours=np.array([1]),
    )
    with pytest.raises(ValueError, match=message):
        trace_accounts(columns_of(GOOD)._replace(**changes), question)


def test_trace_accounts__says_where_a_balance_is_too_large():
    moves = [Move(kind=Movement.CREDIT, receiver=0, amount=LARGEST) for _ in range(2)]
    with pytest.raises(ValueError, match="movement 1 makes a balance of"):
        run(Case(moves=moves, declared={0: 1}), Policy.FIFO)
