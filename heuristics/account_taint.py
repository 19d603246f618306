"""Taint on balances: what a movement between accounts carries under each convention.

Sources are movements whose units are declared to be the ones that are looked for. Forward, the
units that arrived are followed to where they are after the last movement; backward, to the
movements that made them. `heuristics.account_steps` explains pots, the mirror and balances from
before the first movement.

A declared movement may carry units that come from another source. They are counted once, as
`retainted`. So for every asset

    source = retainted + still held + fees + destroyed        (forward)
    source = retainted + newly issued + before the first movement + fees        (backward)

which is checked on every run, to the unit, for every policy but poison, whose amounts grow. Where
units were converted, what came of it stands on the left side of the asset that it came to, and
what went into it on the right side of the other. Forward the traced fraction of what is given is
that of what is got; backward the reverse.

Conventions that choose among the outputs of one transaction (taint-in-highest-out, seniority)
have no meaning here: a balance pays one receiver at a time, so there is nothing to choose among.
They are refused.
"""

from dataclasses import dataclass

import numpy as np

from heuristics.account_events import (
    ENDS_UNITS,
    MAKES_UNITS,
    Conversions,
    FeeMode,
    GasOrder,
    Movement,
    MovementColumns,
    check_movements,
    gas_permutation,
    no_conversions,
)
from heuristics.account_queues import Queues, move_segments
from heuristics.account_shares import Shares, share_pro_rata, spread_poison
from heuristics.account_steps import (
    NO_CONVERSION,
    NO_POT,
    OPENING_COLOUR,
    Pots,
    Steps,
    balances,
    beginning_with,
    conversion_rows,
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
    """Where the traced units of one asset are, in base units.

    `source` and `came_by_conversion` together are the sum of the other fields.
    """

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

    converted_away: int = 0
    """Given (backward: got) for units of another asset, in which they are traced on."""

    came_by_conversion: int = 0
    """Traced units of this asset that were got (backward: given) for such of another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFlow:
    """Where the taint went. Movements stand as they were given; `Pots` names the pots."""

    pots: Pots
    carried: UInt64Array
    """Tainted units that each movement took from its giver (backward: from its receiver)."""

    came: UInt64Array
    """Tainted units that came of each conversion, by its place among the conversions."""

    carried_unknown: UInt64Array
    """Units of unknown origin and of no source that it took; only where a trace has openings."""

    carried_colours: Int64Array
    """Colours among both; `OPENING_COLOUR` stands for unknown origin."""

    opening: UInt64Array
    """The balance before the first movement that was inferred for each pot."""

    balance: UInt64Array
    """Of each pot after the last movement (backward: before the first)."""

    balance_at_end: UInt64Array
    """Of each pot after the last movement, whatever the direction."""

    tainted: UInt64Array
    """Tainted part of `balance`."""

    unknown: UInt64Array
    """Part of `balance` that is of unknown origin and of no source."""

    pot_colours: Int64Array

    from_opening: UInt64Array
    """Backward: tainted units of each pot that were in it before the first movement."""

    by_colour: UInt64Array | None
    """Shape (pots, colours, 4): `tainted` by colour, under haircut with several colours."""

    segments: Segments | None
    totals: tuple[AssetTotals, ...]
    """For each asset that a source is of or that traced units were converted to, ascending."""

    tainted_tips: Int64Array
    """Movements whose tip holds taint that ends there, where the fee mode lists them."""


_PARTS = (
    "retainted", "held", "fees", "destroyed", "newly_issued", "before_first", "converted_away",
)  # fmt: skip


def trace_accounts(
    movements: MovementColumns,
    question: AccountQuestion,
    conversions: Conversions | None = None,
) -> AccountFlow:
    """Follow the declared movements through all balances.

    `conversions` says what was got in the movements of that kind.

    Raises
    ------
    ValueError
        If the columns contradict each other, a balance would be negative or have more than 256
        bits, or the policy has no meaning on balances.
    ConservationError
        If the amounts do not add up.
    """
    conversions = conversions or no_conversions()
    check_movements(movements, conversions)
    _check_question(movements, question)
    rows = gas_permutation(movements, question.gas_order)
    ordered = MovementColumns._make(column[rows] for column in movements)
    conversion = conversion_rows(conversions, len(rows))[rows]
    got = conversions.amount
    pots, giver, receiver = number_pots(ordered, conversion, conversions.asset)
    declared = np.zeros(len(rows), np.int64)
    declared[question.declared] = question.colours
    steps = forward_steps(ordered, giver, receiver, declared[rows], conversion, question.fee_mode)
    steps = steps._replace(movement=rows)
    steps, opening = _with_openings(steps, got, pots, question.infer_opening)
    balance = balances(steps, got, len(pots.account))[0]
    at_end = balance
    if question.direction == Direction.BACKWARD:
        steps, got = mirrored(steps, got, balance)
        balance = np.zeros_like(balance)
    run = _run(steps, got, len(pots.account), question)
    totals = _totals(movements, question, pots, steps, run)
    if question.policy != Policy.POISON:
        _check_conservation(balance, steps, got, run, totals)
    real = np.flatnonzero(steps.movement >= 0)
    place = np.empty(len(rows), np.int64)
    place[steps.movement[real]] = real
    carried = run.carried[place]
    begun = np.flatnonzero((steps.movement < 0) & (steps.receiver < 0))
    from_opening = np.zeros_like(balance)
    from_opening[steps.giver[begun]] = run.carried[begun]
    tips = (movements.kind == Movement.GAS_TIP) & carried.any(axis=1) & steps.ends[place]
    return AccountFlow(
        pots=pots,
        carried=carried,
        came=run.came,
        carried_unknown=run.unknown[place],
        carried_colours=run.colours[place],
        opening=opening,
        balance=balance,
        balance_at_end=at_end,
        tainted=run.tainted,
        unknown=run.pot_unknown,
        pot_colours=run.pot_colours,
        from_opening=from_opening,
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
    for row in declared[movements.kind[declared] == Movement.CONVERSION][:1].tolist():
        raise ValueError(f"movement {row} cannot be a source: it is a conversion")
    if question.direction == Direction.FORWARD:
        followed = np.isin(movements.kind, ENDS_UNITS, invert=True)
        lacking = "nobody receives its units"
    else:
        followed = np.isin(movements.kind, MAKES_UNITS, invert=True)
        lacking = "nobody gave its units"
    for row in declared[~followed[declared]][:1].tolist():
        raise ValueError(f"movement {row} cannot be a source in this direction: {lacking}")


def _with_openings(
    steps: Steps, got: UInt64Array, pots: Pots, infer: bool
) -> tuple[Steps, UInt64Array]:
    """Return the steps with what pots must have held before them, and that."""
    _, missing, step = balances(steps, got, len(pots.account))
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


def _run(steps: Steps, got: UInt64Array, pots: int, question: AccountQuestion) -> Queues | Shares:
    """Let the policy's kernel take the steps."""
    columns, got = Steps._make(read_only(column) for column in steps), read_only(got)
    if question.policy in (Policy.FIFO, Policy.LIFO):
        return move_segments(columns, pots, question.policy == Policy.LIFO, got)
    if question.policy == Policy.POISON:
        return spread_poison(columns, pots, got)
    colour_count = int(np.bitwise_or.reduce(question.colours)).bit_length()
    return share_pro_rata(columns, pots, colour_count, got)


def _totals(
    movements: MovementColumns,
    question: AccountQuestion,
    pots: Pots,
    steps: Steps,
    run: Queues | Shares,
) -> tuple[AssetTotals, ...]:
    """Return where the traced units of each asset that has any are."""
    turning = np.flatnonzero((steps.conversion != NO_CONVERSION) & run.carried.any(axis=1))
    came_to = pots.asset[steps.receiver[turning]]
    assets = np.unique(np.concatenate([movements.asset[question.declared], came_to]))

    def by_asset(column: UInt64Array, asset: UInt32Array, chosen: BoolArray) -> list[int]:
        group = np.searchsorted(assets, asset)
        known = assets[np.minimum(group, len(assets) - 1)] == asset
        return sums(column, np.where(chosen & known, group, NO_POT), len(assets))

    step_asset = pots.asset[np.where(steps.giver < 0, steps.receiver, steps.giver)]
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
        "converted_away": by_asset(run.carried, step_asset, steps.conversion != NO_CONVERSION),
        "came_by_conversion": by_asset(
            run.came[steps.conversion[turning]], came_to, np.ones(len(turning), np.bool_)
        ),
    }
    return tuple(
        AssetTotals(asset=asset, **{name: column[row] for name, column in columns.items()})
        for row, asset in enumerate(assets.tolist())
    )


def _check_conservation(
    balance: UInt64Array,
    steps: Steps,
    got: UInt64Array,
    run: Queues | Shares,
    totals: tuple[AssetTotals, ...],
) -> None:
    """Raise `ConservationError` unless every traced unit is accounted for exactly once."""
    if (
        any_exceeds(run.carried, steps.amount)
        or any_exceeds(run.tainted, balance)
        or any_exceeds(run.came, got)
    ):
        raise ConservationError("more traced units than units moved, or lie in a balance")
    for asset in totals:
        accounted = sum(getattr(asset, name) for name in _PARTS)
        traced = asset.source + asset.came_by_conversion
        if accounted != traced:
            raise ConservationError(
                f"{traced} units of asset {asset.asset} were traced and {accounted} accounted for"
            )
