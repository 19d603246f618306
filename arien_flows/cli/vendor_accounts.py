"""`arien-flows vendors list`, `show` and `why`: accounts that documents speak of."""

import click

from arien_flows.cli.session import session_of, session_options

ROWS = 100
"""Accounts of one page."""


@click.command("list")
@session_options
@click.option("--market", metavar="NAME", help="Only accounts of this market.")
@click.option(
    "--sort",
    type=click.Choice(("id", "documents", "sales", "listings", "last_captured")),
    default="id",
    show_default=True,
    help="By name, or the largest or latest first.",
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=ROWS, show_default=True)
@click.option("--cursor", metavar="CURSOR", help="Where the last page ended.")
@click.pass_context
def list_command(
    context: click.Context, market: str | None, sort: str, limit: int, cursor: str | None
) -> None:
    """List the accounts of vendors that documents speak of."""
    from arien_flows.answers.vendor_accounts import SORTS, VendorQuery, vendors_answer
    from arien_flows.cli.output import emit
    from arien_flows.cli.vendor_account_texts import vendor_list_lines
    from arien_flows.workspace import Workspace
    from chains.bitcoin.networks import network as known_network

    session = session_of(context)
    if session.settings.network is not None:
        # Accounts are of no network, but a name that is none is a mistake.
        known_network(session.settings.network)
    query = VendorQuery(market=market, sort=next(each for each in SORTS if each == sort))
    casebook = Workspace(session.settings).casebook
    emit(session, vendors_answer(casebook, query, limit=limit, cursor=cursor), vendor_list_lines)


@click.command("show")
@session_options
@click.argument("account", metavar="MARKET/HANDLE")
@click.pass_context
def show_command(context: click.Context, account: str) -> None:
    """Show what documents say of an account, its wallets, and the other accounts of its owner.

    With a ledger and its strict clustering, the entities of wallets are named, and what was paid
    under two names links them. What the chain shows of a wallet is asked with `vendors profile`.
    """
    from arien_flows.answers.vendor_accounts import vendor_answer
    from arien_flows.answers.vendor_aliases import strict_reading_of
    from arien_flows.cli.output import emit
    from arien_flows.cli.vendor_account_texts import vendor_lines
    from arien_flows.workspace import Workspace

    session = session_of(context)
    workspace = Workspace(session.settings)
    ledger = strict_reading_of(workspace, None)
    emit(session, vendor_answer(workspace.casebook, account, ledger), vendor_lines)


@click.command("why")
@session_options
@click.argument("first", metavar="MARKET/HANDLE")
@click.argument("second", metavar="MARKET/HANDLE")
@click.pass_context
def why_command(context: click.Context, first: str, second: str) -> None:
    """Show what links two accounts, and what speaks against their having one owner."""
    from arien_flows.answers.vendor_aliases import strict_reading_of
    from arien_flows.answers.vendor_links import vendor_link_answer
    from arien_flows.cli.output import emit
    from arien_flows.cli.vendor_account_texts import vendor_link_lines
    from arien_flows.workspace import Workspace

    session = session_of(context)
    workspace = Workspace(session.settings)
    ledger = strict_reading_of(workspace, None)
    answer = vendor_link_answer(workspace.casebook, first, second, ledger)
    emit(session, answer, vendor_link_lines)
