"""A ledger of fetched transactions holds what a ledger of all blocks says of them."""

from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.errors import NotFoundError
from arien_flows.fetched.assembly import Assembled, assemble
from arien_flows.fetched.records import Proved
from arien_flows.ledger.view import View
from chains.bitcoin.networks import REGTEST
from chains.errors import SourceUnavailableError
from chains.lookups import BlockHeader
from tests.arien_flows.fetched.test_fetcher import Run
from tests.arien_flows.inquiry.asking import Desk, random_chain
from tests.ledgers import Chain

NOT_COLUMNS = ("gaps", "histories", "transactions_by_id", "addresses_by_lock", "reveals_by_lock")


def fetched(chain: Chain, states_spent: bool = False) -> tuple[BlockHeader, list[Proved]]:
    with TemporaryDirectory() as folder, Run(Path(folder), chain, states_spent=states_spent) as run:
        run.everything()
        return run.fetcher.tip, run.fetcher.proved()


def facts_of(view: View, transaction: int) -> dict[str, object]:
    """Return what a view says of a transaction, in texts."""
    inputs = range(*view.first_input[transaction : transaction + 2].tolist())
    outputs = range(*view.first_output[transaction : transaction + 2].tolist())
    block = int(view.blocks_of(np.array([transaction]))[0])
    return {
        "txid": view.txid_text(transaction),
        "position": view.position_of(transaction),
        "height": int(view.block_height[block]),
        "block": view.block_hash(block),
        "median_time": int(view.median_times[block]),
        "fee": int(view.fee[transaction]),
        "from": [(view.address_text(int(view.input_address[i])), int(view.input_value[i]))
                 for i in inputs],
        "to": [(view.address_text(int(view.output_address[o])), int(view.output_value[o]))
               for o in outputs],
        "sighash": [int(view.sighash[i]) for i in inputs],
        "flags": [int(view.input_flags[i]) for i in inputs],
    }  # fmt: skip


@given(seed=st.integers(0, 10_000), states_spent=st.booleans())
@pytest.mark.slow
def test_assemble__of_all_transactions_is_the_ledger_of_all_blocks(seed: int, states_spent: bool):
    chain = random_chain(seed, blocks=6)
    view = assemble(REGTEST, *fetched(chain, states_spent)).view
    bulk = Desk(Path("unused"), chain).bulk()
    for each in fields(View):
        if each.name not in NOT_COLUMNS:
            left, right = getattr(view, each.name), getattr(bulk, each.name)
            assert np.array_equal(left, right) if isinstance(left, np.ndarray) else left == right
    assert np.array_equal(view.median_times, bulk.median_times)
    numbers = range(bulk.counts.transactions)
    assert [view.position_of(n) for n in numbers] == [bulk.position_of(n) for n in numbers]


@given(seed=st.integers(0, 10_000), kept=st.sets(st.integers(0, 40)))
@pytest.mark.slow
def test_assemble__of_some_transactions_says_the_same_of_each(seed: int, kept: set[int]):
    chain = random_chain(seed, blocks=6)
    tip, proved = fetched(chain)
    bulk = Desk(Path("unused"), chain).bulk()
    chosen = [each for number, each in enumerate(proved) if number in kept]
    made = assemble(REGTEST, tip, chosen)
    assert made.view.tip == bulk.tip
    assert made.view.counts.transactions == len(chosen)
    for number, each in enumerate(chosen):
        wanted = bulk.find_transaction(bulk.txid_text(proved.index(each)))
        assert facts_of(made.view, number) == facts_of(bulk, wanted)
    outpoints = [made.outpoint(number) for number in range(made.view.counts.inputs)]
    assert outpoints == [spent for each in chosen for spent in each.contents.spends]


def test_assemble__of_nothing_still_knows_the_tip():
    tip, _ = fetched(random_chain(1, blocks=3))
    made: Assembled = assemble(REGTEST, tip, [])
    assert made.view.tip.height == tip.height
    with pytest.raises(NotFoundError):
        made.view.find_transaction("0" * 64)


def test_assemble__refuses_clocks_that_run_backwards():
    tip, proved = fetched(random_chain(1, blocks=3))
    with pytest.raises(SourceUnavailableError, match="run backwards"):
        assemble(REGTEST, replace(tip, median_time=0), proved)
