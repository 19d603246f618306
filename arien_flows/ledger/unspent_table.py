"""The kernels of the table of unspent outputs, which `unspent` describes.

They trust their arguments; the methods of `UnspentOutputs` are their faces.
"""

import numpy as np

from arien_flows.ledger.schema import NO_ADDRESS
from chains.types import Int64Array, UInt32Array, UInt64Array
from heuristics.jit import kernel

KEY, AMOUNT, PLACE = 0, 1, 2
"""The words of a slot. `AMOUNT` is value << 12 | high bits of the output's number; `PLACE` is the
number's low 31 bits << 32 | address number + 1, so 0 marks an empty slot."""

LOW_BITS = 31
HIGH_BITS = 12

VALUE_LIMIT = 1 << 51
"""Values must be below: 22.5 million bitcoins, where at most 21 million can ever be."""

UNRESOLVED = -1

AHEAD = 32
"""Entries whose homes are read before the first of them is worked on, so that the waits for memory
overlap: one at a time, each costs a full round trip."""

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
SECOND_FACTOR = np.uint64(0x94D049BB133111EB)
"""The constants of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014)."""
FOLD = np.uint64(32)
ONE = np.uint64(1)


@kernel
def mixed_key(prefix: np.uint64, vout: np.uint64, salt: np.uint64) -> int:
    """Return the key of an output. For one position, no two prefixes give one 64-bit mix."""
    mixed = ((prefix + vout * GOLDEN) ^ salt) * FIRST_FACTOR
    mixed = (mixed ^ (mixed >> FOLD)) * SECOND_FACTOR
    return int(np.int64(mixed >> ONE))


@kernel
def mixed_keys(ids: UInt64Array, vout: UInt32Array, salt: np.uint64, keys: Int64Array) -> None:
    """Write the key of each output."""
    for i in range(len(keys)):
        keys[i] = mixed_key(ids[i, 0], np.uint64(vout[i]), salt)


@kernel
def keys_of_rows(
    ids: UInt64Array, vout: UInt32Array, rows: Int64Array, salt: np.uint64, keys: Int64Array
) -> None:
    """Write the keys of some outputs."""
    for i in range(len(rows)):
        keys[i] = mixed_key(ids[rows[i], 0], np.uint64(vout[rows[i]]), salt)


@kernel
def home_of(key: int, homes: int) -> int:
    """Return where the search for a key starts; it rises with the key."""
    return ((key >> LOW_BITS) * homes) >> 32


@kernel
def set_entry(
    entries: Int64Array, row: int, key: int, output: int, value: int, address: int
) -> None:
    """Write one entry: of the table, or to be added to it."""
    entries[row, KEY] = key
    entries[row, AMOUNT] = (value << HIGH_BITS) | (output >> LOW_BITS)
    entries[row, PLACE] = ((output & 0x7FFF_FFFF) << 32) | (address + 1)


@kernel
def set_entries(
    keys: Int64Array,
    outputs: Int64Array,
    value: Int64Array,
    address: UInt32Array,
    entries: Int64Array,
) -> None:
    """Write the entries of chosen outputs."""
    for i in range(len(keys)):
        set_entry(entries, i, keys[i], outputs[i], value[i], int(np.int64(address[i])))


@kernel
def output_in(entries: Int64Array, row: int) -> int:
    """Return the number of the output in an entry."""
    high = entries[row, AMOUNT] & ((1 << HIGH_BITS) - 1)
    return int((high << LOW_BITS) | (entries[row, PLACE] >> 32))


@kernel
def _move(slots: Int64Array, source: int, target: int) -> None:
    slots[target, KEY] = slots[source, KEY]
    slots[target, AMOUNT] = slots[source, AMOUNT]
    slots[target, PLACE] = slots[source, PLACE]


@kernel
def gather_at_end(slots: Int64Array) -> None:
    """Move all entries, in their order, to the end of the table."""
    free = len(slots)
    for slot in range(len(slots) - 1, -1, -1):
        if slots[slot, PLACE] != 0:
            free -= 1
            if free != slot:
                _move(slots, slot, free)
                slots[slot, PLACE] = 0


