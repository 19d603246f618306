"""`serve` as a process of its own, asked over a real connection."""

import json
import signal
import urllib.request
from collections.abc import Iterator
from urllib.error import HTTPError

import pytest

from arien_flows.cli.main import run
from tests.served import served
from tests.small_case import NETWORK, SmallCase


@pytest.fixture(scope="module")
def address(small_case: SmallCase) -> Iterator[str]:
    """Serve the small ledger on a free port; return the base URL. Ends as Ctrl-C ends it."""
    with served("--data", str(small_case.data)) as service:
        yield service.base
        assert service.end(signal.SIGINT) == (0, [])


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
