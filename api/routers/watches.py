"""Watches: whose movements somebody wants to hear of, and the alerts."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.callers import CallerDep, allow, note_subjects
from api.deps import PageLimit, WorkspaceDep, answer, problems
from api.etags import entity_tag, require_match
from api.visibility import require_case, require_seen
from arien_flows.access.callers import Caller
from arien_flows.access.cases import sees
from arien_flows.access.ids import ID
from arien_flows.access.permissions import Permission
from arien_flows.access.roles import Role
from arien_flows.answers.watch_shapes import (
    AlertAnswer,
    AlertPage,
    NewWatches,
    WatchAnswer,
    WatchPage,
)
from arien_flows.answers.watches import (
    alert_answer,
    alert_page,
    new_watches,
    watch_answer,
    watch_page,
)
from arien_flows.casebook.watch_records import Watch, WatchChange, WatchDirection
from arien_flows.watches.making import MOST_SUBJECTS, WatchWish, wished
from arien_flows.workspace import Workspace

router = APIRouter(prefix="/v1", tags=["watches"], dependencies=[allow(Permission.WATCH)])

WatchId = Annotated[str, Path(description="Id of the watch.", pattern=ID.pattern, max_length=40)]
AlertId = Annotated[str, Path(description="Id of the alert.", pattern=ID.pattern, max_length=40)]
Cursor = Annotated[
    str | None,
    Query(description="`next_cursor` of the page before.", pattern=ID.pattern, max_length=40),
]
CaseQuery = Annotated[
    str | None,
    Query(description="Only what belongs to this case.", pattern=ID.pattern, max_length=40),
]
Unseen = Annotated[bool, Query(description="Only alerts that nobody has acknowledged yet.")]
Subject = Annotated[str, Field(min_length=1, max_length=25_000)]
ListName = Annotated[str, Field(min_length=1, max_length=200)]
BaseUnits = Annotated[str, Field(pattern=r"^[0-9]{1,78}$", max_length=78)]

UNSEEN = problems(_404="There is none of that id, or it is not yours to see.")


class WatchBody(BaseModel):
    """What somebody wants to hear of; a watch is made for each subject."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)

    network: Annotated[str, Field(max_length=40)]
    """Name of the network."""

    subjects: Annotated[list[Subject], Field(min_length=1, max_length=MOST_SUBJECTS)]
    """Addresses; one that is named twice is watched once."""

    kind: Literal["address", "entity"] = "address"
    """Watch the addresses alone, or all addresses of their entities, those included that join
    later. An alert about an entity is as sure as the rules that join it."""

    profile: Literal["strict", "standard", "wide"] = "strict"
    """Whose entities; means nothing for addresses."""

    direction: WatchDirection = "both"
    """Which movements count, by what the subject has more or less afterwards."""

    min_value: BaseUnits = "0"
    """Smallest change that counts, in base units."""

    asset: Annotated[str | None, Field(max_length=100)] = None
    """On a network of accounts the one asset that counts: the coin, the symbol of a main token, or
    a contract. By default all do."""

    list: ListName | None = None
    """Name of a list that they stand on."""

    case_id: Annotated[str | None, Field(pattern=ID.pattern, max_length=40)] = None
    """The case that they belong to: those who see it see them and their alerts."""

    since: Annotated[int | None, Field(ge=0, le=2**31)] = None
    """Height of the first block to look at; by default the one after the ledger's last."""

    until: AwareDatetime | None = None
    """Blocks of a later time raise no alerts."""


class WatchChangeBody(BaseModel):
    """What is to be changed of a watch; what is left out stays."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)

    direction: WatchDirection | None = None
    """Which movements count."""

    min_value: BaseUnits | None = None
    """Smallest change that counts, in base units."""

    list: ListName | None = None
    """Name of the list that it stands on; nothing takes it off."""

    until: AwareDatetime | None = None
    """Blocks of a later time raise no alerts; nothing means that it has no end."""


class AcknowledgementBody(BaseModel):
    """That somebody has seen an alert."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)

    note: Annotated[str, Field(max_length=2_000)] = ""
    """What came of it."""


