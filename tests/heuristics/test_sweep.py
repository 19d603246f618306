from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.follow import follow
from heuristics.stops import Direction, no_rules
from heuristics.sweep import sweep
from heuristics.sweep_calendar import (
    FREE,
    IN_USE,
    MADE,
    MOST_IN_USE,
    chunks_for,
    grown_calendar,
    new_calendar,
    page_words,
    put_word,
    take_page,
)
from heuristics.sweep_steps import match_inputs
from heuristics.taint import Policy, Stop
from tests.heuristics.flow_cases import columns_of, question_of, rules_of, seeded
from tests.heuristics.sweep_cases import (
    random_blocks,
    random_sources,
    sweep_columns,
    swept,
    terms_of,
)
from tests.reference import sweep as reference
from tests.reference.sweep import Chain
from tests.reference.taint import Case, Coin, Transaction

seeds = st.integers(0, 2**32)
policies = st.sampled_from(list(Policy))


@given(seeds, policies, st.booleans(), st.booleans(), st.booleans())
def test_sweep__agrees_with_reference(seed, policy, follows_fees, subsidy_last, has_colours):
    random = seeded(seed)
    chain = random_blocks(random, random.randint(2, 8))
    sources = random_sources(random, chain)
    terms = terms_of(
        chain,
        policy,
        follows_fees=follows_fees,
        subsidy_last=subsidy_last,
        has_colours=has_colours,
        window_bits=random.choice((1, 3, 16)),
    )
    found, answer = swept(chain, sources, terms)
    expected = reference.sweep(
        chain, sources, policy, follows_fees=follows_fees, subsidy_last=subsidy_last
    )
    assert answer.ends == expected.ends
    assert (answer.fees, answer.unclaimed) == (expected.fees, expected.unclaimed)
    assert found.fees == sum(expected.fees.values())
    assert found.unclaimed == sum(expected.unclaimed.values())
    if policy != Policy.POISON:
        started = sum(chain.transactions[t].outputs[j][0] for t, j in sources)
        assert started == int(found.amount.sum()) + found.fees + found.unclaimed


@given(seeds, st.sampled_from((Policy.FIFO, Policy.LIFO)), st.booleans())
def test_sweep__tells_sources_apart_unit_by_unit(seed, policy, follows_fees):
    random = seeded(seed)
    chain = random_blocks(random, random.randint(2, 8))
    sources = random_sources(random, chain)
    terms = terms_of(chain, policy, has_colours=True, follows_fees=follows_fees)
    found, answer = swept(chain, sources, terms)
    expected = reference.sweep(chain, sources, policy, follows_fees=follows_fees)
    sums: Counter[tuple[int, int]] = Counter()
    for (coin, reason), colour, segments in zip(
        answer.ends, found.colour.tolist(), found.segments.tolist(), strict=True
    ):
        units = expected.units[coin, reason]
        assert colour == np.bitwise_or.reduce(units)
        runs = [unit for k, unit in enumerate(units) if k == 0 or unit != units[k - 1]]
        assert segments == sum(unit != 0 for unit in runs)
        # What came back to a source goes on with its coin, but for its own sources' money.
        counted = sources[coin] if reason == Stop.RETAINTED else -1
        for unit in units:
            sums.update((int(reason), bit) for bit in range(3) if (unit & counted) >> bit & 1)
    for reason in (Stop.UNSPENT, Stop.RETAINTED):
        row = found.by_colour[int(reason)]
        assert row.tolist() == [sums[int(reason), bit] for bit in range(len(row))]
    for bit in range(3):
        assert int(found.by_colour[:, bit].sum()) == put_in(chain, sources, bit)


def put_in(chain: Chain, sources: dict[tuple[int, int], int], bit: int) -> int:
    return sum(
        chain.transactions[number].outputs[j][0]
        for (number, j), colours in sources.items()
        if colours >> bit & 1
    )


@given(seeds, policies)
def test_sweep__splits_every_amount_among_sources_without_loss(seed, policy):
    random = seeded(seed)
    chain = random_blocks(random, random.randint(2, 8))
    sources = random_sources(random, chain)
    plain, plain_answer = swept(chain, sources, terms_of(chain, policy))
    found, answer = swept(chain, sources, terms_of(chain, policy, has_colours=True))
    assert answer.ends == plain_answer.ends
    assert found.fees == plain.fees
    assert found.told_apart
    assert not plain.told_apart
    if policy != Policy.POISON:
        for bit in range(3):
            assert int(found.by_colour[:, bit].sum()) == put_in(chain, sources, bit)


