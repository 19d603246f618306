"""What tags say about owners, as numbers that a clustering heeds.

A source that is sure enough who holds an address is stronger evidence than any rule of ours: two
sets whose owners differ are not joined, whatever the rule. Sources that name a service with less
certainty stop change rules only.

A run depends on the tags that bind it, and on no others; their hash is one of its parameters.
Tags come as arrays: this module knows nothing of where they are kept. An owner's number is its
place among the names in order, so it does not depend on what the ledger holds. A tag speaks of
every address that its key opens, as far as the ledger knows: the caller hands in the address
itself and the lowest of its other forms, since both stay what they are while the chain grows.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from arien_flows.entities.draft import Draft
from arien_flows.entities.storage import DerivedSet
from chains.types import BoolArray, Int64Array, UInt32Array
from heuristics.constrained_sets import NO_OWNER, OwnerColumns

OWNER_CONFIDENCE = 70
"""From this level on a tag's owner binds every rule."""

SERVICE_CONFIDENCE = 50
"""From this level on a tag's service binds change rules, and a trace stops there."""

_NONE = int(NO_OWNER)


@dataclass(frozen=True, kw_only=True)
class Constraints:
    """Which addresses have known owners."""

    revision: str
    """SHA-256 of the tags that bind, whether or not the ledger holds their addresses; may be ""."""

    names: tuple[str, ...]
    """Owners and services in order; a number is a place here."""

    columns: OwnerColumns
    twice_named: UInt32Array
    """Addresses with tags of two owners: address, the owner that counts, one that does not."""

    tag_set: str = ""
    """Names all tags among which they were found; while it is the same, so are they. May be ""."""

    @cached_property
    def parameters(self) -> dict[str, str]:
        """What a run's manifest says of them."""
        return {"tags": self.revision} if self.revision else {}

    def among(self, addresses: int) -> "Constraints":
        """Return the same constraints for an earlier state, which holds fewer addresses."""
        held = self.columns.address < addresses
        return replace(
            self,
            columns=OwnerColumns(
                address=self.columns.address[held],
                owner=self.columns.owner[held],
                service=self.columns.service[held],
            ),
            twice_named=self.twice_named[self.twice_named[:, 0] < addresses],
        )


def no_constraints() -> Constraints:
    """Return the constraints of no tags at all."""
    none = np.empty(0, dtype=np.int64)
    return constraints_of("", (), none, none, none, np.empty(0, dtype=np.bool_))


def constraints_of(
    revision: str,
    names: tuple[str, ...],
    address: Int64Array,
    name: Int64Array,
    level: Int64Array,
    is_service: BoolArray,
    *,
    tag_set: str = "",
) -> Constraints:
    """Return the constraints of tags; of several tags of an address the surest counts.

    Parameters
    ----------
    revision
        Hash of all tags that bind, those of unknown addresses included.
    names
        Owners and services, ascending.
    address
        The address number of each tag.
    name
        Whom it names: a place in `names`.
    level
        Confidence from 0 to 100.
    is_service
        Whether it names a service where the money of many people is mixed.
    tag_set
        Names all tags, those that do not bind included.
    """
    owners = _surest(address, name, level, level >= OWNER_CONFIDENCE)
    services = _surest(address, name, level, is_service & (level >= SERVICE_CONFIDENCE))
    tagged = np.union1d(owners[0], services[0])
    columns = OwnerColumns(
        address=tagged.astype(np.uint32),
        owner=_spread(tagged, owners),
        service=_spread(tagged, services),
    )
    return Constraints(
        revision=revision,
        names=names,
        columns=columns,
        twice_named=_twice_named(address, name, level, owners),
        tag_set=tag_set,
    )


def _surest(
    address: Int64Array, name: Int64Array, level: Int64Array, binds: BoolArray
) -> tuple[Int64Array, Int64Array]:
    """Return each address that a binding tag speaks of, ascending, and whom its surest names."""
    rows = np.flatnonzero(binds)
    order = rows[np.lexsort((name[rows], -level[rows], address[rows]))]
    found, first = np.unique(address[order], return_index=True)
    return found, name[order][first]


def _spread(tagged: Int64Array, named: tuple[Int64Array, Int64Array]) -> UInt32Array:
    """Return whom each tagged address belongs to, `NO_OWNER` where nobody says."""
    spread = np.full(len(tagged), NO_OWNER, dtype=np.uint32)
    spread[np.searchsorted(tagged, named[0])] = named[1]
    return spread


def _twice_named(
    address: Int64Array,
    name: Int64Array,
    level: Int64Array,
    owners: tuple[Int64Array, Int64Array],
) -> UInt32Array:
    """Return each address that binding tags give several owners, once for each other owner."""
    rows = np.flatnonzero(level >= OWNER_CONFIDENCE)
    kept = owners[1][np.searchsorted(owners[0], address[rows])]
    other = name[rows] != kept
    table = np.stack([address[rows], kept, name[rows]], axis=1)[other]
    return np.unique(table, axis=0).astype(np.uint32).reshape(-1, 3)


def write_constraints(draft: Draft, constraints: Constraints) -> None:
    """Keep the constraints with the clustering that heeded them."""
    columns = constraints.columns
    for name, column in (
        ("owner_address", columns.address),
        ("owner", columns.owner),
        ("owner_service", columns.service),
    ):
        draft.allocate(name, "uint32", len(column))[:] = column
    twice = draft.allocate("owner_twice", "uint32", len(constraints.twice_named), width=3)
    twice[:] = constraints.twice_named
    for name, said in (
        ("owner_name", "\n".join(constraints.names)),
        ("owner_tag_set", constraints.tag_set),
    ):
        text = said.encode()
        draft.allocate(name, "uint8", len(text))[:] = np.frombuffer(text, dtype=np.uint8)


def read_constraints(derived: DerivedSet) -> Constraints:
    """Return the constraints that a stored clustering heeded."""
    text = derived.whole("owner_name").tobytes().decode()
    return Constraints(
        revision=derived.manifest.parameters.get("tags", ""),
        names=tuple(text.split("\n")) if text else (),
        columns=OwnerColumns(
            address=derived.whole("owner_address"),
            owner=derived.whole("owner"),
            service=derived.whole("owner_service"),
        ),
        twice_named=derived.whole("owner_twice").reshape(-1, 3),
        tag_set=derived.whole("owner_tag_set").tobytes().decode(),
    )
