"""Entities: the addresses that rules join, and what they did together.

An entity is an inference. It is named by its first-seen address, it is true up to the last block
of the clustering that made it (which may lie before the ledger's last block), and it carries the
versions of the rules that it rests on.
"""

import base64
import binascii
from dataclasses import dataclass

import numpy as np

from arien_flows.amounts import asset_of
from arien_flows.answers.conflicts import ConflictAnswer, conflict_cuts, first_conflicts
from arien_flows.answers.facts import named
from arien_flows.answers.rates import error_rates
from arien_flows.answers.tags import MAX_TAGS, TagAnswer, tag_answers, tag_cuts
from arien_flows.entities.clustering import Clustering, cluster_command
from arien_flows.entities.review import conflicts_about
from arien_flows.errors import InputError, NotFoundError, StaleCursorError
from arien_flows.ledger.state import as_of
from arien_flows.ledger.view import View
from arien_flows.shapes import Certainty, ChainAnswer, Shape, Truncation
from arien_flows.workspace import Reading
from chains.types import UInt32Array


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityName(Shape):
    """The entity that an address belongs to."""

    id: str
    """Its first-seen address."""

    profile: str
    """The set of rules that made it."""

    address_count: int
    """Addresses that it joins, this one counted."""

    certainty: Certainty
    """Always `inference`."""

    clustering: str
    """Names the run that made it: rules, versions and last block."""

    height: int
    """The last block that the run knew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressPage(Shape):
    """A page of addresses."""

    items: tuple[str, ...]
    """Addresses in the order of first appearance."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityAnswer(ChainAnswer):
    """An entity with a page of its addresses."""

    network: str
    """Name of the network."""

    id: str
    """Its first-seen address."""

    profile: str
    """The set of rules that made it."""

    certainty: Certainty
    """Always `inference`: rules say that one owner controls these addresses."""

    clustering: str
    """Names the run that made it: rules, versions and last block."""

    rules: dict[str, int]
    """The rules of the run, with their versions."""

    error_rates: dict[str, str]
    """By rule: how often it was wrong, and among what; or `not measured`."""

    merges: dict[str, int]
    """The rules that joined its addresses, with how many merges each made."""

    conflict_count: int
    """Merges with this entity that something spoke against, those listed for review counted."""

    conflicts: tuple[ConflictAnswer, ...]
    """The first of them, in the order in which they came up."""

    height: int
    """The last block that the run knew; what came later is not in these numbers."""

    address_count: int
    """Addresses that it joins."""

    addresses: AddressPage
    """The addresses of this page."""

    transaction_count: int
    """Transactions that touch any of its addresses."""

    received: str
    """Sum of all outputs paid to its addresses, payments to itself and change included."""

    sent: str
    """Sum of all outputs of its addresses that were spent."""

    received_net: str
    """Sum, over transactions, of what each one added to the entity's holdings."""

    sent_net: str
    """Sum, over transactions, of what each one took from them, fees included."""

    balance: str
    """What it held at the run's last block."""

    asset: str
    """What the amounts count."""

    decimals: int
    """Digits after the point when base units are shown as whole coins."""

    tags: tuple[TagAnswer, ...]
    """What sources say of its addresses."""


EXPLORATION = (
    Truncation(
        where="profile",
        reason="exploration",
        detail="this profile guesses much: use it to explore, never for a report",
    ),
)
"""Stands in every answer from a profile that guesses."""


def clustering_of(reading: Reading) -> Clustering:
    """Return the clustering; `NotFoundError` with the remedy where there is none."""
    if reading.clustering is None:
        raise NotFoundError(reading.clustering_gap)
    return reading.clustering


def entity_name(view: View, clustering: Clustering, address: int) -> EntityName:
    """Return the entity of an address number."""
    root = clustering.root_of(address)
    return EntityName(
        id=named(view, root),
        profile=clustering.profile,
        address_count=clustering.size(root),
        certainty="inference",
        clustering=clustering.identity,
        height=clustering.manifest.height,
    )


