"""The neighbours of an address or an entity: who paid it, or whom it paid, in sum.

A page ends with a cursor that names the block which the list is true for. The next page is of that
same state of the chain, whatever was added to the ledger meanwhile; where a reorganisation removed
the block, or the entities were made anew, the cursor is stale and the answer says so.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from arien_flows.account_workspace import AccountReading, OpenAccounts
from arien_flows.amounts import asset_of
from arien_flows.answers.account_clustering import clustering_of_accounts
from arien_flows.answers.account_entities import account_cuts, account_entity
from arien_flows.answers.account_facts import Shapes, account_sighting
from arien_flows.answers.address import no_entities
from arien_flows.answers.entity import EntityName, clustering_of, entity_name, lag, tags_changed
from arien_flows.answers.facts import Sighting, named, sighting
from arien_flows.answers.tags import TagAnswer, tag_answers
from arien_flows.errors import InputError, StaleCursorError
from arien_flows.ledger.state import as_of
from arien_flows.passages.asset_choice import chosen_asset
from arien_flows.relations import accounts, coins
from arien_flows.relations.accounts import account_relations
from arien_flows.relations.coins import Subject, coin_relations
from arien_flows.relations.found import Direction, Relations, Rest
from arien_flows.shapes import AsOf, Certainty, ChainAnswer, Shape, Truncation
from arien_flows.tag_book import FoundTags
from arien_flows.workspace import OpenNetwork, Reading
from chains.types import Int64Array

Level = Literal["address", "entity"]
"""What neighbours are: addresses, or the entities that rules join them to."""

MAX_TAGS = 5
"""Tags shown of one neighbour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighboursRequest:
    """What is asked."""

    address: str
    of_entity: bool
    """Whether the whole entity of the address is meant."""

    direction: Direction
    level: Level
    asset: str | None = None
    """Of a chain of accounts: the coin (by default), a listed symbol, or a token's contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour(Shape):
    """What moved between the subject and one neighbour."""

    address: str
    """The neighbour: an address, or the first-seen address of an entity."""

    value: str
    """What moved between both, in base units."""

    transaction_count: int
    """Transactions in which something moved between both."""

    first: Sighting
    """The first of them."""

    last: Sighting
    """The last one."""

    certainty: Certainty
    """`fact` where nothing had to be divided or joined; else `inference`, by the rule in `rule`."""

    entity: EntityName | None
    """The entity that rules put the neighbour into; nothing where no clustering was made."""

    tags: tuple[TagAnswer, ...]
    """What sources say of it, the best first. None is not clean."""

    tags_left_out: int
    """Tags that are not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighboursAnswer(ChainAnswer):
    """A page of the neighbours of an address or an entity, those of the largest value first."""

    network: str
    """Name of the network."""

    address: str
    """The address that was asked about; of an entity its first-seen one."""

    of_entity: bool
    """Whether the neighbours are those of the whole entity."""

    address_count: int
    """Addresses whose neighbours they are."""

    direction: Direction
    """`in`: who paid it; `out`: whom it paid."""

    level: Level
    """What neighbours are. An entity's other addresses are neighbours of a single address."""

    rule: str
    """How values were found, with the rule's version: `proportional/1` divides transactions of
    several payers by what each put in, rounded down; `transfers/1` divides nothing."""

    certainty: Certainty
    """The weakest certainty of all relations and of `rest`, other pages counted."""

    asset: str
    """What the amounts count."""

    contract: str | None
    """Contract of a token; nothing for the coin."""

    decimals: int | None
    """Digits after the point when base units are shown as whole coins, as far as that is known."""

    total: str
    """What the subject paid, or received, in the transactions that were looked at. It is the sum
    of all neighbours' values and of `rest`, to the unit."""

    rest: dict[str, str]
    """What belongs to no neighbour, by reason: `own` (to or from the subject itself), `fees`,
    `newly_mined`, `destroyed`, `coinjoin` (of its shares nothing can be said) and `rounding`."""

    looked_at: int
    """Transactions that were looked at."""

    neighbour_count: int
    """All neighbours, those of other pages counted."""

    items: tuple[Neighbour, ...]
    """The neighbours of this page; of one value, in the order of first appearance on the chain."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


def neighbours_answer(
    network: OpenNetwork | OpenAccounts,
    request: NeighboursRequest,
    profile: str,
    *,
    limit: int,
    cursor: str | None = None,
) -> NeighboursAnswer:
    """Return a page of neighbours after the place that `cursor` names.

    `NotFoundError` for an unused address and where entities are asked for and none were made,
    `InputError` for what is no address, or a cursor of another list.
    """
    place = None if cursor is None else read_cursor(cursor)
    height = None if place is None else place.height
    try:
        if isinstance(network, OpenAccounts):
            return network.ask(
                lambda reading: _page(_on_accounts(reading, request), request, limit, place),
                profile,
                height,
            )
        return network.ask(
            lambda reading: _page(_on_coins(reading, request), request, limit, place),
            profile,
            height,
            clusters_anew=False,
        )
    except InputError as error:
        if height is None or isinstance(error, StaleCursorError) or "block" not in str(error):
            raise
        raise StaleCursorError(
            "the state of the chain that the cursor names can no longer be shown: start again "
            "without a cursor"
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """The relations of a subject, and how a page of them is told."""

    relations: Relations
    as_of: AsOf
    address: str
    address_count: int
    identity: str
    """Names the entities that the relations rest on; empty where none do."""

    rule: str
    asset: str
    contract: str | None
    decimals: int | None
    cuts: tuple[Truncation, ...]
    text: Callable[[int], str]
    sighting: Callable[[int], Sighting]
    entity: Callable[[int], EntityName | None]
    tags: Callable[[list[int]], list[FoundTags]]


def _on_coins(reading: Reading, request: NeighboursRequest) -> _Found:
    if request.asset is not None:
        raise InputError("asset is for chains of accounts: leave it out")
    view = reading.view
    number = view.find_address(request.address)
    clustering = reading.clustering
    if request.of_entity or request.level == "entity":
        clustering = clustering_of(reading)
    members = np.array([number], np.int64)
    if request.of_entity and clustering is not None:
        members = clustering.members(clustering.root_of(number)).astype(np.int64)
    entities = clustering if request.level == "entity" else None
    relations = coin_relations(
        view,
        Subject(members=members),
        request.direction,
        entities=entities,
        coinjoins=reading.coinjoin_marks,
    )
    open_ends = (
        (*lag(view, clustering, "neighbours"), *tags_changed(reading, "neighbours"))
        if clustering is not None
        else (no_entities(reading, "neighbours"),)
    )
    asset = asset_of(view.network.name)
    return _Found(
        relations=relations,
        as_of=as_of(view),
        address=named(view, int(members[0])),
        address_count=len(members),
        identity="" if clustering is None else clustering.identity,
        rule=f"{coins.RULE}/{coins.VERSION}",
        asset=asset.name,
        contract=None,
        decimals=asset.decimals,
        cuts=(*relations.truncations, *open_ends, *reading.limits),
        text=lambda number: named(view, number),
        sighting=lambda transaction: sighting(view, transaction),
        entity=lambda number: entity_name(view, clustering, number) if clustering else None,
        tags=lambda numbers: reading.tags.tags_of_each(numbers, MAX_TAGS),
    )


def _on_accounts(reading: AccountReading, request: NeighboursRequest) -> _Found:
    view, clustering = reading.view, reading.clustering
    number = view.find_account(request.address)
    if request.of_entity or request.level == "entity":
        clustering = clustering_of_accounts(reading)
    members: Int64Array = np.array([number], np.int64)
    if request.of_entity and clustering is not None:
        members = clustering.members(clustering.root_of(number)).astype(np.int64)
    asset = chosen_asset(view, request.asset or view.network.coin)
    relations = account_relations(
        view,
        members,
        asset,
        request.direction,
        entities=clustering if request.level == "entity" else None,
    )
    shape = Shapes(view).of(asset)
    return _Found(
        relations=relations,
        as_of=view.as_of(),
        address=view.account_text(int(members[0])),
        address_count=len(members),
        identity="" if clustering is None else clustering.identity,
        rule=f"{accounts.RULE}/{accounts.VERSION}",
        asset=shape.name,
        contract=shape.contract,
        decimals=shape.decimals,
        cuts=(*relations.truncations, *account_cuts(reading, "neighbours"), *reading.limits),
        text=view.account_text,
        sighting=lambda transaction: account_sighting(view, transaction),
        entity=lambda number: account_entity(reading, number),
        tags=lambda numbers: [reading.tags.tags_of(each, MAX_TAGS) for each in numbers],
    )


def _page(
    found: _Found, request: NeighboursRequest, limit: int, place: "_Place | None"
) -> NeighboursAnswer:
    relations = found.relations
    here = _Place(
        height=found.as_of.height,
        block=found.as_of.block_hash.removeprefix("0x")[-_DIGITS:],
        question=_digest(found, request),
        start=0,
    )
    start = 0 if place is None else _start(place, here)
    stop = min(start + limit, len(relations.holders))
    by_rule = request.level == "entity" or request.of_entity
    is_certain = all(relations.facts) and not relations.rest.get(Rest.COINJOIN) and not by_rule
    return NeighboursAnswer(
        as_of=found.as_of,
        complete=not found.cuts,
        truncations=found.cuts,
        network=found.as_of.network,
        address=found.address,
        of_entity=request.of_entity,
        address_count=found.address_count,
        direction=request.direction,
        level=request.level,
        rule=found.rule,
        certainty="fact" if is_certain else "inference",
        asset=found.asset,
        contract=found.contract,
        decimals=found.decimals,
        total=str(relations.total),
        rest={reason.value: str(relations.rest.get(reason, 0)) for reason in Rest},
        looked_at=relations.looked_at,
        neighbour_count=len(relations.holders),
        items=_items(found, by_rule, start, stop),
        next_cursor=(
            _text_of(replace(here, start=stop)) if stop < len(relations.holders) else None
        ),
    )


def _items(found: _Found, by_rule: bool, start: int, stop: int) -> tuple[Neighbour, ...]:
    relations = found.relations
    tags = found.tags(list(relations.holders[start:stop]))
    return tuple(
        Neighbour(
            address=found.text(relations.holders[row]),
            value=str(relations.values[row]),
            transaction_count=relations.transactions[row],
            first=found.sighting(relations.first[row]),
            last=found.sighting(relations.last[row]),
            certainty="fact" if relations.facts[row] and not by_rule else "inference",
            entity=found.entity(relations.holders[row]),
            tags=tag_answers(said.shown),
            tags_left_out=said.left_out,
        )
        for row, said in zip(range(start, stop), tags, strict=True)
    )


_DIGITS = 16
_CURSOR = re.compile(rf"([0-9]{{1,9}})\.([0-9a-f]{{{_DIGITS}}})\.([0-9a-f]{{16}})\.([0-9]{{1,9}})")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A place in a list of neighbours."""

    height: int
    block: str
    """The last digits of the block's hash."""

    question: str
    start: int


def _digest(found: _Found, request: NeighboursRequest) -> str:
    """Return what two questions share only if their lists are one."""
    parts = (found.address, str(request.of_entity), request.direction, request.level)
    told = "\0".join((*parts, found.asset, found.contract or "", found.identity))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _text_of(place: _Place) -> str:
    told = f"{place.height}.{place.block}.{place.question}.{place.start}"
    return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> _Place:
    """Return the place that a cursor names; `InputError` for a damaged one."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        told = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        told = ""
    found = _CURSOR.fullmatch(told)
    if found is None:
        raise InputError("the cursor is damaged: give it back exactly as the last page had it")
    height, block, question, start = found.groups()
    return _Place(height=int(height), block=block, question=question, start=int(start))


def _start(place: _Place, here: _Place) -> int:
    if place.block != here.block:
        raise StaleCursorError(
            "a reorganisation removed the block that the cursor names: start again without a cursor"
        )
    if place.question != here.question:
        raise StaleCursorError(
            "the cursor belongs to another list, or entities were made anew since: start again "
            "without a cursor"
        )
    return place.start
