"""What traced money was worth when it was paid, of every asset that the casebook has prices of.

An asset is asked for by its name: the coin, and tokens of the list of main assets. A token that
nobody vouches for has no price, whatever it calls itself. Sums by service and of small movements
are made of the source's asset's amounts as of all others: each of its own.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cache

import numpy as np

from arien_flows.account_tracing.answer import (
    AccountBucket,
    AccountFee,
    AccountLeaf,
    AccountServiceTotal,
    AccountTraceAnswer,
    AssetTotals,
    Unit,
)
from arien_flows.account_tracing.stops import Reason
from arien_flows.account_tracing.traced import Traced
from arien_flows.account_tracing.words import Words
from arien_flows.amounts import Asset, coins
from arien_flows.prices.money import Money, Sum
from arien_flows.prices.rates import PriceBook, Rate
from arien_flows.shapes import Truncation
from arien_flows.tracing.fiat import rate_steps, table_used
from arien_flows.tracing.values import PriceTableUsed, Value, ValueSum, ValueTotals
from heuristics.wide import to_ints

AccountPrices = Callable[[str], PriceBook]
"""Gives what is known of an asset's price, by its name."""

_Part = tuple[int, int]
"""An amount in base units, and when it was paid, in seconds since 1970."""


class Valuation:
    """The values of one trace."""

    def __init__(self, traced: Traced, words: Words, prices: AccountPrices, currency: str) -> None:
        self._traced, self._words, self._currency = traced, words, currency
        self._priced = {
            words.unit(asset): prices(words.label(asset).symbol)
            for asset in traced.assets
            if words.label(asset).standing in ("coin", "listed")
        }
        self._used: dict[str, PriceTableUsed] = {}
        self._rate: Callable[[Unit, int], Rate | None] = cache(self._looked_up)
        self._unpriced: defaultdict[Unit, int] = defaultdict(int)

    def valued(self, answer: AccountTraceAnswer) -> AccountTraceAnswer:
        """Return an answer with the values of its amounts, and what they rest on."""
        leaves = tuple(map(self._leaf, answer.leaves))
        assets = tuple(
            replace(each, totals=replace(each.totals, fiat=self._totals(each, asset)))
            for each, asset in zip(answer.assets, self._traced.assets, strict=True)
        )
        valued = replace(
            answer,
            leaves=leaves,
            destroyed=tuple(map(self._leaf, answer.destroyed)),
            fees=tuple(map(self._fee, answer.fees)),
            buckets=tuple(map(self._bucket, answer.buckets)),
            services=tuple(self._service(each, leaves) for each in answer.services),
            assets=assets,
            totals=assets[0].totals,
        )
        truncations = (*answer.truncations, *self._missing())
        used = tuple(self._used[name] for name in sorted(self._used))
        return replace(
            valued,
            complete=not truncations,
            truncations=truncations,
            manifest=replace(answer.manifest, prices=used),
        )

    def _looked_up(self, unit: Unit, seconds: int) -> Rate | None:
        book = self._priced.get(unit)
        if book is None or book.is_empty:
            return None
        rates = book.rates(np.array([seconds], np.int64))
        place = int(rates.place[0])
        if place < 0:
            return None
        self._used |= {table.points_sha256: table_used(table) for table in rates.tables}
        return rates.rates[place]

    def _value(self, unit: Unit, amount: int, when: datetime) -> Value | None:
        rate = self._rate(unit, int(when.timestamp()))
        if rate is None:
            return None
        steps = rate_steps(rate)
        return Value(
            currency=self._currency,
            amount=self._money(unit).value(amount, rate.price),
            rate=rate.text,
            rate_time=steps[0].time,
            steps=steps,
        )

    def _leaf(self, leaf: AccountLeaf) -> AccountLeaf:
        return replace(leaf, fiat=self._value(leaf.unit, int(leaf.traced), leaf.time))

    def _fee(self, fee: AccountFee) -> AccountFee:
        return replace(fee, fiat=self._value(fee.unit, int(fee.traced), fee.time))

    def _bucket(self, bucket: AccountBucket) -> AccountBucket:
        part = (int(bucket.traced), int(bucket.time.timestamp()))
        return replace(bucket, fiat=_shape(self._sum(bucket.unit, [part])))

    def _service(
        self, total: AccountServiceTotal, leaves: tuple[AccountLeaf, ...]
    ) -> AccountServiceTotal:
        parts = [
            (int(leaf.traced), None if leaf.fiat is None else Decimal(leaf.fiat.rate))
            for leaf in leaves
            if leaf.service is not None
            and (leaf.service.label, leaf.reason, leaf.unit)
            == (total.label, total.reason, total.unit)
        ]
        return replace(total, fiat=_shape(self._money(total.unit).total(parts)))

    def _totals(self, told: AssetTotals, asset: int) -> ValueTotals:
        traced, view = self._traced, self._traced.search.ground.view
        by_reason: defaultdict[Reason, list[_Part]] = defaultdict(list)
        for end in traced.ends:
            if end.asset == asset:
                by_reason[end.reason].append(
                    (end.traced, self._seconds(traced.transaction_of(end)))
                )
        ends = [part for parts in by_reason.values() for part in parts]
        fees, destroyed = by_reason.pop(Reason.FEE, []), by_reason.pop(Reason.DESTROYED, [])
        source: list[_Part] = []
        if asset == traced.sources.asset:
            rows = traced.sources.rows
            amounts = view.movement_columns(rows).amount
            times = view.times_of(view.movements.transaction[rows]).tolist()
            source = list(zip(to_ints(amounts), times, strict=True))
        for amount, seconds in (*source, *ends):
            if self._rate(told.unit, seconds) is None:
                self._unpriced[told.unit] += amount
        unit = told.unit
        return ValueTotals(
            currency=self._currency,
            source=_shape(self._sum(unit, source)),
            by_reason={
                str(reason): _shape(self._sum(unit, by_reason[reason]))
                for reason in Reason
                if reason in by_reason
            },
            fees=_shape(self._sum(unit, fees)),
            destroyed=_shape(self._sum(unit, destroyed)),
            ends=_shape(self._sum(unit, ends)),
        )

    def _seconds(self, transaction: int) -> int:
        return int(self._words.time(transaction).timestamp())

    def _sum(self, unit: Unit, parts: Iterable[_Part]) -> Sum:
        rated = ((amount, self._rate(unit, seconds)) for amount, seconds in parts)
        return self._money(unit).total(
            (amount, None if rate is None else rate.price) for amount, rate in rated
        )

    def _money(self, unit: Unit) -> Money:
        asset = Asset(name=unit.asset, decimals=unit.decimals)
        return Money(asset=asset, currency=self._currency)

    def _missing(self) -> tuple[Truncation, ...]:
        if not self._unpriced:
            return ()
        told = ", ".join(
            coins(amount, Asset(name=unit.asset, decimals=unit.decimals))
            for unit, amount in self._unpriced.items()
        )
        return (
            Truncation(
                where="fiat",
                reason="no_price",
                detail=f"no price in {self._currency} was in force for {told} (sources and ends "
                "together): that has no value here, and is in no sum of values",
            ),
        )


def _shape(total: Sum) -> ValueSum:
    return ValueSum(amount=total.amount, unpriced=str(total.unpriced))
