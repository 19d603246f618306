"""The run itself: blocks in order, each joining addresses by proof and then by what is due in it.

What it writes grows with the chain. One row a block says how far each of these arrays had come at
its end, so that a run can go on from any block, be it after new blocks or after a reorganisation.

| array | row | holds |
|---|---|---|
| `log` | merge | `LogField` |
| `conflict` | merge that was refused, put off or noted | `ConflictField` |
| `decision…` | decision about change | see `change_decisions` |
| `block_rows` | block | rows of log, decisions and conflicts up to its end |

Without tags and change rules nothing can be refused, and a faster kernel does the work.
"""

import os
from dataclasses import dataclass

import numpy as np

from arien_flows.entities.change_decisions import (
    Decider,
    DecisionTable,
    DueDecisions,
    due_columns,
    separated_addresses,
)
from arien_flows.entities.coinjoins import CoinJoins
from arien_flows.entities.constraints import Constraints
from arien_flows.entities.draft import Append, Draft
from arien_flows.entities.position import block_chunks
from arien_flows.entities.profiles import GROWTH_RULE, SEPARATION_RULE, Profile, Terms, exclusion_by
from arien_flows.entities.spends import link_columns, spend_columns
from arien_flows.entities.storage import DerivedSet
from arien_flows.ledger.view import View
from chains.types import Int64Array, UInt8Array, UInt32Array
from heuristics.coinjoin import excluded
from heuristics.columns import LinkColumns
from heuristics.constrained import join_constrained
from heuristics.constrained_fields import CONFLICT_WIDTH, ROWS_WIDTH
from heuristics.constrained_sets import ConstrainedSets
from heuristics.cospend import LOG_WIDTH, LogField, MergeRule, join_cospends, replay
from heuristics.union_find import finalise, new_forest

LOG_CHUNK = 1 << 22
"""Rows of the merge log that are replayed at a time."""

THREADS = min(os.cpu_count() or 1, 4)
"""Threads that share the work of co-spends; one of them unites, so more than a few would wait."""

