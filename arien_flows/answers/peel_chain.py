"""Peel chains: the payments that one shrinking coin makes, hop by hop, and why they end.

That a transaction pays certain outputs is a fact; that one of them stayed with the payer is the
inference of a rule, so the chain as a whole is an inference. What was peeled off is what an
investigator wants: to whom, how much, when. The answer also says how far the chain can be trusted:
at how many of its hops the co-spend rule can tell, and at how many it agrees.
"""

from collections.abc import Callable

import numpy as np

from arien_flows.amounts import asset_of
from arien_flows.answers.entity import lag, tags_changed
from arien_flows.answers.facts import named, sighting
from arien_flows.answers.peel_limits import DEFAULT_HOPS
from arien_flows.answers.peel_shapes import (
    PeelChainAnswer,
    PeelCriterion,
    PeeledOutput,
    PeelHop,
    PeelRecipient,
    PeelStop,
    PeelSums,
    PeelValidation,
)
from arien_flows.entities.peel_chains import (
    MOST_ORIGINS,
    ChainStop,
    PeelChain,
    follow,
    follow_back_from,
)
from arien_flows.entities.peel_hops import Direction, Hop, Hops, coinjoin_test
from arien_flows.entities.peel_measures import (
    LARGEST_CARRIER_SAT,
    LEAST_LENGTH,
    LEAST_TESTABLE,
    MOST_PEELED_PERCENT,
    Behaviour,
    Validation,
    behaviour,
    validate,
)
from arien_flows.evaluation.rates import rate_text
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.state import as_of
from arien_flows.ledger.view import View
from arien_flows.shapes import Truncation
from arien_flows.workspace import Reading
from heuristics import peeling

MOST_RECIPIENTS = 100
"""Recipients that are listed with their sums."""

VALIDATING_PROFILE = "strict"
"""Profile whose joins can confirm a chain: one that joins change would confirm its own rules."""

RULE = "peel_hop"

_STOP_TEXTS = {
    ChainStop.AMBIGUOUS: "more than one output may be the change: go on from one of the candidates "
    "if other evidence tells which",
    ChainStop.UNSPENT: "no output is known to go on, and one that may be the change is not spent",
    ChainStop.NOT_CONTINUED: "no output that may be the change is spent in the same way: by the "
    "same software, with as many inputs and outputs",
    ChainStop.NOT_A_HOP: "it has other than two or three spendable outputs, or spends scripts of "
    "several types",
    ChainStop.COINBASE: "newly mined coins",
    ChainStop.COINJOIN: "it looks like a CoinJoin, so no output can be told to be the change",
    ChainStop.TAGGED_SERVICE: "a tag names a service there",
    ChainStop.HOP_LIMIT: "as many hops were followed as were asked for",
    ChainStop.BEFORE_LEDGER: "it spends outputs that the ledger does not hold",
    ChainStop.CHAIN_BEGINS: "none of its inputs is the change of an earlier hop",
    ChainStop.MANY_INPUTS: f"it has more than {MOST_ORIGINS} inputs, too many to look at each",
}
_TO_SERVICE = "the output that would go on belongs to a service that a tag names"
_FROM_SERVICE = "the transaction before was made by a service that a tag names"


def peel_chain_answer(
    reading: Reading,
    start: str,
    *,
    direction: Direction = "forward",
    most_hops: int = DEFAULT_HOPS,
) -> PeelChainAnswer:
    """Return the chain that begins, or backward ends, at a transaction or an output.

    With `TXID:VOUT`, forward begins at the transaction that spends the output, whatever the rule
    says of that output; backward begins with whether the output is the change of a hop.
    """
    view = reading.view
    chain = _followed(reading, start, direction, most_hops)
    recipients = _recipients(reading, chain)
    cuts = (*_cuts(reading, chain, most_hops, len(recipients)), *reading.limits)
    asset = asset_of(view.network.name)
    measures = behaviour(view, chain.hops)
    return PeelChainAnswer(
        as_of=as_of(view),
        complete=not cuts,
        truncations=cuts,
        network=view.network.name,
        start=start.strip().lower(),
        direction=direction,
        rule=RULE,
        rule_version=peeling.VERSION,
        error_rate=rate_text(RULE, peeling.VERSION),
        certainty="inference",
        hop_count=len(chain.hops),
        hops=tuple(_hop(reading, hop) for hop in chain.hops),
        stop=_stop(view, chain),
        sums=_sums(chain.hops),
        asset=asset.name,
        decimals=asset.decimals,
        recipients=recipients[:MOST_RECIPIENTS],
        validation=_validation(reading, chain),
        is_behaviour=measures.is_peel_chain,
        criteria=_criteria(measures),
    )


