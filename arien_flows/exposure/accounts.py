"""Exposure on a chain of accounts: a haircut trace that ends at whoever is named.

What came in is what the subject received of one asset from others, in the sense of a trace's
source; what went out is what it gave to others, and its gas. A haircut over balances divides both
among everybody their paths come from, or lead to, and a path ends at the first account that a
source names, in whatever role. Distances are transfers: 1 is a payment between the subject and the
owner. What the subject exchanged for another asset of its own is no payment, and is not counted.

Money changes its asset on the way. What was exchanged for the asset that is asked about counts as
what was exchanged: each end beyond a conversion has the value, in the asset of the question, of its
part of that conversion. Where one asset is reached by conversions at several prices, their mean is
taken; the parts are rounded together, so that they sum to the total exactly.

Burns carry nothing on: what is destroyed is told as that. A mixer, a bridge or a contract of many
that no source names ends a path with its reason, and names nobody.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from fractions import Fraction

import numpy as np

from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.view import AccountView
from arien_flows.account_tracing.explore import End
from arien_flows.account_tracing.ground import Ground
from arien_flows.account_tracing.request import AccountTraceRequest
from arien_flows.account_tracing.sources import Sources, resolve_sources
from arien_flows.account_tracing.stops import Reason
from arien_flows.account_tracing.traced import Traced, traced_from
from arien_flows.account_tracing.window import Window, window_of
from arien_flows.attribution.naming import Naming
from arien_flows.attribution.owner import Owner
from arien_flows.attribution.snapshot import Attribution
from arien_flows.errors import NothingReceivedError
from arien_flows.exposure.request import (
    DEFAULT_FAN_OUT_OUTPUTS,
    DEFAULT_FAN_OUT_PERCENT,
    DEFAULT_HOPS,
    LEAST_CONFIDENCE,
    DirectionName,
)
from arien_flows.exposure.shares import Exposure, ExposureShare
from arien_flows.passages.asset_choice import chosen_asset
from arien_flows.shapes import Truncation
from arien_flows.tracing.request import MAX_DAYS
from chains.ethereum.tables import MovementKind
from chains.types import Int64Array, UInt8Array
from heuristics.taint import Stop
from heuristics.wide import to_ints

VERSION = 1
"""Raised whenever the same ledger can give other shares."""

DEFAULT_BUDGET = 200_000
"""Movements that may be looked at in one direction."""

_GAS = (MovementKind.GAS_BURNT, MovementKind.GAS_TIP)
_LIMITS: Mapping[str, str] = {
    Reason.BELOW_MIN: "parts too small to follow may have met somebody",
    Reason.HOP_LIMIT: "paths that go on past the hop limit may have met somebody",
    Reason.TIME_WINDOW: "paths that leave the time that was looked at may have met somebody",
    Reason.FAN_OUT: "small parts of what accounts with many movements moved were not followed",
    Reason.NOT_FETCHED: "accounts whose movements were not fetched end paths",
    Reason.BUDGET: "the budget was used up: raise --budget, or --min-value",
    Reason.BEFORE_LEDGER: "what lies before the ledger begins is not known",
    Reason.CONTRACT: "contracts that many use end paths: what became of money in them cannot be "
    "told",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountExposureRequest:
    """An exposure to be found; the trace that answers it raises `InputError` where it cannot be."""

    subjects: tuple[str, ...]
    """Addresses, or `entity:ADDRESS`; several are asked about as one."""

    direction: DirectionName = "in"
    asset: str | None = None
    """The coin's name, the symbol of a listed token, or a token's contract; by default the coin."""

    since: datetime | None = None
    until: datetime | None = None
    horizon_days: int | None = None
    max_hops: int = DEFAULT_HOPS
    """Transfers between the subject and the named owner, the last one counted."""

    min_value: int | None = None
    """In base units; by default a small share of the whole."""

    budget: int = DEFAULT_BUDGET
    """Movements that may be looked at."""

    min_confidence: int = LEAST_CONFIDENCE
    fan_out: int = DEFAULT_FAN_OUT_OUTPUTS
    fan_out_percent: int = DEFAULT_FAN_OUT_PERCENT

    def as_trace(self) -> AccountTraceRequest:
        """Return the trace that finds it."""
        return AccountTraceRequest(
            sources=self.subjects,
            asset=self.asset,
            direction="backward" if self.direction == "in" else "forward",
            policy="haircut",
            max_hops=self.max_hops,
            min_value=self.min_value,
            since=self.since,
            until=self.until,
            horizon_days=self.horizon_days or MAX_DAYS,
            budget=self.budget,
            fan_out=self.fan_out,
            fan_out_percent=self.fan_out_percent,
            min_confidence=self.min_confidence,
        )


class _EveryName(Attribution):
    """Attribution in which whoever is named ends a path, and not only services."""

    def stops(self) -> tuple[UInt8Array, UInt8Array]:
        """Return that every named address, and every named entity, is an end."""
        return (
            np.full(len(self.service_address), Stop.SERVICE_REACHED, np.uint8),
            np.full(len(self.service_root), Stop.SERVICE_REACHED, np.uint8),
        )


def account_exposure_of(ground: Ground, request: AccountExposureRequest) -> Exposure:
    """Return the shares of the first named owners that the subject's money meets.

    `InputError` where the question cannot be answered, `NotFoundError` for an unknown subject.
    """
    view, wanted = ground.view, request.as_trace()
    naming = Naming(
        attribution=ground.attribution, least=request.min_confidence, on=view.tip.time.date()
    )
    named = _stopping_at_names(ground, naming, request.min_confidence)
    asset = NATIVE if request.asset is None else chosen_asset(view, request.asset)
    window = window_of(view, wanted)
    members = subject_accounts(ground, request.subjects)
    fees = 0
    if request.direction == "in":
        sources = _receipts(named, wanted, window, asset)
    else:
        sources = _payments(named, members, asset, window)
        fees = _gas_paid(view, members, asset, window)
    if not len(sources.rows):
        rest = {"fee": fees} if fees else {}
        return Exposure(direction=request.direction, total=fees, shares=(), rest=rest)
    traced = traced_from(named, wanted, sources)
    return _exposure(traced, naming, request, fees)


def subject_accounts(ground: Ground, subjects: Iterable[str]) -> Int64Array:
    """Return the accounts that subjects name, ascending."""
    found = []
    for text in subjects:
        kind, colon, rest = text.strip().partition(":")
        if colon and kind.lower() == "entity":
            root = ground.entities.root_of(ground.view.find_account(rest))
            found.append(ground.entities.members(root).astype(np.int64))
        else:
            found.append(np.array([ground.view.find_account(text)], np.int64))
    return np.unique(np.concatenate(found))


def _stopping_at_names(ground: Ground, naming: Naming, least: int) -> Ground:
    known = ground.attribution
    parts = {field.name: getattr(known, field.name) for field in fields(known)}
    none = np.zeros(0, np.int64)
    parts |= {
        "service_address": naming.address,
        "service_address_tag": np.resize(none, len(naming.address)),
        "service_root": naming.root,
        "service_root_tag": np.resize(none, len(naming.root)),
        "service_confidence": least,
    }
    told = {field.name: getattr(ground, field.name) for field in fields(ground) if field.init}
    return Ground(**{**told, "attribution": _EveryName(**parts)})


def _receipts(ground: Ground, request: AccountTraceRequest, window: Window, asset: int) -> Sources:
    try:
        return resolve_sources(ground, request, window)
    except NothingReceivedError:
        return Sources(rows=np.empty(0, np.int64), asset=asset, accounts=frozenset(), total=0)


def _payments(ground: Ground, members: Int64Array, asset: int, window: Window) -> Sources:
    """Return what accounts gave to others, but not for another asset of their own."""
    view = ground.view
    rows = _moved_by(view, members, asset, window)
    moved = view.movements
    is_given = np.isin(moved.giver[rows], members) & ~np.isin(moved.receiver[rows], members)
    given = rows[is_given & ~np.isin(moved.kind[rows], _GAS)]
    given = given[view.amounts.of(given).any(axis=1)]
    transactions = np.unique(moved.transaction[given].astype(np.int64))
    owners = set(members.tolist())
    exchanged = {
        row
        for each in ground.find_conversions(view, transactions)
        if each.owner in owners
        for row in each.given_rows
    }
    given = given[~np.isin(given, np.array(sorted(exchanged), np.int64))]
    return Sources(
        rows=given,
        asset=asset,
        accounts=frozenset(owners),
        total=sum(to_ints(view.amounts.of(given))),
    )


def _gas_paid(view: AccountView, members: Int64Array, asset: int, window: Window) -> int:
    if asset != NATIVE:
        return 0
    rows = _moved_by(view, members, asset, window)
    is_gas = np.isin(view.movements.kind[rows], _GAS) & np.isin(view.movements.giver[rows], members)
    return sum(to_ints(view.amounts.of(rows[is_gas])))


def _moved_by(view: AccountView, members: Int64Array, asset: int, window: Window) -> Int64Array:
    parts = [view.index.movements_of(each, asset) for each in members.tolist()]
    rows: Int64Array = np.unique(np.concatenate(parts))
    return rows[(rows >= window.first_row) & (rows < window.past_row)]


@dataclass(slots=True, kw_only=True)
class _Met:
    """What was met of one owner at one distance."""

    value: int = 0
    by_root: dict[int, int]
    most: int = 0
    transaction: int = -1


_Key = tuple[Owner, bool, int]
"""Owner, whether the name is another account's of its entity, transfers."""


