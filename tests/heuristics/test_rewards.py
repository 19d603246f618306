"""Fees that go on into coinbases, and out of them backward."""

import numpy as np
import pytest

from heuristics.explored import RewardError
from heuristics.rewards import Rewards, processing_order
from heuristics.stops import Direction
from heuristics.taint import Policy, Stop
from tests.heuristics.flow_cases import answer_of, columns_of, run
from tests.heuristics.test_taint import VECTOR, worked_example
from tests.reference.taint import Case, Transaction


def mined_example(*, subsidy_last: bool) -> tuple[Case, int]:
    """Return the worked example with its three transactions in one block, and the coinbase."""
    chain, coins = worked_example(0)
    coinbase, vector = len(chain), VECTOR["coinbase"]
    full, _ = worked_example()
    shift = {number: number + (number >= coinbase) for number in range(len(full))}
    paid = [(value, 0) for value in vector["out"]]
    chain.append(Transaction(inputs=[], outputs=paid))
    for transaction in full[coinbase:]:
        inputs = [
            ((shift[coin[0]], coin[1]) if coin else None, value, address)
            for coin, value, address in transaction.inputs
        ]
        chain.append(Transaction(inputs=inputs, outputs=transaction.outputs))
    subsidies = {0: 100, 1: 60, 2: 40, coinbase: vector["subsidy"]}
    case = Case(
        chain=chain,
        sources=[coins["A"]],
        labels=[0],
        subsidies=subsidies,
        subsidy_last=subsidy_last,
    )
    return case, coinbase


@pytest.mark.parametrize(("subsidy_last", "name"), [(False, "subsidy_first"), (True, "fees_first")])
def test_track_coinbase__gives_the_worked_example(subsidy_last, name):
    case, coinbase = mined_example(subsidy_last=subsidy_last)
    answer = answer_of(case, run(case, Direction.FORWARD, Policy.FIFO), Direction.FORWARD)
    found = [answer.coins.get((coinbase, place)) for place in range(2)]
    assert [end.amount if end else 0 for end in found] == VECTOR["coinbase"][name]
    assert answer.rewards[coinbase + 1].amount == VECTOR["coinbase"]["fees"][0][0]


def test_track_coinbase__backward_gives_subsidy_and_fees():
    case, coinbase = mined_example(subsidy_last=False)
    asked = Case(chain=case.chain, sources=[(coinbase, 1)], labels=[0], subsidies=case.subsidies)
    answer = answer_of(asked, run(asked, Direction.BACKWARD, Policy.FIFO), Direction.BACKWARD)
    # Units 20 to 70 of the stream: 30 of the subsidy, then the fees of 10, 5 and 5.
    assert answer.rewards[coinbase].amount == 30
    assert answer.rewards[coinbase].reason == Stop.NEWLY_MINED
    assert [answer.rewards[coinbase + i].amount for i in (1, 2, 3)] == [10, 5, 5]
    minted = sum(end.amount for end in answer.rewards.values() if end.reason == Stop.NEWLY_MINED)
    assert minted == 50


def test_track_coinbase__destroys_what_nobody_claims():
    chain = [
        Transaction(inputs=[], outputs=[(50, 0)]),
        Transaction(inputs=[], outputs=[(45, 0)]),
        Transaction(inputs=[((0, 0), 50, 0)], outputs=[(40, 0)]),
    ]
    case = Case(chain=chain, sources=[(0, 0)], labels=[0], subsidies={0: 50, 1: 40})
    answer = answer_of(case, run(case, Direction.FORWARD, Policy.FIFO), Direction.FORWARD)
    assert answer.coins[(1, 0)].amount == 5
    assert (answer.rewards[1].amount, answer.rewards[1].reason) == (5, Stop.DESTROYED)


@pytest.mark.parametrize("direction", Direction)
def test_track_coinbase__refuses_a_block_that_pays_itself_too_much(direction):
    chain = [
        Transaction(inputs=[], outputs=[(50, 0)]),
        Transaction(inputs=[], outputs=[(61, 0)]),
        Transaction(inputs=[((0, 0), 50, 0)], outputs=[(40, 0)]),
    ]
    source = (0, 0) if direction == Direction.FORWARD else (1, 0)
    case = Case(chain=chain, sources=[source], labels=[0], subsidies={0: 50, 1: 50})
    with pytest.raises(RewardError, match="transaction 1 pays more"):
        run(case, direction, Policy.FIFO)


@pytest.mark.parametrize("direction", Direction)
def test_track_coinbase__refuses_a_block_that_spends_what_it_mines(direction):
    chain = [
        Transaction(inputs=[], outputs=[(50, 0)]),
        Transaction(inputs=[], outputs=[(60, 0)]),
        Transaction(inputs=[((1, 0), 60, 0), ((0, 0), 50, 0)], outputs=[(100, 0)]),
    ]
    source = (0, 0) if direction == Direction.FORWARD else (2, 0)
    case = Case(chain=chain, sources=[source], labels=[0], subsidies={0: 50, 1: 50})
    with pytest.raises(RewardError, match="spends what its own block mines"):
        run(case, direction, Policy.FIFO)


def test_processing_order__puts_coinbases_behind_their_blocks():
    chain = [
        Transaction(inputs=[], outputs=[(50, 0)]),
        Transaction(inputs=[], outputs=[(50, 0)]),
        Transaction(inputs=[((0, 0), 50, 0)], outputs=[(50, 0)]),
        Transaction(inputs=[], outputs=[(50, 0)]),
    ]
    columns = columns_of(chain)
    rewards = Rewards(np.array([0, 1, 3, 4]), np.array([50, 50, 50]), subsidy_last=False)
    everything = np.arange(4)
    forward = processing_order(Direction.FORWARD, everything, columns, rewards)
    backward = processing_order(Direction.BACKWARD, everything, columns, rewards)
    assert forward.tolist() == [0, 2, 1, 3]
    assert backward.tolist() == [3, 1, 2, 0]
