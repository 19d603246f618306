"""Whether the inputs of a transaction can be dealt out so that each participant pays for himself.

Every participant is a bin, as large as what he takes out less the most that he may have been paid
for taking part. The inputs of one address are one item, because they have one owner. If the items
can fill all bins, the amounts allow a CoinJoin of so many; if they cannot, nobody's coins could
have paid for all of it and the transaction has fewer participants than its shape says.

Filling bins is hard in general, so a search stops after so many steps and says so. It places the
largest item first, into the emptiest bin first; bins that lack the same are the same bin.
"""

import numpy as np

from heuristics.coinjoin_columns import MOST_BINS, CoinJoinColumns, Scratch
from heuristics.coinjoin_shape import Shape, place_of, sort_ascending
from heuristics.columns import NO_ADDRESS, Int64Array
from heuristics.jit import kernel

UNFILLED, FILLED, UNDECIDED = 0, 1, 2
MOST_STEPS = 1_000
LEAST_FEE_SAT = 10_000
FEE_PPM = 10_000
"""What a participant may be paid for taking part, in millionths of the mixed amount: 1 %."""

_MILLION = 1_000_000
_UNLIMITED = np.iinfo(np.int64).max


@kernel
def fill(goals: Int64Array, bins: int, sums: Int64Array, count: int, scratch: Scratch) -> int:
    """Return whether the first `count` ascending sums fill the first `bins` goals.

    `goals` is overwritten.
    """
    before, choice = scratch.before, scratch.choice
    left, missing = 0, 0
    for i in range(count):
        left += sums[i]
    for i in range(bins):
        missing += goals[i]
    placed, steps, ceiling = 0, 0, _UNLIMITED
    while True:
        if missing == 0:
            return FILLED
        best = -1
        if missing <= left:
            if ceiling == _UNLIMITED:
                steps += 1
                if steps > MOST_STEPS:
                    return UNDECIDED
            for i in range(bins):
                if 0 < goals[i] < ceiling and (best < 0 or goals[i] > goals[best]):
                    best = i
        if best < 0:
            if placed == 0:
                return UNFILLED
            placed -= 1
            last = choice[placed]
            missing += before[placed] - goals[last]
            goals[last] = before[placed]
            ceiling = before[placed]
            left += sums[count - 1 - placed]
            continue
        value = sums[count - 1 - placed]
        choice[placed], before[placed] = best, goals[best]
        goals[best] = max(0, goals[best] - value)
        missing -= before[placed] - goals[best]
        left -= value
        placed += 1
        ceiling = _UNLIMITED


@kernel
def sum_inputs(columns: CoinJoinColumns, transaction: int, scratch: Scratch) -> tuple[int, int]:
    """Leave the input addresses, ascending, in `ids` and what each brings in `sums`.

    Returns how many known addresses there are, and how many items; an input whose address is
    unknown is an item of its own, after the known ones.
    """
    first, last = columns.first_input[transaction], columns.first_input[transaction + 1]
    ids, sums = scratch.ids, scratch.sums
    for i in range(first, last):
        ids[i - first] = columns.input_address[i]
    sort_ascending(ids, last - first)
    known = 0
    for i in range(last - first):
        if ids[i] != NO_ADDRESS and (known == 0 or ids[i] != ids[known - 1]):
            ids[known] = ids[i]
            sums[known] = 0
            known += 1
    items = known
    for i in range(first, last):
        if columns.input_address[i] == NO_ADDRESS:
            sums[items] = columns.input_value_sat[i]
            items += 1
        else:
            sums[place_of(ids, known, columns.input_address[i])] += columns.input_value_sat[i]
    return known, items


@kernel
def _most_paid_for_joining(value_sat: int) -> int:
    return max(LEAST_FEE_SAT, value_sat * FEE_PPM // _MILLION)


@kernel
def two_can_pay(columns: CoinJoinColumns, transaction: int, scratch: Scratch) -> bool:
    """Return whether two participants could each have paid for one of two equal outputs.

    Outputs that go back to an input's address are not looked at. A search that gives up counts as
    yes: for clustering, suspicion is the safe side.
    """
    known, items = sum_inputs(columns, transaction, scratch)
    values, unknown = scratch.values, 0
    for i in range(columns.first_output[transaction], columns.first_output[transaction + 1]):
        if place_of(scratch.ids, known, columns.output_address[i]) < 0:
            values[unknown] = columns.output_value_sat[i]
            unknown += 1
    sort_ascending(values, unknown)
    top, top_count, run = 0, 0, 0
    for i in range(unknown):
        run = run + 1 if i > 0 and values[i] == values[i - 1] else 1
        if run >= top_count:
            top, top_count = values[i], run
    least = _most_paid_for_joining(top)
    if top_count < 2 or top <= least:
        return False
    scratch.goals[0] = scratch.goals[1] = top - least
    sort_ascending(scratch.sums, items)
    return fill(scratch.goals, 2, scratch.sums, items, scratch) != UNFILLED


@kernel
def each_can_pay(
    columns: CoinJoinColumns, transaction: int, shape: Shape, scratch: Scratch
) -> bool:
    """Return whether k participants can pay for k equal outputs and one other output each.

    k is half of the outputs, rounded up, from 2 to `MOST_BINS`. The mixed value is the one that
    goes to the most distinct addresses; they must be k, and it must exceed what somebody may be
    paid for joining, or nothing would be proved. A search that gives up counts as no.
    """
    first, last = columns.first_output[transaction], columns.first_output[transaction + 1]
    participants = (shape.outputs + 1) // 2
    if not 2 <= participants <= MOST_BINS:
        return False
    top, top_addresses = 0, 0
    for i in range(first, last):
        value, addresses = columns.output_value_sat[i], 0
        for j in range(first, last):
            if columns.output_value_sat[j] != value:
                continue
            is_new = True
            for k in range(first, j):
                is_new = is_new and not (
                    columns.output_value_sat[k] == value
                    and columns.output_address[k] == columns.output_address[j]
                    and columns.output_address[j] != NO_ADDRESS
                )
            addresses += is_new
        if addresses > top_addresses or (addresses == top_addresses and value > top):
            top, top_addresses = value, addresses
    least = _most_paid_for_joining(top)
    if top_addresses != participants or top <= least:
        return False
    goals, other = scratch.goals, 0
    for i in range(participants):
        goals[i] = top
    for i in range(first, last):
        if columns.output_value_sat[i] != top:
            goals[other] += columns.output_value_sat[i]
            other += 1
    for i in range(participants):
        goals[i] -= least
    _, items = sum_inputs(columns, transaction, scratch)
    sort_ascending(scratch.sums, items)
    return fill(goals, participants, scratch.sums, items, scratch) == FILLED
