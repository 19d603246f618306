"""Acts once on a request that is sent several times under one `Idempotency-Key`.

The header is that of the IETF's draft 07; a POST without it is answered as ever. The key is claimed
in the casebook before the request goes on (see `arien_flows.casebook.requests`), and the answer is
kept before its last byte leaves: a client that got an answer gets the same one again, and a client
that got none never makes the service act twice.

Kept are answers of success. After a refusal (4xx), or a failure that was expected (502, 503, 507),
nothing was done, and the key may be used again; after a bug (500) nobody knows, and it may not. An
answer of more than `MOST_KEPT` bytes is not kept: where it is `200`, it was computed and can be
again; where something was made, the repetition is told where that is. Nor is an answer kept that
holds a secret, as a new key: its route says `Cache-Control: no-store`.

Of what belongs to a case, the answer is repeated to those who still see the case. A repetition
stands in the audit log as the operation that it repeats.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.callers import Act, act_of, known_caller, set_act
from api.envelope import refuse
from arien_flows.access.callers import Caller
from arien_flows.access.cases import case_role
from arien_flows.access.permissions import Permission
from arien_flows.casebook.requests import Asked, Claim, Held, Kept, Other, Outcome, Requests, asked
from arien_flows.errors import ArienError
from arien_flows.failures import failure_of
from arien_flows.workspace import Workspace

MOST_KEPT = 1_000_000
"""Bytes of the longest answer that is kept."""

RETRY_SECONDS = 2
"""When to ask again for the answer to a request that is being carried out."""

_UNKNOWN = Kept(status=500, headers=(), body=None)
"""Stands where an answer would, after a bug."""

_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_KEPT_HEADERS = frozenset(
    {b"content-type", b"location", b"etag", b"link", b"retry-after", b"preference-applied"}
)


class Idempotency:
    """Answers repetitions of a request with the first answer."""

    def __init__(self, app: ASGIApp, workspace: Workspace) -> None:
        self.app = app
        self._workspace = workspace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        caller = known_caller(scope) if scope["type"] == "http" else None
        given = Headers(scope=scope).getlist("idempotency-key") if caller is not None else []
        if caller is None or scope["method"] != "POST" or not given:
            await self.app(scope, receive, send)
            return
        key = given[0].strip().removeprefix('"').removesuffix('"')
        if len(given) > 1 or not _KEY.fullmatch(key):
            detail = "Idempotency-Key is one text of 1 to 255 printable ASCII characters"
            await _refuse(scope, send, 422, "idempotency_key", detail)
            return
        try:
            body = await _body(receive)
        except HTTPException as error:
            await _refuse(scope, send, error.status_code, "too_large", str(error.detail))
            return
        if body is None:
            return
        request = asked(caller.name, key, *_parts(scope), _rights(caller), body)
        try:
            outcome, is_seen = await run_in_threadpool(self._claim, request, caller)
        except (ArienError, OSError) as error:
            failure = failure_of(error)
            if failure is None:
                raise
            await _refuse(scope, send, failure.status, failure.code, failure.detail)
            return
        if isinstance(outcome, Claim):
            await self._carry_out(outcome, scope, body, receive, send)
            return
        if isinstance(outcome, Kept):
            _note(outcome, scope)
        if is_seen:
            await _repeat(outcome, scope, send)
        else:
            detail = "what was done is not there any more, or it is not yours to see"
            await _refuse(scope, send, 404, "not_found", detail)

    @property
    def _requests(self) -> Requests:
        return self._workspace.casebook.requests

    def _claim(self, request: Asked, caller: Caller) -> tuple[Outcome, bool]:
        """Claim a request; tell with it whether the caller may see what became of it."""
        outcome = self._requests.claim(request, datetime.now(UTC))
        if not isinstance(outcome, Kept) or outcome.case_id is None:
            return outcome, True
        case = self._workspace.casebook.cases.access(outcome.case_id)
        return outcome, case is not None and case_role(caller, case) is not None

    async def _carry_out(
        self, claim: Claim, scope: Scope, body: bytes, receive: Receive, send: Send
    ) -> None:
        """Let the request go on, and keep its answer before the last byte leaves."""
        answer = _Answer()

        async def send_and_keep(message: Message) -> None:
            answer.add(message)
            if answer.is_whole:
                await self._settle(claim, answer, act_of(scope))
            if answer.is_whole or answer.is_long:
                for held in answer.take():
                    await send(held)

        try:
            await self.app(scope, _receive_again(body, receive), send_and_keep)
        except Exception:
            if not answer.is_whole:
                await run_in_threadpool(self._requests.keep, claim, _UNKNOWN)
            raise

    async def _settle(self, claim: Claim, answer: "_Answer", act: Act | None) -> None:
        is_computed = answer.status == 200 and answer.is_long
        if answer.status == 500:
            await run_in_threadpool(self._requests.keep, claim, _UNKNOWN)
        elif answer.status < 400 and not is_computed:
            await run_in_threadpool(self._requests.keep, claim, answer.kept(act))
        else:
            await run_in_threadpool(self._requests.release, claim)


@dataclass(slots=True)
class _Answer:
    """An answer on its way out."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    is_whole: bool = False
    is_long: bool = False
    """Whether it is too long to be kept; then it is sent on as it comes."""

    is_secret: bool = False
    """Whether its route says `Cache-Control: no-store`: it holds a secret that is shown once."""

    _waiting: list[Message] = field(default_factory=list)

    def add(self, message: Message) -> None:
        """Take the next part of it."""
        self._waiting.append(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in message.get("headers", ())
                if name.lower() in _KEPT_HEADERS
            ]
            self.is_secret = (b"cache-control", b"no-store") in message.get("headers", ())
            return
        part = message.get("body", b"")
        if len(self.body) + len(part) > MOST_KEPT:
            self.is_long = True
        if not self.is_long:
            self.body += part
        self.is_whole = not message.get("more_body", False)

    def take(self) -> list[Message]:
        """Return the parts that are still to be sent."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def kept(self, act: Act | None) -> Kept:
        """Return what is kept of it, and of what was done."""
        return Kept(
            status=self.status,
            headers=tuple(self.headers),
            body=None if self.is_long or self.is_secret else bytes(self.body),
            operation=act.operation if act else None,
            permission=act.permission.value if act and act.permission else None,
            case_id=act.case_id if act else None,
        )


def _parts(scope: Scope) -> tuple[bytes, ...]:
    """Return all that makes two requests the same, but their bodies."""
    kind = Headers(scope=scope).get("content-type", "")
    accepted = Headers(scope=scope).get("accept", "")
    case = Headers(scope=scope).get("x-case-id", "")
    path = scope["path"].encode(errors="surrogateescape")
    return path, scope["query_string"], kind.encode(), accepted.encode(), case.encode()


def _rights(caller: Caller) -> bytes:
    """Return what a caller may: an answer is repeated to nobody who may do less than was needed.

    The keys of one person have the same name and different scopes.
    """
    return " ".join((caller.clearance.value, *sorted(caller.permissions))).encode()


async def _body(receive: Receive) -> bytes | None:
    """Read a body to its end; nothing where the client left before."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _receive_again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that tells the body that was read, and then what comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


