"""Wraps: the coin paid into a WETH contract for as much of its token, and back.

Here no rule has to guess: the contract's own code gives one for one, to whoever paid. A wrap is a
row that makes the token and a payment of the same amount from the same account to the contract in
the same transaction; an unwrap is the mirror of it.

Assumes: the contract is WETH9 or does what it does; that is known of listed ones only.
Fails when: a contract shows the events of WETH9 and pays less.
Source: WETH9's code, as verified at 0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2.
"""

from collections import deque

from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.view import AccountView
from arien_flows.passages.legs import Conversion, Edge, Scene
from chains.ethereum.tables import MovementKind
from heuristics.passage_rules import UNWRAP, WRAP

UNPAID = "wrap_without_coin"
"""Wrapped coin was made or destroyed and no movement of the coin fits: contracts moved it, and the
ledger has no traces, or the contract is no WETH."""


def wraps_of(view: AccountView, scene: Scene) -> tuple[list[Conversion], int]:
    """Return wraps and unwraps of all accounts of a transaction, and how many fit no payment."""
    coin: dict[tuple[int, int, int], deque[Edge]] = {}
    for edge in scene.edges:
        if edge.asset == NATIVE:
            coin.setdefault((edge.giver, edge.receiver, edge.amount), deque()).append(edge)
    found, unpaid = [], 0
    for edge in scene.edges:
        if edge.kind not in (MovementKind.WRAP, MovementKind.UNWRAP):
            continue
        # The other half goes the other way; of several, the first that is not taken.
        paid = coin.get((edge.receiver, edge.giver, edge.amount))
        if not paid:
            unpaid += 1
            continue
        found.append(_conversion(view, scene.transaction, edge, paid.popleft()))
    return found, unpaid


def _conversion(view: AccountView, transaction: int, token: Edge, coin: Edge) -> Conversion:
    wraps = token.kind == MovementKind.WRAP
    given, gotten = (coin, token) if wraps else (token, coin)
    return Conversion(
        transaction=transaction,
        owner=given.giver,
        gave=given.asset,
        gave_amount=given.amount,
        got=gotten.asset,
        got_amount=gotten.amount,
        given_rows=(given.row,),
        gotten_rows=(gotten.row,),
        rule=WRAP if wraps else UNWRAP,
        certainty="fact" if view.asset_facts[token.asset].is_listed else "inference",
    )
