"""Fingerprints: what a transaction's form tells about the wallet program that made it.

A program has habits: the version it writes, whether it sets a lock time, signals replacement,
sorts inputs and outputs, which kinds of script it spends. None of them names a program, but a
wallet keeps its habits from one transaction to the next, so of two outputs the one that is spent
on in the same manner is more likely to be the change. All habits of a transaction fit one 32-bit
word, made once in a streaming pass, so that comparing two transactions is one exclusive or.

A fingerprint depends on the transaction and on what it spends, never on what comes later.

Source: the bits are those of Moeser and Narayanan 2022 (maltemoeser/dissertation-code f0e333b,
class Fingerprint), with taproot, version 3 and uniform inputs added. Their definition of
"segwit-compatible" is not public; ours is that no input is of a form that cannot carry a witness.
"""

from enum import IntEnum, IntFlag
from typing import NamedTuple

import numpy as np

from heuristics.bits import has_bit
from heuristics.columns import (
    NO_ADDRESS,
    Int32Array,
    Int64Array,
    UInt8Array,
    UInt32Array,
    check_offsets,
    read_only_columns,
)
from heuristics.jit import kernel, kernel_part

VERSION = 1
"""Raised whenever a fingerprint can come out otherwise for the same transaction."""


class FingerprintBit(IntFlag):
    """The bits of a fingerprint. Unset count bits mean one, or none where `COINBASE` is set."""

    VERSION_2 = 1 << 0
    """Version 2 or higher, read as a signed number."""

    VERSION_3 = 1 << 1
    """Version 3 or higher."""

    LOCKTIME_HEIGHT = 1 << 2
    LOCKTIME_TIME = 1 << 3
    """From 500,000,000 on a lock time is a time; 0 sets neither bit."""

    RBF = 1 << 4
    """An input signals that the transaction may be replaced (BIP-125)."""

    SEGWIT = 1 << 5
    """It carries a witness."""

    SEGWIT_COMPATIBLE = 1 << 6
    """Every input is of a form that may carry one (P2SH included)."""

    SORTED = 1 << 7
    """Inputs and outputs stand in the order of BIP-69; one alone always does."""

    ZEROCONF = 1 << 8
    """It spends an output of its own block."""

    MULTISIG = 1 << 9
    """An input's script is m-of-n, bare or behind a hash."""

    P2PKH = 1 << 10
    P2SH = 1 << 11
    P2WPKH = 1 << 12
    P2WSH = 1 << 13
    P2TR = 1 << 14
    OTHER_TYPE = 1 << 15
    """An input spends a script of another kind, or an unknown one."""

    UNIFORM_INPUTS = 1 << 16
    """All inputs spend scripts of one type."""

    TWO_INPUTS = 1 << 17
    MORE_INPUTS = 1 << 18
    TWO_OUTPUTS = 1 << 19
    MORE_OUTPUTS = 1 << 20
    """Outputs that carry data count."""

    COINBASE = 1 << 21


VERSION_BITS = FingerprintBit.VERSION_2
LOCKTIME_BITS = FingerprintBit.LOCKTIME_HEIGHT | FingerprintBit.LOCKTIME_TIME
TYPE_BITS = (
    FingerprintBit.MULTISIG
    | FingerprintBit.P2PKH
    | FingerprintBit.P2SH
    | FingerprintBit.P2WPKH
    | FingerprintBit.P2WSH
    | FingerprintBit.P2TR
    | FingerprintBit.OTHER_TYPE
)
INPUT_COUNT_BITS = FingerprintBit.TWO_INPUTS | FingerprintBit.MORE_INPUTS
OUTPUT_COUNT_BITS = FingerprintBit.TWO_OUTPUTS | FingerprintBit.MORE_OUTPUTS


class LockType(IntEnum):
    """The script types that the rules tell apart, by the numbers that a ledger stores."""

    P2PK = 1
    P2PKH = 2
    P2SH = 3
    MULTISIG = 4
    P2WPKH = 5
    P2WSH = 6
    P2TR = 7


_P2PK, _P2PKH, _P2SH, _BARE = (int(kind) for kind in list(LockType)[:4])
_P2WPKH, _P2WSH, _P2TR = (int(kind) for kind in list(LockType)[4:])
_UNKNOWN_TYPE = 255

