"""Records what is asked and done before it is answered or done; unrecorded, nothing is.

A read is recorded when its answer is ready, and the answer waits until its row is durable. An act
is recorded when its route has found that it is allowed, without an outcome, and waits for that row,
too; then once more with its outcome. So whatever was looked at or changed is in the log, and at
most the log holds something that did not take place: a process may end in between, or a row may be
written too late for its request. Refusals are recorded like answers.

Of a stream only the beginning waits: by then it is recorded.

Of callers that nobody knows, refusals for asking too much are not recorded: nothing was told, and
whoever can reach the service could fill the log with them. Metrics count them.

Not recorded is what tells nothing of any investigation: health, metrics, the description of the
service and the files of its page.
"""

import hashlib
from datetime import UTC, datetime
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.callers import Act, act_of, before_act, known_caller
from api.envelope import client_of, header_of, refuse, request_id_of
from api.errors import words_of
from arien_flows.audit.chain import AuditEntry
from arien_flows.audit.log import AuditLog
from arien_flows.audit.redaction import without_secrets
from arien_flows.errors import AuditUnavailableError
from arien_flows.failures import failure_of

UNRECORDED = frozenset({"/", "/livez", "/readyz", "/metrics", "/openapi.json"})
_PAGE = "/web/"
TOO_MANY = 429
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Auditing:
    """Records requests in the audit log."""

    def __init__(self, app: ASGIApp, log: AuditLog) -> None:
        self.app = app
        self.log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path in UNRECORDED or path.startswith(_PAGE):
            await self.app(scope, receive, send)
            return
        recorder = _Recorder(self.log, scope, receive, send)
        before_act(scope, recorder.begin)
        try:
            await _answered(self.app, scope, recorder)
        except _UnrecordedError as error:
            detail = str(error)
            if recorder.has_begun:
                detail += (
                    "; it may have been done all the same: look before you ask for it again, and "
                    f"name request {request_id_of(scope)} to whoever keeps the log"
                )
            await refuse(
                scope,
                send,
                status=AuditUnavailableError.status,
                code="audit_unavailable",
                title=AuditUnavailableError.title,
                detail=detail,
            )


class _UnrecordedError(Exception):
    """An answer cannot be recorded; ends the application's work on it."""


class _Recorder:
    """Stands between one request and its answer."""

    def __init__(self, log: AuditLog, scope: Scope, receive: Receive, send: Send) -> None:
        self._log = log
        self._scope = scope
        self._receive = receive
        self._send = send
        self._at = datetime.now(UTC)
        self._body: hashlib._Hash | None = None
        self.has_begun = False
        self.is_answered = False

    async def receive(self) -> Message:
        """Return what comes in, and remember the digest of the body."""
        message = await self._receive()
        part = message.get("body")
        if part:
            if self._body is None:
                self._body = hashlib.sha256()
            self._body.update(part)
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer; its beginning waits until it is recorded."""
        if message["type"] == "http.response.start":
            if message["status"] != TOO_MANY or known_caller(self._scope) is not None:
                await self._record(message["status"])
            self.is_answered = True
        await self._send(message)

    async def _record(self, outcome: int) -> None:
        try:
            await self._log.record(self._entry(outcome))
        except AuditUnavailableError as error:
            raise _UnrecordedError(str(error)) from error

    async def begin(self, _act: Act) -> None:
        """Record an act that is about to be done."""
        if self._scope["method"] not in _READS:
            await self._log.record(self._entry(None))
            self.has_begun = True

    def _entry(self, outcome: int | None) -> AuditEntry:
        scope, act = self._scope, act_of(self._scope)
        caller = known_caller(scope)
        route = scope.get("route")
        operation = act.operation if act else getattr(route, "operation_id", None)
        reason = header_of(scope, b"x-reason")
        case_id = act.case_id if act else None
        # What was sent in its place may be anything.
        case_id = case_id or header_of(scope, b"x-case-id")
        return AuditEntry(
            at=self._at,
            request_id=request_id_of(scope),
            method=scope["method"],
            target=without_secrets(_target(scope)),
            caller=caller.name if caller else None,
            role=caller.role.value if caller else None,
            means=caller.means if caller else None,
            key_id=caller.key_id if caller else None,
            ip=client_of(scope) or None,
            operation=operation,
            permission=act.permission.value if act and act.permission else None,
            case_id=None if case_id is None else without_secrets(case_id),
            reason=None if reason is None else without_secrets(unquote(reason)),
            subjects=tuple(map(without_secrets, act.subjects)) if act else (),
            body_sha256=self._body.hexdigest() if self._body else None,
            outcome=outcome,
        )


def _target(scope: Scope) -> str:
    """Return path and query as they were asked."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope.get("query_string", b"")
    return (path + b"?" + query if query else path).decode("latin-1")


async def _answered(app: ASGIApp, scope: Scope, recorder: _Recorder) -> None:
    """Have a request answered; whatever goes wrong outside the routes is answered here."""
    try:
        await app(scope, recorder.receive, recorder.send)
    except _UnrecordedError:
        raise
    except HTTPException as error:
        if recorder.is_answered:
            raise
        code, title = words_of(error.status_code, str(error.detail))
        await refuse(
            scope,
            recorder.send,
            status=error.status_code,
            code=code,
            title=title,
            detail=str(error.detail),
            headers=(error.headers or {}).items(),
        )
    except Exception as error:
        failure = failure_of(error)
        if recorder.is_answered:
            raise
        await refuse(
            scope,
            recorder.send,
            status=failure.status if failure else 500,
            code=failure.code if failure else "bug",
            title=failure.title if failure else "The service failed",
            detail=failure.detail
            if failure
            else "this is a bug; the log of the service holds it under the request id",
        )
        if failure is None:
            raise
