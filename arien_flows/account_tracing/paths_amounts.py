"""What each policy says arrived over the connections that were found.

What the origin paid into the connections is declared to be traced, wholly. The balances on the way
are read with everything that they ever gave and received, so each policy's amounts are exact for
them; what leaves them goes to the destination, back to the origin, or elsewhere. Amounts of
different assets stand apart: what was converted on the way is taken off one and added to the other.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from arien_flows.account_tracing.explored import Explored, explored_movements, key_of
from arien_flows.account_tracing.ground import Ground, Pot
from arien_flows.account_tracing.paths_best import Connection
from arien_flows.account_tracing.paths_search import Legs, Step
from arien_flows.account_tracing.window import Window
from chains.types import Int64Array
from heuristics.account_events import GasOrder, Movement
from heuristics.account_taint import AccountFlow, AccountQuestion, trace_accounts
from heuristics.conservation import ConservationError
from heuristics.stops import Direction
from heuristics.taint import TAINTED_COLOUR, Policy
from heuristics.wide import to_ints

ACCOUNT_POLICIES: Mapping[str, Policy] = {
    "fifo": Policy.FIFO,
    "lifo": Policy.LIFO,
    "haircut": Policy.HAIRCUT,
    "poison": Policy.POISON,
}


@dataclass(slots=True)
class Share:
    """Where the traced units of one asset are by one policy, in base units."""

    source: int = 0
    """What the origin paid into the connections."""

    converted_in: int = 0
    """What came of units of another asset."""

    arrived: int = 0
    returned: int = 0
    """Back to the origin."""

    elsewhere: int = 0
    """Paid on, but not over these connections."""

    held: int = 0
    """Still in balances on the way."""

    fees: int = 0
    """In tips and burnt gas."""

    destroyed: int = 0
    converted_out: int = 0
    """What became units of another asset."""

    def check(self, name: str) -> None:
        """Raise ConservationError unless all units are accounted for."""
        told = self.arrived + self.returned + self.elsewhere + self.held
        told += self.fees + self.destroyed + self.converted_out
        if told != self.source + self.converted_in:
            raise ConservationError(
                f"by {name} of {self.source + self.converted_in} units {told} are accounted for"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """The part of the ledger that the connections run through."""

    pots: Int64Array
    """Balances between the ends, by key, ascending."""

    into: Int64Array
    """Movements by which the origin paid into them, ascending."""

    direct: tuple[tuple[int, int, int], ...]
    """Asset, amount and receiver of each movement from the origin to the destination itself."""

    conversions: tuple[Step, ...] = field(default=())


def crossed_by(legs: Legs, connections: Iterable[Connection]) -> Crossed:
    """Return the balances between the ends of connections, and what was paid into them."""
    between: set[Pot] = set()
    into: set[int] = set()
    direct: dict[int, tuple[int, int, int]] = {}
    for each in connections:
        between.update(each.pots[1:-1])
        steps = legs.by_giver[each.pots[0]][each.pots[1]]
        if len(each.pots) == 2:
            receiver, asset = each.pots[1]
            direct |= {step.order: (asset, step.got, receiver) for step in steps}
        else:
            into.update(step.order for step in steps)
    turned = {
        step.conversion.rows: step
        for giver in between
        for receiver, steps in legs.by_giver.get(giver, {}).items()
        for step in steps
        if step.conversion is not None and receiver in between
    }
    return Crossed(
        pots=np.array(sorted(map(key_of, between)), np.int64),
        into=np.array(sorted(into), np.int64),
        direct=tuple(direct[order] for order in sorted(direct)),
        conversions=tuple(turned[rows] for rows in sorted(turned)),
    )


def arrived_by_policy(
    ground: Ground,
    crossed: Crossed,
    is_origin: Callable[[int], bool],
    is_destination: Callable[[int], bool],
    window: Window,
) -> dict[str, dict[int, Share]]:
    """Return where what the origin paid in went, by policy and asset.

    Raises
    ------
    ConservationError
        If a policy that conserves amounts made or lost some.
    """
    told: dict[str, dict[int, Share]] = {}
    explored = _explored(ground, crossed, window)
    burns = set(ground.burns.tolist())
    for name, policy in ACCOUNT_POLICIES.items():
        shares: dict[int, Share] = {}
        for asset, amount, receiver in crossed.direct:
            share = shares.setdefault(asset, Share())
            share.source += amount
            if receiver in burns:
                share.destroyed += amount
            else:
                share.arrived += amount
        if explored is not None:
            _add(explored, crossed, policy, shares, is_origin, is_destination)
        if policy != Policy.POISON:
            for share in shares.values():
                share.check(name)
        told[name] = shares
    return told


def _explored(ground: Ground, crossed: Crossed, window: Window) -> Explored | None:
    if not len(crossed.into):
        return None
    index = ground.view.index
    rows = [index.movements_of(key >> 32, key & 0xFFFF_FFFF) for key in crossed.pots.tolist()]
    every = np.unique(np.concatenate(rows))
    every = every[(every >= window.first_row) & (every < window.past_row)]
    conversions = [step.conversion for step in crossed.conversions if step.conversion is not None]
    conversions.sort(key=lambda each: (max(each.given_rows), each.rows))
    return explored_movements(ground, crossed.pots, every, conversions, window, GasOrder.LAST)


def _add(
    explored: Explored,
    crossed: Crossed,
    policy: Policy,
    shares: dict[int, Share],
    is_origin: Callable[[int], bool],
    is_destination: Callable[[int], bool],
) -> None:
    """Add what one policy says of the balances between."""
    declared = np.flatnonzero(np.isin(explored.row, crossed.into) & (explored.conversion < 0))
    question = AccountQuestion(
        direction=Direction.FORWARD,
        policy=policy,
        declared=declared,
        colours=np.full(len(declared), TAINTED_COLOUR, np.int64),
        infer_opening=True,
    )
    flow = trace_accounts(explored.columns, question, explored.conversions)
    columns = explored.columns
    amounts, carried = to_ints(columns.amount), to_ints(flow.carried)
    for at in declared.tolist():
        shares.setdefault(int(columns.asset[at]), Share()).source += amounts[at]
    for at in np.flatnonzero(flow.carried.any(axis=1)).tolist():
        share = shares.setdefault(int(columns.asset[at]), Share())
        if explored.conversion[at] >= 0:
            share.converted_out += carried[at]
        elif at in declared:
            continue
        else:
            receiver = int(explored.receiver[at])
            _place(share, int(explored.kind[at]), receiver, carried[at], explored, at,
                   is_origin, is_destination)  # fmt: skip
    _balances(explored, flow, shares)


def _place(
    share: Share,
    kind: int,
    receiver: int,
    traced: int,
    explored: Explored,
    at: int,
    is_origin: Callable[[int], bool],
    is_destination: Callable[[int], bool],
) -> None:
    """Add what one movement carried to where it went."""
    if kind in (Movement.GAS_BURNT, Movement.GAS_TIP):
        share.fees += traced
    elif kind == Movement.BURN:
        share.destroyed += traced
    elif explored.receiver_inside[at]:
        return
    elif is_destination(receiver):
        share.arrived += traced
    elif is_origin(receiver):
        share.returned += traced
    else:
        share.elsewhere += traced


def _balances(explored: Explored, flow: AccountFlow, shares: dict[int, Share]) -> None:
    """Add what is still held, and what conversions brought."""
    for asset, traced in zip(flow.pots.asset.tolist(), to_ints(flow.tainted), strict=True):
        if traced:
            shares.setdefault(asset, Share()).held += traced
    came = to_ints(flow.came)
    for asset, traced in zip(explored.conversions.asset.tolist(), came, strict=True):
        if traced:
            shares.setdefault(asset, Share()).converted_in += traced
