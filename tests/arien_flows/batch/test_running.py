"""Whole runs over the small case: they answer as single questions do, and kills change nothing."""

import csv
import io
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from arien_flows.answers.address import address_answer
from arien_flows.answers.exposure import exposure_answer
from arien_flows.answers.risk import risk_answer
from arien_flows.answers.trace import traced
from arien_flows.batch import coins, running
from arien_flows.batch.checkpoint import ANSWERS, held
from arien_flows.batch.coin_traces import trace_request
from arien_flows.batch.items import Item, TraceAsked
from arien_flows.batch.manifest import MANIFEST
from arien_flows.batch.request import BatchRequest
from arien_flows.batch.running import RUN, run_batch
from arien_flows.batch.writing import ROWS as ROWS_FILE
from arien_flows.cli.main import run
from arien_flows.errors import ConflictError, InputError
from arien_flows.exposure.request import ExposureRequest
from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from tests.arien_flows.batch.small_tables import PRIVATE_KEY, hashes, order_of, quiet
from tests.ledgers import Chain, Tx, write_block_file
from tests.small_case import COIN, NETWORK, TRANSACTIONS, SmallCase


@pytest.fixture(scope="module")
def workspace(small_case: SmallCase) -> Iterator[Workspace]:
    space = Workspace(Settings(data=small_case.data))
    yield space
    space.casebook.close()


@pytest.fixture(scope="module")
def undisturbed(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that nothing disturbed. Never write to it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    run_batch(workspace, order_of(), folder, quiet)
    return folder


def rows_in(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / ROWS_FILE).read_text().splitlines()]


def test_run__answers_every_row_or_says_why_not(undisturbed: Path):
    rows = rows_in(undisturbed)
    assert [(row["row"], row["status"]) for row in rows] == [
        (2, "ok"), (3, "ok"), (4, "ok"), (5, "ok"), (6, "not_found"), (7, "ok"), (8, "invalid"),
        (9, "invalid"),
    ]  # fmt: skip
    assert rows[3]["duplicate_of"] == 2
    assert rows[3] | {"row": 2, "duplicate_of": None, "cells": rows[0]["cells"]} == rows[0]
    assert [row["error"]["code"] for row in rows[6:]] == ["checksum", "private_key"]
    with (undisturbed / "errors.csv").open(newline="") as file:
        assert [line["row"] for line in csv.DictReader(file)] == ["6", "8", "9"]


def test_run__answers_as_single_questions_do(undisturbed: Path, workspace: Workspace):
    reading = workspace.open(NETWORK).read()
    for row in rows_in(undisturbed):
        if row["status"] not in ("ok", "truncated"):
            continue
        subject = str(row["subject"])
        single = address_answer(reading, subject)
        told = {name: row[name] for name in ("received", "sent", "balance", "transaction_count")}
        assert told == {name: getattr(single, name) for name in told}
        assert single.entity is not None
        assert (row["entity"], row["entity_address_count"]) == (
            single.entity.id,
            single.entity.address_count,
        )
        assert row["tags"] == [tag.label for tag in single.tags]
        assert row["first_seen"] == single.first_seen.time.strftime("%Y-%m-%dT%H:%M:%SZ")
        requests = [ExposureRequest(subjects=(subject,), direction=way) for way in ("in", "out")]
        for side in exposure_answer(reading, requests).sides:
            found = row[f"exposure_{side.direction}"]
            assert found["total"] == side.total
            assert found["attributed"] == side.attributed
            assert found["coverage_percent"] == side.coverage_percent
            assert [(it["category"], it["percent"]) for it in found["categories"]] == [
                (it.category, it.percent) for it in side.categories
            ]
        scored = risk_answer(reading, subject)
        risk = row["risk"]
        assert (risk["score"], risk["band"]) == (scored.score, scored.band)
        assert (risk["lower"], risk["upper"]) == (scored.interval.lower, scored.interval.upper)
        assert risk["coverage_percent"] == scored.coverage.percent
        for way in ("forward", "backward"):
            if row[way] is not None:
                totals = traced(reading, single_trace(subject, way)).answer.totals
                assert row[way]["by_reason"] == totals.by_reason
                assert (row[way]["source"], row[way]["fees"]) == (totals.source, totals.fees)


def single_trace(subject: str, way: str):
    item = Item(network=NETWORK, subject=subject, kind="address", traces=())
    asked = TraceAsked(
        direction="forward" if way == "forward" else "backward", policy="fifo", max_hops=12,
        min_value=None, since=None, until=None, horizon_days=None, budget=20_000,
    )  # fmt: skip
    return trace_request(item, asked)