def test_sweep__counts_what_one_source_pays_to_another_once():
    # All of it goes on in the other's coin, where both have a claim on it.
    chain = Chain(
        transactions=[
            Transaction(inputs=[], outputs=[(100, 0)]),
            Transaction(inputs=[], outputs=[(1, 2)]),
            Transaction(inputs=[((0, 0), 100, 0)], outputs=[(100, 1)]),
        ],
        starts=[0, 1, 3],
        subsidy=100,
    )
    for policy in Policy:
        terms = terms_of(chain, policy, has_colours=True)
        found, answer = swept(chain, {(0, 0): 1, (2, 0): 2}, terms)
        assert answer.ends == {((2, 0), Stop.RETAINTED): 100, ((2, 0), Stop.UNSPENT): 100}
        assert found.by_colour[int(Stop.RETAINTED)].sum() == 0
        assert found.by_colour[int(Stop.UNSPENT), :2].tolist() == [100, 100]


def crowd(inputs: int, outputs: int, value: int = 10_000) -> tuple[Chain, dict[Coin, int]]:
    """Return a chain in which coins of two coinbases meet in one wide transaction, and the coins.

    Every coin bears one of 62 colours.
    """
    mined = [(value, 0)] * inputs
    taken: list[tuple[Coin | None, int, int]] = [((0, j), value, 0) for j in range(inputs)]
    share = inputs * value // outputs
    chain = Chain(
        transactions=[
            Transaction(inputs=[], outputs=mined),
            Transaction(inputs=[], outputs=[(1, 0)]),
            Transaction(inputs=taken, outputs=[(share, 1)] * outputs),
        ],
        starts=[0, 1, 3],
        subsidy=inputs * value,
    )
    return chain, {(0, j): 1 << j % 62 for j in range(inputs)}


@pytest.mark.slow
@pytest.mark.parametrize("policy", [Policy.HAIRCUT, Policy.TIHO, Policy.POISON])
def test_sweep__takes_room_for_colours_and_not_for_coins(policy):
    chain, sources = crowd(300, 400)
    found, _ = swept(chain, sources, terms_of(chain, policy, has_colours=True))
    assert found.told_apart
    # 62 colours in each of 400 outputs, 16 bytes each; every array at most doubles.
    assert found.most_state_bytes < 10 * 62 * 400 * 16
    if policy != Policy.POISON:
        assert found.by_colour.sum(axis=0).tolist() == [
            put_in(chain, sources, bit) for bit in range(62)
        ]


def test_sweep__gives_up_telling_sources_apart_where_too_many_sets_meet():
    # Every input bears another set of sources.
    chain, sources = crowd(300, 4)
    sources = {coin: place + 1 for place, coin in enumerate(sources)}
    plain, plain_answer = swept(chain, sources, terms_of(chain, Policy.HAIRCUT))
    found, answer = swept(chain, sources, terms_of(chain, Policy.HAIRCUT, has_colours=True))
    assert not found.told_apart
    assert answer == plain_answer
    assert found.colour.tolist() == plain.colour.tolist()
    assert found.segments.tolist() == plain.segments.tolist()
    assert found.by_colour.sum() == 0
    ordered, _ = swept(chain, sources, terms_of(chain, Policy.FIFO, has_colours=True))
    assert ordered.told_apart


def test_sweep__has_room_where_every_output_is_a_source():
    chain, sources = crowd(62, 100)
    declared = sources | {(2, j): 1 << j % 62 for j in range(100)}
    for policy in Policy:
        found, _ = swept(chain, declared, terms_of(chain, policy, has_colours=True))
        if policy != Policy.POISON:
            assert found.by_colour.sum(axis=0).tolist() == [
                put_in(chain, declared, bit) for bit in range(62)
            ]


def test_sweep__counts_the_coin_of_the_genesis_block_as_destroyed():
    chain = random_blocks(seeded(1), 3, width=0)
    columns = sweep_columns(chain)
    coin = int(np.flatnonzero(columns.ledger.output_value > 0)[0])
    terms = terms_of(chain, Policy.FIFO)
    rules = no_rules()._replace(genesis_outputs=coin + 1)
    found = sweep(terms, columns, np.array([coin]), np.array([1]), rules)
    assert found.reason.tolist() == [Stop.DESTROYED]


