"""`arien-flows why`: what joins two addresses."""

import click

from arien_flows.cli.session import profile_option, session_of, session_options, source_options


@click.command()
@session_options
@source_options
@profile_option
@click.argument("a")
@click.argument("b")
@click.pass_context
def why(context: click.Context, profile: str, a: str, b: str) -> None:
    """Show the transactions and rules that join two addresses."""
    from arien_flows.answers.why import why_answer
    from arien_flows.cli.account_entity import show_account_why
    from arien_flows.cli.asking import asked
    from arien_flows.cli.asking_accounts import on_accounts
    from arien_flows.cli.output import emit
    from arien_flows.cli.texts import why_lines
    from arien_flows.inquiry.questions import EntityQuestion

    session = session_of(context)
    if on_accounts(session):
        show_account_why(session, profile, a, b)
        return
    answer = asked(
        session, lambda it: why_answer(it, a, b), EntityQuestion(addresses=(a, b)), profile
    )
    emit(session, answer, why_lines)
