"""Accounts: who may use the service, as what. For administrators."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api.callers import CallerDep, allow
from api.deps import PageLimit, SettingsDep, WorkspaceDep, answer, problems
from arien_flows.access.names import MOST
from arien_flows.access.permissions import Permission
from arien_flows.access.roles import Role
from arien_flows.access.tlp import Tlp
from arien_flows.answers.accounts import PersonAnswer, PersonPage, person_answer, person_page
from arien_flows.casebook.access_records import NewPerson
from arien_flows.errors import ConflictError, InputError

router = APIRouter(
    prefix="/v1/people", tags=["accounts"], dependencies=[allow(Permission.MANAGE_USERS)]
)

REFUSED = problems(
    _401="Who asks is not known.",
    _403="You do not manage accounts.",
    _500="The casebook cannot be used.",
    _503="The casebook is being written to.",
)
PersonPath = Annotated[
    str, Path(description="Name of the account.", max_length=MOST, examples=["j.doe"])
]


class PersonBody(BaseModel):
    """Somebody who shall have an account."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=MOST)]
    """Names the person or program in every record, for good."""

    role: Role
    """What he, she or it may do at most."""

    clearance: Tlp = Tlp.AMBER
    """Strictest label of what may be seen."""

    subject: Annotated[str | None, Field(min_length=1, max_length=255)] = None
    """What the sign-in service calls the person (`sub`), so that he or she can sign in there."""


class PersonChange(BaseModel):
    """What shall be otherwise about an account; what is left out stays."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)

    role: Role | None = None
    """What he, she or it may do at most; from then on, whatever the sign-in service says."""

    clearance: Tlp | None = None
    """Strictest label of what may be seen."""

    disabled: bool | None = None
    """Whether the account does not count; its sessions end, and its keys are worth nothing."""


@router.get(
    "",
    operation_id="list_people",
    summary="List the accounts",
    response_model=PersonPage,
    responses=REFUSED | problems(_422="The cursor is not valid."),
)
def list_people(
    workspace: WorkspaceDep,
    limit: PageLimit,
    cursor: Annotated[
        str | None, Query(description="`next_cursor` of the last page.", max_length=MOST)
    ] = None,
) -> Response:
    """Return a page of people and programs by name, disabled ones included."""
    found = workspace.casebook.people.page(after=cursor or "", limit=limit + 1)
    return answer(person_page(found, limit))


@router.post(
    "",
    operation_id="make_person",
    summary="Make an account",
    status_code=201,
    response_model=PersonAnswer,
    responses=REFUSED
    | problems(
        _409="Somebody has the name, or had it.",
        _413="The body is too long.",
        _422="The name or the role cannot be given.",
    ),
)
def make_person(
    body: PersonBody, workspace: WorkspaceDep, settings: SettingsDep, caller: CallerDep
) -> Response:
    """Return the account. It has no key yet; with a `subject` it signs in at the service set."""
    if body.subject is not None and settings.oidc_issuer is None:
        raise InputError("there is no sign-in service that knows a subject: set ARIEN_OIDC_ISSUER")
    wanted = NewPerson(
        name=body.name,
        role=body.role,
        clearance=body.clearance,
        issuer=settings.oidc_issuer if body.subject is not None else None,
        subject=body.subject,
    )
    made = workspace.casebook.people.add(wanted, now=datetime.now(UTC), by=caller.name)
    return answer(person_answer(made), 201)


@router.patch(
    "/{person}",
    operation_id="change_person",
    summary="Change or disable an account",
    response_model=PersonAnswer,
    responses=REFUSED
    | problems(
        _404="Nobody has that name.",
        _409="It is your own: another administrator has to do it.",
        _413="The body is too long.",
        _422="The role cannot be given.",
    ),
)
def change_person(
    person: PersonPath, body: PersonChange, workspace: WorkspaceDep, caller: CallerDep
) -> Response:
    """Return the account as it is now. Keys and sessions heed it within two seconds."""
    people = workspace.casebook.people
    found = people.read(person)
    if found.name == caller.name:
        raise ConflictError("nobody changes his or her own account: ask another administrator")
    changed = people.change(
        found.name,
        role=body.role,
        clearance=body.clearance,
        is_disabled=body.disabled,
        now=datetime.now(UTC),
        by=caller.name,
    )
    return answer(person_answer(changed))
