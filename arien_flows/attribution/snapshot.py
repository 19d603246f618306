"""Attribution as arrays: which addresses of a view are named, and by whom.

A snapshot is made for one view, one set of tags and one entity map, and does not change. A tag
names the address that it was written for, and by inference the whole entity of that address; the
two are told apart wherever they are shown, because the second is only as good as the clustering.
A tag may name a form of a key that nobody used, while the ledger holds another: early coins were
paid to bare keys, and lists name the address that such a key would have. It speaks as if it were
of another address of the entity.

Of several tags the one with the highest confidence speaks, ties to the smaller label and then the
smaller source, so that the answer does not depend on the order of files. Tracing stops at
*service* tags only: those of a confidence of at least 50, or of what the request says, that name
an owner whose category says that the money of many people is mixed there. An address that is
mentioned beside an exchange, or that took part in its theft, is not the exchange.

Half a million tags make a few thousand statements, so a snapshot holds numbers (an address and a
statement for each tag) and makes a `Tag` only where one is asked for.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from arien_flows.attribution.ownership import EntityMap, roots_of
from arien_flows.attribution.source_documents import source_documents
from arien_flows.attribution.subjects import canonical_address, network_of
from arien_flows.attribution.tag import NAMES_SOMEBODY, STATEMENT_FIELDS, Statement, Tag
from arien_flows.entities.constraints import SERVICE_CONFIDENCE
from arien_flows.errors import NotFoundError
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.view import View
from chains.errors import AddressError
from chains.types import BoolArray, Int64Array, UInt8Array
from heuristics.taint import Stop

SERVICE_STOPS: Mapping[str, Stop] = {
    "exchange": Stop.SERVICE_REACHED,
    "wallet_service": Stop.SERVICE_REACHED,
    "hosted_wallet": Stop.SERVICE_REACHED,
    "custody": Stop.SERVICE_REACHED,
    "defi_custody": Stop.SERVICE_REACHED,
    "payment_processor": Stop.SERVICE_REACHED,
    "virtual_asset_service_provider": Stop.SERVICE_REACHED,
    "crypto_atm": Stop.SERVICE_REACHED,
    "peer_to_peer_exchange": Stop.SERVICE_REACHED,
    "gambling": Stop.SERVICE_REACHED,
    "market": Stop.SERVICE_REACHED,
    "dark_market": Stop.SERVICE_REACHED,
    "mining_pool": Stop.SERVICE_REACHED,
    "mining_service": Stop.SERVICE_REACHED,
    "mixer": Stop.MIXER,
    "mixing": Stop.MIXER,
    "mixing_service": Stop.MIXER,
    "tumbler": Stop.MIXER,
    "coin_swapping": Stop.MIXER,
    "bridge": Stop.BRIDGE,
    "defi_bridge": Stop.BRIDGE,
}
"""What a trace that arrives at a service of a category ends with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributed:
    """The tag that speaks for an address."""

    tag: Tag
    is_inherited: bool
    """The tag was written for another address of the same entity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The services that traces stop at, of many addresses at once."""

    which: Int64Array
    """Place among `named` of the one at each address, or -1."""

    named: Sequence[Attributed]
    """Each once, but apart where it is inherited."""

    def at(self, place: int) -> Attributed | None:
        """Return the service at one of the addresses."""
        which = int(self.which[place])
        return None if which < 0 else self.named[which]


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """All tags of a view, ready for look-up. Places count its tags, the best first."""

    network: str
    """Name of the network."""

    revision: str
    """Names the set of tags; equal sets have equal revisions."""

    statements: Sequence[Statement]
    """What is said, each once in each document."""

    documents: Sequence[str]
    """The document that each statement rests on; "" where tags stand in no casebook."""

    statement: Int64Array
    """Which statement each tag makes."""

    row: Int64Array
    """Which row each tag is among those that the snapshot was made of."""

    number: Int64Array
    """The address that each tag names, or whose key's other form it names."""

    holder: Int64Array
    """The entity that each tag names."""

    is_own: BoolArray
    """Whether each tag is written for the address itself."""

    text_of: Callable[[int], str]
    """Returns the address that a row's tag is written for."""

    address: Int64Array
    """Tagged addresses, ascending. A tag of another form of an address's key is not here."""

    address_tag: Int64Array
    """Place of the tag that speaks for each."""

    root: Int64Array
    """Entities that hold a tagged address, ascending."""

    root_tag: Int64Array
    service_address: Int64Array
    """Addresses where a trace stops, ascending."""

    service_address_tag: Int64Array
    service_root: Int64Array
    """Entities where a trace stops, ascending."""

    service_root_tag: Int64Array
    service_confidence: int
    """The confidence from which a tag of a service stops a trace."""

    not_in_ledger: int
    """Tags of addresses that the view does not hold."""

    foreign: int
    """Tags of other networks, of transactions, and of texts that are not addresses here."""

    def tag(self, place: int) -> Tag:
        """Return the tag at a place."""
        return Tag.about(
            self.statements[int(self.statement[place])],
            network=self.network,
            address=self.text_of(int(self.row[place])),
        )

    def at(self, address: int, root: int) -> Attributed | None:
        """Return the tag that speaks for an address of the entity `root`."""
        return self._find(address, root, service=False)

    def service_at(self, address: int, root: int) -> Attributed | None:
        """Return the service that a trace stops at there."""
        return self._find(address, root, service=True)

    def services_at(self, addresses: Int64Array, roots: Int64Array) -> Services:
        """Return the services that a trace stops at there, of many addresses and their entities."""
        places, is_inherited = self.service_places(addresses, roots)
        # Those that speak for an address itself have even codes.
        codes, which = np.unique(
            np.where(places < 0, -1, 2 * places + is_inherited), return_inverse=True
        )
        absent = int(len(codes) > 0 and codes[0] < 0)
        named = [
            Attributed(tag=self.tag(code // 2), is_inherited=bool(code % 2))
            for code in codes[absent:].tolist()
        ]
        return Services(which=which - absent, named=named)

    def service_places(
        self, addresses: Int64Array, roots: Int64Array
    ) -> tuple[Int64Array, BoolArray]:
        """Return the place of the tag of the service at each address or -1, and if it inherits it.

        `NO_ADDRESS` is nobody's.
        """
        own = _looked_up(self.service_address, self.service_address_tag, addresses)
        shared = _looked_up(self.service_root, self.service_root_tag, roots)
        shared[addresses == NO_ADDRESS] = -1
        is_inherited: BoolArray = (own < 0) & (shared >= 0)
        return np.where(own < 0, shared, own), is_inherited

    def from_confidence(self, least: int) -> "Attribution":
        """Return the same snapshot with traces stopping at services of at least `least`."""
        if least == self.service_confidence:
            return self
        services = _services(
            _stops(self.statements, least)[self.statement] != 0,
            self.number,
            self.holder,
            is_own=self.is_own,
        )
        return replace(
            self,
            service_address=services[0],
            service_address_tag=services[1],
            service_root=services[2],
            service_root_tag=services[3],
            service_confidence=least,
        )

    def stops(self) -> tuple[UInt8Array, UInt8Array]:
        """Return the `Stop` of each service address and of each service entity."""
        stop = _stops(self.statements, self.service_confidence)
        return (
            stop[self.statement[self.service_address_tag]],
            stop[self.statement[self.service_root_tag]],
        )

    @cached_property
    def first_service_of_label(self) -> Mapping[str, int]:
        """The first place of a service tag with each label: one name for one service."""
        first: dict[str, int] = {}
        known, places = np.unique(self.statement, return_index=True)
        order = np.argsort(places)
        for statement, place in zip(known[order].tolist(), places[order].tolist(), strict=True):
            said = self.statements[statement]
            if service_stop(said, self.service_confidence) is not None:
                first.setdefault(said.label, place)
        return first

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
                return Attributed(tag=self.tag(int(places[place])), is_inherited=is_inherited)
        return None


def service_stop(said: Statement, least: int = SERVICE_CONFIDENCE) -> Stop | None:
    """Return what a trace that meets the tag ends with, or nothing where it goes on.

    It goes on where the tag's confidence is below `least`.

    Of several categories the most telling decides: a mixer that is also tagged as a wallet is a
    mixer.
    """
    if said.level < least or said.tag_type not in NAMES_SOMEBODY:
        return None
    found = [SERVICE_STOPS[concept] for concept in said.concepts if concept in SERVICE_STOPS]
    return max(found) if found else None


def attribute(view: View, tags: Iterable[Tag], entities: EntityMap) -> Attribution:
    """Look up tags that stand in no casebook, one by one, and make the snapshot."""
    statements: dict[Statement, int] = {}
    numbers: list[int] = []
    said: list[int] = []
    texts: list[str] = []
    not_in_ledger = foreign = 0
    distinct = set(tags)
    for tag in distinct:
        if tag.address is None or network_of(tag.network, view.network.name) != view.network.name:
            foreign += 1
            continue
        try:
            numbers.append(view.find_address(tag.address))
            said.append(statements.setdefault(tag.statement, len(statements)))
            texts.append(canonical_address(tag.address, view.network.name))
        except AddressError:
            foreign += 1
        except NotFoundError:
            not_in_ledger += 1
    return snapshot(
        view.network.name,
        entities,
        statements=list(statements),
        documents=source_documents(list(statements), [""] * len(statements)),
        statement=np.array(said, np.int64),
        number=np.array(numbers, np.int64),
        is_own=np.ones(len(numbers), np.bool_),
        text_of=texts.__getitem__,
        revision=revision_of(map(tag_digest, distinct)),
        not_in_ledger=not_in_ledger,
        foreign=foreign,
    )


def snapshot(
    network: str,
    entities: EntityMap,
    *,
    statements: Sequence[Statement],
    documents: Sequence[str],
    statement: Int64Array,
    number: Int64Array,
    is_own: BoolArray,
    text_of: Callable[[int], str],
    revision: str,
    not_in_ledger: int,
    foreign: int,
) -> Attribution:
    """Make the snapshot of tags whose addresses were looked up.

    `statement` and `number` name what each tag says and of which address, in any order. Where
    `is_own` does not hold the tag is written for another form of that address's key, which the
    ledger does not hold: it names the entity, and not the address itself.
    """
    order = np.lexsort((number, ~is_own, _ranks(statements)[statement]))
    number, statement, is_own = number[order], statement[order], is_own[order]
    root = roots_of(entities, number)
    places = np.arange(len(number), dtype=np.int64)
    addresses, address_tag = _first_of_each(number[is_own], places[is_own])
    roots, root_tag = _first_of_each(root, places)
    service_address, service_address_tag, service_root, service_root_tag = _services(
        _stops(statements, SERVICE_CONFIDENCE)[statement] != 0, number, root, is_own=is_own
    )
    return Attribution(
        network=network,
        revision=revision,
        statements=statements,
        documents=documents,
        statement=statement,
        row=order,
        number=number,
        holder=root,
        is_own=is_own,
        text_of=text_of,
        address=addresses,
        address_tag=address_tag,
        root=roots,
        root_tag=root_tag,
        service_address=service_address,
        service_address_tag=service_address_tag,
        service_root=service_root,
        service_root_tag=service_root_tag,
        service_confidence=SERVICE_CONFIDENCE,
        not_in_ledger=not_in_ledger,
        foreign=foreign,
    )


def no_attribution(view: View) -> Attribution:
    """Return the snapshot of no tags at all: nothing is named, and nothing stops."""
    return empty_attribution(view.network.name)


def empty_attribution(network: str) -> Attribution:
    """Return the snapshot of no tags of a network."""
    none = np.empty(0, np.int64)
    return Attribution(
        network=network,
        revision=revision_of(()),
        statements=(),
        documents=(),
        statement=none,
        row=none,
        number=none,
        holder=none,
        is_own=np.empty(0, np.bool_),
        text_of=lambda _row: "",
        address=none,
        address_tag=none,
        root=none,
        root_tag=none,
        service_address=none,
        service_address_tag=none,
        service_root=none,
        service_root_tag=none,
        service_confidence=SERVICE_CONFIDENCE,
        not_in_ledger=0,
        foreign=0,
    )


def tag_digest(tag: Tag) -> str:
    """Return the SHA-256 of everything that a tag says and of whom, as hexadecimal digits."""
    subject = _compact([tag.network, tag.address, tag.tx_hash])
    return hashlib.sha256(f"{subject[:-1]},{canonical_fields(tag)[1:]}".encode()).hexdigest()


def canonical_fields(said: Statement) -> str:
    """Return everything that a statement holds as a list in JSON."""
    return _compact(_fields(said))


def _compact(told: list[object]) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def revision_of(digests: Iterable[str]) -> str:
    """Return the SHA-256 over digests, whatever their order."""
    canonical = json.dumps(sorted(digests), separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _services(
    services: BoolArray, number: Int64Array, root: Int64Array, *, is_own: BoolArray
) -> tuple[Int64Array, Int64Array, Int64Array, Int64Array]:
    """Return addresses and entities of services, each with the place of its best tag."""
    places = np.arange(len(number), dtype=np.int64)
    own = services & is_own
    return (
        *_first_of_each(number[own], places[own]),
        *_first_of_each(root[services], places[services]),
    )


def _stops(statements: Sequence[Statement], least: int) -> UInt8Array:
    """Return the `Stop` of each statement, 0 where a trace goes on."""
    return np.array([service_stop(said, least) or 0 for said in statements], np.uint8)


def _ranks(statements: Sequence[Statement]) -> Int64Array:
    """Return the rank of each statement, the best first."""
    keys = [(-said.level, json.dumps(_fields(said), ensure_ascii=False)) for said in statements]
    rank = np.empty(len(keys), np.int64)
    rank[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    return rank


def _looked_up(numbers: Int64Array, places: Int64Array, wanted: Int64Array) -> Int64Array:
    """Return the place that stands beside each wanted number, -1 where it is not among them."""
    if len(numbers) == 0:
        return np.full(len(wanted), -1, np.int64)
    at = np.minimum(np.searchsorted(numbers, wanted), len(numbers) - 1)
    found: Int64Array = np.where(numbers[at] == wanted, places[at], -1)
    return found


def _first_of_each(numbers: Int64Array, places: Int64Array) -> tuple[Int64Array, Int64Array]:
    distinct, first = np.unique(numbers, return_index=True)
    return distinct, places[first]


def _fields(said: Statement) -> list[object]:
    """Return everything that a statement holds, the label and source first: they break ties."""
    told = [getattr(said, name) for name in STATEMENT_FIELDS]
    return [value.isoformat() if hasattr(value, "isoformat") else value for value in told]
