"""Reading many addresses at once.

`parse_address` takes tens of microseconds for one and explains what is wrong with it. Of a list of
half a million nearly all are right and of the usual kinds; here those are read together, on arrays,
and everything else is left to `parse_address`.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from chains.bitcoin import bech32
from chains.bitcoin.address import (
    CHECKSUM_LENGTH,
    HASH_LENGTH,
    LONGEST_BASE58,
    SHORTEST_BASE58,
)
from chains.bitcoin.address_texts import BASE58
from chains.bitcoin.networks import Network
from chains.tables import ScriptType
from chains.types import BoolArray, Int64Array, UInt8Array

AT_ONCE = 4_096
"""Addresses whose arrays fit a processor's cache."""

_ABSENT = 255
_BASE58 = np.full(256, _ABSENT, np.uint8)
_BASE58[BASE58] = np.arange(58)
_BASE58_STARTS = np.isin(np.arange(256), np.frombuffer(b"123mn", np.uint8))
"""First characters of base58 addresses of any Bitcoin network; of no bech32 prefix."""

_DIGITS_AT_ONCE = 5
_LIMBS = 7
_LIMB_BITS = np.uint64(32)
_LIMB_MASK = np.uint64(2**32 - 1)
_DECODED = 1 + HASH_LENGTH + CHECKSUM_LENGTH

_BECH32 = np.full(256, _ABSENT, np.uint8)
_BECH32[np.frombuffer(bech32.CHARSET.encode(), np.uint8)] = np.arange(32)
_REDUCTION = np.array(bech32.REDUCTION, np.int64)
_CHECKSUM_SYMBOLS = 6

_WITNESS_KINDS = (
    (0, 20, ScriptType.P2WPKH),
    (0, 32, ScriptType.P2WSH),
    (1, 32, ScriptType.P2TR),
)
"""Witness version and bytes of the program of each kind that is read together."""


class Lockings(NamedTuple):
    """What texts stand for."""

    script_type: list[int]
    """As `ScriptType`; -1 where a text was not read."""

    payload: list[bytes]
    """Empty where a text was not read."""


def read_addresses(texts: Sequence[str], network: Network) -> Lockings:
    """Return what those texts stand for that are plain addresses of a network.

    For each of them it is what `parse_address` says; the others may be addresses of rarer kinds, or
    none.
    """
    found = Lockings([], [])
    for start in range(0, len(texts), AT_ONCE):
        part = _read(texts[start : start + AT_ONCE], network)
        found.script_type.extend(part.script_type)
        found.payload.extend(part.payload)
    return found


def _read(texts: Sequence[str], network: Network) -> Lockings:
    joined = "".join(texts)
    if not joined.isascii():
        # Letters of other scripts stand in no address: such a text is as good as none.
        return _read([text if text.isascii() else "" for text in texts], network)
    found = Lockings([-1] * len(texts), [b""] * len(texts))
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    characters = np.frombuffer(joined.encode("ascii"), np.uint8)
    first = np.cumsum(lengths) - lengths
    _read_base58(characters, first, lengths, network, found)
    for version, width, kind in _WITNESS_KINDS:
        _read_witness(characters, first, lengths, (network, version, width, kind), found)
    return found


def _read_base58(
    characters: UInt8Array,
    first: Int64Array,
    lengths: Int64Array,
    network: Network,
    found: Lockings,
) -> None:
    fits = (lengths >= SHORTEST_BASE58) & (lengths <= LONGEST_BASE58)
    places = np.flatnonzero(fits)
    places = places[_BASE58_STARTS[characters[first[places]]]]
    if len(places) == 0:
        return
    digits, ones, is_base58 = _digits(characters, first[places], lengths[places])
    decoded, is_whole = _decoded(digits, ones)
    bodies = decoded[:, :-CHECKSUM_LENGTH].tobytes()
    width = 1 + HASH_LENGTH
    hashes = b"".join(
        [
            sha256(sha256(bodies[begin : begin + width]).digest()).digest()[:CHECKSUM_LENGTH]
            for begin in range(0, len(bodies), width)
        ]
    )
    expected = np.frombuffer(hashes, np.uint8).reshape(-1, CHECKSUM_LENGTH)
    is_right = is_base58 & is_whole & (decoded[:, -CHECKSUM_LENGTH:] == expected).all(axis=1)
    version = decoded[:, 0]
    for kind, wanted in (
        (ScriptType.P2PKH, network.key_hash_version),
        (ScriptType.P2SH, network.script_hash_version),
    ):
        for row in np.flatnonzero(is_right & (version == wanted)).tolist():
            place = int(places[row])
            found.script_type[place] = int(kind)
            found.payload[place] = bodies[row * width + 1 : (row + 1) * width]


