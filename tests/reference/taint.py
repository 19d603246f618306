"""Slow, obvious versions of tracing: the oracle of the taint kernels' tests.

Forward follows the worked definition: tainted coins wait in a heap by the transaction that spends
them, so each transaction is seen once, after all its tainted parents. Backward is written on its
own terms (unit `x` of an output is unit `x` of the input stream), not as the mirror that the
kernels use. First and last in first out handle every unit of money as an object of its own, with
its colours, so keep the values small; the other policies count units by colours, and pro rata uses
exact fractions.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

from heuristics.stops import Direction
from heuristics.taint import Policy, Stop

Coin = tuple[int, int]
"""Transaction and position of an output; the position is `FEE` for what is no output."""

FEE = -1
"""Position of a transaction's fee, and of a coinbase's subsidy or unclaimed reward."""

Units = list[int]
"""The colours of each unit of a coin, as bits; 0 is clean."""

Colours = Counter[int]
"""Tainted units of a coin by colours."""

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

    colours: dict[Coin, int] = field(default_factory=dict)
    """Of the sources; 1 for those that are not here."""

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

    subsidies: dict[int, int] | None = None
    """By coinbase, which starts a block; nothing where fees are not followed."""

    subsidy_last: bool = False

    @property
    def outside_stop(self) -> Stop:
        return Stop.BEFORE_LEDGER if self.unasked is None else Stop.NOT_FETCHED

    def value(self, coin: Coin) -> int:
        return self.chain[coin[0]].outputs[coin[1]][0]

    def address(self, coin: Coin) -> int:
        return NOBODY if coin[1] == FEE else self.chain[coin[0]].outputs[coin[1]][1]

    def spender(self, coin: Coin) -> int | None:
        if coin[1] == FEE:
            return self.coinbase(coin[0]) if self.chain[coin[0]].inputs else None
        for number, transaction in enumerate(self.chain):
            if any(spent == coin for spent, _, _ in transaction.inputs):
                return number
        return None

    def coinbase(self, number: int) -> int | None:
        """Return the coinbase of a transaction's block where fees are followed."""
        return max((c for c in self.subsidies or () if c <= number), default=None)

    def rank(self, number: int) -> float:
        """Return a transaction's place in processing order: coinbases come last in their block."""
        if number in (self.subsidies or ()):
            later = [c for c in self.subsidies or () if c > number]
            return min(later, default=len(self.chain)) - 0.5
        return number

    def stream(self, coinbase: int) -> list[tuple[Coin, int]]:
        """Return what a coinbase collects, in order, with amounts."""
        assert self.subsidies is not None
        fees = [
            ((number, FEE), transaction.fee)
            for number, transaction in enumerate(self.chain)
            if number != coinbase and self.coinbase(number) == coinbase
        ]
        subsidy = ((coinbase, FEE), self.subsidies[coinbase])
        return [*fees, subsidy] if self.subsidy_last else [subsidy, *fees]

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
    colours: dict[int, int] = field(default_factory=dict)
    """Units by colours; nothing where they are not looked at."""


@dataclass(kw_only=True)
class Answer:
    sources: dict[Coin, End] = field(default_factory=dict)
    coins: dict[Coin, End] = field(default_factory=dict)
    """Forward: what was paid. Backward: what was spent; outside coins stand under
    (-1 - transaction, position of the input)."""

    fees: dict[int, int] = field(default_factory=dict)
    """Taint in the remainder of each transaction that passed taint on."""

    rewards: dict[int, End] = field(default_factory=dict)
    """Fees by transaction, and subsidies or unclaimed rewards by coinbase."""


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


def by_colour(policy: Policy, shares: list[int], taken: list[Colours]) -> list[Colours]:
    """Return what colours each recipient's share is made of."""
    if policy == Policy.POISON:
        joined = 0
        for colours in taken:
            for colour in colours:
                joined |= colour
        return [Counter({joined: share} if share else {}) for share in shares]
    left = sum(taken, Counter())
    split = []
    for share in shares:
        known = sorted(left)
        parts = pro_rata([left[c] for c in known], left.total(), share, 0)[0] if share else []
        split.append(Counter({c: part for c, part in zip(known, parts, strict=False) if part}))
        left -= split[-1]
    return split


def returned(policy: Policy, value: int, own: int, came: Units | Colours) -> Units | Colours:
    """Return the state of a declared source that taint came back to."""
    if isinstance(came, list):
        return [own | colours for colours in came]
    if policy == Policy.POISON:
        return Counter({own | colours: units for colours, units in came.items()})
    state: Colours = Counter({own: value - came.total()})
    for colours, units in came.items():
        state[own | colours] += units
    return +state


