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
from arien_flows.ledger.schema import NO_ADDRESS, UNSPENT
from arien_flows.ledger.unspent import Found, Outpoints, id_words
from arien_flows.ledger.unspent_table import FIRST_FACTOR, UNRESOLVED, mixed_key
from chains.tables import BlockBatch
from chains.types import Int64Array, UInt32Array, UInt64Array
from heuristics.jit import kernel

NOTHING = np.uint64(0)
HIGH_HALF = np.uint64(0xFFFF_FFFF_0000_0000)
LOW_HALF = np.uint64(0xFFFF_FFFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpentInside:
    """What is left to settle once a batch's spends of itself are."""

    rows: Int64Array
    """The inputs that name no earlier transaction of the batch, in order …"""

    keys: Int64Array
    """… and the keys of what they spend."""

    spender: UInt32Array
    """Per output of the batch the number of the transaction that spends or voids it, or
    `UNSPENT`."""

    voided: Int64Array
    """Rows (output, batch-local transaction) of outputs that a repeated id voids."""


def settle_inside(
    batch: BlockBatch,
    spent: Outpoints,
    address: UInt32Array,
    found: Found,
    *,
    first_transaction: int,
    first_output: int,
    salt: np.uint64,
    most_voided: int,
) -> SpentInside:
    """Settle the inputs of a batch that name its own earlier transactions, filling `found`.

    `spent` is what each input names, `address` that of each output; the first transaction and the
    first output have the numbers `first_transaction` and `first_output`. `LedgerError` where
    repeated ids void more than `most_voided` outputs.
    """
    bits = max(4, (2 * batch.transaction_count).bit_length())
    rows, keys = np.empty((2, len(spent.vout)), dtype=np.int64)
    spender = np.full(len(address), UNSPENT, dtype=np.uint32)
    voided = np.empty((most_voided, 2), dtype=np.int64)
    with np.errstate(over="ignore"):
        unsettled, void_count = spend_inside(
            np.zeros(1 << bits, dtype=np.uint64),
            np.uint64(64 - bits),
            salt,
            id_words(batch.txid),
            batch.first_input,
            batch.first_output,
            spent.ids,
            spent.vout,
            batch.value,
            address,
            first_transaction,
            first_output,
            found.output,
            found.value,
            found.address,
            spender,
            rows,
            keys,
            voided,
        )
    if void_count < 0:
        raise LedgerError(f"more than {most_voided} outputs are voided by repeated coinbases")
    return SpentInside(
        rows=rows[:unsettled], keys=keys[:unsettled], spender=spender, voided=voided[:void_count]
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
    value: Int64Array,
    address: UInt32Array,
    numbered_from: int,
    outputs_from: int,
    spent_output: Int64Array,
    spent_value: Int64Array,
    spent_address: UInt32Array,
    spender: UInt32Array,
    rows: Int64Array,
    keys: Int64Array,
    voided_rows: Int64Array,
) -> tuple[int, int]:
    """Settle the inputs of a batch that name its own earlier transactions.

    `places` are zeros, a power of two and at least twice as many as transactions; one is named by
    what is left of 64 mixed bits after a shift to the right by `shift`. `wanted` and `vout` name
    what each input spends; `value` and `address` are those of the batch's outputs, of which the
    first has the number `outputs_from`, as the first transaction has `numbered_from`.

    Filled in are, for the inputs that are settled, `spent_output` (`UNRESOLVED` where the named
    transaction has no such unspent output), `spent_value` and `spent_address`; `spender`, which
    comes as `UNSPENT`, with the number of the transaction that spends or voids an output; `rows`
    and `keys` with the inputs that are not settled, in order, and the keys of what they spend;
    `voided_rows` with (output, batch-local transaction) of outputs that a repeated id voids.

    Returns
    -------
    How many inputs are not settled, and how many outputs were voided; the latter -1 if there were
    more than `voided_rows` has room for.
    """
    unsettled = 0
    voided = 0
    for transaction in range(len(ids)):
        for row in range(first_input[transaction], first_input[transaction + 1]):
            place = _place_of(places, shift, salt, ids, wanted, row)
            if places[place] == NOTHING:
                rows[unsettled] = row
                keys[unsettled] = mixed_key(wanted[row, 0], np.uint64(vout[row]), salt)
                unsettled += 1
                continue
            maker = np.int64(places[place] & LOW_HALF) - 1
            local = first_output[maker] + np.int64(vout[row])
            if (
                local >= first_output[maker + 1]
                or address[local] == NO_ADDRESS
                or spender[local] != UNSPENT
            ):
                spent_output[row] = UNRESOLVED
                continue
            spender[local] = numbered_from + transaction
            spent_output[row] = outputs_from + local
            spent_value[row] = value[local]
            spent_address[row] = address[local]
        place = _place_of(places, shift, salt, ids, ids, transaction)
        if places[place] != NOTHING and first_input[transaction] == first_input[transaction + 1]:
            maker = np.int64(places[place] & LOW_HALF) - 1
            for local in range(first_output[maker], first_output[maker + 1]):
                if address[local] == NO_ADDRESS or spender[local] != UNSPENT:
                    continue
                if voided == len(voided_rows):
                    return unsettled, -1
                voided_rows[voided, 0] = outputs_from + local
                voided_rows[voided, 1] = transaction
                voided += 1
                spender[local] = numbered_from + transaction
        places[place] = (ids[transaction, 0] & HIGH_HALF) | np.uint64(transaction + 1)
    return unsettled, voided
