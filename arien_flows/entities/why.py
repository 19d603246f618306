"""Why two addresses are one entity: the transactions and rules that join them.

Two addresses touch if one transaction's inputs show control of both, or if a link says that one
key or script opens both. A chain of such steps between two addresses is what a reader can check
on the chain by hand, and a short one is worth more than a long one. The search goes from both
ends at once, a whole round at a time, so the first meeting is a shortest chain. It reads
histories of addresses, which can be huge, and so it is bounded by the history entries and inputs
that it may read. Where the bound is reached, the merge log gives a chain: its pairs of addresses
form a tree over the entity, so there is always exactly one path in it, only not a shortest one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from arien_flows.entities.clustering import Clustering
from arien_flows.entities.spends import spend_columns
from arien_flows.ledger.view import View
from chains.types import UInt32Array
from heuristics.coinjoin import STRICT_EXCLUSION
from heuristics.columns import read_only
from heuristics.cospend import LogField, MergeRule
from heuristics.evidence import joined_inputs, joining_transactions, tree_path

DEFAULT_BOUND = 200_000
"""History entries and inputs that a search may read; about a second."""

LARGEST_BOUND = 20_000_000
_HISTORY_PAGE = 4_096
_RULE_NAMES = {
    MergeRule.COSPEND: "cospend",
    MergeRule.SAME_KEY: "same_key",
    MergeRule.INNER_SCRIPT: "inner_script",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One reason: by this rule, this transaction shows that both addresses have one owner."""

    rule: str
    rule_version: int
    transaction: str
    address_from: str
    address_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A chain of reasons between two addresses of one entity (an inference by named rules)."""

    address_a: str
    address_b: str
    entity: str
    """The entity's first-seen address."""

    profile: str
    steps: tuple[Step, ...]
    """From `address_a` to `address_b`; empty where they are one address."""

    shortest: bool
    """Whether no shorter chain exists. False where the search was cut short."""

    read: int
    """History entries and inputs that the search read."""

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
    rule: MergeRule


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
        History entries and inputs that the search for a shortest chain may read.
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
        )
    search = _Search(view, clustering, bound)
    chain = search.shortest(first, second)
    found = chain is not None
    if chain is None:
        chain = _logged_chain(clustering, root, first, second)
    return Explanation(
        address_a=_text(view, first),
        address_b=_text(view, second),
        entity=_text(view, root),
        profile=clustering.profile,
        steps=tuple(_step(view, clustering, address, edge) for address, edge in chain),
        shortest=found,
        read=search.read,
        bound=bound,
    )


def _text(view: View, address: int) -> str:
    return view.address_text(address) or ""


def _step(view: View, clustering: Clustering, address: int, edge: _Edge) -> Step:
    rule = _RULE_NAMES[edge.rule]
    return Step(
        rule=rule,
        rule_version=clustering.manifest.rules[rule],
        transaction=view.txid_text(edge.transaction),
        address_from=_text(view, edge.before),
        address_to=_text(view, address),
    )


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
                for neighbour in neighbours.tolist():
                    if neighbour not in reached:
                        reached[neighbour] = _Edge(address, transaction, rule)
                        fresh.append(neighbour)
            if self.read > self._bound:
                return None
        return sorted(fresh)

    def _steps(self, address: int, used: set[int]) -> Iterator[tuple[UInt32Array, int, MergeRule]]:
        """Yield groups of addresses that touch one, with the reason; stops past the bound."""
        # Of the keys' own type: for any other one, NumPy would convert all of them first.
        own = np.uint32(address)
        left = int(np.searchsorted(self._link_key, own, side="left"))
        right = int(np.searchsorted(self._link_key, own, side="right"))
        for row in np.sort(self._link_row[left:right]).tolist():
            ends = self._view.link_address[row], self._view.link_earlier[row]
            yield (
                np.array(ends, dtype=np.uint32),
                int(self._view.link_transaction[row]),
                MergeRule(int(self._view.link_rule[row])),
            )
        for transaction in self._joining(address):
            if transaction not in used:
                used.add(transaction)
                joined = joined_inputs(self._spends, transaction)
                self.read += len(joined)
                yield np.unique(joined), transaction, MergeRule.COSPEND

    def _joining(self, address: int) -> Iterator[int]:
        """Yield the transactions, ascending, that join an address with others.

        The inputs themselves are looked at, not the amounts: an input of 0 satoshi shows
        control as any other does.
        """
        start = 0
        while self.read <= self._bound:
            page = self._view.history(address, start, start + _HISTORY_PAGE)
            transactions = page.transaction.astype(np.int64)
            known = transactions[transactions < self._transaction_count]
            joins, inputs = joining_transactions(self._spends, read_only(known), address)
            self.read += len(known) + inputs
            for transaction in known[joins].tolist():
                if not self._clustering.coinjoins.mark(transaction) & STRICT_EXCLUSION:
                    yield transaction
            if len(known) < _HISTORY_PAGE:
                return
            start += _HISTORY_PAGE


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


def _logged_chain(
    clustering: Clustering, root: int, start: int, goal: int
) -> list[tuple[int, _Edge]]:
    """Return the only path between two addresses in the tree that the merge log forms.

    The tree is peeled from its leaves: an address that is neither end and has one edge left
    cannot lie on the path. What remains is the path.
    """
    rows = clustering.merge_rows(root).astype(np.int64)
    left, right = rows[:, LogField.ADDRESS_A], rows[:, LogField.ADDRESS_B]
    members = clustering.members(root).astype(np.int64)
    ends = np.searchsorted(members, np.stack([left, right]))
    order = tree_path(
        ends[0], ends[1], len(members), *np.searchsorted(members, [start, goal]).tolist()
    )
    chain = []
    address = start
    for row in order.tolist():
        before = address
        address = int(right[row]) if int(left[row]) == before else int(left[row])
        transaction = int(rows[row, LogField.TRANSACTION])
        chain.append(
            (address, _Edge(before, transaction, MergeRule(int(rows[row, LogField.RULE]))))
        )
    return chain
