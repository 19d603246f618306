"""Slow, obvious versions of the rules that join accounts: the oracle of their tests."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import median


@dataclass(frozen=True, kw_only=True)
class DepositRow:
    deposit: int
    asset: int
    is_forward: bool
    height: int
    amount: int
    tolerance: int


def match_deposits(rows: Sequence[DepositRow], window: int) -> dict[int, tuple[int, int]]:
    """Return the receipt of each forward, and its confidence in millionths."""
    taken: dict[int, tuple[int, int]] = {}
    for number, row in enumerate(rows):
        if not row.is_forward:
            continue
        used = {receipt for receipt, _ in taken.values()}
        for other in reversed(range(number)):
            had = rows[other]
            missing, waited = had.amount - row.amount, row.height - had.height
            if (
                (had.deposit, had.asset) == (row.deposit, row.asset)
                and not had.is_forward
                and other not in used
                and 0 <= missing <= row.tolerance
                and 0 <= waited <= window
            ):
                taken[number] = other, confidence(missing, row.tolerance, waited, window)
                break
    return taken


def confidence(missing: int, tolerance: int, waited: int, window: int) -> int:
    short = Fraction(missing, tolerance) if missing else Fraction(0)
    late = Fraction(waited, window)
    return 1_000_000 - math.ceil(500_000 * short) - math.ceil(500_000 * late)


@dataclass(frozen=True, kw_only=True)
class TokenRow:
    giver: int
    receiver: int
    asset: int = 1
    amount: int = 1
    height: int = 0
    by_giver: bool = True


def collected_airdrops(
    rows: Sequence[TokenRow], eligible: set[int], least: int, gap: int, least_collected: int
) -> set[tuple[int, int, int]]:
    """Return recipient, beneficiary and the first row from the one to the other."""
    found: dict[tuple[int, int], int] = {}
    drops = defaultdict(list)
    for number, row in enumerate(rows):
        drops[row.giver, row.asset, row.amount].append(number)
    for (distributor, asset, amount), numbers in drops.items():
        received: dict[int, int] = {}
        for number in numbers:
            received.setdefault(rows[number].receiver, number)
        gaps = [rows[b].height - rows[a].height for a, b in pairwise(numbers)]
        if len(received) < least or (gaps and median(gaps) > gap):
            continue
        payments: dict[int, dict[int, int]] = defaultdict(dict)
        for number, row in enumerate(rows):
            if (
                (row.asset, row.amount) == (asset, amount)
                and row.by_giver
                and row.giver in received
                and number > received[row.giver]
                and {row.giver, row.receiver} <= eligible
                and row.receiver not in (row.giver, distributor)
            ):
                payments[row.receiver].setdefault(row.giver, number)
        for beneficiary, payers in payments.items():
            if len(payers) >= least_collected:
                for payer, number in payers.items():
                    known = found.get((payer, beneficiary), number)
                    found[payer, beneficiary] = min(known, number)
    return {(*pair, number) for pair, number in found.items()}


def gas_fundings(
    rows: Sequence[tuple[int | None, int | None]],
    first_sent: Sequence[int],
    services: set[int],
    many: int,
) -> set[tuple[int, int, int, int]]:
    """Return funder, funded account, row, and the row of the sweep or -1."""
    funded: dict[int, dict[int, int]] = defaultdict(dict)
    seen: set[int] = set()
    for number, (giver, receiver) in enumerate(rows):
        if receiver is None or receiver in seen:
            continue
        seen.add(receiver)
        allowed = giver is not None and not {giver, receiver} & services and giver != receiver
        if allowed and first_sent[receiver] > number:
            funded[giver][receiver] = number
    found = set()
    for funder, accounts in funded.items():
        paid: dict[int, dict[int, int]] = defaultdict(dict)
        for number, (giver, receiver) in enumerate(rows):
            if receiver is None or receiver in services or giver not in accounts:
                continue
            if number > accounts[giver]:
                paid[receiver].setdefault(giver, number)
        if len(accounts) <= many:
            found |= {(funder, account, row, -1) for account, row in accounts.items()}
            continue
        best = min(paid, key=lambda it: (-len(paid[it]), it), default=None)
        if best is None or len(paid[best]) <= many or 5 * len(paid[best]) < 4 * len(accounts):
            continue
        found |= {(funder, a, accounts[a], sweep) for a, sweep in paid[best].items()}
    return found


def self_authorisations(
    approvals: Sequence[tuple[int, int]], may_approve: set[int], may_spend: set[int], most: int
) -> list[int]:
    """Return the first row of each pair that counts."""
    rows = []
    for number, (owner, spender) in enumerate(approvals):
        owners = {who for who, other in approvals if other == spender}
        if (
            (owner, spender) not in approvals[:number]
            and owner in may_approve
            and spender in may_spend
            and owner != spender
            and len(owners) <= most
        ):
            rows.append(number)
    return rows


def same_creators(
    created: Sequence[tuple[int, int, int, int]], keys: set[int], joining: set[int], most: int
) -> set[tuple[int, int]]:
    """Return pairs of rows: the first of its group, and another one."""
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    for number, (contract, creator, _, software) in enumerate(created):
        copies = [row for row in created if row[3] == software]
        deployers = {row[2] for row in copies}
        if contract not in joining:
            continue
        if creator in keys:
            groups["by", creator].append(number)
        if software >= 0 and len(copies) <= most and len(deployers) == 1 and deployers <= keys:
            groups["of", software].append(number)
    return {(rows[0], row) for rows in groups.values() for row in rows[1:]}