@router.post(
    "/watches",
    operation_id="make_watches",
    summary="Watch addresses or entities",
    status_code=201,
    response_model=NewWatches,
    responses=problems(
        _403="You may read the case and not change it.",
        _404="The network has no ledger here, or the case is not yours to see.",
        _409="You have too many watches.",
        _413="The body is too long.",
        _422="A subject is no address, or cannot be watched so.",
    ),
)
def make_watches(
    request: Request, body: WatchBody, workspace: WorkspaceDep, caller: CallerDep
) -> Response:
    """Return the watches, one for each subject, all or none.

    Workers follow the ledger as it grows. A transaction raises one alert for each watch that it
    concerns, and the event `watch.hit`; one that a reorganisation removes again is marked as
    withdrawn, with the event `watch.withdrawn`.
    """
    if body.case_id is not None:
        require_case(request, body.case_id, changes=True)
    note_subjects(request, *body.subjects)
    wish = WatchWish(
        network=body.network,
        subjects=tuple(body.subjects),
        profile=body.profile if body.kind == "entity" else None,
        direction=body.direction,
        min_value=int(body.min_value),
        asset=body.asset,
        list_name=body.list,
        since=body.since,
        until=body.until,
    )
    made = workspace.casebook.watches.add(
        wished(workspace, wish), owner=caller.name, case_id=body.case_id, now=datetime.now(UTC)
    )
    return answer(new_watches(made), 201)


@router.get(
    "/watches",
    operation_id="list_watches",
    summary="List watches",
    response_model=WatchPage,
    responses=problems(
        _404="The case is not yours to see.", _422="A filter or the cursor is not valid."
    ),
)
def list_watches(
    request: Request,
    workspace: WorkspaceDep,
    caller: CallerDep,
    limit: PageLimit,
    list: Annotated[
        str | None, Query(description="Only those on this list.", max_length=200)
    ] = None,
    case_id: CaseQuery = None,
    ended: Annotated[bool, Query(description="Whether to show ended ones, too.")] = False,
    cursor: Cursor = None,
) -> Response:
    """Return a page of one's own watches and those of the cases that one sees."""
    if case_id is not None:
        require_case(request, case_id, changes=False)
    owner, cases = _whose(workspace, caller)
    found = workspace.casebook.watches.page(
        owner=owner,
        cases=cases,
        before=cursor,
        limit=limit + 1,
        list_name=list,
        case_id=case_id,
        with_ended=ended,
    )
    return _linked(request, watch_page(found, limit))


@router.get(
    "/watches/{watch_id}",
    operation_id="read_watch",
    summary="Show a watch",
    response_model=WatchAnswer,
    responses=UNSEEN,
)
def read_watch(request: Request, watch_id: WatchId, workspace: WorkspaceDep) -> Response:
    """Return a watch, ended ones included."""
    watch = _seen(request, workspace, watch_id)
    return _tagged(watch)


@router.patch(
    "/watches/{watch_id}",
    operation_id="change_watch",
    summary="Change a watch",
    response_model=WatchAnswer,
    responses=UNSEEN
    | problems(
        _403="You may read the case and not change it.",
        _412="It was changed meanwhile.",
        _422="A field is wrong.",
        _428="`If-Match` is missing.",
    ),
)
def change_watch(
    request: Request, watch_id: WatchId, body: WatchChangeBody, workspace: WorkspaceDep
) -> Response:
    """Change what is named, from now on; alerts stay. `If-Match` says of which version."""
    watch = _changed_by(request, workspace, watch_id)
    require_match(request, str(watch.version))
    given = body.model_fields_set
    wanted = WatchChange(
        direction=body.direction or watch.direction,
        min_value=watch.min_value if body.min_value is None else int(body.min_value),
        list_name=body.list if "list" in given else watch.list_name,
        until=body.until if "until" in given else watch.until,
    )
    return _tagged(workspace.casebook.watches.change(watch_id, watch.version, wanted))


@router.delete(
    "/watches/{watch_id}",
    operation_id="end_watch",
    summary="End a watch",
    status_code=204,
    response_class=Response,
    responses=UNSEEN | problems(_403="You may read the case and not change it."),
)
def end_watch(
    request: Request, watch_id: WatchId, workspace: WorkspaceDep, caller: CallerDep
) -> Response:
    """End a watch. It and its alerts stay readable."""
    _changed_by(request, workspace, watch_id)
    workspace.casebook.watches.end([watch_id], by=caller.name, now=datetime.now(UTC))
    return Response(status_code=204)


