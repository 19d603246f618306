"""Finds out who asks: whoever uses this machine, or the owner of a key, a session or a token.

A request that shows a key or a token that does not count is refused on every path, the public ones
too: a program should learn at once that its key is at fault. A session that has ended is no fault,
so that the page can be opened to sign in again.

A browser sends its cookie with whatever it is made to ask. `SameSite=Strict` keeps other sites from
making it ask; and a request that changes something counts only where `Origin` says that it comes
from our own page (the envelope has refused every other origin before).

Whoever shows many things that do not count is not listened to for a while. Keys that were found
good not long ago are exempt: a neighbour behind the same address must not shut them out.
"""

import asyncio
import getpass
import ipaddress
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.callers import set_caller
from api.cookies import session_cookie
from api.envelope import client_of, refuse
from api.errors import CHALLENGE
from arien_flows.access.callers import Caller, local_caller
from arien_flows.accounts.authenticator import Authenticator, Shown, shown_by
from arien_flows.errors import ForbiddenError, NotAuthenticatedError
from arien_flows.failures import failure_of
from chains.errors import ChainError

FAILURES = RateLimitItemPerMinute(20)
"""How many credentials that do not count one address may show to one process."""

DEAD_SESSIONS = RateLimitItemPerMinute(300, namespace="sessions")
"""How many cookies of sessions that have ended: pages that stand open for days send some."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_CHALLENGE = ("www-authenticate", f'{CHALLENGE}, error="invalid_token"')
_SITE_BITS = 64
"""Of an IPv6 address: whoever has one has all of its network."""

_THREADS = 4


class TooManyFailuresError(NotAuthenticatedError):
    """An address has shown too many credentials that do not count."""

    status = 429
    title = "Too many wrong credentials"


class Authentication:
    """Names the caller of each request; without accounts that is whoever uses the machine."""

    def __init__(
        self, app: ASGIApp, authenticator: Authenticator | None = None, *, is_https: bool = False
    ) -> None:
        self.app = app
        self._authenticator = authenticator
        self._cookie = session_cookie(is_https=is_https)
        self._local = local_caller(getpass.getuser()) if authenticator is None else None
        self._failures = MovingWindowRateLimiter(MemoryStorage())
        # Threads of its own: who asks must be found out even while long answers fill the others.
        self._threads = ThreadPoolExecutor(_THREADS, "authentication")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http":
            try:
                caller = self._local or await self._caller(scope)
            except Exception as error:  # noqa: BLE001 answered below, or raised again
                await self._refuse(scope, send, error)
                return
            if caller is not None:
                set_caller(scope, caller)
        await self.app(scope, receive, send)

    async def _caller(self, scope: Scope) -> Caller | None:
        assert self._authenticator is not None  # noqa: S101 there is no local caller
        headers = Headers(scope=scope)
        given = headers.getlist("authorization")
        if len(given) > 1:
            raise NotAuthenticatedError("send one header `Authorization`")
        address, now = client_of(scope), datetime.now(UTC)
        try:
            shown = shown_by(given[0]) if given else self._session_in(headers)
            if shown is None:
                return None
            self._require_patience(shown, address)
            if self._authenticator.is_at_hand(shown):
                caller = self._authenticator.caller(shown, address, now)
            else:
                caller = await asyncio.get_running_loop().run_in_executor(
                    self._threads, self._authenticator.caller, shown, address, now
                )
        except TooManyFailuresError:
            raise
        except NotAuthenticatedError:
            self._failures.hit(FAILURES, _site(address))
            raise
        if shown.means == "session":
            if caller is None:
                self._failures.hit(DEAD_SESSIONS, _site(address))
            else:
                _require_own_page(scope, headers)
        return caller

    def _session_in(self, headers: Headers) -> Shown | None:
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return None
        found = cookies.get(self._cookie)
        return None if found is None else Shown(means="session", text=found.value)

    def _require_patience(self, shown: Shown, address: str) -> None:
        assert self._authenticator is not None  # noqa: S101 there is no local caller
        limit = DEAD_SESSIONS if shown.means == "session" else FAILURES
        if self._failures.test(limit, _site(address)) or self._authenticator.was_good(shown):
            return
        raise TooManyFailuresError(
            "too many wrong keys or ended sessions came from this address: wait a minute, then "
            "see that the key is whole, or sign in again"
        )

    async def _refuse(self, scope: Scope, send: Send, error: Exception) -> None:
        failure = failure_of(error) if not isinstance(error, ChainError) else None
        if failure is None:
            raise error
        headers: list[tuple[str, str]] = []
        if failure.status == NotAuthenticatedError.status:
            headers.append(_CHALLENGE)
        if failure.status == TooManyFailuresError.status:
            headers.append(("retry-after", "60"))
        await refuse(
            scope,
            send,
            status=failure.status,
            code=failure.code,
            title=failure.title,
            detail=failure.detail,
            headers=headers,
        )


def _site(address: str) -> str:
    """Return what wrong credentials are counted by."""
    try:
        place = ipaddress.ip_address(address)
    except ValueError:
        return address
    if place.version == 4:
        return address
    return str(ipaddress.ip_network((place, _SITE_BITS), strict=False))


def _require_own_page(scope: Scope, headers: Headers) -> None:
    """Raise unless a request with a cookie that changes something comes from our own page."""
    if scope["method"] in _SAFE or headers.get("origin") is not None:
        return
    raise ForbiddenError(
        "a request that changes something and rests on a cookie has to come from the service's "
        "own page: programs send a key"
    )
