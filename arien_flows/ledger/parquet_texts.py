"""The text of many addresses at once, for exports; one by one see `chains.bitcoin.address`.

Hashes and witness programs, nearly all there is, are encoded by kernels: base58check, bech32
(BIP 173) and bech32m (BIP 350). What is left are bare keys and other scripts, which are written as
descriptors one by one.
"""

import numpy as np
import pyarrow as pa

from chains.bitcoin.address import address_text
from chains.bitcoin.bech32 import CHARSET, Checksum
from chains.bitcoin.hashing import byte_at, double_sha256_into
from chains.bitcoin.networks import Network
from chains.tables import ScriptType
from chains.types import Int64Array, UInt8Array
from heuristics.jit import kernel

LONGEST = 90
"""Characters of the longest text that a kernel writes."""

BASE58 = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
DIGITS = np.frombuffer(BASE58, dtype=np.uint8)
SYMBOLS = np.frombuffer(CHARSET.encode(), dtype=np.uint8)
FIVE_DIGITS = 58**5
GENERATOR = np.array([0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3], dtype=np.int64)
BECH32, BECH32M = int(Checksum.BECH32), int(Checksum.BECH32M)

P2PKH = int(ScriptType.P2PKH)
P2SH = int(ScriptType.P2SH)
P2WPKH = int(ScriptType.P2WPKH)
P2WSH = int(ScriptType.P2WSH)
P2TR = int(ScriptType.P2TR)
WITNESS_UNKNOWN = int(ScriptType.WITNESS_UNKNOWN)


def address_texts(
    script_type: UInt8Array, payload: UInt8Array, first: Int64Array, network: Network
) -> pa.Array:
    """Return the canonical texts of addresses as strings without nulls.

    The payload of address `i` is `payload[first[i]:first[i + 1]]`; OP_RETURN is no address. Raises
    `ValueError` where a payload does not fit its type.
    """
    count, size = len(script_type), np.diff(first)
    for kind, expected in ((P2PKH, 20), (P2SH, 20), (P2WPKH, 20), (P2WSH, 32), (P2TR, 32)):
        if (size[script_type == kind] != expected).any():
            raise ValueError(f"{ScriptType(kind).name} needs a payload of {expected} bytes")
    if (size[script_type == WITNESS_UNKNOWN] > 42).any():
        raise ValueError("a witness program has at most 40 bytes")
    room = np.zeros((count, LONGEST), dtype=np.uint8)
    length = np.zeros(count, dtype=np.int64)
    _write_texts(
        script_type,
        payload,
        first[:-1],
        size,
        network.key_hash_version,
        network.script_hash_version,
        np.frombuffer(network.bech32_prefix.encode(), dtype=np.uint8),
        room,
        length,
    )
    written = np.arange(LONGEST) < length[:, None]
    texts = _strings(room[written], length)
    others = np.flatnonzero(length == 0)
    if not len(others):
        return texts
    rest = [
        address_text(
            ScriptType(int(script_type[row])),
            payload[first[row] : first[row + 1]].tobytes(),
            network,
        )
        for row in others.tolist()
    ]
    order = np.arange(count)
    order[others] = count + np.arange(len(others))
    return pa.concat_arrays([texts, pa.array(rest, pa.string())]).take(pa.array(order))


def _strings(content: UInt8Array, length: Int64Array) -> pa.Array:
    ends = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(length)]).astype(np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(np.ascontiguousarray(content))]
    return pa.Array.from_buffers(pa.string(), len(length), buffers)


