"""`serve` as a process of its own, asked over a real connection."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from urllib.error import HTTPError, URLError

import pytest

from arien_flows.cli.main import run
from tests.small_case import NETWORK, SmallCase

SECONDS_TO_START = 120


@pytest.fixture(scope="module")
def address(small_case: SmallCase) -> Iterator[str]:
    """Serve the small ledger on a free port; return the base URL. Ends as Ctrl-C ends it."""
    server = subprocess.Popen(
        [
            *(sys.executable, "-c", "from arien_flows.cli.main import main; main()"),
            *("serve", "--data", str(small_case.data), "--port", "0"),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    try:
        told = server.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", told)
        assert found, told
        _wait_for(found[0])
        yield found[0]
    finally:
        server.send_signal(signal.SIGINT)
        rest = server.communicate(timeout=30)[1]
    assert server.returncode == 0
    assert rest == ""


def _wait_for(base: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            with urllib.request.urlopen(f"{base}/livez", timeout=5):  # noqa: S310
                return
        except (URLError, TimeoutError):
            assert time.monotonic() < deadline, "the service did not start"
            time.sleep(0.1)


def _get(url: str, **headers: str) -> tuple[int, bytes]:
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 our own service
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            return response.status, response.read()
    except HTTPError as error:
        return error.code, error.read()


def test_serve__answers_what_the_command_line_prints(address, small_case: SmallCase, capsys):
    wanted = small_case.address("alice")
    assert run(["--data", str(small_case.data), "--json", "address", wanted]) == 0
    printed = json.loads(capsys.readouterr().out)
    status, body = _get(f"{address}/v1/{NETWORK}/addresses/{wanted}")
    assert status == 200
    assert json.loads(body) == printed


def test_serve__shows_the_start_page(address):
    status, body = _get(f"{address}/")
    assert status == 200
    assert body.startswith(b"<!doctype html>")


def test_serve__refuses_a_name_that_was_bound_to_this_machine(address):
    status, _ = _get(f"{address}/livez", Host="evil.example")
    assert status == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "evil.example"])  # noqa: S104
def test_serve__listens_on_loopback_only(small_case: SmallCase, capsys, host: str):
    assert run(["--data", str(small_case.data), "serve", "--host", host]) == 2
    assert "is not a loopback address" in capsys.readouterr().err


def test_serve__a_port_in_use_is_one_line(address, small_case: SmallCase, capsys):
    port = address.rsplit(":", 1)[1]
    assert run(["--data", str(small_case.data), "serve", "--port", port]) == 2
    assert f"127.0.0.1:{port} cannot be listened on" in capsys.readouterr().err
