"""What each policy says arrived over the connections that were found.

Two statements, which are easily mixed up. *In all*: the policy is applied to every transaction of
every connection at once, the origin's coins wholly traced, and what comes to the destination is
added up, by whatever combination of ways. *Along one connection*: of the units of its first coin,
those that the policy sends through exactly this row of coins. Arrival order and its reverse say it
to the unit, because each unit has one way; pro rata it is the first coin's value times the share of
each next coin in its transaction, rounded down. Policies that fill outputs by sums have no answer
for one connection alone.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from arien_flows.tracing.request import POLICIES, PolicyName
from chains.types import Int64Array, UInt8Array
from heuristics.connect_graph import ARRIVED, CoinGraph
from heuristics.conservation import ConservationError
from heuristics.explored import lay_out
from heuristics.propagate import NO_DEADLINE, FlowLimits, propagate
from heuristics.rewards import no_rewards
from heuristics.stops import Direction, SpendColumns, StopRules
from heuristics.taint import TAINTED_COLOUR, Policy, Stop

_ARRIVED = Stop.SERVICE_REACHED
"""Any reason that ends a path does: none of the others can occur beside it here."""

_ELSEWHERE = Stop.BUDGET

_NO_WIDTH = 2**31
"""No transaction is too wide to be on a connection."""

_KEPT = (Stop.RETAINTED, Stop.DESTROYED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Where the origin's money went by one policy, in satoshi."""

    arrived: int
    elsewhere: int
    """Spent, but not on a connection that was found."""

    unspent: int
    """In coins of the origin that were not spent."""

    returned: int
    """Came back to the origin."""

    fees: int
    destroyed: int


def arrivals(
    sources: Int64Array, graph: CoinGraph, columns: SpendColumns, rules: StopRules
) -> Mapping[PolicyName, Arrival]:
    """Return what arrived by each policy.

    Raises
    ------
    ConservationError
        If a policy that conserves amounts made or lost money.
    """
    layout = lay_out(
        Direction.FORWARD,
        _NO_WIDTH,
        np.full(len(sources), NO_DEADLINE, np.int64),
        np.full(len(sources), TAINTED_COLOUR, np.int64),
        graph.transaction,
        columns,
        rules._replace(sources=sources),
        no_rewards(),
    )
    limits = FlowLimits(0, len(graph.transaction) + 1, 0)
    stops = layout.arrays.slot_stop.copy()
    placed = len(layout.coins)
    stops[:placed] = _stops(layout.coins, stops[:placed], len(sources), graph)
    arrays = layout.arrays._replace(slot_stop=stops)
    source_sat, unspent_sat = int(arrays.source_value.sum()), unspent_of(sources, columns)
    found: dict[PolicyName, Arrival] = {}
    for name, policy in POLICIES.items():
        flow = propagate(arrays, policy, limits)
        ended = {
            stop: int(flow.amount[:placed][flow.reason[:placed] == stop].sum())
            for stop in (_ARRIVED, _ELSEWHERE, *_KEPT)
        }
        arrival = Arrival(
            arrived=ended[_ARRIVED],
            elsewhere=ended[_ELSEWHERE] - unspent_sat,
            unspent=unspent_sat,
            returned=ended[Stop.RETAINTED],
            fees=int(flow.remainder_taint.sum()),
            destroyed=ended[Stop.DESTROYED],
        )
        if policy != Policy.POISON:
            _check(name, source_sat, arrival)
        found[name] = arrival
    return found


def unspent_of(coins: Int64Array, columns: SpendColumns) -> int:
    """Return how much of the worth of coins was not spent."""
    is_unspent = columns.spender[coins] >= len(columns.first_input) - 1
    return int(columns.output_value[coins[is_unspent]].sum())


def _check(name: str, source_sat: int, arrival: Arrival) -> None:
    accounted = sum(asdict(arrival).values())
    if accounted != source_sat:
        raise ConservationError(
            f"by {name} of {source_sat} sat of the origin {accounted} sat are accounted for"
        )


def _stops(coins: Int64Array, known: UInt8Array, sources: int, graph: CoinGraph) -> UInt8Array:
    """Return where money goes on: through coins of connections, and nowhere else."""
    stops = np.full(len(coins), int(_ELSEWHERE), np.uint8)
    onward = np.sort(graph.coin[graph.next != ARRIVED])
    stops[np.isin(coins, onward)] = int(Stop.FOLLOWED)
    stops[np.isin(coins, graph.coin[graph.next == ARRIVED])] = int(_ARRIVED)
    stops[:sources] = np.where(
        np.isin(coins[:sources], graph.start_coin), int(Stop.FOLLOWED), int(_ELSEWHERE)
    )
    kept = np.isin(known, [int(stop) for stop in _KEPT])
    kept[:sources] = False
    stops[kept] = known[kept]
    return stops


def along(coins: tuple[int, ...], columns: SpendColumns) -> dict[str, int]:
    """Return what went along exactly one row of coins, by the policies that can say it."""
    value = int(columns.output_value[coins[0]])
    pro_rata = Fraction(value)
    first_in, first_out = (0, value), (0, value)
    for coin, made in pairwise(coins):
        transaction = int(columns.spender[coin])
        inputs = slice(*columns.first_input[transaction : transaction + 2].tolist())
        spent, values = columns.spent_output[inputs], columns.input_value[inputs]
        before = int(values[: int(np.flatnonzero(spent == coin)[0])].sum())
        total = int(values.sum())
        output = int(columns.first_output[transaction])
        start = int(columns.output_value[output:made].sum())
        paid = int(columns.output_value[made])
        pro_rata *= Fraction(paid, total)
        low, high = first_in[0] + before, first_in[1] + before
        first_in = _within(low, high, start, paid)
        # The last unit that came in is the first to leave.
        low, high = total - (first_out[1] + before), total - (first_out[0] + before)
        first_out = _within(low, high, start, paid)
    return {
        "fifo": first_in[1] - first_in[0],
        "lifo": first_out[1] - first_out[0],
        "haircut": int(pro_rata),
    }


def _within(low: int, high: int, start: int, width: int) -> tuple[int, int]:
    """Return the part of a stretch of the stream that a coin got, counted from its own start."""
    low, high = max(low, start), min(high, start + width)
    return (low - start, high - start) if low < high else (0, 0)
