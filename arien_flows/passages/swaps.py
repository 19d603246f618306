"""Swaps: what an owner gave and got in a transaction that went through pools and routers.

A swap may pass a dozen contracts that keep a fee here and pay a refund there. Two rules read it
without knowing any of them.

`swap-eulerian`: what all accounts of the transaction gave and received, as a graph, leaves every
account as many times as it enters it, once side payments (edges into accounts that give nothing
on) are taken away. Then it is one round trip from the owner and back: the first thing that went
out and the last thing that came in are the two legs.

`swap-net`: otherwise the owner's net position: exactly one asset fell and exactly one rose.

Neither speaks where money appears from an account that received nothing (somebody earns from the
order of transactions, or a reward was claimed beside), where more than two assets changed (adding
and taking liquidity is no swap), or where what has an identity was bought.

Assumes: an account of the owner's own is given the proceeds.
Fails when: the proceeds go to another address (then nothing is said), or an unrelated payment and
    an unrelated receipt stand in one transaction of a smart account.
Source: graphsense-lib, `defi/swaps.py`, describes the first rule; the second is this program's.
"""

from collections import Counter
from collections.abc import Collection, Iterator

from arien_flows.passages.legs import NOBODY, Conversion, Edge, Scene, net_of
from heuristics.passage_rules import SWAP_EULERIAN, SWAP_NET

ONE_WAY = "one_way"
"""The owner only gave, or only got: a payment, or a swap whose proceeds went to somebody else."""

APPEARED = "appeared"
"""An account gave what it never received there: earnings from order, or rewards beside."""

SEVERAL = "several_assets"
"""More than two assets changed: liquidity was added or taken, or several things happened."""

SINGULAR = "singular"
"""Something with an identity changed hands."""


def swap_of(scene: Scene, owner: int) -> Conversion | str | None:
    """Return an owner's swap, why none can be told, or nothing where its assets did not change."""
    edges = _pruned(scene, owner)
    part = _component(edges, owner)
    net = net_of(part, owner)
    if not net:
        return None if not net_of(scene.edges, owner) else ONE_WAY
    if any(edge.is_singular and owner in (edge.giver, edge.receiver) for edge in part):
        return SINGULAR
    if _appears(part, scene.owners):
        return APPEARED
    down = [asset for asset, amount in net.items() if amount < 0]
    up = [asset for asset, amount in net.items() if amount > 0]
    if len(down) + len(up) > 2:
        return SEVERAL
    if not down or not up:
        return ONE_WAY
    gave, got = down[0], up[0]
    is_round = len(part) == len(edges) and _is_eulerian(part) and _legs(part, owner) == (gave, got)
    return Conversion(
        transaction=scene.transaction,
        owner=owner,
        gave=gave,
        gave_amount=-net[gave],
        got=got,
        got_amount=net[got],
        given_rows=tuple(edge.row for edge in part if edge.giver == owner),
        gotten_rows=tuple(edge.row for edge in part if edge.receiver == owner),
        rule=SWAP_EULERIAN if is_round else SWAP_NET,
        certainty="inference",
    )


def _pruned(scene: Scene, owner: int) -> list[Edge]:
    """Return the edges without side payments: those into accounts that give nothing on.

    What the transaction called is no bystander, nor is the contract of a token that was made: a
    pool that keeps a deposit gives nothing on.
    """
    kept = {scene.called, owner, NOBODY} | {edge.giver for edge in scene.edges if edge.is_made}
    giving = Counter(edge.giver for edge in scene.edges)
    into: dict[int, list[Edge]] = {}
    for edge in scene.edges:
        into.setdefault(edge.receiver, []).append(edge)
    idle = [account for account in into if not giving[account] and account not in kept]
    gone = set()
    # An edge that is taken away may leave its giver with nothing to give on.
    while idle:
        for edge in into.pop(idle.pop()):
            gone.add(edge.row)
            giving[edge.giver] -= 1
            if not giving[edge.giver] and edge.giver in into and edge.giver not in kept:
                idle.append(edge.giver)
    return [edge for edge in scene.edges if edge.row not in gone]


def _component(edges: list[Edge], owner: int) -> list[Edge]:
    """Return the edges that are joined with the owner, in their order."""
    beside: dict[int, list[int]] = {}
    for edge in edges:
        ends = list(_ends(edge))
        for account in ends:
            beside.setdefault(account, []).extend(ends)
    reached, waiting = {owner}, [owner]
    while waiting:
        fresh = set(beside.get(waiting.pop(), ())) - reached
        reached |= fresh
        waiting.extend(fresh)
    return [edge for edge in edges if reached.intersection(_ends(edge))]


def _ends(edge: Edge) -> Iterator[int]:
    """Yield the accounts of an edge; what a balance gained by itself has one only."""
    yield from (account for account in (edge.giver, edge.receiver) if account != NOBODY)


def _appears(edges: list[Edge], owners: Collection[int]) -> bool:
    """Whether an account gives that received nothing, but for owners and for tokens made."""
    receiving = {edge.receiver for edge in edges}
    return any(
        edge.giver not in receiving
        and edge.giver not in owners
        and edge.giver != NOBODY
        and not edge.is_made
        for edge in edges
    )


def _is_eulerian(edges: list[Edge]) -> bool:
    surplus: Counter[int] = Counter()
    for edge in edges:
        if NOBODY in (edge.giver, edge.receiver):
            continue
        surplus[edge.giver] += 1
        surplus[edge.receiver] -= 1
    return not any(surplus.values())


def _legs(edges: list[Edge], owner: int) -> tuple[int, int]:
    """Return the assets of the first thing that went out and of the last that came in."""
    out = [edge.asset for edge in edges if edge.giver == owner and edge.receiver != NOBODY]
    back = [edge.asset for edge in edges if edge.receiver == owner and edge.giver != NOBODY]
    return (out[0], back[-1]) if out and back else (-1, -1)
