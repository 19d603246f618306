"""Counts of transfers against their slow version."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.transfers import count_transfers
from tests.heuristics.test_market_flows import cases
from tests.heuristics.transaction_cases import columns_of
from tests.reference import vendors as reference


@given(case=cases(), data=st.data())
def test_count_transfers__are_those_of_the_slow_version(case, data):
    transactions, labels, _, left_out = case
    cut = data.draw(st.integers(0, len(transactions)))
    bounds = [0, cut, len(transactions)]
    roots = sorted(set(labels))
    listed = data.draw(st.lists(st.sampled_from(roots), unique=True))
    centre = data.draw(st.sampled_from(roots))
    found = count_transfers(
        columns_of(transactions),
        np.array(labels, dtype=np.uint32),
        np.array(left_out, dtype=np.uint8),
        np.array(bounds, dtype=np.int64),
        np.array(listed, dtype=np.int64),
        centre,
    )
    for stretch, counts in enumerate(reference.transfers(transactions, labels, left_out, bounds)):
        assert found.total[stretch] == counts.total()
        for row, root in enumerate(listed):
            sent = sum(n for (payer, _), n in counts.items() if payer == root)
            received = sum(n for (_, payee), n in counts.items() if payee == root)
            assert found.sent[row, stretch] == sent
            assert found.received[row, stretch] == received
            assert found.to_centre[row, stretch] == counts[root, centre]
            assert found.from_centre[row, stretch] == counts[centre, root]


def test_count_transfers__refuses_stretches_outside_of_the_chain():
    with pytest.raises(ValueError, match="outside"):
        count_transfers(
            columns_of([([(0, 1)], [(0, 1)])]),
            np.zeros(1, dtype=np.uint32),
            np.zeros(1, dtype=np.uint8),
            np.array([0, 2]),
            np.zeros(0, dtype=np.int64),
            0,
        )
