"""Slow, obvious whole-ledger taint: the oracle of the sweep's tests.

Blocks are taken one after the other; where fees are followed, a block's coinbase comes last and
takes the others' fees in order. Ordered policies handle every unit of money as an object of its
own (the set of sources that it comes from, as bits), so keep the values small.
"""

from dataclasses import dataclass, field

from heuristics.taint import Policy, Stop
from tests.reference.taint import NOBODY, Coin, Transaction, by_amount

Units = list[int]


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Whole blocks; the first transaction of a block is its coinbase, and only that."""

    transactions: list[Transaction]
    starts: list[int]
    """First transaction of each block, and one past the last."""

    subsidy: int

    def fee(self, number: int) -> int:
        transaction = self.transactions[number]
        if not transaction.inputs:
            return 0
        return sum(v for _, v, _ in transaction.inputs) - sum(v for v, _ in transaction.outputs)


@dataclass(kw_only=True)
class Taint:
    """Amounts, and for ordered policies the colours of the units."""

    ends: dict[tuple[Coin, Stop], int] = field(default_factory=dict)
    units: dict[tuple[Coin, Stop], Units] = field(default_factory=dict)
    fees: dict[int, int] = field(default_factory=dict)
    unclaimed: dict[int, int] = field(default_factory=dict)


def sweep(
    chain: Chain,
    sources: dict[Coin, int],
    policy: Policy,
    *,
    follows_fees: bool = False,
    subsidy_last: bool = False,
    blocks: int | None = None,
) -> Taint:
    """Return where the taint of all `sources` (coin: its colours) is after so many blocks."""
    if blocks is None:
        blocks = len(chain.starts) - 1
    past = chain.starts[blocks]
    spent = {c for t in chain.transactions[:past] for c, _, _ in t.inputs if c is not None}
    answer = Taint()
    live: dict[Coin, Units | int] = {}
    for block in range(blocks):
        first, last = chain.starts[block], chain.starts[block + 1]
        numbers = list(range(first, last))
        if follows_fees:
            numbers = [*numbers[1:], first]
        fees: list[tuple[int, Units | int]] = []
        for number in numbers:
            transaction = chain.transactions[number]
            values = [value for value, _ in transaction.outputs]
            taken: list[tuple[int, Units | int]]
            if number == first and follows_fees:
                subsidy: list[tuple[int, Units | int]] = [(chain.subsidy, 0)]
                taken = fees + subsidy if subsidy_last else subsidy + fees
                fee = chain.subsidy + sum(value for value, _ in fees) - sum(values)
            else:
                taken = [
                    (value, live.pop(coin, 0) if coin is not None else 0)
                    for coin, value, _ in transaction.inputs
                ]
                fee = chain.fee(number)
            *given, rest = _share(policy, taken, [*values, fee])
            amount = rest if isinstance(rest, int) else sum(colour != 0 for colour in rest)
            if number != first and follows_fees:
                fees.append((fee, rest))
            elif amount:
                (answer.unclaimed if number == first else answer.fees)[number] = amount
            for j, state in enumerate(given):
                _put(chain, sources, answer, live, spent, (number, j), state)
    return answer


def _share(
    policy: Policy, taken: list[tuple[int, Units | int]], values: list[int]
) -> list[Units | int]:
    """Return the taint of each value; the last one is the remainder."""
    if policy in (Policy.FIFO, Policy.LIFO):
        stream: Units = []
        for value, state in taken:
            stream += state if isinstance(state, list) else [0] * value
        stream += [0] * (sum(values) - len(stream))  # what a coinbase makes
        if policy == Policy.LIFO:
            stream.reverse()
        parts: list[Units | int] = []
        for value in values:
            parts.append(stream[:value])
            stream = stream[value:]
        return parts
    tainted = 0
    for _, state in taken:
        assert isinstance(state, int)
        tainted += state
    if tainted == 0:
        return [0] * len(values)
    shares, fee = by_amount(policy, values[:-1], sum(values), tainted, values[-1])
    return [*shares, fee]


def _put(
    chain: Chain,
    sources: dict[Coin, int],
    answer: Taint,
    live: dict[Coin, Units | int],
    spent: set[Coin],
    coin: Coin,
    state: Units | int,
) -> None:
    value, address = chain.transactions[coin[0]].outputs[coin[1]]
    if coin in sources:
        _end(answer, coin, Stop.RETAINTED, state)
        own = sources[coin]
        state = [colour | own for colour in state] if isinstance(state, list) else value
    if address == NOBODY:
        _end(answer, coin, Stop.DESTROYED, state)
    elif coin not in spent:
        _end(answer, coin, Stop.UNSPENT, state)
    else:
        live[coin] = state


def _end(answer: Taint, coin: Coin, reason: Stop, state: Units | int) -> None:
    amount = state if isinstance(state, int) else sum(colour != 0 for colour in state)
    if amount:
        answer.ends[coin, reason] = amount
        if isinstance(state, list):
            answer.units[coin, reason] = state
