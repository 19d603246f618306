"""What traced money was worth at the time at which it was paid.

The time of a coin is the header time of the block of the transaction that pays it (that spends it,
for a coin from outside the ledger), the time that the answer shows beside the coin; that of a fee
is its transaction's. A header's time is what the miner stated, up to two hours off.

Rates are looked up once for all times that occur. Sums are made of unrounded products; see
`arien_flows.prices.money`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import numpy as np

from arien_flows.amounts import asset_of, held_by_coins
from arien_flows.errors import InputError
from arien_flows.ledger.view import View
from arien_flows.prices.money import Money, Sum
from arien_flows.prices.rates import PriceBook, Rate
from arien_flows.prices.table import PriceTable
from arien_flows.shapes import Truncation
from arien_flows.tracing.answer import Bucket, Fee, Leaf, ServiceTotal
from arien_flows.tracing.engine import MINTED, Ground, Traced
from arien_flows.tracing.flow_build import givers
from arien_flows.tracing.leaves import places_of
from arien_flows.tracing.texts import moment, txid_texts
from arien_flows.tracing.values import (
    PriceTableUsed,
    RateStep,
    Value,
    ValueSum,
    ValueTotals,
)
from chains.types import BoolArray, Int64Array
from heuristics.taint import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """Amounts with their times."""

    amounts: Int64Array
    times: Int64Array

    def where(self, chosen: BoolArray | Int64Array) -> "_Parts":
        return _Parts(amounts=self.amounts[chosen], times=self.times[chosen])


class Valuation:
    """The values of one trace."""

    def __init__(self, ground: Ground, traced: Traced, book: PriceBook) -> None:
        """Look up the rates of all times at which money of the trace was paid."""
        trail, view = traced.trail, ground.view
        self.money = Money(asset=asset_of(view.network.name), currency=book.currency)
        ended = np.flatnonzero(~np.isin(trail.flow.reason, (Stop.CLEAN, Stop.FOLLOWED)))
        fees = trail.fees
        paid = np.flatnonzero((fees.amount > 0) & (fees.reason != Stop.FOLLOWED))
        minted = paid[np.isin(fees.reason[paid], MINTED)]
        paid = paid[~np.isin(fees.reason[paid], MINTED)]
        sources = np.arange(len(trail.arrays.source_value))
        self._view = view
        self._reasons = np.concatenate([trail.flow.reason[ended], fees.reason[minted]])
        self._givers = np.concatenate([givers(trail, ended), np.full(len(minted), -1)])
        self._ends = _Parts(
            amounts=np.concatenate([trail.flow.amount[ended], fees.amount[minted]]),
            times=np.concatenate(
                [_slot_times(ground, traced, ended), _times(view, fees.transaction[minted])]
            ),
        )
        self._fees = _Parts(
            amounts=fees.amount[paid],
            times=_times(view, fees.transaction[paid]),
        )
        self._source = _Parts(
            amounts=trail.arrays.source_value, times=_slot_times(ground, traced, sources)
        )
        groups = (self._source, self._ends, self._fees)
        self._moments = np.unique(np.concatenate([parts.times for parts in groups]))
        self._rates = book.rates(self._moments)
        self._place = dict(zip(self._moments.tolist(), self._rates.place.tolist(), strict=True))
        self._steps = [rate_steps(rate) for rate in self._rates.rates]

    def value(self, base_units: int, moment: datetime) -> Value | None:
        """Return what an amount was worth at the time of a coin; nothing without a price."""
        place = self._place[int(moment.timestamp())]
        if place < 0:
            return None
        rate, steps = self._rates.rates[place], self._steps[place]
        return Value(
            currency=self.money.currency,
            amount=self.money.value(base_units, rate.price),
            rate=rate.text,
            rate_time=steps[0].time,
            steps=steps,
        )

    def leaves(self, found: Sequence[Leaf]) -> tuple[Leaf, ...]:
        """Return ends of the trace with their values."""
        return tuple(replace(leaf, fiat=self.value(int(leaf.traced), leaf.time)) for leaf in found)

    def fees(self, found: Sequence[Fee]) -> tuple[Fee, ...]:
        """Return fees of the trace with their values."""
        return tuple(replace(fee, fiat=self.value(int(fee.traced), fee.time)) for fee in found)

    def buckets(self, found: Sequence[Bucket]) -> tuple[Bucket, ...]:
        """Return the sums of small coins with their values, each coin at its own time."""
        if not found:
            return ()
        order = np.argsort(self._givers, kind="stable")
        is_small = (self._reasons == Stop.BELOW_MIN) & (self._givers >= 0)
        order = order[is_small[order]]
        payers, first = np.unique(self._givers[order], return_index=True)
        texts = txid_texts(self._view, payers)
        worth = {
            texts[giver]: _shape(self._sum(self._ends.where(chosen)))
            for giver, chosen in zip(payers.tolist(), np.split(order, first[1:]), strict=True)
        }
        return tuple(replace(bucket, fiat=worth[bucket.txid]) for bucket in found)

    def services(
        self, totals: Sequence[ServiceTotal], found: Iterable[Leaf]
    ) -> tuple[ServiceTotal, ...]:
        """Return the sums by service with their values; `found` are the valued ends of them."""
        groups: dict[tuple[str, str], list[Leaf]] = {}
        for leaf in found:
            if leaf.service is not None:
                groups.setdefault((leaf.service.label, leaf.reason), []).append(leaf)
        return tuple(
            replace(total, fiat=value_sum(self.money, groups[total.label, total.reason]))
            for total in totals
        )

    def totals(self) -> ValueTotals:
        """Return the values of the totals."""
        by_reason = {
            stop: self._ends.where(self._reasons == stop)
            for stop in Stop
            if stop != Stop.DESTROYED and np.any(self._reasons == stop)
        }
        destroyed = self._ends.where(self._reasons == Stop.DESTROYED)
        return ValueTotals(
            currency=self.money.currency,
            source=_shape(self._sum(self._source)),
            by_reason={
                stop.name.lower(): _shape(self._sum(parts)) for stop, parts in by_reason.items()
            },
            fees=_shape(self._sum(self._fees)),
            destroyed=_shape(self._sum(destroyed)),
            ends=_shape(self._sum(self._fees, destroyed, *by_reason.values())),
        )

    def tables(self) -> tuple[PriceTableUsed, ...]:
        """Return the tables that values were made from, in the order in which they were asked.

        A trace with these tables alone, in this order, gives the same values.
        """
        return tuple(map(table_used, self._rates.tables))

    def truncations(self) -> tuple[Truncation, ...]:
        """Say how much has no price, and when that was; nothing where all has one."""
        named = (
            ("the sources", self._source),
            ("the ends", self._ends),
            ("fees", self._fees),
        )
        told = [said for name, parts in named if (said := self._unpriced(name, parts))]
        if not told:
            return ()
        return (
            Truncation(
                where="fiat",
                reason="no_price",
                detail=f"no price in {self.money.currency} was in force for {'; '.join(told)}: "
                "that has no value here, and is in no sum of values",
            ),
        )

    def _unpriced(self, name: str, parts: _Parts) -> str:
        is_unpriced = (self._places(parts.times) < 0) & (parts.amounts > 0)
        if not is_unpriced.any():
            return ""
        chosen = parts.where(is_unpriced)
        held = held_by_coins(int(chosen.amounts.sum()), len(chosen.amounts), self.money.asset)
        if name == "fees":
            held = held.replace("coin", "transaction")
        first, last = (_day(int(each)) for each in (chosen.times.min(), chosen.times.max()))
        when = f"on {first}" if first == last else f"from {first} to {last}"
        return f"{name} ({held}, {when})"

    def _sum(self, *groups: _Parts) -> Sum:
        """Return what amounts were worth; those with one rate are added up first."""
        rates = self._rates.rates
        amounts = np.concatenate([parts.amounts for parts in groups])
        places = self._places(np.concatenate([parts.times for parts in groups]))
        used, which = np.unique(places, return_inverse=True)
        sums = np.zeros(len(used), np.int64)
        np.add.at(sums, which, amounts)
        return self.money.total(
            (units, None if place < 0 else rates[place].price)
            for units, place in zip(sums.tolist(), used.tolist(), strict=True)
        )

    def _places(self, times: Int64Array) -> Int64Array:
        return self._rates.place[np.searchsorted(self._moments, times)]


def value_sum(money: Money, found: Iterable[Leaf]) -> ValueSum:
    """Return what the traced parts of valued ends were worth together."""
    return _shape(
        money.total(
            (int(leaf.traced), None if leaf.fiat is None else Decimal(leaf.fiat.rate))
            for leaf in found
        )
    )


def rate_steps(rate: Rate) -> tuple[RateStep, ...]:
    """Return where a rate is from, as answers name it."""
    return tuple(
        RateStep(
            asset=step.table.asset,
            currency=step.table.currency,
            price=step.price,
            time=moment(step.time),
            source=step.table.origin.source,
            table=step.table.points_sha256,
            is_divisor=step.is_divisor,
        )
        for step in rate.steps
    )


def table_used(table: PriceTable) -> PriceTableUsed:
    """Return a table as answers and manifests name it."""
    return PriceTableUsed(
        asset=table.asset,
        currency=table.currency,
        source=table.origin.source,
        licence=table.origin.licence,
        file=table.origin.file,
        sha256=table.origin.sha256,
        column=table.origin.column,
        points_sha256=table.points_sha256,
        points=len(table.times),
        granularity=table.granularity.name,
        ahead_seconds=table.ahead,
        max_age_seconds=table.granularity.max_age,
        first_time=moment(int(table.times[0])),
        last_time=moment(int(table.times[-1])),
        missing=table.missing,
    )


def refuse_unknown(book: PriceBook, network: str) -> None:
    """Raise `InputError` where nothing at all is known of the coin's price in the currency."""
    if not book.is_empty:
        return
    how = f"arien-flows prices import FILE --asset {book.asset} --currency {book.currency}"
    if network != "bitcoin":
        raise InputError(
            f"{book.asset} is the coin of a test network ({network}) and is worth nothing: leave "
            f"out --fiat, or import prices that are made for it (`{how} --source TEXT`)"
        )
    raise InputError(
        f"the casebook holds no prices from which {book.asset} can be valued in {book.currency}: "
        f"import them with `{how} --source TEXT`"
    )


def _slot_times(ground: Ground, traced: Traced, slots: Int64Array) -> Int64Array:
    """Return the header times of coins of a trace, as `Leaf.time` states them."""
    return _times(ground.view, places_of(ground, traced, slots).transaction)


def _times(view: View, transactions: Int64Array) -> Int64Array:
    return view.times_of_blocks(view.blocks_of(transactions))


def _shape(total: Sum) -> ValueSum:
    return ValueSum(amount=total.amount, unpriced=str(total.unpriced))


def _day(seconds: int) -> str:
    return moment(seconds).date().isoformat()
