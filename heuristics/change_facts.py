"""What the rules on change ask about a transaction and an output, worked out of columns.

The small steps take numbers rather than columns: each array that is handed to a function of an
inner loop is counted as used and released again, and a tuple of columns holds a dozen.
"""

import numpy as np

from heuristics.coinjoin_shape import place_of, sort_ascending
from heuristics.columns import NO_ADDRESS, Int64Array, UInt32Array
from heuristics.fingerprint import (
    INPUT_COUNT_BITS,
    OUTPUT_COUNT_BITS,
    FingerprintBit,
    transaction_of,
)
from heuristics.jit import kernel, kernel_part

_TWO_OUTPUTS = int(FingerprintBit.TWO_OUTPUTS)
_COUNTS = int(INPUT_COUNT_BITS | OUTPUT_COUNT_BITS | FingerprintBit.COINBASE)

_FEW_INPUTS = 4
"""Up to here addresses are compared one by one, beyond they are sorted first."""

_OVERHEAD_BYTES, _OUTPUT_BYTES = 10, 34
"""Of a transaction without inputs and outputs, and of an output: a P2PKH script's, the middle."""


@kernel_part
def fee_rate_of(fee_sat: int, stripped_size: int, witness_size: int) -> int:
    """Return the fee in thousandths of a satoshi for each virtual byte, rounded down."""
    return 1000 * fee_sat // max(stripped_size + (witness_size + 3) // 4, 1)


@kernel_part
def marginal_fee(
    fee_sat: int, stripped_size: int, witness_size: int, inputs: int, outputs: int
) -> int:
    """Return the share of the fee that one input of average size pays, rounded down.

    The size of the inputs is what is left of the transaction's weight after its other parts, with
    34 bytes for each output. The product is taken in two steps: fee times weight may not fit.
    """
    weight = 4 * stripped_size + witness_size
    of_inputs = weight - 4 * (_OVERHEAD_BYTES + _OUTPUT_BYTES * outputs)
    if of_inputs <= 0 or fee_sat <= 0:
        return 0
    each = of_inputs // inputs
    return fee_sat // weight * each + fee_sat % weight * each // weight


@kernel_part
def contains(ids: UInt32Array, count: int, wanted: np.uint32) -> bool:
    """Return whether an id is among the first ones; from `_FEW_INPUTS` on they are ascending."""
    if count <= _FEW_INPUTS:
        place = 0
        while place < count and ids[place] != wanted:
            place += 1
        return place < count
    return place_of(ids, count, wanted) >= 0


@kernel_part
def root_of(labels: UInt32Array, address: np.uint32) -> np.uint32:
    """Return the root of an address in a forest, which is left as it is."""
    while labels[address] != address:
        address = labels[address]
    return address


@kernel_part
def collect_ids(
    addresses: UInt32Array,
    begin: int,
    end: int,
    labels: UInt32Array,
    ids: UInt32Array,
    roots: UInt32Array,
) -> int:
    """Fill `ids` with the known input addresses and `roots` with their clusters; count them."""
    count = 0
    for i in range(begin, end):
        if addresses[i] != NO_ADDRESS:
            ids[count] = addresses[i]
            if len(labels):
                roots[count] = root_of(labels, addresses[i])
            count += 1
    if count > _FEW_INPUTS:
        sort_ascending(ids, count)
        if len(labels):
            sort_ascending(roots, count)
    return count


@kernel_part
def looks_like_hop(word: int) -> bool:
    """Return whether a fingerprint is of a transaction with one input and two outputs."""
    return word & _COUNTS == _TWO_OUTPUTS


@kernel_part
def count_of(word: int, two: int, more: int) -> int:
    """Return 1, 2 or 3 (which stands for more) as a fingerprint's count bits say."""
    if word & more != 0:
        return 3
    return 2 if word & two != 0 else 1


@kernel
def follows_hop(
    first_input: Int64Array, first_output: Int64Array, spent_output: Int64Array, transaction: int
) -> bool:
    """Return whether a transaction's first input spends from one input and two outputs."""
    funding = spent_output[first_input[transaction]]
    if funding < 0:
        return False
    before = transaction_of(first_output, funding, transaction)
    inputs = first_input[before + 1] - first_input[before]
    outputs = first_output[before + 1] - first_output[before]
    return bool(inputs == 1 and outputs == 2)
