"""What is put into cases: addresses, notes, files, and the results of traces and batches."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypedDict

from arien_flows.answers.cases import CaseAnswer, Item, cursor_of
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.case_records import (
    CaseFile,
    CaseNote,
    CaseResult,
    CaseSubject,
    NoteVersion,
    Written,
)
from arien_flows.shapes import Certainty, Shape

InterestKind = Literal["address", "entity", "transaction"]
PersonRoleName = Literal["suspect", "convicted", "victim", "witness", "other", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestAnswer(Item):
    """An address, entity or transaction of interest in a case."""

    kind: InterestKind
    """`entity`: all that the strict profile joins to the address."""

    network: str
    """Name of the network."""

    text: str
    """The address or transaction in canonical text."""

    person_role: PersonRoleName
    """What the person behind it is in the proceedings (Directive (EU) 2016/680, Art. 6)."""

    certainty: Certainty
    """What that rests on."""

    note: str
    """What else is said of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestPage(Shape):
    """A page of what is of interest in a case."""

    items: tuple[InterestAnswer, ...]
    """The newest first."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedInterest(Shape):
    """One of the items that were offered."""

    is_new: bool
    """Whether it was added; if not, it was there, and stayed as it was."""

    item: InterestAnswer
    """The item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedInterests(Shape):
    """What became of items that were offered."""

    items: tuple[AddedInterest, ...]
    """In the order in which they were offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAnswer(Item):
    """A note of a case, as it stands."""

    text: str
    """What it says, as it was written."""

    certainty: Certainty
    """What that rests on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotePage(Shape):
    """A page of notes."""

    items: tuple[NoteAnswer, ...]
    """The newest first."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteVersionAnswer(Shape):
    """What a note said from some moment on."""

    version: int
    """Counts from 1."""

    text: str
    """What it said."""

    certainty: Certainty
    """What that rested on."""

    made_at: datetime
    """When it was written."""

    made_by: str
    """By whom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteVersionPage(Shape):
    """A page of the versions of a note."""

    items: tuple[NoteVersionAnswer, ...]
    """The first one first."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAnswer(Item):
    """A file of a case, without its bytes."""

    name: str
    """What it is called."""

    media_type: str
    """What it is, by its own bytes."""

    size: int
    """Bytes."""

    sha256: str
    """Of its bytes; also the `ETag` of the download."""

    certainty: Certainty
    """What its content rests on, in the words of who attached it."""

    note: str
    """What else is said of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePage(Shape):
    """A page of attachments."""

    items: tuple[FileAnswer, ...]
    """The newest first."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultAnswer(Item):
    """A trace or batch in a case, with copies of its files."""

    subject: str
    """The trace or batch."""

    kind: str
    """`trace` or `batch`."""

    request: dict[str, object]
    """What was asked."""

    certainty: Certainty
    """Always `inference`: what is followed depends on a policy and on rules."""

    note: str
    """What else is said of it."""

    files: tuple[FileAnswer, ...]
    """The files that the job made, manifests included; by their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultPage(Shape):
    """A page of traces and batches."""

    items: tuple[ResultAnswer, ...]
    """The newest first."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


class _Written(TypedDict):
    id: str
    version: int
    made_at: datetime
    made_by: str
    changed_at: datetime
    changed_by: str


def interest_answer(item: CaseSubject) -> InterestAnswer:
    """Return one item of interest."""
    return InterestAnswer(
        **_written(item.id, item.written),
        kind=item.subject.kind.value,
        network=item.subject.network,
        text=item.subject.text,
        person_role=item.person_role.value,
        certainty=item.certainty.value,
        note=item.note,
    )


def interests_answer(found: Sequence[CaseSubject], limit: int) -> InterestPage:
    """Return a page of items of interest."""
    items = tuple(interest_answer(item) for item in found[:limit])
    return InterestPage(items=items, next_cursor=cursor_of(found, items, limit))


def added_answer(added: Sequence[tuple[CaseSubject, bool]]) -> AddedInterests:
    """Return what became of items that were offered."""
    return AddedInterests(
        items=tuple(AddedInterest(is_new=new, item=interest_answer(item)) for item, new in added)
    )


def note_answer(note: CaseNote) -> NoteAnswer:
    """Return one note."""
    return NoteAnswer(
        **_written(note.id, note.written), text=note.text, certainty=note.certainty.value
    )


def notes_answer(found: Sequence[CaseNote], limit: int) -> NotePage:
    """Return a page of notes."""
    items = tuple(note_answer(note) for note in found[:limit])
    return NotePage(items=items, next_cursor=cursor_of(found, items, limit))


def note_versions_answer(found: Sequence[NoteVersion], limit: int) -> NoteVersionPage:
    """Return a page of the versions of a note."""
    items = tuple(
        NoteVersionAnswer(
            version=version.version,
            text=version.text,
            certainty=version.certainty.value,
            made_at=version.made_at,
            made_by=version.made_by,
        )
        for version in found[:limit]
    )
    following = str(items[-1].version) if len(found) > limit else None
    return NoteVersionPage(items=items, next_cursor=following)


def file_answer(file: CaseFile) -> FileAnswer:
    """Return one file."""
    return FileAnswer(
        **_written(file.id, file.written),
        name=file.name,
        media_type=file.content.media_type,
        size=file.content.size,
        sha256=file.content.sha256,
        certainty=file.certainty.value,
        note=file.note,
    )


def files_answer(found: Sequence[CaseFile], limit: int) -> FilePage:
    """Return a page of attachments."""
    items = tuple(file_answer(file) for file in found[:limit])
    return FilePage(items=items, next_cursor=cursor_of(found, items, limit))


def result_answer(result: CaseResult) -> ResultAnswer:
    """Return one trace or batch."""
    return ResultAnswer(
        **_written(result.id, result.written),
        subject=result.subject,
        kind=result.kind,
        request=json.loads(result.request),
        certainty=result.certainty.value,
        note=result.note,
        files=tuple(file_answer(file) for file in result.files),
    )


def results_answer(found: Sequence[CaseResult], limit: int) -> ResultPage:
    """Return a page of traces and batches."""
    items = tuple(result_answer(result) for result in found[:limit])
    return ResultPage(items=items, next_cursor=cursor_of(found, items, limit))


def _written(name: str, written: Written) -> _Written:
    return _Written(
        id=name,
        version=written.version,
        made_at=written.made_at,
        made_by=written.made_by,
        changed_at=written.changed_at,
        changed_by=written.changed_by,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOverview(Shape):
    """A case with what was put into it."""

    case: CaseAnswer
    """The case."""

    addresses: InterestPage
    """What is of interest."""

    notes: NotePage
    """Notes as they stand."""

    files: FilePage
    """Attachments."""

    traces: ResultPage
    """Traces and batches."""


def case_overview(casebook: Casebook, case: CaseAnswer, *, limit: int) -> CaseOverview:
    """Return a case with at most `limit` things of each kind, the newest ones."""
    content = casebook.cases.content
    more = limit + 1
    return CaseOverview(
        case=case,
        addresses=interests_answer(content.subjects(case.id, before=None, limit=more), limit),
        notes=notes_answer(content.notes(case.id, before=None, limit=more), limit),
        files=files_answer(content.files(case.id, before=None, limit=more), limit),
        traces=results_answer(content.results(case.id, before=None, limit=more), limit),
    )
