"""From what a person names to the coins at the two ends of a connection.

The origin means what it means in a trace: of an address or entity, what it received from outside,
within the time that the request allows. What it received at another time is told apart, because an
answer must not be silent about it.
The destination means every coin that was paid to it, because a payment that also spends something
of the receiver is a payment still. A category or a named service means all coins of the addresses
that sources name so, and of their entities, unless an address of such an entity is tagged as a
service of its own. Only tags that are sure enough to stop a trace count.
"""

from dataclasses import dataclass

import numpy as np

from arien_flows.attribution.ownership import roots_of
from arien_flows.attribution.snapshot import Attribution
from arien_flows.entities.constraints import SERVICE_CONFIDENCE
from arien_flows.errors import InputError, NotFoundError
from arien_flows.tracing.engine import Ground
from arien_flows.tracing.paths_request import PathRequest
from arien_flows.tracing.request import TraceRequest
from arien_flows.tracing.sources import MAX_MEMBERS, refuse_transaction, resolve_sources
from arien_flows.tracing.window import window_of
from chains.types import BoolArray, Int64Array
from heuristics.connect_search import Place
from heuristics.follow import ranges

MAX_SEEDS = 200_000
"""A search does not begin at more coins; then the other end's search does it alone."""

MAX_ENTRIES = 1_000_000
"""Nor are the coins of addresses listed that moved money more often than this together, ..."""

MAX_ROWS = 20_000_000
"""... or that were paid by transactions with more outputs than this together."""

SHOWN_CHOICES = 12

_NONE: Int64Array = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One end of the question."""

    text: str
    place: Place
    coins: Int64Array | None
    """The coins to search from, ascending; nothing where they are not listed."""

    roots: Int64Array
    """Entities that it belongs to, ascending; none for a category."""

    outside: Int64Array | None
    """Coins that it received outside the time that the request allows, ascending: the search does
    not begin at them. Nothing where they are too many to be listed."""

    def holds(self, ground: Ground, coins: Int64Array) -> BoolArray:
        """Return which coins belong to it."""
        address = ground.view.output_address[coins].astype(np.int64)
        of_root = np.isin(roots_of(ground.entities, address), self.place.root)
        of_root &= ~np.isin(address, self.place.other)
        held: BoolArray = (
            np.isin(coins, self.place.coin) | np.isin(address, self.place.address) | of_root
        )
        return held


def origin_of(ground: Ground, request: PathRequest) -> End:
    """Return the end that the money leaves.

    Raises what `resolve_sources` raises.
    """
    text = request.origin.strip()
    named = _named(ground, text)
    if named is not None:
        return named
    trace = request.as_trace
    sources = resolve_sources(ground.view, trace, ground.entities, window_of(ground.view, trace))
    return End(
        text=text,
        place=Place(sources.outputs, _NONE, _NONE, _NONE),
        coins=sources.outputs,
        roots=sources.roots,
        outside=_outside(ground, request, sources.outputs),
    )


def _outside(ground: Ground, request: PathRequest, inside: Int64Array) -> Int64Array | None:
    """Return what the origin received, but for the coins `inside` the time that is allowed."""
    if request.since is None and request.until is None:
        return _NONE
    always = TraceRequest(sources=(request.origin,))
    try:
        every = resolve_sources(
            ground.view, always, ground.entities, window_of(ground.view, always)
        )
    except InputError:  # too many, because all that it means was found before
        return None
    return np.setdiff1d(every.outputs, inside)


def destination_of(ground: Ground, request: PathRequest) -> End:
    """Return the end at which the money arrives.

    Raises
    ------
    InputError, NotFoundError
        If it means nothing in this ledger.
    """
    text = request.destination.strip()
    named = _named(ground, text)
    if named is not None:
        return named
    view, entities = ground.view, ground.entities
    kind, colon, rest = text.partition(":")
    if colon and kind != "entity":
        coin = np.array([view.find_output(text)], np.int64)
        root = roots_of(entities, view.output_address[coin].astype(np.int64))
        return _paid(text, Place(coin, _NONE, _NONE, _NONE), coin, root)
    if not colon:
        refuse_transaction(text)
    address = view.find_address(rest if colon else text)
    root = np.array([entities.root_of(address)], np.int64)
    if not colon:
        place = Place(_NONE, np.array([address], np.int64), _NONE, _NONE)
        return _paid(text, place, _paid_to(ground, place.address), root)
    members = entities.members(int(root[0])).astype(np.int64)
    coins = None if len(members) > MAX_MEMBERS else _paid_to(ground, members)
    return _paid(text, Place(_NONE, _NONE, root, _NONE), coins, root)


def _paid(text: str, place: Place, coins: Int64Array | None, roots: Int64Array) -> End:
    """Return a destination: every coin of it counts, whenever it was paid."""
    return End(text=text, place=place, coins=coins, roots=roots, outside=_NONE)


def _paid_to(ground: Ground, addresses: Int64Array) -> Int64Array | None:
    """Return the coins paid to addresses, ascending; nothing if there are too many to list.

    No more is read than `MAX_ENTRIES` and `MAX_ROWS` allow: no budget counts this work.
    """
    view = ground.view
    entries = 0
    for address in addresses.tolist():
        entries += view.totals(address).transaction_count
        if entries > MAX_ENTRIES:
            return None
    histories = [view.history(int(address)) for address in addresses]
    paying = np.concatenate([h.transaction[h.received_sat > 0] for h in histories])
    paying = np.unique(paying.astype(np.int64))
    first, past = view.first_output[paying], view.first_output[paying + 1]
    if len(paying) > MAX_SEEDS or int((past - first).sum()) > MAX_ROWS:
        return None
    outputs = ranges(first, past)
    outputs = outputs[np.isin(view.output_address[outputs], addresses)]
    return outputs[view.output_value[outputs] > 0]


def _named(ground: Ground, text: str) -> End | None:
    """Return all that a category or a service's name means; nothing where it is neither."""
    place = named_place(ground.attribution, text)
    if place is None:
        return None
    return End(text=text, place=place, coins=None, roots=_NONE, outside=_NONE)


