"""Through a CoinJoin: where the coin behind one input may have gone, in exact fractions.

A CoinJoin is made so that nobody can tell; what is said here are candidates and never facts. Two
numbers stand beside each candidate. The *chance* is that it belongs to the owner of the coin that
was asked about: one in `a` for each of `a` equal outputs, one for change that only his coins can
have paid for. The *mass* is the part of his money that it stands for under these chances: all
masses and the *rest*, of which nothing is known, sum to one. Masses multiply from one CoinJoin to
the next.

What a party brings is thought to fill the agreed amounts from the smallest up, one output of each
that it can pay for, and the remainder to come back as change. The rounds of Wasabi 2 have no such
order: there money is spread over the standard amounts as it is over the outputs, and what came
back in an amount of its own is the rest.

Backward the same is read in the mirror: an equal output may come from each party that filled its
amount, in proportion to what it put in, and change from those that alone can have paid for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

import numpy as np

from heuristics.coinjoin_packing import FEE_PPM, LEAST_FEE_SAT
from heuristics.columns import NO_ADDRESS, Int64Array, UInt32Array
from heuristics.demix_search import Fit, fit

VERSION = 1
"""Raised whenever a rule can give another answer on the same transactions."""

MOST_CHANGES = 200
"""Most outputs of one CoinJoin for which the coins behind them are searched."""

MOST_LEVELS = 6
"""Most agreed amounts with which change is looked into; every set of them is a target."""

EQUAL_RULE = "demix_equal"
CHANGE_RULE = "demix_change"
STANDARD_RULE = "demix_standard"
CONSOLIDATION_RULE = "demix_consolidation"

DEMIX_EQUAL = """A coin that entered a CoinJoin may have left it as any output of the same amount.

Each of `a` equal outputs has a chance of one in `a` to belong to the owner of the input; backward,
each input one of belonging to the owner of the output. Money fills the agreed amounts from the
smallest up, as far as the coins of one address pay for them; what is more than that is change or
fee, and unknown unless `demix_change` knows it. Where a CoinJoin gives no change, as in Whirlpool,
all of the money is in the equal outputs. Off unless it is asked for; no amount in the totals of a
trace rests on it, and clustering never does.

Assumes: who takes part takes one output of each amount, and nothing tells the outputs apart.
Fails when: a wallet takes several equal outputs, script types or later spending tell outputs apart
    (then the chances are more uneven than this), or the transaction is no CoinJoin.
Source: the pro-rata convention of taint analysis applied to the anonymity set. How much later
    spending narrows the set is measured by Gavenda et al. 2025, arXiv 2510.17284: by 10 to 50 %.
"""

DEMIX_CHANGE = """Only one set of inputs can have paid for a change, so it is its owner's.

Inputs of one address are one party. A set of parties can have paid for a change if what it brings
is one output of the agreed amount (of Wasabi 1: one of each of some amounts) and the change. It
may be less by what it can have been paid for taking part, 1 % of the amount or 10,000 satoshi,
except where a coordinator arranges the round; and more by the miner's fee and what all others can
have been paid, with a coordinator what one can have been charged, the same 1 %. If exactly one set
is possible the chance is one. If two are, if the search was given up after 50,000 steps, or if one
party would get two changes, nothing is said. Looked into for at most 200 outputs of a CoinJoin
and six amounts.

Assumes: each participant brings all of his coins into one sum, gets one change at most, and pays
    and earns no more than that.
Fails when: a participant pays somebody from inside the CoinJoin, takes several equal outputs, or
    has several changes; then the one set that fits may be a coincidence.
Source: Maurer, Neudecker & Florian 2017 (parts of a CoinJoin told apart by sums); the tolerances
    are those of `coinjoin_proven`, after BlockSci 14ccc93. No error rate is claimed.
"""

DEMIX_STANDARD = """Money in a round of Wasabi 2 is spread over its repeated standard amounts.

Each output of an amount that occurs at least twice stands for the same part of the money as of the
outputs' sum. Amounts that occur once are the rest, of which nothing is said. How many outputs one
participant takes is not known, so no chance of ownership is given.

Assumes: nothing tells the outputs of a round apart.
Fails when: the amounts of one participant can be told from the sums of his inputs, or later
    spending tells. Then the true candidates are fewer.
Source: the pro-rata convention of taint analysis. No error rate is claimed.
"""

DEMIX_CONSOLIDATION = """Candidates of one CoinJoin were spent together: one owner has them all.

A transaction that is no CoinJoin spends several candidates. Its inputs have one owner (`cospend`),
so he has each of them if he has any. Of equal outputs only one is the answer, so their chances are
added; change that is certainly his makes all of them his. Said beside the candidates; it changes
no mass, and the chances of the other candidates, which fall when one rises, are left as they were.

Assumes: the co-spend has one owner.
Fails when: several people made the transaction without looking like a CoinJoin (PayJoin), or one
    owner brought several inputs and the others' coins are counted as his.
