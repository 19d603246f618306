"""Timelines: the unit that a span asks for, and the chart."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from arien_flows.tracing.texts import ranges_text
from arien_flows.tracing.timeline import unit_of
from arien_flows.tracing.timeline_chart import _number, _start, draw_timeline
from tests.arien_flows.tracing.test_expansion import busy_trace


@pytest.mark.parametrize(
    ("first", "last", "unit"),
    [
        ("2024-01-01", "2024-01-01", "day"),
        ("2024-01-01", "2024-04-01", "day"),
        ("2024-01-01", "2024-04-02", "month"),
        ("2014-01-31", "2023-12-01", "month"),
        ("2014-01-31", "2024-01-01", "year"),
    ],
)
def test_timeline__is_as_fine_as_its_span_allows(first: str, last: str, unit: str):
    days = np.array([first, last], "datetime64[D]")
    assert unit_of(days) == unit


@pytest.mark.parametrize("unit", ["day", "month", "year"])
def test_timeline_chart__numbers_name_their_start(unit: str):
    for start in (date(2009, 1, 1), date(2023, 12, 1), date(2024, 1, 1)):
        first = start.replace(month=1, day=1) if unit == "year" else start
        assert _start(_number(start, unit), unit) == first


@pytest.mark.parametrize("suffix", [".png", ".svg"])
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_timeline_chart__is_the_same_file_every_time(tmp_path: Path, suffix: str, direction: str):
    answer = busy_trace(2, "entity", direction, "fifo").answer
    files = [tmp_path / f"{name}{suffix}" for name in ("a", "b")]
    for file in files:
        draw_timeline(answer, file)
    first, second = (file.read_bytes() for file in files)
    assert first == second
    assert first.startswith(b"\x89PNG" if suffix == ".png" else b"<?xml")


def test_ranges_text__is_short_and_exact():
    assert ranges_text([]) == ""
    assert ranges_text([4]) == "4"
    assert ranges_text([0, 1, 2, 5, 7, 8]) == "0-2,5,7-8"
