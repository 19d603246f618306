"""Reading prices from files: CSV with a column of times and one of prices, or JSON by time.

What a file says is kept as text until it is a number of exactly those digits. A row that cannot
be used is named with its line, and the others are read. A file that gives two prices for one time
contradicts itself, and is refused. Times without a zone are UTC.

Which column holds the price is taken from its name where one name alone is known to mean it;
where several could be meant, or none, the column has to be named.
"""

import csv
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from arien_flows.errors import InputError
from arien_flows.prices.currencies import currencies_in

MAX_BYTES = 64 << 20
LINES_BEFORE_HEADER = 10
"""Some files begin with lines about where they are from."""

TIME_COLUMNS = (
    "date", "time", "datetime", "timestamp", "unix", "unix timestamp", "unixtime", "day",
    "date utc", "time utc", "open time", "opentime", "time open",
    "timeopen", "snapped at",
)  # fmt: skip
"""Names of columns of times, in lower case and with spaces; the first in the file is read."""

PRICE_COLUMNS = (
    "close", "closing price", "price", "weighted price", "weighted average", "weightedaverage",
    "vwap", "rate",
)  # fmt: skip
"""Names of columns of prices, written in the same way."""

MANY_CURRENCIES = ("USD", "JPY", "GBP", "CHF", "CAD")
"""Columns of a table in which the European Central Bank states what one euro is."""

NO_PRICE = ("", "-", "n/a", "na", "nan", "null", "none")
"""What stands where a source has no price."""

MOST_DIGITS = 30
"""Of a price, before and after the point."""

EARLIEST = int(datetime(1990, 1, 1, tzinfo=UTC).timestamp())
LATEST = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())

