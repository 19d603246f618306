"""From the asset that a person names to the one that is meant.

A symbol means the listed asset of that name and nothing else, because any token may call itself
anything; every other token is named by its contract.
"""

import re

from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.view import AccountView
from arien_flows.errors import InputError, NotFoundError

_AMOUNT = re.compile(r"([0-9]{1,78})(?:\.([0-9]{1,77}))?\s*([^\s0-9.][^\s]*)?")


def chosen_asset(view: AccountView, text: str) -> int:
    """Return the number of the asset that is named by symbol or by contract.

    Raises
    ------
    InputError
        If it is neither the coin, nor the symbol of one listed asset, nor an address.
    NotFoundError
        If no token of that contract ever moved.
    """
    name = text.strip()
    if name.lower().startswith("0x"):
        asset = view.index.find_asset(view.find_account(name))
        if asset is None:
            raise NotFoundError(f"{name} is not the contract of a token that moved in this ledger")
        return asset
    if name.casefold() == view.network.coin.casefold():
        return NATIVE
    named = [
        facts.number
        for facts in view.asset_facts
        if facts.is_listed and facts.symbol.casefold() == name.casefold()
    ]
    if len(set(named) - {NATIVE}) != 1:
        raise InputError(
            f"{text!r} names no asset here: give {view.network.coin}, the symbol of a listed "
            "asset that moved in this ledger, or the contract of a token"
        )
    return named[0]


def amount_of(view: AccountView, asset: int, text: str) -> int:
    """Return an amount in base units: `1500000` are base units, `1.5USDC` whole ones.

    `InputError` for what is no amount of the asset, or finer than its base unit.
    """
    facts = view.asset_facts[asset]
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise InputError(f"{text!r} is not an amount: write base units (1500000), or 0.5ETH")
    whole, fraction, symbol = found.groups()
    if not symbol:
        if fraction is not None:
            raise InputError(f"{text!r} lacks its unit: write {text.strip()}{facts.symbol}")
        return int(whole)
    if symbol.casefold() != facts.symbol.casefold() or facts.decimals is None:
        raise InputError(f"{text!r} does not count {facts.symbol or 'this token'}: give base units")
    digits = fraction or ""
    if len(digits) > facts.decimals:
        raise InputError(f"{text!r} is finer than {facts.symbol}, of {facts.decimals} decimals")
    return int(whole + digits.ljust(facts.decimals, "0"))
