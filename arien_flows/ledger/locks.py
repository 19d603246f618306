"""What an output is locked to, and how two locks are compared.

A *lock* is a script by its type and payload. Its identity is exactly these; one lock has one
address number. Locks to one public key (P2PK, P2PKH, P2WPKH) differ in identity but belong to one
*class*, named by the key's HASH160, as do all locks that hide the same inner script. The 64-bit
key under which a lock is filed is the hash of its class, so that one search finds both.
"""

import numpy as np

from chains.bitcoin.hashing import hash160
from chains.bitcoin.script import lock_hash
from chains.tables import ScriptType
from chains.types import UInt8Array
from heuristics.jit import kernel

P2PK = int(ScriptType.P2PK)
P2PKH = int(ScriptType.P2PKH)
P2WPKH = int(ScriptType.P2WPKH)

KEY_CLASS = 0xFF
"""Stands for the script type where a class is named by a public key."""

PRIME_1 = np.uint64(0x9E3779B185EBCA87)
PRIME_2 = np.uint64(0xC2B2AE3D27D4EB4F)
PRIME_3 = np.uint64(0x165667B19E3779F9)
PRIME_4 = np.uint64(0x85EBCA77C2B2AE63)
"""The multipliers of XXH64 (Collet, BSD), whose way of stirring in eight bytes is used here."""

HALF = np.uint64(32)
LOW_BYTE = np.uint64(0xFF)


@kernel
def is_key_lock(script_type: int) -> bool:
    """Return whether a lock of this type opens with one public key that it names."""
    return script_type in (P2PK, P2PKH, P2WPKH)


def key_hash_of(script_type: ScriptType, payload: bytes) -> bytes | None:
    """Return the HASH160 of the one key that a lock names, or nothing where it names none."""
    if script_type is ScriptType.P2PK:
        return hash160(payload)
    return payload if is_key_lock(script_type) else None


@kernel
def eight_bytes_at(source: UInt8Array, at: int) -> np.uint64:
    """Return the eight bytes from `at` on as a little-endian word.

    The compiler makes one load of it; it needs unsigned indices to see that none counts from the
    end.
    """
    i = np.uint64(at)
    return (
        np.uint64(source[i])
        | np.uint64(source[i + np.uint64(1)]) << np.uint64(8)
        | np.uint64(source[i + np.uint64(2)]) << np.uint64(16)
        | np.uint64(source[i + np.uint64(3)]) << np.uint64(24)
        | np.uint64(source[i + np.uint64(4)]) << np.uint64(32)
        | np.uint64(source[i + np.uint64(5)]) << np.uint64(40)
        | np.uint64(source[i + np.uint64(6)]) << np.uint64(48)
        | np.uint64(source[i + np.uint64(7)]) << np.uint64(56)
    )


@kernel
def put_eight_bytes(target: UInt8Array, at: int, word: np.uint64) -> None:
    """Write a word to the eight bytes from `at` on: the inverse of `eight_bytes_at`."""
    i = np.uint64(at)
    target[i] = word & LOW_BYTE
    target[i + np.uint64(1)] = (word >> np.uint64(8)) & LOW_BYTE
    target[i + np.uint64(2)] = (word >> np.uint64(16)) & LOW_BYTE
    target[i + np.uint64(3)] = (word >> np.uint64(24)) & LOW_BYTE
    target[i + np.uint64(4)] = (word >> np.uint64(32)) & LOW_BYTE
    target[i + np.uint64(5)] = (word >> np.uint64(40)) & LOW_BYTE
    target[i + np.uint64(6)] = (word >> np.uint64(48)) & LOW_BYTE
    target[i + np.uint64(7)] = word >> np.uint64(56)


@kernel
def _turned(value: np.uint64, bits: int) -> np.uint64:
    return value << np.uint64(bits) | value >> np.uint64(64 - bits)


@kernel
def _stirred(value: np.uint64, word: np.uint64) -> np.uint64:
    """Return a hash with one more word in it; different words give different results."""
    return _turned(value ^ _turned(word * PRIME_2, 31) * PRIME_1, 27) * PRIME_1 + PRIME_4


@kernel
def bytes_key(source: UInt8Array, salt: int, start: int, length: int) -> int:
    """Return a 64-bit hash of a stretch of bytes, its length and a salt.

    Words may overlap: with the length they still say every byte. Payloads of 8 to 32 bytes, which
    are nearly all, take the same four steps, so the processor never guesses wrong.
    """
    value = np.uint64(salt) << HALF | np.uint64(length)
    last = start + length - 8
    if 8 <= length <= 32:
        value = _stirred(value, eight_bytes_at(source, start))
        value = _stirred(value, eight_bytes_at(source, min(start + 8, last)))
        value = _stirred(value, eight_bytes_at(source, min(start + 16, last)))
        value = _stirred(value, eight_bytes_at(source, last))
    elif length > 32:
        for at in range(start, last, 8):
            value = _stirred(value, eight_bytes_at(source, at))
        value = _stirred(value, eight_bytes_at(source, last))
    else:
        word = np.uint64(0)
        for i in range(start, start + length):
            word = word << np.uint64(8) | np.uint64(source[i])
        value = _stirred(value, word)
    value = (value ^ value >> np.uint64(33)) * PRIME_2
    value = (value ^ value >> np.uint64(29)) * PRIME_3
    return int(np.int64(value ^ value >> HALF))


@kernel
def class_key(
    source: UInt8Array, script_type: int, start: int, length: int, scratch: UInt8Array
) -> int:
    """Return the key of a lock's class; `scratch` has 20 bytes and may be overwritten.

    Whoever wants to can make many locks with one key. That costs them as much as the bytes on the
    chain, and us a comparison for each pair of such locks; no answer depends on keys being
    different.
    """
    if script_type == P2PK:
        lock_hash(source, script_type, start, length, scratch)
        return bytes_key(scratch, KEY_CLASS, 0, 20)
    if is_key_lock(script_type):
        return bytes_key(source, KEY_CLASS, start, 20)
    return bytes_key(source, script_type, start, length)


@kernel
def same_bytes(
    left: UInt8Array, left_start: int, right: UInt8Array, right_start: int, length: int
) -> bool:
    """Return whether two stretches of equal length hold the same bytes."""
    if length < 8:
        for i in range(length):  # noqa: SIM110 - Numba compiles no generators
            if left[left_start + i] != right[right_start + i]:
                return False
        return True
    last = length - 8
    for i in range(0, last, 8):
        if eight_bytes_at(left, left_start + i) != eight_bytes_at(right, right_start + i):
            return False
    return bool(
        eight_bytes_at(left, left_start + last) == eight_bytes_at(right, right_start + last)
    )


@kernel
def same_class(
    left: UInt8Array,
    left_type: int,
    left_start: int,
    left_length: int,
    right: UInt8Array,
    right_type: int,
    right_start: int,
    right_length: int,
    scratch: UInt8Array,
) -> bool:
    """Return whether two locks belong to one class; `scratch` has 40 bytes."""
    if is_key_lock(left_type):
        if not is_key_lock(right_type):
            return False
        lock_hash(left, left_type, left_start, left_length, scratch[:20])
        lock_hash(right, right_type, right_start, right_length, scratch[20:])
        return same_bytes(scratch, 0, scratch, 20, 20)
    return (
        left_type == right_type
        and left_length == right_length
        and same_bytes(left, left_start, right, right_start, left_length)
    )
