"""From what a person names to the movements that a trace starts at.

An address as a source means what it received of the asset from others: transfers, new units, and
what it held before the ledger begins. What comes back in a transaction in which it gave of the same
asset is no new money (where more came back than went, the answer says so), and neither is what it
got for another asset of its own. `entity:A` means the same for all accounts of A's entity together.
`TXHASH:POSITION` means one movement, by its place among those of its transaction, from 0. Backward
the same movements are meant: the question is where they came from.
"""

import re
from dataclasses import dataclass, field

import numpy as np

from arien_flows.account_ledger.asset_names import asset_label
from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.positions import positions_of, rows_of_id
from arien_flows.account_ledger.view import AccountView
from arien_flows.account_tracing.ground import Ground
from arien_flows.account_tracing.request import AccountTraceRequest
from arien_flows.account_tracing.window import Window
from arien_flows.errors import InputError, NothingReceivedError
from arien_flows.passages.asset_choice import chosen_asset
from chains.ethereum.tables import MovementKind
from chains.types import BoolArray, Int64Array
from heuristics.wide import sums

MAX_SOURCE_MOVEMENTS = 1_000_000
MAX_MEMBERS = 100_000
_PLACE = re.compile(r"[0-9]{1,10}")
_GAS = (MovementKind.GAS_BURNT, MovementKind.GAS_TIP)
_SINGULAR = (MovementKind.NFT, MovementKind.MULTI_TOKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where a trace starts."""

    rows: Int64Array
    """Movements, ascending, each once."""

    asset: int
    """What all of them are of."""

    accounts: frozenset[int]
    """Those that were named: no name and no code of theirs ends a path there."""

    total: int
    """In base units."""

    beside: Int64Array = field(default_factory=lambda: np.empty(0, np.int64))
    """Movements that are no sources although they left their receivers richer: in the same
    transaction these gave of the asset too, and which units came back cannot be told."""


def resolve_sources(ground: Ground, request: AccountTraceRequest, window: Window) -> Sources:
    """Return the movements that the request's sources mean.

    Raises
    ------
    InputError
        If a source means no movement in the time window, or too many, or one of another asset.
    NotFoundError
        If the ledger does not hold it.
    """
    view = ground.view
    asset = None if request.asset is None else chosen_asset(view, request.asset)
    named = [text.strip() for text in request.sources]
    single = [_movement(view, text) for text in named if _is_movement(text)]
    if asset is None:
        assets = {int(view.movements.asset[row]) for row in single}
        if len(assets) > 1:
            raise InputError("the sources are of several assets: trace one asset at a time")
        asset = assets.pop() if assets else NATIVE
    if view.asset_facts[asset].standard in _SINGULAR:
        raise InputError(
            f"{asset_label(view.asset_facts[asset], view).name} is a token of single pieces, each "
            "with a number of its own: no convention is needed, `arien-flows address` lists them"
        )
    found, accounts = [np.array(single, np.int64)], set[int]()
    beside = [np.empty(0, np.int64)]
    for text, row in zip((t for t in named if _is_movement(t)), single, strict=True):
        _check_movement(view, text, row, asset)
    for text in named:
        if not _is_movement(text):
            members = _members(ground, text)
            receipts = _receipts(ground, members, asset, window, text)
            found.append(receipts.chosen)
            beside.append(receipts.beside)
            accounts |= set(members.tolist())
    rows = np.unique(np.concatenate(found))
    if len(rows) > MAX_SOURCE_MOVEMENTS:
        raise InputError(
            f"the sources received {len(rows):,} payments, more than {MAX_SOURCE_MOVEMENTS:,}: "
            "narrow the time with since and until"
        )
    total = sums(view.amounts.of(rows), np.zeros(len(rows), np.int64), 1)[0]
    return Sources(
        rows=rows,
        asset=asset,
        accounts=frozenset(accounts),
        total=total,
        beside=np.setdiff1d(np.concatenate(beside), rows),
    )


def movement_text(view: AccountView, row: int) -> str:
    """Return what a movement is called: `TXHASH:POSITION`."""
    transaction = int(view.movements.transaction[row])
    place = int(positions_of(view, np.array([row], np.int64))[0])
    return f"{view.transaction_text(transaction)}:{place}"


def _is_movement(text: str) -> bool:
    return ":" in text and not text.lower().startswith("entity:")


def _movement(view: AccountView, text: str) -> int:
    name, _, place = text.rpartition(":")
    transaction = view.find_transaction(name)
    rows = rows_of_id(view, transaction)
    if not _PLACE.fullmatch(place) or int(place) >= len(rows):
        raise InputError(
            f"{text}: the transaction has {len(rows):,} movements, named {name}:0 and on"
        )
    return int(rows[int(place)])


def _check_movement(view: AccountView, text: str, row: int, asset: int) -> None:
    if int(view.movements.asset[row]) != asset:
        name = asset_label(view.asset_facts[asset], view).name
        raise InputError(f"{text} moves another asset than {name}: leave out --asset, or name it")
    if int(view.movements.kind[row]) in _GAS:
        raise InputError(f"{text} is gas: name the movement that carries the value")
    if not view.amounts.of(np.array([row]))[0].any():
        raise NothingReceivedError(f"{text} is worth nothing: it holds no money to follow")


def _members(ground: Ground, text: str) -> Int64Array:
    kind, colon, rest = text.partition(":")
    if kind.lower() == "entity" and colon:
        root = ground.entities.root_of(ground.view.find_account(rest))
        members = ground.entities.members(root).astype(np.int64)
        if len(members) > MAX_MEMBERS:
            raise InputError(
                f"{text} has {len(members):,} accounts, more than {MAX_MEMBERS:,}: name some of "
                "them instead"
            )
        return members
    if len(text.removeprefix("0x")) == 64:
        raise InputError(
            "this looks like the id of a transaction, not an address: for one of its movements "
            "write TXHASH:0"
        )
    return np.array([ground.view.find_account(text)], np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Receipts:
    """What accounts received."""

    chosen: Int64Array
    beside: Int64Array
    """As in `Sources`."""


def _receipts(
    ground: Ground, members: Int64Array, asset: int, window: Window, text: str
) -> _Receipts:
    """Return the movements by which accounts received an asset from others."""
    view = ground.view
    rows = np.unique(
        np.concatenate([view.index.movements_of(each, asset) for each in members.tolist()])
    )
    rows = rows[(rows >= window.first_row) & (rows < window.past_row)]
    moved = view.movements
    mine, theirs = np.isin(moved.receiver[rows], members), np.isin(moved.giver[rows], members)
    paid = np.unique(
        moved.transaction[rows[theirs & ~np.isin(moved.kind[rows], _GAS)]].astype(np.int64)
    )
    transactions = moved.transaction[rows].astype(np.int64)
    is_both = np.isin(transactions, paid)
    got = rows[mine & ~theirs & ~(is_both & ~_is_gain(view, rows, transactions, mine, theirs))]
    got = got[view.amounts.of(got).any(axis=1)]
    got = got[~_got_for_own(ground, got, members)]
    is_beside = np.isin(view.movements.transaction[got].astype(np.int64), paid)
    chosen, beside = got[~is_beside], got[is_beside]
    if len(chosen) == 0:
        name = asset_label(view.asset_facts[asset], view).name
        when = (
            "between since and until" if window.is_limited else f"up to block {view.tip.height:,}"
        )
        if len(beside):
            raise NothingReceivedError(
                f"{text} received {name} {when} only where it paid {name} in the same transaction: "
                f"name the movement that is meant, as {movement_text(view, int(beside[0]))}"
            )
        raise NothingReceivedError(f"{text} received no {name} from others {when}")
    return _Receipts(chosen=chosen, beside=beside)


def _is_gain(
    view: AccountView,
    rows: Int64Array,
    transactions: Int64Array,
    mine: BoolArray,
    theirs: BoolArray,
) -> BoolArray:
    """Return which movements are of transactions in which accounts got more than they gave."""
    each, group = np.unique(transactions, return_inverse=True)
    amount, value = view.amounts.of(rows), ~np.isin(view.movements.kind[rows], _GAS)
    came = sums(amount, np.where(mine & value, group, -1), len(each))
    went = sums(amount, np.where(theirs & value, group, -1), len(each))
    gain = np.array([got > gave for got, gave in zip(came, went, strict=True)], np.bool_)
    found: BoolArray = gain[group]
    return found


def _got_for_own(ground: Ground, rows: Int64Array, members: Int64Array) -> BoolArray:
    """Return which movements gave accounts an asset for another one of theirs."""
    transactions = np.unique(ground.view.movements.transaction[rows].astype(np.int64))
    owners = set(members.tolist())
    got = {
        row
        for found in ground.find_conversions(ground.view, transactions)
        if found.owner in owners
        for row in found.gotten_rows
    }
    return np.isin(rows, np.array(sorted(got), np.int64))
