"""`ledger` on a network of accounts: filled from a real node, checked, moved and taken back."""

import json
import os
import signal
import threading
import time
from pathlib import Path

from arien_flows.account_ledger.ledger import AccountLedger
from arien_flows.cli.main import run


def test_ledger_commands__serve_networks_of_accounts(tmp_path: Path, ethereum_chain, capsys):
    data, again, parquet = tmp_path / "data", tmp_path / "again", tmp_path / "parquet"
    command = ["--data", str(data), "--network", "ethereum-dev", "ledger"]
    assert run([*command, "ingest", "--source", ethereum_chain.source, "--until", "20"]) == 0
    assert "ethereum-dev: 21 blocks with" in capsys.readouterr().err
    assert run([*command, "ingest", "--source", ethereum_chain.source]) == 0
    height = ethereum_chain.height
    assert f"the ledger ends at block {height}" in capsys.readouterr().err
    assert run([*command, "status"]) == 0
    assert "ethereum-dev" in capsys.readouterr().out
    assert run([*command, "verify", "--source", ethereum_chain.source, "--json"]) in (0, 1)
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert [name for name, check in checks.items() if check["finding_count"]] in ([], ["source"])
    assert checks["source"]["rows_checked"] > 50
    assert run([*command, "export", str(parquet)]) == 0
    assert run(["--data", str(again), "ledger", "import", str(parquet)]) == 0
    told = capsys.readouterr().err
    assert f"Exported to {parquet}: ethereum-dev up to block {height}" in told
    assert f"Imported from {parquet}: ethereum-dev up to block {height}" in told
    assert run([*command, "rollback", "20"]) == 0
    assert f"ethereum-dev: blocks 21 to {height} removed" in capsys.readouterr().err
    assert AccountLedger(data / "ethereum-dev").view().tip.height == 20
    assert AccountLedger(again / "ethereum-dev").view().tip.height == height


def test_ingest__follows_the_node_until_it_is_told_to_stop(tmp_path: Path, ethereum_chain, capsys):
    data = tmp_path / "data"
    root = data / "ethereum-dev"

    def stop_at_the_tip() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if (root / "manifest.json").exists() and AccountLedger(root).view().counts.blocks:
                break
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    watcher = threading.Thread(target=stop_at_the_tip)
    watcher.start()
    command = ["--data", str(data), "--network", "ethereum-dev", "ledger", "ingest", "--follow"]
    assert run([*command, "--source", ethereum_chain.source]) == 0
    watcher.join()
    assert "Stopped. What was committed is kept." in capsys.readouterr().err
    assert AccountLedger(root).view().counts.blocks == ethereum_chain.height + 1
