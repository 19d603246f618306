import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.columns import NO_ADDRESS
from heuristics.payers import payers
from tests.heuristics.test_cospend import (
    ADDRESSES,
    ANYONE,
    NEEDS_NONE,
    NEEDS_SIGNATURE,
    SIGNED,
    UNSIGNED,
    spend_columns,
)
from tests.reference.cospend import payer

NONE = int(NO_ADDRESS)

inputs = st.tuples(
    st.one_of(st.just(NONE), st.integers(0, ADDRESSES - 1)),
    st.sampled_from([SIGNED, SIGNED, UNSIGNED, ANYONE]),
)
transactions = st.lists(st.lists(inputs, max_size=4), max_size=8)
script_types = st.lists(
    st.sampled_from([NEEDS_SIGNATURE, NEEDS_NONE]), min_size=ADDRESSES, max_size=ADDRESSES
)


@given(transactions, script_types, st.data())
def test_payers__are_the_first_inputs_that_name_an_owner(chain, types, data) -> None:
    spends = spend_columns(
        [[address for address, _ in each] for each in chain],
        [sighash for each in chain for _, sighash in each],
        types,
    )
    start = data.draw(st.integers(0, len(chain)))
    stop = data.draw(st.integers(start, len(chain)))
    left_out = data.draw(st.lists(st.booleans(), min_size=stop - start, max_size=stop - start))
    expected = [
        NONE if skipped else payer(spends, transaction)
        for transaction, skipped in zip(range(start, stop), left_out, strict=True)
    ]
    assert payers(spends, np.array(left_out, dtype=np.uint8), start).tolist() == expected


def test_payers__of_each_kind_of_input() -> None:
    spends = spend_columns(
        [[NONE, 3, 4], [5, 6], [7], [8], []],
        [SIGNED, SIGNED, SIGNED, UNSIGNED, SIGNED, ANYONE, SIGNED],
        [NEEDS_NONE] * ADDRESSES,
    )
    left_out = np.array([0, 0, 0, 1, 0], dtype=np.uint8)
    assert payers(spends, left_out, 0).tolist() == [3, 6, NONE, NONE, NONE]


@pytest.mark.parametrize(("start", "count"), [(-1, 1), (0, 3), (3, 0)])
def test_payers__refuses_transactions_that_do_not_exist(start: int, count: int) -> None:
    spends = spend_columns([[1], [2]])
    with pytest.raises(ValueError, match="not in the columns"):
        payers(spends, np.zeros(count, dtype=np.uint8), start)
