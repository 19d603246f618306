"""Slow, obvious versions of the kernels that compare locks: the oracle of their tests."""

from bitcoin.core import Hash160

from chains.tables import ScriptType

Lock = tuple[ScriptType, bytes]

MODULUS = 1 << 64


def bytes_key(salt: int, content: bytes) -> int:
    value = salt << 32 | len(content)
    for word in _words(content):
        value = (value ^ word) * 0x9E3779B97F4A7C15 % MODULUS
        value ^= value >> 32
    value = value * 0xFF51AFD7ED558CCD % MODULUS
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
