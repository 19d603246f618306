"""Bringing documents in: from what is offered to captures, findings, accounts and tags.

Documents are read one after the other and kept some at a time, so that a large import neither
fills the memory nor waits for the disk at each page. Tags are made at the end, when all captures of
the batch are known: whether an address stands on many sites, or is contradicted by a mirror, is not
known before. An import that was interrupted is finished by giving the same command again.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from arien_flows.casebook.capture_records import (
    NewBatch,
    NewCapture,
    NewDocument,
    NewRefusal,
)
from arien_flows.casebook.capture_writing import Fate
from arien_flows.casebook.captures import Known
from arien_flows.casebook.vendor_records import NewObservation, NewStatement
from arien_flows.documents.item import Item, Refusal
from arien_flows.documents.reading import items
from arien_flows.extraction.secrets import hidden, without_secrets
from arien_flows.intake.existence import Chains
from arien_flows.intake.extracting import (
    EXTRACTOR,
    Circumstances,
    Extracted,
    Looked,
    Place,
    UnreadableItemError,
    extract,
    look,
    rows_worth_reading,
    vouched_for,
)
from arien_flows.intake.listing_names import listing_name, site_name
from arien_flows.intake.order import IntakeResult, Order, ReportRow, Result
from arien_flows.intake.settling import Settled, settle
from arien_flows.workspace import Workspace

PART_BYTES = 32 * 2**20
"""Bytes of the documents that are written together."""

PART_CAPTURES = 2_000
"""Captures that are written together."""

LATEST = timedelta(days=1)
"""By how much a capture may lie in the future: days begin at different times."""

Progress = Callable[[str, int], None]
"""Is told what is read, and how many items are done."""

_RESULTS: dict[Fate, Result] = {
    "new": "imported",
    "read_anew": "read_anew",
    "known": "known",
    "withdrawn": "withdrawn",
}


def import_listings(
    workspace: Workspace,
    offers: Sequence[Path],
    order: Order,
    progress: Progress = lambda _name, _done: None,
) -> IntakeResult:
    """Bring documents in; every item has a row in what is returned."""
    intake = _Intake(workspace, order, progress)
    for offer in offers:
        intake.take(offer)
    return intake.end()


_Waiting = tuple[NewDocument, list[tuple[NewCapture, Extracted]], list[int]]
"""A document, what was made of its captures, and their rows in the report."""


class _Intake:
    """One import that is under way."""

    def __init__(self, workspace: Workspace, order: Order, progress: Progress) -> None:
        self._workspace = workspace
        self._captures = workspace.casebook.captures
        self._order = order
        self._progress = progress
        self._chains = Chains(workspace)
        self._keys = workspace.casebook.vendors.keys()
        self._batch: int | None = None
        self._rows: list[ReportRow] = []
        self._documents: list[_Waiting] = []
        self._refusals: list[NewRefusal] = []
        self._sha256s: set[str] = set()
        self._addresses: set[str] = set()
        self._listings: set[str] = set()

    def take(self, offer: Path) -> None:
        """Read everything in a file or folder."""
        self._offer = offer
        waiting: list[Item] = []
        for found in items(offer, mapping=self._order.mapping):
            self._progress(offer.name, len(self._rows) + len(waiting))
            if isinstance(found, Refusal):
                self._refuse(found.path, found.reason)
                continue
            if waiting and (waiting[0].raw is not found.raw or len(waiting) >= PART_CAPTURES):
                self._read(waiting)
                waiting = []
            waiting.append(found)
        if waiting:
            self._read(waiting)

    def end(self) -> IntakeResult:
        """Write what is left, and make the tags."""
        self._flush()
        settled = Settled(derived=(), conflicts=())
        if self._sha256s:
            shown = self._workspace.casebook.vendors.keys(self._sha256s)
            settled = settle(
                self._workspace,
                self._chains,
                batch=self._begun,
                sha256s=self._sha256s,
                addresses=self._addresses,
                listings=self._listings,
                keys=shown,
                now=self._order.now,
                by=self._order.by,
            )
        return IntakeResult(
            batch=self._batch,
            rows=tuple(self._rows),
            derived=settled.derived,
            conflicts=settled.conflicts,
        )

    def _refuse(self, path: str, reason: str) -> None:
        path, reason = without_secrets(path), without_secrets(reason)
        self._refusals.append(NewRefusal(path=path, reason=reason))
        self._rows.append(ReportRow(path=path, result="refused", reason=reason))

    def _read(self, found: Sequence[Item]) -> None:
        """Read items of one document, all but those that were read before."""
        raw = found[0].raw
        sha256 = hashlib.sha256(raw).hexdigest()
        self._sha256s.add(sha256)
        known = self._captures.known(sha256, found[0].begin, found[-1].begin)
        places = [place_of(item, self._order, self._offer) for item in found]
        fresh = [
            number
            for number, (item, place) in enumerate(zip(found, places, strict=True))
            if not known.is_withdrawn and not _is_read(known, item, place)
        ]
        looked = self._look(found, fresh)
        captures, made, rows = [], [], []
        for number, (item, place) in enumerate(zip(found, places, strict=True)):
            if isinstance(looked.get(number), str):
                self._refuse(item.path, str(looked[number]))
                continue
            try:
                extracted = self._extracted(item, place, looked.get(number), number in fresh)
            except UnreadableItemError as error:
                self._refuse(item.path, str(error))
                continue
            captures.append(_capture(item, place, extracted))
            if extracted is not None:
                made.append((captures[-1], extracted))
            rows.append(len(self._rows))
            result: Result = "withdrawn" if known.is_withdrawn else "known"
            self._rows.append(_row(item, place, sha256, extracted, result))
            self._listings.add(place.listing)
        document = NewDocument(
            raw=raw,
            sha256=sha256,
            name=without_secrets(found[0].document_path),
            media_type=found[0].media_type,
            captures=tuple(captures),
        )
        if made:
            self._documents.append((document, made, rows))
        self._flush_if_full()

    def _look(self, found: Sequence[Item], fresh: Sequence[int]) -> dict[int, Looked | str | None]:
        """Return what was found in each fresh item, or why it cannot be read; nothing is None."""
        worth = rows_worth_reading([found[number] for number in fresh]) if len(fresh) > 1 else {0}
        looked: dict[int, Looked | str | None] = {}
        for place, number in enumerate(fresh):
            if place not in worth:
                looked[number] = None
                continue
            try:
                looked[number] = look(found[number])
            except UnreadableItemError as error:
                looked[number] = str(error)
        return looked

    def _extracted(
        self, item: Item, place: Place, looked: Looked | str | None, is_fresh: bool
    ) -> Extracted | None:
        if not is_fresh:
            return None
        if not isinstance(looked, Looked):
            looked = None
        around = Circumstances(
            network=self._order.network, first_use=self._chains.first_use, keys=self._keys
        )
        if looked is not None and looked.scan.found:
            addresses = {each.address for each in looked.scan.found}
            self._addresses |= addresses
            around = replace(around, sites=self._captures.sites(addresses))
        return extract(item, place, looked, around)

    def _flush_if_full(self) -> None:
        size = sum(len(document.raw) for document, _, _ in self._documents)
        count = sum(len(document.captures) for document, _, _ in self._documents)
        if size >= PART_BYTES or count >= PART_CAPTURES:
            self._flush()

    def _flush(self) -> None:
        if not self._documents and not self._refusals:
            return
        fates = self._captures.keep(
            self._begun(),
            [document for document, _, _ in self._documents],
            self._refusals,
            now=self._order.now,
            by=self._order.by,
            also=self._observe,
        )
        for (_, _, rows), told in zip(self._documents, fates, strict=True):
            for number, fate in zip(rows, told, strict=True):
                self._rows[number] = replace(self._rows[number], result=_RESULTS[fate])
        self._documents, self._refusals = [], []

    def _begun(self) -> int:
        """Return the number of the batch, which begins when something is written."""
        if self._batch is None:
            self._batch = self._captures.begin(_batch(self._order))
        return self._batch

    def _observe(self, connection: Connection) -> None:
        """Take down what documents say of accounts, in the same transaction."""
        observations, statements = [], []
        for document, made, _ in self._documents:
            for capture, extracted in made:
                if extracted.account is not None:
                    observations.append(
                        NewObservation(
                            document_sha256=document.sha256,
                            page=extracted.account,
                            captured_at=vouched_for(capture.clock, capture.captured_at),
                        )
                    )
                statements += [
                    NewStatement(
                        document_sha256=document.sha256,
                        begin=each.begin,
                        end=each.end,
                        encoding=each.encoding,
                    )
                    for each in extracted.statements
                ]
        if observations or statements:
            self._workspace.casebook.vendors.observe(
                connection, observations, statements, now=self._order.now, by=self._order.by
            )


def place_of(item: Item, order: Order, offer: Path) -> Place:
    """Return when and where an item was captured, as far as it is known.

    The item's own word goes before the order's, and the clock of a crawler before both; a moment
    in the future is no moment.
    """
    market = hidden(item.fields.get("market")) or hidden(order.market)
    url = item.url or (None if item.is_row else order.origin)
    moments = [
        (item.captured_at, "warc") if item.clock == "warc" else (None, ""),
        (order.captured_at, "option"),
        (item.captured_at, item.clock),
        (_file_time(offer), "file"),
        (order.now, "import"),
    ]
    moment, clock = next(
        (each, name) for each, name in moments if each is not None and each <= order.now + LATEST
    )
    return Place(
        listing=listing_name(item, market=market, url=item.url, origin=order.origin),
        site=site_name(market=market, url=url),
        market=market,
        url=None if url is None else without_secrets(url),
        captured_at=moment.replace(microsecond=0),
        clock=clock,
    )


def _file_time(offer: Path) -> datetime:
    """Return when a file was last changed: the only clock where nothing else tells a time."""
    try:
        return datetime.fromtimestamp(int(offer.stat().st_mtime), UTC)
    except (OSError, OverflowError, ValueError):
        return datetime.fromtimestamp(0, UTC)


def _is_read(known: Known, item: Item, place: Place) -> bool:
    before = known.captures.get((item.begin, place.listing, place.captured_at, place.url))
    return before is not None and before[1] == EXTRACTOR


def _capture(item: Item, place: Place, extracted: Extracted | None) -> NewCapture:
    return NewCapture(
        path=without_secrets(item.path),
        begin=item.begin,
        end=item.end,
        listing=place.listing,
        site=place.site,
        market=place.market,
        url=place.url,
        captured_at=place.captured_at,
        clock=place.clock,
        note=without_secrets(item.note),
        reading=None if extracted is None else extracted.reading,
    )


def _row(
    item: Item, place: Place, sha256: str, extracted: Extracted | None, result: Result
) -> ReportRow:
    row = ReportRow(
        path=without_secrets(item.path),
        result=result,
        sha256=sha256,
        listing=place.listing,
        captured_at=place.captured_at,
        clock=place.clock,
    )
    if extracted is None:
        return row
    read = extracted.reading
    note = without_secrets(item.note)
    notes = (*((note,) if note else ()), *extracted.notes, *read.cut)
    return replace(
        row,
        found=len(read.findings),
        attributing=sum(each.attributes for each in read.findings),
        secrets=len(read.secrets),
        notes=notes,
    )


def _batch(order: Order) -> NewBatch:
    told = {
        "captured_at": None if order.captured_at is None else order.captured_at.isoformat(),
        "origin": hidden(order.origin),
        "mapping": order.mapping_text,
    }
    return NewBatch(
        name=without_secrets(order.name),
        collector=hidden(order.collector),
        market=hidden(order.market),
        network=order.network,
        options=json.dumps({name: value for name, value in told.items() if value is not None}),
        imported_at=order.now,
        imported_by=order.by,
    )
