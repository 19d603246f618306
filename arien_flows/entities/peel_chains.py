"""Following a peel chain through a ledger, forward and backward, one question at a time.

The rule that names the output which goes on is `heuristics.peeling`; here it is asked of single
transactions, so that a chain of a thousand hops costs a few thousand look-ups and no pass over the
ledger. Its answer depends on later transactions (which output was spent, and by what), so a chain
is true as of the view's last block: a coin that is spent tomorrow may add a hop, or make one
ambiguous.

How good the rule is on the chain at hand can partly be checked without labels. Where the co-spend
rule joins some of a hop's outputs, but not all, with its inputs, it tells which of them stayed with
the owner: the hop is *testable*, and it agrees if the output that was followed is among these. A
chain whose testable hops agree too rarely must not be used to join addresses.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Literal

import numpy as np

from arien_flows.entities.coinjoins import coinjoin_columns, eras_of
from arien_flows.entities.fingerprints import fingerprint_columns
from arien_flows.ledger.schema import EXTERNAL, NO_ADDRESS
from arien_flows.ledger.view import View
from chains.types import Int64Array, UInt8Array
from heuristics.coinjoin import mark_coinjoins, stopping
from heuristics.columns import read_only_columns
from heuristics.fingerprint import FingerprintColumns, fingerprints
from heuristics.peeling import (
    MIXED,
    MOST_OUTPUTS,
    NOT_SPENT,
    HopStop,
    PeelColumns,
    choose_next,
    hop_features,
    script_type_of,
)

Direction = Literal["forward", "backward"]

MOST_ORIGINS = 100
"""Inputs of a transaction that are looked at backward; each costs a judgement of its own."""

LEAST_LENGTH = 5
"""Hops from which on a chain is reported as a behaviour."""

MOST_PEELED_PERCENT = 50
"""Of what a hop has to spend, for the same; more is a payment that leaves change."""

LARGEST_DUST_SAT = 1_000
"""A peel of no more is no payment: carriers of tokens and inscriptions hold 330 or 546."""

LEAST_TESTABLE = 20
"""Testable hops that it takes to refuse a chain for clustering."""

LEAST_AGREEING_PERMILLE = 980

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
class Hop:
    """A transaction that pays somebody and hands the rest on. Numbers are the view's."""

    transaction: int
    next_output: int
    """The output that goes on."""

    peeled: tuple[int, ...]
    """The other spendable outputs: one or two."""

    input_sat: int
    peeled_sat: int
    next_sat: int
    fee_sat: int


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """How often the co-spend rule agrees with the hops of a chain, where it can tell."""

    testable: int
    agreeing: int

    @property
    def refuses_clustering(self) -> bool:
        """Whether the hops are wrong too often to join addresses by them."""
        enough = self.testable >= LEAST_TESTABLE
        return enough and self.agreeing * 1000 < self.testable * LEAST_AGREEING_PERMILLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What decides whether a chain is reported as a behaviour of its owner."""

    length: int
    largest_peel_permille: int
    """The largest share of what a hop had to spend that it paid away, rounded up."""

    smallest_peel_sat: int | None
    """Nothing for a chain without hops."""

    @property
    def is_long(self) -> bool:
        """Whether there are enough hops."""
        return self.length >= LEAST_LENGTH

    @property
    def peels_little(self) -> bool:
        """Whether no hop pays away more than half of what it has."""
        return self.largest_peel_permille <= 10 * MOST_PEELED_PERCENT

    @property
    def pays_more_than_dust(self) -> bool:
        """Whether every peel is worth something."""
        return self.smallest_peel_sat is not None and self.smallest_peel_sat > LARGEST_DUST_SAT

    @property
    def is_peel_chain(self) -> bool:
        """Whether the chain is reported as one."""
        return self.is_long and self.peels_little and self.pays_more_than_dust


class Hops:
    """Judges single transactions of a view. Keeps what it has learned of their features."""

    def __init__(self, view: View, is_coinjoin: Callable[[int], bool]) -> None:
        self.view = view
        self.is_coinjoin = is_coinjoin
        self._features: dict[int, int] = {}

    @cached_property
    def columns(self) -> PeelColumns:
        """The columns that the rule reads."""
        return read_only_columns(peel_columns(self.view))

    @cached_property
    def fingerprint_columns(self) -> FingerprintColumns:
        """The columns that fingerprints read; of multisig behind hashes they know nothing."""
        none = np.zeros((self.view.counts.addresses + 7) // 8, dtype=np.uint8)
        return read_only_columns(fingerprint_columns(self.view, none))

    def features(self, transaction: int) -> int:
        """Return the features of a transaction."""
        known = self._features.get(transaction)
        if known is None:
            stop = transaction + 1
            words = fingerprints(self.fingerprint_columns, transaction, stop)
            fee = self.view.fee[transaction:stop]
            known = int(hop_features(self.columns, transaction, words, fee)[0])
            self._features[transaction] = known
        return known

    def judge(self, transaction: int) -> int:
        """Return the output that a transaction goes on with, or a `HopStop`."""
        if self.view.first_input[transaction] == self.view.first_input[transaction + 1]:
            return HopStop.COINBASE
        if self.is_coinjoin(transaction):
            return HopStop.COINJOIN
        outputs = self.spendable(transaction)
        own = self.features(transaction)
        if not 2 <= len(outputs) <= MOST_OUTPUTS or script_type_of(own) == MIXED:
            return HopStop.NOT_A_HOP
        fresh, kinds, followers = self._facts(transaction, outputs)
        place = int(choose_next(own, followers, fresh, kinds))
        return outputs[place] if place >= 0 else place

    def candidates(self, transaction: int) -> tuple[int, ...]:
        """Return the outputs whose spender has the features of the transaction."""
        own = self.features(transaction)
        outputs = self.spendable(transaction)
        _fresh, _kinds, followers = self._facts(transaction, outputs)
        return tuple(outputs[place] for place in np.flatnonzero(followers == own).tolist())

    def spendable(self, transaction: int) -> list[int]:
        """Return the outputs of a transaction that have an address."""
        first, end = self.view.first_output[transaction : transaction + 2].tolist()
        held = np.flatnonzero(self.view.output_address[first:end] != NO_ADDRESS)
        return [first + place for place in held.tolist()]

    def _facts(
        self, transaction: int, outputs: list[int]
    ) -> tuple[UInt8Array, UInt8Array, Int64Array]:
        """Return whether each output is fresh, its script type, and its spender's features."""
        rows = np.array(outputs, dtype=np.int64)
        addresses = self.view.output_address[rows]
        spenders = self.view.spenders(rows).tolist()
        first = [self.view.totals(int(each)).first_transaction for each in addresses]
        return (
            np.array([each == transaction for each in first], dtype=np.uint8),
            self.view.script_type[addresses],
            np.array(
                [NOT_SPENT if each < 0 else self.features(each) for each in spenders],
                dtype=np.int64,
            ),
        )

    def hop(self, transaction: int, next_output: int) -> Hop:
        """Return what a transaction that hands `next_output` on pays away."""
        view = self.view
        peeled = tuple(each for each in self.spendable(transaction) if each != next_output)
        first, end = view.first_input[transaction : transaction + 2].tolist()
        return Hop(
            transaction=transaction,
            next_output=next_output,
            peeled=peeled,
            input_sat=int(view.input_value[first:end].sum()),
            peeled_sat=sum(int(view.output_value[each]) for each in peeled),
            next_sat=int(view.output_value[next_output]),
            fee_sat=int(view.fee[transaction]),
        )


