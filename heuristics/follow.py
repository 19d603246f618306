"""Follow taint through a ledger until every path has ended for a reason.

The search goes in rounds. A round computes the exact amounts over all transactions explored so
far, with every stop rule; coins that carry taint, that no rule stops and whose next transaction
is unexplored are the frontier. A best-first search then explores on from there, at most as many
transactions again as are explored already. So the number of rounds grows with the logarithm of
the number of transactions, and the amounts are those that the policy gives, whatever the order of
the search. When the budget is used up the remaining frontier ends for the reason BUDGET.

Budgets count transactions and not seconds: the same ledger and the same question give the same
answer on every machine. Where a time is set as well and runs out, the number of transactions
explored by then is what a repetition uses as its budget, and comes to the same answer.
"""

from time import monotonic
from typing import NamedTuple

import numpy as np

from heuristics.columns import Int64Array, UInt8Array
from heuristics.explore import Frontier, Search, explore, read_ahead
from heuristics.explored import Layout, lay_out
from heuristics.propagate import Flow, FlowArrays, FlowLimits, propagate
from heuristics.rewards import Rewards, no_rewards
from heuristics.stops import Direction, SpendColumns, StopRules
from heuristics.taint import TAINTED_COLOUR, Policy, Stop

VERSION = 3
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

    source_colour: Int64Array | None = None
    """Which of the asked sources name each coin, as bits; nothing: they are not told apart."""

    rewards: Rewards | None = None
    """What is needed to follow fees into coinbases; nothing: they are not followed."""

    seconds: float | None = None
    """After this long the search ends, as if the transactions explored by then were the budget."""


class Fees(NamedTuple):
    """Where taint went that is in no coin: one entry a fee, subsidy or unclaimed reward."""

    transaction: Int64Array
    """Pays the fee; or the coinbase whose subsidy (backward) or unclaimed reward it is."""

    giver: Int64Array
    """Transaction from which the taint came there: the same forward, a coinbase backward."""

    value: Int64Array
    amount: Int64Array
    reason: UInt8Array
    """`Stop`: FEE where fees are not followed, NEWLY_MINED for subsidies, DESTROYED for what a
    coinbase does not claim; else as for coins."""

    hops: Int64Array
    entered: Int64Array
    """Transaction that following the fee leads into, or -1."""

    segment_first: Int64Array
    segment_count: Int64Array


class Trail(NamedTuple):
    """Where the taint went, in ledger numbers."""

    transactions: Int64Array
    """As in `Layout`, like the next four."""

    coins: Int64Array
    given_row: Int64Array
    entered: Int64Array
    """Of the coins alone."""

    arrays: FlowArrays
    flow: Flow
    """Of the coins alone."""

    fees: Fees
    rounds: int
    """Rounds of search that it took."""

    told_apart: bool
    """Whether the sources' colours mean anything."""

    timed_out: bool
    """Whether the search ended because of the time that it took."""

    @property
    def values(self) -> Int64Array:
        """The whole of each coin."""
        return np.concatenate([self.arrays.source_value, self.arrays.given_value])


def ranges(starts: Int64Array, stops: Int64Array) -> Int64Array:
    """Return the numbers of all half-open ranges, one range after the other."""
    lengths = stops - starts
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    numbers: Int64Array = np.arange(total, dtype=np.int64)
    numbers += np.repeat(starts - (ends - lengths), lengths)
    return numbers


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
    rewards = no_rewards() if question.rewards is None else question.rewards
    colour = _colours(question, len(sources))
    explored = np.empty(0, np.int64)
    started = monotonic()
    rounds = 0
    quota = FIRST_QUOTA
    timed_out = False
    while True:
        layout = lay_out(
            question.direction,
            question.crowded_width,
            question.source_deadline,
            colour,
            explored,
            columns,
            rules,
            rewards,
        )
        flow = propagate(layout.arrays, question.policy, question.limits)
        if not flow.told_apart:
            colour = np.ones(len(sources), np.int64)
            continue
        rounds += 1
        open_slots = np.flatnonzero(flow.reason == Stop.BUDGET)
        left = question.budget - len(explored)
        if len(open_slots) == 0 or left <= 0 or timed_out:
            return _trail(layout, flow, rounds, timed_out=timed_out and len(open_slots) > 0)
        quota = max(FIRST_QUOTA, len(explored))
        if question.seconds is not None:
            affordable = _affordable(question.seconds, monotonic() - started, len(explored))
            timed_out = affordable < quota
            quota = min(quota, affordable)
        frontier = Frontier(
            coin=np.concatenate([layout.coins, layout.rewards + len(columns.output_value)]),
            amount=flow.amount,
            hops=flow.hops,
            deadline=flow.deadline,
            segment_first=flow.segment_first,
            segment_count=flow.segment_count,
            pool_length=flow.pool_length,
            pool_colour=flow.pool_colour,
        ).at(open_slots)
        search = Search(
            question.direction, question.policy, question.crowded_width, question.limits
        )
        ground = columns, rules, rewards
        read_ahead(search, min(left, quota), frontier, explored, *ground)
        found = explore(search, min(left, quota), frontier, explored, *ground)
        explored = np.sort(np.concatenate([explored, found]))


def _colours(question: Question, sources: int) -> Int64Array:
    if question.source_colour is None:
        return np.full(sources, TAINTED_COLOUR, np.int64)
    return question.source_colour


def _affordable(seconds: float, elapsed: float, explored: int) -> int:
    """Return how many more transactions the time allows at the present pace, at least one.

    A round must not be cut short, because a repetition with the count as its budget has to choose
    the same transactions. So the round that would take too long is made smaller, and is the last.
    """
    if explored == 0:
        return FIRST_QUOTA
    return max(1, int(explored * max(seconds - elapsed, 0.0) / max(elapsed, 1e-9)))


def _trail(layout: Layout, flow: Flow, rounds: int, *, timed_out: bool) -> Trail:
    """Return the end of the search, coins and fees apart."""
    coins, arrays = len(layout.coins), layout.arrays
    has_slot = arrays.remainder_slot >= 0
    return Trail(
        transactions=layout.transactions,
        coins=layout.coins,
        given_row=layout.given_row,
        entered=layout.entered[:coins],
        arrays=arrays,
        flow=flow._replace(
            amount=flow.amount[:coins],
            reason=flow.reason[:coins],
            hops=flow.hops[:coins],
            deadline=flow.deadline[:coins],
            segment_first=flow.segment_first[:coins],
            segment_count=flow.segment_count[:coins],
        ),
        fees=Fees(
            transaction=layout.rewards,
            giver=np.concatenate(
                [
                    np.repeat(layout.transactions, np.diff(arrays.reward_first)),
                    layout.transactions[has_slot],
                ]
            ),
            value=np.concatenate([arrays.reward_value, arrays.remainder[has_slot]]),
            amount=flow.amount[coins:],
            reason=flow.reason[coins:],
            hops=flow.hops[coins:],
            entered=layout.entered[coins:],
            segment_first=flow.segment_first[coins:],
            segment_count=flow.segment_count[coins:],
        ),
        rounds=rounds,
        told_apart=bool(np.any(arrays.source_colour != arrays.source_colour[0])),
        timed_out=timed_out,
    )
