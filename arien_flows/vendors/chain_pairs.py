"""Stable pairs: who pays whom again and again, week after week, more often than chance would.

**What chance is.** In each week keep how many transfers (outputs that pay another entity) `a` made,
A, how many `b` received, B, and how many there were in all, N; and deal the recipients to the
transfers at random. Then `a` pays `b` at least once in that week with probability

    p = 1 - C(N - A, B) / C(N, B).

Weeks are independent, so the number of weeks in which `a` pays `b` is the sum of independent
claims with these probabilities (Poisson-binomial). Its upper tail at what was seen is computed
exactly, up to 40 decimal digits, by adding up positive terms only.

**Many tests.** Of an entity all others that it pays are candidates, and the most regular of many
looks regular by chance. So the bound on the error is divided by the number of entities that it pays
(Bonferroni), whether or not they were looked at further; and the same for those that pay it.

A stable pair of a vendor is a lead to a supplier, a reseller or a regular customer. Paying an
exchange week after week is no pair, because everybody does, and the test knows it. Fails where the
activity of the whole economy in a week says little of what `a` could choose from: two strangers in
a small circle of trade look like a pair. After Nadini and others (Scientific Reports 12, 2022), who
define stable pairs by repeated transfers; the test is this program's own.
"""

from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Literal

import numpy as np

from arien_flows.vendors.chain_ground import VendorGround
from arien_flows.vendors.chain_policy import VendorPolicy
from arien_flows.vendors.chain_wallet import Wallet
from chains.types import Int64Array
from heuristics.transfers import Transfers, count_transfers

WEEK_SECONDS = 7 * 86_400
MOST_TESTED = 200
"""Pairs in each direction that are tested, those of most weeks first."""

DIGITS = 40
_EXACT = Context(prec=DIGITS + 15)

Direction = Literal["pays", "is_paid_by"]