Source: the multi-input rule, applied behind a CoinJoin. How much later spending narrows the set of
    candidates is measured by Gavenda et al. 2025, arXiv 2510.17284. No error rate is claimed.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a CoinJoin was agreed on, as its design says."""

    amounts: tuple[int, ...]
    """Amounts that several take out, ascending; without any nothing is known."""

    pooled: bool = False
    """Money is spread over all amounts (Wasabi 2)."""

    coordinated: bool = False
    """A coordinator arranges it: nobody is paid for taking part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of what was asked about, spread evenly over some coins of the other side."""

    rule: str
    rows: tuple[int, ...]
    """Places of the candidates among the transaction's outputs (backward: inputs)."""

    masses: tuple[Fraction, ...]
    """Of each; they need not be equal backward."""

    chance: Fraction | None
    """That any one of them has the same owner; nothing where the rule gives none."""

    amount_sat: int
    """The agreed amount, or the change."""

    equal_outputs: int
    """Outputs of that amount; 1 for a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """A CoinJoin with what can be told of who brought what."""

    plan: Plan
    party: tuple[int, ...]
    """Party of each input: inputs of one address, and those that one change joins."""

    party_sat: tuple[int, ...]
    """What each party brings."""

    input_sat: tuple[int, ...]
    output_sat: tuple[int, ...]
    equal: dict[int, tuple[int, ...]]
    """Outputs of each agreed amount, ascending by amount."""

    change: dict[int, tuple[int, int]]
    """Party to the output that is its change, and what it took besides."""

    searched: dict[int, Fit]
    """What the search found for each output that may be a change."""

    others: int
    """Outputs of no agreed amount: changes, and a coordinator's fee."""

    # --- forward

    def leaving(self, row: int) -> tuple[Share, ...]:
        """Return where the coin of an input may have gone; the rest is what lacks to one."""
        if self.plan.pooled:
            return self._spread()
        party = self.party[row]
        parts = self._filled(party)
        total = self._total(party)
        shares = [
            self._equal_share(amount, Fraction(part, total * len(self.equal[amount])))
            for amount, part in parts.items()
        ]
        if party in self.change:
            output, _ = self.change[party]
            value = self.output_sat[output]
            shares.append(_change_share((output,), (Fraction(value, total),), value))
        return tuple(shares)

    def _equal_share(self, amount: int, mass: Fraction) -> Share:
        rows = self.equal[amount]
        return Share(
            rule=EQUAL_RULE,
            rows=rows,
            masses=(mass,) * len(rows),
            chance=Fraction(1, len(rows)),
            amount_sat=amount,
            equal_outputs=len(rows),
        )

    def _spread(self) -> tuple[Share, ...]:
        paid = sum(self.output_sat)
        return tuple(
            Share(
                rule=STANDARD_RULE,
                rows=rows,
                masses=(Fraction(amount, paid),) * len(rows),
                chance=None,
                amount_sat=amount,
                equal_outputs=len(rows),
            )
            for amount, rows in self.equal.items()
        )

    def _filled(self, party: int) -> dict[int, int]:
        """Return what a party puts into each agreed amount."""
        if party in self.change:
            return {amount: amount for amount in self._taken(self.change[party][1])}
        left, parts = self.party_sat[party], {}
        for place, amount in enumerate(self.equal):
            if place and amount > left:
                break
            part = min(amount, left)
            if part:
                parts[amount] = part
            left -= part
        return parts

    def _taken(self, target: int) -> tuple[int, ...]:
        return _targets(tuple(self.equal))[target]

    def _total(self, party: int) -> int:
        if party in self.change:
            output, target = self.change[party]
            return self.output_sat[output] + sum(self._taken(target))
        if self.others == 0:
            return max(1, sum(self._filled(party).values()))
        return self.party_sat[party]

    # --- backward

    def entering(self, row: int) -> tuple[Share, ...]:
        """Return where the coin of an output may have come from; the rest is what lacks to one."""
        amount = self.output_sat[row]
        if row in self.equal.get(amount, ()):
            return self._enterers(amount)
        for party, (output, _) in self.change.items():
            if output == row:
                rows = tuple(
                    i
                    for i, each in enumerate(self.party)
                    if each == party and self.input_sat[i] > 0
                )
                whole = self.party_sat[party]
                masses = tuple(Fraction(self.input_sat[i], whole) for i in rows)
                return (_change_share(rows, masses, amount),)
        return ()

    def _enterers(self, amount: int) -> tuple[Share, ...]:
        weights = [
            value if self.plan.pooled else self._filled_by(i, amount)
            for i, value in enumerate(self.input_sat)
        ]
        whole = sum(weights)
        rows = tuple(i for i, weight in enumerate(weights) if weight)
        if not rows:
            return ()
        count = len(self.equal[amount])
        return (
            Share(
                rule=STANDARD_RULE if self.plan.pooled else EQUAL_RULE,
                rows=rows,
                masses=tuple(Fraction(weights[i]) / whole for i in rows),
                chance=None if self.plan.pooled else Fraction(1, count),
                amount_sat=amount,
                equal_outputs=count,
            ),
        )

    def _filled_by(self, row: int, amount: int) -> Fraction:
        """Return what one input puts into an amount: its part of what its party does."""
        party = self.party[row]
        part = self._filled(party).get(amount, 0)
        return Fraction(part * self.input_sat[row], max(1, self.party_sat[party]))


