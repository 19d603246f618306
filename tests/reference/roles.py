"""Slow, obvious features of an entity: the oracle of `heuristics.role_features`."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

DAY = 86_400


@dataclass(frozen=True)
class In:
    holder: int | None
    own: bool
    sat: int


@dataclass(frozen=True)
class Out:
    holder: int
    address: int
    own: bool
    sat: int
    spent_at: int | None = None
    spender: int | None = None
    """Place of the transaction that spends it, where that is one of the activity."""


@dataclass(frozen=True)
class Tx:
    time: int
    height: int
    inputs: Sequence[In]
    outputs: Sequence[Out]

    @property
    def spends(self) -> bool:
        return any(it.own for it in self.inputs)

    @property
    def gets(self) -> list[Out]:
        return [it for it in self.outputs if it.own]

    @property
    def pays(self) -> list[Out]:
        return [it for it in self.outputs if not it.own]

    @property
    def is_receipt(self) -> bool:
        return not self.spends and bool(self.gets)

    @property
    def is_payment(self) -> bool:
        return self.spends and bool(self.pays)

    @property
    def sender(self) -> int | None:
        return next((it.holder for it in self.inputs if it.holder is not None), None)


def middle(numbers: Sequence[int]) -> Fraction | None:
    return Fraction(sorted(numbers)[(len(numbers) - 1) // 2]) if numbers else None


def part(claims: Sequence[bool]) -> Fraction | None:
    return Fraction(sum(claims), len(claims)) if claims else None


def most_in_a_window(events: Sequence[tuple[int, int]]) -> int:
    """Return the most distinct holders of one window; events are (time, holder)."""
    if not events:
        return 0
    last = max(time for time, _ in events)
    windows: dict[int, set[int]] = {}
    for time, holder in events:
        windows.setdefault((last - time) // (90 * DAY), set()).add(holder)
    return max(map(len, windows.values()))


def features(activity: Sequence[Tx], entity: int) -> dict[str, Fraction | int | None]:
    """Return what the fast version measures, exactly."""
    receipts = [tx for tx in activity if tx.is_receipt]
    payments = [tx for tx in activity if tx.is_payment]
    inside = [tx for tx in activity if tx.spends and not tx.pays]
    senders = [(tx.time, tx.sender) for tx in receipts if tx.sender is not None]
    paid = [(tx.time, out.holder) for tx in payments for out in tx.pays]
    got = [(tx, out) for tx in receipts for out in tx.gets]
    paid_outs = [out for tx in payments for out in tx.pays]
    own_outs = Counter(out.address for tx in activity for out in tx.gets)
    chips = [out.sat for out in paid_outs if is_chip(out.sat)]
    recipients = {holder for _, holder in paid}
    mined = [tx for tx in receipts if not tx.inputs]
    return {
        "senders": len({holder for _, holder in senders}),
        "recipients": len(recipients),
        "senders_in_90_days": most_in_a_window(senders),
        "recipients_in_90_days": most_in_a_window(paid),
        "recipients_who_sent_share": part(
            [holder in {sender for _, sender in senders} for holder in recipients]
        ),
        "payments": len(payments),
        "batch_payouts": sum(len(tx.outputs) >= 10 for tx in payments),
        "batch_payout_share": part([len(tx.outputs) >= 10 for tx in payments]),
        "one_in_two_out_share": part(
            [len(tx.inputs) == 1 and len(tx.outputs) == 2 for tx in payments]
        ),
        "single_input_share": part([len(tx.inputs) == 1 for tx in activity if tx.spends]),
        "keeps_nothing_share": part([not tx.gets for tx in payments]),
        "fixed_denomination_share": part([is_chip(out.sat) for out in paid_outs]),
        "fixed_denominations": len(set(chips)),
        "sweep_inputs_median": middle([sum(it.own for it in tx.inputs) for tx in inside]),
        "receipts": len(receipts),
        "receipt_median_sat": middle([out.sat for _, out in got]),
        "round_receipt_share": part([out.sat % 100_000 == 0 for _, out in got]),
        "two_output_receipt_share": part([len(tx.outputs) == 2 for tx in receipts if tx.inputs]),
        "coinbase_receipts": len(mined),
        "coinbase_value_share": (
            Fraction(worth(mined), worth(receipts)) if worth(receipts) else None
        ),
        "dwell_median_seconds": middle(
            [out.spent_at - tx.time for tx, out in got if out.spent_at is not None]
        ),
        "unspent_receipt_share": part([out.spent_at is None for _, out in got]),
        "addresses_received_at": len(own_outs),
        "one_time_address_share": part([times == 1 for times in own_outs.values()]),
        "swept_in_a_day_to_ten_share": swept(activity, got),
        **paid_back(activity, receipts),
        **commissions(receipts),
        "received_from_inside_share": (
            Fraction(worth([tx for tx in receipts if tx.sender == entity]), worth(receipts))
            if worth(receipts)
            else None
        ),
        "sent_inside_share": (
            Fraction(
                sum(out.sat for out in paid_outs if out.holder == entity),
                sum(out.sat for out in paid_outs),
            )
            if sum(out.sat for out in paid_outs)
            else None
        ),
        "inside_targets": len({out.address for out in paid_outs if out.holder == entity}),
        "moves_inside": len(inside),
        "active_days": len({tx.time // DAY for tx in activity}),
    }


def worth(transactions: Sequence[Tx]) -> int:
    return sum(out.sat for tx in transactions for out in tx.gets)


def is_chip(sat: int) -> bool:
    power = sat // 100_000
    return sat % 100_000 == 0 and power > 0 and power & (power - 1) == 0 and power < 2**20


def swept(activity: Sequence[Tx], got: Sequence[tuple[Tx, Out]]) -> Fraction | None:
    kept = Counter(out.address for tx in activity if tx.spends for out in tx.gets)
    collectors = sorted(kept, key=lambda address: (-kept[address], address))[:10]
    first: dict[int, tuple[Tx, Out]] = {}
    for tx, out in got:
        first.setdefault(out.address, (tx, out))

    def in_time(tx: Tx, out: Out) -> bool:
        if out.spent_at is None or out.spent_at - tx.time > DAY or out.spender is None:
            return False
        spender = activity[out.spender]
        return spender.spends and any(it.address in collectors for it in spender.gets)

    return part([in_time(tx, out) for tx, out in first.values()])


def paid_back(activity: Sequence[Tx], receipts: Sequence[Tx]) -> dict[str, Fraction | None]:
    ratios = []
    known = [tx for tx in receipts if tx.sender is not None]
    for tx in known:
        later = [
            (other, out)
            for other in activity[activity.index(tx) :]
            if other.is_payment
            for out in other.pays
            if out.holder == tx.sender
        ]
        if later and worth([tx]) and later[0][0].height - tx.height <= 1:
            ratios.append(later[0][1].sat * 1000 // sum(out.sat for out in tx.gets))
    common = sum(times for _, times in Counter(ratios).most_common(10))
    return {
        "paid_back_at_once_share": Fraction(len(ratios), len(known)) if known else None,
        "ratio_on_grid_share": Fraction(common, len(ratios)) if ratios else None,
    }


def commissions(receipts: Sequence[Tx]) -> dict[str, Fraction | int | None]:
    """Rates from 1 to 20 %, and the window of 0.2 percentage points that holds most."""
    rates = []
    for tx in receipts:
        total = sum(out.sat for out in tx.outputs)
        if tx.inputs and len(tx.outputs) == 2 and len(tx.gets) == 1 and total:
            rates.append(worth([tx]) * 1_000_000 // total)
    near = [rate for rate in rates if 10_000 <= rate <= 200_000]
    inside = max((sum(low <= rate <= low + 2_000 for rate in near) for low in near), default=0)
    return {
        "commission_candidates": len(near),
        "commission_peak_share": Fraction(inside, len(near)) if near else None,
        "commission_peak_share_of_splits": Fraction(inside, len(rates)) if rates else None,
    }


def entropy_bits(hours: Sequence[int]) -> float:
    counts = Counter(hours)
    return -sum(n / len(hours) * math.log2(n / len(hours)) for n in counts.values())
