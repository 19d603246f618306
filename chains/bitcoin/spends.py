"""What an input shows once it is known which type of script it spends.

Signatures commit to parts of the transaction by their hash type (the sighash class); spending a
hash reveals the key or script behind it. Scripts are not run. Blocks come from a node that
checked them, so it is enough to know where things must stand:

- The last push of an input script is the top of the stack when the output script starts. For
  P2PKH that is the key, and the signature is below it; for P2SH it is the redeem script, and its
  hash fits even in outputs from before BIP-16 that only look like P2SH. An input script that
  does not end in a push (a few in the early chain) shows nothing.
- In a witness the positions are fixed: BIP-141 for version 0, BIP-341 for taproot.

Where positions do not tell (multisig, any P2SH or P2WSH script), what looks like a signature
counts as one (`signatures`).

A redeem script of one byte that a number opcode pushes does not stand in the bytes and is not
reported.
"""

from typing import NamedTuple

import numpy as np

from chains.bitcoin.fill import read_size
from chains.bitcoin.hashing import byte_at
from chains.bitcoin.script import (
    MULTISIG,
    NO_OPCODE,
    NONSTANDARD,
    P2PK,
    P2PKH,
    P2SH,
    P2TR,
    P2WPKH,
    P2WSH,
    classify,
    is_key,
    next_op,
)
from chains.bitcoin.signatures import NONE_SEEN, class_of, der_class, joined, schnorr_class
from chains.room import Room
from chains.tables import BlockBatch, InputFlag, RevealKind, ScriptType, SpendFacts
from chains.types import Int64Array, UInt8Array
from heuristics.jit import kernel, kernel_part

WITNESS = int(InputFlag.WITNESS)
COMPRESSED_KEY = int(InputFlag.COMPRESSED_KEY)
UNCOMPRESSED_KEY = int(InputFlag.UNCOMPRESSED_KEY)
TAPROOT_SCRIPT_PATH = int(InputFlag.TAPROOT_SCRIPT_PATH)
ANNEX = int(InputFlag.ANNEX)

KEY = int(RevealKind.KEY)
REDEEM_SCRIPT = int(RevealKind.REDEEM_SCRIPT)
WITNESS_SCRIPT = int(RevealKind.WITNESS_SCRIPT)
TAP_LEAF = int(RevealKind.TAP_LEAF)

NO_REVEAL = 0

ABSENT = -1
"""Stands for the start of an item that does not exist."""


class Reveals(NamedTuple):
    """Reveals in input order; more room than is used."""

    input: Int64Array
    kind: UInt8Array
    start: Int64Array
    length: Int64Array


Shown = tuple[int, int, int, int, int]
"""What an input shows: the class of its signatures, its flags (without `WITNESS`), and kind
(`NO_REVEAL` for none), start and length of what it reveals."""


@kernel
def scan_pushes(raw: UInt8Array, at: int, stop: int) -> tuple[int, int, int, int, int]:
    """Read an input script.

    Return the class of the signatures among its pushes, the last opcode left out; start and
    length of what the last opcode pushes (start `ABSENT` if it is no push of data); and start and
    length of what the opcode before it pushes (likewise).
    """
    seen = NONE_SEEN
    top, top_length = ABSENT, 0
    below, below_length = ABSENT, 0
    while at < stop:
        opcode, start, length, at = next_op(raw, at, stop)
        if top != ABSENT:
            seen = joined(seen, der_class(raw, top, top_length))
        below, below_length = top, top_length
        top, top_length = start, length
        if opcode == NO_OPCODE or opcode > 0x4E:
            top, top_length = ABSENT, 0
    return seen, top, top_length, below, below_length


@kernel
def witness_ends(raw: UInt8Array, at: int) -> tuple[int, int, int, int, int, int, int]:
    """Return the number of items of a witness, and start and length of its last three.

    The last comes first; a start is `ABSENT` where there are fewer.
    """
    items, at = read_size(raw, at)
    last, last_length = ABSENT, 0
    second, second_length = ABSENT, 0
    third, third_length = ABSENT, 0
    for _ in range(items):
        size, at = read_size(raw, at)
        third, third_length = second, second_length
        second, second_length = last, last_length
        last, last_length = at, size
        at += size
    return items, last, last_length, second, second_length, third, third_length


@kernel
def witness_class(raw: UInt8Array, at: int, items: int, schnorr: bool) -> int:
    """Return the class of the signatures among the first `items` items of a witness."""
    seen = NONE_SEEN
    _, at = read_size(raw, at)
    for _ in range(items):
        size, at = read_size(raw, at)
        found = schnorr_class(raw, at, size) if schnorr else der_class(raw, at, size)
        seen = joined(seen, found)
        at += size
    return seen


