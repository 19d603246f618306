"""What a transaction moved, read as flows between accounts, and what a conversion is.

Value moved by a transaction is one row a movement. To see an exchange in it, the rows become edges
of a graph: accounts give assets to accounts. Two things are seen otherwise than the ledger lists
them. The null address is nobody, so what it gives or receives is given or received by the token's
own contract, which makes and destroys its units: so wrapped coin comes from the contract that the
coin was paid to. And gas is no part of an exchange.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from arien_flows.account_ledger.columns import NATIVE, NULL_ACCOUNT
from arien_flows.account_ledger.view import AccountView
from arien_flows.shapes import Certainty
from chains.ethereum.tables import NO_ACCOUNT, EventKind, MovementKind
from heuristics.wide import to_ints

NOBODY = int(NO_ACCOUNT)

_NO_VALUE = (MovementKind.GAS_BURNT, MovementKind.GAS_TIP)
_DIFFERENCES = (MovementKind.DIFFERENCE_UP, MovementKind.DIFFERENCE_DOWN)
_SINGULAR = (MovementKind.NFT, MovementKind.MULTI_TOKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """An owner gave one asset and got another for it, in one transaction.

    The movements of `given_rows` and `gotten_rows` together change the owner's balances by minus
    `gave_amount` of `gave`, plus `got_amount` of `got`, and nothing else. So a trace may put one
    step in their place. Refunds and what went through the owner's hands on the way are among them.
    """

    transaction: int
    owner: int
    """Account number."""

    gave: int
    """Asset number."""

    gave_amount: int
    """Base units, refunds taken off."""

    got: int
    got_amount: int
    given_rows: tuple[int, ...]
    """Movements with the owner as giver, ascending; of `gave`, of `got` that it gave back, or of
    an asset in between that it received as much of."""

    gotten_rows: tuple[int, ...]
    """Movements with the owner as receiver, ascending."""

    rule: str
    """`swap-eulerian`, `swap-net`, `wrap` or `unwrap`."""

    certainty: Certainty
    """`fact` for a wrap by a listed contract, whose code gives one for one; else `inference`."""

    @property
    def rows(self) -> tuple[int, ...]:
        """Return all its movements."""
        return self.given_rows + self.gotten_rows


@dataclass(frozen=True, slots=True)
class Edge:
    """One movement as a flow from an account to another."""

    row: int
    giver: int
    """`NOBODY` for what a balance gained without an event."""

    receiver: int
    asset: int
    amount: int
    is_made: bool
    """The giver is the token's contract in place of the null address."""

    is_singular: bool
    """The asset has an identity (NFT, token id), so amounts mean nothing."""

    kind: int
    """`MovementKind`."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One transaction with everything that rules of conversion look at."""

    transaction: int
    edges: tuple[Edge, ...]
    """In order of execution; nothing of gas, of zero amounts, of accounts that pay themselves."""

    owners: tuple[int, ...]
    """Who may own what is moved: the smart accounts that the sender acted for, and the sender."""

    called: int
    """The account that the transaction was sent to, or `NOBODY`."""

    def without(self, rows: Iterable[int]) -> "Scene":
        """Return the same without some movements."""
        gone = set(rows)
        return replace(self, edges=tuple(edge for edge in self.edges if edge.row not in gone))


def scene_of(view: AccountView, transaction: int) -> Scene:
    """Read a transaction."""
    columns = view.movements
    start, stop = view.transactions.first_movement[transaction : transaction + 2].tolist()
    rows = slice(start, stop)
    edges = []
    for row, kind, giver, receiver, asset, amount in zip(
        range(start, stop),
        columns.kind[rows].tolist(),
        columns.giver[rows].tolist(),
        columns.receiver[rows].tolist(),
        columns.asset[rows].tolist(),
        to_ints(view.amounts.of(rows)),
        strict=True,
    ):
        if amount == 0 or kind in _NO_VALUE:
            continue
        issuer = NULL_ACCOUNT if asset == NATIVE else int(view.assets.contract[asset])
        from_nobody = giver == NULL_ACCOUNT and kind not in _DIFFERENCES
        edge = Edge(
            row,
            issuer if from_nobody else giver,
            issuer if receiver == NULL_ACCOUNT else receiver,
            asset,
            amount,
            from_nobody,
            kind in _SINGULAR,
            kind,
        )
        if edge.giver != edge.receiver:
            edges.append(edge)
    called = int(view.transactions.receiver[transaction])
    # Anybody can run an operation of an empty Safe beside his own swap, which is his all the same.
    sender = int(view.transactions.sender[transaction])
    owners = tuple(dict.fromkeys((*owners_of(view, transaction), sender)))
    return Scene(transaction, tuple(edges), owners, called)


def net_of(edges: Iterable[Edge], owner: int) -> dict[int, int]:
    """Return what movements change of an owner's balances, by asset; zeros are left out."""
    net: dict[int, int] = {}
    for edge in edges:
        if edge.receiver == owner:
            net[edge.asset] = net.get(edge.asset, 0) + edge.amount
        if edge.giver == owner:
            net[edge.asset] = net.get(edge.asset, 0) - edge.amount
    return {asset: amount for asset, amount in net.items() if amount}


def owners_of(view: AccountView, transaction: int) -> tuple[int, ...]:
    """Return who acts: senders of operations (ERC-4337) and Safes, else the sender.

    Who bundles operations or relays for a Safe is not the owner of what they move.
    """
    events = view.events
    start, stop = view.transactions.first_event[transaction : transaction + 2].tolist()
    acting = []
    for row in range(start, stop):
        kind = int(events.kind[row])
        if kind == EventKind.USER_OPERATION and int(events.third[row]) != NOBODY:
            acting.append(int(events.first[row]))
        elif kind == EventKind.SAFE_EXECUTION:
            acting.append(int(events.contract[row]))
    return tuple(dict.fromkeys(acting)) or (int(view.transactions.sender[transaction]),)
