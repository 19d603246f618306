"""`arien-flows watch`: hear of movements on this machine, without a service."""

from pathlib import Path

import click

from arien_flows.cli.session import session_of, session_options


@click.group()
@session_options
def watch() -> None:
    """Watch addresses: add, list, look for news."""


@watch.command("add")
@session_options
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...")
@click.option(
    "--from-file",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Take addresses from a file, one a line.",
)
@click.option("--profile", metavar="NAME", help="Watch their entities: strict, standard or wide.")
@click.option(
    "--direction",
    type=click.Choice(["in", "out", "both"]),
    default="both",
    show_default=True,
    help="Which movements count.",
)
@click.option(
    "--min-value",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Smallest change that counts, in base units.",
)
@click.option(
    "--asset", metavar="NAME", help="On a network of accounts: the one asset that counts."
)
@click.option("--list", "list_name", metavar="NAME", help="Name of a list that they stand on.")
@click.option(
    "--since",
    type=click.IntRange(0),
    metavar="H",
    help="First block to look at; by default the one after the ledger's last.",
)
@click.pass_context
def add_command(
    context: click.Context,
    addresses: tuple[str, ...],
    file: Path | None,
    profile: str | None,
    direction: str,
    min_value: int,
    asset: str | None,
    list_name: str | None,
    since: int | None,
) -> None:
    """Watch addresses, or the entities that they belong to.

    Alerts are raised by the workers of `serve`, or by `watch alerts`, which looks itself.
    """
    from datetime import UTC, datetime
    from typing import cast

    from arien_flows.answers.watches import new_watches
    from arien_flows.casebook.watch_records import WatchDirection
    from arien_flows.cli.importing import user_name
    from arien_flows.cli.output import emit
    from arien_flows.cli.watch_texts import new_watch_lines
    from arien_flows.watches.making import WatchWish, wished
    from arien_flows.workspace import Workspace

    session = session_of(context)
    workspace = Workspace(session.settings)
    listed = [] if file is None else file.read_text(encoding="utf-8").split()
    wish = WatchWish(
        network=workspace.choose(),
        subjects=(*addresses, *listed),
        profile=profile,
        direction=cast("WatchDirection", direction),
        min_value=min_value,
        asset=asset,
        list_name=list_name,
        since=since,
    )
    made = workspace.casebook.watches.add(
        wished(workspace, wish), owner=user_name(), case_id=None, now=datetime.now(UTC)
    )
    emit(session, new_watches(made), new_watch_lines)


@watch.command("list")
@session_options
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@click.option("--cursor", metavar="ID", help="Go on after this watch.")
@click.pass_context
def list_command(context: click.Context, limit: int, cursor: str | None) -> None:
    """List the watches that have not ended, the newest first."""
    from arien_flows.answers.watches import watch_page
    from arien_flows.cli.output import emit
    from arien_flows.cli.watch_texts import watch_lines
    from arien_flows.workspace import Workspace

    session = session_of(context)
    book = Workspace(session.settings).casebook.watches
    found = book.page(owner=None, cases=None, before=cursor, limit=limit + 1)
    emit(session, watch_page(found, limit), watch_lines)


@watch.command("alerts")
@session_options
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@click.option("--cursor", metavar="ID", help="Go on after this alert.")
@click.pass_context
def alerts_command(context: click.Context, limit: int, cursor: str | None) -> None:
    """Look at the blocks that came since the last look, and list all alerts, the newest first."""
    from datetime import UTC, datetime

    from arien_flows.answers.watches import alert_page
    from arien_flows.cli.output import emit
    from arien_flows.cli.watch_texts import alert_lines
    from arien_flows.watches.following import follow
    from arien_flows.workspace import Workspace

    session = session_of(context)
    workspace = Workspace(session.settings)
    follow(workspace, datetime.now(UTC))
    found = workspace.casebook.watches.alerts(
        owner=None, cases=None, watch_id=None, before=cursor, limit=limit + 1
    )
    emit(session, alert_page(found, limit), alert_lines)


@watch.command("end")
@session_options
@click.argument("watches", nargs=-1, required=True, metavar="WATCH...")
@click.pass_context
def end_command(context: click.Context, watches: tuple[str, ...]) -> None:
    """End watches, by the ids that `watch list` shows. Their alerts stay."""
    from datetime import UTC, datetime

    from arien_flows.answers.watches import new_watches
    from arien_flows.cli.importing import user_name
    from arien_flows.cli.output import emit
    from arien_flows.cli.watch_texts import ended_lines
    from arien_flows.workspace import Workspace

    session = session_of(context)
    book = Workspace(session.settings).casebook.watches
    known = [book.read(name).id for name in watches]
    book.end(known, by=user_name(), now=datetime.now(UTC))
    emit(session, new_watches([book.read(name) for name in known]), ended_lines)
