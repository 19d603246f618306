import csv
import json
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from chains.errors import MalformedBlockError
from chains.ethereum.decode.frames import Frames, frames_of_list, frames_of_tree
from tests.reference import ethereum_calls as reference

TREES = ("call_tracer", "call_tracer_legacy", "call_tracer_withLog")
A, B, C = ("0x" + digit * 40 for digit in "abc")


@cache
def geth_cases(shared: Path) -> dict[str, dict[str, Any]]:
    """Return the test cases of geth's tracers, by folder and name."""
    with tarfile.open(shared / "eth_geth_traces/tracetest_testdata.tar.gz") as archive:
        return {
            "/".join(Path(member.name).parts[-2:]).removesuffix(".json"): json.load(
                archive.extractfile(member)
            )
            for member in archive
            if member.name.endswith(".json")
        }


def moved(frames: Frames) -> list[reference.Moved]:
    return [
        (one.kind.name, "0x" + one.giver.hex(), "0x" + one.gets.hex(), one.value)
        for one in frames.frames
        if one.value
    ]


def test_frames_of_tree__agrees_with_the_reference_on_every_case_of_geth(shared_data):
    cases = geth_cases(shared_data)
    chosen = {name: case for name, case in cases.items() if name.split("/")[0] in TREES}
    assert len(chosen) == 37
    for name, case in chosen.items():
        frames = frames_of_tree(case["result"])
        assert moved(frames) == reference.moved_by_tree(case["result"]), name
        assert frames.succeeded == ("error" not in case["result"])
    assert sum(bool(moved(frames_of_tree(case["result"]))) for case in chosen.values()) >= 9


def test_frames_of_tree__places_events_as_the_reference_does(shared_data):
    chosen = [c for n, c in geth_cases(shared_data).items() if n.startswith("call_tracer_withLog")]
    for case in chosen:
        logs = frames_of_tree(case["result"]).logs
        emitters = ["0x" + place.contract.hex() for place in logs]
        assert emitters == reference.logs_by_tree(case["result"])
        assert [place.sequence for place in logs] == sorted(place.sequence for place in logs)
    assert sum(len(frames_of_tree(case["result"]).logs) for case in chosen) > 20


def test_frames_of_list__agrees_with_the_reference_on_every_case_of_geth(shared_data):
    cases = geth_cases(shared_data)
    chosen = {name: case for name, case in cases.items() if name.startswith("call_tracer_flat/")}
    assert len(chosen) == 32
    for name, case in chosen.items():
        frames = frames_of_list(case["result"])
        assert moved(frames) == reference.moved_by_list(case["result"]), name


def test_frames__move_the_same_by_either_trace_of_a_transaction(shared_data):
    cases = geth_cases(shared_data)
    trees = {name: case for name, case in cases.items() if name.startswith("call_tracer/")}
    pairs = [
        (tree, cases.get(name.replace("call_tracer/", "call_tracer_flat/")))
        for name, tree in trees.items()
    ]
    same = [
        (tree, flat)
        for tree, flat in pairs
        if flat and tree["input"] == flat["input"] and "tracerConfig" not in tree
    ]
    assert len(same) >= 8
    for tree, flat in same:
        assert moved(frames_of_tree(tree["result"])) == moved(frames_of_list(flat["result"]))


def call(giver: str, gets: str, value: int, **more: Any) -> dict[str, Any]:
    return {"type": "CALL", "from": giver, "to": gets, "value": hex(value), **more}


def row(address: list[int], giver: str, gets: str, value: int, **more: Any) -> dict[str, Any]:
    action = {"callType": "call", "from": giver, "to": gets, "value": hex(value)}
    return {"type": "call", "traceAddress": address, "action": action, "result": {}, **more}


def test_frames_of_tree__drops_everything_under_a_failure():
    inner = call(A, B, 5, error="Reverted", calls=[call(B, C, 3)])
    frames = frames_of_tree(call(C, A, 0, calls=[inner, call(A, C, 1)]))
    assert moved(frames) == [("CALL", A, C, 1)]


def test_frames_of_list__drops_children_that_bear_no_error_and_a_failure_that_bears_a_result():
    rows = [
        row([], C, A, 0),
        row([0], A, B, 5, error="Reverted"),
        row([0, 0], B, C, 3),
        row([1], A, C, 1),
        row([10], A, B, 2),
        row([2], A, B, 4),
    ]
    frames = frames_of_list(rows)
    assert moved(frames) == [("CALL", A, C, 1), ("CALL", A, B, 4), ("CALL", A, B, 2)]
    assert frames.succeeded


def test_frames_of_list__fails_as_a_whole_with_its_root():
    frames = frames_of_list([row([], A, B, 5, error="Out of gas"), row([0], B, C, 3)])
    assert frames == Frames(False, [], None)


