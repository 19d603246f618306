"""Well-known accounts that no rule may join with anybody, with where that is known from.

The list is data beside this module, `denied_1.toml`. It holds for Ethereum's main chain; on any
other chain an account of the same address is somebody else's, but for those that nobody can have
the key of. A list is never complete: what serves many people is recognised from the ledger, too
(`actors.many_people`).
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from arien_flows.account_ledger.view import AccountView
from chains.ethereum.networks import ETHEREUM
from chains.types import UInt32Array

LIST = "denied_1.toml"
"""The list of this version, beside this module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAccount:
    """One account of the list."""

    address: str
    """With its checksum."""

    name: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DenyList:
    """Accounts that take no part in entities."""

    burns: tuple[KnownAccount, ...]
    """Nobody holds the key: what they receive is destroyed."""

    denied: tuple[KnownAccount, ...]
    """They serve many people."""


@cache
def deny_list() -> DenyList:
    """Return the list of this version."""
    text = files("arien_flows.account_entities").joinpath(LIST).read_text(encoding="utf-8")
    content = tomllib.loads(text)
    return DenyList(
        burns=tuple(KnownAccount(**row) for row in content["burn"]),
        denied=tuple(KnownAccount(**row) for row in content["denied"]),
    )


def denied_accounts(view: AccountView) -> UInt32Array:
    """Return the accounts of a view that serve many people by the list, ascending."""
    return numbers_of(view, deny_list().denied if view.network == ETHEREUM else ())


def numbers_of(view: AccountView, known: tuple[KnownAccount, ...]) -> UInt32Array:
    """Return the numbers of those accounts that a view holds, ascending."""
    found = (view.index.find_account(bytes.fromhex(each.address[2:])) for each in known)
    held = {number for number in found if number is not None and number < view.counts.accounts}
    return np.array(sorted(held), np.uint32)
