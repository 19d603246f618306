"""From what a person names to the outputs that a trace starts at.

An address as a source means what it received from outside: the outputs paid to it by
transactions that spend nothing of it. Change that it pays to itself is no new money; the trace
follows it anyway. `entity:A` means the same for all addresses of A's entity together. `txid:vout`
means that one output. Backward the same outputs are meant: the question is where they came from.
"""

from dataclasses import dataclass

import numpy as np

from arien_flows.attribution.ownership import EntityMap
from arien_flows.errors import InputError, NothingReceivedError
from arien_flows.ledger.view import View
from arien_flows.tracing.request import TraceRequest
from arien_flows.tracing.window import Window
from chains.types import Int64Array
from heuristics.follow import ranges

MAX_SOURCE_OUTPUTS = 1_000_000
MOST_TOLD_APART = 62
"""Asked sources whose money can be told apart: one bit each of a number with a sign."""

MAX_MEMBERS = 100_000
"""Addresses of an entity that may be a source together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where a trace starts."""

    outputs: Int64Array
    """Output numbers, ascending, each once."""

    colours: Int64Array
    """Which of the asked sources mean each output: bit `i` for the `i`-th. All 1 where only one
    was asked for, or more than `MOST_TOLD_APART`."""

    roots: Int64Array
    """Entities that the sources belong to, ascending."""


def resolve_sources(
    view: View, request: TraceRequest, entities: EntityMap, window: Window
) -> Sources:
    """Return the outputs that the request's sources mean.

    Raises
    ------
    InputError
        If a source means no output in the time window, or too many.
    NotFoundError
        If the ledger does not hold it.
    """
    found = [_outputs_of(view, text.strip(), entities, window) for text in request.sources]
    outputs, place = np.unique(np.concatenate(found), return_inverse=True)
    bits = np.ones(len(found), np.int64)
    if len(found) <= MOST_TOLD_APART:
        bits <<= np.arange(len(found))
    colours = np.zeros(len(outputs), np.int64)
    np.bitwise_or.at(colours, place, np.repeat(bits, [len(each) for each in found]))
    if len(outputs) > MAX_SOURCE_OUTPUTS:
        raise InputError(
            f"the sources received {len(outputs):,} payments, more than {MAX_SOURCE_OUTPUTS:,}: "
            "narrow the time with since and until"
        )
    addresses = np.unique(view.output_address[outputs])
    roots = [entities.root_of(int(address)) for address in addresses]
    return Sources(outputs=outputs, colours=colours, roots=np.unique(np.array(roots, np.int64)))


def refuse_transaction(text: str) -> None:
    """Refuse the id of a transaction as a source: it moves many coins, and says not which."""
    if len(text) == 64 and set(text.lower()) <= set("0123456789abcdef"):
        raise InputError(
            "this looks like the id of a transaction, not an address: for one of its outputs write "
            "TXID:0"
        )


def _outputs_of(view: View, text: str, entities: EntityMap, window: Window) -> Int64Array:
    kind, colon, rest = text.partition(":")
    if kind == "entity" and colon:
        root = entities.root_of(view.find_address(rest))
        members = entities.members(root).astype(np.int64)
        if len(members) > MAX_MEMBERS:
            raise InputError(
                f"{text} has {len(members):,} addresses, more than {MAX_MEMBERS:,}: "
                "name some of its addresses instead"
            )
        return _receipts(view, members, window, text)
    if colon:
        output = view.find_output(text)
        if view.output_value[output] == 0:
            raise NothingReceivedError(f"{text} is worth nothing: it holds no money to follow")
        return np.array([output], np.int64)
    refuse_transaction(text)
    return _receipts(view, np.array([view.find_address(text)]), window, text)


def _receipts(view: View, addresses: Int64Array, window: Window, text: str) -> Int64Array:
    """Return the outputs to `addresses` of transactions that spend nothing of any of them."""
    histories = [view.history(int(address)) for address in addresses]
    paying = np.concatenate([h.transaction[h.received_sat > 0] for h in histories])
    spending = np.concatenate([h.transaction[h.sent_sat > 0] for h in histories])
    transactions = np.setdiff1d(paying, spending).astype(np.int64)
    if len(transactions) == 0:
        raise NothingReceivedError(
            f"{text} received nothing from outside up to block {view.tip.height:,}"
        )
    inside = (transactions >= window.first_transaction) & (transactions <= window.last_transaction)
    transactions = transactions[inside]
    outputs = ranges(view.first_output[transactions], view.first_output[transactions + 1])
    outputs = outputs[np.isin(view.output_address[outputs], addresses)]
    outputs = outputs[view.output_value[outputs] > 0]
    if len(outputs) == 0:
        raise NothingReceivedError(f"{text} received nothing from outside between since and until")
    return outputs
