"""Whether captures of one listing contradict each other.

Mirrors that put the thief's address in the place of the vendor's, or beside it, are common: the
same listing then names one address here and another there, and nobody can tell which is the
vendor's. So what one host shows and another does not is in doubt, on all pages of that market. A
vendor who changes his address on the same host is no contradiction but a newer version.

A page that names nobody to pay says nothing against a mirror that does unless both are of one
account: it may be the market's login page. Files of which only a name is known are captures of one
page only if they are of one account: half of all saved sites have an `index.html`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations

from arien_flows.casebook.capture_reading import Listed, Payee
from arien_flows.casebook.capture_records import Capture
from arien_flows.intake.listing_names import host_of, is_named_by_path
from arien_flows.intake.order import Conflict

SAME_TIME = timedelta(days=1)
"""Captures of unknown hosts that lie so near to each other show one state of the listing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What one capture shows."""

    seen: Listed
    host: str | None
    addresses: frozenset[str]


def conflicts_among(paid: Iterable[Payee], seen: Iterable[Listed]) -> list[Conflict]:
    """Return the listings whose captures name different addresses, each network by itself.

    `seen` are all captures of the listings, those too that name nobody to pay.
    """
    named: dict[tuple[str, str], dict[int, set[str]]] = {}
    for payee in paid:
        addresses = named.setdefault((payee.listing, payee.network), {})
        addresses.setdefault(payee.capture, set()).add(payee.address)
    captures: dict[str, list[Listed]] = {}
    for each in seen:
        captures.setdefault(each.listing, []).append(each)
    found = []
    for (listing, network), addresses in sorted(named.items()):
        states = [
            _State(
                seen=each,
                host=host_of(each.url),
                addresses=frozenset(addresses.get(each.capture, ())),
            )
            for each in captures.get(listing, ())
        ]
        conflict = _conflict(listing, network, states)
        if conflict is not None:
            found.append(conflict)
    return found


def contradicted(conflicts: Sequence[Conflict]) -> Mapping[str, frozenset[str]]:
    """Return the addresses that are in conflict, by where they are (`scope`)."""
    found: dict[str, frozenset[str]] = {}
    for each in conflicts:
        found[each.scope] = found.get(each.scope, frozenset()) | set(each.addresses)
    return found


def scope(capture: Capture | Listed) -> str:
    """Return how far a contradiction reaches: the market, or the listing where it is of none.

    A mirror that replaced an address on one page is not to be believed about it on the next.
    """
    return f"market {capture.site}" if capture.market else f"listing {capture.listing}"


def _conflict(listing: str, network: str, states: Sequence[_State]) -> Conflict | None:
    doubted: set[str] = set()
    sources: set[str] = set()
    for one, other in combinations(states, 2):
        differing = _differing(one, other)
        if differing:
            doubted |= differing
            sources |= {_source(one), _source(other)}
    if not doubted:
        return None
    return Conflict(
        listing=listing,
        scope=scope(states[0].seen),
        network=network,
        addresses=tuple(sorted(doubted)),
        sources=tuple(sorted(sources)),
    )


def _differing(one: _State, other: _State) -> frozenset[str]:
    """Return the addresses that only one of two captures names, if both should name the same."""
    mine, theirs = one.addresses, other.addresses
    if mine == theirs:
        return frozenset()
    is_one_account = one.seen.account is not None and one.seen.account == other.seen.account
    is_silent = not mine or not theirs
    if one.host is not None and other.host is not None and one.host != other.host:
        return frozenset() if is_silent and not is_one_account else mine ^ theirs
    if is_named_by_path(one.seen.listing, one.seen.market) and not is_one_account:
        return frozenset()
    is_same_time = abs(one.seen.captured_at - other.seen.captured_at) <= SAME_TIME
    if is_silent or mine <= theirs or theirs <= mine or not is_same_time:
        return frozenset()
    return mine ^ theirs


def _source(state: _State) -> str:
    return state.host if state.host is not None else _shown(state.seen.captured_at)


def _shown(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
