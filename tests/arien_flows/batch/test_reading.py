import codecs
import contextlib
import csv
import io
import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.batch.reading import ReadingOptions, read_table
from arien_flows.batch.rows import LARGEST_TABLE, MOST_ROWS, REMOVED, InputTable
from arien_flows.errors import InputError
from arien_flows.shapes import plain, shaped
from chains.detect.base58 import encode_checked
from tests.arien_flows.batch.samples import (
    BASE58,
    ETHER,
    MINI,
    PHRASE,
    SCRIPT,
    SECRETS,
    TXID,
    WIF,
    WITNESS,
    XPRV,
)

KNOWN = (BASE58, SCRIPT, WITNESS, ETHER)


def read(text: str | bytes, **options: object) -> InputTable:
    raw = text.encode() if isinstance(text, str) else text
    return read_table(raw, "list.csv", options=ReadingOptions(**options))  # type: ignore[arg-type]


def subjects(table: InputTable) -> list[str]:
    return [row.subject for row in table.rows]


# --- dialects and encodings

NOTES = st.text(
    st.characters(codec="cp1252", exclude_characters="\0", exclude_categories=["Cc"])
    | st.sampled_from(',;\t|"\r\n '),
    max_size=12,
).filter(lambda text: len(text.split()) < 8)