def test_run__asks_about_whole_entities_once_each(
    workspace: Workspace, tmp_path: Path, monkeypatch
):
    asked: list[str] = []
    real = coins.gather_inputs

    def counted(basis, text, budget):
        asked.append(text)
        return real(basis, text, budget)

    monkeypatch.setattr(coins, "gather_inputs", counted)
    run_batch(workspace, order_of(BatchRequest(scope="entity")), tmp_path, quiet)
    rows = {row["row"]: row for row in rows_in(tmp_path)}
    # Alice's two addresses are one entity.
    assert rows[2]["entity"] == rows[7]["entity"]
    assert len(asked) == len(set(asked)) == 3
    reading = workspace.open(NETWORK).read()
    scored = risk_answer(reading, f"entity:{rows[7]['entity']}")
    assert rows[7]["risk"]["score"] == rows[2]["risk"]["score"] == scored.score


def test_run__lists_movements_that_sum_to_what_ended(undisturbed: Path):
    with (undisturbed / "transfers.csv").open(newline="") as file:
        transfers = list(csv.DictReader(file))
    for row in rows_in(undisturbed):
        for way in ("forward", "backward"):
            if row[way] is None or row["duplicate_of"] is not None:
                continue
            ends = [
                int(it["traced_base"])
                for it in transfers
                if it["row"] == str(row["row"]) and it["direction"] == way and it["stop_reason"]
            ]
            assert sum(ends) == sum(map(int, row[way]["by_reason"].values()))


def test_run__keeps_no_private_key(undisturbed: Path):
    for path in undisturbed.rglob("*"):
        assert not path.is_file() or PRIVATE_KEY.encode() not in path.read_bytes()


def test_manifest__names_the_files_and_nothing_of_the_run_itself(undisturbed: Path):
    document = json.loads((undisturbed / MANIFEST).read_bytes())
    named = {file["name"]: file["sha256"] for file in document["manifest"]["files"]}
    assert named | {MANIFEST: hashes(undisturbed)[MANIFEST]} == hashes(undisturbed)
    assert document["manifest"]["counts"] == {"invalid": 2, "not_found": 1, "ok": 5}
    assert document["manifest"]["result_sha256"] == named[ROWS_FILE]
    assert str(undisturbed) not in json.dumps(document)


KILLED = """
import os, signal, sys
from pathlib import Path
from arien_flows.batch import running
from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from tests.arien_flows.batch.small_tables import order_of

running.PART_ITEMS = 1
data, folder, step, when = sys.argv[1:]

def report(name, done, _total, _unit):
    if name == step and done == int(when):
        os.kill(os.getpid(), signal.SIGKILL)

running.run_batch(Workspace(Settings(data=Path(data))), order_of(), Path(folder), report)
"""


@pytest.mark.parametrize(("step", "when"), [("answers", 2), ("files", 3)])
def test_run__goes_on_after_a_kill_with_the_same_bytes(
    small_case: SmallCase, workspace: Workspace, undisturbed: Path, tmp_path: Path, step, when,
    monkeypatch,
):  # fmt: skip
    typed = [sys.executable, "-c", KILLED, str(small_case.data), str(tmp_path), step, str(when)]
    assert subprocess.run(typed, check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / MANIFEST).exists()
    done: list[int] = []
    monkeypatch.setattr(running, "PART_ITEMS", 1)
    run_batch(
        workspace, order_of(), tmp_path, lambda name, at, *_: done.append(at) if name == step else 0
    )
    if step == "answers":
        # Nothing that was done is done again.
        assert done[0] == when
    assert hashes(tmp_path) == hashes(undisturbed)


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_run__takes_off_what_was_cut_short(workspace, undisturbed: Path, tmp_path: Path, cut: int):
    shutil.copytree(undisturbed, tmp_path, dirs_exist_ok=True)
    answers = tmp_path / RUN / ANSWERS
    answers.write_bytes(answers.read_bytes()[:-cut])
    run_batch(workspace, order_of(), tmp_path, quiet)
    assert hashes(tmp_path) == hashes(undisturbed)
    assert answers.read_bytes() == (undisturbed / RUN / ANSWERS).read_bytes()


def test_run__refuses_a_folder_of_another_batch(workspace, undisturbed: Path, tmp_path: Path):
    shutil.copytree(undisturbed, tmp_path, dirs_exist_ok=True)
    with pytest.raises(ConflictError, match="another table, question or version"):
        run_batch(workspace, order_of(BatchRequest()), tmp_path, quiet)


def test_run__refuses_a_folder_that_another_run_holds(workspace, tmp_path: Path):
    with held(tmp_path / RUN), pytest.raises(ConflictError, match="another run is writing"):
        run_batch(workspace, order_of(), tmp_path, quiet)


