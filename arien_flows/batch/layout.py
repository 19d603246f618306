"""Where a table names its columns, and which column says what.

The first row that names a column of addresses or transactions is the header; what stands above it
is a title. A table whose cells look like addresses before any such name comes has no header, or
one in words that nobody knows: then the column in which most addresses stand is the one. Where two
columns may be meant, nothing is guessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from arien_flows.batch.cleaning import clean, is_secret_subject
from arien_flows.batch.columns import FIELDS, error_places, meaning_of, names_secrets, plain_name
from arien_flows.batch.dialects import LOOKED_AT, PREAMBLE, looks_like_subject
from arien_flows.batch.grid import Record
from arien_flows.batch.rows import REMOVED
from arien_flows.batch.subjects import Refusal, named_network
from arien_flows.errors import InputError

_MAY_BE_MONEY = frozenset(
    {"coin", "currency", "crypto", "waehrung", "wahrung", "monnaie", "devise", "moneda"}
)
"""Names of columns that hold networks in some tables, and currencies in others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the columns of a table say."""

    first: int
    """Place of the first row of the table, among those that are not blank."""

    has_header: bool
    names: tuple[str, ...]
    """A name for every column."""

    header: tuple[str, ...]
    """The names of those that are carried through."""

    kept: tuple[int, ...]
    """Places of those columns."""

    width: int
    """Columns of the table."""

    places: dict[str, int]
    """What a row may say, as `FIELDS` names it -> the place of the column that says it."""

    secret: frozenset[int]
    """Places of columns whose names say that they hold secrets."""

    is_errors: bool
    """The table is an `errors.csv`, so that its cells may have an apostrophe in front."""

    remarks: tuple[str, ...]


def layout_of(
    records: Sequence[Record],
    name: str,
    networks: Sequence[str],
    address_column: str | None,
    network_column: str | None,
) -> Layout:
    """Return what the columns of a table say; `InputError` where no column is that of addresses."""
    at, has_header = _header_place(records, name, address_column)
    first = at + has_header
    body = records[first : first + LOOKED_AT]
    width = max(len(record.cells) for record in (records[at], *body))
    named = records[at].cells if has_header else ()
    width = len(named) if has_header else width
    remarks = [f"what stands above the header in row {records[at].number} was not read"] * (at > 0)
    places = _known(named, remarks) if has_header else {}
    added = error_places(named)
    if added:
        remarks.append("the columns that errors.csv adds were left out")
    for meaning in [meaning for meaning, place in places.items() if place in added]:
        del places[meaning]
    _drop_what_is_no_date(places, named, body, remarks)
    _drop_money(places, named, body, networks)
    _set_address(places, named, width, body, name, address_column, remarks)
    if network_column is not None:
        places["chain"] = _column(network_column, named, width, name, "--network-col")
    kept = tuple(place for place in range(width) if place not in added)
    names = _names(named, width, places)
    return Layout(
        first=first,
        has_header=has_header,
        names=tuple(names),
        header=tuple(names[place] for place in kept),
        kept=kept,
        width=width,
        places=places,
        secret=frozenset(i for i, column in enumerate(named) if names_secrets(column)),
        is_errors=bool(added),
        remarks=tuple(remarks),
    )


def _header_place(
    records: Sequence[Record], name: str, address_column: str | None
) -> tuple[int, bool]:
    """Return the place of the header, or that of the first row and that there is none."""
    wanted = plain_name(address_column or "")
    index = int(wanted) - 1 if wanted.isdecimal() and len(wanted) < 4 else None
    for place, record in enumerate(records[: PREAMBLE + 1]):
        if any(meaning_of(cell) in ("address", "txid") for cell in record.cells):
            return place, True
        if wanted and any(plain_name(cell) == wanted for cell in record.cells):
            return place, True
        if any(map(looks_like_subject, record.cells)):
            # What stands above the first address names the columns, in words of its own.
            return (place - 1, True) if place else (0, False)
        if index is not None and place == 0 and index < len(record.cells) and len(records) > 1:
            return 0, True
    raise InputError(
        f"{name}: no column holds addresses or transactions: name the column in the first row "
        "`address`, or say which it is with --address-col NAME or its number from 1"
    )


def _known(named: Sequence[str], remarks: list[str]) -> dict[str, int]:
    """Return which column says what; of several, the one with the plainest name."""
    found: dict[str, list[int]] = {}
    for place, column in enumerate(named):
        meaning = meaning_of(column)
        if meaning is not None:
            found.setdefault(meaning, []).append(place)
    chosen = {}
    for meaning, places in found.items():
        names = FIELDS[meaning]
        best = min(places, key=lambda place: names.index(plain_name(named[place])))
        chosen[meaning] = best
        if len(places) > 1 and meaning not in ("address", "txid"):
            remarks.append(
                f"of {len(places)} columns for {meaning}, column {best + 1} was read; the others "
                "were carried through"
            )
    return chosen


def _drop_what_is_no_date(
    places: dict[str, int], named: Sequence[str], body: Sequence[Record], remarks: list[str]
) -> None:
    """Carry columns through that are called `from` or `to` and hold addresses, as explorers do."""
    for meaning in ("from", "to"):
        place = places.get(meaning)
        if place is not None and any(looks_like_subject(_cell(each, place)) for each in body):
            remarks.append(
                f"column {place + 1} ({clean(named[place])}) holds addresses, so it was carried "
                "through and not read as a date"
            )
            del places[meaning]


def _drop_money(
    places: dict[str, int], named: Sequence[str], body: Sequence[Record], networks: Sequence[str]
) -> None:
    """Carry a column through that holds currencies, not networks."""
    place = places.get("chain")
    if place is None or plain_name(named[place]) not in _MAY_BE_MONEY:
        return
    words = [clean(_cell(record, place)) for record in body]
    networks_named = [named_network(word, networks) for word in words if word]
    if all(isinstance(each, Refusal) and each.code == "bad_value" for each in networks_named):
        del places["chain"]


def _set_address(
    places: dict[str, int],
    named: Sequence[str],
    width: int,
    body: Sequence[Record],
    name: str,
    address_column: str | None,
    remarks: list[str],
) -> None:
    """Find the column of addresses, and write its place into `places`."""
    if address_column is not None:
        places["address"] = _column(address_column, named, width, name, "--address-col")
        for meaning in [m for m, place in places.items() if place == places["address"]]:
            if meaning != "address":
                del places[meaning]
        return
    several = [i for i, column in enumerate(named) if meaning_of(column) == "address"]
    plain = [i for i in several if plain_name(named[i]) == "address"]
    if len(several) > 1 and len(plain) != 1:
        raise InputError(
            f"{name}: columns {' and '.join(str(i + 1) for i in several)} may both be the address: "
            "say which it is with --address-col and its number"
        )
    if several or "txid" in places:
        return
    counts = [
        sum(looks_like_subject(_cell(record, place)) for record in body) for place in range(width)
    ]
    best = max(range(width), key=lambda place: (counts[place], -place), default=0)
    if not counts or not counts[best]:
        raise InputError(
            f"{name}: no column holds addresses: say which it is with --address-col NAME or its "
            "number from 1"
        )
    places["address"] = best
    if named:
        remarks.append(
            f"column {best + 1} was taken for the addresses, because of what stands in it"
        )


def _column(wanted: str, named: Sequence[str], width: int, name: str, option: str) -> int:
    """Return the place of a column that the caller names, or counts from 1."""
    found = [i for i, column in enumerate(named) if clean(column) == clean(wanted)] or [
        i for i, column in enumerate(named) if plain_name(column) == plain_name(wanted) != ""
    ]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        raise InputError(
            f"{name}: {len(found)} columns are called {wanted!r}: give {option} the number of one"
        )
    if wanted.strip().isdecimal() and 1 <= int(wanted.strip()[:9]) <= width:
        return int(wanted.strip()) - 1
    has = "no header" if not named else f"{width} columns and none of that name"
    raise InputError(
        f"{name}: {option} {wanted!r} names no column: the table has {has}; give a number "
        f"from 1 to {width}"
    )


def _names(named: Sequence[str], width: int, places: dict[str, int]) -> list[str]:
    names = []
    for place in range(width):
        shown = clean(named[place]) if place < len(named) else ""
        if shown and is_secret_subject(shown, ()):
            shown = REMOVED
        if not shown:
            shown = "address" if place == places.get("address") else f"column_{place + 1}"
        names.append(shown)
    return names


def _cell(record: Record, place: int) -> str:
    return record.cells[place] if place < len(record.cells) else ""
