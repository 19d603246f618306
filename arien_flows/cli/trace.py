"""`arien-flows trace`: following money forward or backward."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from arien_flows.cli.flow_options import fee_options, files_option, policy_option, time_options
from arien_flows.cli.session import session_of, session_options, source_options
from arien_flows.cli.typed import moment, satoshi

if TYPE_CHECKING:
    from arien_flows.tracing.answer import TraceAnswer
    from arien_flows.tracing.comparison import Comparison
    from arien_flows.tracing.request import (
        DemixName,
        DirectionName,
        FeeMode,
        LevelName,
        PolicyName,
        SubsidyOrder,
    )


@click.command()
@session_options
@source_options
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option(
    "--direction",
    type=click.Choice(["forward", "backward"]),
    default="forward",
    show_default=True,
    help="Where it went, or where it came from.",
)
@click.option(
    "--asset",
    metavar="ASSET",
    help="Ethereum: what to follow: the coin (by default), the symbol of a main token, or a "
    "token's contract.",
)
@policy_option
@click.option("--max-hops", type=click.IntRange(1), default=12, show_default=True, metavar="N")
@click.option(
    "--min-value",
    metavar="AMOUNT",
    help="Smallest amount followed: whole base units (satoshi), or coins as 0.01BTC or 0.01ETH. By "
    "default 0.001 coins or 0.1 % of the source, whichever is more; of a token 0.1 %.",
)
@time_options
@click.option(
    "--horizon",
    type=click.IntRange(1),
    metavar="DAYS",
    help="Follow this long after each source (backward: before; 365).",
)
@click.option(
    "--budget",
    type=click.IntRange(1),
    default=200_000,
    show_default=True,
    metavar="N",
    help="Transactions (Ethereum: movements) that may be looked at.",
)
@click.option(
    "--seconds",
    type=click.IntRange(1),
    metavar="N",
    help="End the search after this long; the answer says how many transactions it came to, and "
    "a repetition with that --budget has the same result. With --compare this holds for the first "
    "policy, and the others look at no more transactions than that one came to.",
)
@click.option(
    "--fan-out-outputs",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    metavar="N",
    help="A transaction with more outputs (Ethereum: an account with more movements) is a payout "
    "to many, ...",
)
@click.option(
    "--fan-out-percent",
    type=click.IntRange(0, 100),
    default=1,
    show_default=True,
    metavar="PERCENT",
    help="... and ends paths where less than this share of its money is traced.",
)
@click.option(
    "--dormant-days",
    type=click.IntRange(1),
    default=730,
    show_default=True,
    metavar="DAYS",
    help="Coins unspent for longer are called dormant.",
)
@click.option(
    "--min-confidence",
    type=click.IntRange(0, 100),
    default=50,
    show_default=True,
    metavar="PERCENT",
    help="Confidence from which the tag of a service ends paths there.",
)
@fee_options
@click.option(
    "--gas-order",
    type=click.Choice(["last", "first"]),
    default="last",
    show_default=True,
    help="Ethereum: whether a transaction's gas is paid after its value, or before.",
)
@click.option(
    "--graph-nodes",
    type=click.IntRange(10),
    default=600,
    show_default=True,
    metavar="N",
    help="Nodes of the graph in the answer; smaller branches are folded, with their sums.",
)
@click.option(
    "--fiat",
    metavar="CODE",
    help="Also value the money in this currency (EUR, USD) at the time at which it was paid, by "
    "the casebook's price tables.",
)
@click.option(
    "--demix",
    type=click.Choice(["stop", "candidates"]),
    default="stop",
    show_default=True,
    help="At CoinJoins (Ethereum: mixers of fixed amounts): stop, or stop and list the coins "
    "(withdrawals) that may be the money behind them, as inferences beside the answer.",
)
@click.option(
    "--demix-depth",
    type=click.IntRange(1, 10),
    default=3,
    show_default=True,
    metavar="N",
    help="CoinJoins in a row that such candidates are followed through.",
)
@click.option(
    "--level",
    type=click.Choice(["entity", "address", "transaction"]),
    default="entity",
    show_default=True,
    help="What the nodes of the graph are; at `address` no rule joins any.",
)
@click.option(
    "--settle",
    is_flag=True,
    help="With --source: also ask whether coins are spent at which a limit ended the path, so "
    "that the ends are those that a whole ledger gives.",
)
@click.option(
    "--as-of",
    type=click.IntRange(0),
    metavar="HEIGHT",
    help="Answer as if this block were the ledger's last; tags are today's.",
)
@click.option("--compare", is_flag=True, help="Answer under every policy; writes no files.")
@files_option(
    "trace.json, manifest.json, graph.graphml, service_points.csv, and flow and timeline as PNG "
    "and SVG"
)
@click.pass_context
def trace(
    context: click.Context,
    sources: tuple[str, ...],
    direction: str,
    asset: str | None,
    policy: str,
    max_hops: int,
    min_value: str | None,
    since: str | None,
    until: str | None,
    horizon: int | None,
    budget: int,
    seconds: int | None,
    fan_out_outputs: int,
    fan_out_percent: int,
    dormant_days: int,
    min_confidence: int,
    fee_mode: str,
    subsidy_order: str,
    gas_order: str,
    graph_nodes: int,
    fiat: str | None,
    demix: str,
    demix_depth: int,
    level: str,
    settle: bool,
    as_of: int | None,
    compare: bool,
    output: Path | None,
) -> None:
    """Follow money forward or backward.

    SOURCE is an address (what it received from outside), TXID:POSITION (one output; on Ethereum
    one movement), or entity:ADDRESS (what all addresses of its entity received from outside).
    """
    from arien_flows.answers.trace import compared, traced
    from arien_flows.cli.asking import asked, refuse_account_options
    from arien_flows.cli.asking_accounts import on_accounts
    from arien_flows.cli.output import emit
    from arien_flows.cli.trace_texts import comparison_lines, trace_lines
    from arien_flows.inquiry.trace import TraceQuestion
    from arien_flows.prices.currencies import currency_named
    from arien_flows.reports.trace_files import write_trace_files
    from arien_flows.tracing.request import TraceRequest, policies_of

    if compare and output is not None:
        raise click.UsageError(
            "--compare writes no files: leave out -o, or run once for each --policy with -o"
        )
    if compare and demix != "stop":
        raise click.UsageError(
            "--compare lists no candidates behind CoinJoins and mixers: leave out --demix, or run "
            "once for each --policy with it"
        )
    session = session_of(context)
    if on_accounts(session):
        from arien_flows.cli.account_trace import trace_accounts

        trace_accounts(
            session, sources=sources, asset=asset, direction=direction, policy=policy,
            max_hops=max_hops, min_value=min_value, since=since, until=until, horizon=horizon,
            budget=budget, seconds=seconds, fan_out_outputs=fan_out_outputs,
            fan_out_percent=fan_out_percent, dormant_days=dormant_days,
            min_confidence=min_confidence, fee_mode=fee_mode, gas_order=gas_order,
            graph_nodes=graph_nodes, fiat=fiat, level=level, as_of=as_of, compare=compare,
            output=output, subsidy_order=subsidy_order, demix=demix, demix_depth=demix_depth,
            settle=settle,
        )  # fmt: skip
        return
    refuse_account_options(asset=asset is not None, gas_order=gas_order != "last")
    request = TraceRequest(
        sources=sources,
        direction=cast("DirectionName", direction),
        policy=cast("PolicyName", policy),
        max_hops=max_hops,
        min_value_sat=None if min_value is None else satoshi(min_value),
        since=None if since is None else moment(since),
        until=None if until is None else moment(until, end_of_day=True),
        horizon_days=horizon,
        budget=budget,
        seconds=seconds,
        fan_out_outputs=fan_out_outputs,
        fan_out_percent=fan_out_percent,
        dormant_days=dormant_days,
        min_confidence=min_confidence,
        fee_mode=cast("FeeMode", fee_mode),
        subsidy_order=cast("SubsidyOrder", subsidy_order),
        graph_nodes=graph_nodes,
        fiat=None if fiat is None else currency_named(fiat),
        demix=cast("DemixName", demix),
        demix_depth=demix_depth,
        level=cast("LevelName", level),
    )
    if compare:
        every = tuple(replace(request, policy=policy) for policy in policies_of(request.direction))
        fetched = TraceQuestion(requests=every, settle=settle)
        found = asked(session, lambda it: compared(it, request), fetched, height=as_of)
        _tell_time_out(found)
        emit(session, found, comparison_lines)
        return
    fetched = TraceQuestion(requests=(request,), settle=settle)
    result = asked(session, lambda it: traced(it, request), fetched, height=as_of)
    _tell_time_out(result.answer)
    if output is not None:
        for file in write_trace_files(result, output).all():
            click.echo(f"Written: {file}", err=True)
    emit(session, result.answer, trace_lines)


def _tell_time_out(answer: "TraceAnswer | Comparison") -> None:
    if answer.manifest.timed_out:
        budget = answer.request.budget
        count = "1 transaction" if budget == 1 else f"{budget:,} transactions"
        click.echo(f"Time ran out after {count}: --budget {budget} has the same result.", err=True)
