"""Moving a ledger as Parquet from the command line, with progress."""

from pathlib import Path

import click

from arien_flows.cli.progress import Progress, progress_in
from arien_flows.cli.session import Session
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.parquet_export import ExportStep, Summary, export_ledger
from arien_flows.ledger.parquet_import import import_ledger, read_export
from arien_flows.workspace import Workspace
from chains.bitcoin.networks import network


def export_to(session: Session, folder: Path) -> None:
    """Write the chosen ledger to a folder."""
    workspace = Workspace(session.settings)
    opened = Ledger(workspace.folder(workspace.choose()))
    progress = progress_in(session.progress)
    summary = export_ledger(
        opened.view(),
        folder,
        is_current=opened.is_current,
        report=lambda step: _show(progress, "export", step),
    )
    progress.end()
    click.echo(f"Exported to {folder}: {_told(summary)}", err=True)


def import_from(session: Session, folder: Path) -> None:
    """Make a ledger of an export; the export itself says of which network."""
    name = session.settings.network or read_export(folder).network
    progress = progress_in(session.progress)
    summary = import_ledger(
        folder,
        Workspace(session.settings).folder(name),
        network(name),
        report=lambda step: _show(progress, "import", step),
    )
    progress.end()
    click.echo(f"Imported from {folder}: {_told(summary)}", err=True)


def _show(progress: Progress, name: str, step: ExportStep) -> None:
    progress.step(name, step.blocks, step.total_blocks, "blocks")


def _told(summary: Summary) -> str:
    return (
        f"{summary.network} up to block {summary.tip_height:,} ({summary.tip_hash}), "
        f"{summary.counts.transactions:,} transactions, {summary.bytes:,} bytes of Parquet"
    )
