"""Haircut and poison on balances: policies for which the units of a pot are all alike.

Haircut: of an amount `d` that leaves a balance `b` with `T` tainted units, floor(d * T / b) are
tainted; the rest of the taint stays. Units of unknown origin are shared together with the tainted
ones, floor(d * (T + U) / b) for both, so that never more leaves or stays than there is. Where
sources are told apart, what leaves of `T` is split among the colours in proportion: each gets the
floor of its share, and single units go to the largest fractions, ties to the lower colour. So
the sum over colours is the same `T` that a run without colours gives.

A conversion passes the fraction on: of `t` tainted among `gave` units that leave, floor(t * got /
gave) of those that it got are tainted. Unknown units and colours are cut at the same bounds, one
after the other, so that nothing is lost between them.

Poison: whatever leaves a pot carries all colours that ever came into it. A pot that was emptied
is clean again: there is nothing left that could be tainted.
"""

from typing import NamedTuple

import numpy as np

from heuristics.account_steps import OPENING_COLOUR, Steps
from heuristics.columns import Int64Array
from heuristics.jit import kernel
from heuristics.wide import (
    LIMBS,
    SCRATCH_DIGITS,
    ZERO,
    UInt64Array,
    Wide,
    add,
    is_less,
    is_zero,
    load,
    mul_div,
    store,
    subtract,
)


class Shares(NamedTuple):
    """What came of the steps."""

    carried: UInt64Array
    """Tainted units that left with each step, before it declared them anew."""

    came: UInt64Array
    """Tainted units that came of each conversion."""

    unknown: UInt64Array
    """Units of unknown origin that left with each step and are of no source's colour."""

    colours: Int64Array
    """Colours among the units that left with each step."""

    tainted: UInt64Array
    """Tainted units that each pot ends with."""

    pot_unknown: UInt64Array
    """Units of unknown origin that each pot ends with."""

    by_colour: UInt64Array
    """Shape (pots, colours, 4): the tainted units by colour; of no colour under poison."""

    pot_colours: Int64Array
    """Colours in each pot."""


@kernel
def _one() -> Wide:
    return np.uint64(1), np.uint64(0), np.uint64(0), np.uint64(0)


@kernel
def _split(
    leaving: Wide, tainted: Wide, parts: UInt64Array, taken: UInt64Array, scratch: UInt64Array
) -> None:
    """Take `leaving` of `tainted` > 0 units out of `parts`, which sum to it, in proportion."""
    rests = np.zeros_like(parts)
    left = leaving
    for colour in range(len(parts)):
        share, rest = mul_div(leaving, load(parts, colour), tainted, scratch)
        store(taken, colour, share)
        store(rests, colour, rest)
        left = subtract(left, share)
    while not is_zero(left):
        best = 0
        for colour in range(1, len(parts)):
            if is_less(load(rests, best), load(rests, colour)):
                best = colour
        store(taken, best, add(load(taken, best), _one())[0])
        rests[best] = np.uint64(0)
        left = subtract(left, _one())
    for colour in range(len(parts)):
        store(parts, colour, subtract(load(parts, colour), load(taken, colour)))


@kernel
def _exchange(
    gave: Wide, got: Wide, taint: Wide, other: Wide, taken: UInt64Array, scratch: UInt64Array
) -> tuple[Wide, Wide]:
    """Return what tainted and unknown units become; what is `taken` by colour is changed."""
    new_taint = mul_div(got, taint, gave, scratch)[0]
    both = mul_div(got, add(taint, other)[0], gave, scratch)[0]
    seen: Wide = ZERO
    told: Wide = ZERO
    for colour in range(len(taken)):
        seen = add(seen, load(taken, colour))[0]
        bound = mul_div(got, seen, gave, scratch)[0]
        store(taken, colour, subtract(bound, told))
        told = bound
    return new_taint, subtract(both, new_taint)


