"""`--source` with an explorer of accounts: what is answered, who is contacted, what never shows."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from arien_flows.cli.main import run
from arien_flows.fetched.archive import Archive, archive_folder
from tests.account_chains import ETHER, AccountChain, address_of, text_of
from tests.ethereum_explorer import StandIn, served, uri_of
from tests.http_server import Asked, Reply, Served, serving

NETWORK = "ethereum-dev"
KEY = "K3Y0F0N3Plus1"
GAS = 21_000

Said = Callable[..., tuple[str, str]]


def story() -> AccountChain:
    chain = AccountChain()
    chain.genesis(victim=100 * ETHER)
    chain.block()
    chain.pay("victim", "thief", 90 * ETHER, burnt=GAS)
    chain.block()
    with chain.transaction("thief", "router", burnt=GAS) as tx:
        tx.move("thief", "router", 50 * ETHER)
        tx.move("router", "pool", 50 * ETHER)
        tx.token("USD", "pool", "thief", 7_000)
    chain.block()
    chain.send("USD", "thief", "friend", 7_000)
    chain.pay("thief", "friend", 39 * ETHER, burnt=GAS)
    return chain


@pytest.fixture(params=[False, True], ids=["etherscan", "blockscout"])
def explorer(request: pytest.FixtureRequest) -> Iterator[tuple[Served, StandIn]]:
    stand_in = StandIn.of(story().batch(), is_blockscout=request.param)
    stand_in.symbols = {address_of("USD"): ("USD", 3)}
    with served(stand_in) as server:
        yield server, stand_in


@pytest.fixture
def say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    """Run a command in an empty data folder; return standard output and error."""

    def said(
        source: str, *arguments: str, network: str = NETWORK, code: int = 0
    ) -> tuple[str, str]:
        capsys.readouterr()
        data = str(tmp_path / "data")
        named = ["--network", network] if network else []
        assert run([*arguments, *named, "--source", source, "--data", data]) == code
        captured = capsys.readouterr()
        return captured.out, captured.err

    return said


def kept(folder: Path) -> bytes:
    """Return all bytes of a data folder, and all answers in its archive as they arrived."""
    files = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    with Archive(archive_folder(folder, NETWORK)) as archive:
        answers = b"".join(
            each.source.encode() + each.request.encode() + each.answer
            for each in archive.witnessed()
        )
    return files + answers


def test_address__is_summarised_from_an_explorer(
    say: Said, explorer: tuple[Served, StandIn]
) -> None:
    text, warning = say(uri_of(*explorer), "address", text_of("thief"))
    assert "Asking 127.0.0.1: its operator learns what is asked." in warning
    assert "0.999999999999958000 tETH" in text
    out, _ = say(uri_of(*explorer), "address", text_of("thief"), "--json")
    found = json.loads(out)
    assert found["received"] == str(90 * ETHER)
    assert found["balance"] == str(ETHER - 2 * GAS)
    assert found["as_of"]["height"] == 3
    assert not found["complete"]
    assert {"fetched_only", "not_told"} <= {each["reason"] for each in found["truncations"]}


def test_address__lists_transactions(say: Said, explorer: tuple[Served, StandIn]) -> None:
    out, _ = say(uri_of(*explorer), "address", text_of("friend"), "--transactions", "--json")
    assert story().tx_hash(3, 1) in out
    assert story().tx_hash(3, 0) in out


def test_tx__shows_all_movements(say: Said, explorer: tuple[Served, StandIn]) -> None:
    out, _ = say(uri_of(*explorer), "tx", story().tx_hash(2, 0), "--json")
    found = json.loads(out)
    assert [each["amount"] for each in found["movements"]] == [
        str(50 * ETHER), str(50 * ETHER), "7000", str(GAS),
    ]  # fmt: skip


@pytest.mark.slow
def test_trace__fetches_what_it_needs(say: Said, explorer: tuple[Served, StandIn]) -> None:
    out, _ = say(uri_of(*explorer), "trace", text_of("thief"), "--json")
    found = json.loads(out)
    assert found["totals"]["source"] == str(90 * ETHER)
    assert "not_fetched" not in found["totals"]["by_reason"]
    assert not any("not fetched" in each["detail"] for each in found["truncations"])
    assert found["as_of"]["height"] == 3


@pytest.mark.parametrize("way", ["uri", "environment", "file"])
def test_key__is_sent_and_shows_nowhere(
    say: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    stand_in = StandIn.of(story().batch(), key=KEY)

    def answer(asked: Asked) -> Reply:
        reply = stand_in.answer(asked)
        # A server that repeats what it was asked, key and all.
        return Reply(body=reply.body[:-1] + f', "asked": "{asked.path}"}}'.encode())

    if way == "environment":
        monkeypatch.setenv("ARIEN_EXPLORER_KEY", KEY)
    if way == "file":
        (tmp_path / "key").write_text(f"{KEY}\n")
        monkeypatch.setenv("ARIEN_EXPLORER_KEY_FILE", str(tmp_path / "key"))
    with serving(answer) as server:
        uri = uri_of(server, stand_in) + (f"?apikey={KEY}" if way == "uri" else "")
        out, err = say(uri, "address", text_of("thief"), "--json")
        assert all(KEY in path for path in server.paths)
    assert KEY not in out + err
    assert KEY.encode() not in kept(tmp_path / "data")
    assert "…".encode() in kept(tmp_path / "data")


def test_key__that_is_wrong_is_an_error_that_does_not_repeat_it(say: Said) -> None:
    stand_in = StandIn.of(story().batch(), key="another")
    with served(stand_in) as server:
        uri = f"{uri_of(server, stand_in)}?apikey={KEY}"
        _, err = say(uri, "address", text_of("thief"), code=4)
    assert "Invalid API Key" in err
    assert "ARIEN_EXPLORER_KEY" in err
    assert KEY not in err


def test_source__that_is_no_explorer_says_what_is_wanted(say: Said) -> None:
    for uri in ("esplora+http://127.0.0.1:9", "eth+http://127.0.0.1:9", "ftp://127.0.0.1:9"):
        _, err = say(uri, "address", text_of("thief"), code=4)
        assert "etherscan+https:…" in err


def test_question__that_needs_a_ledger_is_refused(
    say: Said, explorer: tuple[Served, StandIn]
) -> None:
    _, err = say(uri_of(*explorer), "address", text_of("thief"), "--profile", "wide", code=2)
    assert "needs a ledger" in err
    assert not explorer[0].asked


def test_explorer__that_is_busy_at_first_is_asked_again(
    say: Said, explorer: tuple[Served, StandIn]
) -> None:
    explorer[1].habits.refuse_first = 2
    out, _ = say(uri_of(*explorer), "address", text_of("victim"), "--json")
    assert json.loads(out)["sent"] == str(90 * ETHER + GAS)


def test_network__need_not_be_named_for_an_explorer_of_the_main_chain(say: Said) -> None:
    stand_in = StandIn.of(story().batch())
    with served(stand_in) as server:
        _, err = say(uri_of(server, stand_in), "address", text_of("thief"), network="", code=4)
    assert "ethereum is wanted" in err
