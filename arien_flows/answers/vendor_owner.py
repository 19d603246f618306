"""Whose wallet a profile is of: an entity's, or all that documents name as one owner's.

Of an account, the entities that documents name as its wallets begin as one wallet. With the strict
clustering those of the owner's other accounts do, too: the links between accounts rest on entities
as well, and those of other profiles are guesses. Addresses at services are left out: a vendor is a
customer there, and the service's money is not his.
"""

from dataclasses import dataclass

from arien_flows.answers.entity import clustering_of
from arien_flows.answers.vendor_account_shapes import WalletTag
from arien_flows.answers.vendor_accounts import own_first, wallets_named
from arien_flows.answers.vendor_aliases import STRICT, alias_book
from arien_flows.errors import NotFoundError
from arien_flows.shapes import Truncation
from arien_flows.workspace import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whom a profile is of."""

    address: int
    """The address that was asked about, or the first that documents name."""

    roots: tuple[int, ...]
    """Entities, that of the address first."""

    accounts: tuple[str, ...] = ()
    """Accounts of one owner, the one that was asked about first; none for a wallet."""

    named: tuple[WalletTag, ...] = ()
    """Addresses that documents name as theirs."""

    cuts: tuple[Truncation, ...] = ()


def owner_of_address(reading: Reading, text: str) -> Owner:
    """Return the entity of an address."""
    address = reading.view.find_address(text)
    return Owner(address=address, roots=(clustering_of(reading).root_of(address),))


def owner_of_account(reading: Reading, text: str) -> Owner:
    """Return what documents name as the wallets of an account's owner.

    `NotFoundError` for no such account, and where no entity is named.
    """
    clustering, casebook, view = clustering_of(reading), reading.tags.casebook, reading.view
    is_strict = clustering.profile == STRICT
    book = alias_book(casebook, reading if is_strict else None)
    name = book.find(text)
    accounts = own_first(book, name) if is_strict else (name.id,)
    named = wallets_named(casebook, book, accounts, reading)
    used = [view.find_address(each.address) for each in named if each.entity is not None]
    if not used:
        raise NotFoundError(
            f"documents name no wallet of {name.id} that this ledger knows and that is no "
            f"service's: `arien-flows vendors show {name.id}` shows what they say"
        )
    return Owner(
        address=used[0],
        roots=tuple(dict.fromkeys(clustering.root_of(each) for each in used)),
        accounts=accounts,
        named=tuple(named),
        cuts=_cuts(len(named) - len(used), clustering.profile, is_strict=is_strict),
    )


def _cuts(unused: int, profile: str, *, is_strict: bool) -> tuple[Truncation, ...]:
    cuts = []
    if unused:
        cuts.append(
            Truncation(
                where="wallets that documents name",
                reason="no_entity",
                detail=f"{unused:,} of these addresses were never used, or are at a service",
            )
        )
    if not is_strict:
        cuts.append(
            Truncation(
                where="other accounts of the owner",
                reason="not_strict",
                detail=f"entities of profile {profile} join no accounts: ask with profile {STRICT}",
            )
        )
    return tuple(cuts)
