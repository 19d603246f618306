"""Roles: what kind of service an entity looks like, decided by features that anybody can check.

A *policy* is a file that lists roles, and for each the features and thresholds that make it. It has
a name and a hash, and both stand in every answer: another policy may say otherwise of the same
entity. A role *matches* where all its checks hold. It does not where one fails. Where none fails
but something could not be measured, it is *undecided*, and that is what it is called: an entity of
which little is known is not thereby harmless.

A check that asks for at least so many is decided as soon as a part of the activity shows so many;
if the part shows fewer, nobody knows what the rest would show.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from arien_flows.entities.activity import Gathered, multisig_forms, payments_in_kind
from arien_flows.entities.peel_chains import chain_through
from arien_flows.entities.peel_hops import Hops
from arien_flows.entities.peel_measures import behaviour
from arien_flows.errors import InputError
from arien_flows.ledger.view import View
from chains.tables import ScriptType
from chains.types import BoolArray
from heuristics.role_features import (
    DAY_SECONDS,
    NOT_SPENT,
    CommissionRange,
    Measure,
    Sides,
    count_of,
    measures_of,
    median,
    share,
    share_true,
    sides_of,
)

POLICY = "roles_1.toml"
"""The policy of this version, beside this module."""

LAST_PAYMENTS = 5
"""Payments whose peel chains are followed."""

PPM_OF_PERCENT = 10_000
_HIDING = (ScriptType.P2SH, ScriptType.P2WSH, ScriptType.MULTISIG)


class Verdict(Enum):
    """What a check or a role comes to."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One threshold; exactly one of the two is set."""

    feature: str
    at_least: Decimal | None
    at_most: Decimal | None
    observations: int
    """What a measure has to rest on, to decide anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRule:
    """One role of a policy."""

    name: str
    is_of_entity: bool
    """Whether it is asked of an entity, and not of a single address."""

    summary: str
    assumes: str
    fails_when: str
    source: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The roles and their thresholds."""

    name: str
    sha256: str
    """Of the file's bytes."""

    commission: CommissionRange
    roles: tuple[RoleRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """A check, what was measured, and what that comes to."""

    check: Check
    measure: Measure
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleResult:
    """A role and its checks, all of them, whatever the first one said."""

    rule: RoleRule
    checks: tuple[CheckResult, ...]

    @property
    def verdict(self) -> Verdict:
        """Whether the role matches."""
        verdicts = {each.verdict for each in self.checks}
        if Verdict.FAILS in verdicts:
            return Verdict.FAILS
        return Verdict.UNDECIDED if Verdict.UNDECIDED in verdicts else Verdict.HOLDS


@cache
def standard_policy() -> Policy:
    """Return the policy of this version."""
    return read_policy((files("arien_flows.entities") / POLICY).read_bytes())


def read_policy(document: bytes) -> Policy:
    """Read a policy; `InputError` says what is wrong with one."""
    try:
        told = tomllib.loads(document.decode(), parse_float=Decimal)
        commission = {name: _ppm(told["commission"], name) for name in _COMMISSION}
        return Policy(
            name=str(told["name"]),
            sha256=hashlib.sha256(document).hexdigest(),
            commission=CommissionRange(*(commission[name] for name in _COMMISSION)),
            roles=tuple(_role(each) for each in told["role"]),
        )
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"the policy of roles is not TOML: {error}") from error
    except KeyError as error:
        raise InputError(f"the policy of roles lacks {error}") from error


_COMMISSION = ("least_percent", "most_percent", "half_width_percent")


def _ppm(table: Mapping[str, Any], name: str) -> int:
    return int(Decimal(table[name]) * PPM_OF_PERCENT)


