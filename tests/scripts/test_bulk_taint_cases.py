import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.taint import Policy, Stop
from tests.heuristics.flow_cases import seeded
from tests.heuristics.sweep_cases import random_blocks, random_sources, sweep_columns

sys.path.append(str(Path(__file__).parents[2] / "scripts"))

import bulk_taint_cases as bulk

from arien_flows.simulation.roles import Role
from arien_flows.workspace import Settings, Workspace
from chains.tables import ScriptType
from tests.small_case import SmallCase


@given(st.integers(0, 2**32))
def test_plain_implementations__agree_with_the_sweep(seed):
    random = seeded(seed)
    chain = random_blocks(random, random.randint(2, 8))
    columns = sweep_columns(chain)
    first = columns.ledger.first_output
    outputs = np.array([first[t] + j for t, j in random_sources(random, chain)])
    found = bulk.run(columns, outputs, Policy.FIFO)
    rests = (found.reason == Stop.UNSPENT) | (found.reason == Stop.DESTROYED)
    expected = dict(zip(found.output[rests].tolist(), found.amount[rests].tolist(), strict=True))
    sources = set(outputs.tolist())
    plain, touched = bulk.plain_fifo(columns.ledger, sources)
    assert plain == expected
    assert len(touched) == found.transactions
    assert bulk.graph_fifo(columns.ledger, sources, touched) == expected


@pytest.mark.slow
def test_measure_bulk__measures_every_policy(small_case: SmallCase):
    workspace = Workspace(Settings(data=small_case.data))
    rows = bulk.measure_bulk(workspace.open(workspace.choose()).read(), [3, 8])
    assert [row["policy"] for row in rows] == [policy.name.lower() for policy in Policy] * 2
    for row in rows:
        assert row["tainted_outputs"] > 0
        assert ("networkx_seconds" in row) == (row["policy"] == "fifo")


def test_market_receipts__are_all_outputs_that_pay_the_market(
    small_case: SmallCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    workspace = Workspace(Settings(data=small_case.data))
    view = workspace.open(workspace.choose()).read().view
    (tmp_path / "truth").mkdir()
    roles = pa.table({"role": np.array([Role.MINER, Role.MARKET, Role.MARKET], np.uint8)})
    pq.write_table(roles, tmp_path / "truth/owners.parquet")
    locks = [view.lock(number) for number in range(view.counts.addresses)]
    owner = [number % 3 for number in range(len(locks))] + [1]
    addresses = {
        "owner": owner,
        # The last one is in no ledger, the first one of the market was never used.
        "script_type": [int(kind) for kind, _ in locks] + [int(ScriptType.P2WPKH)],
        "payload": [payload for _, payload in locks] + [b"nobody's, twenty long"[:20]],
        "first_transaction": [-1, -1] + [7] * (len(locks) - 1),
    }
    pq.write_table(pa.table(addresses), tmp_path / "truth/addresses.parquet")
    monkeypatch.setattr(bulk, "OUTPUTS_AT_ONCE", 3)
    theirs = {number for number in range(2, len(locks)) if owner[number] == 1}
    expected = [
        output
        for output in range(view.counts.outputs)
        if int(view.output_address[output]) in theirs and view.output_value[output] > 0
    ]
    assert expected
    assert bulk.market_receipts(view, tmp_path).tolist() == expected
