"""Two searches that grow towards each other: which transactions can lie between two places.

Money goes from coin to coin through transactions. One search follows it from the coins of the
first place, the other asks back from the coins of the second. Both look at the most promising
transaction next, and the one with the shorter queue goes on. A search never returns to what was
better before it in its order, so wherever it breaks off something can be said for certain:

- *by value*: a transaction's rank is the largest amount that can have come to it in one piece (on
  the best way there, the smallest coin). When the best rank in the queue is `v`, everything that
  lies on a connection carrying more than `v` has been found, by that side alone.
- *by hops*: when the sides have finished `a` and `b` levels, every connection of at most `a + b`
  transactions has been found: each of its transactions is within reach of one of them.

A side whose queue runs dry has found all transactions of all connections, and the search is over.

A connection starts at a coin of the first place, ends at the first coin of the second that it
meets, and has no coin of either in between. Coins of services, transactions that are CoinJoins or
outside the time window, and coins below the smallest amount are not passed. Chain order prunes:
what is mined after the last coin of the second place cannot lead there.
"""

import heapq
from typing import NamedTuple

import numpy as np

from heuristics.columns import NO_ADDRESS, Int64Array, UInt8Array
from heuristics.jit import kernel
from heuristics.stops import (
    Direction,
    SpendColumns,
    StopRules,
    find_sorted,
    owner_of_row,
    service_stop,
)
from heuristics.taint import Number, Stop

BY_VALUE = 0
BY_HOPS = 1

CHUNK = 256
"""Transactions that one side looks at before the queues are compared again (by value)."""

BROKEN_OFF = 0
"""The budget was used up."""

DRY_AHEAD = 1
"""The first place's search ran dry: nothing within the limits is missing, and what the other
side did not pass does not matter."""

DRY_BACK = 2
"""The second place's did."""

MET = 3
"""The levels of both sides together are as many as a connection may have."""

NEVER = 2**62
"""Hops of what cannot be reached."""

_FORWARD = int(Direction.FORWARD)
_BACKWARD = int(Direction.BACKWARD)
_NO_ADDRESS = int(NO_ADDRESS)
_FOLLOWED = int(Stop.FOLLOWED)
_CLEAN = int(Stop.CLEAN)
_SERVICE_REACHED = int(Stop.SERVICE_REACHED)
_BRIDGE = int(Stop.BRIDGE)
_COINJOIN = int(Stop.COINJOIN)
_TIME_WINDOW = int(Stop.TIME_WINDOW)
_BELOW_MIN = int(Stop.BELOW_MIN)
_HOP_LIMIT = int(Stop.HOP_LIMIT)
_REASONS = _FOLLOWED + 1


Entry = tuple[Number, Number, Number]
"""A waiting transaction: its rank, what breaks ties, its number. Also a coin, why it was not
passed, and on which side."""


class Place(NamedTuple):
    """Coins that belong to one end of the question; a coin has to fit one of the first three."""

    coin: Int64Array
    """Output numbers, ascending."""

    address: Int64Array
    """Addresses, ascending: every coin of theirs."""

    root: Int64Array
    """Entity roots, ascending: every coin of their addresses, ..."""

    other: Int64Array
    """... but for these addresses, ascending, which are known to be something else."""


class Bounds(NamedTuple):
    """How far the searches go."""

    order: int
    """BY_VALUE or BY_HOPS."""

    budget: int
    """Transactions that both sides together may look at."""

    max_hops: int
    """Most transactions of a connection."""

    min_value: int
    """Smallest coin of a connection, at least 1: what is worth nothing carries nothing."""

    first_coin: int
    """No coin of the first place has a smaller number, ..."""

    last_transaction: int
    """... and none of the second is made by a later transaction."""


class Seeds(NamedTuple):
    """Coins at which the searches begin; an empty side is not searched from."""

    start: Int64Array
    end: Int64Array


class Found(NamedTuple):
    """What the searches saw."""

    forward: Int64Array
    """Transactions looked at from the first place, ascending."""

    backward: Int64Array
    """The same from the second place."""

    outcome: int
    """BROKEN_OFF, DRY_AHEAD, DRY_BACK or MET."""

    certain_value: Number
    """Every connection carrying at least this was found; 0 where none is missing, or where there
    was no search by value."""

    certain_hops: Number
    """Every connection of at most so many transactions was found; 0 without a search by hops."""

    stopped_coin: Int64Array
    """Coins at which a service or a CoinJoin ended the way, in the order of the search."""

    stopped_reason: UInt8Array
    """`Stop` of each."""

    stopped_forward: Int64Array
    """1 where money of the first place came to it, 0 where the second asked back to it."""

    cuts: Int64Array
    """Shape (2, reasons): coins not passed, by side and `Stop`; at least so many where the budget
    was used up."""


