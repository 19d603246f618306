"""What stands in one item: addresses with their roles, and secrets.

Everything here follows from the item, the version of the rules and what the casebook knows of the
same addresses and the same listing; so the same item can be read again later, from the casebook.
"""

import hashlib
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from arien_flows.casebook.capture_records import Finding, FoundSecret, Reading
from arien_flows.documents.item import Item
from arien_flows.documents.pictures import UnreadablePictureError, read_picture
from arien_flows.errors import ArienError
from arien_flows.extraction.finding import Scan
from arien_flows.extraction.scan import scan
from arien_flows.extraction.text import DocumentText
from arien_flows.intake.judging import FirstUses, Surroundings, judged
from arien_flows.intake.texts import is_guessed, item_text, picture_text, stretch_text
from arien_flows.vendors.account import AccountPage
from arien_flows.vendors.keys import PgpKey
from arien_flows.vendors.reading import read_account

EXTRACTOR = "listings/1"
"""Name and version of all rules by which documents are read; raised whenever the same document can
give other findings."""

FIRST = "first reading"

STRETCH_BYTES = 512 * 2**10
"""Rows of a table are searched together, about so many bytes at once; a row in which something is
found is then read by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """When and where an item was captured, as far as it is known."""

    listing: str
    site: str
    market: str | None
    url: str | None
    captured_at: datetime
    clock: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What is written in an item, and what a scan found, before anything is judged."""

    text: DocumentText
    scan: Scan
    where: tuple[str, ...] = ()
    """Of a picture: where each line of the text stands."""

    notes: tuple[str, ...] = ()


class Stretch(NamedTuple):
    """A part of a document, and how its bytes are letters."""

    begin: int
    end: int
    encoding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """All that was made of an item."""

    reading: Reading
    account: AccountPage | None
    statements: tuple[Stretch, ...] = ()
    """Texts that are signed by PGP."""

    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known besides the item."""

    network: str
    """What an address of several networks is taken for."""

    first_use: FirstUses = lambda _network, _address: None
    """Says when an address was first used."""

    keys: Sequence[PgpKey] = ()
    """Public keys by which signed texts can be checked."""

    sites: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Sites on which each address stands in the casebook."""

    contradicted: frozenset[str] = frozenset()
    """Addresses that other captures of the listing contradict."""


class UnreadableItemError(Exception):
    """An item cannot be read; says why."""