def _exposure(
    traced: Traced, naming: Naming, request: AccountExposureRequest, fees: int
) -> Exposure:
    """Return what a trace found as shares and rest; both sum to its sources and the fees."""
    ground = traced.search.ground
    values = values_in_source(traced)
    shares: dict[_Key, _Met] = {}
    rest: defaultdict[str, int] = defaultdict(int)
    for end, value in zip(traced.ends, values, strict=True):
        if not value:
            continue
        owner = _owner_at(ground, naming, end)
        hops = end.hops + 1
        if owner is None or hops > request.max_hops:
            rest[str(end.reason if owner is None else Reason.HOP_LIMIT)] += value
            continue
        met = shares.setdefault((*owner, hops), _Met(by_root={}))
        root = int(ground.entities.root_of(end.account))
        met.value += value
        met.by_root[root] = met.by_root.get(root, 0) + value
        transaction = traced.transaction_of(end)
        if (value, -transaction) > (met.most, -met.transaction):
            met.most, met.transaction = value, transaction
    if fees:
        rest[str(Reason.FEE)] += fees
    found = [_share(ground.view, key, met) for key, met in shares.items()]
    found.sort(key=lambda it: (-it.value, it.hops, it.label, it.documents, it.certainty))
    return Exposure(
        direction=request.direction,
        total=traced.sources.total + fees,
        shares=tuple(found),
        rest={str(reason): rest[str(reason)] for reason in Reason if rest[str(reason)]},
        truncations=_truncations(traced, request, rest),
        transactions=len(np.unique(ground.view.movements.transaction[traced.sources.rows])),
        followed=traced.search.looked_at,
        min_value=traced.min_value,
    )


