"""Traces over a reading of accounts: the entities and the tags that belong together."""

from arien_flows.account_tracing.comparison import AccountComparison, compare_accounts
from arien_flows.account_tracing.fiat import AccountPrices
from arien_flows.account_tracing.request import AccountTraceRequest
from arien_flows.account_tracing.trace import AccountTraceResult, trace_accounts_in
from arien_flows.account_workspace import AccountReading


def traced_accounts(
    reading: AccountReading, request: AccountTraceRequest, prices: AccountPrices | None = None
) -> AccountTraceResult:
    """Follow money through the present state of a network of accounts.

    Values are made by the prices that the casebook holds, or by those that are given.
    """
    return trace_accounts_in(
        reading.view,
        request,
        entities=reading.entities,
        attribution=reading.attribution,
        fetched=reading.fetched,
        tags_are_later=reading.tags_are_later,
        prices=prices or _prices(reading, request),
    )


def compared_accounts(
    reading: AccountReading, request: AccountTraceRequest, prices: AccountPrices | None = None
) -> AccountComparison:
    """Answer one question under every policy; prices as for `traced_accounts`."""
    return compare_accounts(
        reading.view,
        request,
        entities=reading.entities,
        attribution=reading.attribution,
        fetched=reading.fetched,
        tags_are_later=reading.tags_are_later,
        prices=prices or _prices(reading, request),
    )


def _prices(reading: AccountReading, request: AccountTraceRequest) -> AccountPrices | None:
    currency = request.fiat
    if currency is None:
        return None
    return lambda asset: reading.prices(currency, asset)
