"""Imports of documents: what became of each, and what of it is in effect."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from arien_flows.answers.tag_records import make_cursor, read_cursor
from arien_flows.answers.tags import State, state_answer
from arien_flows.casebook.actors import ActorList
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.records import FaultyTag, ImportOutcome, Review, TagImport
from arien_flows.shapes import Shape

IMPORTS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalAnswer(Shape):
    """Why an import no longer counts."""

    reason: str
    """In the words of who withdrew it."""

    withdrawn_at: datetime
    """When."""

    withdrawn_by: str
    """By whom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagImportAnswer(Shape):
    """One import of a document."""

    id: int
    """Its number, by which it is withdrawn."""

    file: str
    """Name of the document."""

    sha256: str
    """Hash of the document's bytes, which the casebook keeps."""

    bytes: int
    """Length of the document."""

    title: str
    """Title that the document gives itself."""

    creator: str
    """Who wrote it."""

    network: str
    """The network that `BTC` was taken to mean."""

    imported_at: datetime
    """When it was imported."""

    imported_by: str
    """By whom."""

    tags: int
    """Tags that were taken over."""

    current: int
    """Those of them that speak today: neither superseded by a newer version nor withdrawn."""

    repeated: int
    """Rows that say what another row of the document says, and were not taken twice."""

    faulty: int
    """Rows that could not be used."""

    withdrawal: WithdrawalAnswer | None
    """Why it no longer counts; nothing for one that does."""

    format: str
    """How the document was read."""

    source: str | None
    """Where the document is from, as was said when it was offered."""

    licence: str | None
    """Under which it was published, as was said when it was offered."""

    as_of: date | None
    """Of which day it is, as was said when it was offered."""

    state: State
    """Whether somebody else has approved or rejected it; `proposed` until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagImportPage(Shape):
    """A page of imports."""

    items: tuple[TagImportAnswer, ...]
    """Imports in the order in which they were made."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyTagAnswer(Shape):
    """A row of a document that could not be used."""

    row: int
    """Place in the document's list of tags, from 1."""

    subject: str
    """Address or transaction as the document writes it; empty where that cannot be told."""

    fault: str
    """What is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport(Shape):
    """What became of a document that was offered."""

    file: str
    """Name of the document."""

    result: Literal["imported", "already_imported", "refused"]
    """Whether it was taken in now, was there before, or cannot be read."""

    record: TagImportAnswer | None
    """The import; nothing for a document that was refused, or that lists actors."""

    faults: tuple[FaultyTagAnswer, ...]
    """All rows that could not be used; the others were."""

    error: str | None
    """Why the document was refused."""

    actors: int | None = None
    """How many actors were taken over, where it lists actors and not tags."""

    rejected_before: int = 0
    """Tags taken over that do not speak: the same was rejected before, and awaits an approval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewAnswer(Shape):
    """What somebody found of an import, or of one of its tags."""

    row: int | None
    """Place of the tag in the document's list; nothing for the import as a whole."""

    verdict: Literal["approved", "rejected"]
    """What was found."""

    reason: str
    """In the words of who found it."""

    reviewed_at: datetime
    """When."""

    reviewed_by: str
    """By whom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPage(Shape):
    """A page of the reviews of an import."""

    items: tuple[ReviewAnswer, ...]
    """In the order of their making."""

    next_cursor: str | None
    """Leads to the next page; nothing where this is the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagImportDetail(Shape):
    """An import with the rows that could not be used, and its reviews."""

    record: TagImportAnswer
    """The import."""

    faults: tuple[FaultyTagAnswer, ...]
    """All rows that could not be used, in the document's order."""

    reviews: tuple[ReviewAnswer, ...]
    """All reviews, the first one first: the last one of a tag or of the import counts."""

    rejected_before: int
    """Its tags that do not speak: the same was rejected before, and awaits an approval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAnswer(Shape):
    """A decision whether tags count that nobody has approved."""

    counts_proposed: bool
    """Whether they do."""

    reason: str
    """In the words of who decided."""

    set_at: datetime
    """When."""

    set_by: str
    """By whom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoliciesAnswer(Shape):
    """Whether tags count that nobody has approved, and who decided so."""

    counts_proposed: bool
    """Whether they do today; they do where nobody decided."""

    decisions: tuple[PolicyAnswer, ...]
    """All decisions, the one in force last."""


def policies_answer(casebook: Casebook) -> PoliciesAnswer:
    """Return whether proposed tags count, and who decided so."""
    decisions = tuple(
        PolicyAnswer(
            counts_proposed=it.counts_proposed,
            reason=it.reason,
            set_at=it.set_at,
            set_by=it.set_by,
        )
        for it in casebook.lists.policies()
    )
    return PoliciesAnswer(
        counts_proposed=decisions[-1].counts_proposed if decisions else True, decisions=decisions
    )


