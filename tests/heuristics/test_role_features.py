"""Features against their slow version, and each of the subtle ones by hand."""

from decimal import ROUND_DOWN, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.role_features import (
    NOBODY,
    NOT_SPENT,
    Activity,
    CommissionRange,
    Measure,
    hour_entropy,
    is_chip,
    measures_of,
    most_in_a_window,
    narrowest_peak,
    rates_ppm,
    share,
)
from tests.reference import roles as reference
from tests.reference.roles import DAY, In, Out, Tx

ENTITY = 7
LIMITS = CommissionRange(least_ppm=10_000, most_ppm=200_000, half_width_ppm=1_000)
AMOUNTS = st.sampled_from([0, 1, 546, 40_000, 100_000, 200_000, 300_000, 960_000, 12_345_678])


@st.composite
def activities(draw: st.DrawFn) -> list[Tx]:
    """Draw transactions in which everything that features look at happens."""
    found: list[Tx] = []
    count = draw(st.integers(1, 12))
    times = sorted(draw(st.lists(st.integers(0, 400 * DAY), min_size=count, max_size=count)))
    heights = [time // 3_600 for time in times]
    for place, time in enumerate(times):
        inputs = []
        for _ in range(draw(st.integers(0, 3))):
            own = draw(st.booleans())
            holder = ENTITY if own else draw(st.sampled_from([None, 1, 2, 3, ENTITY]))
            inputs.append(In(holder, own, draw(AMOUNTS)))
        outputs = []
        for _ in range(draw(st.integers(1, 11 if place % 4 == 0 else 2))):
            own = draw(st.booleans())
            holder = ENTITY if own else draw(st.sampled_from([1, 2, 3, ENTITY]))
            later = draw(st.none() | st.integers(place + 1, count)) if own else None
            spent_at = None
            if later is not None:
                spent_at = times[later] if later < count else times[-1] + 10
            spender = later if later is not None and later < count else None
            address = draw(st.integers(0, 3)) + 10 * holder
            outputs.append(Out(holder, address, own, draw(AMOUNTS), spent_at, spender))
        found.append(Tx(time, heights[place], inputs, outputs))
    return found


def activity_of(transactions: list[Tx]) -> Activity:
    ins = [(place, it) for place, tx in enumerate(transactions) for it in tx.inputs]
    outs = [(place, it) for place, tx in enumerate(transactions) for it in tx.outputs]

    def numbers(values: list[int]) -> np.ndarray:
        return np.array(values, dtype=np.int64)

    def claims(values: list[bool]) -> np.ndarray:
        return np.array(values, dtype=np.bool_)

    return Activity(
        time=numbers([tx.time for tx in transactions]),
        clock=numbers([tx.time for tx in transactions]),
        height=numbers([tx.height for tx in transactions]),
        is_coinbase=claims([not tx.inputs for tx in transactions]),
        input_place=numbers([place for place, _ in ins]),
        input_holder=numbers([NOBODY if it.holder is None else it.holder for _, it in ins]),
        input_is_own=claims([it.own for _, it in ins]),
        input_sat=numbers([it.sat for _, it in ins]),
        output_place=numbers([place for place, _ in outs]),
        output_holder=numbers([it.holder for _, it in outs]),
        output_address=numbers([it.address for _, it in outs]),
        output_is_own=claims([it.own for _, it in outs]),
        output_sat=numbers([it.sat for _, it in outs]),
        spent_clock=numbers([NOT_SPENT if it.spent_at is None else it.spent_at for _, it in outs]),
        spender_place=numbers([NOBODY if it.spender is None else it.spender for _, it in outs]),
    )


def shown(exact: Fraction | int | None) -> Decimal | None:
    if exact is None:
        return None
    value = Decimal(exact.numerator) / Decimal(exact.denominator)
    return value.quantize(Decimal("0.0001"), ROUND_DOWN)


@given(transactions=activities())
def test_measures_of__are_those_of_the_slow_version(transactions):
    found = measures_of(activity_of(transactions), ENTITY, LIMITS)
    wanted = reference.features(transactions, ENTITY)
    assert set(found) == {*wanted, "hour_entropy_bits", "commission_rate"}
    for name, exact in wanted.items():
        assert found[name].value == shown(exact), name
    hours = [tx.time % DAY // 3600 for tx in transactions if tx.is_payment]
    bits = found["hour_entropy_bits"].value
    if hours:
        assert abs(float(bits) - reference.entropy_bits(hours)) < 0.0011
    else:
        assert bits is None


def test_measures_of__of_nothing_have_no_value_but_counts():
    found = measures_of(activity_of([]), ENTITY, LIMITS)
    assert all(it.value == 0 if it.is_count else it.value is None for it in found.values())


@given(rates=st.lists(st.integers(0, 10_000), min_size=1, max_size=30), half=st.integers(0, 2_000))
def test_narrowest_peak__is_the_lowest_of_the_fullest_windows(rates, half):
    peak = narrowest_peak(np.array(rates, dtype=np.int64), half)
    windows = {low: [r for r in rates if low <= r <= low + 2 * half] for low in rates}
    most = max(map(len, windows.values()))
    low = min(low for low, inside in windows.items() if len(inside) == most)
    assert peak.inside == most
    assert peak.rate_ppm == sorted(windows[low])[(most - 1) // 2]


def test_narrowest_peak__of_nothing_is_nothing():
    assert narrowest_peak(np.empty(0, dtype=np.int64), 1_000) is None


def test_commission__is_found_among_other_payments():
    sold = [
        Tx(i * DAY, i, [In(1, False, 1)], [Out(2, 20, False, 96 * i), Out(ENTITY, 70, True, 4 * i)])
        for i in range(1, 41)
    ]
    other = [
        Tx(
            (41 + i) * DAY,
            41 + i,
            [In(1, False, 1)],
            [Out(2, 20, False, 999 - 7 * i), Out(ENTITY, 71, True, 7 * i + 1)],
        )
        for i in range(2, 22)
    ]
    found = measures_of(activity_of([*sold, *other]), ENTITY, LIMITS)
    assert found["commission_rate"] == Measure(value=Decimal("0.0400"), observations=40)
    assert found["commission_candidates"].value == 60
    assert found["commission_peak_share"].value == Decimal("0.6666")


def test_most_in_a_window__does_not_count_what_lies_90_days_apart():
    clock = np.array([0, 1, 90 * DAY, 90 * DAY + 1], dtype=np.int64)
    assert most_in_a_window(clock, np.array([1, 2, 3, 4])) == 2
    assert most_in_a_window(clock, np.array([1, 2, 3, 3])) == 2
    assert most_in_a_window(clock - clock // 2, np.array([1, 2, 3, 4])) == 4


def test_hour_entropy__is_greatest_where_all_hours_are_alike():
    assert hour_entropy(np.arange(0, DAY, 3600)).value == Decimal("4.584")
    assert hour_entropy(np.array([5, 6, 7])).value == 0
    assert hour_entropy(np.array([0, 3600])).value == 1


@pytest.mark.parametrize(
    ("sat", "wanted"),
    [(100_000, True), (200_000, True), (300_000, False), (52_428_800_000, True), (50_000, False)],
)
def test_is_chip__knows_the_denominations(sat, wanted):
    assert is_chip(np.array([sat], dtype=np.int64)).tolist() == [wanted]


def test_share__is_rounded_down_so_that_nearly_all_is_not_all():
    assert share(99_999, 100_000).value == Decimal("0.9999")
    assert share(1, 1).value == 1
    assert share(0, 0).value is None


@given(
    pairs=st.lists(
        st.tuples(st.integers(0, 21 * 10**14), st.integers(1, 21 * 10**14)), min_size=1, max_size=20
    )
)
def test_rates_ppm__are_exact_up_to_all_coins_there_are(pairs):
    part = np.array([min(pair) for pair in pairs], dtype=np.int64)
    whole = np.array([max(pair) for pair in pairs], dtype=np.int64)
    exact = [1_000_000 * min(pair) // max(pair) for pair in pairs]
    assert rates_ppm(part, whole).tolist() == exact
