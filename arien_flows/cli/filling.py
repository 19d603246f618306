"""Writing to a ledger from the command line: ingest and roll-back, with progress."""

import click

from arien_flows.cli.progress import Progress, progress_in
from arien_flows.cli.session import Session
from arien_flows.errors import InputError
from arien_flows.ledger.ingest import IngestStep, IngestSummary, ingest
from arien_flows.ledger.writer import LedgerWriter
from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from chains.bitcoin.networks import NETWORKS, network
from chains.registry import open_blocks


def target_network(settings: Settings) -> str:
    """Return the network to write to: the one that is named, or the only one there is."""
    if settings.network is not None:
        return network(settings.network).name
    names = Workspace(settings).networks()
    if len(names) == 1:
        return names[0]
    known = names or [each.name for each in NETWORKS]
    raise InputError(f"which network? add --network with one of: {', '.join(known)}")


def fill(session: Session, name: str, uri: str, *, until: int | None) -> IngestSummary:
    """Bring a ledger to the tip of a source; say what was left out of the source, and why."""
    progress = progress_in(session.progress)
    source = open_blocks(uri, name)
    for note in source.notes():
        progress.note(f"Not used: {note}")
    with LedgerWriter(Workspace(session.settings).folder(name), network(name)) as writer:
        summary = ingest(writer, source, until=until, report=lambda step: _show(progress, step))
        height = writer.view.counts.blocks - 1
    progress.end()
    click.echo(_told(name, height, summary), err=True)
    return summary


def roll_back(session: Session, height: int) -> None:
    """Remove the blocks of a ledger above a height."""
    name = Workspace(session.settings).choose()
    with LedgerWriter(Workspace(session.settings).folder(name), network(name)) as writer:
        before = writer.view.counts.blocks - 1
        writer.roll_back(height)
    click.echo(f"{name}: blocks {height + 1} to {before} removed", err=True)


def _show(progress: Progress, step: IngestStep) -> None:
    progress.step("ingest", step.height + 1, step.target_height + 1, "blocks")


def _told(name: str, height: int, summary: IngestSummary) -> str:
    removed = f"{_counted(summary.blocks_removed, 'block')} removed, "
    return (
        f"{name}: {removed if summary.blocks_removed else ''}"
        f"{_counted(summary.blocks_added, 'block')} with "
        f"{_counted(summary.transactions_added, 'transaction')} added in {summary.seconds:.1f} s; "
        f"the ledger ends at block {height:,}"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
