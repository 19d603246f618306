"""The kernel of the votes on change: all rules in one pass; `change` is its face.

Each output collects the rules that cannot rule it out as one bit each of a word. A rule votes
where exactly one output of the transaction has its bit, which two running words tell for all rules
at once: what was seen, and what was seen again.

Freshness needs no memory of addresses: they are numbered by first appearance, so an address is new
if its number is larger than every number before.
"""

from typing import NamedTuple

import numpy as np

from heuristics.change_columns import MANY, Blocks, ChangeColumns, Fingerprints, Horizon
from heuristics.change_facts import (
    collect_ids,
    contains,
    count_of,
    fee_rate_of,
    follows_hop,
    looks_like_hop,
    marginal_fee,
    root_of,
)
from heuristics.change_rules import (
    POWERS_OF_TEN,
    Candidate,
    ChangeRule,
    Payment,
    address_reuse,
    address_type,
    consumer,
    ermilov,
    fee_rate,
    fresh,
    graphsense,
    legacy,
    locktime,
    one_time,
    one_time_global,
    optimal_change,
    optimal_change_with_fee,
    peeling,
    power_of_ten,
    shadow,
    spent,
)
from heuristics.columns import (
    NO_ADDRESS,
    Int8Array,
    Int64Array,
    UInt8Array,
    UInt32Array,
)
from heuristics.fingerprint import (
    INPUT_COUNT_BITS,
    LOCKTIME_BITS,
    OUTPUT_COUNT_BITS,
    TYPE_BITS,
    VERSION_BITS,
    FingerprintBit,
)
from heuristics.jit import kernel, kernel_part
from heuristics.keyset import (
    KeysetColumns,
    changes_keyset,
    input_scripts,
)

RULE_COUNT = len(ChangeRule)

_HABIT_BITS = {
    ChangeRule.SAME_COUNTS: INPUT_COUNT_BITS | OUTPUT_COUNT_BITS,
    ChangeRule.SAME_OUTPUT_COUNT: OUTPUT_COUNT_BITS,
    ChangeRule.SAME_ZEROCONF: FingerprintBit.ZEROCONF,
    ChangeRule.SAME_MULTISIG: FingerprintBit.MULTISIG,
    ChangeRule.SAME_P2PKH: FingerprintBit.P2PKH,
    ChangeRule.SAME_VERSION: VERSION_BITS,
    ChangeRule.SAME_LOCKTIME: LOCKTIME_BITS,
    ChangeRule.SAME_RBF: FingerprintBit.RBF,
    ChangeRule.SAME_SEGWIT: FingerprintBit.SEGWIT,
    ChangeRule.SAME_SEGWIT_COMPATIBLE: FingerprintBit.SEGWIT_COMPATIBLE,
    ChangeRule.SAME_ORDER: FingerprintBit.SORTED,
    ChangeRule.SAME_INPUT_TYPES: TYPE_BITS,
    ChangeRule.SAME_P2SH: FingerprintBit.P2SH,
    ChangeRule.SAME_P2WSH: FingerprintBit.P2WSH,
    ChangeRule.SAME_P2WPKH: FingerprintBit.P2WPKH,
}
"""Which bits of two fingerprints each fingerprint vote compares; fees are no bits."""

_HABIT_RULES = np.array([int(rule) for rule in _HABIT_BITS], dtype=np.int64)
_HABIT_MASKS = np.array([int(mask) for mask in _HABIT_BITS.values()], dtype=np.int64)
_POWERS = np.array(POWERS_OF_TEN, dtype=np.int64)
_ALL_POWERS = (1 << len(POWERS_OF_TEN)) - 1

_SAME_FEE, _SAME_FEE_RATE = int(ChangeRule.SAME_FEE), int(ChangeRule.SAME_FEE_RATE)
_NEEDS_ALL_SPENT = sum(
    1 << rule for rule in (*_HABIT_BITS, ChangeRule.SAME_FEE, ChangeRule.SAME_FEE_RATE)
)
_OPTIMAL_CHANGE = int(ChangeRule.OPTIMAL_CHANGE)
_OPTIMAL_CHANGE_WITH_FEE = int(ChangeRule.OPTIMAL_CHANGE_WITH_FEE)
_ADDRESS_TYPE = int(ChangeRule.ADDRESS_TYPE)
_POWER_OF_TEN = int(ChangeRule.POWER_OF_TEN_2)
_ADDRESS_REUSE, _FRESH = int(ChangeRule.ADDRESS_REUSE), int(ChangeRule.FRESH)
_ONE_TIME, _ONE_TIME_GLOBAL = int(ChangeRule.ONE_TIME), int(ChangeRule.ONE_TIME_GLOBAL)
_LOCKTIME, _PEELING, _FEE_RATE = (
    int(ChangeRule.LOCKTIME),
    int(ChangeRule.PEELING),
    int(ChangeRule.FEE_RATE),
)
_LEGACY, _SPENT, _SHADOW = int(ChangeRule.LEGACY), int(ChangeRule.SPENT), int(ChangeRule.SHADOW)
_ERMILOV, _CONSUMER = int(ChangeRule.ERMILOV), int(ChangeRule.CONSUMER)
_GRAPHSENSE, _KEYSET = int(ChangeRule.GRAPHSENSE), int(ChangeRule.KEYSET)
_SAME_CLUSTER = int(ChangeRule.SAME_CLUSTER)