@kernel
def _write_texts(
    kind: UInt8Array,
    payload: UInt8Array,
    start: Int64Array,
    size: Int64Array,
    key_hash_version: int,
    script_hash_version: int,
    prefix: UInt8Array,
    room: UInt8Array,
    length: Int64Array,
) -> None:
    """Write the text of each address that has one to its row of `room`, and its length."""
    symbols = np.empty(LONGEST, dtype=np.int64)
    for i in range(len(kind)):
        if kind[i] == P2PKH:
            length[i] = base58_text(payload, start[i], key_hash_version, room[i])
        elif kind[i] == P2SH:
            length[i] = base58_text(payload, start[i], script_hash_version, room[i])
        elif kind[i] == P2WPKH or kind[i] == P2WSH:
            length[i] = witness_text(payload, start[i], size[i], 0, prefix, symbols, room[i])
        elif kind[i] == P2TR:
            length[i] = witness_text(payload, start[i], size[i], 1, prefix, symbols, room[i])
        elif kind[i] == WITNESS_UNKNOWN:
            # The payload is the whole script: OP_1 to OP_16, the length, the program.
            version = byte_at(payload, start[i]) - 0x50
            length[i] = witness_text(
                payload, start[i] + 2, size[i] - 2, version, prefix, symbols, room[i]
            )


@kernel
def base58_text(payload: UInt8Array, start: int, version: int, out: UInt8Array) -> int:
    """Write the base58check text of a version byte and 20 bytes; return its length."""
    body = np.zeros(28, dtype=np.uint8)
    digest = np.empty(32, dtype=np.uint8)
    body[3] = version
    body[4:24] = payload[start : start + 20]
    double_sha256_into(body, 3, 21, digest, 0)
    body[24:28] = digest[:4]
    limbs = np.empty(7, dtype=np.int64)
    for limb in range(7):
        limbs[limb] = (
            byte_at(body, 4 * limb) << 24
            | byte_at(body, 4 * limb + 1) << 16
            | byte_at(body, 4 * limb + 2) << 8
            | byte_at(body, 4 * limb + 3)
        )
    # Seven divisions of the whole number by 58^5, each of which yields five digits.
    digits = np.empty(35, dtype=np.int64)
    for turn in range(7):
        rest = np.int64(0)
        for limb in range(7):
            rest = rest << 32 | limbs[limb]
            limbs[limb] = rest // FIVE_DIGITS
            rest = rest % FIVE_DIGITS
        for digit in range(5):
            digits[34 - 5 * turn - digit] = rest % 58
            rest //= 58
    lead = 0
    while lead < 35 and digits[lead] == 0:
        lead += 1
    # Each zero byte in front is written as one "1".
    written = 0
    while written < 25 and body[3 + written] == 0:
        out[written] = DIGITS[0]
        written += 1
    for digit in range(lead, 35):
        out[written] = DIGITS[digits[digit]]
        written += 1
    return written


@kernel
def checksum_step(state: int, symbol: int) -> int:
    """Multiply the remainder by x, add `symbol`, and reduce by the generator of BIP 173."""
    top = state >> 25
    state = (state & 0x1FFFFFF) << 5 ^ symbol
    for bit in range(5):
        if top >> bit & 1:
            state ^= int(GENERATOR[bit])
    return state


@kernel
def witness_text(
    program: UInt8Array,
    start: int,
    size: int,
    version: int,
    prefix: UInt8Array,
    symbols: Int64Array,
    out: UInt8Array,
) -> int:
    """Write the bech32 or bech32m text of a witness program; return its length."""
    symbols[0] = version
    count = 1
    held, bits = 0, 0
    for i in range(size):
        held = (held << 8 | byte_at(program, start + i)) & 0xFFF
        bits += 8
        while bits >= 5:
            bits -= 5
            symbols[count] = held >> bits & 31
            count += 1
    if bits:
        symbols[count] = held << (5 - bits) & 31
        count += 1
    state = 1
    for i in range(len(prefix)):
        state = checksum_step(state, byte_at(prefix, i) >> 5)
    state = checksum_step(state, 0)
    for i in range(len(prefix)):
        state = checksum_step(state, byte_at(prefix, i) & 31)
        out[i] = prefix[i]
    out[len(prefix)] = 49  # "1"
    written = len(prefix) + 1
    for i in range(count):
        state = checksum_step(state, int(symbols[i]))
        out[written] = SYMBOLS[symbols[i]]
        written += 1
    for _ in range(6):
        state = checksum_step(state, 0)
    state ^= BECH32M if version else BECH32
    for i in range(6):
        out[written] = SYMBOLS[state >> 5 * (5 - i) & 31]
        written += 1
    return written
