"""Where paths end: what a balance is asked before it is looked into.

What is certain about an account comes before limits of the search. A service ends a path because
the money of many people is mixed there; so does a contract that many use. A wallet that is a
contract (a Safe, an ERC-4337 account) and a proxy are followed like an account of a key. Pools and
routers own nothing: what goes through them is a conversion where one is recognised, and otherwise
the path ends at the contract.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_tracing.ground import Ground, Pot
from arien_flows.account_tracing.request import MAX_BUDGET, AccountTraceRequest
from arien_flows.account_tracing.window import Window
from chains.ethereum.tables import NO_ACCOUNT, CodeKind, EventKind, MovementKind
from chains.types import Int64Array, UInt32Array
from heuristics.taint import Stop

MOST_COUNTERPARTIES = 50
"""A contract that deals with more accounts than this, and pays more than one, serves many."""

_COIN_CALLS = (MovementKind.CALL, MovementKind.CREATE, MovementKind.SELF_DESTRUCT)


class Reason(StrEnum):
    """Why a path ended, in the words of answers."""

    RETAINTED = "retainted"
    SERVICE_REACHED = "service_reached"
    MIXER = "mixer"
    BRIDGE = "bridge"
    CONTRACT = "contract"
    EXCHANGED = "exchanged"
    NEWLY_MINED = "newly_mined"
    BEFORE_LEDGER = "before_ledger"
    UNSPENT = "unspent"
    DORMANT = "dormant"
    BELOW_MIN = "below_min"
    TIME_WINDOW = "time_window"
    HOP_LIMIT = "hop_limit"
    FAN_OUT = "fan_out"
    NOT_FETCHED = "not_fetched"
    BUDGET = "budget"
    DESTROYED = "destroyed"
    FEE = "fee"


AT_SERVICES = (Reason.SERVICE_REACHED, Reason.MIXER, Reason.BRIDGE)

_REASON_OF: dict[Stop, Reason] = {
    Stop.SERVICE_REACHED: Reason.SERVICE_REACHED,
    Stop.MIXER: Reason.MIXER,
    Stop.BRIDGE: Reason.BRIDGE,
}
_REASON_OF_EVENT = {
    EventKind.SWAP: Reason.CONTRACT,
    EventKind.BRIDGE: Reason.BRIDGE,
    EventKind.MIXER_DEPOSIT: Reason.MIXER,
    EventKind.MIXER_WITHDRAWAL: Reason.MIXER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A balance that traced money came to (backward: came from), and that is not looked into."""

    pot: Pot
    traced: int
    hops: int


