"""From what a person names to the accounts at the two ends of a connection."""

from dataclasses import dataclass

import numpy as np

from arien_flows.account_tracing.ground import Ground
from arien_flows.errors import InputError
from arien_flows.tracing.paths_ends import named_place

MOST_MEMBERS = 20_000
"""Accounts of an entity that a search begins at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEnd:
    """One end of the question."""

    text: str
    accounts: frozenset[int]
    """What belongs to it for sure."""

    roots: frozenset[int]
    """Entities all of whose accounts belong to it, but for `others`."""

    others: frozenset[int]
    """Accounts that sources name as something else."""

    is_listed: bool
    """Whether `accounts` are all of it, so that a search can begin there."""

    ground: Ground

    def holds(self, account: int) -> bool:
        """Return whether an account belongs to it."""
        if account in self.accounts:
            return True
        if not self.roots or account in self.others:
            return False
        return self.ground.entities.root_of(account) in self.roots


def end_of(ground: Ground, text: str) -> AccountEnd:
    """Return what a person names: an address, `entity:`, `category:` or `service:`.

    Raises
    ------
    InputError, NotFoundError
        If it means nothing in this ledger.
    """
    text = text.strip()
    place = named_place(ground.attribution, text)
    if place is not None:
        return AccountEnd(
            text=text,
            accounts=frozenset(place.address.tolist()),
            roots=frozenset(place.root.tolist()),
            others=frozenset(place.other.tolist()),
            is_listed=False,
            ground=ground,
        )
    kind, colon, rest = text.partition(":")
    if colon and kind != "entity":
        raise InputError(
            f"{text!r} is no end of a connection: name an address, entity:ADDRESS, "
            "category:CATEGORY or service:LABEL"
        )
    account = ground.view.find_account(rest if colon else text)
    members = np.array([account], np.uint32)
    if colon:
        members = ground.entities.members(ground.entities.root_of(account))
    if len(members) > MOST_MEMBERS:
        raise InputError(
            f"{text} has {len(members):,} accounts, more than {MOST_MEMBERS:,}: name one of them"
        )
    return AccountEnd(
        text=text,
        accounts=frozenset(members.tolist()),
        roots=frozenset(),
        others=frozenset(),
        is_listed=True,
        ground=ground,
    )
