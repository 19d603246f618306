"""Parts that answers about accounts share: when a transaction was, and what an amount counts."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from arien_flows.account_ledger.asset_names import AssetLabel, Standard, Standing, asset_label
from arien_flows.account_ledger.view import AccountView
from arien_flows.amounts import Asset
from arien_flows.answers.facts import Sighting
from arien_flows.shapes import Shape
from chains.ethereum.tables import NO_ACCOUNT


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetShape(Shape):
    """What an amount counts, and how far its name can be trusted."""

    name: str
    """As shown beside amounts: `USDT`; `USDX?` for a token that is on no list, whose name anybody
    may have chosen."""

    symbol: str
    """What the token calls itself, made harmless and cut; may be empty."""

    contract: str | None
    """The token's contract, which is what tells one token from another; nothing for the coin."""

    standing: Standing
    """`coin`; `listed` in the program's list of main assets; `unverified`; or `imitation`: it poses
    as the asset in `imitates`."""

    imitates: str | None
    """Whose name it bears, as far as a glance can tell."""

    standard: Standard
    """`coin`, `erc20`, `erc721` or `erc1155`."""

    decimals: int | None
    """Digits after the point when base units are shown as whole ones; nothing where they are not
    known, and only base units can be shown."""


def asset_shape(label: AssetLabel) -> AssetShape:
    """Return an asset as answers show it."""
    return AssetShape(
        name=label.name,
        symbol=label.symbol,
        contract=label.contract,
        standing=label.standing,
        imitates=label.imitates or None,
        standard=label.standard,
        decimals=label.decimals,
    )


def asset_of_shape(shape: AssetShape) -> Asset:
    """Return by what the amounts of an answer are written for people."""
    if shape.decimals is None:
        return Asset(name=f"base units of {shape.name}", decimals=0)
    return Asset(name=shape.name, decimals=shape.decimals)


class Shapes:
    """The assets of a view as answers show them, each made once."""

    def __init__(self, view: AccountView) -> None:
        self._view = view
        self._labels: dict[int, AssetLabel] = {}
        self._shapes: dict[int, AssetShape] = {}

    def label(self, asset: int) -> AssetLabel:
        """Return what an asset is called."""
        if asset not in self._labels:
            self._labels[asset] = asset_label(self._view.asset_facts[asset], self._view)
        return self._labels[asset]

    def of(self, asset: int) -> AssetShape:
        """Return an asset as answers show it."""
        if asset not in self._shapes:
            self._shapes[asset] = asset_shape(self.label(asset))
        return self._shapes[asset]


def account_sighting(view: AccountView, transaction: int) -> Sighting:
    """Return where and when a transaction was confirmed."""
    block = int(view.blocks_of(np.array([transaction], np.int64))[0])
    return Sighting(
        txid=view.transaction_text(transaction),
        height=int(view.blocks.height[block]),
        time=time_of_block(view, block),
    )


def time_of_block(view: AccountView, block: int) -> datetime:
    """Return the time of a row of the table of blocks."""
    return datetime.fromtimestamp(int(view.blocks.time[block]), UTC)


def text_of(view: AccountView, account: int) -> str | None:
    """Return the address of an account number; nothing for `NO_ACCOUNT`."""
    return None if account == NO_ACCOUNT else view.account_text(account)
