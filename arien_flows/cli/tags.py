"""`arien-flows tags`: what sources say, brought into the casebook and read from it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from arien_flows.cli.session import session_of, session_options

if TYPE_CHECKING:
    from datetime import datetime

FORMATS = (
    "tagpack", "csv", "ofac-sdn-csv", "ofac-sdn-xml", "ofac-sdn-advanced", "ofac-list",
    "etherscan", "forta", "mining-pools", "actorpack",
)  # fmt: skip
"""As `attribution.formats` has them, which is not needed for `--help`."""


@click.group()
@session_options
def tags() -> None:
    """What sources say of addresses: import, look up, review, export, withdraw."""


@tags.command("import")
@session_options
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("auto", *FORMATS)),
    default="auto",
    show_default=True,
    help="How the files are read; auto tells it from their content.",
)
@click.option("--source", metavar="TEXT", help="Where lists are from that do not say it.")
@click.option("--licence", metavar="TEXT", help="Under which licence they were published.")
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Of which day lists are that do not say it (YYYY-MM-DD).",
)
@click.pass_context
def import_command(
    context: click.Context,
    files: tuple[Path, ...],
    form: str,
    source: str | None,
    licence: str | None,
    as_of: "datetime | None",
) -> int:
    """Import lists of tags into the casebook.

    Formats: TagPacks and ActorPacks (YAML), tables (CSV), OFAC's sanctions lists, labels of
    Etherscan, Forta's tables, mining pools. BTC means bitcoin and ETH ethereum, or the network of
    theirs that --network names. A file that was imported before is recognised. Tags that cannot be
    used are listed, and the others imported; the exit code is then 3. The columns of a table are
    address or tx_hash, network, currency, label, source, creator, confidence, concepts (a;b),
    tag_type, actor, is_cluster_definer, context, lastmod.
    """
    from arien_flows.attribution.terms import Terms
    from arien_flows.cli.importing import exit_code_of
    from arien_flows.cli.output import emit
    from arien_flows.cli.tag_importing import import_files
    from arien_flows.cli.tag_texts import report_lines

    session = session_of(context)
    terms = Terms(source=source, licence=licence, as_of=None if as_of is None else as_of.date())
    reports = import_files(session, files, form, terms)
    emit(session, reports, report_lines)
    return exit_code_of(reports)


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
    from arien_flows.cli.importing import meant_network
    from arien_flows.cli.output import emit
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


@tags.command("show")
@session_options
@click.argument("number", metavar="IMPORT", type=click.IntRange(1, 2**31 - 1))
@click.pass_context
def show_command(context: click.Context, number: int) -> None:
    """Show an import: where it is from, what could not be used, who reviewed it."""
    from arien_flows.answers.tag_imports import import_detail
    from arien_flows.cli.output import emit
    from arien_flows.cli.tag_texts import detail_lines
    from arien_flows.workspace import Workspace

    session = session_of(context)
    emit(session, import_detail(Workspace(session.settings).casebook, number), detail_lines)


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
@click.option(
    "--format",
    "form",
    type=click.Choice(("tagpack", "csv", "actorpack")),
    default="tagpack",
    show_default=True,
    help="What is written.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
@click.pass_context
def export_command(
    context: click.Context, creator: str | None, output: Path | None, form: str, overwrite: bool
) -> None:
    """Write the tags that are in effect, to be read back as the same tags.

    A TagPack has one creator, so the tags of several go to a folder, or are chosen by --creator;
    GraphSense's tools accept it. A table (csv) holds all. An ActorPack holds the actors that were
    imported. With --network only that network's tags are written.
    """
    from arien_flows.cli.tag_importing import export_to

    export_to(session_of(context), creator, output, form=form, overwrite=overwrite)


@tags.command("review")
@session_options
@click.argument("number", metavar="IMPORT", type=click.IntRange(1, 2**31 - 1))
@click.option(
    "--row", type=click.IntRange(1, 2**31 - 1), metavar="N", help="Only this tag of the list."
)
@click.option("--approve", "verdict", flag_value="approved", help="It is right.")
@click.option(
    "--reject", "verdict", flag_value="rejected", help="It is wrong, and shall not speak."
)
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept.")
@click.pass_context
def review_command(
    context: click.Context, number: int, row: int | None, verdict: str | None, reason: str
) -> None:
    """Approve or reject an import or one of its tags, as a second pair of eyes.

    Whoever made the import cannot approve it, and what the service imported before it knew its
    users cannot be approved. Rejected tags no longer speak, and are kept; the same tag does not
    speak either when it is imported again, until somebody approves it there. A review of a tag
    counts before those of its import, and a later one before an earlier one.
    """
    from datetime import UTC, datetime

    from arien_flows.answers.tag_imports import import_detail
    from arien_flows.cli.importing import user_name
    from arien_flows.cli.output import emit
    from arien_flows.cli.tag_texts import detail_lines
    from arien_flows.errors import InputError
    from arien_flows.workspace import Workspace

    session = session_of(context)
    if verdict is None:
        raise InputError("say what was found: --approve or --reject")
    if not reason.strip():
        raise InputError("say why: --reason TEXT")
    casebook = Workspace(session.settings).casebook
    casebook.read_import(number)
    casebook.lists.review(
        number,
        row=row,
        verdict=verdict,
        reason=reason.strip(),
        now=datetime.now(UTC),
        by=user_name(),
    )
    emit(session, import_detail(casebook, number), detail_lines)


@tags.command("policy")
@session_options
@click.option(
    "--proposed",
    type=click.Choice(("count", "ignore")),
    help="Whether tags count that nobody has approved yet.",
)
@click.option("--reason", metavar="TEXT", help="Why; it is kept.")
@click.pass_context
def policy_command(context: click.Context, proposed: str | None, reason: str | None) -> None:
    """Show or decide whether tags count that nobody has approved yet; by default they do."""
    from datetime import UTC, datetime

    from arien_flows.answers.tag_imports import policies_answer
    from arien_flows.cli.importing import user_name
    from arien_flows.cli.output import emit
    from arien_flows.cli.tag_texts import policy_lines
    from arien_flows.errors import InputError
    from arien_flows.workspace import Workspace

    session = session_of(context)
    casebook = Workspace(session.settings).casebook
    if proposed is not None:
        if reason is None or not reason.strip():
            raise InputError("say why: --reason TEXT")
        casebook.lists.set_policy(
            counts_proposed=proposed == "count",
            reason=reason.strip(),
            now=datetime.now(UTC),
            by=user_name(),
        )
    emit(session, policies_answer(casebook), policy_lines)


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
    from arien_flows.cli.importing import user_name
    from arien_flows.cli.output import emit
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
