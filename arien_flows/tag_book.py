"""What the casebook says of the addresses of one view.

Two ways lead to a tag. A question about one address looks its tags up in the casebook, and those
of the other addresses of its entity. A trace needs to know of every address it may come to: then
all tags of the network are looked up in the view at once, and kept as arrays. The second is made
only when it is needed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from arien_flows.attribution.ownership import EntityMap, roots_of
from arien_flows.attribution.snapshot import Attribution, no_attribution, snapshot
from arien_flows.attribution.subjects import canonical_address
from arien_flows.attribution.tag import Statement
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.records import StoredTag, TagTable
from arien_flows.entities.constraints import Constraints, no_constraints
from arien_flows.ledger.locks import key_hash_of
from arien_flows.ledger.numbering import Locks
from arien_flows.ledger.view import View
from arien_flows.tag_owners import binding_of, owners_of
from chains.bitcoin.address import address_text
from chains.tables import ScriptType
from chains.types import BoolArray, Int64Array

MEMBERS_ASKED = 50
"""Entities of at most so many addresses are looked up by name; larger ones by all tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTag:
    """A tag as it bears on an address that was asked for."""

    stored: StoredTag
    is_inherited: bool
    """It was written for another address of the same entity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTags:
    """The tags of an address and its entity, its own first, then the most confident."""

    shown: tuple[FoundTag, ...]
    left_out: int
    """Tags past the limit."""

    own: frozenset[Statement]
    """All that is said of the address itself, whether or not the tag is shown."""

    inherited: frozenset[Statement]
    """All that is said of other addresses of its entity, whether or not the tag is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherTags:
    """What is said of the other addresses of an entity."""

    best: Sequence[StoredTag]
    """Tags up to the limit, the best first."""

    count: int
    """Of all tags."""

    said: frozenset[Statement]


@dataclass(frozen=True, slots=True)
class _Placed:
    """All tags of a network that the view knows the address of, in no particular order."""

    table: TagTable
    number: Int64Array
    """Address of each tag in `table`, or another form of its key; -1 where there is neither."""

    is_own: BoolArray
    """Whether it is the very address."""

    lowest: Int64Array
    """The lowest address number that the tag's key opens, or -1."""


class _ByEntity:
    """All tags in the order of their entities, the best of each entity first."""

    def __init__(self, placed: _Placed, entities: EntityMap) -> None:
        held = np.flatnonzero(placed.number >= 0)
        root = roots_of(entities, placed.number[held])
        rank = ranks(placed.table.statements)[placed.table.statement[held]]
        order = np.lexsort((placed.number[held], rank, root))
        self.placed = placed
        self._tag, self._root = held[order], root[order]

    def others(self, root: int, address: int) -> Int64Array:
        """Return the tags of an entity that are not written for one address of it."""
        begin, end = np.searchsorted(self._root, [root, root + 1])
        mine: Int64Array = self._tag[begin:end]
        is_other = (self.placed.number[mine] != address) | ~self.placed.is_own[mine]
        others: Int64Array = mine[is_other]
        return others

    def numbers(self, tags: Int64Array) -> list[int]:
        """Return what the casebook numbers tags with."""
        found: list[int] = self.placed.table.tag_id[tags].tolist()
        return found

    def said(self, tags: Int64Array) -> frozenset[Statement]:
        """Return what tags say."""
        table = self.placed.table
        return frozenset(
            table.statements[each] for each in np.unique(table.statement[tags]).tolist()
        )