@dataclass(frozen=True, kw_only=True)
class StablePair:
    """Somebody whom the wallet pays, or who pays it, significantly often."""

    other: int
    """The other entity."""

    direction: Direction
    """Whether the wallet pays it or is paid by it."""

    weeks: int
    """Weeks with a transfer."""

    days: int
    """Whole days from the first to the last."""

    transfers: int
    value_sat: int
    tail: Decimal
    """Probability of so many weeks by chance."""

    tests: int
    """Pairs that could have been found, in this direction."""

    bound: Decimal
    """What the probability has to be below: the allowed error divided by the tests."""

    transactions: Int64Array
    """Those with a transfer that were read, in chain order."""

    @property
    def is_stable(self) -> bool:
        """Whether chance is ruled out at the allowed error."""
        return self.tail <= self.bound


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """The stable pairs of a wallet."""

    stable: tuple[StablePair, ...]
    """Most weeks first, ties to the smaller probability, then to the entity first seen."""

    tested: int
    untested: int
    """Candidates past `MOST_TESTED`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """Transfers with one other entity in one direction."""

    other: int
    direction: Direction
    tests: int
    weeks: int
    days: int
    transfers: int
    value_sat: int
    transactions: Int64Array


def stable_pairs(ground: VendorGround, wallet: Wallet, policy: VendorPolicy) -> Pairs:
    """Return the stable pairs of a wallet: one pass over the chain."""
    seen = [each for way in ("pays", "is_paid_by") for each in _seen(ground, wallet, way)]
    likely = [
        each
        for each in seen
        if each.weeks >= policy.least("pair_weeks") and each.days >= policy.least("pair_days")
    ]
    likely.sort(key=lambda each: (-each.weeks, -each.value_sat, each.other))
    chosen = [
        each
        for way in ("pays", "is_paid_by")
        for each in [it for it in likely if it.direction == way][:MOST_TESTED]
    ]
    if not chosen:
        return Pairs(stable=(), tested=0, untested=0)
    starts = week_starts(ground)
    roots = np.unique(np.array([wallet.root, *(each.other for each in chosen)], np.int64))
    counts = count_transfers(
        ground.columns, wallet.labels, ground.marks, starts, roots, wallet.root
    )
    place = {root: row for row, root in enumerate(roots.tolist())}
    found = [
        _tested(each, counts, place[wallet.root], place[each.other], policy) for each in chosen
    ]
    stable = sorted(
        (pair for pair in found if pair.is_stable),
        key=lambda pair: (-pair.weeks, pair.tail, pair.other, pair.direction),
    )
    return Pairs(stable=tuple(stable), tested=len(chosen), untested=len(likely) - len(chosen))


def week_starts(ground: VendorGround) -> Int64Array:
    """Return the first transaction of each week since the first block, and the chain's end.

    Weeks are told by median time past, which never runs backwards.
    """
    view = ground.view
    clock = view.median_times
    weeks = (clock - clock[0]) // WEEK_SECONDS
    blocks = np.searchsorted(weeks, np.arange(int(weeks[-1]) + 1))
    starts = view.first_transaction[blocks].astype(np.int64)
    return np.append(starts, view.counts.transactions)


def chance_in_a_week(total: int, sent: int, received: int) -> Decimal:
    """Return the probability that one of `sent` transfers is among `received`, of `total`."""
    few, many = min(sent, received), max(sent, received)
    if few == 0:
        return Decimal(0)
    if total - many < few:
        return Decimal(1)
    missed = Decimal(1)
    for k in range(few):
        missed = _EXACT.multiply(
            missed, _EXACT.divide(Decimal(total - many - k), Decimal(total - k))
        )
    return _EXACT.subtract(Decimal(1), missed)


def tail_probability(chances: list[Decimal], at_least: int) -> Decimal:
    """Return the probability that at least so many of independent claims hold."""
    if at_least <= 0:
        return Decimal(1)
    # The last place collects everything from `at_least` on, so no difference is ever taken.
    by_count = [Decimal(1)] + [Decimal(0)] * at_least
    for chance in chances:
        rest = _EXACT.subtract(Decimal(1), chance)
        by_count[-1] = _EXACT.fma(by_count[-2], chance, by_count[-1])
        for count in range(at_least - 1, 0, -1):
            kept = _EXACT.multiply(by_count[count], rest)
            by_count[count] = _EXACT.fma(by_count[count - 1], chance, kept)
        by_count[0] = _EXACT.multiply(by_count[0], rest)
    return by_count[-1]


def _tested(
    each: _Seen, counts: Transfers, centre: int, row: int, policy: VendorPolicy
) -> StablePair:
    """Return a pair with the probability that chance makes it."""
    pays = each.direction == "pays"
    sent = counts.sent[centre if pays else row].tolist()
    received = counts.received[row if pays else centre].tolist()
    between = (counts.from_centre if pays else counts.to_centre)[row]
    chances = [
        chance_in_a_week(*week) for week in zip(counts.total.tolist(), sent, received, strict=True)
    ]
    weeks = int(np.count_nonzero(between))
    tail = tail_probability(chances, weeks)
    allowed = Decimal(policy.least("pair_error_per_million")) / 1_000_000
    return StablePair(
        other=each.other,
        direction=each.direction,
        weeks=weeks,
        days=each.days,
        transfers=int(between.sum()),
        value_sat=each.value_sat,
        tail=Context(prec=6).plus(tail),
        tests=each.tests,
        bound=Context(prec=6).divide(allowed, Decimal(each.tests)),
        transactions=each.transactions,
    )


def _seen(ground: VendorGround, wallet: Wallet, direction: Direction) -> list[_Seen]:
    """Return whom the wallet pays, or who pays it, as far as its activity was read."""
    activity, sides = wallet.gathered.activity, wallet.sides
    if direction == "pays":
        rows = np.flatnonzero(sides.is_payment[activity.output_place] & ~activity.output_is_own)
        others = activity.output_holder[rows]
    else:
        first = np.full(len(activity.time), -1, np.int64)
        known = np.flatnonzero(activity.input_holder >= 0)[::-1]
        first[activity.input_place[known]] = activity.input_holder[known]
        rows = np.flatnonzero(sides.is_receipt[activity.output_place] & activity.output_is_own)
        rows = rows[first[activity.output_place[rows]] >= 0]
        others = first[activity.output_place[rows]]
    if len(rows) == 0:
        return []
    clock = ground.view.median_times
    week = (activity.clock[activity.output_place[rows]] - clock[0]) // WEEK_SECONDS
    order = np.argsort(others, kind="stable")
    distinct, begin = np.unique(others[order], return_index=True)
    found = []
    for other, part in zip(distinct.tolist(), np.split(order, begin[1:]), strict=True):
        weeks = len(np.unique(week[part]))
        if weeks < 2:
            continue
        places = np.unique(activity.output_place[rows[part]])
        span = int(activity.clock[places[-1]] - activity.clock[places[0]])
        found.append(
            _Seen(
                other=int(other),
                direction=direction,
                tests=len(distinct),
                weeks=weeks,
                days=span // 86_400,
                transfers=len(part),
                value_sat=int(activity.output_sat[rows[part]].sum()),
                transactions=wallet.gathered.transactions[places],
            )
        )
    return found
