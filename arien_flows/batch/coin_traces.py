"""Traces of a batch on a network of coins: totals by reason, and each movement of traced money.

A movement is a coin: paid by one transaction to one address. All coins that traced money went
through are listed, those in which it went on and those in which its path ended. Who paid is the
address of the transaction's inputs; where several paid together they are all named, up to a few.
"""

from dataclasses import replace
from functools import lru_cache
from typing import cast

import numpy as np

from arien_flows.amounts import asset_of
from arien_flows.attribution.naming import Naming
from arien_flows.attribution.ownership import roots_of
from arien_flows.batch.answered import NO_ROW, TraceDone, explained, sentences
from arien_flows.batch.items import Item, TraceAsked
from arien_flows.batch.results import TraceTotals, TransferRow
from arien_flows.batch.rows import Method
from arien_flows.errors import InputError, NothingReceivedError
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.prices.money import Money
from arien_flows.prices.rates import PriceBook
from arien_flows.tracing.engine import Ground, Traced, run_trace
from arien_flows.tracing.fiat import rate_steps
from arien_flows.tracing.flow_build import slot_addresses
from arien_flows.tracing.leaves import Places, describe_ends, places_of
from arien_flows.tracing.request import PolicyName, TraceRequest
from arien_flows.tracing.texts import address_texts, block_times, txid_texts
from arien_flows.tracing.trace import totals_of
from arien_flows.tracing.truncations import cuts
from chains.types import Int64Array
from heuristics.taint import Stop

MOST_TRANSFERS = 20_000
"""Movements of one trace that are listed, the largest."""

MOST_PAYERS = 3
"""Addresses that paid together and are named."""


class CoinTraces:
    """Makes traces over one ground."""

    def __init__(self, ground: Ground, naming: Naming, prices: PriceBook | None) -> None:
        """`naming` says who is called what, and `prices` what coins were worth."""
        default = TraceRequest(sources=("-",)).min_confidence
        self._ground = ground.stopping_from(default)
        self._prices = prices
        self._labels = _Labels(self._ground, naming)
        self._asset = asset_of(ground.view.network.name)

    def trace(self, item: Item, asked: TraceAsked) -> TraceDone:
        """Return one trace of an item; what cannot be traced says why."""
        try:
            return self._trace(item, asked)
        except NothingReceivedError as error:
            return _not_made(asked, cut=f"trace {asked.direction} (nothing_received): {error}")
        except Exception as error:  # noqa: BLE001 one trace must not end the others
            _, code, detail = explained(error)
            return _not_made(asked, code=code, detail=detail)

    def _trace(self, item: Item, asked: TraceAsked) -> TraceDone:
        traced = run_trace(self._ground, trace_request(item, asked))
        ends = describe_ends(self._ground, traced)
        told = totals_of(traced)
        transfers, left_out = self._transfers(item, asked, traced)
        found = [
            f"trace {asked.direction}: {each}"
            for each in sentences(cuts(self._ground, traced, ends))
        ]
        if left_out:
            found.append(
                f"transfers {asked.direction} (row_limit): {left_out:,} smaller movements are not "
                "listed; the totals count them"
            )
        return TraceDone(
            direction=asked.direction,
            totals=TraceTotals(
                method=cast("Method", asked.policy),
                source=int(told.source),
                by_reason=tuple(sorted((why, int(it)) for why, it in told.by_reason.items())),
                fees=int(told.fees),
                destroyed=int(told.destroyed),
            ),
            transfers=transfers,
            cuts=tuple(found),
            error_code="",
            error_detail="",
        )

    def _transfers(
        self, item: Item, asked: TraceAsked, traced: Traced
    ) -> tuple[tuple[TransferRow, ...], int]:
        """Return the movements in chain order, and how many are not listed."""
        view, trail = self._ground.view, traced.trail
        slots = np.flatnonzero(trail.flow.amount > 0)
        left_out = max(0, len(slots) - MOST_TRANSFERS)
        largest = np.argsort(-trail.flow.amount[slots], kind="stable")[:MOST_TRANSFERS]
        slots = slots[np.sort(largest)]
        places = places_of(self._ground, traced, slots)
        order = np.lexsort((places.place, places.transaction))
        slots, places = slots[order], places.at(order)
        address = slot_addresses(view, trail, slots, is_forward=traced.request.is_forward)
        blocks = view.blocks_of(places.transaction)
        texts, times = address_texts(view, address), block_times(view, blocks)
        txids = txid_texts(view, places.transaction)
        payers = self._payers(places)
        common = TransferRow(
            row=NO_ROW,
            network=item.network,
            txid="",
            block_height=0,
            block_time=next(iter(times.values()), view.tip.time),
            asset=self._asset.name,
            decimals=self._asset.decimals,
            value=0,
            traced=0,
            direction=asked.direction,
            hop=0,
            method=cast("Method", asked.policy),
            certainty="inference",
        )
        rows = zip(
            places.transaction.tolist(),
            places.place.tolist(),
            places.is_outside.tolist(),
            address.tolist(),
            blocks.tolist(),
            view.block_height[blocks].tolist(),
            trail.values[slots].tolist(),
            trail.flow.amount[slots].tolist(),
            trail.flow.hops[slots].tolist(),
            trail.flow.reason[slots].tolist(),
            strict=True,
        )
        made = [
            replace(
                common,
                txid=txids[transaction],
                vout=None if is_outside else place,
                block_height=height,
                block_time=times[block],
                from_address="" if is_outside else payers[transaction][0],
                from_label="" if is_outside else payers[transaction][1],
                to_address=texts[who] or "",
                to_label=self._labels.of(who),
                value=value,
                traced=sat,
                hop=hops,
                stop_reason="" if why == Stop.FOLLOWED else Stop(why).name.lower(),
            )
            for (transaction, place, is_outside, who, block, height, value, sat, hops, why) in rows
        ]
        return tuple(self._valued(made)), left_out

    def _payers(self, places: Places) -> dict[int, tuple[str, str]]:
        """Return the addresses that each transaction is paid by, and the name of their owner."""
        view, found = self._ground.view, {}
        transactions = np.unique(places.transaction).tolist()
        inputs = {
            each: np.unique(
                view.input_address[view.first_input[each] : view.first_input[each + 1]]
            ).astype(np.int64)
            for each in transactions
        }
        named = [each[each != NO_ADDRESS][:MOST_PAYERS] for each in inputs.values()]
        texts = address_texts(view, np.concatenate([np.empty(0, np.int64), *named]))
        for transaction, shown in zip(transactions, named, strict=True):
            several = inputs[transaction]
            told = "; ".join(texts[each] or "" for each in shown.tolist())
            if len(several) > len(shown):
                told += f" and {len(several) - len(shown):,} more"
            labels = {self._labels.of(each) for each in several[:1_000].tolist()}
            found[transaction] = told, labels.pop() if len(labels) == 1 else ""
        return found

    def _valued(self, rows: list[TransferRow]) -> list[TransferRow]:
        """Return movements with what their coins were worth at the time of their block."""
        if self._prices is None or not rows:
            return rows
        money = Money(asset=self._asset, currency=self._prices.currency)
        moments = np.array([int(row.block_time.timestamp()) for row in rows], np.int64)
        rates = self._prices.rates(moments)
        steps = [rate_steps(rate) for rate in rates.rates]
        return [
            row
            if place < 0
            else replace(
                row,
                value_fiat=money.value(row.value, rates.rates[place].price),
                price_source="; ".join(dict.fromkeys(step.source for step in steps[place])),
                price_time=steps[place][0].time,
            )
            for row, place in zip(rows, rates.place.tolist(), strict=True)
        ]


