"""What an Esplora server's answers say, as the program's own values; pure, no input or output.

The documented shapes (Blockstream's `API.md`) are kept alike by Blockstream, mempool.space and
one's own electrs; what differs is read either way: versions as signed or as unsigned numbers, an
empty witness as a missing or as an empty list, fields that only some servers send.

A transaction comes as JSON that holds every part of it, so its bytes are put together again here
and hashed: the id tells whether nothing but the witness can be wrong. A header is rebuilt in the
same way, and its hash is its proof.
"""

import struct
from dataclasses import dataclass

from chains.bitcoin.esplora.json import Json, UnexpectedAnswerError, hexadecimal
from chains.bitcoin.hashing import double_sha256
from chains.bitcoin.headers import target_of
from chains.bitcoin.parse import MAX_VALUE_SAT
from chains.lookups import MerkleBranch, Sighting, StatedOutput
from chains.types import TxIdRaw, shown_txid

_UINT32 = 0xFFFFFFFF
_HIGHEST = _UINT32
"""Of a height: the ledger's own bound."""

_MOST_LEVELS = 32
"""Of a merkle tree; a block of 4 MB has room for fewer than 2^17 transactions."""

_NO_TXID = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedTransaction:
    """A transaction as an answer describes it."""

    sighting: Sighting
    """Its id and its height as stated."""

    raw: bytes
    """Put together from the parts, witness included."""

    hashed: TxIdRaw
    """The id that `raw` has."""

    size: int | None
    """Bytes that `raw` should have, as stated; nothing where the server does not say."""

    spent: tuple[StatedOutput, ...] | None
    """What the inputs spend, in order; nothing where one of them is not stated."""

    def describes(self, txid: TxIdRaw) -> bool:
        """Return whether the description is that of the transaction, and a whole one.

        The id says nothing of the witness; the size shows at least that none is left out.
        """
        return self.hashed == txid and self.size in (None, len(self.raw))


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedBlock:
    """A block as an answer describes it; its header hashes to the hash that is stated."""

    block_hash: bytes
    height: int
    header: bytes
    median_time: int | None
    """Nothing where the server does not state it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionCounts:
    """How many transactions touch a script, as stated."""

    confirmed: int
    unconfirmed: int


def read_hash(body: bytes) -> bytes:
    """Return a block hash, as stored, that is the whole answer, without quotes."""
    text = body.decode("ascii", "replace").strip()
    found = hexadecimal(text, "the answer")
    if len(found) != 32:
        raise UnexpectedAnswerError("the answer is not a block hash")
    return found[::-1]


def read_transaction(body: bytes) -> StatedTransaction:
    """Read `/tx/:txid`."""
    return _transaction(Json.decode(body))


def read_transactions(body: bytes) -> list[StatedTransaction]:
    """Read a page of a history, in the server's order."""
    return [_transaction(item) for item in Json.decode(body).items()]


def read_counts(body: bytes) -> TransactionCounts:
    """Read `/scripthash/:hash`."""
    found = Json.decode(body)
    confirmed, unconfirmed = (
        found.field(name).field("tx_count").integer(0, _UINT32)
        for name in ("chain_stats", "mempool_stats")
    )
    return TransactionCounts(confirmed=confirmed, unconfirmed=unconfirmed)


def read_spender(body: bytes) -> Sighting | None:
    """Read `/tx/:txid/outspend/:vout`; nothing for an output that is unspent."""
    return _spender(Json.decode(body))


def read_spenders(body: bytes) -> list[Sighting | None]:
    """Read `/tx/:txid/outspends`, one entry for each output."""
    return [_spender(item) for item in Json.decode(body).items()]


def read_branch(body: bytes) -> tuple[int, MerkleBranch]:
    """Read `/tx/:txid/merkle-proof`: the height of the block, and the branch in it."""
    found = Json.decode(body)
    path = tuple(item.stored_hash() for item in found.field("merkle").items())
    if len(path) > _MOST_LEVELS:
        raise UnexpectedAnswerError(f"the branch has {len(path)} levels")
    position = found.field("pos").integer(0, (1 << len(path)) - 1)
    height = found.field("block_height").integer(0, _HIGHEST)
    return height, MerkleBranch(position=position, path=path)


def read_block(body: bytes) -> StatedBlock:
    """Read `/block/:hash`."""
    return _block(Json.decode(body))


def read_blocks(body: bytes) -> list[StatedBlock]:
    """Read `/blocks/:height`: a block and some of those below it, downwards."""
    return [_block(item) for item in Json.decode(body).items()]


