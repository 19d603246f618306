import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.deposits import DepositRows, match_deposits, tolerances
from heuristics.wide import from_ints, to_ints
from tests.reference import account_entities as reference
from tests.reference.account_entities import DepositRow

ETHER = 10**18
A_MAX = ETHER // 100


def columns(rows: list[DepositRow]) -> DepositRows:
    return DepositRows(
        deposit=np.array([row.deposit for row in rows], np.uint32),
        asset=np.array([row.asset for row in rows], np.uint32),
        is_forward=np.array([row.is_forward for row in rows], np.bool_),
        height=np.array([row.height for row in rows], np.int64),
        amount=from_ints([row.amount for row in rows]),
        tolerance=from_ints([row.tolerance for row in rows]),
    )


def matched(rows: list[DepositRow], window: int = 3_200) -> dict[int, tuple[int, int]]:
    found = match_deposits(columns(rows), window)
    pairs = zip(found.receipt.tolist(), found.confidence_ppm.tolist(), strict=True)
    return dict(zip(found.forward.tolist(), pairs, strict=True))


def receipt(amount: int, height: int, deposit: int = 7) -> DepositRow:
    return DepositRow(
        deposit=deposit, asset=0, is_forward=False, height=height, amount=amount, tolerance=0
    )


def forward(amount: int, height: int, deposit: int = 7, tolerance: int = A_MAX) -> DepositRow:
    return DepositRow(
        deposit=deposit, asset=0, is_forward=True, height=height, amount=amount, tolerance=tolerance
    )


@st.composite
def tables(draw):
    unit = draw(st.sampled_from([1, 2**63, 2**130 + 7]))
    rows = draw(
        st.lists(
            st.builds(
                DepositRow,
                deposit=st.integers(0, 1),
                asset=st.integers(0, 1),
                is_forward=st.booleans(),
                height=st.integers(0, 12),
                amount=st.integers(1, 6).map(lambda it: it * unit),
                tolerance=st.integers(0, 3).map(lambda it: it * unit),
            ),
            max_size=14,
        )
    )
    return sorted(rows, key=lambda it: (it.deposit, it.asset, it.height))


@given(tables(), st.integers(1, 8))
def test_match_deposits__agrees_with_reference(rows, window):
    assert matched(rows, window) == reference.match_deposits(rows, window)


def test_match_deposits__gives_the_confidence_of_worked_example_6():
    rows = [receipt(2 * ETHER, 100), forward(1_998 * ETHER // 1000, 500)]
    assert matched(rows) == {1: (0, 837_500)}


def test_match_deposits__takes_the_latest_receipt_that_is_not_taken():
    rows = [receipt(ETHER, 1), receipt(ETHER, 2), receipt(3 * ETHER, 3)]
    rows += [forward(ETHER, 4), forward(ETHER, 5), forward(ETHER, 6)]
    assert {row: found for row, (found, _) in matched(rows).items()} == {3: 1, 4: 0}


@pytest.mark.parametrize("edge", [ETHER // 20, 3 * ETHER // 20])
def test_match_deposits__does_not_lose_pairs_across_a_rounding_edge(edge):
    # Rounded to 0.1 ether, the two amounts differ.
    rows = [receipt(edge + A_MAX // 4, 1), forward(edge - A_MAX // 4, 2)]
    assert matched(rows)[1][0] == 0


def test_match_deposits__heeds_both_ends_of_both_inequalities():
    assert matched([receipt(ETHER, 1), forward(ETHER - A_MAX, 3_201)]) == {1: (0, 0)}
    assert matched([receipt(ETHER, 1), forward(ETHER - A_MAX - 1, 1)]) == {}
    assert matched([receipt(ETHER, 1), forward(ETHER, 3_202)]) == {}
    assert matched([receipt(ETHER, 1), forward(ETHER + 1, 1)]) == {}
    assert matched([receipt(ETHER, 1), forward(ETHER, 1)]) == {1: (0, 1_000_000)}


def test_match_deposits__does_not_pair_what_belongs_to_another_address():
    assert matched([receipt(ETHER, 1, deposit=6), forward(ETHER, 2, deposit=7)]) == {}


def test_match_deposits__refuses_rows_that_are_not_sorted():
    with pytest.raises(ValueError, match="sorted"):
        match_deposits(columns([receipt(1, 5), receipt(1, 4)]))
    with pytest.raises(ValueError, match="sorted"):
        match_deposits(columns([receipt(1, 5, deposit=8), receipt(1, 5, deposit=7)]))
    with pytest.raises(ValueError, match="window"):
        match_deposits(columns([]), 0)


def test_match_deposits__of_nothing_is_nothing():
    assert matched([]) == {}


def test_tolerances__follow_the_gas_price_of_dear_times_and_are_nothing_for_tokens():
    gwei = 10**9
    price = np.array([20 * gwei, 500 * gwei, 2**63, 500 * gwei], np.uint64)
    found = to_ints(tolerances(price, np.array([True, True, True, False])))
    assert found == [A_MAX, 63_000 * 500 * gwei, 63_000 * 2**48, 0]
