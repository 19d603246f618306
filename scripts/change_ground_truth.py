"""Outputs of simulated chains with what is true of them, to train and to judge the change model.

Two answers to "is this output the change?" stand side by side. The *owners'* is the truth of the
simulation: the output belongs to whom the first input belongs to. The *recipe's* is what anybody
can work out on the real chain, where no truth is to be had: of two outputs one was later spent
together with the inputs' addresses (Moeser and Narayanan 2022). It speaks of few transactions, and
not of a fair choice among them, which is why a model is judged by the owners' answer.
"""

import tempfile
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from arien_flows.entities.change_model import blocks_of, fact_columns
from arien_flows.entities.change_votes import VoteSources, votes_of
from arien_flows.entities.clustering import Clustering, run_clustering
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.manifest import read_manifest
from arien_flows.ledger.opening import open_view
from arien_flows.ledger.view import View
from arien_flows.ledger.writer import LedgerWriter
from arien_flows.simulation.parameters import FUNDING_BLOCKS, SPAN_SECONDS, Parameters
from arien_flows.simulation.roles import Role
from arien_flows.simulation.simulate import simulate
from arien_flows.simulation.truth import Truth
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import REGTEST
from heuristics.change_features import VOTE_COUNT, ChangeRows, change_rows
from heuristics.coinjoin import STANDARD_EXCLUSION, excluded
from heuristics.columns import NO_ADDRESS
from heuristics.cospend import LogField, replay
from heuristics.union_find import find, new_forest

WEEK_SECONDS = 1_008 * 600
PEOPLE = (Role.VICTIM, Role.THIEF, Role.SUPPLIER, Role.VENDOR, Role.USER)
MOST_BOTH_INSIDE = 0.1
"""Share of an entity's transactions with both outputs inside from which the recipe drops it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Rows of `ChangeRows` with their truth; two rows for each transaction, side by side."""

    features: np.ndarray
    stratum: np.ndarray
    is_change: np.ndarray
    """The owners' answer."""

    has_recipe: np.ndarray
    recipe_change: np.ndarray
    """The recipe's answer, where it has one."""

    style: np.ndarray
    """The sender's wallet program."""

    is_service: np.ndarray
    """The sender is no person."""

    lead: np.ndarray
    """Votes for the output minus votes for the other one."""

    week: np.ndarray
    """Judged as of a week later; otherwise with the whole later chain known."""

    def where(self, chosen: np.ndarray) -> "Judged":
        """Return some of the rows; whole transactions only."""
        return Judged(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})


def together(parts: list[Judged]) -> Judged:
    """Return the rows of several chains."""
    return Judged(
        **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Judged)}
    )


def judged_chain(parameters: Parameters) -> Judged:
    """Simulate a chain and judge it twice: with a week's hindsight, and with all there is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate(parameters, folder)
        with LedgerWriter(folder / "ledger", REGTEST) as writer:
            ingest(writer, BlockFiles(folder / "blocks", REGTEST))
        view = open_view(folder / "ledger", read_manifest(folder / "ledger"))
        clustering = run_clustering(view, None)
        truth = OwnerTruth(view, Truth(folder))
        blocks = view.counts.blocks
        seconds_a_block = SPAN_SECONDS / (blocks - FUNDING_BLOCKS)
        week = max(1, round(WEEK_SECONDS / seconds_a_block))
        sources, parts = VoteSources.of(view), []
        for lag in (week, blocks):
            rows = rows_as_of(sources, clustering, lag)
            parts.append(_judged(view, clustering, truth, rows, is_week=lag == week))
        return together(parts)


def rows_as_of(sources: VoteSources, clustering: Clustering, lag: int) -> ChangeRows:
    """Return the rows of all transactions, each block's as of so many blocks later."""
    view = sources.view
    marks = clustering.coinjoins.rows
    parts = []

    def left_out(start: int, stop: int) -> np.ndarray:
        return excluded(marks.slice(start, stop), STANDARD_EXCLUSION)

    for voted in votes_of(sources, left_out, lag=lag, last_block=view.counts.blocks):
        parts.append(
            change_rows(
                sources.columns,
                fact_columns(view),
                blocks_of(view, voted, lag),
                voted.votes,
                left_out(voted.start, voted.stop),
                voted.start,
                voted.stop,
            )
        )
    return ChangeRows._make(np.concatenate(column) for column in zip(*parts, strict=True))


