"""`replay`: what was answered is made again, after the ledger, tags and clusterings moved on."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from arien_flows.cli.main import run
from arien_flows.tracing.answer import canonical_json
from arien_flows.tracing.manifest import hash_of_manifest, hash_of_result
from arien_flows.tracing.request import DirectionName, policies_of
from heuristics import follow
from tests.ledgers import Tx, write_block_file
from tests.small_case import COIN, NETWORK, SmallCase, make_small_case

Ask = Callable[..., str]

DIRECTIONS: tuple[DirectionName, ...] = ("forward", "backward")

LATER = (
    Tx(name="later-1", outputs=[("frank", 50 * COIN)]),
    # What was unspent is spent now, and Alice's entity grows by Frank.
    Tx(
        name="later-spend",
        inputs=["merge:0", "later-1:0"],
        outputs=[("gina", 100 * COIN)],
    ),
    Tx(name="later-2", outputs=[("frank", 50 * COIN)]),
)

SERVICES = """\
title: Later
creator: the tests
source: https://later.example
currency: BTC
confidence: service_data
lastmod: 2026-02-28
tags:
  - address: {}
    label: Exchange Two
    category: exchange
"""


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARIEN_DATA", raising=False)


@pytest.fixture
def case(tmp_path: Path) -> SmallCase:
    return make_small_case(tmp_path / "case")


@pytest.fixture
def ask(case: SmallCase, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run a command on the data folder; return its output, or what it complains of."""

    def asked(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        command = ["--data", str(case.data), "--network", NETWORK, "--progress", "none", *arguments]
        assert run(command) == code, capsys.readouterr()
        captured = capsys.readouterr()
        return captured.err if code == 2 else captured.out

    return asked


def kept(ask: Ask, folder: Path, *arguments: str) -> Path:
    """Trace, and return the manifest."""
    ask("trace", *arguments, "-o", str(folder))
    return folder / "manifest.json"


def replayed(ask: Ask, file: Path, code: int = 0) -> Any:
    return json.loads(ask("replay", str(file), "--json", code=code))


def grow(case: SmallCase, ask: Ask) -> None:
    case.chain.add(LATER)
    write_block_file(case.block_file, case.chain.blocks)
    ask("ledger", "ingest", "--source", f"blockfiles:{case.block_file}")
    ask("cluster", "run")


def changed(file: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Write a copy of a manifest that was changed, with the hash that it should have then."""
    document = json.loads(file.read_bytes())
    change(document)
    document["manifest_sha256"] = hash_of_manifest(document)
    copy = file.parent / "changed" / "manifest.json"
    copy.parent.mkdir(exist_ok=True)
    copy.write_bytes(canonical_json(document))
    return copy


@pytest.mark.parametrize(
    ("direction", "policy"),
    [(direction, policy) for direction in DIRECTIONS for policy in policies_of(direction)],
)
def test_replay__is_the_same_from_every_file(
    case: SmallCase, ask: Ask, tmp_path: Path, policy: str, direction: str
):
    question = (case.address("alice-3"), "--policy", policy, "--direction", direction)
    manifest = kept(ask, tmp_path / "out", *question)
    printed = tmp_path / "printed.json"
    printed.write_text(ask("trace", *question, "--json"))
    alone = tmp_path / "alone.json"
    shutil.copy(manifest, alone)
    for file in (manifest, manifest.parent / "trace.json", printed, alone):
        answer = replayed(ask, file)
        assert answer["outcome"] == "same"
        assert answer["found_sha256"] == answer["expected_sha256"]
        assert answer["changed"] == answer["differences"] == []


def test_replay__of_a_comparison(case: SmallCase, ask: Ask, tmp_path: Path):
    file = tmp_path / "comparison.json"
    file.write_text(ask("trace", case.address("alice-3"), "--compare", "--json"))
    answer = replayed(ask, file)
    assert (answer["kind"], answer["outcome"]) == ("comparison", "same")


def test_replay__of_connections(case: SmallCase, ask: Ask, tmp_path: Path):
    file = tmp_path / "path.json"
    file.write_text(ask("path", case.address("alice"), case.address("exchange"), "--json"))
    grow(case, ask)
    answer = replayed(ask, file)
    assert (answer["kind"], answer["outcome"]) == ("path", "same")


def test_replay__values_by_the_prices_of_then(case: SmallCase, ask: Ask, tmp_path: Path):
    def take_in(name: str, price: int) -> None:
        table = tmp_path / name
        days = [f"2011-02-0{day},{price + day}" for day in range(1, 6)]
        table.write_text("\n".join(["date,close", *days]) + "\n")
        terms = ("--asset", "tBTC", "--currency", "EUR", "--source", f"exchange {price}")
        ask("prices", "import", str(table), *terms)

    question = (case.address("alice"), "--fiat", "EUR")
    take_in("first.csv", 100)
    manifest = kept(ask, tmp_path / "out", *question)
    assert json.loads(manifest.read_bytes())["manifest"]["prices"]
    take_in("second.csv", 500)
    ask("prices", "withdraw", "1", "--reason", "wrong")
    now = kept(ask, tmp_path / "now", *question)
    told = [json.loads((each.parent / "trace.json").read_bytes()) for each in (manifest, now)]
    assert told[0]["totals"] != told[1]["totals"]
    for each in (manifest, now):
        assert replayed(ask, each)["outcome"] == "same"


def test_replay__is_the_same_after_ledger_tags_and_clustering_moved_on(
    case: SmallCase, ask: Ask, tmp_path: Path
):
    source = case.address("alice")
    manifest = kept(ask, tmp_path / "out", source, case.address("bob"))
    before = (manifest.parent / "trace.json").read_bytes()
    grow(case, ask)
    pack = tmp_path / "later.yaml"
    pack.write_text(SERVICES.format(case.address("p2sh:alice-4")))
    ask("tags", "import", str(pack))
    ask("cluster", "run")
    now = kept(ask, tmp_path / "now", source, case.address("bob"))
    assert (now.parent / "trace.json").read_bytes() != before
    assert replayed(ask, manifest)["outcome"] == "same"
    assert replayed(ask, now)["outcome"] == "same"
    ask("tags", "withdraw", "1", "--reason", "the list was wrong")
    for file in (manifest, now):
        assert replayed(ask, file)["outcome"] == "same"


def test_replay__finds_a_clustering_that_is_not_stored_any_more(
    case: SmallCase, ask: Ask, tmp_path: Path
):
    manifest = kept(ask, tmp_path / "out", f"entity:{case.address('alice')}")
    grow(case, ask)
    shutil.rmtree(case.data / NETWORK / "derived")
    assert replayed(ask, manifest)["outcome"] == "same"
    assert not (case.data / NETWORK / "derived").exists()


def test_as_of__is_what_the_ledger_said_then(case: SmallCase, ask: Ask):
    question = ("trace", f"entity:{case.address('alice')}", "--json")
    questions = [(*question, "--policy", "haircut"), (*question, "--direction", "backward")]
    before = [ask(*each) for each in questions]
    height = json.loads(before[0])["as_of"]["height"]
    grow(case, ask)
    for each, told in zip(questions, before, strict=True):
        assert ask(*each) != told
        then, now = json.loads(told), json.loads(ask(*each, "--as-of", str(height)))
        (later,) = (cut for cut in now["truncations"] if cut not in then["truncations"])
        assert (later["where"], later["reason"]) == ("tags", "as_of")
        assert now["complete"] is False
        assert now["manifest"]["tags_are_later"] is True
        for name in ("truncations", "complete", "manifest", "manifest_sha256"):
            del then[name], now[name]
        assert now == then
    latest = json.loads(ask(*questions[0]))
    assert ask(*questions[0], "--as-of", str(latest["as_of"]["height"])) == ask(*questions[0])
    assert latest["manifest"]["tags_are_later"] is False
    assert "holds blocks 0 to" in ask(*question, "--as-of", "999", code=2)


def test_replay__of_an_earlier_state_after_tags_moved_on(case: SmallCase, ask: Ask, tmp_path: Path):
    grow(case, ask)
    question = ("trace", f"entity:{case.address('alice')}", "--as-of", "6", "--json")
    for more in ((), ("--compare",)):
        file = tmp_path / "earlier.json"
        file.write_text(ask(*question, *more))
        assert replayed(ask, file)["outcome"] == "same"
        pack = tmp_path / "later.yaml"
        pack.write_text(SERVICES.format(case.address("p2sh:alice-4")))
        ask("tags", "import", str(pack))
        assert replayed(ask, file)["outcome"] == "same"


@pytest.fixture
def time_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time suffice for one transaction in the first search, and for many in all later ones."""
    told = iter([1])
    monkeypatch.setattr(follow, "_affordable", lambda *_: next(told, 10**6))


@pytest.mark.usefixtures("time_runs_out")
def test_replay__of_an_answer_whose_time_ran_out(case: SmallCase, ask: Ask, tmp_path: Path):
    question = ("trace", case.address("alice"), case.address("alice-3"), "--json")
    file = tmp_path / "cut.json"
    file.write_text(ask(*question, "--seconds", "1"))
    cut = json.loads(file.read_bytes())
    assert cut["manifest"]["timed_out"] is True
    assert cut["request"]["budget"] == cut["manifest"]["transactions_explored"] == 1
    assert replayed(ask, file)["outcome"] == "same"
    again = json.loads(ask(*question, "--budget", "1"))
    assert again["manifest"]["timed_out"] is False
    assert again["manifest"]["result_sha256"] == cut["manifest"]["result_sha256"]


@pytest.mark.usefixtures("time_runs_out")
def test_replay__of_a_comparison_whose_time_ran_out(
    case: SmallCase, tmp_path: Path, ask: Ask, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "cut.json"
    question = ("trace", case.address("alice"), case.address("alice-3"), "--compare", "--json")
    assert run(["--data", str(case.data), *question, "--seconds", "1"]) == 0
    printed = capsys.readouterr()
    assert "Time ran out after 1 transaction: --budget 1 has the same result." in printed.err
    file.write_text(printed.out)
    cut = json.loads(printed.out)
    assert cut["manifest"]["timed_out"] is True
    assert cut["results"] == json.loads(ask(*question, "--budget", "1"))["results"]
    assert cut["results"] != json.loads(ask(*question))["results"]
    assert replayed(ask, file)["outcome"] == "same"


@pytest.mark.parametrize(
    "question",
    [
        ("trace", "alice"),
        ("trace", "alice", "--compare"),
        ("path", "alice", "exchange"),
    ],
)
def test_replay__refuses_an_answer_whose_manifest_was_changed(
    case: SmallCase, ask: Ask, tmp_path: Path, question: tuple[str, ...]
):
    command = [word if word in ("trace", "path", "--compare") else case.address(word)
               for word in question]  # fmt: skip
    answer = json.loads(ask(*command, "--json"))
    file = tmp_path / "answer.json"
    told = answer["manifest"]
    for name, value in (
        ("transactions_explored", 999_999),
        ("blocks", []),
        ("version", "9.9"),
        ("clustering_made", {**told["clustering_made"], "rules": {"a_guess": 1}}),
    ):
        file.write_bytes(canonical_json({**answer, "manifest": {**told, name: value}}))
        assert "was changed or damaged" in ask("replay", str(file), code=2)
    without = {name: part for name, part in answer.items() if name != "manifest_sha256"}
    file.write_bytes(canonical_json(without))
    assert "was changed or damaged" in ask("replay", str(file), code=2)


def test_replay__of_a_forged_comparison_does_not_take_another_source(
    case: SmallCase, ask: Ask, tmp_path: Path
):
    answer = json.loads(ask("trace", case.address("alice"), "--compare", "--json"))
    file = tmp_path / "answer.json"
    file.write_bytes(canonical_json({**answer, "fetched": {"source": "elsewhere"}}))
    assert "was changed or damaged" in ask("replay", str(file), code=2)


def test_replay__tells_that_a_manifest_speaks_of_another_run(
    case: SmallCase, ask: Ask, tmp_path: Path
):
    manifest = kept(ask, tmp_path / "out", case.address("alice"))
    assert (
        json.loads(manifest.read_bytes())["manifest_sha256"]
        == json.loads((manifest.parent / "trace.json").read_bytes())["manifest_sha256"]
    )

    def more(document: dict[str, Any]) -> None:
        document["manifest"]["transactions_explored"] = 999_999
        document["manifest"]["clustering_made"]["rules"]["a_guess"] = 1
        document["manifest"]["blocks"] = []

    found = replayed(ask, changed(manifest, more), code=1)
    assert found["outcome"] == "different"
    assert found["found_sha256"] == found["expected_sha256"]
    names = [each["name"] for each in found["changed"]]
    assert names == ["blocks", "clustering_made", "transactions_explored"]
    assert "its result hash is the same. But the manifest tells of another run" in found["detail"]


def test_replay__blames_no_file_of_another_version(case: SmallCase, ask: Ask, tmp_path: Path):
    manifest = kept(ask, tmp_path / "out", case.address("alice"))

    def older(document: dict[str, Any]) -> None:
        document["manifest"]["version"] = "0.0.1"
        document["manifest"]["result_sha256"] = "0" * 64

    found = replayed(ask, changed(manifest, older), code=1)
    assert found["outcome"] == "different"
    assert "the file names version 0.0.1 of the program, and version" in found["detail"]
    assert "error" not in found["detail"]


@pytest.mark.parametrize("kind", ["trace", "path"])
def test_replay__of_a_question_that_no_program_wrote(
    case: SmallCase, ask: Ask, tmp_path: Path, kind: str
):
    ends = ("alice",) if kind == "trace" else ("alice", "exchange")
    answer = json.loads(ask(kind, *map(case.address, ends), "--json"))
    answer["request"]["min_value"] = "x"
    answer["manifest"]["result_sha256"] = hash_of_result(answer)
    answer["manifest_sha256"] = hash_of_manifest({**answer, "format": 1})
    file = tmp_path / "answer.json"
    file.write_bytes(canonical_json(answer))
    assert "the question in the file cannot be asked again" in ask("replay", str(file), code=2)


def test_replay__of_terms_that_no_program_wrote(case: SmallCase, ask: Ask, tmp_path: Path):
    manifest = kept(ask, tmp_path / "out", case.address("alice"))

    def strange(document: dict[str, Any]) -> None:
        document["manifest"]["clustering_made"]["parameters"]["decision_lag"] = "soon"

    assert "decision_lag is no number" in ask("replay", str(changed(manifest, strange)), code=2)


def test_replay__refuses_a_manifest_with_one_byte_changed(
    case: SmallCase, ask: Ask, tmp_path: Path
):
    manifest = kept(ask, tmp_path / "out", case.address("alice"))
    content = manifest.read_bytes()
    begins = content.index(b'"manifest":')
    told = [content.index(word, begins) for word in (b"tip_hash", b"tags_sha256", b"strict-")]
    for at in (*told, begins + 40, content.index(b"max_hops") + 11, len(content) - 10):
        broken = bytearray(content)
        broken[at] = ord("0") if broken[at] != ord("0") else ord("1")
        manifest.write_bytes(broken)
        said = ask("replay", str(manifest), code=2)
        assert "was changed or damaged" in said or "is not JSON" in said


def test_replay__refuses_an_answer_with_one_figure_changed(
    case: SmallCase, ask: Ask, tmp_path: Path
):
    file = kept(ask, tmp_path / "out", case.address("alice")).parent / "trace.json"
    answer = json.loads(file.read_bytes())
    answer["leaves"][0]["traced"] = "1"
    file.write_bytes(canonical_json(answer))
    assert "was changed or damaged" in ask("replay", str(file), code=2)


def test_replay__of_a_forged_answer_names_what_differs(case: SmallCase, ask: Ask, tmp_path: Path):
    file = kept(ask, tmp_path / "out", case.address("alice")).parent / "trace.json"
    answer = json.loads(file.read_bytes())
    honest = answer["leaves"][0]["traced"]
    answer["leaves"][0]["traced"] = "1"
    answer["totals"]["fees"] = "7"
    answer["manifest"]["result_sha256"] = hash_of_result(answer)
    answer["manifest_sha256"] = hash_of_manifest({**answer, "format": 1})
    file.write_bytes(canonical_json(answer))
    found = replayed(ask, file, code=1)
    assert found["outcome"] == "different"
    assert found["sections"] == ["leaves", "totals"]
    assert {"path": "leaves[0].traced", "then": '"1"', "now": f'"{honest}"'} in found["differences"]
    text = ask("replay", str(file), code=1)
    assert "From the same inputs another answer came out in leaves, totals" in text
    assert "leaves[0].traced" in text


def test_replay__names_tags_that_it_cannot_find(case: SmallCase, ask: Ask, tmp_path: Path):
    manifest = kept(ask, tmp_path / "out", case.address("alice"))
    shutil.rmtree(case.data / NETWORK / "derived")
    (case.data / "casebook.sqlite").unlink()
    found = replayed(ask, manifest, code=1)
    assert found["outcome"] == "inputs_changed"
    assert {each["name"] for each in found["changed"]} >= {"tags_sha256", "clustering"}
    assert "leaves" in found["sections"]
    text = ask("replay", str(manifest), code=1)
    assert "Changed: tags_sha256" in text
    assert "import the same documents" in text


def test_replay__names_rules_of_another_version(case: SmallCase, ask: Ask, tmp_path: Path):
    manifest = kept(ask, tmp_path / "out", case.address("alice"))

    def older(document: dict[str, Any]) -> None:
        document["manifest"]["rules"]["follow"] = 0
        document["manifest"]["result_sha256"] = "0" * 64

    found = replayed(ask, changed(manifest, older), code=1)
    (change,) = found["changed"]
    assert (found["outcome"], change["name"]) == ("inputs_changed", "rules")
    assert change["advice"] == "use the version of the program that made the answer"


def test_replay__of_an_answer_on_other_blocks_is_stale(case: SmallCase, ask: Ask, tmp_path: Path):
    manifest = kept(ask, tmp_path / "out", case.address("alice"))
    tip = json.loads(manifest.read_bytes())["manifest"]["tip_height"]

    def elsewhere(document: dict[str, Any]) -> None:
        told = document["manifest"]
        told["tip_hash"] = told["blocks"][0]["block_hash"] = "00" * 32

    found = replayed(ask, changed(manifest, elsewhere), code=1)
    assert found["outcome"] == "stale"
    assert (found["parts_after"], found["parts_by"]) == (tip - 2, tip - 1)
    assert f"they part at block {tip - 1}" in found["detail"]


def test_replay__of_a_later_block_says_to_ingest(
    case: SmallCase, ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    early = make_small_case(tmp_path / "early")
    grow(case, ask)
    manifest = kept(ask, tmp_path / "out", case.address("alice"))
    capsys.readouterr()
    assert run(["--data", str(early.data), "replay", str(manifest), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["outcome"] == "not_here"
    assert "run `arien-flows ledger ingest` first" in found["detail"]


def test_replay__says_what_it_cannot_read(case: SmallCase, ask: Ask, tmp_path: Path):
    manifest = kept(ask, tmp_path / "out", case.address("alice"))

    def newer(document: dict[str, Any]) -> None:
        document["format"] = 99

    def other(document: dict[str, Any]) -> None:
        document["manifest"]["kind"] = "weather"

    def strange(document: dict[str, Any]) -> None:
        document["request"]["mood"] = "good"

    for change, words in (
        (newer, "has format 99, and this program reads up to 1"),
        (other, "the manifest of a 'weather'"),
        (strange, "request.mood is unknown"),
    ):
        assert words in ask("replay", str(changed(manifest, change)), code=2)
    for content, words in (("{", "is not JSON"), ("[]", "holds no object"), ("{}", "neither")):
        file = tmp_path / "file.json"
        file.write_text(content)
        assert words in ask("replay", str(file), code=2)
    assert "there is no file" in ask("replay", str(tmp_path / "nothing.json"), code=2)
    assert "is a folder" in ask("replay", str(tmp_path), code=2)
