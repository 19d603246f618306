"""Following a peel chain through a ledger, forward and backward, one question at a time.

Which output goes on depends on later transactions (what was spent, and by what), so a chain is true
as of the view's last block: a coin that is spent tomorrow may add a hop, or make one ambiguous.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from arien_flows.entities.peel_hops import Direction, Hop, Hops
from arien_flows.ledger.schema import EXTERNAL
from heuristics.peeling import HopStop

MOST_ORIGINS = 100
"""Inputs of a transaction that are looked at backward; each costs a judgement of its own."""

REACH = 50
"""Hops that are looked for on either side of a payment, where only the length matters."""


class ChainStop(Enum):
    """Why a chain was not followed further."""

    AMBIGUOUS = "ambiguous"
    UNSPENT = "unspent"
    NOT_CONTINUED = "not_continued"
    NOT_A_HOP = "not_a_hop"
    COINBASE = "coinbase"
    COINJOIN = "coinjoin"
    TAGGED_SERVICE = "tagged_service"
    HOP_LIMIT = "hop_limit"
    BEFORE_LEDGER = "before_ledger"
    CHAIN_BEGINS = "chain_begins"
    """Backward: no input comes from a hop that hands it on."""

    MANY_INPUTS = "many_inputs"
    """Backward: more inputs than are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeelChain:
    """Consecutive hops, in chain order whatever the direction, and why there are no more."""

    direction: Direction
    hops: tuple[Hop, ...]
    stop: ChainStop
    end: int
    """The transaction at which the following ended; it is not one of the hops."""

    candidates: tuple[int, ...] = ()
    """Outputs from which a person who knows more may go on."""


def follow(
    hops: Hops,
    transaction: int,
    *,
    direction: Direction,
    most_hops: int,
    is_service: Callable[[int], bool],
) -> PeelChain:
    """Follow a chain from a transaction on, which forward may itself be its first hop.

    Parameters
    ----------
    hops
        The judge.
    transaction
        Where to begin: forward its outputs are looked at, backward its inputs.
    direction
        Which way.
    most_hops
        Where to give up.
    is_service
        Whether an address belongs to a service that a tag names, other than the entity whose chain
        it is: what arrives there is no change, and what leaves from there is not the chain's.
    """
    if direction == "forward":
        return _forward(hops, transaction, most_hops, is_service)
    return _backward(hops, transaction, most_hops, is_service)


def follow_back_from(
    hops: Hops,
    maker: int,
    output: int,
    *,
    most_hops: int,
    is_service: Callable[[int], bool],
) -> PeelChain:
    """Follow the chain back whose last hop, if it is one, is `maker`, handing `output` on."""
    verdict = hops.judge(maker)
    if verdict != output:
        stop = ChainStop[HopStop(verdict).name] if verdict < 0 else ChainStop.CHAIN_BEGINS
        return PeelChain(direction="backward", hops=(), stop=stop, end=maker)
    earlier = _backward(hops, maker, most_hops - 1, is_service)
    return replace(earlier, hops=(*earlier.hops, hops.hop(maker, output)))


def _forward(
    hops: Hops, transaction: int, most_hops: int, is_service: Callable[[int], bool]
) -> PeelChain:
    followed: list[Hop] = []
    stop = ChainStop.HOP_LIMIT
    candidates: tuple[int, ...] = ()
    while len(followed) < most_hops:
        verdict = hops.judge(transaction)
        if verdict < 0:
            stop = ChainStop[HopStop(verdict).name]
            if stop is ChainStop.AMBIGUOUS:
                candidates = hops.candidates(transaction)
            break
        if is_service(int(hops.view.output_address[verdict])):
            stop, candidates = ChainStop.TAGGED_SERVICE, (verdict,)
            break
        followed.append(hops.hop(transaction, verdict))
        transaction = int(hops.view.spender[verdict])
    return PeelChain(
        direction="forward",
        hops=tuple(followed),
        stop=stop,
        end=transaction,
        candidates=candidates,
    )


def _backward(
    hops: Hops, transaction: int, most_hops: int, is_service: Callable[[int], bool]
) -> PeelChain:
    followed: list[Hop] = []
    stop = ChainStop.HOP_LIMIT
    candidates: tuple[int, ...] = ()
    while len(followed) < most_hops:
        origin = _origin(hops, transaction, is_service)
        if not isinstance(origin, Hop):
            stop, candidates = origin
            break
        followed.append(origin)
        transaction = origin.transaction
    return PeelChain(
        direction="backward",
        hops=tuple(reversed(followed)),
        stop=stop,
        end=transaction,
        candidates=candidates,
    )


def _origin(
    hops: Hops, transaction: int, is_service: Callable[[int], bool]
) -> Hop | tuple[ChainStop, tuple[int, ...]]:
    """Return the hop that hands one of a transaction's inputs on to it, or why there is none."""
    view = hops.view
    first, end = view.first_input[transaction : transaction + 2].tolist()
    if first == end:
        return ChainStop.COINBASE, ()
    if hops.is_coinjoin(transaction):
        return ChainStop.COINJOIN, ()
    if end - first > MOST_ORIGINS:
        return ChainStop.MANY_INPUTS, ()
    spent = view.spent_output[first:end].astype(np.int64)
    known = spent[spent != EXTERNAL]
    makers = view.transactions_of_outputs(known)
    origins = [
        (maker, output)
        for maker, output in zip(makers.tolist(), known.tolist(), strict=True)
        if hops.judge(maker) == output
    ]
    if len(known) < len(spent):
        return ChainStop.BEFORE_LEDGER, tuple(output for _, output in origins)
    if len(origins) != 1:
        stop = ChainStop.AMBIGUOUS if origins else ChainStop.CHAIN_BEGINS
        return stop, tuple(output for _, output in origins)
    maker, output = origins[0]
    payers = view.input_address[view.first_input[maker] : view.first_input[maker + 1]]
    if any(is_service(int(payer)) for payer in payers[:MOST_ORIGINS]):
        return ChainStop.TAGGED_SERVICE, (output,)
    return hops.hop(maker, output)


def chain_through(hops: Hops, transaction: int) -> tuple[Hop, ...]:
    """Return the hops around a transaction, up to `REACH` before it and as many from it on."""

    def followed(direction: Direction) -> tuple[Hop, ...]:
        return follow(
            hops,
            transaction,
            direction=direction,
            most_hops=REACH,
            is_service=lambda _address: False,
        ).hops

    return (*followed("backward"), *followed("forward"))
