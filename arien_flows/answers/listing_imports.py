"""What became of documents that were brought in, item by item."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from arien_flows.answers.listings import FindingAnswer, SecretAnswer, finding_answer
from arien_flows.casebook.capture_records import Derived
from arien_flows.intake.excerpts import Excerpts
from arien_flows.intake.looking import LookedAt
from arien_flows.intake.order import Conflict, IntakeResult, ReportRow
from arien_flows.intake.settling import Settled
from arien_flows.shapes import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingImportRow(Shape):
    """What became of one item."""

    path: str
    """Where it stands in what was offered."""

    result: Literal["imported", "read_anew", "known", "withdrawn", "refused"]
    """`read_anew` where newer rules read what was there before; `known` where nothing changed;
    `withdrawn` where an analyst took the document out of effect earlier."""

    sha256: str | None
    """Hash of its document; nothing for what was refused."""

    listing: str | None
    """The name that all captures of the listing share."""

    captured_at: datetime | None
    """When it was captured."""

    clock: str | None
    """What says so."""

    addresses: int
    """Addresses in it; 0 for what was known before, too."""

    attributing: int
    """Those of them that say whose they are, before other captures are heeded."""

    secrets: int
    """Keys and seed phrases in it."""

    notes: tuple[str, ...]
    """What could not be read or was not searched."""

    reason: str | None
    """Why it was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedTags(Shape):
    """The tags that rest on a document."""

    sha256: str
    """The document."""

    tag_import: int | None
    """Number of the import; nothing where no tag rests on the document any more."""

    tags: int
    """How many there are."""

    withdrawn: tuple[int, ...]
    """Imports that no longer speak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingConflict(Shape):
    """Captures of one listing that name different addresses; those are attributed to nobody."""

    listing: str
    """The listing."""

    network: str
    """Of the addresses."""

    addresses: tuple[str, ...]
    """Those that only some of the captures name."""

    sources: tuple[str, ...]
    """Hosts of the captures, or their times where no host is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingImportReport(Shape):
    """What became of everything that was offered."""

    batch: int | None
    """Number of the batch; nothing where nothing was offered."""

    counts: dict[str, int]
    """Items by what became of them."""

    addresses: int
    """Addresses in all items."""

    secrets: int
    """Keys and seed phrases in all items: bring them to whoever secures coins."""

    derived: tuple[DerivedTags, ...]
    """Tags that were made or withdrawn."""

    conflicts: tuple[ListingConflict, ...]
    """Listings whose captures contradict each other."""

    items: tuple[ListingImportRow, ...]
    """A row for every item, in the order in which they were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingScanRow(Shape):
    """What stands in one item. Nothing was kept."""

    path: str
    """Where it stands in what was offered."""

    sha256: str | None
    """Hash of its document; nothing for what was refused."""

    findings: tuple[FindingAnswer, ...]
    """Addresses in the order in which they stand."""

    secrets: tuple[SecretAnswer, ...]
    """Where keys and seed phrases stand."""

    cut: tuple[str, ...]
    """Limits that were reached, so that there may be more."""

    notes: tuple[str, ...]
    """What could not be read."""

    reason: str | None
    """Why it was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingWithdrawal(Shape):
    """What followed from taking a document out of effect."""

    sha256: str
    """The document."""

    reason: str
    """Why."""

    derived: tuple[DerivedTags, ...]
    """Tags that were withdrawn, and those of other documents that were made anew."""

    conflicts: tuple[ListingConflict, ...]
    """Listings whose captures still contradict each other."""


def import_report(result: IntakeResult) -> ListingImportReport:
    """Return what became of everything that was offered."""
    return ListingImportReport(
        batch=result.batch,
        counts=dict(sorted(Counter(row.result for row in result.rows).items())),
        addresses=sum(row.found for row in result.rows),
        secrets=sum(row.secrets for row in result.rows),
        derived=_derived(result.derived),
        conflicts=_conflicts(result.conflicts),
        items=tuple(_import_row(row) for row in result.rows),
    )


def scan_report(found: Iterable[LookedAt]) -> list[ListingScanRow]:
    """Return what stands in items that were looked at."""
    return [_scan_row(each) for each in found]


def withdrawal_answer(sha256: str, reason: str, settled: Settled) -> ListingWithdrawal:
    """Return what followed from a withdrawal."""
    return ListingWithdrawal(
        sha256=sha256,
        reason=reason,
        derived=_derived(settled.derived),
        conflicts=_conflicts(settled.conflicts),
    )


def _import_row(row: ReportRow) -> ListingImportRow:
    return ListingImportRow(
        path=row.path,
        result=row.result,
        sha256=row.sha256,
        listing=row.listing,
        captured_at=row.captured_at,
        clock=row.clock,
        addresses=row.found,
        attributing=row.attributing,
        secrets=row.secrets,
        notes=row.notes,
        reason=row.reason,
    )


def _scan_row(each: LookedAt) -> ListingScanRow:
    if each.looked is None or each.reading is None:
        return ListingScanRow(
            path=each.path,
            sha256=each.sha256,
            findings=(),
            secrets=(),
            cut=(),
            notes=each.notes,
            reason=each.reason,
        )
    excerpts = Excerpts.of(each.looked)
    return ListingScanRow(
        path=each.path,
        sha256=each.sha256,
        findings=tuple(
            finding_answer(found, excerpts.around(found.begin, found.end))
            for found in each.reading.findings
        ),
        secrets=tuple(
            SecretAnswer(kind=secret.kind, begin=secret.begin, end=secret.end)
            for secret in each.reading.secrets
        ),
        cut=each.reading.cut,
        notes=each.notes,
        reason=None,
    )


def _derived(made: Sequence[Derived]) -> tuple[DerivedTags, ...]:
    return tuple(
        DerivedTags(
            sha256=each.document_sha256,
            tag_import=each.import_id,
            tags=each.tags,
            withdrawn=each.withdrawn,
        )
        for each in made
    )


def _conflicts(found: Sequence[Conflict]) -> tuple[ListingConflict, ...]:
    return tuple(
        ListingConflict(
            listing=each.listing,
            network=each.network,
            addresses=each.addresses,
            sources=each.sources,
        )
        for each in found
    )
