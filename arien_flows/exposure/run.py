"""Find an exposure: the passes over the ledger, the names of what they met, and the check.

Where the request leaves the smallest amount open, a first pass follows large amounts only, and
each next one a tenth of that, as long as ten times the transactions of the last pass would be
within the budget. So the amount depends on the ledger and the question alone, never on the clock;
and the budget is spent on the largest amounts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from arien_flows.attribution.naming import Naming
from arien_flows.attribution.owner import Owner
from arien_flows.errors import InputError
from arien_flows.exposure.request import LEAST_MIN_VALUE_SAT, ExposureRequest
from arien_flows.exposure.shares import COINJOIN, Exposure, ExposureShare
from arien_flows.exposure.subject import Subject, moved_by, subject_named
from arien_flows.ledger.beginning import genesis_outputs
from arien_flows.ledger.view import View
from arien_flows.shapes import Truncation
from arien_flows.tracing.engine import Ground, spend_columns
from arien_flows.tracing.window import window_of
from chains.types import Int64Array
from heuristics.coinjoin import JOINMARKET_CONFIDENCE
from heuristics.exposure import expose, owners_of
from heuristics.exposure_terms import ExposureTerms, Moved, Owners, Reached
from heuristics.stops import SpendColumns
from heuristics.taint import Stop

STEP = 10
"""From one smallest amount that is tried to the next."""

FIRST_SHARE = 10_000
"""The first one that is tried is this part of the whole."""

LIMITS: Mapping[Stop, str] = {
    Stop.BELOW_MIN: "smaller amounts were not followed: ask with a smaller --min-value, or a "
    "larger --budget",
    Stop.HOP_LIMIT: "paths are longer: ask with a larger --max-hops",
    Stop.TIME_WINDOW: "paths lead further back or on: ask with a longer --horizon",
    Stop.FAN_OUT: "payouts to many were not followed where little of them is this money: ask with "
    "a larger --fan-out-outputs, or a smaller --fan-out-percent",
    Stop.BUDGET: "there are more transactions: ask with a larger --budget or --min-value",
}
"""Reasons that are limits of the search, and what to do about each."""

COINJOIN_CONFIDENCE = JOINMARKET_CONFIDENCE
"""Of every share that met a CoinJoin, since the pass does not tell designs apart: the least figure
that is published for any of them (`heuristics.coinjoin`). Other designs have higher ones, and some
rules none."""

_DAY_SECONDS = 86_400


@dataclass(frozen=True, kw_only=True)
class Exposed:
    """An exposure in ledger numbers."""

    ground: Ground
    request: ExposureRequest
    subject: Subject
    moved: Moved
    terms: ExposureTerms
    naming: Naming
    reached: Reached

    @property
    def total_sat(self) -> int:
        """What came from outside, or went there."""
        return int(self.moved.amount.sum()) - self.reached.inner


@dataclass(frozen=True, kw_only=True)
class ExposureSetUp:
    """What exposures of many subjects over one ground share: who is named, and the columns."""

    ground: Ground
    naming: Naming
    owners: Owners
    """With nobody who is asked about."""

    columns: SpendColumns


def exposure_set_up(ground: Ground, min_confidence: int) -> ExposureSetUp:
    """Return what exposures with one least confidence share; its cost grows with the tags."""
    view = ground.view
    naming = Naming(attribution=ground.attribution, least=min_confidence, on=view.tip.time.date())
    nobody = np.empty(0, np.int64)
    owners = owners_of(
        ground.entities.labels,
        subject_address=nobody,
        subject_root=nobody,
        own_root=nobody,
        named_address=naming.address,
        named_root=naming.root,
    )
    return ExposureSetUp(ground=ground, naming=naming, owners=owners, columns=spend_columns(view))


def exposure_of(
    ground: Ground, request: ExposureRequest, shared: ExposureSetUp | None = None
) -> Exposure:
    """Return the exposure of the subjects that a request names.

    `shared` is a set-up of the same ground and least confidence, where many are asked about.

    Raises
    ------
    InputError, NotFoundError
        If the subjects mean nothing in this ledger.
    ConservationError
        If the amounts do not add up.
    """
    subject = subject_named(ground.view, ground.entities, request.subjects)
    return shares_of(run_exposure(ground, request, subject, shared))


def run_exposure(
    ground: Ground,
    request: ExposureRequest,
    subject: Subject,
    shared: ExposureSetUp | None = None,
) -> Exposed:
    """Follow the money of a subject; the request's own subjects are only told in errors."""
    view = ground.view
    _ = view.tip  # an empty ledger says so here
    if ground.fetched is not None:
        raise InputError("an exposure needs a ledger of whole blocks: ask without --source")
    window = window_of(view, request.as_trace())
    moved = moved_by(view, ground.entities, subject, request, window)
    shared = shared or exposure_set_up(ground, request.min_confidence)
    owners = shared.owners._replace(
        subject_address=subject.addresses, subject_root=subject.roots, own_root=subject.own_roots
    )
    marks = ground.coinjoin_marks
    for terms in _tried(view, request, moved):
        reached = expose(
            terms, shared.columns, np.empty(0, np.uint8) if marks is None else marks, owners, moved
        )
        if not _goes_on(request, terms, reached):
            break
    return Exposed(
        ground=ground,
        request=request,
        subject=subject,
        moved=moved,
        terms=terms,
        naming=shared.naming,
        reached=reached,
    )


