"""Multisig scripts that share a key: whoever set up both holds that key.

Scripts behind a hash are known once they were shown; an address shows its script when it is first
spent, so the place of the script is looked up by address. Bare multisig shows it at once.
"""

from typing import NamedTuple

import numpy as np

from heuristics.columns import NO_ADDRESS, Int64Array, UInt8Array, UInt32Array
from heuristics.fingerprint import LockType
from heuristics.jit import kernel

_P2SH, _P2WSH, _BARE = int(LockType.P2SH), int(LockType.P2WSH), int(LockType.MULTISIG)

INPUTS_COMPARED = 16
"""Multisig inputs of a transaction whose keys are compared; block contents are chosen by
strangers, and the work is the product of both sides."""

PLACE_WIDTH = 3


class KeysetColumns(NamedTuple):
    """Where the scripts of multisig addresses stand."""

    first_payload_byte: Int64Array
    payload: UInt8Array
    """Of addresses; that of a bare multisig is its script."""

    reveal_input: Int64Array
    first_reveal_byte: Int64Array
    revealed: UInt8Array

    address: UInt32Array
    """Addresses whose hidden script is m-of-n, ascending …"""

    reveal: Int64Array
    """… and the row of the reveal that shows it."""


@kernel
def script_place(
    keysets: KeysetColumns, script_type: UInt8Array, address: np.uint32, known_inputs: int
) -> tuple[int, int, int]:
    """Return where the multisig script of an address stands.

    That is: 0 if in `payload`, 1 if in `revealed`, -1 if it is none or was shown by no input before
    `known_inputs`; its first byte; one past its last.
    """
    kind = int(script_type[address])
    if kind == _BARE:
        return 0, keysets.first_payload_byte[address], keysets.first_payload_byte[address + 1]
    if kind not in (_P2SH, _P2WSH):
        return -1, 0, 0
    low, high = 0, len(keysets.address)
    while low < high:
        middle = (low + high) // 2
        if keysets.address[middle] < address:
            low = middle + 1
        else:
            high = middle
    if low == len(keysets.address) or keysets.address[low] != address:
        return -1, 0, 0
    row = keysets.reveal[low]
    if keysets.reveal_input[row] >= known_inputs:
        return -1, 0, 0
    return 1, keysets.first_reveal_byte[row], keysets.first_reveal_byte[row + 1]


@kernel
def _first_key(script: UInt8Array, begin: int) -> int:
    """Return where the first key of an m-of-n script is pushed; from 17 on, m takes two bytes."""
    return begin + 2 if script[begin] == 1 else begin + 1


@kernel
def _same_bytes(
    one: UInt8Array, one_begin: int, other: UInt8Array, other_begin: int, length: int
) -> bool:
    place = 0
    while place < length and one[one_begin + place] == other[other_begin + place]:
        place += 1
    return place == length


@kernel
def _share_a_key(one: UInt8Array, one_begin: int, other: UInt8Array, other_begin: int) -> bool:
    """Return whether two m-of-n scripts name a common key, byte for byte."""
    left = _first_key(one, one_begin)
    while one[left] == 33 or one[left] == 65:
        right = _first_key(other, other_begin)
        while other[right] == 33 or other[right] == 65:
            if one[left] == other[right] and _same_bytes(
                one, left + 1, other, right + 1, int(one[left])
            ):
                return True
            right += 1 + int(other[right])
        left += 1 + int(one[left])
    return False


@kernel
def input_scripts(
    keysets: KeysetColumns,
    script_type: UInt8Array,
    addresses: UInt32Array,
    known_inputs: int,
    places: Int64Array,
) -> int:
    """Fill `places` with the multisig scripts of input addresses; return how many there are."""
    count = 0
    last = NO_ADDRESS
    for address in addresses:
        if address in (NO_ADDRESS, last):
            continue
        last = address
        source, begin, end = script_place(keysets, script_type, address, known_inputs)
        if source < 0:
            continue
        places[count, 0], places[count, 1], places[count, 2] = source, begin, end
        count += 1
        if count == len(places):
            break
    return count


@kernel
def changes_keyset(
    keysets: KeysetColumns,
    script_type: UInt8Array,
    address: np.uint32,
    known_inputs: int,
    places: Int64Array,
    count: int,
) -> bool:
    """Return whether an output's multisig shares a key with one of some inputs' and equals none.

    `places` holds the scripts of `count` inputs, as `input_scripts` gives them.
    """
    source, begin, end = script_place(keysets, script_type, address, known_inputs)
    if source < 0:
        return False
    script = keysets.payload if source == 0 else keysets.revealed
    shared = False
    for row in range(count):
        other = keysets.payload if places[row, 0] == 0 else keysets.revealed
        first, length = places[row, 1], places[row, 2] - places[row, 1]
        if length == end - begin and _same_bytes(script, begin, other, first, length):
            return False
        shared = shared or _share_a_key(script, begin, other, first)
    return shared