def counted(state: Units | Colours) -> dict[int, int]:
    return {c: n for c, n in sorted(Counter(state).items()) if c != 0 and n != 0}


def amount_of(state: Units | Colours) -> int:
    return sum(counted(state).values())


def fresh(policy: Policy, value: int, colour: int) -> Units | Colours:
    return [colour] * value if policy.keeps_order else Counter({colour: value})


def passed_on(
    policy: Policy, taken: list[tuple[int, Units | Colours | None]], values: list[int], fee: int
) -> list[Units | Colours]:
    """Return the state of each given value and of the fee."""
    if policy.keeps_order:
        stream: Units = []
        for value, state in taken:
            stream += state if isinstance(state, list) else [0] * value
        if policy == Policy.LIFO:
            stream.reverse()
        states: list[Units | Colours] = []
        for value in [*values, fee]:
            states.append(stream[:value])
            stream = stream[value:]
        return states
    known = [state for _, state in taken if isinstance(state, Counter)]
    tainted = sum(state.total() for state in known)
    shares, to_fee = by_amount(policy, values, sum(v for v, _ in taken), tainted, fee)
    return [*by_colour(policy, [*shares, to_fee], known)]


def forward(case: Case, policy: Policy) -> Answer:
    answer = Answer()
    states: dict[Coin, Units | Colours] = {}
    waiting: list[tuple[float, int, Coin]] = []
    reach: dict[Coin, int] = {}
    ends: dict[Coin, End] = {}

    def put(coin: Coin, state: Units | Colours, depth: int, last: int, source: bool) -> None:
        amount = amount_of(state)
        if amount == 0 and not source:
            return
        reasons = [Stop.FOLLOWED]
        is_fee, is_coinbase = coin[1] == FEE, not case.chain[coin[0]].inputs
        if not source and coin in case.sources:
            reasons.append(Stop.RETAINTED)
            own = case.colours.get(coin, 1)
            states[coin] = returned(policy, case.value(coin), own, state)
        if case.address(coin) == NOBODY and (is_coinbase or not is_fee):
            reasons.append(Stop.DESTROYED)
        if is_fee and case.subsidies is None:
            reasons.append(Stop.FEE)
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
        end = End(amount=amount, reason=min(reasons), hops=depth, colours=counted(state))
        if is_fee:
            answer.rewards[coin[0]] = end
        else:
            (answer.sources if source else answer.coins)[coin] = end
        if source or end.reason == Stop.FOLLOWED:
            reach[coin], ends[coin], states[coin] = last, end, state
        if end.reason == Stop.FOLLOWED:
            assert spender is not None
            heapq.heappush(waiting, (case.rank(spender), spender, coin))

    for source in case.sources:
        state = fresh(policy, case.value(source), case.colours.get(source, 1))
        put(source, state, 0, case.reach.get(source, 10**9), True)
    while waiting:
        number = waiting[0][1]
        tainted_coins = []
        while waiting and waiting[0][1] == number:
            tainted_coins.append(heapq.heappop(waiting)[2])
        transaction = case.chain[number]
        inputs = [(coin, value) for coin, value, _ in transaction.inputs]
        if not inputs:
            # The subsidy stands under the coinbase's own name, which nothing has tainted yet.
            inputs = [(coin, value) for coin, value in case.stream(number)]
        tainted = sum(ends[coin].amount for coin in tainted_coins)
        total = sum(value for _, value in inputs)
        if tainted == 0:
            continue
        if len(transaction.outputs) > case.crowded_width and (
            tainted * 100 < total * case.crowded_percent
        ):
            for coin in tainted_coins:
                ends[coin].reason = Stop.FAN_OUT
            continue
        depth = min(ends[coin].hops for coin in tainted_coins) + 1
        last = max(reach[coin] for coin in tainted_coins)
        values = [value for value, _ in transaction.outputs]
        taken = [
            (value, states[coin] if coin is not None and coin in tainted_coins else None)
            for coin, value in inputs
        ]
        *given, fee = passed_on(policy, taken, values, total - sum(values))
        answer.fees[number] = amount_of(fee)
        for j, state in enumerate(given):
            put((number, j), state, depth, last, False)
        put((number, FEE), fee, depth, last, False)
    for source in case.sources:
        answer.sources[source].colours = counted(states[source])
    return answer


