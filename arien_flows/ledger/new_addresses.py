"""The address numbers of a batch: which scripts the ledger knows, and which are new."""

from dataclasses import dataclass

import numpy as np

from arien_flows.errors import LedgerError
from arien_flows.ledger.numbering import MAX_ADDRESSES, KnownLocks, Locks, distinct, find_known
from arien_flows.ledger.rows import NumberedAddresses
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.view import View
from chains.tables import BlockBatch
from chains.types import Int64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalOutputs:
    """What inputs spend whose funding transactions are not in the batch or the ledger.

    One row per input of the batch; rows of inputs that are resolved otherwise are ignored.
    """

    value_sat: Int64Array
    locks: Locks
    """Payloads stand in the `raw` of the batch."""


def _output_locks(batch: BlockBatch) -> Locks:
    return Locks(
        source=batch.raw,
        script_type=batch.script_type,
        start=batch.payload_start,
        length=batch.payload_length,
    )


def number_addresses(
    batch: BlockBatch, base: View, external: ExternalOutputs | None
) -> NumberedAddresses:
    """Give the scripts of a batch their numbers; new ones in order of first appearance."""
    locks = _output_locks(batch)
    if external is not None:
        locks = joined_locks(locks, external.locks)
    keys = locks.keys()
    member, firsts = distinct(locks, keys)
    scripts, script_keys = locks.take(firsts), keys[firsts]
    known, _ = find_known(scripts, script_keys, known_locks(base))
    is_new = known < 0
    numbers = np.where(is_new, base.counts.addresses + np.cumsum(is_new) - 1, known)
    if base.counts.addresses + int(is_new.sum()) > MAX_ADDRESSES:
        raise LedgerError("the ledger is full: address numbers end at 2^32 - 2")
    of_locks = np.append(numbers, NO_ADDRESS)[member].astype(np.uint32)
    appears = _transactions_of_locks(batch, len(locks))[firsts[is_new]]
    new = np.flatnonzero(is_new)
    return NumberedAddresses(
        of_outputs=of_locks[: len(batch.value)],
        of_externals=of_locks[len(batch.value) :],
        new_locks=scripts.take(new),
        new_keys=script_keys[new],
        new_transaction=appears,
    )


def joined_locks(left: Locks, right: Locks) -> Locks:
    """Return two lists of locks in one byte array as one list."""
    return Locks(
        source=left.source,
        script_type=np.concatenate([left.script_type, right.script_type]),
        start=np.concatenate([left.start, right.start]),
        length=np.concatenate([left.length, right.length]),
    )


def _transactions_of_locks(batch: BlockBatch, lock_count: int) -> Int64Array:
    """Return the transaction of each output and, behind them, of each input's external output."""
    transactions = np.arange(batch.transaction_count, dtype=np.int64)
    of_outputs = np.repeat(transactions, np.diff(batch.first_output))
    if lock_count == len(of_outputs):
        return of_outputs
    return np.concatenate([of_outputs, np.repeat(transactions, np.diff(batch.first_input))])


def known_locks(base: View) -> KnownLocks:
    """Return the locks that a view holds."""
    return KnownLocks(
        source=base.payload,
        script_type=base.script_type,
        first=base.first_payload_byte,
        runs=base.addresses_by_lock.runs,
    )
