"""`arien-flows listings`: collected documents, and the addresses in them."""

from pathlib import Path

import click

from arien_flows.cli.session import C, session_of, session_options

_SAID = (
    click.option("--market", metavar="M", help="The market whose pages they are."),
    click.option(
        "--captured-at",
        metavar="TIME",
        help="When they were captured (ISO 8601, UTC where no zone is named), where they do not "
        "say so; without it the time of the file.",
    ),
    click.option("--origin", metavar="URL", help="Where they were captured."),
    click.option(
        "--mapping",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        metavar="FILE",
        help="TOML file that says what the columns of a table mean.",
    ),
)
_paths = click.argument(
    "paths",
    nargs=-1,
    required=True,
    metavar="PATH...",
    type=click.Path(path_type=Path, exists=True),
)


def _said(command: C) -> C:
    for option in reversed(_SAID):
        command = option(command)
    return command


@click.group()
@session_options
def listings() -> None:
    """Collected documents: import, look at, list, show, withdraw."""


@listings.command("import")
@session_options
@_said
@click.option("--collector", metavar="NAME", help="Who collected them.")
@click.option("--batch", metavar="NAME", help="Name of the batch; by default that of the path.")
@_paths
@click.pass_context
def import_command(
    context: click.Context,
    paths: tuple[Path, ...],
    market: str | None,
    captured_at: str | None,
    origin: str | None,
    mapping: Path | None,
    collector: str | None,
    batch: str | None,
) -> int:
    """Import documents: HTML, text, JSON, JSON lines, CSV, WARC, pictures, ZIP and TAR of these.

    Every document is kept byte for byte, with where and when it was captured. Addresses in it
    become tags where the document says whose they are. Every item has a row in the report; the
    exit code is 3 where one was refused.
    """
    from arien_flows.answers.listing_imports import import_report
    from arien_flows.cli.importing import exit_code
    from arien_flows.cli.listing_importing import imported, order_of
    from arien_flows.cli.listing_texts import import_lines
    from arien_flows.cli.output import emit

    session = session_of(context)
    order = order_of(
        session,
        market=market,
        captured_at=captured_at,
        origin=origin,
        mapping=mapping,
        collector=collector,
        name=batch or ", ".join(path.name for path in paths)[:200],
    )
    report = import_report(imported(session, paths, order))
    emit(session, report, import_lines)
    return exit_code(item.result == "refused" for item in report.items)


@listings.command("scan")
@session_options
@_said
@_paths
@click.pass_context
def scan_command(
    context: click.Context,
    paths: tuple[Path, ...],
    market: str | None,
    captured_at: str | None,
    origin: str | None,
    mapping: Path | None,
) -> int:
    """Only look: show the addresses in documents and their roles. Nothing is kept."""
    from arien_flows.answers.listing_imports import scan_report
    from arien_flows.cli.importing import exit_code
    from arien_flows.cli.listing_importing import order_of
    from arien_flows.cli.listing_texts import scan_lines
    from arien_flows.cli.output import emit
    from arien_flows.intake.looking import look_at
    from arien_flows.workspace import Workspace

    session = session_of(context)
    order = order_of(
        session,
        market=market,
        captured_at=captured_at,
        origin=origin,
        mapping=mapping,
        collector=None,
        name="scan",
    )
    found = scan_report(look_at(Workspace(session.settings), paths, order))
    emit(session, found, scan_lines)
    return exit_code(row.reason is not None for row in found)


@listings.command("list")
@session_options
@click.option("--market", metavar="M", help="Only pages of this market.")
@click.option("--address", metavar="A", help="Only documents in which this address stands.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, metavar="N"
)
@click.option("--cursor", metavar="C", help="Go on after the last page.")
@click.pass_context
def list_command(
    context: click.Context,
    market: str | None,
    address: str | None,
    limit: int,
    cursor: str | None,
) -> None:
    """List what was collected, withdrawn documents included."""
    from arien_flows.answers.listings import listing_page
    from arien_flows.cli.listing_texts import page_lines
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session = session_of(context)
    page = listing_page(
        Workspace(session.settings).casebook,
        limit=limit,
        cursor=cursor,
        market=market,
        address=address,
    )
    emit(session, page, page_lines)


@listings.command("show")
@session_options
@click.argument("listing")
@click.pass_context
def show_command(context: click.Context, listing: str) -> None:
    """Show a document (by its SHA-256, or its first 8 digits or more) or a listing (by its name).

    All captures are shown in the order of their time, with everything that was found and the
    words around it. Keys and seed phrases are hidden; of a document that holds any the evidence
    chain keeps who looked at it.
    """
    from datetime import UTC, datetime

    from arien_flows.answers.listing_views import record_view
    from arien_flows.answers.listings import listing_detail
    from arien_flows.cli.importing import user_name
    from arien_flows.cli.listing_texts import detail_lines
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session = session_of(context)
    casebook = Workspace(session.settings).casebook
    detail = listing_detail(casebook, listing)
    record_view(casebook, detail, reason="listings show", at=datetime.now(UTC), by=user_name())
    emit(session, detail, detail_lines)


@listings.command("rules")
@session_options
@click.pass_context
def rules_command(context: click.Context) -> None:
    """List the rules by which documents are read, with where they come from and when they fail."""
    from arien_flows.answers.listing_rules import listing_rules
    from arien_flows.cli.listing_rule_texts import rule_lines
    from arien_flows.cli.output import emit

    emit(session_of(context), listing_rules(), rule_lines)


@listings.command("withdraw")
@session_options
@click.argument("sha256")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept with the document.")
@click.pass_context
def withdraw_command(context: click.Context, sha256: str, reason: str) -> None:
    """Take a document out of effect, and with it all tags that rest on it.

    Nothing is deleted. Listings that it contradicted are judged again.
    """
    from datetime import UTC, datetime

    from arien_flows.answers.listing_imports import withdrawal_answer
    from arien_flows.cli.importing import user_name
    from arien_flows.cli.listing_texts import withdrawal_lines
    from arien_flows.cli.output import emit
    from arien_flows.errors import InputError
    from arien_flows.intake.settling import withdraw_listing
    from arien_flows.workspace import Workspace

    session = session_of(context)
    text = reason.strip()
    if not text:
        raise InputError("say why the document is withdrawn: --reason TEXT")
    settled = withdraw_listing(
        Workspace(session.settings),
        sha256.strip().lower(),
        reason=text,
        now=datetime.now(UTC),
        by=user_name(),
    )
    emit(session, withdrawal_answer(sha256, text, settled), withdrawal_lines)
