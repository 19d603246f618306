"""All ways by which money can have come from one place to another, counted, and the best listed.

`heuristics.connect_search` finds the transactions, `heuristics.connect_graph` counts and lists
what they join. A connection is a row of coins, each spent by the transaction that makes the next:
a fact of the chain. It *carries* its smallest coin: no more than that can have come all the way
in one piece. How much did come is another question, with an answer for each accounting policy;
`Connections.subgraph` holds every transaction that such an answer needs, because whatever money
reaches a transaction of a connection came through transactions of connections.
"""

from typing import NamedTuple

import numpy as np

from heuristics.columns import Int64Array, read_only
from heuristics.connect_graph import (
    ARRIVED,
    MANY,
    CoinGraph,
    count_by_hops,
    hops_onward,
    hops_there,
    lay_edges,
    list_connections,
)
from heuristics.connect_search import (
    BROKEN_OFF,
    BY_HOPS,
    NEVER,
    Bounds,
    Found,
    Place,
    Seeds,
    search_both_ways,
)
from heuristics.stops import SpendColumns, StopRules, share_columns, share_rules

VERSION = 1
"""Raised whenever the search, the counts or the order of the list can give another answer."""

MAX_CELLS = 50_000_000
"""Counts that may be kept at once, 400 MB."""


class Connection(NamedTuple):
    """One row of coins."""

    carried: int
    """Its smallest coin."""

    coins: tuple[int, ...]
    """Output numbers; there are as many transactions as coins but one."""

    @property
    def hops(self) -> int:
        """Transactions on the way."""
        return len(self.coins) - 1


class Connections(NamedTuple):
    """What joins two places."""

    found: Found
    graph: CoinGraph
    by_hops: Int64Array
    """The number of all connections by their hops, from 0 on; MANY stands for that or more."""

    best: tuple[Connection, ...]
    """The first ones in the order that was asked for."""

    @property
    def total(self) -> int:
        """The number of all connections; at least that many if `is_exact` does not hold."""
        return sum(self.by_hops.tolist())

    @property
    def is_exact(self) -> bool:
        """Whether no count was too large to be kept."""
        return not bool(np.any(self.by_hops >= MANY))


class TooWideError(ValueError):
    """The counts of the connections found do not fit the memory that they may use."""


def connect(
    bounds: Bounds,
    seeds: Seeds,
    starts: Place,
    ends: Place,
    limit: int,
    columns: SpendColumns,
    rules: StopRules,
) -> Connections:
    """Return how `starts` and `ends` are joined, with the `limit` best connections.

    `rules.sources` is not used. By value, larger carried amounts come first and among equals
    fewer hops; by hops the other way round; then chain order.

    Raises
    ------
    ValueError
        If there is nothing to search from, or a bound makes no sense.
    TooWideError
        If so much was found that it cannot be counted; a smaller budget or hop limit helps.
    """
    _check(bounds, seeds, starts, ends, limit, columns)
    columns, rules = share_columns(columns), share_rules(rules)
    starts, ends = _shared(starts), _shared(ends)
    seeds = Seeds._make(read_only(coins) for coins in seeds)
    found = _search(bounds, seeds, columns, rules, starts, ends)
    transactions = read_only(np.union1d(found.forward, found.backward))
    graph = _graph(
        transactions,
        bounds.max_hops,
        lay_edges(transactions, bounds.min_value, columns, rules, starts, ends),
    )
    longest = int(np.diff(graph.row_first).max(initial=0))
    by_hops = count_by_hops(graph, 0, longest)
    return Connections(found, graph, by_hops, _best(graph, by_hops, bounds.order, limit))


def _search(
    bounds: Bounds,
    seeds: Seeds,
    columns: SpendColumns,
    rules: StopRules,
    starts: Place,
    ends: Place,
) -> Found:
    """Search by hops; by value only where that is asked for and half the budget was too little.

    Two searches that meet see everything within the limits far sooner than one that has to run
    dry. Where they do not get so far, the rest of the budget goes to the largest amounts.
    """
    half = bounds.budget // 2
    if bounds.order == BY_HOPS or half == 0:
        return search_both_ways(bounds, seeds, columns, rules, starts, ends)
    first = search_both_ways(
        bounds._replace(order=BY_HOPS, budget=half), seeds, columns, rules, starts, ends
    )
    if first.outcome != BROKEN_OFF:
        return first
    left = bounds.budget - len(first.forward) - len(first.backward)
    second = search_both_ways(bounds._replace(budget=left), seeds, columns, rules, starts, ends)
    if second.outcome != BROKEN_OFF:
        return second
    return _both(first, second)


def _both(first: Found, second: Found) -> Found:
    """Return what two searches saw that were both broken off."""
    coin = np.concatenate([first.stopped_coin, second.stopped_coin])
    forward = np.concatenate([first.stopped_forward, second.stopped_forward])
    _, place = np.unique(2 * coin + forward, return_index=True)
    reason = np.concatenate([first.stopped_reason, second.stopped_reason])
    return Found(
        forward=np.union1d(first.forward, second.forward),
        backward=np.union1d(first.backward, second.backward),
        outcome=BROKEN_OFF,
        certain_value=second.certain_value,
        certain_hops=first.certain_hops,
        stopped_coin=coin[np.sort(place)],
        stopped_reason=reason[np.sort(place)],
        stopped_forward=forward[np.sort(place)],
        cuts=np.maximum(first.cuts, second.cuts),
    )


