"""Answers about collected documents as text for people."""

from collections.abc import Iterable, Sequence

from arien_flows.amounts import counted
from arien_flows.answers.listing_imports import (
    DerivedTags,
    ListingConflict,
    ListingImportReport,
    ListingImportRow,
    ListingScanRow,
    ListingWithdrawal,
)
from arien_flows.answers.listings import (
    FindingAnswer,
    ListingDetail,
    ListingPage,
    ReadingAnswer,
    SecretAnswer,
)
from arien_flows.cli.output import NOTHING, pairs, table
from arien_flows.shapes import shown_time

ROWS_SHOWN = 200
"""Rows of a report that are printed; `--json` has them all."""

_SAYS_RESULT = {
    "imported": "imported",
    "read_anew": "read anew by newer rules",
    "known": "known before, nothing was changed",
    "withdrawn": "withdrawn before by an analyst, not read",
    "refused": "refused",
}


def import_lines(report: ListingImportReport) -> Iterable[str]:
    """Return what became of everything that was offered."""
    if report.secrets:
        yield (
            f"SECRETS: {counted(report.secrets, 'key or seed phrase', 'keys or seed phrases')} "
            "in these documents. They are hidden wherever documents are shown, but the casebook "
            "keeps the documents as they are: guard it, and tell whoever secures coins."
        )
    telling = [item for item in report.items if _is_telling(item)]
    for item in telling[:ROWS_SHOWN]:
        yield _import_line(item)
        for note in item.notes:
            yield f"   {note}"
    if len(telling) > ROWS_SHOWN:
        yield f"   {len(telling) - ROWS_SHOWN:,} more: add --json to see them all"
    yield from _derived_lines(report.derived)
    yield from _conflict_lines(report.conflicts)
    results = ", ".join(f"{count:,} {name}" for name, count in report.counts.items())
    batch = "" if report.batch is None else f"Batch {report.batch}: "
    yield f"{batch}{counted(len(report.items), 'item')} ({results or 'none'})."


def scan_lines(rows: Sequence[ListingScanRow]) -> Iterable[str]:
    """Return what stands in documents."""
    empty = 0
    for row in rows:
        if row.reason is not None:
            yield f"{row.path}: refused: {row.reason}"
            continue
        if not (row.findings or row.secrets or row.cut or row.notes):
            empty += 1
            continue
        yield f"{row.path} ({row.sha256})"
        yield from _reading_lines(row.findings, row.secrets, row.cut)
        for note in row.notes:
            yield f"   {note}"
    if empty:
        yield f"In {counted(empty, 'item')} nothing was found. Nothing was kept of any."


def page_lines(page: ListingPage) -> Iterable[str]:
    """Return a table of captures."""
    if not page.items:
        yield "Nothing was collected yet: `arien-flows listings import PATH --market M` does it."
        return
    yield from table(
        (
            "SHA-256",
            "Captured",
            "Time by",
            "Addresses",
            "Attributing",
            "Secrets",
            "Listing",
            "State",
        ),
        (
            (
                item.sha256[:16],
                shown_time(item.captured_at),
                item.clock,
                f"{item.addresses:,}",
                f"{item.attributing:,}",
                f"{item.secrets:,}",
                item.listing,
                "in effect" if item.withdrawal is None else f"withdrawn: {item.withdrawal.reason}",
            )
            for item in page.items
        ),
    )
    if page.next_cursor is not None:
        yield f"There are more: add --cursor {page.next_cursor}"


