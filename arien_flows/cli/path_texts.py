"""Connections as text for people: a block for each, a line for each coin."""

from collections.abc import Iterable

from arien_flows.amounts import Asset, coins
from arien_flows.cli.output import NOTHING, closing, table
from arien_flows.shapes import shown_time
from arien_flows.tracing.paths_answer import PathAnswer, PathShape

_REASONS = {
    "service_reached": "at a service",
    "mixer": "at a mixer",
    "bridge": "at a bridge",
    "coinjoin": "at a CoinJoin",
}


def path_lines(answer: PathAnswer) -> Iterable[str]:
    """Return the connections between two ends, and what each convention says arrived."""
    asset = Asset(name=answer.asset, decimals=answer.decimals)
    yield answer.statement
    for number, each in enumerate(answer.connections, 1):
        yield ""
        yield from _block(number, each, asset)
    if answer.connections:
        yield ""
        yield from _arrived(answer, asset)
    if answer.ended_at:
        yield ""
        yield "The search went no further here (--through lets it):"
        yield from table(
            ("Coins", "Worth", "Where", "Name", "Side"),
            (
                (
                    f"{it.coins:,}",
                    coins(it.value, asset),
                    _REASONS[it.reason],
                    it.label or NOTHING,
                    it.side,
                )
                for it in answer.ended_at
            ),
        )
    yield ""
    searched = answer.searched
    yield (
        f"Looked at {searched.forward_transactions:,} transactions from the origin and "
        f"{searched.backward_transactions:,} from the destination."
    )
    yield from closing(answer)[1:]
    yield f"Result {answer.manifest.result_sha256}"


def _arrived(answer: PathAnswer, asset: Asset) -> Iterable[str]:
    totals, count = answer.totals, int(answer.count)
    least, most = coins(totals.least, asset), coins(totals.most, asset)
    over = "the connection" if count == 1 else f"the {count:,} connections"
    if not answer.count_is_exact:
        over = f"all connections (at least {count:,})"
    # Of a category only the coins are known that the search met.
    listed = "" if answer.searched.origin_coins is not None else " on them"
    arrived = least if least == most else f"between {least} and {most}"
    yield f"By the conventions, over {over} found, {arrived}"
    yield f"arrived of the {coins(totals.source, asset)} that the origin's coins{listed} hold"
    yield "(inferences; poison counts all money that touched it)."
    if not answer.searched.exhaustive:
        yield "Not everything was looked at: what other connections brought may come on top."
    elif _is_cut(answer):
        yield "What came past the limits, or beyond where the search ended, is not in it."
    yield from table(
        ("Policy", "Arrived", "On no connection", "Not spent", "Came back", "Fees", "Destroyed"),
        (
            (
                name,
                coins(it.arrived, asset),
                coins(it.elsewhere, asset),
                coins(it.unspent, asset),
                coins(it.returned, asset),
                coins(it.fees, asset),
                coins(it.destroyed, asset),
            )
            for name, it in totals.by_policy.items()
        ),
    )


def _is_cut(answer: PathAnswer) -> bool:
    """Whether limits kept the search from connections that there may be."""
    return bool(answer.ended_at) or any(
        cut.where in ("search", "origin") for cut in answer.truncations
    )


def _block(number: int, each: PathShape, asset: Asset) -> Iterable[str]:
    noun = "transaction" if each.hops == 1 else "transactions"
    yield f"{number}. {each.hops:,} {noun}, carries at most {coins(each.carried, asset)}"
    told = ", ".join(f"{coins(sat, asset)} by {name}" for name, sat in each.policies.items())
    yield f"   Of its first coin, this way went (inferences): {told}."
    rows = table(
        ("Time", "Amount", "Transaction and output", "Address", "Name"),
        (
            (
                shown_time(coin.time),
                coins(coin.value, asset),
                coin.outpoint,
                coin.address or NOTHING,
                coin.tag or NOTHING,
            )
            for coin in each.coins
        ),
    )
    yield from (f"   {row}" for row in rows)
