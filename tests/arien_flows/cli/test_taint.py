"""`taint` on the small ledger: totals that add up, lists, files, interruption, bad input."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from arien_flows.cli.main import run
from arien_flows.cli.progress import QuietProgress
from arien_flows.tracing.sweep_summary import SHOWN_SOURCES
from tests.small_case import SmallCase

Say = Callable[..., str]


@pytest.fixture
def say(small_case: SmallCase, capsys: pytest.CaptureFixture[str]) -> Say:
    """Taint on the small ledger and return what is printed."""

    def said(*arguments: str, code: int = 0) -> str:
        assert run(["--data", str(small_case.data), "taint", *arguments]) == code
        captured = capsys.readouterr()
        return captured.err if code else captured.out

    return said


@pytest.mark.parametrize(
    "policy", ["fifo", "lifo", "haircut", "tiho", "seniority", "reverse_seniority"]
)
@pytest.mark.parametrize("fee_mode", ["track", "track_coinbase"])
def test_taint__json_conserves_every_satoshi(
    say: Say, small_case: SmallCase, policy: str, fee_mode: str
):
    answer = json.loads(
        say(small_case.address("alice"), "--policy", policy, "--fee-mode", fee_mode, "--json")
    )
    totals = answer["totals"]
    ended = sum(map(int, totals["by_reason"].values()))
    assert int(totals["source"]) == ended + int(totals["fees"]) + int(totals["destroyed"]) > 0
    assert answer["manifest"]["clustering"].startswith("strict-")
    assert (totals["fees"] == "0") or fee_mode == "track"


def test_taint__text_says_where_the_money_is_and_who_holds_it(say: Say, small_case: SmallCase):
    text = say(small_case.address("alice"), "--stop-at-services")
    assert " tBTC is now, by the fifo convention" in text
    assert "in all, which is the source exactly" in text
    assert "paid to a service" in text
    assert "Exchange One" in text
    assert "True as of block 7 of bitcoin-regtest" in text
    assert max(map(len, text.splitlines())) <= 130


def test_taint__writes_rows_that_add_up(say: Say, small_case: SmallCase, tmp_path: Path):
    folder = tmp_path / "found"
    answer = json.loads(say(small_case.address("alice"), "-o", str(folder), "--json"))
    assert sorted(file.name for file in folder.iterdir()) == [
        "coins.parquet",
        "fees.parquet",
        "manifest.json",
        "sources.txt",
        "taint.json",
    ]
    assert json.loads((folder / "taint.json").read_text()) == answer
    listed = (folder / "sources.txt").read_bytes()
    assert hashlib.sha256(listed).hexdigest() == answer["request"]["sources_sha256"]
    rows = pq.read_table(folder / "coins.parquet").to_pylist()
    fees = pq.read_table(folder / "fees.parquet").to_pylist()
    whole = sum(row["tainted"] for row in rows) + sum(row["tainted"] for row in fees)
    assert str(whole) == answer["totals"]["source"]
    assert list(tmp_path.iterdir()) == [folder]


def test_taint__drop_lists_no_fees(say: Say, small_case: SmallCase, tmp_path: Path):
    say(small_case.address("alice"), "--fee-mode", "drop", "-o", str(tmp_path))
    assert "fees.parquet" not in {file.name for file in tmp_path.iterdir()}


def test_taint__takes_a_list_and_counts_what_is_absent(
    say: Say, small_case: SmallCase, tmp_path: Path
):
    listed = tmp_path / "list.txt"
    listed.write_text(f"# seized\n{small_case.address('alice')}\n{small_case.address('zoe')}\n")
    answer = json.loads(say("--file", str(listed), "--json"))
    (cut,) = [cut for cut in answer["truncations"] if cut["reason"] == "sources_absent"]
    assert small_case.address("zoe") in cut["detail"]
    assert answer["request"]["source_count"] == 2 < SHOWN_SOURCES


def test_taint__broken_off_leaves_nothing(
    say: Say, small_case: SmallCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(QuietProgress, "step", interrupt)
    said = say(small_case.address("alice"), "-o", str(tmp_path / "found"), code=1)
    assert "Stopped." in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name 1 to 1,000,000 sources"),
        (("nonsense",), "8 characters"),
        (("category:mixer",), "no address of this ledger is tagged 'mixer'"),
        (("{alice}", "--until", "99"), "is not in the ledger: name one from 0 to 7"),
        (("{zoe}",), "was never used"),
    ],
)
def test_taint__says_what_to_change(
    say: Say, small_case: SmallCase, arguments: tuple[str, ...], message: str
):
    known = {name: small_case.address(name) for name in ("alice", "zoe")}
    assert message in say(*(text.format(**known) for text in arguments), code=2)