def _followed(reading: Reading, start: str, direction: Direction, most_hops: int) -> PeelChain:
    """Follow the chain of a transaction or an output."""
    view = reading.view
    hops = Hops(view, coinjoin_test(view, reading.coinjoin_marks))
    if ":" not in start:
        transaction = view.find_transaction(start)
        is_service = _service_test(reading, transaction)
        return follow(
            hops, transaction, direction=direction, most_hops=most_hops, is_service=is_service
        )
    output = view.find_output(start)
    rows = np.array([output], dtype=np.int64)
    maker, spender = int(view.transactions_of_outputs(rows)[0]), int(view.spenders(rows)[0])
    is_service = _service_test(reading, maker)
    if direction == "backward":
        return follow_back_from(hops, maker, output, most_hops=most_hops, is_service=is_service)
    if spender < 0:
        return PeelChain(direction=direction, hops=(), stop=ChainStop.UNSPENT, end=maker)
    return follow(hops, spender, direction=direction, most_hops=most_hops, is_service=is_service)


def _service_test(reading: Reading, transaction: int) -> Callable[[int], bool]:
    """Return a test for addresses of services other than the payer of a transaction."""
    view, attribution = reading.view, reading.tags.attribution
    first = int(view.first_input[transaction])
    spends = first < int(view.first_input[transaction + 1])
    payer = int(view.input_address[first]) if spends else NO_ADDRESS
    own = reading.entities.root_of(payer) if payer != NO_ADDRESS else None

    def is_service(address: int) -> bool:
        if address == NO_ADDRESS:
            return False
        root = reading.entities.root_of(address)
        return root != own and attribution.service_at(address, root) is not None

    return is_service


def _hop(reading: Reading, hop: Hop) -> PeelHop:
    view = reading.view
    seen = sighting(view, hop.transaction)
    first = int(view.first_output[hop.transaction])
    return PeelHop(
        txid=seen.txid,
        height=seen.height,
        time=seen.time,
        input_value=str(hop.input_sat),
        peeled=tuple(
            _peeled(reading, output, f"{seen.txid}:{output - first}") for output in hop.peeled
        ),
        next_outpoint=f"{seen.txid}:{hop.next_output - first}",
        next_value=str(hop.next_sat),
        fee=str(hop.fee_sat),
    )


def _peeled(reading: Reading, output: int, outpoint: str) -> PeeledOutput:
    address = int(reading.view.output_address[output])
    root = reading.entities.root_of(address)
    said = reading.tags.attribution.at(address, root)
    return PeeledOutput(
        outpoint=outpoint,
        value=str(int(reading.view.output_value[output])),
        address=named(reading.view, address),
        entity=None if reading.clustering is None else named(reading.view, root),
        label=None if said is None else said.tag.label,
        label_inherited=said is not None and said.is_inherited,
    )


def _stop(view: View, chain: PeelChain) -> PeelStop:
    detail = _STOP_TEXTS[chain.stop]
    if chain.stop is ChainStop.TAGGED_SERVICE:
        detail = _TO_SERVICE if chain.direction == "forward" else _FROM_SERVICE
    return PeelStop(
        reason=chain.stop.value,
        detail=detail,
        at=sighting(view, chain.end),
        candidates=tuple(view.outpoint_text(output) for output in chain.candidates),
    )


def _sums(hops: tuple[Hop, ...]) -> PeelSums:
    spent = sum(hop.input_sat for hop in hops)
    handed = sum(hop.next_sat for hop in hops[:-1])
    start = hops[0].input_sat if hops else 0
    return PeelSums(
        start=str(start),
        joined=str(spent - handed - start),
        peeled=str(sum(hop.peeled_sat for hop in hops)),
        fees=str(spent - sum(hop.peeled_sat + hop.next_sat for hop in hops)),
        left=str(hops[-1].next_sat if hops else 0),
    )