@kernel_part
def key_flag(length: int) -> int:
    """Return the flag of a public key of this length."""
    return COMPRESSED_KEY if length == 33 else UNCOMPRESSED_KEY


@kernel
def inner_key_flags(raw: UInt8Array, start: int, length: int) -> int:
    """Return the flags of the keys that a revealed script holds, if it is P2PK or m-of-n."""
    kind, _payload, payload_length = classify(raw, start, length)
    if kind == P2PK:
        return key_flag(payload_length)
    flags = 0
    if kind == MULTISIG:
        at = start
        while at < start + length:
            opcode, _data, size, at = next_op(raw, at, start + length)
            if opcode != NO_OPCODE and size >= 33:
                flags |= key_flag(size)
    return flags


@kernel_part
def inspect_key_witness(raw: UInt8Array, witness: int) -> Shown:
    """Inspect the witness of a P2WPKH spend."""
    items, at = read_size(raw, witness)
    if items != 2:
        return NONE_SEEN, 0, NO_REVEAL, 0, 0
    signature_length, signature = read_size(raw, at)
    key_length, key = read_size(raw, signature + signature_length)
    if signature_length == 0 or not is_key(raw, key, key_length):
        return NONE_SEEN, 0, NO_REVEAL, 0, 0
    seen = class_of(byte_at(raw, signature + signature_length - 1))
    return seen, key_flag(key_length), KEY, key, key_length


@kernel
def inspect_script_witness(raw: UInt8Array, witness: int) -> Shown:
    """Inspect the witness of a P2WSH spend."""
    items, last, last_length, _, _, _, _ = witness_ends(raw, witness)
    if items == 0:
        return NONE_SEEN, 0, NO_REVEAL, 0, 0
    flags = inner_key_flags(raw, last, last_length)
    seen = witness_class(raw, witness, items - 1, False)
    return seen, flags, WITNESS_SCRIPT, last, last_length


@kernel
def inspect_taproot(raw: UInt8Array, witness: int) -> Shown:
    """Inspect the witness of a P2TR spend."""
    items, last, last_length, second, second_length, third, third_length = witness_ends(
        raw, witness
    )
    flags = 0
    if items >= 2 and last_length > 0 and byte_at(raw, last) == 0x50:
        flags = ANNEX
        items -= 1
        last, last_length = second, second_length
        second, second_length = third, third_length
    if items == 1:
        return schnorr_class(raw, last, last_length), flags, NO_REVEAL, 0, 0
    # A control block is 33 bytes and up to 128 hashes.
    if items < 2 or last_length < 33 or last_length > 4129 or (last_length - 33) % 32 != 0:
        return NONE_SEEN, flags, NO_REVEAL, 0, 0
    seen = witness_class(raw, witness, items - 2, True)
    return seen, flags | TAPROOT_SCRIPT_PATH, TAP_LEAF, second, second_length


@kernel
def inspect_witness(raw: UInt8Array, kind: int, witness: int) -> Shown:
    """Inspect the witness of an input that spends a witness program of type `kind`."""
    if kind == P2WPKH:
        return inspect_key_witness(raw, witness)
    if kind == P2WSH:
        return inspect_script_witness(raw, witness)
    if kind == P2TR:
        return inspect_taproot(raw, witness)
    return NONE_SEEN, 0, NO_REVEAL, 0, 0


@kernel
def inspect_pay_to_script(
    raw: UInt8Array, start: int, stop: int, witness: int
) -> tuple[int, int, int, int, int, int, int]:
    """Inspect a P2SH spend; `witness` is `ABSENT` where the input carries none.

    Start (`ABSENT` where there is none) and length of the redeem script follow what else is
    shown.
    """
    seen, top, top_length, below, below_length = scan_pushes(raw, start, stop)
    if top == ABSENT:
        return NONE_SEEN, 0, NO_REVEAL, 0, 0, ABSENT, 0
    inner, _, _ = classify(raw, top, top_length)
    if inner in (P2WPKH, P2WSH) and witness != ABSENT:
        seen, flags, reveal, at, size = inspect_witness(raw, inner, witness)
        return seen, flags, reveal, at, size, top, top_length
    if inner == P2PKH and below != ABSENT and is_key(raw, below, below_length):
        return seen, key_flag(below_length), NO_REVEAL, 0, 0, top, top_length
    return seen, inner_key_flags(raw, top, top_length), NO_REVEAL, 0, 0, top, top_length


