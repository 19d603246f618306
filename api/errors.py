"""Errors as RFC 9457 problem documents: the one place that knows what HTTP says of a failure.

Whatever goes wrong (an unknown address, a path that does not exist, a body that is no JSON, a bug)
the client gets `application/problem+json` with a stable `code` and the id of the request. A bug
tells the client nothing but that id; the traceback goes to the log.
"""

import logging
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
    413: ("too_large", "The request body is too large"),
    415: ("media_type", "The request body is of the wrong kind"),
    422: ("invalid_request", "The request is not valid"),
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
    document = Problem(
        type=f"urn:arien-flows:problem:{code}",
        title=title,
        status=status,
        detail=detail,
        instance=request.url.path,
        code=code,
        request_id=request_id_of(request.scope),
        errors=errors,
    )
    return Response(json_text(document), status, headers=headers, media_type=MEDIA_TYPE)


async def _expected(request: Request, error: Exception) -> Response:
    """Answer an error that the package or the operating system explains."""
    failure = failure_of(error)
    if failure is None:
        return await _bug(request, error)
    if failure.status >= 500:
        log.warning("request %s: %s", request_id_of(request.scope), failure.detail)
    return problem(
        request,
        status=failure.status,
        code=failure.code,
        title=failure.title,
        detail=failure.detail,
    )


async def _bug(request: Request, error: Exception) -> Response:
    """Own up to a bug; the server logs the traceback itself."""
    log.error("request %s failed: %s", request_id_of(request.scope), type(error).__name__)
    return problem(
        request,
        status=500,
        code="bug",
        title="The service failed",
        detail="this is a bug; the log of the service holds it under the request id",
    )


async def _http(request: Request, error: Exception) -> Response:
    """Answer what the framework refuses: unknown paths, wrong methods, bodies too large."""
    if not isinstance(error, HTTPException):
        raise error
    code, title = _CODES.get(error.status_code, ("http", str(error.detail)))
    return problem(
        request,
        status=error.status_code,
        code=code,
        title=title,
        detail=_detail(error),
        headers=dict(error.headers) if error.headers else None,
    )


def _detail(error: HTTPException) -> str:
    if error.status_code == 404:
        return "this path does not exist; /openapi.json lists those that do"
    if error.status_code == 405 and error.headers:
        return f"allowed here: {error.headers.get('Allow', 'another method')}"
    return str(error.detail)


async def _invalid(request: Request, error: Exception) -> Response:
    """Answer a request whose parameters or body are not as the description says."""
    if not isinstance(error, RequestValidationError):
        raise error
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


def install(app: FastAPI) -> None:
    """Make an application answer every failure with a problem document."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    for kind in (ArienError, ChainError, OSError):
        app.add_exception_handler(kind, _expected)
    app.add_exception_handler(Exception, _bug)
