"""`arien-flows address`: the summary of an address, or its transactions."""

import click

from arien_flows.cli.session import profile_option, session_of, session_options, source_options


@click.command()
@session_options
@source_options
@profile_option
@click.argument("address")
@click.option("--transactions", is_flag=True, help="List its transactions instead.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Rows.")
@click.option(
    "--order",
    type=click.Choice(["newest", "oldest"]),
    default="newest",
    show_default=True,
    help="Which end comes first.",
)
@click.option("--cursor", metavar="TEXT", help="Go on where the last page ended.")
@click.option(
    "--all",
    "show_all",
    is_flag=True,
    help="On Ethereum, with --transactions: show dust and poison, too.",
)
@click.pass_context
def address(
    context: click.Context,
    profile: str,
    address: str,
    transactions: bool,
    limit: int,
    order: str,
    cursor: str | None,
    show_all: bool,
) -> None:
    """Summarise an address.

    ADDRESS is an address, or the output descriptor of a script that has none. With
    --transactions its transactions are listed, page by page; on Ethereum each with its movements,
    and without those that strangers made to be seen.
    """
    from arien_flows.answers.address import address_answer
    from arien_flows.answers.history import history_answer
    from arien_flows.cli.account_address import show_account, show_account_history
    from arien_flows.cli.asking import asked, refuse_account_options
    from arien_flows.cli.asking_accounts import on_accounts
    from arien_flows.cli.output import emit
    from arien_flows.cli.texts import address_lines, history_lines
    from arien_flows.inquiry.questions import AddressQuestion

    session = session_of(context)
    if on_accounts(session):
        if not transactions:
            show_account(session, address, profile)
            return
        newest = order == "newest"
        show_account_history(session, address, limit, cursor, newest=newest, show_all=show_all)
        return
    refuse_account_options(all=show_all)
    fetched = AddressQuestion(address=address)
    if not transactions:
        summary = asked(session, lambda it: address_answer(it, address), fetched, profile)
        emit(session, summary, address_lines)
        return
    page = asked(
        session,
        lambda it: history_answer(
            it,
            address,
            limit=limit,
            order="newest" if order == "newest" else "oldest",
            cursor=cursor,
        ),
        fetched,
        profile,
    )
    emit(session, page, history_lines)
