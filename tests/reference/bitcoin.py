"""Slow, obvious versions of the Bitcoin decoding kernels, on python-bitcoinlib's objects."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from bitcoin.core import CBlock, CTransaction
from bitcoin.core.contrib.ripemd160 import ripemd160
from bitcoin.core.script import CScript, CScriptInvalidError

from chains.tables import InputFlag, RevealKind, ScriptType, SighashClass

Push = bytes | None
"""What an opcode pushes; None for one that pushes no data from the script."""

TEMPLATES = (
    (ScriptType.P2PKH, rb"\x76\xa9\x14(.{20})\x88\xac"),
    (ScriptType.P2SH, rb"\xa9\x14(.{20})\x87"),
    (ScriptType.P2WPKH, rb"\x00\x14(.{20})"),
    (ScriptType.P2WSH, rb"\x00\x20(.{32})"),
    (ScriptType.P2TR, rb"\x51\x20(.{32})"),
    (ScriptType.OP_RETURN, rb"\x6a(.*)"),
    (ScriptType.P2PK, rb"\x21([\x02\x03].{32})\xac"),
    (ScriptType.P2PK, rb"\x41([\x04\x06\x07].{64})\xac"),
)
KEY = re.compile(rb"[\x02\x03].{32}|[\x04\x06\x07].{64}", re.DOTALL)
CLASSES = {0x01, 0x02, 0x03, 0x81, 0x82, 0x83}


def double_sha256(message: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(message).digest()).digest()


def hash160(message: bytes) -> bytes:
    return bytes(ripemd160(hashlib.sha256(message).digest()))


def operations(script: bytes) -> list[tuple[int, Push]]:
    """Return opcodes with what they push; -1 stands for a last push that is cut short."""
    found: list[tuple[int, Push]] = []
    try:
        for opcode, data, _ in CScript(script).raw_iter():
            found.append((opcode, None if opcode > 0x4E else bytes(data)))
    except CScriptInvalidError:
        found.append((-1, None))
    return found


def small_number(opcode: int, data: Push) -> int | None:
    """Return 1 to 16 from its opcode, or 17 to 20 from a push of one byte."""
    if 0x51 <= opcode <= 0x60:
        return opcode - 0x50
    if opcode == 1 and data is not None and 17 <= data[0] <= 20:
        return data[0]
    return None


def multisig(script: bytes) -> tuple[int, list[bytes]] | None:
    """Return m and the keys of a bare m-of-n."""
    ops = operations(script)
    if len(ops) < 4 or ops[-1][0] != 0xAE:
        return None
    needed, total = small_number(*ops[0]), small_number(*ops[-2])
    keys = [data for _, data in ops[1:-2] if data is not None and KEY.fullmatch(data)]
    if needed is None or total is None or not 1 <= needed <= total:
        return None
    if len(keys) != len(ops) - 3 or len(keys) != total:
        return None
    return needed, keys


def classify(script: bytes) -> tuple[ScriptType, bytes]:
    """Return type and payload of an output script."""
    for kind, pattern in TEMPLATES:
        if found := re.fullmatch(pattern, script, re.DOTALL):
            return kind, found[1]
    program = re.fullmatch(rb"([\x51-\x60])(.)(.{2,40})", script, re.DOTALL)
    if program and program[2][0] == len(program[3]):
        return ScriptType.WITNESS_UNKNOWN, script
    return (ScriptType.MULTISIG if multisig(script) else ScriptType.NONSTANDARD), script


def merkle_root(txids: list[bytes]) -> tuple[bytes, bool]:
    """Return the root, and whether a pair of two nodes of its own holds the same hash twice."""
    mutated = False
    level = txids
    while len(level) > 1:
        mutated |= any(level[i] == level[i + 1] for i in range(0, len(level) - 1, 2))
        if len(level) % 2:
            level = [*level, level[-1]]
        level = [double_sha256(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
    return level[0], mutated


@dataclass
class Rows:
    """The columns of a batch as lists, named like those of `BlockBatch`."""

    header: list[bytes] = field(default_factory=list)
    block_hash: list[bytes] = field(default_factory=list)
    first_transaction: list[int] = field(default_factory=lambda: [0])
    coinbase_script: list[bytes] = field(default_factory=list)
    coinbase_sequence: list[int] = field(default_factory=list)
    txid: list[bytes] = field(default_factory=list)
    version: list[int] = field(default_factory=list)
    locktime: list[int] = field(default_factory=list)
    stripped_size: list[int] = field(default_factory=list)
    witness_size: list[int] = field(default_factory=list)
    first_input: list[int] = field(default_factory=lambda: [0])
    first_output: list[int] = field(default_factory=lambda: [0])
    spent_txid: list[bytes] = field(default_factory=list)
    spent_vout: list[int] = field(default_factory=list)
    sequence: list[int] = field(default_factory=list)
    input_script: list[bytes] = field(default_factory=list)
    witness: list[bytes] = field(default_factory=list)
    value: list[int] = field(default_factory=list)
    script_type: list[int] = field(default_factory=list)
    payload: list[bytes] = field(default_factory=list)


def add_transaction(rows: Rows, transaction: CTransaction) -> None:
    """Append one transaction and its inputs and outputs."""
    rows.txid.append(transaction.GetTxid())
    rows.version.append(transaction.nVersion)
    rows.locktime.append(transaction.nLockTime)
    stripped = CTransaction(
        transaction.vin, transaction.vout, transaction.nLockTime, transaction.nVersion
    )
    rows.stripped_size.append(len(stripped.serialize()))
    rows.witness_size.append(len(transaction.serialize()) - rows.stripped_size[-1])
    for position, source in enumerate(transaction.vin):
        if source.prevout.is_null():
            continue
        rows.spent_txid.append(source.prevout.hash)
        rows.spent_vout.append(source.prevout.n)
        rows.sequence.append(source.nSequence)
        rows.input_script.append(bytes(source.scriptSig))
        stack: Any = b""
        if rows.witness_size[-1]:
            stack = transaction.wit.vtxinwit[position].serialize()
        rows.witness.append(stack)
    for target in transaction.vout:
        kind, payload = classify(bytes(target.scriptPubKey))
        rows.value.append(target.nValue)
        rows.script_type.append(kind)
        rows.payload.append(payload)
    rows.first_input.append(len(rows.spent_vout))
    rows.first_output.append(len(rows.value))


def decode_blocks(blocks: list[bytes]) -> Rows:
    """Return the rows of serialised blocks."""
    rows = Rows()
    for raw in blocks:
        block = CBlock.deserialize(raw)
        rows.header.append(raw[:80])
        rows.block_hash.append(block.GetHash())
        rows.coinbase_script.append(bytes(block.vtx[0].vin[0].scriptSig))
        rows.coinbase_sequence.append(block.vtx[0].vin[0].nSequence)
        for transaction in block.vtx:
            add_transaction(rows, transaction)
        rows.first_transaction.append(len(rows.txid))
    return rows


def hash_type_class(signature: bytes) -> SighashClass:
    """Return the class of an ECDSA signature from its last byte."""
    return SighashClass(signature[-1]) if signature[-1] in CLASSES else SighashClass.OTHER


def der_class(item: bytes) -> SighashClass | None:
    """Return the class of an item of DER shape."""
    if not 9 <= len(item) <= 80 or item[0] != 0x30 or item[2] != 0x02:
        return None
    if item[1] > len(item) - 3:
        return None
    rest = item[4 + item[3] : -1]
    if len(rest) < 2 or rest[0] != 0x02 or len(rest) < 2 + rest[1]:
        return None
    return hash_type_class(item)


def schnorr_class(item: bytes) -> SighashClass | None:
    """Return the class of an item of a taproot signature's size."""
    if len(item) == 64:
        return SighashClass.DEFAULT
    if len(item) == 65 and item[-1] in CLASSES:
        return SighashClass(item[-1])
    return None