def import_detail(casebook: Casebook, number: int) -> TagImportDetail:
    """Return one import; `NotFoundError` where there is none of that number."""
    return TagImportDetail(
        record=import_answer(casebook.read_import(number)),
        faults=tuple(_faulty(fault) for fault in casebook.faults_of(number)),
        reviews=tuple(review_answer(each) for each in casebook.lists.reviews(number)),
        rejected_before=casebook.lists.rejected_before(number),
    )


def reviews_page(casebook: Casebook, number: int, *, limit: int, cursor: str | None) -> ReviewPage:
    """Return a page of the reviews of an import, which are only ever added to."""
    casebook.read_import(number)
    begin = 0 if cursor is None else read_cursor(cursor)
    found = casebook.lists.reviews(number)
    items = tuple(review_answer(each) for each in found[begin : begin + limit])
    end = begin + len(items)
    return ReviewPage(items=items, next_cursor=make_cursor(end) if end < len(found) else None)


def import_report(outcome: ImportOutcome, form: str) -> ImportReport:
    """Return what became of a document that could be read in a format.

    What is in effect in another format is no answer to it: it is refused, with what to do.
    """
    known = outcome.record
    if not outcome.is_new and known.form != form:
        return refused(
            known.document_name,
            f"import {known.id} holds these bytes, read as {known.form} and not as {form} "
            f"({known.tags:,} tags): withdraw it with a reason, then import the file again",
        )
    return ImportReport(
        file=outcome.record.document_name,
        result="imported" if outcome.is_new else "already_imported",
        record=import_answer(outcome.record),
        faults=tuple(_faulty(fault) for fault in outcome.faults),
        error=None,
        rejected_before=outcome.rejected_before,
    )


def actors_report(made: ActorList) -> ImportReport:
    """Return what became of a list of actors."""
    return ImportReport(
        file=made.document_name,
        result="imported" if made.is_new else "already_imported",
        record=None,
        faults=tuple(
            FaultyTagAnswer(row=it.number, subject=it.subject, fault=it.fault) for it in made.faults
        ),
        error=None,
        actors=made.actors,
    )


def refused(file: str, error: str) -> ImportReport:
    """Return what became of a document that is no TagPack."""
    return ImportReport(file=file, result="refused", record=None, faults=(), error=error)


def import_answer(record: TagImport) -> TagImportAnswer:
    """Return an import as answers show it."""
    withdrawal = record.withdrawal
    return TagImportAnswer(
        id=record.id,
        file=record.document_name,
        sha256=record.document_sha256,
        bytes=record.document_bytes,
        title=record.title,
        creator=record.creator,
        network=record.network,
        imported_at=record.imported_at,
        imported_by=record.imported_by,
        tags=record.tags,
        current=record.current,
        repeated=record.repeated,
        faulty=record.faulty,
        withdrawal=None
        if withdrawal is None
        else WithdrawalAnswer(
            reason=withdrawal.reason,
            withdrawn_at=withdrawal.withdrawn_at,
            withdrawn_by=withdrawal.withdrawn_by,
        ),
        format=record.form,
        source=record.terms.source,
        licence=record.terms.licence,
        as_of=record.terms.as_of,
        state=state_answer(record.state),
    )


def review_answer(review: Review) -> ReviewAnswer:
    """Return a review as answers show it."""
    return ReviewAnswer(
        row=review.row,
        verdict="approved" if review.verdict == "approved" else "rejected",
        reason=review.reason,
        reviewed_at=review.reviewed_at,
        reviewed_by=review.reviewed_by,
    )


def imports_answer(casebook: Casebook, *, limit: int, cursor: str | None = None) -> TagImportPage:
    """Return a page of imports."""
    after = 0 if cursor is None else read_cursor(cursor)
    found = casebook.imports(after=after, limit=limit + 1)
    more = len(found) > limit
    return TagImportPage(
        items=tuple(import_answer(record) for record in found[:limit]),
        next_cursor=make_cursor(found[limit - 1].id) if more else None,
    )


def all_imports(casebook: Casebook) -> list[TagImportAnswer]:
    """Return every import."""
    listed: list[TagImportAnswer] = []
    while page := casebook.imports(after=listed[-1].id if listed else 0, limit=IMPORTS_AT_ONCE):
        listed += [import_answer(record) for record in page]
    return listed


def _faulty(fault: FaultyTag) -> FaultyTagAnswer:
    return FaultyTagAnswer(row=fault.row, subject=fault.subject, fault=fault.fault)
