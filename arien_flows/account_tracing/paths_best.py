"""The best connections that legs make, and the most that each can have carried.

A connection is a row of balances, each joined to the next by a leg. Money has to arrive before it
can go on, so what a connection can have carried is less than its smallest leg. It is found by
letting all movements of its legs happen in order, each passing on as much as is there: on a row of
balances that is the maximum. Through a conversion it is scaled by what was got for what was given,
rounded down.

No longer connection carries more than its beginning, so a search that always goes on from the best
beginning meets the connections in order of what they carry. Carried amounts of different assets
are compared as shares of what the origin gave of each.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from arien_flows.account_tracing.ground import Pot
from arien_flows.account_tracing.paths_search import Legs, Step

MOST_BEGINNINGS = 50_000
"""Beginnings of connections that are looked at."""

_SHARES = 10**18

_Arrivals = tuple[tuple[int, int, int], ...]
"""Order, amount, and the part of the origin's amount that it stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A row of balances, from the origin's to the destination's."""

    pots: tuple[Pot, ...]
    hops: int
    """Transfers."""

    carried: int
    """Most that can have arrived this way, in base units of the last asset."""

    from_origin: int
    """What of the origin's first asset that stands for."""

    passed: tuple[int, ...]
    """Most that can have come over each leg on this way, in units of what the leg brings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The first connections in the order asked for."""

    connections: tuple[Connection, ...]
    more: bool
    """Whether there are others."""

    cut: bool
    """Whether the search ended before it had as many as were asked for."""


@dataclass(frozen=True, slots=True)
class _Beginning:
    pots: tuple[Pot, ...]
    hops: int
    arrivals: _Arrivals


def best_connections(
    legs: Legs,
    is_origin: Callable[[int], bool],
    is_destination: Callable[[int], bool],
    *,
    by_value: bool,
    limit: int,
    max_hops: int,
    least: int,
) -> Best:
    """Return the `limit` best connections; ties go to fewer transfers, then to chain order.

    `least` is the smallest part of the origin's amount that a connection has to carry.
    """
    left = _hops_left(legs, is_destination)
    given = _given(legs, is_origin)
    heap: list[tuple[tuple[int, ...], tuple[Pot, ...], _Beginning]] = []

    def push(beginning: _Beginning) -> None:
        last = beginning.pots[-1]
        total = sum(it[2] for it in beginning.arrivals)
        if total < max(least, 1) or not sum(it[1] for it in beginning.arrivals):
            return
        share = total * _SHARES // given[beginning.pots[0][1]]
        hops = beginning.hops + left[last]
        key = (-share, hops) if by_value else (hops, -share)
        heapq.heappush(heap, (key, beginning.pots, beginning))

    def leads(pot: Pot, hops: int) -> bool:
        return pot in left and hops + left[pot] <= max_hops

    for giver, following in legs.by_giver.items():
        if not is_origin(giver[0]):
            continue
        for receiver, steps in following.items():
            if leads(receiver, 1) and not is_origin(receiver[0]):
                arrivals = tuple((it.order, it.got, it.gave) for it in steps)
                push(_Beginning((giver, receiver), 1, arrivals))
    found: list[Connection] = []
    looked_at = 0
    while heap and looked_at < MOST_BEGINNINGS:
        beginning = heapq.heappop(heap)[2]
        if is_destination(beginning.pots[-1][0]):
            if len(found) == limit:
                return Best(connections=tuple(found), more=True, cut=False)
            found.append(_connection(legs, beginning))
            continue
        if beginning.pots[-1] in legs.barred:
            continue
        looked_at += 1
        for longer in _extended(legs, beginning, is_origin, leads):
            push(longer)
    return Best(connections=tuple(found), more=bool(heap), cut=bool(heap))


def _extended(
    legs: Legs,
    beginning: _Beginning,
    is_origin: Callable[[int], bool],
    leads: Callable[[Pot, int], bool],
) -> Iterator[_Beginning]:
    """Yield a beginning with one more leg; no account is come to twice, and no balance.

    What `leads` nowhere is not followed: to most that a hub pays, there is no way on.
    """
    last = beginning.pots[-1]
    visited = {account for account, _ in beginning.pots}
    for receiver, steps in legs.by_giver.get(last, {}).items():
        turns = receiver[0] == last[0]
        hops = beginning.hops + (not turns)
        if not leads(receiver, hops) or receiver in beginning.pots or is_origin(receiver[0]):
            continue
        if not turns and receiver[0] in visited:
            continue
        arrivals = passed_on(beginning.arrivals, steps)
        yield _Beginning((*beginning.pots, receiver), hops, arrivals)


def passed_on(arrivals: _Arrivals, steps: list[Step]) -> _Arrivals:
    """Return what the steps of a leg pass on of what arrived before each."""
    held, stands_for, place = 0, 0, 0
    passed = []
    for step in steps:
        while place < len(arrivals) and arrivals[place][0] < step.order:
            held += arrivals[place][1]
            stands_for += arrivals[place][2]
            place += 1
        moved = min(held, step.gave)
        if moved:
            part = stands_for * moved // held
            passed.append((step.order, moved * step.got // step.gave, part))
            held -= moved
            stands_for -= part
    return tuple(passed)


def _connection(legs: Legs, beginning: _Beginning) -> Connection:
    arrivals: _Arrivals = ()
    passed = []
    for place, (giver, receiver) in enumerate(pairwise(beginning.pots)):
        steps = legs.by_giver[giver][receiver]
        if place:
            arrivals = passed_on(arrivals, steps)
        else:
            arrivals = tuple((it.order, it.got, it.gave) for it in steps)
        passed.append(sum(it[1] for it in arrivals))
    return Connection(
        pots=beginning.pots,
        hops=beginning.hops,
        carried=passed[-1],
        from_origin=sum(it[2] for it in arrivals),
        passed=tuple(passed),
    )


def _given(legs: Legs, is_origin: Callable[[int], bool]) -> dict[int, int]:
    """Return what the origin gave to others on all legs, by asset."""
    given: dict[int, int] = {}
    for (account, asset), following in legs.by_giver.items():
        if is_origin(account):
            paid = (steps for to, steps in following.items() if not is_origin(to[0]))
            given[asset] = given.get(asset, 0) + sum(it.gave for steps in paid for it in steps)
    return given


def _hops_left(legs: Legs, is_destination: Callable[[int], bool]) -> dict[Pot, int]:
    """Return the fewest transfers from each balance to the destination, in whatever order."""
    givers: dict[Pot, list[Pot]] = {}
    for giver, following in legs.by_giver.items():
        for receiver in following:
            givers.setdefault(receiver, []).append(giver)
    left = {pot: 0 for pot in givers if is_destination(pot[0])}
    level = sorted(left)
    while level:
        following_level: list[Pot] = []
        while level:
            pot = level.pop()
            for giver in givers.get(pot, ()):
                turns = giver[0] == pot[0]
                hops = left[pot] + (not turns)
                if giver in left and left[giver] <= hops:
                    continue
                left[giver] = hops
                (level if turns else following_level).append(giver)
        level = following_level
    return left
