"""`arien-flows vendors profile`: a wallet as if it were a vendor's."""

from pathlib import Path

import click

from arien_flows.cli.session import profile_option, session_of, session_options


@click.command("profile")
@session_options
@profile_option
@click.argument("subject", metavar="ADDRESS|MARKET/HANDLE")
@click.option(
    "--account",
    metavar="MARKET/HANDLE",
    help="Hold it against the price list and the hours of this account in documents.",
)
@click.option("--fiat", metavar="CURRENCY", help="Value receipts and payments, as EUR.")
@click.option(
    "--trace-budget",
    type=click.IntRange(0, 200_000),
    default=0,
    show_default=True,
    help="Trace revenue to services, looking at so many transactions by each policy.",
)
@click.option("--months", is_flag=True, help="List revenue month by month.")
@click.option("--evidence", is_flag=True, help="List what shows each item of the score.")
@click.option(
    "--chart",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Draw revenue by month: FILE ends in .png or .svg.",
)
@click.pass_context
def profile_command(
    context: click.Context,
    profile: str,
    subject: str,
    account: str | None,
    fiat: str | None,
    trace_budget: int,
    months: bool,
    evidence: bool,
    chart: Path | None,
) -> None:
    """Show a wallet as if it were a vendor's, or the wallets of an account in documents as one.

    Of MARKET/HANDLE it joins what documents name as wallets of the account and, with the strict
    profile, of its owner's other accounts.

    Says how much speaks for a vendor (a score with its evidence), which markets pay the wallet,
    what it earned, whom it deals with again and again, and where it cashes out.
    """
    from functools import partial

    from arien_flows.answers.vendor import ProfileRequest, vendor_profile
    from arien_flows.cli.asking import asked
    from arien_flows.cli.output import emit
    from arien_flows.cli.vendor_texts import profile_lines
    from arien_flows.prices.currencies import currency_named
    from arien_flows.reports.vendor_chart import chart_path, draw_revenue

    session = session_of(context)
    request = ProfileRequest(
        subject=subject,
        account=account,
        currency=None if fiat is None else currency_named(fiat),
        trace_budget=trace_budget,
    )
    path = None if chart is None else chart_path(chart)
    answer = asked(session, lambda it: vendor_profile(it, request), profile=profile)
    if path is not None:
        draw_revenue(answer, path)
        click.echo(f"Written: {path}", err=True)
    emit(session, answer, partial(profile_lines, with_months=months, with_evidence=evidence))
