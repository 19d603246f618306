"""A view: everything that the ledger said at one moment, as arrays.

All analysis reads a view, whether it was opened from disk or assembled in memory from fetched
transactions. A view is fixed: blocks that arrive later are not in it. The one column that is
written in place, the spender of an output, may already name a transaction past the view; such an
output reads as unspent, so use `spenders` and never the raw column alone.
"""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import IntEnum
from functools import cached_property

import numpy as np

from arien_flows.errors import InputError, NotFoundError
from arien_flows.ledger.history import History, HistoryIndex, Totals
from arien_flows.ledger.index import KeyIndex
from arien_flows.ledger.links import INNER_SCRIPT, SAME_KEY
from arien_flows.ledger.locks import key_hash_of
from arien_flows.ledger.numbering import KnownLocks, Locks, find_known
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.unspent import txid_prefixes
from chains.bitcoin.address import address_text, parse_address
from chains.bitcoin.address_texts import Locks as ScriptLocks
from chains.bitcoin.address_texts import address_texts
from chains.bitcoin.decode import header_hashes
from chains.bitcoin.headers import header_times, median_time_past
from chains.bitcoin.networks import Network
from chains.tables import ScriptType
from chains.types import (
    BoolArray,
    Int32Array,
    Int64Array,
    TxIdHex,
    UInt8Array,
    UInt32Array,
    raw_txid,
    shown_txid,
)
from heuristics.prefetch import read_rows


