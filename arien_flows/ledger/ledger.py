"""A ledger of coins opened for reading; `snapshots` says what a reader may rely on."""

from pathlib import Path

from arien_flows.ledger.files import Access, advise
from arien_flows.ledger.manifest import Manifest, read_manifest
from arien_flows.ledger.opening import open_view
from arien_flows.ledger.snapshots import Snapshots
from arien_flows.ledger.view import COLUMN_FIELDS, View


class Ledger(Snapshots[View, Manifest]):
    """A ledger opened for reading. Any number of processes may do so."""

    def __init__(self, root: Path, *, scattered: bool = False) -> None:
        """Open the ledger in `root`; `NotFoundError` where there is none.

        `scattered` is for answering questions: without it each look at a page makes the system
        read 32, which with a cold cache takes many times as long. Whoever reads columns from end to
        end needs just that.
        """
        super().__init__(root, read_manifest, _scattered_view if scattered else open_view)


def _scattered_view(root: Path, manifest: Manifest) -> View:
    view = open_view(root, manifest)
    _expect_scattered(view)
    return view


def _expect_scattered(view: View) -> None:
    """Tell the operating system that single rows of a view will be looked at."""
    for name in COLUMN_FIELDS.values():
        advise(getattr(view, name), Access.RANDOM)
    indexes = (view.transactions_by_id, view.addresses_by_lock, view.reveals_by_lock)
    for index in indexes:
        for keys in index.runs:
            advise(keys.key, Access.RANDOM)
            advise(keys.number, Access.RANDOM)
    for run in view.histories.runs:
        for array in (run.first, run.received_sat, run.sent_sat, run.transaction, run.address):
            advise(array, Access.RANDOM)
