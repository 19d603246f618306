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

FNV_OFFSET = np.uint64(0xCBF29CE484222325)
FNV_PRIME = np.uint64(0x100000001B3)
"""FNV-1a, 64 bits (Fowler, Noll, Vo; RFC 9923). Collisions are harmless, see above."""


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
def class_key(
    source: UInt8Array, script_type: int, start: int, length: int, scratch: UInt8Array
) -> int:
    """Return the key of a lock's class; `scratch` has 20 bytes and is overwritten."""
    value = FNV_OFFSET
    if is_key_lock(script_type):
        lock_hash(source, script_type, start, length, scratch)
        value = (value ^ np.uint64(KEY_CLASS)) * FNV_PRIME
        for i in range(20):
            value = (value ^ np.uint64(scratch[i])) * FNV_PRIME
    else:
        value = (value ^ np.uint64(script_type)) * FNV_PRIME
        for i in range(start, start + length):
            value = (value ^ np.uint64(source[i])) * FNV_PRIME
    return int(np.int64(value))


@kernel
def same_bytes(
    left: UInt8Array, left_start: int, right: UInt8Array, right_start: int, length: int
) -> bool:
    """Return whether two stretches of equal length hold the same bytes."""
    for i in range(length):  # noqa: SIM110 - Numba compiles no generators
        if left[left_start + i] != right[right_start + i]:
            return False
    return True


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
