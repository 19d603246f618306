"""Agreement of clusterings with owners, against counting every pair by hand."""

from itertools import combinations
from math import isclose, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.evaluation.agreement import Agreement, agreement

assigned = st.lists(st.tuples(st.integers(0, 6), st.integers(-1, 5)), max_size=40)


def judged(rows: list[tuple[int, int]]) -> Agreement:
    labels = np.array([label for label, _ in rows], dtype=np.uint32)
    owners = np.array([owner for _, owner in rows], dtype=np.int64)
    return agreement(labels, owners)


@given(assigned)
def test_agreement__counts_the_pairs_that_one_can_list(rows: list[tuple[int, int]]) -> None:
    found = judged(rows)
    known = [row for row in rows if row[1] >= 0]
    pairs = list(combinations(known, 2))
    assert found.addresses == len(known)
    assert found.joined_pairs == sum(a[0] == b[0] for a, b in pairs)
    assert found.owned_pairs == sum(a[1] == b[1] for a, b in pairs)
    assert found.right_pairs == sum(a == b for a, b in pairs)
    strangers = {
        owner
        for label, owner in known
        if any(label == other and owner != another for other, another in known)
    }
    assert found.wrongly_joined_owners == len(strangers)
    assert found.owners == len({owner for _, owner in known})
    assert found.clusters == len({label for label, _ in known})


def entropy(values: list[object]) -> float:
    shares = [values.count(value) / len(values) for value in set(values)]
    return -sum(part * log2(part) for part in shares)


@given(assigned)
def test_agreement__gives_the_variation_of_information(rows: list[tuple[int, int]]) -> None:
    known = [row for row in rows if row[1] >= 0]
    found = judged(rows)
    if not known:
        assert found.variation_bits == 0
        return
    both = entropy(list(known))
    clusters = entropy([label for label, _ in known])
    owners = entropy([owner for _, owner in known])
    assert isclose(found.merged_bits, both - clusters, abs_tol=1e-9)
    assert isclose(found.split_bits, both - owners, abs_tol=1e-9)
    assert isclose(found.variation_bits, 2 * both - clusters - owners, abs_tol=1e-9)


def test_agreement__of_worked_example_1_of_the_specification() -> None:
    # Joining naively gives {6, 9, 10, 11}; say that 10 has another owner than 6, 9 and 11.
    owners = np.array([1, 1, 1, 2, 3, 4, 5, 6, 4, 7, 4, 8], dtype=np.int64)
    constrained = np.array([1, 1, 1, 4, 5, 6, 7, 8, 6, 10, 6, 12], dtype=np.uint32)
    naive = np.array([1, 1, 1, 4, 5, 6, 7, 8, 6, 6, 6, 12], dtype=np.uint32)
    right = agreement(constrained, owners)
    assert right.precision is not None
    assert right.precision.value == right.variation_bits + 1 == 1
    assert right.wrongly_joined_owners == 0
    wrong = agreement(naive, owners)
    assert (wrong.right_pairs, wrong.joined_pairs, wrong.owned_pairs) == (6, 9, 6)
    assert wrong.wrongly_joined_owners == 2


def test_agreement__counts_pairs_of_a_cluster_as_large_as_a_ledger_can_hold() -> None:
    from arien_flows.evaluation.agreement import _pairs

    size = 2**32
    assert _pairs(np.array([size, 0, 1, 2, 3])) == size * (size - 1) // 2 + 1 + 3


def test_agreement__needs_an_owner_for_each_label() -> None:
    with pytest.raises(ValueError, match="other addresses"):
        agreement(np.zeros(2, dtype=np.uint32), np.zeros(3, dtype=np.int64))
