"""`arien-flows taint`: where the money of many sources is, through to the tip."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from arien_flows.cli.flow_options import fee_options, files_option, policy_option
from arien_flows.cli.session import profile_option, session_of, session_options

if TYPE_CHECKING:
    from arien_flows.tracing.request import FeeMode, PolicyName, SubsidyOrder


@click.command()
@session_options
@profile_option
@click.argument("sources", nargs=-1, metavar="[SOURCE...]")
@click.option(
    "--file",
    "lists",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="More sources, one a line; may be repeated. Those that the ledger does not hold are "
    "passed over and counted.",
)
@policy_option
@fee_options
@click.option("--until", type=click.IntRange(0), metavar="HEIGHT", help="Last block looked at.")
@click.option("--stop-at-services", is_flag=True, help="End paths at tagged services.")
@click.option("--stop-at-coinjoins", is_flag=True, help="End paths at CoinJoins.")
@files_option("taint.json, manifest.json, sources.txt, coins.parquet and fees.parquet")
@click.pass_context
def taint(
    context: click.Context,
    profile: str,
    sources: tuple[str, ...],
    lists: tuple[Path, ...],
    policy: str,
    fee_mode: str,
    subsidy_order: str,
    until: int | None,
    stop_at_services: bool,
    stop_at_coinjoins: bool,
    output: Path | None,
) -> None:
    """Taint many sources through to the tip, in one pass over the ledger.

    SOURCE is an address (what it received from outside), TXID:POSITION (one output),
    entity:ADDRESS (what all addresses of its entity received from outside), or category:CONCEPT
    (every address that is tagged so). Unlike a trace nothing is left out for being small or far
    away, and money is followed through services unless --stop-at-services says otherwise.
    """
    from arien_flows.answers.taint import tainted
    from arien_flows.cli.asking import asked
    from arien_flows.cli.output import emit
    from arien_flows.cli.progress import progress_in
    from arien_flows.cli.taint_texts import taint_lines
    from arien_flows.tracing.sweep_request import SweepRequest, listed_sources

    session = session_of(context)
    request = SweepRequest(
        sources=sources,
        listed=tuple(line for file in lists for line in listed_sources(_text_of(file))),
        policy=cast("PolicyName", policy),
        fee_mode=cast("FeeMode", fee_mode),
        subsidy_order=cast("SubsidyOrder", subsidy_order),
        until_height=until,
        stops_at_services=stop_at_services,
        stops_at_coinjoins=stop_at_coinjoins,
    )
    progress = progress_in(session.progress)

    def watch(done: int, total: int) -> None:
        progress.step("taint", done, total, "transactions")

    try:
        found = asked(
            session, lambda reading: tainted(reading, request, output, watch), profile=profile
        )
    finally:
        progress.end()
    for file in found.files:
        click.echo(f"Written: {file}", err=True)
    emit(session, found.answer, taint_lines)


def _text_of(file: Path) -> str:
    from arien_flows.errors import InputError

    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not a list of sources: it is not text in UTF-8") from error
