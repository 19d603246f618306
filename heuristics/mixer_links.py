"""Links between what went into a mixer of fixed amounts and what came out: candidates, never facts.

Everybody pays the same amount into a pool, and whoever knows a secret takes as much out. Nothing on
the chain joins the two, but what people do around it may. Each rule below gives pairs of a deposit
and a later withdrawal of the same pool, with a confidence that is capped by how often such a thing
is chance. What several rules say of one pair is joined as independent hints (noisy-or), and divided
by the number of deposits that are supported as well as this one for the same withdrawal, because
one at most is right.

Assumes: one person stands behind a pair of addresses, and made a mistake.
Fails when: somebody pays for somebody else, a service deposits for many, or a pattern is imitated.
Source: Wu et al., TUTELA, 2022 (rules 1 to 5); the confidences are this program's caps. The window
    of rule 4 is read alike on both sides, both ends included.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import NamedTuple, TypeVar

VERSION = 1

ADDRESS = "mixer_address"
GAS_PRICE = "mixer_gas_price"
LINKED = "mixer_linked"
COUNTS = "mixer_counts"
MINING = "mixer_mining"

CONFIDENCE = {ADDRESS: 95, GAS_PRICE: 70, LINKED: 60, COUNTS: 75, MINING: 85}
"""Of one hint, in percent; `mixer_linked` grows with what the two addresses have in common."""

LEAST_MEETINGS = 3
"""Transactions between two addresses from which on they are linked, ..."""

PER_MEETING = 5
MOST_LINKED = 80
"""... each further one adding so much confidence, up to this."""

WINDOW_SECONDS = 86_400
LEAST_COUNTED = 5
LEAST_POOLS = 2

POINTS_PER_BLOCK: Mapping[tuple[str, str], int] = {
    ("ETH", "0.1"): 4, ("ETH", "1"): 20, ("ETH", "10"): 50, ("ETH", "100"): 400,
    ("DAI", "100"): 2, ("DAI", "1000"): 10, ("DAI", "10000"): 40, ("DAI", "100000"): 250,
    ("cDAI", "5000"): 2, ("cDAI", "50000"): 10, ("cDAI", "500000"): 40, ("cDAI", "5000000"): 250,
    ("WBTC", "0.1"): 15, ("WBTC", "1"): 120, ("WBTC", "10"): 1000,
}  # fmt: skip
"""Anonymity points that a deposit earned for each block, by asset and denomination."""


class Deposit(NamedTuple):
    """One payment into a pool."""

    number: int
    pool: int
    account: int
    """Who made it."""

    order: int
    """Place in the chain."""

    time: int
    """Seconds."""

    height: int
    gas_price: int | None = None
    """What the sender chose to pay for gas; nothing where the chain sets a part of it."""


class Withdrawal(NamedTuple):
    """One payment out of a pool."""

    number: int
    pool: int
    account: int
    """Who received it."""

    order: int
    time: int
    height: int
    gas_price: int | None = None
    """The same, of withdrawals that the recipient sent; nothing where a relayer did."""


Event = TypeVar("Event", Deposit, Withdrawal)

Link = tuple[int, int]
"""Numbers of a deposit and a withdrawal."""

Hints = dict[Link, int]
"""Confidence in percent."""


def _fits(deposit: Deposit, withdrawal: Withdrawal) -> bool:
    return deposit.pool == withdrawal.pool and deposit.order < withdrawal.order


def by_address(deposits: Sequence[Deposit], withdrawals: Sequence[Withdrawal]) -> Hints:
    """Who paid in is who was paid out."""
    made: dict[tuple[int, int], list[Deposit]] = defaultdict(list)
    for deposit in deposits:
        made[deposit.pool, deposit.account].append(deposit)
    return {
        (deposit.number, it.number): CONFIDENCE[ADDRESS]
        for it in withdrawals
        for deposit in made[it.pool, it.account]
        if _fits(deposit, it)
    }


def by_gas_price(deposits: Sequence[Deposit], withdrawals: Sequence[Withdrawal]) -> Hints:
    """The deposit's price of gas is the only one of its kind in the pool; somebody repeats it."""
    seen = Counter((it.pool, it.gas_price) for it in deposits)
    only = {(it.pool, it.gas_price): it for it in deposits if seen[it.pool, it.gas_price] == 1}
    pairs = ((only.get((it.pool, it.gas_price)), it) for it in withdrawals if it.gas_price)
    return {
        (deposit.number, it.number): CONFIDENCE[GAS_PRICE]
        for deposit, it in pairs
        if deposit is not None and _fits(deposit, it)
    }


