"""The signature of a commission."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.entities.roles import standard_policy as role_policy
from arien_flows.vendors.chain_commission import commission_of
from arien_flows.vendors.chain_policy import standard_policy
from heuristics.role_features import rates_ppm

LIMITS, POLICY = role_policy().commission, standard_policy()


@given(
    amounts=st.lists(st.integers(10**5, 10**9), min_size=30, max_size=60),
    percent=st.integers(2, 15),
    noise=st.lists(st.integers(0, 1_000_000), max_size=18),
    random=st.randoms(use_true_random=False),
)
def test_commission_of__finds_the_rate_among_deposits(amounts, percent, noise, random):
    paid = np.array(amounts, dtype=np.int64)
    rates = [*rates_ppm(paid * percent // 100, paid).tolist(), *noise]
    random.shuffle(rates)
    found = commission_of(np.array(rates), LIMITS, POLICY)
    assert found.is_signature
    assert abs(found.rate_ppm - 10_000 * percent) <= LIMITS.half_width_ppm
    assert found == commission_of(np.array(sorted(rates)), LIMITS, POLICY)


def test_commission_of__asks_for_thirty_and_for_sixty_percent():
    exact = [40_000] * 30
    assert commission_of(np.array(exact), LIMITS, POLICY).is_signature
    assert not commission_of(np.array(exact[1:]), LIMITS, POLICY).is_signature
    spread = list(range(50_000, 190_000, 5_000))[:21]
    assert not commission_of(np.array(exact + spread), LIMITS, POLICY).is_signature
    assert commission_of(np.array(exact + spread[:20]), LIMITS, POLICY).is_signature


def test_commission_of__nothing_is_no_signature():
    found = commission_of(np.array([], dtype=np.int64), LIMITS, POLICY)
    assert (found.is_signature, found.candidates, found.rate_ppm) == (False, 0, -1)
