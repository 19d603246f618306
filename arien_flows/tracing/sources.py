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
from heuristics.segments import MOST_TOLD_APART

MAX_SOURCE_OUTPUTS = 1_000_000
MAX_MEMBERS = 100_000
"""Addresses that the sources, entities with all of theirs, may have together."""

MAX_PAYMENTS = 4_000_000
"""Transactions of these addresses, in and out, that are read to find what came from outside."""


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
    found = _Found(view, entities, window).all_of(request.sources)
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


class _Found:
    """What sources mean, each thing that they name found once however often it is named."""

    def __init__(self, view: View, entities: EntityMap, window: Window) -> None:
        self.view, self.entities, self.window = view, entities, window
        self.known: dict[str | int, Int64Array] = {}
        """Outputs by source, and by the entity that a source names."""

        self.members = 0
        self.payments = 0

    def all_of(self, sources: tuple[str, ...]) -> list[Int64Array]:
        """Return the outputs that each source means."""
        return [self._outputs_of(text.strip()) for text in sources]

    def _outputs_of(self, text: str) -> Int64Array:
        if text not in self.known:
            self.known[text] = self._looked_up(text)
        return self.known[text]

    def _looked_up(self, text: str) -> Int64Array:
        kind, colon, rest = text.partition(":")
        if kind == "entity" and colon:
            root = self.entities.root_of(self.view.find_address(rest))
            if root not in self.known:
                members = self.entities.members(root).astype(np.int64)
                self.known[root] = self._receipts(members, text)
            return self.known[root]
        if colon:
            output = self.view.find_output(text)
            if self.view.output_value[output] == 0:
                raise NothingReceivedError(f"{text} is worth nothing: it holds no money to follow")
            return np.array([output], np.int64)
        refuse_transaction(text)
        return self._receipts(np.array([self.view.find_address(text)]), text)

    def _receipts(self, addresses: Int64Array, text: str) -> Int64Array:
        """Return the outputs to `addresses` of transactions that spend nothing of any of them."""
        view = self.view
        stretches = self._stretches(addresses, text)
        histories = [
            view.history(address, start, stop)
            for address, (start, stop) in zip(addresses.tolist(), stretches, strict=True)
        ]
        paying = np.concatenate([h.transaction[h.received_sat > 0] for h in histories])
        spending = np.concatenate([h.transaction[h.sent_sat > 0] for h in histories])
        transactions = np.setdiff1d(paying, spending).astype(np.int64)
        if len(transactions) == 0:
            is_limited = self.window.first_transaction > 0 or (
                self.window.last_transaction < view.counts.transactions - 1
            )
            when = "between since and until" if is_limited else f"up to block {view.tip.height:,}"
            raise NothingReceivedError(f"{text} received nothing from outside {when}")
        outputs = ranges(view.first_output[transactions], view.first_output[transactions + 1])
        outputs = outputs[np.isin(view.output_address[outputs], addresses)]
        return outputs[view.output_value[outputs] > 0]

    def _stretches(self, addresses: Int64Array, text: str) -> list[tuple[int, int]]:
        """Return what of each history lies in the time window; refuse, unread, what is too long."""
        self.members += len(addresses)
        if self.members > MAX_MEMBERS:
            so_far = "" if self.members == len(addresses) else " with the sources before it"
            raise InputError(
                f"{text} has {self.members:,} addresses{so_far}, more than {MAX_MEMBERS:,}: "
                "name fewer sources, or some of its addresses instead"
            )
        found = []
        for address in addresses.tolist():
            start, stop = self.view.stretch_of_history(
                address, self.window.first_transaction, self.window.last_transaction
            )
            found.append((start, stop))
            self.payments += stop - start
            if self.payments > MAX_PAYMENTS:
                raise InputError(
                    f"the sources have more than {MAX_PAYMENTS:,} payments, too many to look "
                    "through: narrow the time with since and until"
                )
        return found
