"""Random chains for the taint tests, and their columns."""

from random import Random

import numpy as np

from heuristics.follow import Question, Trail, follow
from heuristics.propagate import NO_DEADLINE, FlowLimits
from heuristics.stops import Direction, SpendColumns, StopRules
from heuristics.taint import Policy, Stop
from tests.reference.taint import NOBODY, Answer, Case, Coin, End, Transaction

ADDRESSES = 12


def seeded(seed: int) -> Random:
    """Return a source of test cases."""
    return Random(seed)


def split(random: Random, total: int, parts: int) -> list[int]:
    """Return `parts` numbers that sum to `total`; zeros occur."""
    cuts = sorted(random.randint(0, total) for _ in range(parts - 1))
    return [high - low for low, high in zip([0, *cuts], [*cuts, total], strict=True)]


def random_chain(random: Random, length: int, largest: int = 40) -> list[Transaction]:
    """Return transactions in chain order, each spending earlier coins or mined from nothing."""
    chain: list[Transaction] = []
    unspent: list[Coin] = []
    for number in range(length):
        inputs: list[tuple[Coin | None, int, int]] = []
        if unspent and random.random() < 0.8:
            for _ in range(min(len(unspent), random.choice((1, 1, 2, 2, 3, 4)))):
                coin = unspent.pop(random.randrange(len(unspent)))
                value, address = chain[coin[0]].outputs[coin[1]]
                inputs.append((coin, value, address))
            if random.random() < 0.1:
                outside = (None, random.randint(0, largest), random.randrange(ADDRESSES))
                inputs.insert(random.randint(0, len(inputs)), outside)
        total = sum(value for _, value, _ in inputs) if inputs else random.randint(1, largest)
        fee = random.choice((0, 0, 1, 2, random.randint(0, total))) if inputs else 0
        values = split(random, total - min(fee, total), random.choice((1, 1, 2, 2, 2, 3, 6)))
        outputs = []
        for j, value in enumerate(values):
            lost = random.random() < 0.05
            outputs.append((value, NOBODY if lost else random.randrange(ADDRESSES)))
            if not lost:
                unspent.append((number, j))
        chain.append(Transaction(inputs=inputs, outputs=outputs))
    return chain


def random_sources(random: Random, chain: list[Transaction]) -> list[Coin]:
    coins = [
        (number, j)
        for number, transaction in enumerate(chain)
        for j, (value, address) in enumerate(transaction.outputs)
        if value > 0 and address != NOBODY
    ]
    return sorted(random.sample(coins, min(len(coins), random.choice((1, 1, 2, 3)))))


def open_case(random: Random, length: int = 14, largest: int = 40) -> Case:
    """Return a case without any stop rule but the ends of the chain."""
    chain: list[Transaction] = []
    while not chain or not random_sources(random, chain):
        chain = random_chain(random, length, largest)
    return Case(
        chain=chain,
        sources=random_sources(random, chain),
        labels=list(range(ADDRESSES)),
    )


def ruled_case(random: Random, length: int = 14, largest: int = 40) -> Case:
    """Return a case with many stop rules at once."""
    plain = open_case(random, length, largest)
    labels = [random.randint(0, address) for address in range(ADDRESSES)]
    labels = [labels[label] if labels[label] == label else address
              for address, label in enumerate(labels)]  # fmt: skip
    services = random.sample(range(ADDRESSES), random.choice((0, 1, 3)))
    kinds = (Stop.SERVICE_REACHED, Stop.MIXER, Stop.BRIDGE)
    first = random.choice((0, 0, random.randrange(length)))
    return Case(
        chain=plain.chain,
        sources=plain.sources,
        labels=labels,
        own_roots={labels[plain.address(coin)] for coin in plain.sources},
        tags={address: random.choice(kinds) for address in services},
        marks=set(random.sample(range(length), random.choice((0, 0, 1, 2)))),
        window=(first, random.choice((length, random.randint(first, length)))),
        dormant_before=random.choice((0, random.randrange(length))),
        unasked=None if random.random() < 0.5 else _some_unspent(random, plain.chain),
        min_value=random.choice((0, 1, 3, 8)),
        max_hops=random.choice((0, 1, 2, 4, 100)),
        crowded_width=random.choice((2, 3, 1000)),
        crowded_percent=random.choice((1, 30, 60)),
        reach={coin: random.randrange(length) for coin in plain.sources if random.random() < 0.3},
    )


