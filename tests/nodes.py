"""Real Bitcoin nodes for the tests: found, started on free loopback ports, stopped by pid.

A mock of a node agrees with whoever wrote it. Here a real one validates what we send it, writes
the block files that we read, and prints the addresses that ours are compared with.
"""

import base64
import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[1]
DEFAULT_PREFIX = CHECKOUT / ".cache" / "bitcoin-node"
START_SECONDS = 30
STOP_SECONDS = 60


class RpcError(Exception):
    """The node answered with an error."""


@dataclass(slots=True)
class Rpc:
    """The JSON-RPC of one node; `rpc.getblockhash(0)` calls the method of that name.

    Numbers with a fraction arrive as `Decimal`.
    """

    connection: http.client.HTTPConnection
    authorization: str
    path: str = "/"

    def __getattr__(self, method: str) -> Any:
        if method.startswith("_"):
            raise AttributeError(method)
        return lambda *parameters: self.call(method, *parameters)

    def call(self, method: str, *parameters: Any) -> Any:
        request = {"jsonrpc": "1.0", "id": 0, "method": method, "params": parameters}
        body = json.dumps(request, default=str)
        head = {"Authorization": self.authorization, "Content-Type": "application/json"}
        try:
            self.connection.request("POST", self.path, body, head)
            answer = self.connection.getresponse().read()
        except (http.client.HTTPException, ConnectionError):
            # The node closes connections that were idle; a new one is made at the next request.
            self.connection.close()
            self.connection.request("POST", self.path, body, head)
            answer = self.connection.getresponse().read()
        decoded = json.loads(answer, parse_float=Decimal)
        if decoded["error"]:
            raise RpcError(f"{method}: {decoded['error']}")
        return decoded["result"]

    def wallet(self, name: str) -> "Rpc":
        """Return the same node's RPC for one of its wallets."""
        return Rpc(self.connection, self.authorization, f"/wallet/{name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A running node."""

    datadir: Path
    rpc: Rpc
    pid: int

    @property
    def url(self) -> str:
        """Return the node's address with the user's name and password in it."""
        secret = self.rpc.authorization.removeprefix("Basic ")
        return f"http://{base64.b64decode(secret).decode()}@127.0.0.1:{self.rpc.connection.port}"

    @property
    def source(self) -> str:
        """Return the URI by which the node is a source of blocks, user and password in it."""
        return f"core+{self.url}"


def bitcoind_program() -> str:
    """Return the path of a bitcoind; skip the test where there is none, or fail in CI."""
    named = os.environ.get("ARIEN_TEST_BITCOIND")
    installed = DEFAULT_PREFIX / "bin" / "bitcoind"
    for candidate in (named, shutil.which("bitcoind"), installed if installed.exists() else None):
        if candidate:
            return str(candidate)
    message = "no bitcoind: run scripts/install-bitcoin-node or set ARIEN_TEST_BITCOIND"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def bitcoind(
    datadir: Path, *options: str, chain: str = "regtest", port: int | None = None
) -> Iterator[Node]:
    """Start a node that talks to nobody, in a directory of its own, and stop it afterwards.

    Options given here stand above the usual ones: `-rest=0` leaves REST away, `-prune=1` lets the
    node delete blocks, `-zmqpubhashblock=tcp://…` makes it announce them. `port` is where its RPC
    listens, by default a free one.
    """
    program, port = bitcoind_program(), port or free_port()
    datadir.mkdir(parents=True, exist_ok=True)
    command = [
        program,
        f"-chain={chain}",
        f"-datadir={datadir}",
        *("-server=1", "-rest=1", "-rpcuser=tests", "-rpcpassword=tests", f"-rpcport={port}"),
        *("-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1", "-listen=0", "-listenonion=0"),
        *("-connect=0", "-dnsseed=0", "-natpmp=0", "-fallbackfee=0.0001", "-printtoconsole=0"),
        *options,
    ]
    log = (datadir / "stderr.txt").open("wb")
    with log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        authorization = "Basic " + base64.b64encode(b"tests:tests").decode()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        rpc = Rpc(connection, authorization)
        try:
            _wait_until_ready(process, rpc, datadir)
            yield Node(datadir=datadir, rpc=rpc, pid=process.pid)
        finally:
            connection.close()
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def free_port() -> int:
    """Return a port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(process: subprocess.Popen[bytes], rpc: Rpc, datadir: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"bitcoind ended: {(datadir / 'stderr.txt').read_text()}")
        try:
            rpc.getblockcount()
        except (OSError, RpcError, json.JSONDecodeError, http.client.HTTPException):
            rpc.connection.close()
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"bitcoind was not ready within {START_SECONDS} seconds")
