"""Traces over a reading: the clustering, the tags and the CoinJoin marks that belong together."""

from arien_flows.prices.rates import PriceBook
from arien_flows.tracing.comparison import Comparison, compare
from arien_flows.tracing.request import TraceRequest
from arien_flows.tracing.trace import TraceResult, trace
from arien_flows.workspace import Reading


def traced(reading: Reading, request: TraceRequest) -> TraceResult:
    """Follow money through the present state of a network."""
    return trace(
        reading.view,
        request,
        entities=reading.entities,
        attribution=reading.tags.attribution,
        coinjoin_marks=reading.coinjoin_marks,
        fetched=reading.fetched,
        prices=_prices(reading, request),
    )


def compared(reading: Reading, request: TraceRequest) -> Comparison:
    """Answer one question under every policy."""
    return compare(
        reading.view,
        request,
        entities=reading.entities,
        attribution=reading.tags.attribution,
        coinjoin_marks=reading.coinjoin_marks,
        fetched=reading.fetched,
        prices=_prices(reading, request),
    )


def _prices(reading: Reading, request: TraceRequest) -> PriceBook | None:
    return None if request.fiat is None else reading.prices(request.fiat)
