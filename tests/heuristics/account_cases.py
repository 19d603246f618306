"""Movements between accounts for the tests, and their columns."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from heuristics.account_events import (
    Conversions,
    FeeMode,
    GasOrder,
    Movement,
    MovementColumns,
)
from heuristics.account_taint import AccountFlow, AccountQuestion, trace_accounts
from heuristics.columns import NO_ADDRESS
from heuristics.stops import Direction
from heuristics.taint import Policy
from heuristics.wide import from_ints
from tests.reference.account import Case, Move

LARGEST = 2**256 - 1
FIVE_ASSETS = (0, 1, 2, 3, 5)
NOT_DRAWN = (Movement.CONVERSION,)


def columns_of(moves: Sequence[Move]) -> MovementColumns:
    def accounts(numbers: list[int | None]) -> np.ndarray:
        return np.array([NO_ADDRESS if n is None else n for n in numbers], np.uint32)

    return MovementColumns(
        transaction=np.array([move.transaction for move in moves], np.int64),
        kind=np.array([move.kind for move in moves], np.uint8),
        giver=accounts([move.giver for move in moves]),
        receiver=accounts([move.receiver for move in moves]),
        asset=np.array([move.asset for move in moves], np.uint32),
        amount=from_ints([move.amount for move in moves]),
    )


def conversions_of(moves: Sequence[Move]) -> Conversions:
    got = [(row, *move.got) for row, move in enumerate(moves) if move.got is not None]
    return Conversions(
        row=np.array([row for row, _, _ in got], np.int64),
        asset=np.array([asset for _, asset, _ in got], np.uint32),
        amount=from_ints([amount for _, _, amount in got]),
    )


def run(
    case: Case, policy: Policy, direction: Direction = Direction.FORWARD, *, infer: bool = True
) -> AccountFlow:
    question = AccountQuestion(
        direction=direction,
        policy=policy,
        declared=np.array(sorted(case.declared), np.int64),
        colours=np.array([case.declared[row] for row in sorted(case.declared)], np.int64),
        gas_order=case.gas_order,
        fee_mode=FeeMode.TRACK_COINBASE if case.follow_tips else FeeMode.TRACK,
        infer_opening=infer,
    )
    return trace_accounts(columns_of(case.moves), question, conversions_of(case.moves))


@st.composite
def conversions(
    draw: st.DrawFn, transaction: int, assets: Sequence[int], unit: int, largest: int
) -> Move:
    """Draw an account that gives some of one asset and gets some of another."""
    owner = draw(st.integers(0, 3))
    gave, got = draw(st.permutations(sorted(set(assets))))[:2]
    amounts = [draw(st.integers(1, 12)) * unit + draw(st.integers(0, 2)) for _ in range(2)]
    return Move(
        transaction=transaction,
        kind=Movement.CONVERSION,
        giver=owner,
        receiver=owner,
        asset=gave,
        amount=min(amounts[0], largest),
        got=(got, min(amounts[1], largest)),
    )


@st.composite
def cases(
    draw: st.DrawFn,
    direction: Direction = Direction.FORWARD,
    largest: int = 40,
    longest: int = 25,
    *,
    one_colour: bool = False,
    converting: bool = False,
    assets: Sequence[int] = (0, 0, 0, 5),
) -> Case:
    """Draw movements of all kinds among few accounts; some pay what they had before.

    Where told to, accounts also convert assets; those are 0 to 5 then.
    """
    accounts = st.integers(0, 3)
    unit = draw(st.sampled_from([1, 1, 3, max(1, largest // 40)]))
    moves: list[Move] = []
    transaction = 0
    for _ in range(draw(st.integers(2, longest))):
        transaction += draw(st.integers(0, 1))
        kinds = [Movement.TRANSFER] * 5 + [each for each in Movement if each not in NOT_DRAWN]
        kind = draw(st.sampled_from(kinds + [Movement.CONVERSION] * (5 if converting else 0)))
        if kind == Movement.CONVERSION:
            moves.append(draw(conversions(transaction, assets, unit, largest)))
            continue
        makes = kind in (Movement.CREDIT, Movement.OPENING)
        ends = kind in (Movement.BURN, Movement.GAS_BURNT)
        amount = draw(st.integers(0, 12)) * unit + draw(st.integers(0, 2))
        moves.append(
            Move(
                transaction=transaction,
                kind=kind,
                giver=None if makes else draw(accounts),
                receiver=None if ends else draw(accounts),
                asset=draw(st.sampled_from(assets)),
                amount=min(amount, largest),
            )
        )
    allowed = [
        row
        for row, move in enumerate(moves)
        if (move.receiver if direction == Direction.FORWARD else move.giver) is not None
        and move.got is None
    ]
    if not allowed:
        moves.append(Move(transaction=transaction, giver=0, receiver=1, amount=unit))
        allowed = [len(moves) - 1]
    rows = draw(st.lists(st.sampled_from(allowed), min_size=1, max_size=3, unique=True))
    colours = st.just(1) if one_colour else st.integers(1, 7)
    return Case(
        moves=moves,
        declared={row: draw(colours) for row in rows},
        gas_order=draw(st.sampled_from(GasOrder)),
        follow_tips=draw(st.booleans()),
    )
