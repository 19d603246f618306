"""`arien-flows roles`: what kind of service an entity looks like, and why."""

import click

from arien_flows.cli.session import session_of, session_options


@click.command()
@session_options
@click.argument("address")
@click.option("--features", is_flag=True, help="List all features, asked for or not.")
@click.pass_context
def roles(context: click.Context, address: str, features: bool) -> None:
    """Show what kind of service an address and its entity look like.

    Each role is a list of features with thresholds, all of which must hold. What could not be
    measured leaves a role undecided.
    """
    from functools import partial

    from arien_flows.answers.roles import roles_answer
    from arien_flows.cli.asking import asked
    from arien_flows.cli.output import emit
    from arien_flows.cli.role_texts import roles_lines

    session = session_of(context)
    answer = asked(session, lambda it: roles_answer(it, address))
    emit(session, answer, partial(roles_lines, with_features=features))
