"""A transaction on a chain of accounts: what it moved, what it told, and what that comes to.

Only what took effect moved anything: a transaction that failed paid for its gas and did nothing
else, whatever it was sent with. That somebody exchanged one asset for another is an inference from
the movements, with the rule that makes it. Movements and events are pages of one answer.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np

from arien_flows.account_entities.actors import sender_of
from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.positions import positions_of, rows_of_id
from arien_flows.account_ledger.view import AccountView
from arien_flows.account_workspace import AccountReading
from arien_flows.amounts import asset_of, counted
from arien_flows.answers.account_events import EventAnswer, event_answers
from arien_flows.answers.account_facts import AssetShape, Shapes, account_sighting, text_of
from arien_flows.answers.account_movements import MovementAnswer, movement_answers
from arien_flows.answers.facts import Flag
from arien_flows.answers.transaction import page_cut
from arien_flows.passages.conversion import Conversion, conversions_in
from arien_flows.shapes import Certainty, ChainAnswer, Shape, Truncation
from chains.ethereum.tables import CallCoverage, MovementKind, TransactionKind
from chains.types import Int64Array
from heuristics.wide import to_ints

KindName = Literal["legacy", "access_list", "fee_market", "blob", "set_code", "system"]

_KINDS: dict[TransactionKind, KindName] = {
    TransactionKind.LEGACY: "legacy",
    TransactionKind.ACCESS_LIST: "access_list",
    TransactionKind.FEE_MARKET: "fee_market",
    TransactionKind.BLOB: "blob",
    TransactionKind.SET_CODE: "set_code",
    TransactionKind.SYSTEM: "system",
}

MAX_CONVERSIONS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionAnswer(Shape):
    """Somebody gave one asset and got another for it."""

    owner: str
    """Who did."""

    gave: AssetShape
    """What was given."""

    gave_amount: str
    """In base units, what was given back taken off."""

    got: AssetShape
    """What was got for it."""

    got_amount: str
    """In base units."""

    rule: str
    """`swap-eulerian`, `swap-net`, `wrap` or `unwrap`."""

    positions: tuple[int, ...]
    """The movements that show it, as places in this transaction."""

    certainty: Certainty
    """`fact` for a wrap by a listed contract; else `inference`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTransactionAnswer(ChainAnswer):
    """A transaction with its movements and events."""

    network: str
    """Name of the network."""

    txid: str
    """Its id; the block's hash for what moved outside any transaction."""

    height: int
    """Height of its block."""

    block_hash: str
    """Hash of its block."""

    time: datetime
    """The time that the block's header states."""

    position: int
    """Position in the block as the ledger lists it, system transactions counted."""

    confirmations: int
    """Blocks from its own to the last one of the ledger, both counted."""

    kind: KindName
    """By its envelope; `system` for what moved outside any transaction: withdrawals of validators,
    rewards, the allocation of the genesis block, opening balances."""

    succeeded: bool
    """Whether it took effect; one that failed moved nothing but gas."""

    sender: str | None
    """Who signed it; nothing for a system transaction."""

    acting: str | None
    """Who acts in it: the account of a user operation (ERC-4337) or a Safe, where it is one's;
    otherwise the sender. Nothing where several do."""

    receiver: str | None
    """What it was sent to; the contract that it created where it was sent to none."""

    nonce: int
    """How many transactions the sender had sent before."""

    selector: str | None
    """First four bytes of what it was sent with, which name the function that was called."""

    gas_used: int
    """Units of gas."""

    gas_price: str
    """Wei for a unit, tip included."""

    gas_burnt: str
    """What was burnt of the sender's coin, in base units."""

    gas_tip: str
    """What went to whom the block names."""

    asset: str
    """The native coin."""

    decimals: int
    """Digits after the point when its base units are shown as whole coins."""

    certainty: Certainty
    """Certainty of all the above: always `fact`."""

    movement_count: int
    """Movements, gas counted."""

    movements: tuple[MovementAnswer, ...]
    """The movements of this page, in order of execution, gas last."""

    event_count: int
    """Events that move nothing and that are kept: approvals, swaps, mixers, wallets, bridges."""

    events: tuple[EventAnswer, ...]
    """The events of this page, in order."""

    conversions: tuple[ConversionAnswer, ...]
    """What was exchanged, in order; at most 50."""

    flags: tuple[Flag, ...]
    """What stands out, each with its own certainty."""


