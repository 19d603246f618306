"""Tracing money by asking for one transaction after the other, the most promising ones first.

The trace is run over what is here; where it ends because nobody has asked who spends a coin (or,
backward, which transaction made it), that coin is the *frontier*. Its largest amounts on the
shortest paths are asked about next, and the trace is run again. Every stop rule of the request is
applied before anything is asked, so services, limits and time windows save requests. Rounds
double in size, so that the number of runs stays small.

Where a limit ends a path, a whole ledger still knows whether the coin there is unspent, and says
so; here that takes a request for each such coin, which is made only if the question wants its ends
`settled`. With that, and where nothing is left unasked, the answer is the one that a ledger of
whole blocks gives, except that entities may lack members.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from arien_flows.errors import InputError
from arien_flows.fetched.completeness import Fetched
from arien_flows.inquiry.closure import take_entity
from arien_flows.inquiry.gathering import Coin, Gathering
from arien_flows.inquiry.questions import (
    read_txid,
    script_named,
    take_transaction,
    take_whole_history,
    whole,
)
from arien_flows.inquiry.readings import Tags, reading_of
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.view import View
from arien_flows.tracing.engine import Ground, Traced, run_trace
from arien_flows.tracing.request import TraceRequest
from arien_flows.tracing.sources import refuse_transaction
from arien_flows.tracing.unsettled import unsettled
from arien_flows.workspace import Reading
from chains.bitcoin.networks import Network
from chains.bitcoin.script import script_of
from chains.types import Int64Array, TxIdRaw, shown_txid
from heuristics.explore import DECAY
from heuristics.taint import Stop

FIRST_ROUND = 32
"""Coins that the first round asks about."""

LARGEST_ROUND = 1_024

Round = Callable[[int, int], None]
"""Is told the number of a round and the coins that it asks about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceQuestion:
    """Where money went or came from, by one convention or by several."""

    requests: tuple[TraceRequest, ...]
    """Differ in the policy only."""

    settle: bool = False
    """Whether to ask about the coins at which limits end paths."""

    on_round: Round = lambda _number, _coins: None
    is_repeatable: ClassVar[bool] = True

    def check(self, network: Network) -> None:
        """Refuse sources that are neither addresses nor outputs."""
        for request in self.requests:
            request.check_for_fetched()
        for text in self.requests[0].sources:
            _check_source(text.strip(), network)

    def gather(self, gathering: Gathering, tags: Tags) -> None:
        """Fetch the sources, then the frontier until there is none."""
        for text in self.requests[0].sources:
            _take_source(gathering, text.strip(), tags)
        size, number = FIRST_ROUND, 0
        while True:
            ground, fetched = _ground_of(reading_of(gathering, tags))
            coins = self._frontier(ground, fetched, gathering, settling=False)
            if not coins and self.settle:
                coins = self._frontier(ground, fetched, gathering, settling=True)
            if not coins:
                return
            number += 1
            self.on_round(number, len(coins[:size]))
            if self.requests[0].is_forward:
                gathering.take_spenders(coins[:size])
            else:
                gathering.take_makers(coins[:size])
            size = min(2 * size, LARGEST_ROUND)

    def _frontier(
        self, ground: Ground, fetched: Fetched, gathering: Gathering, *, settling: bool
    ) -> list[Coin]:
        """Return the coins to ask about, the most promising first."""
        best: dict[tuple[TxIdRaw, int], tuple[float, Coin]] = {}
        for request in self.requests:
            for weight, coin in open_coins(ground, fetched, request, settling=settling):
                known = best.get(coin.outpoint)
                if coin.outpoint not in gathering.tried and (known is None or known[0] < weight):
                    best[coin.outpoint] = (weight, coin)
        order = sorted(best.values(), key=lambda item: (-item[0], item[1].outpoint))
        return [coin for _, coin in order]


def open_coins(
    ground: Ground, fetched: Fetched, request: TraceRequest, *, settling: bool
) -> Iterable[tuple[float, Coin]]:
    """Return coins whose next transaction is not here, with how promising each one is.

    Settling, those are the coins where a limit ended the path; otherwise those where only the
    missing transaction did.
    """
    traced = run_trace(ground.stopping_from(request.min_confidence), request)
    flow = traced.trail.flow
    if settling:
        slots = np.flatnonzero(unsettled(fetched, traced))
    else:
        slots = np.flatnonzero(flow.reason == Stop.NOT_FETCHED)
    # Which coin goes first is all that these weights decide; no amount is made of them.
    weights = flow.amount[slots] * DECAY ** flow.hops[slots]
    coins = [
        _paid_coin(ground.view, int(traced.trail.coins[slot]))
        if request.is_forward
        else _spent_coin(ground.view, fetched, _input_of(traced, int(slot)))
        for slot in slots
    ]
    return zip(weights.tolist(), coins, strict=True)


def _ground_of(reading: Reading) -> tuple[Ground, Fetched]:
    if reading.fetched is None:
        raise ValueError("a ledger of whole blocks leaves nothing to ask")
    ground = Ground(
        view=reading.view,
        entities=reading.entities,
        attribution=reading.tags.attribution,
        coinjoin_marks=reading.coinjoin_marks,
        fetched=reading.fetched,
    )
    return ground, reading.fetched


def _paid_coin(view: View, output: int) -> Coin:
    transaction = int(view.transactions_of_outputs(np.array([output]))[0])
    return Coin(
        outpoint=(
            TxIdRaw(view.txid[transaction].tobytes()),
            output - int(view.first_output[transaction]),
        ),
        script=script_of(*view.lock(int(view.output_address[output]))),
        height=int(view.heights_of(np.array([transaction]))[0]),
    )


def _spent_coin(view: View, fetched: Fetched, number: int) -> Coin:
    transaction = view.transactions_of_inputs(np.array([number]))
    address = int(view.input_address[number])
    return Coin(
        outpoint=fetched.ledger.outpoint(number),
        script=b"" if address == NO_ADDRESS else script_of(*view.lock(address)),
        height=int(view.heights_of(transaction)[0]),
    )


def _input_of(traced: Traced, slot: int) -> int:
    sources = len(traced.trail.arrays.source_value)
    rows: Int64Array = traced.trail.given_row
    return int(rows[slot - sources])


def _check_source(text: str, network: Network) -> None:
    kind, colon, rest = text.partition(":")
    if kind == "entity" and colon:
        script_named(rest, network)
    elif colon:
        _txid_of_output(text)
    else:
        refuse_transaction(text)
        script_named(text, network)


def _txid_of_output(text: str) -> TxIdRaw:
    txid, _, vout = text.rpartition(":")
    if not vout.isdecimal():
        raise InputError(f"{text!r} is not an output: write it as TXID:POSITION")
    return read_txid(txid)


def _take_source(gathering: Gathering, text: str, tags: Tags) -> None:
    kind, colon, rest = text.partition(":")
    if kind == "entity" and colon:
        take_whole_history(gathering, rest)
        with whole(gathering, f"the entity of {rest}"):
            take_entity(gathering, [script_named(rest, gathering.network)], tags)
    elif colon:
        txid = _txid_of_output(text)
        with whole(gathering, f"transaction {shown_txid(txid)}"):
            take_transaction(gathering, txid)
    else:
        take_whole_history(gathering, text)
