"""An account ledger on disk, opened for reading."""

from pathlib import Path

from arien_flows.account_ledger.disk_view import open_account_view
from arien_flows.account_ledger.manifest import AccountManifest, read_account_manifest
from arien_flows.account_ledger.view import AccountView
from arien_flows.ledger.snapshots import Snapshots


class AccountLedger(Snapshots[AccountView, AccountManifest]):
    """An account ledger opened for reading. Any number of processes may do so."""

    def __init__(self, root: Path) -> None:
        """Open the ledger in `root`; `NotFoundError` where there is none."""
        super().__init__(root, read_account_manifest, open_account_view)


def open_accounts(root: Path) -> AccountView:
    """Return the newest committed state of the ledger in a folder."""
    return AccountLedger(root).view()