def named_place(said: Attribution, text: str) -> Place | None:
    """Return where `category:` or `service:` leads; nothing for a text of another kind.

    `NotFoundError` where no source uses the name, or only of addresses that are not here.
    """
    kind, colon, name = text.partition(":")
    name = name.strip()
    if not colon or kind not in ("category", "service"):
        return None
    meant = np.array(
        [
            each.level >= SERVICE_CONFIDENCE
            and (name in each.concepts if kind == "category" else name == each.label)
            for each in said.statements
        ],
        np.bool_,
    )
    if not meant.any():
        raise NotFoundError(f"no tag names a {kind} {name!r} here: {_choices(said, kind)}")
    address = _meant(said, meant, said.address, said.address_tag)
    service = _meant(said, meant, said.service_address, said.service_address_tag)
    address = np.union1d(address, service)
    root = np.union1d(
        _meant(said, meant, said.root, said.root_tag),
        _meant(said, meant, said.service_root, said.service_root_tag),
    )
    if not len(address) and not len(root):
        raise NotFoundError(f"no address of {text} is in this ledger")
    return Place(_NONE, address, root, np.setdiff1d(said.service_address, address))


def _meant(
    said: Attribution, meant: BoolArray, numbers: Int64Array, places: Int64Array
) -> Int64Array:
    return numbers[meant[said.statement[places]]]


def _choices(said: Attribution, kind: str) -> str:
    """Name what could have been meant."""
    sure = [each for each in said.statements if each.level >= SERVICE_CONFIDENCE]
    if kind == "service":
        names = sorted({each.label for each in sure})
    else:
        names = sorted({concept for each in sure for concept in each.concepts})
    if not names:
        return "the casebook holds no tags of this network that are sure enough"
    more = f" and {len(names) - SHOWN_CHOICES:,} more" if len(names) > SHOWN_CHOICES else ""
    return f"there are {', '.join(names[:SHOWN_CHOICES])}{more}"
