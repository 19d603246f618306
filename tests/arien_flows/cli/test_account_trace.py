"""`arien-flows trace` and `replay` on a ledger of accounts."""

import csv
import json
import re
from pathlib import Path

import pytest

from arien_flows.cli.account_trace import base_units
from arien_flows.cli.main import run
from arien_flows.errors import InputError
from tests.account_chains import ETHER, text_of
from tests.small_accounts import USDT, SmallAccounts

RESULT = re.compile(r"Result( by \w+)? [0-9a-f]{64}")


@pytest.fixture
def say(small_accounts: SmallAccounts, capsys: pytest.CaptureFixture[str]):
    def said(*words: str, code: int = 0) -> tuple[str, str]:
        assert run([*words, "--data", str(small_accounts.data), "--progress", "none"]) == code
        captured = capsys.readouterr()
        return captured.out, captured.err

    return said


def test_trace__tells_where_ether_went_and_what_it_became(say):
    out, _ = say("trace", text_of("alice"))
    assert out.startswith("Where 10.000000010000000000 ETH went, by the fifo convention\n")
    assert "USDT, contract 0xdAC17F958D2ee523a2206206994597C13D831ec7:" in out
    assert "Conversions of traced money" in out
    assert "2,000.000000 USDT (traced 2,000.000000 USDT), swap-" in out
    assert "Exchange One  exchange" in out
    assert f"Ask Exchange One about the address 0x{text_of('exchange')[2:]}".lower() in out.lower()
    assert "Left out: history (before_ledger)." in out
    assert all(len(line) < 260 for line in out.splitlines())


def test_trace__of_a_token_and_backward(say):
    out, _ = say("trace", text_of("exchange"), "--asset", "USDT", "--direction", "backward")
    assert "Where 1,500.000000 USDT came from, by the fifo convention" in out
    assert "from before the ledger begins" in out


def test_trace__prints_the_answer_as_json(say):
    out, _ = say("trace", text_of("alice"), "--json", "--policy", "haircut")
    answer = json.loads(out)
    assert answer["request"]["policy"] == "haircut"
    assert answer["request"]["asset"] == "ETH"
    assert [each["unit"]["asset"] for each in answer["assets"]] == ["ETH", "USDT"]
    assert answer["manifest"]["kind"] == "account_trace"


def test_trace__compares_the_conventions_that_mean_something_here(say):
    out, _ = say("trace", text_of("alice"), "--compare")
    assert re.search(r"fifo +lifo +haircut +poison +least, without poison +most", out)
    assert "Not asked: tiho, seniority and reverse_seniority choose among the outputs" in out
    assert len(RESULT.findall(out)) == 4


def test_trace__as_of_an_earlier_block(say):
    out, _ = say("trace", text_of("alice"), "--as-of", "20000001")
    assert "As of block 20,000,001" in out or "20,000,001" in out
    assert "Exchange One" not in out


def test_trace__writes_files_that_replay_makes_again(say, tmp_path: Path):
    folder = tmp_path / "case"
    _, err = say("trace", text_of("alice"), "-o", str(folder))
    names = {Path(line.removeprefix("Written: ")).name for line in err.splitlines()}
    assert names == {path.name for path in folder.iterdir()}
    assert {"trace.json", "manifest.json", "graph.graphml", "flow.png", "flow.svg",
            "timeline.png", "timeline-2.svg", "service_points.csv"} <= names  # fmt: skip
    with (folder / "service_points.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["asset"], row["traced_coins"]) == ("USDT", "1500.000000")
    graph = (folder / "graph.graphml").read_text()
    assert "swap-" in graph
    drawing = (folder / "flow.svg").read_bytes()
    say("trace", text_of("alice"), "-o", str(folder))
    assert (folder / "flow.svg").read_bytes() == drawing
    for name in ("manifest.json", "trace.json"):
        out, _ = say("replay", str(folder / name))
        assert "its result hash is the same" in out
    answer = json.loads((folder / "trace.json").read_text())
    answer["totals"]["fees"] = "1"
    (folder / "trace.json").write_text(json.dumps(answer))
    _, err = say("replay", str(folder / "trace.json"), code=2)
    assert "was changed or damaged" in err


@pytest.mark.parametrize(
    "words",
    [
        ("exposure", text_of("alice")),
        ("exposure", text_of("alice"), "--asset", USDT, "--direction", "in"),
        ("risk", text_of("alice"), "--asset", "USDT"),
    ],
)
def test_replay__of_exposure_and_risk_is_of_the_same_asset(say, tmp_path: Path, words):
    out, _ = say(*words, "--json")
    (tmp_path / "answer.json").write_text(out)
    out, _ = say("replay", str(tmp_path / "answer.json"))
    assert "its result hash is the same" in out
    assert f"A account_{words[0]} as of block" in out


def test_replay__of_a_comparison_and_of_another_chain(say, tmp_path: Path):
    out, _ = say("trace", text_of("alice"), "--compare", "--json")
    (tmp_path / "comparison.json").write_text(out)
    out, _ = say("replay", str(tmp_path / "comparison.json"))
    assert "its result hash is the same" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--demix", "candidates", "--direction", "backward"], "only a trace forward"),
        (["--demix-depth", "2"], "--demix-depth means nothing on ethereum"),
        (["--subsidy-order", "last"], "--subsidy-order means nothing"),
        (["--settle"], "--settle means nothing"),
        (["--level", "transaction"], "means nothing on balances"),
        (["--policy", "tiho"], "a balance pays one receiver at a time"),
        (["--min-value", "1.5"], "is not an amount"),
        (["--asset", "DOGE"], "no listed token"),
    ],
)
def test_trace__names_options_that_mean_nothing(say, words, message):
    _, err = say("trace", text_of("alice"), *words, code=2)
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_trace__refuses_coins_as_the_least_amount_of_a_token(say):
    words = ("trace", text_of("exchange"), "--asset", "USDT", "--min-value", "0.01ETH")
    assert "whole base units of the token" in say(*words, code=2)[1]
    assert "whole base units of the token" in say(*words, "--compare", code=2)[1]


def test_base_units__reads_whole_units_and_coins():
    assert base_units("12") == 12
    assert base_units("0.5ETH") == ETHER // 2
    assert base_units("3 teth") == 3 * ETHER
    with pytest.raises(InputError, match=r"0\.01ETH"):
        base_units("1.5 BTC")
