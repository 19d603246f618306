"""What an entity does, in numbers that an investigator can check: the features of its role.

A feature is a count, a share or a duration, measured over the transactions that touch the entity
(its *activity*). Transactions without an input of the entity are its *receipts*; those that spend
from it and pay somebody else are its *payments*; those that spend from it and pay nobody else move
money *inside*. CoinJoins are not among them: in these, nobody can tell who paid whom.

Each measure says on how many observations it rests. Where there are none it has no value, and a
role that asks for it stays undecided: no feature is guessed. Where the activity is only a part of
what the entity did, a count is at least so much, and a share is that of the part.

Values are decimal numbers rounded down, four digits after the point at most, so that what decides
is what is shown. Only a commission's rate, on which nothing turns, is rounded to the nearest.
"""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

import numpy as np

from heuristics.columns import BoolArray, Int64Array

DAY_SECONDS = 86_400
WINDOW_DAYS = 90
BATCH_OUTPUTS = 10
"""A payment with so many spendable outputs, change counted, is a batch."""

COLLECTORS = 10
ROUND_SAT = 100_000
CHIP_SAT = 100_000
"""Fixed denominations are this times a power of two."""

MOST_DOUBLINGS = 20
GRID_STEPS = 10
"""The most frequent ratios that are counted as a grid."""

NOBODY = -1
NOT_SPENT = -1


class Activity(NamedTuple):
    """The transactions of an entity, ascending; inputs and outputs name them by place, from 0."""

    time: Int64Array
    """Of each transaction: what its block's header states, in seconds since 1970, UTC."""

    clock: Int64Array
    """Of each transaction: median time past of its block, which never runs backwards."""

    height: Int64Array
    is_coinbase: BoolArray
    input_place: Int64Array
    """Which transaction each input belongs to, ascending."""

    input_holder: Int64Array
    """Entity of each input, by its first address; `NOBODY` where it is not known."""

    input_is_own: BoolArray
    input_sat: Int64Array
    output_place: Int64Array
    """Which transaction each output belongs to, ascending; outputs of data are left out."""

    output_holder: Int64Array
    output_address: Int64Array
    output_is_own: BoolArray
    output_sat: Int64Array
    spent_clock: Int64Array
    """Median time past when each output was spent; `NOT_SPENT` where it was not."""

    spender_place: Int64Array
    """Which transaction of the activity spends each output; `NOBODY` where none of them does."""


class Measure(NamedTuple):
    """One feature."""

    value: Decimal | None
    """Nothing where there is nothing to measure."""

    observations: int
    """What it rests on; for a count the count itself."""

    is_count: bool = False
    """Whether a part of the activity shows only that it is at least so much."""


class Sides(NamedTuple):
    """What each transaction is to the entity; arrays over the transactions of an activity."""

    own_inputs: Int64Array
    inputs: Int64Array
    own_outputs: Int64Array
    outputs: Int64Array
    received_sat: Int64Array
    sent_sat: Int64Array
    paid_sat: Int64Array
    """What goes to others."""

    is_receipt: BoolArray
    is_payment: BoolArray
    is_inside: BoolArray


def sides_of(activity: Activity) -> Sides:
    """Return what each transaction is to the entity."""
    count = len(activity.time)

    def counted(places: Int64Array) -> Int64Array:
        return np.bincount(places, minlength=count).astype(np.int64)

    def summed(places: Int64Array, amounts: Int64Array) -> Int64Array:
        # Weighted counts would go through floats, which money must not.
        sums = np.zeros(count, dtype=np.int64)
        np.add.at(sums, places, amounts)
        return sums

    own_in, own_out = activity.input_is_own, activity.output_is_own
    own_inputs = counted(activity.input_place[own_in])
    own_outputs = counted(activity.output_place[own_out])
    outputs = counted(activity.output_place)
    spends, pays = own_inputs > 0, outputs > own_outputs
    return Sides(
        own_inputs=own_inputs,
        inputs=counted(activity.input_place),
        own_outputs=own_outputs,
        outputs=outputs,
        received_sat=summed(activity.output_place[own_out], activity.output_sat[own_out]),
        sent_sat=summed(activity.input_place[own_in], activity.input_sat[own_in]),
        paid_sat=summed(activity.output_place[~own_out], activity.output_sat[~own_out]),
        is_receipt=~spends & (own_outputs > 0),
        is_payment=spends & pays,
        is_inside=spends & ~pays,
    )


