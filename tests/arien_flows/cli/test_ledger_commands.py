"""`ledger verify`, `prove`, `export` and `import`."""

import json
from pathlib import Path

import numpy as np
import pytest

from arien_flows.cli.main import run
from arien_flows.ledger.prove import Proof, check_proof
from tests.small_case import NETWORK, SmallCase, make_small_case


def test_verify__finds_nothing_wrong_and_says_what_it_covers(small_case: SmallCase, capsys):
    assert run(["--data", str(small_case.data), "ledger", "verify"]) == 0
    text = capsys.readouterr().out
    assert "ok       merkle_roots: " in text
    assert "no contradiction was found" in text


def test_verify__one_changed_byte_is_found(tmp_path: Path, capsys):
    case = make_small_case(tmp_path, cluster=False, tags=False)
    values = np.memmap(case.data / NETWORK / "outputs" / "value", dtype="<i8", mode="r+")
    values[3] += 1
    values.flush()
    capsys.readouterr()
    assert run(["--data", str(case.data), "--json", "ledger", "verify"]) == 1
    found = json.loads(capsys.readouterr().out)
    wrong = {check["name"] for check in found["checks"] if check["finding_count"]}
    assert "column_checksums" in wrong


def test_prove__the_proof_holds_without_the_ledger(small_case: SmallCase, capsys):
    command = ["--data", str(small_case.data), "ledger", "prove", small_case.txid("join")]
    assert run([*command, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    proof = Proof(**(content | {"merkle_path": tuple(content["merkle_path"])}))
    assert check_proof(proof)
    assert run(command) == 0
    assert "Start with the txid" in capsys.readouterr().out


def test_export__can_be_imported_elsewhere(small_case: SmallCase, tmp_path: Path, capsys):
    parquet, data = tmp_path / "parquet", tmp_path / "data"
    assert run(["--data", str(small_case.data), "ledger", "export", str(parquet)]) == 0
    assert run(["--data", str(data), "ledger", "import", str(parquet)]) == 0
    told = capsys.readouterr().err
    assert f"Exported to {parquet}: {NETWORK} up to block 7" in told
    assert f"Imported from {parquet}: {NETWORK} up to block 7" in told
    statuses = []
    for folder in (small_case.data, data):
        assert run(["--data", str(folder), "--json", "ledger", "status"]) == 0
        (status,) = json.loads(capsys.readouterr().out)
        statuses.append(status | {"bytes_on_disk": 0})
    assert statuses[0] == statuses[1]


@pytest.mark.parametrize("command", ["export", "import"])
def test_moving__never_overwrites(small_case: SmallCase, tmp_path: Path, capsys, command: str):
    parquet = tmp_path / "parquet"
    assert run(["--data", str(small_case.data), "ledger", "export", str(parquet)]) == 0
    capsys.readouterr()
    assert run(["--data", str(small_case.data), "ledger", command, str(parquet)]) == 2
    assert "is there already and not empty" in capsys.readouterr().err


def test_import__of_a_folder_that_is_no_export(tmp_path: Path, capsys):
    assert run(["--data", str(tmp_path / "data"), "ledger", "import", str(tmp_path)]) == 4
    assert capsys.readouterr().err.startswith("Error: ")