@pytest.mark.parametrize("kind", ["DELEGATECALL", "CALLCODE", "STATICCALL"])
def test_frames_of_tree__moves_nothing_by_calls_in_place(kind):
    inner = call(A, B, 5) | {"type": kind, "calls": [call(A, C, 2)]}
    frames = frames_of_tree(call(C, A, 0, calls=[inner]))
    assert moved(frames) == [("CALL", A, C, 2)]


def test_frames_of_tree__leaves_a_self_destruct_out_that_moves_nothing():
    inner = {"type": "SELFDESTRUCT", "from": "0x" + "0" * 40}
    assert moved(frames_of_tree(call(A, B, 1, calls=[inner]))) == [("CALL", A, B, 1)]


def test_frames_of_tree__refuses_a_self_destruct_of_the_first_tracers():
    with pytest.raises(MalformedBlockError, match="too old"):
        frames_of_tree(call(A, B, 1, calls=[{"type": "SELFDESTRUCT"}]))


def test_frames_of_tree__does_not_place_events_without_positions():
    assert frames_of_tree(call(A, B, 1, logs=[{"address": A}])).logs is None


def test_frames_of_tree__reads_traces_deeper_than_the_interpreter_recurses():
    frame = call(A, B, 1)
    for _ in range(5_000):
        frame = call(A, B, 0, calls=[frame])
    assert moved(frames_of_tree(frame)) == [("CALL", A, B, 1)]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (call(A, B, 1) | {"type": "SEND"}, "type of a call"),
        (call(A, B, 1) | {"value": 1}, "value is 1"),
        (call(A, B, 1) | {"value": hex(1 << 256)}, "larger"),
        (call(A, B, 1) | {"to": None}, "to is missing"),
        (call(A, B, 1) | {"to": "0x12"}, "to has 1 bytes"),
        (call(A, B, 1, calls={}), "calls"),
        (call(A, B, 1, calls=[1]), "calls"),
        (call(A, B, 1, logs=[{"address": A, "position": "0x1"}]), "position"),
    ],
)
def test_frames_of_tree__names_what_is_wrong(frame, said):
    if frame.get("calls") == {}:
        frame = frame | {"calls": {"a": 1}}
    with pytest.raises(MalformedBlockError, match=said):
        frames_of_tree(frame)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "own call is missing"),
        ([row([0], A, B, 1)], "own call is missing"),
        ([row(["0"], A, B, 1)], "traceAddress"),
        ([row([], A, B, 1) | {"type": "wish"}], "type of a trace"),
        ([row([], A, B, 1) | {"type": "create", "result": None}], "result"),
    ],
)
def test_frames_of_list__names_what_is_wrong(rows, said):
    with pytest.raises(MalformedBlockError, match=said):
        frames_of_list(rows)


@cache
def etl_cases(shared: Path) -> dict[str, str]:
    """Return the files of ethereum-etl's tests, by path."""
    with tarfile.open(shared / "eth_etl/ethereum-etl_resources.tar.gz") as archive:
        return {
            member.name.removeprefix("resources/"): archive.extractfile(member).read().decode()
            for member in archive
            if member.isfile() and "traces" in member.name
        }


@pytest.mark.parametrize("block", ["create", "error", "subtraces", "suicide"])
def test_frames__move_what_an_independent_export_found(shared_data, block):
    cases = etl_cases(shared_data)
    folder = f"test_export_traces_job/block_with_{block}/"
    answer = next(text for name, text in cases.items() if name.startswith(folder + "web3"))
    rows = json.loads(answer)["result"]
    by_transaction: dict[int, list[dict[str, Any]]] = {}
    for one in rows:
        if one["type"] != "reward":
            by_transaction.setdefault(one["transactionPosition"], []).append(one)
    found = [one for part in by_transaction.values() for one in moved(frames_of_list(part))]
    kinds = {"call": "CALL", "create": "CREATE", "suicide": "SELF_DESTRUCT"}
    expected = [
        (kinds[one["trace_type"]], one["from_address"], one["to_address"], int(one["value"]))
        for one in csv.DictReader(cases[folder + "expected_traces.csv"].splitlines())
        if one["trace_type"] in kinds
        and one["call_type"] in ("", "call")
        and one["status"] == "1"
        and int(one["value"])
    ]
    assert found == expected
    assert found


@pytest.mark.parametrize("block", ["create", "error", "subtraces"])
def test_frames__move_the_same_by_the_traces_of_two_nodes(shared_data, block):
    cases = etl_cases(shared_data)
    folders = [f"test_{job}_job/block_with_{block}/" for job in
               ("extract_geth_traces", "export_traces")]  # fmt: skip
    geth, parity = (
        json.loads(next(text for name, text in cases.items() if name.startswith(folder + "web3")))
        for folder in folders
    )
    by_tree = [one for row in geth["result"] for one in moved(frames_of_tree(row["result"]))]
    own = [one for one in parity["result"] if one["type"] != "reward"]
    parts = {one["transactionPosition"]: [] for one in own}
    for one in own:
        parts[one["transactionPosition"]].append(one)
    assert by_tree == [one for part in parts.values() for one in moved(frames_of_list(part))]
