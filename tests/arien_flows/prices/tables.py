"""Price tables for the tests."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from arien_flows.prices.table import PriceOrigin, PriceTable


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def table_of(
    points: Mapping[int, str], asset: str = "BTC", currency: str = "EUR", source: str = "tests"
) -> PriceTable:
    times = sorted(points)
    return PriceTable(
        asset=asset,
        currency=currency,
        origin=PriceOrigin(
            source=source,
            licence=None,
            file=f"{source}.csv",
            sha256=hashlib.sha256(source.encode()).hexdigest(),
            column="close",
        ),
        times=np.array(times, np.int64),
        prices=tuple(points[time] for time in times),
    )


def daily(
    first: str,
    prices: Sequence[str],
    asset: str = "BTC",
    currency: str = "EUR",
    source: str = "tests",
) -> PriceTable:
    start = seconds(first)
    points = {start + 86_400 * i: price for i, price in enumerate(prices) if price}
    return table_of(points, asset, currency, source)
