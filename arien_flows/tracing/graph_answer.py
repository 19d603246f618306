"""What a trace answers about the flow's graph, in the shape in which it leaves the program."""

from dataclasses import dataclass
from datetime import datetime

from arien_flows.shapes import Certainty, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPayment(Shape):
    """What one transaction of a chain paid to somebody outside of it."""

    to: str
    """Who was paid: an address, or what a node of the full graph is called."""

    amount: str
    """The traced part, in base units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathStep(Shape):
    """One transaction of several in a row."""

    txid: str
    """Its id."""

    time: datetime
    """Header time of its block."""

    amount: str
    """Traced money that it took, in base units."""

    fees: str
    """Traced money that it lost to fees, in base units."""

    paid: tuple[PathPayment, ...]
    """What it did not hand on to the next one, largest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode(Shape):
    """A holder of money, a transaction, or several of them shown as one."""

    id: str
    """Unique in the graph, and the same however much of it is shown: an address, a txid,
    `txid:vout`, or a kind and what tells the node apart."""

    kind: str
    """What it stands for: `source`, `address`, `entity`, `service`, `mixer`, `bridge`, `coin`,
    `transaction`, `coinjoin`, `chain`, `small`, `destroyed`, `outside` or `fold`."""

    label: str
    """Short, for people."""

    address: str | None
    """First-seen address of the holder; none for anything else."""

    txid: str | None
    """Of the transaction, or of the first where several stand in a row."""

    tag: str | None
    """Name that a source gives the holder."""

    x: int
    """Column from the left, from 0 where nothing is pinned."""

    y: int
    """Height, downwards; nodes of a column are at least 1000 apart, but for pinned ones."""

    amount: str
    """What passes through or ends here, in base units."""

    entry: str
    """Source money that starts (backward: ends) here, in base units."""

    fees: str
    """Traced money that was lost to fees inside the node, in base units."""

    returned: str
    """Traced money that the holder paid and got back as change, in base units."""

    transactions: int
    """Transactions that the node stands for."""

    members: int
    """Nodes of the full graph that this one stands for."""

    ends: dict[str, str]
    """Amounts, in base units, by reason for which paths ended here."""

    time: datetime | None
    """Header time of the transaction's block; none for holders."""

    path: tuple[PathStep, ...]
    """What a `chain` stands for, in chain order, at most 50 of its `transactions`; opening the
    node shows the others. Empty for any other kind."""

    certainty: Certainty
    """Whether the node is on the chain, joined by a rule, or named by a source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphEdge(Shape):
    """Traced money that went from one node to another."""

    source: str
    """Node that paid."""

    target: str
    """Node that was paid."""

    amount: str
    """What arrived, in base units."""

    fees: str
    """Traced money lost to fees on the way, in base units."""

    coins: int
    """Coins that the edge stands for."""

    transactions: int
    """Transactions that the edge stands for where it joins two holders, else 0."""

    txids: tuple[str, ...]
    """The first of them in chain order, at most 20."""

    first_time: datetime | None
    """Header time of the first of them, or of the transaction that the edge begins or ends at;
    none where neither is known."""

    last_time: datetime | None
    """Header time of the last."""

    depends_on_policy: bool
    """Whether another policy may lead another amount here, because clean money had been mixed
    in on the way."""

    certainty: Certainty
    """`fact` where every policy that conserves amounts says the same and no rule joined either
    end; the same, but `attribution`, where a source names the address at an end as a service's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph(Shape):
    """The flow, left to right in the direction of time."""

    level: str
    """What the nodes are: `entity`, `address` or `transaction`."""

    nodes: tuple[GraphNode, ...]
    """In no order that means anything; each has its place in the picture."""

    edges: tuple[GraphEdge, ...]
    """Each joins two of the nodes."""

    full_nodes: int
    """Nodes before anything was simplified."""

    folded_nodes: int
    """Nodes of the full graph that disappeared into `fold` nodes."""
