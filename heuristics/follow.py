"""Follow taint through a ledger until every path has ended for a reason.

The search goes in rounds. A round computes the exact amounts over all transactions explored so
far, with every stop rule; coins that carry taint, that no rule stops and whose next transaction
is unexplored are the frontier. A best-first search then explores on from there, at most as many
transactions again as are explored already. So the number of rounds grows with the logarithm of
the number of transactions, and the amounts are those that the policy gives, whatever the order of
the search. When the budget is used up the remaining frontier ends for the reason BUDGET.

Budgets count transactions and not seconds: the same ledger and the same question give the same
answer on every machine.
"""

from typing import NamedTuple

import numpy as np

from heuristics.columns import BoolArray, Int64Array, UInt32Array
from heuristics.explore import Frontier, Search, explore, read_ahead
from heuristics.propagate import NO_DEADLINE, Flow, FlowArrays, FlowLimits, propagate
from heuristics.stops import Direction, SpendColumns, StopRules, known_stops
from heuristics.taint import Policy, Stop

VERSION = 2
"""Raised whenever a policy, a stop rule or the search can give another answer."""

FIRST_QUOTA = 256
"""Transactions that the first round may explore."""


class Question(NamedTuple):
    """What to follow, and how far."""

    direction: Direction
    policy: Policy
    limits: FlowLimits
    crowded_width: int
    """Transactions with more outputs than this are crowded."""

    budget: int
    """Transactions that may be explored."""

    source_deadline: Int64Array
    """Last rank that each source's horizon allows; the rank is the transaction number, negated
    backward."""


class Layout(NamedTuple):
    """Explored transactions as local arrays, and what their rows are in the ledger."""

    transactions: Int64Array
    """Explored transactions in processing order: ascending forward, descending backward."""

    coins: Int64Array
    """Output number of each slot, -1 outside the ledger: the sources, then what each transaction
    gives (its outputs forward, what its inputs spend backward)."""

    given_row: Int64Array
    """Output (forward) or input (backward) number of each slot after the sources."""

    entered: Int64Array
    """Transaction that each slot leads into, or -1."""

    arrays: FlowArrays


class Trail(NamedTuple):
    """Where the taint went, in ledger numbers."""

    transactions: Int64Array
    """As in `Layout`, like the next four."""

    coins: Int64Array
    given_row: Int64Array
    entered: Int64Array
    arrays: FlowArrays
    flow: Flow
    rounds: int
    """Rounds of search that it took."""


def ranges(starts: Int64Array, stops: Int64Array) -> Int64Array:
    """Return the numbers of all half-open ranges, one range after the other."""
    lengths = stops - starts
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    numbers: Int64Array = np.arange(total, dtype=np.int64)
    numbers += np.repeat(starts - (ends - lengths), lengths)
    return numbers


def lay_out(
    question: Question, explored: Int64Array, columns: SpendColumns, rules: StopRules
) -> Layout:
    """Return the explored transactions as local arrays.

    `explored` ascends.
    """
    forward = question.direction == Direction.FORWARD
    transactions = explored if forward else explored[::-1].copy()
    first_in, past_in = columns.first_input[transactions], columns.first_input[transactions + 1]
    first_out, past_out = columns.first_output[transactions], columns.first_output[transactions + 1]
    inputs, outputs = ranges(first_in, past_in), ranges(first_out, past_out)
    width_in, width_out = past_in - first_in, past_out - first_out
    spent, paid = columns.input_value[inputs], columns.output_value[outputs]
    source_address = columns.output_address[rules.sources]
    if forward:
        taken_coin, taken_value, taken_width = columns.spent_output[inputs], spent, width_in
        given_coin, given_row, given_value = outputs, outputs, paid
        given_width, given_address = width_out, columns.output_address[outputs]
    else:
        taken_coin, taken_value, taken_width = outputs, paid, width_out
        given_coin, given_row, given_value = columns.spent_output[inputs], inputs, spent
        given_width, given_address = width_in, columns.input_address[inputs]
    taken_first, given_first = _offsets(taken_width), _offsets(given_width)
    remainder = np.zeros(len(transactions), np.int64)
    if forward:
        np.add.at(remainder, np.repeat(np.arange(len(transactions)), width_in), spent)
        np.subtract.at(remainder, np.repeat(np.arange(len(transactions)), width_out), paid)
    coins = np.concatenate([rules.sources, given_coin])
    addresses: UInt32Array = np.concatenate([source_address, given_address])
    stops, entered = known_stops(question.direction, coins, addresses, columns, rules)
    stops[~_is_in(entered, explored) & (stops > Stop.BUDGET)] = Stop.BUDGET
    arrays = FlowArrays(
        taken_first=taken_first,
        taken_slot=_slots_of(taken_coin, rules.sources, given_coin),
        taken_value=taken_value,
        given_first=given_first,
        given_value=given_value,
        reward_first=np.zeros(len(transactions) + 1, np.int64),
        reward_value=np.empty(0, np.int64),
        remainder=remainder,
        remainder_slot=np.full(len(transactions), -1, np.int64),
        crowded=width_out > question.crowded_width,
        source_value=columns.output_value[rules.sources],
        source_deadline=question.source_deadline,
        source_colour=np.ones(len(rules.sources), np.int64),
        returns_to=np.full(len(given_value), -1, np.int64),
        slot_stop=stops,
        # What leads into no transaction that is known is past no deadline.
        slot_rank=np.where(entered < 0, -NO_DEADLINE, entered if forward else -entered),
    )
    return Layout(
        transactions=transactions,
        coins=coins,
        given_row=given_row,
        entered=entered,
        arrays=arrays,
    )


