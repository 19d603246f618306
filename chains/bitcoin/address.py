"""Addresses: the text that people paste, and the script that it stands for.

An address names an output script, no more: a type and a payload (`ScriptType`). Text and script
determine each other, so that every script which can be spent has exactly one canonical text:
base58check for key and script hashes, bech32 or bech32m for witness programs (BIP-173, BIP-350),
and an output descriptor for scripts that never had an address. OP_RETURN outputs have none:
nobody owns them.

The test networks share most of their prefixes, so a text belongs to a network only in the sense
that it is valid there. What is rejected is explained, because a mistyped or misplaced identifier
is an everyday matter. No message repeats the text: it might be a private key.
"""

import hashlib
import re
from typing import NamedTuple

import numpy as np
from bitcoin import base58

from chains.bitcoin import bech32, descriptor
from chains.bitcoin.mistakes import explain_mistake, foreign_base58, foreign_prefix
from chains.bitcoin.networks import NETWORKS, Network
from chains.bitcoin.script import classify_scripts
from chains.errors import AddressError
from chains.tables import ScriptType

HASH_LENGTH = 20
CHECKSUM_LENGTH = 4
LONGEST_BASE58 = 35
"""Characters of the longest base58 address; one with version 0 may have as few as 26."""

SHORTEST_BASE58 = 26

_WITNESS_VERSION = {ScriptType.P2WPKH: 0, ScriptType.P2WSH: 0, ScriptType.P2TR: 1}
_PAYLOAD_LENGTH = {
    ScriptType.P2PKH: 20,
    ScriptType.P2SH: 20,
    ScriptType.P2WPKH: 20,
    ScriptType.P2WSH: 32,
    ScriptType.P2TR: 32,
}
_BECH32_SHAPE = re.compile(r"[a-z]{2,8}1[02-9ac-hj-np-z]{6,}")


class Locking(NamedTuple):
    """What an address stands for: the identity of an output script."""

    script_type: ScriptType

    payload: bytes
    """As documented for each `ScriptType`."""


def parse_address(text: str, network: Network) -> Locking:
    """Return the script that an address, a `bitcoin:` URI or a descriptor names.

    Surrounding white space is ignored. Raises `AddressError` that says what is wrong; the
    message holds nothing of the text but a single character that cannot occur.
    """
    text = _bare(text)
    if "(" not in text:
        return _parse_plain(text, network)
    body = descriptor.without_checksum(text)
    if body.startswith("addr(") and body.endswith(")"):
        return _parse_plain(body[5:-1], network)
    locking = _classify(descriptor.script_of_descriptor(body))
    if locking.script_type is ScriptType.OP_RETURN:
        raise AddressError("an OP_RETURN output carries data and belongs to nobody")
    return locking


def address_text(script_type: ScriptType, payload: bytes, network: Network) -> str | None:
    """Return the canonical text of a script: its address, or a descriptor where it has none.

    OP_RETURN outputs give None. Raises `ValueError` if the payload does not fit the type.
    """
    expected = _PAYLOAD_LENGTH.get(script_type, len(payload))
    if len(payload) != expected:
        raise ValueError(f"{script_type.name} needs a payload of {expected} bytes")
    match script_type:
        case ScriptType.OP_RETURN:
            return None
        case ScriptType.P2PKH:
            return _base58check(network.key_hash_version, payload)
        case ScriptType.P2SH:
            return _base58check(network.script_hash_version, payload)
        case ScriptType.P2WPKH | ScriptType.P2WSH | ScriptType.P2TR:
            version = _WITNESS_VERSION[script_type]
            return bech32.encode_witness(network.bech32_prefix, version, payload)
        case ScriptType.WITNESS_UNKNOWN:
            # The payload is the whole script: OP_1 to OP_16, the length, the program.
            return bech32.encode_witness(network.bech32_prefix, payload[0] - 0x50, payload[2:])
        case _:
            return descriptor.descriptor_of(script_type, payload)


