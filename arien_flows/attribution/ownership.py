"""Who is one owner, as far as attribution and tracing need to know.

A clustering run satisfies `EntityMap`. Where none was made every address stands for itself, which
is the more careful reading: fewer hops are recognised as internal, and nothing is attributed to
an address that no source named.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from chains.types import Int64Array, UInt32Array


class EntityMap(Protocol):
    """Addresses joined to entities; an entity is known by the number of its first-seen address."""

    @property
    def identity(self) -> str:
        """A name that two maps share only if they are equal."""

    @property
    def labels(self) -> UInt32Array:
        """Root of each address; addresses past its end stand for themselves."""

    def root_of(self, address: int) -> int:
        """Return the first-seen address of an address's entity."""

    def members(self, root: int) -> UInt32Array:
        """Return the addresses of an entity, ascending."""


@dataclass(frozen=True, slots=True)
class SingleAddresses:
    """The map without a clustering: each address is an entity of its own."""

    identity: str = "addresses"
    """Stands in manifests where a clustering's name would."""

    @property
    def labels(self) -> UInt32Array:
        """No address has another root than itself."""
        return np.empty(0, np.uint32)

    def root_of(self, address: int) -> int:
        """Return the address itself."""
        return address

    def members(self, root: int) -> UInt32Array:
        """Return the address alone."""
        return np.array([root], np.uint32)


def roots_of(entities: EntityMap, address: Int64Array) -> Int64Array:
    """Return the entity of each address; `NO_ADDRESS` stays what it is."""
    root = address.copy()
    labels = entities.labels
    labelled = address < len(labels)
    root[labelled] = labels[address[labelled]]
    return root
