"""Cases: made, found, changed and erased; their members, reviews and acts."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import Field

from api.callers import CallerDep, act_of, allow
from api.deps import PageLimit, WorkspaceDep, answer, linked, problems
from api.etags import require_match
from api.routers.case_parts import (
    CHANGING,
    CONDITIONAL,
    UNSEEN,
    Body,
    CasePath,
    Line,
    NameCursor,
    Text,
    item_response,
    now,
    require_lead,
    today,
)
from api.visibility import require_case
from arien_flows.access.callers import Caller
from arien_flows.access.cases import CaseRole
from arien_flows.access.permissions import Permission
from arien_flows.access.tlp import Tlp
from arien_flows.answers.cases import (
    CaseActPage,
    CaseAnswer,
    CasePage,
    Label,
    MemberAnswer,
    MemberList,
    Part,
    ReviewOfCase,
    ReviewPage,
    State,
    case_acts_answer,
    case_answer,
    cases_answer,
    member_answer,
    members_answer,
    review_of_case,
    reviews_of_case,
)
from arien_flows.attribution.subjects import canonical_subject
from arien_flows.casebook.case_records import CaseChange, CaseFilter, CaseState, NewCase
from arien_flows.cases.deadlines import erase
from arien_flows.cases.membership import require_fit
from arien_flows.cases.signal_answers import known_introductions
from arien_flows.errors import CasebookBusyError, ForbiddenError, InputError
from arien_flows.workspace import Workspace
from chains.networks import any_network

router = APIRouter(prefix="/v1", tags=["cases"])

PersonPath = Annotated[str, Path(description="Name of the account.", max_length=200)]
ADMINISTRATIVE = frozenset({"review_by", "erase_after"})
"""Fields that a supervisor may change without being a member."""


class NewCaseBody(Body):
    """A case that shall be made."""

    number: Line
    """The authority's own reference. No other case may have it; that one has it is told."""

    title: Line
    """What it is called."""

    legal_basis: Line
    """The provision that lets the data be processed."""

    authority: Line
    """Which authority is responsible."""

    purpose: Annotated[str, Field(min_length=1, max_length=5_000, pattern=r"\S")]
    """What the data is processed for."""

    tlp: Label = "amber"
    """Its label: nobody who is cleared for less sees it. Not above your own clearance."""

    review_by: date
    """The day by which somebody has to see whether it is still needed."""

    erase_after: date | None = None
    """The day after which it is erased by itself."""

    lead: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Who leads it: you, unless you may assign cases and name somebody else."""


class CaseChangeBody(Body):
    """What shall be different about a case; what is left out stays."""

    number: Line | None = None
    """The authority's own reference."""

    title: Line | None = None
    """What it is called."""

    legal_basis: Line | None = None
    """The provision that lets the data be processed."""

    authority: Line | None = None
    """Which authority is responsible."""

    purpose: Annotated[str, Field(min_length=1, max_length=5_000, pattern=r"\S")] | None = None
    """What the data is processed for."""

    tlp: Label | None = None
    """Its label. Members who are cleared for less see it no more."""

    state: Literal["open", "closed"] | None = None
    """Whether anything can be added."""

    review_by: date | None = None
    """The day by which somebody has to see whether it is still needed."""

    erase_after: date | None = None
    """The day after which it is erased; changed by those who may assign cases only."""


class MemberBody(Body):
    """What somebody may do in a case."""

    role: Part
    """`lead`, `member` or `reader`."""


class ReviewBody(Body):
    """A finding that a case is still needed."""

    finding: Text
    """Why it is."""

    next_review_by: date
    """The day by which somebody has to look again."""