_FIRST_LOCK_TIME = 500_000_000
_FIRST_FINAL_SEQUENCE = 0xFFFF_FFFE

_VERSION_2 = int(FingerprintBit.VERSION_2)
_VERSION_3 = int(FingerprintBit.VERSION_3)
_LOCKTIME_HEIGHT = int(FingerprintBit.LOCKTIME_HEIGHT)
_LOCKTIME_TIME = int(FingerprintBit.LOCKTIME_TIME)
_RBF = int(FingerprintBit.RBF)
_SEGWIT = int(FingerprintBit.SEGWIT)
_SEGWIT_COMPATIBLE = int(FingerprintBit.SEGWIT_COMPATIBLE)
_SORTED = int(FingerprintBit.SORTED)
_ZEROCONF = int(FingerprintBit.ZEROCONF)
_MULTISIG = int(FingerprintBit.MULTISIG)
_OTHER_TYPE = int(FingerprintBit.OTHER_TYPE)
_UNIFORM_INPUTS = int(FingerprintBit.UNIFORM_INPUTS)
_TWO_INPUTS, _MORE_INPUTS = int(FingerprintBit.TWO_INPUTS), int(FingerprintBit.MORE_INPUTS)
_TWO_OUTPUTS, _MORE_OUTPUTS = int(FingerprintBit.TWO_OUTPUTS), int(FingerprintBit.MORE_OUTPUTS)
_COINBASE = int(FingerprintBit.COINBASE)


def _type_bits() -> Int64Array:
    """Return the bits that an input's script type sets; other types are `OTHER_TYPE`."""
    bits = np.full(256, _OTHER_TYPE, dtype=np.int64)
    for script_type, bit in (
        (_P2PKH, FingerprintBit.P2PKH),
        (_P2SH, FingerprintBit.P2SH),
        (_P2WPKH, FingerprintBit.P2WPKH),
        (_P2WSH, FingerprintBit.P2WSH),
        (_P2TR, FingerprintBit.P2TR),
    ):
        bits[script_type] = bit
    bits[_BARE] = FingerprintBit.OTHER_TYPE | FingerprintBit.MULTISIG
    return bits


_BITS_OF_TYPE = _type_bits()
_LEGACY_FORMS = int(FingerprintBit.P2PKH | FingerprintBit.OTHER_TYPE)
_WITNESS_FORMS = int(
    FingerprintBit.P2SH | FingerprintBit.P2WPKH | FingerprintBit.P2WSH | FingerprintBit.P2TR
)


class FingerprintColumns(NamedTuple):
    """What fingerprints read of a chain; all columns are those of the whole ledger."""

    first_transaction: Int64Array
    """Of each block, and one entry more."""

    first_input: Int64Array
    first_output: Int64Array
    txid: UInt8Array
    """As stored, shape (transactions, 32)."""

    version: Int32Array
    locktime: UInt32Array
    witness_size: UInt32Array
    spent_output: Int64Array
    """Of each input; -1 where the ledger does not hold it."""

    sequence: UInt32Array
    input_address: UInt32Array
    output_address: UInt32Array
    output_value_sat: Int64Array
    script_type: UInt8Array
    """Of each address, as `LockType` numbers them."""

    first_payload_byte: Int64Array
    payload: UInt8Array
    """Payloads of the addresses; read where two outputs have one value."""

    multisig: UInt8Array
    """One bit for each address, lowest bit first: set where the script behind its hash is known
    to be m-of-n."""


@kernel
def transaction_of(first_output: Int64Array, output: int, before: int) -> int:
    """Return the transaction that makes an output; it comes before transaction `before`.

    The search starts where the output would be if all transactions had the same number of outputs,
    and widens its steps until it has the place between two of them. Most outputs are spent young,
    where the guess is nearly exact.
    """
    # Both halves of the ratio lose their last bits, so that the product fits whatever the size.
    ahead = first_output[before] - output
    low = before - 1 - ahead * (before >> 8) // max(first_output[before] >> 8, 1)
    low = max(low, 0)
    high = low + 1
    step = 1
    while first_output[low] > output:
        high = low
        low = max(low - step, 0)
        step *= 2
    while first_output[high] <= output:
        low = high
        high = min(high + step, before)
        step *= 2
    while high - low > 1:
        middle = (low + high) // 2
        if first_output[middle] <= output:
            low = middle
        else:
            high = middle
    return int(low)


