"""Random chains for the taint tests, and their columns."""

from collections import Counter
from random import Random

import numpy as np

from heuristics.follow import Fees, Question, Trail, follow
from heuristics.propagate import NO_DEADLINE, Flow, FlowLimits
from heuristics.rewards import Rewards, no_rewards
from heuristics.stops import Direction, SpendColumns, StopRules
from heuristics.taint import Policy, Stop
from tests.reference import taint as reference
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
        colours=random_colours(random, plain.sources) if random.random() < 0.4 else {},
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


def random_colours(random: Random, sources: list[Coin]) -> dict[Coin, int]:
    """Return sets of up to four asked sources, as bits, for each coin."""
    return {coin: random.randint(1, 15) for coin in sources}


def mined_chain(
    random: Random, blocks: int, largest: int = 40
) -> tuple[list[Transaction], dict[int, int]]:
    """Return blocks of transactions, and the subsidy of each coinbase.

    Coinbases mature with the next block, and may leave some of their reward.
    """
    chain: list[Transaction] = []
    subsidies: dict[int, int] = {}
    unspent: list[Coin] = []
    for _ in range(blocks):
        coinbase = len(chain)
        body: list[Transaction] = []
        for _ in range(random.choice((0, 1, 2, 4)) if unspent else 0):
            taken = [unspent.pop(random.randrange(len(unspent)))
                     for _ in range(min(len(unspent), random.choice((1, 2, 3))))]  # fmt: skip
            inputs: list[tuple[Coin | None, int, int]] = []
            for coin in taken:
                owner = chain[coin[0]] if coin[0] < coinbase else body[coin[0] - coinbase - 1]
                inputs.append((coin, *owner.outputs[coin[1]]))
            total = sum(value for _, value, _ in inputs)
            fee = random.choice((0, 1, 3, random.randint(0, total)))
            values = split(random, total - min(fee, total), random.choice((1, 2, 3)))
            number = coinbase + 1 + len(body)
            body.append(
                Transaction(
                    inputs=inputs,
                    outputs=[(value, random.randrange(ADDRESSES)) for value in values],
                )
            )
            unspent += [(number, j) for j in range(len(values))]
            if not unspent:
                break
        subsidies[coinbase] = random.choice((0, largest, random.randint(1, largest)))
        reward = subsidies[coinbase] + sum(transaction.fee for transaction in body)
        claimed = reward if random.random() < 0.6 else random.randint(0, reward)
        paid = [(value, random.randrange(ADDRESSES))
                for value in split(random, claimed, random.choice((1, 1, 2, 3)))]  # fmt: skip
        chain += [Transaction(inputs=[], outputs=paid), *body]
        unspent += [(coinbase, j) for j in range(len(paid))]
    return chain, subsidies


def mined_case(random: Random, blocks: int = 6, largest: int = 40) -> Case:
    """Return a case in which fees are followed, with some stop rules."""
    chain: list[Transaction] = []
    while not chain or not random_sources(random, chain):
        chain, subsidies = mined_chain(random, blocks, largest)
    sources = random_sources(random, chain)
    length = len(chain)
    spenders = [number for number, transaction in enumerate(chain) if transaction.inputs]
    first = random.choice((0, 0, random.randrange(length)))
    return Case(
        chain=chain,
        sources=sources,
        labels=list(range(ADDRESSES)),
        colours=random_colours(random, sources) if random.random() < 0.5 else {},
        marks=set(random.sample(spenders, min(len(spenders), random.choice((0, 0, 1))))),
        window=(first, random.choice((length, random.randint(first, length)))),
        min_value=random.choice((0, 0, 1, 3)),
        max_hops=random.choice((1, 4, 100)),
        crowded_width=random.choice((2, 1000)),
        crowded_percent=random.choice((1, 30)),
        reach={coin: random.randrange(length) for coin in sources if random.random() < 0.2},
        subsidies=subsidies,
        subsidy_last=random.random() < 0.5,
    )


def rewards_of(case: Case) -> Rewards:
    if case.subsidies is None:
        return no_rewards()
    return Rewards(
        first_transaction=np.array([*sorted(case.subsidies), len(case.chain)], np.int64),
        subsidy=np.array([case.subsidies[c] for c in sorted(case.subsidies)], np.int64),
        subsidy_last=case.subsidy_last,
    )


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
        source_colour=np.array([case.colours.get(coin, 1) for coin in case.sources], np.int64),
        rewards=rewards_of(case),
    )


def run(case: Case, direction: Direction, policy: Policy, budget: int = 10**6) -> Trail:
    columns = columns_of(case.chain)
    return follow(question_of(case, direction, policy, budget), columns, rules_of(case, columns))


def answer_of(case: Case, trail: Trail, direction: Direction) -> Answer:
    """Return a trail in the oracle's terms."""
    columns = columns_of(case.chain)
    answer = Answer()
    flow, fees = trail.flow, trail.fees

    def coin_of(output: int) -> Coin:
        number = int(np.searchsorted(columns.first_output, output, side="right")) - 1
        return number, output - int(columns.first_output[number])

    def end_of(part: Flow | Fees, slot: int) -> End:
        amount, reason = int(part.amount[slot]), Stop(int(part.reason[slot]))
        first, count = int(part.segment_first[slot]), int(part.segment_count[slot])
        rows = slice(first, first + count)
        colours: Counter[int] = Counter()
        lengths, sets = flow.pool_length[rows].tolist(), flow.pool_colour[rows].tolist()
        for length, colour in zip(lengths, sets, strict=True):
            colours[colour] += length
        del colours[0]
        if count == 0 and amount > 0 and not trail.told_apart:
            colours[int(trail.arrays.source_colour[0])] = amount
        is_kept = reason != Stop.FOLLOWED
        return End(
            amount=amount,
            reason=reason,
            hops=int(part.hops[slot]),
            colours=dict(sorted(colours.items())) if is_kept else {},
        )

    for slot in range(len(trail.coins)):
        end = end_of(flow, slot)
        coin = int(trail.coins[slot])
        if slot < len(case.sources):
            answer.sources[coin_of(coin)] = end
        elif end.amount > 0:
            row = int(trail.given_row[slot - len(case.sources)])
            number = int(np.searchsorted(columns.first_input, row, side="right")) - 1
            outside = (-1 - number, row - int(columns.first_input[number]))
            answer.coins[outside if coin < 0 else coin_of(coin)] = end
    for slot in np.flatnonzero(fees.amount > 0).tolist():
        answer.rewards[int(fees.transaction[slot])] = end_of(fees, slot)
    if direction == Direction.FORWARD:
        for step in np.flatnonzero(trail.flow.entered).tolist():
            answer.fees[int(trail.transactions[step])] = int(trail.flow.remainder_taint[step])
    return answer


def expected_of(case: Case, direction: Direction, policy: Policy) -> Answer:
    """Return the oracle's answer; what was passed on has no colours any more."""
    answer = reference.trace(case, direction, policy)
    for end in (*answer.sources.values(), *answer.coins.values(), *answer.rewards.values()):
        if end.reason == Stop.FOLLOWED:
            end.colours = {}
    return answer
