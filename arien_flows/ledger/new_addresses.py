"""The address numbers of a batch: which scripts the ledger knows, and which are new."""

from dataclasses import dataclass

import numpy as np

from arien_flows.errors import LedgerError
from arien_flows.ledger.lock_memory import LockMemory
from arien_flows.ledger.numbering import MAX_ADDRESSES, NONE, Locks, distinct
from arien_flows.ledger.rows import NumberedAddresses
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.unspent import txid_prefixes
from arien_flows.ledger.view import View
from chains.tables import BlockBatch
from chains.types import BoolArray, Int64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalOutputs:
    """What inputs spend whose funding transactions are not in the batch or the ledger.

    One row per input of the batch. Rows of inputs that spend the batch itself are ignored; those
    of inputs that spend the ledger must say what the ledger says.
    """

    value_sat: Int64Array
    locks: Locks
    """Payloads stand in the `raw` of the batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchScripts:
    """The scripts of a batch, told apart among themselves."""

    locks: Locks
    """Each script once, in order of first appearance."""

    keys: Int64Array
    """Under which each is filed."""

    transaction: Int64Array
    """The batch-local transaction in which each appears first."""

    of_appearances: Int64Array
    """Per appearance which script it is; -1 for one that is no address."""

    place: Int64Array | None
    """Which output an appearance is; behind the outputs follow the inputs. Nothing where all are
    outputs, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Appearances:
    """The scripts of a batch in chain order; those that a transaction spends before its own."""

    locks: Locks
    transaction: Int64Array
    place: Int64Array | None


def _output_locks(batch: BlockBatch) -> Locks:
    return Locks(
        source=batch.raw,
        script_type=batch.script_type,
        start=batch.payload_start,
        length=batch.payload_length,
    )


def _appearances(batch: BlockBatch, external: ExternalOutputs | None) -> _Appearances:
    transactions = np.arange(batch.transaction_count, dtype=np.int64)
    of_outputs = np.repeat(transactions, np.diff(batch.first_output))
    if external is None:
        return _Appearances(locks=_output_locks(batch), transaction=of_outputs, place=None)
    outputs = np.arange(len(batch.value), dtype=np.int64)
    spends = np.flatnonzero(~spends_batch(batch))
    of_inputs = np.repeat(transactions, np.diff(batch.first_input))[spends]
    transaction = np.concatenate([of_inputs, of_outputs])
    order = np.argsort(transaction, kind="stable")
    locks = joined_locks(external.locks.take(spends), _output_locks(batch))
    return _Appearances(
        locks=locks.take(order),
        transaction=transaction[order],
        place=np.concatenate([len(outputs) + spends, outputs])[order],
    )


def spends_batch(batch: BlockBatch) -> BoolArray:
    """Return which inputs name a transaction of the batch itself."""
    prefix, wanted = txid_prefixes(batch.txid), txid_prefixes(batch.spent_txid)
    order = np.argsort(prefix, kind="stable")
    inside: BoolArray = np.zeros(len(wanted), dtype=np.bool_)
    place = np.searchsorted(prefix[order], wanted)
    # Of transactions with one prefix (somebody may grind them) each is looked at in turn.
    open_rows = np.flatnonzero(place < len(prefix))
    while len(open_rows):
        candidate = order[place[open_rows]]
        meets = prefix[candidate] == wanted[open_rows]
        open_rows, candidate = open_rows[meets], candidate[meets]
        same = (batch.txid[candidate] == batch.spent_txid[open_rows]).all(axis=1)
        inside[open_rows[same]] = True
        open_rows = open_rows[~same]
        place[open_rows] += 1
        open_rows = open_rows[place[open_rows] < len(prefix)]
    return inside


def tell_apart(batch: BlockBatch, external: ExternalOutputs | None) -> BatchScripts:
    """Return the scripts of a batch, and of what it spends from outside."""
    appearances = _appearances(batch, external)
    keys = appearances.locks.keys()
    member, firsts = distinct(appearances.locks, keys)
    return BatchScripts(
        locks=appearances.locks.take(firsts),
        keys=keys[firsts],
        transaction=appearances.transaction[firsts],
        of_appearances=member,
        place=appearances.place,
    )


def number_addresses(
    batch: BlockBatch, scripts: BatchScripts, base: View, memory: LockMemory
) -> NumberedAddresses:
    """Give the scripts of a batch their numbers; new ones in order of first appearance.

    `memory` is what the writer remembers of `base`; the batch's scripts are added.
    """
    locks, keys = scripts.locks, scripts.keys
    met = memory.meet_addresses(locks, keys, base.known_locks, base.reveals_by_lock.runs)
    is_new = met.same == NONE
    numbers = np.where(is_new, base.counts.addresses + np.cumsum(is_new) - 1, met.same)
    if base.counts.addresses + int(is_new.sum()) > MAX_ADDRESSES:
        raise LedgerError("the ledger is full: address numbers end at 2^32 - 2")
    # A lock that is no address has position -1 and so takes the last number.
    of_appearances = np.append(numbers, NO_ADDRESS).astype(np.uint32)[scripts.of_appearances]
    of_places = np.full(len(batch.value) + len(batch.spent_vout), NO_ADDRESS, dtype=np.uint32)
    place = slice(len(of_appearances)) if scripts.place is None else scripts.place
    of_places[place] = of_appearances
    new = np.flatnonzero(is_new)
    memory.addresses.add(keys[new], numbers[new])
    return NumberedAddresses(
        of_outputs=of_places[: len(batch.value)],
        of_externals=of_places[len(batch.value) :],
        new_locks=locks.take(new),
        new_keys=keys[new],
        new_transaction=scripts.transaction[new],
        new_related=met.related[new],
        new_maybe=met.maybe[new],
    )


def joined_locks(left: Locks, right: Locks) -> Locks:
    """Return two lists of locks in one byte array as one list."""
    return Locks(
        source=left.source,
        script_type=np.concatenate([left.script_type, right.script_type]),
        start=np.concatenate([left.start, right.start]),
        length=np.concatenate([left.length, right.length]),
    )