@kernel
def _script_byte(columns: FingerprintColumns, address: np.uint32, place: int) -> int:
    """Return a byte of the script that an address stands for, -1 past its end.

    An output that carries data counts as its first opcode alone: its payload has no address.
    """
    if address == NO_ADDRESS:
        return 0x6A if place == 0 else -1
    kind = int(columns.script_type[address])
    begin = columns.first_payload_byte[address]
    size = columns.first_payload_byte[address + 1] - begin
    before, first, second, third = 0, 0, 0, 0
    after, next_to_last, last = 0, 0, 0
    if kind == _P2PK:
        before, first, after, next_to_last = 1, size, 1, 0xAC
    elif kind == _P2PKH:
        before, first, second, third = 3, 0x76, 0xA9, 0x14
        after, next_to_last, last = 2, 0x88, 0xAC
    elif kind == _P2SH:
        before, first, second, after, next_to_last = 2, 0xA9, 0x14, 1, 0x87
    elif kind in (_P2WPKH, _P2WSH):
        before, first, second = 2, 0x00, size
    elif kind == _P2TR:
        before, first, second = 2, 0x51, size
    if place < before:
        return first if place == 0 else (second if place == 1 else third)
    if place < before + size:
        return int(columns.payload[begin + place - before])
    rest = place - before - size
    if rest >= after:
        return -1
    return next_to_last if rest == 0 else last


@kernel
def _scripts_in_order(columns: FingerprintColumns, one: np.uint32, other: np.uint32) -> bool:
    """Return whether the script of one address is not greater than that of another."""
    if one == other:
        return True
    place = 0
    while True:
        left, right = _script_byte(columns, one, place), _script_byte(columns, other, place)
        if left != right:
            return left < right
        if left < 0:
            return True
        place += 1


@kernel_part
def _outputs_in_order(columns: FingerprintColumns, begin: int, end: int) -> bool:
    """Return whether outputs ascend by value and, where equal, by script."""
    for output in range(begin + 1, end):
        before, value = columns.output_value_sat[output - 1], columns.output_value_sat[output]
        if before > value:
            return False
        if before == value and not _scripts_in_order(
            columns, columns.output_address[output - 1], columns.output_address[output]
        ):
            return False
    return True


@kernel_part
def _ids_in_order(txid: UInt8Array, one: int, other: int) -> bool:
    """Return whether the id of one transaction, as people read it, is below that of another."""
    for place in range(31, -1, -1):
        if txid[one, place] != txid[other, place]:
            return bool(txid[one, place] < txid[other, place])
    return True


@kernel_part
def _inputs_in_order(columns: FingerprintColumns, transaction: int, begin: int, end: int) -> bool:
    """Return whether inputs ascend by the id and the position of what they spend.

    An order that the ledger cannot tell, because it lacks a spent output, counts as none.
    """
    if end - begin < 2:
        return True
    spent = columns.spent_output[begin]
    if spent < 0:
        return False
    maker = transaction_of(columns.first_output, spent, transaction)
    for i in range(begin + 1, end):
        following = columns.spent_output[i]
        if following < 0:
            return False
        next_maker = maker
        if not columns.first_output[maker] <= following < columns.first_output[maker + 1]:
            next_maker = transaction_of(columns.first_output, following, transaction)
        if next_maker == maker:
            if following < spent:
                return False
        elif not _ids_in_order(columns.txid, maker, next_maker):
            return False
        maker, spent = next_maker, following
    return True


@kernel_part
def _input_bits(columns: FingerprintColumns, begin: int, end: int, block_output: int) -> int:
    """Return the bits that inputs set by what they spend and how."""
    bits = 0
    first_type = -1
    uniform = True
    for i in range(begin, end):
        address = columns.input_address[i]
        kind = _UNKNOWN_TYPE
        if address != NO_ADDRESS:
            kind = int(columns.script_type[address])
            if kind in (_P2SH, _P2WSH) and has_bit(columns.multisig, address):
                bits |= _MULTISIG
        if first_type < 0:
            first_type = kind
        uniform = uniform and kind == first_type and kind != _UNKNOWN_TYPE
        bits |= _BITS_OF_TYPE[kind]
        if columns.sequence[i] < _FIRST_FINAL_SEQUENCE:
            bits |= _RBF
        if columns.spent_output[i] >= block_output:
            bits |= _ZEROCONF
    if uniform:
        bits |= _UNIFORM_INPUTS
    if bits & _WITNESS_FORMS != 0 and bits & _LEGACY_FORMS == 0:
        bits |= _SEGWIT_COMPATIBLE
    return bits