@given(seeds, policies, st.booleans(), st.booleans())
def test_sweep__ends_where_a_trace_without_limits_ends(seed, policy, follows_fees, subsidy_last):
    random = seeded(seed)
    chain = random_blocks(random, random.randint(2, 7))
    sources = random_sources(random, chain)
    length = len(chain.transactions)
    case = Case(
        chain=chain.transactions,
        sources=list(sources),
        labels=list(range(12)),
        tags=dict.fromkeys(random.sample(range(12), random.choice((0, 1, 3))), Stop.MIXER),
        marks=set(random.sample(range(length), random.choice((0, 1)))) - set(chain.starts),
        max_hops=1000,
        subsidies=dict.fromkeys(chain.starts[:-1], chain.subsidy) if follows_fees else None,
        subsidy_last=subsidy_last,
    )
    columns = columns_of(chain.transactions)
    rules = rules_of(case, columns)
    trail = follow(question_of(case, Direction.FORWARD, policy, 10**6), columns, rules)
    expected: dict[tuple[int, int], int] = {}
    for coin, amount, reason in zip(
        trail.coins.tolist(), trail.flow.amount.tolist(), trail.flow.reason.tolist(), strict=True
    ):
        if amount and reason not in (Stop.FOLLOWED, Stop.CLEAN):
            expected[coin, reason] = amount
    terms = terms_of(
        chain,
        policy,
        stops_at_services=True,
        follows_fees=follows_fees,
        subsidy_last=subsidy_last,
    )
    found, _ = swept(chain, sources, terms, rules)
    ends = zip(found.output.tolist(), found.reason.tolist(), strict=True)
    assert dict(zip(ends, found.amount.tolist(), strict=True)) == expected


@given(seeds, policies, st.booleans())
def test_sweep__up_to_a_block_takes_what_comes_later_for_unspent(seed, policy, follows_fees):
    random = seeded(seed)
    chain = random_blocks(random, 6)
    blocks = random.randint(1, 6)
    past = chain.starts[blocks]
    sources = {c: k for c, k in random_sources(random, chain, 12).items() if c[0] < past}
    terms = terms_of(chain, policy, stop_transaction=past, follows_fees=follows_fees)
    _, answer = swept(chain, sources, terms)
    expected = reference.sweep(chain, sources, policy, blocks=blocks, follows_fees=follows_fees)
    assert (answer.ends, answer.fees) == (expected.ends, expected.fees)


@pytest.mark.slow
@given(seeds, policies, st.booleans())
def test_sweep__survives_many_windows_and_much_clearing(seed, policy, follows_fees):
    random = seeded(seed)
    chain = random_blocks(random, 60, subsidy=60, width=12)
    sources = random_sources(random, chain, 40)
    terms = terms_of(chain, policy, follows_fees=follows_fees, window_bits=random.choice((2, 5, 7)))
    _, answer = swept(chain, sources, terms)
    expected = reference.sweep(chain, sources, policy, follows_fees=follows_fees)
    assert (answer.ends, answer.fees) == (expected.ends, expected.fees)
    assert answer.unclaimed == expected.unclaimed


def test_sweep__counts_coins_that_a_repeated_coinbase_voids_as_destroyed():
    chain = random_blocks(seeded(1), 3, width=0)
    columns = sweep_columns(chain)
    coin = int(np.flatnonzero(columns.ledger.output_value > 0)[0])
    outputs, colours = np.array([coin]), np.array([1])
    terms = terms_of(chain, Policy.FIFO)
    voided = columns._replace(voided=np.array([coin]))
    plain = sweep(terms, columns, outputs, colours, no_rules())
    assert plain.reason.tolist() == [Stop.UNSPENT]
    found = sweep(terms, voided, outputs, colours, no_rules())
    assert found.reason.tolist() == [Stop.DESTROYED]


