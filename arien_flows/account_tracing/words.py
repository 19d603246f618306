"""Numbers of a view as the words of answers: accounts, assets, movements, times, services."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

from arien_flows.account_ledger.asset_names import AssetLabel, asset_label
from arien_flows.account_tracing.answer import Unit
from arien_flows.account_tracing.ground import Ground
from arien_flows.account_tracing.sources import movement_text
from arien_flows.amounts import Asset
from arien_flows.attribution.snapshot import Attributed
from arien_flows.tracing.answer import Service
from chains.ethereum.tables import NO_ACCOUNT

_NOBODY = int(NO_ACCOUNT)


class Words:
    """Texts of one view; each is made once."""

    def __init__(self, ground: Ground) -> None:
        self.ground, self.view = ground, ground.view
        self.label: Callable[[int], AssetLabel] = cache(
            lambda asset: asset_label(self.view.asset_facts[asset], self.view)
        )
        self.unit: Callable[[int], Unit] = cache(self._unit)
        self.root: Callable[[int], int] = cache(lambda a: int(ground.entities.root_of(a)))
        self.address: Callable[[int], str | None] = cache(self._address)
        self.service_at: Callable[[int], Attributed | None] = cache(
            lambda a: ground.attribution.service_at(a, self.root(a))
        )
        self.txid: Callable[[int], str] = cache(self.view.transaction_text)
        self.block: Callable[[int], int] = cache(
            lambda t: int(self.view.blocks.first_transaction.searchsorted(t, side="right")) - 1
        )

    def asset(self, asset: int) -> Asset:
        """Return by what amounts of an asset are written."""
        return self.label(asset).asset

    def entity(self, account: int) -> str | None:
        """Return the first-seen account of an account's entity."""
        return None if account == _NOBODY else self.address(self.root(account))

    def movement(self, row: int) -> str:
        """Return a movement as `TXHASH:POSITION`."""
        return movement_text(self.view, row)

    def height(self, transaction: int) -> int:
        """Return the height of a transaction's block."""
        return int(self.view.blocks.height[self.block(transaction)])

    def time(self, transaction: int) -> datetime:
        """Return the time of a transaction's block."""
        seconds = int(self.view.blocks.time[self.block(transaction)])
        return datetime.fromtimestamp(seconds, tz=UTC)

    def service(self, account: int) -> Service | None:
        """Return the service that a trace stops at, as answers tell it."""
        named = None if account == _NOBODY else self.service_at(account)
        if named is None:
            return None
        return Service(
            label=named.tag.label,
            concepts=named.tag.concepts,
            confidence=named.tag.level,
            source=named.tag.source,
            is_inherited=named.is_inherited,
        )

    def _unit(self, asset: int) -> Unit:
        label = self.label(asset)
        return Unit(asset=label.asset.name, decimals=label.asset.decimals, contract=label.contract)

    def _address(self, account: int) -> str | None:
        return None if account == _NOBODY else self.view.account_text(account)
