"""`arien-flows path` from one chain to another."""

from collections.abc import Iterable, Iterator

from arien_flows.account_workspace import OpenAccounts
from arien_flows.answers.crossing_paths import (
    AccountChainSide,
    CoinChainSide,
    CrossedBridge,
    CrossingPathAnswer,
    Side,
    Way,
    WayAcross,
    find_ways_across,
)
from arien_flows.cli.output import NOTHING, closing, emit, state
from arien_flows.cli.session import Session
from arien_flows.entities.profiles import DEFAULT_PROFILE
from arien_flows.errors import InputError
from arien_flows.workspace import OpenNetwork, Workspace
from chains.networks import ALL_NETWORKS


def other_network(destination: str) -> tuple[str, str] | None:
    """Return network and end where a destination names another network's: `bitcoin:ADDRESS`."""
    name, colon, end = destination.partition(":")
    if not colon or name not in {each.name for each in ALL_NETWORKS}:
        return None
    return name, end


def refuse_between_chains(**given: object) -> None:
    """Raise `InputError` naming the first option that was typed and means nothing there."""
    for name, value in given.items():
        if value:
            option = "--" + name.replace("_", "-")
            raise InputError(f"{option} means nothing between two chains: leave it out")


def crossing_path(
    session: Session,
    ends: tuple[str, str, str],
    *,
    limit: int,
    max_hops: int,
    budget: int,
) -> None:
    """Answer and print; `ends` are the origin, the other network, and the end there."""
    origin, network, destination = ends
    if session.source_is_named:
        raise InputError("paths between chains are looked for in ledgers: ask without --source")
    workspace = Workspace(session.settings)
    here, there = workspace.open_any(workspace.choose()), workspace.open_any(network)

    def side(opened: OpenNetwork | OpenAccounts) -> Side:
        if isinstance(opened, OpenAccounts):
            reading = opened.read(DEFAULT_PROFILE)
            return AccountChainSide(reading=reading, max_hops=max_hops, budget=budget)
        return CoinChainSide(reading=opened.read(DEFAULT_PROFILE), max_hops=max_hops, budget=budget)

    # A roll-back of either ledger while the answer is made has the whole of it made again.
    answer = here.ask(
        lambda _: there.ask(
            lambda _: find_ways_across(side(here), side(there), origin, destination, limit)
        )
    )
    emit(session, answer, crossing_lines)


def crossing_lines(answer: CrossingPathAnswer) -> Iterable[str]:
    """Return ways between chains as text for people."""
    yield answer.statement
    for number, way in enumerate(answer.ways, 1):
        yield ""
        yield from _block(number, way)
    yield from closing(answer)
    yield state(answer.as_of_there)


def _block(number: int, it: WayAcross) -> Iterator[str]:
    yield f"{number}. Over a bridge ({_sure(it.bridge)}; an inference)"
    yield f"   before: {_way(it.before)}"
    for word, network, txid, party in (
        ("left", it.bridge.departure_network, it.bridge.departure_txid, it.bridge.departure_party),
        ("arrived on", it.bridge.arrival_network, it.bridge.arrival_txid, it.bridge.arrival_party),
    ):
        yield f"   {word} {network} in {txid}, {party or NOTHING}"
    yield f"   after: {_way(it.after)}"


def _sure(bridge: CrossedBridge) -> str:
    if bridge.percent is None:
        named = "both sides show one identifier"
        others = "" if bridge.candidates == 1 else f", with {bridge.candidates:,} pairs"
        return f"{bridge.rule}: {named}{others}; rate of error not measured"
    return f"{bridge.rule}: at most {bridge.percent} % sure, {bridge.candidates:,} fit"


def _way(way: Way) -> str:
    if way.accounts is not None:
        steps = [leg.receiver for leg in way.accounts.legs if leg.kind == "transfer"]
        return " -> ".join([way.accounts.legs[0].giver, *steps])
    if way.coins is not None:
        return " -> ".join(coin.outpoint for coin in way.coins.coins)
    return "none, it is the end itself"
