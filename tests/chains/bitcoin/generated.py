"""Hypothesis strategies for scripts, transactions and blocks, built with python-bitcoinlib."""

from bitcoin.core import (
    CBlock,
    COutPoint,
    CTransaction,
    CTxIn,
    CTxInWitness,
    CTxOut,
    CTxWitness,
)
from bitcoin.core.script import CScript, CScriptWitness
from hypothesis import strategies as st

from chains.bitcoin.parse import MAX_VALUE_SAT


def push(data: bytes) -> bytes:
    """Return the shortest push of up to 255 bytes, by length alone."""
    return bytes([len(data)]) + data if len(data) < 0x4C else b"\x4c" + bytes([len(data)]) + data


def sized(length: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=length, max_size=length)


compressed = st.builds(bytes.__add__, st.sampled_from([b"\x02", b"\x03"]), sized(32))
uncompressed = st.builds(bytes.__add__, st.sampled_from([b"\x04", b"\x06", b"\x07"]), sized(64))
keys = compressed | uncompressed
odd_keys = st.builds(bytes.__add__, st.sampled_from([b"\x00", b"\x04", b"\x05"]), sized(32))


def number(value: int) -> bytes:
    """Return the script that pushes 1 to 20."""
    return bytes([0x50 + value]) if value <= 16 else bytes([1, value])


@st.composite
def multisigs(draw: st.DrawFn) -> bytes:
    """Draw an m-of-n script, sometimes with a wrong count or key."""
    if draw(st.booleans()):
        total = draw(st.integers(1, 4))
        chosen = draw(st.lists(keys, min_size=total, max_size=total))
    else:
        total = draw(st.integers(15, 21))
        chosen = [draw(compressed)] * total
    if draw(st.integers(0, 9)) == 0:
        chosen[0] = draw(odd_keys)
    needed = draw(st.integers(1, total))
    stated = total + draw(st.sampled_from([0, 0, 0, 0, 0, 1]))
    return number(needed) + b"".join(map(push, chosen)) + number(stated) + b"\xae"


programs = st.builds(
    lambda version, program: bytes([version, len(program)]) + program,
    st.sampled_from([0, 0x51, 0x51, 0x52, 0x60, 0x61]),
    sized(20) | sized(32) | st.binary(min_size=1, max_size=42),
)
templates = st.one_of(
    st.builds(lambda key: push(key) + b"\xac", keys | odd_keys),
    st.builds(lambda h: b"\x76\xa9\x14" + h + b"\x88\xac", sized(20)),
    st.builds(lambda h: b"\xa9\x14" + h + b"\x87", sized(20)),
    st.builds(lambda data: b"\x6a" + data, st.binary(max_size=90)),
    programs,
    multisigs(),
)


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Draw bytes with one of them changed, removed or added."""
    script = bytearray(draw(whole))
    at = draw(st.integers(0, len(script)))
    match draw(st.integers(0, 2)):
        case 0 if at < len(script):
            script[at] = draw(st.integers(0, 255))
        case 1 if at < len(script):
            del script[at]
        case _:
            script.insert(at, draw(st.integers(0, 255)))
    return bytes(script)


scripts = templates | damaged(templates) | st.binary(max_size=60)


@st.composite
def signatures(draw: st.DrawFn) -> bytes:
    """Draw an item of DER shape with any hash type, now and then padded."""
    left, right = draw(st.binary(min_size=1, max_size=33)), draw(st.binary(min_size=1, max_size=33))
    body = b"\x02" + bytes([len(left)]) + left + b"\x02" + bytes([len(right)]) + right
    padding = draw(st.sampled_from([b"", b"", b"", b"\x00\x00"]))
    hash_type = draw(st.sampled_from([1, 1, 1, 2, 3, 0x81, 0x82, 0x83, 0, 4, 0x41]))
    return b"\x30" + bytes([len(body)]) + body + padding + bytes([hash_type])


schnorr = sized(64) | st.builds(
    lambda body, hash_type: body + bytes([hash_type]), sized(64), st.sampled_from([1, 0x83, 0])
)
inner_scripts = templates | multisigs()
controls = st.integers(0, 2).flatmap(lambda hashes: sized(33 + 32 * hashes))
items = st.one_of(
    signatures(),
    damaged(signatures()),
    keys,
    schnorr,
    inner_scripts,
    controls,
    st.just(b""),
    st.binary(max_size=5).map(lambda rest: b"\x50" + rest),
    st.binary(max_size=100),
)
stacks = st.lists(items, max_size=5)


@st.composite
def input_scripts(draw: st.DrawFn) -> bytes:
    """Draw a scriptSig: mostly pushes, now and then another opcode, or the end missing."""
    parts = [push(item[:255]) for item in draw(st.lists(items, max_size=5))]
    if draw(st.integers(0, 5)) == 0:
        at = draw(st.integers(0, len(parts)))
        parts.insert(at, bytes([draw(st.integers(0x4F, 0xFF))]))
    script = b"".join(parts)
    return script[:-1] if draw(st.integers(0, 9)) == 0 else script


inputs = st.builds(
    CTxIn,
    st.builds(COutPoint, sized(32).map(lambda rest: b"\x01" + rest[1:]), st.integers(0, 2**32 - 1)),
    input_scripts().map(CScript),
    st.integers(0, 2**32 - 1),
)
outputs = st.builds(CTxOut, st.integers(0, MAX_VALUE_SAT), scripts.map(CScript))


@st.composite
def transactions(draw: st.DrawFn, most: int = 3) -> CTransaction:
    """Draw a transaction that spends something."""
    vin = draw(st.lists(inputs, min_size=1, max_size=most))
    vout = draw(st.lists(outputs, min_size=1, max_size=most))
    witness = [draw(stacks) for _ in vin] if draw(st.booleans()) else []
    return CTransaction(
        vin,
        vout,
        draw(st.integers(0, 2**32 - 1)),
        draw(st.integers(-(2**31), 2**31 - 1)),
        CTxWitness([CTxInWitness(CScriptWitness(stack)) for stack in witness]),
    )


@st.composite
def coinbases(draw: st.DrawFn) -> CTransaction:
    """Draw a coinbase, with or without a witness."""
    source = CTxIn(
        COutPoint(), CScript(draw(st.binary(min_size=2, max_size=100))), draw(st.integers(0, 9))
    )
    stack = [draw(sized(32))] if draw(st.booleans()) else []
    witness = CTxWitness([CTxInWitness(CScriptWitness(stack))])
    return CTransaction([source], draw(st.lists(outputs, min_size=1, max_size=2)), 0, 1, witness)


def block_of(chosen: list[CTransaction]) -> CBlock:
    """Return a block with these transactions and their merkle root."""
    root = CBlock.build_merkle_tree_from_txs(chosen)[-1]
    return CBlock(4, b"\x11" * 32, root, 1_700_000_000, 0x207FFFFF, 7, chosen)


@st.composite
def blocks(draw: st.DrawFn) -> bytes:
    """Draw a serialised block of a few different transactions."""
    rest = draw(st.lists(transactions(2), max_size=4, unique_by=lambda t: t.GetTxid()))
    return bytes(block_of([draw(coinbases()), *rest]).serialize())
