"""Taint on balances: what a movement between accounts carries under each convention.

Sources are movements whose units are declared to be the ones that are looked for. Forward, the
units that arrived are followed to where they are after the last movement; backward, to the
movements that made them. `heuristics.account_steps` explains pots, the mirror and balances from
before the first movement.

A declared movement may carry units that come from another source. They are counted once, as
`retainted`. So for every asset

    source = retainted + still held + fees + destroyed        (forward)
    source = retainted + newly issued + before the first movement + fees        (backward)

which is checked on every run, to the unit, for every policy but poison, whose amounts grow.

Conventions that choose among the outputs of one transaction (taint-in-highest-out, seniority)
have no meaning here: a balance pays one receiver at a time, so there is nothing to choose among.
They are refused.
"""

from dataclasses import dataclass

import numpy as np

from heuristics.account_events import (
    ENDS_UNITS,
    MAKES_UNITS,
    FeeMode,
    GasOrder,
    Movement,
    MovementColumns,
    check_movements,
    gas_permutation,
)
from heuristics.account_queues import Queues, move_segments
from heuristics.account_shares import Shares, share_pro_rata, spread_poison
from heuristics.account_steps import (
    NO_POT,
    OPENING_COLOUR,
    Pots,
    Steps,
    balances,
    beginning_with,
    forward_steps,
    mirrored,
    number_pots,
)
from heuristics.columns import BoolArray, Int64Array, UInt32Array, read_only
from heuristics.conservation import ConservationError
from heuristics.segments import MOST_TOLD_APART
from heuristics.stops import Direction
from heuristics.taint import Policy
from heuristics.wide import UInt64Array, any_exceeds, sums, to_ints

VERSION = 1
"""Raised whenever the same movements and question can give another answer."""

ACCOUNT_POLICIES = (Policy.POISON, Policy.HAIRCUT, Policy.FIFO, Policy.LIFO)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountQuestion:
    """What to follow, and by which conventions."""

    direction: Direction
    policy: Policy

    declared: Int64Array
    """Rows of the movements that are sources, ascending."""

    colours: Int64Array
    """Bits of the groups that each source belongs to, from bit 0; haircut uses the lowest."""

    gas_order: GasOrder = GasOrder.LAST
    fee_mode: FeeMode = FeeMode.TRACK

    infer_opening: bool = False
    """Whether accounts that pay more than they received had it before the first movement, with
    unknown origin; otherwise that is an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """Under first-in-first-out and last-in-first-out: the units of each pot in order of leaving."""

    first: Int64Array
    """Shape (pots + 1): the segments of each pot."""

    length: UInt64Array
    colours: Int64Array

    def of_pot(self, pot: int) -> list[tuple[int, int]]:
        """Return (length, colours) of the segments of a pot."""
        rows = slice(int(self.first[pot]), int(self.first[pot + 1]))
        return list(zip(to_ints(self.length[rows]), self.colours[rows].tolist(), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetTotals:
    """Where the declared units of one asset are, in base units; the fields sum to `source`."""

    asset: int
    source: int
    retainted: int
    """Part of a source that came from another one."""

    held: int
    """In balances after the last movement."""

    fees: int
    """In tips, unless these are followed."""

    destroyed: int
    """In burns and burnt gas."""

    newly_issued: int
    """Backward: made by mint, genesis allocation, withdrawal or reward."""

    before_first: int
    """Backward: in balances from before the first movement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFlow:
    """Where the taint went. Movements stand as they were given; `Pots` names the pots."""

    pots: Pots
    carried: UInt64Array
    """Tainted units that each movement took from its giver (backward: from its receiver)."""

    carried_unknown: UInt64Array
    """Units of unknown origin and of no source that it took; only where a trace has openings."""

    carried_colours: Int64Array
    """Colours among both; `OPENING_COLOUR` stands for unknown origin."""

    opening: UInt64Array
    """The balance before the first movement that was inferred for each pot."""

    balance: UInt64Array
    """Of each pot after the last movement (backward: before the first)."""

    tainted: UInt64Array
    """Tainted part of `balance`."""

    unknown: UInt64Array
    """Part of `balance` that is of unknown origin and of no source."""

    pot_colours: Int64Array

    by_colour: UInt64Array | None
    """Shape (pots, colours, 4): `tainted` by colour, under haircut with several colours."""

    segments: Segments | None
    totals: tuple[AssetTotals, ...]
    """For each asset that a source is of, ascending."""

    tainted_tips: Int64Array
    """Movements whose tip holds taint that ends there, where the fee mode lists them."""