def peel_columns(view: View) -> PeelColumns:
    """Return the columns of a view that the rule reads."""
    return PeelColumns(
        first_input=view.first_input,
        first_output=view.first_output,
        input_address=view.input_address,
        output_address=view.output_address,
        spender=view.spender,
        script_type=view.script_type,
    )


def coinjoin_test(view: View, marks: UInt8Array | None) -> Callable[[int], bool]:
    """Return a test of single transactions: by stored marks, or by the rules where there are none.

    `marks` are those that tracing stops at, vetoes taken off.
    """
    if marks is not None:
        return lambda transaction: bool(marks[transaction])
    columns, eras = coinjoin_columns(view), eras_of(view)

    def judged(transaction: int) -> bool:
        found = mark_coinjoins(columns, transaction, transaction + 1, eras)[0]
        return bool(stopping(found)[0])

    return judged


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


def validate(view: View, hops: tuple[Hop, ...], root_of: Callable[[int], int]) -> Validation:
    """Count the hops that the co-spend rule can judge, and those where it agrees.

    `root_of` is the clustering that joins by co-spending and nothing else: one that already joins
    change would confirm its own rules.
    """
    testable = agreeing = 0
    for hop in hops:
        payer = int(view.input_address[view.first_input[hop.transaction]])
        if payer == NO_ADDRESS:
            continue
        owner = root_of(payer)
        stays = root_of(int(view.output_address[hop.next_output])) == owner
        others = [root_of(int(view.output_address[each])) == owner for each in hop.peeled]
        if any((stays, *others)) and not all((stays, *others)):
            testable += 1
            agreeing += stays
    return Validation(testable=testable, agreeing=agreeing)


def behaviour(view: View, hops: tuple[Hop, ...]) -> Behaviour:
    """Return the measures by which a chain is reported, or not."""
    peels = [int(view.output_value[output]) for hop in hops for output in hop.peeled]
    shares = [-(-1000 * hop.peeled_sat // hop.input_sat) if hop.input_sat else 1000 for hop in hops]
    return Behaviour(
        length=len(hops),
        largest_peel_permille=max(shares, default=0),
        smallest_peel_sat=min(peels, default=None),
    )
