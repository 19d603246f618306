"""Candidates behind one CoinJoin: vectors, properties and the slow way."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heuristics.columns import NO_ADDRESS
from heuristics.demix import (
    CHANGE_RULE,
    EQUAL_RULE,
    STANDARD_RULE,
    Mix,
    Plan,
    Share,
    unravel,
)
from heuristics.demix_search import MOST_STEPS, Fit, fit
from tests.reference import demix as reference

MILLION = 1_000_000


def mix_of(
    taken: list[int],
    given: list[int],
    plan: Plan,
    *,
    payers: list[int] | None = None,
    payees: list[int] | None = None,
) -> Mix:
    """Return what is told of a transaction by amounts; each address is its own unless told."""
    return unravel(
        np.array(taken, np.int64),
        np.array(payers if payers is not None else range(len(taken)), np.uint32),
        np.array(given, np.int64),
        np.array(payees if payees is not None else range(1_000, 1_000 + len(given)), np.uint32),
        plan,
    )


def masses(shares: tuple[Share, ...]) -> dict[int, Fraction]:
    return {
        row: mass for share in shares for row, mass in zip(share.rows, share.masses, strict=True)
    }


# --- the vectors of the algorithm specification, section 2.10

J1 = mix_of(
    [60 * MILLION, 55 * MILLION, 70 * MILLION],
    [50 * MILLION] * 3 + [9_990_000, 4_990_000, 19_980_000],
    Plan(amounts=(50 * MILLION,)),
)
W1 = mix_of([MILLION] * 3 + [1_000_300] * 2, [MILLION] * 5, Plan(amounts=(MILLION,)))


def test_mix__j1_gives_a_third_of_each_equal_output_and_every_change_to_its_payer():
    for row, change in ((0, 3), (1, 4), (2, 5)):
        equal, own = J1.leaving(row)
        assert (equal.rule, equal.rows, equal.chance) == (EQUAL_RULE, (0, 1, 2), Fraction(1, 3))
        assert (own.rule, own.rows, own.chance) == (CHANGE_RULE, (change,), Fraction(1))
        out = 50 * MILLION + own.amount_sat
        assert equal.masses == (Fraction(50 * MILLION, 3 * out),) * 3
        assert own.masses == (Fraction(own.amount_sat, out),)
    assert set(J1.searched.values()) == {Fit.UNIQUE}


def test_mix__w1_gives_a_fifth_of_each_output_to_remixed_and_new_coins_alike():
    for row in range(5):
        (share,) = W1.leaving(row)
        assert masses((share,)) == dict.fromkeys(range(5), Fraction(1, 5))
        assert share.chance == Fraction(1, 5)
        (share,) = W1.entering(row)
        assert masses((share,)) == dict.fromkeys(range(5), Fraction(1, 5))


def test_mix__without_an_agreed_amount_nothing_is_known():
    for plan in (Plan(amounts=()), Plan(amounts=(7,))):
        mix = mix_of([40, 50], [30, 60], plan)
        assert mix.leaving(0) == mix.entering(1) == ()


def test_mix__change_that_two_sets_can_pay_for_is_nobodys():
    # The second and third participant brought the same.
    mix = mix_of(
        [60 * MILLION, 55 * MILLION, 55 * MILLION],
        [50 * MILLION] * 3 + [9_990_000, 4_990_000, 4_980_000],
        Plan(amounts=(50 * MILLION,)),
    )
    assert mix.searched == {3: Fit.UNIQUE, 4: Fit.SEVERAL, 5: Fit.SEVERAL}
    assert [share.rule for share in mix.leaving(1)] == [EQUAL_RULE]
    assert sum(masses(mix.leaving(1)).values()) == Fraction(50, 55)
    assert mix.entering(4) == ()


def test_mix__one_party_that_two_changes_claim_has_neither():
    mix = mix_of(
        [60 * MILLION, 55_200_000, 55_100_000],
        [50 * MILLION] * 3 + [9_990_000, 9_980_000],
        Plan(amounts=(50 * MILLION,)),
    )
    assert mix.change == {}
    assert set(mix.searched.values()) == {Fit.SEVERAL}


def test_mix__inputs_of_one_address_and_of_one_change_are_one_party():
    mix = mix_of(
        [20 * MILLION, 40 * MILLION, 55 * MILLION, 30 * MILLION, 40 * MILLION],
        [50 * MILLION] * 3 + [9_990_000, 4_990_000, 19_980_000],
        Plan(amounts=(50 * MILLION,)),
        payers=[1, 1, 2, 3, 4],
    )
    assert mix.party == (0, 0, 1, 2, 2)
    assert mix.leaving(0) == mix.leaving(1)
    (back,) = mix.entering(5)
    assert back.masses == (Fraction(3, 7), Fraction(4, 7))
    (back,) = mix.entering(0)
    # Each party put in one amount; within a party, each coin as much as it is worth.
    parts = [(1, 9), (2, 9), (1, 3), (1, 7), (4, 21)]
    assert masses((back,)) == {row: Fraction(*part) for row, part in enumerate(parts)}


def test_mix__a_coordinator_pays_nobody():
    taken, given = [60 * MILLION, 59 * MILLION], [50 * MILLION] * 2 + [10_100_000, 8_800_000]
    amounts = (50 * MILLION,)
    assert mix_of(taken, given, Plan(amounts=amounts)).searched[2] == Fit.UNIQUE
    coordinated = mix_of(taken, given, Plan(amounts=amounts, coordinated=True))
    assert coordinated.searched[2] == Fit.NONE


def test_mix__levels_are_filled_from_the_smallest_that_can_be_paid():
    mix = mix_of(
        [35, 12, 11, 29],
        [10, 10, 10, 20, 20, 17],
        Plan(amounts=(10, 20), coordinated=True),
    )
    shares = {share.amount_sat: share for share in mix.leaving(0)}
    if 0 not in mix.change:
        assert sum(shares[10].masses) == Fraction(10, 35)
        assert sum(shares[20].masses) == Fraction(20, 35)
    assert [share.amount_sat for share in mix.leaving(1)] == [10]
    # Who has less than one amount has others, which are not known: all of it went into that.
    poor = mix_of([6, 40], [10, 10, 20], Plan(amounts=(10,)))
    assert sum(masses(poor.leaving(0)).values()) == 1


def test_mix__standard_amounts_share_the_money_and_give_no_chance():
    mix = mix_of([700, 300], [200, 200, 100, 100, 350], Plan(amounts=(100, 200), pooled=True))
    shares = mix.leaving(1)
    assert {share.rule for share in shares} == {STANDARD_RULE}
    assert {share.chance for share in shares} == {None}
    assert masses(shares) == {
        0: Fraction(200, 950), 1: Fraction(200, 950), 2: Fraction(100, 950), 3: Fraction(100, 950),
    }  # fmt: skip
    assert masses(mix.entering(0)) == {0: Fraction(7, 10), 1: Fraction(3, 10)}
    assert mix.entering(4) == ()


def test_mix__data_and_worthless_outputs_are_nobodys():
    mix = mix_of([10, 10], [10, 0, 10, 10], Plan(amounts=(10,)), payees=[1, 2, 3, int(NO_ADDRESS)])
    assert mix.equal == {10: (0, 2)}
    assert mix.others == 0


# --- properties

AMOUNT = 50_000

transactions = st.builds(
    lambda sums, agreed, rests: (sums, [AMOUNT] * agreed + rests),
    st.lists(st.integers(1, 4 * AMOUNT), min_size=2, max_size=7),
    st.integers(0, 6),
    st.lists(st.integers(1, 3 * AMOUNT), max_size=5),
).filter(lambda each: sum(each[0]) >= sum(each[1]) > 0)

plans = st.sampled_from(
    [
        Plan(amounts=(AMOUNT,)),
        Plan(amounts=(AMOUNT,), coordinated=True),
        Plan(amounts=(AMOUNT,), pooled=True),
        Plan(amounts=(AMOUNT // 2, AMOUNT, 2 * AMOUNT), coordinated=True),
    ]
)


@given(transactions, plans, st.integers(1, 4))
def test_mix__masses_are_fractions_of_one_and_candidates_are_equal(case, plan, addresses):
    taken, given_out = case
    payers = [place % addresses for place in range(len(taken))]
    mix = mix_of(taken, given_out, plan, payers=payers)
    for row in range(len(taken)):
        shares = mix.leaving(row)
        assert len({row for share in shares for row in share.rows}) == sum(
            len(share.rows) for share in shares
        )
        total = sum(masses(shares).values(), Fraction(0))
        assert 0 <= total <= 1
        if mix.others == 0 and mix.equal:
            assert total == 1
        for share in shares:
            assert {given_out[row] for row in share.rows} == {share.amount_sat}
            assert min(share.masses) > 0
            assert len(share.rows) == share.equal_outputs
            if share.rule == EQUAL_RULE:
                assert sum([share.chance] * len(share.rows)) == 1
    for row in range(len(given_out)):
        assert sum(masses(mix.entering(row)).values(), Fraction(0)) in (0, 1)


@given(transactions, plans, st.randoms(use_true_random=False))
def test_mix__does_not_depend_on_the_order_of_the_transaction(case, plan, random):
    taken, given_out = case
    order_in, order_out = list(range(len(taken))), list(range(len(given_out)))
    random.shuffle(order_in)
    random.shuffle(order_out)
    one = mix_of(taken, given_out, plan)
    other = mix_of([taken[i] for i in order_in], [given_out[i] for i in order_out], plan)
    for place, row in enumerate(order_in):
        moved = masses(other.leaving(place))
        assert {order_out[i]: mass for i, mass in moved.items()} == masses(one.leaving(row))
    for place, row in enumerate(order_out):
        moved = masses(other.entering(place))
        assert {order_in[i]: mass for i, mass in moved.items()} == masses(one.entering(row))


@given(transactions)
def test_mix__finds_the_changes_that_trying_every_set_finds(case):
    taken, given_out = case
    mix = mix_of(taken, given_out, Plan(amounts=(AMOUNT,)))
    others = [row for row, value in enumerate(given_out) if value != AMOUNT]
    if not mix.equal:
        assert mix.change == {}
        return
    fee = sum(taken) - sum(given_out)
    known = reference.payers_of_change(taken, AMOUNT, [given_out[row] for row in others], fee)
    found = {row: party for party, (row, _) in mix.change.items()}
    assert set(found) == {others[place] for place in known}
    for place, row in enumerate(others):
        if place in known:
            party = found[row]
            assert {i for i, each in enumerate(mix.party) if each == party} == known[place]
            assert mix.searched[row] == Fit.UNIQUE


@given(transactions)
def test_mix__an_equal_output_comes_back_as_it_went(case):
    """Backward is forward in the mirror: what each input puts into an output, over their sum."""
    taken, given_out = case
    mix = mix_of(taken, given_out, Plan(amounts=(AMOUNT,)))
    if AMOUNT not in mix.equal or mix.change or mix.others == 0:
        return
    row = mix.equal[AMOUNT][0]
    put = {i: taken[i] * masses(mix.leaving(i))[row] for i in range(len(taken))}
    whole = sum(put.values())
    assert masses(mix.entering(row)) == {i: part / whole for i, part in put.items()}


# --- the search

searches = st.tuples(
    st.lists(st.integers(1, 60), max_size=9),
    st.lists(
        st.tuples(st.integers(1, 150), st.integers(0, 12)).map(lambda t: (t[0], t[0] + t[1])),
        min_size=1,
        max_size=3,
    ),
)


@given(searches)
def test_fit__finds_what_trying_every_set_finds(case):
    sums, targets = case
    found, target, chosen = fit(
        np.array(sums, np.int64),
        np.array([least for least, _ in targets], np.int64),
        np.array([most for _, most in targets], np.int64),
    )
    expected = reference.fitting_sets(sums, targets)
    assert found == (Fit.NONE, Fit.UNIQUE, Fit.SEVERAL)[min(2, len(expected))]
    if found == Fit.UNIQUE:
        assert (frozenset(np.flatnonzero(chosen).tolist()), target) == expected[0]
    else:
        assert target == -1
        assert not chosen.any()


@settings(max_examples=30)
@given(searches, st.integers(0, 40))
def test_fit__says_nothing_that_it_has_not_proved(case, steps):
    sums, targets = case
    ends = np.array(targets, np.int64)
    found, *_ = fit(np.array(sums, np.int64), ends[:, 0], ends[:, 1], steps)
    number = len(reference.fitting_sets(sums, targets))
    assert found in (Fit.UNDECIDED, (Fit.NONE, Fit.UNIQUE, Fit.SEVERAL)[min(2, number)])


@pytest.mark.slow
def test_fit__gives_up_where_there_are_too_many_sets():
    # Sums of even numbers: no set fits an odd target, and none is ruled out early.
    sums = np.arange(1_000, 1_120, 2, dtype=np.int64)
    found, *_ = fit(sums, np.array([30_001]), np.array([30_001]))
    assert found == Fit.UNDECIDED
    assert MOST_STEPS == 50_000


def test_fit__refuses_targets_and_sums_that_make_no_sense():
    one = np.array([1], np.int64)
    with pytest.raises(ValueError, match="targets"):
        fit(one, np.empty(0, np.int64), np.empty(0, np.int64))
    with pytest.raises(ValueError, match="positive"):
        fit(one, np.array([0]), np.array([1]))
    with pytest.raises(ValueError, match="sums"):
        fit(np.array([0]), one, one)
