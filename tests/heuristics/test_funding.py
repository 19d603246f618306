import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from heuristics.columns import NO_ADDRESS
from heuristics.funding import CoinTransfers, gas_fundings
from tests.reference import account_entities as reference

ACCOUNTS = 7


def fundings(rows, first_sent=None, services=(), many=20, accounts=ACCOUNTS):
    none = int(NO_ADDRESS)
    allowed = np.ones(accounts, np.bool_)
    allowed[list(services)] = False
    found = gas_fundings(
        CoinTransfers(
            np.array([none if giver is None else giver for giver, _ in rows], np.uint32),
            np.array([none if receiver is None else receiver for _, receiver in rows], np.uint32),
        ),
        np.array(first_sent or [len(rows)] * accounts, np.int64),
        allowed,
        allowed,
        allowed,
        many,
    )
    assert np.all(np.diff(found.row) > 0)
    return set(zip(*(column.tolist() for column in found), strict=True))


account = st.none() | st.integers(0, ACCOUNTS - 1)


@given(
    st.lists(st.tuples(account, account), max_size=24),
    st.lists(st.integers(0, 24), min_size=ACCOUNTS, max_size=ACCOUNTS),
    st.sets(st.integers(0, ACCOUNTS - 1), max_size=2),
    st.integers(1, 3),
)
def test_gas_fundings__agrees_with_reference(rows, first_sent, services, many):
    expected = reference.gas_fundings(rows, first_sent, services, many)
    assert fundings(rows, first_sent, services, many) == expected


def test_gas_fundings__is_the_first_credit_alone():
    assert fundings([(0, 1), (2, 1)]) == {(0, 1, 0, -1)}


def test_gas_fundings__is_nothing_where_coins_were_there_before_or_are_new():
    assert fundings([(None, 1), (0, 1)]) == set()


def test_gas_fundings__is_nothing_for_who_had_sent_before():
    sent = [9, 0, 9, 9, 9, 9, 9]
    assert fundings([(0, 1)], sent) == set()


def test_gas_fundings__takes_the_funder_of_many_for_a_service():
    rows = [(0, number) for number in range(1, 22)]
    assert len(fundings(rows[:-1], accounts=25)) == 20
    assert fundings(rows, accounts=25) == set()


# The collector had coins of its own before, so that nobody funded it.
def swept(funded: range, paying: range) -> list[tuple[int | None, int | None]]:
    given = [(0, number) for number in funded]
    return [(None, 29), *given, *((number, 29) for number in paying)]


def test_gas_fundings__is_sure_where_many_were_funded_and_swept_to_one_account():
    funded = range(1, 22)
    found = fundings(swept(funded, funded), accounts=30)
    assert found == {(0, number, number, 21 + number) for number in funded}
    assert fundings(swept(funded, funded), services=[29], accounts=30) == set()


def test_gas_fundings__joins_those_who_were_swept_and_asks_for_most_of_them():
    found = fundings(swept(range(1, 27), range(1, 22)), accounts=30)
    assert {account for _, account, _, _ in found} == set(range(1, 22))
    # 21 of 27 are less than 80 percent.
    assert fundings(swept(range(1, 28), range(1, 22)), accounts=30) == set()