def _some_unspent(random: Random, chain: list[Transaction]) -> set[Coin]:
    spent = {coin for transaction in chain for coin, _, _ in transaction.inputs}
    coins = [
        (number, j)
        for number, transaction in enumerate(chain)
        for j in range(len(transaction.outputs))
        if (number, j) not in spent
    ]
    return set(random.sample(coins, len(coins) // 2))


def columns_of(chain: list[Transaction]) -> SpendColumns:
    first_output = np.cumsum([0, *(len(t.outputs) for t in chain)], dtype=np.int64)
    first_input = np.cumsum([0, *(len(t.inputs) for t in chain)], dtype=np.int64)
    spender = np.full(int(first_output[-1]), 0xFFFF_FFFF, np.uint32)
    spent = []
    for number, transaction in enumerate(chain):
        for coin, _, _ in transaction.inputs:
            output = -1 if coin is None else int(first_output[coin[0]]) + coin[1]
            spent.append(output)
            if output >= 0:
                spender[output] = number
    return SpendColumns(
        first_input=first_input,
        first_output=first_output,
        spent_output=np.array(spent, np.int64),
        input_value=np.array([v for t in chain for _, v, _ in t.inputs], np.int64),
        input_address=np.array([a for t in chain for _, _, a in t.inputs], np.uint32),
        output_value=np.array([v for t in chain for v, _ in t.outputs], np.int64),
        output_address=np.array([a for t in chain for _, a in t.outputs], np.uint32),
        spender=spender,
    )


def rules_of(case: Case, columns: SpendColumns) -> StopRules:
    roots: dict[int, Stop] = {}
    for address in sorted(case.tags):
        roots.setdefault(case.labels[address], case.tags[address])
    return StopRules(
        sources=np.array([columns.first_output[t] + j for t, j in case.sources], np.int64),
        labels=np.array(case.labels, np.uint32),
        own_root=np.array(sorted(case.own_roots), np.int64),
        tagged_address=np.array(sorted(case.tags), np.int64),
        tagged_stop=np.array([case.tags[a] for a in sorted(case.tags)], np.uint8),
        tagged_root=np.array(sorted(roots), np.int64),
        root_stop=np.array([roots[root] for root in sorted(roots)], np.uint8),
        marks=np.array([number in case.marks for number in range(len(case.chain))], np.uint8),
        first_transaction=case.window[0],
        last_transaction=case.window[1],
        unasked=np.array(
            sorted(columns.first_output[t] + j for t, j in case.unasked or ()), np.int64
        ),
        dormant_before=case.dormant_before,
        outside_stop=int(case.outside_stop),
    )


def question_of(case: Case, direction: Direction, policy: Policy, budget: int) -> Question:
    sign = 1 if direction == Direction.FORWARD else -1
    deadlines = [
        sign * case.reach[coin] if coin in case.reach else NO_DEADLINE for coin in case.sources
    ]
    return Question(
        direction=direction,
        policy=policy,
        limits=FlowLimits(case.min_value, min(case.max_hops, 1000), case.crowded_percent),
        crowded_width=case.crowded_width,
        budget=budget,
        source_deadline=np.array(deadlines, np.int64),
    )


def run(case: Case, direction: Direction, policy: Policy, budget: int = 10**6) -> Trail:
    columns = columns_of(case.chain)
    return follow(question_of(case, direction, policy, budget), columns, rules_of(case, columns))


def answer_of(case: Case, trail: Trail, direction: Direction) -> Answer:
    """Return a trail in the oracle's terms."""
    columns = columns_of(case.chain)
    answer = Answer()

    def coin_of(output: int) -> Coin:
        number = int(np.searchsorted(columns.first_output, output, side="right")) - 1
        return number, output - int(columns.first_output[number])

    for slot in range(len(trail.coins)):
        end = End(
            amount=int(trail.flow.amount[slot]),
            reason=Stop(int(trail.flow.reason[slot])),
            hops=int(trail.flow.hops[slot]),
        )
        coin = int(trail.coins[slot])
        if slot < len(case.sources):
            answer.sources[coin_of(coin)] = end
        elif end.amount > 0:
            row = int(trail.given_row[slot - len(case.sources)])
            number = int(np.searchsorted(columns.first_input, row, side="right")) - 1
            outside = (-1 - number, row - int(columns.first_input[number]))
            answer.coins[outside if coin < 0 else coin_of(coin)] = end
    if direction == Direction.FORWARD:
        for step in np.flatnonzero(trail.flow.entered).tolist():
            answer.fees[int(trail.transactions[step])] = int(trail.flow.remainder_taint[step])
    return answer
