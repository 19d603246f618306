"""Output scripts: what they ask for, their identity, and back to bytes.

`classify` follows Bitcoin Core's `Solver` (src/script/solver.cpp), so that a type here is the type
that a node prints, with three differences that follow from what the types are for:

- A script that starts with OP_RETURN is OP_RETURN, whatever follows: nobody can spend it. Core
  asks that only pushes follow.
- A witness program of version 0 whose length is neither 20 nor 32 is nonstandard as in Core, and
  indeed nobody can spend it.
- Pay-to-anchor is a witness program of version 1 and 2 bytes, and falls under WITNESS_UNKNOWN.

Type and payload are the identity of a script: `script_of` rebuilds it exactly.
"""

import numpy as np
from bitcoin.core.script import CScriptOp

from chains.bitcoin.hashing import byte_at, hash160_into
from chains.tables import ScriptType
from chains.types import Int64Array, UInt8Array
from heuristics.jit import kernel, kernel_part

NONSTANDARD = int(ScriptType.NONSTANDARD)
P2PK = int(ScriptType.P2PK)
P2PKH = int(ScriptType.P2PKH)
P2SH = int(ScriptType.P2SH)
MULTISIG = int(ScriptType.MULTISIG)
P2WPKH = int(ScriptType.P2WPKH)
P2WSH = int(ScriptType.P2WSH)
P2TR = int(ScriptType.P2TR)
WITNESS_UNKNOWN = int(ScriptType.WITNESS_UNKNOWN)
OP_RETURN = int(ScriptType.OP_RETURN)

LAST_OPCODE = 0xBA
"""Every larger opcode is undefined."""

LATER_NAMES = {
    0xB1: "OP_CHECKLOCKTIMEVERIFY",
    0xB2: "OP_CHECKSEQUENCEVERIFY",
    0xBA: "OP_CHECKSIGADD",
}
"""Opcodes that python-bitcoinlib does not know, or by an older name (BIPs 65, 112, 342)."""

MAX_MULTISIG_KEYS = 20
NO_OPCODE = -1
"""What `next_op` answers at the end of a script and at a push that is cut short."""


@kernel
def next_op(raw: UInt8Array, at: int, stop: int) -> tuple[int, int, int, int]:
    """Read the opcode at `at` of a script that ends before `stop`.

    Return the opcode, where its pushed data start, their length (0 for other opcodes), and where
    the next opcode stands. The opcode is `NO_OPCODE` where there is none or its push is cut short.
    """
    if at >= stop:
        return NO_OPCODE, at, 0, stop
    opcode = byte_at(raw, at)
    at += 1
    if opcode > 0x4E:
        return opcode, at, 0, at
    length = opcode
    if opcode >= 0x4C:
        width = 1 << (opcode - 0x4C)
        if at + width > stop:
            return NO_OPCODE, at, 0, stop
        length = 0
        for k in range(width):
            length |= byte_at(raw, at + k) << (8 * k)
        at += width
    if at + length > stop:
        return NO_OPCODE, at, 0, stop
    return opcode, at, length, at + length


@kernel_part
def is_key(raw: UInt8Array, start: int, length: int) -> bool:
    """Tell whether a slice has the size that its first byte announces for a public key.

    That is Core's `CPubKey::ValidSize`; whether the point is on the curve is not asked.
    """
    if length == 33:
        return 2 <= byte_at(raw, start) <= 3
    if length == 65:
        first = byte_at(raw, start)
        return first == 4 or first == 6 or first == 7
    return False


@kernel
def small_number(raw: UInt8Array, opcode: int, start: int, length: int) -> int:
    """Return the number from 1 to 20 that an opcode pushes in its shortest form, else 0."""
    if 0x51 <= opcode <= 0x60:
        return opcode - 0x50
    # Up to 16 there is a shorter form, and two bytes are the shortest form only above 127.
    if opcode == 1 and length == 1 and 16 < byte_at(raw, start) <= MAX_MULTISIG_KEYS:
        return byte_at(raw, start)
    return 0