def detail_lines(detail: ListingDetail) -> Iterable[str]:
    """Return a listing or a document with its history."""
    for version in detail.versions:
        capture = version.capture
        yield f"{capture.listing}, version {version.version}"
        rows = [
            ("   Captured", f"{shown_time(capture.captured_at)} (says {capture.clock})"),
            ("   Document", capture.sha256),
            ("   Found at", capture.path),
            ("   Bytes", f"{capture.begin:,} to {capture.end:,}"),
            ("   Origin", capture.url or NOTHING),
            ("   Market", capture.market or NOTHING),
            ("   Collector", capture.collector or NOTHING),
            ("   Brought in", f"{shown_time(capture.imported_at)} by {capture.imported_by}"),
        ]
        if capture.note:
            rows.append(("   Note", capture.note))
        if capture.withdrawal is not None:
            gone = capture.withdrawal
            when = shown_time(gone.withdrawn_at)
            rows.append(("   WITHDRAWN", f"{when} by {gone.withdrawn_by}: {gone.reason}"))
        yield from pairs(rows)
        for reading in version.readings:
            yield _reading_head(reading)
            yield from _reading_lines(reading.findings, reading.secrets, reading.cut)
        yield ""
    numbers = ", ".join(map(str, detail.tag_imports))
    yield f"Tags that rest on it: import {numbers}." if numbers else "No tag in effect rests on it."
    for cut in detail.truncations:
        yield f"Left out: {cut.where} ({cut.reason}). {cut.detail}"


def withdrawal_lines(answer: ListingWithdrawal) -> Iterable[str]:
    """Return what followed from a withdrawal."""
    yield f"The document {answer.sha256} is withdrawn; it is kept, and counts no longer."
    yield from _derived_lines(answer.derived)
    yield from _conflict_lines(answer.conflicts)


def _is_telling(item: ListingImportRow) -> bool:
    return bool(
        item.result not in ("imported", "known") or item.addresses or item.secrets or item.notes
    )


def _import_line(item: ListingImportRow) -> str:
    if item.result == "refused":
        return f"{item.path}: refused: {item.reason}"
    said = _SAYS_RESULT[item.result]
    if item.result in ("known", "withdrawn"):
        return f"{item.path}: {said}"
    found = counted(item.addresses, "address", "addresses")
    more = f", {item.attributing:,} of them attributing" if item.addresses else ""
    secrets = f", {item.secrets:,} SECRET" if item.secrets else ""
    return f"{item.path}: {said}; {found}{more}{secrets}"


def _reading_head(reading: ReadingAnswer) -> str:
    state = "" if reading.current else ", superseded"
    return (
        f"   Read {shown_time(reading.read_at)} by {reading.extractor} ({reading.reason}{state}):"
    )


def _reading_lines(
    findings: Sequence[FindingAnswer], secrets: Sequence[SecretAnswer], cut: Sequence[str]
) -> Iterable[str]:
    if not findings and not secrets:
        yield "      no address"
    for found in findings:
        network = found.network or " or ".join(found.networks)
        rules = "" if not found.rules else f", read by {' '.join(found.rules)} (x {found.factor})"
        yield f"      {found.address} ({network}{rules})"
        said = f"is {found.owner}'s" if found.attributes else "attributes nobody"
        yield (
            f"         {found.role} by {found.role_rule}: {said} "
            f"(bytes {found.begin:,} to {found.end:,})"
        )
        if found.note:
            yield f"         {found.note}"
        if found.excerpt:
            yield f"         … {found.excerpt} …"
    for secret in secrets:
        kind = secret.kind.replace("_", " ")
        yield f"      SECRET: {kind}, hidden (bytes {secret.begin:,} to {secret.end:,})"
    for limit in cut:
        yield f"      not complete: the limit of {limit} was reached"


def _derived_lines(derived: Sequence[DerivedTags]) -> Iterable[str]:
    for each in derived:
        gone = ", ".join(map(str, each.withdrawn))
        if each.tag_import is None:
            yield f"Tags of document {each.sha256[:16]} are withdrawn (import {gone})"
            continue
        instead = f", in the place of import {gone}" if gone else ""
        yield (
            f"Tags of document {each.sha256[:16]}: import {each.tag_import}, "
            f"{counted(each.tags, 'tag')}{instead}"
        )


def _conflict_lines(conflicts: Sequence[ListingConflict]) -> Iterable[str]:
    for each in conflicts:
        yield (
            f"CONFLICT: captures of {each.listing} name different addresses "
            f"({', '.join(each.addresses)}; from {', '.join(each.sources)}): nobody is attributed"
        )
