"""What money was worth, in every text for people: amounts, and what they rest on."""

from collections.abc import Iterable, Sequence

from arien_flows.amounts import Asset, coins
from arien_flows.tracing.answer import TraceAnswer
from arien_flows.tracing.values import PriceTableUsed, ValueSum

UNKNOWN = "-"

EACH = {"hour": "hour", "day": "day (UTC)", "business_day": "business day"}
"""How granularities are called."""

_HOLDS = {
    "hour": "the hour",
    "day": "the day (UTC)",
    "business_day": "the business day, or the last one before,",
}


def money(amount: str) -> str:
    """Return an amount of a currency with its thousands set apart."""
    whole, point, parts = amount.partition(".")
    return f"{int(whole):,}{point}{parts}"


def worth(total: ValueSum | None, asset: Asset) -> str:
    """Return the value of a sum, without its currency, and that part of it has no price."""
    if total is None or total.amount is None:
        return UNKNOWN
    shown = money(total.amount)
    if total.unpriced == "0":
        return shown
    return f"{shown} without {coins(total.unpriced, asset)}"


def end_values(answer: TraceAnswer) -> dict[str, str]:
    """Return the values of an answer's kinds of end, by the reasons of `ends.end_rows`."""
    fiat = answer.totals.fiat
    if fiat is None:
        return {}
    asset = Asset(name=answer.asset, decimals=answer.decimals)
    sums = {**fiat.by_reason, "fees": fiat.fees, "destroyed": fiat.destroyed, "": fiat.ends}
    return {reason: worth(total, asset) for reason, total in sums.items()}


def basis_lines(currency: str, tables: Sequence[PriceTableUsed]) -> Iterable[str]:
    """Return what the values of a trace rest on."""
    yield (
        f"Values (attributions) are in {currency} at the time at which each coin was paid; sums "
        "are rounded once."
    )
    for used in tables:
        yield (
            f"Prices of {used.asset} in {used.currency}: {used.source}; column {used.column} of "
            f"{_HOLDS.get(used.granularity, f'the {used.granularity}')} that holds the block's "
            f"time; {used.file}, SHA-256 {used.sha256}"
        )
