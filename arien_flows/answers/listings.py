"""Collected documents: where each was met, what was found in it, and what rests on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from arien_flows.answers.tag_imports import WithdrawalAnswer
from arien_flows.answers.tag_records import make_cursor, read_cursor
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.capture_records import (
    Capture,
    CaptureCounts,
    CaptureFilter,
    Finding,
    StoredReading,
)
from arien_flows.casebook.records import Withdrawal
from arien_flows.errors import InputError, NotFoundError
from arien_flows.intake.again import KeptItems
from arien_flows.intake.excerpts import Excerpts
from arien_flows.shapes import Certainty, Shape, Truncation

MOST_CAPTURES = 200
"""Captures of one answer, the latest."""

LEAST_OF_HASH = 8
"""Digits of a hash by which a document can be named; fewer may well be a listing's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingRecord(Shape):
    """A capture of a listing."""

    sha256: str
    """Hash of the document's bytes, which the casebook keeps."""

    path: str
    """Where it stood in what was brought in."""

    listing: str
    """The name that all captures of the listing share."""

    market: str | None
    """The market whose page it is, as whoever brought it says."""

    url: str | None
    """Where it was captured."""

    captured_at: datetime
    """When it was captured."""

    clock: str
    """What says so: `warc`, `field:NAME`, `option` (whoever brought it), `file` (when the file was
    last changed) or `import`."""

    begin: int
    """First byte in the document; not 0 for a row of a table."""

    end: int
    """After the last."""

    media_type: str
    """What kind of document it is."""

    note: str
    """What of it could not be read."""

    addresses: int
    """Addresses that the latest reading found."""

    attributing: int
    """Those of them that say whose they are."""

    secrets: int
    """Keys and seed phrases that the latest reading found."""

    batch: int
    """Number of the batch in which it was brought in."""

    batch_name: str
    """Name of the batch."""

    collector: str | None
    """Who collected it."""

    imported_at: datetime
    """When it was brought in."""

    imported_by: str
    """By whom."""

    withdrawal: WithdrawalAnswer | None
    """Why it no longer counts; nothing for one that does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingPage(Shape):
    """A page of captures."""

    items: tuple[ListingRecord, ...]
    """Captures in the order in which they were brought in."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingAnswer(Shape):
    """An address in a document."""

    network: str | None
    """Its network; nothing where it may be of several and nothing decides."""

    networks: tuple[str, ...]
    """All networks on which it is valid."""

    address: str
    """Canonical text."""

    form: str
    """What kind of address it is."""

    begin: int
    """First byte of it in the document."""

    end: int
    """After the last."""

    rules: tuple[str, ...]
    """Rules by which obfuscated writing was read; none where it stands plainly."""

    factor: str
    """By what confidence is multiplied for that, as a fraction."""

    role: str
    """In what role it stands: `pay_to`, `proof`, `quoted`, `boilerplate`, `feedback`, `denied` or
    `other`."""

    role_rule: str
    """The rule that says so."""

    role_begin: int
    """First byte of what shows it."""

    role_end: int
    """After the last."""

    attributes: bool
    """Whether a tag rests on it."""

    owner: str | None
    """Whose address it is said to be."""

    confidence: str
    """How that is known, in GraphSense's vocabulary."""

    note: str
    """What else there is to say."""

    excerpt: str
    """The words around it. Keys and seed phrases are hidden."""

    certainty: Certainty
    """`attribution` where the document says whose address it is, else `inference`: a rule read
    it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretAnswer(Shape):
    """A key or a seed phrase in a document; what it says is not shown."""

    kind: str
    """`extended_public_key`, `private_key` or `seed_phrase`."""

    begin: int
    """First byte in the document."""

    end: int
    """After the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingAnswer(Shape):
    """What one version of the rules found in a capture."""

    extractor: str
    """Name and version of the rules."""

    read_at: datetime
    """When it was read."""

    reason: str
    """Why it was read."""

    current: bool
    """Whether it speaks: no later reading takes its place."""

    cut: tuple[str, ...]
    """Limits that were reached, so that there may be more; none where it is complete."""

    findings: tuple[FindingAnswer, ...]
    """Addresses in the order in which they stand."""

    secrets: tuple[SecretAnswer, ...]
    """Where keys and seed phrases stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingVersion(Shape):
    """A capture with everything that was found in it."""

    capture: ListingRecord
    """The capture."""

    version: int
    """Which version of the listing it is: those with other bytes than the one before count."""

    readings: tuple[ReadingAnswer, ...]
    """All readings, the first one first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingDetail(Shape):
    """A listing or a document, with its history."""

    listings: tuple[str, ...]
    """The listings that it is about."""

    versions: tuple[ListingVersion, ...]
    """Captures in the order of their time."""

    tag_imports: tuple[int, ...]
    """Imports of tags that rest on these documents and are in effect."""

    truncations: tuple[Truncation, ...]
    """What is left out."""


def listing_page(
    casebook: Casebook,
    *,
    limit: int,
    cursor: str | None = None,
    market: str | None = None,
    address: str | None = None,
) -> ListingPage:
    """Return a page of captures."""
    wanted = CaptureFilter(market=market, address=address)
    after = 0 if cursor is None else read_cursor(cursor)
    found = casebook.captures.page(wanted, after, limit + 1)
    more = len(found) > limit
    return ListingPage(
        items=tuple(listing_record(capture, counts) for capture, counts in found[:limit]),
        next_cursor=make_cursor(found[limit - 1][0].id) if more else None,
    )


