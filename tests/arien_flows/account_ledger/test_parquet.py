"""A ledger that is exported and imported again is the same ledger, and others can read it."""

import json
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
import pytest

from arien_flows.account_ledger.ledger import open_accounts
from arien_flows.account_ledger.parquet_export import export_accounts
from arien_flows.account_ledger.parquet_import import exported_network, import_accounts
from arien_flows.errors import InputError, StaleSnapshotError
from chains.ethereum.networks import ETHEREUM, ETHEREUM_DEV
from heuristics.wide import to_ints
from tests.arien_flows.account_ledger.chain_source import ChainSource
from tests.arien_flows.account_ledger.disk_ledgers import columns_of, fill, random_chain
from tests.arien_flows.account_ledger.test_ingest import fee_story, taken_in


@pytest.mark.parametrize("part_movements", [1, 20, 10**6])
def test_import__makes_the_same_ledger(tmp_path: Path, part_movements: int) -> None:
    fill(tmp_path / "ledger", random_chain(Random(8), 12), [5])
    view = open_accounts(tmp_path / "ledger")
    done = export_accounts(
        view, tmp_path / "out", is_current=lambda _view: True, part_movements=part_movements
    )
    assert exported_network(tmp_path / "out") == "ethereum-dev"
    assert import_accounts(tmp_path / "out", tmp_path / "again", ETHEREUM_DEV) == done
    assert columns_of(tmp_path / "again") == columns_of(tmp_path / "ledger")


def test_import__keeps_claims_marks_and_what_is_not_known(tmp_path: Path) -> None:
    source = ChainSource(fee_story())
    source.gains = [(2, "bob", "fee", -10), (4, "carol", "fee", -5)]
    taken_in(tmp_path / "ledger", source, until=3)
    source.knows_balances = False
    taken_in(tmp_path / "ledger", source)
    view = open_accounts(tmp_path / "ledger")
    export_accounts(view, tmp_path / "out", is_current=lambda _view: True, part_movements=2)
    import_accounts(tmp_path / "out", tmp_path / "again", ETHEREUM_DEV)
    assert columns_of(tmp_path / "again") == columns_of(tmp_path / "ledger")
    again = open_accounts(tmp_path / "again")
    assert [*again.asset_facts] == [*view.asset_facts]
    assert not all(each.is_conserving for each in again.asset_facts)


def test_export__is_read_with_other_tools(tmp_path: Path) -> None:
    fill(tmp_path / "ledger", random_chain(Random(8), 12))
    view = open_accounts(tmp_path / "ledger")
    export_accounts(view, tmp_path / "out", is_current=lambda _view: True)
    rows = pq.read_table(tmp_path / "out" / "movements").to_pylist()
    amounts = to_ints(view.amounts.of(slice(None)))
    assert [int(row["amount_text"]) for row in rows] == amounts
    assert [int.from_bytes(row["amount"]) for row in rows] == amounts
    assert [row["token_id"] is None for row in rows] == [
        view.token_ids.of(row) is None for row in range(view.counts.movements)
    ]
    assert "amount_text" in (tmp_path / "out" / "SCHEMA.md").read_text()


def test_export__leaves_nothing_of_what_did_not_end_well(tmp_path: Path) -> None:
    fill(tmp_path / "ledger", random_chain(Random(8), 4))
    view = open_accounts(tmp_path / "ledger")
    with pytest.raises(StaleSnapshotError):
        export_accounts(view, tmp_path / "out", is_current=lambda _view: False)
    assert [path.name for path in tmp_path.iterdir()] == ["ledger"]
    with pytest.raises(InputError, match="not empty"):
        export_accounts(view, tmp_path, is_current=lambda _view: True)


def test_import__refuses_what_is_damaged_or_foreign(tmp_path: Path) -> None:
    fill(tmp_path / "ledger", random_chain(Random(8), 4))
    view = open_accounts(tmp_path / "ledger")
    export_accounts(view, tmp_path / "out", is_current=lambda _view: True)
    with pytest.raises(InputError, match="ethereum-dev, not ethereum"):
        import_accounts(tmp_path / "out", tmp_path / "again", ETHEREUM)
    with pytest.raises(InputError, match="a ledger in"):
        import_accounts(tmp_path / "out", tmp_path / "ledger", ETHEREUM_DEV)
    with pytest.raises(InputError, match="no export"):
        import_accounts(tmp_path / "ledger", tmp_path / "again", ETHEREUM_DEV)
    file = tmp_path / "out" / "movements" / "part-00000.parquet"
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    with pytest.raises(InputError, match="not what was exported"):
        import_accounts(tmp_path / "out", tmp_path / "again", ETHEREUM_DEV)


@pytest.mark.parametrize(
    "damage",
    [
        {"rows": {"blocks": "many"}},
        {"rows": None},
        {"files": [{"path": "blocks/part-00000.parquet"}]},
        {"files": []},
        {"format": None},
    ],
)
def test_import__refuses_a_manifest_that_is_no_exports(tmp_path: Path, damage) -> None:
    fill(tmp_path / "ledger", random_chain(Random(8), 2))
    view = open_accounts(tmp_path / "ledger")
    export_accounts(view, tmp_path / "out", is_current=lambda _view: True)
    manifest = tmp_path / "out" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | damage))
    with pytest.raises(InputError):
        import_accounts(tmp_path / "out", tmp_path / "again", ETHEREUM_DEV)
    assert not (tmp_path / "again").exists()
