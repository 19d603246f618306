"""What is priced, and in what: names of coins and currencies, and a currency's smallest unit."""

import re

from arien_flows.errors import InputError

_CURRENCY = re.compile(r"[A-Z]{3}")
_ASSET = re.compile(r"[A-Za-z][A-Za-z0-9.]{1,11}")

_COINS = {"btc": "BTC", "xbt": "BTC", "tbtc": "tBTC"}
"""Coins whose name this program writes in one way."""

_MINOR_DIGITS = dict.fromkeys(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV",
     "XAF", "XOF", "XPF"),
    0,
) | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)  # fmt: skip
"""Digits after the point of an amount, where they are not two (ISO 4217)."""


_IN_NAMES = frozenset(
    ("AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HUF", "INR", "JPY", "KRW",
     "NOK", "NZD", "PLN", "RON", "RUB", "SEK", "TRY", "UAH", "USD", "ZAR")
)  # fmt: skip
"""Currencies after which files of prices are named."""


def currencies_in(file_name: str, asset: str) -> frozenset[str]:
    """Return the currencies that a file's name tells, as `BTC-USD_hours.csv` or `BTCUSD.csv`."""
    words = {word.upper() for word in re.split(r"[^A-Za-z]+", file_name)}
    words |= {word.removeprefix(asset.upper()) for word in words}
    return _IN_NAMES.intersection(words) - {asset}


def currency_named(text: str) -> str:
    """Return a currency as answers write it; `InputError` for what is no three-letter code."""
    code = text.strip().upper()
    if not _CURRENCY.fullmatch(code):
        raise InputError(f"{text!r} is not a currency: write its three letters, as EUR or USD")
    return code


def asset_named(text: str) -> str:
    """Return a coin, or a currency, as answers write it."""
    name = text.strip()
    if not _ASSET.fullmatch(name):
        raise InputError(f"{text!r} is not an asset: write its short name, as BTC or tBTC")
    return _COINS.get(name.lower(), name.upper())


def minor_digits(currency: str) -> int:
    """Return how many digits an amount of a currency has after the point."""
    return _MINOR_DIGITS.get(currency, 2)
