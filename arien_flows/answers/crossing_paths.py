"""Connections from an end on one chain to an end on another, over a bridge.

A way across has three parts: from the origin to whoever sent the money into a bridge, the crossing,
and from whoever was paid on the other side to the destination. The first part has to arrive before
the bridge was paid, the last begins when it paid out. Crossings come from `passages.bridges`: those
by identifier first, then candidates by amount and time, which say how sure they can be.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from arien_flows.account_tracing.paths import find_account_paths
from arien_flows.account_tracing.paths_answer import AccountConnection
from arien_flows.account_tracing.paths_ends import AccountEnd, end_of
from arien_flows.account_tracing.paths_request import AccountPathRequest
from arien_flows.account_workspace import AccountReading
from arien_flows.amounts import counted
from arien_flows.answers.account_paths import path_ground
from arien_flows.answers.paths import connected
from arien_flows.ledger.state import as_of
from arien_flows.passages.bridges import (
    Crossing,
    Port,
    Ports,
    account_ports,
    candidate_crossings,
    coin_ports,
    crossings,
)
from arien_flows.shapes import AsOf, Certainty, ChainAnswer, Shape, Truncation
from arien_flows.tracing.paths_answer import PathShape
from arien_flows.tracing.paths_request import PathRequest
from arien_flows.tracing.texts import moment
from arien_flows.workspace import Reading
from heuristics.bridge_match import WINDOW_SECONDS
from heuristics.taint import Stop

MOST_CROSSINGS = 50
"""Crossings whose two sides are searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way(Shape):
    """A part of a way across, inside one chain."""

    hops: int
    """Transfers, on Bitcoin transactions; 0 where the end itself used the bridge."""

    accounts: AccountConnection | None
    """The best connection between accounts."""

    coins: PathShape | None
    """The best connection of coins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossedBridge(Shape):
    """Money that left one chain and arrived on another."""

    departure_network: str
    departure_txid: str
    """The transaction that paid into the bridge."""

    departure_party: str | None
    """Who sent it."""

    arrival_network: str
    arrival_txid: str
    """The transaction that paid out."""

    arrival_party: str | None
    """Who was paid."""

    rule: str
    """`bridge-identifier` or `bridge-candidate`."""

    candidates: int
    """How many fit as well, this one among them."""

    percent: int | None
    """Of a candidate, how sure it can be at most; nothing for identifiers, whose rate of error is
    not measured."""

    certainty: Certainty = "inference"


@dataclass(frozen=True, slots=True, kw_only=True)
class WayAcross(Shape):
    """One way from the origin to the destination."""

    before: Way
    """To the bridge."""

    bridge: CrossedBridge
    after: Way
    """From the bridge."""

    certainty: Certainty = "inference"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossingPathAnswer(ChainAnswer):
    """Ways between two chains."""

    as_of_there: AsOf
    """The state of the chain on which the money arrives."""

    origin: str
    destination: str
    """On the other chain."""

    statement: str
    """The answer in a sentence, with the limits within which it holds."""

    ways: tuple[WayAcross, ...]
    """By identifier first, then the surer, then the shorter."""

    crossings: int
    """Crossings between the two ledgers that were found."""


_NO_WAY = Way(hops=0, accounts=None, coins=None)


@dataclass(kw_only=True)
class AccountChainSide:
    """A ledger of accounts."""

    reading: AccountReading
    max_hops: int
    budget: int
    cut: set[str] = field(default_factory=set)
    ends: dict[str, AccountEnd] = field(default_factory=dict)

    @property
    def state(self) -> AsOf:
        """Return the state of its ledger."""
        return self.reading.view.as_of()

    @property
    def limits(self) -> tuple[Truncation, ...]:
        """Return what its ledger does not know."""
        return self.reading.limits

    def ports(self) -> Ports:
        """Return its bridge events."""
        return account_ports(self.reading.view)

    def check(self, end: str) -> None:
        """Raise `InputError` or `NotFoundError` for what is no end in this ledger."""
        end_of(path_ground(self.reading), end)

    def party(self, port: Port) -> str | None:
        """Return who sent, or was paid."""
        return None if port.party is None else self.reading.view.account_text(port.party)

    def is_end(self, end: str, port: Port) -> bool:
        """Return whether an end itself sent, or was paid."""
        if end not in self.ends:
            self.ends[end] = end_of(path_ground(self.reading), end)
        return port.party is not None and self.ends[end].holds(port.party)

    def way_to(self, origin: str, port: Port) -> Way | None:
        """Return the best way from an end to who paid the bridge, by the time of its block."""
        time = moment(int(self._time(port)))
        return self._way(origin, port, AccountPathRequest(
            origin=origin, destination=self.party(port) or "", until=time, limit=1,
            max_hops=self.max_hops, budget=self.budget,
        ))  # fmt: skip

    def way_from(self, port: Port, destination: str) -> Way | None:
        """Return the best way from who was paid to an end, from then on."""
        time = moment(int(self._time(port)))
        return self._way(destination, port, AccountPathRequest(
            origin=self.party(port) or "", destination=destination, since=time, limit=1,
            max_hops=self.max_hops, budget=self.budget,
        ))  # fmt: skip

    def bridges(self) -> set[int]:
        """Return the accounts that sources call bridges."""
        said = self.reading.attribution
        stops = said.stops()[0]
        return set(said.service_address[stops == Stop.BRIDGE].tolist())

    def _time(self, port: Port) -> np.int64:
        times = self.reading.view.times_of(np.array([port.transaction]))
        found: np.int64 = times[0]
        return found

    def _way(self, end: str, port: Port, request: AccountPathRequest) -> Way | None:
        if port.party is None:
            return None
        if self.is_end(end, port):
            return _NO_WAY
        answer = find_account_paths(path_ground(self.reading), request)
        if not answer.searched.exhaustive:
            self.cut.add("budget")
        if not answer.connections:
            return None
        best = answer.connections[0]
        return Way(hops=best.hops, accounts=best, coins=None)


@dataclass(kw_only=True)
class CoinChainSide:
    """A ledger of coins."""

    reading: Reading
    max_hops: int
    budget: int
    cut: set[str] = field(default_factory=set)

    @property
    def state(self) -> AsOf:
        """Return the state of its ledger."""
        return as_of(self.reading.view)

    @property
    def limits(self) -> tuple[Truncation, ...]:
        """Return what its ledger does not know."""
        return self.reading.limits

    def ports(self) -> Ports:
        """Return what memos say."""
        return coin_ports(self.reading.view)

    def check(self, end: str) -> None:
        """Raise `InputError` or `NotFoundError` for an address that is not in this ledger."""
        if ":" not in end:
            self.reading.view.find_address(end)

    def party(self, port: Port) -> str | None:
        """Return who sent, or was paid."""
        return None if port.party is None else self.reading.view.address_text(port.party)

    def is_end(self, end: str, port: Port) -> bool:
        """Return whether the address of an end itself sent, or was paid."""
        return port.party is not None and self.party(port) == end.strip()

    def way_to(self, origin: str, port: Port) -> Way | None:
        """Return the best way to the output that pays the bridge."""
        return self._way(port, lambda coin: (origin, coin))

    def way_from(self, port: Port, destination: str) -> Way | None:
        """Return the best way from the output that was paid out."""
        if self.is_end(destination, port):
            return _NO_WAY
        return self._way(port, lambda coin: (coin, destination))

    def _way(self, port: Port, ends: Callable[[str], tuple[str, str]]) -> Way | None:
        if port.output is None:
            return None
        origin, destination = ends(self.reading.view.outpoint_text(port.output))
        answer = connected(self.reading, PathRequest(
            origin=origin, destination=destination, limit=1, max_hops=self.max_hops,
            budget=self.budget,
        ))  # fmt: skip
        if not answer.searched.exhaustive:
            self.cut.add("budget")
        if not answer.connections:
            return None
        best = answer.connections[0]
        return Way(hops=best.hops, accounts=None, coins=best)


Side = AccountChainSide | CoinChainSide


def find_ways_across(
    here: Side, there: Side, origin: str, destination: str, limit: int
) -> CrossingPathAnswer:
    """Return ways from an end of one ledger to an end of another.

    Raises
    ------
    InputError, NotFoundError
        If an end means nothing in its ledger.
    """
    here.check(origin)
    there.check(destination)
    found = _crossings(here, there)
    # A ledger may show millions: first those that an end itself made or was paid by.
    found.sort(key=lambda it: (
        not here.is_end(origin, it.departure) and not there.is_end(destination, it.arrival),
        it.percent is not None,
    ))  # fmt: skip
    ways = sorted(
        _ways(here, there, found[:MOST_CROSSINGS], origin, destination),
        key=lambda it: (
            it.bridge.percent is not None,
            -(it.bridge.percent or 0),
            it.before.hops + it.after.hops,
            it.bridge.departure_txid,
        ),
    )
    cuts = tuple(_cuts(here, there, len(found), len(ways), limit))
    return CrossingPathAnswer(
        as_of=here.state,
        complete=not cuts,
        truncations=cuts,
        as_of_there=there.state,
        origin=origin,
        destination=destination,
        statement=_statement(here, there, (origin, destination), len(found), len(ways)),
        ways=tuple(ways[:limit]),
        crossings=len(found),
    )


def _crossings(here: Side, there: Side) -> list[Crossing]:
    """Return crossings by identifier, then candidates of transactions that have none."""
    found = list(crossings(here.ports().departures, there.ports().arrivals))
    if isinstance(here, AccountChainSide) and isinstance(there, AccountChainSide):
        told = {it.departure.txid for it in found} | {it.arrival.txid for it in found}
        found += sorted(
            (
                it
                for it in candidate_crossings(
                    here.reading.view,
                    there.reading.view,
                    here.bridges(),
                    there.bridges(),
                    WINDOW_SECONDS,
                )
                if told.isdisjoint((it.departure.txid, it.arrival.txid))
            ),
            key=lambda it: -(it.percent or 0),
        )
    return found


def _ways(
    here: Side, there: Side, found: Iterable[Crossing], origin: str, destination: str
) -> Iterator[WayAcross]:
    before: dict[tuple[int | None, int, int | None], Way | None] = {}
    for it in found:
        key = (it.departure.party, it.departure.transaction, it.departure.output)
        if key not in before:
            before[key] = here.way_to(origin, it.departure)
        first = before[key]
        last = None if first is None else there.way_from(it.arrival, destination)
        if first is not None and last is not None:
            yield WayAcross(before=first, bridge=_bridge(here, there, it), after=last)


def _bridge(here: Side, there: Side, it: Crossing) -> CrossedBridge:
    return CrossedBridge(
        departure_network=it.departure.network,
        departure_txid=it.departure.txid,
        departure_party=here.party(it.departure),
        arrival_network=it.arrival.network,
        arrival_txid=it.arrival.txid,
        arrival_party=there.party(it.arrival),
        rule=it.rule,
        candidates=it.candidates,
        percent=it.percent,
    )


def _cuts(here: Side, there: Side, found: int, ways: int, limit: int) -> Iterator[Truncation]:
    if found > MOST_CROSSINGS:
        yield Truncation(
            where="crossings",
            reason="limit",
            limit=MOST_CROSSINGS,
            detail=f"{MOST_CROSSINGS:,} of {found:,} crossings were looked at",
        )
    if here.cut or there.cut:
        yield Truncation(
            where="search",
            reason="budget",
            limit=here.budget,
            detail="not everything between the ends and the bridges was looked at; a larger "
            "--budget looks further",
        )
    if ways > limit:
        yield Truncation(
            where="ways",
            reason="limit",
            limit=limit,
            detail=f"{limit:,} of {counted(ways, 'way')} are listed",
        )
    yield from here.limits
    yield from there.limits


def _statement(here: Side, there: Side, ends: tuple[str, str], found: int, ways: int) -> str:
    origin, destination = ends
    between = f"from {origin} on {here.state.network} to {destination} on {there.state.network}"
    within = (
        f"at most {counted(here.max_hops, 'transfer')} on each side, not through a service, over "
        f"{counted(found, 'crossing')} that the two ledgers show"
    )
    if not ways:
        return f"No path {between} within these limits: {within}."
    return f"{counted(ways, 'path')} {between} within these limits: {within}."
