"""Figures that others printed about the rules which this program follows.

They are shown beside what this program measures, never instead of it: they were found with other
implementations, on other stretches of the chain, and mostly on transactions whose change became
known later, which are not like the rest: 39 % of these have three inputs or more, of the others
8 %. Only figures that were read in the place named are here; none is quoted at second hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass

MOESER = "Moeser and Narayanan, FC 2022; their notebooks 5a, 5d and 5i (dissertation-code f0e333b)"
PAYMENTS = "35,257,428 two-output transactions whose change co-spending showed later (to 689,256)"
SMART = "the votes in a form that is not public"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What a source states of a rule; shares as decimal numbers, as they are printed."""

    population: str
    source: str
    precision: str = ""
    recall: str = ""
    """Share of all transactions of the population whose change is found."""

    false_positive_rate: str = ""
    """Share of all transactions of the population in which another output is named."""


def _vote(
    precision: str, recall: str, false_positive_rate: str, form: str = ""
) -> tuple[Stated, ...]:
    """Return a row of the table of single votes; `form` says how the rule differed from ours."""
    return (
        Stated(
            population=f"{PAYMENTS}; {form}" if form else PAYMENTS,
            source=MOESER,
            precision=precision,
            recall=recall,
            false_positive_rate=false_positive_rate,
        ),
    )


def _combined(what: str, recall: str, false_positive_rate: str) -> Stated:
    return Stated(
        population=what,
        source="Moeser and Narayanan, FC 2022; their notebooks on combined votes and on services",
        recall=recall,
        false_positive_rate=false_positive_rate,
    )


_FRESH = _vote("0.959775", "0.549630", "0.023035")

PUBLISHED: Mapping[str, tuple[Stated, ...]] = {
    "cospend": (
        Stated(
            population="37,585 wallets that a filter leaked; the share of their addresses found",
            source="Nick, thesis, ETH Zurich 2015, abstract",
            recall="0.6859",
        ),
    ),
    "change_optimal_change": _vote("0.920804", "0.305982", "0.026317"),
    "change_optimal_change_with_fee": _vote("0.922025", "0.239100", "0.020221", SMART),
    "change_address_type": _vote("0.885806", "0.236927", "0.030544"),
    "change_power_of_ten_2": _vote("0.975470", "0.467048", "0.011745"),
    "change_power_of_ten_3": _vote("0.985533", "0.419994", "0.006165"),
    "change_power_of_ten_4": _vote("0.986660", "0.374834", "0.005068"),
    "change_power_of_ten_5": _vote("0.981910", "0.302347", "0.005570"),
    "change_power_of_ten_6": _vote("0.977040", "0.211132", "0.004961"),
    "change_power_of_ten_7": _vote("0.995334", "0.106845", "0.000501"),
    "change_fresh": _FRESH,
    "change_one_time": _FRESH,
    "change_shadow": _FRESH,
    "change_one_time_global": _vote("0.948515", "0.561543", "0.030481"),
    "change_same_version": _vote("0.984883", "0.245298", "0.003765", SMART),
    "change_same_locktime": _vote("0.990549", "0.306533", "0.002925", SMART),
    "change_same_rbf": _vote("0.965413", "0.075313", "0.002698", SMART),
    "change_same_segwit": _vote("0.901156", "0.190708", "0.020918", SMART),
    "change_same_segwit_compatible": _vote("0.965623", "0.021420", "0.000763", SMART),
    "change_same_order": _vote("0.831955", "0.261993", "0.052919", SMART),
    "change_same_input_types": _vote("0.927760", "0.294188", "0.022907", SMART),
    "change_same_p2pkh": _vote("0.946506", "0.239226", "0.013520"),
    "change_same_p2sh": _vote("0.946294", "0.268645", "0.015247", SMART),
    "change_same_p2wpkh": _vote("0.904832", "0.180882", "0.019025", SMART),
    "change_same_p2wsh": _vote("0.897871", "0.063110", "0.007178", SMART),
    "change_same_multisig": _vote("0.996074", "0.139837", "0.000551"),
    "change_same_zeroconf": _vote("0.620483", "0.100237", "0.061310"),
    "change_same_output_count": _vote("0.686466", "0.283425", "0.129450"),
    "change_same_counts": _vote("0.710803", "0.263076", "0.107035"),
    "change_same_fee": _vote("0.822616", "0.117414", "0.025319"),
    "change_same_fee_rate": _vote("0.837913", "0.041868", "0.008099"),
    "change_vote": (_combined(f"{PAYMENTS}; {SMART}; 7 votes ahead", "0.37047", "0.00073"),),
    "change_model": (
        _combined("wallets held out; the authors' random forest", "0.8005", "0.0005"),
        _combined(
            "537,548 outputs paid between tagged services; the authors' random forest",
            "0.069",
            "0.0005",
        ),
    ),
}
"""By the names of this program's rules."""