def _bare(text: str) -> str:
    """Return the text without surrounding white space and without the parts of a URI."""
    text = text.strip()
    if text[:8].lower() != "bitcoin:":
        return text
    address = text[8:].removeprefix("//").partition("?")[0].strip()
    if not address:
        raise AddressError("the bitcoin: URI holds no address")
    return address


def _parse_plain(text: str, network: Network) -> Locking:
    explain_mistake(text)
    lower = text.lower()
    one_case = text in (lower, text.upper())
    known = any(lower.startswith(other.bech32_prefix + "1") for other in NETWORKS)
    if known or (one_case and _BECH32_SHAPE.fullmatch(lower)):
        return _parse_witness(text, network)
    return _parse_base58(text, network)


def _classify(script: bytes) -> Locking:
    raw = np.frombuffer(script, dtype=np.uint8)
    types, starts, lengths = classify_scripts(
        raw, np.zeros(1, dtype=np.int64), np.array([len(script)], dtype=np.int64)
    )
    start, length = int(starts[0]), int(lengths[0])
    return Locking(ScriptType(int(types[0])), script[start : start + length])


def _parse_witness(text: str, network: Network) -> Locking:
    prefix, version, program = bech32.decode_witness(text)
    if prefix != network.bech32_prefix:
        owners = [other.name for other in NETWORKS if other.bech32_prefix == prefix]
        raise AddressError(_elsewhere(owners, foreign_prefix(prefix), network))
    match version, len(program):
        case 0, 20:
            return Locking(ScriptType.P2WPKH, program)
        case 0, 32:
            return Locking(ScriptType.P2WSH, program)
        case 1, 32:
            return Locking(ScriptType.P2TR, program)
        case _:
            script = bytes([0x50 + version, len(program)]) + program
            return Locking(ScriptType.WITNESS_UNKNOWN, script)


def _parse_base58(text: str, network: Network) -> Locking:
    for position, character in enumerate(text, start=1):
        if character not in base58.B58_DIGITS:
            named = repr(character) if character.isprintable() else f"U+{ord(character):04X}"
            raise AddressError(
                f"character {position} ({named}) cannot occur in an address: base58 uses letters "
                "and digits except 0, O, I and l"
            )
    if not SHORTEST_BASE58 <= len(text) <= LONGEST_BASE58:
        raise AddressError(
            f"the text has {len(text)} characters; a base58 address has {SHORTEST_BASE58} to "
            f"{LONGEST_BASE58}"
        )
    decoded: bytes = base58.decode(text)
    body, checksum = decoded[:-CHECKSUM_LENGTH], decoded[-CHECKSUM_LENGTH:]
    if len(decoded) != 1 + HASH_LENGTH + CHECKSUM_LENGTH:
        raise AddressError(f"the address decodes to {len(decoded)} bytes instead of 25")
    if _check(body) != checksum:
        raise AddressError("the checksum does not match: a character is wrong, missing or too many")
    version, payload = body[0], body[1:]
    if version == network.key_hash_version:
        return Locking(ScriptType.P2PKH, payload)
    if version == network.script_hash_version:
        return Locking(ScriptType.P2SH, payload)
    owners = [
        other.name
        for other in NETWORKS
        if version in (other.key_hash_version, other.script_hash_version)
    ]
    raise AddressError(_elsewhere(owners, foreign_base58(version), network))


def _elsewhere(owners: list[str], foreign: str | None, network: Network) -> str:
    """Say to whom a well-formed address of another network belongs."""
    if owners:
        *first, last = owners
        named = f"{', '.join(first)} or {last}" if first else last
        return f"this is an address of {named}, not of {network.name}"
    if foreign:
        return f"this is {foreign}, not an address of {network.name}"
    return f"the prefix belongs to no Bitcoin network, so it is not an address of {network.name}"


def _base58check(version: int, payload: bytes) -> str:
    body = bytes([version]) + payload
    text: str = base58.encode(body + _check(body))
    return text


def _check(body: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(body).digest()).digest()[:CHECKSUM_LENGTH]
