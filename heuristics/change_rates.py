"""Published error rates of the rules on change, with the population that they were measured on.

All are by Moeser and Narayanan (Financial Cryptography 2022), read off the stored output of their
executed notebooks (5a, 5d, 5i; maltemoeser/dissertation-code f0e333b), which is more exact than the
paper's tables. They hold for that population and for the authors' definitions; the form of a
rate says where a rule here is defined otherwise.

The population is biased: change that later common spending shows is change of wallets that spend
together. 39 % of its transactions have three inputs or more, of the others 8 %. It ends before
taproot and inscriptions. On labels of another kind (payments between services) the same authors
found combined votes much weaker.
"""

from dataclasses import dataclass
from typing import Literal

from heuristics.change_rules import ChangeRule

POPULATION = 35_257_428
"""Two-output transactions up to block 689,256 (June 2021) whose change common spending shows."""

Form = Literal["plain", "smart", "other"]
"""Whether a rate is that of the rule as it is here (`plain`), of the authors' refinement, which is
not public (`smart`), or of their own definition, which is not public either (`other`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRate:
    """How often a rule was right on the population, in millionths."""

    precision_ppm: int
    """Right among those where the rule votes."""

    recall_ppm: int
    """Right among all."""

    false_positive_ppm: int | None
    """Wrong among all; None where the source does not say."""

    form: Form = "plain"


def _rate(
    precision_ppm: int,
    recall_ppm: int,
    false_positive_ppm: int | None,
    form: Form = "plain",
) -> PublishedRate:
    return PublishedRate(
        precision_ppm=precision_ppm,
        recall_ppm=recall_ppm,
        false_positive_ppm=false_positive_ppm,
        form=form,
    )


PUBLISHED: dict[ChangeRule, PublishedRate] = {
    ChangeRule.OPTIMAL_CHANGE: _rate(920_804, 305_982, 26_317),
    ChangeRule.OPTIMAL_CHANGE_WITH_FEE: _rate(922_025, 239_100, 20_221, "other"),
    ChangeRule.ADDRESS_TYPE: _rate(885_806, 236_927, 30_544),
    ChangeRule.POWER_OF_TEN_2: _rate(975_470, 467_048, 11_745),
    ChangeRule.POWER_OF_TEN_3: _rate(985_533, 419_994, 6_165),
    ChangeRule.POWER_OF_TEN_4: _rate(986_660, 374_834, 5_068),
    ChangeRule.POWER_OF_TEN_5: _rate(981_910, 302_347, 5_570),
    ChangeRule.POWER_OF_TEN_6: _rate(977_040, 211_132, 4_961),
    ChangeRule.POWER_OF_TEN_7: _rate(995_334, 106_845, 501),
    ChangeRule.FRESH: _rate(959_775, 549_630, 23_035),
    ChangeRule.ONE_TIME: _rate(959_775, 549_630, 23_035),
    ChangeRule.SHADOW: _rate(959_775, 549_630, 23_035),
    ChangeRule.ONE_TIME_GLOBAL: _rate(948_515, 561_543, 30_481),
    ChangeRule.SAME_VERSION: _rate(984_883, 245_298, 3_765, "smart"),
    ChangeRule.SAME_LOCKTIME: _rate(990_549, 306_533, 2_925, "smart"),
    ChangeRule.SAME_RBF: _rate(965_413, 75_313, 2_698, "smart"),
    ChangeRule.SAME_SEGWIT: _rate(901_156, 190_708, 20_918, "smart"),
    ChangeRule.SAME_SEGWIT_COMPATIBLE: _rate(965_623, 21_420, 763, "smart"),
    ChangeRule.SAME_ORDER: _rate(831_955, 261_993, 52_919, "smart"),
    ChangeRule.SAME_INPUT_TYPES: _rate(927_760, 294_188, 22_907, "smart"),
    ChangeRule.SAME_P2PKH: _rate(946_506, 239_226, 13_520),
    ChangeRule.SAME_P2SH: _rate(946_294, 268_645, 15_247, "smart"),
    ChangeRule.SAME_P2WPKH: _rate(904_832, 180_882, 19_025, "smart"),
    ChangeRule.SAME_P2WSH: _rate(897_871, 63_110, 7_178, "smart"),
    ChangeRule.SAME_MULTISIG: _rate(996_074, 139_837, 551),
    ChangeRule.SAME_ZEROCONF: _rate(620_483, 100_237, 61_310),
    ChangeRule.SAME_OUTPUT_COUNT: _rate(686_466, 283_425, 129_450),
    ChangeRule.SAME_COUNTS: _rate(710_803, 263_076, 107_035),
    ChangeRule.SAME_FEE: _rate(822_616, 117_414, 25_319),
    ChangeRule.SAME_FEE_RATE: _rate(837_913, 41_868, 8_099),
}
"""On two-output transactions the rules `FRESH`, `ONE_TIME` and `SHADOW` are one."""

VOTE_POPULATION = 34_398_846
"""Of them, those on which at least one of the 26 votes was cast."""

PUBLISHED_VOTE: dict[int, tuple[int, int]] = {
    1: (904_310, 60_610),
    2: (825_690, 30_630),
    3: (727_200, 16_270),
    4: (636_130, 7_460),
    5: (544_610, 3_980),
    6: (459_210, 1_750),
    7: (370_470, 730),
    8: (288_100, 250),
    9: (213_140, 80),
    10: (152_030, 30),
}
"""Of the threshold vote, by the difference needed: right and wrong among all, in millionths."""
