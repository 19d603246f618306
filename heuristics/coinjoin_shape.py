"""The shape of a transaction: the counts by which rules about CoinJoins judge it.

The values of the outputs are sorted, so that equal ones stand together; so are the addresses. That
is all the work there is, and most transactions are told apart by the values alone.

An input whose address is unknown counts as one of its own: for clustering, suspicion is the safe
side. An output that carries data (OP_RETURN) has no address; it counts as an output, but not among
the spendable ones.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heuristics.coinjoin_columns import CoinJoinColumns, Scratch
from heuristics.columns import NO_ADDRESS, Int64Array, UInt32Array
from heuristics.jit import kernel, kernel_part

LARGEST_DUST_SAT = 2_730
"""GraphSense's limit; an output at or below it is no amount that people agree to mix."""

WASABI_BASE_SAT = 10_000_000
"""0.1 BTC, the amount of Wasabi 1; mixing level `i` has 2^i times as much."""

WASABI_TOLERANCE_SAT = 500_000
"""How far GraphSense lets an amount be from the base; twice as far at each level."""

SMALLEST_LEVEL_SAT = WASABI_BASE_SAT - WASABI_TOLERANCE_SAT
"""No output below it is at a mixing level."""

LEAST_SURPLUS_SAT = 100
MOST_SURPLUS_SAT = 110_000
"""What a coin that enters a Whirlpool mix brings above the pool's amount, for the miner."""

TX0_POOLS_SAT = (100_000, 1_000_000, 5_000_000, 50_000_000)
_POOL_FEE_SAT = (5_000, 50_000, 175_000, 1_750_000)
_MOST_ENTERING = 70
MOST_TX0_OUTPUTS = _MOST_ENTERING + 3
"""Those that go in, the fee, the change, and the data."""
_INSERTION_LIMIT = 32


class Runs(NamedTuple):
    """What a sorted list of output values says about repetition."""

    top_value_sat: int
    """Most frequent value, the largest such value where several tie."""

    top_count: int
    pool_value_sat: int
    """Most frequent value above dust, ties to the largest; 0 if there is none."""

    pool_count: int
    repeated_values: int
    """Values that more than one output has."""

    repeated_outputs: int
    """Outputs that share their value with another."""

    single_values: int
    """Values that exactly one output has."""

    pair_value_sat: int
    """Value that exactly two outputs have, if there is exactly one such value; else 0."""

    base_value_sat: int
    """Most frequent value near `WASABI_BASE_SAT`, ties to the largest; 0 if there is none."""

    base_count: int
    level_base_sat: int
    """What the fullest mixing level that holds at least two outputs is around, ties to the largest;
    0 if there is none. The outputs themselves need not be equal."""

    level_count: int
    """Outputs at that level."""

    level_outputs: int
    """Outputs at all mixing levels that hold at least two."""

    smallest_sat: int
    sum_sat: int


class Shape(NamedTuple):
    """The counts by which a transaction is judged."""

    inputs: int
    outputs: int
    spendable: int
    """Outputs that are not OP_RETURN."""

    every: Runs
    """Of all outputs."""

    paid: Runs
    """Of the spendable outputs."""

    distinct_inputs: int
    """Distinct input addresses; unknown ones count one each."""

    distinct_outputs: int
    """Distinct addresses of spendable outputs."""

    largest_input_sat: int
    largest_other_sat: int
    """Largest output of another value than the most frequent one; 0 if there is none."""

    most_reused: int
    """Appearances of the address that inputs and outputs mention most often."""

    most_reused_input: int
    """Inputs of the address that has most of them."""

    premix_pool_sat: int
    """The pool that equal outputs with a surplus, and a fee, fit; 0: none. See `premix_pool`."""

    premix_outputs: int


@kernel_part
def measure_values(values: Int64Array, length: int) -> Runs:
    """Return what a list of values, sorted in ascending order, says about repetition.

    Runs come in ascending order, so ">=" leaves ties to the largest value. Mixing levels do, too,
    and no value is near two of them.
    """
    top_value, top_count, pool_value, pool_count = 0, 0, 0, 0
    repeated, repeated_outputs, single, pairs, pair_value = 0, 0, 0, 0, 0
    base_value, base_count, level_base = 0, 0, 0
    centre, tolerance = WASABI_BASE_SAT, WASABI_TOLERANCE_SAT
    level_run, level_count, level_outputs = 0, 0, 0
    total = 0
    i = 0
    while i < length:
        value = values[i]
        j = i + 1
        while j < length and values[j] == value:
            j += 1
        count = j - i
        total += count * value
        if count >= top_count:
            top_value, top_count = value, count
        if count >= pool_count and value > LARGEST_DUST_SAT:
            pool_value, pool_count = value, count
        if count == 1:
            single += 1
        else:
            repeated += 1
            repeated_outputs += count
        if count == 2:
            pairs += 1
            pair_value = value
        while value > centre + tolerance:
            centre, tolerance, level_run = 2 * centre, 2 * tolerance, 0
        if value >= centre - tolerance:
            if centre == WASABI_BASE_SAT and count >= base_count:
                base_value, base_count = value, count
            # A level counts from its second output on.
            if level_run + count >= 2:
                level_outputs += count + (1 if level_run == 1 else 0)
                if level_run + count >= level_count:
                    level_base, level_count = centre, level_run + count
            level_run += count
        i = j
    return Runs(
        top_value,
        top_count,
        pool_value,
        pool_count,
        repeated,
        repeated_outputs,
        single,
        pair_value if pairs == 1 else 0,
        base_value,
        base_count,
        level_base,
        level_count,
        level_outputs,
        values[0] if length > 0 else 0,
        total,
    )


