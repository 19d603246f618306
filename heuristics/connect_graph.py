"""The transactions that the searches found, as a graph of coins, and what is counted on it.

Nodes are transactions in chain order, which is a topological order; edges are the coins between
them. Only what lies on a connection within the hop limit is kept.

The number of connections grows like a product and is soon beyond any list, so they are counted
without being listed: `suffixes[t, h]` is the number of ways from transaction `t` to the second
place in exactly `h` transactions, `t` among them. Counts stop growing at `MANY` and say so.

The best ones are listed without looking at the others. A connection carries its smallest coin, so
those that carry at least `v` are the connections of the graph in which smaller coins are left
out, and counting there finds the value at which the list will end. Among equals the list goes by
chain order: of two connections the one whose first differing coin was made earlier comes first.
Because the counts say which ways are dead ends, none is ever entered.
"""

from typing import NamedTuple

import numpy as np

from heuristics.columns import NO_ADDRESS, BoolArray, Int64Array
from heuristics.connect_search import NEVER, Place, spending_transaction, stands_at
from heuristics.jit import kernel
from heuristics.stops import SpendColumns, StopRules, find_sorted, service_stop
from heuristics.taint import Number, Stop

MANY = 2**62
"""Counts stop growing here."""

ARRIVED = -2
"""In the place of a next transaction: the coin belongs to the second place."""

_NO_ADDRESS = int(NO_ADDRESS)
_FOLLOWED = int(Stop.FOLLOWED)


class CoinGraph(NamedTuple):
    """Transactions of connections in chain order, and the coins that join them."""

    transaction: Int64Array
    """Ledger numbers, ascending; everything else counts places in this array."""

    start_coin: Int64Array
    """Coins of the first place that one of the transactions spends, ascending."""

    start_value: Int64Array
    start_next: Int64Array
    """The transaction that spends it."""

    first_coin: Int64Array
    """Shape (transactions + 1): rows of the next three that a transaction makes."""

    coin: Int64Array
    """Output numbers, ascending."""

    value: Int64Array
    next: Int64Array
    """The transaction that spends the coin, or ARRIVED."""

    row_first: Int64Array
    """Shape (transactions + 1): where a transaction's counts begin. It has one for each number of
    hops, from 1 to the most that the limit leaves from there."""


@kernel
def lay_edges(
    transactions: Int64Array,
    min_value: int,
    columns: SpendColumns,
    rules: StopRules,
    starts: Place,
    ends: Place,
) -> tuple[Int64Array, Int64Array, Int64Array, Int64Array, Int64Array, Int64Array, Int64Array]:
    """Return start coins (number, value, next) and edges (first, number, value, next)."""
    inputs = 0
    outputs = 0
    for transaction in transactions:
        inputs += columns.first_input[transaction + 1] - columns.first_input[transaction]
        outputs += columns.first_output[transaction + 1] - columns.first_output[transaction]
    start_coin = np.empty(inputs, np.int64)
    start_value = np.empty(inputs, np.int64)
    start_next = np.empty(inputs, np.int64)
    started = 0
    first = np.zeros(len(transactions) + 1, np.int64)
    number = np.empty(outputs, np.int64)
    value = np.empty(outputs, np.int64)
    follower = np.empty(outputs, np.int64)
    used = 0
    for place in range(len(transactions)):
        transaction = transactions[place]
        for row in range(columns.first_input[transaction], columns.first_input[transaction + 1]):
            coin = columns.spent_output[row]
            address = np.int64(columns.input_address[row])
            if coin < 0 or columns.input_value[row] < min_value:
                continue
            if stands_at(coin, address, starts, rules):
                start_coin[started] = coin
                start_value[started] = columns.input_value[row]
                start_next[started] = place
                started += 1
        for coin in range(columns.first_output[transaction], columns.first_output[transaction + 1]):
            address = np.int64(columns.output_address[coin])
            if columns.output_value[coin] < min_value or address == _NO_ADDRESS:
                continue
            target = np.int64(ARRIVED)
            if stands_at(coin, address, starts, rules):
                continue
            if not stands_at(coin, address, ends, rules):
                if service_stop(address, rules) != _FOLLOWED:
                    continue
                target = np.int64(find_sorted(transactions, spending_transaction(coin, columns)))
                if target < 0:
                    continue
            number[used] = coin
            value[used] = columns.output_value[coin]
            follower[used] = target
            used += 1
        first[place + 1] = used
    order = np.argsort(start_coin[:started], kind="mergesort")
    return (
        start_coin[:started][order],
        start_value[:started][order],
        start_next[:started][order],
        first,
        number[:used],
        value[:used],
        follower[:used],
    )


@kernel
def hops_there(start_next: Int64Array, first: Int64Array, follower: Int64Array) -> Int64Array:
    """Return the fewest transactions from the first place to each, itself among them."""
    hops = np.full(len(first) - 1, NEVER, np.int64)
    for place in start_next:
        hops[place] = 1
    for place in range(len(first) - 1):
        if hops[place] < NEVER:
            for row in range(first[place], first[place + 1]):
                if follower[row] >= 0:
                    hops[follower[row]] = min(hops[follower[row]], hops[place] + 1)
    return hops


