"""`arien-flows people`: accounts of a service that has them."""

import click

from arien_flows.cli.keys import ROLES, clearance_option
from arien_flows.cli.session import session_of, session_options


@click.group()
@session_options
def people() -> None:
    """Accounts of people and programs: make, list, disable."""


@people.command("add")
@session_options
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What NAME is.")
@clearance_option
@click.option(
    "--subject",
    metavar="TEXT",
    help="What the sign-in service of ARIEN_OIDC_ISSUER calls the person (`sub`).",
)
@click.pass_context
def add_command(
    context: click.Context, name: str, role: str, clearance: str | None, subject: str | None
) -> None:
    """Make an account. A name is given once, for good; by default it is cleared for amber."""
    from dataclasses import replace
    from datetime import UTC, datetime

    from arien_flows.answers.accounts import PersonPage, person_answer
    from arien_flows.cli.account_naming import person_lines, wanted_owner
    from arien_flows.cli.importing import user_name
    from arien_flows.cli.output import emit
    from arien_flows.errors import InputError
    from arien_flows.workspace import Workspace

    session = session_of(context)
    issuer = session.settings.oidc_issuer
    if subject is not None and issuer is None:
        raise InputError("no sign-in service is set that knows a subject: set ARIEN_OIDC_ISSUER")
    wanted = wanted_owner(name, role, clearance)
    assert wanted is not None  # noqa: S101 a role was named
    if subject is not None:
        wanted = replace(wanted, issuer=issuer, subject=subject)
    made = Workspace(session.settings).casebook.people.add(
        wanted, now=datetime.now(UTC), by=user_name()
    )
    emit(
        session,
        person_answer(made),
        lambda shown: person_lines(PersonPage(items=(shown,), next_cursor=None)),
    )


@people.command("list")
@session_options
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=1_000,
    show_default=True,
    metavar="N",
    help="Most accounts.",
)
@click.pass_context
def list_command(context: click.Context, limit: int) -> None:
    """List the accounts by name, disabled ones included."""
    from arien_flows.answers.accounts import person_page
    from arien_flows.cli.account_naming import person_lines
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session = session_of(context)
    found = Workspace(session.settings).casebook.people.page(limit=limit + 1)
    emit(session, person_page(found, limit), person_lines)


@people.command("disable")
@session_options
@click.argument("name")
@click.pass_context
def disable_command(context: click.Context, name: str) -> None:
    """Disable an account: its keys and sessions are worth nothing from now on.

    The name stays in all records, and nobody else gets it.
    """
    from datetime import UTC, datetime

    from arien_flows.answers.accounts import PersonPage, person_answer
    from arien_flows.cli.account_naming import person_lines
    from arien_flows.cli.importing import user_name
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session = session_of(context)
    changed = Workspace(session.settings).casebook.people.change(
        name, is_disabled=True, now=datetime.now(UTC), by=user_name()
    )
    emit(
        session,
        person_answer(changed),
        lambda shown: person_lines(PersonPage(items=(shown,), next_cursor=None)),
    )
