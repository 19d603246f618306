"""`arien-flows tags`: what sources say, brought into the casebook and read from it."""

from pathlib import Path

import click

from arien_flows.cli.session import session_of, session_options


@click.group()
@session_options
def tags() -> None:
    """What sources say of addresses: import, look up, export, withdraw."""


@tags.command("import")
@session_options
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
@click.pass_context
def import_command(context: click.Context, files: tuple[Path, ...]) -> int:
    """Import TagPacks (YAML) into the casebook.

    BTC in a pack means bitcoin, or the network that --network names. A file that was imported
    before is recognised. Tags that cannot be used are listed, and the others imported; the exit
    code is then 3.
    """
    from arien_flows.cli.output import emit
    from arien_flows.cli.tag_importing import exit_code, import_files
    from arien_flows.cli.tag_texts import report_lines

    session = session_of(context)
    reports = import_files(session, files)
    emit(session, reports, report_lines)
    return exit_code(reports)


@tags.command("of")
@session_options
@click.argument("address")
@click.pass_context
def of_command(context: click.Context, address: str) -> None:
    """Show what sources say of an address and of its entity.

    Without a ledger that knows the address, only what is said of the address itself is shown.
    """
    from datetime import UTC, datetime

    from arien_flows.answers.address_tags import known_tags_answer
    from arien_flows.cli.output import emit
    from arien_flows.cli.tag_importing import meant_network
    from arien_flows.cli.tag_texts import address_tags_lines
    from arien_flows.workspace import Workspace

    session = session_of(context)
    workspace = Workspace(session.settings)
    today = datetime.now(UTC).date()
    answer = known_tags_answer(workspace, meant_network(workspace), address, on=today)
    emit(session, answer, address_tags_lines)


@tags.command("list")
@session_options
@click.pass_context
def list_command(context: click.Context) -> None:
    """List the imports, withdrawn ones included."""
    from arien_flows.answers.tag_imports import all_imports
    from arien_flows.cli.output import emit
    from arien_flows.cli.tag_texts import import_lines
    from arien_flows.workspace import Workspace

    session = session_of(context)
    emit(session, all_imports(Workspace(session.settings).casebook), import_lines)


@tags.command("export")
@session_options
@click.option("--creator", metavar="NAME", help="Only the tags of this creator.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="File to write, or an existing folder for one file a creator; standard output without.",
)
@click.pass_context
def export_command(context: click.Context, creator: str | None, output: Path | None) -> None:
    """Write the tags that are in effect as TagPacks, which are read back as the same tags.

    A TagPack has one creator, so the tags of several go to a folder, or are chosen by --creator.
    With --network only that network's tags are written.
    """
    from arien_flows.cli.tag_importing import export_to

    export_to(session_of(context), creator, output)


@tags.command("withdraw")
@session_options
@click.argument("number", metavar="IMPORT", type=click.IntRange(1, 2**31 - 1))
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept with the import.")
@click.pass_context
def withdraw_command(context: click.Context, number: int, reason: str) -> None:
    """Take an import out of effect. Nothing is deleted: the document and the reason are kept.

    IMPORT is the number that `tags list` shows. Tags that the import superseded speak again.
    """
    from datetime import UTC, datetime

    from arien_flows.answers.tag_imports import import_answer
    from arien_flows.cli.output import emit
    from arien_flows.cli.tag_importing import user_name
    from arien_flows.cli.tag_texts import withdrawal_lines
    from arien_flows.errors import InputError
    from arien_flows.workspace import Workspace

    session = session_of(context)
    if not reason.strip():
        raise InputError("say why the import is withdrawn: --reason TEXT")
    record = Workspace(session.settings).casebook.withdraw(
        number, reason=reason.strip(), now=datetime.now(UTC), by=user_name()
    )
    emit(session, import_answer(record), withdrawal_lines)