@kernel
def spread(slots: Int64Array, homes: int) -> bool:
    """Bring gathered entries to their homes; False where the slots behind the last do not do.

    No entry is overtaken: those that follow it must fit behind its new slot, and they stand
    without gaps at the very end.
    """
    slot = len(slots)
    while slot > 0 and slots[slot - 1, PLACE] != 0:
        slot -= 1
    last = -1
    for source in range(slot, len(slots)):
        target = max(home_of(slots[source, KEY], homes), last + 1)
        if target > source or target == len(slots) - 1:
            return False
        if target != source:
            _move(slots, source, target)
            slots[source, PLACE] = 0
        last = target
    return True


@kernel
def insert(slots: Int64Array, homes: int, entries: Int64Array, seen: Int64Array) -> int:
    """Put entries in their places; equal keys in the order of their coming.

    `seen` has one element, which takes up what is read ahead so that the reads are not dropped.

    Returns
    -------
    How many entries went in: fewer than all where the slots behind the last home are used up.
    """
    for begin in range(0, len(entries), AHEAD):
        stop = min(begin + AHEAD, len(entries))
        for i in range(begin, stop):
            home = home_of(entries[i, KEY], homes)
            seen[0] ^= slots[home, KEY] ^ slots[home + 3, KEY] ^ slots[home + 6, KEY]
        for i in range(begin, stop):
            key = entries[i, KEY]
            slot = home_of(key, homes)
            while slots[slot, PLACE] != 0 and slots[slot, KEY] <= key:
                slot += 1
            end = slot
            while slots[end, PLACE] != 0:
                end += 1
            if end == len(slots) - 1:
                return i
            for moved in range(end, slot, -1):
                _move(slots, moved - 1, moved)
            slots[slot, KEY] = key
            slots[slot, AMOUNT] = entries[i, AMOUNT]
            slots[slot, PLACE] = entries[i, PLACE]
    return len(entries)


@kernel
def _remove(slots: Int64Array, homes: int, slot: int) -> None:
    """Empty a slot; entries behind it that are not at home move up."""
    while slots[slot + 1, PLACE] != 0 and home_of(slots[slot + 1, KEY], homes) <= slot:
        _move(slots, slot + 1, slot)
        slot += 1
    slots[slot, PLACE] = 0


@kernel
def _is_output(
    output: int,
    ids: UInt64Array,
    first_output: Int64Array,
    wanted: UInt64Array,
    row: int,
    vout: int,
) -> bool:
    """Return whether an output of the ledger has the id `wanted[row]` and this position."""
    transaction = int(np.searchsorted(first_output, output, side="right")) - 1
    for word in range(4):
        if ids[transaction, word] != wanted[row, word]:
            return False
    return int(first_output[transaction]) + vout == output


@kernel
def _find(
    slots: Int64Array,
    homes: int,
    key: int,
    ids: UInt64Array,
    first_output: Int64Array,
    wanted: UInt64Array,
    row: int,
    vout: int,
    is_certain: bool,
) -> int:
    """Return the slot of an output, or -1.

    Where `is_certain` says that a transaction of a valid chain spends it, it is there, and full
    ids are read only if several have its key.
    """
    slot = home_of(key, homes)
    while slots[slot, PLACE] != 0 and slots[slot, KEY] < key:
        slot += 1
    if slots[slot, PLACE] == 0 or slots[slot, KEY] != key:
        return -1
    if is_certain and (slots[slot + 1, PLACE] == 0 or slots[slot + 1, KEY] != key):
        return slot
    while slots[slot, PLACE] != 0 and slots[slot, KEY] == key:
        if _is_output(output_in(slots, slot), ids, first_output, wanted, row, vout):
            return slot
        slot += 1
    return -1