_UNIFORM_INPUTS = int(FingerprintBit.UNIFORM_INPUTS)
_LOCKTIME_BITS, _MULTISIG = int(LOCKTIME_BITS), int(FingerprintBit.MULTISIG)
_TWO_INPUTS, _MORE_INPUTS = int(FingerprintBit.TWO_INPUTS), int(FingerprintBit.MORE_INPUTS)
_TWO_OUTPUTS, _MORE_OUTPUTS = int(FingerprintBit.TWO_OUTPUTS), int(FingerprintBit.MORE_OUTPUTS)

_NOT_SPENDABLE = -1


@kernel
def advance(
    columns: ChangeColumns, receipts: UInt8Array, spends: UInt8Array, start: int, stop: int
) -> None:
    """Count what the transactions `[start, stop)` pay to and spend from each address."""
    for output in range(columns.first_output[start], columns.first_output[stop]):
        address = columns.output_address[output]
        if address != NO_ADDRESS and receipts[address] < MANY:
            receipts[address] += 1
    for i in range(columns.first_input[start], columns.first_input[stop]):
        address = columns.input_address[i]
        if address != NO_ADDRESS and spends[address] < MANY:
            spends[address] += 1


@kernel_part
def _static_and_dynamic(payment: Payment, candidate: Candidate) -> int:
    """Return the bits of the rules whose candidate an output is, but habits, keysets, clusters."""
    bits = optimal_change(payment, candidate) << _OPTIMAL_CHANGE
    bits |= optimal_change_with_fee(payment, candidate) << _OPTIMAL_CHANGE_WITH_FEE
    bits |= address_type(payment, candidate) << _ADDRESS_TYPE
    # What is no multiple of a power of ten is none of the next power either.
    digits = 0
    while digits < len(_POWERS) and not power_of_ten(candidate, _POWERS[digits]):
        digits += 1
    bits |= (_ALL_POWERS >> digits << digits) << _POWER_OF_TEN
    bits |= address_reuse(candidate) << _ADDRESS_REUSE
    bits |= fresh(candidate) << _FRESH
    bits |= one_time(payment, candidate) << _ONE_TIME
    bits |= one_time_global(payment, candidate) << _ONE_TIME_GLOBAL
    bits |= locktime(payment, candidate) << _LOCKTIME
    bits |= peeling(payment, candidate) << _PEELING
    bits |= fee_rate(payment, candidate) << _FEE_RATE
    bits |= legacy(payment, candidate) << _LEGACY
    bits |= spent(candidate) << _SPENT
    bits |= shadow(payment, candidate) << _SHADOW
    bits |= ermilov(payment, candidate) << _ERMILOV
    bits |= consumer(candidate) << _CONSUMER
    bits |= graphsense(payment, candidate) << _GRAPHSENSE
    return int(bits)


@kernel_part
def _habits(differences: int, same_fee: bool, same_rate: bool) -> int:
    """Return the bits of the fingerprint votes in which two transactions agree."""
    bits = same_fee << _SAME_FEE | same_rate << _SAME_FEE_RATE
    for habit in range(len(_HABIT_RULES)):
        bits |= (differences & _HABIT_MASKS[habit] == 0) << _HABIT_RULES[habit]
    return int(bits)


@kernel_part
def _cast(sets: Int64Array, count: int, votes: Int8Array, row: int, allowed: int) -> None:
    """Turn the candidate words of a transaction's outputs into rows of votes."""
    seen, again = 0, 0
    for place in range(count):
        if sets[place] != _NOT_SPENDABLE:
            again |= seen & sets[place]
            seen |= sets[place]
    decided = seen & ~again & allowed
    for place in range(count):
        if sets[place] == _NOT_SPENDABLE:
            continue
        chosen, others = sets[place] & decided, decided & ~sets[place]
        for rule in range(RULE_COUNT):
            votes[row + place, rule] = ((chosen >> rule) & 1) - ((others >> rule) & 1)


class Scratch(NamedTuple):
    """Memory that the kernel uses again for each transaction."""

    sets: Int64Array
    ids: UInt32Array
    roots: UInt32Array
    places: Int64Array


