"""What the casebook says of the accounts of one view.

As for Bitcoin there are two ways to a tag: one address is looked up in the casebook, and a trace
has all tags of the network as arrays. An account has one address, so nothing has to be looked up
under another form of a key. A contract has no part in the tags of who created it: whoever deploys
a token, a pool or a trap does not own the money of those who use it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from arien_flows.account_ledger.view import AccountView
from arien_flows.attribution.ownership import EntityMap, roots_of
from arien_flows.attribution.snapshot import Attribution, empty_attribution, snapshot
from arien_flows.attribution.tag import Statement
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.records import TagTable
from arien_flows.entities.constraints import Constraints, no_constraints
from arien_flows.tag_book import (
    MEMBERS_ASKED,
    FoundTag,
    FoundTags,
    OtherTags,
    direct_tags,
    ranked,
    ranks,
    said_in,
)
from arien_flows.tag_owners import binding_of, owners_of
from chains.types import Int64Array

ADDRESS_BYTES = 20


@dataclass(frozen=True, slots=True)
class _Placed:
    """All tags of a network that name an address, in no particular order."""

    table: TagTable
    number: Int64Array
    """Account of each tag in `table`; -1 where the view holds none."""


class AccountTags:
    """The tags of a casebook, for one view and its entities."""

    def __init__(self, view: AccountView, casebook: Casebook, entities: EntityMap) -> None:
        self._view = view
        self.casebook = casebook
        self._entities = entities

    def among(self, entities: EntityMap) -> "AccountTags":
        """Return the same tags for other entities; what was looked up already is shared."""
        other = AccountTags(self._view, self.casebook, entities)
        if "_placed" in self.__dict__:
            other.__dict__["_placed"] = self._placed
        return other

    def at(self, view: AccountView, entities: EntityMap) -> "AccountTags":
        """Return the same tags for another state of the ledger."""
        return AccountTags(view, self.casebook, entities)

    @cached_property
    def is_empty(self) -> bool:
        """Whether nothing at all is said about the network: then silence means nothing."""
        return self.casebook.count(self._view.network.name) == 0

    @cached_property
    def attribution(self) -> Attribution:
        """All tags as arrays, for traces."""
        name, placed = self._view.network.name, self._placed
        if placed is None:
            return empty_attribution(name)
        held = np.flatnonzero(placed.number >= 0)
        return snapshot(
            name,
            self._entities,
            statements=placed.table.statements,
            documents=placed.table.documents,
            statement=placed.table.statement[held],
            number=placed.number[held],
            is_own=np.ones(len(held), np.bool_),
            text_of=lambda row: _text_of(placed.table, int(held[row])),
            revision=placed.table.revision,
            not_in_ledger=len(placed.number) - len(held),
            foreign=placed.table.other,
        )

    @cached_property
    def constraints(self) -> Constraints:
        """What the tags say about owners, for a clustering to heed."""
        placed = self._placed
        if placed is None:
            return no_constraints()
        return owners_of(placed.table, placed.number, placed.number)

    def still_give(self, constraints: Constraints) -> bool:
        """Tell whether the tags that bind are those that a clustering heeded."""
        name = self._view.network.name
        if constraints.tag_set == self.casebook.revision(name):
            return True
        table = self.casebook.table(name)
        return constraints.revision == ("" if table is None else binding_of(table).revision)

    def tags_of(self, account: int, limit: int) -> FoundTags:
        """Return at most `limit` tags of an account and its entity."""
        name = self._view.network.name
        own = direct_tags(self.casebook, name, self._view.account_id(account), limit)
        others = self._of_entity(account, limit - len(own.shown))
        return FoundTags(
            shown=(*own.shown, *(FoundTag(stored=tag, is_inherited=True) for tag in others.best)),
            left_out=own.left_out + others.count - len(others.best),
            own=own.own,
            inherited=others.said,
        )

    def _of_entity(self, account: int, limit: int) -> OtherTags:
        """Return at most `limit` tags of the entity's other accounts."""
        root = self._entities.root_of(account)
        members = self._entities.members(root)
        if len(members) > MEMBERS_ASKED:
            return self._of_large_entity(root, account, limit)
        texts = [self._view.account_id(int(each)) for each in members if each != account]
        found = ranked(self.casebook.tags_of(self._view.network.name, texts))
        return OtherTags(best=found[:limit], count=len(found), said=said_in(found))

    def _of_large_entity(self, root: int, account: int, limit: int) -> OtherTags:
        placed = self._placed
        if placed is None:
            return OtherTags(best=(), count=0, said=frozenset())
        held = np.flatnonzero((placed.number >= 0) & (placed.number != account))
        mine = held[roots_of(self._entities, placed.number[held]) == root]
        statements: Sequence[Statement] = placed.table.statements
        statement = placed.table.statement[mine]
        best = mine[np.lexsort((placed.number[mine], ranks(statements)[statement]))]
        numbers = placed.table.tag_id[best[:limit]].tolist()
        return OtherTags(
            best=ranked(self.casebook.tags_numbered(numbers)),
            count=len(mine),
            said=frozenset(statements[each] for each in np.unique(statement).tolist()),
        )

    @cached_property
    def _placed(self) -> _Placed | None:
        table = self.casebook.table(self._view.network.name)
        if table is None:
            return None
        payloads = table.payload.reshape(-1, ADDRESS_BYTES)
        distinct, place = np.unique(payloads, axis=0, return_inverse=True)
        found = [self._number_of(payload.tobytes()) for payload in distinct]
        return _Placed(table, np.array(found, np.int64)[place.reshape(-1)])

    def _number_of(self, address: bytes) -> int:
        number = self._view.index.find_account(address)
        return -1 if number is None or number >= self._view.counts.accounts else number


def _text_of(table: TagTable, row: int) -> str:
    """Return the address that a tag is written for."""
    begin, end = table.first_payload_byte[row : row + 2]
    return "0x" + table.payload[begin:end].tobytes().hex()