@kernel
def hops_onward(first: Int64Array, follower: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Return the fewest and the most transactions from each to the second place.

    Both count the transaction itself; NEVER and 0 where no way leads there.
    """
    fewest = np.full(len(first) - 1, NEVER, np.int64)
    most = np.zeros(len(first) - 1, np.int64)
    for place in range(len(first) - 2, -1, -1):
        for row in range(first[place], first[place + 1]):
            target = follower[row]
            if target < 0:
                fewest[place] = 1
                most[place] = max(most[place], 1)
            elif fewest[target] < NEVER:
                fewest[place] = min(fewest[place], fewest[target] + 1)
                most[place] = max(most[place], most[target] + 1)
    return fewest, most


@kernel
def _plus(a: Number, b: Number) -> Number:
    """Add counts; neither is above MANY, and the sum of two fits 64 bits just so."""
    return min(a, MANY - b) + b


@kernel
def count_suffixes(graph: CoinGraph, threshold: int) -> Int64Array:
    """Return for each transaction and number of hops how many ways lead to the second place.

    Only coins of at least `threshold` are used. Laid out by `graph.row_first`.
    """
    counts = np.zeros(graph.row_first[-1], np.int64)
    for place in range(len(graph.transaction) - 1, -1, -1):
        own = graph.row_first[place]
        length = graph.row_first[place + 1] - own
        for row in range(graph.first_coin[place], graph.first_coin[place + 1]):
            if graph.value[row] < threshold:
                continue
            target = graph.next[row]
            if target < 0:
                counts[own] = _plus(counts[own], 1)
                continue
            other = graph.row_first[target]
            reach = min(length - 1, graph.row_first[target + 1] - other)
            for hops in range(reach):
                counts[own + hops + 1] = _plus(counts[own + hops + 1], counts[other + hops])
    return counts


@kernel
def _touching(graph: CoinGraph, threshold: int, counts: Int64Array) -> BoolArray:
    """Return where one of the counted ways has a coin of exactly `threshold`."""
    touching = np.zeros(len(counts), np.bool_)
    for place in range(len(graph.transaction) - 1, -1, -1):
        own = graph.row_first[place]
        length = graph.row_first[place + 1] - own
        for row in range(graph.first_coin[place], graph.first_coin[place + 1]):
            if graph.value[row] < threshold:
                continue
            is_exact = graph.value[row] == threshold
            target = graph.next[row]
            if target < 0:
                touching[own] |= is_exact
                continue
            other = graph.row_first[target]
            reach = min(length - 1, graph.row_first[target + 1] - other)
            for hops in range(reach):
                if touching[other + hops] or (is_exact and counts[other + hops] > 0):
                    touching[own + hops + 1] = True
    return touching


@kernel
def count_by_hops(graph: CoinGraph, threshold: int, longest: int) -> Int64Array:
    """Return the number of connections that carry at least `threshold`, by hops from 0."""
    counts = count_suffixes(graph, threshold)
    totals = np.zeros(longest + 1, np.int64)
    for i in range(len(graph.start_coin)):
        if graph.start_value[i] < threshold:
            continue
        own = graph.row_first[graph.start_next[i]]
        for hops in range(graph.row_first[graph.start_next[i] + 1] - own):
            totals[hops + 1] = _plus(totals[hops + 1], counts[own + hops])
    return totals


@kernel
def list_connections(
    graph: CoinGraph, hops: int, threshold: int, is_exact: bool, limit: int
) -> Int64Array:
    """Return up to `limit` connections of exactly `hops` transactions, in chain order.

    They carry at least `threshold`; exactly that much if `is_exact`. Each row holds `hops` + 1
    rows of coins: the first of `graph.start_coin`, the others of `graph.coin`.
    """
    counts = count_suffixes(graph, threshold)
    touching = _touching(graph, threshold, counts)
    listed = np.empty((limit, hops + 1), np.int64)
    found = 0
    row_at = np.zeros(hops + 1, np.int64)
    past_at = np.zeros(hops + 1, np.int64)
    hit_at = np.zeros(hops + 1, np.bool_)
    for i in range(len(graph.start_coin)):
        if found == limit:
            break
        if graph.start_value[i] < threshold:
            continue
        place = graph.start_next[i]
        cell = graph.row_first[place] + hops - 1
        hit = not is_exact or graph.start_value[i] == threshold
        if cell >= graph.row_first[place + 1] or counts[cell] == 0:
            continue
        if not hit and not touching[cell]:
            continue
        row_at[0] = i
        hit_at[0] = hit
        row_at[1] = graph.first_coin[place]
        past_at[1] = graph.first_coin[place + 1]
        depth = 1
        while depth > 0 and found < limit:
            row = row_at[depth]
            if row == past_at[depth]:
                depth -= 1
                if depth > 0:
                    row_at[depth] += 1
                continue
            target = graph.next[row]
            value = graph.value[row]
            hit = hit_at[depth - 1] or value == threshold
            is_last = depth == hops
            enters = value >= threshold and is_last == (target < 0)
            if enters and is_last:
                enters = hit
            elif enters:
                cell = graph.row_first[target] + hops - depth - 1
                enters = cell < graph.row_first[target + 1] and counts[cell] > 0
                enters = enters and (hit or touching[cell])
            if not enters:
                row_at[depth] += 1
            elif is_last:
                listed[found] = row_at
                found += 1
                row_at[depth] += 1
            else:
                hit_at[depth] = hit
                depth += 1
                row_at[depth] = graph.first_coin[target]
                past_at[depth] = graph.first_coin[target + 1]
    return listed[:found]
