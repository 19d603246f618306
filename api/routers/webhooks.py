"""Webhooks: receivers that are told of events, and the log of what they were told."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api.callers import CallerDep, allow
from api.deps import PageLimit, WorkspaceDep, answer, problems
from api.etags import entity_tag, require_match
from api.visibility import require_seen
from arien_flows.access.callers import Caller
from arien_flows.access.ids import ID, new_id
from arien_flows.access.permissions import Permission
from arien_flows.access.tlp import Tlp
from arien_flows.answers.webhooks import (
    DeliveryAnswer,
    DeliveryPage,
    WebhookAnswer,
    WebhookPage,
    WebhookSecret,
    delivery_answer,
    delivery_page,
    webhook_answer,
    webhook_page,
)
from arien_flows.casebook.events import EventType
from arien_flows.casebook.webhook_records import NewWebhook, StoredWebhook, WebhookChange
from arien_flows.errors import ForbiddenError, InputError
from arien_flows.webhooks.delivering import policy_of
from arien_flows.webhooks.sealing import new_secret, seal_of, shown_secret
from arien_flows.webhooks.targets import (
    LONGEST_URL,
    checked_addresses,
    read_target,
    system_resolve,
)
from arien_flows.workspace import Workspace

OVERLAP_HOURS = 24
MOST_OVERLAP_HOURS = 168

router = APIRouter(
    prefix="/v1/webhooks", tags=["webhooks"], dependencies=[allow(Permission.MANAGE_WEBHOOKS)]
)

WebhookId = Annotated[
    str, Path(description="Id of the receiver.", pattern=ID.pattern, max_length=40)
]
DeliveryId = Annotated[
    str, Path(description="Id of the delivery.", pattern=ID.pattern, max_length=40)
]
Cursor = Annotated[
    str | None,
    Query(description="`next_cursor` of the page before.", pattern=ID.pattern, max_length=40),
]
Url = Annotated[str, Field(max_length=LONGEST_URL)]
Kinds = Annotated[list[EventType], Field(max_length=len(EventType))]

UNSEEN = problems(_404="There is none of that id, or it is not yours to see.")


class WebhookBody(BaseModel):
    """A receiver to be made."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)

    url: Url
    """Where messages are sent: `https://` and a public host, on port 443 or 8443. Others have to be
    allowed by the administrator (`ARIEN_WEBHOOK_ALLOW`)."""

    events: Kinds = []
    """Kinds of events to tell of; none means all."""

    description: Annotated[str, Field(max_length=500)] = ""
    """What it is for."""

    clearance: Tlp | None = None
    """Events of cases with a stricter label are kept from it; by default and at most your own."""


class WebhookChangeBody(BaseModel):
    """What is to be changed of a receiver; what is left out stays."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)

    url: Url | None = None
    """Where messages are sent."""

    events: Kinds | None = None
    """Kinds of events to tell of; an empty list means all."""

    description: Annotated[str | None, Field(max_length=500)] = None
    """What it is for."""

    clearance: Tlp | None = None
    """Events of cases with a stricter label are kept from it; at most your own."""

    enabled: bool | None = None
    """Whether it is told of anything. Enabled again, it is told of what waited."""


class RotationBody(BaseModel):
    """How the secret of a receiver is replaced."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)

    overlap_hours: Annotated[int, Field(ge=0, le=MOST_OVERLAP_HOURS)] = OVERLAP_HOURS
    """How long messages are signed with the secret of before, too."""


@router.post(
    "",
    operation_id="make_webhook",
    summary="Name a receiver of events",
    status_code=201,
    response_model=WebhookSecret,
    responses=problems(
        _409="You have too many receivers.", _422="The URL cannot be used, or a field is wrong."
    ),
)
def make_webhook(body: WebhookBody, workspace: WorkspaceDep, caller: CallerDep) -> Response:
    """Return the receiver with its secret, which is never shown again.

    It is told of what happens from now on and its owner may see at the time of each sending.
    Messages name what happened and where to ask about it; they carry no findings. Receivers must
    keep the `webhook-id` of messages: one that is sent again has the same.
    """
    _check_target(workspace, body.url)
    now, secret = datetime.now(UTC), new_secret()
    name = new_id("hook", now)
    made = workspace.casebook.hooks.add(
        NewWebhook(
            id=name,
            owner=caller.name,
            url=body.url,
            description=body.description,
            kinds=tuple(kind.value for kind in dict.fromkeys(body.events)),
            clearance=_clearance(caller, body.clearance or caller.clearance),
            sealed_secret=seal_of(workspace.settings).close(secret, name),
        ),
        now,
    )
    content = WebhookSecret(webhook=webhook_answer(made), secret=shown_secret(secret))
    response = _tagged(answer(content, 201), made)
    response.headers["Location"] = f"/v1/webhooks/{made.id}"
    return _not_kept(response)


