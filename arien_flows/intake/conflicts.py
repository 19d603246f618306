"""Whether captures of one listing contradict each other.

Mirrors that replace a vendor's address by the thief's are common: the same listing then names one
address here and another there, and nobody can tell which is the vendor's. A vendor who changes his
address on the same host is no contradiction but a newer version.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from arien_flows.casebook.capture_reading import Payee
from arien_flows.intake.listing_names import host_of
from arien_flows.intake.order import Conflict

SAME_TIME = timedelta(days=1)
"""Captures of unknown hosts that lie so near to each other show one state of the listing."""


def conflicts_among(paid: Iterable[Payee]) -> list[Conflict]:
    """Return the listings whose captures name different addresses, each network by itself."""
    grouped: dict[tuple[str, str], dict[int, list[Payee]]] = {}
    for each in paid:
        grouped.setdefault((each.listing, each.network), {}).setdefault(each.capture, []).append(
            each
        )
    return [
        Conflict(
            listing=listing,
            network=network,
            addresses=tuple(sorted({each.address for group in found for each in group})),
            sources=tuple(sorted({_source(group[0]) for group in found})),
        )
        for (listing, network), captures in sorted(grouped.items())
        if (found := _contradicting(list(captures.values())))
    ]


def contradicted(conflicts: Sequence[Conflict]) -> Mapping[str, frozenset[str]]:
    """Return the addresses that are in conflict, by listing."""
    found: dict[str, frozenset[str]] = {}
    for each in conflicts:
        found[each.listing] = found.get(each.listing, frozenset()) | set(each.addresses)
    return found


def _contradicting(groups: list[list[Payee]]) -> list[list[Payee]]:
    """Return the captures that contradict another one."""
    found: list[list[Payee]] = []
    for group in groups:
        mine = {each.address for each in group}
        for other in groups:
            theirs = {each.address for each in other}
            is_same = mine <= theirs or theirs <= mine
            if not is_same and _is_comparable(group[0], other[0]):
                found.append(group)
                break
    return found


def _is_comparable(one: Payee, other: Payee) -> bool:
    """Tell whether two captures should show the same, and not an earlier and a later state."""
    hosts = host_of(one.url), host_of(other.url)
    if hosts[0] is not None and hosts[1] is not None and hosts[0] != hosts[1]:
        return True
    return abs(one.captured_at - other.captured_at) <= SAME_TIME


def _source(payee: Payee) -> str:
    host = host_of(payee.url)
    return host if host is not None else _shown(payee.captured_at)


def _shown(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