def listing_detail(casebook: Casebook, name: str) -> ListingDetail:
    """Return a document by its hash, or a listing by its name; `NotFoundError` where neither is."""
    captures = casebook.captures
    found = captures.of(_meant(casebook, name))
    if not found:
        raise NotFoundError(
            f"no listing is called {name!r}, and no document has a SHA-256 that begins so (at "
            f"least {LEAST_OF_HASH} digits): `arien-flows listings list` lists them"
        )
    left_out = len(found) - MOST_CAPTURES
    shown = found[-MOST_CAPTURES:]
    readings: dict[int, list[StoredReading]] = {}
    for each in captures.readings([capture.id for capture in shown]):
        readings.setdefault(each.capture, []).append(each)
    kept = KeptItems(casebook)
    return ListingDetail(
        listings=tuple(sorted({capture.listing for capture in found})),
        versions=tuple(
            _version(capture, number, readings.get(capture.id, []), kept)
            for capture, number in zip(found, _numbered(found), strict=True)
            if capture in shown
        ),
        tag_imports=tuple(captures.tag_imports(sorted({each.document_sha256 for each in found}))),
        truncations=()
        if left_out <= 0
        else (
            Truncation(
                where="versions",
                reason="too_many",
                limit=MOST_CAPTURES,
                detail=f"{left_out:,} earlier captures are not shown",
            ),
        ),
    )


def listing_record(capture: Capture, counts: CaptureCounts) -> ListingRecord:
    """Return a capture as answers show it."""
    return ListingRecord(
        sha256=capture.document_sha256,
        path=capture.path,
        listing=capture.listing,
        market=capture.market,
        url=capture.url,
        captured_at=capture.captured_at,
        clock=capture.clock,
        begin=capture.begin,
        end=capture.end,
        media_type=capture.media_type,
        note=capture.note,
        addresses=counts.found,
        attributing=counts.attributing,
        secrets=counts.secrets,
        batch=capture.batch,
        batch_name=capture.batch_name,
        collector=capture.collector,
        imported_at=capture.imported_at,
        imported_by=capture.imported_by,
        withdrawal=_withdrawal(capture.withdrawal),
    )


def finding_answer(found: Finding, excerpt: str) -> FindingAnswer:
    """Return an address of a document as answers show it."""
    return FindingAnswer(
        network=found.network,
        networks=found.networks,
        address=found.address,
        form=found.form,
        begin=found.begin,
        end=found.end,
        rules=found.rules,
        factor=found.factor,
        role=found.role,
        role_rule=found.role_rule,
        role_begin=found.role_begin,
        role_end=found.role_end,
        attributes=found.attributes,
        owner=found.owner,
        confidence=found.confidence,
        note=found.note,
        excerpt=excerpt,
        certainty="attribution" if found.attributes else "inference",
    )


def _meant(casebook: Casebook, name: str) -> CaptureFilter:
    """Return what a name means: a hash, the beginning of one, or a listing's name."""
    text = name.strip()
    plain = text.lower()
    if LEAST_OF_HASH <= len(plain) <= 64 and set(plain) <= set("0123456789abcdef"):
        matching = casebook.captures.documents_beginning(plain)
        if len(matching) > 1:
            raise InputError(f"{name!r} begins several hashes: give more of it")
        if matching:
            return CaptureFilter(sha256=matching[0])
    return CaptureFilter(listing=text)


def _numbered(captures: Sequence[Capture]) -> list[int]:
    """Return the version that each capture shows, each listing by itself."""
    last: dict[str, tuple[int, tuple[str, int]]] = {}
    numbers: list[int] = []
    for each in captures:
        bytes_shown = each.document_sha256, each.begin
        number, before = last.get(each.listing, (0, ("", -1)))
        if before != bytes_shown:
            number += 1
        last[each.listing] = number, bytes_shown
        numbers.append(number)
    return numbers


def _version(
    capture: Capture, number: int, readings: Sequence[StoredReading], kept: KeptItems
) -> ListingVersion:
    current = next((each.reading for each in readings if each.is_current), None)
    counts = CaptureCounts(
        found=0 if current is None else len(current.findings),
        attributing=0 if current is None else sum(each.attributes for each in current.findings),
        secrets=0 if current is None else len(current.secrets),
    )
    shows_any = any(each.reading.findings for each in readings)
    excerpts = Excerpts(kept.item(capture)) if shows_any else None
    return ListingVersion(
        capture=listing_record(capture, counts),
        version=number,
        readings=tuple(_reading(each, excerpts) for each in readings),
    )


def _reading(stored: StoredReading, excerpts: Excerpts | None) -> ReadingAnswer:
    read = stored.reading
    return ReadingAnswer(
        extractor=read.extractor,
        read_at=stored.read_at,
        reason=read.reason,
        current=stored.is_current,
        cut=read.cut,
        findings=tuple(
            finding_answer(each, "" if excerpts is None else excerpts.around(each.begin, each.end))
            for each in read.findings
        ),
        secrets=tuple(
            SecretAnswer(kind=each.kind, begin=each.begin, end=each.end) for each in read.secrets
        ),
    )


def _withdrawal(withdrawal: Withdrawal | None) -> WithdrawalAnswer | None:
    if withdrawal is None:
        return None
    return WithdrawalAnswer(
        reason=withdrawal.reason,
        withdrawn_at=withdrawal.withdrawn_at,
        withdrawn_by=withdrawal.withdrawn_by,
    )