@router.get(
    "",
    operation_id="list_webhooks",
    summary="List your receivers of events",
    response_model=WebhookPage,
    responses=problems(_422="The cursor is not valid."),
)
def list_webhooks(
    request: Request,
    workspace: WorkspaceDep,
    caller: CallerDep,
    limit: PageLimit,
    cursor: Cursor = None,
) -> Response:
    """Return a page of one's own receivers, the newest first."""
    found = workspace.casebook.hooks.page(owner=caller.name, before=cursor, limit=limit + 1)
    return _linked(request, webhook_page(found, limit))


@router.get(
    "/{webhook_id}",
    operation_id="read_webhook",
    summary="Show a receiver of events",
    response_model=WebhookAnswer,
    responses=UNSEEN,
)
def read_webhook(request: Request, webhook_id: WebhookId, workspace: WorkspaceDep) -> Response:
    """Return a receiver without its secret."""
    webhook = _own(request, workspace, webhook_id)
    return _tagged(answer(webhook_answer(webhook)), webhook)


@router.patch(
    "/{webhook_id}",
    operation_id="change_webhook",
    summary="Change, disable or enable a receiver of events",
    response_model=WebhookAnswer,
    responses=UNSEEN
    | problems(
        _403="It is cleared for more than you are.",
        _412="It was changed meanwhile.",
        _422="The URL cannot be used, or a field is wrong.",
        _428="`If-Match` is missing.",
    ),
)
def change_webhook(
    request: Request,
    webhook_id: WebhookId,
    body: WebhookChangeBody,
    workspace: WorkspaceDep,
    caller: CallerDep,
) -> Response:
    """Change what is named; `If-Match` says of which version."""
    webhook = _changeable(request, workspace, caller, webhook_id)
    require_match(request, str(webhook.version))
    if body.url is not None:
        _check_target(workspace, body.url)
    wanted = WebhookChange(
        url=body.url,
        description=body.description,
        kinds=(
            None if body.events is None else tuple(it.value for it in dict.fromkeys(body.events))
        ),
        clearance=None if body.clearance is None else _clearance(caller, body.clearance),
        enabled=body.enabled,
    )
    now = datetime.now(UTC)
    changed = workspace.casebook.hooks.change(webhook_id, webhook.version, wanted, now)
    return _tagged(answer(webhook_answer(changed)), changed)


@router.delete(
    "/{webhook_id}",
    operation_id="delete_webhook",
    summary="Delete a receiver of events",
    status_code=204,
    response_class=Response,
    responses=UNSEEN,
)
def delete_webhook(request: Request, webhook_id: WebhookId, workspace: WorkspaceDep) -> Response:
    """Delete a receiver with its secret; what is pending is not sent any more."""
    _own(request, workspace, webhook_id)
    workspace.casebook.hooks.forget(webhook_id, datetime.now(UTC))
    return Response(status_code=204)


@router.post(
    "/{webhook_id}/rotation",
    operation_id="rotate_webhook",
    summary="Replace the secret of a receiver",
    response_model=WebhookSecret,
    responses=UNSEEN
    | problems(_403="It is cleared for more than you are.", _422="A field is wrong."),
)
def rotate_webhook(
    request: Request,
    webhook_id: WebhookId,
    body: RotationBody,
    workspace: WorkspaceDep,
    caller: CallerDep,
) -> Response:
    """Return the new secret, which is never shown again.

    For a while messages carry two signatures, so that the receiver can change over without losing
    any. With `overlap_hours` 0 the secret of before counts no more at once.
    """
    _changeable(request, workspace, caller, webhook_id)
    secret = new_secret()
    sealed = seal_of(workspace.settings).close(secret, webhook_id)
    until = datetime.now(UTC) + timedelta(hours=body.overlap_hours)
    changed = workspace.casebook.hooks.rotate(webhook_id, sealed, until)
    content = WebhookSecret(webhook=webhook_answer(changed), secret=shown_secret(secret))
    return _not_kept(_tagged(answer(content), changed))


