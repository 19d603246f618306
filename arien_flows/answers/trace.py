"""Traces over a reading: the clustering, the tags and the CoinJoin marks that belong together."""

from arien_flows.prices.rates import PriceBook
from arien_flows.tracing.comparison import Comparison, compare
from arien_flows.tracing.fiat import refuse_unknown
from arien_flows.tracing.request import TraceRequest
from arien_flows.tracing.trace import TraceResult, trace
from arien_flows.workspace import Reading


def traced(reading: Reading, request: TraceRequest, prices: PriceBook | None = None) -> TraceResult:
    """Follow money through the present state of a network.

    Values are made by the prices that the casebook holds, or by those that are given.
    """
    return trace(
        reading.view,
        request,
        entities=reading.entities,
        attribution=reading.tags.attribution,
        coinjoin_marks=reading.coinjoin_marks,
        fetched=reading.fetched,
        tags_are_later=reading.tags_are_later,
        prices=prices or _prices(reading, request),
    )


def compared(
    reading: Reading, request: TraceRequest, prices: PriceBook | None = None
) -> Comparison:
    """Answer one question under every policy; prices as for `traced`."""
    return compare(
        reading.view,
        request,
        entities=reading.entities,
        attribution=reading.tags.attribution,
        coinjoin_marks=reading.coinjoin_marks,
        fetched=reading.fetched,
        tags_are_later=reading.tags_are_later,
        prices=prices or _prices(reading, request),
    )


def _prices(reading: Reading, request: TraceRequest) -> PriceBook | None:
    """Return what the casebook knows; `InputError` where that is nothing at all."""
    if request.fiat is None:
        return None
    book = reading.prices(request.fiat)
    refuse_unknown(book, reading.view.network.name)
    return book
