"""From the asset that a person names to the one that is meant.

A symbol means the listed asset of that name and nothing else, because any token may call itself
anything; every other token is named by its contract.
"""

import re

from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.view import AccountView
from arien_flows.errors import InputError
from chains.ethereum.networks import ETHEREUM

_AMOUNT = re.compile(r"([0-9]{1,78})(?:\.([0-9]{1,77}))?\s*([^\s0-9.][^\s]*)?")


def chosen_asset(view: AccountView, text: str) -> int:
    """Return the number of the asset that is named as the coin, by symbol or by contract.

    Raises
    ------
    InputError
        If it is neither the coin, nor the symbol of one listed asset, nor a token's contract.
    NotFoundError
        If no account of that address is in the ledger.
    """
    name = text.strip()
    if name.lower().startswith("0x"):
        asset = view.index.find_asset(view.find_account(name))
        if asset is None:
            raise InputError(f"{name} is no token's contract in this ledger: nothing of it moved")
        return asset
    # Development chains call their coin by another name.
    if name.casefold() in (view.network.coin.casefold(), ETHEREUM.coin.casefold()):
        return NATIVE
    listed = [
        facts.number
        for facts in view.asset_facts
        if facts.is_listed and facts.number != NATIVE and facts.symbol.casefold() == name.casefold()
    ]
    if len(listed) != 1:
        raise InputError(
            f"no listed token of this ledger is called {text!r}: name {view.network.coin}, the "
            "symbol of a main token that moved here, or a token's contract (0x…)"
        )
    return listed[0]


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
