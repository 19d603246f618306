"""Which accounts have one owner, as far as hard links say so and nothing speaks against it.

Two accounts are *enemies* where each shows long-lived PGP keys, none of them the other's, and both
were in use within a week: one vendor does not keep two keys at a time for long, two vendors do. A
key-transition statement takes that back: a message signed by the older key that names the newer one
in full, or one by each that names the other. That a newer key names an older one shows nothing, and
where nobody knows which is older both must sign. Enemies are never in one set.

Links are taken by falling confidence, all of one confidence at once. Where they would bring enemies
together, every link of that confidence that lies on a way from the one enemy to the other is
refused: not the last one to come, which would make the result depend on the order, and not one of
our choosing, which nobody could defend. What was refused stays a lead, with the reason.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations

import networkx as nx

from arien_flows.vendors.linking import WRITTEN, Link, LinkRule
from arien_flows.vendors.sightings import FINGERPRINT, Known

LONG_LIVED = timedelta(days=30)
"""A key in use for so long is nobody's passing fancy."""

SAME_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A link that does not join, because enemies would come together."""

    link: Link
    enemies: tuple[tuple[str, str], ...]
    """The pairs of accounts that it would have brought together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Sets of accounts, and what became of the links."""

    set_of: Mapping[str, frozenset[str]]
    """Of every account; that of an account without links holds it alone."""

    joined: tuple[Link, ...]
    """Links between accounts of one set that are sure enough to join."""

    refused: tuple[Refused, ...]
    leads: tuple[Link, ...]
    """Links that are not sure enough to join."""


def enemies_of(known: Known, links: Iterable[Link]) -> frozenset[tuple[str, str]]:
    """Return the pairs of accounts that cannot have one owner, each in the order of text.

    Only pairs that hard links would bring together, by whatever way; of others nobody asks.
    """
    keys = _long_lived(known)
    transitions = _transitions(known)
    shown = _shown_keys(known)
    found = set()
    for part in _reached(links):
        for first, second in combinations(sorted(part & keys.keys()), 2):
            if shown[first] & shown[second]:
                continue
            if any((a, b) in transitions for a in shown[first] for b in shown[second]):
                continue
            if _meet(known.activity.get(first, ()), known.activity.get(second, ())):
                found.add((first, second))
    return frozenset(found)


def _reached(links: Iterable[Link]) -> Iterator[set[str]]:
    graph: nx.Graph[str] = nx.Graph()
    graph.add_edges_from(each.pair for each in links if each.joins)
    yield from nx.connected_components(graph)


def _shown_keys(known: Known) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for each in known.sightings:
        if each.kind == FINGERPRINT and each.shown.rule != WRITTEN:
            found[each.account].add(each.value)
    return found


def _long_lived(known: Known) -> dict[str, set[str]]:
    """Return the keys of each account that were in use for long, when last seen there."""
    moments: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for each in known.sightings:
        is_own = each.kind == FINGERPRINT and each.shown.rule != WRITTEN
        if is_own and each.shown.captured_at is not None:
            moments[each.account, each.value].append(each.shown.captured_at)
    found: dict[str, set[str]] = defaultdict(set)
    for (account, fingerprint), seen in moments.items():
        facts = known.keys.get(fingerprint)
        created = facts.created_at if facts is not None else None
        if max(seen) - min([*seen, *([created] if created else [])]) >= LONG_LIVED:
            found[account].add(fingerprint)
    return found


def _transitions(known: Known) -> set[tuple[str, str]]:
    """Return pairs of keys of which one is said to follow the other, both ways round.

    The older one signed that, or both did.
    """
    named = {
        (statement.fingerprint, other)
        for statement in known.statements
        for other in statement.fingerprints
    }
    since = _first_known(known)
    found: set[tuple[str, str]] = set()
    for signer, other in named:
        is_older = signer in since and other in since and since[signer] < since[other]
        if is_older or (other, signer) in named:
            found |= {(signer, other), (other, signer)}
    return found


def _first_known(known: Known) -> dict[str, datetime]:
    """Return since when each key was seen; what a key says of its age anybody may set."""
    found: dict[str, datetime] = {}
    for each in known.sightings:
        when = each.shown.captured_at
        if each.kind == FINGERPRINT and each.shown.rule != WRITTEN and when is not None:
            found[each.value] = min(when, found.get(each.value, when))
    return found


def _meet(first: Sequence[datetime], second: Sequence[datetime]) -> bool:
    """Tell whether two accounts were in use within a week of each other."""
    ordered = sorted(second)
    for moment in first:
        at = bisect_left(ordered, moment - SAME_WEEK)
        if at < len(ordered) and ordered[at] <= moment + SAME_WEEK:
            return True
    return False


def group(
    accounts: Iterable[str], links: Sequence[Link], enemies: Iterable[tuple[str, str]]
) -> Groups:
    """Join accounts by their links, whatever the order in which those come."""
    sets = _Sets(accounts, enemies)
    hard = [each for each in links if each.joins]
    refused: list[Refused] = []
    for confidence in sorted({each.confidence for each in hard}, reverse=True):
        level = [each for each in hard if each.confidence == confidence]
        refused.extend(sets.join(level))
    not_joined = {id(each.link) for each in refused}
    return Groups(
        set_of=sets.by_account(),
        joined=tuple(each for each in hard if id(each) not in not_joined),
        refused=tuple(sorted(refused, key=lambda each: _order(each.link))),
        leads=tuple(each for each in links if not each.joins),
    )


def _order(link: Link) -> tuple[str, str, int, LinkRule, str]:
    return link.first, link.second, -link.confidence, link.rule, link.value


class _Sets:
    """Sets of accounts while links are taken."""

    def __init__(self, accounts: Iterable[str], enemies: Iterable[tuple[str, str]]) -> None:
        self._members = {each: frozenset([each]) for each in accounts}
        self._enemies = sorted({(min(pair), max(pair)) for pair in enemies})

    def by_account(self) -> dict[str, frozenset[str]]:
        return dict(self._members)

    def _name(self, account: str) -> str:
        return min(self._members[account])

    def join(self, level: Sequence[Link]) -> list[Refused]:
        """Take links of one confidence; return those that are refused."""
        graph: nx.Graph[str] = nx.Graph()
        for link in level:
            left, right = self._name(link.first), self._name(link.second)
            if left != right:
                graph.add_edge(left, right)
        against: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        for part in nx.connected_components(graph):
            for first, second in self._enemies_in(part):
                ways = _on_the_way(graph.subgraph(part), self._name(first), self._name(second))
                for edge in ways:
                    against[edge].add((first, second))
        refused = []
        for link in level:
            edge = _edge(self._name(link.first), self._name(link.second))
            if edge in against:
                refused.append(Refused(link=link, enemies=tuple(sorted(against[edge]))))
        graph.remove_edges_from(against)
        self._merge(graph)
        return refused

    def _enemies_in(self, part: set[str]) -> Iterator[tuple[str, str]]:
        for first, second in self._enemies:
            if first in self._members and second in self._members:
                names = {self._name(first), self._name(second)}
                if len(names) == 2 and names <= part:
                    yield first, second

    def _merge(self, graph: "nx.Graph[str]") -> None:
        for part in nx.connected_components(graph):
            if len(part) > 1:
                merged = frozenset().union(*(self._members[each] for each in part))
                for member in merged:
                    self._members[member] = merged


def _edge(left: str, right: str) -> tuple[str, str]:
    return (left, right) if left <= right else (right, left)


def _on_the_way(graph: "nx.Graph[str]", first: str, second: str) -> list[tuple[str, str]]:
    """Return the links that lie on any way from one account to another that visits none twice.

    With a link between the two added, these are the others of its biconnected component.
    """
    closed = nx.Graph(graph)
    is_direct = closed.has_edge(first, second)
    closed.add_edge(first, second)
    wanted = _edge(first, second)
    for component in nx.biconnected_component_edges(closed):
        edges = {_edge(left, right) for left, right in component}
        if wanted in edges:
            return sorted(edges if is_direct else edges - {wanted})
    return []
