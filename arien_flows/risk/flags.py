"""Behaviour on the chain that lists of red flags name, measured over a bounded part of an activity.

Each flag is an inference of a rule with thresholds that stand in this module; none has a measured
error rate on real cases. Each is *shown* by transactions that anybody can look at, or *not shown*
by the whole activity. Where only a part of it was read, or prices are missing, it is *undecided*;
what cannot be seen on one chain is *not measured*. Neither of the two is a clean bill.

CoinJoins are left out of the activity: in these, nobody can tell who paid whom.

Source: the computable part of FATF's red-flag indicators for virtual assets (2020), with
thresholds of this program's own.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from arien_flows.amounts import asset_of, counted
from arien_flows.attribution.naming import Naming
from arien_flows.entities.activity import Gathered
from arien_flows.entities.peel_chains import chain_through
from arien_flows.entities.peel_hops import Hops
from arien_flows.entities.peel_measures import behaviour
from arien_flows.ledger.view import View
from arien_flows.prices.rates import PriceBook, Rates
from arien_flows.risk.inputs import Flag, Verdict
from chains.types import BoolArray, Int64Array
from heuristics.role_features import NOT_SPENT, Sides, sides_of

VERSION = 1
"""Raised whenever a flag can come out otherwise on the same ledger."""

CURRENCY = "USD"
"""Of the thresholds in money."""

HOUR_SECONDS = 3_600
DAY_SECONDS = 86_400
QUICK_SECONDS = HOUR_SECONDS
LEAST_PASSED_PERCENT = 90
LEAST_PASSES = 5
THRESHOLDS = (1_000, 3_000, 10_000)
"""Round amounts from which people are asked questions, in whole units of the currency."""

JUST_BELOW_PERCENT = 90
"""From here of a threshold to below it is just below it."""

LEAST_TRANSFERS = 10
LEAST_HOPS = 10
LAST_PAYMENTS = 5
"""Payments whose peel chains are followed."""

LARGE = 10_000
DORMANT_SECONDS = 2 * 365 * DAY_SECONDS
EMPTIED_PERCENT = 99
DUST_SAT = 1_000
LEAST_DUST_OUTPUTS = 10
MOST_SHOWN = 20
"""Transactions that are named as evidence."""

MOST_SAT = 2**62
"""More than any amount: what a coin without worth would need."""

MIXER, EXCHANGES = "custodial_mixer", ("exchange", "no_kyc_exchange", "high_risk_exchange")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What flags are measured on."""

    view: View
    gathered: Gathered
    hops: Hops
    naming: Naming
    prices: PriceBook


def flags_of(seen: Observed) -> tuple[Flag, ...]:
    """Return every flag, whatever it came to."""
    sides = sides_of(seen.gathered.activity)
    return (
        *(measure(seen, sides) for measure in _MEASURES),
        _not_measured("chain_hopping", "this ledger holds one chain and one asset"),
        _not_measured("night_profile", "no time zone can be declared to compare with"),
    )


def _rapid_pass_through(seen: Observed, sides: Sides) -> Flag:
    """Receipts of which nearly all left the subject again within the hour."""
    activity = seen.gathered.activity
    clock = activity.clock[activity.output_place]
    paid_percent = sides.paid_sat * 100 >= sides.sent_sat * LEAST_PASSED_PERCENT
    goes_on = activity.spender_place >= 0
    leaves = np.zeros(len(clock), np.bool_)
    leaves[goes_on] = paid_percent[activity.spender_place[goes_on]]
    quick = (
        activity.output_is_own
        & (activity.spent_clock != NOT_SPENT)
        & (activity.spent_clock - clock <= QUICK_SECONDS)
        & leaves
    )
    passed = np.zeros(len(activity.time), np.int64)
    np.add.at(passed, activity.output_place[quick], activity.output_sat[quick])
    through = sides.is_receipt & (passed * 100 >= sides.received_sat * LEAST_PASSED_PERCENT)
    through &= sides.received_sat > 0
    count = int(np.count_nonzero(through))
    return _counted(
        seen,
        "rapid_pass_through",
        through,
        count >= LEAST_PASSES,
        f"{counted(count, 'receipt')} left within an hour for {LEAST_PASSED_PERCENT} % or more; "
        f"{LEAST_PASSES} show it",
    )