def combined(classes: list[SighashClass | None]) -> SighashClass:
    """Return the one class of all signatures."""
    seen = {found for found in classes if found is not None}
    if not seen:
        return SighashClass.NONE_SEEN
    return seen.pop() if len(seen) == 1 else SighashClass.MIXED


def key_flags(*keys: bytes) -> InputFlag:
    """Return the flags that keys of these lengths set."""
    flags = InputFlag(0)
    for key in keys:
        flags |= InputFlag.COMPRESSED_KEY if len(key) == 33 else InputFlag.UNCOMPRESSED_KEY
    return flags


def inner_flags(script: bytes) -> InputFlag:
    """Return the flags of the keys in a revealed script of a known form."""
    kind, payload = classify(script)
    if kind == ScriptType.P2PK:
        return key_flags(payload)
    parts = multisig(script)
    return key_flags(*parts[1]) if parts else InputFlag(0)


Shown = tuple[SighashClass, InputFlag, list[tuple[RevealKind, bytes]]]


def inspect_spend(kind: ScriptType, script: bytes, stack: list[bytes]) -> Shown:
    """Return class, flags and reveals of one input."""
    seen, flags, reveals = inspect_positions(kind, script, stack)
    return seen, flags | (InputFlag.WITNESS if stack else InputFlag(0)), reveals


