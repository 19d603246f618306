"""Why two addresses are one entity: the transactions and rules that join them.

Two addresses touch if one transaction's inputs show control of both, if a link says that one key
or script opens both, or if a decision about change joined one to the other. A chain of such steps
between two addresses is what a reader can check on the chain by hand, and a short one is worth
more than a long one. The search goes from both ends at once, a whole round at a time, so the first
meeting is a shortest chain. It reads histories of addresses, which can be huge, and so it is
bounded by the history entries, inputs and decisions that it may read. Where the bound is reached,
the merge log gives a chain: its pairs of addresses form a tree over the entity, so there is always
exactly one path in it, only not a shortest one.

That path is found without reading the entity, however large. Each address but the root has one row
of the log, which merged the set that it was then the root of. Going up from both ends, always from
the one that was merged earlier, leads to the row that joined the two; its pair splits the question
into two that are decided by earlier rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from arien_flows.entities.clustering import Clustering
from arien_flows.entities.counted_votes import CountedVotes, counted_votes
from arien_flows.entities.decisions import Decision, decisions_about, joining_decisions
from arien_flows.entities.merge_path import logged_path
from arien_flows.entities.review import conflicts_between
from arien_flows.entities.rule_names import rule_name
from arien_flows.entities.spends import spend_columns
from arien_flows.ledger.view import View
from chains.types import BoolArray, Int64Array, UInt32Array
from heuristics.columns import read_only
from heuristics.cospend import LogField, MergeRule
from heuristics.evidence import joined_inputs, joining_transactions

DEFAULT_BOUND = 100_000
"""History entries, inputs and decisions that a search may read; about half a second."""

LARGEST_BOUND = 20_000_000
_HISTORY_PAGE = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One reason: by this rule, this transaction shows that both addresses have one owner."""

    rule: str
    rule_version: int
    transaction: str
    address_from: str
    address_to: str
    probability_ppm: int | None
    """That the rule is right, in millionths; nothing where it gives none."""

    votes: int | None
    """By how many votes the output led; nothing where votes were not counted."""

    votes_for: tuple[str, ...]
    """Names of the rules that voted for the output, and of those that voted for another; nothing
    where votes were not counted, or are no longer cast as they were."""

    votes_against: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A chain of reasons between two addresses of one entity (an inference by named rules)."""

    address_a: str
    address_b: str
    entity: str
    """The entity's first-seen address."""

    profile: str
    steps: tuple[Step, ...]
    """From `address_a` to `address_b`; empty where they are one address, or `too_long`."""

    shortest: bool
    """Whether no shorter chain exists. False where the search was cut short."""

    too_long: bool
    """The only chain known has more steps than are shown."""

    read: int
    """History entries, inputs and decisions that the search read."""

    bound: int
    """How many it was allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotJoined:
    """No rule of the profile joins the two addresses. That does not say that owners differ."""

    address_a: str
    address_b: str
    entity_a: str
    entity_b: str
    profile: str
    conflicts: tuple[int, ...]
    """Rows of the listed conflicts between the two entities, ascending."""

    @property
    def message(self) -> str:
        """Say so in a sentence."""
        return (
            f"no rule of profile {self.profile} joins {self.address_a} and {self.address_b}; "
            f"they belong to the entities of {self.entity_a} and {self.entity_b}. They may still "
            "have one owner"
        )


@dataclass(frozen=True, slots=True)
class _Edge:
    """How a search came to an address: from which one, by what."""

    before: int
    transaction: int
    rule: int
    """`MergeRule` or `heuristics.constrained_fields.DecidedBy`."""


def why(
    view: View, clustering: Clustering, a: str, b: str, *, bound: int = DEFAULT_BOUND
) -> Explanation | NotJoined:
    """Explain why two addresses are one entity, or say that they are not.

    Parameters
    ----------
    view, clustering
        The ledger, and a clustering of it, which may end at an earlier block.
    a, b
        Addresses as people write them. An unknown one raises NotFoundError, a malformed one
        AddressError.
    bound
        History entries, inputs and decisions that the search for a shortest chain may read.
    """
    if not 0 <= bound <= LARGEST_BOUND:
        raise ValueError(f"the bound must be from 0 to {LARGEST_BOUND}, not {bound}")
    first, second = view.find_address(a), view.find_address(b)
    root, other = clustering.root_of(first), clustering.root_of(second)
    if root != other:
        return NotJoined(
            address_a=_text(view, first),
            address_b=_text(view, second),
            entity_a=_text(view, root),
            entity_b=_text(view, other),
            profile=clustering.profile,
            conflicts=tuple(conflicts_between(clustering, root, other).tolist()),
        )
    search = _Search(view, clustering, bound)
    chain = search.shortest(first, second)
    found = chain is not None
    if chain is None:
        chain = _logged_chain(clustering, first, second)
    return Explanation(
        address_a=_text(view, first),
        address_b=_text(view, second),
        entity=_text(view, root),
        profile=clustering.profile,
        steps=tuple(_step(view, clustering, address, edge) for address, edge in chain or ()),
        shortest=found,
        too_long=chain is None,
        read=search.read,
        bound=bound,
    )


def _text(view: View, address: int) -> str:
    return view.address_text(address) or ""


def _step(view: View, clustering: Clustering, address: int, edge: _Edge) -> Step:
    name = rule_name(edge.rule)
    decision = _decision(clustering, address, edge)
    counted = _counted(view, clustering, decision)
    return Step(
        rule=name,
        rule_version=clustering.manifest.rules[name],
        transaction=view.txid_text(edge.transaction),
        address_from=_text(view, edge.before),
        address_to=_text(view, address),
        probability_ppm=decision.probability_ppm if decision else None,
        votes=decision.votes if decision else None,
        votes_for=counted.in_favour if counted else (),
        votes_against=counted.against if counted else (),
    )


def _counted(view: View, clustering: Clustering, decision: Decision | None) -> CountedVotes | None:
    """Return the votes behind a decision; nothing where they do not come to the lead it kept."""
    if decision is None or decision.votes is None:
        return None
    lag = int(clustering.manifest.parameters["decision_lag"])
    counted = counted_votes(view, decision.transaction, lag)
    return counted if counted is not None and counted.lead == decision.votes else None


def _decision(clustering: Clustering, address: int, edge: _Edge) -> Decision | None:
    """Return the decision behind a step, or nothing where the step is no guess."""
    ends = {address, edge.before}
    for each in decisions_about(clustering.derived, edge.transaction):
        if each.joins and each.rule == edge.rule and {each.spent, each.paid} == ends:
            return each
    return None


class _Search:
    """A breadth-first search from two addresses towards each other."""

    def __init__(self, view: View, clustering: Clustering, bound: int) -> None:
        self._view = view
        self._clustering = clustering
        self._bound = bound
        self._spends = spend_columns(view)
        self._link_key: UInt32Array = clustering.derived.whole("link_key")
        self._link_row: UInt32Array = clustering.derived.whole("link_row")
        self._transaction_count = clustering.manifest.counts["transactions"]
        self._rules = clustering.manifest.rules
        self._guesses = len(clustering.derived.arrays["decision_transaction"]) > 0
        self._refused: UInt32Array = clustering.derived.whole("refused_transaction")
        self.read = 0

    def shortest(self, start: int, goal: int) -> list[tuple[int, _Edge]] | None:
        """Return the steps of a shortest chain, or nothing where the bound was reached.

        Each step is the address it leads to and how. Of several shortest chains the one found is
        always the same: addresses and transactions are taken in ascending order.
        """
        if start == goal:
            return []
        reached: tuple[dict[int, _Edge | None], ...] = ({start: None}, {goal: None})
        frontiers, used = [[start], [goal]], (set[int](), set[int]())
        while all(frontiers):
            side = 0 if len(frontiers[0]) <= len(frontiers[1]) else 1
            fresh = self._round(frontiers[side], reached[side], used[side])
            if fresh is None:
                return None
            meeting = next((address for address in fresh if address in reached[1 - side]), None)
            if meeting is not None:
                return _chain(reached[0], reached[1], meeting)
            frontiers[side] = fresh
        raise AssertionError("two addresses of one entity are connected")

    def _round(
        self, frontier: list[int], reached: dict[int, _Edge | None], used: set[int]
    ) -> list[int] | None:
        """Take all steps from a frontier; return the addresses newly reached, ascending."""
        fresh = []
        for address in frontier:
            for neighbours, transaction, rule in self._steps(address, used):
                # What tags or decisions keep apart may still share a transaction.
                for neighbour in self._of_entity(neighbours, address):
                    if neighbour not in reached:
                        reached[neighbour] = _Edge(address, transaction, rule)
                        fresh.append(neighbour)
            if self.read > self._bound:
                return None
        return sorted(fresh)

    def _of_entity(self, neighbours: UInt32Array, address: int) -> list[int]:
        labels = self._clustering.labels
        same: list[int] = neighbours[labels[neighbours] == labels[address]].tolist()
        return same

    def _steps(self, address: int, used: set[int]) -> Iterator[tuple[UInt32Array, int, int]]:
        """Yield groups of addresses that touch one, with the reason; stops past the bound."""
        # Of the keys' own type: for any other one, NumPy would convert all of them first.
        own = np.uint32(address)
        left = int(np.searchsorted(self._link_key, own, side="left"))
        right = int(np.searchsorted(self._link_key, own, side="right"))
        for row in np.sort(self._link_row[left:right]).tolist():
            rule = int(self._view.link_rule[row])
            if rule_name(rule) in self._rules:
                ends = self._view.link_address[row], self._view.link_earlier[row]
                transaction = int(self._view.link_transaction[row])
                yield np.array(ends, dtype=np.uint32), transaction, rule
        start = 0
        while self.read <= self._bound:
            page = self._view.history(address, start, start + _HISTORY_PAGE)
            transactions = page.transaction.astype(np.int64)
            known = transactions[transactions < self._transaction_count]
            self.read += len(known)
            yield from self._shared_inputs(address, known, used)
            if self._guesses:
                yield from self._changes(address, known)
            if len(known) < _HISTORY_PAGE:
                return
            start += _HISTORY_PAGE

    def _shared_inputs(
        self, address: int, transactions: Int64Array, used: set[int]
    ) -> Iterator[tuple[UInt32Array, int, int]]:
        """Yield the inputs of the transactions, ascending, that join an address with others.

        The inputs themselves are looked at, not the amounts: an input of 0 satoshi shows
        control as any other does.
        """
        if "cospend" not in self._rules:
            return
        joins, inputs = joining_transactions(self._spends, read_only(transactions), address)
        self.read += inputs
        for transaction in transactions[joins & ~self._are_refused(transactions)].tolist():
            left_out = self._clustering.coinjoins.mark(transaction) & self._clustering.exclusion
            if transaction not in used and not left_out:
                used.add(transaction)
                joined = joined_inputs(self._spends, transaction)
                self.read += len(joined)
                yield np.unique(joined), transaction, MergeRule.COSPEND

    def _are_refused(self, transactions: Int64Array) -> BoolArray:
        """Return which transactions joined nothing because owners of their inputs differ."""
        # Of the column's own type: for any other one, NumPy would convert all of it first.
        wanted = transactions.astype(np.uint32)
        left = np.searchsorted(self._refused, wanted, side="left")
        found: BoolArray = np.searchsorted(self._refused, wanted, side="right") > left
        return found

    def _changes(
        self, address: int, transactions: Int64Array
    ) -> Iterator[tuple[UInt32Array, int, int]]:
        """Yield what decisions about change join an address with."""
        found, rows = joining_decisions(self._clustering.derived, transactions, address)
        self.read += rows
        for each in found:
            yield np.array([each.spent, each.paid], dtype=np.uint32), each.transaction, each.rule


def _chain(
    ahead: dict[int, _Edge | None], back: dict[int, _Edge | None], meeting: int
) -> list[tuple[int, _Edge]]:
    """Return the steps from the first search's start over the meeting point to the second's."""
    steps = []
    address = meeting
    while (edge := ahead[address]) is not None:
        steps.append((address, edge))
        address = edge.before
    steps.reverse()
    address = meeting
    while (edge := back[address]) is not None:
        steps.append((edge.before, _Edge(address, edge.transaction, edge.rule)))
        address = edge.before
    return steps


def _logged_chain(clustering: Clustering, start: int, goal: int) -> list[tuple[int, _Edge]] | None:
    """Return the steps of the only chain that the merge log holds; nothing where it is too long."""
    rows = logged_path(clustering, start, goal)
    if rows is None:
        return None
    chain, address = [], start
    for row in rows:
        before = address
        left, right = int(row[LogField.ADDRESS_A]), int(row[LogField.ADDRESS_B])
        address = right if left == before else left
        edge = _Edge(before, int(row[LogField.TRANSACTION]), int(row[LogField.RULE]))
        chain.append((address, edge))
    return chain
