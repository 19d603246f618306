"""Keys of simulated addresses, and what addresses are made of.

Keys are SHA-256 of the seed and a key number, with a valid prefix; they are not checked to lie on
the curve, and signatures are random bytes in valid encodings (DER, Schnorr). So every file parses
and every revealed key and script hashes to what its output promised, but no node would accept the
chain as valid. Nobody can own these keys, and no real address can result: all are regtest.

Key numbers: four slots for each address, and one lasting key of each market and vendor for
escrows. All keys and scripts are derived before anything is written, so that the serialiser only
copies.
"""

from typing import NamedTuple

import numpy as np

from arien_flows.simulation.state import ESCROW, TWIN, UNCOMPRESSED
from arien_flows.simulation.wallets import Form
from chains.bitcoin.hashing import hash160_into, sha256_into
from chains.types import AnyArray, Int64Array, UInt8Array
from heuristics.jit import kernel

OWNER_KEYS = 1 << 40
"""Key numbers from here on belong to owners, below to addresses."""

ONE = np.uint64(1)

KEY_BYTES = 33
LONG_KEY_BYTES = 65
PROGRAM_BYTES = 22

REVEALED_BYTES = np.array([33, 33, KEY_BYTES + PROGRAM_BYTES, 105, 33, 105, 33, 71], dtype=np.int64)
"""By form: the key, or the script, that a spend reveals; nested P2WPKH reveals both."""

PAYLOAD_BYTES = np.array([33, 20, 20, 20, 20, 32, 32, 71], dtype=np.int64)
"""By form: the payload as `chains.tables.ScriptType` defines it."""


class Keyring(NamedTuple):
    """What scripts are made from: two pools of bytes, and where each address's part starts."""

    seed: UInt8Array
    """Eight bytes."""

    addresses: AnyArray
    """Of dtype `state.ADDRESS`."""

    revealed: UInt8Array
    """What a spend of each address shows; see `REVEALED_BYTES`."""

    revealed_start: Int64Array
    """One entry more than addresses."""

    payload: UInt8Array
    payload_start: Int64Array
    """One entry more than addresses."""


@kernel
def put(out: UInt8Array, at: int, value: int, size: int) -> int:
    """Write a number as `size` little-endian bytes; return where it ends."""
    place = np.uint64(at)
    for i in range(size):
        out[place] = (value >> (8 * i)) & 0xFF
        place += ONE
    return at + size


@kernel
def put_bytes(out: UInt8Array, at: int, source: UInt8Array, start: int, length: int) -> int:
    """Copy bytes; return where they end.

    A signed index may count from the end, and Numba looks at each whether it does: copies with
    unsigned ones were measured to be tens of times quicker.
    """
    place, origin = np.uint64(at), np.uint64(start)
    for _ in range(length):
        out[place] = source[origin]
        place += ONE
        origin += ONE
    return at + length


@kernel
def put_key(seed: UInt8Array, number: int, length: int, out: UInt8Array, at: int) -> int:
    """Write the public key of a number, of 33 or 65 bytes; return where it ends."""
    message = np.empty(17, np.uint8)
    put_bytes(message, 0, seed, 0, 8)
    put(message, 8, number, 8)
    message[16] = 0
    sha256_into(message, 0, 17, out, at + 1)
    if length == KEY_BYTES:
        out[at] = 2 + (out[at + 32] & 1)
    else:
        out[at] = 4
        message[16] = 1
        sha256_into(message, 0, 17, out, at + 33)
    return at + length


@kernel
def key_number(k: Keyring, address: int, slot: int) -> int:
    """Return the number of one of the keys that an address locks with."""
    flags = k.addresses[address]["flags"]
    if flags & ESCROW and slot == 0:
        return OWNER_KEYS + int(k.addresses[address]["owner"])
    if flags & ESCROW and slot == 1:
        return OWNER_KEYS + int(k.addresses[address]["party"])
    if flags & TWIN:
        return (address - 1) * 4 + slot
    return address * 4 + slot


@kernel
def put_multisig(k: Keyring, address: int, needed: int, keys: int, at: int) -> None:
    """Write an m-of-n script of an address's keys to its place among the revealed bytes."""
    out = k.revealed
    out[at] = 0x50 + needed
    at += 1
    for slot in range(keys):
        out[at] = KEY_BYTES
        at = put_key(k.seed, key_number(k, address, slot), KEY_BYTES, out, at + 1)
    out[at] = 0x50 + keys
    out[at + 1] = 0xAE


@kernel
def derive(k: Keyring, first: int, stop: int) -> None:
    """Fill in what the addresses `[first, stop)` reveal, and their payloads."""
    shown, payload = k.revealed, k.payload
    for address in range(first, stop):
        form = k.addresses[address]["form"]
        at = k.revealed_start[address]
        to = k.payload_start[address]
        length = KEY_BYTES
        if form == Form.P2SH_MULTISIG or form == Form.P2WSH_MULTISIG:
            put_multisig(k, address, 2, 3, at)
        elif form == Form.MULTISIG:
            put_multisig(k, address, 1, 2, at)
        else:
            if form != Form.P2SH_P2WPKH:
                length = k.revealed_start[address + 1] - at
            put_key(k.seed, key_number(k, address, 0), length, shown, at)
        if form == Form.P2PK:
            put_bytes(payload, to, shown, at, length)
        elif form == Form.P2PKH or form == Form.P2WPKH:
            hash160_into(shown, at, length, payload, to)
        elif form == Form.P2TR:
            put_bytes(payload, to, shown, at + 1, 32)
        elif form == Form.P2SH_P2WPKH:
            program = at + KEY_BYTES
            shown[program] = 0
            shown[program + 1] = 20
            hash160_into(shown, at, KEY_BYTES, shown, program + 2)
            hash160_into(shown, program, PROGRAM_BYTES, payload, to)
        elif form == Form.P2SH_MULTISIG:
            hash160_into(shown, at, k.revealed_start[address + 1] - at, payload, to)
        elif form == Form.P2WSH_MULTISIG:
            sha256_into(shown, at, k.revealed_start[address + 1] - at, payload, to)
        else:
            put_bytes(payload, to, shown, at, k.revealed_start[address + 1] - at)


def new_keyring(seed: int, addresses: AnyArray) -> Keyring:
    """Derive the keys and payloads of all addresses of a chain."""
    form, flags = addresses["form"], addresses["flags"]
    long_key = flags & UNCOMPRESSED != 0
    revealed = REVEALED_BYTES[form] + (LONG_KEY_BYTES - KEY_BYTES) * long_key
    payload = PAYLOAD_BYTES[form] + (LONG_KEY_BYTES - KEY_BYTES) * (long_key & (form == Form.P2PK))
    revealed_start = np.concatenate(([0], np.cumsum(revealed)))
    payload_start = np.concatenate(([0], np.cumsum(payload)))
    keyring = Keyring(
        seed=np.frombuffer(seed.to_bytes(8, "little"), dtype=np.uint8).copy(),
        addresses=addresses,
        revealed=np.zeros(revealed_start[-1], dtype=np.uint8),
        revealed_start=revealed_start,
        payload=np.zeros(payload_start[-1], dtype=np.uint8),
        payload_start=payload_start,
    )
    derive(keyring, 0, len(addresses))
    return keyring
