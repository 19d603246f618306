"""Labelled data: what is read of it, and how a file of another form is refused."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from arien_flows.errors import InputError
from arien_flows.evaluation.judging import SEVERAL
from arien_flows.evaluation.labelled import (
    check_folder,
    coinjoin_list,
    emulations,
    ordinary_chains,
    wallets,
)
from arien_flows.evaluation.ordinary import LAST_WITHOUT_COINJOIN
from tests.ledgers import text_of_name


def write_list(folder: Path, text: str) -> None:
    path = folder / "btc_coinjoin" / "txs.jsonl.gz"
    path.parent.mkdir()
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write(text)


ROW = {
    "txid": "11" * 32,
    "label": "whirlpool_mix",
    "inputs": [{"txid": "22" * 32, "vout": 0, "value": 9_000, "script": "0014" + "33" * 20}],
    "outputs": [{"value": 8_000, "script": "0014" + "44" * 20}],
}


def test_coinjoin_list__reads_amounts_scripts_and_labels(tmp_path: Path) -> None:
    write_list(tmp_path, json.dumps(ROW) + "\n")
    check_folder(tmp_path)
    found = coinjoin_list(tmp_path)
    assert found is not None
    assert found.labels == ("whirlpool_mix",)
    assert found.view.txid_text(0) == "11" * 32
    assert found.view.input_value.tolist() == [9_000]
    assert found.view.output_value.tolist() == [8_000]
    assert list(wallets(tmp_path)) == list(emulations(tmp_path)) == []


def test_coinjoin_list__is_called_by_what_it_holds(tmp_path: Path) -> None:
    other = {**ROW, "txid": "55" * 32, "label": "made_up_design"}
    write_list(tmp_path, json.dumps(ROW) + "\n" + json.dumps(other) + "\n")
    found = coinjoin_list(tmp_path)
    assert found is not None
    assert found.name == "2 listed transactions (made_up_design, whirlpool_mix)"
    assert found.source == "folder btc_coinjoin, which does not say where it comes from"
    (tmp_path / "btc_coinjoin" / "SOURCE.txt").write_text(
        "Half of the set below. No more.\n\nFrom example/repo@abc,\ntests/txs.jsonl.gz\n\n",
        encoding="utf-8",
    )
    told = coinjoin_list(tmp_path)
    assert told is not None
    assert told.source == "Half of the set below; From example/repo@abc, tests/txs.jsonl.gz"


def write_emulation(folder: Path, name: str, owners: dict[str, dict[str, str]]) -> None:
    made = folder / "btc_emul_groundtruth" / name
    made.mkdir(parents=True)
    coinbase = {
        "txid": "11" * 32,
        "coinbase": True,
        "inputs": [],
        "outputs": [{"value": 9_000, "address": address} for address in owners],
    }
    with gzip.open(made / "txs.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps(coinbase) + "\n")
    with gzip.open(made / "address_owner.json.gz", "wt", encoding="utf-8") as file:
        json.dump(owners, file)


@pytest.mark.parametrize(
    ("name", "shared"),
    [("wasabi2_run7", "wasabi2"), ("joinmarket_x", "joinmarket_like"), ("x", "")],
)
def test_emulations__are_called_by_what_their_folder_says(
    tmp_path: Path, name: str, shared: str
) -> None:
    addresses = [text_of_name(owner) for owner in ("alice", "bob", "carol")]
    owners = {text: {"wallet": f"wallet {n % 2}"} for n, text in enumerate(addresses)}
    write_emulation(tmp_path, name, owners)
    (found,) = emulations(tmp_path)
    assert found.name == f"emulation {name}: 2 wallets on bitcoin-regtest"
    assert found.source == "folder btc_emul_groundtruth, which does not say where it comes from"
    assert found.shared == shared


def write_early_block(folder: Path, height: int) -> None:
    made = folder / "btc_graph_100000_x"
    made.mkdir()
    vertices = (
        "id,note,tx_hash,block_height,temporal_index",
        f"1,tx,{'11' * 32},{height},1",
        f"2,tx,{'22' * 32},{height + 1},2",
    )
    address = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
    edges = (
        "src_id,dst_id,src_position,dst_position,address,value",
        f"coinbase7,1,0,0,{address},9000",
        f"1,2,0,0,{address},9000",
        f"2,UTXO,0,0,{address},9000",
    )
    for name, rows in (("vertices", vertices), ("edges", edges)):
        with gzip.open(made / f"{name}.csv.gz", "wt", encoding="utf-8") as file:
            file.write("\n".join(rows) + "\n")


def test_ordinary_chains__are_called_by_their_blocks(tmp_path: Path) -> None:
    write_early_block(tmp_path, 100_003)
    (found,) = ordinary_chains(tmp_path)
    assert found.name == "2 transactions of blocks 100,003 to 100,004"
    assert found.labels == ("ordinary", "ordinary")


def test_ordinary_chains__refuse_blocks_that_may_hold_coinjoins(tmp_path: Path) -> None:
    write_early_block(tmp_path, LAST_WITHOUT_COINJOIN)
    with pytest.raises(InputError, match="must end by height 200,000"):
        list(ordinary_chains(tmp_path))


def test_check_folder__says_what_it_looks_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"btc_coinjoin/txs\.jsonl\.gz"):
        check_folder(tmp_path)
    with pytest.raises(InputError, match="is no folder"):
        check_folder(tmp_path / "absent")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not JSON\n", "cannot be read as labelled data"),
        (json.dumps({**ROW, "txid": "11"}) + "\n", "cannot be read as labelled data"),
        (json.dumps({**ROW, "inputs": 3}) + "\n", "cannot be read as labelled data"),
        (json.dumps({"txid": "11" * 32}) + "\n", "has no field 'inputs'"),
        (
            json.dumps({**ROW, "outputs": [{"value": 10_000, "script": "00"}]}) + "\n",
            "pays out more than it spends",
        ),
    ],
)
def test_coinjoin_list__refuses_another_form(tmp_path: Path, text: str, message: str) -> None:
    write_list(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        coinjoin_list(tmp_path)
    assert "txs.jsonl.gz" in str(caught.value)


def test_coinjoin_list__refuses_what_is_not_compressed(tmp_path: Path) -> None:
    path = tmp_path / "btc_coinjoin" / "txs.jsonl.gz"
    path.parent.mkdir()
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read as labelled data"):
        coinjoin_list(tmp_path)


def test_emulations__need_their_chain(tmp_path: Path) -> None:
    path = tmp_path / "btc_emul_groundtruth" / "run" / "address_owner.json.gz"
    path.parent.mkdir(parents=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("{}")
    with pytest.raises(InputError, match=r"txs\.jsonl\.gz is missing"):
        list(emulations(tmp_path))


@pytest.mark.slow
def test_labelled__reads_the_real_data(shared_data: Path) -> None:
    listed = coinjoin_list(shared_data)
    if listed is not None:
        labels = Counter(listed.labels)
        assert labels["wasabi1"] > 100
        assert labels["whirlpool_mix"] > 500
        assert len(listed.labels) == listed.view.counts.transactions
    for chain in ordinary_chains(shared_data):
        assert set(chain.labels) == {"ordinary"}
        assert chain.view.counts.transactions > 10_000
    for wallet in wallets(shared_data):
        assert wallet.owners.is_payment_with_change.any()
        assert wallet.source.startswith("spesmilo/electrum@")
    for emulation in emulations(shared_data):
        assert (emulation.owners.of_transaction == SEVERAL).any()
