import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.columns import NO_ADDRESS
from heuristics.entity_totals import TOTAL_WIDTH, sum_entities
from heuristics.members import ALONE, count_sets, list_members
from heuristics.union_find import finalise
from tests.heuristics.transaction_cases import columns_of
from tests.reference import clusters
from tests.reference.clusters import Payment

ADDRESSES = 8


@st.composite
def settled(draw, size: int = ADDRESSES) -> np.ndarray:
    forest = np.array([draw(st.integers(0, node)) for node in range(size)], dtype=np.uint32)
    finalise(forest)
    return forest


coins = st.lists(
    st.tuples(
        st.one_of(st.integers(0, ADDRESSES - 1), st.just(int(NO_ADDRESS))), st.integers(0, 50)
    ),
    max_size=4,
)
payments = st.lists(st.builds(Payment, inputs=coins, outputs=coins), max_size=8)


def listed(labels):
    counts, sets, members_count = count_sets(labels)
    roots, first = np.empty(sets, np.uint32), np.empty(sets + 1, np.int64)
    members = np.empty(members_count, np.uint32)
    list_members(labels, counts, roots, first, members)
    return counts, roots, first, members


@given(settled())
def test_list_members__lists_every_set_of_two_and_more(labels) -> None:
    position, roots, first, members = listed(labels)
    expected = {
        root: np.flatnonzero(labels == root).tolist() for root in np.unique(labels).tolist()
    }
    large = {root: each for root, each in expected.items() if len(each) > 1}
    assert roots.tolist() == list(large)
    assert [members[first[row] : first[row + 1]].tolist() for row in range(len(roots))] == list(
        large.values()
    )
    assert position[roots].tolist() == list(range(len(roots)))
    assert all(position[root] == ALONE for root in expected if root not in large)


def test_list_members__of_nothing_is_nothing() -> None:
    _, roots, first, members = listed(np.empty(0, dtype=np.uint32))
    assert (len(roots), first.tolist(), len(members)) == (0, [0], 0)


@given(settled(), payments)
def test_sum_entities__agrees_with_reference(labels, chain) -> None:
    position, roots, _, _ = listed(labels)
    totals = np.zeros((len(roots), TOTAL_WIDTH), dtype=np.int64)
    columns = columns_of([(list(each.inputs), list(each.outputs)) for each in chain])
    sum_entities(columns, labels, position, totals)
    expected = clusters.entity_totals(labels.tolist(), chain)
    untouched = [0] * TOTAL_WIDTH
    assert totals.tolist() == [expected.get(root, untouched) for root in roots.tolist()]
    balance = totals[:, 1] - totals[:, 2]
    assert (totals[:, 3] - totals[:, 4]).tolist() == balance.tolist()


def test_sum_entities__change_is_turnover_only_in_gross() -> None:
    labels = np.array([0, 0, 2], dtype=np.uint32)
    position, roots, _, _ = listed(labels)
    totals = np.zeros((len(roots), TOTAL_WIDTH), dtype=np.int64)
    sum_entities(
        columns_of([([], [(0, 10)]), ([(0, 10)], [(1, 7), (2, 2)])]), labels, position, totals
    )
    assert totals.tolist() == [[2, 17, 10, 10, 3, 0, 1]]


def test_sum_entities__refuses_columns_that_do_not_fit() -> None:
    columns = columns_of([([], [(0, 10)])])
    with pytest.raises(ValueError, match="different addresses"):
        sum_entities(columns, np.zeros(1, np.uint32), np.zeros(2, np.uint32), np.zeros((0, 7)))