class TagBook:
    """The tags of a casebook, for one view and its entities."""

    def __init__(self, view: View, casebook: Casebook, entities: EntityMap) -> None:
        self._view = view
        self.casebook = casebook
        self._entities = entities
        self._foreseen: dict[str, list[StoredTag]] = {}
        self._forms: dict[int, list[str]] = {}

    def foreseeing(self, addresses: Sequence[int]) -> "TagBook":
        """Return the same tags, with those of some addresses and their entities read already.

        Few questions to the casebook then serve many addresses. It is for one answer: what is read
        is not read again.
        """
        other = self.among(self._entities)
        roots = {self._entities.root_of(address) for address in addresses}
        members = set(addresses)
        for root in roots:
            own = self._entities.members(root)
            if len(own) <= MEMBERS_ASKED:
                members.update(own.tolist())
        texts = {text for each in members if (text := self._view.address_text(each)) is not None}
        other._forms = {each: self._unused_forms(each) for each in members}
        texts.update(form for forms in other._forms.values() for form in forms)
        name = self._view.network.name
        other._foreseen = {text: [] for text in texts}
        for stored in self.casebook.tags_of(name, sorted(texts)):
            other._foreseen[stored.tag.address or ""].append(stored)
        return other

    def tags_of_each(self, addresses: Sequence[int], limit: int) -> list[FoundTags]:
        """Return what `tags_of` does for each of many addresses, in few questions."""
        book = self.foreseeing(addresses)
        return [book.tags_of(address, limit) for address in addresses]

    def _said_of(self, texts: Sequence[str]) -> list[StoredTag]:
        """Return the tags of addresses."""
        if self.is_empty:
            return []
        if all(text in self._foreseen for text in texts):
            return [stored for text in texts for stored in self._foreseen[text]]
        return self.casebook.tags_of(self._view.network.name, texts)

    def among(self, entities: EntityMap) -> "TagBook":
        """Return the same tags for other entities; what was looked up already is shared."""
        other = TagBook(self._view, self.casebook, entities)
        if "_placed" in self.__dict__:
            other.__dict__["_placed"] = self._placed
        return other

    def at(self, view: View, entities: EntityMap) -> "TagBook":
        """Return the same tags for another state of the ledger."""
        return TagBook(view, self.casebook, entities)

    @cached_property
    def is_empty(self) -> bool:
        """Whether nothing at all is said about the network: then silence means nothing."""
        return self.casebook.count(self._view.network.name) == 0

    @cached_property
    def attribution(self) -> Attribution:
        """All tags as arrays, for traces."""
        placed = self._placed
        if placed is None:
            return no_attribution(self._view)
        held = np.flatnonzero(placed.number >= 0)
        return snapshot(
            self._view.network.name,
            self._entities,
            statements=placed.table.statements,
            documents=placed.table.documents,
            statement=placed.table.statement[held],
            number=placed.number[held],
            is_own=placed.is_own[held],
            text_of=lambda row: self._text_of(placed.table, int(held[row])),
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
        return owners_of(placed.table, placed.number, placed.lowest)

    def still_give(self, constraints: Constraints) -> bool:
        """Tell whether the tags that bind are those that a clustering heeded.

        As long as no tag at all was added or taken away, no tag has to be read for that.
        """
        name = self._view.network.name
        if constraints.tag_set == self.casebook.revision(name):
            return True
        table = self.casebook.table(name)
        return constraints.revision == ("" if table is None else binding_of(table).revision)

    def tags_of(self, address: int, limit: int) -> FoundTags:
        """Return at most `limit` tags of an address number and its entity."""
        text = self._view.address_text(address)
        own = () if text is None else _owned(self._said_of([text]))
        others = self._of_entity(address, max(0, limit - len(own)))
        shown = (*own, *(FoundTag(stored=tag, is_inherited=True) for tag in others.best))[:limit]
        return FoundTags(
            shown=shown,
            left_out=len(own) + others.count - len(shown),
            own=said_in(each.stored for each in own),
            inherited=others.said,
        )

    def tags_of_many(self, addresses: Sequence[int], limit: int) -> dict[int, FoundTags]:
        """Return what `tags_of` says of each of many address numbers, in a few queries.

        Of tags that are equally good, others may be the last ones that are shown.
        """
        name = self._view.network.name
        numbers = np.array(sorted(set(addresses)), np.int64)
        texts = zip(numbers.tolist(), self._view.address_texts(numbers), strict=True)
        names = {number: canonical_address(text, name) if text else "" for number, text in texts}
        asked = [text for text in names.values() if text]
        own: dict[str, list[StoredTag]] = {}
        for tag in self.casebook.tags_of(name, asked):
            own.setdefault(canonical_address(tag.tag.address or "", name), []).append(tag)
        mine = {number: ranked(own.get(text, ())) for number, text in names.items()}
        rest: dict[int, Int64Array] = {}
        if self._by_entity is not None:
            for number in mine:
                rest[number] = self._by_entity.others(self._entities.root_of(number), number)
        return self._joined(mine, rest, limit)

    def _joined(
        self, mine: Mapping[int, list[StoredTag]], rest: Mapping[int, Int64Array], limit: int
    ) -> dict[int, FoundTags]:
        """Return the tags of addresses and of the rest of their entities; each is read once."""
        by_entity, stored = self._by_entity, dict[int, StoredTag]()
        wanted: dict[int, list[int]] = {}
        if by_entity is not None:
            wanted = {
                number: by_entity.numbers(tags[: max(0, limit - len(mine[number]))])
                for number, tags in rest.items()
            }
            numbers = sorted({each for part in wanted.values() for each in part})
            stored = dict(zip(numbers, self.casebook.tags_numbered(numbers), strict=True))
        found: dict[int, FoundTags] = {}
        for number, tags in mine.items():
            others = ranked([stored[each] for each in wanted.get(number, ())])
            shown = (
                *(FoundTag(stored=tag, is_inherited=False) for tag in tags),
                *(FoundTag(stored=tag, is_inherited=True) for tag in others),
            )[:limit]
            count = len(tags) + len(rest.get(number, ()))
            found[number] = FoundTags(
                shown=shown,
                left_out=count - len(shown),
                own=said_in(tags),
                inherited=frozenset() if by_entity is None else by_entity.said(rest[number]),
            )
        return found

    @cached_property
    def _by_entity(self) -> _ByEntity | None:
        return None if self._placed is None else _ByEntity(self._placed, self._entities)

    def _of_entity(self, address: int, limit: int) -> OtherTags:
        """Return at most `limit` tags of the entity's other addresses."""
        root = self._entities.root_of(address)
        members = self._entities.members(root)
        if len(members) <= MEMBERS_ASKED and "_placed" not in self.__dict__:
            texts = [self._view.address_text(int(each)) for each in members if each != address]
            named = [text for text in texts if text is not None]
            for member in members:
                named += self._unused_forms(int(member))
            found = ranked(self._said_of(named))
            return OtherTags(best=found[:limit], count=len(found), said=said_in(found))
        return self._of_large_entity(root, address, limit)

    def _of_large_entity(self, root: int, address: int, limit: int) -> OtherTags:
        placed = self._placed
        if placed is None:
            return OtherTags(best=(), count=0, said=frozenset())
        is_other = (placed.number != address) | ~placed.is_own
        held = np.flatnonzero((placed.number >= 0) & is_other)
        mine = held[roots_of(self._entities, placed.number[held]) == root]
        statements, statement = placed.table.statements, placed.table.statement[mine]
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
        locks = Locks(
            source=table.payload,
            script_type=table.script_type,
            start=table.first_payload_byte[:-1],
            length=np.diff(table.first_payload_byte),
        )
        same, related = self._view.find_locks(locks)
        is_own = same >= 0
        return _Placed(table, np.where(is_own, same, related), is_own, related)

    def _unused_forms(self, address: int) -> list[str]:
        """Return the other addresses of an address's key that the view does not hold.

        Where it holds several forms of the key, they are those of the first.
        """
        if address in self._forms:
            return self._forms[address]
        view, lock = self._view, self._view.lock(address)
        key_hash = key_hash_of(*lock)
        if key_hash is None or view.forms_of_key(*lock)[0] != address:
            return []
        forms = [(kind, key_hash) for kind in (ScriptType.P2PKH, ScriptType.P2WPKH)]
        texts = [
            address_text(*form, view.network) for form in forms if view.find_lock(*form) is None
        ]
        return [text for text in texts if text is not None]

    def _text_of(self, table: TagTable, row: int) -> str:
        """Return the address that a tag is written for."""
        begin, end = table.first_payload_byte[row : row + 2]
        script_type = ScriptType(int(table.script_type[row]))
        payload = table.payload[begin:end].tobytes()
        return address_text(script_type, payload, self._view.network) or ""


def ranks(statements: Sequence[Statement]) -> Int64Array:
    """Return the rank of each statement, the most confident first, as in `ranked`."""
    keys = [(-said.level, said.label, said.source) for said in statements]
    places = {key: place for place, key in enumerate(sorted(set(keys)))}
    return np.array([places[key] for key in keys], np.int64)


def direct_tags(casebook: Casebook, network: str, text: str, limit: int) -> FoundTags:
    """Return at most `limit` tags of an address itself, whether or not there is a ledger."""
    found = _own_tags(casebook, network, text)
    return FoundTags(
        shown=found[:limit],
        left_out=max(0, len(found) - limit),
        own=said_in(each.stored for each in found),
        inherited=frozenset(),
    )


def _own_tags(casebook: Casebook, network: str, text: str) -> tuple[FoundTag, ...]:
    return _owned(casebook.tags_of(network, [canonical_address(text, network)]))


def _owned(found: Sequence[StoredTag]) -> tuple[FoundTag, ...]:
    return tuple(FoundTag(stored=tag, is_inherited=False) for tag in ranked(found))


def said_in(found: Iterable[StoredTag]) -> frozenset[Statement]:
    """Return all that some tags say."""
    return frozenset(each.tag.statement for each in found)


def ranked(found: Sequence[StoredTag]) -> list[StoredTag]:
    """Return tags the most confident first, ties by label, source and address."""
    return sorted(
        found,
        key=lambda it: (
            -it.tag.level,
            it.tag.label,
            it.tag.source,
            it.tag.address or "",
            it.document_sha256,
            it.row,
        ),
    )
