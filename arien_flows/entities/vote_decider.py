"""Deciding about change, by rules that speak for themselves, by a model, or by counting votes.

An output that pays an address which is also spent from, or a multisig script that shares a key with
one that is spent, is the change for a reason of its own. Elsewhere the learned model says how
probable it is; or the votes are counted, and an output that leads by enough of them is taken for
the change. Joins are proposed for it, and separations for what else the transaction pays.

In profile `standard` only transactions with two outputs are decided about, since nobody has
measured these rules on others; and only there is the other output surely somebody else's. Where an
m-of-n script is spent, votes and model are not asked: an escrow that is released pays two owners,
and neither output is change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from arien_flows.entities.change_decisions import NO_PROBABILITY, Decided, cut, merged, together
from arien_flows.entities.change_model import (
    ChangeModel,
    blocks_of,
    fact_columns,
    model_decisions,
)
from arien_flows.entities.change_votes import BlockVotes, VoteSources, votes_of
from arien_flows.entities.coinjoins import CoinJoins
from arien_flows.entities.spends import spend_columns
from arien_flows.ledger.view import View
from chains.tables import ScriptType
from chains.types import BoolArray, Int64Array, UInt8Array, UInt32Array
from heuristics import change_rules
from heuristics.change import vote_difference
from heuristics.coinjoin import CoinJoinMark, excluded
from heuristics.columns import NO_ADDRESS, Int8Array
from heuristics.constrained_fields import DecidedBy, Verdict
from heuristics.cospend import SpendColumns
from heuristics.payers import payers

COLUMNS = {
    DecidedBy.REUSE: change_rules.ChangeRule.ADDRESS_REUSE,
    DecidedBy.KEYSET: change_rules.ChangeRule.KEYSET,
    DecidedBy.ONE_TIME: change_rules.ChangeRule.ONE_TIME,
}
"""The votes of rules that decide by themselves."""

_NOBODY = int(NO_ADDRESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class VotePolicy:
    """Which rules choose an output, in this order, and how sure they have to be."""

    votes_needed: int | None
    """By how many votes an output has to lead; None does not count votes."""

    before: tuple[DecidedBy, ...] = (DecidedBy.REUSE, DecidedBy.KEYSET)
    """Rules whose only candidate is taken before votes are counted."""

    after: tuple[DecidedBy, ...] = ()
    """Rules whose only candidate is taken where the votes do not decide."""

    model: ChangeModel | None = None
    """Decides where no rule before it did, instead of the votes."""

    only_two_outputs: bool
    """Whether other transactions than those with two outputs are passed over."""


class Portion(NamedTuple):
    """Some blocks' transactions, with what deciders ask about them."""

    votes: BlockVotes
    payer: UInt32Array
    """Of each transaction; see `heuristics.payers`."""

    paid: UInt32Array
    """Address of each output."""

    transaction: Int64Array
    """Of each output, counted from the first."""

    paid_count: Int64Array
    """Outputs of each transaction that can be spent."""

    spends_multisig: BoolArray
    """Whether each transaction spends from an m-of-n script."""


class _Choice:
    """Which output of each transaction is taken for the change, and why."""

    def __init__(self, transactions: int) -> None:
        self.row: Int64Array = np.full(transactions, -1, dtype=np.int64)
        self.rule: UInt8Array = np.zeros(transactions, dtype=np.uint8)
        self.lead: UInt8Array = np.zeros(transactions, dtype=np.uint8)

    def settle(self, row: Int64Array, rule: DecidedBy, lead: Int64Array | None = None) -> None:
        """Take what a rule chooses where nothing is chosen yet; -1 chooses nothing."""
        new: BoolArray = (self.row < 0) & (row >= 0)
        self.row[new], self.rule[new] = row[new], rule
        if lead is not None:
            self.lead[new] = lead[new]