_PARTS = ("retainted", "held", "fees", "destroyed", "newly_issued", "before_first")


def trace_accounts(movements: MovementColumns, question: AccountQuestion) -> AccountFlow:
    """Follow the declared movements through all balances.

    Raises
    ------
    ValueError
        If the columns contradict each other, a balance would be negative or have more than 256
        bits, or the policy has no meaning on balances.
    ConservationError
        If the amounts do not add up.
    """
    check_movements(movements)
    _check_question(movements, question)
    rows = gas_permutation(movements, question.gas_order)
    ordered = MovementColumns._make(column[rows] for column in movements)
    pots, giver, receiver = number_pots(ordered)
    declared = np.zeros(len(rows), np.int64)
    declared[question.declared] = question.colours
    steps = forward_steps(ordered, giver, receiver, declared[rows], question.fee_mode)
    steps = steps._replace(movement=rows)
    steps, opening = _with_openings(steps, pots, question.infer_opening)
    balance = balances(steps, len(pots.account))[0]
    if question.direction == Direction.BACKWARD:
        steps = mirrored(steps, balance)
        balance = np.zeros_like(balance)
    run = _run(steps, len(pots.account), question)
    totals = _totals(movements, question, pots, steps, run)
    if question.policy != Policy.POISON:
        _check_conservation(balance, steps, run, totals)
    real = np.flatnonzero(steps.movement >= 0)
    place = np.empty(len(rows), np.int64)
    place[steps.movement[real]] = real
    carried = run.carried[place]
    tips = (movements.kind == Movement.GAS_TIP) & carried.any(axis=1) & steps.ends[place]
    return AccountFlow(
        pots=pots,
        carried=carried,
        carried_unknown=run.unknown[place],
        carried_colours=run.colours[place],
        opening=opening,
        balance=balance,
        tainted=run.tainted,
        unknown=run.pot_unknown,
        pot_colours=run.pot_colours,
        by_colour=run.by_colour if isinstance(run, Shares) and run.by_colour.shape[1] else None,
        segments=_segments(run) if isinstance(run, Queues) else None,
        totals=totals,
        tainted_tips=np.flatnonzero(tips & (question.fee_mode == FeeMode.TRACK)),
    )


def _segments(run: Queues) -> Segments:
    return Segments(first=run.segment_first, length=run.segment_length, colours=run.segment_colour)


def _check_question(movements: MovementColumns, question: AccountQuestion) -> None:
    declared, colours = question.declared, question.colours
    if question.policy not in ACCOUNT_POLICIES:
        raise ValueError(
            f"{question.policy.name.lower()} chooses among the outputs of one transaction, and a "
            "balance pays one receiver at a time: choose poison, haircut, fifo or lifo"
        )
    if len(declared) == 0 or len(colours) != len(declared):
        raise ValueError("declare at least one movement as a source, each with its colours")
    if np.any(np.diff(declared) <= 0) or declared[0] < 0 or declared[-1] >= len(movements.kind):
        raise ValueError("sources must be rows of movements, ascending")
    if np.any(colours <= 0) or np.any(colours >= OPENING_COLOUR):
        raise ValueError(f"colours must be sets of bits 0 to {MOST_TOLD_APART - 1}")
    if question.direction == Direction.FORWARD:
        followed = np.isin(movements.kind, ENDS_UNITS, invert=True)
        lacking = "nobody receives its units"
    else:
        followed = np.isin(movements.kind, MAKES_UNITS, invert=True)
        lacking = "nobody gave its units"
    for row in declared[~followed[declared]][:1].tolist():
        raise ValueError(f"movement {row} cannot be a source in this direction: {lacking}")