@kernel
def stands_at(coin: Number, address: Number, place: Place, rules: StopRules) -> bool:
    """Return whether a coin belongs to a place."""
    if len(place.coin) > 0 and find_sorted(place.coin, coin) >= 0:
        return True
    if address == _NO_ADDRESS:
        return False
    if len(place.address) > 0 and find_sorted(place.address, address) >= 0:
        return True
    if len(place.root) == 0:
        return False
    root = np.int64(rules.labels[address]) if address < len(rules.labels) else np.int64(address)
    return find_sorted(place.root, root) >= 0 and find_sorted(place.other, address) < 0


@kernel
def spending_transaction(coin: Number, columns: SpendColumns) -> Number:
    """Return the transaction that spends a coin, or -1.

    A coinbase "spends" an output only where it repeats its id, which voids it (BIP 30).
    """
    transaction = np.int64(columns.spender[coin])
    if transaction >= len(columns.first_input) - 1:
        return np.int64(-1)
    if columns.first_input[transaction] == columns.first_input[transaction + 1]:
        return np.int64(-1)
    return transaction


@kernel
def _offer(
    direction: int,
    coin: Number,
    value: Number,
    hops: Number,
    bounds: Bounds,
    columns: SpendColumns,
    rules: StopRules,
    heap: list[Entry],
    best_hops: dict[Number, Number],
) -> Number:
    """Put the transaction behind `coin` in the queue; return the rule that forbids it.

    CLEAN: the coin leads nowhere. `hops` counts the transaction.
    """
    if direction == _FORWARD:
        transaction = spending_transaction(coin, columns)
        if transaction < 0 or transaction > bounds.last_transaction:
            return _CLEAN
    else:
        transaction = np.int64(owner_of_row(columns.first_output, coin))
    if transaction < len(rules.marks) and rules.marks[transaction] != 0:
        return _COINJOIN
    if transaction < rules.first_transaction or transaction > rules.last_transaction:
        return _TIME_WINDOW
    if hops > bounds.max_hops:
        return _HOP_LIMIT
    if transaction in best_hops and best_hops[transaction] <= hops:
        return _FOLLOWED
    if bounds.order == BY_VALUE:
        heapq.heappush(heap, (-np.int64(value), np.int64(hops), transaction))
    else:
        heapq.heappush(heap, (np.int64(hops), -np.int64(value), transaction))
    return _FOLLOWED


@kernel
def _expand(
    direction: int,
    transaction: Number,
    value: Number,
    hops: Number,
    is_first_time: bool,
    bounds: Bounds,
    columns: SpendColumns,
    rules: StopRules,
    starts: Place,
    ends: Place,
    heap: list[Entry],
    best_hops: dict[Number, Number],
    stopped: list[Entry],
    cuts: Int64Array,
) -> None:
    """Offer everything that a transaction leads to, and note what is not passed and why."""
    if direction == _FORWARD:
        rows = range(columns.first_output[transaction], columns.first_output[transaction + 1])
    else:
        rows = range(columns.first_input[transaction], columns.first_input[transaction + 1])
    for row in rows:
        if direction == _FORWARD:
            coin = np.int64(row)
            amount = columns.output_value[row]
            address = np.int64(columns.output_address[row])
            if address == _NO_ADDRESS:
                continue
        else:
            coin = columns.spent_output[row]
            amount = columns.input_value[row]
            address = np.int64(columns.input_address[row])
            if coin < bounds.first_coin:
                continue
        if amount == 0:
            continue
        if amount < bounds.min_value:
            if is_first_time:
                cuts[direction, _BELOW_MIN] += 1
            continue
        if stands_at(coin, address, starts, rules) or stands_at(coin, address, ends, rules):
            continue
        reason = service_stop(address, rules)
        if reason == _FOLLOWED:
            reason = _offer(
                direction,
                coin,
                min(value, amount),
                hops + 1,
                bounds,
                columns,
                rules,
                heap,
                best_hops,
            )
        if reason != _FOLLOWED and is_first_time:
            cuts[direction, reason] += 1
            if reason == _COINJOIN or _SERVICE_REACHED <= reason <= _BRIDGE:
                stopped.append((coin, np.int64(reason), np.int64(direction)))


@kernel
def _drop_stale(
    order: int,
    heap: list[Entry],
    best_hops: dict[Number, Number],
) -> None:
    """Take from the top of a queue what was reached at least as well before."""
    while len(heap) > 0:
        hops = heap[0][1] if order == BY_VALUE else heap[0][0]
        transaction = heap[0][2]
        if transaction in best_hops and best_hops[transaction] <= hops:
            heapq.heappop(heap)
        else:
            break


