"""The unspent outputs, as a sorted table in memory that has gaps.

It answers one question while blocks are taken in: which output does this input spend, and to whom
and how much was it? Only the writer holds it; it is rebuilt from the columns when a ledger is
opened for writing, so it is never a second truth on disk.

An output is filed under 63 bits mixed from the first 64 bits of its transaction's id, its position
there, and a secret of this process: without the secret nobody can make outputs that crowd one
place. A key's home is its share of the key space times the number of homes, so the whole table is
in ascending order of keys, and an entry stands at its home or in an unbroken row behind it. Three
things follow. A search ends at the first larger key. Two outputs under one key stand side by side;
then, and only then, the full ids in the columns decide. And the table grows by any factor in one
sequential pass in place, where a hash table in the usual order needs the old and the new one at
once.

A slot has 24 bytes: key, value with the high bits of the output's number, and the low bits with the
address number. With 68 to 72 of 100 slots taken, 180 million unspent outputs need 6.0 to 6.4 GB.
"""

import mmap
import secrets
import sys
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from arien_flows.errors import LedgerDamagedError, LedgerError
from arien_flows.ledger.unspent_table import (
    UNRESOLVED,
    gather_at_end,
    insert,
    keys_of_rows,
    list_unspent,
    mixed_keys,
    set_entries,
    spend,
    spread,
    void_repeated,
)
from chains.tables import BlockBatch
from chains.types import Int64Array, UInt8Array, UInt32Array, UInt64Array

SMALLEST = 1 << 12
"""Homes of an empty table."""

MOST_HOMES = (1 << 31) - 1

FULLEST_PERCENT = 72
"""No more than so many of a hundred homes are taken: an entry then stands 1.3 slots behind its home
on average, and the unbroken row that it is in ends 6 slots behind it."""

GROWTH = 16
"""The table grows by at least one part in so many."""

TAIL = 1 << 10
"""Slots behind the last home, for entries that were pushed there; reading ahead looks at six."""

SPACE = 1 << 29
"""Slots of address space: twice what the main chain needs in 2026. Beyond, the table is
copied to a larger one."""

_UNRESERVED = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | (0x4000 if sys.platform == "linux" else 0)
"""With MAP_NORESERVE, which Python names from 3.13 on: Linux then grants address space beyond the
machine's memory."""


