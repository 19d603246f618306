"""Files of prices: what is read from them, what is refused, and that nothing gets lost."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.errors import InputError
from arien_flows.prices.reading import PriceDocument, moment_of, price_of, read_prices

NOW = datetime(2026, 11, 23, tzinfo=UTC)
MARCH = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp())
DAY = 86_400


def read(text: str | bytes, **changes: Any) -> PriceDocument:
    raw = text.encode() if isinstance(text, str) else text
    fields = {"asset": "BTC", "currency": "EUR", "now": NOW} | changes
    return read_prices(raw, "prices.csv", **fields)


def points(document: PriceDocument) -> dict[int, str]:
    return dict(zip(document.times, document.prices, strict=True))


# --- times and prices


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2024-03-01", MARCH),
        (" 2024-03-01 ", MARCH),
        ("2024-03-01T12:30", MARCH + 45_000),
        ("2024-03-01 12:30:15", MARCH + 45_015),
        ("2024-03-01T12:30:15.999", MARCH + 45_015),
        ("2024-03-01T12:30:15Z", MARCH + 45_015),
        ("2024-03-01 12:30:15 UTC", MARCH + 45_015),
        ("2024-03-01T12:30:15+02:00", MARCH + 45_015 - 7_200),
        ("2024-03-01T12:30:15-0130", MARCH + 45_015 + 5_400),
        (str(MARCH), MARCH),
        (f"{MARCH}.0", MARCH),
        (f"{MARCH}999", MARCH),
        (f"{MARCH}000.0", MARCH),
    ],
)
def test_moment__of_what_sources_write(text: str, seconds: int):
    assert moment_of(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "March", "01/03/2024", "03-01-2024", "20240301", "2024-02-30", "2024-03-01T25:00",
     "1889-01-01", "2101-01-01", "12345", "-1709251200", "\u0662024-03-01", "2024-03-01T12"],
)  # fmt: skip
def test_moment__refuses_what_is_no_time_or_could_be_two(text: str):
    with pytest.raises(ValueError, match="is not a time"):
        moment_of(text)


@given(st.integers(-(10**15), 10**15), st.integers(0, 12))
def test_price__keeps_every_digit(digits: int, decimals: int):
    price = Decimal(digits).scaleb(-decimals)
    if price <= 0:
        with pytest.raises(ValueError, match="not above zero"):
            price_of(f"{price:f}")
    else:
        read_back = price_of(f"{price:f}")
        assert Decimal(read_back) == price
        assert (
            read_back
            == price_of(f"{price:e}")
            == price_of(f"+{price:f}000" if decimals else read_back)
        )
        assert not read_back.endswith(".")


@pytest.mark.parametrize(
    "text", ["1,234.5", "1.234,5", "$5", "5 EUR", "0x10", "inf", "1e", "٣", "1_000", "1e99", "--5"]
)
def test_price__refuses_what_could_mean_something_else(text: str):
    with pytest.raises(ValueError, match=r"is not a number|has more than 30 digits"):
        price_of(text)


# --- CSV


def test_csv__of_days():
    document = read(
        "Date,Open,High,Low,Close,Volume\n2024-03-01,1,9,1,57643.10,5\n2024-03-02,1,9,1,57000,5\n"
    )
    assert points(document) == {MARCH: "57643.1", MARCH + DAY: "57000"}
    assert (document.column, document.media_type) == ("Close", "text/csv")
    assert (document.faults, document.absent, document.repeated) == ((), 0, 0)


def test_csv__of_an_exporter_labels_days_by_their_beginning():
    document = read(
        "timeOpen;timeClose;timeHigh;timeLow;name;open;high;low;close;volume;marketCap;timestamp\n"
        "2024-03-01T00:00:00.000Z;2024-03-01T23:59:59.999Z;a;b;2781;1;9;1;62440.63;5;6;"
        "2024-03-01T23:59:59.999Z\n"
    )
    assert points(document) == {MARCH: "62440.63"}


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("date,close", "close"),
        ("date,CLOSE,open", "CLOSE"),
        ("timestamp,Price", "Price"),
        ("snapped_at,price,market_cap", "price"),
        ("Date,Weighted Price", "Weighted Price"),
        ("time,price_eur,price_usd", "price_eur"),
        ("time,USD,EUR", "EUR"),
        ("open_time,close (EUR)", "close (EUR)"),
        ("unix;rate", "rate"),
        ("day\tvwap", "vwap"),
    ],
)
def test_csv__the_column_of_prices_is_known_by_its_name(header: str, column: str):
    separator = next(sign for sign in ",;\t" if sign in header)
    titles = header.split(separator)
    row = ["2024-03-01"] + ["7" if title == column else "x" for title in titles[1:]]
    document = read(f"{header}\n{separator.join(row)}\n")
    assert (document.column, document.prices) == (column, ("7",))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("date,close_usd", "has no column that is called a price"),
        (
            "date,open,high",
            r"no column that is called a price: choose one of date, open, high with",
        ),
        ("date,close,price", r"has several columns of prices \(close, price\)"),
        ("date,Close,Weighted Price", "several columns of prices"),
        ("a,close", "has no line that names its columns"),
        ("2024-03-01,5", "has no line that names its columns"),
    ],
)
def test_csv__that_leaves_a_choice_asks_for_it(header: str, message: str):
    with pytest.raises(InputError, match=message):
        read(f"{header}\n2024-03-01,5,6\n")


def test_csv__the_named_column_is_read():
    text = "date,open,close,\n2024-03-01,5,6,\n"
    assert read(text, column="open").prices == ("5",)
    with pytest.raises(InputError, match="has no column 'Open'; it has date, open, close"):
        read(text, column="Open")


def test_csv__with_lines_before_its_header_names_lines_of_the_file():
    document = read(
        'https://www.example.org\n"a, note"\r\ndate,close\r\n2024-03-01,5\r\n\r\n2024-03-02,x\r\n'
    )
    assert points(document) == {MARCH: "5"}
    assert [(row.line, row.text) for row in document.faults] == [(6, "x")]


def test_csv__rows_that_cannot_be_used_are_named_and_the_others_read():
    document = read(
        'date,close\n2024-03-01,5\n2024-02-30,5\n2024-03-02,-1\n2024-03-03,0.00\n2024-03-04,"1,5"\n'
        "2024-03-05\nyesterday,5\n2026-11-25,5\n2024-03-06,6\n"
    )
    assert points(document) == {MARCH: "5", MARCH + 5 * DAY: "6"}
    assert [(row.line, row.text, row.fault.partition(":")[0]) for row in document.faults] == [
        (3, "2024-02-30", "is not a time of any calendar"),
        (4, "-1", "is not a price"),
        (5, "0.00", "is not a price"),
        (6, "1,5", "is not a number with a point before its decimals"),
        (7, "2024-03-05", "stands in a row with too few cells"),
        (8, "yesterday", "is not a time"),
        (9, "2026-11-25", "lies in the future"),
    ]


@pytest.mark.parametrize("text", ["N/A", "", "null", "NaN", "-", "None", "n/a"])
def test_csv__a_row_without_a_price_is_a_gap_and_no_fault(text: str):
    document = read(f"date,close\n2024-03-01,5\n2024-03-02,{text}\n")
    assert (points(document), document.absent, document.faults) == ({MARCH: "5"}, 1, ())


def test_csv__that_says_a_thing_again_is_read_and_one_that_contradicts_itself_refused():
    again = read("date,close\n2024-03-01,5\n2024-03-01T00:00Z,5.0\n")
    assert (points(again), again.repeated) == ({MARCH: "5"}, 1)
    with pytest.raises(InputError, match="two prices for 2024-03-01: 5 in line 2 and 6 in line 4"):
        read("date,close\n2024-03-01,5\n2024-03-02,5\n2024-03-01,6\n")


def test_csv__in_no_order_is_sorted():
    document = read("date,close\n2024-03-03,3\n2024-03-01,1\n2024-03-02,2\n")
    assert document.prices == ("1", "2", "3")
    assert document.times == (MARCH, MARCH + DAY, MARCH + 2 * DAY)


def test_csv__of_many_currencies_states_what_one_euro_is():
    text = "Date,USD,JPY,GBP,CHF,CAD,\n2024-03-01,1.0813,N/A,0.855,0.9565,1.4683,\n"
    document = read(text, asset="EUR", currency="USD")
    assert (document.column, document.prices) == ("USD", ("1.0813",))
    for currency in ("USD", "EUR", "GBP"):
        with pytest.raises(InputError, match=r"what one euro is .* --asset EUR"):
            read(text, currency=currency)
    with pytest.raises(InputError, match="no price that can be used"):
        read(text, asset="EUR", currency="JPY")


def test_file__that_is_something_else_is_refused():
    for raw, message in (
        (b"\xff\xfe", "is not text in UTF-8"),
        (b"", "no line that names its columns"),
        (b"date,close\n", "holds no price that can be used"),
        (b"date,close\nx,5\n", "holds no price that can be used: line 2, 'x' is not a time"),
        (b"{", "is not JSON"),
        (b'{"prices": [[1, 2]]}', "is not JSON by time"),
        (b"{}", "holds no price"),
        (b"date,close\n2024-03-01," + b"9" * 200_000, "is not CSV: line 2"),
    ):
        with pytest.raises(InputError, match=message):
            read(raw)


@pytest.mark.parametrize(
    ("name", "asset", "currency", "is_refused"),
    [
        ("cryptocompare_BTC-USD_hours.csv", "BTC", "EUR", True),
        ("cryptocompare_BTC-USD_hours.csv", "BTC", "USD", False),
        ("BTCUSD.csv", "BTC", "EUR", True),
        ("btceur-1d.csv", "BTC", "EUR", False),
        ("btc_daily_usd_eur.csv", "BTC", "EUR", False),
        ("btc_daily_usd_eur.csv", "BTC", "GBP", True),
        ("eur-usd.csv", "EUR", "USD", False),
        ("eur-usd.csv", "EUR", "GBP", True),
        ("prices.csv", "BTC", "EUR", False),
        ("ecb_eurofxref-hist.csv", "EUR", "USD", False),
    ],
)
def test_file__that_is_named_after_another_currency_is_refused(name, asset, currency, is_refused):
    raw = b"date,close\n2024-03-01,5\n"
    if not is_refused:
        assert read_prices(raw, name, asset=asset, currency=currency, now=NOW).prices == ("5",)
        return
    with pytest.raises(InputError, match=f"is named after .*, not after {currency}"):
        read_prices(raw, name, asset=asset, currency=currency, now=NOW)
    named = read_prices(raw, name, asset=asset, currency=currency, column="close", now=NOW)
    assert named.prices == ("5",)


def test_file__that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("arien_flows.prices.reading.MAX_BYTES", 10)
    with pytest.raises(InputError, match="at most 10"):
        read("date,close\n2024-03-01,5\n")


@given(
    st.dictionaries(
        st.integers(631_152_000, 1_700_000_000),
        st.decimals(min_value="0.000000000001", max_value=10**12, places=12),
        min_size=1,
    ),
    st.randoms(use_true_random=False),
    st.sampled_from([",", ";", "\t"]),
)
def test_csv__gives_back_what_was_written(prices: dict[int, Decimal], random: Any, sign: str):
    rows = list(prices.items())
    random.shuffle(rows)
    written = io.StringIO()
    writer = csv.writer(written, delimiter=sign)
    writer.writerow(["volume", "timestamp", "close"])
    writer.writerows(["7", str(time * 1_000), f"{price:f}"] for time, price in rows)
    document = read(written.getvalue())
    assert {time: Decimal(price) for time, price in points(document).items()} == prices
    assert list(document.times) == sorted(prices)


# --- JSON


def test_json__by_time():
    document = read(
        '\ufeff{"2024-03-01": "57643.10", "2024-03-02": 57000.5, "2024-03-03": 1e3,'
        '"2024-03-04": null}'
    )
    assert points(document) == {MARCH: "57643.1", MARCH + DAY: "57000.5", MARCH + 2 * DAY: "1000"}
    assert (document.column, document.media_type, document.absent) == (
        "value",
        "application/json",
        1,
    )


def test_json__keeps_digits_that_a_float_loses():
    text = json.dumps({"2024-03-01": 0})[:-2] + "0.1234567890123456789}"
    assert read(text).prices == ("0.1234567890123456789",)


def test_json__a_time_that_stands_there_twice_does_not_get_lost():
    with pytest.raises(InputError, match="two prices for 2024-03-01: 5 in line 1 and 6 in line 2"):
        read('{"2024-03-01": 5, "2024-03-01": 6}')


def test_json__has_no_columns():
    with pytest.raises(InputError, match="leave out --column"):
        read('{"2024-03-01": 5}', column="close")


def test_rows__of_today_are_no_future():
    assert read("date,close\n2026-11-23,5\n").prices == ("5",)
    assert read("date,close\n2026-11-23,5\n", now=NOW - timedelta(days=1)).prices == ("5",)
