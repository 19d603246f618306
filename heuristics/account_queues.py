"""First-in-first-out and last-in-first-out on balances: which very units leave a pot.

A pot is a chain of segments (length in units, colours), in the order in which its units leave. A
step takes segments off the front, cutting the last one, and puts them into another pot in the
same order: behind everything else in a queue, one on top of the other on a stack. Neighbours of
equal colour become one segment.

A conversion changes the lengths of the segments that it moves, each in proportion: the first `c` of
`gave` units become the first floor(c * got / gave) of those that it got. So the parts always sum to
`got`, exactly, and a conversion one to one changes nothing.

All segments live in one pool of linked nodes. A node that is no longer needed goes to a list of
free ones and is used again, so that the pool is never larger than twice the most segments that
were alive at once. A step costs as much time as the segments that it moves.
"""

from typing import NamedTuple

import numpy as np

from heuristics.account_steps import OPENING_COLOUR, Steps
from heuristics.columns import Int64Array
from heuristics.jit import kernel, kernel_part
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

CLEAN_COLOUR = 0
_NOWHERE = -1
_FIRST_ROOM = 64


class Queues(NamedTuple):
    """What came of the steps."""

    carried: UInt64Array
    """Tainted units that left with each step, before it declared them anew."""

    came: UInt64Array
    """Tainted units that came of each conversion."""

    unknown: UInt64Array
    """Units of unknown origin that left with each step and are of no source's colour."""

    colours: Int64Array
    """All colours among the units that left with each step."""

    tainted: UInt64Array
    """Tainted units that each pot ends with."""

    pot_unknown: UInt64Array
    """Units of unknown origin that each pot ends with."""

    pot_colours: Int64Array
    """Colours in each pot."""

    segment_first: Int64Array
    """Shape (pots + 1): rows of the segments that each pot ends with, in order of leaving."""

    segment_length: UInt64Array
    segment_colour: Int64Array

    pool_size: int
    """How many segments there was room for."""


@kernel
def _grown(
    length: UInt64Array, colour: Int64Array, after: Int64Array
) -> tuple[UInt64Array, Int64Array, Int64Array]:
    """Return the pool with twice the room."""
    room = 2 * len(colour)
    new_length = np.empty((room, LIMBS), np.uint64)
    new_colour = np.empty(room, np.int64)
    new_after = np.empty(room, np.int64)
    new_length[: len(colour)] = length
    new_colour[: len(colour)] = colour
    new_after[: len(colour)] = after
    return new_length, new_colour, new_after


@kernel_part
def _lengthen(length: UInt64Array, node: int, more: Wide) -> None:
    store(length, node, add(load(length, node), more)[0])


@kernel
def _exchange(
    length: UInt64Array,
    colour: Int64Array,
    after: Int64Array,
    first: int,
    free: int,
    gave: Wide,
    got: Wide,
    scratch: UInt64Array,
) -> tuple[int, int, int, Wide]:
    """Make segments of `gave` units from `first` on into segments of `got` units.

    Returns the first and the last of them, the first free node, and how many units are tainted.
    """
    zero: Wide = ZERO
    seen = zero
    told = zero
    tainted = zero
    head = _NOWHERE
    last = _NOWHERE
    node = first
    while node != _NOWHERE:
        following = after[node]
        tint = colour[node]
        seen = add(seen, load(length, node))[0]
        bound = mul_div(got, seen, gave, scratch)[0]
        part = subtract(bound, told)
        told = bound
        if tint & ~OPENING_COLOUR != 0:
            tainted = add(tainted, part)[0]
        is_merged = last != _NOWHERE and colour[last] == tint
        if is_merged and not is_zero(part):
            _lengthen(length, last, part)
        if is_merged or is_zero(part):
            after[node] = free
            free = node
        else:
            store(length, node, part)
            after[node] = _NOWHERE
            if last == _NOWHERE:
                head = node
            else:
                after[last] = node
            last = node
        node = following
    return head, last, free, tainted


