"""Whether an address can have existed when a document names it.

An address that was first used more than thirty days after a page was captured, and yet stands on
it, was put there later: the page, its date or the address is not what it seems. One that was never
used may have existed at any time. Where the data folder holds no ledger of the network, nothing is
said.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from arien_flows.errors import ArienError, NotFoundError
from arien_flows.ledger.view import View
from arien_flows.workspace import Workspace
from chains.errors import AddressError

GRACE = timedelta(days=30)
"""By how much an address may be first used after the page that names it: a new one lies unused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstUse:
    """When an address was first used, as far as a ledger goes."""

    at: datetime | None
    """Nothing for one that was never used."""

    height: int
    """Of the last block of the ledger."""


class Chains:
    """The ledgers of a data folder, asked for first uses."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._views: dict[str, View | None] = {}

    def first_use(self, network: str, address: str) -> FirstUse | None:
        """Return when an address was first used; nothing where no ledger can tell."""
        view = self._view(network)
        if view is None or not view.counts.blocks or int(view.block_height[0]):
            # Of a ledger that begins later the first use may lie before it.
            return None
        height = view.tip.height
        try:
            number = view.find_address(address)
        except NotFoundError:
            return FirstUse(at=None, height=height)
        except AddressError:
            return None
        first = view.totals(number).first_transaction
        block = int(view.first_transaction.searchsorted(first, side="right")) - 1
        seconds = int(view.times_of_blocks(slice(block, block + 1))[0])
        return FirstUse(at=datetime.fromtimestamp(seconds, UTC), height=height)

    def _view(self, network: str) -> View | None:
        if network not in self._views:
            held = network in self._workspace.networks()
            try:
                opened = self._workspace.open(network).read().view if held else None
            except ArienError:
                # A ledger that cannot be read now keeps nobody from importing documents.
                opened = None
            self._views[network] = opened
        return self._views[network]
