"""Slow, obvious versions of the rules about aliases: the oracle of their tests."""

from itertools import combinations


def ways(edges, start, goal):
    """All ways from one node to another that visit none twice, each as its edges."""
    found = []

    def walk(node, visited, used):
        if node == goal:
            found.append(frozenset(used))
            return
        for edge in edges:
            if node in edge:
                (other,) = edge - {node}
                if other not in visited:
                    walk(other, visited | {other}, [*used, edge])

    walk(start, {start}, [])
    return found


def group(accounts, links, enemies):
    """Sets of accounts, and the links that are refused; links are (first, second, confidence)."""
    sets = {account: frozenset([account]) for account in accounts}
    refused = set()
    for confidence in sorted({link[2] for link in links}, reverse=True):
        level = [link for link in links if link[2] == confidence]
        edges = {frozenset([sets[a], sets[b]]) for a, b, _ in level if sets[a] != sets[b]}
        bad = set()
        for one, other in enemies:
            if sets[one] != sets[other]:
                bad |= set().union(*ways(edges, sets[one], sets[other]))
        refused |= {link for link in level if frozenset([sets[link[0]], sets[link[1]]]) in bad}
        for edge in edges - bad:
            merged = frozenset().union(*(sets[min(part)] for part in edge))
            for member in merged:
                sets[member] = merged
    return sets, refused


def most_pairs(near):
    """The largest number of pairs in which no picture comes twice, by trying all."""
    pairs = [(left, right) for left, rights in near.items() for right in rights]
    for count in range(len(pairs), 0, -1):
        for chosen in combinations(pairs, count):
            if len({e[0] for e in chosen}) == len({e[1] for e in chosen}) == count:
                return count
    return 0
