"""`trace` on the small ledger: totals that add up, files, limits, bad input."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.amounts import Asset, coins
from arien_flows.cli.main import run
from arien_flows.cli.typed import moment, satoshi
from arien_flows.errors import InputError
from arien_flows.tracing.request import POLICIES
from tests.small_case import COIN, FEE, NETWORK, SmallCase, make_small_case

Say = Callable[..., str]


@pytest.fixture
def say(small_case: SmallCase, capsys: pytest.CaptureFixture[str]) -> Say:
    """Trace on the small ledger and return what is printed."""

    def said(*arguments: str, code: int = 0) -> str:
        assert run(["--data", str(small_case.data), "trace", *arguments]) == code
        captured = capsys.readouterr()
        return captured.err if code else captured.out

    return said


def test_trace__stops_at_the_tagged_exchange_and_adds_up(say: Say, small_case: SmallCase):
    text = say(small_case.address("alice"), small_case.address("p2pkh:alice-2"))
    assert "Where 120.00000000 tBTC went, by the fifo convention" in text
    assert "60.00000000 tBTC  paid to a service, where the money of many mixes" in text
    assert "in all, which is the source exactly" in text
    assert "Exchange One" in text


@pytest.mark.parametrize("policy", ["fifo", "haircut"])
def test_trace__json_conserves_every_satoshi(say: Say, small_case: SmallCase, policy: str):
    answer = json.loads(
        say(f"entity:{small_case.address('alice-3')}", "--policy", policy, "--json")
    )
    totals = answer["totals"]
    ended = sum(map(int, totals["by_reason"].values()))
    assert int(totals["source"]) == ended + int(totals["fees"]) + int(totals["destroyed"])
    assert totals["by_reason"]["service_reached"] == str(60 * COIN)
    assert answer["manifest"]["clustering"].startswith("strict-")


def test_trace__stops_at_the_coinjoin(say: Say, small_case: SmallCase):
    answer = json.loads(say(f"{small_case.txid('mined-3')}:0", "--json"))
    assert list(answer["totals"]["by_reason"]) == ["coinjoin"]


def test_trace__lists_candidates_behind_the_coinjoin_if_asked(say: Say, small_case: SmallCase):
    source = f"{small_case.txid('mined-3')}:0"
    without = json.loads(say(source, "--json"))
    answer = json.loads(say(source, "--demix", "candidates", "--json"))
    assert without["inferences"] is None
    assert {name: answer[name] for name in ("totals", "leaves", "graph", "services")} == {
        name: without[name] for name in ("totals", "leaves", "graph", "services")
    }
    assert answer["request"]["demix"] == "candidates"
    (told,) = answer["inferences"]["coinjoins"]
    assert told["coinjoin"] == small_case.txid("join")
    assert told["passed"][0]["design"] == "equal_outputs"
    chances = {each["outpoint"][-2:]: each["chance"] for each in told["candidates"]}
    # Three took ten coins each; of 40 and 40 in change nobody knows which is whose.
    third = {"numerator": "1", "denominator": "3", "millionths": 333_333}
    assert {place: chances[place] for place in (":0", ":1", ":2")} == dict.fromkeys(
        (":0", ":1", ":2"), third
    )
    assert ":3" not in chances
    text = say(source, "--demix", "candidates")
    assert f"Inference:   {small_case.txid('join')} (equal_outputs" in text
    assert "nothing is known of" in text
    assert "Inference" not in say(source)


def test_trace__asks_the_service(say: Say, small_case: SmallCase, tmp_path: Path):
    text = say(small_case.address("alice"), "-o", str(tmp_path))
    assert f"Ask Exchange One about the address {small_case.address('exchange')}" in text
    assert f"- {small_case.txid('pay')}:0: 60.00000000 tBTC" in text
    rows = (tmp_path / "service_points.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 2
    assert f'"{small_case.txid("pay")}:0"' in rows[1]


def test_trace__backward_ends_where_coins_were_made(say: Say, small_case: SmallCase):
    answer = json.loads(say(small_case.address("exchange"), "--direction", "backward", "--json"))
    assert answer["totals"]["by_reason"] == {"newly_mined": str(60 * COIN)}


def test_trace__compares_conventions(say: Say, small_case: SmallCase):
    command = (f"{small_case.txid('mined-1')}:0", "--compare")
    answer = json.loads(say(*command, "--json"))
    assert set(answer["totals"]) == set(POLICIES)
    assert answer["totals"]["fifo"]["by_reason"] == {"service_reached": str(50 * COIN)}
    text = say(*command)
    assert text.startswith("Where 50.00000000 tBTC went, by each convention\n")
    assert "Exchange One" in text
    assert f"True as of block {answer['as_of']['height']} of bitcoin-regtest" in text
    for policy, result in answer["results"].items():
        alone = json.loads(say(command[0], "--policy", policy, "--json"))
        assert alone["manifest"]["result_sha256"] == result
        assert f"Result by {policy} {result}" in text


def test_trace__compares_in_coins_and_says_what_is_left_out(say: Say, small_case: SmallCase):
    command = (small_case.address("alice"), "--compare", "--max-hops", "1")
    answer = json.loads(say(*command, "--json"))
    text = say(*command)
    assert not answer["complete"]
    assert [(cut["where"], cut["reason"]) for cut in answer["truncations"]] == [
        (f"leaves by {policy}", "hop_limit")
        for policy in ("lifo", "haircut", "poison", "reverse_seniority")
    ]
    assert (
        "Left out: leaves by haircut (hop_limit). 19.99995000 tBTC in 1 coin: further than the "
        "request allows" in text
    )
    assert max(map(len, text.splitlines()[3:24])) <= 100
    fees = {row["reason"]: row for row in answer["reasons"]}["fees"]
    assert (fees["traced"]["fifo"], fees["traced"]["haircut"]) == ("0", "5000")
    assert (fees["least"], fees["most"]) == ("0", "10000")
    header = next(line for line in text.splitlines() if "fees" in line.split())
    assert header.split() == ["service_reached", "hop_limit", "fees"]


def test_trace__a_backward_comparison_says_which_conventions_it_lacks(
    say: Say, small_case: SmallCase
):
    command = (small_case.address("exchange"), "--compare", "--direction", "backward")
    answer = json.loads(say(*command, "--json"))
    assert list(answer["totals"]) == ["fifo", "lifo", "haircut", "poison"]
    assert set(answer["not_asked"]) == set(POLICIES) - set(answer["totals"])
    assert "Not asked: tiho, seniority and reverse_seniority decide by sums" in say(*command)


def test_trace__a_comparison_writes_no_files_and_says_so(
    say: Say, small_case: SmallCase, tmp_path: Path
):
    folder = tmp_path / "out"
    told = say(small_case.address("alice"), "--compare", "-o", str(folder), code=2)
    assert "--compare writes no files" in told
    told = say(small_case.address("alice"), "--compare", "--demix", "candidates", code=2)
    assert "--compare lists no candidates behind CoinJoins" in told
    assert not folder.exists()


def test_trace__backward_speaks_of_where_money_came_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    case = make_small_case(tmp_path, tags=False)
    pack = case.pack.read_text().replace(case.address("exchange"), case.address("alice-3"))
    case.pack.write_text(pack)
    common = ["--data", str(case.data), "--network", NETWORK]
    assert run([*common, "tags", "import", str(case.pack)]) == 0
    capsys.readouterr()
    sources = (f"{case.txid('crowd')}:0", f"{case.txid('merge')}:0")
    assert run([*common, "trace", *sources, "--direction", "backward"]) == 0
    text = capsys.readouterr().out
    assert "came from, by the fifo convention" in text
    assert "came out of a CoinJoin" in text
    assert "came from a service, where the money of many mixes" in text
    assert "Services it came from (attributions):" in text
    assert "paid to" not in text
    assert "Services reached" not in text


def test_trace__without_tags_says_that_no_service_could_be_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    case = make_small_case(tmp_path, cluster=False, tags=False)
    common = ["--data", str(case.data), "--network", NETWORK]
    command = [*common, "trace", case.address("alice")]
    for option in ([], ["--compare"]):
        capsys.readouterr()
        assert run([*command, *option, "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        cuts = {cut["reason"]: cut for cut in answer["truncations"]}
        assert set(cuts) == {"coinjoin_marks_absent", "no_tags"}
        assert cuts["no_tags"]["where"] == "services"
        assert "`arien-flows tags import` brings them in" in cuts["no_tags"]["detail"]
        assert "run `arien-flows cluster run`" in cuts["coinjoin_marks_absent"]["detail"]
        assert not answer["complete"]
    for step in (["tags", "import", str(case.pack)], ["tags", "withdraw", "1", "--reason", "no"]):
        assert run([*common, *step]) == 0
        capsys.readouterr()
        assert run([*command, "--json"]) == 0
        reasons = {cut["reason"] for cut in json.loads(capsys.readouterr().out)["truncations"]}
        assert ("no_tags" in reasons) == ("withdraw" in step)


def test_trace__writes_files_that_tools_can_read(say: Say, small_case: SmallCase, tmp_path: Path):
    printed = json.loads(say(small_case.address("alice"), "-o", str(tmp_path / "out"), "--json"))
    folder = tmp_path / "out"
    assert json.loads((folder / "trace.json").read_bytes()) == printed
    graph = nx.read_graphml(folder / "graph.graphml")
    assert graph.number_of_nodes() >= 2
    assert (folder / "flow.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (folder / "flow.svg").read_text(encoding="utf-8")


def test_trace__the_same_question_gives_the_same_bytes(say: Say, small_case: SmallCase, tmp_path):
    for name in ("one", "two"):
        say(small_case.address("alice"), "-o", str(tmp_path / name))
    for file in ("trace.json", "graph.graphml", "flow.png", "flow.svg"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{alice}", "--min-value", "0.1"], "is not an amount"),
        (["{alice}", "--since", "March"], "is not a time"),
        (["{alice}", "--since", "2026-03-01T10:00:00"], "lacks a time zone"),
        (["{alice}", "--since", "2026-03-02", "--until", "2026-03-01"], "no time is left"),
        (["{alice}", "--policy", "lilo"], "Invalid value for '--policy'"),
        (["{alice}", "--policy", "tiho", "--direction", "backward"], "decide by sums"),
        (["{pay}:9"], "there is no output 9"),
        (["entity:nobody"], "Error: "),
        (["{pay}"], "for one of its outputs write TXID:0"),
        ([], "Missing argument 'SOURCE...'"),
    ],
)
def test_trace__bad_input_is_explained(say: Say, small_case: SmallCase, arguments, message):
    names = {"alice": small_case.address("alice"), "pay": small_case.txid("pay")}
    text = say(*(argument.format_map(names) for argument in arguments), code=2)
    assert message in text
    assert "Traceback" not in text


@given(st.integers(min_value=0, max_value=21_000_000 * COIN))
def test_satoshi__reads_what_coins_writes(amount_sat: int):
    assert satoshi(str(amount_sat)) == amount_sat
    shown = coins(amount_sat, Asset(name="BTC", decimals=8)).replace(",", "")
    assert satoshi(shown) == satoshi(shown.replace(" BTC", "tbtc")) == amount_sat


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1.123456789BTC", "1e8", "0x10", "٣", "1 ETH"])
def test_satoshi__refuses_what_could_mean_something_else(text: str):
    with pytest.raises(InputError, match="is not an amount"):
        satoshi(text)


def test_moment__a_date_is_its_beginning_or_its_last_second():
    assert moment("2026-03-01") == datetime(2026, 3, 1, tzinfo=UTC)
    assert moment("2026-03-01", end_of_day=True) == datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
    assert moment("2026-03-01T12:00:00+02:00") == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_trace__fees_are_told_apart(say: Say, small_case: SmallCase):
    answer = json.loads(say(f"entity:{small_case.address('alice')}", "--json"))
    assert answer["totals"]["fees"] == str(2 * FEE)
