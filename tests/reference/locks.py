"""Slow, obvious versions of the kernels that compare locks: the oracle of their tests."""

from bitcoin.core import Hash160

from chains.tables import ScriptType

Lock = tuple[ScriptType, bytes]

MODULUS = 1 << 64


PRIMES = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63


def turned(value: int, bits: int) -> int:
    return (value << bits | value >> 64 - bits) % MODULUS


def bytes_key(salt: int, content: bytes) -> int:
    first, second, third, fourth = PRIMES
    value = salt << 32 | len(content)
    for word in _words(content):
        stirred = turned(word * second % MODULUS, 31) * first % MODULUS
        value = (turned(value ^ stirred, 27) * first + fourth) % MODULUS
    value = (value ^ value >> 33) * second % MODULUS
    value = (value ^ value >> 29) * third % MODULUS
    value ^= value >> 32
    return value - MODULUS if value >= MODULUS // 2 else value


def _words(content: bytes) -> list[int]:
    """Return the words that are stirred in; they overlap where the length is no multiple of 8."""
    if len(content) < 8:
        return [int.from_bytes(content, "big")]
    last = len(content) - 8
    if len(content) <= 32:
        starts = [0, min(8, last), min(16, last), last]
    else:
        starts = [*range(0, last, 8), last]
    return [int.from_bytes(content[start : start + 8], "little") for start in starts]


def named_class(lock: Lock) -> tuple[int, bytes]:
    """Return what all locks of one class have in common."""
    kind, payload = lock
    if kind is ScriptType.P2PK:
        return 0xFF, Hash160(payload)
    if kind in (ScriptType.P2PKH, ScriptType.P2WPKH):
        return 0xFF, payload
    return kind, payload


def class_key(lock: Lock) -> int:
    return bytes_key(*named_class(lock))
