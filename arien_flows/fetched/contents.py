"""Reading fetched transactions: all of them at once, each checked against its id."""

from collections.abc import Mapping

import numpy as np

from arien_flows.fetched.records import Contents
from chains.bitcoin.decode import decode_transactions
from chains.bitcoin.script import script_of
from chains.lookups import FetchedTransaction, StatedOutput
from chains.tables import BlockBatch, ScriptType
from chains.types import TxIdRaw, shown_txid


def read_contents(fetched: Mapping[TxIdRaw, FetchedTransaction]) -> dict[TxIdRaw, Contents]:
    """Return what transactions say.

    Raises `MalformedBlockError` for bytes that are no transaction, and ValueError for one that
    does not hash to its id.
    """
    lengths = np.array([len(each.raw) for each in fetched.values()], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    raw = np.frombuffer(b"".join(each.raw for each in fetched.values()), dtype=np.uint8)
    batch = decode_transactions(raw, starts, lengths)
    for row, txid in enumerate(fetched):
        if batch.txid[row].tobytes() != txid:
            raise ValueError(
                f"transaction {shown_txid(batch.txid[row].tobytes())} instead of {shown_txid(txid)}"
            )
    outputs = _outputs(batch)
    first_input, first_output = batch.first_input.tolist(), batch.first_output.tolist()
    spent = [TxIdRaw(row.tobytes()) for row in batch.spent_txid]
    outpoints = list(zip(spent, batch.spent_vout.tolist(), strict=True))
    sizes = batch.stripped_size.tolist()
    return {
        txid: Contents(
            spends=tuple(outpoints[first_input[row] : first_input[row + 1]]),
            pays=tuple(outputs[first_output[row] : first_output[row + 1]]),
            stripped_size=sizes[row],
        )
        for row, txid in enumerate(fetched)
    }


def _outputs(batch: BlockBatch) -> list[StatedOutput]:
    raw = batch.raw.tobytes()
    return [
        StatedOutput(
            value_sat=value_sat, script=script_of(ScriptType(kind), raw[start : start + length])
        )
        for value_sat, kind, start, length in zip(
            batch.value.tolist(),
            batch.script_type.tolist(),
            batch.payload_start.tolist(),
            batch.payload_length.tolist(),
            strict=True,
        )
    ]