def _digits(
    characters: UInt8Array, first: Int64Array, lengths: Int64Array
) -> tuple[UInt8Array, Int64Array, BoolArray]:
    """Return base58 digits aligned to the right, leading ones, and whether all are digits."""
    column = np.arange(LONGEST_BASE58) - (LONGEST_BASE58 - lengths)[:, None]
    inside = column >= 0
    read = _BASE58[characters[first[:, None] + np.maximum(column, 0)]]
    is_base58 = ((read != _ABSENT) | ~inside).all(axis=1)
    digits = np.where(inside & (read != _ABSENT), read, np.uint8(0))
    nonzero = np.concatenate([digits != 0, np.ones((len(first), 1), np.bool_)], axis=1)
    return digits, np.argmax(nonzero, axis=1) - (LONGEST_BASE58 - lengths), is_base58


def _decoded(digits: UInt8Array, ones: Int64Array) -> tuple[UInt8Array, BoolArray]:
    """Return the 25 bytes that digits stand for, and whether they are 25 and no others."""
    limbs = np.zeros((_LIMBS, len(digits)), np.uint64)
    factor = np.uint64(58**_DIGITS_AT_ONCE)
    weights = 58 ** np.arange(_DIGITS_AT_ONCE - 1, -1, -1, dtype=np.int64)
    for begin in range(0, LONGEST_BASE58, _DIGITS_AT_ONCE):
        carry = (digits[:, begin : begin + _DIGITS_AT_ONCE] @ weights).astype(np.uint64)
        for limb in range(_LIMBS - 1, -1, -1):
            value = limbs[limb] * factor + carry
            limbs[limb], carry = value & _LIMB_MASK, value >> _LIMB_BITS
    raw = np.ascontiguousarray(limbs.T.astype(">u4")).view(np.uint8)
    spare = raw.shape[1] - _DECODED
    decoded = np.ascontiguousarray(raw[:, spare:])
    nonzero = np.concatenate([decoded != 0, np.ones((len(raw), 1), np.bool_)], axis=1)
    is_whole = (raw[:, :spare] == 0).all(axis=1) & (np.argmax(nonzero, axis=1) == ones)
    return decoded, is_whole


def _read_witness(
    characters: UInt8Array,
    first: Int64Array,
    lengths: Int64Array,
    wanted: tuple[Network, int, int, ScriptType],
    found: Lockings,
) -> None:
    network, version, width, kind = wanted
    head = np.frombuffer(f"{network.bech32_prefix}1{bech32.CHARSET[version]}".encode(), np.uint8)
    count = -(-width * 8 // 5)
    places = np.flatnonzero(lengths == len(head) + count + _CHECKSUM_SYMBOLS)
    text = characters[first[places][:, None] + np.arange(len(head) + count + _CHECKSUM_SYMBOLS)]
    is_ours = (text[:, : len(head)] == head).all(axis=1)
    places, symbols = places[is_ours], _BECH32[text[is_ours, len(head) :]]
    is_right = (symbols != _ABSENT).all(axis=1)
    state = np.full(len(places), bech32.remainder(network.bech32_prefix, [version]), np.int64)
    for symbol in np.minimum(symbols, 31).T:
        state = (state & 0x1FFFFFF) << 5 ^ symbol ^ _REDUCTION[state >> 25]
    is_right &= state == (bech32.Checksum.BECH32 if version == 0 else bech32.Checksum.BECH32M)
    bits = np.unpackbits(symbols[:, :count, None], axis=2)[:, :, 3:].reshape(len(places), count * 5)
    is_right &= (bits[:, width * 8 :] == 0).all(axis=1)
    programs = np.packbits(bits[:, : width * 8], axis=1).tobytes()
    for row in np.flatnonzero(is_right).tolist():
        place = int(places[row])
        found.script_type[place] = int(kind)
        found.payload[place] = programs[row * width : (row + 1) * width]
