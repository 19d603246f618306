"""Attribution as arrays: which addresses of a view are named, and by whom.

A snapshot is made for one view, one set of tags and one entity map, and does not change. A tag
names the address that it was written for, and by inference the whole entity of that address; the
two are told apart wherever they are shown, because the second is only as good as the clustering.

Of several tags the one with the highest confidence speaks, ties to the smaller label and then the
smaller source, so that the answer does not depend on the order of files. Tracing stops at
*service* tags only: those of a confidence of at least 50 whose category says that the money of
many people is mixed there.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from arien_flows.attribution.ownership import EntityMap
from arien_flows.attribution.tagpack import Tag
from arien_flows.errors import NotFoundError
from arien_flows.ledger.view import View
from chains.errors import AddressError
from chains.types import Int64Array, UInt8Array
from heuristics.taint import Stop

SERVICE_CONFIDENCE = 50
"""Tags below this level name, but do not stop a trace."""

SERVICE_STOPS: Mapping[str, Stop] = {
    "exchange": Stop.SERVICE_REACHED,
    "wallet_service": Stop.SERVICE_REACHED,
    "hosted_wallet": Stop.SERVICE_REACHED,
    "custody": Stop.SERVICE_REACHED,
    "defi_custody": Stop.SERVICE_REACHED,
    "payment_processor": Stop.SERVICE_REACHED,
    "gambling": Stop.SERVICE_REACHED,
    "market": Stop.SERVICE_REACHED,
    "mining_pool": Stop.SERVICE_REACHED,
    "mining_service": Stop.SERVICE_REACHED,
    "mixer": Stop.MIXER,
    "mixing": Stop.MIXER,
    "mixing_service": Stop.MIXER,
    "bridge": Stop.BRIDGE,
    "defi_bridge": Stop.BRIDGE,
}
"""What a trace that arrives at a service of a category ends with."""

BITCOIN_NAMES = frozenset({"BTC", "BITCOIN"})
"""How packs name the networks whose addresses a Bitcoin ledger may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributed:
    """The tag that speaks for an address."""

    tag: Tag
    is_inherited: bool
    """The tag was written for another address of the same entity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """All tags of a view, ready for look-up."""

    revision: str
    """SHA-256 over the tags, whatever their order; equal sets have equal revisions."""

    tags: tuple[Tag, ...]
    """Those whose address the view holds, best first."""

    address: Int64Array
    """Tagged addresses, ascending."""

    address_tag: Int64Array
    """Place in `tags` of the one that speaks for each."""

    root: Int64Array
    """Entities that hold a tagged address, ascending."""

    root_tag: Int64Array
    service_address: Int64Array
    """Addresses where a trace stops, ascending."""

    service_address_tag: Int64Array
    service_root: Int64Array
    """Entities where a trace stops, ascending."""

    service_root_tag: Int64Array
    not_in_ledger: int
    """Tags of addresses that the view does not hold."""

    foreign: int
    """Tags of other networks, of transactions, and of texts that are not addresses here."""

    def at(self, address: int, root: int) -> Attributed | None:
        """Return the tag that speaks for an address of the entity `root`."""
        return self._find(address, root, service=False)

    def service_at(self, address: int, root: int) -> Attributed | None:
        """Return the service that a trace stops at there."""
        return self._find(address, root, service=True)

    def stops(self) -> tuple[UInt8Array, UInt8Array]:
        """Return the `Stop` of each service address and of each service entity."""
        return (
            np.array([service_stop(self.tags[i]) for i in self.service_address_tag], np.uint8),
            np.array([service_stop(self.tags[i]) for i in self.service_root_tag], np.uint8),
        )

    def _find(self, address: int, root: int, *, service: bool) -> Attributed | None:
        direct = (
            (self.service_address, self.service_address_tag)
            if service
            else (self.address, self.address_tag)
        )
        shared = (
            (self.service_root, self.service_root_tag) if service else (self.root, self.root_tag)
        )
        for (numbers, places), wanted, is_inherited in (
            (direct, address, False),
            (shared, root, True),
        ):
            place = int(np.searchsorted(numbers, wanted))
            if place < len(numbers) and int(numbers[place]) == wanted:
                return Attributed(tag=self.tags[int(places[place])], is_inherited=is_inherited)
        return None


def service_stop(tag: Tag) -> Stop | None:
    """Return what a trace that meets the tag ends with, or nothing where it goes on.

    Of several categories the most telling decides: a mixer that is also tagged as a wallet is a
    mixer.
    """
    if tag.level < SERVICE_CONFIDENCE:
        return None
    found = [SERVICE_STOPS[concept] for concept in tag.concepts if concept in SERVICE_STOPS]
    return max(found) if found else None


def attribute(view: View, tags: Iterable[Tag], entities: EntityMap) -> Attribution:
    """Look up all tags in a view and make the snapshot."""
    wanted = sorted(set(tags), key=_rank)
    found: list[Tag] = []
    numbers: list[int] = []
    not_in_ledger = foreign = 0
    for tag in wanted:
        if tag.address is None or tag.network not in BITCOIN_NAMES:
            foreign += 1
            continue
        try:
            numbers.append(view.find_address(tag.address))
            found.append(tag)
        except AddressError:
            foreign += 1
        except NotFoundError:
            not_in_ledger += 1
    address = np.array(numbers, np.int64)
    root = np.array([entities.root_of(number) for number in numbers], np.int64)
    places = np.arange(len(found), dtype=np.int64)
    services = np.array([service_stop(tag) is not None for tag in found], np.bool_)
    addresses, address_tag = _first_of_each(address, places)
    roots, root_tag = _first_of_each(root, places)
    service_address, service_address_tag = _first_of_each(address[services], places[services])
    service_root, service_root_tag = _first_of_each(root[services], places[services])
    return Attribution(
        revision=_revision(wanted),
        tags=tuple(found),
        address=addresses,
        address_tag=address_tag,
        root=roots,
        root_tag=root_tag,
        service_address=service_address,
        service_address_tag=service_address_tag,
        service_root=service_root,
        service_root_tag=service_root_tag,
        not_in_ledger=not_in_ledger,
        foreign=foreign,
    )


def no_attribution() -> Attribution:
    """Return the snapshot of no tags at all: nothing is named, and nothing stops."""
    none = np.empty(0, np.int64)
    return Attribution(
        revision=_revision([]),
        tags=(),
        address=none,
        address_tag=none,
        root=none,
        root_tag=none,
        service_address=none,
        service_address_tag=none,
        service_root=none,
        service_root_tag=none,
        not_in_ledger=0,
        foreign=0,
    )


def _first_of_each(numbers: Int64Array, places: Int64Array) -> tuple[Int64Array, Int64Array]:
    distinct, first = np.unique(numbers, return_index=True)
    return distinct, places[first]


def _rank(tag: Tag) -> tuple[int, str]:
    return -tag.level, json.dumps(_fields(tag), ensure_ascii=False)


def _fields(tag: Tag) -> list[str | bool | list[str] | None]:
    """Return everything that a tag says, the label and source first: they break ties."""
    return [
        tag.label,
        tag.source,
        tag.address,
        tag.tx_hash,
        tag.currency,
        tag.network,
        tag.confidence,
        list(tag.concepts),
        tag.tag_type,
        tag.actor,
        tag.is_cluster_definer,
        tag.context,
        tag.lastmod.isoformat() if tag.lastmod else None,
        tag.creator,
    ]


def _revision(ranked: list[Tag]) -> str:
    rows = [_fields(tag) for tag in ranked]
    canonical = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
