import hashlib
from datetime import UTC, datetime

import pytest

from arien_flows.batch.chart_sums import ChartSums
from arien_flows.batch.charts import draw_charts
from tests.arien_flows.batch.samples import FACTS, exposure_row, summary_row, transfer_row


def sums() -> ChartSums:
    made = ChartSums()
    for row in (
        summary_row(2),
        summary_row(3, duplicate_of=2),
        summary_row(4, risk=None),
        summary_row(5, entity="other"),
    ):
        made.add_row(row)
    for row in (2, 3, 5):
        made.add_exposure(exposure_row(row))
        made.add_exposure(exposure_row(row, category="", reason="below_min", value=40))
        made.add_exposure(exposure_row(row, direction="out", category="a$b^{", value=5))
    for row in (2, 3):
        made.add_transfer(transfer_row(row))
        made.add_transfer(transfer_row(row, stop_reason=""))
        made.add_transfer(transfer_row(row, direction="backward"))
        made.add_transfer(transfer_row(row, to_label="\u4ea4\n=1", stop_reason="mixer"))
        later = datetime(2026, 3, 1, tzinfo=UTC)
        made.add_transfer(transfer_row(row, stop_reason="unspent", block_time=later, traced=9))
    return made


def test_chart_sums__counts_a_question_and_an_entity_once():
    made = sums()
    assert (made.rows, made.not_scored, dict(made.bands)) == (3, 1, {"low": 2})
    assert made.exposures["BTC"]["in"] == {("exchange", True): 60, ("below_min", False): 40}
    assert made.services["BTC"] == {"Kraken": 2, "\u4ea4\n=1": 2}
    assert {month: dict(ends) for month, ends in made.ends["BTC"].items()} == {
        "2026-01": {"service_reached": 2, "mixer": 2},
        "2026-03": {"unspent": 9},
    }


def test_draw_charts__makes_the_same_bytes(tmp_path):
    hashes = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        files = draw_charts(sums(), FACTS, folder)
        hashes.append([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])
    assert [file.name for file in files] == [
        "exposure-btc.png", "exposure-btc.svg", "risk.png", "risk.svg", "services-btc.png",
        "services-btc.svg", "timeline-btc.png", "timeline-btc.svg",
    ]  # fmt: skip
    assert hashes[0] == hashes[1]
    assert len(set(hashes[0])) == 8


def test_draw_charts__draws_nothing_of_nothing(tmp_path):
    assert draw_charts(ChartSums(), FACTS, tmp_path) == ()


@pytest.mark.parametrize(
    ("assets", "names"),
    [
        (("../US DT", "US$D$T"), ["exposure-usdt-2.svg", "exposure-usdt.svg"]),
        (("\u20bf",), ["exposure-e282bf.svg"]),
    ],
)
def test_draw_charts__names_files_of_what_a_token_calls_itself(tmp_path, assets, names):
    made = ChartSums()
    for asset in assets:
        made.add_exposure(exposure_row(asset=asset))
    files = draw_charts(made, FACTS, tmp_path)
    assert [file.name for file in files if file.suffix == ".svg"] == names