def _note(kept: Kept, scope: Scope) -> None:
    """Tell the audit log what is repeated."""
    if kept.operation is None:
        return
    permission = None if kept.permission is None else Permission(kept.permission)
    set_act(scope, Act(operation=kept.operation, permission=permission, case_id=kept.case_id))


async def _repeat(outcome: Outcome, scope: Scope, send: Send) -> None:
    """Answer a request whose key was used before."""
    if isinstance(outcome, Kept) and outcome.body is not None:
        headers = [*outcome.headers, ("idempotent-replayed", "true")]
        told = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        told.append((b"content-length", str(len(outcome.body)).encode()))
        await send({"type": "http.response.start", "status": outcome.status, "headers": told})
        await send({"type": "http.response.body", "body": outcome.body})
        return
    if isinstance(outcome, Kept):
        place = dict(outcome.headers).get("location", "the list that it belongs to")
        detail = (
            f"it was done, and the answer was too long or too secret to be kept: look at {place}"
        )
        await _refuse(scope, send, 409, "answer_not_kept", detail)
    elif isinstance(outcome, Other):
        detail = "this Idempotency-Key was used for another request: take a new one"
        await _refuse(scope, send, 422, "idempotency_key_reused", detail)
    elif isinstance(outcome, Held) and outcome.is_unknown:
        detail = (
            "the service ended while it carried this out, and cannot tell whether it was done: "
            "look, and send it under a new Idempotency-Key if it was not"
        )
        await _refuse(scope, send, 409, "unknown_outcome", detail)
    else:
        detail = "a request under this Idempotency-Key is being carried out: send it again later"
        headers = [("retry-after", str(RETRY_SECONDS))]
        await _refuse(scope, send, 409, "in_progress", detail, headers)


_TITLES = {
    "idempotency_key": "The idempotency key is not valid",
    "not_found": "Not found",
    "too_large": "The request body is too large",
    "answer_not_kept": "Done, and not to be told again",
    "idempotency_key_reused": "The idempotency key belongs to another request",
    "unknown_outcome": "Nobody knows whether it was done",
    "in_progress": "The same request is being carried out",
}


async def _refuse(
    scope: Scope,
    send: Send,
    status: int,
    code: str,
    detail: str,
    headers: list[tuple[str, str]] | None = None,
) -> None:
    title = _TITLES.get(code, "The casebook cannot be used")
    await refuse(
        scope, send, status=status, code=code, title=title, detail=detail, headers=headers or ()
    )