def _shared(place: Place) -> Place:
    return Place._make(read_only(numbers) for numbers in place)


def _graph(transactions: Int64Array, max_hops: int, edges: tuple[Int64Array, ...]) -> CoinGraph:
    """Return the part of the edges that lies on connections of at most `max_hops`."""
    start_coin, start_value, start_next, first, coin, value, follower = edges
    there = hops_there(start_next, first, follower)
    fewest, most = hops_onward(first, follower)
    kept = (there < NEVER) & (fewest < NEVER)
    kept[kept] = there[kept] + fewest[kept] - 1 <= max_hops
    giver = np.repeat(np.arange(len(transactions)), np.diff(first))
    arrives = follower < 0
    inside = np.where(arrives, giver, follower)
    edge_kept = kept[giver] & kept[inside]
    inner = edge_kept & ~arrives
    edge_kept[inner] = there[giver[inner]] + fewest[follower[inner]] <= max_hops
    place = np.cumsum(kept) - 1
    room = np.minimum(max_hops + 1 - there[kept], most[kept])
    if int(room.sum()) > MAX_CELLS:
        raise TooWideError("so many connections were found that they cannot be counted")
    begins = kept[start_next]
    target = np.where(arrives, ARRIVED, place[inside])[edge_kept]
    widths = np.bincount(place[giver[edge_kept]], minlength=int(kept.sum())).astype(np.int64)
    return CoinGraph(
        transaction=read_only(transactions[kept]),
        start_coin=read_only(start_coin[begins]),
        start_value=read_only(start_value[begins]),
        start_next=read_only(place[start_next[begins]]),
        first_coin=read_only(_offsets(widths)),
        coin=read_only(coin[edge_kept]),
        value=read_only(value[edge_kept]),
        next=read_only(target.astype(np.int64)),
        row_first=read_only(_offsets(room.astype(np.int64))),
    )


def _best(graph: CoinGraph, by_hops: Int64Array, order: int, limit: int) -> tuple[Connection, ...]:
    """Return the first `limit` connections in the given order."""
    if order != BY_HOPS:
        return _best_by_value(graph, np.flatnonzero(by_hops).tolist(), limit)
    listed: list[Connection] = []
    for hops in np.flatnonzero(by_hops).tolist():
        if len(listed) < limit:
            listed += _best_by_value(graph, [hops], limit - len(listed))
    return tuple(listed)


def _best_by_value(graph: CoinGraph, lengths: list[int], limit: int) -> tuple[Connection, ...]:
    """Return the first `limit` connections of some numbers of hops, by value, hops, chain order.

    A value is found that at least `limit` of them carry, and fewer more than that: these are
    listed and sorted; those that carry exactly it fill the list up.
    """
    if not lengths:
        return ()
    last = _last_value(graph, lengths, limit)
    listed: list[Connection] = []
    for hops in lengths:
        listed += _read(graph, list_connections(graph, hops, last + 1, False, limit))
    listed.sort(key=lambda it: (-it.carried, it.hops, it.coins))
    for hops in lengths:
        left = limit - len(listed)
        if left > 0:
            listed += _read(graph, list_connections(graph, hops, last, True, left))
    return tuple(listed)


def _last_value(graph: CoinGraph, lengths: list[int], limit: int) -> int:
    """Return the largest value that at least `limit` connections carry, or all do."""
    values = np.unique(np.concatenate([graph.value, graph.start_value]))
    longest = int(np.diff(graph.row_first).max(initial=0))
    low, high = 0, len(values) - 1
    while low < high:
        middle = (low + high + 1) // 2
        counts = count_by_hops(graph, int(values[middle]), longest)
        if sum(counts[lengths].tolist()) >= limit:
            low = middle
        else:
            high = middle - 1
    return int(values[low])


def _read(graph: CoinGraph, rows: Int64Array) -> list[Connection]:
    """Return listed rows as connections."""
    coins = np.column_stack([graph.start_coin[rows[:, 0]], graph.coin[rows[:, 1:]]])
    values = np.column_stack([graph.start_value[rows[:, 0]], graph.value[rows[:, 1:]]])
    return [
        Connection(carried, tuple(numbers))
        for carried, numbers in zip(values.min(axis=1).tolist(), coins.tolist(), strict=True)
    ]


def _offsets(widths: Int64Array) -> Int64Array:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(widths, dtype=np.int64)])


def _check(
    bounds: Bounds,
    seeds: Seeds,
    starts: Place,
    ends: Place,
    limit: int,
    columns: SpendColumns,
) -> None:
    if not len(seeds.start) and not len(seeds.end):
        raise ValueError("there is no coin to search from")
    if min(bounds.budget, bounds.max_hops, bounds.min_value, limit) < 1:
        raise ValueError("budget, hops, smallest value and length of the list must be positive")
    for numbers in (*starts, *ends):
        if np.any(np.diff(numbers) <= 0):
            raise ValueError("the numbers of a place must ascend")
    for coins in seeds:
        if len(coins) and not 0 <= int(coins.min()) <= int(coins.max()) < len(columns.output_value):
            raise ValueError("a coin to search from is not an output of the ledger")
