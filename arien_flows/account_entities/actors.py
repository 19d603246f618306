"""What an account is: somebody with a key, or which kind of contract.

Rules about owners speak of people, and on a chain of accounts many accounts are nobody's: a pool
pays thousands, a token's contract names them all. So before any rule the actor is looked at:
what code was put at an account, what events it emits, and whether it ever sent a transaction,
which no contract can (EIP-3607). An account with a delegation (EIP-7702) still is one of a key.

Events are what a contract says of itself, and it may say anything. To be taken for a pool by a
false event costs a contract nothing but its part in entities; an account that sends transactions
is not taken for one, whatever it emits.

A ledger that does not begin at genesis, or has no traces, has not seen every creation. Then a
contract is known by its doings: it emits events, or gives coins or creates contracts in a
transaction that another sent.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np

from arien_flows.account_entities.burns import burn_accounts
from arien_flows.account_entities.denied import denied_accounts
from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.view import AccountView
from chains.ethereum.tables import NO_ACCOUNT, CodeKind, EventKind, MovementKind, TransactionKind
from chains.types import AnyArray, BoolArray, Int64Array, UInt8Array, UInt32Array

MOST_COUNTERPARTIES = 50
"""A contract that more holders of keys than this deal with serves many people."""


class ActorKind(IntEnum):
    """What an account is. From `CONTRACT` on it is code that acts, and not a key."""

    KEY = 0
    """An account of a key, as far as the ledger tells."""

    DELEGATED = 1
    """An account of a key that runs the code of another account (EIP-7702)."""

    CONTRACT = 2
    MINIMAL_PROXY = 3
    """EIP-1167: all calls go to another contract; `Actors.implementation` says which."""

    SAFE = 4
    """A Safe: a wallet that several signers may share."""

    SMART_ACCOUNT = 5
    """An ERC-4337 account: the sender of user operations."""

    ENTRY_POINT = 6
    """It executes user operations of many accounts."""

    TOKEN = 7
    POOL = 8
    """It emits swaps."""

    ROUTER = 9
    """Transactions are sent to it in which pools swap."""

    BRIDGE = 10
    MIXER = 11


SERVES_MANY = (
    ActorKind.ENTRY_POINT,
    ActorKind.TOKEN,
    ActorKind.POOL,
    ActorKind.ROUTER,
    ActorKind.BRIDGE,
    ActorKind.MIXER,
)
"""Kinds through which nobody is joined, however few they have served."""

_COIN_CALLS = (MovementKind.CALL, MovementKind.CREATE, MovementKind.SELF_DESTRUCT)


@dataclass(frozen=True)
class Actors:
    """The accounts of a view by kind."""

    view: AccountView

    @cached_property
    def kind(self) -> UInt8Array:
        """Return the `ActorKind` of every account."""
        kind = np.where(self._has_code, ActorKind.CONTRACT, ActorKind.KEY).astype(np.uint8)
        for code, actor in _ACTOR_OF_CODE:
            kind[(self._last_code == code) & self._has_code] = actor
        for event, column, actor in _ACTOR_OF_EVENT:
            kind[self._named_in(event, column) & self._has_code] = actor
        kind[self._routers(kind)] = ActorKind.ROUTER
        kind[self._tokens & self._has_code] = ActorKind.TOKEN
        for event, column, actor in _SERVICE_OF_EVENT:
            kind[self._named_in(event, column) & self._has_code] = actor
        kind[self._is_delegated] = ActorKind.DELEGATED
        kind.flags.writeable = False
        return kind

    @cached_property
    def is_contract(self) -> BoolArray:
        """Return which accounts are code and not a key."""
        found: BoolArray = self.kind >= ActorKind.CONTRACT
        return found

    @cached_property
    def implementation(self) -> UInt32Array:
        """Return where the calls of each account go: of proxies and delegations."""
        codes = self.view.codes
        target = np.full(self.view.counts.accounts, NO_ACCOUNT, np.uint32)
        target[codes.account] = codes.target
        events = self.view.events
        rows = np.flatnonzero(events.kind == EventKind.DELEGATION)
        unsettled = rows[~np.isin(events.first[rows], codes.account)]
        target[events.first[unsettled]] = events.second[unsettled]
        return target

    @cached_property
    def has_sent(self) -> BoolArray:
        """Return which accounts sent a transaction: they have a key."""
        sent = self._none()
        _mark(sent, self.view.transactions.sender)
        return sent

    @cached_property
    def mines(self) -> BoolArray:
        """Return which accounts received rewards of blocks before the merge."""
        found = self._none()
        _mark(found, self._receivers(MovementKind.REWARD))
        return found

    def many_people(self) -> BoolArray:
        """Return which accounts serve many people, so that no rule may join through them.

        They are listed, or their events say what they are, or they are contracts that more than
        `MOST_COUNTERPARTIES` holders of keys deal with. A forwarder of deposits, which pays to one
        account only, is none, however many pay to it.
        """
        found: BoolArray = np.isin(self.kind, SERVES_MANY)
        found[denied_accounts(self.view)] = True
        found[burn_accounts(self.view)] = True
        popular = self.counterparties > MOST_COUNTERPARTIES
        found |= popular & self.is_contract & (self.payees != 1)
        return found

    @cached_property
    def counterparties(self) -> Int64Array:
        """Return with how many holders of keys each contract exchanged anything, or was called.

        0 for accounts of keys.
        """
        moves, sent = self.view.movements, self.view.transactions
        pairs = [
            self._pairs(moves.giver, moves.receiver),
            self._pairs(moves.receiver, moves.giver),
            self._pairs(sent.receiver, sent.sender),
        ]
        return _distinct(np.concatenate(pairs), self.view.counts.accounts)

    @cached_property
    def payees(self) -> Int64Array:
        """Return to how many accounts each contract gave anything; 0 for accounts of keys."""
        moves = self.view.movements
        rows = np.flatnonzero(_held(moves.giver, self.is_contract) & (moves.receiver != NO_ACCOUNT))
        return _distinct(
            _pair_keys(moves.giver[rows], moves.receiver[rows]), self.view.counts.accounts
        )

    # --- what was seen of each account

    @cached_property
    def _has_code(self) -> BoolArray:
        """Return which accounts are contracts by creation or doings, and never sent themselves."""
        moves, view = self.view.movements, self.view
        found: BoolArray = self._last_code != _NO_CODE
        found &= self._last_code != CodeKind.DELEGATION
        _mark(found, view.events.contract)
        _mark(found, view.assets.contract)
        codes = view.codes
        _mark(found, codes.creator[codes.creator != view.transactions.sender[codes.transaction]])
        coin = (moves.asset == NATIVE) & np.isin(moves.kind, _COIN_CALLS)
        rows = np.flatnonzero(coin)
        giver = moves.giver[rows]
        _mark(found, giver[giver != view.transactions.sender[moves.transaction[rows]]])
        found &= ~self.has_sent & ~self._is_delegated
        return found

    @cached_property
    def _last_code(self) -> UInt8Array:
        codes = self.view.codes
        taken_back = (codes.kind == CodeKind.DELEGATION) & (codes.target == NO_ACCOUNT)
        last = np.full(self.view.counts.accounts, _NO_CODE, np.uint8)
        # Of several rows of one account the last one, which is assigned last, stands.
        last[codes.account] = np.where(taken_back, _NO_CODE, codes.kind)
        return last

    @cached_property
    def _is_delegated(self) -> BoolArray:
        found: BoolArray = self._last_code == CodeKind.DELEGATION
        events = self.view.events
        rows = np.flatnonzero(events.kind == EventKind.DELEGATION)
        # In chain order, so the last one of an account stands.
        found[events.first[rows]] = events.second[rows] != NO_ACCOUNT
        return found

    @cached_property
    def _tokens(self) -> BoolArray:
        found = self._none()
        _mark(found, self.view.assets.contract)
        return found

    def _named_in(self, event: EventKind, column: str) -> BoolArray:
        events = self.view.events
        found = self._none()
        _mark(found, getattr(events, column)[events.kind == event])
        return found

    def _routers(self, kind: UInt8Array) -> BoolArray:
        """Return contracts that transactions were sent to in which another contract swapped."""
        events, found = self.view.events, self._none()
        rows = np.flatnonzero(events.kind == EventKind.SWAP)
        called = self.view.transactions.receiver[events.transaction[rows]]
        _mark(found, called[called != events.contract[rows]])
        found &= kind == ActorKind.CONTRACT
        return found

    def _receivers(self, kind: MovementKind) -> UInt32Array:
        moves = self.view.movements
        receivers: UInt32Array = moves.receiver[moves.kind == kind]
        return receivers

    def _pairs(self, contract: UInt32Array, other: UInt32Array) -> Int64Array:
        """Return distinct pairs of a contract and the holder of a key that it deals with."""
        rows = np.flatnonzero(_held(contract, self.is_contract) & _held(other, ~self.is_contract))
        return np.unique(_pair_keys(contract[rows], other[rows]))

    def _none(self) -> BoolArray:
        return np.zeros(self.view.counts.accounts, np.bool_)


_NO_CODE = 255
_ACTOR_OF_CODE = (
    (CodeKind.MINIMAL_PROXY, ActorKind.MINIMAL_PROXY),
    (CodeKind.SAFE_PROXY, ActorKind.SAFE),
)
_ACTOR_OF_EVENT = (
    (EventKind.USER_OPERATION, "first", ActorKind.SMART_ACCOUNT),
    (EventKind.USER_OPERATION, "contract", ActorKind.ENTRY_POINT),
    (EventKind.SAFE_EXECUTION, "contract", ActorKind.SAFE),
)
_SERVICE_OF_EVENT = (
    (EventKind.SWAP, "contract", ActorKind.POOL),
    (EventKind.BRIDGE, "contract", ActorKind.BRIDGE),
    (EventKind.MIXER_DEPOSIT, "contract", ActorKind.MIXER),
    (EventKind.MIXER_WITHDRAWAL, "contract", ActorKind.MIXER),
)
"""In order: what comes later stands."""


def many_people(view: AccountView) -> BoolArray:
    """Return which accounts serve many people; see `Actors.many_people`."""
    return Actors(view).many_people()


def sender_of(view: AccountView, transactions: Int64Array) -> UInt32Array:
    """Return who acts in each transaction.

    For a user operation (ERC-4337) it is the operation's sender and not the bundler who pays for
    sending it; for a Safe's transaction it is the Safe. `NO_ACCOUNT` stands where a bundle holds
    the operations of several accounts, and for system transactions.
    """
    is_system = view.transactions.tx_kind[transactions] == TransactionKind.SYSTEM
    sender: UInt32Array = np.where(is_system, NO_ACCOUNT, view.transactions.sender[transactions])
    events = view.events
    for kind, column in (
        (EventKind.SAFE_EXECUTION, "contract"),
        (EventKind.USER_OPERATION, "first"),
    ):
        rows = np.flatnonzero(events.kind == kind)
        actor = getattr(events, column)[rows]
        acting = events.transaction[rows].astype(np.int64)
        # Somebody else may have a Safe execute something in the middle of his own transaction.
        if kind == EventKind.SAFE_EXECUTION:
            own = view.transactions.receiver[acting] == actor
            actor, acting = actor[own], acting[own]
        _replace_actors(sender, transactions, acting, actor)
    return sender


def _replace_actors(
    sender: UInt32Array, transactions: Int64Array, acting: Int64Array, actor: UInt32Array
) -> None:
    """Put actors in the place of senders; `acting` is ascending and may repeat."""
    if not len(acting):
        return
    distinct, first = np.unique(acting, return_index=True)
    lowest, highest = np.minimum.reduceat(actor, first), np.maximum.reduceat(actor, first)
    place = np.minimum(np.searchsorted(distinct, transactions), len(distinct) - 1)
    rows = np.flatnonzero(distinct[place] == transactions)
    same = lowest[place[rows]] == highest[place[rows]]
    sender[rows] = np.where(same, lowest[place[rows]], NO_ACCOUNT)


def _mark(found: BoolArray, accounts: UInt32Array) -> None:
    """Set the marks of accounts; `NO_ACCOUNT` has none."""
    found[accounts[accounts != NO_ACCOUNT]] = True


def _held(accounts: UInt32Array, marks: BoolArray) -> BoolArray:
    """Return the mark of each account, false for `NO_ACCOUNT`."""
    none = accounts == NO_ACCOUNT
    held: BoolArray = marks[np.where(none, 0, accounts)] & ~none
    return held


def _pair_keys(left: UInt32Array, right: UInt32Array) -> Int64Array:
    """Return one number for each pair of accounts."""
    return (left.astype(np.int64) << 32) | right.astype(np.int64)


def _distinct(pairs: AnyArray, accounts: int) -> Int64Array:
    """Return how many different second accounts each first account is paired with."""
    return np.bincount(np.unique(pairs) >> 32, minlength=accounts)[:accounts].astype(np.int64)
