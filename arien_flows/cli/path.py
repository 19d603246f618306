"""`arien-flows path`: the connections over which money can have gone from one end to another."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from arien_flows.cli.flow_options import files_option, time_options
from arien_flows.cli.session import session_of, session_options
from arien_flows.cli.typed import moment, satoshi

if TYPE_CHECKING:
    from arien_flows.tracing.paths_request import OrderName, ThroughName


@click.command()
@session_options
@click.argument("origin", metavar="FROM")
@click.argument("destination", metavar="TO")
@click.option(
    "--by",
    type=click.Choice(["value", "hops"]),
    default="value",
    show_default=True,
    help="What comes first: the larger carried value, or fewer transactions.",
)
@click.option(
    "-k",
    "--limit",
    type=click.IntRange(1, 1_000),
    default=10,
    show_default=True,
    metavar="N",
    help="Connections that are listed; all are counted.",
)
@click.option(
    "--max-hops",
    type=click.IntRange(1, 100),
    default=12,
    show_default=True,
    metavar="N",
    help="Most transactions of a connection; between accounts, transfers.",
)
@click.option(
    "--min-value",
    default="1",
    show_default=True,
    metavar="AMOUNT",
    help="Smallest coin of a connection: whole satoshi, or coins as 0.01BTC. Between accounts the "
    "smallest part of what FROM gave: base units, or 0.5ETH.",
)
@click.option(
    "--asset",
    metavar="ASSET",
    help="Between accounts: what FROM gave, as the coin, the symbol of a listed asset, or a "
    "token's contract; by default anything. On the way it may be converted.",
)
@time_options
@click.option(
    "--budget",
    type=click.IntRange(1, 2_000_000),
    default=100_000,
    show_default=True,
    metavar="N",
    help="Transactions that may be looked at; between accounts, movements.",
)
@click.option(
    "--through",
    type=click.Choice(["services", "coinjoins"]),
    multiple=True,
    help="Let connections run through these too; money that leaves them may be anybody's.",
)
@click.option(
    "--as-of",
    type=click.IntRange(0),
    metavar="HEIGHT",
    help="Answer as if this block were the ledger's last; tags are today's.",
)
@files_option("paths.json and paths.graphml")
@click.pass_context
def path(
    context: click.Context,
    origin: str,
    destination: str,
    by: str,
    limit: int,
    max_hops: int,
    min_value: str,
    asset: str | None,
    since: str | None,
    until: str | None,
    budget: int,
    through: tuple[str, ...],
    as_of: int | None,
    output: Path | None,
) -> None:
    """Find the connections over which money can have gone from one end to another.

    FROM and TO are each an address, TXID:POSITION (one output), entity:ADDRESS, category:CATEGORY
    or service:LABEL. FROM means what it received from outside, TO every coin paid to it. On
    networks that keep accounts connections are rows of accounts that paid each other; there FROM
    means what it gave.

    With NETWORK:ADDRESS as TO, a network whose ledger lies in the same folder, connections over
    bridges are looked for: by what both sides name, or as candidates by amount and time.
    """
    from arien_flows.answers.paths import connected
    from arien_flows.cli.account_path import AccountPathOptions, account_path
    from arien_flows.cli.asking import asked, names_server
    from arien_flows.cli.asking_accounts import on_accounts
    from arien_flows.cli.crossing_path import crossing_path, other_network, refuse_between_chains
    from arien_flows.cli.output import emit
    from arien_flows.cli.path_texts import path_lines
    from arien_flows.errors import InputError
    from arien_flows.reports.path_files import write_path_files
    from arien_flows.tracing.paths_request import PathRequest

    session = session_of(context)
    other = other_network(destination)
    if other is not None:
        refuse_between_chains(
            asset=asset, since=since, until=until, through=through, as_of=as_of,
            output=output, min_value=min_value != "1", by=by != "value",
        )  # fmt: skip
        crossing_path(session, (origin, *other), limit=limit, max_hops=max_hops, budget=budget)
        return
    if on_accounts(session):
        options = AccountPathOptions(
            origin=origin, destination=destination, asset=asset, by=by, limit=limit,
            max_hops=max_hops, min_value=min_value, since=since, until=until, budget=budget,
            through=through, height=as_of, output=output,
        )  # fmt: skip
        account_path(session, options)
        return
    if asset is not None:
        raise InputError("--asset means nothing on Bitcoin, which has one: leave it out")
    if names_server(session):
        raise InputError(
            "paths are looked for in a ledger only: take the server out of ARIEN_SOURCE, and fill "
            "a ledger with `arien-flows ledger ingest`"
        )
    request = PathRequest(
        origin=origin,
        destination=destination,
        by=cast("OrderName", by),
        limit=limit,
        max_hops=max_hops,
        min_value_sat=satoshi(min_value),
        since=None if since is None else moment(since),
        until=None if until is None else moment(until, end_of_day=True),
        budget=budget,
        through=cast("tuple[ThroughName, ...]", through),
    )
    answer = asked(session, lambda it: connected(it, request), height=as_of)
    if output is not None:
        for file in write_path_files(answer, output).all():
            click.echo(f"Written: {file}", err=True)
    emit(session, answer, path_lines)
