import csv
import io
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arien_flows.batch.reading import read_table
from arien_flows.batch.rows import RowFault
from arien_flows.batch.tables import write_errors, write_exposure, write_summary, write_transfers
from arien_flows.reports.cells import original_text
from tests.arien_flows.batch.samples import (
    BASE58,
    FACTS,
    SCRIPT,
    exposure_row,
    summary_row,
    transfer_row,
)

TEXTS = st.text(max_size=20) | st.builds(
    str.__add__, st.sampled_from(["=", "+", "-", "@", "\t", "\r", " =", "\uff1d", '"=']), st.text()
)
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d")


def cells_of(path: Path) -> list[list[str]]:
    text = path.read_bytes().decode("utf-8")
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=8, max_size=8))
def test_tables__hold_no_formula(tmp_path, texts):
    first, second, third, *rest = texts
    header = (first, second)
    write_summary(
        tmp_path / "summary.csv",
        header,
        [summary_row(cells=(second, third), tags=(first,), error_detail=third, remarks=(second,))],
    )
    write_exposure(
        tmp_path / "exposure.csv", [exposure_row(category=first, reason=second, asset=third)]
    )
    write_transfers(
        tmp_path / "transfers.csv",
        FACTS,
        [transfer_row(from_label=first, to_label=second, price_source=third)],
    )
    fault = RowFault(
        row=3, cells=(first, second), code="bad_value", detail=third, suggestion=rest[0]
    )
    write_errors(tmp_path / "errors.csv", header, [fault])
    for name in ("summary", "exposure", "transfers", "errors"):
        lines = cells_of(tmp_path / f"{name}.csv")
        assert len({len(line) for line in lines}) == 1
        for cell in (cell for line in lines for cell in line):
            assert not cell.startswith(DANGEROUS)
            assert not cell.lstrip(' "\u00a0').startswith(DANGEROUS[:4])
    told = cells_of(tmp_path / "errors.csv")[1]
    assert [original_text(cell) for cell in told] == [
        first, second, "3", "bad_value", third, rest[0],
    ]  # fmt: skip


def test_write_summary__has_one_line_for_each_row(tmp_path):
    path = tmp_path / "summary.csv"
    rows = [summary_row(2), summary_row(3, status="invalid", received=None, risk=None)]
    assert write_summary(path, ("address", "Status"), rows) == 2
    raw = path.read_bytes()
    assert raw.count(b"\r\n") == 3
    header, first, second = cells_of(path)
    assert header[:4] == ["address", "Status (input)", "row", "status"]
    told = dict(zip(header, first, strict=True))
    assert told["received_base"] == "2099999997690000"
    assert told["received"] == "20999999.97690000"
    assert told["balance"] == "0.00000000"
    assert told["first_seen_utc"] == "2026-01-01T00:00:00Z"
    assert told["exposure_in_categories"] == "exchange 60.00 %"
    assert told["exposure_out_base"] == ""
    forward = [
        int(told[f"forward_{part}_base"])
        for part in ("at_services", "unspent", "other_ends", "fees", "destroyed")
    ]
    assert sum(forward) == int(told["forward_source_base"])
    unknown = dict(zip(header, second, strict=True))
    assert (unknown["received"], unknown["risk_score"]) == ("", "")


def test_write_transfers__has_the_columns_that_are_promised(tmp_path):
    path = tmp_path / "transfers.csv"
    write_transfers(path, FACTS, [transfer_row()])
    header, line = cells_of(path)
    assert header == [
        "run_id", "row", "chain", "txid", "vout", "log_index", "block_height", "block_time_utc",
        "from_address", "from_label", "to_address", "to_label", "asset", "value_base", "value",
        "value_eur", "price_source", "price_time_utc", "hop", "method", "share", "certainty",
        "stop_reason", "direction", "traced_base",
    ]  # fmt: skip
    told = dict(zip(header, line, strict=True))
    assert (told["share"], told["value"], told["log_index"]) == ("0.666666", "0.00000003", "")


def test_write_summary__marks_utf_8_where_it_is_asked_to(tmp_path):
    path = tmp_path / "summary.csv"
    write_summary(path, ("address", "note"), [summary_row()], with_mark=True)
    assert path.read_bytes().startswith(b"\xef\xbb\xbfaddress,")


def test_write_errors__can_be_corrected_and_sent_again(tmp_path):
    path = tmp_path / "errors.csv"
    raw = (
        f"row;Adresse;Notiz\r\n7;{BASE58[:-1]}U;=1+1\r\n8;{SCRIPT};ok\r\n9;hello;'-2\r\n"
        '10;;"a;b\r\nc"\r\n'
    ).encode()
    table = read_table(raw, "list.csv")
    assert write_errors(path, table.header, table.faults) == 3
    again = read_table(path.read_bytes(), "errors.csv")
    assert again.header == table.header
    assert [fault.cells for fault in again.faults] == [fault.cells for fault in table.faults]
    corrected = path.read_bytes().replace(b"hello", SCRIPT.encode())
    assert [row.cells for row in read_table(corrected, "errors.csv").rows] == [("9", SCRIPT, "'-2")]


def test_write_errors__is_this_file(tmp_path):
    path = tmp_path / "errors.csv"
    table = read_table(f"address,note\n{BASE58[:-1]}U,=1\n,x\n".encode(), "list.csv")
    write_errors(path, table.header, table.faults)
    assert path.read_bytes().decode() == (
        "address,note,row,error_code,error_detail,suggestion\r\n"
        "1BoatSLRHtKNngkdXEeobR76b53LETtpyU,'=1,2,checksum,"
        '"the checksum does not match: a character is wrong, missing or too many",\r\n'
        ",x,3,empty,the row names no address and no transaction,\r\n"
    )
