"""Bridges: where money leaves one chain and arrives on another.

Two statements, of very different weight. *By identifier*: both sides show the same word, which a
bridge makes once for each transfer; or, over THORChain, what comes out names the transaction that
went in. *By candidate*: amount, asset and time fit (`heuristics.bridge_match`). Both are
inferences: the first rests on what contracts and memos say of themselves, the second is a guess
with a number.

A word that more than one departure or arrival shows names none of them for sure: each pair is told
with how many there are.
"""

from collections import defaultdict
from collections.abc import Iterable, Set
from dataclasses import dataclass
from itertools import islice, product

import numpy as np

from arien_flows.account_ledger.asset_names import asset_label
from arien_flows.account_ledger.view import AccountView
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.view import View
from arien_flows.passages.legs import NOBODY, owners_of
from arien_flows.passages.memos import memos_of
from arien_flows.shapes import Certainty
from chains.ethereum.tables import EventKind, MovementKind
from heuristics.bridge_match import FRACTION_DIGITS, RULE, Side, match, scaled
from heuristics.passage_rules import BRIDGE_IDENTIFIER
from heuristics.wide import to_ints

LEAVES, ARRIVES = 1, 2
"""Amounts of `EventKind.BRIDGE`."""

MOST_PAIRS = 100
"""Pairs that are told of one word."""

_NO_WORD = bytes(32)

_FAMILIES = {"WETH": "ETH", "TETH": "ETH", "WBTC": "BTC", "TBTC": "BTC", "USDC.E": "USDC"}
"""Symbols that one asset has on different chains; others stand for themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One side of a crossing."""

    network: str
    transaction: int
    """Row in the ledger of that network."""

    txid: str
    party: int | None
    """Who sent, or was paid, by its number in that ledger; nothing where it is not told."""

    word: bytes
    output: int | None = None
    """On Bitcoin, the first output that the transaction pays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Money that left one chain and arrived on another."""

    departure: Port
    arrival: Port
    rule: str
    candidates: int
    """How many pairs fit as well; 1 where there is one."""

    percent: int | None
    """Of a candidate, how sure it can be, rounded down; nothing for identifiers, for which no
    rate of error is known."""

    certainty: Certainty = "inference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What leaves a ledger over bridges, and what arrives."""

    departures: tuple[Port, ...]
    arrivals: tuple[Port, ...]


def account_ports(view: AccountView) -> Ports:
    """Return the bridge events of a ledger of accounts, in chain order."""
    events = view.events
    rows = np.flatnonzero(events.kind == EventKind.BRIDGE)
    way = np.array(to_ints(events.amount[rows]), object)
    found: dict[int, list[Port]] = {LEAVES: [], ARRIVES: []}
    for row, direction in zip(rows.tolist(), way.tolist(), strict=True):
        word = events.word[row].tobytes()
        if direction in found and word != _NO_WORD:
            transaction, party = int(events.transaction[row]), int(events.first[row])
            found[direction].append(
                Port(
                    network=view.network.name,
                    transaction=transaction,
                    txid=view.transaction_text(transaction),
                    party=None if party == NOBODY else party,
                    word=word,
                )
            )
    return Ports(departures=tuple(found[LEAVES]), arrivals=tuple(found[ARRIVES]))


def coin_ports(view: View) -> Ports:
    """Return what the memos of a Bitcoin ledger say went over THORChain, in chain order.

    What goes in is named by its own id, because that is what the answer names.
    """
    memos = memos_of(view)
    outputs = np.array(sorted(memos), np.int64)
    transactions = view.transactions_of_outputs(outputs).tolist()
    leaving, arriving = [], []
    for output, transaction in zip(outputs.tolist(), transactions, strict=True):
        memo, txid = memos[output], view.txid_text(transaction)
        if memo.kind == "swap":
            leaving.append(
                Port(
                    network=view.network.name,
                    transaction=transaction,
                    txid=txid,
                    party=_spender(view, transaction),
                    word=bytes.fromhex(txid),
                    output=_paid(view, transaction),
                )
            )
        elif memo.kind == "out":
            paid = _paid(view, transaction)
            arriving.append(
                Port(
                    network=view.network.name,
                    transaction=transaction,
                    txid=txid,
                    party=None if paid is None else int(view.output_address[paid]),
                    word=memo.answers,
                    output=paid,
                )
            )
    return Ports(departures=tuple(leaving), arrivals=tuple(arriving))