def inspect_positions(kind: ScriptType, script: bytes, stack: list[bytes]) -> Shown:
    """Do what `inspect_spend` does, but for the witness flag."""
    nothing: Shown = (SighashClass.NONE_SEEN, InputFlag(0), [])
    if kind in (ScriptType.P2WPKH, ScriptType.P2WSH, ScriptType.P2TR):
        return inspect_witness(kind, stack) if stack else nothing
    ops = operations(script)
    if kind in (ScriptType.WITNESS_UNKNOWN, ScriptType.OP_RETURN) or not ops:
        return nothing
    pushes = [data for _, data in ops]
    top = pushes[-1]
    below = pushes[-2] if len(pushes) > 1 else None
    seen = combined([der_class(push) for push in pushes[:-1] if push is not None])
    match kind:
        case ScriptType.P2PK if top:
            return hash_type_class(top), InputFlag(0), []
        case ScriptType.P2PKH:
            if not top or not below or not KEY.fullmatch(top):
                return (seen, *nothing[1:]) if top is None else nothing
            return hash_type_class(below), key_flags(top), [(RevealKind.KEY, top)]
        case ScriptType.P2SH:
            if top is None:
                return nothing
            reveal = (RevealKind.REDEEM_SCRIPT, top)
            inner = classify(top)[0]
            if inner in (ScriptType.P2WPKH, ScriptType.P2WSH) and stack:
                nested = inspect_witness(inner, stack)
                return nested[0], nested[1], [reveal, *nested[2]]
            if inner == ScriptType.P2PKH and below and KEY.fullmatch(below):
                return seen, key_flags(below), [reveal]
            return seen, inner_flags(top), [reveal]
    return combined([der_class(p) for p in pushes if p is not None]), InputFlag(0), []


def inspect_witness(kind: ScriptType, stack: list[bytes]) -> Shown:
    """Return class, flags and reveals of a witness that is not empty."""
    if kind == ScriptType.P2WPKH:
        if len(stack) != 2 or not stack[0] or not KEY.fullmatch(stack[1]):
            return SighashClass.NONE_SEEN, InputFlag(0), []
        key = stack[1]
        return hash_type_class(stack[0]), key_flags(key), [(RevealKind.KEY, key)]
    if kind == ScriptType.P2WSH:
        seen = combined([der_class(item) for item in stack[:-1]])
        return seen, inner_flags(stack[-1]), [(RevealKind.WITNESS_SCRIPT, stack[-1])]
    flags = InputFlag(0)
    if len(stack) > 1 and stack[-1][:1] == b"\x50":
        flags, stack = InputFlag.ANNEX, stack[:-1]
    if len(stack) == 1:
        return combined([schnorr_class(stack[0])]), flags, []
    if len(stack[-1]) not in range(33, 4130, 32):
        return SighashClass.NONE_SEEN, flags, []
    seen = combined([schnorr_class(item) for item in stack[:-2]])
    return seen, flags | InputFlag.TAPROOT_SCRIPT_PATH, [(RevealKind.TAP_LEAF, stack[-2])]
