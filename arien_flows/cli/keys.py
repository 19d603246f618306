"""`arien-flows keys`: keys for a service with accounts.

Whoever reaches the casebook from the command line is its keeper, so nothing is asked of him or her;
every key says who made it.
"""

import click

from arien_flows.cli.session import session_of, session_options

ROLES = ("investigator", "analyst", "supervisor", "auditor", "admin", "service")
LABELS = ("clear", "green", "amber", "amber+strict", "red")
"""As `access.roles` and `access.tlp` have them, which are not needed for `--help`."""

clearance_option = click.option(
    "--clearance",
    type=click.Choice(LABELS),
    metavar="LABEL",
    help="Strictest label (Traffic Light Protocol) that may be seen: clear, green, amber, "
    "amber+strict or red.",
)


@click.group()
@session_options
def keys() -> None:
    """Keys of people and programs: make, list, revoke."""


@keys.command("create")
@session_options
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(ROLES),
    help="What NAME is; needed where nobody has the name yet.",
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="PERMISSION",
    help="What the key may be used for, as chain:read; may be repeated. By default all that the "
    "role may.",
)
@click.option(
    "--expires",
    type=click.IntRange(1, 3_660),
    metavar="DAYS",
    help="After so many days the key does not count; by default it does until it is revoked.",
)
@clearance_option
@click.option(
    "--address",
    "addresses",
    multiple=True,
    metavar="CIDR",
    help="From where the key may be used, as 192.0.2.0/24; may be repeated. By default anywhere.",
)
@click.pass_context
def create_command(
    context: click.Context,
    name: str,
    role: str | None,
    scopes: tuple[str, ...],
    expires: int | None,
    clearance: str | None,
    addresses: tuple[str, ...],
) -> None:
    """Make a key for NAME and print it, this once: only its digest is kept.

    NAME stands in every record of what is done with it. An account of that name is made where there
    is none. Programs send the key as `Authorization: Bearer KEY`.
    """
    from datetime import UTC, datetime, timedelta

    from arien_flows.access.tlp import Tlp
    from arien_flows.answers.accounts import made_key_answer
    from arien_flows.casebook.access_records import NewKey
    from arien_flows.cli.account_naming import permissions_of, wanted_owner
    from arien_flows.cli.importing import user_name
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session = session_of(context)
    casebook, now = Workspace(session.settings).casebook, datetime.now(UTC)
    wanted = NewKey(
        owner=name,
        scopes=permissions_of(scopes),
        clearance=Tlp.RED if clearance is None else Tlp(clearance),
        networks=addresses,
        expires_at=None if expires is None else now + timedelta(days=expires),
    )
    owner = wanted_owner(name, role, clearance)
    if owner is None:
        made = casebook.keys.make(wanted, now=now, by=user_name())
    else:
        made = casebook.keys.make_with_owner(wanted, owner, now=now, by=user_name())
    key, record = made
    click.echo(
        f"Made {record.id} for {record.owner}. It is shown this once: keep it where secrets are "
        "kept.",
        err=True,
    )
    emit(session, made_key_answer(key, record), lambda shown: [shown.key])


@keys.command("list")
@session_options
@click.option("--owner", metavar="NAME", help="Only keys of this account.")
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=1_000,
    show_default=True,
    metavar="N",
    help="Most keys.",
)
@click.pass_context
def list_command(context: click.Context, owner: str | None, limit: int) -> None:
    """List keys, the newest first, revoked and expired ones included. No secret is shown."""
    from arien_flows.answers.accounts import key_page
    from arien_flows.cli.account_naming import key_lines
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session = session_of(context)
    found = Workspace(session.settings).casebook.keys.page(owner=owner, limit=limit + 1)
    emit(session, key_page(found, limit), key_lines)


@keys.command("revoke")
@session_options
@click.argument("key_id", metavar="ID")
@click.pass_context
def revoke_command(context: click.Context, key_id: str) -> None:
    """Let a key count no more. Running services heed it within two seconds."""
    from datetime import UTC, datetime

    from arien_flows.answers.accounts import KeyPage, key_answer
    from arien_flows.cli.account_naming import key_lines
    from arien_flows.cli.importing import user_name
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session = session_of(context)
    record = Workspace(session.settings).casebook.keys.revoke(
        key_id, now=datetime.now(UTC), by=user_name()
    )
    emit(
        session,
        key_answer(record),
        lambda shown: key_lines(KeyPage(items=(shown,), next_cursor=None)),
    )
