"""A real PostgreSQL server for the tests: found, started on a free loopback port, stopped by pid.

The server has a folder of its own, asks for a password, and gives up durability for speed. It
refuses to run as root; then it runs as the user `postgres`, whom Debian's package makes.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

PASSWORD = "not:a/secret@all"  # noqa: S105 of a server that lives as long as the tests
"""Holds what addresses must quote."""

START_SECONDS = 60
STOP_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server."""

    port: int

    def make_database(self, name: str) -> str:
        """Make an empty database; return its address, with the password."""
        with self._connect("postgres") as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0'.encode())
        quoted = PASSWORD.replace(":", "%3A").replace("/", "%2F").replace("@", "%40")
        return f"postgresql+psycopg://tests:{quoted}@127.0.0.1:{self.port}/{name}"

    def drop_database(self, name: str) -> None:
        with self._connect("postgres") as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())

    def _connect(self, database: str) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="tests",
            password=PASSWORD,
            dbname=database,
            autocommit=True,
        )


def server_programs() -> Path:
    """Return the folder of `initdb` and `postgres`; skip the test, or fail in CI, without."""
    found = shutil.which("initdb")
    candidates = [Path(found).resolve().parent] if found else []
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    candidates += sorted(installed, key=lambda folder: int(folder.parent.name), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    message = "no PostgreSQL server: run scripts/install-postgresql"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def postgresql() -> Iterator[Server]:
    """Start a server in a folder of its own, and stop it and remove the folder afterwards."""
    programs = server_programs()
    # Not pytest's folder: the server's user must be able to reach it.
    folder = Path(tempfile.mkdtemp(prefix="arien-postgresql-"))
    log_file = folder / "log"
    as_user: list[str] = []
    try:
        (folder / "password").write_text(PASSWORD)
        if os.geteuid() == 0:
            for path in (folder, folder / "password"):
                shutil.chown(path, "postgres", "postgres")
            as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        subprocess.run(
            [
                *as_user,
                str(programs / "initdb"),
                f"--pgdata={folder / 'data'}",
                f"--pwfile={folder / 'password'}",
                *("--username=tests", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"),
                *("--locale=C.UTF-8", "--no-instructions"),
            ],
            check=True,
            capture_output=True,
            cwd=folder,
        )
        port = _free_port()
        command = [
            *as_user,
            str(programs / "postgres"),
            *("-D", str(folder / "data"), "-p", str(port), "-k", str(folder)),
            *("-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"),
        ]
        with (
            log_file.open("wb") as log,
            subprocess.Popen(command, stdout=log, stderr=log, cwd=folder) as process,
        ):
            try:
                _wait_until_ready(process, port, log_file)
                yield Server(port=port)
            finally:
                process.send_signal(signal.SIGINT)  # end connections, then stop
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
    finally:
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log_file: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended: {log_file.read_text()}")
        try:
            Server(port=port)._connect("postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PostgreSQL was not ready within {START_SECONDS} seconds")
