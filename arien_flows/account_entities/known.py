"""What sources say of accounts, as numbers that the rules heed.

Owners keep sets apart, as on a chain of coins (`entities.constraints`). Beyond that the rules need
to know which accounts are exchanges', since a deposit address is recognised by whom it pays; which
are services', since whom a service pays is its customer and not itself; and whom any tag names,
since a rule that a thief can abuse must not join anybody with an account that sources speak of.

This module knows nothing of where tags are kept.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from arien_flows.entities.constraints import (
    Constraints,
    no_constraints,
    read_constraints,
    write_constraints,
)
from arien_flows.entities.draft import Draft
from arien_flows.entities.storage import DerivedSet
from chains.types import UInt32Array
from heuristics.constrained_sets import NO_OWNER

_COLUMNS = ("exchange", "exchange_name", "service", "tagged")


def _none() -> UInt32Array:
    return np.empty(0, np.uint32)


@dataclass(frozen=True, kw_only=True)
class KnownAccounts:
    """What tags say about the accounts of a view; account numbers ascending, each once."""

    constraints: Constraints = field(default_factory=no_constraints)
    exchange: UInt32Array = field(default_factory=_none)
    """Accounts in which an exchange, or another keeper of customers' money, collects it."""

    exchange_name: UInt32Array = field(default_factory=_none)
    """Whose each is: a place in `constraints.names`, or `NO_OWNER`."""

    service: UInt32Array = field(default_factory=_none)
    """Accounts of services where the money of many is mixed, exchanges included."""

    tagged: UInt32Array = field(default_factory=_none)
    """Accounts that any tag names."""

    revision: str = ""
    """SHA-256 of what is said above, whatever the numbers; "" where nothing is."""

    def custodian(self, account: int) -> str:
        """Return the name of the exchange whose account it is; "" where no tag that binds says."""
        place = int(np.searchsorted(self.exchange, np.uint32(account)))
        if place == len(self.exchange) or int(self.exchange[place]) != account:
            return ""
        name = int(self.exchange_name[place])
        return "" if name == NO_OWNER else self.constraints.names[name]


def revision_of_known(told: Iterable[str]) -> str:
    """Return the hash of lines of what is said; "" of none."""
    lines = sorted(set(told))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest() if lines else ""


def write_known(draft: Draft, known: KnownAccounts) -> None:
    """Keep what was heeded with the clustering that heeded it."""
    write_constraints(draft, known.constraints)
    for name in _COLUMNS:
        column = getattr(known, name)
        draft.allocate(f"known_{name}", "uint32", len(column))[:] = column


def read_known(derived: DerivedSet) -> KnownAccounts:
    """Return what a stored clustering heeded."""
    columns = {name: derived.whole(f"known_{name}") for name in _COLUMNS}
    return KnownAccounts(
        constraints=read_constraints(derived),
        revision=derived.manifest.parameters.get("known", ""),
        **columns,
    )