def account_transaction_answer(
    reading: AccountReading, txid: str, *, limit: int, offset: int = 0
) -> AccountTransactionAnswer:
    """Return a transaction with its movements and events from `offset` on, `limit` of each."""
    view = reading.view
    transaction = view.find_transaction(txid)
    seen, table = account_sighting(view, transaction), view.transactions
    block = int(view.blocks_of(np.array([transaction], np.int64))[0])
    rows = rows_of_id(view, transaction)
    events = range(*table.first_event[transaction : transaction + 2].tolist())
    conversions = conversions_in(view, np.array([transaction], np.int64))
    shapes, coin = Shapes(view), asset_of(view.network.name)
    selector = int(table.selector[transaction])
    (acting,) = sender_of(view, np.array([transaction], np.int64)).tolist()
    cuts = (
        *page_cut("movements", len(rows), offset, limit),
        *page_cut("events", len(events), offset, limit),
        *_left_out(len(conversions)),
        *reading.limits,
    )
    return AccountTransactionAnswer(
        as_of=view.as_of(),
        complete=not cuts,
        truncations=cuts,
        network=view.network.name,
        txid=seen.txid,
        height=seen.height,
        block_hash="0x" + view.blocks.block_hash[block].tobytes().hex(),
        time=seen.time,
        position=transaction - int(view.blocks.first_transaction[block]),
        confirmations=view.tip.height - seen.height + 1,
        kind=_KINDS[TransactionKind(int(table.tx_kind[transaction]))],
        succeeded=bool(table.succeeded[transaction]),
        sender=text_of(view, int(table.sender[transaction])),
        acting=text_of(view, acting),
        receiver=text_of(view, int(table.receiver[transaction])),
        nonce=int(table.nonce[transaction]),
        selector=f"0x{selector:08x}" if selector else None,
        gas_used=int(table.gas_used[transaction]),
        gas_price=str(int(table.gas_price[transaction])),
        gas_burnt=str(_sum(view, rows, MovementKind.GAS_BURNT)),
        gas_tip=str(_sum(view, rows, MovementKind.GAS_TIP)),
        asset=coin.name,
        decimals=coin.decimals,
        certainty="fact",
        movement_count=len(rows),
        movements=movement_answers(view, rows[offset : offset + limit], shapes),
        event_count=len(events),
        events=event_answers(view, events[offset : offset + limit], shapes),
        conversions=tuple(
            _conversion(view, each, shapes) for each in conversions[:MAX_CONVERSIONS]
        ),
        flags=_flags(view, transaction, block, rows),
    )


def _conversion(view: AccountView, found: Conversion, shapes: Shapes) -> ConversionAnswer:
    rows = np.array(sorted(found.rows), np.int64)
    return ConversionAnswer(
        owner=view.account_text(found.owner),
        gave=shapes.of(found.gave),
        gave_amount=str(found.gave_amount),
        got=shapes.of(found.got),
        got_amount=str(found.got_amount),
        rule=found.rule,
        positions=tuple(positions_of(view, rows).tolist()),
        certainty=found.certainty,
    )


def _sum(view: AccountView, rows: Int64Array, kind: MovementKind) -> int:
    return sum(to_ints(view.amounts.of(rows[view.movements.kind[rows] == kind])))


def _flags(view: AccountView, transaction: int, block: int, rows: Int64Array) -> tuple[Flag, ...]:
    found: list[Flag] = []
    if not view.transactions.succeeded[transaction]:
        found.append(
            Flag(
                name="failed",
                certainty="fact",
                detail="it failed: it moved nothing but its gas, whatever it was sent with",
            )
        )
    if not view.is_system(transaction) and view.blocks.calls[block] == CallCoverage.MISSING:
        found.append(
            Flag(
                name="no_traces",
                certainty="fact",
                detail=f"the source had no traces of this block: {view.network.coin} that "
                "contracts passed on in it is not known",
            )
        )
    created = rows[view.movements.kind[rows] == MovementKind.SELF_DESTRUCT]
    if len(created):
        found.append(
            Flag(
                name="self_destruct",
                certainty="fact",
                detail=f"{counted(len(created), 'contract')} gave up all that it held of "
                f"{view.asset_facts[NATIVE].symbol}; since EIP-6780 one that an earlier "
                "transaction made stays where it is and can be paid again",
            )
        )
    return tuple(found)


def _left_out(conversions: int) -> tuple[Truncation, ...]:
    if conversions <= MAX_CONVERSIONS:
        return ()
    detail = f"{conversions - MAX_CONVERSIONS:,} more exchanges are not shown"
    return (
        Truncation(where="conversions", reason="too_many", limit=MAX_CONVERSIONS, detail=detail),
    )
