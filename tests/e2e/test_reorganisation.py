"""A real node that changes its mind, goes away and comes back, while somebody follows and reads."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from arien_flows.answers.address import address_answer
from arien_flows.answers.history import history_answer
from arien_flows.errors import NotFoundError
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.verify import verify
from arien_flows.ledger.writer import LedgerWriter
from arien_flows.settings import Settings
from arien_flows.workspace import Reading, Workspace
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import COIN_SAT, REGTEST
from tests.arien_flows.ledger.stores import QuickDisk, columns_of, manifest_of
from tests.nodes import Node, bitcoind, free_port

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 90

SOURCES: dict[str, Callable[[Node], str]] = {
    "blockfiles": lambda node: f"blockfiles:{node.datadir}",
    "core": lambda node: node.source,
}


def until(is_so: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.05)


def tip_of(root: Path) -> str | None:
    try:
        return str(Ledger(root).view().tip.block_hash)
    except NotFoundError:
        return None


def at_tip(root: Path, node: Node) -> bool:
    return tip_of(root) == node.rpc.getbestblockhash()


@dataclass(kw_only=True)
class Follower:
    """`ledger ingest --follow` as a process of its own."""

    process: subprocess.Popen[str]
    told: list[str] = field(default_factory=list)
    """Lines of its standard error."""

    def has_told(self, words: str) -> bool:
        return any(words in line for line in self.told)


@contextmanager
def following(
    data: Path, uri: str, *options: str, end: signal.Signals = signal.SIGTERM
) -> Iterator[Follower]:
    """Follow a source until the block ends, then stop as a service manager does, or a person."""
    command = [
        *(sys.executable, "-c", "from arien_flows.cli.main import main; main()"),
        *("ledger", "ingest", "--data", str(data), "--network", REGTEST.name),
        *("--source", uri, "--follow", "--every", "1", "--progress", "json", *options),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        follower = Follower(process=process)
        assert process.stderr is not None
        reader = threading.Thread(target=lambda: follower.told.extend(process.stderr or ()))
        reader.start()
        try:
            yield follower
            assert process.poll() is None, follower.told
            process.send_signal(end)
            assert process.wait(PATIENCE_SECONDS) == 0, follower.told
        finally:
            process.kill()
            reader.join()
    assert follower.told[-1] == "Stopped. What was committed is kept.\n"


class Questioner(threading.Thread):
    """Asks about one address as fast as it can, and keeps every answer."""

    def __init__(self, data: Path, address: str) -> None:
        super().__init__()
        self.network = Workspace(Settings(data=data)).open(REGTEST.name)
        self.address = address
        self.answers: dict[tuple[str, int, str, str, tuple[str, ...]], int] = {}
        self.failures: list[BaseException] = []
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                answer = self.network.ask(self.question)
            except BaseException as error:  # noqa: BLE001 whatever a reader meets is a finding
                self.failures.append(error)
                return
            self.answers[answer] = self.answers.get(answer, 0) + 1

    def question(self, reading: Reading) -> tuple[str, int, str, str, tuple[str, ...]]:
        summary = address_answer(reading, self.address)
        page = history_answer(reading, self.address, limit=10_000, order="oldest")
        assert summary.as_of == page.as_of
        return (
            summary.as_of.block_hash,
            summary.as_of.height,
            summary.received,
            summary.sent,
            tuple(row.txid for row in page.items),
        )


def told_by_node(node: Node, tip: str, address: str) -> tuple[int, str, str, tuple[str, ...]]:
    """Return what an answer must be that was true as of a block, stale by now or not."""
    blocks: list[dict[str, Any]] = []
    block_hash: str | None = tip
    while block_hash is not None:
        blocks.append(node.rpc.getblock(block_hash, 2))
        block_hash = blocks[-1].get("previousblockhash")
    values: dict[tuple[str, int], int] = {}
    received = sent = 0
    touching: list[str] = []
    for block in reversed(blocks):
        for tx in block["tx"]:
            spent = [
                values.pop((vin["txid"], vin["vout"]), 0) for vin in tx["vin"] if "txid" in vin
            ]
            paid = 0
            for vout in tx["vout"]:
                if vout["scriptPubKey"].get("address") == address:
                    values[tx["txid"], vout["n"]] = int(vout["value"] * COIN_SAT)
                    paid += values[tx["txid"], vout["n"]]
            if paid or any(spent):
                touching.append(tx["txid"])
            received, sent = received + paid, sent + sum(spent)
    return blocks[0]["height"], str(received), str(sent), tuple(touching)


def assert_as_taken_in_at_once(root: Path, node: Node, folder: Path) -> None:
    with LedgerWriter(folder, REGTEST, QuickDisk(folder)) as writer:
        ingest(writer, BlockFiles(node.datadir, REGTEST))
    assert columns_of(root) == columns_of(folder)
    assert manifest_of(root).unspent_sat == manifest_of(folder).unspent_sat
    found = verify(Ledger(root))
    assert found.ok, [check for check in found.checks if not check.ok]


@pytest.mark.parametrize("kind", SOURCES)
def test_follow__reorganisations_while_a_reader_reads(kind: str, tmp_path: Path) -> None:
    data, root = tmp_path / "data", tmp_path / "data" / REGTEST.name
    with bitcoind(tmp_path / "node", "-fastprune=1") as node:
        node.rpc.createwallet("w")
        wallet = node.rpc.wallet("w")
        address = wallet.getnewaddress()
        node.rpc.generatetoaddress(105, address)
        with following(data, SOURCES[kind](node)) as follower:
            until(lambda: at_tip(root, node), "the first blocks")
            questioner = Questioner(data, address)
            questioner.start()
            stale = []
            try:
                for depth in (1, 3, 2, 6):
                    for _ in range(depth + 1):
                        wallet.sendtoaddress(wallet.getnewaddress(), "1.5")
                        node.rpc.generatetoaddress(1, address)
                    until(lambda: at_tip(root, node), "the losing branch")
                    tip = node.rpc.getblockcount()
                    stale.append(node.rpc.getblockhash(tip - depth + 1))
                    node.rpc.invalidateblock(stale[-1])
                    # The wallet's payments come again, in other blocks.
                    node.rpc.generatetoaddress(depth + 1, wallet.getnewaddress())
                    until(lambda: at_tip(root, node), "the winning branch")
            finally:
                questioner.stop.set()
                questioner.join()
            assert questioner.failures == []
        assert follower.has_told("blocks removed"), follower.told
        assert follower.has_told('{"step": "ingest", "done": 106, "total": 106, "unit": "blocks"}')
        for block_hash in stale:
            node.rpc.reconsiderblock(block_hash)
        asked = {answer[0] for answer in questioner.answers}
        assert len(asked) >= 8
        # One answer for each state, and the one that the node gives as of that block.
        assert len(asked) == len(questioner.answers)
        for tip, *answer in questioner.answers:
            assert tuple(answer) == told_by_node(node, tip, address)
        assert_as_taken_in_at_once(root, node, tmp_path / "at-once")


@pytest.mark.parametrize("kind", SOURCES)
def test_follow__a_node_that_is_killed_and_comes_back(kind: str, tmp_path: Path) -> None:
    data, root = tmp_path / "data", tmp_path / "data" / REGTEST.name
    port = free_port()
    with bitcoind(tmp_path / "node", port=port) as node:
        node.rpc.createwallet("w")
        address = node.rpc.wallet("w").getnewaddress()
        node.rpc.generatetoaddress(120, address)
        with following(data, SOURCES[kind](node)) as follower:
            until(lambda: at_tip(root, node), "the first blocks")
            held = tip_of(root)
            os.kill(node.pid, signal.SIGKILL)
            if kind == "core":
                until(lambda: follower.has_told("trying again"), "word that the node is gone")
            assert tip_of(root) == held
            # What the node had not written down yet is lost to it, and not to us.
            with bitcoind(tmp_path / "node", port=port) as again:
                if kind == "core":
                    until(
                        lambda: (
                            follower.has_told("The source is back")
                            or follower.has_told("has no more work")
                        ),
                        "word that the node is back",
                    )
                assert tip_of(root) == held
                again.rpc.generatetoaddress(125, address)
                until(lambda: at_tip(root, again), "the blocks after the return")
                assert sum("trying again" in line for line in follower.told) <= 3
                assert not follower.has_told("tests:tests")
                assert_as_taken_in_at_once(root, again, tmp_path / "at-once")


def test_follow__ctrl_c_ends_it_too(tmp_path: Path) -> None:
    data, root = tmp_path / "data", tmp_path / "data" / REGTEST.name
    with (
        bitcoind(tmp_path / "node") as node,
        following(data, node.source, "--from", "0", end=signal.SIGINT),
    ):
        until(lambda: at_tip(root, node), "the genesis block")


def test_follow__a_late_ledger(tmp_path: Path) -> None:
    data, root = tmp_path / "data", tmp_path / "data" / REGTEST.name
    with bitcoind(tmp_path / "node") as node:
        node.rpc.createwallet("w")
        wallet = node.rpc.wallet("w")
        address = wallet.getnewaddress()
        node.rpc.generatetoaddress(110, address)
        with following(data, node.source, "--from", "108"):
            until(lambda: at_tip(root, node), "the first blocks")
            wallet.sendtoaddress(wallet.getnewaddress(), "55")
            node.rpc.generatetoaddress(2, address)
            until(lambda: at_tip(root, node), "the next blocks")
            node.rpc.invalidateblock(node.rpc.getblockhash(112))
            node.rpc.generatetoaddress(1, wallet.getnewaddress())
            node.rpc.generatetoaddress(3, address)
            until(lambda: at_tip(root, node), "the winning branch")
        answer = (
            Workspace(Settings(data=data))
            .open(REGTEST.name)
            .ask(lambda reading: address_answer(reading, address))
        )
        (cut,) = [cut for cut in answer.truncations if cut.reason == "before_ledger"]
        assert not answer.complete
        assert cut.limit == 108
        assert "begins at block 108" in cut.detail
        # Seven coinbases are in the ledger; the coins of the payment came from before it.
        assert answer.transaction_count == 8
        assert int(answer.sent) >= 55 * COIN_SAT
    assert verify(Ledger(root)).ok
