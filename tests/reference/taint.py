"""Slow, obvious versions of tracing: the oracle of the taint kernels' tests.

Forward follows the worked definition: tainted coins wait in a heap by the transaction that spends
them, so each transaction is seen once, after all its tainted parents. Backward is written on its
own terms (unit `x` of an output is unit `x` of the input stream), not as the mirror that the
kernels use. First and last in first out handle every unit of money as an object of its own, so keep
the values small; pro rata uses exact fractions.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

from heuristics.stops import Direction
from heuristics.taint import Policy, Stop

Coin = tuple[int, int]
"""Transaction and position of an output."""

NOBODY = 0xFFFF_FFFF


@dataclass(frozen=True, kw_only=True)
class Transaction:
    """Inputs are coins with their values; None is a coin from outside."""

    inputs: list[tuple[Coin | None, int, int]]
    """Coin, value, address."""

    outputs: list[tuple[int, int]]
    """Value, address."""

    @property
    def fee(self) -> int:
        if not self.inputs:
            return 0
        return sum(value for _, value, _ in self.inputs) - sum(v for v, _ in self.outputs)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A chain, a question and all stop rules."""

    chain: list[Transaction]
    sources: list[Coin]
    labels: list[int]
    """Entity of each address."""

    own_roots: set[int] = field(default_factory=set)
    tags: dict[int, Stop] = field(default_factory=dict)
    """Services by address; an entity's tag is that of its first tagged address."""

    marks: set[int] = field(default_factory=set)
    window: tuple[int, int] = (0, 10**9)
    dormant_before: int = 0
    min_value: int = 0
    max_hops: int = 10**6
    crowded_width: int = 10**6
    crowded_percent: int = 1
    reach: dict[Coin, int] = field(default_factory=dict)
    """Last transaction (backward: first) that each source's horizon allows."""

    unasked: set[Coin] | None = None
    """Unspent coins whose spender nobody has asked for; nothing where the chain is whole."""

    @property
    def outside_stop(self) -> Stop:
        return Stop.BEFORE_LEDGER if self.unasked is None else Stop.NOT_FETCHED

    def value(self, coin: Coin) -> int:
        return self.chain[coin[0]].outputs[coin[1]][0]

    def address(self, coin: Coin) -> int:
        return self.chain[coin[0]].outputs[coin[1]][1]

    def spender(self, coin: Coin) -> int | None:
        for number, transaction in enumerate(self.chain):
            if any(spent == coin for spent, _, _ in transaction.inputs):
                return number
        return None

    def tag(self, address: int) -> Stop:
        if address == NOBODY or self.labels[address] in self.own_roots:
            return Stop.FOLLOWED
        if address in self.tags:
            return self.tags[address]
        for tagged in sorted(self.tags):
            if self.labels[tagged] == self.labels[address]:
                return self.tags[tagged]
        return Stop.FOLLOWED


@dataclass(kw_only=True)
class End:
    """What arrived at a coin, and why it was not followed (or that it was)."""

    amount: int
    reason: Stop
    hops: int


@dataclass(kw_only=True)
class Answer:
    sources: dict[Coin, End] = field(default_factory=dict)
    coins: dict[Coin, End] = field(default_factory=dict)
    """Forward: what was paid. Backward: what was spent; outside coins stand under
    (-1 - transaction, position of the input)."""

    fees: dict[int, int] = field(default_factory=dict)


def pro_rata(values: list[int], total: int, tainted: int, fee: int) -> tuple[list[int], int]:
    """Return the tainted part of each value, and of the fee."""
    exact = [Fraction(value * tainted, total) for value in values]
    shares = [floor(share) for share in exact]
    left = tainted - sum(shares)
    to_fee = min(left, fee)
    by_fraction = sorted(range(len(values)), key=lambda j: (shares[j] - exact[j], j))
    for j in by_fraction[: left - to_fee]:
        shares[j] += 1
    return shares, to_fee