def follow(question: Question, columns: SpendColumns, rules: StopRules) -> Trail:
    """Follow the taint of `rules.sources` to every end that the rules and limits give it.

    Raises
    ------
    ValueError
        If the sources do not ascend, or an output does not exist.
    """
    sources = rules.sources
    if len(sources) == 0 or np.any(np.diff(sources) <= 0):
        raise ValueError("sources must ascend, and there must be one")
    if int(sources[0]) < 0 or int(sources[-1]) >= len(columns.output_value):
        raise ValueError("a source is not an output of the ledger")
    if len(question.source_deadline) != len(sources):
        raise ValueError("every source needs a deadline")
    explored = np.empty(0, np.int64)
    rounds = 0
    while True:
        layout = lay_out(question, explored, columns, rules)
        flow = propagate(layout.arrays, question.policy, question.limits)
        rounds += 1
        open_slots = np.flatnonzero(flow.reason == Stop.BUDGET)
        left = question.budget - len(explored)
        if len(open_slots) == 0 or left <= 0:
            return Trail(*layout, flow=flow, rounds=rounds)
        quota = min(left, max(FIRST_QUOTA, len(explored)))
        frontier = Frontier(
            coin=layout.coins[open_slots],
            amount=flow.amount[open_slots],
            hops=flow.hops[open_slots],
            deadline=flow.deadline[open_slots],
            segment_first=flow.segment_first[open_slots],
            segment_count=flow.segment_count[open_slots],
            pool_length=flow.pool_length,
            pool_colour=flow.pool_colour,
        )
        search = Search(
            question.direction, question.policy, question.crowded_width, question.limits
        )
        read_ahead(search, quota, frontier, explored, columns, rules)
        found = explore(search, quota, frontier, explored, columns, rules)
        explored = np.sort(np.concatenate([explored, found]))


def _offsets(widths: Int64Array) -> Int64Array:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(widths)])


def _is_in(wanted: Int64Array, ascending: Int64Array) -> BoolArray:
    if len(ascending) == 0:
        return np.zeros(len(wanted), np.bool_)
    place = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
    found: BoolArray = ascending[place] == wanted
    return found


def _slots_of(coins: Int64Array, sources: Int64Array, given: Int64Array) -> Int64Array:
    """Return the slot of each coin: a source's own, else that of the step that gives it, else -1.

    A source that a transaction gives again keeps its own slot: taint that returns to it ends
    there, and what leaves it is the source's.
    """
    order = np.argsort(given, kind="stable")
    slots = np.full(len(coins), -1, np.int64)
    is_given = _is_in(coins, given[order]) & (coins >= 0)
    slots[is_given] = len(sources) + order[np.searchsorted(given[order], coins[is_given])]
    is_source = _is_in(coins, sources)
    slots[is_source] = np.searchsorted(sources, coins[is_source])
    return slots