@kernel
def share_pro_rata(steps: Steps, pots: int, colour_count: int, got: UInt64Array) -> Shares:
    """Apply haircut to all steps, on pots that begin empty; `got` is what each conversion gets.

    The caller sees to it that no pot is asked for more than it holds. A step declares the lowest
    of its colours; with fewer than two colours none are kept apart.
    """
    count = len(steps.giver)
    apart = colour_count if colour_count > 1 else 0
    carried = np.zeros((count, LIMBS), np.uint64)
    unknown = np.zeros((count, LIMBS), np.uint64)
    colours = np.zeros(count, np.int64)
    came = np.zeros((len(got), LIMBS), np.uint64)
    balance = np.zeros((pots, LIMBS), np.uint64)
    tainted = np.zeros((pots, LIMBS), np.uint64)
    strange = np.zeros((pots, LIMBS), np.uint64)
    by_colour = np.zeros((pots, apart, LIMBS), np.uint64)
    taken = np.zeros((apart, LIMBS), np.uint64)
    scratch = np.empty(SCRATCH_DIGITS, np.uint64)
    zero: Wide = ZERO
    for step in range(count):
        moved = load(steps.amount, step)
        if is_zero(moved):
            continue
        giver = steps.giver[step]
        receiver = steps.receiver[step]
        taint = zero
        other = zero
        taken[:] = np.uint64(0)
        if giver >= 0:
            held = load(balance, giver)
            old_taint = load(tainted, giver)
            old_other = load(strange, giver)
            if not is_zero(old_taint):
                taint = mul_div(moved, old_taint, held, scratch)[0]
            if not is_zero(old_other):
                both = mul_div(moved, add(old_taint, old_other)[0], held, scratch)[0]
                other = subtract(both, taint)
            if apart > 0 and not is_zero(taint):
                _split(taint, old_taint, by_colour[giver], taken, scratch)
            store(balance, giver, subtract(held, moved))
            store(tainted, giver, subtract(old_taint, taint))
            store(strange, giver, subtract(old_other, other))
        elif steps.fresh[step] == OPENING_COLOUR:
            other = moved
        if giver >= 0:
            store(carried, step, taint)
            store(unknown, step, other)
            if not is_zero(taint):
                if apart == 0:
                    colours[step] = 1
                for colour in range(apart):
                    if not is_zero(load(taken, colour)):
                        colours[step] |= 1 << colour
            if not is_zero(other):
                colours[step] |= OPENING_COLOUR
        if receiver < 0:
            continue
        conversion = steps.conversion[step]
        if conversion >= 0:
            arriving = load(got, conversion)
            taint, other = _exchange(moved, arriving, taint, other, taken, scratch)
            store(came, conversion, taint)
            moved = arriving
        declared = steps.declared[step]
        if steps.ends[step]:
            taint = zero
            taken[:] = np.uint64(0)
        if declared != 0:
            taint = moved
            other = zero
            taken[:] = np.uint64(0)
            if apart > 0:
                lowest = 0
                while (declared >> lowest) & 1 == 0:
                    lowest += 1
                store(taken, lowest, moved)
        store(balance, receiver, add(load(balance, receiver), moved)[0])
        store(tainted, receiver, add(load(tainted, receiver), taint)[0])
        store(strange, receiver, add(load(strange, receiver), other)[0])
        for colour in range(apart):
            row = by_colour[receiver]
            store(row, colour, add(load(row, colour), load(taken, colour))[0])
    pot_colours = np.zeros(pots, np.int64)
    for pot in range(pots):
        if apart == 0 and not is_zero(load(tainted, pot)):
            pot_colours[pot] = 1
        for colour in range(apart):
            if not is_zero(load(by_colour[pot], colour)):
                pot_colours[pot] |= 1 << colour
        if not is_zero(load(strange, pot)):
            pot_colours[pot] |= OPENING_COLOUR
    return Shares(carried, came, unknown, colours, tainted, strange, by_colour, pot_colours)


@kernel
def spread_poison(steps: Steps, pots: int, got: UInt64Array) -> Shares:
    """Apply poison to all steps, on pots that begin empty; `got` is what each conversion gets.

    The caller sees to it that no pot is asked for more than it holds.
    """
    count = len(steps.giver)
    carried = np.zeros((count, LIMBS), np.uint64)
    unknown = np.zeros((count, LIMBS), np.uint64)
    colours = np.zeros(count, np.int64)
    came = np.zeros((len(got), LIMBS), np.uint64)
    balance = np.zeros((pots, LIMBS), np.uint64)
    pot_colours = np.zeros(pots, np.int64)
    for step in range(count):
        moved = load(steps.amount, step)
        if is_zero(moved):
            continue
        giver = steps.giver[step]
        receiver = steps.receiver[step]
        seen = steps.fresh[step]
        if giver >= 0:
            seen = pot_colours[giver]
            colours[step] = seen
            if seen & ~OPENING_COLOUR != 0:
                store(carried, step, moved)
            elif seen != 0:
                store(unknown, step, moved)
            left = subtract(load(balance, giver), moved)
            store(balance, giver, left)
            if is_zero(left):
                pot_colours[giver] = 0
        if receiver < 0:
            continue
        if steps.ends[step]:
            seen &= OPENING_COLOUR
        declared = steps.declared[step]
        if declared != 0:
            seen = (seen & ~OPENING_COLOUR) | declared
        conversion = steps.conversion[step]
        if conversion >= 0:
            moved = load(got, conversion)
            if seen & ~OPENING_COLOUR != 0:
                store(came, conversion, moved)
        store(balance, receiver, add(load(balance, receiver), moved)[0])
        pot_colours[receiver] |= seen
    tainted = np.zeros((pots, LIMBS), np.uint64)
    strange = np.zeros((pots, LIMBS), np.uint64)
    for pot in range(pots):
        if pot_colours[pot] & ~OPENING_COLOUR != 0:
            store(tainted, pot, load(balance, pot))
        elif pot_colours[pot] != 0:
            store(strange, pot, load(balance, pot))
    by_colour = np.zeros((pots, 0, LIMBS), np.uint64)
    return Shares(carried, came, unknown, colours, tainted, strange, by_colour, pot_colours)
