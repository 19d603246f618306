"""Slow, obvious votes on change, one transaction at a time: the oracle of their kernel's tests.

Each rule is a function from a transaction to the outputs that it cannot rule out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from heuristics.change_rules import ChangeRule
from heuristics.fingerprint import FingerprintBit
from tests.heuristics.wallet_cases import Lock, Output, SmallLedger, Transaction
from tests.reference.fingerprint import fingerprint

KEY_LENGTHS = (33, 65)


@dataclass(frozen=True)
class Case:
    """A transaction, and the ledger as of the horizon."""

    ledger: SmallLedger
    transaction: Transaction
    known: int
    """Transactions from this one on have not happened."""

    clusters: dict[Lock, int] | None = None

    @property
    def past(self) -> list[Transaction]:
        return self.ledger.transactions[: self.transaction.number]

    @property
    def so_far(self) -> list[Transaction]:
        return self.ledger.transactions[: self.known]

    @property
    def spendable(self) -> list[Output]:
        return [output for output in self.transaction.outputs if output.lock is not None]

    @property
    def own_locks(self) -> set[Lock]:
        return {each.lock for each in self.transaction.inputs}

    def spender(self, output: Output) -> Transaction | None:
        if output.spender is None or output.spender >= self.known:
            return None
        return self.ledger.transactions[output.spender]

    def receipts(self, lock: Lock | None) -> int:
        return sum(output.lock == lock for each in self.so_far for output in each.outputs)

    def spends(self, lock: Lock | None) -> int:
        return sum(spent.lock == lock for each in self.so_far for spent in each.inputs)

    def is_fresh(self, output: Output) -> bool:
        mentioned = {spent.lock for spent in self.transaction.inputs}
        for each in self.past:
            mentioned |= {spent.lock for spent in each.inputs}
            mentioned |= {paid.lock for paid in each.outputs}
        return output.lock not in mentioned

    @property
    def least(self) -> int:
        return min(each.value for each in self.transaction.inputs)

    @property
    def kind(self) -> int | None:
        kinds = {each.lock.kind for each in self.transaction.inputs}
        return kinds.pop() if len(kinds) == 1 else None

    @property
    def self_change(self) -> bool:
        return any(output.lock in self.own_locks for output in self.spendable)


def optimal_change(case: Case) -> list[Output]:
    if len(case.transaction.inputs) < 2:
        return []
    return [output for output in case.spendable if output.value < case.least]


def optimal_change_with_fee(case: Case) -> list[Output]:
    one = case.transaction
    if len(one.inputs) < 2:
        return []
    weight = 4 * one.stripped_size + one.witness_size
    average = max(0, weight - 4 * (10 + 34 * len(one.outputs))) // len(one.inputs)
    share = floor(Fraction(one.fee * average, weight)) if one.fee > 0 else 0
    return [output for output in case.spendable if output.value < case.least - share]


def address_type(case: Case) -> list[Output]:
    return [output for output in case.spendable if output.lock and output.lock.kind == case.kind]


def power_of_ten(digits: int) -> Callable[[Case], list[Output]]:
    return lambda case: [out for out in case.spendable if str(out.value % 10**digits) != "0"]


def address_reuse(case: Case) -> list[Output]:
    return [output for output in case.spendable if output.lock in case.own_locks]


def fresh(case: Case) -> list[Output]:
    return [output for output in case.spendable if case.is_fresh(output)]


def one_time(case: Case) -> list[Output]:
    return [] if case.self_change else fresh(case)


def one_time_global(case: Case) -> list[Output]:
    if case.self_change:
        return []
    return [output for output in case.spendable if case.receipts(output.lock) == 1]


def if_spent(agrees: Callable[[Transaction, Transaction], bool]) -> Callable[[Case], list[Output]]:
    """Return the rule whose candidates are unspent or spent by a transaction that agrees."""

    def rule(case: Case) -> list[Output]:
        return [
            output
            for output in case.spendable
            if (spender := case.spender(output)) is None or agrees(case.transaction, spender)
        ]

    return rule


def looks(transaction: Transaction) -> bool:
    return len(transaction.inputs) == 1 and len(transaction.outputs) == 2


def peel(case: Case, transaction: Transaction) -> bool:
    if not looks(transaction):
        return False
    spent = transaction.inputs[0].spent
    before = [] if spent is None else [case.ledger.transactions[spent.maker]]
    after = [spender for output in transaction.outputs if (spender := case.spender(output))]
    return any(looks(each) for each in [*before, *after])


def peeling(case: Case) -> list[Output]:
    if not peel(case, case.transaction):
        return []
    return if_spent(lambda _, spender: peel(case, spender))(case)


def rate(transaction: Transaction) -> int:
    size = -(-(4 * transaction.stripped_size + transaction.witness_size) // 4)
    return floor(Fraction(1000 * transaction.fee, size))


def legacy(case: Case) -> list[Output]:
    return [output for output in fresh(case) if output.value < case.least]


def spent(case: Case) -> list[Output]:
    return [output for output in case.spendable if case.spender(output) is not None]


def shadow(case: Case) -> list[Output]:
    return fresh(case) if len(case.transaction.outputs) == 2 else []


def ermilov(case: Case) -> list[Output]:
    one = case.transaction
    if len(one.outputs) != 2 or len(one.inputs) == 2 or case.self_change or len(fresh(case)) != 1:
        return []
    return [output for output in fresh(case) if output.value % 10_000]


def graphsense(case: Case) -> list[Output]:
    if not 2 <= len(case.transaction.outputs) <= 10:
        return []
    return [
        output
        for output in fresh(case)
        if output in address_type(case)
        and output.value % 1_000
        and output.value < case.least
        and case.receipts(output.lock) <= 1
        and case.spends(output.lock) <= 1
    ]


def keys_of(script: bytes) -> set[bytes]:
    keys, place = set(), 1
    while script[place] in KEY_LENGTHS:
        keys.add(script[place + 1 : place + 1 + script[place]])
        place += 1 + script[place]
    return keys


def known_script(case: Case, lock: Lock | None) -> bytes:
    """Return the multisig script of an address if it is bare or was shown by the horizon."""
    if lock is None or not lock.multisig:
        return b""
    shown = lock.kind == 4 or case.spends(lock) > 0
    return lock.multisig if shown else b""


def keyset(case: Case) -> list[Output]:
    taken = [
        script for each in case.transaction.inputs if (script := known_script(case, each.lock))
    ]
    return [
        output
        for output in case.spendable
        if (script := known_script(case, output.lock))
        and script not in taken
        and any(keys_of(script) & keys_of(other) for other in taken)
    ]


def same_cluster(case: Case) -> list[Output]:
    if case.clusters is None:
        return []
    own = {case.clusters[lock] for lock in case.own_locks}
    return [
        output for output in case.spendable if output.lock and case.clusters[output.lock] in own
    ]


def same(mask: FingerprintBit) -> Callable[[Case], list[Output]]:
    """Return the fingerprint vote on some bits."""

    def rule(case: Case) -> list[Output]:
        if any(case.spender(output) is None for output in case.spendable):
            return []
        mine = fingerprint(case.ledger, case.transaction) & mask
        return [
            output
            for output in case.spendable
            if (spender := case.spender(output))
            and fingerprint(case.ledger, spender) & mask == mine
        ]

    return rule


def same_number(of: Callable[[Transaction], int]) -> Callable[[Case], list[Output]]:
    """Return the fingerprint vote on a number."""

    def rule(case: Case) -> list[Output]:
        if any(case.spender(output) is None for output in case.spendable):
            return []
        return [
            output
            for output in case.spendable
            if (spender := case.spender(output)) and of(spender) == of(case.transaction)
        ]

    return rule


BIT = FingerprintBit
TYPES = BIT.P2PKH | BIT.P2SH | BIT.P2WPKH | BIT.P2WSH | BIT.P2TR | BIT.OTHER_TYPE
OUTPUT_COUNT = BIT.TWO_OUTPUTS | BIT.MORE_OUTPUTS
INPUT_COUNT = BIT.TWO_INPUTS | BIT.MORE_INPUTS

RULES: dict[ChangeRule, Callable[[Case], list[Output]]] = {
    ChangeRule.OPTIMAL_CHANGE: optimal_change,
    ChangeRule.OPTIMAL_CHANGE_WITH_FEE: optimal_change_with_fee,
    ChangeRule.ADDRESS_TYPE: address_type,
    ChangeRule.POWER_OF_TEN_2: power_of_ten(2),
    ChangeRule.POWER_OF_TEN_3: power_of_ten(3),
    ChangeRule.POWER_OF_TEN_4: power_of_ten(4),
    ChangeRule.POWER_OF_TEN_5: power_of_ten(5),
    ChangeRule.POWER_OF_TEN_6: power_of_ten(6),
    ChangeRule.POWER_OF_TEN_7: power_of_ten(7),
    ChangeRule.SAME_COUNTS: same(INPUT_COUNT | OUTPUT_COUNT),
    ChangeRule.SAME_OUTPUT_COUNT: same(OUTPUT_COUNT),
    ChangeRule.SAME_ZEROCONF: same(BIT.ZEROCONF),
    ChangeRule.SAME_MULTISIG: same(BIT.MULTISIG),
    ChangeRule.SAME_P2PKH: same(BIT.P2PKH),
    ChangeRule.SAME_FEE: same_number(lambda each: each.fee),
    ChangeRule.SAME_FEE_RATE: same_number(rate),
    ChangeRule.SAME_VERSION: same(BIT.VERSION_2),
    ChangeRule.SAME_LOCKTIME: same(BIT.LOCKTIME_HEIGHT | BIT.LOCKTIME_TIME),
    ChangeRule.SAME_RBF: same(BIT.RBF),
    ChangeRule.SAME_SEGWIT: same(BIT.SEGWIT),
    ChangeRule.SAME_SEGWIT_COMPATIBLE: same(BIT.SEGWIT_COMPATIBLE),
    ChangeRule.SAME_ORDER: same(BIT.SORTED),
    ChangeRule.SAME_INPUT_TYPES: same(TYPES | BIT.MULTISIG),
    ChangeRule.SAME_P2SH: same(BIT.P2SH),
    ChangeRule.SAME_P2WSH: same(BIT.P2WSH),
    ChangeRule.SAME_P2WPKH: same(BIT.P2WPKH),
    ChangeRule.ADDRESS_REUSE: address_reuse,
    ChangeRule.FRESH: fresh,
    ChangeRule.ONE_TIME: one_time,
    ChangeRule.ONE_TIME_GLOBAL: one_time_global,
    ChangeRule.LOCKTIME: if_spent(lambda one, other: (one.locktime > 0) == (other.locktime > 0)),
    ChangeRule.PEELING: peeling,
    ChangeRule.FEE_RATE: if_spent(lambda one, other: rate(one) == rate(other)),
    ChangeRule.LEGACY: legacy,
    ChangeRule.SPENT: spent,
    ChangeRule.SHADOW: shadow,
    ChangeRule.ERMILOV: ermilov,
    ChangeRule.CONSUMER: if_spent(lambda _, spender: len(spender.outputs) <= 2),
    ChangeRule.GRAPHSENSE: graphsense,
    ChangeRule.KEYSET: keyset,
    ChangeRule.SAME_CLUSTER: same_cluster,
}


def votes(case: Case) -> list[list[int]]:
    """Return a row of votes for each output of a transaction."""
    outputs = case.transaction.outputs
    rows = [[0] * len(ChangeRule) for _ in outputs]
    if not case.transaction.inputs or case.transaction.excluded or len(case.spendable) < 2:
        return rows
    for rule, candidates_of in RULES.items():
        candidates = candidates_of(case)
        if len(candidates) != 1:
            continue
        for output, row in zip(outputs, rows, strict=True):
            if output.lock is not None:
                row[rule] = 1 if output is candidates[0] else -1
    return rows
