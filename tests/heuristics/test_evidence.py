import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.columns import NO_ADDRESS
from heuristics.evidence import joined_inputs, joining_transactions, tree_path
from tests.heuristics.test_cospend import ANYONE, SIGNED, spend_columns


@given(
    st.integers(2, 30).flatmap(
        lambda size: st.tuples(
            st.tuples(*(st.integers(0, node - 1) for node in range(1, size))),
            st.permutations(range(size)),
            st.randoms(use_true_random=False),
        )
    )
)
def test_tree_path__is_the_only_path(case) -> None:
    above, names, random = case
    edges = [(names[node + 1], names[parent]) for node, parent in enumerate(above)]
    edges = [edge if random.random() < 0.5 else edge[::-1] for edge in edges]
    start, goal = random.sample(names, 2)
    left, right = np.array(edges, dtype=np.int64).T
    path = tree_path(left, right, len(names), start, goal).tolist()
    node = start
    for edge in path:
        assert node in edges[edge]
        node = sum(edges[edge]) - node
    assert node == goal
    assert len(set(path)) == len(path)


def test_tree_path__refuses_what_is_no_tree() -> None:
    with pytest.raises(ValueError, match="2 edges"):
        tree_path(np.array([0]), np.array([1]), 3, 0, 1)


def test_joining_transactions__needs_a_second_input_and_the_address_among_them() -> None:
    columns = spend_columns([[0], [0, 1], [1, 2], [0, 3]], sighash=[SIGNED] * 5 + [ANYONE, SIGNED])
    joins, read = joining_transactions(columns, np.arange(4), 0)
    assert joins.tolist() == [False, True, False, False]
    assert read == 4


def test_joined_inputs__names_only_addresses_whose_control_is_shown() -> None:
    columns = spend_columns([[5], [3, int(NO_ADDRESS), 1]])
    assert joined_inputs(columns, 1).tolist() == [3, 1]
