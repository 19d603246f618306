"""Rules about mixers, against an oracle that asks every pair."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from heuristics import mixer_links
from heuristics.mixer_links import ADDRESS, GAS_PRICE, LINKED, Deposit, Withdrawal, combined
from tests.reference import mixer_links as reference

events = st.lists(
    st.tuples(
        st.booleans(),
        st.integers(0, 1),
        st.integers(0, 2),
        st.integers(0, 50_000),
        st.sampled_from([None, 7, 8]),
    ),
    max_size=24,
)


def told(rows) -> tuple[list[Deposit], list[Withdrawal]]:
    """Return events in chain order; numbers of deposits and withdrawals never meet."""
    deposits, withdrawals, time = [], [], 0
    for order, (is_in, pool, account, later, price) in enumerate(rows):
        time += later
        made = (order, pool, account, order, time, order, price)
        (deposits if is_in else withdrawals).append((Deposit if is_in else Withdrawal)(*made))
    return deposits, withdrawals


@given(events)
def test_rules__agree_with_reference(rows):
    deposits, withdrawals = told(rows)
    for name in ("by_address", "by_gas_price", "by_counts"):
        found = getattr(mixer_links, name)(deposits, withdrawals)
        assert found == getattr(reference, name)(deposits, withdrawals), name


def test_by_counts__takes_both_ends_of_a_day_alike():
    day = 86_400
    plan = [(0, 0), (1, 1), (0, 2), (1, 3), (0, day)]
    deposits = [Deposit(n, pool, 1, n, time, n) for n, (pool, time) in enumerate(plan)]
    later = [
        Withdrawal(10 + n, pool, 2, 10 + n, 9 * day + time, 10 + n)
        for n, (pool, time) in enumerate(plan)
    ]
    assert len(mixer_links.by_counts(deposits, later)) == 3 * 3 + 2 * 2
    late = [*later[:-1], later[-1]._replace(time=later[-1].time + 1)]
    assert mixer_links.by_counts(deposits, late) == {}
    assert mixer_links.by_counts([*deposits[:-1], deposits[-1]._replace(time=day + 1)], later) == {}


def test_by_meetings__grows_up_to_a_cap_and_needs_three():
    deposits, withdrawals = [Deposit(0, 0, 1, 0, 0, 0)], [Withdrawal(1, 0, 2, 1, 0, 1)]
    said = [
        mixer_links.by_meetings(deposits, withdrawals, {(1, 2): count}) for count in (2, 3, 4, 99)
    ]
    assert said == [{}, {(0, 1): 60}, {(0, 1): 65}, {(0, 1): 80}]


def test_by_points__tells_how_long_money_lay():
    deposits = [Deposit(0, 5, 1, 0, 0, 100), Deposit(1, 5, 1, 1, 0, 101)]
    withdrawals = [Withdrawal(2, 5, 2, 2, 0, 110)]
    assert mixer_links.by_points(deposits, withdrawals, {2: [200]}, {5: 20}) == {(0, 2): 85}
    assert mixer_links.by_points(deposits, withdrawals, {1: [180]}, {5: 20}) == {(1, 2): 85}
    assert mixer_links.by_points(deposits, withdrawals, {2: [199]}, {5: 20}) == {}


def test_combined__joins_hints_and_shares_them_out_among_equals():
    found = combined(
        {ADDRESS: {(0, 9): 95, (1, 9): 95}, GAS_PRICE: {(2, 9): 70}, LINKED: {(2, 9): 60}}
    )
    assert found[0, 9].confidence == Fraction(95, 200)
    assert found[0, 9].equals == 2
    assert found[2, 9].together == 1 - Fraction(3, 10) * Fraction(4, 10)
    assert found[2, 9].hints == ((GAS_PRICE, 70), (LINKED, 60))


@given(events)
def test_combined__never_says_more_than_one_of_equals(rows):
    deposits, withdrawals = told(rows)
    found = combined(
        {
            ADDRESS: mixer_links.by_address(deposits, withdrawals),
            GAS_PRICE: mixer_links.by_gas_price(deposits, withdrawals),
        }
    )
    for it in withdrawals:
        groups: dict[Fraction, Fraction] = {}
        for link, support in found.items():
            if link[1] == it.number:
                sum_so_far = groups.get(support.together, Fraction(0))
                groups[support.together] = sum_so_far + support.confidence
        assert all(total == together for together, total in groups.items())