@kernel
def is_multisig(raw: UInt8Array, start: int, length: int) -> bool:
    """Tell whether a script is m-of-n OP_CHECKMULTISIG with keys of valid size."""
    stop = start + length
    if length < 37 or byte_at(raw, stop - 1) != 0xAE:
        return False
    opcode, data, size, at = next_op(raw, start, stop)
    needed = small_number(raw, opcode, data, size)
    if needed == 0:
        return False
    keys = 0
    opcode, data, size, at = next_op(raw, at, stop)
    while opcode != NO_OPCODE and is_key(raw, data, size):
        keys += 1
        opcode, data, size, at = next_op(raw, at, stop)
    return keys >= needed and small_number(raw, opcode, data, size) == keys and at == stop - 1


@kernel_part
def witness_version(raw: UInt8Array, start: int, length: int) -> int:
    """Return the version of a witness program (BIP-141), or -1 where a script is none."""
    if length < 4 or length > 42 or byte_at(raw, start + 1) + 2 != length:
        return -1
    opcode = byte_at(raw, start)
    if opcode == 0:
        return 0
    return opcode - 0x50 if 0x51 <= opcode <= 0x60 else -1


@kernel_part
def classify_by_shape(raw: UInt8Array, start: int, length: int) -> tuple[int, int, int]:
    """Do what `classify` does, but call multisig scripts NONSTANDARD: the payload is the same."""
    if length == 0:
        return NONSTANDARD, start, 0
    first = byte_at(raw, start)
    if length == 25:
        if (
            first == 0x76
            and byte_at(raw, start + 1) == 0xA9
            and byte_at(raw, start + 2) == 20
            and byte_at(raw, start + 23) == 0x88
            and byte_at(raw, start + 24) == 0xAC
        ):
            return P2PKH, start + 3, 20
    elif (
        length == 23
        and first == 0xA9
        and byte_at(raw, start + 1) == 20
        and byte_at(raw, start + 22) == 0x87
    ):
        return P2SH, start + 2, 20
    version = witness_version(raw, start, length)
    if version == 0:
        if length == 22:
            return P2WPKH, start + 2, 20
        if length == 34:
            return P2WSH, start + 2, 32
        return NONSTANDARD, start, length
    if version > 0:
        if version == 1 and length == 34:
            return P2TR, start + 2, 32
        return WITNESS_UNKNOWN, start, length
    if first == 0x6A:
        return OP_RETURN, start + 1, length - 1
    if (
        (length == 35 or length == 67)
        and first == length - 2
        and byte_at(raw, start + length - 1) == 0xAC
        and is_key(raw, start + 1, length - 2)
    ):
        return P2PK, start + 1, length - 2
    return NONSTANDARD, start, length


@kernel
def classify(raw: UInt8Array, start: int, length: int) -> tuple[int, int, int]:
    """Return the type of the script at a slice of `raw`, and start and length of its payload."""
    kind, payload, size = classify_by_shape(raw, start, length)
    if kind == NONSTANDARD and is_multisig(raw, start, length):
        kind = MULTISIG
    return kind, payload, size


@kernel
def classify_each(
    raw: UInt8Array,
    starts: Int64Array,
    lengths: Int64Array,
    kind: UInt8Array,
    payload_start: Int64Array,
    payload_length: Int64Array,
) -> None:
    """Run `classify` over many slices; the last three arrays are written."""
    for i in range(len(starts)):
        found, start, length = classify(raw, int(starts[i]), int(lengths[i]))
        kind[i] = found
        payload_start[i] = start
        payload_length[i] = length


def classify_scripts(
    raw: UInt8Array, starts: Int64Array, lengths: Int64Array
) -> tuple[UInt8Array, Int64Array, Int64Array]:
    """Return `ScriptType`, payload start and payload length of each script in `raw`."""
    if len(starts) != len(lengths):
        raise ValueError("starts and lengths differ in length")
    if len(starts) and (
        starts.min() < 0 or lengths.min() < 0 or (starts + lengths).max() > len(raw)
    ):
        raise ValueError("a script reaches outside its buffer")
    kind = np.empty(len(starts), np.uint8)
    payload_start = np.empty(len(starts), np.int64)
    payload_length = np.empty(len(starts), np.int64)
    classify_each(raw, starts, lengths, kind, payload_start, payload_length)
    return kind, payload_start, payload_length


