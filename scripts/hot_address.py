"""Give a ledger an address that is paid far more often than any other one, for measurements.

The ledger's largest unspent output is cut into pieces, and each piece is paid to one address by a
transaction of its own. A ledger looks at what blocks say and not at signatures, so these need none.
"""

import hashlib

import numpy as np

from arien_flows.ledger.view import View
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.address import address_text
from chains.bitcoin.decode import decode_blocks, header_hashes
from chains.tables import ScriptType

PROGRAM = hashlib.sha256(b"the busiest address").digest()[:20]
HOT_SCRIPT = b"\x00\x14" + PROGRAM
ANYBODY = b"\x51"
"""The script of the pieces: true, whoever asks."""

PAYMENTS_PER_BLOCK = 20_000
COINBASE_INPUT = b"\x01" + bytes(32) + b"\xff\xff\xff\xff"


def heat(writer: LedgerWriter, payments: int) -> str:
    """Append blocks that pay one address so many times; return its text."""
    view = writer.view
    funding, value = _cut_up(view, payments)
    _append(writer, [funding])
    parent = _double(funding)
    for start in range(0, payments, PAYMENTS_PER_BLOCK):
        stop = min(start + PAYMENTS_PER_BLOCK, payments)
        paid = [
            _transaction(parent + vout.to_bytes(4, "little"), [(value, HOT_SCRIPT)])
            for vout in range(start, stop)
        ]
        _append(writer, paid)
    text = address_text(ScriptType.P2WPKH, PROGRAM, view.network)
    if text is None:
        raise AssertionError("a witness program has an address")
    return text


def _cut_up(view: View, pieces: int) -> tuple[bytes, int]:
    """Return a transaction that cuts the largest unspent output up, and the value of a piece."""
    unspent = view.spender >= view.counts.transactions
    output = int(np.argmax(np.where(unspent, view.output_value, -1)))
    transaction = int(view.transactions_of_outputs(np.array([output]))[0])
    vout = output - int(view.first_output[transaction])
    value = int(view.output_value[output]) // pieces
    outpoint = view.txid[transaction].tobytes() + vout.to_bytes(4, "little")
    return _transaction(outpoint, [(value, ANYBODY)] * pieces), value


def _append(writer: LedgerWriter, transactions: list[bytes]) -> None:
    height = writer.next_height
    coinbase = (
        b"\x01\x00\x00\x00" + COINBASE_INPUT + b"\x05\x04" + height.to_bytes(4, "little")
        + b"\xff\xff\xff\xff" + b"\x01" + bytes(8) + b"\x01\x51" + bytes(4)
    )  # fmt: skip
    every = [coinbase, *transactions]
    header = (
        b"\x01\x00\x00\x00"
        + header_hashes(writer.view.header[-1:])[0].tobytes()
        + _merkle_root([_double(raw) for raw in every])
        + writer.view.header[-1, 68:72].tobytes()
        + b"\xff\xff\x7f\x20"
        + bytes(4)
    )
    block = header + _size(len(every)) + b"".join(every)
    raw = np.frombuffer(block, dtype=np.uint8)
    starts, lengths = np.zeros(1, dtype=np.int64), np.array([len(raw)], dtype=np.int64)
    writer.append(decode_blocks(raw, starts, lengths))


def _transaction(outpoint: bytes, outputs: list[tuple[int, bytes]]) -> bytes:
    paid = b"".join(
        value.to_bytes(8, "little") + _size(len(script)) + script for value, script in outputs
    )
    spent = b"\x01" + outpoint + b"\x00" + b"\xff\xff\xff\xff"
    return b"\x01\x00\x00\x00" + spent + _size(len(outputs)) + paid + bytes(4)


def _size(count: int) -> bytes:
    if count < 0xFD:
        return bytes([count])
    if count <= 0xFFFF:
        return b"\xfd" + count.to_bytes(2, "little")
    return b"\xfe" + count.to_bytes(4, "little")


def _double(message: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(message).digest()).digest()


def _merkle_root(nodes: list[bytes]) -> bytes:
    while len(nodes) > 1:
        pairs = [*nodes, nodes[-1]] if len(nodes) % 2 else nodes
        nodes = [_double(pairs[i] + pairs[i + 1]) for i in range(0, len(pairs), 2)]
    return nodes[0]