def _role(told: Mapping[str, Any]) -> RoleRule:
    if told["scope"] not in ("entity", "address"):
        raise InputError(f"the scope of role {told['name']} is neither entity nor address")
    return RoleRule(
        name=told["name"],
        is_of_entity=told["scope"] == "entity",
        summary=told["summary"],
        assumes=told["assumes"],
        fails_when=told["fails_when"],
        source=told["source"],
        checks=tuple(_check(told["name"], each) for each in told["checks"]),
    )


def _check(role: str, told: Mapping[str, Any]) -> Check:
    feature = told["feature"]
    if feature not in FEATURES:
        raise InputError(f"role {role} asks for {feature}, which is no feature")
    if ("at_least" in told) == ("at_most" in told):
        raise InputError(f"role {role} must ask {feature} to be either at_least or at_most")
    return Check(
        feature=feature,
        at_least=Decimal(told["at_least"]) if "at_least" in told else None,
        at_most=Decimal(told["at_most"]) if "at_most" in told else None,
        observations=told.get("observations", 0),
    )


FEATURES: Mapping[str, str] = {
    "addresses": "addresses that the rules join",
    "entity_addresses": "addresses of the entity that the address belongs to",
    "transactions": "transactions that touch it, CoinJoins counted",
    "balance_sat": "what it holds, in satoshi",
    "lifetime_days": "whole days from the first to the last transaction",
    "active_days": "days (UTC) with a transaction",
    "receipts": "transactions that pay it and that it has no part in paying",
    "payments": "transactions that it pays and that pay others",
    "moves_inside": "transactions that it pays and that pay nobody else",
    "spends": "payments and moves inside",
    "payments_outside": "payments with an output outside of the whole entity",
    "senders": "entities that pay it",
    "recipients": "entities that it pays",
    "senders_in_90_days": "most senders in one of the 90-day windows before its last receipt",
    "recipients_in_90_days": "most recipients in one of the 90-day windows before the last payment",
    "recipients_who_sent_share": "share of the recipients that are senders, too",
    "batch_payouts": "payments with ten and more spendable outputs",
    "batch_payout_share": "their share of the payments",
    "one_in_two_out_share": "share of payments with one input and two outputs",
    "single_input_share": "share of its spends that have one input",
    "keeps_nothing_share": "share of payments that leave it no change",
    "hour_entropy_bits": "entropy of the hours (UTC) of its payments; 4.58 bits if all are alike",
    "fixed_denomination_share": "share of paid outputs of 0.001 times a power of two",
    "fixed_denominations": "different ones among them",
    "sweep_inputs_median": "median of inputs of moves inside",
    "receipt_median_sat": "median of received outputs, in satoshi",
    "round_receipt_share": "share of received outputs that are multiples of 0.001",
    "two_output_receipt_share": "share of receipts with two spendable outputs, coinbases left out",
    "coinbase_receipts": "receipts of newly mined coins",
    "coinbase_value_share": "their share of what is received",
    "dwell_median_seconds": "median time from receiving an output to spending it",
    "unspent_receipt_share": "share of received outputs that are not spent",
    "unspent_age_median_days": "median age of its unspent outputs",
    "addresses_received_at": "addresses of it that received anything",
    "one_time_address_share": "share of these that received once",
    "swept_in_a_day_to_ten_share": "share of receiving addresses whose first receipt is spent "
    "within a day to one of the ten addresses of the entity that its spends pay most often",
    "paid_back_at_once_share": "share of receipts whose sender is paid in the same block or the "
    "next",
    "ratio_on_grid_share": "share of these at the ten most frequent ratios of prize to bet",
    "commission_candidates": "receipts split with one other where its share may be a commission",
    "commission_peak_share": "share of these around the most frequent rate",
    "commission_peak_share_of_splits": "share of all receipts split with one other around it",
    "commission_rate": "that rate",
    "received_from_inside_share": "share of what it receives that its own entity sends",
    "sent_inside_share": "share of what it pays to other addresses that stays in its entity",
    "inside_targets": "addresses of its entity that it pays",
    "paid_in_kind_share": "share of payments that pay others at a script of the type it spends",
    "peel_chain_hops": "hops of the longest peel chain through one of its last five payments, at "
    "most 100; chains that are not reported as such count nothing",
    "script_hash_share": "share of the addresses read that are bare multisig or hide a script "
    "behind a hash",
    "two_of_three_share": "share of its spent addresses that are 2-of-3 multisig",
}
"""Every feature, and what it measures."""