def entity_answer(
    reading: Reading, text: str, *, limit: int, cursor: str | None = None
) -> EntityAnswer:
    """Return the entity of an address, with the addresses after the one that `cursor` names."""
    clustering, view = clustering_of(reading), reading.view
    root = clustering.root_of(view.find_address(text))
    members = clustering.members(root)
    start = 0 if cursor is None else _position(view, members, read_cursor(cursor)) + 1
    shown = [named(view, member) for member in members[start : start + limit].tolist()]
    more = start + limit < len(members)
    totals = clustering.totals(view, root)
    asset = asset_of(view.network.name)
    tags = reading.tags.tags_of(root, MAX_TAGS)
    conflicts = conflicts_about(clustering, root).tolist()
    cuts = (
        *lag(view, clustering),
        *tags_changed(reading),
        *conflict_cuts(len(conflicts), clustering.profile),
        *tag_cuts(reading, tags),
        *reading.limits,
    )
    return EntityAnswer(
        as_of=as_of(view),
        complete=not cuts,
        truncations=cuts,
        network=view.network.name,
        id=named(view, root),
        profile=clustering.profile,
        certainty="inference",
        clustering=clustering.identity,
        rules=dict(clustering.manifest.rules),
        error_rates=error_rates(clustering.manifest.rules, clustering.manifest.parameters),
        merges=clustering.merges_by_rule(root),
        conflict_count=len(conflicts),
        conflicts=first_conflicts(view, clustering, conflicts),
        height=clustering.manifest.height,
        address_count=totals.address_count,
        addresses=AddressPage(
            items=tuple(shown),
            next_cursor=make_cursor(shown[-1]) if more and shown else None,
        ),
        transaction_count=totals.transaction_count,
        received=str(totals.received_sat),
        sent=str(totals.sent_sat),
        received_net=str(totals.received_net_sat),
        sent_net=str(totals.sent_net_sat),
        balance=str(totals.balance_sat),
        asset=asset.name,
        decimals=asset.decimals,
        tags=tag_answers(tags.shown),
    )


def lag(view: View, clustering: Clustering, where: str = "entity") -> tuple[Truncation, ...]:
    """Say what any answer from a clustering leaves open: late blocks, and guesses."""
    guesses = EXPLORATION if clustering.for_exploration else ()
    height = clustering.manifest.height
    if height == view.tip.height:
        return guesses
    return (
        *guesses,
        Truncation(
            where=where,
            reason="clustering_behind",
            limit=height,
            detail=f"the clustering ends at block {height}: "
            f"`{cluster_command(clustering.profile)}` brings it up to date",
        ),
    )


def tags_changed(reading: Reading, where: str = "entity") -> tuple[Truncation, ...]:
    """Say so where the clustering does not know what tags say of owners by now."""
    if not reading.owners_changed:
        return ()
    return (
        Truncation(
            where=where,
            reason="tags_changed",
            detail="tags that keep owners apart were added or withdrawn since the clustering was "
            f"made: `{cluster_command(clustering_of(reading).profile)}` takes them in",
        ),
    )


def _position(view: View, members: UInt32Array, text: str) -> int:
    try:
        number = view.find_address(text)
    except NotFoundError as error:
        raise StaleCursorError(
            f"the cursor names address {text}, which a reorganisation removed: "
            "start again without a cursor"
        ) from error
    # Of the members' own type: for any other one, NumPy would convert all of them first.
    position = int(np.searchsorted(members, np.uint32(number)))
    if position == len(members) or int(members[position]) != number:
        raise StaleCursorError(
            "the address that the cursor names is not in this entity (any more): "
            "start again without a cursor"
        )
    return position


def make_cursor(text: str) -> str:
    """Return the cursor of the page after an address."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> str:
    """Return the address that a cursor names; `InputError` for a damaged one."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InputError(
            "the cursor is damaged: give it back exactly as the last page had it"
        ) from error
