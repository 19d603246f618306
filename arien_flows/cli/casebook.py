"""`arien-flows casebook`: the state of its tables, bringing them up to date, and backups."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from arien_flows.cli.session import session_of, session_options

if TYPE_CHECKING:
    from arien_flows.backup.archive import BackupManifest
    from arien_flows.casebook.backup import KeptDatabase


@click.group()
@session_options
def casebook() -> None:
    """The casebook: where it is, its tables, and backups of it."""


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


@casebook.command("backup")
@session_options
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_context
def backup_command(context: click.Context, file: Path) -> None:
    """Write everything that cannot be rebuilt from a chain into FILE, while others go on working.

    FILE holds seized documents and names of suspects: keep it as you keep those. Ledgers are not in
    it. Write down the head of the evidence chain that is printed, apart from FILE.
    """
    from arien_flows.backup.running import back_up
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session = session_of(context)
    emit(session, back_up(Workspace(session.settings), file, datetime.now(UTC)), _kept_lines)


@casebook.command("restore")
@session_options
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_context
def restore_command(context: click.Context, file: Path) -> None:
    """Make the casebook again from FILE, in an empty data folder or an empty database.

    It may be the other kind of database than the one that was kept.
    """
    from arien_flows.backup.running import restore
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session = session_of(context)
    emit(session, restore(Workspace(session.settings), file), _kept_lines)


def _kept_lines(manifest: "BackupManifest") -> Iterable[str]:
    from arien_flows.cli.output import pairs

    rows = {name: sum(table.rows for table in kept.tables) for name, kept in _databases(manifest)}
    return pairs(
        (
            ("Made", manifest.made_at),
            *((f"Rows of the {name}", f"{count:,}") for name, count in rows.items()),
            ("Files", f"{len(manifest.files):,}"),
            ("Head of evidence", manifest.evidence_head or "none"),
            ("Head of the audit log", manifest.audit_head or "none"),
        )
    )


def _databases(manifest: "BackupManifest") -> Iterable[tuple[str, "KeptDatabase"]]:
    return sorted(manifest.databases.items())