class LinkRule(IntEnum):
    """Why two addresses open with one secret, as the chain proves it (stored on disk)."""

    SAME_KEY = SAME_KEY
    """Both lock to one public key (P2PK, P2PKH, P2WPKH, or a script hash around one of them)."""

    INNER_SCRIPT = INNER_SCRIPT
    """One is the script that the other, a script hash, was shown to hide; or both hide it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Rows of each table that a view covers."""

    blocks: int = 0
    transactions: int = 0
    inputs: int = 0
    outputs: int = 0
    addresses: int = 0
    reveals: int = 0
    links: int = 0
    op_returns: int = 0
    overwrites: int = 0

    def as_tuple(self) -> tuple[int, ...]:
        """Return the counts in the order of `schema.TABLES`."""
        return tuple(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """The last block of a view."""

    height: int
    block_hash: TxIdHex
    """As people read it."""

    time: datetime
    """The header's own time; a miner may set it up to two hours wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """What a view that holds single transactions cannot tell from their neighbours."""

    median_times: Int64Array
    """Median time past of each block."""

    positions: Int64Array
    """Where each transaction stands in its block."""


@dataclass(frozen=True, kw_only=True)
class View:
    """A fixed state of a ledger. Arrays are read-only; numbers never leave the process."""

    network: Network
    counts: Counts
    generation: int
    """Raised by each roll-back; numbers of different generations must not meet."""

    header: UInt8Array
    block_height: UInt32Array
    first_transaction: Int64Array
    coinbase_sequence: UInt32Array
    first_coinbase_byte: Int64Array
    coinbase_script: UInt8Array
    txid: UInt8Array
    first_input: Int64Array
    first_output: Int64Array
    fee: Int64Array
    version: Int32Array
    locktime: UInt32Array
    stripped_size: UInt32Array
    witness_size: UInt32Array
    spent_output: Int64Array
    sequence: UInt32Array
    input_address: UInt32Array
    input_value: Int64Array
    sighash: UInt8Array
    input_flags: UInt8Array
    output_value: Int64Array
    output_address: UInt32Array
    spender: UInt32Array
    """Raw; a number at or past `counts.transactions` means unspent."""

    script_type: UInt8Array
    first_payload_byte: Int64Array
    payload: UInt8Array
    reveal_input: Int64Array
    reveal_kind: UInt8Array
    first_reveal_byte: Int64Array
    revealed: UInt8Array
    link_transaction: UInt32Array
    link_address: UInt32Array
    link_earlier: UInt32Array
    link_rule: UInt8Array
    op_return_output: Int64Array
    first_op_return_byte: Int64Array
    op_return_data: UInt8Array
    overwrite_output: Int64Array
    overwrite_transaction: UInt32Array

    transactions_by_id: KeyIndex
    addresses_by_lock: KeyIndex
    reveals_by_lock: KeyIndex
    histories: HistoryIndex

    gaps: Gaps | None = None
    """Nothing for a ledger of whole blocks, one after the other."""

    # --- blocks and time

    @cached_property
    def tip(self) -> Tip:
        """The last block; `NotFoundError` where there is none yet."""
        if not self.counts.blocks:
            raise NotFoundError(
                f"the ledger of {self.network.name} is empty: fill it with "
                "`arien-flows ledger ingest`"
            )
        return Tip(
            height=int(self.block_height[-1]),
            block_hash=self.block_hash(self.counts.blocks - 1),
            time=datetime.fromtimestamp(int(header_times(self.header[-1:])[0]), tz=UTC),
        )

    def block_hash(self, block: int) -> TxIdHex:
        """Return the hash of the block in a row of the block table, as people read it."""
        return shown_txid(header_hashes(self.header[block : block + 1])[0].tobytes())

    def times_of_blocks(self, blocks: Int64Array | slice) -> Int64Array:
        """Return the header times of rows of the block table, in seconds since 1970, UTC."""
        return header_times(self.header[blocks]).astype(np.int64)

    @cached_property
    def median_times(self) -> Int64Array:
        """Median time past of each block: the chain's own clock, which never runs backwards."""
        if self.gaps is not None:
            return self.gaps.median_times
        times = median_time_past(header_times(self.header)).astype(np.int64)
        if self.counts.blocks and self.block_height[0]:
            # The first ten blocks of a ledger that begins late lack headers to take the median
            # of; what stands in its place must not run backwards either.
            times = np.minimum.accumulate(times[::-1])[::-1]
        return times

    def blocks_of(self, transactions: Int64Array) -> Int64Array:
        """Return the block row of each transaction."""
        return np.searchsorted(self.first_transaction, transactions, side="right") - 1

    def heights_of(self, transactions: Int64Array) -> Int64Array:
        """Return the height of each transaction."""
        return self.block_height[self.blocks_of(transactions)].astype(np.int64)

    # --- transactions and what they move

    def position_of(self, transaction: int) -> int:
        """Return where a transaction stands in its block; 0 is the coinbase."""
        if self.gaps is not None:
            return int(self.gaps.positions[transaction])
        block = int(self.blocks_of(np.array([transaction]))[0])
        return transaction - int(self.first_transaction[block])

    def is_coinbase(self, transactions: Int64Array) -> BoolArray:
        """Return which transactions spend nothing."""
        wanted = np.asarray(transactions)
        coinbase: BoolArray = self.first_input[wanted] == self.first_input[wanted + 1]
        return coinbase

    def transactions_of_outputs(self, outputs: Int64Array) -> Int64Array:
        """Return the transaction that makes each output."""
        return np.searchsorted(self.first_output, outputs, side="right") - 1

    def transactions_of_inputs(self, inputs: Int64Array) -> Int64Array:
        """Return the transaction that each input belongs to."""
        return np.searchsorted(self.first_input, inputs, side="right") - 1

    def spenders(self, outputs: Int64Array) -> Int64Array:
        """Return the transaction that spends each output, -1 where none of this view does.

        An output that a repeated coinbase id made unspendable (BIP 30) names that coinbase.
        """
        spender = self.spender[outputs].astype(np.int64)
        return np.where(spender < self.counts.transactions, spender, -1)

    # --- text in and out

    def find_transaction(self, txid: str) -> int:
        """Return the number of a transaction; of two with one id (BIP 30) the later."""
        text = txid.strip().lower()
        if len(text) != 64 or not set(text) <= set("0123456789abcdef"):
            raise InputError(
                f"{txid!r} is not a transaction id: it has 64 hexadecimal digits, 0-9 and a-f"
            )
        raw = np.frombuffer(raw_txid(TxIdHex(text)), dtype=np.uint8)
        key = int(txid_prefixes(raw.reshape(1, 32))[0])
        found = [
            number
            for number in self.transactions_by_id.candidates(key)
            if np.array_equal(self.txid[number], raw)
        ]
        if not found:
            raise NotFoundError(f"no transaction {text} {self._extent()}")
        return found[-1]

    def find_output(self, outpoint: str) -> int:
        """Return the number of the output that `txid:vout` names."""
        txid, separator, vout = outpoint.strip().rpartition(":")
        if not separator or not vout.isdecimal():
            raise InputError(f"{outpoint!r} is not an output: write it as TXID:POSITION")
        transaction = self.find_transaction(txid)
        first, end = self.first_output[transaction], self.first_output[transaction + 1]
        if int(vout) >= end - first:
            raise NotFoundError(
                f"transaction {txid} has {end - first} outputs, numbered from 0; "
                f"there is no output {vout}"
            )
        return int(first) + int(vout)

    def find_address(self, text: str) -> int:
        """Return the number of the address that a text names."""
        script_type, payload = parse_address(text, self.network)
        number = self.find_lock(script_type, payload)
        if number is None:
            others = self.forms_of_key(script_type, payload)
            known = ", ".join(str(self.address_text(other)) for other in others)
            hint = f"; its key was used in another form, ask for {known}" if others else ""
            raise NotFoundError(f"address {text.strip()} was never used {self._extent()}{hint}")
        return number

    def forms_of_key(self, script_type: ScriptType, payload: bytes) -> list[int]:
        """Return the used addresses that lock to the one key that a script names, ascending.

        Scripts that name no single key (script hashes, taproot, multisig) have none.
        """
        wanted = key_hash_of(script_type, payload)
        if wanted is None:
            return []
        found = self.addresses_by_lock.candidates(_key_of(script_type, payload))
        return [number for number in found if key_hash_of(*self.lock(number)) == wanted]

    def find_lock(self, script_type: ScriptType, payload: bytes) -> int | None:
        """Return the address number of a script, or nothing."""
        for number in self.addresses_by_lock.candidates(_key_of(script_type, payload)):
            if self.lock(number) == (script_type, payload):
                return number
        return None

    @property
    def known_locks(self) -> KnownLocks:
        """The script of each address number, and the index over them."""
        return KnownLocks(
            source=self.payload,
            script_type=self.script_type,
            first=self.first_payload_byte,
            runs=self.addresses_by_lock.runs,
        )

    def find_locks(self, locks: Locks) -> tuple[Int64Array, Int64Array]:
        """Return the address number of each script, and the lowest that its key opens.

        Each is -1 where the view holds none; the second is the first where a script names no
        single key. One pass over the index for all of them: made for hundreds of thousands.
        """
        return find_known(locks, locks.keys(), self.known_locks)

    def lock(self, address: int) -> tuple[ScriptType, bytes]:
        """Return the script type and payload of an address number."""
        begin, end = self.first_payload_byte[address], self.first_payload_byte[address + 1]
        return ScriptType(int(self.script_type[address])), self.payload[begin:end].tobytes()

    def address_text(self, address: int) -> str | None:
        """Return the canonical text of an address number; nothing for `NO_ADDRESS`."""
        if address == NO_ADDRESS:
            return None
        return address_text(*self.lock(address), self.network)

    def address_texts(self, addresses: Int64Array) -> list[str | None]:
        """Return the canonical texts of address numbers, as `address_text` does one by one."""
        known, place = np.unique(addresses[addresses != NO_ADDRESS], return_inverse=True)
        read_rows(self.script_type, known)
        read_rows(self.first_payload_byte, known)
        read_rows(self.payload, self.first_payload_byte[known])
        made = address_texts(
            ScriptLocks(
                script_type=self.script_type[known],
                first_byte=self.first_payload_byte[known],
                past_byte=self.first_payload_byte[known + 1],
                payload=self.payload,
            ),
            self.network,
        )
        texts = iter([made[number] for number in place.tolist()])
        return [None if none else next(texts) for none in (addresses == NO_ADDRESS).tolist()]

    def txid_texts(self, transactions: Int64Array) -> list[TxIdHex]:
        """Return the ids of transactions as people read them."""
        read_rows(self.txid, transactions)
        text = self.txid[transactions][:, ::-1].tobytes().hex()
        return [TxIdHex(text[begin : begin + 64]) for begin in range(0, len(text), 64)]

    def txid_text(self, transaction: int) -> TxIdHex:
        """Return the id of a transaction as people read it."""
        return shown_txid(self.txid[transaction].tobytes())

    def outpoint_text(self, output: int) -> str:
        """Return an output as `txid:vout`."""
        transaction = int(self.transactions_of_outputs(np.array([output]))[0])
        return f"{self.txid_text(transaction)}:{output - int(self.first_output[transaction])}"

    def _extent(self) -> str:
        if not self.counts.blocks:
            return f"in the ledger of {self.network.name}, which is empty"
        return f"on {self.network.name} up to block {self.tip.height}, where the ledger ends"

    # --- addresses

    def totals(self, address: int) -> Totals:
        """Return what an address has done."""
        return self.histories.totals(address)

    def totals_of_many(self, addresses: Int64Array) -> list[Totals]:
        """Return what each of many addresses has done."""
        return self.histories.totals_of_many(addresses)

    def history(self, address: int, start: int = 0, stop: int | None = None) -> History:
        """Return entries `[start, stop)` of an address's history, one per transaction."""
        return self.histories.history(address, start, stop)

    def stretch_of_history(self, address: int, first: int, last: int) -> tuple[int, int]:
        """Return which entries of an address's history lie in transactions `first` to `last`."""
        return self.histories.stretch(address, first, last)

    def place_in_history(self, address: int, transaction: int) -> int | None:
        """Return which entry of an address's history a transaction is; nothing if it is none."""
        return self.histories.place(address, transaction)


def _key_of(script_type: ScriptType, payload: bytes) -> int:
    """Return the key under which a script's class is filed."""
    source = np.frombuffer(payload, dtype=np.uint8)
    lock = Locks(
        source=source,
        script_type=np.array([script_type], dtype=np.uint8),
        start=np.zeros(1, dtype=np.int64),
        length=np.array([len(source)], dtype=np.int64),
    )
    return int(lock.keys()[0])


COLUMN_FIELDS: dict[str, str] = {
    "blocks/header": "header",
    "blocks/height": "block_height",
    "blocks/first_transaction": "first_transaction",
    "blocks/coinbase_sequence": "coinbase_sequence",
    "blocks/first_coinbase_byte": "first_coinbase_byte",
    "blocks/coinbase_script": "coinbase_script",
    "transactions/txid": "txid",
    "transactions/first_input": "first_input",
    "transactions/first_output": "first_output",
    "transactions/fee": "fee",
    "transactions/version": "version",
    "transactions/locktime": "locktime",
    "transactions/stripped_size": "stripped_size",
    "transactions/witness_size": "witness_size",
    "inputs/spent_output": "spent_output",
    "inputs/sequence": "sequence",
    "inputs/address": "input_address",
    "inputs/value": "input_value",
    "inputs/sighash": "sighash",
    "inputs/flags": "input_flags",
    "outputs/value": "output_value",
    "outputs/address": "output_address",
    "outputs/spender": "spender",
    "addresses/script_type": "script_type",
    "addresses/first_payload_byte": "first_payload_byte",
    "addresses/payload": "payload",
    "reveals/input": "reveal_input",
    "reveals/kind": "reveal_kind",
    "reveals/first_byte": "first_reveal_byte",
    "reveals/revealed": "revealed",
    "links/transaction": "link_transaction",
    "links/address": "link_address",
    "links/earlier": "link_earlier",
    "links/rule": "link_rule",
    "op_returns/output": "op_return_output",
    "op_returns/first_byte": "first_op_return_byte",
    "op_returns/data": "op_return_data",
    "overwrites/output": "overwrite_output",
    "overwrites/transaction": "overwrite_transaction",
}
"""Which field of a view holds which column of the schema."""