@kernel
def _advance(
    direction: int,
    room: int,
    bounds: Bounds,
    columns: SpendColumns,
    rules: StopRules,
    starts: Place,
    ends: Place,
    heap: list[Entry],
    best_hops: dict[Number, Number],
    stopped: list[Entry],
    cuts: Int64Array,
) -> int:
    """Look at up to `room` transactions of a side, of one level if by hops; return how many.

    By value a transaction is looked at again where fewer hops lead to it with a smaller amount,
    because the hop limit may then reach further; that counts once.
    """
    looked_at = 0
    level = heap[0][0]
    while len(heap) > 0 and looked_at < room:
        if bounds.order == BY_HOPS and heap[0][0] != level:
            break
        first, second, transaction = heapq.heappop(heap)
        value = -first if bounds.order == BY_VALUE else -second
        hops = second if bounds.order == BY_VALUE else first
        is_first_time = transaction not in best_hops
        if is_first_time:
            looked_at += 1
        elif best_hops[transaction] <= hops:
            continue
        best_hops[transaction] = hops
        _expand(
            direction,
            transaction,
            value,
            hops,
            is_first_time,
            bounds,
            columns,
            rules,
            starts,
            ends,
            heap,
            best_hops,
            stopped,
            cuts,
        )
        _drop_stale(bounds.order, heap, best_hops)
    return looked_at


@kernel
def _sown(
    direction: int,
    coins: Int64Array,
    bounds: Bounds,
    columns: SpendColumns,
    rules: StopRules,
    heap: list[Entry],
    best_hops: dict[Number, Number],
    stopped: list[Entry],
    cuts: Int64Array,
) -> None:
    """Begin one side at its coins."""
    for coin in coins:
        value = columns.output_value[coin]
        if value < bounds.min_value:
            cuts[direction, _BELOW_MIN] += 1
            continue
        reason = _offer(direction, coin, value, 1, bounds, columns, rules, heap, best_hops)
        if reason != _FOLLOWED:
            cuts[direction, reason] += 1
            if reason == _COINJOIN:
                stopped.append((coin, np.int64(reason), np.int64(direction)))


@kernel
def _known(best_hops: dict[Number, Number]) -> Int64Array:
    """Return the transactions that a side looked at, ascending."""
    found = np.empty(len(best_hops) - 1, np.int64)
    count = 0
    for transaction in best_hops:
        if transaction >= 0:
            found[count] = transaction
            count += 1
    return np.sort(found)


@kernel
def search_both_ways(
    bounds: Bounds,
    seeds: Seeds,
    columns: SpendColumns,
    rules: StopRules,
    starts: Place,
    ends: Place,
) -> Found:
    """Search from both sides until one runs dry, both met, or the budget is used up."""
    # The compiler learns the types of empty lists and dictionaries from what was in them.
    nothing = (np.int64(-1), np.int64(-1), np.int64(-1))
    ahead: list[Entry] = [nothing]
    ahead.pop()
    back: list[Entry] = [nothing]
    back.pop()
    stopped: list[Entry] = [nothing]
    stopped.pop()
    ahead_hops: dict[Number, Number] = {np.int64(-1): np.int64(0)}
    back_hops: dict[Number, Number] = {np.int64(-1): np.int64(0)}
    cuts = np.zeros((2, _REASONS), np.int64)
    _sown(_FORWARD, seeds.start, bounds, columns, rules, ahead, ahead_hops, stopped, cuts)
    _sown(_BACKWARD, seeds.end, bounds, columns, rules, back, back_hops, stopped, cuts)
    searches_ahead = len(seeds.start) > 0
    searches_back = len(seeds.end) > 0
    left = bounds.budget
    outcome = BROKEN_OFF
    certain_hops: Number = np.int64(0)
    while True:
        if searches_ahead and len(ahead) == 0:
            outcome = DRY_AHEAD
            break
        if searches_back and len(back) == 0:
            outcome = DRY_BACK
            break
        if bounds.order == BY_HOPS:
            certain_hops = np.int64(0)
            if searches_ahead:
                certain_hops += ahead[0][0] - 1
            if searches_back:
                certain_hops += back[0][0] - 1
            if certain_hops >= bounds.max_hops:
                outcome = MET
                break
        if left <= 0:
            break
        goes_ahead = searches_ahead and (not searches_back or len(ahead) <= len(back))
        room = left if bounds.order == BY_HOPS else min(left, CHUNK)
        left -= _advance(
            _FORWARD if goes_ahead else _BACKWARD,
            room,
            bounds,
            columns,
            rules,
            starts,
            ends,
            ahead if goes_ahead else back,
            ahead_hops if goes_ahead else back_hops,
            stopped,
            cuts,
        )
    certain_value: Number = np.int64(0)
    if bounds.order == BY_VALUE and outcome == BROKEN_OFF:
        certain_value = np.int64(NEVER)
        if searches_ahead:
            certain_value = min(certain_value, 1 - ahead[0][0])
        if searches_back:
            certain_value = min(certain_value, 1 - back[0][0])
    stopped_coin = np.empty(len(stopped), np.int64)
    stopped_reason = np.empty(len(stopped), np.uint8)
    stopped_forward = np.empty(len(stopped), np.int64)
    for i in range(len(stopped)):
        stopped_coin[i] = stopped[i][0]
        stopped_reason[i] = stopped[i][1]
        stopped_forward[i] = 1 if stopped[i][2] == _FORWARD else 0
    return Found(
        _known(ahead_hops),
        _known(back_hops),
        outcome,
        certain_value,
        certain_hops,
        stopped_coin,
        stopped_reason,
        stopped_forward,
        cuts,
    )
