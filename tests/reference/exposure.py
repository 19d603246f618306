"""Slow, obvious version of exposure: the oracle of its kernel's tests.

Amounts wait in a list for the transaction that they lead to; every transaction is taken once, in
chain order or in reverse. What a transaction takes is drawn by what it gives, each in turn, pro
rata with exact fractions: the largest remainder gets the odd unit.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

from tests.reference.taint import NOBODY, Transaction

SOURCE, OWN = 0, 1
"""Levels of money that is asked about, and of money that never left the subject's entity."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A chain, a subject, and everything that ends a path."""

    chain: list[Transaction]
    is_backward: bool
    labels: list[int]
    """Entity of each address; those past its end stand for themselves."""

    subject_addresses: set[int] = field(default_factory=set)
    subject_roots: set[int] = field(default_factory=set)
    named_addresses: set[int] = field(default_factory=set)
    named_roots: set[int] = field(default_factory=set)
    marks: set[int] = field(default_factory=set)
    max_hops: int = 6
    min_value: int = 1
    budget: int = 10**9
    crowded_width: int = 10**6
    crowded_percent: int = 1
    window: tuple[int, int] = (0, 10**9)
    genesis_outputs: int = 0

    def root(self, address: int) -> int:
        return self.labels[address] if address < len(self.labels) else address

    @property
    def own_roots(self) -> set[int]:
        return self.subject_roots | {self.root(address) for address in self.subject_addresses}

    def is_subject(self, address: int) -> bool:
        if address == NOBODY:
            return False
        return address in self.subject_addresses or self.root(address) in self.subject_roots

    def moved(self) -> dict[tuple[int, int], int]:
        """Return what each transaction pays to (spends of) the subject, by entity."""
        found: Counter[tuple[int, int]] = Counter()
        for number, transaction in enumerate(self.chain):
            rows = (
                transaction.outputs if self.is_backward
                else [(value, address) for _, value, address in transaction.inputs]
            )  # fmt: skip
            for value, address in rows:
                if self.is_subject(address):
                    found[number, self.root(address)] += value
        return {key: value for key, value in found.items() if value > 0}


@dataclass(frozen=True, kw_only=True)
class Found:
    """Where it all went."""

    named: Counter[tuple[str, int, int]] = field(default_factory=Counter)
    """By `address` or `root`, its number, and hops."""

    coinjoins: Counter[int] = field(default_factory=Counter)
    """By hops."""

    rest: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return sum(
            sum(part.values()) for part in (self.named, self.coinjoins, self.rest)
        )  # fmt: skip


