import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.ledger import spend_links as module
from arien_flows.ledger.spend_links import OUTPUT_LIMIT, SPENDER_BITS, SpendLinks

FIRST = 2**32 - 1 - 2**SPENDER_BITS
outputs = st.integers(0, OUTPUT_LIMIT - 1) | st.integers(0, 20)
pairs = st.lists(st.tuples(outputs, st.integers(FIRST, FIRST + 2**SPENDER_BITS - 1)), max_size=30)


def gathered(parts: list[list[tuple[int, int]]], first: int) -> SpendLinks:
    links = SpendLinks(first)
    for part in parts:
        links.add(
            np.array([output for output, _ in part], dtype=np.int64),
            np.array([spender for _, spender in part], dtype=np.uint32),
        )
    return links


@given(parts=st.lists(pairs, max_size=6), piece=st.integers(1, 40))
def test_in_order__yields_all_pairs_in_short_stretches(
    parts: list[list[tuple[int, int]]], piece: int
) -> None:
    links = gathered(parts, FIRST)
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIECE", piece)
        for rows, spenders in links.in_order():
            assert rows.dtype == np.int64
            assert spenders.dtype == np.uint32
            assert 0 < len(rows) <= piece or rows[0] == rows[-1]
            found += zip(rows.tolist(), spenders.tolist(), strict=True)
    assert found == sorted(pair for part in parts for pair in part)
    assert len(links) == len(found)


@pytest.mark.parametrize("pair", [(OUTPUT_LIMIT, 5), (7, 5 + 2**SPENDER_BITS)])
def test_add__refuses_what_does_not_fit(pair: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="out of the range of one sweep"):
        gathered([[pair]], 5)