@kernel
def move_segments(steps: Steps, pots: int, is_stack: bool, got: UInt64Array) -> Queues:
    """Apply all steps to pots that begin empty; `got` is what each conversion gets.

    The caller sees to it that no pot is asked for more than it holds.
    """
    count = len(steps.giver)
    carried = np.zeros((count, LIMBS), np.uint64)
    unknown = np.zeros((count, LIMBS), np.uint64)
    colours = np.zeros(count, np.int64)
    came = np.zeros((len(got), LIMBS), np.uint64)
    scratch = np.empty(SCRATCH_DIGITS, np.uint64)
    front = np.full(pots, _NOWHERE, np.int64)
    back = np.full(pots, _NOWHERE, np.int64)
    length = np.empty((_FIRST_ROOM, LIMBS), np.uint64)
    colour = np.empty(_FIRST_ROOM, np.int64)
    after = np.empty(_FIRST_ROOM, np.int64)
    free = _NOWHERE
    used = 0
    zero: Wide = ZERO
    for step in range(count):
        need = load(steps.amount, step)
        if is_zero(need):
            continue
        giver = steps.giver[step]
        receiver = steps.receiver[step]
        # A step needs one new node at most: fresh units, or the part of a segment that is cut.
        if free == _NOWHERE:
            if used == len(colour):
                length, colour, after = _grown(length, colour, after)
            free = used
            after[free] = _NOWHERE
            used += 1
        declared = steps.declared[step]
        ends = steps.ends[step]
        tainted = zero
        strange = zero
        seen = 0
        first = _NOWHERE
        last = _NOWHERE
        if giver < 0:
            first = free
            last = first
            free = after[first]
            store(length, first, need)
            colour[first] = declared if declared != 0 else steps.fresh[step]
            after[first] = _NOWHERE
            need = zero
        while not is_zero(need):
            node = front[giver]
            held = load(length, node)
            if is_less(need, held):
                store(length, node, subtract(held, need))
                part = free
                free = after[part]
                colour[part] = colour[node]
                store(length, part, need)
                held = need
            else:
                part = node
                front[giver] = after[node]
            need = subtract(need, held)
            tint = colour[part]
            seen |= tint
            if tint & ~OPENING_COLOUR != 0:
                tainted = add(tainted, held)[0]
            elif tint != CLEAN_COLOUR:
                strange = add(strange, held)[0]
            if ends and tint & ~OPENING_COLOUR != 0:
                tint = CLEAN_COLOUR
            if declared != 0:
                tint = (tint & ~OPENING_COLOUR) | declared
            if last != _NOWHERE and colour[last] == tint:
                _lengthen(length, last, held)
                after[part] = free
                free = part
            else:
                colour[part] = tint
                after[part] = _NOWHERE
                if last == _NOWHERE:
                    first = part
                else:
                    after[last] = part
                last = part
        if giver >= 0 and front[giver] == _NOWHERE:
            back[giver] = _NOWHERE
        store(carried, step, tainted)
        store(unknown, step, strange)
        colours[step] = seen
        conversion = steps.conversion[step]
        if conversion >= 0:
            first, last, free, tainted = _exchange(
                length, colour, after, first, free, load(steps.amount, step),
                load(got, conversion), scratch,
            )  # fmt: skip
            store(came, conversion, tainted)
        if receiver < 0:
            after[last] = free
            free = first
        elif is_stack:
            while first != _NOWHERE:
                node = first
                first = after[node]
                top = front[receiver]
                if top != _NOWHERE and colour[top] == colour[node]:
                    _lengthen(length, top, load(length, node))
                    after[node] = free
                    free = node
                else:
                    after[node] = top
                    front[receiver] = node
        elif back[receiver] == _NOWHERE:
            front[receiver] = first
            back[receiver] = last
        else:
            end = back[receiver]
            if colour[end] == colour[first]:
                _lengthen(length, end, load(length, first))
                node = first
                first = after[node]
                after[node] = free
                free = node
            if first != _NOWHERE:
                after[end] = first
                back[receiver] = last
    tainted_now = np.zeros((pots, LIMBS), np.uint64)
    unknown_now = np.zeros((pots, LIMBS), np.uint64)
    pot_colours = np.zeros(pots, np.int64)
    segment_first = np.zeros(pots + 1, np.int64)
    for pot in range(pots):
        node = front[pot]
        segment_first[pot + 1] = segment_first[pot]
        while node != _NOWHERE:
            segment_first[pot + 1] += 1
            node = after[node]
    segment_length = np.empty((segment_first[pots], LIMBS), np.uint64)
    segment_colour = np.empty(segment_first[pots], np.int64)
    row = 0
    for pot in range(pots):
        node = front[pot]
        while node != _NOWHERE:
            segment_length[row] = length[node]
            segment_colour[row] = colour[node]
            row += 1
            pot_colours[pot] |= colour[node]
            if colour[node] & ~OPENING_COLOUR != 0:
                _lengthen(tainted_now, pot, load(length, node))
            elif colour[node] != CLEAN_COLOUR:
                _lengthen(unknown_now, pot, load(length, node))
            node = after[node]
    return Queues(
        carried,
        came,
        unknown,
        colours,
        tainted_now,
        unknown_now,
        pot_colours,
        segment_first,
        segment_length,
        segment_colour,
        len(colour),
    )