@given(
    rows=st.lists(st.tuples(st.sampled_from(KNOWN), NOTES, NOTES), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_read_table__reads_back_what_a_spreadsheet_wrote(rows, delimiter, end, encoding, quoting):
    stream = io.StringIO()
    if end != "\r\n":
        # The library leaves the other end of a line without quotation marks.
        quoting = csv.QUOTE_ALL
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(["Adresse", "Bemerkung", "Farbe"])
    writer.writerows(rows)
    table = read(stream.getvalue().encode(encoding))
    assert [row.cells for row in table.rows] == rows
    assert (table.faults, table.delimiter) == ((), delimiter)
    assert table.encoding.startswith(encoding[:5].replace("cp125", "")[:5]) or encoding == "cp1252"


@given(st.lists(st.sampled_from(KNOWN), min_size=1, max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_read_table__reads_a_list(addresses, end):
    table = read(end.join(addresses))
    assert [row.cells for row in table.rows] == [(each,) for each in addresses]
    assert (table.format, table.has_header, table.header) == ("text", False, ("address",))


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_read_table__answers_or_says_what_is_wrong(raw):
    try:
        table = read(raw)
    except InputError:
        return
    numbers = [row.number for row in table.rows] + [fault.row for fault in table.faults]
    assert numbers
    assert len(set(numbers)) == len(numbers)


def test_read_table__says_that_it_read_windows_1252():
    table = read(f"Adresse;Notiz\n{BASE58};M\u00fcller\n".encode("cp1252"))
    assert table.rows[0].note == "M\u00fcller"
    assert table.encoding == "windows-1252"
    assert any("Windows-1252" in each for each in table.remarks)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_read_table__reads_wide_encodings_by_their_marks(encoding):
    mark = {
        "utf-16-le": codecs.BOM_UTF16_LE,
        "utf-16-be": codecs.BOM_UTF16_BE,
        "utf-32-le": codecs.BOM_UTF32_LE,
        "utf-32-be": codecs.BOM_UTF32_BE,
    }[encoding]
    table = read(mark + f"address\tnote\n{BASE58}\t\u4ea4\n".encode(encoding))
    assert (table.rows[0].note, table.encoding, table.format) == ("\u4ea4", encoding, "tsv")


def test_read_table__obeys_the_line_that_excel_writes():
    table = read(f"sep=;\r\naddress;note\r\n{BASE58};a,b\r\n")
    assert table.rows[0].note == "a,b"
    assert table.rows[0].number == 2


def test_read_table__keeps_an_unclosed_mark_from_swallowing_rows():
    table = read(f'address,note\n{BASE58},"open\n{SCRIPT},b\n{WITNESS},"x, y"\n')
    assert subjects(table) == [BASE58, SCRIPT, WITNESS]
    assert table.rows[0].note == '"open'
    assert "a quotation mark is not closed in row 2: it was read as a character" in table.remarks


# --- headers and columns


@pytest.mark.parametrize(
    "header",
    ["address", "ADDRESS", "Wallet Address", "Direcci\u00f3n", "Adresse", "addr", "BTC-Adresse",
     "portefeuille", "txid", "Transaktions-ID"],
)  # fmt: skip
def test_read_table__knows_columns_by_their_names(header):
    assert subjects(read(f"Farbe;{header}\nrot;{BASE58}\n")) == [BASE58]


def test_read_table__understands_every_column():
    table = read(
        "Adresse;Netzwerk;Aktenzeichen;Bezeichnung;Bemerkung;Richtung;von;bis;Mindestbetrag;Schritte"
        f";Methode;Farbe\n{BASE58};BTC;12 Js 3/26;A;B;r\u00fcckw\u00e4rts;2025-01-01;2025-12-31"
        ";0.5BTC;4;FIFO;rot\n"
    )
    row = table.rows[0]
    assert (row.network, row.case_ref, row.label, row.note) == ("bitcoin", "12 Js 3/26", "A", "B")
    assert (row.direction, row.method, row.max_hops) == ("backward", "fifo", 4)
    assert row.since == datetime(2025, 1, 1, tzinfo=UTC)
    assert row.until == datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert row.min_value == 50_000_000
    assert "columns carried through unchanged: Farbe" in table.remarks


def test_read_table__finds_the_column_by_its_cells():
    table = read(f"Nr.,Konto\n1,{BASE58}\n2,{SCRIPT}\n")
    assert subjects(table) == [BASE58, SCRIPT]
    assert table.header == ("Nr.", "Konto")


def test_read_table__needs_no_header():
    table = read(f"1;{BASE58};x\n2;{BASE58[:-1]}U;y\n")
    assert table.header == ("column_1", "address", "column_3")
    assert [row.number for row in table.rows] == [1]
    assert [(fault.row, fault.code) for fault in table.faults] == [(2, "checksum")]


def test_read_table__passes_a_title_over():
    table = read(f"Report of 2026,\n,\naddress,note\n{BASE58},x\n")
    assert [row.number for row in table.rows] == [4]
    assert any("above the header" in each for each in table.remarks)


@pytest.mark.parametrize("column", ["Ziel", "ziel", "3"])
def test_read_table__takes_the_column_that_is_named(column):
    table = read(f"Quelle,x,Ziel\n{BASE58},1,{SCRIPT}\n", address_column=column)
    assert subjects(table) == [SCRIPT]


def test_read_table__takes_the_network_column_that_is_named():
    table = read(f"address,what\n{ETHER},BTC\n", network_column="what")
    assert [fault.code for fault in table.faults] == ["network_mismatch"]


@pytest.mark.parametrize("column", ["Farbe", "4", "0", ""])
def test_read_table__refuses_a_column_that_is_not_there(column):
    with pytest.raises(InputError, match=r"names no column|no column holds"):
        read(f"a,b,address\n1,2,{BASE58}\n", address_column=column)


def test_read_table__guesses_nothing_where_two_columns_may_be_meant():
    with pytest.raises(InputError, match=r"columns 1 and 2 may both be the address"):
        read(f"wallet,addr\n{BASE58},{SCRIPT}\n")


def test_read_table__carries_addresses_in_from_and_to_through():
    table = read(f"Txhash,From,To\n0x{TXID},{ETHER},{ETHER}\n")
    assert subjects(table) == [f"0x{TXID}"]
    assert table.rows[0].since is None


def test_read_table__takes_no_currency_for_a_network():
    assert subjects(read(f"address,currency\n{BASE58},EUR\n")) == [BASE58]
    assert subjects(read(f"address,currency\n{BASE58},BTC\n")) == [BASE58]


# --- rows


def test_read_table__answers_every_row():
    table = read(
        f"address,from,to,note\n{BASE58},,,ok\n,,,no address\n\n"
        f"{SCRIPT},2026-02-01,2026-01-01,late\n{WITNESS},,,a,b\n{BASE58[:-1]},tomorrow,,two\n{WITNESS}\n"
    )
    assert [row.number for row in table.rows] == [2, 8]
    assert [(fault.row, fault.code) for fault in table.faults] == [
        (3, "empty"), (5, "bad_value"), (6, "too_many_cells"), (7, "checksum"),
    ]  # fmt: skip
    assert table.faults[2].cells == (WITNESS, "", "", "a, b")
    assert "from: " in table.faults[3].detail
    assert any("row 8" in each and "fewer cells" in each for each in table.remarks)


def test_read_table__sees_what_nobody_sees():
    table = read(f"address,note\n\u200b{BASE58}\u00a0,x\n{SCRIPT},y\n")
    assert subjects(table) == [BASE58, SCRIPT]
    assert "invisible characters were passed over in row 2" in table.remarks
    assert table.rows[0].cells[0] == f"\u200b{BASE58}\u00a0"


def test_read_table__passes_comments_of_a_list_over():
    table = read(f"# seized on 1 March\n{BASE58}\n# more\n{SCRIPT}\n", input_format="text")
    assert [row.number for row in table.rows] == [2, 4]
    assert "2 lines that begin with # were taken for comments" in table.remarks


def test_read_table__says_that_a_spreadsheet_rounded():
    table = read(f"address,note\n1.23457E+17,x\n{BASE58},y\n")
    assert [fault.code for fault in table.faults] == ["rounded_number"]


def test_read_table__is_kept_and_read_back():
    table = read(f"address,from\n{BASE58},2025-01-01\nnonsense,\n")
    kept = json.loads(json.dumps(plain(table)))
    assert shaped(InputTable, kept) == table


# --- errors.csv


def test_read_table__takes_corrected_errors_back():
    table = read(
        f"row,address,note,row,error_code,error_detail,suggestion\n9,{BASE58},'=1+1,4,checksum,x,\n"
    )
    assert table.header == ("row", "address", "note")
    assert table.rows[0].cells == ("9", BASE58, "=1+1")


# --- secrets


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "shape",
    [
        "{}",
        "address\n{}\n",
        "address,note\n{},x\n",
        "address,note\n1BoatSLRHtKNngkdXEeobR76b53LETtpyT,the key: {} !\n",
        "note,address\n{},1BoatSLRHtKNngkdXEeobR76b53LETtpyT\n",
        "address,private key\n1BoatSLRHtKNngkdXEeobR76b53LETtpyT,{}\n",
        "address,n\n1BoatSLRHtKNngkdXEeobR76b53LETtpyT,1,{}\n",
        "bitcoin:1BoatSLRHtKNngkdXEeobR76b53LETtpyT?label={}\n",
        '"{}"\n1BoatSLRHtKNngkdXEeobR76b53LETtpyT\n',
        "{}\taddress\nx\t1BoatSLRHtKNngkdXEeobR76b53LETtpyT\n",
    ],
)
def test_read_table__keeps_no_secret(secret, shape):
    try:
        shown = repr(read(shape.format(secret)))
    except InputError as error:
        shown = repr(error)
    assert secret not in shown
    assert not any(part in shown for part in secret.split() if len(part) > 9)


@pytest.mark.parametrize(
    "secret", [*SECRETS, WIF[:-1], WIF.replace("K", "k", 1) + "x", f"{WIF[:20]} {WIF[20:]}",
               f"\u200b{WIF}", PHRASE.title(), XPRV[:-3]]
)  # fmt: skip
def test_read_table__refuses_a_secret_for_an_address(secret):
    table = read(f"address;note\n{secret};x\n{BASE58};y\n")
    assert [(fault.code, fault.cells) for fault in table.faults] == [
        ("private_key", (REMOVED, "x"))
    ]
    assert subjects(table) == [BASE58]


def test_read_table__takes_64_digits_for_a_key_where_something_says_so():
    said = read(f"address,note\n{TXID},his private key\n")
    assert [fault.code for fault in said.faults] == ["private_key"]
    assert TXID not in repr(said)
    column = read(f"address,PrivKey hex\n{BASE58},{TXID}\n")
    assert TXID not in repr(column)
    plain_ids = read(f"address,note\n{TXID},paid\n")
    assert [row.kind for row in plain_ids.rows] == ["transaction"]


def test_read_table__says_where_a_secret_stood():
    table = read(f"address,note\n{BASE58},{MINI}\n")
    assert table.rows[0].remarks == ("a secret was removed from column 2",)
    assert "private keys or seed phrases were removed from row 2" in table.remarks


# --- limits


def test_read_table__has_limits_that_it_names():
    with pytest.raises(InputError, match=r"has 10,000,001 bytes, .* at most 10,000,000"):
        read(b"a" * (LARGEST_TABLE + 1))
    with pytest.raises(InputError, match=r"has 10,001 rows, .* at most 10,000"):
        read(f"{BASE58}\n" * (MOST_ROWS + 1))
    with pytest.raises(InputError, match="has 12,345 rows"):
        read("address\n" + "\n".join(["x"] * 12_344))
    with pytest.raises(InputError, match="more than 200 columns"):
        read("address" + "," * 1_000_000 + "\n" + BASE58)


def test_read_table__refuses_what_is_no_table():
    for raw, words in (
        (b"", "holds nothing"),
        (b" \n\r\n", "holds nothing"),
        (b"address\n", "a header and no rows"),
        (b"%PDF-1.7", "a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old or encrypted workbook"),
        (f"address\n{BASE58}\0".encode(), "NUL"),
        (b"\xff\xfea", "utf-16-le"),
        (b"colour,size\nred,2\n", "no column holds addresses"),
    ):
        with pytest.raises(InputError, match=words):
            read(raw)


def test_read_table__says_that_a_cell_is_too_long():
    table = read(f"address,note\n{BASE58},{'x' * 40_000}\n")
    assert [fault.code for fault in table.faults] == ["cell_too_long"]
    assert table.faults[0].cells == (BASE58, "[cell of 40,000 characters removed]")


@pytest.mark.parametrize("piece", ['"', '""', '",', ',"', '"a', '\n"', "a" * 50, ","])
def test_read_table__takes_no_longer_for_hostile_quotes(piece):
    raw = "address,note\n" + piece * (150_000 // len(piece))
    begun = time.process_time()
    with contextlib.suppress(InputError):
        read(raw)
    # To look at every mark once for each mark takes minutes.
    assert time.process_time() - begun < 20


def test_read_table__reads_ten_thousand_rows():
    addresses = [encode_checked(b"\0" + number.to_bytes(20, "big")) for number in range(MOST_ROWS)]
    table = read("address\n" + "\n".join(addresses))
    assert subjects(table) == addresses