def trace_request(item: Item, asked: TraceAsked) -> TraceRequest:
    """Return the single question that a trace of a batch is; `InputError` where it is none."""
    if item.kind == "transaction":
        raise InputError(
            "a transaction moves many coins: name one of its outputs as TXID:0 to have it traced"
        )
    return TraceRequest(
        sources=(item.subject,),
        direction=asked.direction,
        policy=cast("PolicyName", asked.policy),
        max_hops=asked.max_hops,
        min_value_sat=asked.min_value,
        since=asked.since,
        until=asked.until,
        horizon_days=asked.horizon_days,
        budget=asked.budget,
    )


def _not_made(asked: TraceAsked, *, cut: str = "", code: str = "", detail: str = "") -> TraceDone:
    return TraceDone(
        direction=asked.direction,
        totals=None,
        transfers=(),
        cuts=(cut,) if cut else (),
        error_code=code,
        error_detail=detail,
    )


class _Labels:
    """What sources call the holders of addresses."""

    def __init__(self, ground: Ground, naming: Naming) -> None:
        self._entities, self._naming = ground.entities, naming
        self._known = lru_cache(maxsize=1 << 16)(self._label)

    def of(self, address: int) -> str:
        """Return the name of an address's owner, or of its entity's; nothing without any."""
        return "" if address == NO_ADDRESS else self._known(address)

    def _label(self, address: int) -> str:
        if _holds(self._naming.address, address):
            return self._naming.of_address(address).label
        root = int(roots_of(self._entities, np.array([address], np.int64))[0])
        return self._naming.of_entity(root).label if _holds(self._naming.root, root) else ""


def _holds(numbers: Int64Array, wanted: int) -> bool:
    place = int(np.searchsorted(numbers, wanted))
    return place < len(numbers) and int(numbers[place]) == wanted