def _with_openings(steps: Steps, pots: Pots, infer: bool) -> tuple[Steps, UInt64Array]:
    """Return the steps with what pots must have held before them, and that."""
    _, missing, step = balances(steps, len(pots.account))
    if step < 0:
        return steps, missing
    if not infer:
        pot = int(steps.giver[step])
        raise ValueError(
            f"movement {int(steps.movement[step])} takes more of asset {int(pots.asset[pot])} than "
            f"account {int(pots.account[pot])} holds: begin at genesis, give opening balances, or "
            "let them be inferred"
        )
    lacking = np.flatnonzero(missing.any(axis=1))
    return beginning_with(steps, lacking, missing[lacking], OPENING_COLOUR), missing


def _run(steps: Steps, pots: int, question: AccountQuestion) -> Queues | Shares:
    """Let the policy's kernel take the steps."""
    columns = Steps._make(read_only(column) for column in steps)
    if question.policy in (Policy.FIFO, Policy.LIFO):
        return move_segments(columns, pots, question.policy == Policy.LIFO)
    if question.policy == Policy.POISON:
        return spread_poison(columns, pots)
    colour_count = int(np.bitwise_or.reduce(question.colours)).bit_length()
    return share_pro_rata(columns, pots, colour_count)


def _totals(
    movements: MovementColumns,
    question: AccountQuestion,
    pots: Pots,
    steps: Steps,
    run: Queues | Shares,
) -> tuple[AssetTotals, ...]:
    """Return where the declared units of each declared asset are."""
    assets = np.unique(movements.asset[question.declared])

    def by_asset(column: UInt64Array, asset: UInt32Array, chosen: BoolArray) -> list[int]:
        group = np.searchsorted(assets, asset)
        known = assets[np.minimum(group, len(assets) - 1)] == asset
        return sums(column, np.where(chosen & known, group, NO_POT), len(assets))

    step_asset = pots.asset[np.maximum(steps.giver, steps.receiver)]
    is_declared = steps.declared != 0
    leaves = (steps.receiver < 0) & ~is_declared
    kind = np.where(steps.movement < 0, Movement.OPENING, movements.kind[steps.movement])
    columns = {
        "source": by_asset(steps.amount, step_asset, is_declared),
        "retainted": by_asset(run.carried, step_asset, is_declared),
        "held": by_asset(run.tainted, pots.asset, np.ones(len(pots.asset), np.bool_)),
        "fees": by_asset(run.carried, step_asset, steps.ends & ~is_declared),
        "destroyed": by_asset(run.carried, step_asset, leaves & np.isin(kind, ENDS_UNITS)),
        "newly_issued": by_asset(run.carried, step_asset, leaves & (kind == Movement.CREDIT)),
        "before_first": by_asset(run.carried, step_asset, leaves & (kind == Movement.OPENING)),
    }
    return tuple(
        AssetTotals(asset=asset, **{name: column[row] for name, column in columns.items()})
        for row, asset in enumerate(assets.tolist())
    )


def _check_conservation(
    balance: UInt64Array, steps: Steps, run: Queues | Shares, totals: tuple[AssetTotals, ...]
) -> None:
    """Raise `ConservationError` unless every declared unit is accounted for exactly once."""
    if any_exceeds(run.carried, steps.amount) or any_exceeds(run.tainted, balance):
        raise ConservationError("more traced units than units moved, or lie in a balance")
    for asset in totals:
        accounted = sum(getattr(asset, name) for name in _PARTS)
        if accounted != asset.source:
            raise ConservationError(
                f"{asset.source} units of asset {asset.asset} were traced and {accounted} "
                "accounted for"
            )
