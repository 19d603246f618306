"""`arien-flows prices`: price tables, brought into the casebook and read from it."""

from pathlib import Path

import click

from arien_flows.cli.session import session_of, session_options

currency_option = click.option(
    "--currency", required=True, metavar="CODE", help="Three letters, as EUR or USD."
)


@click.group()
@session_options
def prices() -> None:
    """What coins were worth: import price tables, look up, withdraw."""


@prices.command("import")
@session_options
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
@click.option(
    "--asset",
    required=True,
    metavar="NAME",
    help="What is priced: BTC, tBTC, or a currency whose exchange rate it is.",
)
@currency_option
@click.option(
    "--source", required=True, metavar="TEXT", help="Who states the prices; it is kept and shown."
)
@click.option("--licence", metavar="TEXT", help="Terms on which they are given.")
@click.option(
    "--column", metavar="NAME", help="Column of prices, where its name does not tell which it is."
)
@click.pass_context
def import_command(
    context: click.Context,
    files: tuple[Path, ...],
    asset: str,
    currency: str,
    source: str,
    licence: str | None,
    column: str | None,
) -> int:
    """Import price tables (CSV, or JSON by time) into the casebook.

    A row's time is where its price begins to hold: the day (UTC), the hour, or the moment. Rows
    that cannot be used are listed, and the others imported; the exit code is then 3. A file that
    was imported before is recognised.

    Exchange rates are tables too: the European Central Bank's file of all its reference rates
    states what one euro is, so --asset EUR --currency USD reads its column USD. With it, prices in
    dollars are converted where none in euro are known.
    """
    from arien_flows.cli.importing import exit_code_of
    from arien_flows.cli.output import emit
    from arien_flows.cli.price_importing import Terms, import_prices
    from arien_flows.cli.price_texts import report_lines

    session = session_of(context)
    terms = Terms(asset=asset, currency=currency, source=source, licence=licence, column=column)
    reports = import_prices(session, files, terms)
    emit(session, reports, report_lines)
    return exit_code_of(reports)


@prices.command("list")
@session_options
@click.pass_context
def list_command(context: click.Context) -> None:
    """List the price tables, withdrawn ones included."""
    from arien_flows.answers.prices import price_tables
    from arien_flows.cli.output import emit
    from arien_flows.cli.price_texts import table_lines
    from arien_flows.workspace import Workspace

    session = session_of(context)
    emit(session, price_tables(Workspace(session.settings).casebook), table_lines)


@prices.command("of")
@session_options
@click.argument("asset")
@click.argument("time")
@currency_option
@click.pass_context
def of_command(context: click.Context, asset: str, time: str, currency: str) -> None:
    """Show what one coin was worth at a time, and who says so.

    TIME is 2024-03-01 (its beginning in UTC) or 2024-03-01T12:00Z. It is the price that a trace
    with --fiat gives a transaction of that time.
    """
    from arien_flows.answers.prices import price_answer
    from arien_flows.cli.output import emit
    from arien_flows.cli.price_texts import price_lines
    from arien_flows.cli.typed import moment
    from arien_flows.prices.currencies import asset_named, currency_named
    from arien_flows.workspace import Workspace

    session = session_of(context)
    casebook = Workspace(session.settings).casebook
    answer = price_answer(casebook, asset_named(asset), currency_named(currency), moment(time))
    emit(session, answer, price_lines)


@prices.command("withdraw")
@session_options
@click.argument("number", metavar="TABLE", type=click.IntRange(1, 2**31 - 1))
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept with the table.")
@click.pass_context
def withdraw_command(context: click.Context, number: int, reason: str) -> None:
    """Take a price table out of effect. Nothing is deleted: the file and the reason are kept.

    TABLE is the number that `prices list` shows. Other tables speak in its place.
    """
    from datetime import UTC, datetime

    from arien_flows.answers.prices import table_answer
    from arien_flows.cli.importing import user_name
    from arien_flows.cli.output import emit
    from arien_flows.cli.price_texts import withdrawal_lines
    from arien_flows.errors import InputError
    from arien_flows.workspace import Workspace

    session = session_of(context)
    if not reason.strip():
        raise InputError("say why the table is withdrawn: --reason TEXT")
    record = Workspace(session.settings).casebook.withdraw_prices(
        number, reason=reason.strip(), now=datetime.now(UTC), by=user_name()
    )
    emit(session, table_answer(record), withdrawal_lines)