@kernel_part
def _header_bits(columns: FingerprintColumns, transaction: int) -> int:
    """Return the bits of a transaction's version, lock time and witness."""
    bits = 0
    if columns.version[transaction] >= 2:
        bits |= _VERSION_2
    if columns.version[transaction] >= 3:
        bits |= _VERSION_3
    if columns.locktime[transaction] >= _FIRST_LOCK_TIME:
        bits |= _LOCKTIME_TIME
    elif columns.locktime[transaction] > 0:
        bits |= _LOCKTIME_HEIGHT
    if columns.witness_size[transaction] > 0:
        bits |= _SEGWIT
    return bits


@kernel
def _fingerprints(columns: FingerprintColumns, start: int, block: int, words: UInt32Array) -> None:
    """Fill `words` with the fingerprints of transactions from `start` on, which is in `block`."""
    for offset in range(len(words)):
        transaction = start + offset
        while columns.first_transaction[block + 1] <= transaction:
            block += 1
        first_in, last_in = columns.first_input[transaction], columns.first_input[transaction + 1]
        first_out = columns.first_output[transaction]
        last_out = columns.first_output[transaction + 1]
        bits = _header_bits(columns, transaction)
        if last_in == first_in:
            bits |= _COINBASE
        else:
            block_output = columns.first_output[columns.first_transaction[block]]
            bits |= _input_bits(columns, first_in, last_in, block_output)
        if last_in - first_in == 2:
            bits |= _TWO_INPUTS
        elif last_in - first_in > 2:
            bits |= _MORE_INPUTS
        if last_out - first_out == 2:
            bits |= _TWO_OUTPUTS
        elif last_out - first_out > 2:
            bits |= _MORE_OUTPUTS
        # The outputs stand side by side; what inputs spend is all over the chain.
        if _outputs_in_order(columns, first_out, last_out) and _inputs_in_order(
            columns, transaction, first_in, last_in
        ):
            bits |= _SORTED
        words[offset] = bits


def _check(columns: FingerprintColumns, start: int, stop: int) -> None:
    """Raise ValueError where the columns or the range do not fit together."""
    transactions = len(columns.first_input) - 1
    check_offsets("first_transaction", columns.first_transaction, transactions)
    check_offsets("first_input", columns.first_input, len(columns.input_address))
    check_offsets("first_output", columns.first_output, len(columns.output_address))
    check_offsets("first_payload_byte", columns.first_payload_byte, len(columns.payload))
    of_transactions = (columns.version, columns.locktime, columns.witness_size, columns.txid)
    if any(len(column) != transactions for column in (*of_transactions, columns.first_output[1:])):
        raise ValueError("the columns of transactions speak of different transactions")
    if not len(columns.spent_output) == len(columns.sequence) == len(columns.input_address):
        raise ValueError("every input needs what it spends, a sequence and an address")
    if len(columns.output_value_sat) != len(columns.output_address):
        raise ValueError("every output needs an address and a value")
    addresses = len(columns.script_type)
    if len(columns.first_payload_byte) != addresses + 1 or 8 * len(columns.multisig) < addresses:
        raise ValueError("every address needs a script type, a payload and a bit")
    if not 0 <= start <= stop <= transactions:
        raise ValueError(f"transactions {start} to {stop} are not all in the columns")


def fingerprints(columns: FingerprintColumns, start: int, stop: int) -> UInt32Array:
    """Return the fingerprint (`FingerprintBit`) of each of the transactions `[start, stop)`."""
    _check(columns, start, stop)
    words = np.empty(stop - start, dtype=np.uint32)
    if start < stop:
        block = int(np.searchsorted(columns.first_transaction, start, side="right")) - 1
        _fingerprints(read_only_columns(columns), start, block, words)
    return words