def _not_kept(response: Response) -> Response:
    """Let nothing on the way, our own memory of answers included, keep what is shown once."""
    response.headers["Cache-Control"] = "no-store"
    return response


@router.post(
    "/{webhook_id}/ping",
    operation_id="ping_webhook",
    summary="Send a receiver a message to try it",
    status_code=202,
    response_model=DeliveryAnswer,
    responses=UNSEEN,
)
def ping_webhook(request: Request, webhook_id: WebhookId, workspace: WorkspaceDep) -> Response:
    """Put a message of the kind `webhook.ping` into the outbox; the log says what came of it."""
    webhook = _own(request, workspace, webhook_id)
    return answer(delivery_answer(workspace.casebook.hooks.ping(webhook, datetime.now(UTC))), 202)


@router.get(
    "/{webhook_id}/deliveries",
    operation_id="list_deliveries",
    summary="List what a receiver was told",
    response_model=DeliveryPage,
    responses=UNSEEN | problems(_422="The cursor is not valid."),
)
def list_deliveries(
    request: Request,
    webhook_id: WebhookId,
    workspace: WorkspaceDep,
    limit: PageLimit,
    cursor: Cursor = None,
) -> Response:
    """Return a page of deliveries with all their attempts, the newest first."""
    _own(request, workspace, webhook_id)
    found = workspace.casebook.hooks.deliveries(webhook_id, before=cursor, limit=limit + 1)
    return _linked(request, delivery_page(found, limit))


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/resend",
    operation_id="resend_delivery",
    summary="Send a message again",
    status_code=202,
    response_model=DeliveryAnswer,
    responses=UNSEEN | problems(_409="It is pending anyway."),
)
def resend_delivery(
    request: Request, webhook_id: WebhookId, delivery_id: DeliveryId, workspace: WorkspaceDep
) -> Response:
    """Begin the schedule of a delivery anew, under the same `webhook-id`."""
    _own(request, workspace, webhook_id)
    again = workspace.casebook.hooks.resend(webhook_id, delivery_id, datetime.now(UTC))
    return answer(delivery_answer(again), 202)


def _linked(request: Request, page: WebhookPage | DeliveryPage) -> Response:
    """Return a page; the header `Link` names the next one, with the same filters."""
    response = answer(page)
    if page.next_cursor is not None:
        query = urlencode({**request.query_params, "cursor": page.next_cursor})
        response.headers["Link"] = f'<?{query}>; rel="next"'
    return response


def _own(request: Request, workspace: Workspace, name: str) -> StoredWebhook:
    webhook = workspace.casebook.hooks.read(name)
    require_seen(request, name, owner=webhook.owner, case_id=None)
    return webhook


def _changeable(request: Request, workspace: Workspace, caller: Caller, name: str) -> StoredWebhook:
    """Return an own receiver; `ForbiddenError` where it is told more than the caller may see.

    A key for less than its owner may see could turn such a receiver to itself.
    """
    webhook = _own(request, workspace, name)
    if not caller.clearance.covers(webhook.clearance):
        raise ForbiddenError(
            f"{name} is cleared for {webhook.clearance.value} and you for "
            f"{caller.clearance.value}: use a key with that clearance"
        )
    return webhook


def _tagged(response: Response, webhook: StoredWebhook) -> Response:
    response.headers["ETag"] = entity_tag(str(webhook.version))
    return response


def _check_target(workspace: Workspace, url: str) -> None:
    checked_addresses(read_target(url), policy_of(workspace.settings), system_resolve)


def _clearance(caller: Caller, wanted: Tlp) -> Tlp:
    if not caller.clearance.covers(wanted):
        raise InputError(f"a receiver's clearance is at most your own, {caller.clearance.value}")
    return wanted