@router.post(
    "/cases",
    operation_id="make_case",
    summary="Make a case",
    status_code=201,
    response_model=CaseAnswer,
    dependencies=[allow(Permission.WRITE_CASES)],
    responses=problems(
        _403="Only who may assign cases names another lead.",
        _409="The number is taken.",
        _422="A field is not valid, or a day has passed.",
    ),
)
def make_case(
    body: NewCaseBody, request: Request, caller: CallerDep, workspace: WorkspaceDep
) -> Response:
    """Make a case, which you lead unless you name somebody else."""
    tlp = _own_label(caller, Tlp(body.tlp))
    if body.lead is not None and not caller.may(Permission.ASSIGN_CASES):
        raise ForbiddenError(f"only who may assign cases names a lead: leave out {body.lead!r}")
    lead = caller.name if body.lead is None else require_fit(workspace, body.lead, tlp)
    new = NewCase(
        number=body.number.strip(),
        title=body.title.strip(),
        legal_basis=body.legal_basis.strip(),
        authority=body.authority.strip(),
        purpose=body.purpose,
        tlp=tlp,
        review_by=body.review_by,
        erase_after=body.erase_after,
    )
    case = workspace.casebook.cases.create(new, now=now(), by=caller.name, lead=lead)
    role = require_case(request, case.id, changes=False)
    response = _case_response(case_answer(case, role, today=today()), 201)
    response.headers["Location"] = f"/v1/cases/{case.id}"
    return response


@router.get(
    "/cases",
    operation_id="list_cases",
    summary="List the cases that you see",
    response_model=CasePage,
    dependencies=[allow(Permission.READ_CASES)],
    responses=problems(_404="No such network.", _422="A filter or the cursor is not valid."),
)
def list_cases(
    request: Request,
    caller: CallerDep,
    workspace: WorkspaceDep,
    limit: PageLimit,
    state: Annotated[State | None, Query(description="Only cases in this state.")] = None,
    due: Annotated[
        bool, Query(description="Only cases whose review, or whose erasure, is due.")
    ] = False,
    number: Annotated[
        str | None, Query(description="Only the case of this number.", max_length=500)
    ] = None,
    network: Annotated[str | None, Query(description="Of the address.", max_length=40)] = None,
    address: Annotated[
        str | None,
        Query(
            description="Only cases in which this address or transaction stands; needs `network`.",
            max_length=25_000,
        ),
    ] = None,
    cursor: NameCursor = None,
) -> Response:
    """Return a page of cases, the newest first. Cases that you do not see are not counted."""
    subject = None
    if (network is None) is not (address is None):
        raise InputError("an address needs its network, and a network an address: name both")
    if network is not None and address is not None:
        subject = canonical_subject(address, any_network(network).name)
    wanted = CaseFilter(
        state=None if state is None else CaseState(state),
        due_on=today() if due else None,
        number=number,
        network=network,
        subject=subject,
    )
    found = workspace.casebook.cases.page(caller, wanted, before=cursor, limit=limit + 1)
    page = cases_answer(found, limit=limit, today=today())
    return linked(answer(page), request, page.next_cursor)


@router.get(
    "/cases/{case_id}",
    operation_id="read_case",
    summary="Show a case",
    response_model=CaseAnswer,
    dependencies=[allow(Permission.READ_CASES)],
    responses=UNSEEN,
)
def read_case(case_id: CasePath, request: Request, workspace: WorkspaceDep) -> Response:
    """Return a case; its `ETag` is what a change names in `If-Match`."""
    role = require_case(request, case_id, changes=False)
    return _case_response(_shown(workspace, case_id, role))


