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
        yield "What arrived over all of these connections together (inferences; poison counts all"
        least, most = coins(answer.totals.least, asset), coins(answer.totals.most, asset)
        yield f"money that touched it). {coins(answer.totals.source, asset)} left the origin;"
        yield f"between {least} and {most} arrived."
        yield from table(
            ("Policy", "Arrived", "On no connection", "Came back", "Fees"),
            (
                (
                    name,
                    coins(it.arrived, asset),
                    coins(it.elsewhere, asset),
                    coins(it.returned, asset),
                    coins(it.fees, asset),
                )
                for name, it in answer.totals.by_policy.items()
            ),
        )
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
