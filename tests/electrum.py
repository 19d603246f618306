"""A real Electrum server for the tests, over the node of the regtest chain; stopped by pid.

It is e-x, which `scripts/install-electrum-server` puts beside the system. It serves plain
connections and, where the program `openssl` is there to make a certificate, TLS.
"""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.nodes import CHECKOUT, free_port
from tests.regtest_chain import RegtestChain

DEFAULT_PREFIX = CHECKOUT / ".cache" / "electrum-server"
PROGRAM = Path("bin") / "electrumx_server"
START_SECONDS = 120
STOP_SECONDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningElectrum:
    """A running server that knows all of the chain, unconfirmed transactions included."""

    port: int
    tls_port: int | None
    cert_sha256: str | None
    pid: int
    folder: Path

    @property
    def uri(self) -> str:
        """Return the URI by which the program opens the server."""
        return f"electrum+tcp://127.0.0.1:{self.port}"

    @property
    def tls_uri(self) -> str:
        """Return the URI by which it is opened over TLS; skips the test where there is none."""
        if self.tls_port is None:
            absent("no program openssl, so there is no certificate")
        return f"electrum+ssl://127.0.0.1:{self.tls_port}?cert_sha256={self.cert_sha256}"


def absent(message: str) -> None:
    """Skip the test, or fail it in CI, where everything must be there."""
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def electrum_program() -> str:
    """Return the path of the server; skip the test where there is none, or fail in CI."""
    named = Path(os.environ.get("ARIEN_TEST_ELECTRUM") or DEFAULT_PREFIX)
    program = named / PROGRAM if named.is_dir() else named
    if not program.exists():
        absent("no Electrum server: run scripts/install-electrum-server or set ARIEN_TEST_ELECTRUM")
    return str(program)


@contextmanager
def electrum_server(
    chain: RegtestChain, folder: Path, *, port: int | None = None, **options: str
) -> Iterator[RunningElectrum]:
    """Run a server over the chain's node, in a folder of its own, on a free port unless told.

    `options` are variables of its environment, such as limits.
    """
    program, port = electrum_program(), port or free_port()
    certificate = make_certificate(folder)
    tls_port = free_port() if certificate else None
    services = [f"tcp://127.0.0.1:{port}"]
    environment = {
        "PATH": os.environ["PATH"],
        "COIN": "Bitcoin",
        "NET": "regtest",
        "DAEMON_URL": chain.node.url,
        "DB_DIRECTORY": str(folder),
        "ALLOW_ROOT": "1",
        "PEER_DISCOVERY": "off",
        "PEER_ANNOUNCE": "",
        "CACHE_MB": "50",
        "COST_SOFT_LIMIT": "0",
        "COST_HARD_LIMIT": "0",
        "DAEMON_POLL_INTERVAL_BLOCKS": "100",
        "DAEMON_POLL_INTERVAL_MEMPOOL": "100",
    }
    if certificate:
        services.append(f"ssl://127.0.0.1:{tls_port}")
        environment |= {"SSL_CERTFILE": str(certificate), "SSL_KEYFILE": str(folder / "key.pem")}
    environment |= {"SERVICES": ",".join(services)} | options
    log = (folder / "log.txt").open("wb")
    with log, subprocess.Popen([program], env=environment, stdout=log, stderr=log) as process:
        try:
            _wait_until_ready(process, port, chain, folder)
            yield RunningElectrum(
                port=port,
                tls_port=tls_port,
                cert_sha256=fingerprint(certificate) if certificate else None,
                pid=process.pid,
                folder=folder,
            )
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="session", name="electrum_server")
def electrum_fixture(
    regtest_chain: RegtestChain, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningElectrum]:
    """Return a server over the regtest chain, which runs until the session ends."""
    with electrum_server(regtest_chain, tmp_path_factory.mktemp("electrum")) as running:
        yield running


def make_certificate(folder: Path) -> Path | None:
    """Make a self-signed certificate with its key; nothing without the program openssl."""
    openssl = shutil.which("openssl")
    if openssl is None:
        return None
    certificate = folder / "certificate.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "30", "-subj", "/CN=electrum.test"),
            *("-addext", "subjectAltName=DNS:electrum.test,IP:127.0.0.1"),
            *("-keyout", str(folder / "key.pem"), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate


def fingerprint(certificate: Path) -> str:
    """Return the SHA-256 of a certificate in DER form."""
    import ssl

    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest()


def ask(port: int, method: str, *parameters: Any) -> Any:
    """Return what a server answers to one call, by as little code as possible."""
    with socket.create_connection(("127.0.0.1", port), 5) as connected, ExitStack() as stack:
        lines = stack.enter_context(connected.makefile("rwb"))
        for name, params in (("server.version", ("tests", "1.4")), (method, parameters)):
            lines.write(json.dumps({"id": 0, "method": name, "params": params}).encode() + b"\n")
            lines.flush()
            answer = json.loads(lines.readline())
        return answer["result"]


def script_hash(script: bytes) -> str:
    """Return the name that the protocol gives a script."""
    return hashlib.sha256(script).digest()[::-1].hex()


def _wait_until_ready(
    process: subprocess.Popen[bytes], port: int, chain: RegtestChain, folder: Path
) -> None:
    """Wait until the server knows the chain's last block and what is unconfirmed."""
    height = chain.rpc.getblockcount()
    waiting = [chain.rpc.getrawtransaction(txid, 1) for txid in chain.unconfirmed]
    scripts = [bytes.fromhex(made["vout"][0]["scriptPubKey"]["hex"]) for made in waiting]
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the Electrum server ended: {(folder / 'log.txt').read_text()}")
        try:
            known = ask(port, "blockchain.headers.subscribe")["height"] == height
            if known and all(
                ask(port, "blockchain.scripthash.get_mempool", script_hash(script))
                for script in scripts
            ):
                return
        except (OSError, ValueError, KeyError, TypeError):
            pass
        time.sleep(0.05)
    raise RuntimeError(f"the Electrum server was not ready within {START_SECONDS} seconds")