@kernel
def inspect_pushes(raw: UInt8Array, kind: int, start: int, stop: int) -> Shown:
    """Inspect an input script that spends a bare or P2PKH output of type `kind`."""
    seen, top, top_length, below, below_length = scan_pushes(raw, start, stop)
    if top == ABSENT:
        return seen, 0, NO_REVEAL, 0, 0
    if kind == P2PKH:
        if below == ABSENT or below_length == 0 or not is_key(raw, top, top_length):
            return NONE_SEEN, 0, NO_REVEAL, 0, 0
        seen = class_of(byte_at(raw, below + below_length - 1))
        return seen, key_flag(top_length), KEY, top, top_length
    if kind == P2PK and top_length > 0:
        return class_of(byte_at(raw, top + top_length - 1)), 0, NO_REVEAL, 0, 0
    return joined(seen, der_class(raw, top, top_length)), 0, NO_REVEAL, 0, 0


@kernel
def inspect_each(
    raw: UInt8Array,
    script_start: Int64Array,
    script_length: Int64Array,
    witness_start: Int64Array,
    witness_length: Int64Array,
    spent_type: UInt8Array,
    sighash: UInt8Array,
    flags: UInt8Array,
    reveals: Reveals,
) -> int:
    """Inspect all inputs; write the last three arguments and return the count of reveals."""
    reveal_input, reveal_kind = reveals.input, reveals.kind
    reveal_start, reveal_length = reveals.start, reveals.length
    count = 0
    for i in range(len(spent_type)):
        kind = int(np.int64(spent_type[i]))
        start = int(script_start[i])
        stop = start + int(script_length[i])
        witness = int(witness_start[i])
        if witness_length[i] == 0 or byte_at(raw, witness) == 0:
            witness = ABSENT
        script, script_size = ABSENT, 0
        seen, marks, reveal, at, size = NONE_SEEN, 0, NO_REVEAL, 0, 0
        if kind == P2SH:
            seen, marks, reveal, at, size, script, script_size = inspect_pay_to_script(
                raw, start, stop, witness
            )
        elif kind in (P2PKH, P2PK, MULTISIG, NONSTANDARD):
            seen, marks, reveal, at, size = inspect_pushes(raw, kind, start, stop)
        elif witness != ABSENT:
            seen, marks, reveal, at, size = inspect_witness(raw, kind, witness)
        sighash[i] = seen
        flags[i] = marks if witness == ABSENT else marks | WITNESS
        if script != ABSENT:
            reveal_input[count] = i
            reveal_kind[count] = REDEEM_SCRIPT
            reveal_start[count] = script
            reveal_length[count] = script_size
            count += 1
        if reveal != NO_REVEAL:
            reveal_input[count] = i
            reveal_kind[count] = reveal
            reveal_start[count] = at
            reveal_length[count] = size
            count += 1
    return count


def inspect_spends(batch: BlockBatch, spent_type: UInt8Array) -> SpendFacts:
    """Return what the inputs of a batch show.

    Parameters
    ----------
    batch
        The batch, from `decode_blocks` or `decode_transactions`.
    spent_type
        `ScriptType` of the output that each input spends, one for each row of the input table.

    Raises
    ------
    ValueError
        `spent_type` has another length than the input table, or holds a number that is no type.
    """
    inputs = len(batch.spent_vout)
    if len(spent_type) != inputs:
        raise ValueError(f"{len(spent_type)} spent types for {inputs} inputs")
    if inputs and spent_type.max() > max(ScriptType):
        raise ValueError(f"{spent_type.max()} is not a script type")
    most = inputs + int(np.count_nonzero(spent_type == P2SH))
    room = Room(25 * most + 2 * inputs, arrays=6)
    reveals = Reveals(
        input=room.take(np.int64, most),
        kind=room.take(np.uint8, most),
        start=room.take(np.int64, most),
        length=room.take(np.int64, most),
    )
    sighash = room.take(np.uint8, inputs)
    flags = room.take(np.uint8, inputs)
    count = inspect_each(
        batch.raw,
        batch.input_script_start,
        batch.input_script_length,
        batch.witness_start,
        batch.witness_length,
        spent_type,
        sighash,
        flags,
        reveals,
    )
    return SpendFacts(
        sighash=sighash,
        flags=flags,
        reveal_input=reveals.input[:count],
        reveal_kind=reveals.kind[:count],
        reveal_start=reveals.start[:count],
        reveal_length=reveals.length[:count],
    )