@router.patch(
    "/cases/{case_id}",
    operation_id="change_case",
    summary="Change a case",
    response_model=CaseAnswer,
    dependencies=[allow(Permission.READ_CASES)],
    responses=UNSEEN | CHANGING | CONDITIONAL,
)
def change_case(
    case_id: CasePath,
    body: CaseChangeBody,
    request: Request,
    caller: CallerDep,
    workspace: WorkspaceDep,
) -> Response:
    """Change what a case says of itself: its lead, and its deadlines those who assign cases."""
    role = require_lead(request, case_id)
    present = _shown(workspace, case_id, role)
    require_match(request, _tag(present))
    _require_may_change(caller, role, body)
    if body.tlp is not None:
        _own_label(caller, Tlp(body.tlp))
    change = CaseChange(
        number=body.number and body.number.strip(),
        title=body.title and body.title.strip(),
        legal_basis=body.legal_basis and body.legal_basis.strip(),
        authority=body.authority and body.authority.strip(),
        purpose=body.purpose,
        tlp=None if body.tlp is None else Tlp(body.tlp),
        state=None if body.state is None else CaseState(body.state),
        review_by=body.review_by,
        erase_after=body.erase_after,
    )
    case = workspace.casebook.cases.change(
        case_id, change, version=present.version, now=now(), by=caller.name
    )
    return _case_response(case_answer(case, role, today=today()))


@router.delete(
    "/cases/{case_id}",
    operation_id="erase_case",
    summary="Erase a case",
    response_model=CaseAnswer,
    dependencies=[allow(Permission.ASSIGN_CASES)],
    responses={
        202: {
            "description": "The case is hidden, and the rest of the erasure goes on by itself.",
            "model": CaseAnswer,
        }
    }
    | UNSEEN
    | problems(
        _409="It was erased already.",
        _422="No reason is given.",
        _507="There is no room to write the casebook anew; it goes on when there is.",
    ),
)
def erase_case(
    case_id: CasePath, request: Request, caller: CallerDep, workspace: WorkspaceDep
) -> Response:
    """Take away all that a case holds, for good; its id, its dates and its acts stay.

    The header `X-Reason` says why. It is kept: name nobody in it.
    """
    role = require_case(request, case_id, changes=False)
    act = act_of(request.scope)
    reason = None if act is None else act.reason
    if reason is None:
        raise InputError("say in the header `X-Reason` why the case is erased")
    try:
        erase(workspace, case_id, reason=reason, now=now(), by=caller.name)
        status = 200
    except CasebookBusyError:
        status = 202
    return answer(_shown(workspace, case_id, role), status)


@router.get(
    "/cases/{case_id}/members",
    operation_id="list_case_members",
    summary="List the members of a case",
    response_model=MemberList,
    dependencies=[allow(Permission.READ_CASES)],
    responses=UNSEEN,
)
def list_case_members(case_id: CasePath, request: Request, workspace: WorkspaceDep) -> Response:
    """Return who works on a case, by name."""
    require_case(request, case_id, changes=False)
    return answer(members_answer(workspace.casebook.cases.members(case_id)))


@router.put(
    "/cases/{case_id}/members/{person}",
    operation_id="set_case_member",
    summary="Make somebody a member of a case, or change the role",
    response_model=MemberAnswer,
    dependencies=[allow(Permission.READ_CASES)],
    responses=UNSEEN | CHANGING,
)
def set_case_member(
    case_id: CasePath,
    person: PersonPath,
    body: MemberBody,
    request: Request,
    caller: CallerDep,
    workspace: WorkspaceDep,
) -> Response:
    """Name a member. Its lead may, and those who assign cases; nobody above the own clearance."""
    require_lead(request, case_id)
    cases = workspace.casebook.cases
    name = require_fit(workspace, person, cases.read(case_id).tlp)
    member = cases.set_member(case_id, name, CaseRole(body.role), now=now(), by=caller.name)
    return answer(member_answer(member))


@router.delete(
    "/cases/{case_id}/members/{person}",
    operation_id="remove_case_member",
    summary="Take somebody off a case",
    status_code=204,
    response_class=Response,
    dependencies=[allow(Permission.READ_CASES)],
    responses=UNSEEN | CHANGING,
)
def remove_case_member(
    case_id: CasePath,
    person: PersonPath,
    request: Request,
    caller: CallerDep,
    workspace: WorkspaceDep,
) -> Response:
    """Take a member off; the last lead stays until there is another one."""
    require_lead(request, case_id)
    workspace.casebook.cases.remove_member(case_id, person, now=now(), by=caller.name)
    return Response(status_code=204)


