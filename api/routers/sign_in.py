"""Signing in with a browser, signing out, and who one is.

The first two are for browsers: they are sent on, to the sign-in service and back to the start page.
"""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.callers import CallerDep, allow
from api.cookies import (
    is_https,
    remove,
    session_cookie,
    set_session,
    set_sign_in,
    sign_in_cookie,
)
from api.deps import SettingsDep, WorkspaceDep, answer, problems
from arien_flows.access.permissions import Public, SignedIn
from arien_flows.access.secrets import digest
from arien_flows.accounts.authenticator import Authenticator
from arien_flows.accounts.sign_in import SignIn
from arien_flows.answers.accounts import CallerAnswer, caller_answer
from arien_flows.casebook.sessions import LONGEST, SIGN_IN
from arien_flows.errors import ConflictError, NotAuthenticatedError

router = APIRouter(prefix="/v1", tags=["accounts"])

SENT_ON: dict[int | str, dict[str, object]] = {303: {"description": "The browser is sent on."}}
UNUSABLE = problems(
    _409="This service has no sign-in service.",
    _500="The casebook cannot be used.",
    _502="The sign-in service does not answer as it should.",
    _503="The casebook is being written to.",
)
_MOST_TEXT = 4_096


@router.get(
    "/me",
    operation_id="read_me",
    summary="Tell who asks, and what he, she or it may do",
    dependencies=[allow(SignedIn)],
    response_model=CallerAnswer,
    responses=problems(_401="Who asks is not known."),
)
def read_me(caller: CallerDep) -> Response:
    """Return the caller as the service knows him, her or it."""
    return answer(caller_answer(caller))


@router.get(
    "/sign-in",
    operation_id="begin_sign_in",
    summary="Send a browser to the sign-in service",
    dependencies=[allow(Public)],
    status_code=303,
    responses=SENT_ON | UNUSABLE,
    response_class=RedirectResponse,
)
def begin_sign_in(request: Request, settings: SettingsDep) -> Response:
    """Begin a sign-in (authorisation code with PKCE), which has to be finished in ten minutes."""
    url, state = _sign_in_of(request).begin(datetime.now(UTC))
    response = RedirectResponse(url, 303)
    set_sign_in(
        response,
        state,
        seconds=int(SIGN_IN.total_seconds()),
        is_https=is_https(settings.public_url),
    )
    return response


@router.get(
    "/sign-in/return",
    operation_id="finish_sign_in",
    summary="Take a browser back from the sign-in service",
    dependencies=[allow(Public)],
    status_code=303,
    responses=SENT_ON
    | UNUSABLE
    | problems(_401="The sign-in does not count.", _422="A parameter is too long."),
    response_class=RedirectResponse,
)
def finish_sign_in(
    request: Request,
    settings: SettingsDep,
    code: Annotated[str, Query(description="What the service gives.", max_length=_MOST_TEXT)] = "",
    state: Annotated[
        str, Query(description="What the sign-in was begun with.", max_length=_MOST_TEXT)
    ] = "",
    iss: Annotated[
        str | None, Query(description="The service's address.", max_length=_MOST_TEXT)
    ] = None,
    error: Annotated[
        str, Query(description="Why the service signs nobody in.", max_length=_MOST_TEXT)
    ] = "",
) -> Response:
    """Sign somebody in: set the cookie of the session, and send the browser to the start page."""
    sign_in, https = _sign_in_of(request), is_https(settings.public_url)
    if error or not code:
        raise NotAuthenticatedError("the sign-in service signed nobody in: try again")
    if iss is not None and iss != sign_in.issuer.name:
        raise NotAuthenticatedError("another service sent the browser back: sign in again")
    kept = request.cookies.get(sign_in_cookie(is_https=https), "")
    token = sign_in.finish(code, state, kept, datetime.now(UTC))
    response = RedirectResponse("/", 303)
    remove(response, sign_in_cookie(is_https=https), is_https=https)
    set_session(response, token, seconds=int(LONGEST.total_seconds()), is_https=https)
    return response


@router.post(
    "/sign-out",
    operation_id="sign_out",
    summary="Sign out",
    dependencies=[allow(SignedIn)],
    status_code=204,
    responses=problems(
        _401="Who asks is not known.",
        _403="The request does not come from the service's own page.",
        _500="The casebook cannot be used.",
        _503="The casebook is being written to.",
    ),
)
def sign_out(
    request: Request, workspace: WorkspaceDep, settings: SettingsDep, caller: CallerDep
) -> Response:
    """End the session; a key is not touched by it."""
    https = is_https(settings.public_url)
    response = Response(status_code=204)
    if caller.means == "session":
        token_digest = digest(request.cookies.get(session_cookie(is_https=https), ""))
        workspace.casebook.sessions.close(token_digest)
        authenticator = request.app.state.authenticator
        if isinstance(authenticator, Authenticator):
            authenticator.forget_session(token_digest)
    remove(response, session_cookie(is_https=https), is_https=https)
    return response


def _sign_in_of(request: Request) -> SignIn:
    sign_in = request.app.state.sign_in
    if not isinstance(sign_in, SignIn):
        raise ConflictError("this service has no sign-in service: see ARIEN_OIDC_ISSUER")
    return sign_in
