"""What the rules on change ask about a transaction and an output, read off the columns."""

import numpy as np

from heuristics.change_columns import ChangeColumns
from heuristics.change_rules import Payment
from heuristics.coinjoin_shape import sort_ascending
from heuristics.columns import NO_ADDRESS, UInt32Array
from heuristics.fingerprint import (
    INPUT_COUNT_BITS,
    LOCKTIME_BITS,
    OUTPUT_COUNT_BITS,
    FingerprintBit,
    transaction_of,
)
from heuristics.jit import kernel_part

_LOCKTIME_BITS = int(LOCKTIME_BITS)
_UNIFORM_INPUTS = int(FingerprintBit.UNIFORM_INPUTS)
_TWO_OUTPUTS = int(FingerprintBit.TWO_OUTPUTS)
_COUNTS = int(INPUT_COUNT_BITS | OUTPUT_COUNT_BITS | FingerprintBit.COINBASE)

_FEW_INPUTS = 4
"""Up to here addresses are compared one by one, beyond they are sorted first."""

_OVERHEAD_BYTES, _OUTPUT_BYTES = 10, 34
"""Of a transaction without inputs and outputs, and of an output: a P2PKH script's, the middle."""


@kernel_part
def fee_rate_of(columns: ChangeColumns, transaction: int) -> int:
    """Return the fee in thousandths of a satoshi for each virtual byte, rounded down."""
    witness = int(np.int64(columns.witness_size[transaction]))
    virtual = int(np.int64(columns.stripped_size[transaction])) + (witness + 3) // 4
    return int(1000 * columns.fee_sat[transaction] // max(virtual, 1))


@kernel_part
def marginal_fee(columns: ChangeColumns, transaction: int, inputs: int, outputs: int) -> int:
    """Return the share of the fee that one input of average size pays, rounded down.

    The size of the inputs is what is left of the transaction's weight after its other parts, with
    34 bytes for each output. The product is taken in two steps: fee times weight may not fit.
    """
    weight = 4 * int(np.int64(columns.stripped_size[transaction]))
    weight += int(np.int64(columns.witness_size[transaction]))
    of_inputs = weight - 4 * (_OVERHEAD_BYTES + _OUTPUT_BYTES * outputs)
    if of_inputs <= 0 or columns.fee_sat[transaction] <= 0:
        return 0
    each = of_inputs // inputs
    fee = columns.fee_sat[transaction]
    return int(fee // weight * each + fee % weight * each // weight)


@kernel_part
def contains(ids: UInt32Array, count: int, wanted: np.uint32) -> bool:
    """Return whether an id is among the first ones; from `_FEW_INPUTS` on they are ascending."""
    if count <= _FEW_INPUTS:
        place = 0
        while place < count and ids[place] != wanted:
            place += 1
        return place < count
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if ids[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low < count and ids[low] == wanted


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
def _peels(
    columns: ChangeColumns, words: UInt32Array, first_word: int, transaction: int, known: int
) -> bool:
    """Return whether a transaction is a hop of a peeling chain, as far as its votes depend on it.

    The transaction before it is looked up only where that can make a difference: no spender looks
    like a hop, and one output is unspent.
    """
    if words[transaction - first_word] & _COUNTS != _TWO_OUTPUTS:
        return False
    unspent = 0
    for output in range(columns.first_output[transaction], columns.first_output[transaction + 1]):
        spender = int(np.int64(columns.spender[output]))
        if spender >= known:
            unspent += 1
        elif words[spender - first_word] & _COUNTS == _TWO_OUTPUTS:
            return True
    funding = columns.spent_output[columns.first_input[transaction]]
    if unspent != 1 or funding < 0:
        return False
    before = transaction_of(columns.first_output, funding, transaction)
    inputs = columns.first_input[before + 1] - columns.first_input[before]
    outputs = columns.first_output[before + 1] - columns.first_output[before]
    return bool(inputs == 1 and outputs == 2)


@kernel_part
def count_of(word: int, two: int, more: int) -> int:
    """Return 1, 2 or 3 (which stands for more) as a fingerprint's count bits say."""
    if word & more != 0:
        return 3
    return 2 if word & two != 0 else 1


@kernel_part
def payment_of(
    columns: ChangeColumns,
    words: UInt32Array,
    first_word: int,
    transaction: int,
    known: int,
    newest: int,
    ids: UInt32Array,
    id_count: int,
) -> Payment:
    """Return what the rules ask about a transaction as a whole."""
    first_in, last_in = columns.first_input[transaction], columns.first_input[transaction + 1]
    first_out, last_out = columns.first_output[transaction], columns.first_output[transaction + 1]
    word = int(np.int64(words[transaction - first_word]))
    least = columns.input_value_sat[first_in]
    for i in range(first_in + 1, last_in):
        least = min(least, columns.input_value_sat[i])
    uniform_type = -1
    if word & _UNIFORM_INPUTS != 0:
        uniform_type = int(np.int64(columns.script_type[columns.input_address[first_in]]))
    self_change = False
    fresh_outputs = 0
    for output in range(first_out, last_out):
        address = columns.output_address[output]
        if address != NO_ADDRESS:
            self_change = self_change or contains(ids, id_count, address)
            fresh_outputs += int(np.int64(address)) > newest
    return Payment(
        last_in - first_in,
        last_out - first_out,
        least,
        marginal_fee(columns, transaction, last_in - first_in, last_out - first_out),
        uniform_type,
        word & _LOCKTIME_BITS != 0,
        _peels(columns, words, first_word, transaction, known),
        fee_rate_of(columns, transaction),
        self_change,
        fresh_outputs,
    )
