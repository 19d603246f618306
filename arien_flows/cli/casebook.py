"""`arien-flows casebook`: the state of the casebook's tables, and bringing them up to date."""

from collections.abc import Iterable

import click

from arien_flows.cli.session import session_of, session_options


@click.group()
@session_options
def casebook() -> None:
    """The casebook: where it is, and bringing its tables up to date."""


@casebook.command("status")
@session_options
@click.pass_context
def status_command(context: click.Context) -> None:
    """Say where the casebook is and which version its tables have."""
    from arien_flows.answers.casebook import CasebookStatus, casebook_status
    from arien_flows.cli.output import emit, pairs
    from arien_flows.workspace import Workspace

    def lines(status: CasebookStatus) -> Iterable[str]:
        return pairs(
            (
                ("Casebook", status.where),
                ("Tables", f"{status.state} (version {status.version or 'none'})"),
                ("Wanted", status.wanted),
            )
        )

    session = session_of(context)
    emit(session, casebook_status(Workspace(session.settings).casebook), lines)


@casebook.command("upgrade")
@session_options
@click.pass_context
def upgrade_command(context: click.Context) -> None:
    """Bring the casebook's tables up to date.

    A SQLite file is copied beside itself first; of a server's database make a backup before.
    """
    from arien_flows.answers.casebook import casebook_status
    from arien_flows.workspace import Workspace

    book = Workspace(session_of(context).settings).casebook
    before, copy = book.upgrade()
    if copy is not None:
        click.echo(f"Copied first: {copy}", err=True)
    after = casebook_status(book).version
    told = "was up to date" if before == after else f"went from {before or 'nothing'} to {after}"
    click.echo(f"{book.name}: {told}", err=True)
