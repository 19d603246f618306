"""Locking scripts, input scripts, witnesses and signatures, from keys that are already derived."""

from arien_flows.simulation.keys import KEY_BYTES, PROGRAM_BYTES, Keyring, put_bytes
from arien_flows.simulation.rng import fill_bytes
from arien_flows.simulation.wallets import Form
from chains.types import UInt8Array, UInt64Array
from heuristics.jit import kernel

SIGHASH_ALL = 1


@kernel
def put_revealed(k: Keyring, address: int, out: UInt8Array, at: int) -> int:
    """Write the key or script that an address's spend reveals; return where it ends."""
    start = k.revealed_start[address]
    length = k.revealed_start[address + 1] - start
    if k.addresses[address]["form"] == Form.P2SH_P2WPKH:
        length = KEY_BYTES
    return put_bytes(out, at, k.revealed, start, length)


@kernel
def put_payload(k: Keyring, address: int, out: UInt8Array, at: int) -> int:
    """Write an address's payload; return where it ends."""
    start = k.payload_start[address]
    return put_bytes(out, at, k.payload, start, k.payload_start[address + 1] - start)


@kernel
def put_locking_script(k: Keyring, address: int, out: UInt8Array, at: int) -> int:
    """Write the script of an output; return where it ends."""
    form = k.addresses[address]["form"]
    if form == Form.MULTISIG:
        return put_payload(k, address, out, at)
    if form == Form.P2PKH:
        out[at] = 0x76
        out[at + 1] = 0xA9
        out[at + 2] = 20
        at = put_payload(k, address, out, at + 3)
        out[at] = 0x88
        out[at + 1] = 0xAC
        return at + 2
    if form == Form.P2SH_P2WPKH or form == Form.P2SH_MULTISIG:
        out[at] = 0xA9
        out[at + 1] = 20
        at = put_payload(k, address, out, at + 2)
        out[at] = 0x87
        return at + 1
    if form == Form.P2PK:
        stop = put_payload(k, address, out, at + 1)
        out[at] = stop - at - 1
        out[stop] = 0xAC
        return stop + 1
    out[at] = 0x51 if form == Form.P2TR else 0
    stop = put_payload(k, address, out, at + 2)
    out[at + 1] = stop - at - 2
    return stop


@kernel
def put_signature(random: UInt64Array, out: UInt8Array, at: int) -> int:
    """Write a DER signature with its length in front and its hash type behind.

    Both numbers are positive and minimally encoded, the second is low, as nodes demand.
    """
    start = at
    out[start + 1] = 0x30
    at += 3
    out[at] = 2
    fill_bytes(random, out, at + 2, 32)
    if out[at + 2] >= 0x80:
        out[at + 1] = 33
        fill_bytes(random, out, at + 3, 32)
        out[at + 3] = out[at + 3] | 0x80
        out[at + 2] = 0
        at += 35
    else:
        out[at + 1] = 32
        out[at + 2] = out[at + 2] | 1
        at += 34
    out[at] = 2
    out[at + 1] = 32
    fill_bytes(random, out, at + 2, 32)
    out[at + 2] = (out[at + 2] & 0x3F) | 1
    at += 34
    out[start + 2] = at - start - 3
    out[at] = SIGHASH_ALL
    out[start] = at - start
    return at + 1


@kernel
def put_input_script(
    k: Keyring, random: UInt64Array, address: int, out: UInt8Array, at: int
) -> int:
    """Write the script of an input that spends an address's coin; return where it ends."""
    form = k.addresses[address]["form"]
    if form == Form.P2PK:
        return put_signature(random, out, at)
    if form == Form.P2PKH:
        at = put_signature(random, out, at)
        stop = put_revealed(k, address, out, at + 1)
        out[at] = stop - at - 1
        return stop
    if form == Form.P2SH_P2WPKH:
        out[at] = PROGRAM_BYTES
        program = k.revealed_start[address] + KEY_BYTES
        return put_bytes(out, at + 1, k.revealed, program, PROGRAM_BYTES)
    if form == Form.P2SH_MULTISIG:
        out[at] = 0
        at = put_signature(random, out, put_signature(random, out, at + 1))
        stop = put_revealed(k, address, out, at + 2)
        out[at] = 0x4C
        out[at + 1] = stop - at - 2
        return stop
    if form == Form.MULTISIG:
        out[at] = 0
        return put_signature(random, out, at + 1)
    return at


@kernel
def has_witness(k: Keyring, address: int) -> bool:
    """Return whether spending an address's coin takes a witness."""
    form = k.addresses[address]["form"]
    return bool(
        form == Form.P2SH_P2WPKH
        or form == Form.P2WPKH
        or form == Form.P2WSH_MULTISIG
        or form == Form.P2TR
    )


@kernel
def put_witness(k: Keyring, random: UInt64Array, address: int, out: UInt8Array, at: int) -> int:
    """Write the witness stack of an input, the empty one too; return where it ends."""
    form = k.addresses[address]["form"]
    if form == Form.P2WPKH or form == Form.P2SH_P2WPKH:
        out[at] = 2
        at = put_signature(random, out, at + 1)
        out[at] = KEY_BYTES
        return put_revealed(k, address, out, at + 1)
    if form == Form.P2WSH_MULTISIG:
        out[at] = 4
        out[at + 1] = 0
        at = put_signature(random, out, put_signature(random, out, at + 2))
        stop = put_revealed(k, address, out, at + 1)
        out[at] = stop - at - 1
        return stop
    if form == Form.P2TR:
        out[at] = 1
        out[at + 1] = 64
        fill_bytes(random, out, at + 2, 64)
        return at + 66
    out[at] = 0
    return at + 1