def by_meetings(
    deposits: Sequence[Deposit],
    withdrawals: Sequence[Withdrawal],
    meetings: Mapping[tuple[int, int], int],
) -> Hints:
    """Who paid in and who was paid out paid each other outside the pool, again and again.

    `meetings` has the number of transactions by pair of accounts, the smaller number first.
    """
    friends: dict[int, set[int]] = defaultdict(set)
    for (one, other), count in meetings.items():
        if count >= LEAST_MEETINGS and one != other:
            friends[one].add(other)
            friends[other].add(one)
    made: dict[tuple[int, int], list[Deposit]] = defaultdict(list)
    for deposit in deposits:
        made[deposit.pool, deposit.account].append(deposit)
    hints: Hints = {}
    for it in withdrawals:
        for friend in friends.get(it.account, ()):
            count = meetings[min(friend, it.account), max(friend, it.account)]
            further = PER_MEETING * (count - LEAST_MEETINGS)
            sure = min(MOST_LINKED, CONFIDENCE[LINKED] + further)
            for deposit in made.get((it.pool, friend), ()):
                if _fits(deposit, it):
                    hints[deposit.number, it.number] = sure
    return hints


def by_counts(deposits: Sequence[Deposit], withdrawals: Sequence[Withdrawal]) -> Hints:
    """Within a day as often into each pool as, within a day, out of each."""
    paid_in: dict[tuple[tuple[int, int], ...], list[list[Deposit]]] = defaultdict(list)
    for group in _windows(deposits):
        paid_in[_counts(group)].append(group)
    hints: Hints = {}
    for taken in _windows(withdrawals):
        for group in paid_in.get(_counts(taken), ()):
            for deposit, it in product(group, taken):
                if _fits(deposit, it):
                    hints[deposit.number, it.number] = CONFIDENCE[COUNTS]
    return hints


def _windows(events: Sequence[Event]) -> Iterable[list[Event]]:
    """Yield what each account did within a day, as much as fits in one, in several pools."""
    by_account: dict[int, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda it: it.order):
        by_account[event.account].append(event)
    for account in sorted(by_account):
        listed = by_account[account]
        first = 0
        for last, event in enumerate(listed):
            while event.time - listed[first].time > WINDOW_SECONDS:
                first += 1
            # A window is whole where the next event does not fit into it any more.
            following = listed[last + 1] if last + 1 < len(listed) else None
            if following and following.time - listed[first].time <= WINDOW_SECONDS:
                continue
            group = listed[first : last + 1]
            if len(group) >= LEAST_COUNTED and len({it.pool for it in group}) >= LEAST_POOLS:
                yield group


def _counts(group: Sequence[Deposit] | Sequence[Withdrawal]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(Counter(it.pool for it in group).items()))


def by_points(
    deposits: Sequence[Deposit],
    withdrawals: Sequence[Withdrawal],
    claims: Mapping[int, Sequence[int]],
    rates: Mapping[int, int],
) -> Hints:
    """A reward tells how many blocks the money lay in the pool.

    `claims` has the points that accounts claimed, `rates` the points per block by pool. An account
    that claimed is one that was paid out, or that paid in.
    """
    made: dict[tuple[int, int], list[Deposit]] = defaultdict(list)
    for deposit in deposits:
        made[deposit.pool, deposit.height].append(deposit)
    by_account: dict[int, list[Withdrawal]] = defaultdict(list)
    for it in withdrawals:
        by_account[it.account].append(it)
    own: dict[int, list[Deposit]] = defaultdict(list)
    for deposit in deposits:
        own[deposit.account].append(deposit)
    taken: dict[tuple[int, int], list[Withdrawal]] = defaultdict(list)
    for it in withdrawals:
        taken[it.pool, it.height].append(it)
    hints: Hints = {}
    for account, claimed in claims.items():
        for points, (pool, rate) in product(claimed, sorted(rates.items())):
            blocks, rest = divmod(points, rate)
            if rest or not blocks:
                continue
            pairs = [
                (deposit, it)
                for it in by_account[account]
                for deposit in made.get((pool, it.height - blocks), ())
            ] + [
                (deposit, it)
                for deposit in own[account]
                for it in taken.get((pool, deposit.height + blocks), ())
            ]
            for deposit, it in pairs:
                if _fits(deposit, it):
                    hints[deposit.number, it.number] = CONFIDENCE[MINING]
    return hints


class Support(NamedTuple):
    """What speaks for one pair."""

    hints: tuple[tuple[str, int], ...]
    """Rules and their confidences, in percent."""

    together: Fraction
    """Of all hints, before it is shared out."""

    equals: int
    """Deposits that are supported as well for the same withdrawal, this one among them."""

    @property
    def confidence(self) -> Fraction:
        """Return what is left of it when it is shared out among equals."""
        return self.together / self.equals


def combined(by_rule: Mapping[str, Hints]) -> dict[Link, Support]:
    """Join the hints of all rules, pair by pair."""
    hints: dict[Link, list[tuple[str, int]]] = defaultdict(list)
    for rule in sorted(by_rule):
        for link, sure in by_rule[rule].items():
            hints[link].append((rule, sure))
    together = {link: _noisy_or(sure for _, sure in told) for link, told in hints.items()}
    equals = Counter((withdrawal, together[_, withdrawal]) for _, withdrawal in together)
    return {
        link: Support(tuple(told), together[link], equals[link[1], together[link]])
        for link, told in sorted(hints.items())
    }


def _noisy_or(percents: Iterable[int]) -> Fraction:
    doubt = Fraction(1)
    for percent in percents:
        doubt *= 1 - Fraction(percent, 100)
    return 1 - doubt