@kernel_part
def sort_ascending(values: NDArray[np.generic], length: int) -> None:
    """Sort the first `length` values in place.

    Insertion for short lists, which nearly all transactions are; heapsort for long ones, because
    its worst case is no worse than its usual one: block contents are chosen by strangers.
    """
    if length <= _INSERTION_LIMIT:
        for i in range(1, length):
            value = values[i]
            j = i
            while j > 0 and values[j - 1] > value:
                values[j] = values[j - 1]
                j -= 1
            values[j] = value
        return
    _heapsort(values, length)


@kernel_part
def place_of(ids: UInt32Array, count: int, wanted: np.uint32) -> int:
    """Return where an id stands among the first ones, which ascend; -1 where it is not there."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if ids[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < count and ids[low] == wanted else -1


@kernel
def _heapsort(values: NDArray[np.generic], length: int) -> None:
    """Sort the first `length` values: make a heap of them, then take the largest off it."""
    half = length // 2
    for step in range(half + length - 1):
        if step < half:
            hole, end = half - 1 - step, length
            value = values[hole]
        else:
            hole, end = 0, length - 1 - (step - half)
            value = values[end]
            values[end] = values[0]
        # The value sinks to its place in the heap of the first `end` values.
        child = 2 * hole + 1
        while child < end:
            if child + 1 < end and values[child + 1] > values[child]:
                child += 1
            if values[child] <= value:
                break
            values[hole] = values[child]
            hole = child
            child = 2 * hole + 1
        values[hole] = value


@kernel
def count_distinct(ids: UInt32Array, length: int) -> tuple[int, int]:
    """Return how many distinct ids there are, and the most appearances of one; sorts in place.

    `NO_ADDRESS` is equal to nothing, not even to itself.
    """
    sort_ascending(ids, length)
    distinct, longest, run = 0, 0, 0
    for i in range(length):
        if i == 0 or ids[i] != ids[i - 1] or ids[i] == NO_ADDRESS:
            distinct += 1
            run = 0
        run += 1
        longest = max(longest, run)
    return distinct, longest


@kernel
def premix_pool(values: Int64Array, length: int) -> tuple[int, int]:
    """Return the Whirlpool pool that sorted values prepare for, and how many go in; or zeros.

    The most frequent value that is a little above the pool's amount counts as going in; all but
    two of the values must be it, and exactly one must be near the pool's fee.
    """
    for pool in range(len(TX0_POOLS_SAT)):
        amount, fee = TX0_POOLS_SAT[pool], _POOL_FEE_SAT[pool]
        entering, run, fees = 0, 0, 0
        for i in range(length):
            value = values[i]
            run = run + 1 if i > 0 and value == values[i - 1] else 1
            if amount + LEAST_SURPLUS_SAT <= value <= amount + MOST_SURPLUS_SAT:
                entering = max(entering, run)
            fees += fee <= 2 * value and value <= 3 * fee
        if 1 <= entering <= _MOST_ENTERING and length - entering <= 2 and fees == 1:
            return amount, entering
    return 0, 0


@kernel
def measure(columns: CoinJoinColumns, transaction: int, scratch: Scratch) -> Shape:
    """Return the counts by which a transaction is judged.

    Counts that depend on addresses are 0 where the values alone rule every mark out.
    """
    first_in, last_in = columns.first_input[transaction], columns.first_input[transaction + 1]
    first_out, last_out = columns.first_output[transaction], columns.first_output[transaction + 1]
    inputs, outputs = last_in - first_in, last_out - first_out
    values, ids = scratch.values, scratch.ids
    spendable = 0
    for i in range(outputs):
        if columns.output_address[first_out + i] != NO_ADDRESS:
            values[spendable] = columns.output_value_sat[first_out + i]
            ids[spendable] = columns.output_address[first_out + i]
            spendable += 1
    sort_ascending(values, spendable)
    paid = measure_values(values, spendable)
    every = paid
    pool, premix = 0, 0
    if spendable < outputs:
        if spendable == outputs - 1:
            pool, premix = premix_pool(values, spendable)
        for i in range(outputs):
            values[i] = columns.output_value_sat[first_out + i]
        sort_ascending(values, outputs)
        every = measure_values(values, outputs)
    distinct_inputs, distinct_outputs, most_reused, most_reused_input = 0, 0, 0, 0
    largest_input, largest_other = 0, 0
    if every.repeated_values > 0 or paid.level_count >= 3:
        distinct_outputs, _ = count_distinct(ids, spendable)
        for i in range(inputs):
            ids[i] = columns.input_address[first_in + i]
            largest_input = max(largest_input, columns.input_value_sat[first_in + i])
        distinct_inputs, most_reused_input = count_distinct(ids, inputs)
        for i in range(outputs):
            ids[inputs + i] = columns.output_address[first_out + i]
        _, most_reused = count_distinct(ids, inputs + outputs)
        # The values are sorted: the last one that differs from the top is the largest other.
        for i in range(outputs):
            if values[i] != every.top_value_sat:
                largest_other = values[i]
    return Shape(
        inputs,
        outputs,
        spendable,
        every,
        paid,
        distinct_inputs,
        distinct_outputs,
        largest_input,
        largest_other,
        most_reused,
        most_reused_input,
        pool,
        premix,
    )
