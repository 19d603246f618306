"""What the casebook says of cases: plain values that outlive the connection."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from arien_flows.access.cases import CaseRole
from arien_flows.access.tlp import Tlp


class Certainty(StrEnum):
    """What a statement rests on (Directive (EU) 2016/680, Art. 7)."""

    FACT = "fact"
    """It was seen: on the chain, in a document."""

    INFERENCE = "inference"
    """Somebody concluded it."""

    ATTRIBUTION = "attribution"
    """A source says so."""


class CaseState(StrEnum):
    """Where a case stands; once erasure began there is no way back."""

    OPEN = "open"
    CLOSED = "closed"
    """Kept until its deadline, and not changed any more."""

    ERASING = "erasing"
    """Nobody sees its content, and what is left of it is being removed."""

    ERASED = "erased"


GONE = frozenset({CaseState.ERASING, CaseState.ERASED})


class PersonRole(StrEnum):
    """What the person behind an address is in the proceedings (Directive (EU) 2016/680, Art. 6)."""

    SUSPECT = "suspect"
    CONVICTED = "convicted"
    VICTIM = "victim"
    WITNESS = "witness"
    OTHER = "other"
    UNKNOWN = "unknown"


class SubjectKind(StrEnum):
    """What is of interest."""

    ADDRESS = "address"
    ENTITY = "entity"
    """Everything that the strict profile joins to an address, whenever it is looked at."""

    TRANSACTION = "transaction"


class ActKind(StrEnum):
    """What somebody did with a case."""

    CASE_MADE = "case_made"
    CASE_CHANGED = "case_changed"
    CASE_CLOSED = "case_closed"
    CASE_REOPENED = "case_reopened"
    REVIEWED = "reviewed"
    MEMBER_SET = "member_set"
    MEMBER_REMOVED = "member_removed"
    SUBJECT_ADDED = "subject_added"
    SUBJECT_CHANGED = "subject_changed"
    SUBJECT_REMOVED = "subject_removed"
    NOTE_WRITTEN = "note_written"
    NOTE_CHANGED = "note_changed"
    NOTE_REMOVED = "note_removed"
    FILE_ATTACHED = "file_attached"
    FILE_REMOVED = "file_removed"
    RESULT_ATTACHED = "result_attached"
    RESULT_REMOVED = "result_removed"
    INTRODUCED = "introduced"
    """A supervisor told the leads of two cases of each other."""

    ERASURE_BEGUN = "erasure_begun"
    ERASED = "erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCase:
    """A case that shall be kept."""

    number: str
    """The authority's own reference; no other case bears it."""

    title: str
    legal_basis: str
    authority: str
    purpose: str
    tlp: Tlp
    review_by: date
    erase_after: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseChange:
    """What shall be different about a case; nothing leaves a field as it is."""

    number: str | None = None
    title: str | None = None
    legal_basis: str | None = None
    authority: str | None = None
    purpose: str | None = None
    tlp: Tlp | None = None
    state: CaseState | None = None
    review_by: date | None = None
    erase_after: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Who wrote something, and who changed it last."""

    version: int
    made_at: datetime
    made_by: str
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case. Of an erased one the words are gone, and the rest is left."""

    id: str
    number: str | None
    number_sha256: str
    """Of the number in UTF-8: by it an erased case is found again by who knows the number."""

    title: str | None
    legal_basis: str | None
    authority: str | None
    purpose: str | None
    tlp: Tlp
    state: CaseState
    review_by: date
    erase_after: date | None
    written: Written
    erasure_reason: str | None
    erased_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody who works on a case."""

    person: str
    role: CaseRole
    made_at: datetime
    made_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """Which cases are looked for; nothing stands for all."""

    state: CaseState | None = None
    due_on: date | None = None
    """Those whose review was due before this day, or whose time to be erased has come."""

    number: str | None = None
    network: str | None = None
    subject: str | None = None
    """An address or transaction in canonical text; with `network`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Somebody's finding that a case is still needed, and until when."""

    id: str
    finding: str
    next_review_by: date
    made_at: datetime
    made_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseAct:
    """Something that somebody did with a case."""

    id: str
    kind: ActKind
    subject: str | None
    """The id of an item, or the name of a person."""

    what: str | None
    """Names of fields, or a role; never what they say."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An address, an entity or a transaction in canonical text."""

    kind: SubjectKind
    network: str
    text: str
    """Of an entity: any of its addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSubject:
    """Something of interest that shall be kept with a case."""

    subject: Subject
    person_role: PersonRole
    certainty: Certainty
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSubject:
    """Something of interest in a case."""

    id: str
    case_id: str
    subject: Subject
    person_role: PersonRole
    certainty: Certainty
    note: str
    written: Written


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteVersion:
    """What a note said from some moment on."""

    version: int
    text: str
    certainty: Certainty
    made_at: datetime
    made_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseNote:
    """A note as it stands; its earlier versions are kept."""

    id: str
    case_id: str
    text: str
    certainty: Certainty
    written: Written


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBytes:
    """Bytes that lie in the folder of files, under their hash."""

    sha256: str
    size: int
    media_type: str
    """What they are, by their own beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file that shall be kept with a case."""

    name: str
    content: KeptBytes
    certainty: Certainty
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """A file of a case: an attachment, or a part of a trace or batch."""

    id: str
    case_id: str
    result_id: str | None
    name: str
    content: KeptBytes
    certainty: Certainty
    note: str
    written: Written


@dataclass(frozen=True, slots=True, kw_only=True)
class NewResult:
    """A trace or batch that shall be kept with a case, with copies of its files."""

    subject: str
    """`trace_…` or `batch_…`."""

    job_id: str
    kind: str
    request: str
    """What was asked, as JSON."""

    note: str
    files: tuple[NewFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """A trace or batch in a case."""

    id: str
    case_id: str
    subject: str
    job_id: str
    kind: str
    request: str
    certainty: Certainty
    note: str
    written: Written
    files: tuple[CaseFile, ...]
