"""Joining accounts by links where tags and sizes keep some sets apart.

The kernel is that of a chain of coins (`heuristics.constrained`), in which what a change rule
proposes is refused where something speaks against it. Here every link is such a proposal, and as
transaction it carries its own row, so that a row of the log leads to the link behind it.
"""

import numpy as np

from arien_flows.account_entities.links import Links
from arien_flows.entities.artefacts import NO_ROW
from arien_flows.entities.constraints import Constraints, no_constraints
from arien_flows.entities.draft import Draft
from chains.types import UInt32Array
from heuristics.columns import LinkColumns
from heuristics.constrained import DueColumns, Joined, join_constrained
from heuristics.constrained_fields import CONFLICT_WIDTH, Verdict
from heuristics.constrained_sets import ConstrainedSets
from heuristics.cospend import LOG_WIDTH, LogField, SpendColumns
from heuristics.members import count_sets, list_members
from heuristics.union_find import finalise, new_forest


def united(
    accounts: int, links: Links, owners: Constraints | None, *, watch_growth: bool
) -> tuple[UInt32Array, Joined]:
    """Return the root of each account, and what came of each link.

    `owners` is what keeps sets apart, or nothing.
    """
    parent, rows = new_forest(accounts), len(links.a)
    none, no_bytes = np.empty(0, np.uint32), np.empty(0, np.uint8)
    forest = ConstrainedSets.of(
        parent, (owners or no_constraints()).columns, (none, none), watch_growth=watch_growth
    )
    whole = np.array([0, rows], np.int64)
    made = join_constrained(
        forest,
        _no_spends(rows, accounts),
        LinkColumns(none, none, none, no_bytes),
        np.zeros(rows, np.uint8),
        whole,
        DueColumns(
            first=whole,
            transaction=np.arange(rows, dtype=np.uint32),
            input_address=links.a,
            output_address=links.b,
            rule=links.rule,
            verdict=np.full(rows, Verdict.SAME_OWNER, np.uint8),
        ),
    )
    finalise(parent)
    return parent, made


def _no_spends(transactions: int, accounts: int) -> SpendColumns:
    """Return the columns of transactions that spend nothing."""
    none = np.empty(0, np.uint8)
    return SpendColumns(
        first_input=np.zeros(transactions + 1, np.int64),
        input_address=np.empty(0, np.uint32),
        input_sighash=none,
        script_type=np.zeros(accounts, np.uint8),
        sighash_effect=none,
        needs_signature=none,
    )


def write_sets(draft: Draft, made: tuple[UInt32Array, Joined], links: Links) -> dict[str, int]:
    """Write sets, log, conflicts and the index of links; return counts for the manifest."""
    roots_of_all, joined = made
    labels: UInt32Array = draft.allocate("labels", "uint32", len(roots_of_all))
    labels[:] = roots_of_all
    counts, entities, held = count_sets(labels)
    roots = draft.allocate("entity_root", "uint32", entities)
    first = draft.allocate("entity_first_member", "int64", entities + 1)
    members = draft.allocate("entity_member", "uint32", held)
    list_members(labels, counts, roots, first, members)
    row_of_child = np.full(len(labels), NO_ROW, np.uint32)
    row_of_child[joined.log[:, LogField.CHILD]] = np.arange(len(joined.log), dtype=np.uint32)
    draft.allocate("member_row", "uint32", held)[:] = row_of_child[members]
    draft.allocate("log", "uint32", len(joined.log), width=LOG_WIDTH)[:] = joined.log
    conflicts = draft.allocate("conflict", "uint32", len(joined.conflict), width=CONFLICT_WIDTH)
    conflicts[:] = joined.conflict
    draft.allocate("link_outcome", "uint8", len(links.a))[:] = joined.outcome
    _write_link_index(draft, links)
    return {
        "entities": len(labels) - len(joined.log),
        "entities_of_two_and_more": entities,
        "accounts_in_entities_of_two_and_more": held,
        "merges": len(joined.log),
        "conflicts": len(joined.conflict),
    }


def _write_link_index(draft: Draft, links: Links) -> None:
    """Sort both ends of all links by account, so that the links of an account are a stretch."""
    ends = np.concatenate([links.a, links.b])
    order = np.argsort(ends, kind="stable")
    draft.allocate("link_key", "uint32", len(ends))[:] = ends[order]
    draft.allocate("link_row", "uint32", len(ends))[:] = order % max(len(links.a), 1)
