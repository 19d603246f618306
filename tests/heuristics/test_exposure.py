"""Exposure against its oracle, and what must hold of it whatever the chain."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.exposure import expose, owners_of
from heuristics.exposure_moved import moved_by_entity
from heuristics.exposure_terms import ExposureTerms, Moved
from heuristics.stops import Direction
from tests.heuristics.exposure_cases import found_by_kernel, random_question, without_limits
from tests.heuristics.flow_cases import columns_of, seeded
from tests.reference.exposure import Found, Question, exposure
from tests.reference.taint import NOBODY, Transaction

SEEDS = st.integers(0, 2**32)
NONE = np.empty(0, np.int64)


def paid(*coins: tuple[int, int], spends: tuple[tuple[tuple[int, int] | None, int, int], ...] = ()):
    return Transaction(inputs=list(spends), outputs=list(coins))


@given(SEEDS, st.integers(3, 30))
def test_walk__finds_what_the_reference_finds(seed: int, length: int):
    question = random_question(seeded(seed), length)
    assert found_by_kernel(question) == exposure(question)


@given(SEEDS)
def test_walk__accounts_for_all_that_crosses_the_border(seed: int):
    question = random_question(seeded(seed), 20)
    found = found_by_kernel(question)
    crossing = 0
    for number, transaction in enumerate(question.chain):
        taken = sum(v for _, v, a in transaction.inputs if question.is_subject(a))
        given = sum(v for v, a in transaction.outputs if question.is_subject(a))
        whole = sum(v for _, v, _ in transaction.inputs)
        if number in question.marks or not transaction.inputs:
            crossing += given if question.is_backward else taken
        elif question.is_backward:
            crossing += given - given * taken / whole if whole else 0
        else:
            crossing += taken - taken * given / whole if whole else 0
    assert abs(found.total - crossing) <= 3 * len(question.chain)


@given(SEEDS)
def test_walk__limits_leave_what_is_direct_as_it_is(seed: int):
    question = random_question(seeded(seed), 20)
    assert _direct(found_by_kernel(question)) == _direct(found_by_kernel(without_limits(question)))


@given(SEEDS)
def test_walk__does_not_heed_names_that_money_never_meets(seed: int):
    question = random_question(seeded(seed), 16)
    beyond = 900 + len(question.labels)
    more = replace(
        question,
        named_addresses=question.named_addresses | {beyond},
        named_roots=question.named_roots | {beyond},
    )
    assert found_by_kernel(more) == found_by_kernel(question)


@given(SEEDS)
def test_walk__does_not_heed_an_unrelated_part_of_the_graph(seed: int):
    random = seeded(seed)
    question = random_question(random, 12)
    strangers = [
        paid((random.randint(1, 50), 500), (7, 501)),
        paid((3, 502), (3, 503), spends=(((len(question.chain), 1), 7, 501),)),
    ]
    more = replace(question, chain=[*question.chain, *strangers], window=(0, 10**6))
    question = replace(question, window=(0, 10**6))
    assert found_by_kernel(more) == found_by_kernel(question)


@given(SEEDS)
def test_walk__one_more_name_never_leaves_less_attributed(seed: int):
    random = seeded(seed)
    question = replace(without_limits(random_question(random, 16)), named_addresses=set())
    before = found_by_kernel(question)
    one_more = question.named_roots | {random.choice(question.labels)}
    after = found_by_kernel(replace(question, named_roots=one_more))
    # Who is added may stand before others, whose shares may fall; together they do not.
    odd_units = 3 * len(question.chain)
    assert sum(after.named.values()) >= sum(before.named.values()) - odd_units
    assert after.total == before.total


@given(st.integers(1, 8), st.integers(1, 4), st.booleans())
def test_walk__moving_a_name_further_away_never_raises_what_is_direct(
    distance: int, further: int, is_backward: bool
):
    near, far = (
        found_by_kernel(_chain_of_owners(at, is_backward, length=14))
        for at in (distance, distance + further)
    )
    assert near.named == ({("root", 20 + distance, distance): 1_000})
    assert far.named.total() in (0, 1_000)
    assert _direct(far).total() <= _direct(near).total()


@pytest.mark.parametrize("is_backward", [True, False])
def test_walk__moves_inside_an_entity_are_no_hop(is_backward: bool):
    question = _chain_of_owners(5, is_backward, length=8)
    labels = list(question.labels)
    for owner in (2, 3, 4):
        labels[20 + owner] = 21
    joined = found_by_kernel(replace(question, labels=labels))
    assert joined.named == {("root", 25, 2): 1_000}


def _chain_of_owners(named: int, is_backward: bool, length: int) -> Question:
    """Return one coin that goes from owner to owner; one of them has a name."""
    owners = [20 + place for place in range(length)]
    steps = list(reversed(owners)) if is_backward else owners
    chain = [paid((1_000, steps[0]))]
    for place in range(1, length):
        spent = ((place - 1, 0), 1_000, steps[place - 1])
        chain.append(paid((1_000, steps[place]), spends=(spent,)))
    return Question(
        chain=chain,
        is_backward=is_backward,
        labels=list(range(20 + length)),
        subject_roots={20},
        named_roots={20 + named},
        max_hops=12,
    )


def _direct(found: Found) -> Counter[tuple[str, int]]:
    direct = Counter({key[:2]: value for key, value in found.named.items() if key[2] == 1})
    direct["coinjoin", 0] = found.coinjoins[1]
    return +direct


def test_walk__change_is_no_part_of_what_was_paid():
    chain = [
        paid((100, 1)),
        paid((30, 2), (60, 1), spends=(((0, 0), 100, 1),)),
    ]
    question = Question(
        chain=chain, is_backward=False, labels=[0, 1, 2], subject_roots={1}, named_roots={2}
    )
    assert found_by_kernel(question) == Found(
        named=Counter({("root", 2, 1): 30}), rest=Counter({"fee": 10})
    )
    received = replace(question, is_backward=True)
    assert found_by_kernel(received) == Found(rest=Counter({"newly_mined": 100}))


def test_walk__value_behind_a_named_owner_is_not_attributed_through_it():
    chain = [
        paid((50, 3)),
        paid((50, 2), spends=(((0, 0), 50, 3),)),
        paid((50, 1), spends=(((1, 0), 50, 2),)),
    ]
    question = Question(
        chain=chain, is_backward=True, labels=[0, 1, 2, 3], subject_roots={1}, named_roots={2, 3}
    )
    assert found_by_kernel(question).named == {("root", 2, 1): 50}
    assert found_by_kernel(replace(question, named_roots={3})).named == {("root", 3, 2): 50}


def test_walk__an_address_has_its_money_from_where_its_entity_has_it():
    chain = [
        paid((50, 3)),
        paid((50, 2), spends=(((0, 0), 50, 3),)),
        paid((50, 1), spends=(((1, 0), 50, 2),)),
    ]
    question = Question(
        chain=chain,
        is_backward=True,
        labels=[0, 1, 1, 3],
        subject_addresses={1},
        named_roots={1, 3},
        min_value=1_000,
        budget=0,
    )
    assert found_by_kernel(question).named == {("root", 3, 1): 50}


def test_walk__an_own_name_does_not_stop_it_and_money_that_comes_back_is_told():
    chain = [
        paid((50, 1)),
        paid((50, 2), spends=(((0, 0), 50, 1),)),
        paid((50, 1), spends=(((1, 0), 50, 2),)),
    ]
    question = Question(
        chain=chain, is_backward=True, labels=[0, 1, 2], subject_roots={1}, named_roots={1}
    )
    assert found_by_kernel(question).rest == {"retainted": 50, "newly_mined": 50}


def test_walk__outputs_that_nobody_can_spend_are_destroyed():
    chain = [paid((50, 1)), paid((20, NOBODY), (30, 2), spends=(((0, 0), 50, 1),))]
    question = Question(chain=chain, is_backward=False, labels=[0, 1, 2], subject_roots={1})
    assert found_by_kernel(question).rest == {"destroyed": 20, "unspent": 30}


@given(SEEDS)
def test_moved_by_entity__finds_what_the_reference_finds(seed: int):
    question = random_question(seeded(seed), 20)
    columns = columns_of(question.chain)
    for root in {question.root(address) for address in range(len(question.labels))}:
        for backward in (True, False):
            whole = replace(
                question, is_backward=backward, subject_addresses=set(), subject_roots={root}
            )
            transactions, sums = moved_by_entity(
                columns.first_output if backward else columns.first_input,
                columns.output_address if backward else columns.input_address,
                columns.output_value if backward else columns.input_value,
                np.array(question.labels, np.uint32),
                root,
                0,
                len(question.chain),
            )
            moved = dict(zip(transactions.tolist(), sums.tolist(), strict=True))
            assert moved == {key[0]: amount for key, amount in whole.moved().items()}


def terms(**given: int) -> ExposureTerms:
    told = {
        "direction": int(Direction.FORWARD),
        "max_hops": 6,
        "min_value": 1,
        "budget": 10,
        "crowded_width": 200,
        "crowded_percent": 1,
        "first_transaction": 0,
        "last_transaction": 10,
    }
    return ExposureTerms(**{**told, **given})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"max_hops": 13}, "max_hops"),
        ({"min_value": 0}, "smallest amount"),
    ],
)
def test_expose__refuses_limits_that_mean_nothing(changed: dict[str, int], said: str):
    columns = columns_of([paid((50, 1))])
    owners = owners_of(
        np.empty(0, np.uint32),
        subject_address=NONE, subject_root=np.array([1]), own_root=np.array([1]),
        named_address=NONE, named_root=NONE,
    )  # fmt: skip
    with pytest.raises(ValueError, match=said):
        expose(terms(**changed), columns, np.empty(0, np.uint8), owners, Moved(NONE, NONE, NONE))
