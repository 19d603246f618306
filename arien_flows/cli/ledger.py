"""`arien-flows ledger`: filling, checking and moving the ledger of a network."""

from dataclasses import replace
from pathlib import Path

import click

from arien_flows.cli.session import session_of, session_options


@click.group()
@session_options
def ledger() -> None:
    """Fill, check and move the ledger of a network."""


@ledger.command("ingest")
@session_options
@click.option(
    "--source",
    required=True,
    metavar="URI",
    help="Where the blocks are: core+http://HOST:PORT (a Bitcoin Core node), blockfiles:PATH "
    "(a node's data or blocks folder, or one file), eth+http://HOST:PORT (an Ethereum node), or "
    "etl:PATH (files of ethereum-etl).",
)
@click.option(
    "--from",
    "start",
    type=click.IntRange(0),
    metavar="HEIGHT",
    help="Begin a new ledger at this height instead of the genesis block. What is spent from "
    "before is taken from the node's word, and answers say that they begin there.",
)
@click.option("--until", type=click.IntRange(0), metavar="HEIGHT", help="Stop at this height.")
@click.option(
    "--follow",
    is_flag=True,
    help="Go on until SIGTERM or Ctrl-C, taking in new blocks as they come. A node that goes away "
    "is waited for.",
)
@click.option(
    "--every",
    type=click.IntRange(1, 86_400),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="With --follow: how often to look for new blocks where the node does not announce them.",
)
@click.option(
    "--proxy",
    metavar="URI",
    help="Proxy of all connections that leave this machine (ARIEN_PROXY); with "
    "socks5h://HOST:PORT it also looks names up.",
)
@click.pass_context
def ingest_command(
    context: click.Context,
    source: str,
    start: int | None,
    until: int | None,
    follow: bool,
    every: int,
    proxy: str | None,
) -> None:
    """Fill or continue the ledger of a network.

    Whatever interrupts the command, running it again goes on after the last commit, which is at
    most about a minute back. A reorganisation of the source's chain is followed.
    """
    from arien_flows.cli.filling import fill, keep_filling, target_network
    from chains.networks import is_account_network

    if follow and until is not None:
        raise click.UsageError("--until and --follow exclude each other.")
    if start is not None and until is not None and until < start:
        raise click.UsageError("--until lies before --from.")
    session = session_of(context)
    if proxy is not None:
        session = replace(session, settings=replace(session.settings, proxy=proxy))
    name = target_network(session.settings)
    if is_account_network(name):
        from arien_flows.cli.account_ledger import fill_accounts, keep_filling_accounts

        if follow:
            keep_filling_accounts(session, name, source, start=start, every_seconds=every)
        else:
            fill_accounts(session, name, source, until=until, start=start)
    elif follow:
        keep_filling(session, name, source, start=start, every_seconds=every)
    else:
        fill(session, name, source, until=until, start=start)


@ledger.command("status")
@session_options
@click.pass_context
def status_command(context: click.Context) -> None:
    """Say what the ledgers hold: the named one, or all."""
    from arien_flows.answers.account_status import network_status
    from arien_flows.cli.account_texts import all_status_lines
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session = session_of(context)
    workspace = Workspace(session.settings)
    names = workspace.networks()
    if session.settings.network is not None or not names:
        names = [workspace.choose()]
    emit(session, [network_status(workspace, name) for name in names], all_status_lines)


@ledger.command("rollback")
@session_options
@click.argument("height", type=click.IntRange(-1))
@click.pass_context
def rollback_command(context: click.Context, height: int) -> None:
    """Remove all blocks above HEIGHT; -1 empties the ledger.

    A ledger that begins late must be told again where to begin once it is empty.
    """
    from arien_flows.cli.asking_accounts import on_accounts
    from arien_flows.cli.filling import roll_back

    session = session_of(context)
    if on_accounts(session):
        from arien_flows.cli.account_ledger import roll_back_accounts

        roll_back_accounts(session, height)
    else:
        roll_back(session, height)


@ledger.command("verify")
@session_options
@click.option(
    "--source",
    metavar="URI",
    help="On networks of accounts: a node whose balances after the last block are compared.",
)
@click.option(
    "--accounts",
    type=click.IntRange(1, 100_000),
    default=100,
    show_default=True,
    help="With --source: how many accounts to compare, spread over all.",
)
@click.pass_context
def verify_command(context: click.Context, source: str | None, accounts: int) -> int:
    """Check every column, link and index against the others and the headers' work.

    The exit code is 1 when anything is wrong or could not be checked.
    """
    from arien_flows.cli.asking_accounts import on_accounts
    from arien_flows.cli.checking import verified
    from arien_flows.cli.ledger_texts import verification_lines
    from arien_flows.cli.output import emit

    session = session_of(context)
    if on_accounts(session):
        from arien_flows.cli.account_ledger import verified_accounts

        found = verified_accounts(session, source, accounts)
    elif source is not None:
        raise click.UsageError("--source is for networks of accounts, as ethereum.")
    else:
        found = verified(session)
    emit(session, found, verification_lines)
    return int(not found.ok)


@ledger.command("prove")
@session_options
@click.argument("txid")
@click.pass_context
def prove_command(context: click.Context, txid: str) -> None:
    """Prove that a transaction stands in a block.

    The proof can be checked by hand, without this program; it says how.
    """
    from arien_flows.cli.asking import asked
    from arien_flows.cli.ledger_texts import proof_lines
    from arien_flows.cli.output import emit
    from arien_flows.ledger.prove import prove

    session = session_of(context)
    emit(session, asked(session, lambda it: prove(it.view, txid)), proof_lines)


@ledger.command("export")
@session_options
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.pass_context
def export_command(context: click.Context, folder: Path) -> None:
    """Write the ledger to FOLDER as Parquet, for DuckDB, Polars, pandas or Spark."""
    from arien_flows.cli.asking_accounts import on_accounts
    from arien_flows.cli.moving import export_to

    session = session_of(context)
    if on_accounts(session):
        from arien_flows.cli.account_ledger import export_accounts_to

        export_accounts_to(session, folder)
    else:
        export_to(session, folder)


@ledger.command("import")
@session_options
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.pass_context
def import_command(context: click.Context, folder: Path) -> None:
    """Make a ledger of an export in FOLDER; every file is checked first."""
    from arien_flows.cli.account_ledger import import_accounts_from, is_account_export
    from arien_flows.cli.moving import import_from

    session = session_of(context)
    if is_account_export(folder):
        import_accounts_from(session, folder)
    else:
        import_from(session, folder)