def _structuring(seen: Observed, sides: Sides) -> Flag:
    """Many transfers just below a round threshold within a day, in or out."""
    activity = seen.gathered.activity
    into = sides.is_receipt[activity.output_place] & activity.output_is_own
    out = sides.is_payment[activity.output_place] & ~activity.output_is_own
    rates = seen.prices.rates(activity.clock[activity.output_place])
    priced = rates.place >= 0
    unpriced = int(np.count_nonzero((into | out) & ~priced))
    most, best = 0, np.zeros(len(activity.time), np.bool_)
    for threshold in THRESHOLDS:
        begin = _least_sat(seen, rates, Fraction(threshold * JUST_BELOW_PERCENT, 100))
        end = _least_sat(seen, rates, Fraction(threshold))
        near = priced & (activity.output_sat >= begin) & (activity.output_sat < end)
        for side in (into, out):
            places = np.sort(activity.output_place[near & side])
            count, chosen = _most_in_a_day(activity.clock, places)
            if count > most:
                most, best = count, chosen
    if most < LEAST_TRANSFERS and unpriced:
        return _undecided("structuring", f"{unpriced:,} transfers have no price in {CURRENCY}")
    return _counted(
        seen,
        "structuring",
        best,
        most >= LEAST_TRANSFERS,
        f"at most {counted(most, 'transfer')} within 24 hours lay in the last "
        f"{100 - JUST_BELOW_PERCENT} % below {_thresholds()} {CURRENCY}; {LEAST_TRANSFERS} show it",
    )


def _most_in_a_day(clock: Int64Array, places: Int64Array) -> tuple[int, BoolArray]:
    """Return the most of some transactions (named once a transfer) within 24 hours, and which."""
    chosen: BoolArray = np.zeros(len(clock), np.bool_)
    if not len(places):
        return 0, chosen
    times = clock[places]
    ends = np.searchsorted(times, times + DAY_SECONDS, side="right")
    counts = ends - np.arange(len(times))
    start = int(np.argmax(counts))
    chosen[places[start : int(ends[start])]] = True
    return int(counts[start]), chosen


def _peel_chain(seen: Observed, sides: Sides) -> Flag:
    """Sums that are paid out of one coin, again and again, the rest going on."""
    payments = seen.gathered.transactions[sides.is_payment][-LAST_PAYMENTS:].tolist()
    longest: tuple[int, ...] = ()
    for payment in payments:
        chain = chain_through(seen.hops, payment)
        if behaviour(seen.view, chain).is_peel_chain and len(chain) > len(longest):
            longest = tuple(hop.transaction for hop in chain)
    told = (
        f"the longest peel chain through one of the last {LAST_PAYMENTS} payments has "
        f"{len(longest)} hops; {LEAST_HOPS} show it"
    )
    if len(longest) < LEAST_HOPS:
        # Of the earlier payments nothing is said.
        is_all = int(np.count_nonzero(sides.is_payment)) <= LAST_PAYMENTS
        whole = seen.gathered.is_whole and is_all
        verdict = Verdict.NOT_SHOWN if whole else Verdict.UNDECIDED
        return Flag(name="peel_chain", verdict=verdict, measured=told)
    return _shown("peel_chain", told, seen.view, longest)


def _new_and_large(seen: Observed, sides: Sides) -> Flag:
    """Large sums on the first day of an owner who was not there before."""
    activity, name = seen.gathered.activity, "new_and_large"
    if not seen.gathered.is_whole:
        return _undecided(name, "the first transactions may not be among those that were read")
    if not len(activity.time):
        return Flag(name=name, verdict=Verdict.NOT_SHOWN, measured="there are no transactions")
    first = sides.is_receipt & (activity.clock <= activity.clock[0] + DAY_SECONDS)
    own = activity.output_is_own & first[activity.output_place]
    worth = _worth(seen, activity.output_sat[own], activity.clock[activity.output_place[own]])
    if (worth < 0).any():
        missing = int(np.count_nonzero(worth < 0))
        return _undecided(name, f"{missing:,} receipts have no price in {CURRENCY}")
    total = int(worth.sum())
    told = (
        f"within 24 hours of its first transaction it received {_money(total)}; "
        f"{LARGE:,} {CURRENCY} show it"
    )
    return _counted(seen, name, first, total >= LARGE * 100, told)


def _dormant_then_emptied(seen: Observed, sides: Sides) -> Flag:
    """Nothing for more than two years, and then nearly everything at once."""
    activity, name = seen.gathered.activity, "dormant_then_emptied"
    if not seen.gathered.is_whole:
        return _undecided(name, "what it held before cannot be told from the part that was read")
    held = np.cumsum(sides.received_sat - sides.sent_sat) - sides.received_sat + sides.sent_sat
    gap = np.diff(activity.clock, prepend=activity.clock[:1])
    emptied = (
        sides.is_payment
        & (gap > DORMANT_SECONDS)
        & (held > 0)
        & (sides.sent_sat * 100 >= held * EMPTIED_PERCENT)
    )
    count = int(np.count_nonzero(emptied))
    told = (
        f"{counted(count, 'payment')} spent {EMPTIED_PERCENT} % or more of what it held after more "
        "than two years without a transaction; one shows it"
    )
    return _counted(seen, name, emptied, count > 0, told)