def _transaction(found: Json) -> StatedTransaction:
    version = found.field("version").integer(-(1 << 31), _UINT32) & _UINT32
    inputs = [_Input.read(item) for item in found.field("vin").items()]
    outputs = [_output(item) for item in found.field("vout").items()]
    head, tail = struct.pack("<I", version), struct.pack("<I", _uint32(found.field("locktime")))
    body = b"".join(
        (
            _size(len(inputs)),
            *(item.serialised for item in inputs),
            _size(len(outputs)),
            *(struct.pack("<Q", item.value_sat) + _sized(item.script) for item in outputs),
        )
    )
    raw = stripped = head + body + tail
    if any(item.witness for item in inputs):
        raw = b"".join((head, b"\0\1", body, *(_witness(item.witness) for item in inputs), tail))
    size = found.optional("size")
    return StatedTransaction(
        sighting=Sighting(
            txid=found.field("txid").stored_hash(), height=_height(found.field("status"))
        ),
        raw=raw,
        hashed=TxIdRaw(double_sha256(stripped)),
        size=None if size is None else _uint32(size),
        spent=_spent(inputs),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Input:
    serialised: bytes
    """Without the witness."""

    witness: list[bytes]
    coinbase: bool
    spends: StatedOutput | None

    @classmethod
    def read(cls, found: Json) -> "_Input":
        txid, vout = found.field("txid").stored_hash(), _uint32(found.field("vout"))
        script = found.field("scriptsig").hexadecimal()
        sequence = _uint32(found.field("sequence"))
        witness, prevout = found.optional("witness"), found.optional("prevout")
        return cls(
            serialised=b"".join(
                (txid, struct.pack("<I", vout), _sized(script), struct.pack("<I", sequence))
            ),
            witness=[] if witness is None else [item.hexadecimal() for item in witness.items()],
            coinbase=txid == _NO_TXID and vout == _UINT32,
            spends=None if prevout is None else _output(prevout),
        )


def _spent(inputs: list[_Input]) -> tuple[StatedOutput, ...] | None:
    if len(inputs) == 1 and inputs[0].coinbase:
        return ()
    stated = tuple(item.spends for item in inputs if item.spends is not None)
    return stated if len(stated) == len(inputs) else None


def _output(found: Json) -> StatedOutput:
    return StatedOutput(
        value_sat=found.field("value").integer(0, MAX_VALUE_SAT),
        script=found.field("scriptpubkey").hexadecimal(),
    )


def _spender(found: Json) -> Sighting | None:
    if not found.field("spent").claim():
        return None
    return Sighting(txid=found.field("txid").stored_hash(), height=_height(found.field("status")))


def _height(status: Json) -> int | None:
    if not status.field("confirmed").claim():
        return None
    return status.field("block_height").integer(0, _HIGHEST)


def _block(found: Json) -> StatedBlock:
    # Only the genesis block has no parent.
    parent = found.optional("previousblockhash")
    header = struct.pack(
        "<I32s32sIII",
        found.field("version").integer(-(1 << 31), _UINT32) & _UINT32,
        _NO_TXID if parent is None else parent.stored_hash(),
        found.field("merkle_root").stored_hash(),
        *(_uint32(found.field(name)) for name in ("timestamp", "bits", "nonce")),
    )
    block_hash, stated = double_sha256(header), found.field("id").stored_hash()
    if block_hash != stated:
        raise UnexpectedAnswerError(
            f"{found.place}: the header of block {shown_txid(stated)} hashes to something else"
        )
    if int.from_bytes(block_hash, "little") > target_of(int.from_bytes(header[72:76], "little")):
        raise UnexpectedAnswerError(
            f"{found.place}: the header of block {shown_txid(stated)} does not meet its own target"
        )
    median = found.optional("mediantime")
    return StatedBlock(
        block_hash=block_hash,
        height=found.field("height").integer(0, _HIGHEST),
        header=header,
        median_time=None if median is None else _uint32(median),
    )


def _uint32(found: Json) -> int:
    return found.integer(0, _UINT32)


def _size(count: int) -> bytes:
    """Return a count or length as transactions write it ("compact size")."""
    if count < 0xFD:
        return struct.pack("<B", count)
    if count <= 0xFFFF:
        return struct.pack("<BH", 0xFD, count)
    return struct.pack("<BI", 0xFE, count)


def _sized(script: bytes) -> bytes:
    return _size(len(script)) + script


def _witness(stack: list[bytes]) -> bytes:
    return _size(len(stack)) + b"".join(_sized(item) for item in stack)
