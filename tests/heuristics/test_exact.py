from hypothesis import example, given
from hypothesis import strategies as st

from heuristics.exact import LARGEST_AMOUNT, mul_div

SUPPLY_SAT = 21_000_000 * 10**8

amounts = st.integers(0, LARGEST_AMOUNT) | st.integers(0, 1000)


@given(amounts, amounts, amounts)
@example(LARGEST_AMOUNT, LARGEST_AMOUNT, LARGEST_AMOUNT)
@example(LARGEST_AMOUNT, LARGEST_AMOUNT - 1, LARGEST_AMOUNT)
@example(2**31 - 1, 2**31 - 1, 2**31)
@example(2**31, 2**31, 2**31)
@example(1, 0, 1)
def test_mul_div__agrees_with_whole_numbers_of_any_size(factor, other, divisor):
    divisor = max(divisor, other, 1)
    assert mul_div(factor, other, divisor) == divmod(factor * other, divisor)


def test_largest_amount__covers_all_bitcoin():
    assert LARGEST_AMOUNT > SUPPLY_SAT
