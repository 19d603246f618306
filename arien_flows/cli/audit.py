"""`arien-flows audit`: who asked or did what over the service, and whether that was changed."""

from datetime import UTC, datetime
from pathlib import Path

import click

from arien_flows.cli.session import session_of, session_options

_DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


@click.group()
@session_options
def audit() -> None:
    """The audit log of the service: check it, export it, print its head."""


@audit.command("verify")
@session_options
@click.option(
    "--expect",
    metavar="SEQ:HASH",
    help="A head that was printed earlier: it has to be in the log.",
)
@click.pass_context
def verify_command(context: click.Context, expect: str | None) -> int:
    """Check every row against its hash and the row before it.

    Names the first rows that were changed, and where rows were removed or slipped in. The exit code
    is 1 when anything is wrong.
    """
    from arien_flows.casebook.evidence_verify import head_named
    from arien_flows.cli.audit_texts import verification_lines
    from arien_flows.cli.output import emit
    from arien_flows.cli.progress import progress_in
    from arien_flows.workspace import Workspace

    session = session_of(context)
    expected = None if expect is None else head_named(expect)
    progress = progress_in(session.progress)
    found = Workspace(session.settings).audit.verify(
        expected=expected,
        report=lambda done, total: progress.step("verify", done, total, "rows"),
    )
    progress.end()
    emit(session, found, verification_lines)
    return int(not found.ok)


@audit.command("head")
@session_options
@click.pass_context
def head_command(context: click.Context) -> None:
    """Print the last row's number, hash and time.

    The hash stands for everything that was recorded before. Keep it elsewhere, signed or
    time-stamped: `audit verify --expect` checks later that the log still holds it.
    """
    from arien_flows.answers.audit import audit_head
    from arien_flows.cli.audit_texts import head_lines
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session = session_of(context)
    emit(session, audit_head(Workspace(session.settings).audit), head_lines)


@audit.command("export")
@session_options
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--since", type=click.DateTime(_DAYS), metavar="TIME", help="First moment, in UTC.")
@click.option(
    "--until", type=click.DateTime(_DAYS), metavar="TIME", help="First moment after, in UTC."
)
@click.pass_context
def export_command(
    context: click.Context, file: Path | None, since: datetime | None, until: datetime | None
) -> None:
    """Write rows as lines of JSON, the oldest first, to FILE or standard output.

    A file is made for its owner only, and none that is there is written over. Each line holds what
    its hash covers, so that the rows can be checked without this program.
    """
    import os

    from arien_flows.answers.audit import export_lines
    from arien_flows.audit.reading import AuditFilter
    from arien_flows.workspace import Workspace

    wanted = AuditFilter(
        since=None if since is None else since.replace(tzinfo=UTC),
        until=None if until is None else until.replace(tzinfo=UTC),
    )
    lines = export_lines(Workspace(session_of(context).settings).audit, wanted)
    if file is None:
        for some in lines:
            click.echo(some, nl=False)
        return
    handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as out:
        for some in lines:
            out.write(some)
