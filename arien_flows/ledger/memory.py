"""A ledger in memory, assembled at once from transactions that were fetched one by one.

It is a `View` like any other, so everything above the ledger works on it. What it lacks is the
rest of the chain: outputs of transactions that were not fetched are `EXTERNAL`, and an output
without a spender may have one that nobody asked for.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from arien_flows.ledger.append import NewRows, build_rows
from arien_flows.ledger.history import HistoryIndex, HistoryRun
from arien_flows.ledger.index import KeyIndex
from arien_flows.ledger.new_addresses import ExternalOutputs
from arien_flows.ledger.preparing import prepare
from arien_flows.ledger.resident import Resident
from arien_flows.ledger.schema import SCHEMA
from arien_flows.ledger.sorted_runs import KeyRun, sort_entries
from arien_flows.ledger.view import COLUMN_FIELDS, Counts, Gaps, View
from chains.bitcoin.networks import Network
from chains.tables import BlockBatch
from chains.types import AnyArray, Int64Array, UInt32Array


def view_of(
    batch: BlockBatch,
    network: Network,
    *,
    heights: UInt32Array,
    external: ExternalOutputs | None = None,
    gaps: Gaps | None = None,
) -> View:
    """Return a view of the batch's transactions, which stand in chain order.

    `heights` holds the height of each block of the batch, ascending. `external` holds what inputs
    spend that the batch does not; without it such an input is an error. Where heights are missing
    or blocks are not whole, `gaps` says what the view cannot compute.
    """
    empty = _view(network, Counts(), {}, (), (), (), ())
    rows = build_rows(prepare(batch, external), empty, Resident.of(empty), heights=heights)
    rows.columns["outputs/spender"][rows.spent_output] = rows.spender
    counts = rows.counts
    view = _view(
        network,
        counts,
        rows.columns,
        (_key_run(rows.id_keys, np.arange(counts.transactions), counts.transactions),),
        (_key_run(rows.lock_keys, np.arange(counts.addresses), counts.addresses),),
        (_key_run(rows.reveal_keys, rows.reveal_rows, counts.reveals),),
        (_frozen_history(rows),),
    )
    return replace(view, gaps=gaps)


def _key_run(key: Int64Array, number: AnyArray, limit: int) -> KeyRun:
    key, number = sort_entries(key, number.astype(np.uint32))
    return KeyRun(key=_frozen(key), number=_frozen(number), limit=limit)


def _frozen_history(rows: NewRows) -> HistoryRun:
    run = rows.history()
    return HistoryRun(
        first=_frozen(run.first),
        received_sat=_frozen(run.received_sat),
        sent_sat=_frozen(run.sent_sat),
        transaction=_frozen(run.transaction),
        address=_frozen(run.address),
        limit=run.limit,
    )


def _frozen(array: AnyArray) -> AnyArray:
    array.flags.writeable = False
    return array


def _view(
    network: Network,
    counts: Counts,
    rows: dict[str, AnyArray],
    transactions: Sequence[KeyRun],
    addresses: Sequence[KeyRun],
    reveals: Sequence[KeyRun],
    histories: Sequence[HistoryRun],
) -> View:
    columns: dict[str, Any] = {}
    for column in SCHEMA:
        array = rows.get(column.path, np.empty(0, dtype=column.dtype))
        array = np.ascontiguousarray(array, dtype=column.dtype)
        if column.shape == "offsets":
            array = np.concatenate([np.zeros(1, dtype=np.int64), array])
        if column.width > 1:
            array = array.reshape(-1, column.width)
        array.flags.writeable = False
        columns[COLUMN_FIELDS[column.path]] = array
    return View(
        network=network,
        counts=counts,
        generation=0,
        transactions_by_id=KeyIndex(runs=transactions, row_count=counts.transactions),
        addresses_by_lock=KeyIndex(runs=addresses, row_count=counts.addresses),
        reveals_by_lock=KeyIndex(runs=reveals, row_count=counts.reveals),
        histories=HistoryIndex(runs=histories, transaction_count=counts.transactions),
        **columns,
    )
