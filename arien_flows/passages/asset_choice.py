"""From the asset that a person names to the one that is meant.

A symbol means the listed asset of that name and nothing else, because any token may call itself
anything; every other token is named by its contract.
"""

from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.view import AccountView
from arien_flows.errors import InputError, NotFoundError


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
