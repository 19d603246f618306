"""Candidates behind real CoinJoins: nobody knows the truth there, but the sums must hold."""

from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from heuristics.coinjoin import AmountField, Design, DetailField, mark_coinjoins
from heuristics.columns import NO_ADDRESS
from heuristics.demix import EQUAL_RULE, Mix, Plan, unravel
from heuristics.demix_search import Fit
from tests.arien_flows.entities.test_real_coinjoins import Labelled, labelled
from tests.heuristics.transaction_cases import coinjoin_columns_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Labelled:
    return labelled(shared_data / "btc_coinjoin")


def mixes_of(real: Labelled, label: str, design: Design) -> list[Mix]:
    """Return the CoinJoins of a label that the rules take for a design."""
    columns = coinjoin_columns_of(real.chain, real.kinds.__getitem__)
    _, details, amounts = mark_coinjoins(columns, 0, len(real.chain), real.eras)
    mixes = []
    for detail in details:
        number = int(detail[DetailField.TRANSACTION])
        if detail[DetailField.DESIGN] != design or real.rows[number]["label"] != label:
            continue
        listed = amounts[amounts[:, AmountField.TRANSACTION] == number, AmountField.VALUE_SAT]
        agreed = listed.tolist() or [int(detail[DetailField.DENOMINATION_SAT])]
        taken, given = real.chain[number]
        mixes.append(
            unravel(
                np.array([value for _, value in taken], np.int64),
                np.array([address for address, _ in taken], np.uint32),
                np.array([value for _, value in given], np.int64),
                np.array([address for address, _ in given], np.uint32),
                Plan(amounts=tuple(agreed), coordinated=True),
            )
        )
    return mixes


def test_mix__every_coin_of_a_whirlpool_mix_may_be_each_output(real):
    mixes = mixes_of(real, "whirlpool_mix", Design.WHIRLPOOL)
    assert len(mixes) >= 700
    for mix in mixes:
        count = len(mix.output_sat)
        for row in range(count):
            (share,) = mix.leaving(row)
            assert share.masses == (Fraction(1, count),) * count
            (share,) = mix.entering(row)
            assert share.rows == tuple(range(count))
            assert set(share.masses) == {Fraction(1, count)}


def test_mix__a_round_of_wasabi_1_shares_its_amounts_and_settles_little_change(real):
    mixes = mixes_of(real, "wasabi1", Design.WASABI_1)
    assert len(mixes) >= 170
    fits: Counter[Fit] = Counter()
    for mix in mixes:
        fits.update(mix.searched.values())
        for row in range(len(mix.input_sat)):
            shares = mix.leaving(row)
            total = sum((sum(each.masses) for each in shares), Fraction(0))
            assert 0 < total <= 1
            for share in shares:
                assert {mix.output_sat[place] for place in share.rows} == {share.amount_sat}
                assert share.rule != EQUAL_RULE or share.chance == Fraction(1, len(share.rows))
        for row in range(len(mix.output_sat)):
            assert sum((sum(each.masses) for each in mix.entering(row)), Fraction(0)) in (0, 1)
    # With dozens of participants nearly every change fits several sets, or too many to try.
    assert fits[Fit.UNIQUE] < fits[Fit.SEVERAL] + fits[Fit.UNDECIDED]
    assert int(NO_ADDRESS) not in {row for mix in mixes for row in mix.party}
