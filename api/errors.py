"""Errors as RFC 9457 problem documents: the one place that knows what HTTP says of a failure.

Whatever goes wrong (an unknown address, a path that does not exist, a body that is no JSON, a bug)
the client gets `application/problem+json` with a stable `code` and the id of the request. A bug
tells the client nothing but that id; the traceback goes to the log.
"""

import logging
import re
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from api.envelope import request_id_of
from arien_flows.errors import ArienError
from arien_flows.failures import failure_of
from arien_flows.shapes import Shape, json_text
from chains.errors import ChainError

MEDIA_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="arien-flows"'
"""What a client is told that has to say who it is (RFC 6750)."""

log = logging.getLogger("arien_flows.api")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(Shape):
    """One thing that is wrong with a request."""

    pointer: str
    """Where it stands: `/query/limit`, `/body/sources/0`."""

    code: str
    """Stable name of the kind of fault."""

    detail: str
    """What is wrong there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Shape):
    """Why a request was not answered."""

    type: str
    """A URI that names the kind of problem."""

    title: str
    """The kind of problem in words; the same for all of its kind."""

    status: int
    """The HTTP status."""

    detail: str
    """What is wrong in this case, and what to do."""

    instance: str
    """The path that was asked for."""

    code: str
    """Stable name of the kind of problem, for programs."""

    request_id: str
    """Names this request in the log; the header `X-Request-ID` carries it too."""

    errors: tuple[Fault, ...] = ()
    """The single faults, where a request has several."""


_CODES = {
    400: ("bad_request", "The request cannot be read"),
    403: ("forbidden", "Not allowed"),
    404: ("no_such_path", "No such path"),
    405: ("method_not_allowed", "The path does not take this method"),
    401: ("not_authenticated", "Who asks is not known"),
    408: ("too_slow", "The request did not arrive in time"),
    413: ("too_large", "The request body is too large"),
    415: ("media_type", "The request body is of the wrong kind"),
    422: ("invalid_request", "The request is not valid"),
    429: ("too_many_requests", "Too many requests"),
}


def problem(
    request: Request,
    *,
    status: int,
    code: str,
    title: str,
    detail: str,
    errors: tuple[Fault, ...] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """Return a problem document as a response."""
    document = _document(request, status, code, title, detail, errors)
    return Response(json_text(document), status, headers=headers, media_type=MEDIA_TYPE)


def problem_of(request: Request, error: Exception) -> Problem:
    """Return what an error means where the answer has begun already; a bug is logged."""
    failure = failure_of(error)
    if failure is None:
        log.error("request %s failed", request_id_of(request.scope), exc_info=error)
        return _document(request, 500, *_BUG)
    return _document(request, failure.status, failure.code, failure.title, failure.detail)


_BUG = (
    "bug",
    "The service failed",
    "this is a bug; the log of the service holds it under the request id",
)


def _document(
    request: Request,
    status: int,
    code: str,
    title: str,
    detail: str,
    errors: tuple[Fault, ...] = (),
) -> Problem:
    return Problem(
        type=f"urn:arien-flows:problem:{code}",
        title=title,
        status=status,
        detail=detail,
        instance=request.url.path,
        code=code,
        request_id=request_id_of(request.scope),
        errors=errors,
    )


async def _expected(request: Request, error: Exception) -> Response:
    """Answer an error that the package or the operating system explains."""
    failure = failure_of(error)
    if failure is None:
        return await _bug(request, error)
    headers = {"WWW-Authenticate": CHALLENGE} if failure.status == 401 else None
    if failure.status >= 500:
        log.warning("request %s: %s", request_id_of(request.scope), failure.detail)
    return problem(
        request,
        status=failure.status,
        code=failure.code,
        title=failure.title,
        detail=failure.detail,
        headers=headers,
    )


async def _bug(request: Request, error: Exception) -> Response:
    """Own up to a bug; the server logs the traceback itself."""
    log.error("request %s failed: %s", request_id_of(request.scope), type(error).__name__)
    code, title, detail = _BUG
    return problem(request, status=500, code=code, title=title, detail=detail)


async def _http(request: Request, error: Exception) -> Response:
    """Answer what the framework refuses: unknown paths, wrong methods, bodies too large."""
    if not isinstance(error, HTTPException):
        raise error
    code, title = words_of(error.status_code, str(error.detail))
    headers = dict(error.headers or {})
    if error.status_code == 405 and (allowed := _allowed(request)):
        headers["Allow"] = allowed
    return problem(
        request,
        status=error.status_code,
        code=code,
        title=title,
        detail=_detail(error, headers),
        headers=headers or None,
    )


def words_of(status: int, otherwise: str) -> tuple[str, str]:
    """Return the code and the title of what the framework or a layer around it refuses."""
    return _CODES.get(status, ("http", otherwise))


def _detail(error: HTTPException, headers: dict[str, str]) -> str:
    if error.status_code == 404:
        return "this path does not exist; /openapi.json lists those that do"
    if error.status_code == 405:
        return f"allowed here: {headers.get('Allow', 'another method')}"
    if error.status_code == 400:
        return (
            "the body is no JSON that can be read: it is not UTF-8, nested too deep, or holds a "
            "number that is too long"
        )
    return str(error.detail)


def _allowed(request: Request) -> str:
    """Return the methods that a path takes: the framework names those of one route only."""
    paths = request.app.openapi()["paths"]
    methods = {
        method.upper()
        for path, operations in paths.items()
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", path), request.url.path)
        for method in operations
    }
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


async def _invalid(request: Request, error: Exception) -> Response:
    """Answer a request whose parameters or body are not as the description says."""
    if not isinstance(error, RequestValidationError):
        raise error
    if [fault["loc"] for fault in error.errors()] == [("body",)] and _is_not_json(request):
        refused = HTTPException(415, "send the body as application/json")
        return await _http(request, refused)
    faults = tuple(
        Fault(
            pointer="/" + "/".join(str(part) for part in fault["loc"]),
            code=fault["type"],
            detail=fault["msg"],
        )
        for fault in error.errors()
    )
    code, title = _CODES[422]
    return problem(
        request,
        status=422,
        code=code,
        title=title,
        detail="; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults),
        errors=faults,
    )


def _is_not_json(request: Request) -> bool:
    """Tell whether a body came that does not say it is JSON; then nobody tried to read it so."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_empty = request.headers.get("content-length") == "0"
    return not is_empty and kind != "application/json" and not kind.endswith("+json")


def install(app: FastAPI) -> None:
    """Make an application answer every failure with a problem document."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    for kind in (ArienError, ChainError, OSError):
        app.add_exception_handler(kind, _expected)
    app.add_exception_handler(Exception, _bug)