def by_amount(
    policy: Policy, values: list[int], total: int, tainted: int, fee: int
) -> tuple[list[int], int]:
    """Return the tainted part of each value and of the fee, where amounts alone decide."""
    if policy == Policy.POISON:
        return values, fee
    if policy == Policy.HAIRCUT:
        return pro_rata(values, total, tainted, fee)
    shares = [0] * len(values)
    places = range(len(values))
    if policy == Policy.REVERSE_SENIORITY:
        shares = list(values)
        for _ in range(total - tainted):
            clean = [j for j in places if shares[j] > 0]
            if clean:
                shares[clean[0]] -= 1
        return shares, tainted - sum(shares)
    order = sorted(places, key=lambda j: -values[j]) if policy == Policy.TIHO else places
    for j in order:
        shares[j] = min(values[j], tainted - sum(shares))
    return shares, tainted - sum(shares)


def forward(case: Case, policy: Policy) -> Answer:
    answer = Answer()
    units: dict[Coin, list[bool]] = {}
    waiting: list[tuple[int, Coin]] = []
    reach: dict[Coin, int] = {}
    hops: dict[Coin, int] = {}
    ends: dict[Coin, End] = {}

    def put(coin: Coin, state: list[bool] | int, depth: int, last: int, source: bool) -> None:
        amount = state if isinstance(state, int) else sum(state)
        if amount == 0 and not source:
            return
        reasons = [Stop.FOLLOWED]
        if not source and coin in case.sources:
            reasons.append(Stop.RETAINTED)
        if case.address(coin) == NOBODY:
            reasons.append(Stop.DESTROYED)
        if not source:
            reasons.append(case.tag(case.address(coin)))
            if amount < case.min_value:
                reasons.append(Stop.BELOW_MIN)
        spender = case.spender(coin)
        if spender is None and case.unasked is not None and coin in case.unasked:
            reasons.append(Stop.NOT_FETCHED)
        elif spender is None:
            reasons.append(Stop.DORMANT if coin[0] < case.dormant_before else Stop.UNSPENT)
        else:
            if spender in case.marks:
                reasons.append(Stop.COINJOIN)
            if not case.window[0] <= spender <= case.window[1] or spender > last:
                reasons.append(Stop.TIME_WINDOW)
        if depth >= case.max_hops:
            reasons.append(Stop.HOP_LIMIT)
        end = End(amount=amount, reason=min(reasons), hops=depth)
        (answer.sources if source else answer.coins)[coin] = end
        if end.reason == Stop.FOLLOWED:
            assert spender is not None
            hops[coin], reach[coin], ends[coin] = depth, last, end
            units[coin] = state if isinstance(state, list) else [True] * state
            heapq.heappush(waiting, (spender, coin))

    for source in case.sources:
        put(source, [True] * case.value(source), 0, case.reach.get(source, 10**9), True)
    while waiting:
        number, _ = waiting[0]
        tainted_coins = []
        while waiting and waiting[0][0] == number:
            tainted_coins.append(heapq.heappop(waiting)[1])
        transaction = case.chain[number]
        tainted = sum(ends[coin].amount for coin in tainted_coins)
        total = sum(value for _, value, _ in transaction.inputs)
        if tainted == 0:
            continue
        if len(transaction.outputs) > case.crowded_width and (
            tainted * 100 < total * case.crowded_percent
        ):
            for coin in tainted_coins:
                ends[coin].reason = Stop.FAN_OUT
            continue
        depth = min(hops[coin] for coin in tainted_coins) + 1
        last = max(reach[coin] for coin in tainted_coins)
        values = [value for value, _ in transaction.outputs]
        states: list[list[bool]] | list[int]
        if not policy.keeps_order:
            states, fee = by_amount(policy, values, total, tainted, transaction.fee)
        else:
            stream: list[bool] = []
            for coin, value, _ in transaction.inputs:
                known = coin is not None and coin in tainted_coins
                stream += units[coin] if known and coin is not None else [False] * value
            if policy == Policy.LIFO:
                stream.reverse()
            states = []
            for value in values:
                states.append(stream[:value])
                stream = stream[value:]
            fee = sum(stream)
        answer.fees[number] = fee
        for j, state in enumerate(states):
            put((number, j), state, depth, last, False)
    return answer