@router.get(
    "/watches/{watch_id}/alerts",
    operation_id="list_alerts_of_watch",
    summary="List the alerts of a watch",
    response_model=AlertPage,
    responses=UNSEEN | problems(_422="The cursor is not valid."),
)
def list_alerts_of_watch(
    request: Request,
    watch_id: WatchId,
    workspace: WorkspaceDep,
    limit: PageLimit,
    unseen: Unseen = False,
    cursor: Cursor = None,
) -> Response:
    """Return a page of what a watch raised, the newest first, withdrawn alerts included."""
    _seen(request, workspace, watch_id)
    found = workspace.casebook.watches.alerts(
        owner=None,
        cases=None,
        watch_id=watch_id,
        before=cursor,
        limit=limit + 1,
        unseen_only=unseen,
    )
    return _linked(request, alert_page(found, limit))


@router.get(
    "/alerts",
    operation_id="list_alerts",
    summary="List alerts",
    response_model=AlertPage,
    responses=problems(_422="The cursor is not valid."),
)
def list_alerts(
    request: Request,
    workspace: WorkspaceDep,
    caller: CallerDep,
    limit: PageLimit,
    unseen: Unseen = False,
    cursor: Cursor = None,
) -> Response:
    """Return a page of alerts of all watches that one sees, the newest first."""
    owner, cases = _whose(workspace, caller)
    found = workspace.casebook.watches.alerts(
        owner=owner,
        cases=cases,
        watch_id=None,
        before=cursor,
        limit=limit + 1,
        unseen_only=unseen,
    )
    return _linked(request, alert_page(found, limit))


@router.get(
    "/alerts/{alert_id}",
    operation_id="read_alert",
    summary="Show an alert",
    response_model=AlertAnswer,
    responses=UNSEEN,
)
def read_alert(request: Request, alert_id: AlertId, workspace: WorkspaceDep) -> Response:
    """Return an alert with all that happened to it."""
    alert = workspace.casebook.watches.alert(alert_id)
    require_seen(request, alert_id, owner=alert.watch.owner, case_id=alert.watch.case_id)
    note_subjects(request, alert.watch.subject)
    return answer(alert_answer(alert))


@router.post(
    "/alerts/{alert_id}/acknowledgement",
    operation_id="acknowledge_alert",
    summary="Say that an alert was seen",
    response_model=AlertAnswer,
    responses=UNSEEN
    | problems(
        _403="You may read the case and not change it.",
        _409="Somebody has acknowledged it already.",
        _422="A field is wrong.",
    ),
)
def acknowledge_alert(
    request: Request,
    alert_id: AlertId,
    body: AcknowledgementBody,
    workspace: WorkspaceDep,
    caller: CallerDep,
) -> Response:
    """Note who has seen an alert, when, and what came of it."""
    alert = workspace.casebook.watches.alert(alert_id)
    require_seen(request, alert_id, owner=alert.watch.owner, case_id=alert.watch.case_id)
    if alert.watch.case_id is not None:
        require_case(request, alert.watch.case_id, changes=True)
    seen = workspace.casebook.watches.acknowledge(
        alert_id, by=caller.name, note=body.note, now=datetime.now(UTC)
    )
    return answer(alert_answer(seen))


def _seen(request: Request, workspace: Workspace, name: str) -> Watch:
    watch = workspace.casebook.watches.read(name)
    require_seen(request, name, owner=watch.owner, case_id=watch.case_id)
    note_subjects(request, watch.subject)
    return watch


def _changed_by(request: Request, workspace: Workspace, name: str) -> Watch:
    watch = _seen(request, workspace, name)
    if watch.case_id is not None:
        require_case(request, watch.case_id, changes=True)
    return watch


def _whose(workspace: Workspace, caller: Caller) -> tuple[str | None, Sequence[str] | None]:
    """Return whose watches a caller sees: his or her own, and those of which cases; or all."""
    if caller.role is Role.LOCAL:
        return None, None
    access = workspace.casebook.cases.access
    named = [(name, access(name)) for name in workspace.casebook.watches.cases()]
    seen = [name for name, case in named if case is not None and sees(caller, "", case)]
    return caller.name, seen


def _tagged(watch: Watch) -> Response:
    response = answer(watch_answer(watch))
    response.headers["ETag"] = entity_tag(str(watch.version))
    return response


def _linked(request: Request, page: WatchPage | AlertPage) -> Response:
    """Return a page; the header `Link` names the next one, with the same filters."""
    response = answer(page)
    if page.next_cursor is not None:
        query = urlencode({**request.query_params, "cursor": page.next_cursor})
        response.headers["Link"] = f'<?{query}>; rel="next"'
    return response
