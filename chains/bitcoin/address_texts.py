"""The texts of many addresses at once.

`address_text` takes tens of microseconds for one, which is nothing for one and a second for an
answer with thirty thousand. Here every step is done for all addresses of a kind together, on
arrays; the texts are the same.
"""

from hashlib import sha256
from typing import NamedTuple

import numpy as np

from chains.bitcoin import bech32
from chains.bitcoin.address import CHECKSUM_LENGTH, HASH_LENGTH, address_text
from chains.bitcoin.networks import Network
from chains.tables import ScriptType
from chains.types import Int64Array, UInt8Array

BASE58 = np.frombuffer(b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", np.uint8)
"""The digits of base58, in their order."""

_BASE58_DIGITS = 35
"""Enough for 25 bytes."""

_DIGITS_AT_ONCE = 5
_DIVISOR = np.uint64(58**_DIGITS_AT_ONCE)
"""Below 2**32, so that a remainder and one more limb fit 64 bits."""

_LIMB_BITS = np.uint64(32)

_BECH32 = np.frombuffer(bech32.CHARSET.encode(), np.uint8)
_REDUCTION = np.array(bech32.REDUCTION, np.int64)
_SYMBOL_WEIGHTS = np.array([16, 8, 4, 2, 1], np.int64)

_CHECKSUM_SYMBOLS = 6

_WIDTHS = {
    ScriptType.P2PKH: HASH_LENGTH,
    ScriptType.P2SH: HASH_LENGTH,
    ScriptType.P2WPKH: 20,
    ScriptType.P2WSH: 32,
    ScriptType.P2TR: 32,
}
"""Bytes of the payload of each kind whose texts are made together."""


class Locks(NamedTuple):
    """Many output scripts, as a ledger holds them."""

    script_type: UInt8Array
    first_byte: Int64Array
    """Where each payload begins."""

    past_byte: Int64Array
    payload: UInt8Array
    """The bytes that the two point into."""


def address_texts(locks: Locks, network: Network) -> list[str | None]:
    """Return the canonical text of each script, as `address_text` says it.

    Raises `ValueError` if a payload does not fit its type.
    """
    texts: list[str | None] = [None] * len(locks.script_type)
    length = locks.past_byte - locks.first_byte
    rest = np.ones(len(length), np.bool_)
    for kind, width in _WIDTHS.items():
        places = np.flatnonzero((locks.script_type == kind) & (length == width))
        if len(places) == 0:
            continue
        rest[places] = False
        payloads = locks.payload[locks.first_byte[places][:, None] + np.arange(width)]
        for place, text in zip(places.tolist(), _texts(kind, payloads, network), strict=True):
            texts[place] = text
    for place in np.flatnonzero(rest).tolist():
        payload = locks.payload[locks.first_byte[place] : locks.past_byte[place]].tobytes()
        texts[place] = address_text(ScriptType(int(locks.script_type[place])), payload, network)
    return texts


def _texts(kind: ScriptType, payloads: UInt8Array, network: Network) -> list[str]:
    match kind:
        case ScriptType.P2PKH:
            return _base58check(network.key_hash_version, payloads)
        case ScriptType.P2SH:
            return _base58check(network.script_hash_version, payloads)
        case ScriptType.P2TR:
            return _witness(network.bech32_prefix, 1, payloads)
        case _:
            return _witness(network.bech32_prefix, 0, payloads)


def _base58check(version: int, hashes: UInt8Array) -> list[str]:
    count = len(hashes)
    body = np.empty((count, 1 + HASH_LENGTH), np.uint8)
    body[:, 0] = version
    body[:, 1:] = hashes
    # 25 bytes, in front of which three zeros fill the first of seven limbs.
    padded = np.zeros((count, 28), np.uint8)
    padded[:, 3:-CHECKSUM_LENGTH] = body
    padded[:, -CHECKSUM_LENGTH:] = _checksums(body)
    limbs = padded.view(">u4").astype(np.uint64)
    digits = np.empty((count, _BASE58_DIGITS), np.uint8)
    for end in range(_BASE58_DIGITS, 0, -_DIGITS_AT_ONCE):
        left = np.zeros(count, np.uint64)
        for limb in range(limbs.shape[1]):
            value = left << _LIMB_BITS | limbs[:, limb]
            limbs[:, limb], left = value // _DIVISOR, value % _DIVISOR
        for digit in range(end - 1, end - 1 - _DIGITS_AT_ONCE, -1):
            digits[:, digit] = left % 58
            left //= np.uint64(58)
    zeros = np.argmax(np.concatenate([body != 0, np.ones((count, 1), np.bool_)], axis=1), axis=1)
    # A leading zero byte is written as a 1; leading zero digits are not written.
    return [
        "1" * zero + text.lstrip("1")
        for zero, text in zip(zeros.tolist(), _rows(BASE58[digits]), strict=True)
    ]


def _checksums(bodies: UInt8Array) -> UInt8Array:
    found = b"".join(
        sha256(sha256(body.tobytes()).digest()).digest()[:CHECKSUM_LENGTH] for body in bodies
    )
    return np.frombuffer(found, np.uint8).reshape(-1, CHECKSUM_LENGTH)


def _witness(prefix: str, version: int, programs: UInt8Array) -> list[str]:
    count = len(programs)
    bits = np.unpackbits(programs, axis=1)
    padded = np.zeros((count, -(-bits.shape[1] // 5) * 5), np.uint8)
    padded[:, : bits.shape[1]] = bits
    symbols = padded.reshape(count, -1, 5) @ _SYMBOL_WEIGHTS
    state = np.full(count, bech32.remainder(prefix, [version]), np.int64)
    check = np.zeros((count, _CHECKSUM_SYMBOLS), np.int64)
    for symbol in np.concatenate([symbols, check], axis=1).T:
        state = (state & 0x1FFFFFF) << 5 ^ symbol ^ _REDUCTION[state >> 25]
    state ^= bech32.Checksum.BECH32 if version == 0 else bech32.Checksum.BECH32M
    for place in range(_CHECKSUM_SYMBOLS):
        check[:, place] = state >> 5 * (_CHECKSUM_SYMBOLS - 1 - place) & 31
    head = f"{prefix}1{bech32.CHARSET[version]}"
    return [head + text for text in _rows(_BECH32[np.concatenate([symbols, check], axis=1)])]


def _rows(characters: UInt8Array) -> list[str]:
    """Return each row of ASCII codes as a text."""
    width = characters.shape[1]
    text = characters.tobytes().decode("ascii")
    return [text[begin : begin + width] for begin in range(0, len(text), width)]
