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
    for emulation in emulations(shared_data):
        assert (emulation.owners.of_transaction == SEVERAL).any()
