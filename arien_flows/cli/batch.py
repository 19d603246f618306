"""`arien-flows batch`: a table of addresses in, tables, charts and a manifest out."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from arien_flows.cli.session import profile_option, session_of, session_options
from arien_flows.cli.typed import satoshi

if TYPE_CHECKING:
    from arien_flows.batch.reading import FormatName
    from arien_flows.batch.request import Scope, Ways
    from arien_flows.workspace import Workspace

SOME_FAILED = 3
ANSWERED = frozenset({"ok", "truncated"})
"""Statuses of rows that have an answer."""


@click.command(
    epilog="The same command in the same folder goes on where a run was interrupted, and leaves "
    "the same bytes as an undisturbed one.",
)
@session_options
@profile_option
@click.argument("table", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="DIR",
    help="Folder for the results: an empty one, or that of a run to go on with.",
)
@click.option("--address-col", metavar="NAME|N", help="Column of addresses, N counted from 1.")
@click.option("--network-col", metavar="NAME|N", help="Column of networks.")
@click.option(
    "--input-format",
    type=click.Choice(["auto", "csv", "tsv", "xlsx", "text"]),
    default="auto",
    show_default=True,
    help="What kind of table it is.",
)
@click.option(
    "--of",
    "scope",
    type=click.Choice(["address", "entity"]),
    default="address",
    show_default=True,
    help="Whose exposure and risk: the address alone, or all addresses of its entity.",
)
@click.option("--no-exposure", is_flag=True, help="Leave out whose money was received and paid.")
@click.option("--no-risk", is_flag=True, help="Leave out scores; entities are not needed then.")
@click.option(
    "--budget",
    type=click.IntRange(1),
    default=2_000_000,
    show_default=True,
    metavar="N",
    help="Transactions that each direction of an exposure may go through.",
)
@click.option(
    "--trace",
    type=click.Choice(["forward", "backward", "both"]),
    help="Also trace each row this way; the row's own direction goes before.",
)
@click.option(
    "--policy",
    type=click.Choice(["fifo", "lifo", "haircut", "poison", "tiho", "seniority"]),
    default="fifo",
    show_default=True,
    help="Accounting convention of traces.",
)
@click.option("--max-hops", type=click.IntRange(1), default=12, show_default=True, metavar="N",
              help="Transactions between a source of a trace and the end of a path.")  # fmt: skip
@click.option("--min-value", metavar="AMOUNT",
              help="Smallest amount a trace follows: satoshi, or coins as 0.01BTC.")  # fmt: skip
@click.option("--horizon", type=click.IntRange(1), metavar="DAYS",
              help="How long after (backward: before) each source traces follow.")  # fmt: skip
@click.option("--trace-budget", type=click.IntRange(1), default=20_000, show_default=True,
              metavar="N", help="Transactions that each trace may look at.")  # fmt: skip
@click.option("--fiat", metavar="CURRENCY",
              help="Value traced coins in this currency at the time they were paid.")  # fmt: skip
@click.pass_context
def batch(
    context: click.Context,
    profile: str,
    table: Path,
    output: Path,
    address_col: str | None,
    network_col: str | None,
    input_format: str,
    scope: str,
    no_exposure: bool,
    no_risk: bool,
    budget: int,
    trace: str | None,
    policy: str,
    max_hops: int,
    min_value: str | None,
    horizon: int | None,
    trace_budget: int,
    fiat: str | None,
) -> None:
    """Answer each row of a table of addresses.

    TABLE is CSV, TSV, XLSX, or a list with one address a line, of at most 10,000 rows. Each row
    gets a summary, entity, tags, exposure, a score, and the sums of its traces if they are asked
    for; a row that cannot be answered says why, and the others go on.
    """
    from arien_flows.batch.reading import ReadingOptions, read_table
    from arien_flows.batch.request import BatchRequest, BatchTrace
    from arien_flows.batch.running import BatchOrder, refuse_other_files, run_batch
    from arien_flows.cli.batch_texts import batch_lines, unused_columns
    from arien_flows.cli.output import emit
    from arien_flows.cli.progress import progress_in
    from arien_flows.workspace import Workspace

    session = session_of(context)
    workspace = Workspace(session.settings)
    traces = None
    if trace is not None:
        traces = BatchTrace(
            direction=cast("Ways", trace),
            policy=policy,
            max_hops=max_hops,
            min_value=None if min_value is None else str(satoshi(min_value)),
            horizon_days=horizon,
            budget=trace_budget,
        )
    request = BatchRequest(
        profile=profile,
        scope=cast("Scope", scope),
        exposure=not no_exposure,
        risk=not no_risk,
        budget=budget,
        trace=traces,
        currency=fiat,
    )
    options = ReadingOptions(
        networks=networks_of(workspace),
        input_format=cast("FormatName", input_format),
        address_column=address_col,
        network_column=network_col,
    )
    read = read_table(table.read_bytes(), table.name, options=options)
    refuse_other_files(output)
    progress = progress_in(session.progress)
    for remark in (*read.remarks, *unused_columns(read, request)):
        progress.note(remark)
    order = BatchOrder(table=read, name=table.name, request=request)
    manifest = run_batch(workspace, order, output, progress.step)
    progress.end()
    emit(session, manifest, lambda it: batch_lines(it, output))
    context.exit(0 if set(manifest.counts) <= ANSWERED else SOME_FAILED)


def networks_of(workspace: "Workspace") -> tuple[str, ...]:
    """Return the networks that a run is for: the one that is named, or those with a ledger."""
    from arien_flows.batch.reading import ReadingOptions

    if workspace.settings.network is not None:
        return (workspace.settings.network,)
    return tuple(workspace.networks()) or ReadingOptions().networks
