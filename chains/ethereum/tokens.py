"""The main assets of public chains, by the address of their contract.

Anybody may deploy a token that calls itself USDT. What a contract says of itself is a claim; the
few dozen contracts of the bundled list are known by their addresses, each with where it was taken
from. Whatever is not on the list is shown as unverified, and a token that bears the symbol of a
listed asset and is not that contract is an imitation.
"""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

LIST = Path(__file__).with_name("tokens.toml")
"""The list, bundled with the program."""


class TokenStandard(StrEnum):
    """What the units of a token are."""

    FUNGIBLE = "fungible"
    """ERC-20: one unit is as good as another."""

    NFT = "nft"
    """ERC-721: each token is one of a kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAsset:
    """A token that is known by its address."""

    chain_id: int
    contract: bytes
    """20 bytes."""

    symbol: str
    name: str
    decimals: int
    standard: TokenStandard = TokenStandard.FUNGIBLE
    wraps_native: bool = False
    """One unit is a claim to one unit of the native coin, which the contract holds."""

    is_conserving: bool = True
    """Balances change by events only. False for tokens that rebase, or may keep a fee."""

    is_stablecoin: bool = False
    """Stands for one US dollar."""

    source: str
    """Where the address was taken from, in words for people."""


def listed(contract: bytes, chain_id: int | None) -> ListedAsset | None:
    """Return what is known of a contract; nothing where it is not on the list."""
    return None if chain_id is None else _by_contract().get((chain_id, contract))


def listed_assets(chain_id: int | None) -> tuple[ListedAsset, ...]:
    """Return every listed asset of a chain, in the order of the list."""
    return tuple(asset for asset in _by_contract().values() if asset.chain_id == chain_id)


def listed_symbol(symbol: str, chain_id: int | None) -> ListedAsset | None:
    """Return the listed asset that bears a symbol, in any case of the letters."""
    wanted = symbol.casefold()
    found = (asset for asset in listed_assets(chain_id) if asset.symbol.casefold() == wanted)
    return next(found, None)


@cache
def _by_contract() -> dict[tuple[int, bytes], ListedAsset]:
    with LIST.open("rb") as file:
        written = tomllib.load(file)
    assets = [
        _asset(entry, written["sources"], chain["id"])
        for chain in written["chain"]
        for entry in chain["asset"]
    ]
    return {(asset.chain_id, asset.contract): asset for asset in assets}


def _asset(entry: dict[str, object], sources: dict[str, str], chain_id: int) -> ListedAsset:
    decimals = entry["decimals"]
    assert isinstance(decimals, int)  # noqa: S101  # the list is the program's own
    return ListedAsset(
        chain_id=chain_id,
        contract=bytes.fromhex(str(entry["address"])[2:]),
        symbol=str(entry["symbol"]),
        name=str(entry["name"]),
        decimals=decimals,
        standard=TokenStandard(str(entry.get("standard", TokenStandard.FUNGIBLE))),
        wraps_native=bool(entry.get("wraps_native", False)),
        is_conserving=bool(entry.get("is_conserving", True)),
        is_stablecoin=bool(entry.get("is_stablecoin", False)),
        source=sources[str(entry["source"])],
    )
