import io
import zipfile
from datetime import UTC, date, datetime

import pytest
import xlsxwriter

from arien_flows.batch import sheets
from arien_flows.batch.reading import ReadingOptions, read_table
from arien_flows.batch.rows import REMOVED, InputTable
from arien_flows.errors import InputError
from tests.arien_flows.batch.samples import BASE58, ETHER, SCRIPT, WIF


def read(raw: bytes) -> InputTable:
    return read_table(raw, "list.xlsx", options=ReadingOptions())


def workbook(*rows: tuple[object, ...], first_line: int = 0) -> bytes:
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet("List")
    shapes = {
        date: book.add_format({"num_format": "yyyy-mm-dd"}),
        datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
    }
    for line, row in enumerate(rows, start=first_line):
        for place, cell in enumerate(row):
            if type(cell) in shapes:
                sheet.write_datetime(line, place, cell, shapes[type(cell)])
            elif cell is not None:
                sheet.write(line, place, cell)
    book.close()
    return stream.getvalue()


def changed(raw: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """Return a workbook one part of which says something else."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as before, zipfile.ZipFile(stream, "w") as after:
        for info in before.infolist():
            content = before.read(info)
            if info.filename == part:
                assert old in content
                content = content.replace(old, new, 1)
            after.writestr(info.filename, content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
SMALL = workbook(("address", "note"), (BASE58, "x"))


def test_workbook_rows__are_those_of_the_sheet():
    table = read(
        workbook(
            ("Adresse", "von", "bis", "max hops", "Betrag"),
            (BASE58, date(2025, 3, 1), datetime(2025, 3, 2, 12, 30), 4, 0.01),  # noqa: DTZ001
            (None,),
            (SCRIPT, None, None, None, "=1+1"),
            first_line=3,
        )
    )
    assert (table.format, table.faults) == ("xlsx", ())
    first, second = table.rows
    assert (first.number, second.number) == (5, 7)
    assert (first.since, first.until) == (
        datetime(2025, 3, 1, tzinfo=UTC),
        datetime(2025, 3, 2, 12, 30, tzinfo=UTC),
    )
    assert first.max_hops == 4
    assert first.cells[4] == "0.01"
    assert second.cells == (SCRIPT, "", "", "", "=1+1")
    assert "times of day in cells were taken as UTC" in table.remarks


def test_workbook_rows__say_what_the_spreadsheet_rounded():
    table = read(
        workbook(
            ("address", "phone", "min_value"),
            (123456789012345678, None, None),
            (BASE58, 4915112345678901, None),
            (SCRIPT, None, 1234567890123456789),
            (ETHER, None, 999999999999999),
        )
    )
    assert [(fault.row, fault.code) for fault in table.faults] == [
        (2, "rounded_number"),
        (4, "bad_value"),
    ]
    assert "rounded to 15 digits" in table.rows[0].remarks[0]
    assert table.rows[1].min_value == 999_999_999_999_999


def test_workbook_rows__take_the_values_of_formulas():
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.write_string(0, 0, "address")
    sheet.write_formula(1, 0, '=CONCATENATE("1","x")', value=BASE58)
    book.add_worksheet("Second").write_string(0, 0, "more")
    book.add_worksheet("Third").hide()
    book.close()
    table = read(stream.getvalue())
    assert [row.subject for row in table.rows] == [BASE58]
    assert table.remarks == (
        "sheet 1 of the workbook was read",
        "1 more sheets hold something and were not read",
        "1 hidden sheets were not read",
        "of formulas the values were read that the spreadsheet last computed",
    )


def test_workbook_rows__keep_no_secret():
    table = read(workbook(("address", "note"), (WIF, "x"), (BASE58, WIF)))
    assert WIF not in repr(table)
    assert [fault.cells[0] for fault in table.faults] == [REMOVED]


def test_workbook_rows__end_a_bomb(monkeypatch):
    bomb = changed(SMALL, SHEET, b"</sheetData>", b" " * 2_000_000 + b"</sheetData>")
    assert len(bomb) < 20_000
    assert len(read(bomb).rows) == 1
    monkeypatch.setattr(sheets, "MOST_UNPACKED", 1_000_000)
    with pytest.raises(InputError, match="more than 1,000,000 bytes"):
        read(bomb)


def test_workbook_rows__believe_no_size_that_an_archive_states(monkeypatch):
    bomb = bytearray(changed(SMALL, SHEET, b"</sheetData>", b" " * 2_000_000 + b"</sheetData>"))
    with zipfile.ZipFile(io.BytesIO(bomb)) as archive:
        size = archive.getinfo(SHEET).file_size.to_bytes(4, "little")
    lie = bytes(bomb).replace(size, (1_000).to_bytes(4, "little"))
    monkeypatch.setattr(sheets, "MOST_UNPACKED", 1_000_000)
    with pytest.raises(InputError, match=r"damaged|more than 1,000,000 bytes"):
        read(lie)


def test_workbook_rows__end_an_archive_of_many_parts():
    stream = io.BytesIO(SMALL)
    with zipfile.ZipFile(stream, "a") as archive:
        for number in range(sheets.MOST_MEMBERS):
            archive.writestr(f"xl/media/{number}", b"")
    with pytest.raises(InputError, match="and one may have 1,000"):
        read(stream.getvalue())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_workbook_rows__refuse_a_part_that_is_there_twice():
    stream = io.BytesIO(SMALL)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(SHEET, b"<worksheet/>")
    with pytest.raises(InputError, match="holds a part twice"):
        read(stream.getvalue())


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (b'r="XFD1048576"', "row 1,048,576"),
        (b"r = 'XFD90000'", "16,384 columns wide"),
        (b't=">" s="<" r="XFD90000"', "columns wide"),
        (b'r="&#88;FD90000"', "damaged"),
        (b'r="ZZZZZZZZZ2"', "damaged"),
    ],
)
def test_workbook_rows__end_a_sheet_that_is_all_blank(cell, words):
    with pytest.raises(InputError, match=words):
        read(changed(SMALL, SHEET, b'r="B2"', cell))


def test_workbook_rows__count_cells_that_do_not_say_where_they_stand():
    many = (
        b"<row>" + b"<c><v>1</v></c>" * 5_000 + b"</row>" + b'<row r="90000"><c r="A90000"/></row>'
    )
    with pytest.raises(InputError, match="5,000 columns wide"):
        read(changed(SMALL, SHEET, b"</sheetData>", many + b"</sheetData>"))


def test_workbook_rows__look_at_sheets_that_are_called_otherwise():
    moved = changed(SMALL, "xl/_rels/workbook.xml.rels", b"worksheets/sheet1.xml", b"other.xml")
    stream = io.BytesIO(moved)
    with zipfile.ZipFile(stream, "a") as archive:
        sheet = archive.read(SHEET).replace(b'r="B2"', b'r="XFD90000"')
        archive.writestr("xl/other.xml", sheet)
    with pytest.raises(InputError, match="columns wide"):
        read(stream.getvalue())


@pytest.mark.parametrize("count", [b"4000001", b"9999999999", b"0000000004000001"])
def test_workbook_rows__make_no_room_for_what_is_only_stated(count):
    # The reader would ask for 24 bytes for each, and the process would end.
    stated = changed(SMALL, "xl/sharedStrings.xml", b'uniqueCount="4"', b'uniqueCount="%b"' % count)
    with pytest.raises(InputError, match="more than 4,000,000 texts"):
        read(stated)


def test_workbook_rows__read_no_entities(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("the contents of a file")
    doctype = f'<!DOCTYPE x [<!ENTITY f SYSTEM "{secret.as_uri()}">]><sst '.encode()
    trap = changed(SMALL, "xl/sharedStrings.xml", b"<sst ", doctype)
    with pytest.raises(InputError, match="entities"):
        read(trap)
    wide = changed(SMALL, "xl/sharedStrings.xml", b"<?xml", b"\xff\xfe<?xml")
    with pytest.raises(InputError, match="wide encoding"):
        read(wide)


def test_workbook_rows__say_that_a_file_is_damaged():
    for raw in (SMALL[:2_000], SMALL[:-30], b"PK\x03\x04" + b"x" * 200):
        with pytest.raises(InputError, match="damaged"):
            read(raw)
    with pytest.raises(InputError, match="damaged"):
        read(changed(SMALL, "xl/workbook.xml", b"<sheets>", b"<"))


def test_workbook_rows__need_a_workbook():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("list.csv", BASE58)
    with pytest.raises(InputError, match="no Excel workbook"):
        read(stream.getvalue())
    with pytest.raises(InputError, match="no visible sheet holds anything"):
        read(workbook())


def test_workbook_rows__have_at_most_200_columns():
    with pytest.raises(InputError, match="more than 200 columns"):
        read(workbook(("address", *range(200)), (BASE58,)))