class OwnerTruth:
    """Who owns each output of a ledger, and which program that owner uses."""

    def __init__(self, view: View, truth: Truth) -> None:
        address = truth.outputs["address"].to_numpy()
        owner = truth.addresses["owner"].to_numpy()
        # Genesis is in the ledger, but not in the truth.
        genesis = int(view.first_output[1])
        self.of_output = np.concatenate(
            [np.full(genesis, -1), np.where(address >= 0, owner[np.maximum(address, 0)], -1)]
        )
        if len(self.of_output) != view.counts.outputs:
            raise ValueError("the truth does not speak of this ledger")
        self.style = truth.owners["wallet"].to_numpy()
        self.is_service = ~np.isin(truth.owners["role"].to_numpy(), PEOPLE)


def _judged(
    view: View, clustering: Clustering, truth: OwnerTruth, rows: ChangeRows, *, is_week: bool
) -> Judged:
    transaction = rows.transaction.astype(np.int64)
    sender = truth.of_output[view.spent_output[view.first_input[transaction]]]
    has_recipe, recipe_change = recipe(view, clustering, rows)
    votes = np.count_nonzero(rows.features[:, :VOTE_COUNT] > 0, axis=1)
    return Judged(
        features=rows.features,
        stratum=rows.stratum,
        is_change=truth.of_output[rows.output] == sender,
        has_recipe=has_recipe,
        recipe_change=recipe_change,
        style=truth.style[sender].astype(np.int16),
        is_service=truth.is_service[sender],
        lead=(votes - votes.reshape(-1, 2)[:, ::-1].ravel()).astype(np.int8),
        week=np.full(len(transaction), is_week),
    )


def recipe(view: View, clustering: Clustering, rows: ChangeRows) -> tuple[np.ndarray, np.ndarray]:
    """Return for which rows later co-spends reveal the change, and which rows are the change.

    The four steps of the published recipe; no known super-cluster has to be dropped here.
    """
    labels = clustering.labels
    inside = labels[rows.output_address] == labels[rows.input_address]
    pair = inside.reshape(-1, 2)
    one = pair.sum(axis=1) == 1
    spent = (view.spender[rows.output] < view.counts.transactions).reshape(-1, 2).all(axis=1)
    entity = labels[rows.input_address[::2]]
    all_pairs = np.bincount(entity)
    both_inside = np.bincount(entity[pair.all(axis=1)], minlength=len(all_pairs))
    sound = both_inside < MOST_BOTH_INSIDE * all_pairs
    kept = one & spent & sound[entity]
    change = 2 * np.arange(len(kept)) + pair[:, 1]
    known = kept & ~_fresh(view, rows)[change]
    known[known] = _joined_before(view, clustering, rows, change[known])
    return np.repeat(kept & ~known, 2), inside


def _fresh(view: View, rows: ChangeRows) -> np.ndarray:
    """Return which outputs pay an address that no earlier transaction paid."""
    address = np.asarray(view.output_address).astype(np.int64)
    address[address == NO_ADDRESS] = -1
    newest = np.maximum.accumulate(np.concatenate([[-1], address]))
    first = view.first_output[rows.transaction.astype(np.int64)]
    return rows.output_address > newest[first]


def _joined_before(
    view: View, clustering: Clustering, rows: ChangeRows, chosen: np.ndarray
) -> np.ndarray:
    """Return for which rows inputs and output were one entity before the transaction."""
    log = clustering.log.whole()
    merged_by = log[:, LogField.TRANSACTION]
    parent, done = new_forest(view.counts.addresses), 0
    joined = np.zeros(len(chosen), dtype=np.bool_)
    for i, row in enumerate(chosen.tolist()):
        reached = int(np.searchsorted(merged_by, rows.transaction[row]))
        replay(parent, log[done:reached])
        done = reached
        joined[i] = find(parent, rows.input_address[row]) == find(parent, rows.output_address[row])
    return joined