class Stops:
    """The rules of one question; what was found of an account is kept."""

    def __init__(
        self,
        ground: Ground,
        request: AccountTraceRequest,
        window: Window,
        exempt: frozenset[int],
    ) -> None:
        """`exempt` are the sources' own accounts, which no name and no code ends a path at."""
        self._ground, self._request, self._window = ground, request, window
        self._exempt = exempt
        stops = ground.attribution.stops()
        known = ground.attribution
        self._own = dict(zip(known.service_address.tolist(), stops[0].tolist(), strict=True))
        self._joined = dict(zip(known.service_root.tolist(), stops[1].tolist(), strict=True))
        self._denied = frozenset(ground.denied.tolist())
        self._found: dict[int, Reason | None] = {}
        self._serving: dict[Pot, Reason | None] = {}

    def reason(self, reached: Reached, least: int) -> Reason | None:
        """Return why a path ends there; nothing where the balance may be looked into.

        `least` is the smallest amount of the asset that is followed.
        """
        account, asset = reached.pot
        found = self._of_account(account)
        if found is not None:
            return found
        if self._ground.fetched is not None and not self._ground.fetched.is_fetched(account):
            return self._not_fetched(reached, least)
        totals = self._ground.view.index.totals(account, asset)
        if reached.hops == 0:
            # What a source names was asked for, however little it is.
            return self._of_contract(account, asset, totals.movements)
        if reached.traced < least:
            return Reason.BELOW_MIN
        moved = totals.received if self._request.is_forward else totals.sent
        if reached.hops >= self._request.max_hops:
            rests = self._request.is_forward and totals.sent == 0
            return self.at_rest(reached.pot) if rests else Reason.HOP_LIMIT
        if (
            totals.movements > self._request.fan_out
            and reached.traced * 100 < self._request.fan_out_percent * moved
        ):
            return Reason.FAN_OUT
        return self._of_contract(account, asset, totals.movements)

    def _not_fetched(self, reached: Reached, least: int) -> Reason:
        """Return why a path ends at an account that nobody asked about: limits save the asking."""
        if reached.hops and reached.traced < least:
            return Reason.BELOW_MIN
        is_far = reached.hops >= self._request.max_hops
        return Reason.HOP_LIMIT if reached.hops and is_far else Reason.NOT_FETCHED

    def cost(self, pot: Pot) -> int:
        """Return how many movements a balance has."""
        return self._ground.view.index.totals(*pot).movements

    def at_rest(self, pot: Pot) -> Reason:
        """Return whether what lies in a balance is dormant, or merely unspent.

        What was paid from it after the window makes it neither: the time is over.
        """
        view = self._ground.view
        rows = view.index.movements_of(*pot)
        given = rows[view.movements.giver[rows] == pot[0]]
        if len(given) and int(given[-1]) >= self._window.past_row:
            return Reason.TIME_WINDOW
        last = given[-1:] if len(given) else rows[-1:]
        times = view.times_of(view.movements.transaction[last])
        is_old = len(times) > 0 and int(times[0]) < self._window.dormant_before
        return Reason.DORMANT if is_old else Reason.UNSPENT

    def _of_account(self, account: int) -> Reason | None:
        """Return why paths end at an account whatever the amount."""
        if account in self._exempt:
            return None
        if account not in self._found:
            self._found[account] = self._named(account) or self._code(account)
        return self._found[account]

    def _named(self, account: int) -> Reason | None:
        root = int(self._ground.entities.root_of(account))
        stop = self._own.get(account, 0) or self._joined.get(root, 0)
        return _REASON_OF.get(Stop(stop)) if stop else None

    def _code(self, account: int) -> Reason | None:
        """Return what the kind of contract says; nothing for a wallet and an account of a key."""
        view = self._ground.view
        if account in self._denied or view.index.find_asset(account) is not None:
            return Reason.CONTRACT
        if _last_code(view.codes.kind[view.index.codes_of(account)]) is CodeKind.DELEGATION:
            return None
        events = view.index.events_of(account)
        own = events[view.events.contract[events] == account]
        kinds = set(np.unique(view.events.kind[own]).tolist())
        for kind in (EventKind.MIXER_DEPOSIT, EventKind.MIXER_WITHDRAWAL, EventKind.BRIDGE,
                     EventKind.SWAP):  # fmt: skip
            if kind in kinds:
                return _REASON_OF_EVENT[kind]
        return None

    def _of_contract(self, account: int, asset: int, movements: int) -> Reason | None:
        """Return whether an untagged contract serves many people."""
        if account in self._exempt or movements <= MOST_COUNTERPARTIES:
            return None
        if movements > MAX_BUDGET:
            return Reason.BUDGET
        if (account, asset) not in self._serving:
            self._serving[account, asset] = self._serves_many(account, asset)
        return self._serving[account, asset]

    def _serves_many(self, account: int, asset: int) -> Reason | None:
        """Read all movements, whatever the budget: a trace that time ended has to be made again."""
        view = self._ground.view
        rows = view.index.movements_of(account, asset)
        if not self._is_contract(account, rows):
            return None
        moved = view.movements
        payees = _others(moved.receiver[rows], account)
        everybody = np.union1d(payees, _others(moved.giver[rows], account))
        serves_many = len(everybody) > MOST_COUNTERPARTIES and len(payees) > 1
        return Reason.CONTRACT if serves_many else None

    def _is_contract(self, account: int, rows: Int64Array) -> bool:
        """Return whether an account is code and no wallet, by its code or by what it does."""
        view = self._ground.view
        code = _last_code(view.codes.kind[view.index.codes_of(account)])
        if code is not None:
            return code is CodeKind.PLAIN or code is CodeKind.MINIMAL_PROXY
        moved = view.movements
        given = rows[
            (moved.giver[rows] == account)
            & (moved.asset[rows] == NATIVE)
            & np.isin(moved.kind[rows], _COIN_CALLS)
        ]
        return bool(np.any(view.transactions.sender[moved.transaction[given]] != account))


def _last_code(kinds: "np.ndarray[tuple[int], np.dtype[np.uint8]]") -> CodeKind | None:
    return CodeKind(int(kinds[-1])) if len(kinds) else None


def _others(accounts: UInt32Array, account: int) -> UInt32Array:
    return np.unique(accounts[(accounts != account) & (accounts != NO_ACCOUNT)])
