"""What is put into cases in words: addresses, entities, transactions, and notes."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from api.callers import CallerDep, allow, note_subjects
from api.deps import PageLimit, WorkspaceDep, answer, linked, problems
from api.etags import require_match
from api.routers.case_parts import (
    CHANGING,
    CONDITIONAL,
    UNSEEN,
    UNSEEN_PART,
    Body,
    CasePath,
    ItemPath,
    NameCursor,
    NotePath,
    Remark,
    Text,
    item_response,
    now,
    require_lead,
)
from api.visibility import require_case
from arien_flows.access.permissions import Permission
from arien_flows.answers.case_content import (
    AddedInterests,
    InterestAnswer,
    InterestKind,
    InterestPage,
    NoteAnswer,
    NotePage,
    NoteVersionPage,
    PersonRoleName,
    added_answer,
    interest_answer,
    interests_answer,
    note_answer,
    note_versions_answer,
    notes_answer,
)
from arien_flows.casebook.case_records import Certainty, NewSubject, PersonRole, SubjectKind
from arien_flows.cases.subjects import subject_named
from arien_flows.shapes import Certainty as CertaintyName

router = APIRouter(prefix="/v1", tags=["cases"])

MOST_AT_ONCE = 1_000
MOST_VERSIONS = 2**31 - 1


class InterestBody(Body):
    """Something of interest."""

    kind: InterestKind = "address"
    """`entity`: all that the strict profile joins to the address."""

    network: Annotated[str, Field(min_length=1, max_length=40)]
    """Name of the network."""

    text: Annotated[str, Field(min_length=1, max_length=25_000)]
    """The address, or the id of the transaction."""

    person_role: PersonRoleName
    """What the person behind it is in the proceedings; `unknown` where nobody knows."""

    certainty: CertaintyName
    """What that rests on: it was seen, somebody concluded it, or a source says so."""

    note: Remark = ""
    """What else there is to say of it."""


class InterestsBody(Body):
    """What is of interest."""

    items: Annotated[list[InterestBody], Field(min_length=1, max_length=MOST_AT_ONCE)]
    """One or many, taken all or none."""


class InterestChangeBody(Body):
    """What shall be said of an item instead; what is left out stays."""

    person_role: PersonRoleName | None = None
    """What the person behind it is in the proceedings."""

    certainty: CertaintyName | None = None
    """What that rests on."""

    note: Remark | None = None
    """What else there is to say of it."""


class NoteBody(Body):
    """What a note says."""

    text: Text
    """As it is to be read: nothing in it is taken for markup."""

    certainty: CertaintyName
    """What it rests on: it was seen, somebody concluded it, or a source says so."""


@router.post(
    "/cases/{case_id}/addresses",
    operation_id="add_to_case",
    summary="Add addresses, entities or transactions to a case",
    response_model=AddedInterests,
    dependencies=[allow(Permission.WRITE_CASES)],
    responses=UNSEEN_PART | CHANGING,
)
def add_to_case(
    case_id: CasePath,
    body: InterestsBody,
    request: Request,
    caller: CallerDep,
    workspace: WorkspaceDep,
) -> Response:
    """Add what is of interest, all or nothing. What is there already stays as it is."""
    require_case(request, case_id, changes=True)
    wanted = [
        NewSubject(
            subject=subject_named(SubjectKind(item.kind), item.network, item.text),
            person_role=PersonRole(item.person_role),
            certainty=Certainty(item.certainty),
            note=item.note,
        )
        for item in body.items
    ]
    note_subjects(request, *(new.subject.text for new in wanted))
    content = workspace.casebook.cases.content
    return answer(added_answer(content.add_subjects(case_id, wanted, now=now(), by=caller.name)))


@router.get(
    "/cases/{case_id}/addresses",
    operation_id="list_case_addresses",
    summary="List what is of interest in a case",
    response_model=InterestPage,
    dependencies=[allow(Permission.READ_CASES)],
    responses=UNSEEN | problems(_422="The cursor is not valid."),
)
def list_case_addresses(
    case_id: CasePath,
    request: Request,
    workspace: WorkspaceDep,
    limit: PageLimit,
    cursor: NameCursor = None,
) -> Response:
    """Return a page of addresses, entities and transactions, the newest first."""
    require_case(request, case_id, changes=False)
    content = workspace.casebook.cases.content
    page = interests_answer(content.subjects(case_id, before=cursor, limit=limit + 1), limit)
    return linked(answer(page), request, page.next_cursor)


@router.get(
    "/cases/{case_id}/addresses/{item_id}",
    operation_id="read_case_address",
    summary="Show what a case says of an address",
    response_model=InterestAnswer,
    dependencies=[allow(Permission.READ_CASES)],
    responses=UNSEEN_PART,
)
def read_case_address(
    case_id: CasePath, item_id: ItemPath, request: Request, workspace: WorkspaceDep
) -> Response:
    """Return one item of interest."""
    require_case(request, case_id, changes=False)
    content = workspace.casebook.cases.content
    return item_response(interest_answer(content.subject(case_id, item_id)))


@router.patch(
    "/cases/{case_id}/addresses/{item_id}",
    operation_id="change_case_address",
    summary="Say something else of an address of a case",
    response_model=InterestAnswer,
    dependencies=[allow(Permission.WRITE_CASES)],
    responses=UNSEEN_PART | CHANGING | CONDITIONAL,
)
def change_case_address(
    case_id: CasePath,
    item_id: ItemPath,
    body: InterestChangeBody,
    request: Request,
    caller: CallerDep,
    workspace: WorkspaceDep,
) -> Response:
    """Change the role of the person, the certainty or the remark. The address itself stays."""
    require_case(request, case_id, changes=True)
    content = workspace.casebook.cases.content
    version = content.subject(case_id, item_id).written.version
    require_match(request, str(version))
    changed = content.change_subject(
        case_id,
        item_id,
        person_role=None if body.person_role is None else PersonRole(body.person_role),
        certainty=None if body.certainty is None else Certainty(body.certainty),
        note=body.note,
        version=version,
        now=now(),
        by=caller.name,
    )
    return item_response(interest_answer(changed))


@router.delete(
    "/cases/{case_id}/addresses/{item_id}",
    operation_id="remove_case_address",
    summary="Take an address out of a case",
    status_code=204,
    response_class=Response,
    dependencies=[allow(Permission.WRITE_CASES)],
    responses=UNSEEN_PART | CHANGING,
)
def remove_case_address(
    case_id: CasePath,
    item_id: ItemPath,
    request: Request,
    caller: CallerDep,
    workspace: WorkspaceDep,
) -> Response:
    """Take an item out. The acts say that there was one, and not which address."""
    require_case(request, case_id, changes=True)
    content = workspace.casebook.cases.content
    content.remove_subject(case_id, item_id, now=now(), by=caller.name)
    return Response(status_code=204)


@router.post(
    "/cases/{case_id}/notes",
    operation_id="write_case_note",
    summary="Write a note",
    status_code=201,
    response_model=NoteAnswer,
    dependencies=[allow(Permission.WRITE_CASES)],
    responses=UNSEEN | CHANGING,
)
def write_case_note(
    case_id: CasePath,
    body: NoteBody,
    request: Request,
    caller: CallerDep,
    workspace: WorkspaceDep,
) -> Response:
    """Write a note; what it rests on is part of it (Directive (EU) 2016/680, Art. 7)."""
    require_case(request, case_id, changes=True)
    note = workspace.casebook.cases.content.write_note(
        case_id, text=body.text, certainty=Certainty(body.certainty), now=now(), by=caller.name
    )
    response = item_response(note_answer(note), 201)
    response.headers["Location"] = f"/v1/cases/{case_id}/notes/{note.id}"
    return response


@router.get(
    "/cases/{case_id}/notes",
    operation_id="list_case_notes",
    summary="List the notes of a case",
    response_model=NotePage,
    dependencies=[allow(Permission.READ_CASES)],
    responses=UNSEEN | problems(_422="The cursor is not valid."),
)
def list_case_notes(
    case_id: CasePath,
    request: Request,
    workspace: WorkspaceDep,
    limit: PageLimit,
    cursor: NameCursor = None,
) -> Response:
    """Return a page of notes as they stand, the newest first."""
    require_case(request, case_id, changes=False)
    content = workspace.casebook.cases.content
    page = notes_answer(content.notes(case_id, before=cursor, limit=limit + 1), limit)
    return linked(answer(page), request, page.next_cursor)


@router.get(
    "/cases/{case_id}/notes/{note_id}",
    operation_id="read_case_note",
    summary="Show a note",
    response_model=NoteAnswer,
    dependencies=[allow(Permission.READ_CASES)],
    responses=UNSEEN_PART,
)
def read_case_note(
    case_id: CasePath, note_id: NotePath, request: Request, workspace: WorkspaceDep
) -> Response:
    """Return a note as it stands; its `ETag` is what a change names in `If-Match`."""
    require_case(request, case_id, changes=False)
    return item_response(note_answer(workspace.casebook.cases.content.note(case_id, note_id)))


@router.put(
    "/cases/{case_id}/notes/{note_id}",
    operation_id="change_case_note",
    summary="Write a note anew",
    response_model=NoteAnswer,
    dependencies=[allow(Permission.WRITE_CASES)],
    responses=UNSEEN_PART | CHANGING | CONDITIONAL,
)
def change_case_note(
    case_id: CasePath,
    note_id: NotePath,
    body: NoteBody,
    request: Request,
    caller: CallerDep,
    workspace: WorkspaceDep,
) -> Response:
    """Let a note say something else. What it said is kept, with who wrote it."""
    require_case(request, case_id, changes=True)
    content = workspace.casebook.cases.content
    version = content.note(case_id, note_id).written.version
    require_match(request, str(version))
    note = content.change_note(
        case_id,
        note_id,
        text=body.text,
        certainty=Certainty(body.certainty),
        version=version,
        now=now(),
        by=caller.name,
    )
    return item_response(note_answer(note))


@router.get(
    "/cases/{case_id}/notes/{note_id}/versions",
    operation_id="list_case_note_versions",
    summary="Show what a note said before",
    response_model=NoteVersionPage,
    dependencies=[allow(Permission.READ_CASES)],
    responses=UNSEEN_PART | problems(_422="The cursor is not valid."),
)
def list_case_note_versions(
    case_id: CasePath,
    note_id: NotePath,
    request: Request,
    workspace: WorkspaceDep,
    limit: PageLimit,
    cursor: Annotated[
        int, Query(description="`next_cursor` of the last page.", ge=0, le=MOST_VERSIONS)
    ] = 0,
) -> Response:
    """Return a page of all versions of a note, the first one first."""
    require_case(request, case_id, changes=False)
    content = workspace.casebook.cases.content
    found = content.note_versions(case_id, note_id, after=cursor, limit=limit + 1)
    page = note_versions_answer(found, limit)
    return linked(answer(page), request, page.next_cursor)


@router.delete(
    "/cases/{case_id}/notes/{note_id}",
    operation_id="remove_case_note",
    summary="Remove a note that should not have been written",
    status_code=204,
    response_class=Response,
    dependencies=[allow(Permission.WRITE_CASES)],
    responses=UNSEEN_PART | CHANGING,
)
def remove_case_note(
    case_id: CasePath,
    note_id: NotePath,
    request: Request,
    caller: CallerDep,
    workspace: WorkspaceDep,
) -> Response:
    """Remove a note with all its versions: for its lead, where data must not be kept (Art. 16)."""
    require_lead(request, case_id)
    workspace.casebook.cases.content.remove_note(case_id, note_id, now=now(), by=caller.name)
    return Response(status_code=204)
