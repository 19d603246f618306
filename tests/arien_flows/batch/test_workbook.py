import io
import zipfile
from pathlib import Path

import python_calamine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arien_flows.batch.rows import RowFault
from arien_flows.batch.workbook import SHEET_ROWS, write_workbook
from tests.arien_flows.batch.samples import FACTS, exposure_row, summary_row, transfer_row

INJECTIONS = (
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "https://example.com", "internal:A1", "{=1}", "1e5",
    "=HYPERLINK(1)", "mailto:a@b",
)  # fmt: skip
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12) | st.sampled_from(
    INJECTIONS
)


def write(
    path: Path, text: str = "x", count: int = 1, most_rows: int = SHEET_ROWS
) -> tuple[str, ...]:
    fault = RowFault(row=9, cells=(text, text), code="checksum", detail=text, suggestion=text)
    return write_workbook(
        path,
        FACTS,
        ("address", text),
        summary=[summary_row(2 + i, cells=(text, text), tags=(text,)) for i in range(count)],
        exposure=[exposure_row(category=text)],
        transfers=[transfer_row(to_label=text) for _ in range(count)],
        faults=[fault],
        most_rows=most_rows,
    )


def sheet(path: Path, name: str) -> list[list[object]]:
    book = python_calamine.CalamineWorkbook.from_path(str(path))
    return [list(row) for row in book.get_sheet_by_name(name).to_python(skip_empty_area=False)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
def test_write_workbook__writes_texts_as_texts(tmp_path, text):
    path = tmp_path / "report.xlsx"
    write(path, text)
    header, line = sheet(path, "Summary")
    assert line[:2] == [text, text]
    assert line[header.index("tags")] == text
    assert sheet(path, "Errors")[1][:2] == [text, text]
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, content in parts.items():
        if name.startswith("xl/worksheets/"):
            assert b"<f" not in content.replace(b"<formula", b"")
            assert b"hyperlink" not in content


def test_write_workbook__keeps_every_digit(tmp_path):
    path = tmp_path / "report.xlsx"
    write(path)
    header, line = sheet(path, "Summary")
    assert line[header.index("received_base")] == "2099999997690000"
    assert line[header.index("received (rounded to 15 digits)")] == 20999999.9769
    assert line[header.index("sent_base")] == "1"
    assert line[header.index("risk_score")] == 12.34
    assert line[header.index("exposure_out_base")] == ""


def test_write_workbook__makes_the_same_bytes(tmp_path):
    for name in ("a.xlsx", "b.xlsx"):
        write(tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_write_workbook__says_what_does_not_fit(tmp_path):
    path = tmp_path / "report.xlsx"
    cuts = write(path, count=5, most_rows=4)
    assert cuts == (
        "Summary: 3 more rows stand in summary.csv alone",
        "Transfers: 3 more rows stand in transfers.csv alone",
    )
    lines = sheet(path, "Transfers")
    assert len(lines) == 4
    assert lines[3][0] == cuts[1]
    about = sheet(path, "About")
    assert ["left out", cuts[0]] in about
    assert ["left out", cuts[1]] in about


def test_write_workbook__cuts_a_cell_that_no_sheet_holds_and_says_so(tmp_path):
    path = tmp_path / "report.xlsx"
    write(path, "y" * 40_000)
    cell = str(sheet(path, "Summary")[1][0])
    assert cell.startswith("y" * 32_000)
    assert cell.endswith("cut: whole in the CSV file")


def test_write_workbook__says_what_the_answers_rest_on(tmp_path):
    path = tmp_path / "report.xlsx"
    write(path)
    about = dict(map(tuple, sheet(path, "About")))  # type: ignore[arg-type]
    assert about["run"] == "batch_01"
    assert about["SHA-256 of the input"] == "ab" * 32
    assert about["risk policy"] == "standard_1"
    assert {"certainty: fact", "certainty: inference", "certainty: attribution"} <= set(about)
    with zipfile.ZipFile(path) as archive:
        core = archive.read("docProps/core.xml")
        assert b"2026-01-01T00:00:00Z" in core
        sheet_xml = archive.read("xl/worksheets/sheet1.xml")
    assert b"<autoFilter" in sheet_xml
    assert b'state="frozen"' in sheet_xml


def test_write_workbook__leaves_nothing_beside(tmp_path):
    write(tmp_path / "report.xlsx")
    assert [each.name for each in tmp_path.iterdir()] == ["report.xlsx"]
    assert io.BytesIO((tmp_path / "report.xlsx").read_bytes()).read(2) == b"PK"
