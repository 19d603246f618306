"""What a signature commits to, and how one is recognised by its shape.

The last byte of a signature, its hash type, says which parts of the transaction it covers.
Where its position does not tell that an item is a signature, its shape does: DER for ECDSA; in a
taproot leaf 64 bytes, or 65 ending in a known hash type. Data can look like that by accident or
on purpose: the class is what is seen, not what a script checked.
"""

from chains.bitcoin.hashing import byte_at
from chains.tables import SighashClass
from chains.types import UInt8Array
from heuristics.jit import kernel

NONE_SEEN = int(SighashClass.NONE_SEEN)
DEFAULT = int(SighashClass.DEFAULT)
MIXED = int(SighashClass.MIXED)
OTHER = int(SighashClass.OTHER)

MAX_SIGNATURE_SIZE = 80
"""Strict DER has 73 bytes at most; before BIP-66 some carried more padding."""


@kernel
def class_of(hash_type: int) -> int:
    """Return the sighash class of the last byte of a signature."""
    return hash_type if 1 <= hash_type & 0x7F <= 3 else OTHER


@kernel
def joined(seen: int, found: int) -> int:
    """Return the class of signatures of two classes, either of which may be `NONE_SEEN`."""
    if seen in (NONE_SEEN, found):
        return found
    return seen if found == NONE_SEEN else MIXED


@kernel
def der_class(raw: UInt8Array, start: int, length: int) -> int:
    """Return the class of an item if it has the shape of a DER signature, else `NONE_SEEN`.

    The shape: 0x30, a length, then two integers (0x02, length, bytes) that fit, then a byte. The
    lengths need not use up the item, as BIP-66 demands, because older blocks hold others.
    """
    if length < 9 or length > MAX_SIGNATURE_SIZE:
        return NONE_SEEN
    if byte_at(raw, start) != 0x30 or byte_at(raw, start + 1) > length - 3:
        return NONE_SEEN
    second = 4 + byte_at(raw, start + 3)
    if byte_at(raw, start + 2) != 0x02 or second + 2 > length - 1:
        return NONE_SEEN
    end = second + 2 + byte_at(raw, start + second + 1)
    if byte_at(raw, start + second) != 0x02 or end > length - 1:
        return NONE_SEEN
    return class_of(byte_at(raw, start + length - 1))


@kernel
def schnorr_class(raw: UInt8Array, start: int, length: int) -> int:
    """Return the class of an item if it has the size of a taproot signature, else `NONE_SEEN`."""
    if length == 64:
        return DEFAULT
    if length != 65:
        return NONE_SEEN
    found = class_of(byte_at(raw, start + 64))
    return NONE_SEEN if found == OTHER else found
