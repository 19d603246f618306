"""Answers of a batch on a network of accounts, one subject after the other.

Nothing is gathered at once here: a ledger of accounts has its index of each account's movements,
so single questions are made as they are on the command line, and laid out as those about coins
are. Amounts of the summary, the exposure and the score are of the chain's coin. Movements that are
listed of a trace are those at which paths ended; where money went on is in the trace itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import cast

from arien_flows.account_tracing.answer import AccountLeaf, AccountTraceAnswer
from arien_flows.account_tracing.request import AccountTraceRequest
from arien_flows.account_workspace import AccountReading
from arien_flows.amounts import asset_of
from arien_flows.answers.account_address import AccountAnswer, account_answer
from arien_flows.answers.account_entities import account_cuts
from arien_flows.answers.account_exposure import account_exposure_answer
from arien_flows.answers.account_facts import account_sighting
from arien_flows.answers.account_risk import account_risk_answer
from arien_flows.answers.account_trace import traced_accounts
from arien_flows.answers.exposure_shapes import ExposureSide
from arien_flows.answers.risk_inputs import ENTITY
from arien_flows.answers.tags import NO_TAGS
from arien_flows.batch.answered import (
    MOST_LABELS,
    NO_ROW,
    Answered,
    Judged,
    TraceDone,
    answered,
    explained,
    failed,
    sentences,
)
from arien_flows.batch.items import Item, TraceAsked
from arien_flows.batch.request import BatchRequest
from arien_flows.batch.results import RiskTotals, SummaryRow, TraceTotals, TransferRow
from arien_flows.batch.rows import Method
from arien_flows.errors import NothingReceivedError
from arien_flows.exposure.accounts import AccountExposureRequest
from arien_flows.exposure.request import DirectionName
from arien_flows.shapes import Truncation
from arien_flows.tracing.request import PolicyName

_WAYS: tuple[DirectionName, DirectionName] = ("in", "out")


class AccountBatch:
    """Works out answers over one reading. The reading must not change meanwhile."""

    def __init__(self, reading: AccountReading, request: BatchRequest) -> None:
        self.reading, self.request = reading, request

    @cached_property
    def cuts(self) -> tuple[str, ...]:
        """What every answer leaves out, one sentence each."""
        reading = self.reading
        no_tags = (NO_TAGS,) if reading.tags.is_empty else ()
        both = (*account_cuts(reading), *account_cuts(reading, "entities"))
        return sentences((*both, *no_tags, *reading.limits))

    def _own(self, cuts: Iterable[Truncation]) -> tuple[str, ...]:
        """Return what an answer leaves out that others do not."""
        return tuple(each for each in sentences(cuts) if each not in self.cuts)

    def order(self, items: Sequence[Item]) -> list[int]:
        """Return the places of items in their order: neighbours share nothing here."""
        return list(range(len(items)))

    def answers(self, items: Sequence[Item]) -> Iterator[Answered]:
        """Yield the answer to each item, in order."""
        for item in items:
            try:
                yield self._answer(item)
            except Exception as error:  # noqa: BLE001 one row must not end the others
                yield failed(item, error)

    def _answer(self, item: Item) -> Answered:
        if item.kind != "address":
            return answered(self._moved(item), None, self._traced(item))
        told = account_answer(self.reading, item.subject)
        summary = replace(_summary(told), truncations=self._own(told.truncations))
        return answered(summary, self._judge(told), self._traced(item))

    def _judge(self, told: AccountAnswer) -> Judged:
        request, cuts = self.request, list[Truncation]()
        called = told.address
        if request.scope == "entity" and told.entity is not None:
            called = f"{ENTITY}{told.entity.id}"
        sides: tuple[ExposureSide, ...] = ()
        risk = None
        if request.exposure:
            asked = [
                AccountExposureRequest(subjects=(called,), direction=way, budget=request.budget)
                for way in _WAYS
            ]
            exposed = account_exposure_answer(self.reading, asked)
            sides, cuts = exposed.sides, [*cuts, *exposed.truncations]
        if request.risk:
            scored = account_risk_answer(self.reading, called, budget=request.budget)
            cuts += scored.truncations
            risk = RiskTotals(
                score=scored.score,
                band=scored.band,
                lower=scored.interval.lower,
                upper=scored.interval.upper,
                coverage_percent=scored.coverage.percent,
            )
        own = tuple(cut for cut in cuts if self._own((cut,)))
        entity = called.partition(ENTITY)[2]
        return Judged(entity=entity, sides=sides, risk=risk, cuts=own)

    def _moved(self, item: Item) -> SummaryRow:
        """Return the summary of a transaction."""
        view = self.reading.view
        moment = account_sighting(view, view.find_transaction(item.subject.partition(":")[0])).time
        coin = asset_of(view.network.name)
        return SummaryRow(
            row=NO_ROW,
            cells=(),
            status="ok",
            network=item.network,
            subject=item.subject,
            asset=coin.name,
            decimals=coin.decimals,
            first_seen=moment,
            last_seen=moment,
        )

    def _traced(self, item: Item) -> list[TraceDone]:
        return [self._trace(item, asked) for asked in item.traces]

    def _trace(self, item: Item, asked: TraceAsked) -> TraceDone:
        totals, code, detail = None, "", ""
        transfers: tuple[TransferRow, ...] = ()
        cuts: tuple[str, ...] = ()
        try:
            told = traced_accounts(
                self.reading, account_trace_request(item, asked, self.request.currency)
            ).answer
        except NothingReceivedError as error:
            cuts = (f"trace {asked.direction} (nothing_received): {error}",)
        except Exception as error:  # noqa: BLE001 one trace must not end the others
            _, code, detail = explained(error)
        else:
            totals, transfers = _totals(told, asked), _transfers(item, told, asked)
            cuts = tuple(f"trace {asked.direction}: {each}" for each in self._own(told.truncations))
        return TraceDone(
            direction=asked.direction,
            totals=totals,
            transfers=transfers,
            cuts=cuts,
            error_code=code,
            error_detail=detail,
        )


def account_trace_request(
    item: Item, asked: TraceAsked, currency: str | None
) -> AccountTraceRequest:
    """Return the single question that a trace of a batch is; `InputError` where it is none."""
    return AccountTraceRequest(
        sources=(item.subject,),
        direction=asked.direction,
        policy=cast("PolicyName", asked.policy),
        max_hops=asked.max_hops,
        min_value=asked.min_value,
        since=asked.since,
        until=asked.until,
        horizon_days=asked.horizon_days,
        budget=asked.budget,
        fiat=currency,
    )


def _summary(told: AccountAnswer) -> SummaryRow:
    left_out = sum(cut.reason == "too_many" and cut.where == "tags" for cut in told.truncations)
    return SummaryRow(
        row=NO_ROW,
        cells=(),
        status="ok",
        network=told.network,
        subject=told.address,
        asset=told.asset,
        decimals=told.decimals,
        transaction_count=told.transaction_count,
        received=int(told.received),
        sent=int(told.sent),
        balance=int(told.balance),
        first_seen=None if told.first_seen is None else told.first_seen.time,
        last_seen=None if told.last_seen is None else told.last_seen.time,
        entity="" if told.entity is None else told.entity.id,
        entity_address_count=None if told.entity is None else told.entity.address_count,
        tags=tuple(dict.fromkeys(tag.label for tag in told.tags))[:MOST_LABELS],
        # Where some are left out their number is a truncation's, and not known here.
        tag_count=None if left_out else len(told.tags),
    )


def _totals(told: AccountTraceAnswer, asked: TraceAsked) -> TraceTotals:
    totals = told.totals
    return TraceTotals(
        method=cast("Method", asked.policy),
        source=int(totals.source),
        by_reason=tuple(sorted((why, int(it)) for why, it in totals.by_reason.items())),
        fees=int(totals.fees),
        destroyed=int(totals.destroyed),
    )


def _transfers(item: Item, told: AccountTraceAnswer, asked: TraceAsked) -> tuple[TransferRow, ...]:
    """Return the movements at which paths ended, in chain order."""
    ends = sorted(
        (*told.leaves, *told.destroyed), key=lambda it: (it.height, it.outpoint or "", it.reason)
    )
    return tuple(_transfer(item, leaf, asked) for leaf in ends if leaf.outpoint)


def _transfer(item: Item, leaf: AccountLeaf, asked: TraceAsked) -> TransferRow:
    return TransferRow(
        row=NO_ROW,
        network=item.network,
        # What follows the hash counts movements, which are neither outputs nor logs.
        txid=(leaf.outpoint or "").partition(":")[0],
        block_height=leaf.height,
        block_time=leaf.time,
        to_address=leaf.address or "",
        to_label=leaf.service.label if leaf.service else "",
        asset=leaf.unit.asset,
        decimals=leaf.unit.decimals,
        value=int(leaf.value),
        traced=int(leaf.traced),
        value_fiat=None,
        direction=asked.direction,
        hop=leaf.hops,
        method=cast("Method", asked.policy),
        certainty="inference",
        stop_reason=leaf.reason,
    )
