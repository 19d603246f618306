"""`ledger ingest`: where a ledger begins, what is refused, what is said of the source."""

import json
import os
import signal
import threading
import time
from pathlib import Path
from random import Random

import pytest

from arien_flows.cli import filling
from arien_flows.cli.main import run
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.sorted_runs import FAN_IN
from arien_flows.ledger.writer import LedgerWriter
from tests.arien_flows.ledger.chains import random_chain
from tests.arien_flows.ledger.late import ChainSource
from tests.arien_flows.ledger.stores import SlowDisk
from tests.ledgers import Chain, Tx, text_of_name, write_block_file

NETWORK = "bitcoin-regtest"


@pytest.fixture
def chain() -> Chain:
    return Chain.from_genesis().add(
        [
            Tx(name="a", outputs=[("alice", 50)]),
            Tx(name="b", outputs=[("bob", 50)]),
            Tx(name="c", inputs=["a:0"], outputs=[("carol", 49)]),
            Tx(name="d", outputs=[("dave", 50)]),
            Tx(name="e", inputs=["c:0", "b:0"], outputs=[("alice", 99)]),
            Tx(name="end"),
        ]
    )


def ingest(data: Path, *arguments: str, file: Path) -> int:
    source = ("--source", f"blockfiles:{file}")
    common = ("--data", str(data), "--network", NETWORK)
    return run([*common, "ledger", "ingest", *source, *arguments])


@pytest.fixture
def knowing(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> ChainSource:
    """Let every URI stand for a source that says what its blocks spend."""
    source = ChainSource(chain.blocks)
    monkeypatch.setattr(filling, "open_blocks", lambda _uri, _name, *_: source)
    return source


def test_ingest__blocks_alone_do_not_let_a_ledger_begin_late(
    tmp_path: Path, chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "blk00000.dat"
    write_block_file(file, chain.blocks)
    assert ingest(tmp_path, "--from", "2", file=file) == 2
    assert "begins at block 2 needs a source that says what the blocks spend" in (
        capsys.readouterr().err
    )
    assert ingest(tmp_path, "--from", "2", "--until", "1", file=file) == 2
    assert "--until lies before --from" in capsys.readouterr().err


def test_ingest__says_that_it_waits_for_merges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each batch leaves a run of the index; so many are merged."""
    source = ChainSource(random_chain(Random(3), FAN_IN).blocks, batch_blocks=1)
    monkeypatch.setattr(filling, "open_blocks", lambda _uri, _name, *_: source)
    monkeypatch.setattr(
        filling, "LedgerWriter", lambda root, of: LedgerWriter(root, of, SlowDisk(root, 0.1))
    )
    assert ingest(tmp_path, "--progress", "json", file=tmp_path / "unused") == 0
    steps = [json.loads(line) for line in capsys.readouterr().err.splitlines()[:-1]]
    waits = [step for step in steps if step["step"] == "merge"]
    assert waits[0]["done"] < waits[0]["total"]
    assert waits[-1]["done"] == waits[-1]["total"]
    assert steps[-len(waits) :] == waits


def test_ingest__a_late_ledger_is_begun_continued_and_says_where_it_begins(
    tmp_path: Path, knowing: ChainSource, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "unused"
    assert ingest(tmp_path, "--from", "2", "--until", "2", file=file) == 0
    assert "1 block with 2 transactions added" in capsys.readouterr().err
    assert ingest(tmp_path, "--from", "1", file=file) == 2
    assert "begins at block 2, not at 1: leave --from away" in capsys.readouterr().err
    assert ingest(tmp_path, "--progress", "json", file=file) == 0
    steps = [json.loads(line) for line in capsys.readouterr().err.splitlines()[:-1]]
    assert steps[-1] == {"step": "ingest", "done": 3, "total": 3, "unit": "blocks"}
    common = ("--data", str(tmp_path))
    assert run([*common, "ledger", "status"]) == 0
    assert "from 2" in capsys.readouterr().out
    assert run([*common, "ledger", "verify"]) == 0
    told = capsys.readouterr().out
    assert "rest on the undo data of the node" in told
    assert "The ledger begins at block 2" in told
    assert run([*common, "ledger", "export", str(tmp_path / "out")]) == 2
    assert "complete from its genesis block" in capsys.readouterr().err
    assert run([*common, "ledger", "rollback", "0"]) == 2
    assert "holds blocks 2 to 4" in capsys.readouterr().err
    assert run([*common, "ledger", "rollback", "3"]) == 0
    assert "blocks 4 to 4 removed" in capsys.readouterr().err
    assert run([*common, "ledger", "rollback", "3"]) == 0
    assert "there was none to remove" in capsys.readouterr().err
    assert Ledger(tmp_path / NETWORK).view().tip.height == 3
    assert run([*common, "ledger", "rollback", "1"]) == 0
    assert "blocks 2 to 3 removed" in capsys.readouterr().err
    assert knowing.tip_height() == 4


def test_answers__of_a_late_ledger_say_where_it_begins(
    tmp_path: Path, chain: Chain, knowing: ChainSource, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ingest(tmp_path, "--from", "2", file=tmp_path) == 0
    common = ("--data", str(tmp_path), "--json")
    assert run([*common, "cluster", "run"]) == 0
    capsys.readouterr()
    alice, carol = text_of_name("alice"), text_of_name("carol")
    backward = ("trace", carol, "--direction", "backward", "--min-value", "1")
    for command in (
        ("address", alice),
        ("address", alice, "--transactions"),
        ("entity", alice),
        ("tx", chain.txid("c")),
        backward,
    ):
        assert run([*common, *command]) == 0
        answer = json.loads(capsys.readouterr().out)
        cuts = {cut["reason"]: cut for cut in answer["truncations"]}
        assert answer["complete"] is False
        assert cuts["before_ledger"]["limit"] == 2
    # Carol's coin came from one of Alice's that was made before the ledger begins.
    assert {leaf["reason"] for leaf in answer["leaves"]} == {"before_ledger"}
    assert answer["totals"]["by_reason"] == {"before_ledger": "49"}
    assert run(["--data", str(tmp_path), "address", alice]) == 0
    assert "the ledger begins at block 2" in capsys.readouterr().out
    assert knowing.first_height() == 0


def test_ingest__a_source_that_is_behind_is_told(
    tmp_path: Path, chain: Chain, knowing: ChainSource, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ingest(tmp_path, file=tmp_path) == 0
    knowing.coming = chain.blocks[:2]
    knowing.refresh()
    capsys.readouterr()
    assert ingest(tmp_path, file=tmp_path) == 0
    told = capsys.readouterr().err
    assert "0 blocks with 0 transactions added" in told
    assert "ends at block 1, has no more work than the ledger's, which ends at block 4" in told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_follow__does_not_wait_for_ever_for_a_source_that_hangs(
    tmp_path: Path,
    knowing: ChainSource,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
) -> None:
    monkeypatch.setattr(filling, "GRACE_SECONDS", 1)
    hangs = threading.Event()

    def wait(_seconds: float) -> None:
        os.kill(os.getpid(), number)
        hangs.wait(60)

    monkeypatch.setattr(knowing, "wait", wait)
    handlers = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)]
    started = time.monotonic()
    assert ingest(tmp_path, "--follow", file=tmp_path) == 0
    assert time.monotonic() - started < 30
    assert capsys.readouterr().err.endswith("\nStopped. What was committed is kept.\n")
    assert handlers == [
        signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    ]
    assert Ledger(tmp_path / NETWORK).view().tip.height == 4
