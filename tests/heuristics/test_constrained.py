from dataclasses import replace
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.constrained import DueColumns, Joined, join_constrained
from heuristics.constrained_fields import ConflictField, ConflictKind, Outcome, Verdict
from heuristics.constrained_sets import NO_OWNER, ConstrainedSets, OwnerColumns
from heuristics.cospend import join_cospends
from heuristics.union_find import finalise, new_forest
from tests.heuristics.test_cospend import ADDRESSES, link_columns, marks_of, spend_columns, spends
from tests.reference import clusters
from tests.reference.clusters import Block, Decision, Spend

addresses = st.integers(0, ADDRESSES - 1)
decisions = st.builds(
    Decision,
    transaction=st.integers(0, 30),
    input_address=addresses,
    output_address=addresses,
    same_owner=st.booleans(),
    rule=st.sampled_from([16, 18]),
)
blocks = st.builds(
    Block, spends=st.lists(spends, max_size=3), decisions=st.lists(decisions, max_size=6)
)


def settled(chain: list[Block]) -> list[Block]:
    """Let decisions be about transactions that are there already."""
    made, count = [], 0
    for block in chain:
        count += len(block.spends)
        about = [
            replace(each, transaction=each.transaction % count) for each in block.decisions if count
        ]
        made.append(Block(block.spends, about))
    return made


chains = st.lists(blocks, max_size=8).map(settled)
names = st.dictionaries(addresses, st.integers(0, 2), max_size=5)


def owner_columns(owner: dict[int, int], service: dict[int, int]) -> OwnerColumns:
    tagged = sorted({*owner, *service})
    none = int(NO_OWNER)
    return OwnerColumns(
        address=np.array(tagged, dtype=np.uint32),
        owner=np.array([owner.get(one, none) for one in tagged], dtype=np.uint32),
        service=np.array([service.get(one, none) for one in tagged], dtype=np.uint32),
    )


def due_columns(chain: list[Block]) -> DueColumns:
    rows = [decision for block in chain for decision in block.decisions]
    return DueColumns(
        first=np.cumsum([0, *(len(block.decisions) for block in chain)], dtype=np.int64),
        transaction=np.array([row.transaction for row in rows], dtype=np.uint32),
        input_address=np.array([row.input_address for row in rows], dtype=np.uint32),
        output_address=np.array([row.output_address for row in rows], dtype=np.uint32),
        rule=np.array([row.rule for row in rows], dtype=np.uint8),
        verdict=np.array(
            [Verdict.SAME_OWNER if row.same_owner else Verdict.OTHER_OWNER for row in rows],
            dtype=np.uint8,
        ),
    )


def forest_of(owner=None, service=None, count: int = ADDRESSES, separated=()) -> ConstrainedSets:
    sides = np.array(separated, dtype=np.uint32).reshape(-1, 2)
    return ConstrainedSets.of(
        new_forest(count),
        owner_columns(owner or {}, service or {}),
        (sides[:, 0].copy(), sides[:, 1].copy()),
        watch_growth=True,
    )


def applied(forest: ConstrainedSets, chain: list[Block], start: int = 0, stop: int = -1) -> Joined:
    """Apply blocks `[start, stop)` of a chain."""
    stop = len(chain) if stop < 0 else stop
    transactions = [spend for block in chain for spend in block.spends]
    first = np.cumsum([0, *(len(block.spends) for block in chain)], dtype=np.int64)
    here = first[start : stop + 1]
    return join_constrained(
        forest,
        spend_columns([spend.inputs for spend in transactions]),
        link_columns(transactions),
        marks_of(transactions)[here[0] : here[-1]],
        here,
        due_columns(chain[start:stop]),
    )


def reference(chain: list[Block], owner=None, service=None) -> clusters.ConstrainedSets:
    oracle = clusters.ConstrainedSets(ADDRESSES, owner or {}, service or {})
    for block in chain:
        oracle.apply(block)
    return oracle


@given(chains, names, names)
def test_join_constrained__agrees_with_reference(chain, owner, service) -> None:
    forest = forest_of(owner, service)
    made = applied(forest, chain)
    oracle = reference(chain, owner, service)
    assert made.log.tolist() == oracle.log
    assert made.conflict.tolist() == oracle.conflicts
    assert [Outcome(number).name.lower() for number in made.outcome] == oracle.outcomes
    assert made.block_rows.tolist() == oracle.marks
    finalise(forest.sets.parent)
    assert forest.sets.parent.tolist() == oracle.labels()


