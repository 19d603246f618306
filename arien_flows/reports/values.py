"""What money was worth, in every text for people: amounts, and what they rest on."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from arien_flows.amounts import Asset, coins
from arien_flows.prices.table import fixed
from arien_flows.tracing.answer import TraceAnswer
from arien_flows.tracing.values import PriceTableUsed, ValueSum

UNKNOWN = "-"

EACH = {"hour": "hour", "day": "day (UTC)", "business_day": "business day"}
"""How granularities are called."""


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
        each = EACH.get(used.granularity, used.granularity)
        yield (
            f"Prices of {used.asset} in {used.currency}: {used.source}; column {used.column}, one "
            f"each {each}, the last at or before the block's time; {used.file}, SHA-256 "
            f"{used.sha256}"
        )
        yield from cautions(used.column, used.granularity, used.first_time)


def cautions(column: str, granularity: str, first_time: datetime) -> Iterable[str]:
    """Return what has to be known of the time at which a table's prices were fixed."""
    each = EACH.get(granularity, granularity)
    match fixed(column, granularity, int(first_time.timestamp())):
        case "day_before":
            yield (
                "   Its days stand at their last minute (23:59 UTC), so a payment has the price of "
                "the day before."
            )
        case "closing":
            yield (
                f"   A closing price: fixed up to one {each} after the payment, at the end of the "
                f"{each} in which it was made."
            )
        case "average":
            yield (
                f"   An average over the {each} in which a payment was made: of prices up to one "
                f"{each} after it, too."
            )
        case "then":
            return