def new_salt() -> np.uint64:
    """Return what makes the places of a table unforeseeable to those who grind ids."""
    return np.uint64(secrets.randbits(64))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outpoints:
    """Outputs as inputs name them."""

    ids: UInt64Array
    """Transaction ids as `id_words` returns them."""

    vout: UInt32Array

    @classmethod
    def of(cls, txid: UInt8Array, vout: UInt32Array) -> "Outpoints":
        """Take stored ids, shape (n, 32), and positions."""
        return cls(ids=id_words(txid), vout=vout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Makers:
    """The transactions of the ledger, which made the outputs in the table."""

    ids: UInt64Array
    first_output: Int64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What inputs spend, one row each, filled in as it is found."""

    output: Int64Array
    """`UNRESOLVED` where the input names nothing that is unspent."""

    value: Int64Array
    address: UInt32Array

    @classmethod
    def nothing(cls, inputs: int, address: int) -> "Found":
        """Return rows without an answer, with `address` standing for none."""
        return cls(
            output=np.full(inputs, UNRESOLVED, dtype=np.int64),
            value=np.zeros(inputs, dtype=np.int64),
            address=np.full(inputs, address, dtype=np.uint32),
        )


@dataclass(slots=True)
class UnspentOutputs:
    """The table and how full it is."""

    room: Int64Array
    """Shape (n, 3): address space for the table to grow into without being moved."""

    slots: Int64Array
    """The part of `room` that is in use; its last slot stays empty. Replaced when it grows."""

    homes: int
    count: int = 0
    salt: np.uint64 = field(default_factory=new_salt)

    @classmethod
    def with_room_for(cls, outputs: int) -> "UnspentOutputs":
        """Return an empty table that need not grow for this many outputs."""
        homes = max(SMALLEST, _homes_for(outputs))
        room = _address_space(homes + TAIL)
        return cls(room=room, slots=room[: homes + TAIL], homes=homes)

    def reserve(self, outputs: int) -> None:
        """Make room for this many more outputs; entries are moved in place."""
        needed = _homes_for(self.count + outputs)
        if needed <= self.homes:
            return
        homes = min(max(needed, self.homes + self.homes // GROWTH), MOST_HOMES)
        self._lengthen(homes - self.homes)
        self.homes = homes
        gather_at_end(self.slots)
        while not spread(self.slots, homes):
            self._lengthen(TAIL)
            gather_at_end(self.slots)

    def _lengthen(self, more: int) -> None:
        length = len(self.slots) + more
        if length > len(self.room):
            self.room = _address_space(2 * length)
            self.room[: len(self.slots)] = self.slots
        self.slots = self.room[:length]

    def keys(self, outpoints: Outpoints) -> Int64Array:
        """Return the key of each output."""
        keys = np.empty(len(outpoints.vout), dtype=np.int64)
        with np.errstate(over="ignore"):
            mixed_keys(outpoints.ids, outpoints.vout, self.salt, keys)
        return keys

    def add(self, entries: Int64Array) -> None:
        """Add outputs that are known to be unspent, as `entries_of` gives them."""
        self.reserve(len(entries))
        added, seen = 0, np.zeros(1, dtype=np.int64)
        while True:
            added += insert(self.slots, self.homes, entries[added:], seen)
            if added == len(entries):
                break
            self._lengthen(TAIL)
        self.count += len(entries)

    def spend(
        self,
        makers: Makers,
        outpoints: Outpoints,
        rows: Int64Array,
        found: Found,
        *,
        is_certain: bool,
    ) -> None:
        """Take out the outputs `rows` of `outpoints`; fill `found` there.

        Where it `is_certain` that what the inputs of a valid chain spend is here, full ids are read
        only if several outputs have one key.
        """
        keys = np.empty(len(rows), dtype=np.int64)
        with np.errstate(over="ignore"):
            keys_of_rows(outpoints.ids, outpoints.vout, rows, self.salt, keys)
        self.count -= spend(
            self.slots,
            self.homes,
            makers.ids,
            makers.first_output,
            rows,
            keys,
            outpoints.ids,
            outpoints.vout,
            found.output,
            found.value,
            found.address,
            np.zeros(1, dtype=np.int64),
            is_certain,
        )

    def void_repeated(
        self, makers: Makers, batch: BlockBatch, address: UInt32Array, most: int
    ) -> Int64Array:
        """Take out what coinbases of a batch void by repeating the ids of earlier ones (BIP 30).

        Returns
        -------
        Rows (output, batch-local transaction); `LedgerError` where they are more than `most`.
        """
        rows = np.empty((most, 2), dtype=np.int64)
        with np.errstate(over="ignore"):
            voided = void_repeated(
                self.slots,
                self.homes,
                makers.ids,
                makers.first_output,
                id_words(batch.txid),
                batch.first_input,
                batch.first_output,
                address,
                self.salt,
                rows,
            )
        if voided < 0:
            raise LedgerError(f"more than {most} outputs are voided by repeated coinbases")
        self.count -= voided
        return rows[:voided]


def _address_space(least: int) -> Int64Array:
    """Return zeroed slots that take memory only once they are touched: many, or the least.

    In huge pages, where the system has them: the processor's table of pages then spans gigabytes.
    """
    slots = max(least, SPACE)
    while True:
        try:
            mapped = mmap.mmap(-1, 24 * slots, flags=_UNRESERVED)
            break
        except OSError:
            if slots == least:
                raise
            slots = max(least, slots // 2)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        # A kernel may be built without them.
        with suppress(OSError):
            mapped.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(mapped, dtype=np.int64).reshape(slots, 3)


def _homes_for(outputs: int) -> int:
    homes = outputs * 100 // FULLEST_PERCENT + 1
    if homes > MOST_HOMES:
        raise LedgerError(f"the ledger is full: {outputs} outputs are unspent at once")
    return homes


def txid_prefixes(txid: UInt8Array) -> Int64Array:
    """Return the first 64 bits of stored ids, shape (n, 32), as the index keys them."""
    return np.ascontiguousarray(txid[:, :8]).view("<i8").ravel()


def id_words(txid: UInt8Array) -> UInt64Array:
    """Return stored ids, shape (n, 32), as four words each; no copy where they stand together."""
    words: UInt64Array = np.ascontiguousarray(txid).view("<u8")
    return words


def entries_of(
    made: Makers,
    transactions: range,
    *,
    numbered_from: int,
    spender: UInt32Array,
    limit: int,
    value: Int64Array,
    address: UInt32Array,
    salt: np.uint64,
) -> Int64Array:
    """Return table entries for the outputs of some transactions that can still be spent.

    The transactions' `first_output` are positions in the columns `spender`, `value` and `address`;
    the output at position 0 has the number `numbered_from`. An output whose spender is at or past
    `limit` is unspent.
    """
    most = int(made.first_output[transactions.stop] - made.first_output[transactions.start])
    entries = np.empty((most, 3), dtype=np.int64)
    with np.errstate(over="ignore"):
        found = list_unspent(
            transactions.start,
            transactions.stop,
            made.ids,
            made.first_output,
            numbered_from,
            spender,
            limit,
            value,
            address,
            salt,
            entries,
        )
    if found < 0:
        raise LedgerDamagedError(
            "an output is worth less than nothing or more than all bitcoins: run `ledger verify`"
        )
    return entries[:found]


def entries_at(
    keys: Int64Array, outputs: Int64Array, value: Int64Array, address: UInt32Array
) -> Int64Array:
    """Return table entries for chosen outputs, given their keys."""
    entries = np.empty((len(outputs), 3), dtype=np.int64)
    set_entries(keys, outputs, value, address, entries)
    return entries