def _tried(view: View, request: ExposureRequest, moved: Moved) -> Iterator[ExposureTerms]:
    """Yield the limits of one pass after the other."""
    first, last = _horizon(view, request, moved)
    least = request.min_value_sat
    tried = least or max(int(moved.amount.sum()) // FIRST_SHARE, LEAST_MIN_VALUE_SAT)
    while True:
        yield ExposureTerms(
            direction=int(request.direction_code),
            max_hops=request.max_hops,
            min_value=tried,
            budget=request.budget,
            crowded_width=request.fan_out_outputs,
            crowded_percent=request.fan_out_percent,
            first_transaction=first,
            last_transaction=last,
            genesis_outputs=genesis_outputs(view),
        )
        tried = max(tried // STEP, LEAST_MIN_VALUE_SAT)


def _goes_on(request: ExposureRequest, terms: ExposureTerms, reached: Reached) -> bool:
    return (
        request.min_value_sat is None
        and terms.min_value > LEAST_MIN_VALUE_SAT
        and int(reached.by_reason[Stop.BELOW_MIN]) > 0
        and reached.followed * STEP <= request.budget
    )


def _horizon(view: View, request: ExposureRequest, moved: Moved) -> tuple[int, int]:
    """Return the first and the last transaction that money is followed through."""
    everything = 0, view.counts.transactions - 1
    if request.horizon_days is None or len(moved.transaction) == 0:
        return everything
    times, seconds = view.median_times, request.horizon_days * _DAY_SECONDS
    ends = view.blocks_of(moved.transaction[[0, -1]])
    if request.is_in:
        block = int(np.searchsorted(times, int(times[ends[0]]) - seconds, side="left"))
        return int(view.first_transaction[block]), everything[1]
    block = int(np.searchsorted(times, int(times[ends[1]]) + seconds, side="right"))
    return 0, int(view.first_transaction[block]) - 1


@dataclass(slots=True, kw_only=True)
class _Met:
    """What was met of one owner at one distance."""

    value: int = 0
    by_root: dict[int, int] = field(default_factory=dict)
    most: int = 0
    transaction: int = -1

    def add(self, root: int, value: int, most: int, transaction: int) -> None:
        self.value += value
        self.by_root[root] = self.by_root.get(root, 0) + value
        if (most, -transaction) > (self.most, -self.transaction):
            self.most, self.transaction = most, transaction


_Key = tuple[Owner, bool, int]
"""Owner, whether the name is another address's of its entity, hops."""


def shares_of(exposed: Exposed) -> Exposure:
    """Return what was met as shares, by the names that the tags give."""
    view = exposed.ground.view
    met = _met(exposed)
    shares = [_share(view, key, found) for key, found in met.items()]
    shares += _coinjoins(view, exposed)
    shares.sort(key=lambda it: (-it.value, it.hops, it.label, it.documents, it.certainty))
    return Exposure(
        direction=exposed.request.direction,
        total=exposed.total_sat,
        shares=tuple(shares),
        rest={
            stop.name.lower(): int(exposed.reached.by_reason[stop])
            for stop in Stop
            if exposed.reached.by_reason[stop]
        },
        truncations=_truncations(exposed),
        transactions=len(np.unique(exposed.moved.transaction)),
        followed=exposed.reached.followed,
        min_value=exposed.terms.min_value,
    )


def _met(exposed: Exposed) -> dict[_Key, _Met]:
    reached, naming = exposed.reached, exposed.naming
    width = exposed.terms.max_hops + 1
    found: dict[_Key, _Met] = {}
    tables = (
        (reached.address_amount, reached.address_most, reached.address_through, False),
        (reached.root_amount, reached.root_most, reached.root_through, True),
    )
    owners: dict[tuple[int, bool], Owner] = {}
    for amounts, most, through, is_inherited in tables:
        for cell in np.flatnonzero(amounts).tolist():
            place, hops = divmod(cell, width)
            number = int((naming.root if is_inherited else naming.address)[place])
            if (number, is_inherited) not in owners:
                owners[number, is_inherited] = (
                    naming.of_entity(number) if is_inherited else naming.of_address(number)
                )
            root = number if is_inherited else exposed.ground.entities.root_of(number)
            key = owners[number, is_inherited], is_inherited, hops
            found.setdefault(key, _Met()).add(
                root, int(amounts[cell]), int(most[cell]), int(through[cell])
            )
    return found


def _share(view: View, key: _Key, met: _Met) -> ExposureShare:
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
        entity=view.address_text(largest) or "",
        entities=len(met.by_root),
        transaction=view.txid_text(met.transaction),
    )


def _coinjoins(view: View, exposed: Exposed) -> list[ExposureShare]:
    reached: Reached = exposed.reached
    amounts: Int64Array = reached.coinjoin_amount
    return [
        ExposureShare(
            category=COINJOIN,
            label="CoinJoin",
            confidence=COINJOIN_CONFIDENCE,
            hops=hops,
            value=int(amounts[hops]),
            documents=(),
            certainty="inference",
            entities=0,
            transaction=view.txid_text(int(reached.coinjoin_through[hops])),
        )
        for hops in np.flatnonzero(amounts).tolist()
    ]


def _truncations(exposed: Exposed) -> tuple[Truncation, ...]:
    terms, request = exposed.terms, exposed.request
    limit = {
        Stop.BELOW_MIN: terms.min_value,
        Stop.HOP_LIMIT: terms.max_hops,
        Stop.TIME_WINDOW: request.horizon_days,
        Stop.FAN_OUT: terms.crowded_width,
        Stop.BUDGET: terms.budget,
    }
    cuts = [
        Truncation(
            where=f"exposure {request.direction}",
            reason=stop.name.lower(),
            limit=limit[stop],
            detail=detail,
        )
        for stop, detail in LIMITS.items()
        if exposed.reached.by_reason[stop]
    ]
    if exposed.ground.coinjoin_marks is None:
        cuts.append(
            Truncation(
                where=f"exposure {request.direction}",
                reason="coinjoins_unmarked",
                detail="no CoinJoins are marked, so money is followed through them: "
                "`arien-flows cluster run` marks them",
            )
        )
    return tuple(cuts)
