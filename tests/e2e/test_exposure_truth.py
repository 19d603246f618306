"""Flows from markets to exchanges in a simulated economy, held against what is true."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from arien_flows.attribution.snapshot import attribute
from arien_flows.attribution.tagpack import read_tagpack
from arien_flows.entities.coinjoins import coinjoin_columns, eras_of
from arien_flows.evaluation.simulated import SimulatedChain, simulated_chain
from arien_flows.exposure.flows import flows_between
from arien_flows.exposure.request import ExposureRequest
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.simulation.parameters import Parameters
from arien_flows.simulation.roles import ACTOR_NAMES, Actor
from arien_flows.tracing.engine import Ground
from chains.types import UInt8Array, UInt32Array
from heuristics.coinjoin import mark_coinjoins, stopping
from tests.reference.exposure import Question, exposure
from tests.reference.taint import NOBODY, Transaction

pytestmark = pytest.mark.slow

MARKETS = (Actor.MARKET_A, Actor.MARKET_B)
EXCHANGES = (Actor.EXCHANGE_A, Actor.EXCHANGE_B)
HOPS = 4


class TrueOwners:
    """The entities that there are in truth."""

    identity = "truth"

    def __init__(self, chain: SimulatedChain) -> None:
        owner = chain.owners.of_address
        self.labels: UInt32Array = np.arange(len(owner), dtype=np.uint32)
        known = np.flatnonzero(owner >= 0)
        _, first, place = np.unique(owner[known], return_index=True, return_inverse=True)
        self.labels[known] = known[first][place]

    def root_of(self, address: int) -> int:
        return int(self.labels[address])

    def members(self, root: int) -> UInt32Array:
        return np.flatnonzero(self.labels == root).astype(np.uint32)


@pytest.fixture(scope="module")
def chain() -> Iterator[SimulatedChain]:
    with simulated_chain(Parameters(transactions=2_000, seed=3)) as made:
        yield made


@pytest.fixture(scope="module")
def ground(chain: SimulatedChain) -> Ground:
    owners = TrueOwners(chain)
    pack = read_tagpack(chain.truth.tagpack)
    marks, *_ = mark_coinjoins(
        coinjoin_columns(chain.view), 0, chain.view.counts.transactions, eras_of(chain.view)
    )
    stops: UInt8Array = stopping(marks)
    return Ground(
        view=chain.view,
        entities=owners,
        attribution=attribute(chain.view, pack.tags, owners),
        coinjoin_marks=stops,
    )


def name(actor: Actor) -> str:
    return ACTOR_NAMES[actor].lower().replace(" ", "_")


def test_flows_between__are_what_the_truth_says(chain: SimulatedChain, ground: Ground) -> None:
    request = ExposureRequest(subjects=("all",), max_hops=HOPS, min_value_sat=1, fan_out_percent=0)
    found = flows_between(ground, "darknet_market", "exchange", request)
    direct = {(it.origin, it.destination): it.direct_sat for it in found.flows if it.direct_sat}
    whole = {(it.origin, it.destination): it.direct_sat + it.indirect_sat for it in found.flows}
    assert direct == _paid_directly(chain)
    assert whole == _paid_in_all(chain, ground)
    assert len(whole) >= 2


def _paid_directly(chain: SimulatedChain) -> dict[tuple[str, str], int]:
    """Add up what exchanges got in transactions that a market signs alone, output by output."""
    view, owner = chain.view, chain.owners.of_address
    sums: Counter[tuple[str, str]] = Counter()
    for number in range(view.counts.transactions):
        inputs = slice(view.first_input[number], view.first_input[number + 1])
        payers = {int(owner[address]) for address in view.input_address[inputs]}
        if len(payers) != 1 or not payers <= set(MARKETS):
            assert payers.isdisjoint(MARKETS), "a market signs with others"
            continue
        for output in range(view.first_output[number], view.first_output[number + 1]):
            address = int(view.output_address[output])
            payee = -1 if address == NO_ADDRESS else int(owner[address])
            if payee in EXCHANGES:
                sums[name(Actor(min(payers))), name(Actor(payee))] += int(view.output_value[output])
    return dict(sums)


def _paid_in_all(chain: SimulatedChain, ground: Ground) -> dict[tuple[str, str], int]:
    """Follow the markets' money by the slow reference over the true owners."""
    view, owner = chain.view, chain.owners.of_address
    history = [
        Transaction(
            inputs=[
                (_coin(chain, int(view.spent_output[row])), int(view.input_value[row]),
                 _known(int(view.input_address[row])))
                for row in range(view.first_input[number], view.first_input[number + 1])
            ],
            outputs=[
                (int(view.output_value[row]), _known(int(view.output_address[row])))
                for row in range(view.first_output[number], view.first_output[number + 1])
            ],
        )
        for number in range(view.counts.transactions)
    ]  # fmt: skip
    labels = ground.entities.labels.tolist()
    named = {
        labels[view.find_address(str(tag.address))]: int(owner[view.find_address(str(tag.address))])
        for tag in read_tagpack(chain.truth.tagpack).tags
    }
    assert ground.coinjoin_marks is not None
    sums: Counter[tuple[str, str]] = Counter()
    for market in MARKETS:
        found = exposure(
            Question(
                chain=history,
                is_backward=False,
                labels=labels,
                subject_roots={root for root, who in named.items() if who == market},
                named_roots=set(named),
                marks=set(np.flatnonzero(ground.coinjoin_marks).tolist()),
                max_hops=HOPS,
                genesis_outputs=1,
            )
        )
        for (_, root, _), value in found.named.items():
            if named[root] in EXCHANGES:
                sums[name(Actor(market)), name(Actor(named[root]))] += value
    return dict(sums)


def _coin(chain: SimulatedChain, output: int) -> tuple[int, int]:
    number = int(chain.view.transactions_of_outputs(np.array([output]))[0])
    return number, output - int(chain.view.first_output[number])


def _known(address: int) -> int:
    return NOBODY if address == NO_ADDRESS else address
