"""`arien-flows cluster`: joining the addresses of one owner into entities."""

import click

from arien_flows.cli.session import session_of, session_options


@click.group()
@session_options
def cluster() -> None:
    """Join addresses of one owner into entities."""


@cluster.command("run")
@session_options
@click.option(
    "--profile",
    default="strict",
    show_default=True,
    metavar="NAME",
    help="strict: only inputs spent together and scripts of one key.",
)
@click.pass_context
def run_command(context: click.Context, profile: str) -> None:
    """Bring the clustering up to the ledger's last block.

    A run continues where the last one ended, and gives the same as one from the first block.
    """
    from arien_flows.answers.clustering import clustering_answer
    from arien_flows.cli.asking import chosen
    from arien_flows.cli.output import emit
    from arien_flows.cli.progress import progress_in
    from arien_flows.cli.texts import clustering_lines
    from arien_flows.entities.clustering import run_clustering
    from arien_flows.ledger.ledger import Ledger
    from arien_flows.workspace import DERIVED

    session = session_of(context)
    opened = chosen(session)
    progress = progress_in(session.progress)
    # Not as for a question: columns are read from end to end.
    view = Ledger(opened.root).view()
    progress.step("cluster", 0, view.counts.transactions, "transactions")
    clustering = run_clustering(view, opened.root / DERIVED, profile)
    progress.step("cluster", view.counts.transactions, view.counts.transactions, "transactions")
    progress.end()
    emit(session, clustering_answer(view, clustering), clustering_lines)


@cluster.command("status")
@session_options
@click.pass_context
def status_command(context: click.Context) -> None:
    """Say which clustering there is, and up to which block."""
    from arien_flows.answers.clustering import clustering_answer
    from arien_flows.answers.entity import clustering_of
    from arien_flows.cli.asking import asked
    from arien_flows.cli.output import emit
    from arien_flows.cli.texts import clustering_lines

    session = session_of(context)
    answer = asked(session, lambda it: clustering_answer(it.view, clustering_of(it)))
    emit(session, answer, clustering_lines)