def test_run__refuses_a_folder_of_other_files(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        running.refuse_other_files(tmp_path)


def test_run__does_not_go_on_under_other_tags(
    small_case: SmallCase, undisturbed: Path, tmp_path: Path
):
    data, folder = tmp_path / "data", tmp_path / "out"
    shutil.copytree(small_case.data, data)
    shutil.copytree(undisturbed, folder)
    space = Workspace(Settings(data=data))
    (imported,) = space.casebook.imports(limit=10)
    space.casebook.withdraw(
        imported.id, reason="wrong", now=datetime(2026, 1, 1, tzinfo=UTC), by="tester"
    )
    with pytest.raises(ConflictError, match="tags were added or withdrawn"):
        run_batch(space, order_of(), folder, quiet)
    space.casebook.close()


def test_run__does_not_let_a_bug_in_one_row_end_the_others(
    workspace: Workspace, tmp_path: Path, small_case: SmallCase, monkeypatch
):
    real, bad = coins.gather_inputs, small_case.address("bob")

    def faulty(basis, text, budget):
        if text == bad:
            raise ZeroDivisionError("secret text")
        return real(basis, text, budget)

    monkeypatch.setattr(coins, "gather_inputs", faulty)
    manifest = run_batch(workspace, order_of(BatchRequest()), tmp_path, quiet)
    assert manifest.counts["error"] == 1
    wrong = next(row for row in rows_in(tmp_path) if row["status"] == "error")
    assert wrong["subject"] == bad
    assert wrong["error"]["detail"] == "this is a bug (ZeroDivisionError): report it"


def test_tables__can_be_read_with_no_more_than_a_csv_reader(undisturbed: Path):
    text = (undisturbed / "summary.csv").read_text(encoding="utf-8")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["status"] for line in lines] == [
        str(row["status"]) for row in rows_in(undisturbed)
    ]
    assert lines[0]["remark"] == "'=cmd()"


class StoppedError(Exception):
    """Ends a run in the middle."""


def stop_after_one(step: str, done: int, _total: int | None, _unit: str) -> None:
    if step == "answers" and done == 1:
        raise StoppedError


def begun_in_a_copy(case: SmallCase, folder: Path, monkeypatch) -> tuple[list[str], Path]:
    """Begin a run over a copy of the ledger; return options of the command line, and its folder."""
    data, out = folder / "data", folder / "out"
    shutil.copytree(case.data, data)
    monkeypatch.setattr(running, "PART_ITEMS", 1)
    space = Workspace(Settings(data=data))
    with pytest.raises(StoppedError):
        run_batch(space, order_of(), out, stop_after_one)
    space.casebook.close()
    return ["--data", str(data), "--network", NETWORK, "--progress", "none"], out


def test_run__goes_on_as_of_its_block_when_the_ledger_has_grown(
    small_case: SmallCase, undisturbed: Path, tmp_path: Path, monkeypatch
):
    options, out = begun_in_a_copy(small_case, tmp_path, monkeypatch)
    more = Tx(name="mined-8", outputs=[("exchange", 50 * COIN)])
    chain = Chain.from_genesis().add([*TRANSACTIONS, more])
    blocks = tmp_path / "blocks" / "blk00000.dat"
    write_block_file(blocks, chain.blocks)
    assert run([*options, "ledger", "ingest", "--source", f"blockfiles:{blocks}"]) == 0
    space = Workspace(Settings(data=tmp_path / "data"))
    run_batch(space, order_of(), out, quiet)
    assert hashes(out) == hashes(undisturbed)
    present = address_answer(space.open(NETWORK).read(), small_case.address("exchange"))
    assert present.received == str(110 * COIN)
    space.casebook.close()


def test_run__does_not_go_on_past_a_block_that_is_gone(
    small_case: SmallCase, tmp_path: Path, monkeypatch
):
    options, out = begun_in_a_copy(small_case, tmp_path, monkeypatch)
    assert run([*options, "ledger", "rollback", "6"]) == 0
    space = Workspace(Settings(data=tmp_path / "data"))
    with pytest.raises(ConflictError, match="start it anew"):
        run_batch(space, order_of(), out, quiet)
    space.casebook.close()


def test_batch_parts__are_what_single_look_ups_say(workspace: Workspace):
    reading = workspace.open(NETWORK).read()
    numbers = list(range(reading.view.counts.addresses))
    assert reading.view.totals_of_many(np.array(numbers)) == [
        reading.view.totals(number) for number in numbers
    ]
    found = reading.tags.tags_of_many(numbers, 10)
    assert found == {number: reading.tags.tags_of(number, 10) for number in numbers}
    assert any(each.shown for each in found.values())
