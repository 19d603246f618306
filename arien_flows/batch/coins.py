"""Answers of a batch on a network of coins, worked out for many subjects at a time.

What single questions do anew each time is done once here: addresses are found in one pass over the
index, their totals are gathered from the columns, all tags are read in a few queries, and the
set-up of exposures (who is named) and of behaviour is shared. Where whole entities are asked about,
each is judged once, however many rows belong to it. What is worked out of a subject is what single
questions work out, by the same functions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from arien_flows.amounts import asset_of
from arien_flows.answers.address import no_entities
from arien_flows.answers.entity import clustering_of, lag, tags_changed
from arien_flows.answers.exposure import MEANINGS, exposure_side, ground_of
from arien_flows.answers.exposure_shapes import ExposureSide
from arien_flows.answers.risk_contributions import figure, percent
from arien_flows.answers.risk_inputs import ENTITY, MOST_TAGS, Basis, gather_inputs, hops_of
from arien_flows.answers.tags import MAX_TAGS, NO_TAGS
from arien_flows.batch.answered import (
    NO_ROW,
    Answered,
    Judged,
    TraceDone,
    answered,
    failed,
    sentences,
    tag_labels,
)
from arien_flows.batch.coin_traces import CoinTraces
from arien_flows.batch.items import Item
from arien_flows.batch.request import BatchRequest
from arien_flows.batch.results import RiskTotals, SummaryRow
from arien_flows.errors import ArienError, NotFoundError
from arien_flows.exposure.request import LEAST_CONFIDENCE, DirectionName, ExposureRequest
from arien_flows.exposure.run import exposure_of, exposure_set_up
from arien_flows.exposure.shares import Exposure
from arien_flows.ledger.history import Totals
from arien_flows.ledger.numbering import Locks
from arien_flows.ledger.view import View
from arien_flows.prices.rates import PriceBook
from arien_flows.risk import flags
from arien_flows.risk.inputs import Inputs
from arien_flows.risk.interval import interval
from arien_flows.risk.policy import standard_policy
from arien_flows.risk.score import score
from arien_flows.tag_book import FoundTags
from arien_flows.tracing.texts import address_texts, block_times
from arien_flows.workspace import Reading
from chains.bitcoin.address import parse_address
from chains.types import Int64Array

_WAYS: tuple[DirectionName, DirectionName] = ("in", "out")
_NONE = -1


class CoinBatch:
    """Works out answers over one reading. The reading must not change meanwhile."""

    def __init__(self, reading: Reading, request: BatchRequest, prices: PriceBook | None) -> None:
        """Make what all answers share; `prices` value what is traced.

        `NotFoundError` where risk is asked for and nothing was clustered.
        """
        if request.risk:
            clustering_of(reading)
        self.reading, self.request = reading, request
        ground = ground_of(reading)
        self._exposure = exposure_set_up(ground, LEAST_CONFIDENCE)
        self._behaviour_prices = reading.prices(flags.CURRENCY)
        self._traces = CoinTraces(ground, self._exposure.naming, prices)
        self._asset = asset_of(reading.view.network.name)

    @cached_property
    def cuts(self) -> tuple[str, ...]:
        """What every answer leaves out, one sentence each."""
        reading, made = self.reading, self.reading.clustering
        late = lag(reading.view, made) if made else (no_entities(reading),)
        no_tags = (NO_TAGS,) if reading.tags.is_empty else ()
        return sentences((*late, *tags_changed(reading), *no_tags, *reading.limits))

    def order(self, items: Sequence[Item]) -> list[int]:
        """Return the places of items in the order in which neighbours share most.

        Addresses of one entity stand together, and both stand in the order of the ledger.
        """
        numbers = addresses_of(self.reading.view, items).tolist()
        root_of = self.reading.entities.root_of
        roots = [root_of(each) if each >= 0 else _NONE for each in numbers]
        return sorted(range(len(items)), key=lambda i: (roots[i], numbers[i], i))

    def answers(self, items: Sequence[Item]) -> Iterator[Answered]:
        """Yield the answer to each item, in order."""
        found = _Part(self.reading, items)
        judged: dict[str, Judged] = {}
        basis = Basis(
            reading=self.reading,
            prices=self._behaviour_prices,
            exposure=self._exposure,
            hops=hops_of(self.reading),
            tags_of=found.tags_of,
        )
        for place, item in enumerate(items):
            try:
                yield self._answer(item, found, place, basis, judged)
            except Exception as error:  # noqa: BLE001 one row must not end the others
                yield failed(item, error)

    def _answer(
        self, item: Item, found: "_Part", place: int, basis: Basis, judged: dict[str, Judged]
    ) -> Answered:
        if item.kind != "address":
            summary = self._moved(item)
            return answered(summary, None, self._traced(item))
        number = int(found.numbers[place])
        if number < 0:
            # Says what else is known of the key, and how far was looked.
            self.reading.view.find_address(item.subject)
            raise NotFoundError(f"{item.subject} is not in the ledger")
        summary = found.summary(number, self._asset.name, self._asset.decimals)
        called = f"{ENTITY}{summary.entity}" if self._asks_entities else summary.subject
        if called not in judged:
            judged[called] = self._judge(called, basis)
        return answered(summary, judged[called], self._traced(item))

    @property
    def _asks_entities(self) -> bool:
        return self.request.scope == "entity" and self.reading.clustering is not None

    def _judge(self, called: str, basis: Basis) -> Judged:
        """Return exposure and risk of an address or an entity."""
        request, entity = self.request, called.partition(ENTITY)[2]
        if request.risk:
            gathered = gather_inputs(basis, called, request.budget)
            sides = tuple(gathered.exposures[way] for way in _WAYS)
            return Judged(
                entity=entity,
                sides=_told(sides) if request.exposure else (),
                risk=scored(gathered.inputs),
                cuts=gathered.cuts,
            )
        if not request.exposure:
            return Judged(entity=entity, sides=(), risk=None, cuts=())
        sides = tuple(
            exposure_of(
                self._exposure.ground,
                ExposureRequest(subjects=(called,), direction=way, budget=request.budget),
                self._exposure,
            )
            for way in _WAYS
        )
        return Judged(
            entity=entity,
            sides=_told(sides),
            risk=None,
            cuts=tuple(cut for it in sides for cut in it.truncations),
        )

    def _traced(self, item: Item) -> list[TraceDone]:
        return [self._traces.trace(item, asked) for asked in item.traces]

    def _moved(self, item: Item) -> SummaryRow:
        """Return the summary of a transaction or of one output."""
        view, remarks = self.reading.view, []
        txid = item.subject.partition(":")[0]
        if item.kind == "output":
            view.find_output(item.subject)
        transaction = np.array([view.find_transaction(txid)])
        blocks = view.blocks_of(transaction)
        (moment,) = block_times(view, blocks).values()
        if self.request.exposure or self.request.risk:
            remarks.append("exposure and risk are answered of addresses, not of transactions")
        return SummaryRow(
            row=NO_ROW,
            cells=(),
            status="ok",
            network=item.network,
            subject=item.subject,
            asset=self._asset.name,
            decimals=self._asset.decimals,
            first_seen=moment,
            last_seen=moment,
            remarks=tuple(remarks),
        )


class _Part:
    """The facts of some items, gathered at once."""

    def __init__(self, reading: Reading, items: Sequence[Item]) -> None:
        view = reading.view
        self._reading = reading
        self.numbers = addresses_of(view, items)
        known = np.unique(self.numbers[self.numbers >= 0])
        self._totals: Mapping[int, Totals] = dict(
            zip(known.tolist(), view.totals_of_many(known), strict=True)
        )
        root_of = reading.entities.root_of
        self._roots = {number: root_of(number) for number in known.tolist()}
        roots = np.array(list(self._roots.values()), np.int64)
        self._texts = address_texts(view, np.concatenate([known, roots]))
        seen = [
            transaction
            for each in self._totals.values()
            for transaction in (each.first_transaction, each.last_transaction)
        ]
        transactions = np.unique(np.array(seen, np.int64))
        blocks = view.blocks_of(transactions)
        times = block_times(view, blocks)
        self._times = {
            transaction: times[block]
            for transaction, block in zip(transactions.tolist(), blocks.tolist(), strict=True)
        }
        self._tags = reading.tags.tags_of_many(known.tolist(), MOST_TAGS)

    def tags_of(self, address: int, limit: int) -> FoundTags:
        """Return the tags of one of the addresses, or of another one of its entity."""
        found = self._tags.get(address)
        if found is None or limit != MOST_TAGS:
            return self._reading.tags.tags_of(address, limit)
        return found

    def summary(self, number: int, asset: str, decimals: int) -> SummaryRow:
        """Return the summary of an address number."""
        reading, totals, tags = self._reading, self._totals[number], self._tags[number]
        root, clustering = self._roots[number], reading.clustering
        count = len(tags.shown) + tags.left_out
        return SummaryRow(
            row=NO_ROW,
            cells=(),
            status="ok",
            network=reading.view.network.name,
            subject=self._texts[number] or "",
            asset=asset,
            decimals=decimals,
            transaction_count=totals.transaction_count,
            received=totals.received_sat,
            sent=totals.sent_sat,
            balance=totals.received_sat - totals.sent_sat,
            first_seen=self._times[totals.first_transaction],
            last_seen=self._times[totals.last_transaction],
            entity="" if clustering is None else self._texts[root] or "",
            entity_address_count=None if clustering is None else clustering.size(root),
            tags=tag_labels(replace(tags, shown=tags.shown[:MAX_TAGS])),
            tag_count=count,
        )


def addresses_of(view: View, items: Sequence[Item]) -> Int64Array:
    """Return the number of each item's address, -1 where the view holds none.

    One search of the index for all of them.
    """
    numbers: Int64Array = np.full(len(items), _NONE, np.int64)
    places, types, payloads = [], [], []
    for place, item in enumerate(items):
        if item.kind == "address":
            try:
                script_type, payload = parse_address(item.subject, view.network)
            except (ArienError, ValueError):
                # Its own answer says what is wrong.
                continue
            places.append(place)
            types.append(int(script_type))
            payloads.append(payload)
    lengths = np.array([len(each) for each in payloads], np.int64)
    locks = Locks(
        source=np.frombuffer(b"".join(payloads), np.uint8),
        script_type=np.array(types, np.uint8),
        start=np.cumsum(lengths) - lengths,
        length=lengths,
    )
    if places:
        numbers[places] = view.find_locks(locks)[0]
    return numbers


def _told(sides: tuple[Exposure, ...]) -> tuple[ExposureSide, ...]:
    return tuple(exposure_side(side, MEANINGS) for side in sides)


def scored(inputs: Inputs) -> RiskTotals:
    """Return the score of inputs by the standard policy, in the figures of single answers."""
    policy = standard_policy()
    found = score(inputs, policy)
    spread = interval(inputs, policy, found.score)
    return RiskTotals(
        score=figure(found.score),
        band=found.band,
        lower=figure(spread.lower),
        upper=figure(spread.upper),
        coverage_percent=percent(inputs.coverage()),
    )