@kernel
def vote(
    columns: ChangeColumns,
    keysets: KeysetColumns,
    labels: UInt32Array,
    horizon: Horizon,
    fingerprints: Fingerprints,
    excluded: UInt8Array,
    blocks: Blocks,
    newest: int,
    scratch: Scratch,
    votes: Int8Array,
) -> int:
    """Fill the votes of all blocks, moving the horizon; return the newest address after them.

    One long function on purpose; see `change_facts` on what handing columns around would cost.
    """
    first_input, first_output = columns.first_input, columns.first_output
    input_address, output_address = columns.input_address, columns.output_address
    input_value, output_value = columns.input_value_sat, columns.output_value_sat
    spender_of, script_type = columns.spender, columns.script_type
    fees, stripped, witness = columns.fee_sat, columns.stripped_size, columns.witness_size
    receipts, spends = horizon.receipts, horizon.spends
    first_word, words = fingerprints.start, fingerprints.words
    ids, roots, places, sets = scratch.ids, scratch.roots, scratch.places, scratch.sets
    known = horizon.transactions
    start = blocks.first_transaction[0]
    first_row = first_output[start]
    for block in range(len(blocks.horizon)):
        advance(columns, receipts, spends, known, blocks.horizon[block])
        known = blocks.horizon[block]
        known_inputs = first_input[known]
        for transaction in range(
            blocks.first_transaction[block], blocks.first_transaction[block + 1]
        ):
            first_in, last_in = first_input[transaction], first_input[transaction + 1]
            first_out, last_out = first_output[transaction], first_output[transaction + 1]
            inputs, outputs = last_in - first_in, last_out - first_out
            # Of a ledger that begins late: an address may be first met where it is spent.
            for i in range(first_in, last_in):
                if input_address[i] != NO_ADDRESS:
                    newest = max(newest, int(np.int64(input_address[i])))
            older = newest
            spendable = 0
            for output in range(first_out, last_out):
                if output_address[output] != NO_ADDRESS:
                    spendable += 1
                    newest = max(newest, int(np.int64(output_address[output])))
            if inputs == 0 or spendable < 2 or excluded[transaction - start] != 0:
                continue

            # --- the transaction
            word = int(np.int64(words[transaction - first_word]))
            fee_sat = fees[transaction]
            size = int(np.int64(stripped[transaction])), int(np.int64(witness[transaction]))
            rate = fee_rate_of(fee_sat, size[0], size[1])
            least = input_value[first_in]
            for i in range(first_in + 1, last_in):
                least = min(least, input_value[i])
            uniform_type = -1
            if word & _UNIFORM_INPUTS != 0:
                uniform_type = int(np.int64(script_type[input_address[first_in]]))
            self_change, goes_on = False, False
            fresh_outputs, unspent = 0, 0
            for output in range(first_out, last_out):
                if output_address[output] == NO_ADDRESS:
                    continue
                fresh_outputs += int(np.int64(output_address[output])) > older
                spender = int(np.int64(spender_of[output]))
                if spender >= known:
                    unspent += 1
                elif looks_like_hop(int(np.int64(words[spender - first_word]))):
                    goes_on = True
            id_count = 0
            if fresh_outputs < spendable or len(labels):
                id_count = collect_ids(input_address, first_in, last_in, labels, ids, roots)
                for output in range(first_out, last_out):
                    self_change = self_change or contains(ids, id_count, output_address[output])
            peels = looks_like_hop(word) and goes_on
            if looks_like_hop(word) and not goes_on and unspent == 1:
                # Only now can the transaction before make a difference, so few are looked up.
                peels = follows_hop(first_input, first_output, columns.spent_output, transaction)
            payment = Payment(
                inputs,
                outputs,
                least,
                marginal_fee(fee_sat, size[0], size[1], inputs, outputs),
                uniform_type,
                word & _LOCKTIME_BITS != 0,
                peels,
                rate,
                self_change,
                fresh_outputs,
            )
            scripts = 0
            if word & _MULTISIG != 0:
                addresses = input_address[first_in:last_in]
                scripts = input_scripts(keysets, script_type, addresses, known_inputs, places)

            # --- its outputs
            allowed = ~0 if unspent == 0 else ~_NEEDS_ALL_SPENT
            for output in range(first_out, last_out):
                address = output_address[output]
                if address == NO_ADDRESS:
                    sets[output - first_out] = _NOT_SPENDABLE
                    continue
                spender = int(np.int64(spender_of[output]))
                bits, spender_word, spender_rate = 0, 0, 0
                if spender < known:
                    spender_word = int(np.int64(words[spender - first_word]))
                    spender_rate = fee_rate_of(
                        fees[spender],
                        int(np.int64(stripped[spender])),
                        int(np.int64(witness[spender])),
                    )
                    bits = _habits(
                        word ^ spender_word, fees[spender] == fee_sat, spender_rate == rate
                    )
                candidate = Candidate(
                    output_value[output],
                    int(np.int64(script_type[address])),
                    self_change and contains(ids, id_count, address),
                    int(np.int64(address)) > older,
                    int(np.int64(receipts[address])),
                    int(np.int64(spends[address])),
                    spender < known,
                    spender_word & _LOCKTIME_BITS != 0,
                    count_of(spender_word, _TWO_INPUTS, _MORE_INPUTS),
                    count_of(spender_word, _TWO_OUTPUTS, _MORE_OUTPUTS),
                    spender_rate,
                )
                bits |= _static_and_dynamic(payment, candidate)
                if scripts > 0 and changes_keyset(
                    keysets, script_type, address, known_inputs, places, scripts
                ):
                    bits |= 1 << _KEYSET
                if len(labels) and contains(roots, id_count, root_of(labels, address)):
                    bits |= 1 << _SAME_CLUSTER
                sets[output - first_out] = bits
            _cast(sets, outputs, votes, first_out - first_row, allowed)
    return newest