def _recipients(reading: Reading, chain: PeelChain) -> tuple[PeelRecipient, ...]:
    """Return all recipients with what they were paid, the largest sums first."""
    view = reading.view
    paid: dict[int, list[int]] = {}
    for hop in chain.hops:
        for output in hop.peeled:
            root = reading.entities.root_of(int(view.output_address[output]))
            paid.setdefault(root, []).append(int(view.output_value[output]))
    found = sorted(paid.items(), key=lambda it: (-sum(it[1]), it[0]))
    tagged = {root: reading.tags.attribution.at(root, root) for root in paid}
    return tuple(
        PeelRecipient(
            id=named(view, root),
            label=None if (said := tagged[root]) is None else said.tag.label,
            outputs=len(values),
            value=str(sum(values)),
        )
        for root, values in found
    )


def _validation(reading: Reading, chain: PeelChain) -> PeelValidation:
    clustering = reading.clustering
    if clustering is not None and clustering.profile != VALIDATING_PROFILE:
        clustering = None
    if clustering is None:
        found = Validation(testable=0, agreeing=0)
    else:
        found = validate(reading.view, chain.hops, clustering.root_of)
    digits = found.agreeing * 10_000 // found.testable if found.testable else 0
    return PeelValidation(
        testable=found.testable,
        agreeing=found.agreeing,
        share=f"{digits // 10_000}.{digits % 10_000:04d}" if found.testable else None,
        fit_for_clustering=(
            not found.refuses_clustering if found.testable >= LEAST_TESTABLE else None
        ),
        clustering=None if clustering is None else clustering.identity,
    )


def _criteria(measures: Behaviour) -> tuple[PeelCriterion, ...]:
    smallest = measures.smallest_peel_sat
    return (
        PeelCriterion(
            name="length",
            value=f"{measures.length} hops",
            threshold=f"at least {LEAST_LENGTH}",
            passed=measures.is_long,
        ),
        PeelCriterion(
            name="largest_peel",
            value=f"{measures.largest_peel_permille} permille of what the hop spends",
            threshold=f"at most {10 * MOST_PEELED_PERCENT}",
            passed=measures.peels_little,
        ),
        PeelCriterion(
            name="smallest_peel",
            value="none" if smallest is None else f"{smallest} base units",
            threshold=f"more than {LARGEST_CARRIER_SAT}",
            passed=measures.pays_more_than_dust,
        ),
    )


def _cuts(
    reading: Reading, chain: PeelChain, most_hops: int, recipients: int
) -> tuple[Truncation, ...]:
    """Return what the answer leaves out."""
    cuts: list[Truncation] = []
    if chain.stop is ChainStop.HOP_LIMIT:
        cuts.append(
            Truncation(
                where="hops",
                reason="hop_limit",
                limit=most_hops,
                detail="the chain may go on: ask again from transaction "
                f"{reading.view.txid_text(chain.end)}, or for more hops",
            )
        )
    if recipients > MOST_RECIPIENTS:
        cuts.append(
            Truncation(
                where="recipients",
                reason="too_many",
                limit=MOST_RECIPIENTS,
                detail=f"{recipients - MOST_RECIPIENTS:,} more, with smaller sums; the hops list "
                "every output",
            )
        )
    if reading.clustering is None:
        detail = reading.clustering_gap
        cuts.append(Truncation(where="validation", reason="no_clustering", detail=detail))
        return tuple(cuts)
    if reading.clustering.profile != VALIDATING_PROFILE:
        cuts.append(
            Truncation(
                where="validation",
                reason="profile_joins_change",
                detail=f"profile {reading.clustering.profile} joins change itself, so the co-spend "
                f"rule was not asked: ask with profile {VALIDATING_PROFILE}",
            )
        )
    behind = lag(reading.view, reading.clustering, where="validation")
    return (*cuts, *behind, *tags_changed(reading, "validation"))
