import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.union_find import finalise, find, new_forest

forests = st.integers(1, 40).flatmap(
    lambda size: st.tuples(*(st.integers(0, node) for node in range(size)))
)


def root(parents: tuple[int, ...], node: int) -> int:
    while parents[node] != node:
        node = parents[node]
    return node


@given(forests, st.data())
def test_find__walks_to_the_root_and_moves_nobody_to_another_set(parents, data) -> None:
    forest = np.array(parents, dtype=np.uint32)
    for node in data.draw(st.lists(st.integers(0, len(parents) - 1), max_size=20)):
        assert find(forest, np.uint32(node)) == root(parents, node)
    assert [root(tuple(forest.tolist()), node) for node in range(len(parents))] == [
        root(parents, node) for node in range(len(parents))
    ]


@given(forests)
def test_finalise__points_everybody_at_the_root(parents) -> None:
    forest = np.array(parents, dtype=np.uint32)
    finalise(forest)
    assert forest.tolist() == [root(parents, node) for node in range(len(parents))]


def test_find__halves_the_path() -> None:
    chain = np.array([0, 0, 1, 2, 3, 4, 5, 6], dtype=np.uint32)
    assert find(chain, np.uint32(7)) == 0
    assert chain.tolist() == [0, 0, 1, 1, 3, 3, 5, 5]


def test_new_forest__continues_from_settled_nodes() -> None:
    assert new_forest(5, np.array([0, 0, 2], dtype=np.uint32)).tolist() == [0, 0, 2, 3, 4]
    assert len(new_forest(0)) == 0


@pytest.mark.parametrize("count", [-1, 2**32])
def test_new_forest__refuses_ids_that_do_not_fit(count: int) -> None:
    with pytest.raises(ValueError, match="nodes"):
        new_forest(count)
    with pytest.raises(ValueError, match="do not fit"):
        new_forest(1, np.array([0, 0], dtype=np.uint32))
