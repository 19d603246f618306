"""The beginning of a chain, small enough to be made without compiled kernels.

These are the runs in which an index out of bounds or an overflow inside a kernel of the
simulation would show. With the JIT off they take some seconds all the same: the economy runs as a
whole, and only then is cut.
"""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from arien_flows.simulation.plan import Plan
from arien_flows.simulation.roles import JOINT_KINDS, Kind
from arien_flows.simulation.simulate import write_everything
from arien_flows.simulation.truth import Truth
from chains.bitcoin.networks import REGTEST
from tests.arien_flows.simulation.conftest import cut
from tests.arien_flows.simulation.replay import replay

TIP = 127


def test_plan__is_the_same_compiled_or_not(smallest_plan: Plan) -> None:
    """The value is that of both; whoever changes the economy changes it."""
    facts = ("value_sat", "address", "purpose", "party", "is_change", "is_spent")
    columns = [smallest_plan.coins[name] for name in facts] + [smallest_plan.inputs]
    digest = hashlib.sha256(b"".join(column.tobytes() for column in columns)).hexdigest()
    assert digest == "6c5530872bbdf488817acbf4db4c6dfdbb7c750f87bed3dabb455fbe3e3feeea"


def test_plan__spends_every_coin_at_most_once_and_after_it_was_made(smallest_plan: Plan) -> None:
    table = smallest_plan.transactions
    spender = np.repeat(np.arange(len(table) - 1), np.diff(table["first_input"]))
    maker = np.repeat(np.arange(len(table) - 1), np.diff(table["first_output"]))
    assert len(np.unique(smallest_plan.inputs)) == len(smallest_plan.inputs)
    assert (maker[smallest_plan.inputs] < spender).all()
    assert smallest_plan.coins["is_spent"].sum() == len(smallest_plan.inputs)


def test_plan__has_every_kind_and_joint_senders_only_where_they_belong(
    smallest_plan: Plan,
) -> None:
    table = smallest_plan.transactions[:-1]
    assert set(table["kind"]) == set(Kind)
    joint = np.isin(table["kind"], [*JOINT_KINDS, Kind.COINBASE])
    assert (joint == (table["sender"] == -1)).all()


@pytest.fixture(scope="module")
def beginning(smallest_plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the files of the first blocks."""
    directory = tmp_path_factory.mktemp("beginning")
    write_everything(cut(smallest_plan, TIP), directory)
    return directory


def test_beginning__is_a_chain_whose_truth_agrees(beginning: Path) -> None:
    truth, chain = Truth(beginning), replay(beginning / "blocks")
    assert len(chain.blocks) == TIP + 1
    assert len(chain.file_order) == TIP + 3
    for block in chain.blocks[1:]:
        assert block.hashMerkleRoot == block.calc_merkle_root()
    assert list(truth.transactions["txid"]) == [one.transaction.GetTxid() for one in chain.seen]
    paid = [out.nValue for one in chain.seen for out in one.transaction.vout]
    assert list(truth.outputs["value_sat"]) == paid
    assert sum(one.value for one in chain.unspent.values()) == sum(
        REGTEST.subsidy(height) for height in range(1, TIP + 1)
    )
    assert truth.summary["tip_hash"] == chain.blocks[-1].GetHash()[::-1].hex()
    assert {file.name for file in truth.listings.iterdir()} == {
        document["file"] for document in truth.documents
    }
