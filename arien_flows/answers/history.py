"""The transactions of an address, page by page, from either end.

A page ends with a cursor that names the last transaction shown by its id, so that blocks which
arrive between two pages shift nothing. A reorganisation that removes that transaction makes the
cursor stale, and the answer says so rather than going on in another list.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from arien_flows.amounts import asset_of
from arien_flows.answers.facts import sightings
from arien_flows.errors import InputError, NotFoundError, StaleCursorError
from arien_flows.ledger.state import as_of
from arien_flows.ledger.view import View
from arien_flows.shapes import Certainty, ChainAnswer, Shape
from arien_flows.workspace import Reading

Order = Literal["newest", "oldest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow(Shape):
    """What one transaction does to an address."""

    txid: str
    """Transaction id as people read it."""

    height: int
    """Height of its block."""

    time: datetime
    """The time that the block's header states."""

    received: str
    """What the transaction pays to the address, in base units."""

    sent: str
    """What the transaction spends of the address, in base units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryAnswer(ChainAnswer):
    """A page of the transactions that touch an address."""

    network: str
    """Name of the network."""

    address: str
    """Canonical text of the address."""

    asset: str
    """What the amounts count."""

    decimals: int
    """Digits after the point when base units are shown as whole coins."""

    certainty: Certainty
    """Always `fact`."""

    items: tuple[HistoryRow, ...]
    """The transactions, in the order that was asked for."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


def history_answer(
    reading: Reading,
    text: str,
    *,
    limit: int,
    order: Order = "newest",
    cursor: str | None = None,
) -> HistoryAnswer:
    """Return a page of an address's transactions after the one that `cursor` names."""
    view = reading.view
    address = view.find_address(text)
    count = view.totals(address).transaction_count
    start, stop = _stretch(view, address, count, limit, order, cursor)
    history = view.history(address, start, stop)
    transactions = history.transaction.tolist()
    rows = [
        HistoryRow(
            txid=seen.txid,
            height=seen.height,
            time=seen.time,
            received=str(received),
            sent=str(sent),
        )
        for seen, received, sent in zip(
            sightings(view, transactions),
            history.received_sat.tolist(),
            history.sent_sat.tolist(),
            strict=True,
        )
    ]
    if order == "newest":
        rows.reverse()
    more = start > 0 if order == "newest" else stop < count
    asset = asset_of(view.network.name)
    return HistoryAnswer(
        as_of=as_of(view),
        complete=not reading.limits,
        truncations=reading.limits,
        network=view.network.name,
        address=view.address_text(address) or text,
        asset=asset.name,
        decimals=asset.decimals,
        certainty="fact",
        items=tuple(rows),
        next_cursor=make_cursor(order, rows[-1].txid) if more and rows else None,
    )


def _stretch(
    view: View, address: int, count: int, limit: int, order: Order, cursor: str | None
) -> tuple[int, int]:
    """Return the history entries `[start, stop)` of a page."""
    if order == "newest":
        stop = count
        if cursor is not None:
            stop = _entry_of(view, address, read_cursor(order, cursor))
        return max(0, stop - limit), stop
    start = 0
    if cursor is not None:
        start = _entry_of(view, address, read_cursor(order, cursor)) + 1
    return start, min(count, start + limit)


def _entry_of(view: View, address: int, txid: str) -> int:
    """Return which entry of the history a transaction is."""
    try:
        wanted = view.find_transaction(txid)
    except NotFoundError as error:
        raise StaleCursorError(
            f"the cursor names transaction {txid}, which a reorganisation removed: "
            "start again without a cursor"
        ) from error
    place = view.place_in_history(address, wanted)
    if place is None:
        raise InputError("the cursor belongs to another list: use it where it came from")
    return place


def make_cursor(order: Order, txid: str) -> str:
    """Return the opaque text of a place in a list."""
    digits = bytes.fromhex(txid.removeprefix("0x"))
    return base64.urlsafe_b64encode(order[0].encode() + digits).decode().rstrip("=")


def read_cursor(order: Order, cursor: str) -> str:
    """Return the transaction id of a cursor; `InputError` for anything else."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 33 or raw[:1] not in (b"n", b"o"):
        raise InputError("the cursor is damaged: give it back exactly as the last page had it")
    if raw[:1] != order[0].encode():
        raise InputError("the cursor was made for the other order of the list")
    return raw[1:].hex()
