"""`--source`: who is contacted, what is said before and after, and what never shows."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from arien_flows.cli.main import run
from arien_flows.fetched.archive import Archive, archive_folder
from tests.esplora import EsploraServer, Fault, Snapshot, esplora
from tests.ledgers import text_of_name
from tests.regtest_chain import RegtestChain
from tests.small_case import SmallCase
from tests.socks import socks_proxy

NETWORK = "bitcoin-regtest"
PASSWORD = "hunter2-is-secret"  # noqa: S105 - made up

Said = Callable[..., tuple[str, str]]


@pytest.fixture
def server(regtest_chain: RegtestChain) -> Iterator[EsploraServer]:
    """Run a server that a test may spoil."""
    with esplora(Snapshot.of_node(regtest_chain.rpc)) as running:
        yield running


@pytest.fixture
def say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    """Run a command in an empty data folder; return standard output and error."""

    def said(*arguments: str, code: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        assert run(["--data", str(tmp_path / "data"), *arguments]) == code
        captured = capsys.readouterr()
        return captured.out, captured.err

    return said


@pytest.fixture
def address(regtest_chain: RegtestChain) -> str:
    txid = regtest_chain.transactions["deposit"][0]
    outputs = regtest_chain.rpc.getrawtransaction(txid, 1)["vout"]
    return str(outputs[0]["scriptPubKey"]["address"])


def everything_kept(folder: Path) -> bytes:
    """Return all bytes of a data folder, and all answers in its archive as they arrived."""
    files = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    with Archive(archive_folder(folder, NETWORK)) as archive:
        answers = b"".join(each.request.encode() + each.answer for each in archive.witnessed())
    return files + answers


def test_source__its_host_is_named_before_it_is_contacted(
    say: Said, server: EsploraServer, address: str
):
    server.faults.append(Fault(body=b"<html>not here</html>"))
    _, told = say("--network", NETWORK, "address", address, "--source", server.uri, code=4)
    assert told.splitlines()[0] == "Asking 127.0.0.1: its operator learns what is asked."


def test_source__progress_counts_transactions_and_requests(
    say: Said, server: EsploraServer, address: str
):
    _, told = say(
        *("--network", NETWORK, "--progress", "json"),
        *("address", address, "--source", server.uri, "--requests", "500"),
    )
    note, *steps = [json.loads(line) for line in told.splitlines()]
    assert "Asking 127.0.0.1" in note["note"]
    assert steps[-1]["step"] == "fetch"
    assert steps[-1]["done"] > 0
    assert steps[-1]["unit"].endswith("of 500 requests")


def test_source__needs_no_ledger_and_makes_none(
    say: Said, server: EsploraServer, address: str, tmp_path: Path
):
    out, _ = say("--network", NETWORK, "address", address, "--source", server.uri)
    assert address in out
    assert "Left out: entities (provisional)" in out
    assert f"fetched from {server.uri}" in out
    assert [path.name for path in (tmp_path / "data").iterdir()] == [f"{NETWORK}-fetched"]


def test_source__without_one_the_ledger_is_asked(small_case: SmallCase, say: Said):
    alice = small_case.address("alice")
    out, told = say("--data", str(small_case.data), "address", alice)
    assert alice in out
    assert "Asking" not in told


def test_source__may_be_set_in_the_environment(
    say: Said, server: EsploraServer, address: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ARIEN_SOURCE", server.uri)
    monkeypatch.setenv("ARIEN_NETWORK", NETWORK)
    out, told = say("address", address)
    assert address in out
    assert "Asking 127.0.0.1" in told


def test_source__of_blocks_in_the_environment_leaves_questions_to_the_ledger(
    small_case: SmallCase, say: Said, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ARIEN_SOURCE", "core+http://127.0.0.1:1")
    alice = small_case.address("alice")
    out, told = say("--data", str(small_case.data), "address", alice)
    assert alice in out
    assert "Asking" not in told


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (
            "core+http://127.0.0.1:8332",
            "delivers whole blocks and is for `arien-flows ledger ingest`",
        ),
        (f"esplora+https://u:{PASSWORD}@", "the address names no host"),
    ],
)
def test_source__that_answers_no_questions_is_refused(
    say: Said, uri: str, message: str, tmp_path: Path
):
    out, told = say(
        "address", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "--source", uri, code=4
    )
    assert message in told
    assert PASSWORD not in out + told
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("value", [f"u:{PASSWORD}", PASSWORD, "https://x.example/api"])
def test_source__that_is_no_server_is_never_ignored(
    say: Said, value: str, small_case: SmallCase, monkeypatch: pytest.MonkeyPatch
):
    question = ("--data", str(small_case.data), "address", small_case.address("alice"))
    hint = "is not a server: write esplora+https://HOST/api or electrum+ssl://HOST:PORT"
    _, told = say(*question, "--source", value, code=2)
    assert f"--source {hint}" in told
    monkeypatch.setenv("ARIEN_SOURCE", value)
    _, said = say(*question, code=2)
    assert f"ARIEN_SOURCE {hint}" in said
    assert PASSWORD not in told + said


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Listen where nobody must connect."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


@pytest.mark.parametrize("kind", ["esplora+http", "electrum+tcp"])
@pytest.mark.parametrize(
    ("question", "message"),
    [
        (("address", "nonsense"), "the text has 8 characters"),
        (("entity", "nonsense"), "the text has 8 characters"),
        (("why", "{here}", "{elsewhere}"), "an address of bitcoin, not of bitcoin-regtest"),
        (("tx", "nonsense"), "is not a transaction id"),
        (("trace", "nonsense"), "the text has 8 characters"),
        (("trace", "{here}", "{elsewhere}"), "an address of bitcoin, not of bitcoin-regtest"),
        (("trace", "entity:{elsewhere}"), "an address of bitcoin, not of bitcoin-regtest"),
        (("trace", "ab" * 32), "for one of its outputs write TXID:0"),
        (("trace", "ab" * 32 + ":first"), "is not an output: write it as TXID:POSITION"),
        (("trace", "ab:0"), "is not a transaction id"),
    ],
)
def test_question__that_makes_no_sense_is_asked_of_nobody(
    say: Said,
    listener: socket.socket,
    tmp_path: Path,
    kind: str,
    question: tuple[str, ...],
    message: str,
):
    names = {
        "here": text_of_name("alice"),
        "elsewhere": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    }
    words = [word.format_map(names) for word in question]
    uri = f"{kind}://127.0.0.1:{listener.getsockname()[1]}"
    _, told = say("--network", NETWORK, *words, "--source", uri, code=2)
    assert message in told
    assert_unasked(listener, told, tmp_path)


@pytest.mark.parametrize(
    ("uri", "proxy"),
    [
        ("electrum+tcp://127.0.0.1", None),
        ("electrum+tcp://127.0.0.1:{port}/path", None),
        ("esplora+http://127.0.0.1:{port}", "socks5://127.0.0.1:{port}"),
        ("electrum+tcp://server.example:1", "127.0.0.1:{port}"),
    ],
)
def test_source__that_cannot_be_meant_is_asked_nothing(
    say: Said, listener: socket.socket, tmp_path: Path, uri: str, proxy: str | None
):
    port = listener.getsockname()[1]
    options = () if proxy is None else ("--proxy", proxy.format(port=port))
    command = ("--network", NETWORK, "address", text_of_name("alice"))
    _, told = say(*command, "--source", uri.format(port=port), *options, code=4)
    assert_unasked(listener, told, tmp_path)


def assert_unasked(listener: socket.socket, told: str, folder: Path) -> None:
    assert "Asking" not in told
    with pytest.raises(BlockingIOError):
        listener.accept()
    assert not (folder / "data").exists()


def test_requests__have_a_least_number(say: Said, address: str):
    _, told = say("address", address, "--source", "electrum+tcp://x:1", "--requests", "3", code=2)
    assert "16" in told


def test_source__that_goes_away_keeps_what_it_said(
    say: Said, server: EsploraServer, regtest_chain: RegtestChain, tmp_path: Path
):
    source = f"{regtest_chain.transactions['consolidation'][0]}:0"
    question = ("--network", NETWORK, "trace", source, "--direction", "backward", "--json")
    seen = 0

    def stop_after_some(_route: str) -> None:
        nonlocal seen
        seen += 1
        if seen == 40:
            server.faults.append(Fault(body=b"<html>moved</html>"))

    server.before = stop_after_some
    _, told = say(*question, "--source", server.uri, code=4)
    last = told.splitlines()[-1]
    assert "what was fetched is kept, and the same command goes on from there" in last
    server.before, server.faults = None, []
    out, _ = say(*question, "--source", server.uri)
    whole, _ = say("--data", str(tmp_path / "whole"), *question, "--source", server.uri)
    resumed, fresh = json.loads(out)["manifest"], json.loads(whole)["manifest"]
    assert resumed["result_sha256"] == fresh["result_sha256"]
    assert resumed["fetched"]["requests"] < fresh["fetched"]["requests"]
    assert resumed["fetched"]["facts_sha256"] == fresh["fetched"]["facts_sha256"]


@pytest.mark.slow
def test_source__a_killed_run_loses_nothing_that_it_was_told(
    say: Said, server: EsploraServer, regtest_chain: RegtestChain, tmp_path: Path
):
    source = f"{regtest_chain.transactions['consolidation'][0]}:0"
    question = ("--network", NETWORK, "trace", source, "--direction", "backward", "--json")
    whole, _ = say("--data", str(tmp_path / "whole"), *question, "--source", server.uri)
    fresh = json.loads(whole)["manifest"]
    command = (
        *(sys.executable, "-c", "from arien_flows.cli.main import main; main()"),
        *("--data", str(tmp_path / "data"), *question, "--source", server.uri),
    )
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        routes: list[str] = []

        def kill_in_the_middle(route: str) -> None:
            routes.append(route)
            if len(routes) == fresh["fetched"]["requests"] // 2:
                process.kill()

        server.before = kill_in_the_middle
        assert process.wait(120) == -signal.SIGKILL
    server.before = None
    out, _ = say(*question, "--source", server.uri)
    resumed = json.loads(out)["manifest"]
    assert resumed["result_sha256"] == fresh["result_sha256"]
    assert resumed["fetched"]["requests"] < fresh["fetched"]["requests"]


def test_source__its_password_never_shows(
    say: Said, server: EsploraServer, regtest_chain: RegtestChain, tmp_path: Path
):
    uri = server.uri.replace("://", f"://investigator:{PASSWORD}@")
    source = f"{regtest_chain.transactions['pay'][0]}:0"
    question = ("--network", NETWORK, "trace", source, "--json", "--source", uri)
    out, told = say(*question, "-o", str(tmp_path / "data" / "files"))
    assert json.loads(out)["manifest"]["fetched"]["source"] == server.uri
    server.faults.append(Fault(body=b"<html>not here</html>"))
    refused, complaint = say(*question[:-3], "--source", uri, code=4)
    shown = (out + told + refused + complaint).encode()
    kept = everything_kept(tmp_path / "data")
    assert b"GET /tx/" in kept or b"/tx/" in kept
    assert PASSWORD.encode() not in shown + kept
    assert b"investigator" not in shown + kept


def test_proxy__is_the_only_one_that_learns_the_name(
    say: Said, server: EsploraServer, address: str
):
    name = "explorer.test"
    with socks_proxy({name: "127.0.0.1"}) as proxy:
        uri = f"esplora+http://{name}:{server.port}/api"
        command = ("--network", NETWORK, "address", address, "--source", uri)
        out, told = say(*command, "--proxy", proxy.url)
        assert set(proxy.hosts) == {name}
    assert address in out
    assert f"Asking {name}, through the proxy that is set: its operator learns" in told
