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
@click.pass_context
def address(
    context: click.Context,
    profile: str,
    address: str,
    transactions: bool,
    limit: int,
    order: str,
    cursor: str | None,
) -> None:
    """Summarise an address.

    ADDRESS is an address, or the output descriptor of a script that has none. With
    --transactions its transactions are listed, page by page.
    """
    from arien_flows.answers.address import address_answer
    from arien_flows.answers.history import history_answer
    from arien_flows.cli.asking import asked
    from arien_flows.cli.output import emit
    from arien_flows.cli.texts import address_lines, history_lines
    from arien_flows.inquiry.questions import AddressQuestion

    session = session_of(context)
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