_LINK_RULES = {"same_key": MergeRule.SAME_KEY, "inner_script": MergeRule.INNER_SCRIPT}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What a run reads."""

    view: View
    coinjoins: CoinJoins
    profile: Profile
    terms: Terms
    decider: Decider | None

    @property
    def constraints(self) -> Constraints:
        return self.profile.heeded(self.terms)

    @property
    def is_plain(self) -> bool:
        """Whether nothing can keep two sets apart."""
        return self.decider is None and not len(self.constraints.columns.address)

    def links(self) -> LinkColumns:
        """Return the links of the rules that are switched on."""
        links = link_columns(self.view)
        off = [rule for name, rule in _LINK_RULES.items() if name in self.terms.without]
        if not off:
            return links
        kept = ~np.isin(links.rule, off)
        return LinkColumns(
            transaction=links.transaction[kept],
            address=links.address[kept],
            earlier=links.earlier[kept],
            rule=links.rule[kept],
        )

    def left_out(self, start: int, stop: int) -> UInt8Array:
        """Return which transactions of `[start, stop)` do not join their inputs."""
        if "cospend" in self.terms.without:
            return np.ones(stop - start, dtype=np.uint8)
        marks = self.coinjoins.rows.slice(start, stop)
        return excluded(marks, exclusion_by(self.profile.rules(self.terms)))


@dataclass(slots=True, kw_only=True)
class _Tables:
    """The arrays that grow."""

    log: Append
    conflict: Append
    decisions: DecisionTable
    block_rows: Append
    rows: Int64Array
    """Rows of log, decisions and conflicts so far."""


def joined_forest(
    view: View,
    draft: Draft,
    coinjoins: CoinJoins,
    kept: int,
    profile: Profile,
    terms: Terms,
) -> UInt32Array:
    """Return the settled forest of the view; what led to it is grown in the draft.

    `kept` is the number of leading blocks that the draft's earlier set covers and that still are
    in the chain.
    """
    decider = profile.decider(view, coinjoins, terms)
    run = _Run(view=view, coinjoins=coinjoins, profile=profile, terms=terms, decider=decider)
    rows = rows_at(draft.base, kept)
    parent = restored_forest(draft.base, view, kept, int(rows[0]))
    tables = _Tables(
        log=draft.grow("log", "uint32", keep=int(rows[0]), width=LOG_WIDTH),
        decisions=DecisionTable(draft, int(rows[1])),
        conflict=draft.grow("conflict", "uint32", keep=int(rows[2]), width=CONFLICT_WIDTH),
        block_rows=draft.grow("block_rows", "int64", keep=kept, width=ROWS_WIDTH),
        rows=rows,
    )
    if run.is_plain:
        _join_plainly(run, parent, tables, kept)
    else:
        _join_constrained(run, draft.base, parent, tables, kept)
    finalise(parent)
    return parent


def _join_plainly(run: _Run, parent: UInt32Array, tables: _Tables, kept: int) -> None:
    """Join by proofs alone."""
    view = run.view
    spends, links = spend_columns(view), run.links()
    for first, last in block_chunks(view, kept, view.counts.blocks):
        edges = view.first_transaction[first : last + 1]
        start, stop = int(edges[0]), int(edges[-1])
        left_out = run.left_out(start, stop)
        log = join_cospends(parent, spends, links, left_out, start, threads=THREADS)
        tables.log(log)
        rows = np.zeros((last - first, ROWS_WIDTH), dtype=np.int64)
        rows[:, 0] = np.searchsorted(log[:, LogField.TRANSACTION], edges[1:])
        _add_rows(tables, rows)


def _join_constrained(
    run: _Run, base: DerivedSet | None, parent: UInt32Array, tables: _Tables, kept: int
) -> None:
    """Join by proofs and decisions, as far as nothing speaks against it."""
    view, without = run.view, run.terms.without
    forest = ConstrainedSets.of(
        parent,
        run.constraints.columns,
        separated_addresses(base if kept else None, int(tables.rows[1])),
        watch_growth=run.decider is not None and GROWTH_RULE not in without,
    )
    spends, links = spend_columns(view), run.links()
    due_decisions = DueDecisions(
        run.decider, run.terms.decision_lag, only_joins=SEPARATION_RULE in without
    )
    for first, last in block_chunks(view, kept, view.counts.blocks):
        edges = view.first_transaction[first : last + 1].astype(np.int64)
        decided = due_decisions.due(first, last)
        left_out = run.left_out(int(edges[0]), int(edges[-1]))
        made = join_constrained(forest, spends, links, left_out, edges, due_columns(decided))
        tables.log(made.log)
        tables.decisions.append(decided, made.outcome)
        tables.conflict(made.conflict)
        _add_rows(tables, made.block_rows)


def _add_rows(tables: _Tables, rows: Int64Array) -> None:
    """Note how far the arrays have come, block by block; `rows` counts from the last chunk."""
    total = tables.rows + rows
    tables.block_rows(total)
    if len(total):
        tables.rows = total[-1]


def restored_forest(base: DerivedSet | None, view: View, kept: int, kept_rows: int) -> UInt32Array:
    """Return the forest as of the last kept block, with room for the view's later addresses."""
    if base is None or kept == 0:
        return new_forest(view.counts.addresses)
    if kept == base.manifest.counts["blocks"]:
        return new_forest(view.counts.addresses, base.whole("labels"))
    parent = new_forest(view.counts.addresses)
    for rows in base.arrays["log"].chunks(LOG_CHUNK, kept_rows):
        replay(parent, rows)
    return parent


def rows_at(base: DerivedSet | None, blocks: int) -> Int64Array:
    """Return how many rows of log, decisions and conflicts stand on the first blocks."""
    if base is None or blocks == 0:
        return np.zeros(ROWS_WIDTH, dtype=np.int64)
    rows: Int64Array = base.arrays["block_rows"].slice(blocks - 1, blocks)[0].copy()
    return rows