def _change_share(rows: tuple[int, ...], masses: tuple[Fraction, ...], value: int) -> Share:
    return Share(
        rule=CHANGE_RULE,
        rows=rows,
        masses=masses,
        chance=Fraction(1),
        amount_sat=value,
        equal_outputs=1,
    )


def unravel(
    input_sat: Int64Array,
    input_address: UInt32Array,
    output_sat: Int64Array,
    output_address: UInt32Array,
    plan: Plan,
) -> Mix:
    """Return what can be told of a CoinJoin's participants.

    The plan's amounts ascend; those that fewer than two outputs have are left out. Outputs that
    nobody can spend are nobody's.
    """
    values = output_sat.tolist()
    is_paid = (output_address != NO_ADDRESS).tolist()
    equal: dict[int, tuple[int, ...]] = {}
    for amount in plan.amounts:
        rows = tuple(i for i, v in enumerate(values) if v == amount and is_paid[i] and v > 0)
        if len(rows) > 1:
            equal[amount] = rows
    agreed = {row for rows in equal.values() for row in rows}
    others = [i for i, v in enumerate(values) if v > 0 and is_paid[i] and i not in agreed]
    party = _parties(input_address)
    sums = _sums(party, input_sat.tolist())
    searched: dict[int, Fit] = {}
    found: list[tuple[int, int, tuple[int, ...]]] = []
    if equal and not plan.pooled and len(equal) <= MOST_LEVELS:
        fee = max(0, int(input_sat.sum()) - int(output_sat.sum()))
        for row in others[:MOST_CHANGES]:
            searched[row], target, who = _payers(sums, values[row], tuple(equal), fee, plan)
            if searched[row] == Fit.UNIQUE:
                found.append((row, target, who))
    party, change = _settle(party, found, searched)
    return Mix(
        plan=plan,
        party=party,
        party_sat=tuple(_sums(party, input_sat.tolist())),
        input_sat=tuple(input_sat.tolist()),
        output_sat=tuple(values),
        equal=equal,
        change=change,
        searched=searched,
        others=len(others),
    )


def _parties(addresses: UInt32Array) -> tuple[int, ...]:
    """Return a number for each input: one for each address, and for each unknown one."""
    numbers: dict[int, int] = {}
    party = []
    for row, address in enumerate(addresses.tolist()):
        key = -1 - row if address == NO_ADDRESS else address
        party.append(numbers.setdefault(key, len(numbers)))
    return tuple(party)


def _sums(party: Sequence[int], values: Sequence[int]) -> list[int]:
    sums = [0] * (max(party) + 1 if party else 0)
    for number, value in zip(party, values, strict=True):
        sums[number] += value
    return sums


def _targets(amounts: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Return every set of amounts that somebody may have taken, one of each."""
    return tuple(
        taken for size in range(1, len(amounts) + 1) for taken in combinations(amounts, size)
    )


def _payers(
    sums: list[int], change: int, amounts: tuple[int, ...], fee: int, plan: Plan
) -> tuple[Fit, int, tuple[int, ...]]:
    """Return the one set of parties that can have paid for a change, if there is one."""
    paying = [number for number, value in enumerate(sums) if value > 0]
    taken = np.array([sum(each) for each in _targets(amounts)], np.int64)
    each_paid = np.maximum(LEAST_FEE_SAT, taken * FEE_PPM // 1_000_000)
    if plan.coordinated:
        least, most = taken + change, taken + change + fee + each_paid
    else:
        others = max(0, len(paying) - 1)
        least = np.maximum(1, taken + change - each_paid)
        most = taken + change + fee + others * each_paid
    found, target, chosen = fit(np.array([sums[i] for i in paying], np.int64), least, most)
    return found, target, tuple(paying[place] for place in np.flatnonzero(chosen))


def _settle(
    party: tuple[int, ...],
    found: list[tuple[int, int, tuple[int, ...]]],
    searched: dict[int, Fit],
) -> tuple[tuple[int, ...], dict[int, tuple[int, int]]]:
    """Join the parties behind each change; where two changes claim one party, neither is known."""
    claims: dict[int, int] = {}
    for _, _, who in found:
        for number in who:
            claims[number] = claims.get(number, 0) + 1
    joined = list(range(max(party) + 1 if party else 0))
    change = {}
    for row, target, who in found:
        if any(claims[number] > 1 for number in who):
            searched[row] = Fit.SEVERAL
            continue
        for number in who:
            joined[number] = min(who)
        change[min(who)] = (row, target)
    return tuple(joined[number] for number in party), change
