import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from heuristics.cospend import LOG_WIDTH
from heuristics.pairs import PAIR_WIDTH, drop_joined, unite
from heuristics.union_find import finalise, new_forest
from tests.reference import clusters
from tests.reference.clusters import Spend

NODES = 12

node = st.integers(0, NODES - 1)
edges = st.lists(st.tuples(node, node), max_size=20)


def rows_of(pairs: list[tuple[int, int]]) -> np.ndarray:
    table = np.zeros((len(pairs) + 1, PAIR_WIDTH), dtype=np.uint32)
    for row, (a, b) in enumerate(pairs):
        table[row] = row, a, b, 0
    return table


def united(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, list[list[int]]]:
    forest = new_forest(NODES)
    log = np.empty((len(pairs), LOG_WIDTH), dtype=np.uint32)
    logged = unite(forest, rows_of(pairs), len(pairs), log, 0)
    return forest, log[:logged].tolist()


@given(edges)
def test_unite__logs_what_the_reference_logs(pairs) -> None:
    chain = [Spend([], excluded=True, links=[(b, a, 0)]) for a, b in pairs]
    forest, log = united(pairs)
    assert log == clusters.merge_log(NODES, chain)
    finalise(forest)
    assert forest.tolist() == clusters.labels(NODES, chain)


@given(edges, edges)
def test_drop_joined__drops_only_what_is_joined_and_keeps_the_order(before, pairs) -> None:
    forest, _ = united(before)
    roots = forest.copy()
    finalise(roots)
    table, untouched = rows_of(pairs), forest.copy()
    left = drop_joined(forest, table, len(pairs))
    assert forest.tolist() == untouched.tolist()
    kept = table[:left, 0].tolist()
    assert kept == sorted(kept)
    assert table[:left].tolist() == rows_of(pairs)[kept].tolist()
    assert all(roots[a] == roots[b] for row, (a, b) in enumerate(pairs) if row not in kept)


@given(edges)
def test_drop_joined__leaves_nothing_in_a_settled_forest(pairs) -> None:
    forest, _ = united(pairs)
    finalise(forest)
    assert drop_joined(forest, rows_of(pairs), len(pairs)) == 0
