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
| `listed_conflict` | conflict that is listed, see `review` | row of the conflicts, ascending |
| `listed_conflict_kind` | the same | `ConflictKind` |
| `refused_transaction` | transaction whose inputs have several owners | its number, ascending |
| `conflict_key`, `conflict_row` | end of one of these | root, ascending; row of the conflicts |
| `large_root` | entity of many addresses | its root, ascending |
| `large_rules` | the same | merges by each rule; a column is a rule's number |
"""

import numpy as np

from arien_flows.entities.coinjoins import transaction_columns
from arien_flows.entities.draft import Draft
from arien_flows.entities.storage import Rows
from arien_flows.ledger.view import View
from chains.types import Int64Array, UInt32Array
from heuristics.constrained_fields import ConflictField, ConflictKind
from heuristics.cospend import LogField, MergeRule
from heuristics.entity_totals import TOTAL_WIDTH, sum_entities
from heuristics.members import ALONE, count_sets, list_members

NO_ROW = ALONE
"""Stands in `member_row` for the root, which no row merged away."""

LARGE_ADDRESSES = 10_000
"""Merges of larger entities are counted by each run, those of others when somebody asks."""

RULE_NUMBERS = 32
"""Numbers that rules which join may have."""

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
    _write_conflict_indexes(draft, labels)
    _write_large_rules(log, labels, roots[np.diff(first) > LARGE_ADDRESSES], draft)
    return {
        "entities": len(labels) - len(log),
        "entities_of_two_and_more": entity_count,
        "addresses_in_entities_of_two_and_more": member_count,
        "merges": len(log),
        "decisions": len(draft.grown("decision_transaction")),
        "conflicts": len(draft.grown("conflict")),
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


def _write_conflict_indexes(draft: Draft, labels: UInt32Array) -> None:
    """List conflicts, and sort both ends of each by the entity that they belong to now."""
    conflicts = draft.grown("conflict").whole()
    rows = _listed_conflicts(conflicts, labels)
    draft.allocate("listed_conflict", "uint32", len(rows))[:] = rows
    kinds = draft.allocate("listed_conflict_kind", "uint8", len(rows))
    kinds[:] = conflicts[rows, ConflictField.KIND]
    refused = _refused_transactions(conflicts)
    draft.allocate("refused_transaction", "uint32", len(refused))[:] = refused
    ends = np.concatenate(
        [
            labels[conflicts[rows, ConflictField.ADDRESS_A]],
            labels[conflicts[rows, ConflictField.ADDRESS_B]],
        ]
    )
    order = np.argsort(ends, kind="stable")
    draft.allocate("conflict_key", "uint32", len(ends))[:] = ends[order]
    draft.allocate("conflict_row", "uint32", len(ends))[:] = np.concatenate([rows, rows])[order]


def _refused_transactions(conflicts: UInt32Array) -> UInt32Array:
    """Return the transactions whose inputs tags give to different owners, ascending."""
    refused = conflicts[:, ConflictField.KIND] == ConflictKind.OWNERS
    refused &= conflicts[:, ConflictField.RULE] == MergeRule.COSPEND
    return np.unique(conflicts[refused, ConflictField.TRANSACTION])


def _listed_conflicts(conflicts: UInt32Array, labels: UInt32Array) -> Int64Array:
    """Return the first row of each pair of sets and kind, ascending.

    Pairs of large sets that are together now are no longer for anybody to look at.
    """
    kind = conflicts[:, ConflictField.KIND]
    a, b = conflicts[:, ConflictField.ROOT_A], conflicts[:, ConflictField.ROOT_B]
    low, high = np.minimum(a, b), np.maximum(a, b)
    order = np.lexsort((kind, high, low))
    is_first = np.ones(len(order), dtype=np.bool_)
    is_first[1:] = (
        (low[order][1:] != low[order][:-1])
        | (high[order][1:] != high[order][:-1])
        | (kind[order][1:] != kind[order][:-1])
    )
    settled = (kind == ConflictKind.GROWTH) & (labels[a] == labels[b])
    first = order[is_first]
    return np.sort(first[~settled[first]])


def _write_large_rules(log: Rows, labels: UInt32Array, large: UInt32Array, draft: Draft) -> None:
    """Count the merges of large entities by rule."""
    roots: UInt32Array = draft.allocate("large_root", "uint32", len(large))
    counts = draft.allocate("large_rules", "uint32", len(large), width=RULE_NUMBERS)
    roots[:] = large
    if not len(large):
        return
    for chunk in log.chunks(_COPY_ROWS):
        root = labels[chunk[:, LogField.CHILD]]
        place = np.minimum(np.searchsorted(large, root), len(large) - 1)
        mine = large[place] == root
        cell = place[mine] * RULE_NUMBERS + chunk[mine, LogField.RULE]
        found, times = np.unique(cell, return_counts=True)
        counts.reshape(-1)[found] += times.astype(np.uint32)