def _owner_at(ground: Ground, naming: Naming, end: End) -> tuple[Owner, bool] | None:
    """Return who is named where a path ended, and whether by another account of the entity."""
    if end.reason is not Reason.SERVICE_REACHED:
        return None
    if _holds(naming.address, end.account):
        return naming.of_address(end.account), False
    root = int(ground.entities.root_of(end.account))
    return (naming.of_entity(root), True) if _holds(naming.root, root) else None


def _holds(numbers: Int64Array, wanted: int) -> bool:
    place = int(np.searchsorted(numbers, wanted))
    return place < len(numbers) and int(numbers[place]) == wanted


def _share(view: AccountView, key: _Key, met: _Met) -> ExposureShare:
    owner, is_inherited, hops = key
    largest = min(met.by_root, key=lambda root: (-met.by_root[root], root))
    return ExposureShare(
        category=owner.category,
        label=owner.label,
        confidence=owner.confidence,
        stated=owner.stated,
        hops=hops,
        value=met.value,
        documents=tuple(each for each in owner.documents if each),
        certainty="inference" if is_inherited else "attribution",
        actor=owner.actor,
        is_disputed=owner.is_disputed,
        entity=view.account_text(largest),
        entities=len(met.by_root),
        transaction=view.transaction_text(met.transaction),
    )


