"""What is kept of a clustering beside its merge log, all derived from it and from the ledger.

| array | row | holds |
|---|---|---|
| `labels` | address | the root: the first-seen address of its entity |
| `entity_root` | entity of two addresses and more | its root, ascending |
| `entity_first_member` | the same, one entry more | where its members start |
| `entity_member` | member, entity by entity | address, ascending |
| `member_row` | the same | row of the merge log that merged it away; none for the root |
| `totals` | entity | `heuristics.entity_totals.TotalField` |
| `link_key`, `link_row` | end of a link | address, ascending; row of the table of links |
"""

import numpy as np

from arien_flows.entities.coinjoins import transaction_columns
from arien_flows.entities.draft import Draft
from arien_flows.entities.storage import Rows
from arien_flows.ledger.view import View
from chains.types import UInt32Array
from heuristics.entity_totals import TOTAL_WIDTH, sum_entities
from heuristics.members import ALONE, count_sets, list_members

NO_ROW = ALONE
"""Stands in `member_row` for the root, which no row merged away."""

_COPY_ROWS = 1 << 22


def write_artefacts(view: View, draft: Draft, parent: UInt32Array) -> dict[str, int]:
    """Write all arrays but the log; return counts for the manifest.

    `parent` is settled: it holds the root of every address.
    """
    labels: UInt32Array = draft.allocate("labels", "uint32", len(parent))
    labels[:] = parent
    counts, entity_count, member_count = count_sets(labels)
    roots = draft.allocate("entity_root", "uint32", entity_count)
    first = draft.allocate("entity_first_member", "int64", entity_count + 1)
    members = draft.allocate("entity_member", "uint32", member_count)
    list_members(labels, counts, roots, first, members)
    totals = draft.allocate("totals", "int64", entity_count, width=TOTAL_WIDTH)
    sum_entities(transaction_columns(view), labels, counts, totals)
    del counts
    log = draft.grown("log")
    rows = draft.allocate("member_row", "uint32", member_count)
    _write_member_rows(log, len(labels), members, rows)
    _write_link_index(view, draft)
    return {
        "entities": len(labels) - len(log),
        "entities_of_two_and_more": entity_count,
        "addresses_in_entities_of_two_and_more": member_count,
        "merges": len(log),
    }


def _write_member_rows(
    log: Rows, address_count: int, members: UInt32Array, rows: UInt32Array
) -> None:
    """Note for each member which row of the log merged it into a smaller one."""
    row_of_child = np.full(address_count, NO_ROW, dtype=np.uint32)
    done = 0
    for chunk in log.chunks(_COPY_ROWS):
        row_of_child[chunk[:, 0]] = np.arange(done, done + len(chunk), dtype=np.uint32)
        done += len(chunk)
    for start in range(0, len(members), _COPY_ROWS):
        stretch = slice(start, start + _COPY_ROWS)
        rows[stretch] = row_of_child[members[stretch]]


def _write_link_index(view: View, draft: Draft) -> None:
    """Sort both ends of all links by address, so that the links of an address are a stretch."""
    ends = np.concatenate([view.link_address, view.link_earlier])
    order = np.argsort(ends, kind="stable")
    keys = draft.allocate("link_key", "uint32", len(ends))
    rows = draft.allocate("link_row", "uint32", len(ends))
    keys[:] = ends[order]
    rows[:] = order % max(len(view.link_address), 1)
