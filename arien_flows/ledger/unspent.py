"""The unspent outputs, as an open-addressing table in memory.

It answers one question while blocks are taken in: which output does this input spend, and to whom
and how much was it? Only the writer holds it; it is rebuilt from the columns when a ledger is
opened for writing, so it is never a second truth on disk.

A slot is one cache half-line of four words: the first 64 bits of the transaction id, the output's
number, its value, and its position in the transaction together with its address number. An
output is found by id prefix and position. Where two unspent outputs share both (an attacker can
grind such ids) the full ids in the columns decide; a block that spends an output which does not
exist is refused by its missing entry. Linear probing, deletion by shifting back, at most half full.

A coinbase that repeats the id of an earlier one (BIP 30: blocks 91,842 and 91,880) makes that one's
unspent outputs unspendable for ever; they are reported as overwritten.
"""

from dataclasses import dataclass

import numpy as np

from arien_flows.ledger.schema import NO_ADDRESS
from chains.types import Int64Array, UInt8Array, UInt32Array
from heuristics.jit import kernel

SMALLEST = 1 << 12

PREFIX, OUTPUT, VALUE, PLACE = 0, 1, 2, 3
"""The words of a slot. `PLACE` is vout << 32 | address number + 1, so 0 marks an empty slot."""

UNRESOLVED = -1


@dataclass(slots=True)
class UnspentOutputs:
    """The table and how full it is."""

    slots: Int64Array
    count: int

    @classmethod
    def with_room_for(cls, outputs: int) -> "UnspentOutputs":
        """Return an empty table that stays at most half full with this many outputs."""
        capacity = SMALLEST
        while capacity < 2 * outputs:
            capacity *= 2
        return cls(slots=np.zeros((capacity, 4), dtype=np.int64), count=0)

    def reserve(self, outputs: int) -> None:
        """Make room for this many more outputs."""
        if 2 * (self.count + outputs) <= len(self.slots):
            return
        grown = UnspentOutputs.with_room_for(self.count + outputs)
        _rehash(self.slots, grown.slots)
        self.slots = grown.slots


def txid_prefixes(txid: UInt8Array) -> Int64Array:
    """Return the first 64 bits of stored ids, shape (n, 32), as the table and index key them."""
    return np.ascontiguousarray(txid[:, :8]).view("<i8").ravel()


@kernel
def _home(prefix: int, vout: int, capacity: int) -> int:
    """Return the slot where a search starts. Ids are uniform, so their low bits will do."""
    return (prefix ^ (vout * 0x9E3779B1)) & (capacity - 1)


@kernel
def _place(slots: Int64Array, prefix: int, vout: int, output: int, value: int, place: int) -> None:
    mask = len(slots) - 1
    slot = _home(prefix, vout, len(slots))
    while slots[slot, PLACE] != 0:
        slot = (slot + 1) & mask
    slots[slot, PREFIX] = prefix
    slots[slot, OUTPUT] = output
    slots[slot, VALUE] = value
    slots[slot, PLACE] = place


@kernel
def _rehash(old: Int64Array, new: Int64Array) -> None:
    for slot in range(len(old)):
        place = old[slot, PLACE]
        if place != 0:
            _place(
                new,
                old[slot, PREFIX],
                (place >> 32) & 0xFFFF_FFFF,
                old[slot, OUTPUT],
                old[slot, VALUE],
                place,
            )


@kernel
def _remove(slots: Int64Array, slot: int) -> None:
    """Empty a slot and move later entries of its chain back, so that no search breaks off."""
    mask = len(slots) - 1
    hole = slot
    probe = slot
    while True:
        probe = (probe + 1) & mask
        place = slots[probe, PLACE]
        if place == 0:
            break
        home = _home(slots[probe, PREFIX], (place >> 32) & 0xFFFF_FFFF, len(slots))
        if ((probe - home) & mask) >= ((probe - hole) & mask):
            for word in range(4):
                slots[hole, word] = slots[probe, word]
            hole = probe
    slots[hole, PLACE] = 0


@kernel
def _owner_of(output: int, first_output: Int64Array, new_first: Int64Array) -> int:
    """Return the transaction of an output: of the ledger, or past its end one of the batch."""
    known = len(first_output) - 1
    if output < first_output[known]:
        return int(np.searchsorted(first_output, output, side="right")) - 1
    local = output - first_output[known]
    return known + int(np.searchsorted(new_first, local, side="right")) - 1