def backward(case: Case, policy: Policy) -> Answer:
    answer = Answer()
    asked: dict[Coin, set[int]] = {}
    """First-in-first-out: which units of each coin are asked for."""
    wanted: dict[Coin, End] = {}
    reach: dict[Coin, int] = {}

    def put(
        place: Coin, coin: Coin | None, address: int, amount: int, depth: int, first: int,
        source: bool,
    ) -> bool:  # fmt: skip
        if amount == 0 and not source:
            return False
        reasons = [Stop.FOLLOWED]
        if not source:
            if coin in case.sources:
                reasons.append(Stop.RETAINTED)
            reasons.append(case.tag(address))
            if amount < case.min_value:
                reasons.append(Stop.BELOW_MIN)
        if coin is None:
            reasons.append(case.outside_stop)
        else:
            if not case.chain[coin[0]].inputs:
                reasons.append(Stop.NEWLY_MINED)
            if coin[0] in case.marks:
                reasons.append(Stop.COINJOIN)
            if not case.window[0] <= coin[0] <= case.window[1] or coin[0] < first:
                reasons.append(Stop.TIME_WINDOW)
        if depth >= case.max_hops:
            reasons.append(Stop.HOP_LIMIT)
        end = End(amount=amount, reason=min(reasons), hops=depth)
        (answer.sources if source else answer.coins)[place] = end
        if end.reason == Stop.FOLLOWED:
            assert coin is not None
            wanted[coin], reach[coin] = end, first
            return True
        return False

    for source in case.sources:
        value = case.value(source)
        first = case.reach.get(source, -1)
        if put(source, source, case.address(source), value, 0, first, True):
            asked[source] = set(range(value))
    for number in reversed(range(len(case.chain))):
        transaction = case.chain[number]
        coins = [coin for coin in wanted if coin[0] == number]
        amount = sum(wanted[coin].amount for coin in coins)
        if amount == 0:
            continue
        paid = sum(value for value, _ in transaction.outputs)
        if len(transaction.outputs) > case.crowded_width and (
            amount * 100 < paid * case.crowded_percent
        ):
            for coin in coins:
                wanted[coin].reason = Stop.FAN_OUT
            continue
        depth = min(wanted[coin].hops for coin in coins) + 1
        first = max((reach[coin] for coin in coins), key=lambda rank: -rank)
        values = [value for _, value, _ in transaction.inputs]
        parts: list[set[int]] = [set() for _ in values]
        if not policy.keeps_order:
            shares, _ = by_amount(policy, values, sum(values), amount, 0)
        else:
            start = 0
            stream: set[int] = set()
            for j, (value, _) in enumerate(transaction.outputs):
                stream |= {start + unit for unit in asked.get((number, j), set())}
                start += value
            if policy == Policy.LIFO:
                # Unit x of what leaves is unit x from the end of what enters.
                stream = {sum(values) - 1 - unit for unit in stream}
            start = 0
            for i, value in enumerate(values):
                parts[i] = {unit - start for unit in stream if start <= unit < start + value}
                start += value
            shares = [len(part) for part in parts]
        for i, (spent, _, address) in enumerate(transaction.inputs):
            place = spent if spent is not None else (-1 - number, i)
            if put(place, spent, address, shares[i], depth, first, False):
                assert spent is not None
                asked[spent] = parts[i]
    return answer


def trace(case: Case, direction: Direction, policy: Policy) -> Answer:
    run: Callable[[Case, Policy], Answer] = forward if direction == Direction.FORWARD else backward
    return run(case, policy)