def backward(case: Case, policy: Policy) -> Answer:
    answer = Answer()
    asked: dict[Coin, Units | Colours] = {}
    """By which sources each unit of a coin is asked for."""
    wanted: dict[Coin, End] = {}
    reach: dict[Coin, int] = {}

    def put(
        place: Coin, coin: Coin | None, address: int, state: Units | Colours, depth: int,
        first: int, source: bool,
    ) -> None:  # fmt: skip
        amount = amount_of(state)
        if amount == 0 and not source:
            return
        reasons = [Stop.FOLLOWED]
        if not source:
            if coin in case.sources:
                assert coin is not None
                reasons.append(Stop.RETAINTED)
                own = case.colours.get(coin, 1)
                asked[coin] = returned(policy, case.value(coin), own, state)
            reasons.append(case.tag(address))
            if amount < case.min_value:
                reasons.append(Stop.BELOW_MIN)
        if coin is None:
            reasons.append(case.outside_stop)
        else:
            is_coinbase, is_fee = not case.chain[coin[0]].inputs, coin[1] == FEE
            if is_coinbase and (is_fee or case.subsidies is None):
                reasons.append(Stop.NEWLY_MINED)
            if coin[0] in case.marks and not is_coinbase:
                reasons.append(Stop.COINJOIN)
            if not case.window[0] <= coin[0] <= case.window[1] or coin[0] < first:
                reasons.append(Stop.TIME_WINDOW)
        if depth >= case.max_hops:
            reasons.append(Stop.HOP_LIMIT)
        end = End(amount=amount, reason=min(reasons), hops=depth, colours=counted(state))
        if place[1] == FEE:
            answer.rewards[place[0]] = end
        else:
            (answer.sources if source else answer.coins)[place] = end
        if source or end.reason == Stop.FOLLOWED:
            assert coin is not None
            asked[coin] = state
        if end.reason == Stop.FOLLOWED:
            assert coin is not None
            wanted[coin], reach[coin] = end, first

    for source in case.sources:
        first = case.reach.get(source, -1)
        state = fresh(policy, case.value(source), case.colours.get(source, 1))
        put(source, source, case.address(source), state, 0, first, True)
    for number in sorted(range(len(case.chain)), key=case.rank, reverse=True):
        transaction = case.chain[number]
        coins = [coin for coin in wanted if coin[0] == number]
        amount = sum(wanted[coin].amount for coin in coins)
        if amount == 0:
            continue
        has_fee = case.subsidies is not None and transaction.inputs
        paid = sum(value for value, _ in transaction.outputs) + (transaction.fee if has_fee else 0)
        if len(transaction.outputs) > case.crowded_width and (
            amount * 100 < paid * case.crowded_percent
        ):
            for coin in coins:
                wanted[coin].reason = Stop.FAN_OUT
            continue
        depth = min(wanted[coin].hops for coin in coins) + 1
        first = min(reach[coin] for coin in coins)
        inputs = list(transaction.inputs)
        if not inputs:
            inputs = [(coin, value, NOBODY) for coin, value in case.stream(number)]
        values = [value for _, value, _ in inputs]
        parts: list[Units | Colours]
        if policy.keeps_order:
            stream: Units = []
            places = [*range(len(transaction.outputs)), FEE]
            for place in places:
                coin = (number, place)
                value = transaction.fee if place == FEE else case.value(coin)
                known = asked[coin] if coin in coins else None
                stream += known if isinstance(known, list) else [0] * value
            stream += [0] * (sum(values) - len(stream))
            if policy == Policy.LIFO:
                # Unit x of what leaves is unit x from the end of what enters.
                stream.reverse()
            parts, start = [], 0
            for value in values:
                parts.append(stream[start : start + value])
                start += value
        else:
            shares, _ = by_amount(policy, values, sum(values), amount, 0)
            known_states = [asked[coin] for coin in sorted(coins, key=lambda c: (c[1] == FEE, c))]
            counts = [state for state in known_states if isinstance(state, Counter)]
            parts = [*by_colour(policy, shares, counts)]
        for i, (spent, _, address) in enumerate(inputs):
            place_of = spent if spent is not None else (-1 - number, i)
            put(place_of, spent, address, parts[i], depth, first, False)
    for source in case.sources:
        answer.sources[source].colours = counted(asked[source])
    return answer


def trace(case: Case, direction: Direction, policy: Policy) -> Answer:
    run: Callable[[Case, Policy], Answer] = forward if direction == Direction.FORWARD else backward
    return run(case, policy)