def exposure(question: Question) -> Found:
    chain, found = question.chain, Found()
    spender = {
        coin: number
        for number, transaction in enumerate(chain)
        for coin, _, _ in transaction.inputs
        if coin is not None
    }
    first_of = [0]
    for transaction in chain:
        first_of.append(first_of[-1] + len(transaction.outputs))
    waiting: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for (number, root), amount in question.moved().items():
        waiting[number].append((SOURCE, root, amount))
    followed = 0
    order = range(len(chain))
    for number in reversed(order) if question.is_backward else order:
        entries = waiting.pop(number, [])
        if not entries:
            continue
        transaction = chain[number]
        if number in question.marks:
            for level, _, amount in entries:
                hops = max(level, OWN)
                if hops > question.max_hops:
                    found.rest["hop_limit"] += amount
                else:
                    found.coinjoins[hops] += amount
            continue
        if not transaction.inputs:
            found.rest["newly_mined"] += sum(amount for _, _, amount in entries)
            continue
        given = [
            (value, address, coin) for coin, value, address in transaction.inputs
        ] if question.is_backward else [
            (value, address, (number, j)) for j, (value, address) in enumerate(transaction.outputs)
        ]  # fmt: skip
        fee = 0 if question.is_backward else transaction.fee
        whole = sum(value for value, _, _ in given) + fee

        outside = sum(amount for level, _, amount in entries if level > OWN)
        if outside:
            first, last = question.window
            reason = None
            if not first <= number <= last:
                reason = "time_window"
            elif len(transaction.outputs) > question.crowded_width and (
                outside * 100 < whole * question.crowded_percent
            ):
                reason = "fan_out"
            elif followed >= question.budget:
                reason = "budget"
            if reason:
                found.rest[reason] += outside
                entries = [entry for entry in entries if entry[0] <= OWN]
            else:
                followed += 1

        roots = {question.root(address) for _, address, _ in given if address != NOBODY}
        left: Counter[tuple[int, int]] = Counter()
        for level, root, amount in entries:
            left[level, root if level > OWN and root in roots else -1] += amount
        if not left:
            continue
        # What has not left the subject's entity draws first, the rest from what is left.
        values = [value for value, _, _ in given]
        near = {colour: amount for colour, amount in left.items() if colour[0] <= OWN}
        far = {colour: amount for colour, amount in left.items() if colour[0] > OWN}
        near_shares, near_fee = pro_rata(values, whole, sum(near.values()), fee)
        values = [value - share for value, share in zip(values, near_shares, strict=True)]
        whole -= sum(near.values())
        far_shares, _ = pro_rata(values, whole, sum(far.values()), fee - near_fee)
        for (_, address, coin), *drawn in zip(given, near_shares, far_shares, strict=True):
            for colours, share in ((near, drawn[0]), (far, drawn[1])):
                order_of_drawing = sorted(colours)
                parts, _ = pro_rata(
                    [colours[c] for c in order_of_drawing], sum(colours.values()), share, 0
                )
                for colour, part in zip(order_of_drawing, parts, strict=True):
                    colours[colour] -= part
                    left[colour] -= part
                    if part:
                        _settle(question, found, waiting, spender, first_of,
                                address, coin, colour, part, sum(drawn))  # fmt: skip
        found.rest["fee"] += sum(left.values())
    return Found(
        named=+found.named, coinjoins=+found.coinjoins, rest=+found.rest
    )  # fmt: skip


def _settle(
    question: Question,
    found: Found,
    waiting: dict[int, list[tuple[int, int, int]]],
    spender: dict[tuple[int, int], int],
    first_of: list[int],
    address: int,
    coin: tuple[int, int] | None,
    colour: tuple[int, int],
    part: int,
    share: int,
) -> None:
    """Say where a part of a coin ends, or let it wait for the next transaction."""
    level, stays = colour
    root = question.root(address)
    is_nobody = address == NOBODY
    if question.is_subject(address):
        if level > SOURCE:
            found.rest["retainted"] += part
        return
    if not is_nobody and root in question.own_roots:
        if level > OWN:
            found.rest["retainted"] += part
            return
        level = OWN
    elif is_nobody or stays != root:
        level = max(level, OWN) + 1
    hops = level - 1
    is_lost = not question.is_backward and (
        is_nobody or (coin is not None and first_of[coin[0]] + coin[1] < question.genesis_outputs)
    )
    if is_lost:
        found.rest["destroyed"] += part
    elif hops > question.max_hops:
        found.rest["hop_limit"] += part
    elif level > OWN and not is_nobody and address in question.named_addresses:
        found.named["address", address, hops] += part
    elif level > OWN and not is_nobody and root in question.named_roots:
        found.named["root", root, hops] += part
    elif question.is_backward and coin is None:
        found.rest["before_ledger"] += part
    elif not question.is_backward and coin not in spender:
        found.rest["unspent"] += part
    elif level > OWN and share < question.min_value:
        found.rest["below_min"] += part
    else:
        assert coin is not None
        number = coin[0] if question.is_backward else spender[coin]
        waiting[number].append((level, root, part))


def pro_rata(values: list[int], whole: int, amount: int, remainder: int) -> tuple[list[int], int]:
    """Return each value's part of `amount`, and the remainder's."""
    if amount == 0:
        return [0] * len(values), 0
    exact = [Fraction(value * amount, whole) for value in values]
    shares = [floor(each) for each in exact]
    left = amount - sum(shares)
    of_remainder = min(left, remainder)
    by_fraction = sorted(range(len(values)), key=lambda j: (shares[j] - exact[j], j))
    for j in by_fraction[: left - of_remainder]:
        shares[j] += 1
    return shares, of_remainder
