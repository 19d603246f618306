"""Mapping the files of a ledger into a view."""

from pathlib import Path

from arien_flows.ledger.files import (
    column_elements,
    map_column,
    map_history_run,
    map_key_run,
)
from arien_flows.ledger.history import HistoryIndex
from arien_flows.ledger.index import KeyIndex
from arien_flows.ledger.manifest import Manifest
from arien_flows.ledger.schema import SCHEMA
from arien_flows.ledger.view import COLUMN_FIELDS, View
from chains.bitcoin.networks import network


def open_view(root: Path, manifest: Manifest) -> View:
    """Return what the manifest describes; `FileNotFoundError` where a run is already replaced."""
    counts = manifest.counts
    columns = {
        COLUMN_FIELDS[column.path]: map_column(
            root,
            column,
            column_elements(column, getattr(counts, column.table), manifest.byte_counts),
        )
        for column in SCHEMA
    }
    runs = manifest.runs
    return View(
        network=network(manifest.network),
        counts=counts,
        generation=manifest.generation,
        transactions_by_id=KeyIndex(
            runs=[map_key_run(root, "transactions", run) for run in runs.transactions],
            row_count=counts.transactions,
        ),
        addresses_by_lock=KeyIndex(
            runs=[map_key_run(root, "addresses", run) for run in runs.addresses],
            row_count=counts.addresses,
        ),
        reveals_by_lock=KeyIndex(
            runs=[map_key_run(root, "reveals", run) for run in runs.reveals],
            row_count=counts.reveals,
        ),
        histories=HistoryIndex(
            runs=[map_history_run(root, run) for run in runs.history],
            transaction_count=counts.transactions,
        ),
        gaps=None,
        **columns,
    )