def test_sweep__holds_what_waits_and_not_what_has_passed():
    # One coin that is moved on and on: as much as ever waits is one coin.
    moves = 2_000
    chain = Chain(
        transactions=[
            Transaction(inputs=[], outputs=[(50, 0)]),
            *(Transaction(inputs=[((k, 0), 50, 0)], outputs=[(50, 0)]) for k in range(moves)),
        ],
        starts=[0, *range(1, moves + 2)],
        subsidy=50,
    )
    found, _ = swept(chain, {(0, 0): 1}, terms_of(chain, Policy.FIFO))
    assert found.transactions == found.inputs == moves
    assert found.amount.tolist() == [50]
    assert found.most_waiting_bytes == 1024


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"outputs": [0, 0]}, "ascend"),
        ({"outputs": [-1]}, "not an output"),
        ({"outputs": [10**6]}, "not an output"),
        ({"colours": [0]}, "set of"),
        ({"colours": [1, 1]}, "set of"),
        ({"colours": [1 << 62]}, "set of"),
        ({"terms": {"stop_transaction": 2}}, "where a block ends"),
        ({"terms": {"stop_transaction": 10**6}}, "where a block ends"),
        ({"fee": [1]}, "fee must have"),
        ({"terms": {"follows_fees": True}, "subsidy": []}, "subsidy of every block"),
        ({"terms": {"follows_fees": True}, "subsidy": [0, 0, 0]}, "pays out more"),
    ],
)
def test_sweep__rejects_arguments_that_contradict_each_other(changes, message):
    chain = random_blocks(seeded(6), 3)
    columns = sweep_columns(chain)
    assert chain.starts[1] == 1  # so that 2 is in the middle of a block
    assert chain.starts[2] > 2
    chosen = int(np.flatnonzero(columns.ledger.output_value > 0)[0])
    terms = terms_of(chain, Policy.FIFO, stop_transaction=chain.starts[3])
    columns = columns._replace(
        **{
            name: np.array(changes[name], np.int64)
            for name in ("fee", "subsidy")
            if name in changes
        }
    )
    with pytest.raises(ValueError, match=message):
        sweep(
            terms._replace(**changes.get("terms", {})),
            columns,
            np.array(changes.get("outputs", [chosen])),
            np.array(changes.get("colours", [1])),
            no_rules(),
        )


def test_sweep__refuses_a_coin_that_is_spent_before_it_is_paid():
    chain = random_blocks(seeded(5), 3)
    columns = sweep_columns(chain)
    chosen = int(np.flatnonzero(columns.ledger.output_value > 0)[-1])
    spender = columns.ledger.spender.copy()
    spender[chosen] = 0
    wrong = columns._replace(ledger=columns.ledger._replace(spender=spender))
    with pytest.raises(ValueError, match="spent before it is paid"):
        sweep(terms_of(chain, Policy.FIFO), wrong, np.array([chosen]), np.array([1]), no_rules())


def test_sweep__reports_and_can_be_broken_off():
    chain = random_blocks(seeded(7), 30)
    columns = sweep_columns(chain)
    chosen = np.flatnonzero(columns.ledger.output_value > 0)[:1]
    told: list[int] = []

    def report(done: int, *_: object) -> None:
        told.append(done)
        if len(told) == 2:
            raise KeyboardInterrupt

    terms = terms_of(chain, Policy.FIFO, window_bits=1)
    with pytest.raises(KeyboardInterrupt):
        sweep(terms, columns, chosen, np.array([1]), no_rules(), report)
    assert told == [32, 64]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**60)), max_size=600), st.data())
def test_calendar__gives_every_page_back_in_order(words, data):
    calendar = new_calendar(4)
    pages: list[list[int]] = [[], [], [], []]
    for window, word in words:
        if chunks_for(calendar, 1, 1) > len(calendar.following):
            calendar = grown_calendar(calendar, chunks_for(calendar, 1, 1))
        put_word(calendar, window, word)
        pages[window].append(word)
        if data.draw(st.integers(0, 150)) == 0:
            _read(calendar, pages, window)
    for window in range(4):
        _read(calendar, pages, window)
    assert calendar.counts[IN_USE] == 0
    assert calendar.counts[MADE] == calendar.counts[MOST_IN_USE]
    assert (calendar.counts[FREE] < 0) == (not words)


def _read(calendar, pages, window):
    page = np.empty(page_words(calendar, window), np.int64)
    take_page(calendar, window, page)
    assert page.tolist() == pages[window]
    pages[window].clear()


@given(st.integers(1, 80), st.data())
def test_match_inputs__finds_every_coin(inputs, data):
    random = seeded(data.draw(seeds))
    spent = np.array(random.sample(range(1000), inputs))
    chosen = random.sample(range(inputs), random.randint(0, inputs))
    output = np.array([spent[k] for k in chosen], np.int64)
    slots = np.empty(inputs, np.int64)
    match_inputs(spent, np.arange(len(chosen)), len(chosen), output, slots)
    expected = [chosen.index(k) if k in chosen else -1 for k in range(inputs)]
    assert slots.tolist() == expected
