"""One row of a table: what it asks, or all that is wrong with it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from arien_flows.batch.cleaning import clean, has_unseen, is_secret_subject, without_keys
from arien_flows.batch.columns import plain_name
from arien_flows.batch.dialects import looks_like_subject, rows_named
from arien_flows.batch.grid import LONGEST_CELL, Record
from arien_flows.batch.layout import Layout
from arien_flows.batch.rows import (
    REMOVED,
    Direction,
    FaultCode,
    InputRow,
    Method,
    RowFault,
)
from arien_flows.batch.subjects import (
    Refusal,
    Subject,
    named_network,
    read_subject,
    suggestion_for,
)
from arien_flows.batch.values import DIRECTIONS, METHODS, BadValue, amount, hops, moment
from arien_flows.reports.cells import original_text

T = TypeVar("T")

MOST_SUGGESTIONS = 100
"""Rows of one table for which it is looked for what may have been meant: each may take two thousand
checksums."""

Fault = tuple[FaultCode, str, str]
"""Code, detail and suggestion."""


class RowReader:
    """Reads the rows of one table, in order."""

    def __init__(
        self, layout: Layout, networks: Sequence[str], *, is_text: bool, delimiter: str
    ) -> None:
        self._layout = layout
        self._networks = networks
        self._is_text = is_text
        self._joint = f"{delimiter or ','} "
        self._suggested = 0
        self._unsought = 0
        self._short: list[int] = []
        self._unseen: list[int] = []
        self._secrets: list[int] = []

    def read(self, record: Record) -> InputRow | RowFault:
        """Return what a row asks, or why it cannot be answered."""
        cells, faults = self._cells(record)
        subject = self._subject(record, cells, faults)
        remarks = [*(subject.remarks if subject is not None else ())]
        remarks += self._remove_secrets(record, cells)
        remarks += [
            f"column {place + 1} holds a number that the spreadsheet has rounded to 15 digits"
            for place in sorted(record.rounded)
        ]
        texts = self._texts(record, cells)
        network = subject.network if subject is not None else self._networks[0]
        row = InputRow(
            number=record.number,
            cells=tuple(cells[place] for place in self._layout.kept),
            subject=subject.text if subject is not None else "",
            kind=subject.kind if subject is not None else "address",
            network=network,
            case_ref=texts.get("case_ref", ""),
            label=texts.get("label", ""),
            note=texts.get("note", ""),
            direction=_told(texts, "direction", _direction, faults),
            since=_told(texts, "from", _since, faults),
            until=_told(texts, "to", _until, faults),
            min_value=_told(texts, "min_value", lambda text: amount(text, network), faults),
            max_hops=_told(texts, "max_hops", hops, faults),
            method=_told(texts, "method", _method, faults),
            remarks=tuple(remarks),
        )
        if row.since is not None and row.until is not None and row.since > row.until:
            faults.append(("bad_value", "from: it is later than to", ""))
        if not faults:
            return row
        return RowFault(
            row=record.number,
            cells=row.cells,
            code=faults[0][0],
            detail="; ".join(detail for _, detail, _ in faults),
            suggestion=next((each for _, _, each in faults if each), ""),
        )

    def remarks(self) -> Sequence[str]:
        """Return what was found out about the table while its rows were read."""
        told = []
        if self._unseen:
            told.append(f"invisible characters were passed over in {rows_named(self._unseen)}")
        if self._short:
            told.append(
                f"{rows_named(self._short)}: fewer cells than columns; the missing ones are empty"
            )
        if self._secrets:
            told.append(
                f"private keys or seed phrases were removed from {rows_named(self._secrets)}"
            )
        if self._unsought:
            told.append(
                f"what may have been meant was looked for in {MOST_SUGGESTIONS} rows, and not in "
                f"{self._unsought:,} more"
            )
        return told

    def _cells(self, record: Record) -> tuple[list[str], list[Fault]]:
        """Return a cell for each column of the table."""
        faults: list[Fault] = []
        width = self._layout.width
        cells = list(record.cells)
        if len(cells) < width:
            if self._is_text:
                self._short.append(record.number)
            cells += [""] * (width - len(cells))
        surplus = cells[width:]
        if any(cell.strip() for cell in surplus):
            detail = (
                f"the row has {len(cells)} cells and the table {width} columns: put a cell that "
                "holds the separator into quotation marks"
            )
            faults.append(("too_many_cells", detail, ""))
            cells[width - 1] = self._joint.join([cells[width - 1], *surplus])
        del cells[width:]
        for place, cell in enumerate(cells):
            if len(cell) > LONGEST_CELL:
                detail = f"column {place + 1} holds {len(cell):,} characters; a cell has at most "
                faults.append(("cell_too_long", f"{detail}{LONGEST_CELL:,}", ""))
                cells[place] = f"[cell of {len(cell):,} characters removed]"
            elif self._layout.is_errors and self._is_text:
                cells[place] = original_text(cell)
        return cells, faults

    def _texts(self, record: Record, cells: Sequence[str]) -> dict[str, str]:
        """Return what the row says, by meaning, as it is understood."""
        places = self._layout.places
        if any(has_unseen(cells[place]) for place in places.values()):
            self._unseen.append(record.number)
        return {meaning: clean(cells[place]) for meaning, place in places.items()}

    def _subject(self, record: Record, cells: list[str], faults: list[Fault]) -> Subject | None:
        """Return what the row asks about; remove it where it is a secret."""
        places = self._layout.places
        named = named_network(clean(_at(cells, places.get("chain"))), self._networks)
        if isinstance(named, Refusal):
            faults.append((named.code, f"network: {named.detail}", ""))
        place = places.get("address")
        if place is None or not clean(cells[place]):
            place = places.get("txid", place)
        if place is None:
            return None
        if place in self._layout.secret or cells[place].strip() == REMOVED:
            _refuse_secret(cells, place, faults)
            return None
        text = clean(cells[place])
        network = None if isinstance(named, Refusal) else named
        found = read_subject(text, network, self._networks)
        is_plain = isinstance(found, Subject) and found.kind == "address" and text.isalnum()
        if not is_plain and is_secret_subject(text, self._beside(cells, place)):
            _refuse_secret(cells, place, faults)
            return None
        if place in record.rounded and isinstance(found, Refusal):
            found = read_subject("1E+17", None, self._networks)
        if isinstance(found, Refusal):
            # A network that is none is one fault, not two.
            if not isinstance(named, Refusal) or found.code in ("empty", "checksum"):
                faults.append((found.code, found.detail, self._suggestion(found, text)))
            return None
        if found.kind == "transaction" and place != places.get("txid"):
            remark = f"64 hexadecimal digits were read as a transaction of {found.network}"
            return Subject(
                text=found.text,
                kind=found.kind,
                network=found.network,
                remarks=(*found.remarks, remark),
            )
        return found

    def _beside(self, cells: Sequence[str], place: int) -> list[str]:
        """Return what stands beside a cell: its column's name, and the other cells of the row."""
        header = self._layout.names[place]
        return [header, *(cell for i, cell in enumerate(cells) if i != place and cell)]

    def _suggestion(self, found: Refusal, text: str) -> str:
        if found.code not in ("checksum", "unknown_format"):
            return ""
        if self._suggested == MOST_SUGGESTIONS:
            self._unsought += 1
            return ""
        self._suggested += 1
        return suggestion_for(text)

    def _remove_secrets(self, record: Record, cells: list[str]) -> list[str]:
        """Remove secrets from all cells, in place; return a remark for each column."""
        remarks = []
        for place, cell in enumerate(cells):
            if not cell or cell == REMOVED:
                continue
            is_secret = place in self._layout.secret and cell.strip()
            shown = REMOVED if is_secret else without_keys(cell, self._layout.names[place])
            if shown != cell:
                cells[place] = shown
                remarks.append(f"a secret was removed from column {place + 1}")
        if REMOVED in cells:
            self._secrets.append(record.number)
        return remarks