class VoteDecider:
    """Decides about the blocks of a view, in order."""

    def __init__(
        self,
        view: View,
        coinjoins: CoinJoins,
        exclusion: CoinJoinMark,
        policy: VotePolicy,
        lag: int,
    ) -> None:
        self._view = view
        self._coinjoins = coinjoins
        self._exclusion = exclusion
        self._policy = policy
        self._lag = lag
        self._spends: SpendColumns = spend_columns(view)
        self._sources = VoteSources.of(view)
        self._ahead: Iterator[tuple[int, Decided]] | None = None
        self._pending: list[tuple[int, Decided]] = []

    def decide(self, first_block: int, last_block: int) -> Decided:
        """Decide about the transactions of blocks `[first_block, last_block)`."""
        if self._ahead is None:
            self._ahead = self._decided_blocks(first_block)
        parts, begin = [], first_block
        while begin < last_block:
            end, decided = self._pending.pop() if self._pending else next(self._ahead)
            if end > last_block:
                self._pending.append((end, cut(decided, last_block - begin, end - begin)))
                decided, end = cut(decided, 0, last_block - begin), last_block
            parts.append(decided)
            begin = end
        return together(parts)

    def _decided_blocks(self, first_block: int) -> Iterator[tuple[int, Decided]]:
        """Yield the decisions about consecutive blocks, with the block after the last one."""
        last_block = max(first_block, self._view.counts.blocks - self._lag)
        for votes in votes_of(
            self._sources,
            self._left_out,
            lag=self._lag,
            first_block=first_block,
            last_block=last_block,
        ):
            yield votes.last_block, self._decided(self._portion(votes))

    def _left_out(self, start: int, stop: int) -> UInt8Array:
        marks = self._coinjoins.rows.slice(start, stop)
        without_payer = payers(self._spends, excluded(marks, self._exclusion), start) == _NOBODY
        left_out: UInt8Array = without_payer.astype(np.uint8)
        return left_out

    def _portion(self, votes: BlockVotes) -> Portion:
        first, counts = votes.first_row, np.diff(votes.first_row)
        begin = int(self._view.first_output[votes.start])
        paid: UInt32Array = self._view.output_address[begin : begin + int(first[-1])]
        transaction = np.repeat(np.arange(len(counts)), counts)
        spendable = transaction[paid != NO_ADDRESS]
        marks = self._coinjoins.rows.slice(votes.start, votes.stop)
        return Portion(
            votes=votes,
            payer=payers(self._spends, excluded(marks, self._exclusion), votes.start),
            paid=paid,
            transaction=transaction,
            paid_count=np.bincount(spendable, minlength=len(counts)),
            spends_multisig=self._spends_multisig(votes.start, votes.stop),
        )

    def _spends_multisig(self, start: int, stop: int) -> BoolArray:
        """Return which transactions spend from an m-of-n script; its spend shows that it is one."""
        view = self._view
        first = view.first_input[start : stop + 1]
        address = view.input_address[int(first[0]) : int(first[-1])]
        known = address != NO_ADDRESS
        multisig = np.zeros(len(address), dtype=np.bool_)
        of = address[known].astype(np.int64)
        hidden = self._sources.fingerprints.multisig[of >> 3] >> (of & 7).astype(np.uint8) & 1
        multisig[known] = (hidden != 0) | (view.script_type[of] == ScriptType.MULTISIG)
        before = np.concatenate([[0], np.cumsum(multisig)])[first - first[0]]
        spends: BoolArray = before[1:] > before[:-1]
        return spends

    def _decided(self, portion: Portion) -> Decided:
        policy, votes = self._policy, portion.votes.votes
        choice = _Choice(len(portion.payer))
        for rule in policy.before:
            choice.settle(_only_candidate(votes[:, COLUMNS[rule]], portion), rule)
        if policy.model is not None:
            return merged(
                self._proposed(portion, choice), self._by_model(policy.model, portion, choice)
            )
        if policy.votes_needed is not None:
            counted = vote_difference(votes, portion.votes.first_row)
            enough = counted.difference >= policy.votes_needed
            row = np.where(enough & ~portion.spends_multisig, counted.row, -1)
            choice.settle(row, DecidedBy.VOTE, counted.difference.astype(np.int64))
        for rule in policy.after:
            row = _only_candidate(votes[:, COLUMNS[rule]], portion)
            choice.settle(np.where(portion.spends_multisig, -1, row), rule)
        return self._proposed(portion, choice)

    def _by_model(self, model: ChangeModel, portion: Portion, choice: _Choice) -> Decided:
        """Return what the model is sure of about transactions that no rule has decided."""
        votes, view = portion.votes, self._view
        settled = (choice.row >= 0) | (portion.payer == NO_ADDRESS) | portion.spends_multisig
        found = model_decisions(
            model,
            self._sources.columns,
            fact_columns(view),
            blocks_of(view, votes, self._lag),
            votes.votes,
            settled.astype(np.uint8),
        )
        joins = found.probability_ppm > model.tau_plus_ppm
        return Decided(
            first=self._first_rows(votes, found.transaction),
            transaction=found.transaction,
            input_address=portion.payer[found.transaction.astype(np.int64) - votes.start],
            output_address=found.output_address,
            probability_ppm=found.probability_ppm,
            rule=np.full(len(joins), DecidedBy.MODEL, dtype=np.uint8),
            verdict=np.where(joins, Verdict.SAME_OWNER, Verdict.OTHER_OWNER).astype(np.uint8),
            votes=np.zeros(len(joins), dtype=np.uint8),
        )

    def _first_rows(self, votes: BlockVotes, transaction: UInt32Array) -> Int64Array:
        """Return where the decisions about each block start, and the end of the last."""
        edges = self._view.first_transaction[votes.first_block : votes.last_block + 1]
        return np.searchsorted(transaction, edges.astype(np.int64)).astype(np.int64)

    def _proposed(self, portion: Portion, choice: _Choice) -> Decided:
        """Return what the choices say about the owners of each output."""
        transaction = portion.transaction
        chosen, has_two = choice.row[transaction], portion.paid_count[transaction] == 2
        joins: BoolArray = np.arange(len(chosen)) == chosen
        # Whoever reuses an address has joined nothing.
        joins &= choice.rule[transaction] != DecidedBy.REUSE
        separates = has_two & (np.arange(len(chosen)) != chosen)
        separates &= portion.paid != portion.paid[chosen]
        decided = (joins | separates) & (chosen >= 0) & (portion.paid != NO_ADDRESS)
        decided &= portion.payer[transaction] != NO_ADDRESS
        if self._policy.only_two_outputs:
            decided &= has_two
        rows = np.flatnonzero(decided)
        of = transaction[rows]
        number = (portion.votes.start + of).astype(np.uint32)
        return Decided(
            first=self._first_rows(portion.votes, number),
            transaction=number,
            input_address=portion.payer[of],
            output_address=portion.paid[rows],
            probability_ppm=np.full(len(rows), NO_PROBABILITY, dtype=np.int32),
            rule=choice.rule[of],
            verdict=np.where(joins[rows], Verdict.SAME_OWNER, Verdict.OTHER_OWNER).astype(np.uint8),
            votes=choice.lead[of],
        )


def _only_candidate(column: Int8Array, portion: Portion) -> Int64Array:
    """Return the row that a rule votes for in each transaction, or -1."""
    row = np.full(len(portion.payer), -1, dtype=np.int64)
    voted = np.flatnonzero(column > 0)
    row[portion.transaction[voted]] = voted
    return row