def _mixer_then_exchange(seen: Observed, sides: Sides) -> Flag:
    """Money from a mixing service, and afterwards a payment to an exchange."""
    activity, name = seen.gathered.activity, "mixer_then_exchange"
    if MIXER not in seen.naming.categories:
        return _undecided(name, "no tag names a mixing service")
    if seen.naming.categories.isdisjoint(EXCHANGES):
        return _undecided(name, "no tag names an exchange")
    mixed = sides.is_receipt & _touches(
        seen, activity.input_place, activity.input_holder, lambda category: category == MIXER
    )
    others = np.where(activity.output_is_own, -1, activity.output_holder)
    cashed = sides.is_payment & _touches(
        seen, activity.output_place, others, lambda category: category in EXCHANGES
    )
    first = np.flatnonzero(mixed)[:1]
    after = cashed & (np.arange(len(cashed)) > (first[0] if len(first) else len(cashed)))
    told = (
        f"{counted(int(np.count_nonzero(mixed)), 'receipt')} from mixing services, and "
        f"{counted(int(np.count_nonzero(after)), 'payment')} to exchanges after the first of them"
    )
    which = after.copy()
    which[first] = True
    return _counted(seen, name, which, bool(after.any()), told)


def _touches(
    seen: Observed, place: Int64Array, holder: Int64Array, wanted: Callable[[str], bool]
) -> BoolArray:
    """Return which transactions have an input or output of an owner of a wanted category."""
    found: BoolArray = np.zeros(len(seen.gathered.transactions), np.bool_)
    known = np.isin(holder, seen.naming.root)
    roots = np.unique(holder[known]).tolist()
    meant = [root for root in roots if wanted(seen.naming.of_entity(root).category)]
    found[place[np.isin(holder, np.array(meant, np.int64))]] = True
    return found


def _dust_sending(seen: Observed, sides: Sides) -> Flag:
    """Payments of next to nothing to many, which mark or poison addresses."""
    activity = seen.gathered.activity
    dust = ~activity.output_is_own & (activity.output_sat <= DUST_SAT)
    counts = np.bincount(activity.output_place[dust], minlength=len(activity.time))
    sending = sides.is_payment & (counts >= LEAST_DUST_OUTPUTS)
    count = int(np.count_nonzero(sending))
    told = (
        f"{counted(count, 'payment')} with {LEAST_DUST_OUTPUTS} or more outputs of at most "
        f"{DUST_SAT:,} sat to others; one shows it"
    )
    return _counted(seen, "dust_sending", sending, count > 0, told)


_MEASURES = (
    _rapid_pass_through,
    _mixer_then_exchange,
    _structuring,
    _peel_chain,
    _new_and_large,
    _dormant_then_emptied,
    _dust_sending,
)


def _counted(seen: Observed, name: str, which: BoolArray, is_shown: bool, told: str) -> Flag:
    """Return a flag that some transactions show, or that none do as far as was read."""
    if is_shown:
        return _shown(name, told, seen.view, seen.gathered.transactions[which].tolist())
    gathered = seen.gathered
    if gathered.is_whole:
        return Flag(name=name, verdict=Verdict.NOT_SHOWN, measured=told)
    left_out = gathered.cut or f"{counted(gathered.coinjoins, 'CoinJoin')} left out"
    return Flag(name=name, verdict=Verdict.UNDECIDED, measured=f"{told}; {left_out}")


def _shown(name: str, told: str, view: View, transactions: Sequence[int]) -> Flag:
    shown = np.array(transactions[:MOST_SHOWN], np.int64)
    more = len(transactions) - len(shown)
    return Flag(
        name=name,
        verdict=Verdict.SHOWN,
        measured=f"{told} ({more:,} transactions more than are listed)" if more else told,
        transactions=tuple(view.txid_texts(shown)),
    )


def _undecided(name: str, why: str) -> Flag:
    return Flag(name=name, verdict=Verdict.UNDECIDED, measured=why)


def _not_measured(name: str, why: str) -> Flag:
    return Flag(name=name, verdict=Verdict.NOT_MEASURED, measured=why)


def _worth(seen: Observed, amounts: Int64Array, clock: Int64Array) -> Int64Array:
    """Return what amounts were worth in hundredths of the currency, rounded down; -1 unpriced."""
    worth: Int64Array = np.full(len(amounts), -1, np.int64)
    rates = seen.prices.rates(clock)
    exact = [Fraction(rate.price) * 100 / _scale(seen) for rate in rates.rates]
    for i in np.flatnonzero(rates.place >= 0).tolist():
        worth[i] = int(int(amounts[i]) * exact[int(rates.place[i])])
    return worth


def _least_sat(seen: Observed, rates: Rates, money: Fraction) -> Int64Array:
    """Return the smallest amount that is worth some money, at each moment's rate; 0 unpriced."""
    prices = [Fraction(rate.price) for rate in rates.rates]
    least = [
        min(math.ceil(money * _scale(seen) / price), MOST_SAT) if price else MOST_SAT
        for price in prices
    ]
    found: Int64Array = np.array([*least, 0], np.int64)[rates.place]
    return found


def _scale(seen: Observed) -> int:
    return int(10 ** asset_of(seen.view.network.name).decimals)


def _money(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02d} {CURRENCY}"


def _thresholds() -> str:
    *first, last = (f"{each:,}" for each in THRESHOLDS)
    return f"{', '.join(first)} or {last}"
