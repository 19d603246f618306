"""The shape of a transaction: the counts by which rules about equal outputs judge it.

The values of the outputs are sorted, so that equal ones stand together; so are the addresses. That
is all the work there is, and most transactions are told apart by the values alone.

An input whose address is unknown counts as one of its own: for clustering, suspicion is the safe
side. An output that carries data (OP_RETURN) has no address; it counts as an output, but not among
the spendable ones.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heuristics.columns import NO_ADDRESS, Int64Array, TransactionColumns, UInt32Array
from heuristics.jit import kernel

LARGEST_DUST_SAT = 2_730
"""GraphSense's limit; an output at or below it is no amount that people agree to mix."""

_INSERTION_LIMIT = 32


class Shape(NamedTuple):
    """The counts by which a transaction is judged."""

    inputs: int
    outputs: int
    spendable: int
    """Outputs that are not OP_RETURN."""

    distinct_inputs: int
    """Distinct input addresses; unknown ones count one each."""

    distinct_outputs: int
    """Distinct addresses of spendable outputs."""

    top_value_sat: int
    """Most frequent value of all outputs, the largest such value where several tie."""

    top_count: int
    repeated_values: int
    """Values that more than one output has."""

    pool_value_sat: int
    """Most frequent value above dust among spendable outputs, ties to the largest; 0 if none."""

    pool_count: int
    pair_value_sat: int
    """Value that exactly two spendable outputs have, if there is exactly one such value; else 0."""

    largest_input_sat: int
    largest_other_sat: int
    """Largest output of another value than the top one; 0 if there is none."""

    most_reused: int
    """Appearances of the address that inputs and outputs mention most often."""


@kernel
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
    for start in range(length // 2 - 1, -1, -1):
        _sift_down(values, start, length)
    for end in range(length - 1, 0, -1):
        last = values[end]
        values[end] = values[0]
        values[0] = last
        _sift_down(values, 0, end)


@kernel
def _sift_down(values: NDArray[np.generic], start: int, end: int) -> None:
    """Let the value at `start` sink to its place in the heap of the first `end` values."""
    value = values[start]
    hole = start
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
def _distinct(ids: UInt32Array, length: int) -> tuple[int, int]:
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
def _value_runs(values: Int64Array, length: int) -> tuple[int, int, int, int, int, int]:
    """Return what a sorted list of values says about repetition.

    That is: the most frequent value and its count; the most frequent value above dust and its
    count; how many values repeat; the value that occurs exactly twice (0 unless there is exactly
    one). Runs come in ascending order, so ">=" leaves ties to the largest value.
    """
    top_value, top_count, pool_value, pool_count, repeated, pairs, pair_value = 0, 0, 0, 0, 0, 0, 0
    i = 0
    while i < length:
        j = i + 1
        while j < length and values[j] == values[i]:
            j += 1
        count = j - i
        if count >= top_count:
            top_value, top_count = values[i], count
        if count >= pool_count and values[i] > LARGEST_DUST_SAT:
            pool_value, pool_count = values[i], count
        repeated += count > 1
        if count == 2:
            pairs += 1
            pair_value = values[i]
        i = j
    return top_value, top_count, pool_value, pool_count, repeated, pair_value if pairs == 1 else 0


@kernel
def measure(
    columns: TransactionColumns, transaction: int, values: Int64Array, ids: UInt32Array
) -> Shape:
    """Return the counts by which a transaction is judged.

    `values` has room for its outputs, `ids` for inputs and outputs; both are overwritten. All
    counts that depend on addresses are 0 where the values alone rule every mark out.
    """
    first_in, last_in = columns.first_input[transaction], columns.first_input[transaction + 1]
    first_out, last_out = columns.first_output[transaction], columns.first_output[transaction + 1]
    inputs, outputs = last_in - first_in, last_out - first_out
    spendable = 0
    for i in range(outputs):
        if columns.output_address[first_out + i] != NO_ADDRESS:
            values[spendable] = columns.output_value_sat[first_out + i]
            ids[spendable] = columns.output_address[first_out + i]
            spendable += 1
    sort_ascending(values, spendable)
    top_value, top_count, pool_value, pool_count, repeated, pair_value = _value_runs(
        values, spendable
    )
    if spendable < outputs:
        for i in range(outputs):
            values[i] = columns.output_value_sat[first_out + i]
        sort_ascending(values, outputs)
        top_value, top_count, _, _, repeated, _ = _value_runs(values, outputs)
    distinct_inputs, distinct_outputs, most_reused = 0, 0, 0
    largest_input, largest_other = 0, 0
    if 2 * top_count >= outputs or 2 * pool_count >= spendable:
        distinct_outputs, _ = _distinct(ids, spendable)
        for i in range(inputs):
            ids[i] = columns.input_address[first_in + i]
            largest_input = max(largest_input, columns.input_value_sat[first_in + i])
        distinct_inputs, _ = _distinct(ids, inputs)
        for i in range(outputs):
            ids[inputs + i] = columns.output_address[first_out + i]
        _, most_reused = _distinct(ids, inputs + outputs)
        # The values are sorted: the last one that differs from the top is the largest other.
        for i in range(outputs):
            if values[i] != top_value:
                largest_other = values[i]
    return Shape(
        inputs,
        outputs,
        spendable,
        distinct_inputs,
        distinct_outputs,
        top_value,
        top_count,
        repeated,
        pool_value,
        pool_count,
        pair_value,
        largest_input,
        largest_other,
        most_reused,
    )


@kernel
def most_rows(columns: TransactionColumns, start: int, stop: int) -> int:
    """Return the largest number of inputs and outputs of one transaction."""
    most = 0
    for transaction in range(start, stop):
        inputs = columns.first_input[transaction + 1] - columns.first_input[transaction]
        outputs = columns.first_output[transaction + 1] - columns.first_output[transaction]
        most = max(most, inputs + outputs)
    return most
