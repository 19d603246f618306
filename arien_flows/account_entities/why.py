"""Why two accounts are one entity: the links that join them, each with what shows it.

The search goes from one account along links whose ends are in the entity, a whole round at a time,
so the first chain is a shortest one. A link that was refused joins nobody: its ends are in
different entities. The search is bounded by the links that it may read; past that the merge log
gives a chain, which is one that the clustering itself rests on, only not a shortest one.
"""

from dataclasses import dataclass

import numpy as np

from arien_flows.account_entities.clustering import AccountClustering
from arien_flows.account_entities.links import NAME_OF_RULE, NO_TRANSACTION, AccountRule
from arien_flows.account_ledger.view import AccountView
from arien_flows.entities.merge_path import logged_path
from chains.types import Int64Array
from heuristics.cospend import LogField

DEFAULT_BOUND = 200_000
"""Links that a search may read; about a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStep:
    """One reason: by this rule, these transactions show that both accounts have one owner."""

    account_from: str
    account_to: str
    rule: str
    rule_version: int
    confidence_ppm: int
    transactions: tuple[int, ...]
    """Rows of the view, in chain order: one or two."""

    cases: int
    """How many times the chain shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountExplanation:
    """Whether and why two accounts are one entity (an inference by named rules)."""

    account_a: str
    account_b: str
    entity_a: str
    """The entity's first-seen account."""

    entity_b: str
    steps: tuple[AccountStep, ...]
    """From `account_a` to `account_b`; empty where they are one account or not joined, or
    `too_long`."""

    shortest: bool
    too_long: bool
    """The only chain known has more steps than are shown."""

    bound: int

    @property
    def joined(self) -> bool:
        """Whether they are one entity."""
        return self.entity_a == self.entity_b


def why_accounts(
    view: AccountView, clustering: AccountClustering, a: str, b: str, *, bound: int = DEFAULT_BOUND
) -> AccountExplanation:
    """Explain why two accounts are one entity, or say that they are not.

    `InputError` for what is no address, `NotFoundError` for one that the ledger never saw.
    """
    first, second = view.find_account(a), view.find_account(b)
    root, other = clustering.root_of(first), clustering.root_of(second)
    path: list[tuple[int, int, int]] | None = []
    shortest = True
    if root == other and first != second:
        path = _shortest(clustering, first, second, bound)
        shortest = path is not None
        if path is None:
            path = _logged(clustering, first, second)
    return AccountExplanation(
        account_a=view.account_text(first),
        account_b=view.account_text(second),
        entity_a=view.account_text(root),
        entity_b=view.account_text(other),
        steps=tuple(_step(view, clustering, *step) for step in path or ()),
        shortest=shortest,
        too_long=path is None,
        bound=bound,
    )


def _shortest(
    clustering: AccountClustering, start: int, goal: int, bound: int
) -> list[tuple[int, int, int]] | None:
    """Return (from, to, link) of a shortest chain, or nothing where the bound was reached.

    Of several shortest chains the one found is always the same: links are taken in their order.
    """
    links, labels = clustering.links, clustering.labels
    reached: dict[int, tuple[int, int]] = {start: (start, -1)}
    frontier, read = [start], 0
    while frontier:
        fresh = []
        for account in frontier:
            rows = _links_of(clustering, account)
            read += len(rows)
            if read > bound:
                return None
            for row, left, right in zip(
                rows.tolist(), links.a[rows].tolist(), links.b[rows].tolist(), strict=True
            ):
                end = right if left == account else left
                if end not in reached and labels[end] == labels[start]:
                    reached[end] = account, row
                    fresh.append(end)
        if goal in reached:
            return _way(reached, goal)
        frontier = fresh
    raise AssertionError("two accounts of one entity are connected")


def _links_of(clustering: AccountClustering, account: int) -> Int64Array:
    """Return the rows of the links of an account, the surest first."""
    keys = clustering.derived.whole("link_key")
    # Of the keys' own type: for any other one, NumPy would convert all of them first.
    own = np.uint32(account)
    begin, end = np.searchsorted(keys, own, side="left"), np.searchsorted(keys, own, side="right")
    return np.sort(clustering.derived.arrays["link_row"].slice(int(begin), int(end)))


def _way(reached: dict[int, tuple[int, int]], goal: int) -> list[tuple[int, int, int]]:
    way = []
    while (before := reached[goal])[1] >= 0:
        way.append((before[0], goal, before[1]))
        goal = before[0]
    return way[::-1]


def _logged(
    clustering: AccountClustering, start: int, goal: int
) -> list[tuple[int, int, int]] | None:
    """Return the steps of the only chain that the merge log holds; nothing where it is too long."""
    rows = logged_path(clustering, start, goal)
    if rows is None:
        return None
    way, account = [], start
    for row in rows:
        left, right = int(row[LogField.ADDRESS_A]), int(row[LogField.ADDRESS_B])
        end = right if left == account else left
        way.append((account, end, int(row[LogField.TRANSACTION])))
        account = end
    return way


def _step(
    view: AccountView, clustering: AccountClustering, before: int, after: int, link: int
) -> AccountStep:
    links = clustering.links
    name = NAME_OF_RULE[AccountRule(int(links.rule[link]))]
    shown = {int(links.transaction[link]), int(links.other_transaction[link])}
    return AccountStep(
        account_from=view.account_text(before),
        account_to=view.account_text(after),
        rule=name,
        rule_version=clustering.manifest.rules[name],
        confidence_ppm=int(links.confidence_ppm[link]),
        transactions=tuple(sorted(shown - {int(NO_TRANSACTION)})),
        cases=int(links.cases[link]),
    )