@kernel
def spend(
    slots: Int64Array,
    homes: int,
    ids: UInt64Array,
    first_output: Int64Array,
    rows: Int64Array,
    keys: Int64Array,
    wanted: UInt64Array,
    vout: UInt32Array,
    spent_output: Int64Array,
    spent_value: Int64Array,
    spent_address: UInt32Array,
    seen: Int64Array,
    is_certain: bool,
) -> int:
    """Find outputs and take them out.

    `wanted` and `vout` name outputs, of which `rows` are to be taken; `keys` are theirs, in the
    same order. `ids` and `first_output` are of all transactions that made outputs in the table.
    `spent_output` (`UNRESOLVED` where there is none), `spent_value` and `spent_address` are filled
    at `rows`. `seen` is as for `insert`, `is_certain` as for `_find`.

    Returns
    -------
    How many were taken out.
    """
    taken = 0
    for begin in range(0, len(rows), AHEAD):
        stop = min(begin + AHEAD, len(rows))
        for i in range(begin, stop):
            home = home_of(keys[i], homes)
            seen[0] ^= slots[home, KEY] ^ slots[home + 3, KEY] ^ slots[home + 6, KEY]
        for i in range(begin, stop):
            row = rows[i]
            slot = _find(
                slots,
                homes,
                keys[i],
                ids,
                first_output,
                wanted,
                row,
                int(np.int64(vout[row])),
                is_certain,
            )
            if slot < 0:
                spent_output[row] = UNRESOLVED
                continue
            spent_output[row] = output_in(slots, slot)
            spent_value[row] = slots[slot, AMOUNT] >> HIGH_BITS
            spent_address[row] = (slots[slot, PLACE] & 0xFFFF_FFFF) - 1
            _remove(slots, homes, slot)
            taken += 1
    return taken


@kernel
def void_repeated(
    slots: Int64Array,
    homes: int,
    ids: UInt64Array,
    first_output: Int64Array,
    new_ids: UInt64Array,
    new_first_input: Int64Array,
    new_first_output: Int64Array,
    address: UInt32Array,
    salt: np.uint64,
    voided: Int64Array,
) -> int:
    """Take out what coinbases with the ids of earlier ones make unspendable for ever.

    `voided` receives rows (output, batch-local transaction).

    Returns
    -------
    How many rows there are; -1 if `voided` has not room for them.
    """
    count = 0
    for transaction in range(len(new_ids)):
        if new_first_input[transaction] != new_first_input[transaction + 1]:
            continue
        first = new_first_output[transaction]
        for local in range(first, new_first_output[transaction + 1]):
            if address[local] == NO_ADDRESS:
                continue
            vout = local - first
            slot = _find(
                slots,
                homes,
                mixed_key(new_ids[transaction, 0], np.uint64(vout), salt),
                ids,
                first_output,
                new_ids,
                transaction,
                vout,
                False,
            )
            if slot >= 0:
                if count == len(voided):
                    return -1
                voided[count, 0] = output_in(slots, slot)
                voided[count, 1] = transaction
                count += 1
                _remove(slots, homes, slot)
    return count


@kernel
def list_unspent(
    first: int,
    stop: int,
    ids: UInt64Array,
    first_output: Int64Array,
    numbered_from: int,
    spender: UInt32Array,
    limit: int,
    value: Int64Array,
    address: UInt32Array,
    salt: np.uint64,
    entries: Int64Array,
) -> int:
    """Write entries for the outputs of transactions `[first, stop)` that can still be spent.

    `first_output` are positions in `spender`, `value` and `address`; the output at position 0 has
    the number `numbered_from`. An output whose spender is at or past `limit` is unspent.

    Returns
    -------
    How many entries were written; -1 where a value can't be one of bitcoins.
    """
    found = 0
    for transaction in range(first, stop):
        begin = first_output[transaction]
        for position in range(begin, first_output[transaction + 1]):
            if spender[position] < limit or address[position] == NO_ADDRESS:
                continue
            if value[position] < 0 or value[position] >= VALUE_LIMIT:
                return -1
            set_entry(
                entries,
                found,
                mixed_key(ids[transaction, 0], np.uint64(position - begin), salt),
                numbered_from + position,
                value[position],
                int(np.int64(address[position])),
            )
            found += 1
    return found
