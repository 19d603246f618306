"""What the transactions of a batch spend of each other.

About half of all outputs are spent within a day, many within the hour. Those whose whole life
falls in one batch never enter the table of unspent outputs: transactions are taken in order, and an
input that names an earlier one of the batch is settled here, by the full id. So the big table is
searched for the others only, and a spender that is known when the output's row is first written
needs no writing in place.

An earlier transaction of the batch hides one of the ledger with the same id (BIP 30): a coinbase
that repeats an id voids the outputs of the older one.
"""

from dataclasses import dataclass

import numpy as np

from arien_flows.errors import LedgerError
from arien_flows.ledger.schema import UNSPENT
from arien_flows.ledger.unspent import id_words, new_salt
from arien_flows.ledger.unspent_table import FIRST_FACTOR, UNRESOLVED
from chains.tables import BlockBatch, ScriptType
from chains.types import Int64Array, UInt8Array, UInt32Array, UInt64Array
from heuristics.jit import kernel

OP_RETURN = int(ScriptType.OP_RETURN)
MAX_OVERWRITES = 1 << 16
"""Outputs that repeated coinbase ids may void in one batch; the main chain has 2 in all."""

NOTHING = np.uint64(0)
HIGH_HALF = np.uint64(0xFFFF_FFFF_0000_0000)
LOW_HALF = np.uint64(0xFFFF_FFFF)


OUTSIDE = -2
"""An input names no earlier transaction of its batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpentInside:
    """What the transactions of a batch spend of each other; all numbers are batch-local."""

    output: Int64Array
    """Per input the output that it spends; `OUTSIDE` where it names no earlier transaction of the
    batch, `UNRESOLVED` where that has no such unspent output."""

    outside: Int64Array
    """The inputs that are `OUTSIDE`, in order."""

    spender: UInt32Array
    """Per output the transaction that spends or voids it, or `UNSPENT`."""

    voided: Int64Array
    """Rows (output, transaction) of outputs that a repeated id voids."""


def settle_inside(batch: BlockBatch) -> SpentInside:
    """Settle the inputs of a batch that name its own earlier transactions.

    `LedgerError` where repeated ids void more than `MAX_OVERWRITES` outputs.
    """
    bits = max(4, (2 * batch.transaction_count).bit_length())
    inputs, outputs = len(batch.spent_vout), len(batch.value)
    output, outside = np.empty((2, inputs), dtype=np.int64)
    spender = np.full(outputs, UNSPENT, dtype=np.uint32)
    voided = np.empty((min(MAX_OVERWRITES, outputs), 2), dtype=np.int64)
    with np.errstate(over="ignore"):
        outside_count, void_count = spend_inside(
            np.zeros(1 << bits, dtype=np.uint64),
            np.uint64(64 - bits),
            new_salt(),
            id_words(batch.txid),
            batch.first_input,
            batch.first_output,
            id_words(batch.spent_txid),
            batch.spent_vout,
            batch.script_type,
            output,
            spender,
            outside,
            voided,
        )
    if void_count < 0:
        raise LedgerError(f"more than {MAX_OVERWRITES} outputs are voided by repeated coinbases")
    return SpentInside(
        output=output,
        outside=outside[:outside_count],
        spender=spender,
        voided=voided[:void_count],
    )


@kernel
def _same_id(left: UInt64Array, left_row: int, right: UInt64Array, right_row: int) -> bool:
    for word in range(4):  # noqa: SIM110 - Numba compiles no generators
        if left[left_row, word] != right[right_row, word]:
            return False
    return True


@kernel
def _place_of(
    places: UInt64Array,
    shift: np.uint64,
    salt: np.uint64,
    ids: UInt64Array,
    wanted: UInt64Array,
    row: int,
) -> int:
    """Return the place of the id `wanted[row]`, or the empty one where it would stand.

    A place holds the upper half of the id's first word, and the transaction's number plus one.
    """
    prefix = wanted[row, 0]
    mask = len(places) - 1
    place = np.int64(((prefix ^ salt) * FIRST_FACTOR) >> shift)
    while places[place] != NOTHING:
        if (places[place] ^ prefix) & HIGH_HALF == NOTHING:
            other = int(np.int64(places[place] & LOW_HALF)) - 1
            if _same_id(ids, other, wanted, row):
                break
        place = (place + 1) & mask
    return int(place)


@kernel
def spend_inside(
    places: UInt64Array,
    shift: np.uint64,
    salt: np.uint64,
    ids: UInt64Array,
    first_input: Int64Array,
    first_output: Int64Array,
    wanted: UInt64Array,
    vout: UInt32Array,
    script_type: UInt8Array,
    spent_output: Int64Array,
    spender: UInt32Array,
    outside: Int64Array,
    voided_rows: Int64Array,
) -> tuple[int, int]:
    """Settle the inputs of a batch that name its own earlier transactions.

    `places` are zeros, a power of two and at least twice as many as transactions; one is named by
    what is left of 64 mixed bits after a shift to the right by `shift`. `wanted` and `vout` name
    what each input spends; `script_type` is that of the batch's outputs.

    Filled in are the columns of `SpentInside`, of which `spender` comes as `UNSPENT`.

    Returns
    -------
    How many inputs are `OUTSIDE`, and how many outputs were voided; the latter -1 if there were
    more than `voided_rows` has room for.
    """
    outside_count = 0
    voided = 0
    for transaction in range(len(ids)):
        for row in range(first_input[transaction], first_input[transaction + 1]):
            place = _place_of(places, shift, salt, ids, wanted, row)
            if places[place] == NOTHING:
                spent_output[row] = OUTSIDE
                outside[outside_count] = row
                outside_count += 1
                continue
            maker = np.int64(places[place] & LOW_HALF) - 1
            local = first_output[maker] + np.int64(vout[row])
            if (
                local >= first_output[maker + 1]
                or script_type[local] == OP_RETURN
                or spender[local] != UNSPENT
            ):
                spent_output[row] = UNRESOLVED
                continue
            spender[local] = transaction
            spent_output[row] = local
        place = _place_of(places, shift, salt, ids, ids, transaction)
        if places[place] != NOTHING and first_input[transaction] == first_input[transaction + 1]:
            maker = np.int64(places[place] & LOW_HALF) - 1
            for local in range(first_output[maker], first_output[maker + 1]):
                if script_type[local] == OP_RETURN or spender[local] != UNSPENT:
                    continue
                if voided == len(voided_rows):
                    return outside_count, -1
                voided_rows[voided, 0] = local
                voided_rows[voided, 1] = transaction
                voided += 1
                spender[local] = transaction
        places[place] = (ids[transaction, 0] & HIGH_HALF) | np.uint64(transaction + 1)
    return outside_count, voided
