"""Whole-ledger taint: many sources through to the tip, in one pass over a ledger.

Where a trace answers how one sum was moved, within limits that a person can follow, this answers
where the money of hundreds or thousands of sources is today. Nothing is left out for being small
or far away: paths end where coins are unspent, destroyed, back at a source, or spent on fees (or,
if asked, at services and CoinJoins). What it needs of memory grows with the coins that are tainted
at one time, not with the ledger.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from arien_flows.errors import InputError
from arien_flows.ledger.beginning import first_height, genesis_outputs, row_of
from arien_flows.ledger.view import View
from arien_flows.tracing.engine import Ground, spend_columns, subsidies_of
from arien_flows.tracing.sweep_request import SweepRequest
from arien_flows.tracing.sweep_sources import SweepSources, resolve_all
from chains.types import Int64Array
from heuristics.conservation import ConservationError
from heuristics.stops import StopRules
from heuristics.sweep import Sweep, sweep
from heuristics.sweep_terms import SweepColumns, SweepTerms
from heuristics.taint import Policy, Stop

Watch = Callable[[int, int], None]
"""Told now and then how many transactions were passed, and of how many."""

FeeSink = Callable[[Int64Array, Int64Array], None]
"""Takes the transactions and amounts of tainted fees (or unclaimed rewards) as they come."""


@dataclass(frozen=True, kw_only=True)
class Swept:
    """A whole-ledger taint in ledger numbers."""

    ground: Ground
    request: SweepRequest
    blocks: int
    """Rows of the block table that were looked at."""

    sources: SweepSources
    found: Sweep
    remainder_by_block: Int64Array
    """Tainted fees of each block; with fees followed into coinbases, unclaimed rewards."""

    @property
    def source_sat(self) -> int:
        """The sum of the sources."""
        return int(self.ground.view.output_value[self.sources.outputs].sum())

    @property
    def destroyed_sat(self) -> int:
        """Taint that nobody can spend or claim."""
        lost = self.found.amount[self.found.reason == Stop.DESTROYED]
        return int(lost.sum()) + self.found.unclaimed

    @property
    def are_told_apart(self) -> bool:
        """Whether amounts by source mean anything."""
        return self.sources.are_told_apart and self.found.told_apart

    def ended_sat(self) -> dict[Stop, int]:
        """Return what came to rest for each reason that occurs, destroyed coins left out."""
        reasons, amounts = self.found.reason, self.found.amount
        return {
            stop: int(amounts[reasons == stop].sum())
            for stop in Stop
            if stop != Stop.DESTROYED and np.any(reasons == stop)
        }


def run_sweep(
    ground: Ground,
    request: SweepRequest,
    *,
    watch: Watch = lambda _done, _total: None,
    take_fees: FeeSink = lambda _transactions, _amounts: None,
) -> Swept:
    """Pass over the ledger once, and check that no money was made or lost.

    `watch` and `take_fees` may raise to break the pass off.

    Raises
    ------
    InputError, NotFoundError
        If the sources mean nothing in this ledger, or it does not reach the block that is named.
    ConservationError
        If the amounts do not add up.
    """
    view = ground.view
    if ground.fetched is not None:
        raise InputError("taint through to the tip needs a ledger: ask without --source")
    blocks = _blocks_of(view, request)
    stop = int(view.first_transaction[blocks])
    sources = resolve_all(ground, request, stop)
    remainder_by_block = np.zeros(blocks, np.int64)

    def report(done: int, transactions: Int64Array, amounts: Int64Array) -> None:
        np.add.at(remainder_by_block, view.blocks_of(transactions), amounts)
        take_fees(transactions, amounts)
        watch(done, stop)

    terms = SweepTerms(
        policy=int(request.policy_code),
        follows_fees=request.fee_mode == "track_coinbase",
        subsidy_last=request.subsidy_order == "last",
        has_colours=sources.are_told_apart,
        stops_at_services=request.stops_at_services,
        stop_transaction=stop,
    )
    columns = SweepColumns(
        ledger=spend_columns(view),
        fee=view.fee,
        first_transaction=view.first_transaction,
        subsidy=subsidies_of(view) if terms.follows_fees else np.empty(0, np.int64),
        voided=np.sort(view.overwrite_output[view.overwrite_transaction < stop]).astype(np.int64),
    )
    rules = _rules(ground, request, sources)
    found = sweep(terms, columns, sources.outputs, sources.colours, rules, report)
    swept = Swept(
        ground=ground,
        request=request,
        blocks=blocks,
        sources=sources,
        found=found,
        remainder_by_block=remainder_by_block,
    )
    _check_conservation(swept)
    return swept


def _blocks_of(view: View, request: SweepRequest) -> int:
    """Return how many rows of the block table the request looks at."""
    tip = view.tip.height
    if request.until_height is None:
        return view.counts.blocks
    if not first_height(view) <= request.until_height <= tip:
        raise InputError(
            f"block {request.until_height:,} is not in the ledger: name one from "
            f"{first_height(view):,} to {tip:,}"
        )
    return row_of(view, request.until_height) + 1


def _rules(ground: Ground, request: SweepRequest, sources: SweepSources) -> StopRules:
    marks = np.empty(0, np.uint8)
    if request.stops_at_coinjoins:
        if ground.coinjoin_marks is None:
            raise InputError(
                "no CoinJoins are marked in this ledger: run `arien-flows cluster run` first"
            )
        marks = ground.coinjoin_marks
    address_stop, root_stop = ground.attribution.stops()
    return StopRules(
        sources=sources.outputs,
        labels=ground.entities.labels,
        own_root=sources.roots,
        tagged_address=ground.attribution.service_address,
        tagged_stop=address_stop,
        tagged_root=ground.attribution.service_root,
        root_stop=root_stop,
        marks=marks,
        unasked=np.empty(0, np.int64),
        first_transaction=0,
        last_transaction=2**62,
        dormant_before=0,
        outside_stop=int(Stop.BEFORE_LEDGER),
        genesis_outputs=genesis_outputs(ground.view),
    )


def _check_conservation(swept: Swept) -> None:
    """Raise `ConservationError` unless every unit is accounted for exactly once.

    Under poison amounts grow by definition; there only the bounds are checked.
    """
    found = swept.found
    values = swept.ground.view.output_value[found.output]
    if np.any(found.amount <= 0) or np.any(found.amount > values):
        raise ConservationError("a coin holds more tainted money than money")
    if swept.request.policy_code == Policy.POISON:
        return
    accounted = int(found.amount.sum()) + found.fees + found.unclaimed
    if accounted != swept.source_sat:
        raise ConservationError(
            f"{swept.source_sat} sat were declared tainted and {accounted} sat accounted for"
        )
    if swept.are_told_apart:
        _check_each_source(swept)


def _check_each_source(swept: Swept) -> None:
    """Raise `ConservationError` unless each source's money adds up by itself."""
    sources, accounted = swept.sources, swept.found.by_colour.sum(axis=0).tolist()
    values = swept.ground.view.output_value[sources.outputs]
    for place, sat in enumerate(accounted):
        put_in = int(values[(sources.colours >> place & 1).astype(np.bool_)].sum())
        if sat != put_in:
            raise ConservationError(
                f"{put_in} sat of source {place} were declared tainted and {sat} sat accounted for"
            )
