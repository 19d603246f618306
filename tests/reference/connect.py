"""Slow, obvious version of the connections between two places: the oracle of their tests."""

from dataclasses import dataclass, field

import networkx as nx

from heuristics.taint import Stop
from tests.reference.taint import NOBODY, Case, Coin

Path = tuple[Coin, ...]


@dataclass(kw_only=True)
class Ends:
    """What is asked for; the stop rules are those of `case`."""

    case: Case
    starts: set[Coin]
    ends: set[Coin]
    max_hops: int
    min_value: int = 1
    spent_by: dict[Coin, int] = field(init=False)

    def __post_init__(self) -> None:
        self.spent_by = {
            coin: number
            for number, transaction in enumerate(self.case.chain)
            for coin, _, _ in transaction.inputs
            if coin is not None
        }

    def carried(self, path: Path) -> int:
        return min(self.case.value(coin) for coin in path)

    def coins(self) -> list[Coin]:
        """All coins that may be on a connection."""
        case = self.case
        return [
            (number, j)
            for number, transaction in enumerate(case.chain)
            for j, (value, address) in enumerate(transaction.outputs)
            if value >= self.min_value
            and address != NOBODY
            and ((number, j) in self.starts | self.ends or case.tag(address) == Stop.FOLLOWED)
        ]

    def is_passed(self, number: int) -> bool:
        first, last = self.case.window
        return first <= number <= last and number not in self.case.marks

    def graph(self) -> "nx.DiGraph[Coin]":
        """Each coin joined to those that its spender makes."""
        graph: nx.DiGraph[Coin] = nx.DiGraph()
        coins = self.coins()
        graph.add_nodes_from(coins)
        for coin in coins:
            number = self.spent_by.get(coin)
            if number is not None and self.is_passed(number) and coin not in self.ends:
                graph.add_edges_from(
                    (coin, made) for made in coins if made[0] == number and made not in self.starts
                )
        return graph


def connections(asked: Ends) -> list[Path]:
    """Every connection, in chain order."""
    graph = asked.graph()
    found = [
        tuple(path)
        for start in sorted(asked.starts)
        for end in sorted(asked.ends)
        if start in graph and end in graph
        for path in nx.all_simple_paths(graph, start, end, cutoff=asked.max_hops)
    ]
    return sorted(found)


def best(asked: Ends, *, by_value: bool, limit: int) -> list[Path]:
    """The first connections in order."""

    def place(path: Path) -> tuple[int, int, Path]:
        value, hops = -asked.carried(path), len(path) - 1
        return (value, hops, path) if by_value else (hops, value, path)

    return sorted(connections(asked), key=place)[:limit]