@given(chains, names, names, st.lists(st.integers(0, 8), max_size=3))
def test_join_constrained__rebuilt_between_blocks_gives_the_same_bytes(
    chain, owner, service, cuts
) -> None:
    whole = applied(forest_of(owner, service), chain)
    edges = [0, *sorted(min(cut, len(chain)) for cut in cuts), len(chain)]
    parent, separated, parts = new_forest(ADDRESSES), [], []
    for start, stop in pairwise(edges):
        sides = np.array(separated, dtype=np.uint32).reshape(-1, 2)
        forest = ConstrainedSets.of(
            parent,
            owner_columns(owner, service),
            (sides[:, 0].copy(), sides[:, 1].copy()),
            watch_growth=True,
        )
        part = applied(forest, chain, start, stop)
        parts.append(part)
        due = due_columns(chain[start:stop])
        kept = part.outcome == Outcome.SEPARATED
        separated += np.stack([due.input_address[kept], due.output_address[kept]], axis=1).tolist()
        finalise(parent)
    for field in ("log", "conflict", "outcome"):
        whole_rows, pieces = getattr(whole, field), [getattr(part, field) for part in parts]
        assert np.concatenate(pieces).tolist() == whole_rows.tolist()


@given(chains)
def test_join_constrained__without_tags_and_decisions_is_the_plain_rule(chain) -> None:
    chain = [Block(block.spends) for block in chain]
    transactions = [spend for block in chain for spend in block.spends]
    log = join_cospends(
        new_forest(ADDRESSES),
        spend_columns([spend.inputs for spend in transactions]),
        link_columns(transactions),
        marks_of(transactions),
        0,
    )
    made = applied(forest_of(), chain)
    assert made.log.tolist() == log.tolist()
    assert len(made.conflict) == 0


@given(chains, names)
def test_join_constrained__never_has_two_owners_in_one_set(chain, owner) -> None:
    forest = forest_of(owner)
    made = applied(forest, chain)
    finalise(forest.sets.parent)
    roots = forest.sets.parent.tolist()
    for a, first in owner.items():
        for b, second in owner.items():
            assert first == second or roots[a] != roots[b]
    refused = made.conflict[:, ConflictField.KIND]
    assert set(refused.tolist()) <= {
        ConflictKind.OWNERS,
        ConflictKind.SEPARATED,
        ConflictKind.SEPARATION_OVERRULED,
        ConflictKind.SEVERAL_PAYERS,
    }


@given(chains, names)
def test_join_constrained__separated_sets_meet_only_with_a_recorded_conflict(chain, owner) -> None:
    forest = forest_of(owner)
    made = applied(forest, chain)
    finalise(forest.sets.parent)
    due = due_columns(chain)
    rows = np.flatnonzero(np.isin(made.outcome, [Outcome.SEPARATED, Outcome.APART]))
    roots = forest.sets.parent
    overruled = made.conflict[made.conflict[:, ConflictField.KIND] == 4]
    for row in rows.tolist():
        a, b = due.input_address[row], due.output_address[row]
        if roots[a] == roots[b]:
            joined = roots[overruled[:, ConflictField.ADDRESS_A]]
            assert roots[a] in joined


def test_join_constrained__agrees_with_reference_on_many_addresses() -> None:
    # Enough sets for the tables to grow, to close gaps, and to list partners twice.
    random, count = Random(5), 120
    for _ in range(4):
        chain = [
            Block(
                [Spend([random.randrange(count) for _ in range(2)])],
                [
                    Decision(
                        random.randrange(block + 1),
                        random.randrange(count),
                        random.randrange(count),
                        same_owner=joins,
                    )
                    for joins in (False, False, False, False, False, True)
                ],
            )
            for block in range(100)
        ]
        owner = {random.randrange(count): random.randrange(5) for _ in range(20)}
        forest = forest_of(owner, count=count)
        transactions = [spend for block in chain for spend in block.spends]
        made = join_constrained(
            forest,
            spend_columns([spend.inputs for spend in transactions], script_type=[2] * count),
            link_columns(transactions),
            marks_of(transactions),
            np.arange(len(chain) + 1),
            due_columns(chain),
        )
        oracle = clusters.ConstrainedSets(count, owner, {})
        for block in chain:
            oracle.apply(block)
        assert made.log.tolist() == oracle.log
        assert made.conflict.tolist() == oracle.conflicts
        assert [Outcome(number).name.lower() for number in made.outcome] == oracle.outcomes
        assert len({row[ConflictField.KIND] for row in made.conflict.tolist()}) > 2


NOBODY = int(NO_OWNER)


def same(a: int, b: int, transaction: int = 0) -> Decision:
    return Decision(transaction, a, b, same_owner=True)


def other(a: int, b: int, transaction: int = 0) -> Decision:
    return Decision(transaction, a, b, same_owner=False)


