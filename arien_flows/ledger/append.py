"""From a batch of decoded blocks to the rows that a ledger appends.

This is where the canonical tables meet what the ledger already knows: scripts become address
numbers, inputs find the outputs that they spend, spends tell what they reveal, and shared keys
and scripts become links. Everything happens in arrays. Nothing is written here; the rows either
go to disk as one commit or make up a ledger in memory.
"""

from dataclasses import dataclass

import numpy as np

from arien_flows.errors import LedgerError, SourceError
from arien_flows.ledger.history import HistoryRun
from arien_flows.ledger.history_runs import make_history_run
from arien_flows.ledger.links import Events, KnownReveals, Links, find_links, may_share_keys
from arien_flows.ledger.lock_memory import LockMemory
from arien_flows.ledger.new_addresses import (
    joined_locks,
    number_addresses,
)
from arien_flows.ledger.new_spends import first_reveals, resolve, spent_types
from arien_flows.ledger.preparing import PreparedBatch
from arien_flows.ledger.resident import Resident
from arien_flows.ledger.rows import Known, NewReveals, NumberedAddresses, Spends, new_columns
from arien_flows.ledger.schema import EXTERNAL, UNSPENT
from arien_flows.ledger.unspent import txid_prefixes
from arien_flows.ledger.view import Counts, View
from chains.bitcoin.spends import inspect_spends
from chains.tables import BlockBatch
from chains.types import (
    AnyArray,
    Int64Array,
    UInt32Array,
    shown_txid,
)