def values_in_source(traced: Traced) -> list[int]:
    """Return what each end is worth in the asset of the sources; their sum is that of the sources.

    Where nothing changed its asset that is what was traced there.
    """
    if not traced.found.turned:
        return [end.traced for end in traced.ends]
    rates = _rates(traced)
    weights = [end.traced * rates.get(end.asset, Fraction(0)) for end in traced.ends]
    return rounded_together(weights, traced.sources.total)


def _rates(traced: Traced) -> dict[int, Fraction]:
    """Return what a unit of each asset is worth in that of the sources, by its conversions."""
    source = traced.sources.asset
    rates = {source: Fraction(1)}
    forward = traced.request.is_forward
    for _ in range(len(traced.assets)):
        worth: defaultdict[int, Fraction] = defaultdict(Fraction)
        units: defaultdict[int, int] = defaultdict(int)
        for turned in traced.found.turned:
            it = turned.conversion
            near, far = (it.gave, it.got) if forward else (it.got, it.gave)
            if near in rates and far != source:
                worth[far] += turned.traced * rates[near]
                units[far] += turned.came
        found = {asset: worth[asset] / units[asset] for asset in units if units[asset]}
        if all(rates.get(asset) == rate for asset, rate in found.items()):
            break
        rates = {source: Fraction(1)} | found
    return rates


def rounded_together(weights: list[Fraction], total: int) -> list[int]:
    """Return whole parts of a total in proportion to weights, which sum to it exactly.

    What is cut off weighs most where a part is rounded up; ties go to the earlier one.
    """
    whole = sum(weights, Fraction(0))
    if not whole:
        return [total, *([0] * (len(weights) - 1))] if weights else []
    exact = [weight * total / whole for weight in weights]
    parts = [int(value) for value in exact]
    by_rest = sorted(range(len(exact)), key=lambda i: (parts[i] - exact[i], i))
    for place in by_rest[: total - sum(parts)]:
        parts[place] += 1
    return parts


def _truncations(
    traced: Traced, request: AccountExposureRequest, rest: Mapping[str, int]
) -> tuple[Truncation, ...]:
    limits = {
        Reason.HOP_LIMIT: request.max_hops,
        Reason.TIME_WINDOW: request.horizon_days,
        Reason.FAN_OUT: request.fan_out,
        Reason.BUDGET: traced.budget,
    }
    where = f"exposure {request.direction}"
    cuts = [
        Truncation(where=where, reason=str(reason), limit=limits.get(reason), detail=detail)
        for reason, detail in ((Reason(name), text) for name, text in _LIMITS.items())
        if rest.get(str(reason))
    ]
    if traced.found.turned:
        cuts.append(
            Truncation(
                where=where,
                reason="converted",
                detail="money changed its asset on the way: what lies beyond counts as the part "
                "of what was exchanged for it, an inference from the prices of these exchanges",
            )
        )
    return tuple(cuts)