_START = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?)? ?(Z|UTC|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_SECONDS = re.compile(r"(\d{9,10})(?:\.\d+)?", re.ASCII)
_MILLISECONDS = re.compile(r"(\d{12,13})(?:\.\d+)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyRow:
    """A row that could not be used."""

    line: int
    """Line of the file, from 1; in JSON the number of the entry."""

    text: str
    """What stands there, shortened."""

    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceDocument:
    """What a file of prices says."""

    sha256: str
    column: str
    media_type: str
    times: tuple[int, ...]
    """Seconds since 1970, ascending, each once; at least one."""

    prices: tuple[str, ...]
    """Of each time, as a plain decimal number without needless zeros."""

    faults: tuple[FaultyRow, ...]
    """In the order of the file."""

    absent: int
    """Rows that state that there is no price."""

    repeated: int
    """Rows that say again what an earlier one says."""


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    time: str
    price: str | None
    """Nothing where the row has too few cells."""


def read_prices(
    raw: bytes, name: str, *, asset: str, currency: str, column: str | None = None, now: datetime
) -> PriceDocument:
    """Read a file of prices.

    Parameters
    ----------
    raw, name
        The file's bytes, and its name for messages.
    asset, currency
        What it is assumed to state: units of the currency for one of the asset. A name that tells
        another currency is an error, unless the column is named.
    column
        The column of prices; needed where its name does not tell.
    now
        Rows later than a day after this are faulty: a misread time is more likely than foresight.

    Raises
    ------
    InputError
        Where it is no file of prices, or contradicts itself; says what to do.
    """
    others = currencies_in(name, asset)
    if column is None and others and currency not in others:
        raise InputError(
            f"{name} is named after {' and '.join(sorted(others))}, not after {currency}: name "
            f"that currency, or rename the file if its prices are in {currency} indeed"
        )
    if len(raw) > MAX_BYTES:
        raise InputError(
            f"{name} has {len(raw):,} bytes, and a file of prices at most {MAX_BYTES:,}"
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not text in UTF-8: save it as UTF-8") from error
    if text.lstrip().startswith("{"):
        rows, used, media_type = _json_rows(text, name, column), "value", "application/json"
    else:
        used, rows = _csv_rows(text, name, asset, currency, column)
        media_type = "text/csv"
    return _document(rows, name, used, media_type, hashlib.sha256(raw).hexdigest(), now)


def moment_of(text: str) -> int:
    """Return a time in seconds since 1970; raises `ValueError` for what is none.

    Read are days (their beginning in UTC), moments with or without a zone (then UTC), and seconds
    or milliseconds since 1970, of which parts of a second are dropped.
    """
    text = text.strip()
    if found := _MOMENT.fullmatch(text):
        day, clock, zone = found.groups()
        zone = "+00:00" if zone in (None, "Z", "UTC") else zone
        try:
            moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{zone}")
        except ValueError:
            raise ValueError("is not a time of any calendar") from None
        seconds = int((moment - _START).total_seconds())
    elif found := _SECONDS.fullmatch(text):
        seconds = int(found[1])
    elif found := _MILLISECONDS.fullmatch(text):
        seconds = int(found[1]) // 1_000
    else:
        raise ValueError("is not a time: 2024-03-01, 2024-03-01T12:00:00Z or seconds since 1970")
    if not EARLIEST <= seconds < LATEST:
        raise ValueError("is not a time between 1990 and 2100")
    return seconds


def price_of(text: str) -> str:
    """Return a price as a plain decimal number; raises `ValueError` for what is none."""
    try:
        price = Decimal(text) if _NUMBER.fullmatch(text) else None
    except InvalidOperation:
        price = None
    if price is None:
        raise ValueError("is not a number with a point before its decimals")
    if price <= 0:
        raise ValueError("is not a price: it is not above zero")
    plain = f"{price:f}"
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    if len(plain) > MOST_DIGITS + 1:
        raise ValueError(f"has more than {MOST_DIGITS} digits")
    return plain


def _document(
    rows: Iterable[_Row], name: str, column: str, media_type: str, sha256: str, now: datetime
) -> PriceDocument:
    latest = int(now.timestamp()) + 86_400
    found: dict[int, tuple[str, int]] = {}
    faults: list[FaultyRow] = []
    absent = repeated = 0
    for row in rows:
        faulty = row.time
        try:
            seconds = moment_of(row.time)
            if seconds > latest:
                raise ValueError("lies in the future")
            if row.price is None:
                raise ValueError("stands in a row with too few cells")
            faulty = row.price.strip()
            if faulty.lower() in NO_PRICE:
                absent += 1
                continue
            price = price_of(faulty)
        except ValueError as error:
            faults.append(FaultyRow(line=row.line, text=_shortened(faulty), fault=str(error)))
            continue
        earlier, line = found.setdefault(seconds, (price, row.line))
        if earlier != price:
            raise InputError(
                f"{name} gives two prices for {row.time.strip()}: {earlier} in line {line} and "
                f"{price} in line {row.line}; leave one of them out"
            )
        repeated += line != row.line
    if not found:
        first = f": line {faults[0].line}, {faults[0].text!r} {faults[0].fault}" if faults else ""
        raise InputError(f"{name} holds no price that can be used{first}")
    times = tuple(sorted(found))
    return PriceDocument(
        sha256=sha256,
        column=column,
        media_type=media_type,
        times=times,
        prices=tuple(found[seconds][0] for seconds in times),
        faults=tuple(faults),
        absent=absent,
        repeated=repeated,
    )


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


# --- JSON


def _json_rows(text: str, name: str, column: str | None) -> Iterable[_Row]:
    if column is not None:
        raise InputError(f"{name} is JSON, which has no columns: leave out --column")
    try:
        # Pairs, since a time that stands there twice must not get lost; numbers as written.
        pairs = json.loads(
            text, object_pairs_hook=tuple, parse_float=str, parse_int=str, parse_constant=str
        )
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{name} is not JSON: {error}") from error
    if not all(isinstance(price, str | None) for _, price in pairs):
        raise InputError(f'{name} is not JSON by time: write {{"2024-03-01": "61168.04", ...}}')
    return (_Row(i, time, price or "") for i, (time, price) in enumerate(pairs, 1))


# --- CSV


def _csv_rows(
    text: str, name: str, asset: str, currency: str, column: str | None
) -> tuple[str, Iterator[_Row]]:
    lines = text.replace("\r\n", "\n").split("\n")
    place, header, delimiter = _header(lines, name)
    time_at = next(i for i, title in enumerate(header) if _plain(title) in TIME_COLUMNS)
    price_at = _price_column(header, name, asset, currency, column)

    def rows() -> Iterator[_Row]:
        reader = csv.reader(lines[place + 1 :], delimiter=delimiter)
        try:
            for cells in reader:
                line = place + 1 + reader.line_num
                if len(cells) > max(time_at, price_at):
                    yield _Row(line, cells[time_at], cells[price_at])
                elif any(cell.strip() for cell in cells):
                    yield _Row(line, cells[time_at] if len(cells) > time_at else "", None)
        except csv.Error as error:
            line = place + 1 + reader.line_num
            raise InputError(f"{name} is not CSV: line {line}: {error}") from error

    return header[price_at].strip(), rows()


def _header(lines: Sequence[str], name: str) -> tuple[int, list[str], str]:
    """Return the place of the first line with a column of times, its cells and what parts them."""
    for place, line in enumerate(lines[:LINES_BEFORE_HEADER]):
        delimiter = max(",;\t", key=line.count)
        cells = next(csv.reader([line], delimiter=delimiter), [])
        if len(cells) > 1 and any(_plain(cell) in TIME_COLUMNS for cell in cells):
            return place, cells, delimiter
    raise InputError(
        f"{name} has no line that names its columns, one of them date, time or timestamp: add it"
    )


def _price_column(
    header: Sequence[str], name: str, asset: str, currency: str, column: str | None
) -> int:
    titles = [title.strip() for title in header]
    if column is not None:
        if titles.count(column) != 1:
            raise InputError(f"{name} has no column {column!r}; it has {', '.join(titles)}")
        return titles.index(column)
    if set(MANY_CURRENCIES) - {currency} <= set(titles) and asset != "EUR":
        raise InputError(
            f"{name} states what one euro is in many currencies: import it with --asset EUR and "
            f"--currency USD (or another column); rates are used in either direction"
        )
    code = currency.lower()
    known = {code, *PRICE_COLUMNS}
    known |= {f"{one} {code}" for one in PRICE_COLUMNS} | {
        f"{one} ({code})" for one in PRICE_COLUMNS
    }
    meant = [i for i, title in enumerate(titles) if _plain(title) in known]
    if len(meant) == 1:
        return meant[0]
    several = ", ".join(titles[i] for i in meant)
    what = f"several columns of prices ({several})" if meant else "no column that is called a price"
    raise InputError(f"{name} has {what}: choose one of {', '.join(titles)} with --column NAME")


def _plain(title: str) -> str:
    return " ".join(title.replace("_", " ").casefold().split())