def test_join_constrained__worked_example() -> None:
    # Section 1.8 of the specification; its addresses are numbered from 1.
    chain = [
        Block([Spend([1, 2]), Spend([2, 3]), Spend([3, 4, 5], excluded=True), Spend([6])]),
        Block([Spend([9, 11]), Spend([10])]),
        Block(
            [],
            [same(6, 9, 3), other(6, 10, 3), same(10, 11, 5), other(10, 7, 5)],
        ),
    ]
    forest = forest_of(count=ADDRESSES)
    made = applied(forest, chain)
    finalise(forest.sets.parent)
    assert forest.sets.parent.tolist() == [0, 1, 1, 1, 4, 5, 6, 7, 8, 6, 10, 6]
    assert made.conflict.tolist() == [
        [5, 10, 11, 10, 6, 18, ConflictKind.SEPARATED, NOBODY, NOBODY]
    ]


def test_join_constrained__what_several_owners_made_joins_nothing_and_has_no_change() -> None:
    # The owners of 0 and 2 differ; 1 and 3 have none. What pays 5 is anybody's.
    chain = [
        Block([Spend([3, 0, 1, 2, 1])]),
        Block([], [same(0, 5), other(0, 6)]),
        Block([Spend([0, 1])]),
    ]
    forest = forest_of({0: 7, 2: 8})
    made = applied(forest, chain)
    assert made.outcome.tolist() == [Outcome.NO_PAYER, Outcome.NO_PAYER]
    assert made.conflict.tolist() == [
        [0, 0, 3, 0, 3, 0, ConflictKind.SEVERAL_PAYERS, 7, NOBODY],
        [0, 0, 1, 0, 1, 0, ConflictKind.SEVERAL_PAYERS, 7, NOBODY],
        [0, 0, 2, 0, 2, 0, ConflictKind.OWNERS, 7, 8],
    ]
    assert made.log.tolist() == [[1, 0, 1, 0, 1, 0]]


def test_join_constrained__names_services_as_they_were_at_that_time() -> None:
    made = applied(forest_of(service={0: 4, 1: 2}), [Block([Spend([0, 1])])])
    assert made.conflict.tolist() == [[0, 0, 1, 0, 1, 0, ConflictKind.SERVICES_JOINED, 4, 2]]


def test_join_constrained__a_decision_about_no_transaction_is_an_error() -> None:
    with pytest.raises(ValueError, match="not in the columns"):
        applied(forest_of(), [Block([Spend([0, 1])], [same(0, 1, transaction=1)])])


def test_join_constrained__puts_off_what_would_join_two_large_sets() -> None:
    half = 10_001
    chain = [
        Block([Spend(list(range(half))), Spend(list(range(half, 2 * half)))]),
        Block([], [same(0, half)]),
        Block([], [same(0, 2 * half)]),
        Block([Spend([1, half])]),
    ]
    transactions = [spend for block in chain for spend in block.spends]
    forest = forest_of(count=2 * half + 1)
    count = 2 * half + 1
    made = join_constrained(
        forest,
        spend_columns([spend.inputs for spend in transactions], script_type=[2] * count),
        link_columns(transactions),
        marks_of(transactions),
        np.array([0, 2, 2, 2, 3]),
        due_columns(chain),
    )
    assert made.outcome.tolist() == [Outcome.PUT_OFF, Outcome.JOINED]
    assert made.conflict.tolist() == [
        [0, 0, half, 0, half, 18, ConflictKind.GROWTH, NOBODY, NOBODY],
        [2, 1, half, 0, half, 0, ConflictKind.GROWTH_JOINED, NOBODY, NOBODY],
    ]


@pytest.mark.parametrize("tag", [{3: 0}, {ADDRESSES: 0}])
def test_constrained_sets__refuses_addresses_that_are_not_in_the_forest(tag) -> None:
    if ADDRESSES in tag:
        with pytest.raises(ValueError, match="a tag speaks of an address"):
            forest_of(tag)
    else:
        assert forest_of(tag).has_owners


def test_join_constrained__a_decision_needs_a_verdict() -> None:
    due = due_columns([Block([], [same(0, 1)])])
    with pytest.raises(ValueError, match="verdict"):
        join_constrained(
            forest_of(),
            spend_columns([]),
            link_columns([]),
            marks_of([]),
            np.array([0, 0]),
            due._replace(verdict=np.zeros(1, dtype=np.uint8)),
        )


@pytest.mark.parametrize("side", [0, 1])
def test_constrained_sets__refuses_separations_of_addresses_that_are_not_in_the_forest(
    side: int,
) -> None:
    pair = [0, 0]
    pair[side] = ADDRESSES
    with pytest.raises(ValueError, match="a separation speaks of an address"):
        forest_of(separated=[pair])
