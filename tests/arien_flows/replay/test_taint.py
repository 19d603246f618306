"""Replays of whole-ledger taint: after the ledger has grown, from long lists, of changed files."""

import json
import shutil
from pathlib import Path

import pytest

from arien_flows.tracing.answer import canonical_json
from arien_flows.tracing.manifest import FORMAT, hash_of_manifest, hash_of_result
from tests.arien_flows.replay import test_replay
from tests.arien_flows.replay.test_replay import Ask, grow, replayed
from tests.small_case import NETWORK, SmallCase

own_settings, case, ask = test_replay.own_settings, test_replay.case, test_replay.ask

TERMS = ("--stop-at-services", "--stop-at-coinjoins")


def tainted(ask: Ask, folder: Path, *arguments: str) -> Path:
    """Taint, and return the manifest."""
    ask("taint", *arguments, "-o", str(folder))
    return folder / "manifest.json"


def long_list(case: SmallCase, folder: Path) -> Path:
    """Write a list of more sources than a request shows; most are not in the ledger."""
    names = [f"nobody {number}" for number in range(120)]
    file = folder / "list.txt"
    lines = [case.address(name) for name in (*names, "alice-3", "bob")]
    file.write_text("# seized\n" + "\n".join(lines))
    return file


@pytest.mark.parametrize("until", [(), ("--until", "5")])
@pytest.mark.parametrize("policy", ["fifo", "haircut"])
def test_replay__of_a_taint_is_the_same_after_the_ledger_has_grown(
    case: SmallCase, ask: Ask, tmp_path: Path, policy: str, until: tuple[str, ...]
):
    question = (case.address("alice"), case.address("bob"), "--policy", policy, *until, *TERMS)
    manifest = tainted(ask, tmp_path / "out", *question)
    printed = tmp_path / "printed.json"
    printed.write_text(ask("taint", *question, "--json"))
    grow(case, ask)
    later = tainted(ask, tmp_path / "later", *question)
    hashes = [json.loads(each.read_bytes())["manifest"]["tip_hash"] for each in (manifest, later)]
    assert hashes[0] != hashes[1]
    for file in (manifest, manifest.with_name("taint.json"), printed, later):
        answer = replayed(ask, file)
        assert (answer["kind"], answer["outcome"]) == ("taint", "same")
        assert answer["changed"] == answer["differences"] == []


def test_replay__of_a_taint_with_fees_followed_into_coinbases(
    case: SmallCase, ask: Ask, tmp_path: Path
):
    terms = ("--fee-mode", "track_coinbase", "--subsidy-order", "last")
    manifest = tainted(ask, tmp_path / "out", f"entity:{case.address('alice')}", *terms)
    grow(case, ask)
    assert replayed(ask, manifest)["outcome"] == "same"


def test_replay__of_a_long_list_reads_the_sources_beside_it(
    case: SmallCase, ask: Ask, tmp_path: Path
):
    listed = long_list(case, tmp_path)
    manifest = tainted(ask, tmp_path / "out", case.address("alice"), "--file", str(listed), *TERMS)
    request = json.loads(manifest.read_bytes())["request"]
    assert (request["source_count"], len(request["sources"])) == (123, 100)
    grow(case, ask)
    for file in (manifest, manifest.with_name("taint.json")):
        assert replayed(ask, file)["outcome"] == "same"


def test_replay__refuses_sources_that_are_absent_or_others(
    case: SmallCase, ask: Ask, tmp_path: Path
):
    manifest = tainted(ask, tmp_path / "out", "--file", str(long_list(case, tmp_path)))
    sources = manifest.with_name("sources.txt")
    honest = sources.read_bytes()
    for changed in (honest[:-1], honest + b"\n", b"\xff" + honest[1:], b""):
        sources.write_bytes(changed)
        for file in (manifest, manifest.with_name("taint.json")):
            said = ask("replay", str(file), code=2)
            assert "does not list the sources of" in said
    sources.unlink()
    said = ask("replay", str(manifest), code=2)
    assert "names 122 sources" in said
    assert "cannot be read: put the sources.txt" in said
    sources.write_bytes(honest)
    assert replayed(ask, manifest)["outcome"] == "same"


def test_replay__refuses_a_taint_with_one_figure_changed(case: SmallCase, ask: Ask, tmp_path: Path):
    manifest = tainted(ask, tmp_path / "out", case.address("alice"))
    content = manifest.read_bytes()
    manifest.write_bytes(content.replace(b'"fifo"', b'"lifo"'))
    assert "was changed or damaged" in ask("replay", str(manifest), code=2)
    file = manifest.with_name("taint.json")
    answer = json.loads(file.read_bytes())
    answer["holders"][0]["tainted"] = "1"
    file.write_bytes(canonical_json(answer))
    assert "was changed or damaged" in ask("replay", str(file), code=2)
    answer["manifest"]["result_sha256"] = hash_of_result(answer)
    answer["manifest_sha256"] = hash_of_manifest({**answer, "format": FORMAT})
    file.write_bytes(canonical_json(answer))
    found = replayed(ask, file, code=1)
    assert (found["outcome"], found["sections"]) == ("different", ["holders"])
    assert [each["path"] for each in found["differences"]] == ["holders[0].tainted"]


def test_replay__of_a_taint_names_tags_that_it_cannot_find(
    case: SmallCase, ask: Ask, tmp_path: Path
):
    manifest = tainted(ask, tmp_path / "out", case.address("alice"), "--stop-at-services")
    shutil.rmtree(case.data / NETWORK / "derived")
    (case.data / "casebook.sqlite").unlink()
    found = replayed(ask, manifest, code=1)
    assert found["outcome"] == "inputs_changed"
    assert {each["name"] for each in found["changed"]} >= {"tags_sha256", "clustering"}
    assert "totals" in found["sections"]