def _refuse_secret(cells: list[str], place: int, faults: list[Fault]) -> None:
    cells[place] = REMOVED
    detail = (
        "the cell holds a private key or a seed phrase: it was removed and is kept nowhere; "
        "hand it over as evidence, and write the address"
    )
    faults.insert(0, ("private_key", detail, ""))


def _at(cells: Sequence[str], place: int | None) -> str:
    return "" if place is None else cells[place]


def _told(
    texts: dict[str, str],
    meaning: str,
    read: Callable[[str], T | BadValue],
    faults: list[Fault],
) -> T | None:
    """Return what a cell says, None where it is empty or cannot be understood."""
    text = texts.get(meaning, "")
    if not text:
        return None
    found = read(text)
    if isinstance(found, BadValue):
        faults.append(("bad_value", f"{meaning}: {found.detail}", found.suggestion))
        return None
    return found


def _since(text: str) -> datetime | BadValue:
    return _no_address(text) or moment(text, end_of_day=False)


def _until(text: str) -> datetime | BadValue:
    return _no_address(text) or moment(text, end_of_day=True)


def _no_address(text: str) -> BadValue | None:
    if looks_like_subject(text):
        return BadValue("an address stands where a date is expected: rename the column")
    return None


def _direction(text: str) -> Direction | BadValue:
    return DIRECTIONS.get(plain_name(text)) or BadValue("write forward, backward or both")


def _method(text: str) -> Method | BadValue:
    return METHODS.get(plain_name(text)) or BadValue(f"write one of {', '.join(METHODS)}")