@kernel
def _is_txid(transaction: int, txid: UInt8Array, new_txid: UInt8Array, wanted: UInt8Array) -> bool:
    known = len(txid)
    for i in range(32):
        byte = txid[transaction, i] if transaction < known else new_txid[transaction - known, i]
        if byte != wanted[i]:
            return False
    return True


@kernel
def _find(
    slots: Int64Array,
    prefix: int,
    vout: int,
    wanted: UInt8Array,
    txid: UInt8Array,
    first_output: Int64Array,
    new_txid: UInt8Array,
    new_first: Int64Array,
) -> int:
    """Return the slot of an unspent output, or -1; full ids are read only to break a tie."""
    mask = len(slots) - 1
    slot = _home(prefix, vout, len(slots))
    found = -1
    while slots[slot, PLACE] != 0:
        if slots[slot, PREFIX] == prefix and ((slots[slot, PLACE] >> 32) & 0xFFFF_FFFF) == vout:
            if found >= 0:
                earlier = _owner_of(slots[found, OUTPUT], first_output, new_first)
                if _is_txid(earlier, txid, new_txid, wanted):
                    return found
            found = slot
        slot = (slot + 1) & mask
    return found


@kernel
def spend_and_add(
    slots: Int64Array,
    txid: UInt8Array,
    first_output: Int64Array,
    new_txid: UInt8Array,
    new_prefix: Int64Array,
    new_first_input: Int64Array,
    new_first_output: Int64Array,
    spent_txid: UInt8Array,
    spent_prefix: Int64Array,
    spent_vout: UInt32Array,
    output_value: Int64Array,
    output_address: UInt32Array,
    spent_output: Int64Array,
    input_value: Int64Array,
    input_address: UInt32Array,
    overwritten: Int64Array,
) -> int:
    """Take the transactions of a batch in order: resolve and remove inputs, add outputs.

    Fills `spent_output` (`UNRESOLVED` where the output is not there), `input_value` and
    `input_address`. `overwritten` has shape (n, 2) and receives (output, batch-local transaction)
    of outputs that a repeated id voids.

    Returns
    -------
    The number of overwritten outputs; -1 if there were more than `overwritten` has room for.
    """
    base = first_output[len(first_output) - 1]
    voided = 0
    for transaction in range(len(new_txid)):
        for spend in range(new_first_input[transaction], new_first_input[transaction + 1]):
            slot = _find(
                slots,
                spent_prefix[spend],
                int(spent_vout[spend]),
                spent_txid[spend],
                txid,
                first_output,
                new_txid,
                new_first_output,
            )
            if slot < 0:
                spent_output[spend] = UNRESOLVED
                continue
            spent_output[spend] = slots[slot, OUTPUT]
            input_value[spend] = slots[slot, VALUE]
            input_address[spend] = (slots[slot, PLACE] & 0xFFFF_FFFF) - 1
            _remove(slots, slot)
        coinbase = new_first_input[transaction] == new_first_input[transaction + 1]
        for local in range(new_first_output[transaction], new_first_output[transaction + 1]):
            if output_address[local] == NO_ADDRESS:
                continue
            vout = local - new_first_output[transaction]
            prefix = new_prefix[transaction]
            if coinbase:
                slot = _find(
                    slots,
                    prefix,
                    vout,
                    new_txid[transaction],
                    txid,
                    first_output,
                    new_txid,
                    new_first_output,
                )
                if slot >= 0 and _is_txid(
                    _owner_of(slots[slot, OUTPUT], first_output, new_first_output),
                    txid,
                    new_txid,
                    new_txid[transaction],
                ):
                    if voided == len(overwritten):
                        return -1
                    overwritten[voided, 0] = slots[slot, OUTPUT]
                    overwritten[voided, 1] = transaction
                    voided += 1
                    _remove(slots, slot)
            _place(
                slots,
                prefix,
                vout,
                base + local,
                output_value[local],
                (vout << 32) | (np.int64(output_address[local]) + 1),
            )
    return voided


@kernel
def add_outputs(
    slots: Int64Array,
    outputs: Int64Array,
    prefix: Int64Array,
    vout: Int64Array,
    value: Int64Array,
    address: UInt32Array,
) -> None:
    """Add outputs that are known to be unspent, as when the table is rebuilt."""
    for i in range(len(outputs)):
        place = (vout[i] << 32) | (np.int64(address[i]) + 1)
        _place(slots, prefix[i], vout[i], outputs[i], value[i], place)