def count_of(number: int) -> Measure:
    """Return a count as a measure."""
    return Measure(value=Decimal(int(number)), observations=int(number), is_count=True)


def share(part: int, whole: int) -> Measure:
    """Return a share, rounded down to four digits; no value of nothing."""
    if whole == 0:
        return Measure(value=None, observations=0)
    value = (Decimal(int(part)) / Decimal(int(whole))).quantize(Decimal("0.0001"), ROUND_DOWN)
    return Measure(value=value, observations=int(whole))


def share_true(claims: BoolArray) -> Measure:
    """Return the share of claims that hold."""
    return share(int(np.count_nonzero(claims)), len(claims))


def median(numbers: Int64Array) -> Measure:
    """Return the lower median."""
    if len(numbers) == 0:
        return Measure(value=None, observations=0)
    middle = np.sort(numbers)[(len(numbers) - 1) // 2]
    return Measure(value=Decimal(int(middle)), observations=len(numbers))


def most_in_a_window(clock: Int64Array, holders: Int64Array) -> int:
    """Return the most distinct holders in one of the 90-day windows before the last event.

    The windows do not overlap and are counted back from the last event, so that the number can be
    checked by hand; a window that slides freely would find as many or more.
    """
    if len(clock) == 0:
        return 0
    window = (clock.max() - clock) // (WINDOW_DAYS * DAY_SECONDS)
    # Holders are 32 bits wide.
    pairs = np.unique(window << 32 | holders)
    return int(np.bincount(pairs >> 32).max())


def hour_entropy(times: Int64Array) -> Measure:
    """Return the entropy of the hours of the day (UTC), in bits: 4.58 if all are alike."""
    if len(times) == 0:
        return Measure(value=None, observations=0)
    counts = np.bincount(times % DAY_SECONDS // 3600)
    shares = counts[counts > 0] / len(times)
    bits = max(0.0, float(-(shares * np.log2(shares)).sum()))
    value = Decimal(f"{bits:.6f}").quantize(Decimal("0.001"), ROUND_DOWN)
    return Measure(value=value, observations=len(times))


def is_chip(amounts: Int64Array) -> BoolArray:
    """Return which amounts are 0.001 times a power of two, in bitcoin."""
    return np.isin(amounts, CHIP_SAT << np.arange(MOST_DOUBLINGS, dtype=np.int64))


class Peak(NamedTuple):
    """Where many rates lie close together."""

    rate_ppm: int
    """The middle of the window that holds most of them, in millionths."""

    inside: int
    """Rates in the window."""


def narrowest_peak(rates_ppm: Int64Array, half_width_ppm: int) -> Peak | None:
    """Return the window of a width that holds most rates: the mode of a box-shaped kernel.

    Of several the lowest; its rate is the lower median of the rates inside.
    """
    if len(rates_ppm) == 0:
        return None
    ordered = np.sort(rates_ppm)
    ends = np.searchsorted(ordered, ordered + 2 * half_width_ppm, side="right")
    inside = ends - np.arange(len(ordered))
    first = int(np.argmax(inside))
    count = int(inside[first])
    return Peak(rate_ppm=int(ordered[first + (count - 1) // 2]), inside=count)


def rates_ppm(part: Int64Array, whole: Int64Array) -> Int64Array:
    """Return parts of positive amounts in millionths, rounded down, exactly.

    Amounts are up to 2**63 / 1000; a million times all coins there are would not fit 64 bits, so
    three digits are found at a time.
    """
    thousandths, rest = np.divmod(part * 1_000, whole)
    rates: Int64Array = thousandths * 1_000 + rest * 1_000 // whole
    return rates


class CommissionRange(NamedTuple):
    """Which rates may be commissions, and how close together they have to lie; millionths."""

    least_ppm: int
    most_ppm: int
    half_width_ppm: int


def commission_measures(
    activity: Activity, sides: Sides, limits: CommissionRange
) -> dict[str, Measure]:
    """Return how often the entity gets the same small share of a payment to two.

    Looked at are receipts with two spendable outputs of which one is the entity's: somebody's money
    is split between it and another. Of these, shares in the range are candidates.
    """
    split = sides.is_receipt & ~activity.is_coinbase & (sides.outputs == 2)
    split &= sides.own_outputs == 1
    own, other = sides.received_sat[split], sides.paid_sat[split]
    total = own + other
    known = total > 0
    rates = rates_ppm(own[known], total[known])
    candidates = rates[(rates >= limits.least_ppm) & (rates <= limits.most_ppm)]
    peak = narrowest_peak(candidates, limits.half_width_ppm)
    found = {
        "commission_candidates": count_of(len(candidates)),
        "commission_peak_share": share(peak.inside if peak else 0, len(candidates)),
        "commission_peak_share_of_splits": share(peak.inside if peak else 0, len(rates)),
        "commission_rate": Measure(value=None, observations=0),
    }
    if peak is not None:
        rate = Decimal(peak.rate_ppm) / 1_000_000
        nearest = rate.quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
        found["commission_rate"] = Measure(value=nearest, observations=peak.inside)
    return found


def counterparties(activity: Activity, sides: Sides) -> dict[str, Measure]:
    """Return how many different others pay the entity, and are paid by it."""
    senders_at, senders = _senders(activity, sides)
    paid = sides.is_payment[activity.output_place] & ~activity.output_is_own
    recipients_at, recipients = activity.output_place[paid], activity.output_holder[paid]
    overlap = np.intersect1d(senders, recipients)
    clock = activity.clock
    return {
        "senders": count_of(len(np.unique(senders))),
        "recipients": count_of(len(np.unique(recipients))),
        "senders_in_90_days": count_of(most_in_a_window(clock[senders_at], senders)),
        "recipients_in_90_days": count_of(most_in_a_window(clock[recipients_at], recipients)),
        "recipients_who_sent_share": share(len(overlap), len(np.unique(recipients))),
    }


def _senders(activity: Activity, sides: Sides) -> tuple[Int64Array, Int64Array]:
    """Return who pays in each receipt: the holder of its first known input."""
    known = sides.is_receipt[activity.input_place] & (activity.input_holder != NOBODY)
    places, first = np.unique(activity.input_place[known], return_index=True)
    return places, activity.input_holder[known][first]


def payment_measures(activity: Activity, sides: Sides) -> dict[str, Measure]:
    """Return the form of the entity's payments."""
    payments = sides.is_payment
    outputs = sides.outputs[payments]
    out = sides.is_payment[activity.output_place] & ~activity.output_is_own
    amounts = activity.output_sat[out]
    chips = is_chip(amounts)
    spends = sides.own_inputs > 0
    return {
        "payments": count_of(int(np.count_nonzero(payments))),
        "batch_payouts": count_of(int(np.count_nonzero(outputs >= BATCH_OUTPUTS))),
        "batch_payout_share": share_true(outputs >= BATCH_OUTPUTS),
        "one_in_two_out_share": share_true((sides.inputs[payments] == 1) & (outputs == 2)),
        "single_input_share": share_true(sides.inputs[spends] == 1),
        "keeps_nothing_share": share_true(sides.own_outputs[payments] == 0),
        "hour_entropy_bits": hour_entropy(activity.time[payments]),
        "fixed_denomination_share": share_true(chips),
        "fixed_denominations": count_of(len(np.unique(amounts[chips]))),
        "sweep_inputs_median": median(sides.own_inputs[sides.is_inside]),
    }


def receipt_measures(activity: Activity, sides: Sides) -> dict[str, Measure]:
    """Return the form of what the entity receives, and how long it keeps it."""
    got = sides.is_receipt[activity.output_place] & activity.output_is_own
    amounts, places = activity.output_sat[got], activity.output_place[got]
    spent = activity.spent_clock[got]
    dwell = (spent - activity.clock[places])[spent != NOT_SPENT]
    addresses = np.unique(activity.output_address[activity.output_is_own], return_counts=True)[1]
    receipts = sides.is_receipt
    from_coinbase = receipts & activity.is_coinbase
    ordinary = receipts & ~activity.is_coinbase
    return {
        "receipts": count_of(int(np.count_nonzero(receipts))),
        "receipt_median_sat": median(amounts),
        "round_receipt_share": share_true(amounts % ROUND_SAT == 0),
        "two_output_receipt_share": share_true(sides.outputs[ordinary] == 2),
        "coinbase_receipts": count_of(int(np.count_nonzero(from_coinbase))),
        "coinbase_value_share": share(
            int(sides.received_sat[from_coinbase].sum()), int(sides.received_sat[receipts].sum())
        ),
        "dwell_median_seconds": median(dwell),
        "unspent_receipt_share": share_true(spent == NOT_SPENT),
        "addresses_received_at": count_of(len(addresses)),
        "one_time_address_share": share_true(addresses == 1),
        "swept_in_a_day_to_ten_share": _swept(activity, sides, got),
    }


def _swept(activity: Activity, sides: Sides, got: BoolArray) -> Measure:
    """Return the share of receiving addresses whose first receipt goes to a collector in a day.

    Collectors are the ten addresses of the entity that its own spends pay most often.
    """
    own_spends = sides.own_inputs[activity.output_place] > 0
    kept = activity.output_is_own & own_spends
    addresses, times = np.unique(activity.output_address[kept], return_counts=True)
    collectors = addresses[np.lexsort((addresses, -times))[:COLLECTORS]]
    collecting = np.zeros(len(activity.time), dtype=np.bool_)
    to_collector = kept & np.isin(activity.output_address, collectors)
    collecting[activity.output_place[to_collector]] = True
    receiving, first = np.unique(activity.output_address[got], return_index=True)
    rows = np.flatnonzero(got)[first]
    spender = activity.spender_place[rows]
    waited = activity.spent_clock[rows] - activity.clock[activity.output_place[rows]]
    in_time = (activity.spent_clock[rows] != NOT_SPENT) & (waited <= DAY_SECONDS)
    swept = in_time & (spender != NOBODY) & collecting[np.maximum(spender, 0)]
    return share(int(np.count_nonzero(swept)), len(receiving))


def pay_back_measures(activity: Activity, sides: Sides) -> dict[str, Measure]:
    """Return how often a sender is paid in the block of its payment or the next, and how much.

    A game pays at once, and by a short list of odds: the ratio of prize to bet, in thousandths,
    takes few values. Each receipt is matched with the first such payment to its sender.
    """
    places, senders = _senders(activity, sides)
    paid = np.flatnonzero(sides.is_payment[activity.output_place] & ~activity.output_is_own)
    holders = activity.output_holder[paid]
    order = np.argsort(holders, kind="stable")
    paid, holders = paid[order], holders[order]
    paid_at = activity.output_place[paid]
    ratios: list[int] = []
    begins = np.searchsorted(holders, senders, side="left").tolist()
    ends = np.searchsorted(holders, senders, side="right").tolist()
    for place, begin, end in zip(places.tolist(), begins, ends, strict=True):
        # Places ascend inside the stretch of one holder.
        at = begin + int(np.searchsorted(paid_at[begin:end], place))
        if at == end:
            continue
        if activity.height[paid_at[at]] - activity.height[place] <= 1:
            prize, bet = int(activity.output_sat[paid[at]]), int(sides.received_sat[place])
            if bet:
                ratios.append(prize * 1000 // bet)
    counts = np.sort(np.unique(ratios, return_counts=True)[1])[::-1]
    return {
        "paid_back_at_once_share": share(len(ratios), len(places)),
        "ratio_on_grid_share": share(int(counts[:GRID_STEPS].sum()), len(ratios)),
    }


def inside_measures(activity: Activity, sides: Sides, entity: int) -> dict[str, Measure]:
    """Return how much of an address's money comes from, and goes to, the rest of its entity."""
    got = sides.is_receipt
    senders_at, senders = _senders(activity, sides)
    from_inside = senders_at[senders == entity]
    paid = sides.is_payment[activity.output_place] & ~activity.output_is_own
    amounts, holders = activity.output_sat[paid], activity.output_holder[paid]
    inside = holders == entity
    targets = np.unique(activity.output_address[paid][inside])
    return {
        "received_from_inside_share": share(
            int(sides.received_sat[from_inside].sum()), int(sides.received_sat[got].sum())
        ),
        "sent_inside_share": share(int(amounts[inside].sum()), int(amounts.sum())),
        "inside_targets": count_of(len(targets)),
    }


def measures_of(activity: Activity, entity: int, limits: CommissionRange) -> dict[str, Measure]:
    """Return all features that need nothing but the activity.

    `entity` is the holder whose activity it is, or of which the address is whose activity it is.
    """
    sides = sides_of(activity)
    return {
        **inside_measures(activity, sides, entity),
        **counterparties(activity, sides),
        **payment_measures(activity, sides),
        **receipt_measures(activity, sides),
        **pay_back_measures(activity, sides),
        **commission_measures(activity, sides, limits),
        "moves_inside": count_of(int(np.count_nonzero(sides.is_inside))),
        "active_days": count_of(len(np.unique(activity.time // DAY_SECONDS))),
    }
