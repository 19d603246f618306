"""From fetched transactions to a ledger in memory.

The ledger holds one block row for each height at which a transaction stands, and a last one for
the source's tip, so that it ends where the source does. Inputs are linked to outputs inside; what
others spend is external, with the amount and script that are known of it. Outputs whose spender
nobody has asked for are listed, because in such a ledger "no transaction here spends it" does not
mean "unspent".
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from arien_flows.fetched.records import Proved
from arien_flows.ledger.memory import view_of
from arien_flows.ledger.new_addresses import ExternalOutputs
from arien_flows.ledger.numbering import Locks
from arien_flows.ledger.view import Gaps, View
from chains.bitcoin.decode import decode_transactions, header_hashes
from chains.bitcoin.headers import HEADER_LENGTH
from chains.bitcoin.networks import Network
from chains.bitcoin.script import classify_scripts
from chains.errors import SourceUnavailableError
from chains.lookups import BlockHeader
from chains.tables import BlockBatch
from chains.types import BoolArray, Int64Array, TxIdRaw, UInt8Array, UInt32Array

_VERSION_SIZE = 4
_OUTPOINT_SIZE = 36
_LENGTHS = {0xFD: 2, 0xFE: 4, 0xFF: 8}
"""Bytes of a compact size behind its first byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """A ledger of fetched transactions."""

    view: View
    spent_txid: UInt8Array
    """What each input spends, linked or not, as stored, shape (inputs, 32)."""

    spent_vout: UInt32Array
    is_proved: BoolArray
    """Whether the amount of each input is read from the transaction that made it."""

    def outpoint(self, number: int) -> tuple[TxIdRaw, int]:
        """Return what an input spends."""
        return TxIdRaw(self.spent_txid[number].tobytes()), int(self.spent_vout[number])


def assemble(network: Network, tip: BlockHeader, transactions: Sequence[Proved]) -> Assembled:
    """Return the ledger of transactions that stand in chain order, none above the tip.

    Raises `SourceUnavailableError` where the headers' clocks run backwards.
    """
    of_height = {each.place.height: each.header for each in transactions} | {tip.height: tip}
    headers = [of_height[height] for height in sorted(of_height)]
    heights = np.array([header.height for header in headers], dtype=np.int64)
    median_times = np.array([header.median_time for header in headers], dtype=np.int64)
    if np.any(np.diff(median_times) < 0):
        raise SourceUnavailableError("the source states median times that run backwards")
    stands = np.array([each.place.height for each in transactions], dtype=np.int64)
    lengths = np.array([len(each.raw) for each in transactions], dtype=np.int64)
    spent = [output for each in transactions for output in each.spent]
    script_lengths = np.array([len(output.script) for output in spent], dtype=np.int64)
    parts = [each.raw for each in transactions] + [output.script for output in spent]
    raw = np.frombuffer(b"".join(parts), dtype=np.uint8)
    starts = np.cumsum(lengths) - lengths
    script_starts = int(lengths.sum()) + np.cumsum(script_lengths) - script_lengths
    batch = decode_transactions(raw, starts, lengths)
    batch = _with_blocks(batch, headers, np.searchsorted(stands, heights), transactions, starts)
    kind, payload_start, payload_length = classify_scripts(raw, script_starts, script_lengths)
    view = view_of(
        batch,
        network,
        heights=heights.astype(np.uint32),
        external=ExternalOutputs(
            value_sat=np.array([output.value_sat for output in spent], dtype=np.int64),
            locks=Locks(source=raw, script_type=kind, start=payload_start, length=payload_length),
        ),
        gaps=Gaps(
            median_times=median_times,
            positions=np.array([each.place.position for each in transactions], dtype=np.int64),
        ),
    )
    return Assembled(
        view=view,
        spent_txid=batch.spent_txid,
        spent_vout=batch.spent_vout,
        is_proved=np.array([flag for each in transactions for flag in each.is_proved], np.bool_),
    )


def _with_blocks(
    batch: BlockBatch,
    headers: Sequence[BlockHeader],
    first_transaction: Int64Array,
    transactions: Sequence[Proved],
    starts: Int64Array,
) -> BlockBatch:
    """Add the block rows; a block whose coinbase was not fetched has an empty script for it."""
    rows = np.frombuffer(b"".join(each.header for each in headers), dtype=np.uint8)
    header = rows.reshape(-1, HEADER_LENGTH)
    script_start = np.zeros(len(headers), dtype=np.int64)
    script_length = np.zeros(len(headers), dtype=np.int64)
    sequence = np.zeros(len(headers), dtype=np.uint32)
    for block, first in enumerate(first_transaction.tolist()):
        if first < len(transactions) and transactions[first].contents.is_coinbase:
            each = transactions[first]
            if each.place.height != headers[block].height:
                continue
            start, length = _coinbase_script(each.raw)
            script_start[block] = int(starts[first]) + start
            script_length[block] = length
            at = start + length
            sequence[block] = int.from_bytes(each.raw[at : at + 4], "little")
    return replace(
        batch,
        header=header,
        block_hash=header_hashes(header),
        first_transaction=np.append(first_transaction, len(transactions)).astype(np.int64),
        coinbase_script_start=script_start,
        coinbase_script_length=script_length,
        coinbase_sequence=sequence,
    )


def _coinbase_script(raw: bytes) -> tuple[int, int]:
    """Return where the script of a well-formed coinbase starts, and how long it is."""
    marked = raw[_VERSION_SIZE] == 0
    at = _VERSION_SIZE + 2 * marked + 1 + _OUTPOINT_SIZE
    width = _LENGTHS.get(raw[at], 0)
    if not width:
        return at + 1, raw[at]
    return at + 1 + width, int.from_bytes(raw[at + 1 : at + 1 + width], "little")