@contextmanager
def _own_fault(item: Item) -> Iterator[None]:
    """Turn a fault of the program into a refusal of the item: the others must still be read.

    The reason names where it happened, and nothing that the document says.
    """
    try:
        yield
    except (UnreadableItemError, ArienError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the other items are read
        place = traceback.extract_tb(error.__traceback__)[-1]
        sha256 = hashlib.sha256(item.raw).hexdigest()
        raise UnreadableItemError(
            f"the program failed on it ({type(error).__name__} in {Path(place.filename).name}, "
            f"line {place.lineno}): please report that with the document's SHA-256, {sha256}"
        ) from None


def look(item: Item) -> Looked:
    """Return what is written in an item and what was found; `UnreadableItemError` says why not."""
    with _own_fault(item):
        if item.media_type.startswith("image/"):
            return _look_at_picture(item)
        text = item_text(item)
        return Looked(text=text, scan=scan(text, raw=item.raw), notes=_text_notes(text))


def rows_worth_reading(rows: Sequence[Item]) -> set[int]:
    """Return the places of those rows of one document in which something may be found.

    Neighbouring rows are searched as one text, which is much faster than one by one, since almost
    no row holds anything.
    """
    found: set[int] = set()
    first = 0
    while first < len(rows):
        last = first
        while last + 1 < len(rows) and rows[last].end - rows[first].begin < STRETCH_BYTES:
            last += 1
        found |= _worth_reading(rows, first, last)
        first = last + 1
    return found


def vouched_for(clock: str, captured_at: datetime) -> datetime | None:
    """Return when something was captured, unless only the time of a file or of the import says so.

    Dates such as "3 days ago" must not be counted from such a time.
    """
    return None if clock in ("file", "import") else captured_at


def extract(
    item: Item, place: Place, looked: Looked | None, around: Circumstances, *, reason: str = FIRST
) -> Extracted:
    """Judge what was found in an item; `looked` is nothing where nothing can be found.

    `UnreadableItemError` where the program fails on it.
    """
    with _own_fault(item):
        return _extract(item, place, looked, around, reason)


def _extract(
    item: Item, place: Place, looked: Looked | None, around: Circumstances, reason: str
) -> Extracted:
    account = read_account(
        item, market=place.market, captured_at=vouched_for(place.clock, place.captured_at)
    )
    if account is not None:
        account = account.without(() if looked is None else looked.scan.secrets)
    if looked is None:
        empty = Reading(extractor=EXTRACTOR, reason=reason, cut=(), findings=(), secrets=())
        return Extracted(reading=empty, account=account)
    surroundings = Surroundings(
        raw=item.raw[item.begin : item.end],
        first_byte=item.begin,
        account=account,
        market=place.market,
        site=place.site,
        captured_at=place.captured_at,
        clock=place.clock,
        network=around.network,
        sites=around.sites,
        contradicted=around.contradicted,
        first_use=around.first_use,
        keys=around.keys,
    )
    made = judged(looked.text, looked.scan, surroundings)
    return Extracted(
        reading=Reading(
            extractor=EXTRACTOR,
            reason=reason,
            cut=looked.scan.cut,
            findings=tuple(_placed(made.findings, looked, item)),
            secrets=tuple(
                FoundSecret(kind=each.kind.value, begin=each.begin, end=each.end)
                for each in looked.scan.secrets
            ),
        ),
        account=account,
        statements=tuple(
            Stretch(
                begin=item.begin + each.begin,
                end=item.begin + each.end,
                encoding=looked.text.encoding,
            )
            for each in made.signed
        ),
        notes=looked.notes,
    )


def _look_at_picture(item: Item) -> Looked:
    try:
        read = read_picture(item.raw)
    except UnreadablePictureError as error:
        raise UnreadableItemError(str(error)) from error
    text, lines = picture_text(read, len(item.raw))
    guessed = any(is_guessed(line) for line in lines)
    return Looked(
        text=text,
        scan=scan(text, is_ocr=guessed),
        where=tuple(f"{line.writing.value} in the picture at {line.where}" for line in lines),
        notes=(read.note,) if read.note else (),
    )


def _worth_reading(rows: Sequence[Item], first: int, last: int) -> set[int]:
    places = range(first, last + 1)
    try:
        with _own_fault(rows[first]):
            text = stretch_text(rows[first], rows[first].begin, rows[last].end)
            found = scan(text, raw=rows[first].raw)
    except UnreadableItemError:
        return set(places)  # One of them is at fault; which one shows when each is read.
    if found.cut:
        return set(places)
    spans = [(each.begin, each.end) for each in found.found]
    spans += [(each.begin, each.end) for each in found.secrets]
    spans += [(each.begin, each.end) for each in found.partials]
    return {
        place
        for place in places
        if any(rows[place].begin < end and begin < rows[place].end for begin, end in spans)
    }


def _text_notes(text: DocumentText) -> tuple[str, ...]:
    if not text.undecodable:
        return ()
    return (f"{text.undecodable:,} bytes are no text in {text.encoding}",)


def _placed(findings: Sequence[Finding], looked: Looked, item: Item) -> Sequence[Finding]:
    """Return findings as they are; those of a picture stand for the whole picture, and say where.

    They are in the order of what was found.
    """
    if not looked.where:
        return findings
    size, text = len(item.raw), looked.text.text
    return [
        replace(
            each,
            begin=0,
            end=size,
            role_begin=0,
            role_end=size,
            note="; ".join(
                part for part in (looked.where[text.count("\n", 0, found.start)], each.note) if part
            ),
        )
        for each, found in zip(findings, looked.scan.found, strict=True)
    ]