@kernel
def lock_hash(
    raw: UInt8Array, kind: int, payload_start: int, payload_length: int, out: UInt8Array
) -> bool:
    """Write the HASH160 of the one key that unlocks a script to `out[:20]`.

    P2PK, P2PKH and P2WPKH outputs of one key get the same hash. For other types nothing is
    written and the answer is False.
    """
    if kind == P2PK:
        hash160_into(raw, payload_start, payload_length, out, 0)
        return True
    if kind in (P2PKH, P2WPKH):
        out[:20] = raw[payload_start : payload_start + 20]
        return True
    return False


PAYLOAD_LENGTHS = {
    ScriptType.P2PK: (33, 65),
    ScriptType.P2PKH: (20,),
    ScriptType.P2SH: (20,),
    ScriptType.P2WPKH: (20,),
    ScriptType.P2WSH: (32,),
    ScriptType.P2TR: (32,),
}


def script_of(kind: ScriptType, payload: bytes) -> bytes:
    """Return the script with this type and payload: the inverse of `classify`.

    Raises
    ------
    ValueError
        A payload of that length cannot belong to the type.
    """
    lengths = PAYLOAD_LENGTHS.get(kind)
    if lengths is not None and len(payload) not in lengths:
        raise ValueError(f"a {kind.name} payload has {lengths[0]} bytes, not {len(payload)}")
    match kind:
        case ScriptType.P2PK:
            return bytes([len(payload)]) + payload + b"\xac"
        case ScriptType.P2PKH:
            return b"\x76\xa9\x14" + payload + b"\x88\xac"
        case ScriptType.P2SH:
            return b"\xa9\x14" + payload + b"\x87"
        case ScriptType.P2WPKH | ScriptType.P2WSH:
            return bytes([0, len(payload)]) + payload
        case ScriptType.P2TR:
            return b"\x51\x20" + payload
        case ScriptType.OP_RETURN:
            return b"\x6a" + payload
        case _:
            return payload


def multisig_parts(script: bytes) -> tuple[int, list[bytes]]:
    """Return m and the n keys, in script order, of an m-of-n script, bare or revealed.

    Raises
    ------
    ValueError
        The script is not m-of-n.
    """
    raw = np.frombuffer(script, np.uint8).copy()
    if not is_multisig(raw, 0, len(script)):
        raise ValueError("the script is not m-of-n multisig")
    opcode, data, size, at = next_op(raw, 0, len(script))
    needed = small_number(raw, opcode, data, size)
    keys: list[bytes] = []
    opcode, data, size, at = next_op(raw, at, len(script))
    while is_key(raw, data, size):
        keys.append(script[data : data + size])
        opcode, data, size, at = next_op(raw, at, len(script))
    return needed, keys


def disassemble(script: bytes) -> str:
    """Return a script as text: opcode names, and pushed data in hexadecimal.

    A push that is cut short ends the text with what is left of it, and says so.
    """
    raw = np.frombuffer(script, np.uint8).copy()
    words: list[str] = []
    at = 0
    while at < len(script):
        opcode, data, size, after = next_op(raw, at, len(script))
        if opcode == NO_OPCODE:
            words.append(f"[push cut short: {script[at:].hex()}]")
        else:
            words.append(script[data : data + size].hex() if size else opcode_name(opcode))
        at = after
    return " ".join(words)


def opcode_name(opcode: int) -> str:
    """Return an opcode's name, or its number where it has none."""
    known = LATER_NAMES.get(opcode)
    if known is not None:
        return known
    # The library names some numbers above this as placeholders of its own templates.
    return f"OP_UNKNOWN_{opcode:02x}" if opcode > LAST_OPCODE else str(CScriptOp(opcode))
