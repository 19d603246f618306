"""Real Ethereum nodes for the tests: found, started on free loopback ports, stopped by pid.

The node is anvil, a development node: it executes transactions as any node does, traces them, and
makes blocks when it is told to.
"""

import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.nodes import CHECKOUT, RpcError, free_port

INSTALLED = (
    CHECKOUT / ".cache" / "ethereum-node" / "bin" / "anvil",
    CHECKOUT / ".cache/anvil/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil",
)
START_SECONDS = 30
STOP_SECONDS = 20
GENESIS_TIME = 1_700_000_000
CHAIN_ID = 31_337


@dataclass(slots=True)
class EthereumRpc:
    """The JSON-RPC of one node; quantities are hexadecimal texts, as they arrive."""

    connection: http.client.HTTPConnection

    def __call__(self, method: str, *parameters: Any) -> Any:
        (answer,) = self.batch([(method, parameters)])
        return answer

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Call several methods in one request; `RpcError` for the first that is refused."""
        requests = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": list(parameters)}
            for number, (method, parameters) in enumerate(calls)
        ]
        head = {"Content-Type": "application/json"}
        self.connection.request("POST", "/", json.dumps(requests), head)
        answers = json.loads(self.connection.getresponse().read())
        answers.sort(key=lambda answer: answer["id"])
        for (method, _), answer in zip(calls, answers, strict=True):
            if "error" in answer:
                raise RpcError(f"{method}: {answer['error']}")
        return [answer["result"] for answer in answers]


@dataclass(frozen=True, slots=True, kw_only=True)
class EthereumNode:
    """A running node."""

    port: int
    rpc: EthereumRpc
    pid: int

    @property
    def url(self) -> str:
        """Return the node's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def source(self) -> str:
        """Return the URI by which the node is a source of blocks."""
        return f"eth+{self.url}"

    def mine(self, count: int = 1) -> None:
        """Make blocks; the first holds what waits."""
        self.rpc("anvil_mine", hex(count))


def anvil_program() -> str:
    """Return the path of an anvil; skip the test where there is none, or fail in CI."""
    candidates = (os.environ.get("ARIEN_TEST_ANVIL"), *INSTALLED, shutil.which("anvil"))
    for candidate in candidates:
        if candidate and Path(candidate).exists():
            return str(candidate)
    message = "no anvil: run scripts/install-ethereum-node or set ARIEN_TEST_ANVIL"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def anvil(folder: Path, *options: str, chain_id: int = CHAIN_ID) -> Iterator[EthereumNode]:
    """Start a node that talks to nobody, with a folder of its own, and stop it afterwards.

    It makes no block by itself. Its accounts are the same in every run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [
        anvil_program(),
        *("--host", "127.0.0.1", "--port", str(port), "--chain-id", str(chain_id)),
        *("--timestamp", str(GENESIS_TIME), "--no-mining", "--order", "fifo"),
        *("--accounts", "30", "--mnemonic-seed-unsafe", "7", "--threads", "1"),
        *options,
    ]
    environment = {**os.environ, "HOME": str(folder), "TMPDIR": str(folder)}
    log = (folder / "anvil.txt").open("wb")
    with (
        log,
        subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment) as process,
    ):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        node = EthereumNode(port=port, rpc=EthereumRpc(connection), pid=process.pid)
        try:
            _wait_until_ready(process, node, folder)
            yield node
        finally:
            connection.close()
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_ready(process: subprocess.Popen[bytes], node: EthereumNode, folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"anvil ended: {(folder / 'anvil.txt').read_text()}")
        try:
            node.rpc("eth_chainId")
        except (OSError, http.client.HTTPException):
            node.rpc.connection.close()
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"anvil was not ready within {START_SECONDS} seconds")
