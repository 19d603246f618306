"""Tracing over whole chains: agreement with the oracle, and the laws that every policy obeys."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics import explore as explore_module
from heuristics import follow as follow_module
from heuristics.explore import Frontier
from heuristics.follow import Trail, follow
from heuristics.stops import Direction
from heuristics.taint import Policy, Stop
from tests.heuristics.flow_cases import (
    answer_of,
    columns_of,
    expected_of,
    mined_case,
    open_case,
    question_of,
    ruled_case,
    rules_of,
    run,
    seeded,
)
from tests.reference.taint import Case, Transaction

seeds = st.integers(0, 2**32)
policies = st.sampled_from(list(Policy))
directions = st.sampled_from(list(Direction))
readable = [
    (direction, policy)
    for direction in Direction
    for policy in Policy
    if direction == Direction.FORWARD or policy.has_inverse
]
ways = st.sampled_from(readable)
conserving_ways = st.sampled_from([way for way in readable if way[1] != Policy.POISON])


def ends_sum(trail: Trail) -> int:
    parts = (trail.flow, trail.fees)
    return sum(int(part.amount[part.reason != Stop.FOLLOWED].sum()) for part in parts)


def source_sum(trail: Trail) -> int:
    return int(trail.arrays.source_value.sum())


def amounts(trail: Trail) -> dict[int, int]:
    """Return the traced amount by output number; sources under their own number."""
    return {
        int(coin): int(amount)
        for coin, amount in zip(trail.coins, trail.flow.amount, strict=True)
        if coin >= 0 and amount > 0
    }


@given(seeds, ways)
def test_follow__agrees_with_reference(seed, way):
    direction, policy = way
    case = ruled_case(seeded(seed))
    trail = run(case, direction, policy)
    assert answer_of(case, trail, direction) == expected_of(case, direction, policy)


@given(seeds, ways)
def test_follow__agrees_with_reference_where_fees_go_on(seed, way):
    direction, policy = way
    case = mined_case(seeded(seed))
    trail = run(case, direction, policy)
    assert answer_of(case, trail, direction) == expected_of(case, direction, policy)


def agree_on(seeds_to_try: range) -> None:
    for seed in seeds_to_try:
        random = seeded(seed)
        case = ruled_case(random, length=18) if seed % 3 else mined_case(random, blocks=8)
        direction, policy = random.choice(readable)
        answer = answer_of(case, run(case, direction, policy), direction)
        assert answer == expected_of(case, direction, policy), seed


def test_follow__agrees_with_reference_on_many_cases():
    agree_on(range(400))


@pytest.mark.slow
def test_follow__agrees_with_reference_on_ten_thousand_cases():
    # Rare meetings of rules, such as two deadlines in one transaction, need so many.
    agree_on(range(400, 10_400))


@pytest.mark.slow
@pytest.mark.parametrize(("direction", "policy"), readable)
def test_follow__agrees_with_reference_on_long_chains(direction, policy):
    for seed in range(40):
        case = ruled_case(seeded(seed), length=120, largest=200)
        trail = run(case, direction, policy)
        assert answer_of(case, trail, direction) == expected_of(case, direction, policy)


@pytest.mark.slow
def test_follow__conserves_on_ten_thousand_chains():
    for seed in range(10_000):
        random = seeded(seed)
        case = ruled_case(random, length=10) if seed % 2 else mined_case(random)
        trail = run(case, *random.choice([way for way in readable if way[1] != Policy.POISON]))
        assert ends_sum(trail) == source_sum(trail), seed


@given(seeds, conserving_ways, st.integers(0, 12))
def test_follow__conserves_under_any_budget(seed, way, budget):
    direction, policy = way
    trail = run(open_case(seeded(seed), length=30), direction, policy, budget)
    assert ends_sum(trail) == source_sum(trail)
    assert len(trail.transactions) <= budget


@given(seeds, ways)
def test_follow__never_taints_more_than_a_coin_holds(seed, way):
    direction, policy = way
    trail = run(ruled_case(seeded(seed)), direction, policy)
    values = np.concatenate([trail.arrays.source_value, trail.arrays.given_value])
    assert np.all((trail.flow.amount >= 0) & (trail.flow.amount <= values))
    assert np.all(trail.flow.remainder_taint <= trail.arrays.remainder)


@given(seeds, conserving_ways)
def test_follow__poison_reaches_whatever_another_policy_reaches(seed, way):
    direction, policy = way
    case = open_case(seeded(seed))
    assert set(amounts(run(case, direction, policy))) <= set(
        amounts(run(case, direction, Policy.POISON))
    )


@given(seeds, st.sampled_from([Policy.FIFO, Policy.LIFO]))
def test_follow__backward_inverts_forward_where_units_have_an_order(seed, policy):
    random = seeded(seed)
    case = open_case(random)
    start = case.sources[0]
    one = Case(chain=case.chain, sources=[start], labels=case.labels)
    first_output = columns_of(case.chain).first_output
    start_number = int(first_output[start[0]]) + start[1]
    forward = amounts(run(one, Direction.FORWARD, policy))
    for end in random.sample(sorted(forward), min(3, len(forward))):
        number = int(np.searchsorted(first_output, end, side="right")) - 1
        back = Case(
            chain=case.chain,
            sources=[(number, end - int(first_output[number]))],
            labels=case.labels,
        )
        backward = amounts(run(back, Direction.BACKWARD, policy))
        assert backward[start_number] == forward[end]


@given(seeds)
def test_follow__haircut_backward_is_the_transpose_but_for_rounding(seed):
    case = open_case(seeded(seed), largest=10**12)
    start = case.sources[0]
    one = Case(chain=case.chain, sources=[start], labels=case.labels)
    columns = columns_of(case.chain)
    start_number = int(columns.first_output[start[0]]) + start[1]
    forward = run(one, Direction.FORWARD, Policy.HAIRCUT)
    for end, amount in amounts(forward).items():
        number = int(np.searchsorted(columns.first_output, end, side="right")) - 1
        coin = (number, end - int(columns.first_output[number]))
        back = Case(chain=case.chain, sources=[coin], labels=case.labels)
        backward = amounts(run(back, Direction.BACKWARD, Policy.HAIRCUT))
        # Each transaction rounds each of its shares by less than one unit, either way.
        allowance = len(columns.input_value) + len(columns.output_value)
        assert abs(backward.get(start_number, 0) - amount) <= allowance


@given(seeds, directions, st.sampled_from([Policy.POISON, Policy.FIFO, Policy.LIFO]))
def test_follow__more_sources_never_taint_less(seed, direction, policy):
    case = open_case(seeded(seed))
    fewer = Case(chain=case.chain, sources=case.sources[:1], labels=case.labels)
    # Coins of a declared source end as retainted, so compare what arrives everywhere else.
    more = answer_of(case, run(case, direction, policy), direction)
    less = answer_of(fewer, run(fewer, direction, policy), direction)
    everywhere = {coin: end.amount for coin, end in more.coins.items()}
    everywhere |= {coin: end.amount for coin, end in more.sources.items()}
    assert all(everywhere[coin] >= end.amount for coin, end in less.coins.items())


@given(seeds, st.sampled_from([(d, p) for d, p in readable if p.keeps_order]))
def test_follow__tells_sources_apart_as_if_each_were_traced_alone(seed, way):
    direction, policy = way
    case = open_case(seeded(seed))
    colours = {coin: 1 << place for place, coin in enumerate(case.sources)}
    together = Case(chain=case.chain, sources=case.sources, labels=case.labels, colours=colours)
    joint = answer_of(together, run(together, direction, policy), direction)
    for coin, colour in colours.items():
        one = Case(chain=case.chain, sources=[coin], labels=case.labels)
        alone = answer_of(one, run(one, direction, policy), direction)
        for place, end in joint.coins.items():
            # Where it came to another source it goes on with that source's coin.
            found = joint.sources[place] if place in colours else end
            if found.reason != Stop.FOLLOWED and place != coin:
                claimed = sum(n for c, n in found.colours.items() if c & colour)
                expected = alone.coins.get(place)
                assert claimed == (expected.amount if expected else 0)


def test_follow__gives_up_telling_sources_apart_where_too_many_sets_meet():
    # Money of every set of nine sources, one after the other, meets in the last transaction.
    chain = [Transaction(inputs=[], outputs=[(2**40, 0)])]
    held: list[tuple[int, int]] = [(0, 0)]
    sources = [(0, 0)]
    for _ in range(10):
        number = len(chain)
        inputs: list[tuple[tuple[int, int] | None, int, int]] = [
            (coin, chain[coin[0]].outputs[coin[1]][0], 0) for coin in held
        ]
        chain.append(Transaction(inputs=inputs, outputs=[(2**39, 0), (2**39, 0)]))
        sources.append((number, 0))
        held = [(number, 0), (number, 1)]
    colours = {coin: 1 << place for place, coin in enumerate(sources)}
    case = Case(chain=chain, sources=sources, labels=[0], colours=colours)
    trail = run(case, Direction.FORWARD, Policy.HAIRCUT)
    assert not trail.told_apart
    assert ends_sum(trail) == source_sum(trail)
    assert run(case, Direction.FORWARD, Policy.FIFO).told_apart


def test_follow__a_run_that_times_out_is_repeated_by_its_count():
    length = 3_000
    chain = [Transaction(inputs=[], outputs=[(100, 0)])]
    for number in range(length):
        chain.append(Transaction(inputs=[((number, 0), 100, 0)], outputs=[(100, 0)]))
    case = Case(chain=chain, sources=[(0, 0)], labels=[0])
    columns = columns_of(chain)
    rules = rules_of(case, columns)
    question = question_of(case, Direction.FORWARD, Policy.FIFO, 10**6)
    question = question._replace(limits=question.limits._replace(max_hops=10**4))
    cut = follow(question._replace(seconds=1e-9), columns, rules)
    assert cut.timed_out
    count = len(cut.transactions)
    assert 256 < count < length
    repeated = follow(question._replace(budget=count), columns, rules)
    assert repeated.transactions.tolist() == cut.transactions.tolist()
    assert repeated.flow.amount.tolist() == cut.flow.amount.tolist()
    patient = follow(question._replace(seconds=3600.0), columns, rules)
    assert len(patient.transactions) == length
    assert not patient.timed_out


@given(seeds, st.integers(2, 1000))
def test_follow__haircut_scales_with_the_values_but_for_rounding(seed, factor):
    case = open_case(seeded(seed), largest=10**6)
    larger = Case(
        chain=[
            Transaction(
                inputs=[(coin, value * factor, address) for coin, value, address in t.inputs],
                outputs=[(value * factor, address) for value, address in t.outputs],
            )
            for t in case.chain
        ],
        sources=case.sources,
        labels=case.labels,
    )
    small = run(case, Direction.FORWARD, Policy.HAIRCUT)
    large = run(larger, Direction.FORWARD, Policy.HAIRCUT)
    rows = len(small.arrays.given_value) + len(small.arrays.taken_value)
    before, after = amounts(small), amounts(large)
    assert all(
        abs(after.get(coin, 0) - factor * before.get(coin, 0)) <= factor * rows
        for coin in before | after
    )


@given(st.integers(1, 10**15), st.integers(1, 30), ways)
def test_follow__is_the_identity_along_a_chain_without_fees(value, length, way):
    direction, policy = way
    chain = [Transaction(inputs=[], outputs=[(value, 0)])]
    for number in range(length):
        chain.append(Transaction(inputs=[((number, 0), value, 0)], outputs=[(value, 0)]))
    source = (0, 0) if direction == Direction.FORWARD else (length, 0)
    trail = run(Case(chain=chain, sources=[source], labels=[0]), direction, policy)
    last = (trail.flow.reason != Stop.FOLLOWED) & (trail.flow.amount > 0)
    assert trail.flow.amount[last].tolist() == [value]
    assert trail.flow.hops[last].tolist() == [length]


@given(seeds, st.sampled_from([policy for policy in Policy if policy != Policy.LIFO]))
def test_follow__merging_the_inputs_first_changes_nothing(seed, policy):
    direct, merged = direct_and_merged(seeded(seed), policy)
    assert direct == merged


@given(seeds)
def test_follow__lifo_gives_through_a_merge_what_fifo_gives_directly(seed):
    # Each hop turns the stream round once more: twice is not at all.
    _, merged = direct_and_merged(seeded(seed), Policy.LIFO)
    direct, _ = direct_and_merged(seeded(seed), Policy.FIFO)
    assert merged == direct


def test_follow__lifo_differs_through_a_merge_in_the_worked_example():
    mined = [Transaction(inputs=[], outputs=[(value, 0)]) for value in (60, 100)]
    inputs = [((0, 0), 60, 0), ((1, 0), 100, 0)]
    direct = [*mined, Transaction(inputs=list(inputs), outputs=[(70, 0), (80, 0)])]
    merged = [
        *mined,
        Transaction(inputs=list(inputs), outputs=[(160, 0)]),
        Transaction(inputs=[((2, 0), 160, 0)], outputs=[(70, 0), (80, 0)]),
    ]
    shares = []
    for chain in (direct, merged):
        case = Case(chain=chain, sources=[(1, 0)], labels=[0])
        trail = run(case, Direction.FORWARD, Policy.LIFO)
        shares.append(trail.flow.amount[len(trail.coins) - 2 : len(trail.coins)].tolist())
    assert shares == [[70, 30], [10, 80]]


def direct_and_merged(random: Random, policy: Policy) -> tuple[list[int], list[int]]:
    """Return what two outputs get directly, and with all inputs merged into one coin first."""
    values = [random.randint(1, 10**9) for _ in range(random.randint(1, 5))]
    mined = [Transaction(inputs=[], outputs=[(value, 0)]) for value in values]
    inputs = [((number, 0), value, 0) for number, value in enumerate(values)]
    total = sum(values)
    cut = random.randint(0, total)
    outputs = [(cut, 0), (total - cut, 0)]
    direct = [*mined, Transaction(inputs=list(inputs), outputs=outputs)]
    merged = [
        *mined,
        Transaction(inputs=list(inputs), outputs=[(total, 0)]),
        Transaction(inputs=[((len(mined), 0), total, 0)], outputs=outputs),
    ]
    source = [(random.randrange(len(mined)), 0)]
    shares = []
    for chain in (direct, merged):
        trail = run(Case(chain=chain, sources=source, labels=[0]), Direction.FORWARD, policy)
        shares.append(trail.flow.amount[len(trail.coins) - 2 : len(trail.coins)].tolist())
    return shares[0], shares[1]


@given(seeds, ways, st.integers(1, 5))
def test_follow__does_not_depend_on_the_order_of_the_search(seed, way, quota):
    direction, policy = way
    case = ruled_case(seeded(seed), length=25)
    usual = run(case, direction, policy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(follow_module, "FIRST_QUOTA", quota)
        patch.setattr(explore_module, "DECAY", 0.5)
        narrow = run(case, direction, policy)
    assert answer_of(case, narrow, direction) == answer_of(case, usual, direction)


def test_follow__explores_the_largest_amount_first():
    chain = [
        Transaction(inputs=[], outputs=[(100, 0)]),
        Transaction(inputs=[((0, 0), 100, 0)], outputs=[(30, 0), (60, 0), (10, 0)]),
        Transaction(inputs=[((1, 0), 30, 0)], outputs=[(30, 0)]),
        Transaction(inputs=[((1, 1), 60, 0)], outputs=[(60, 0)]),
        Transaction(inputs=[((1, 2), 10, 0)], outputs=[(10, 0)]),
    ]
    case = Case(chain=chain, sources=[(0, 0)], labels=[0])
    for budget, expected in ((1, [1]), (2, [1, 3]), (3, [1, 2, 3])):
        trail = run(case, Direction.FORWARD, Policy.FIFO, budget)
        assert trail.transactions.tolist() == expected
        assert Stop.BUDGET in trail.flow.reason


@pytest.mark.parametrize("direction", Direction)
def test_follow__takes_few_rounds_along_a_long_chain(direction):
    length = 1_000
    chain = [Transaction(inputs=[], outputs=[(100, 0)])]
    for number in range(length):
        chain.append(Transaction(inputs=[((number, 0), 100, 0)], outputs=[(100, 0)]))
    forward = direction == Direction.FORWARD
    source = (0, 0) if forward else (length, 0)
    case = Case(chain=chain, sources=[source], labels=[0], reach={source: length if forward else 0})
    trail = run(case, direction, Policy.FIFO)
    assert len(trail.transactions) == length
    # 256, 512 and the rest, each followed by the exact pass that finds what is left.
    assert trail.rounds == 4


def test_follow__counts_money_that_a_repeated_coinbase_voids_as_destroyed():
    chain = [
        Transaction(inputs=[], outputs=[(50, 0)]),
        Transaction(inputs=[], outputs=[(50, 0)]),
    ]
    case = Case(chain=chain, sources=[(0, 0)], labels=[0])
    columns = columns_of(chain)
    # The ledger notes the second coinbase as the "spender" of the output that it overwrites.
    columns.spender[0] = 1
    question = question_of(case, Direction.FORWARD, Policy.FIFO, 10)
    trail = follow(question, columns, rules_of(case, columns))
    assert trail.flow.reason.tolist() == [Stop.DESTROYED]
    assert ends_sum(trail) == 50


def test_follow__rejects_sources_that_cannot_be():
    case = open_case(seeded(1))
    columns = columns_of(case.chain)
    question = question_of(case, Direction.FORWARD, Policy.FIFO, 10)
    rules = rules_of(case, columns)
    for sources in ([], [3, 3], [-1], [len(columns.output_value)]):
        with pytest.raises(ValueError, match="source"):
            follow(question, columns, rules._replace(sources=np.array(sources, np.int64)))


@pytest.mark.parametrize("policy", [Policy.POISON, Policy.HAIRCUT])
def test_follow__explores_nothing_from_a_source_that_is_worth_nothing(policy):
    # The worthless coin is spent beside clean money, and once by itself.
    chain = [
        Transaction(inputs=[], outputs=[(50, 0), (0, 0), (0, 0)]),
        Transaction(inputs=[], outputs=[(70, 0)]),
        Transaction(inputs=[((0, 1), 0, 0), ((1, 0), 70, 0)], outputs=[(70, 0)]),
        Transaction(inputs=[((2, 0), 70, 0)], outputs=[(70, 0)]),
        Transaction(inputs=[((3, 0), 70, 0)], outputs=[(70, 0)]),
        Transaction(inputs=[((0, 2), 0, 0)], outputs=[(0, 0)]),
    ]
    case = Case(chain=chain, sources=[(0, 0), (0, 1), (0, 2)], labels=[0])
    trail = run(case, Direction.FORWARD, policy)
    assert set(trail.transactions.tolist()) <= {2, 5}
    assert amounts(trail) == {0: 50}
    assert ends_sum(trail) == 50


def test_follow__goes_on_in_large_steps_where_the_frontier_is_larger_than_the_pool():
    coins, length = 500, 1_000
    chain = [Transaction(inputs=[], outputs=[(9, 0)] * coins)]
    for number in range(1, length + 1):
        spent = (0, number - 1) if number <= coins else (number - coins, 0)
        chain.append(Transaction(inputs=[(spent, 9, 0)], outputs=[(9, 0)]))
    case = Case(chain=chain, sources=[(0, j) for j in range(coins)], labels=[0])
    usual = run(case, Direction.FORWARD, Policy.FIFO)
    with pytest.MonkeyPatch.context() as patch:
        # Of effect where kernels are not compiled.
        patch.setattr(explore_module, "_POOL_LIMIT", 400)
        narrow = run(case, Direction.FORWARD, Policy.FIFO)
    assert narrow.rounds == usual.rounds <= 4
    assert len(narrow.transactions) == length


def test_frontier__holds_the_segments_of_its_own_coins_only():
    frontier = Frontier(
        coin=np.arange(4),
        amount=np.array([3, 5, 7, 2]),
        hops=np.zeros(4, np.int64),
        deadline=np.zeros(4, np.int64),
        segment_first=np.array([0, 2, 5, 9]),
        segment_count=np.array([2, 0, 3, 1]),
        pool_length=np.array([1, 2, 90, 91, 92, 1, 2, 4, 93, 2]),
        pool_colour=np.array([1, 0, 9, 9, 9, 0, 1, 2, 9, 4]),
    )
    part = frontier.at(np.array([2, 1, 0]))
    assert part.coin.tolist() == [2, 1, 0]
    assert part.segment_first.tolist() == [0, 3, 3]
    assert part.segment_count.tolist() == [3, 0, 2]
    assert part.pool_length.tolist() == [1, 2, 4, 1, 2]
    assert part.pool_colour.tolist() == [0, 1, 2, 1, 0]
    assert frontier.segment_first.tolist() == [0, 2, 5, 9]
    assert frontier.at(np.array([1])).pool_length.tolist() == []


def test_follow__takes_the_coin_of_the_genesis_block_for_destroyed():
    chain = [Transaction(inputs=[], outputs=[(50, 0)]) for _ in range(2)]
    case = Case(chain=chain, sources=[(0, 0), (1, 0)], labels=[0])
    columns = columns_of(chain)
    question = question_of(case, Direction.FORWARD, Policy.FIFO, 10)
    trail = follow(question, columns, rules_of(case, columns)._replace(genesis_outputs=1))
    assert trail.flow.reason.tolist() == [Stop.DESTROYED, Stop.UNSPENT]
    back = follow(
        question._replace(direction=Direction.BACKWARD),
        columns,
        rules_of(case, columns)._replace(genesis_outputs=1),
    )
    assert back.flow.reason.tolist() == [Stop.NEWLY_MINED, Stop.NEWLY_MINED]
