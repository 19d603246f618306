"""Amounts as they leave the program: decimal strings, with the asset and its decimals beside."""

from dataclasses import dataclass

from chains.ethereum.networks import ETHEREUM_NETWORKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """What an amount counts."""

    name: str
    decimals: int
    """Digits after the point when base units are shown as whole coins."""


_ETHER = {known.name: Asset(name=known.coin, decimals=18) for known in ETHEREUM_NETWORKS}


def asset_of(network: str) -> Asset:
    """Return the native coin of a network.

    Coins of test networks are worth nothing, so they do not carry the name of the real one.
    """
    if network in _ETHER:
        return _ETHER[network]
    return Asset(name="BTC" if network == "bitcoin" else "tBTC", decimals=8)


def coins(base_units: int | str, asset: Asset) -> str:
    """Return an amount as people read it, exactly: `1.50000000 BTC`.

    What has no decimals is shown without a point.
    """
    return f"{bare_amount(base_units, asset)} {asset.name}"


def bare_amount(base_units: int | str, asset: Asset) -> str:
    """Return an amount without the name of what it counts: `1.50000000`."""
    amount = int(base_units)
    whole, rest = divmod(abs(amount), 10**asset.decimals)
    sign = "-" if amount < 0 else ""
    fraction = f".{rest:0{asset.decimals}d}" if asset.decimals else ""
    return f"{sign}{whole:,}{fraction}"


def plain_amount(base_units: int, asset: Asset) -> str:
    """Return an amount as programs and spreadsheets read it, exactly: `1234.50000000`."""
    return bare_amount(base_units, asset).replace(",", "")


def held_by_coins(base_units: int, count: int, asset: Asset) -> str:
    """Return an amount and how many coins hold it: `1.50000000 BTC in 2 coins`."""
    return f"{coins(base_units, asset)} in {counted(count, 'coin')}"


def counted(number: int, noun: str, nouns: str | None = None) -> str:
    """Return how many there are of something, as `1 coin` or `1,200 coins`."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"