@router.post(
    "/cases/{case_id}/reviews",
    operation_id="review_case",
    summary="Find that a case is still needed",
    status_code=201,
    response_model=ReviewOfCase,
    dependencies=[allow(Permission.READ_CASES)],
    responses=UNSEEN | CHANGING,
)
def review_case(
    case_id: CasePath,
    body: ReviewBody,
    request: Request,
    caller: CallerDep,
    workspace: WorkspaceDep,
) -> Response:
    """Keep why a case is still needed, and set the day of the next review."""
    require_lead(request, case_id)
    review = workspace.casebook.cases.review(
        case_id,
        finding=body.finding,
        next_review_by=body.next_review_by,
        now=now(),
        by=caller.name,
    )
    return answer(review_of_case(review), 201)


@router.get(
    "/cases/{case_id}/reviews",
    operation_id="list_case_reviews",
    summary="List the reviews of a case",
    response_model=ReviewPage,
    dependencies=[allow(Permission.READ_CASES)],
    responses=UNSEEN | problems(_422="The cursor is not valid."),
)
def list_case_reviews(
    case_id: CasePath,
    request: Request,
    workspace: WorkspaceDep,
    limit: PageLimit,
    cursor: NameCursor = None,
) -> Response:
    """Return a page of reviews, the newest first."""
    require_case(request, case_id, changes=False)
    found = workspace.casebook.cases.reviews(case_id, before=cursor, limit=limit + 1)
    page = reviews_of_case(found, limit)
    return linked(answer(page), request, page.next_cursor)


@router.get(
    "/cases/{case_id}/acts",
    operation_id="list_case_acts",
    summary="List what was done with a case",
    response_model=CaseActPage,
    dependencies=[allow(Permission.READ_CASES)],
    responses=UNSEEN | problems(_422="The cursor is not valid."),
)
def list_case_acts(
    case_id: CasePath,
    request: Request,
    caller: CallerDep,
    workspace: WorkspaceDep,
    limit: PageLimit,
    cursor: NameCursor = None,
) -> Response:
    """Return who did what and when, the newest first. Nobody can change these."""
    role = require_case(request, case_id, changes=False)
    found = workspace.casebook.cases.acts(
        case_id,
        introductions=known_introductions(workspace, caller, case_id, role),
        before=cursor,
        limit=limit + 1,
    )
    page = case_acts_answer(found, limit)
    return linked(answer(page), request, page.next_cursor)


def _shown(workspace: Workspace, case_id: str, role: CaseRole) -> CaseAnswer:
    return case_answer(workspace.casebook.cases.read(case_id), role, today=today())


def _tag(case: CaseAnswer) -> str:
    """Return what names an answer about a case: it tells whose it is, and of which day."""
    return f"{case.version}-{case.role}{'-due' if case.is_due else ''}"


def _case_response(case: CaseAnswer, status: int = 200) -> Response:
    return item_response(case, status, tag=_tag(case))


def _own_label(caller: Caller, tlp: Tlp) -> Tlp:
    if not caller.clearance.covers(tlp):
        raise InputError(
            f"you are cleared up to {caller.clearance.value}, and could not see a case that is "
            f"{tlp.value}"
        )
    return tlp


def _require_may_change(caller: Caller, role: CaseRole, body: CaseChangeBody) -> None:
    """Raise where a field is not the caller's to change."""
    wanted = body.model_fields_set
    if role is not CaseRole.LEAD and not wanted <= ADMINISTRATIVE:
        raise ForbiddenError("only its lead changes what a case says; you may set its deadlines")
    if "erase_after" in wanted and not caller.may(Permission.ASSIGN_CASES):
        raise ForbiddenError("when a case is erased is set by those who assign cases: ask them")
