import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.airdrops import AirdropTerms, TokenTransfers, collected_airdrops
from heuristics.wide import from_ints
from tests.reference import account_entities as reference
from tests.reference.account_entities import TokenRow

SMALL = AirdropTerms(least_recipients=3)
ACCOUNTS = 8


def collected(rows: list[TokenRow], eligible=range(ACCOUNTS), terms=SMALL):
    marks = np.zeros(ACCOUNTS, np.bool_)
    marks[list(eligible)] = True
    found = collected_airdrops(
        TokenTransfers(
            giver=np.array([row.giver for row in rows], np.uint32),
            receiver=np.array([row.receiver for row in rows], np.uint32),
            asset=np.array([row.asset for row in rows], np.uint32),
            amount=from_ints([row.amount for row in rows]),
            height=np.array([row.height for row in rows], np.int64),
        ),
        np.array([row.by_giver for row in rows], np.bool_),
        marks,
        terms,
    )
    assert np.all(found.received < found.row)
    assert np.all(np.diff(found.row) >= 0)
    columns = found.recipient.tolist(), found.beneficiary.tolist(), found.row.tolist()
    return set(zip(*columns, strict=True))


def drop(*recipients: int, height: int = 0, gap: int = 1) -> list[TokenRow]:
    return [
        TokenRow(giver=0, receiver=account, height=height + gap * place)
        for place, account in enumerate(recipients)
    ]


FARM = [*drop(1, 2, 3), *(TokenRow(giver=farmer, receiver=5, height=9) for farmer in (1, 2))]

rows_in_order = st.lists(
    st.builds(
        TokenRow,
        giver=st.integers(0, 3),
        receiver=st.integers(0, ACCOUNTS - 1),
        asset=st.integers(1, 2),
        amount=st.sampled_from([1, 2**200]),
        height=st.integers(0, 6),
        by_giver=st.booleans(),
    ),
    max_size=24,
).map(lambda rows: sorted(rows, key=lambda it: it.height))


@given(rows_in_order, st.sets(st.integers(0, ACCOUNTS - 1)), st.integers(2, 4), st.integers(0, 2))
def test_collected_airdrops__agrees_with_reference(rows, eligible, least, gap):
    terms = AirdropTerms(least_recipients=least, most_gap_blocks=gap)
    expected = reference.collected_airdrops(rows, eligible, least, gap, terms.least_collected)
    assert collected(rows, eligible, terms) == expected


def test_collected_airdrops__joins_those_who_pay_what_they_received_to_one_account():
    assert collected(FARM) == {(1, 5, 3), (2, 5, 4)}


def test_collected_airdrops__asks_for_a_thousand_recipients_unless_told_otherwise():
    assert collected(FARM, terms=AirdropTerms()) == set()


def test_collected_airdrops__asks_for_two_who_pay_exactly_that_amount():
    assert collected(FARM[:-1]) == set()
    other = TokenRow(giver=2, receiver=5, amount=2, height=9)
    assert collected([*FARM[:-1], other]) == set()


@pytest.mark.parametrize("barred", [1, 5])
def test_collected_airdrops__leaves_out_contracts_and_services(barred):
    assert collected(FARM, set(range(ACCOUNTS)) - {barred}) == set()


def test_collected_airdrops__leaves_out_what_goes_back_to_the_distributor():
    back = [TokenRow(giver=farmer, receiver=0, height=9) for farmer in (1, 2, 3)]
    assert collected([*drop(1, 2, 3), *back]) == set()


def test_collected_airdrops__leaves_out_payments_before_the_airdrop_and_invented_ones():
    before = [TokenRow(giver=farmer, receiver=5) for farmer in (1, 2)]
    assert collected([*before, *drop(1, 2, 3)]) == set()
    invented = [TokenRow(giver=farmer, receiver=5, height=9, by_giver=False) for farmer in (1, 2)]
    assert collected([*drop(1, 2, 3), *invented]) == set()


def test_collected_airdrops__takes_slow_payments_for_wages_and_not_for_an_airdrop():
    late = [TokenRow(giver=farmer, receiver=5, height=99) for farmer in (1, 2)]
    assert collected([*drop(1, 2, 3, gap=2), *late]) == {(1, 5, 3), (2, 5, 4)}
    assert collected([*drop(1, 2, 3, gap=3), *late]) == set()


def test_collected_airdrops__refuses_columns_that_do_not_fit():
    with pytest.raises(ValueError, match="rows"):
        collected_airdrops(
            TokenTransfers(*(np.zeros(2, np.uint32),) * 3, from_ints([1]), np.zeros(2, np.int64)),
            np.zeros(2, np.bool_),
            np.zeros(3, np.bool_),
        )
