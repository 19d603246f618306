"""`arien-flows entity`: the entity that an address belongs to."""

import click

from arien_flows.cli.session import profile_option, session_of, session_options, source_options


@click.command()
@session_options
@source_options
@profile_option
@click.argument("address")
@click.option("--members", is_flag=True, help="List its addresses.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Addresses.")
@click.option("--cursor", metavar="TEXT", help="Go on where the last page ended.")
@click.pass_context
def entity(
    context: click.Context,
    profile: str,
    address: str,
    members: bool,
    limit: int,
    cursor: str | None,
) -> None:
    """Show the entity that an address belongs to.

    An entity is the set of addresses that rules join; it is named by its first-seen address.
    `arien-flows why` shows what joins two of them.
    """
    from functools import partial

    from arien_flows.answers.entity import entity_answer
    from arien_flows.cli.account_entity import show_account_entity
    from arien_flows.cli.asking import asked
    from arien_flows.cli.asking_accounts import on_accounts
    from arien_flows.cli.output import emit
    from arien_flows.cli.texts import entity_lines
    from arien_flows.inquiry.questions import EntityQuestion

    session = session_of(context)
    if on_accounts(session):
        show_account_entity(session, profile, address, limit, cursor, members=members)
        return
    answer = asked(
        session,
        lambda it: entity_answer(it, address, limit=limit, cursor=cursor),
        EntityQuestion(addresses=(address,)),
        profile,
    )
    emit(session, answer, partial(entity_lines, with_addresses=members))
