"""Keys of people and programs: made, listed, revoked.

Everybody who is signed in has keys of his or her own, which can do at most what he or she can do.
A key makes no keys, unless it may manage those of anybody: who steals one must not be able to make
another that outlives it.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api.callers import CallerDep, allow
from api.deps import PageLimit, WorkspaceDep, answer, problems
from arien_flows.access.callers import Caller
from arien_flows.access.ids import ID
from arien_flows.access.names import MOST
from arien_flows.access.permissions import Permission, SignedIn
from arien_flows.access.tlp import Tlp
from arien_flows.answers.accounts import (
    KeyAnswer,
    KeyPage,
    MadeKeyAnswer,
    key_answer,
    key_page,
    made_key_answer,
)
from arien_flows.casebook.access_records import KeyRecord, NewKey
from arien_flows.casebook.keys import MOST_NETWORKS
from arien_flows.errors import ForbiddenError, InputError, NotFoundError

router = APIRouter(prefix="/v1/keys", tags=["accounts"], dependencies=[allow(SignedIn)])

MOST_DAYS = 3_660
REFUSED = problems(
    _401="Who asks is not known.",
    _500="The casebook cannot be used.",
    _503="The casebook is being written to.",
)
KeyPath = Annotated[
    str,
    Path(
        description="Id of the key: `key_` and what stands after `af_` in the key itself.",
        max_length=40,
        examples=["key_06fnv6c3c2pmv9vjq5w4h8k1zr"],
    ),
]


class KeyBody(BaseModel):
    """A key that shall be made."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)

    owner: Annotated[str | None, Field(min_length=1, max_length=MOST)] = None
    """Whose it shall be; by default your own."""

    scopes: Annotated[list[Permission] | None, Field(min_length=1, max_length=50)] = None
    """What it may be used for; by default all that its owner may do."""

    clearance: Tlp = Tlp.RED
    """Strictest label of what may be seen with it; at most its owner's, however strict this is."""

    networks: Annotated[
        list[Annotated[str, Field(max_length=50)]], Field(max_length=MOST_NETWORKS)
    ] = []
    """IP addresses or ranges (`192.0.2.0/24`) from which it may be used; by default any."""

    expires_in_days: Annotated[int | None, Field(ge=1, le=MOST_DAYS)] = None
    """After so many days it does not count any more; by default it does until it is revoked."""


@router.get(
    "",
    operation_id="list_keys",
    summary="List your keys, or those of anybody",
    response_model=KeyPage,
    responses=REFUSED
    | problems(_403="Others' keys are listed by administrators.", _422="The cursor is not valid."),
)
def list_keys(
    workspace: WorkspaceDep,
    caller: CallerDep,
    limit: PageLimit,
    owner: Annotated[
        str | None,
        Query(
            description="Whose keys; by default your own, or anybody's where you manage them.",
            max_length=MOST,
        ),
    ] = None,
    cursor: Annotated[
        str | None, Query(description="`next_cursor` of the last page.", max_length=100)
    ] = None,
) -> Response:
    """Return a page of keys, without their secrets."""
    if cursor is not None and not ID.fullmatch(cursor):
        raise InputError("the cursor is damaged: begin with the first page")
    whose = owner
    if not caller.may(Permission.MANAGE_KEYS):
        if owner not in (None, caller.name):
            raise ForbiddenError(f"others' keys are listed by those with `{_MANAGING}`")
        whose = caller.name
    found = workspace.casebook.keys.page(owner=whose, before=cursor, limit=limit + 1)
    page = key_page(found, limit)
    response = answer(page)
    if page.next_cursor is not None:
        response.headers["Link"] = f'<?limit={limit}&cursor={page.next_cursor}>; rel="next"'
    return response


@router.post(
    "",
    operation_id="make_key",
    summary="Make a key, which is shown this once",
    status_code=201,
    response_model=MadeKeyAnswer,
    responses=REFUSED
    | problems(
        _403="It would be able to do more than you, or be another's.",
        _404="Nobody has the owner's name.",
        _409="The owner is disabled.",
        _413="The body is too long.",
        _422="A scope is beyond the owner's role, or a range of addresses is none.",
    ),
)
def make_key(body: KeyBody, workspace: WorkspaceDep, caller: CallerDep) -> Response:
    """Return the key. Only its digest is kept, so nobody can show it again."""
    now = datetime.now(UTC)
    scopes = None if body.scopes is None else frozenset(body.scopes)
    if not caller.may(Permission.MANAGE_KEYS):
        _require_own(caller, body.owner, scopes)
    wanted = NewKey(
        owner=body.owner or caller.name,
        scopes=scopes,
        clearance=body.clearance,
        networks=tuple(body.networks),
        expires_at=(
            None if body.expires_in_days is None else now + timedelta(days=body.expires_in_days)
        ),
    )
    key, record = workspace.casebook.keys.make(wanted, now=now, by=caller.name)
    response = answer(made_key_answer(key, record), 201)
    response.headers["Location"] = f"/v1/keys/{record.id}"
    # Nothing on the way may keep it, ours included: a repeated request is not answered with it.
    response.headers["Cache-Control"] = "no-store"
    return response


@router.get(
    "/{key_id}",
    operation_id="read_key",
    summary="Show a key without its secret",
    response_model=KeyAnswer,
    responses=REFUSED | problems(_404="There is no such key, or it is another's."),
)
def read_key(key_id: KeyPath, workspace: WorkspaceDep, caller: CallerDep) -> Response:
    """Return what a key may be used for, by whom and until when."""
    return answer(key_answer(_seen(workspace.casebook.keys.read(key_id), caller)))


@router.delete(
    "/{key_id}",
    operation_id="revoke_key",
    summary="Revoke a key",
    response_model=KeyAnswer,
    responses=REFUSED | problems(_404="There is no such key, or it is another's."),
)
def revoke_key(key_id: KeyPath, workspace: WorkspaceDep, caller: CallerDep) -> Response:
    """Let a key count no more: within two seconds, in every process. It stays in the list."""
    keys = workspace.casebook.keys
    _seen(keys.read(key_id), caller)
    return answer(key_answer(keys.revoke(key_id, now=datetime.now(UTC), by=caller.name)))


_MANAGING = Permission.MANAGE_KEYS.value


def _seen(record: KeyRecord, caller: Caller) -> KeyRecord:
    if record.owner != caller.name and not caller.may(Permission.MANAGE_KEYS):
        raise NotFoundError(f"there is no {record.id}, or it is not yours to see")
    return record


def _require_own(caller: Caller, owner: str | None, scopes: frozenset[Permission] | None) -> None:
    if owner not in (None, caller.name):
        raise ForbiddenError(f"keys of others are made by those with `{_MANAGING}`")
    if caller.means in ("key", "token"):
        raise ForbiddenError(
            "a key cannot make another one: sign in, or ask an administrator for it"
        )
    beyond = sorted((scopes or frozenset()) - caller.permissions)
    if beyond:
        raise ForbiddenError(f"you may not do {', '.join(beyond)} yourself: leave it out")
