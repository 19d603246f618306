"""Which accounts a rule may speak of, found once for all rules of a run."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from arien_flows.account_entities.actors import SERVES_MANY, Actors
from arien_flows.account_entities.burns import burn_accounts
from arien_flows.account_entities.denied import denied_accounts
from arien_flows.account_entities.known import KnownAccounts
from arien_flows.account_ledger.view import AccountView
from chains.ethereum.tables import NO_ACCOUNT, CodeKind
from chains.types import BoolArray, UInt32Array


@dataclass(frozen=True)
class Roles:
    """The accounts of a view by what rules may do with them; all by account number."""

    view: AccountView
    known: KnownAccounts

    @cached_property
    def actors(self) -> Actors:
        """What each account is."""
        return Actors(self.view)

    @cached_property
    def serves_many(self) -> BoolArray:
        """Burns, contracts of many people, and services that tags name: never joined."""
        found = self.actors.many_people()
        found[self.known.service] = True
        return found

    @cached_property
    def is_exchange(self) -> BoolArray:
        """Accounts in which exchanges collect deposits; a pool that is tagged so is none.

        That a contract of an exchange deals with many people is what it is there for.
        """
        found = self._marks(self.known.exchange)
        found &= ~np.isin(self.actors.kind, SERVES_MANY)
        found[denied_accounts(self.view)] = False
        found[burn_accounts(self.view)] = False
        return found

    @cached_property
    def makes_blocks(self) -> BoolArray:
        """Accounts that blocks pay: their first coins come from anybody, and they pay many."""
        found = self.actors.mines.copy()
        paid = self.view.blocks.fee_recipient
        found[paid[paid != NO_ACCOUNT]] = True
        return found

    @cached_property
    def is_person(self) -> BoolArray:
        """Accounts of keys that serve nobody else, as far as anybody knows."""
        found: BoolArray = ~self.actors.is_contract & ~self.serves_many & ~self.makes_blocks
        # An implementation that only proxies and delegations lead to has code, too.
        codes = self.view.codes
        leads = codes.target[codes.kind != CodeKind.PLAIN]
        found[leads[leads != NO_ACCOUNT]] = False
        return found

    @cached_property
    def is_tagged(self) -> BoolArray:
        """Accounts that any tag names."""
        return self._marks(self.known.tagged)

    def _marks(self, accounts: UInt32Array) -> BoolArray:
        found = np.zeros(self.view.counts.accounts, np.bool_)
        found[accounts] = True
        return found
