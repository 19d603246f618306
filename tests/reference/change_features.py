"""Slow, obvious features of the change model, one transaction at a time."""

from fractions import Fraction
from math import floor

from heuristics.change_features import SERVICE_HOPS
from tests.reference.change import Case

LARGEST_FLOAT32_INTEGER = 2**24 - 1


def is_judged(case: Case) -> bool:
    """Return whether the model judges the transaction at all."""
    made = case.transaction
    locks = [output.lock for output in case.spendable]
    return (
        not made.excluded
        and bool(made.inputs)
        and len(locks) == 2
        and len(set(locks)) == 2
        and not set(locks) & case.own_locks
    )


def value_class(value: int) -> int:
    """Return an eighth of an octave: sixteen exact values, then eight steps to each doubling."""
    if value < 16:
        return value
    octave = value.bit_length() - 5
    return 16 + 8 * octave + floor(Fraction(value, 2 ** (octave + 1))) - 8


def facts(case: Case, place: int, height: int) -> list[int]:
    """Return the nine facts about one of the two outputs."""
    made = case.transaction
    output = case.spendable[place]
    total = sum(each.value for each in case.spendable)
    weight = 4 * made.stripped_size + made.witness_size
    return [
        floor(Fraction(1_000_000 * output.value, total)) if total else 0,
        output.position,
        min(floor(Fraction(1_000 * made.fee * 4, weight)), LARGEST_FLOAT32_INTEGER),
        value_class(total),
        max(made.version, 0),
        int(made.witness_size > 0),
        int(made.locktime > 0),
        len(made.inputs),
        height // 1_008,
    ]


def is_service_like(case: Case) -> bool:
    """Return whether the transaction ends a chain of payments with one input and two outputs."""
    made = case.transaction
    for hop in range(SERVICE_HOPS):
        if len(made.inputs) != 1 or len(made.outputs) != 2:
            return False
        if hop == SERVICE_HOPS - 1:
            return True
        spent = made.inputs[0].spent
        if spent is None:
            return False
        made = case.ledger.transactions[spent.maker]
    raise AssertionError("a chain has hops")


def stratum(case: Case) -> int:
    """Return the number of the stratum."""
    spent = all(case.spender(output) is not None for output in case.spendable)
    return int(is_service_like(case)) + 2 * int(spent)
