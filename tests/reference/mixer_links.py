"""Slow, obvious versions of the rules about mixers: every pair is asked by itself."""

from collections import Counter

from heuristics.mixer_links import Deposit, Hints, Withdrawal

DAY = 86_400


def _pairs(deposits: list[Deposit], withdrawals: list[Withdrawal]):
    for one in deposits:
        for other in withdrawals:
            if one.pool == other.pool and one.order < other.order:
                yield one, other


def by_address(deposits: list[Deposit], withdrawals: list[Withdrawal]) -> Hints:
    return {
        (a.number, b.number): 95 for a, b in _pairs(deposits, withdrawals) if a.account == b.account
    }


def by_gas_price(deposits: list[Deposit], withdrawals: list[Withdrawal]) -> Hints:
    def alone(it: Deposit) -> bool:
        return sum(o.pool == it.pool and o.gas_price == it.gas_price for o in deposits) == 1

    return {
        (a.number, b.number): 70
        for a, b in _pairs(deposits, withdrawals)
        if a.gas_price and a.gas_price == b.gas_price and alone(a)
    }


def by_counts(deposits: list[Deposit], withdrawals: list[Withdrawal]) -> Hints:
    def days(events):
        """Return all sets of an account's events that a day holds and that could not be larger."""
        sets = []
        for account in {it.account for it in events}:
            mine = [it for it in events if it.account == account]
            held = [
                frozenset(it for it in mine if start.time <= it.time <= start.time + DAY)
                for start in mine
            ]
            sets += [it for it in set(held) if not any(it < other for other in held)]
        return [it for it in sets if len(it) >= 5 and len({e.pool for e in it}) >= 2]

    hints = {}
    for one in days(deposits):
        for other in days(withdrawals):
            if Counter(it.pool for it in one) == Counter(it.pool for it in other):
                for a, b in _pairs(list(one), list(other)):
                    hints[a.number, b.number] = 75
    return hints
