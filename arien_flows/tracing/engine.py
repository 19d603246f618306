"""Run a trace over a view and check that no money was made or lost.

The arrays of the view, the tags and the limits go to the kernels of `heuristics.follow`; what
comes back is checked before anything is shown. The check is a statement about this program, not
about the input: if it fails there is a bug, no answer is given, and the error is not one that a
user can do anything about.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from arien_flows.attribution.ownership import EntityMap
from arien_flows.attribution.snapshot import Attribution
from arien_flows.errors import InputError
from arien_flows.fetched.completeness import Fetched
from arien_flows.ledger.beginning import genesis_outputs
from arien_flows.ledger.view import View
from arien_flows.tracing.request import TraceRequest
from arien_flows.tracing.sources import resolve_sources
from arien_flows.tracing.window import source_deadlines, window_of
from chains.types import Int64Array, UInt8Array
from heuristics.conservation import ConservationError
from heuristics.explored import RewardError
from heuristics.follow import Question, Trail, follow
from heuristics.propagate import FlowLimits
from heuristics.rewards import Rewards, no_rewards
from heuristics.stops import SpendColumns, StopRules
from heuristics.taint import Policy, Stop

MINTED = (Stop.DESTROYED, Stop.NEWLY_MINED)
"""Reasons of subsidies and of rewards that a coinbase does not claim."""

NO_FEE = (Stop.CLEAN, Stop.FOLLOWED, *MINTED)
"""Reasons of fees that lead on, and of what a coinbase creates or does not claim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a trace stands on: the ledger and all that is known beside it."""

    view: View
    entities: EntityMap
    attribution: Attribution
    coinjoin_marks: UInt8Array | None
    """Non-zero where a transaction is a CoinJoin; nothing where no marks were made."""

    fetched: Fetched | None = None
    """What the view leaves open; nothing for a ledger of whole blocks, where an output that no
    transaction spends is unspent."""

    tags_are_later: bool = False
    """Whether the state that is described is an earlier one, and the attribution is not of that
    time."""

    def stopping_from(self, confidence: int) -> Self:
        """Return the same ground with paths ending at services of at least a confidence."""
        return replace(self, attribution=self.attribution.from_confidence(confidence))


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """A trace in ledger numbers."""

    request: TraceRequest
    trail: Trail
    min_value_sat: int
    asked_apart: bool = False
    """Whether several sources were asked about that have a coin each of their own."""

    @property
    def source_sat(self) -> int:
        """The sum of the sources."""
        return int(self.trail.arrays.source_value.sum())

    @property
    def budget(self) -> int:
        """The budget in force: what was explored when the time ran out, if it did."""
        return len(self.trail.transactions) if self.trail.timed_out else self.request.budget

    @property
    def fees_sat(self) -> int:
        """Traced money in fees, without those that were followed."""
        fees = self.trail.fees
        return int(fees.amount[~np.isin(fees.reason, NO_FEE)].sum())

    @property
    def minted_sat(self) -> int:
        """Traced money in subsidies and unclaimed rewards, where fees are followed."""
        fees = self.trail.fees
        return int(fees.amount[np.isin(fees.reason, MINTED)].sum())

    def ended_sat(self) -> dict[Stop, int]:
        """Return what ended for each reason that occurs, in the order of the rules.

        Subsidies and unclaimed rewards are among them, fees are not.
        """
        flow, fees = self.trail.flow, self.trail.fees
        minted = np.isin(fees.reason, MINTED)
        reasons = np.concatenate([flow.reason, fees.reason[minted]])
        amounts = np.concatenate([flow.amount, fees.amount[minted]])
        return {
            stop: int(amounts[reasons == stop].sum())
            for stop in Stop
            if stop not in (Stop.CLEAN, Stop.FOLLOWED) and np.any(reasons == stop)
        }


def run_trace(ground: Ground, request: TraceRequest) -> Traced:
    """Trace, and check conservation.

    Raises
    ------
    InputError, NotFoundError
        If the sources mean nothing in this ledger.
    ConservationError
        If the amounts do not add up.
    """
    view = ground.view
    _ = view.tip  # an empty ledger says so here
    if ground.fetched is not None:
        request.check_for_fetched()
    window = window_of(view, request)
    sources = resolve_sources(view, request, ground.entities, window)
    attribution = ground.attribution
    if attribution.service_confidence != request.min_confidence:
        raise ValueError("the ground must stop at the services that the request stops at")
    address_stop, root_stop = attribution.stops()
    marks, fetched = ground.coinjoin_marks, ground.fetched
    rules = StopRules(
        sources=sources.outputs,
        labels=ground.entities.labels,
        own_root=sources.roots,
        tagged_address=attribution.service_address,
        tagged_stop=address_stop,
        tagged_root=attribution.service_root,
        root_stop=root_stop,
        marks=np.empty(0, np.uint8) if marks is None else marks,
        unasked=np.empty(0, np.int64) if fetched is None else fetched.unasked,
        first_transaction=window.first_transaction,
        last_transaction=window.last_transaction,
        dormant_before=window.dormant_before,
        outside_stop=int(Stop.BEFORE_LEDGER if fetched is None else Stop.NOT_FETCHED),
        genesis_outputs=genesis_outputs(view),
    )
    min_value_sat = request.smallest_followed_sat(int(view.output_value[sources.outputs].sum()))
    question = Question(
        direction=request.direction_code,
        policy=request.policy_code,
        limits=FlowLimits(min_value_sat, request.max_hops, request.fan_out_percent),
        crowded_width=request.fan_out_outputs,
        budget=request.budget,
        source_deadline=source_deadlines(view, request, sources.outputs),
        source_colour=sources.colours,
        rewards=rewards_of(view, request),
        seconds=request.seconds,
    )
    try:
        trail = follow(question, spend_columns(view), rules)
    except RewardError as error:
        height = int(view.heights_of(np.array([error.transaction]))[0])
        raise InputError(
            f"a transaction of block {height:,} {error.fault}, so fees cannot be followed: use "
            "another --fee-mode, and `arien-flows ledger verify` says more"
        ) from error
    traced = Traced(
        request=request,
        trail=trail,
        min_value_sat=min_value_sat,
        asked_apart=bool(np.any(sources.colours != sources.colours[0])),
    )
    check_conservation(traced)
    return traced


def spend_columns(view: View) -> SpendColumns:
    """Return the columns of a view that tracing reads."""
    return SpendColumns(
        first_input=view.first_input,
        first_output=view.first_output,
        spent_output=view.spent_output,
        input_value=view.input_value,
        input_address=view.input_address,
        output_value=view.output_value,
        output_address=view.output_address,
        spender=view.spender,
    )


def rewards_of(view: View, request: TraceRequest) -> Rewards:
    """Return what is needed to follow fees; nothing where the request does not want it."""
    if not request.follows_fees:
        return no_rewards()
    return Rewards(
        first_transaction=np.asarray(view.first_transaction).astype(np.int64),
        subsidy=subsidies_of(view),
        subsidy_last=request.subsidy_order == "last",
    )


def subsidies_of(view: View) -> Int64Array:
    """Return what each block may create, by the network's schedule, in satoshi."""
    interval = view.network.halving_interval
    period, where = np.unique(
        view.block_height[: view.counts.blocks] // interval, return_inverse=True
    )
    subsidies = [view.network.subsidy(int(each) * interval) for each in period]
    found: Int64Array = np.array(subsidies, np.int64)[where]
    return found


def check_conservation(traced: Traced) -> None:
    """Raise `ConservationError` unless every traced unit is accounted for exactly once.

    Under poison amounts grow by definition; there only the bounds are checked.
    """
    flow, values = traced.trail.flow, traced.trail.values
    if np.any(flow.amount < 0) or np.any(flow.amount > values):
        raise ConservationError("a coin holds more traced money than money")
    fees = traced.trail.fees
    if np.any(fees.amount < 0) or np.any(fees.amount > fees.value):
        raise ConservationError("a fee holds more traced money than money")
    if traced.request.policy_code == Policy.POISON:
        return
    accounted = sum(traced.ended_sat().values()) + traced.fees_sat
    if accounted != traced.source_sat:
        raise ConservationError(
            f"{traced.source_sat} sat were traced and {accounted} sat accounted for"
        )
