"""`arien-flows evidence`: what was done to the casebook, and whether anything was changed since."""

from datetime import UTC, datetime, timedelta

import click

from arien_flows.cli.session import session_of, session_options


@click.group()
@session_options
def evidence() -> None:
    """The chain of evidence: check it, list it, print its head."""


@evidence.command("verify")
@session_options
@click.option(
    "--head",
    metavar="SEQ:HASH",
    help="A head that was printed, signed or time-stamped earlier: it has to be in the chain.",
)
@click.pass_context
def verify_command(context: click.Context, head: str | None) -> int:
    """Check the chain, every document, and the rows of today against what was recorded.

    Names everything that was changed, removed or slipped in. The exit code is 1 when anything is
    wrong.
    """
    from arien_flows.casebook.evidence_verify import head_named
    from arien_flows.cli.evidence_texts import verification_lines
    from arien_flows.cli.output import emit
    from arien_flows.cli.progress import progress_in
    from arien_flows.workspace import Workspace

    session = session_of(context)
    expected = None if head is None else head_named(head)
    progress = progress_in(session.progress)
    found = Workspace(session.settings).casebook.evidence.verify(
        expected=expected,
        report=lambda what, done, total: progress.step("verify", done, total, what),
    )
    progress.end()
    emit(session, found, verification_lines)
    return int(not found.ok)


@evidence.command("head")
@session_options
@click.option(
    "--on",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The head at the end of a day in UTC.",
)
@click.pass_context
def head_command(context: click.Context, on: datetime | None) -> None:
    """Print the last row's number, hash and time.

    The hash stands for everything that was done before. Sign it, have it time-stamped (RFC 3161),
    or write it down: this program does none of these, and `evidence verify --head` checks later
    that the chain still holds it.
    """
    from arien_flows.cli.evidence_texts import head_lines
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session = session_of(context)
    before = None if on is None else on.replace(tzinfo=UTC) + timedelta(days=1)
    emit(session, Workspace(session.settings).casebook.evidence.head(before), head_lines)


@evidence.command("log")
@session_options
@click.option("--kind", metavar="KIND", help="Only rows of a kind, as withdrawal.")
@click.option(
    "--after", type=click.IntRange(0), default=0, metavar="SEQ", help="Begin after a row."
)
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=1_000,
    show_default=True,
    metavar="N",
    help="Most rows.",
)
@click.pass_context
def log_command(context: click.Context, kind: str | None, after: int, limit: int) -> None:
    """List what was done, by whom and when, in its order."""
    from arien_flows.answers.evidence import evidence_log
    from arien_flows.cli.evidence_texts import log_lines
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session = session_of(context)
    casebook = Workspace(session.settings).casebook
    emit(session, evidence_log(casebook, after=after, limit=limit, kind=kind), log_lines)