MAX_TRANSACTIONS = UNSPENT
"""One past the highest transaction number; reached in about the year 2080 at today's rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRows:
    """Everything that one batch adds to a ledger."""

    columns: dict[str, AnyArray]
    """Rows by column path; offsets columns without their first entry."""

    before: Counts
    """Of the ledger without the rows."""

    counts: Counts
    """Of the ledger once the rows are in."""

    spent_output: Int64Array
    """Outputs of the ledger that the batch spends or voids, with their spenders beside. Those of
    the batch itself have theirs in the columns."""

    spender: UInt32Array
    id_keys: Int64Array
    """Index keys of the new transactions, in order."""

    lock_keys: Int64Array
    """Index keys of the new addresses, in order."""

    reveal_keys: Int64Array
    """Index keys of the scripts that the batch reveals, in order …"""

    reveal_rows: UInt32Array
    """… and the rows of the reveals they belong to."""

    unspent_sat: int
    """By how much the value of all unspent outputs grows."""

    def history(self) -> HistoryRun:
        """Return the run of the history index that the rows make."""
        inputs, outputs = self.before.inputs, self.before.outputs
        return make_history_run(
            first_transaction=self.before.transactions,
            first_input=np.append(inputs, self.columns["transactions/first_input"]) - inputs,
            input_address=self.columns["inputs/address"],
            input_value=self.columns["inputs/value"],
            first_output=np.append(outputs, self.columns["transactions/first_output"]) - outputs,
            output_address=self.columns["outputs/address"],
            output_value=self.columns["outputs/value"],
        )


def build_rows(
    prepared: PreparedBatch,
    base: View,
    resident: Resident,
    *,
    heights: UInt32Array,
) -> NewRows:
    """Return the rows of a batch that follows the last block of `base`.

    Parameters
    ----------
    prepared
        Decoded blocks.
    base
        The ledger that they follow.
    resident
        What the writer holds in memory of `base`; brought up to the end of the batch in place.
    heights
        The height of each block of the batch.
    """
    batch, external, counts = prepared.batch, prepared.external, base.counts
    if counts.transactions + batch.transaction_count > MAX_TRANSACTIONS:
        raise LedgerError("the ledger is full: transaction numbers end at 2^32 - 1")
    addresses = number_addresses(batch, prepared.scripts, base, resident.locks)
    resident.reserve(base.counts.addresses + len(addresses.new_locks))
    spends = resolve(batch, prepared.inside, base, resident.unspent, addresses, external)
    facts = inspect_spends(batch, spent_types(base, addresses, spends))
    reveals = first_reveals(batch, facts, spends, resident.revealed)
    links = _links(batch, base, resident.locks, addresses, spends, reveals)
    fee, paid_total = _fees(batch, spends)
    columns = new_columns(
        batch,
        base,
        Known(
            heights=heights,
            fee=fee,
            addresses=addresses,
            spends=spends,
            facts=facts,
            reveals=reveals,
            links=links,
        ),
    )
    resolved = spends.output != EXTERNAL
    older = resolved & (spends.output < counts.outputs)
    spending = np.repeat(
        np.arange(batch.transaction_count, dtype=np.int64), np.diff(batch.first_input)
    )
    voided, voiding = spends.overwritten[spends.overwritten[:, 0] < counts.outputs].T
    return NewRows(
        columns=columns,
        before=counts,
        counts=_counts_after(counts, batch, addresses, reveals, links, columns),
        spent_output=np.concatenate([spends.output[older], voided]),
        spender=(np.concatenate([spending[older], voiding]) + counts.transactions).astype(
            np.uint32
        ),
        id_keys=txid_prefixes(batch.txid),
        lock_keys=addresses.new_keys,
        reveal_keys=reveals.script_keys,
        reveal_rows=(reveals.script_rows + counts.reveals).astype(np.uint32),
        unspent_sat=paid_total
        - int(spends.value[resolved].sum())
        - _voided_sat(batch, base, spends),
    )


def _links(
    batch: BlockBatch,
    base: View,
    memory: LockMemory,
    addresses: NumberedAddresses,
    spends: Spends,
    reveals: NewReveals,
) -> Links:
    shown = memory.meet_scripts(
        reveals.scripts, reveals.script_keys, base.known_locks, base.reveals_by_lock.runs
    )
    of_scripts, of_new = may_share_keys(
        [reveals.script_keys, addresses.new_keys], [shown.maybe, addresses.new_maybe]
    )
    shown_by = reveals.input[reveals.script_rows[of_scripts]]
    showing = np.searchsorted(batch.first_input, shown_by, side="right") - 1
    transaction = np.concatenate([showing, addresses.new_transaction[of_new]])
    address = np.concatenate(
        [spends.address[shown_by].astype(np.int64), base.counts.addresses + of_new]
    )
    # In one transaction, what the inputs reveal comes before what the outputs bring in.
    order = np.argsort(transaction, kind="stable")
    events = Events(
        locks=joined_locks(reveals.scripts.take(of_scripts), addresses.new_locks.take(of_new)).take(
            order
        ),
        keys=np.concatenate([reveals.script_keys[of_scripts], addresses.new_keys[of_new]])[order],
        address=address[order],
        transaction=transaction[order] + base.counts.transactions,
        related=np.concatenate([shown.related[of_scripts], addresses.new_related[of_new]])[order],
    )
    known_reveals = KnownReveals(
        source=base.revealed,
        first=base.first_reveal_byte,
        input=base.reveal_input,
        input_address=base.input_address,
        runs=base.reveals_by_lock.runs,
    )
    links = find_links(events, known_reveals, memory.reveals)
    memory.reveals.add(reveals.script_keys, reveals.script_rows + base.counts.reveals)
    return links


def _fees(batch: BlockBatch, spends: Spends) -> tuple[Int64Array, int]:
    """Return each transaction's fee and the sum of all that is paid."""
    spent = _sums(spends.value, batch.first_input)
    paid = _sums(batch.value, batch.first_output)
    if len(batch.value) and int(batch.value.min()) < 0:
        raise SourceError("an output has a negative value: the blocks are not valid")
    is_coinbase = np.diff(batch.first_input) == 0
    fee = np.where(is_coinbase, 0, spent - paid)
    short = np.flatnonzero(fee < 0)
    if len(short):
        txid = shown_txid(batch.txid[short[0]].tobytes())
        raise SourceError(f"transaction {txid} pays out more than it spends: it is not valid")
    return fee, int(paid.sum())


def _voided_sat(batch: BlockBatch, base: View, spends: Spends) -> int:
    """Return the value of outputs that repeated coinbase ids void."""
    outputs = spends.overwritten[:, 0]
    older = outputs < base.counts.outputs
    local = outputs[~older] - base.counts.outputs
    return int(base.output_value[outputs[older]].sum()) + int(batch.value[local].sum())


def _sums(amount: Int64Array, first: Int64Array) -> Int64Array:
    running = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(amount, dtype=np.int64)])
    sums: Int64Array = running[first[1:]] - running[first[:-1]]
    return sums


def _counts_after(
    counts: Counts,
    batch: BlockBatch,
    addresses: NumberedAddresses,
    reveals: NewReveals,
    links: Links,
    columns: dict[str, AnyArray],
) -> Counts:
    return Counts(
        blocks=counts.blocks + batch.block_count,
        transactions=counts.transactions + batch.transaction_count,
        inputs=counts.inputs + len(batch.spent_vout),
        outputs=counts.outputs + len(batch.value),
        addresses=counts.addresses + len(addresses.new_locks),
        reveals=counts.reveals + len(reveals.input),
        links=counts.links + len(links.transaction),
        op_returns=counts.op_returns + len(columns["op_returns/output"]),
        overwrites=counts.overwrites + len(columns["overwrites/output"]),
    )