def features_of(
    view: View, gathered: Gathered, hops: Hops, known: Mapping[str, Measure], policy: Policy
) -> dict[str, Measure]:
    """Return all features of a subject.

    `hops` follows peel chains. `known` are the features that are known without reading
    transactions: of the whole, in any case.
    """
    activity = gathered.activity
    sides = sides_of(activity)
    unspent = activity.output_is_own & (activity.spent_clock == NOT_SPENT)
    now = int(view.median_times[-1])
    age_days = (now - activity.clock[activity.output_place[unspent]]) // DAY_SECONDS
    outside = activity.output_holder != gathered.subject.root
    pays_outside = np.unique(activity.output_place[outside & _of_spends(gathered)])
    forms, looked = multisig_forms(view, gathered)
    return {
        **measures_of(activity, gathered.subject.root, policy.commission),
        "spends": count_of(int(np.count_nonzero(sides.own_inputs))),
        "payments_outside": count_of(len(pays_outside)),
        "unspent_age_median_days": median(age_days),
        "paid_in_kind_share": share(
            payments_in_kind(view, gathered), int(np.count_nonzero(sides.is_payment))
        ),
        "peel_chain_hops": _peel_chain_hops(view, gathered, sides, hops),
        "script_hash_share": share_true(np.isin(view.script_type[gathered.addresses], _HIDING)),
        "two_of_three_share": share(forms.get((2, 3), 0), looked),
        **known,
    }


def _peel_chain_hops(view: View, gathered: Gathered, sides: Sides, hops: Hops) -> Measure:
    """Return the length of the longest chain through one of the last payments."""
    payments = gathered.transactions[sides.is_payment][-LAST_PAYMENTS:].tolist()
    lengths = []
    for payment in payments:
        found = behaviour(view, chain_through(hops, payment))
        lengths.append(found.length if found.is_peel_chain else 0)
    if not lengths:
        return Measure(value=None, observations=0)
    return Measure(value=Decimal(max(lengths)), observations=len(lengths))


def _of_spends(gathered: Gathered) -> BoolArray:
    """Return which outputs are of transactions that the subject spends in."""
    activity = gathered.activity
    spending = np.zeros(len(activity.time), dtype=np.bool_)
    spending[activity.input_place[activity.input_is_own]] = True
    found: BoolArray = spending[activity.output_place]
    return found


def judge(rule: RoleRule, features: Mapping[str, Measure], *, is_whole: bool) -> RoleResult:
    """Decide one role from the features of a subject.

    `is_whole` says whether they were measured over the whole activity.
    """
    results = []
    for check in rule.checks:
        measure = features[check.feature]
        verdict = decide(check, measure, is_whole=is_whole)
        results.append(CheckResult(check=check, measure=measure, verdict=verdict))
    return RoleResult(rule=rule, checks=tuple(results))


def decide(check: Check, measure: Measure, *, is_whole: bool) -> Verdict:
    """Decide one check."""
    value = measure.value
    if value is None or measure.observations < check.observations:
        return Verdict.UNDECIDED
    may_be_more = measure.is_count and not is_whole
    if check.at_least is not None:
        if value >= check.at_least:
            return Verdict.HOLDS
        return Verdict.UNDECIDED if may_be_more else Verdict.FAILS
    assert check.at_most is not None  # noqa: S101 - a policy is read so
    if value > check.at_most:
        return Verdict.FAILS
    return Verdict.UNDECIDED if may_be_more else Verdict.HOLDS
