"""Prices as markets write them.

A price is an amount, a currency and perhaps a unit: `240.00 USD/ORDER`, `$ 12,50`, `0.0254 BTC`.
Of two separators the last one parts the decimals; a lone one does so unless exactly three digits
follow a comma (`1,200`). Nobody groups digits after a zero, so that `0,100` is a tenth. Of a coin,
of which people write any number of decimals, `1,200` may be either, and is no price. An amount
without currency is none, unless the column says which.
"""

import re
from decimal import Decimal, InvalidOperation

from arien_flows.vendors.account import Quote

LONGEST = 120
"""Characters of a price; what is longer is none."""

_SIGNS = {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "฿": "BTC", "₿": "BTC", "ɱ": "XMR"}
_CODES = frozenset(
    {
        *("USD", "EUR", "GBP", "AUD", "CAD", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "RUB"),
        *("UAH", "JPY", "CNY", "BTC", "XBT", "XMR", "LTC", "BCH", "ETH"),
    }
)
_COINS = frozenset({"BTC", "XMR", "LTC", "BCH", "ETH"})
_NUMBER = r"\d{1,3}(?:[ ,.'\u00a0]\d{3})+(?:[.,]\d{1,8})?|\d{1,12}(?:[.,]\d{1,18})?"
_SIGN = r"US\$|[$€£฿₿ɱ]"
_CODE = r"[A-Za-z]{3}\b"
_UNIT = r"(?: ?(?:/|per) ?(?P<unit>[A-Za-z][A-Za-z0-9 .]{0,30}))?"
_AFTER = re.compile(rf"(?P<number>{_NUMBER}) ?(?P<currency>{_CODE}|{_SIGN}){_UNIT}")
_BEFORE = re.compile(rf"(?P<currency>{_CODE}|{_SIGN}) ?(?P<number>{_NUMBER}){_UNIT}")
_BARE = re.compile(_NUMBER)


def read_quote(text: str, currency: str | None = None) -> Quote | None:
    """Return the price that a text is; nothing where it is none, or says more than one.

    `currency` is what a column of bare numbers says that they are.
    """
    found = read_quotes(text)
    if len(found) == 1:
        return found[0]
    plain = " ".join(text.split()).strip()
    if found or currency is None or not _BARE.fullmatch(plain):
        return None
    amount = read_number(plain, is_coin=currency in _COINS)
    return None if amount is None else Quote(amount=amount, currency=currency)


def read_quotes(text: str) -> list[Quote]:
    """Return all prices in a text, in its order; each currency once, the first one."""
    plain = " ".join(text[: LONGEST * 4].split())
    if len(plain) > LONGEST:
        return []
    found: dict[str, tuple[int, Quote]] = {}
    taken: list[tuple[int, int]] = []
    for pattern in (_AFTER, _BEFORE):
        for match in pattern.finditer(plain):
            if any(match.start() < stop and start < match.end() for start, stop in taken):
                continue
            quote = _quote(match)
            if quote is None:
                continue
            taken.append(match.span())
            known = found.get(quote.currency)
            if known is None or match.start() < known[0]:
                found[quote.currency] = (match.start(), quote)
    return [quote for _, quote in sorted(found.values(), key=lambda each: each[0])]


def _quote(match: re.Match[str]) -> Quote | None:
    written = match["currency"]
    currency = _SIGNS.get(written, written.upper())
    currency = "BTC" if currency == "XBT" else currency
    amount = read_number(match["number"], is_coin=currency in _COINS)
    if currency not in _CODES or amount is None:
        return None
    unit = match["unit"]
    return Quote(amount=amount, currency=currency, unit=unit.strip() if unit else None)


def read_number(text: str, *, is_coin: bool) -> Decimal | None:
    """Return a number as people write it; nothing where it is none, or may be either of two."""
    plain = text.replace("\u00a0", "").replace(" ", "").replace("'", "")
    comma, point = plain.rfind(","), plain.rfind(".")
    if comma >= 0 and point >= 0:
        plain = plain.replace("," if comma < point else ".", "").replace(",", ".")
    elif comma >= 0:
        is_grouping = plain.count(",") > 1
        if not is_grouping and len(plain) - comma - 1 == 3 and plain[:comma].strip("0"):
            if is_coin:
                return None
            is_grouping = True
        plain = plain.replace(",", "" if is_grouping else ".")
    elif plain.count(".") > 1:
        plain = plain.replace(".", "")
    try:
        return Decimal(plain)
    except InvalidOperation:
        return None
