"""Slow, obvious versions of what finds vendors' wallets: the oracles of their tests."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise, product
from math import comb

NOBODY = 0xFFFF_FFFF

Coins = Sequence[tuple[int, int]]
Transaction = tuple[Coins, Coins]


def group_flows(
    transactions: Sequence[Transaction],
    labels: Sequence[int],
    group: Sequence[int],
    left_out: Sequence[int],
    most: int,
) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]], int, int]:
    """Return payouts, splits, and how many transactions are mixed and wide."""
    payouts: list[tuple[int, ...]] = []
    splits: list[tuple[int, ...]] = []
    mixed = wide = output = 0
    for t, (taken, given) in enumerate(transactions):
        rows = [
            (output + place, address)
            for place, (address, sat) in enumerate(given)
            if address != NOBODY and sat > 0
        ]
        output += len(given)
        if left_out[t]:
            continue
        payers = {group[address] for address, _ in taken if address != NOBODY} - {0}
        if len(payers) > 1:
            mixed += 1
        elif payers:
            (payer,) = payers
            payouts += [(t, row, payer) for row, address in rows if group[address] != payer]
        elif taken:
            shares = [(row, address) for row, address in rows if group[address]]
            others = [(row, address) for row, address in rows if not group[address]]
            if len(shares) > 1:
                mixed += 1
            elif shares and len(others) > most:
                wide += 1
            elif shares:
                own = {labels[address] for address, _ in taken if address != NOBODY}
                splits += [
                    (t, shares[0][0], row, group[shares[0][1]])
                    for row, address in others
                    if labels[address] not in own
                ]
    return payouts, splits, mixed, wide


def transfers(
    transactions: Sequence[Transaction],
    labels: Sequence[int],
    left_out: Sequence[int],
    bounds: Sequence[int],
) -> list[Counter[tuple[int, int]]]:
    """Return, for each stretch of transactions, how often who pays whom."""
    found = []
    for first, last in pairwise(bounds):
        counts: Counter[tuple[int, int]] = Counter()
        for t in range(first, last):
            taken, given = transactions[t]
            payers = [labels[address] for address, _ in taken if address != NOBODY]
            if left_out[t] or not payers:
                continue
            for address, _ in given:
                if address != NOBODY and labels[address] != payers[0]:
                    counts[payers[0], labels[address]] += 1
        found.append(counts)
    return found


def key_roles(
    keys: Sequence[Sequence[int]], market_scripts: int, partners: int, seller_scripts: int
) -> list[tuple[int, int]]:
    """Return market's and seller's key of each script, -1 where nothing tells."""
    counts = Counter(key for script in keys for key in set(script))

    def top_of(script: Sequence[int]) -> int | None:
        best = max(counts[key] for key in script)
        tops = [key for key in script if counts[key] == best]
        return tops[0] if len(tops) == 1 else None

    tops = Counter(top for script in keys if (top := top_of(script)) is not None)
    candidates = {
        key
        for key, count in counts.items()
        if count >= market_scripts and 100 * tops[key] >= 95 * count
    }
    markets = {
        key
        for key in candidates
        if len(
            {
                other
                for script in keys
                for at, here in enumerate(script)
                if here == key
                for beside, other in enumerate(script)
                if beside != at and counts[other] >= max(2, seller_scripts)
            }
        )
        >= partners
    }
    roles = []
    for script in keys:
        mine = [key for key in script if key in markets]
        if len(mine) != 1:
            roles.append((-1, -1))
            continue
        others = [key for key in script if key != mine[0]]
        most, least = sorted((counts[key] for key in others), reverse=True)
        seller = next(key for key in others if counts[key] == most)
        is_told = most >= max(2, seller_scripts) and most >= 2 * least
        roles.append((mine[0], seller if is_told else -1))
    return roles


def chance_in_a_week(total: int, sent: int, received: int) -> Fraction:
    """Return the probability that two subsets of fixed sizes meet."""
    return 1 - Fraction(comb(total - sent, received), comb(total, received))


def tail_probability(chances: Sequence[Fraction], at_least: int) -> Fraction:
    """Return the upper tail of a sum of independent claims, by going through all outcomes."""
    found = Fraction(0)
    for outcome in product((0, 1), repeat=len(chances)):
        if sum(outcome) >= at_least:
            weight = Fraction(1)
            for holds, chance in zip(outcome, chances, strict=True):
                weight *= chance if holds else 1 - chance
            found += weight
    return found
