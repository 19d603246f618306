"""Replays of answers with values: by the tables that the manifest names, whatever came since."""

import json
from pathlib import Path

import pytest

from tests.arien_flows.replay import test_replay
from tests.arien_flows.replay.test_replay import Ask, kept, replayed
from tests.ledgers import GENESIS_TIME
from tests.small_case import SmallCase

own_settings, case, ask = test_replay.own_settings, test_replay.case, test_replay.ask

TERMS = ("--asset", "tBTC", "--currency", "EUR", "--source", "made up")


def bring(ask: Ask, folder: Path, price: int) -> None:
    rows = "".join(f"{GENESIS_TIME + 600 * i},{price + i}\n" for i in range(20))
    file = folder / f"{price}.csv"
    file.write_text(f"timestamp,price\n{rows}")
    ask("prices", "import", str(file), *TERMS)


@pytest.mark.parametrize("compare", [False, True])
def test_replay__values_by_the_tables_of_then(
    case: SmallCase,
    ask: Ask,
    tmp_path: Path,
    *,
    compare: bool,
):
    bring(ask, tmp_path, 20_000)
    question = (case.address("alice"), "--fiat", "EUR")
    if compare:
        file = tmp_path / "comparison.json"
        file.write_text(ask("trace", *question, "--compare", "--json"))
    else:
        file = kept(ask, tmp_path / "out", *question)
    assert replayed(ask, file)["outcome"] == "same"
    bring(ask, tmp_path, 30_000)
    later = json.loads(ask("trace", *question, "--json"))
    assert (
        later["manifest"]["result_sha256"]
        != json.loads(file.read_text())["manifest"]["result_sha256"]
    )
    assert replayed(ask, file)["outcome"] == "same"
    ask("prices", "withdraw", "1", "--reason", "a test")
    assert replayed(ask, file)["outcome"] == "same"


def test_replay__of_values_that_nothing_gave(case: SmallCase, ask: Ask, tmp_path: Path):
    late = tmp_path / "late.csv"
    late.write_text("date,close\n2024-03-01,5\n")
    ask("prices", "import", str(late), *TERMS)
    file = kept(ask, tmp_path / "out", case.address("alice"), "--fiat", "EUR")
    bring(ask, tmp_path, 20_000)
    assert replayed(ask, file)["outcome"] == "same"


def test_replay__names_prices_that_it_cannot_find(case: SmallCase, ask: Ask, tmp_path: Path):
    bring(ask, tmp_path, 20_000)
    file = kept(ask, tmp_path / "out", case.address("alice"), "--fiat", "EUR")
    (case.data / "casebook.sqlite").unlink()
    ask("tags", "import", str(case.pack))
    found = replayed(ask, file, code=1)
    assert found["outcome"] == "inputs_changed"
    assert [each["name"] for each in found["changed"]] == ["prices"]
    bring(ask, tmp_path, 20_000)
    assert replayed(ask, file)["outcome"] == "same"