def _spender(view: View, transaction: int) -> int | None:
    """Return the address whose coin a transaction spends first."""
    first = int(view.first_input[transaction])
    if first == int(view.first_input[transaction + 1]):
        return None
    spent = int(view.spent_output[first])
    address = int(view.output_address[spent]) if spent >= 0 else int(NO_ADDRESS)
    return None if address == NO_ADDRESS else address


def _paid(view: View, transaction: int) -> int | None:
    """Return the first output that pays an address; vaults put the payment before the change."""
    start, stop = view.first_output[transaction : transaction + 2].tolist()
    rows = np.arange(start, stop)
    paying = rows[(view.output_address[rows] != NO_ADDRESS) & (view.output_value[rows] > 0)]
    return int(paying[0]) if len(paying) else None


def crossings(departures: Iterable[Port], arrivals: Iterable[Port]) -> tuple[Crossing, ...]:
    """Return the pairs that show the same identifier, by departure; of one word at most 100.

    Any contract can repeat a word as often as it likes; `candidates` counts all pairs.
    """
    leaving: dict[bytes, list[Port]] = defaultdict(list)
    arriving: dict[bytes, list[Port]] = defaultdict(list)
    for port in departures:
        leaving[port.word].append(port)
    for port in arrivals:
        arriving[port.word].append(port)
    return tuple(
        Crossing(
            departure=here,
            arrival=there,
            rule=BRIDGE_IDENTIFIER,
            candidates=len(leaving[word]) * len(arriving[word]),
            percent=None,
        )
        for word in leaving
        for here, there in islice(product(leaving[word], arriving.get(word, ())), MOST_PAIRS)
        if (here.network, here.txid) != (there.network, there.txid)
    )


def candidate_crossings(
    here: AccountView,
    there: AccountView,
    bridges_here: Set[int],
    bridges_there: Set[int],
    window: int,
) -> tuple[Crossing, ...]:
    """Return pairs of payments into bridges and out of bridges that fit by amount and time.

    Only assets that are listed on both sides are looked at: a symbol alone says nothing.
    """
    leaving = _sides(here, bridges_here, leaves=True)
    arriving = _sides(there, bridges_there, leaves=False)
    left = {side.number: port for port, side in leaving}
    came = {side.number: port for port, side in arriving}
    fitting = match([side for _, side in leaving], [side for _, side in arriving], window)
    return tuple(
        Crossing(
            departure=left[it.departure],
            arrival=came[it.arrival],
            rule=RULE,
            candidates=it.candidates,
            percent=int(it.percent),
        )
        for it in fitting
    )


def _sides(view: AccountView, bridges: Set[int], *, leaves: bool) -> list[tuple[Port, Side]]:
    """Return payments of listed assets into bridges (or out of them), with who made them."""
    moved = view.movements
    near, far = (moved.receiver, moved.giver) if leaves else (moved.giver, moved.receiver)
    numbers = np.array(sorted(bridges), np.int64)
    kinds = (MovementKind.CALL, MovementKind.TOKEN)
    rows = np.flatnonzero(np.isin(near, numbers) & np.isin(moved.kind, kinds))
    rows = rows[~np.isin(far[rows], numbers)]
    times = view.times_of(moved.transaction[rows]).tolist()
    sides = []
    for row, time, amount in zip(rows.tolist(), times, to_ints(view.amounts.of(rows)), strict=True):
        family, decimals = family_of(view, int(moved.asset[row]))
        if not family or not amount:
            continue
        transaction = int(moved.transaction[row])
        party = owners_of(view, transaction)[0] if leaves else int(far[row])
        port = Port(
            network=view.network.name,
            transaction=transaction,
            txid=view.transaction_text(transaction),
            party=party,
            word=_NO_WORD,
        )
        side = Side(row, family, scaled(amount, decimals), time, view.account_id(party))
        sides.append((port, side))
    return sides


def family_of(view: AccountView, asset: int) -> tuple[str, int]:
    """Return the name of an asset on all chains and its decimals; empty where nobody lists it."""
    label = asset_label(view.asset_facts[asset], view)
    known = label.standing in ("coin", "listed") and label.decimals is not None
    if not known or label.decimals is None or label.decimals > FRACTION_DIGITS:
        return "", 0
    name = label.symbol.upper()
    return _FAMILIES.get(name, name), label.decimals
