"""The two cookies: who is signed in, and who is about to be.

Where the service is reached over HTTPS their names begin with `__Host-`: a browser then takes them
from this very host only, over HTTPS only, and for all paths.
"""

from starlette.responses import Response

_SESSION = "arien-session"
_SIGN_IN = "arien-sign-in"


def is_https(public_url: str | None) -> bool:
    """Tell whether browsers reach the service over HTTPS."""
    return public_url is not None and public_url.startswith("https://")


def session_cookie(*, is_https: bool) -> str:
    """Return the name of the cookie of somebody who is signed in."""
    return _named(_SESSION, is_https)


def sign_in_cookie(*, is_https: bool) -> str:
    """Return the name of the cookie that binds a sign-in to the browser that began it."""
    return _named(_SIGN_IN, is_https)


def set_session(response: Response, token: str, *, seconds: int, is_https: bool) -> None:
    """Give a browser a session: no script reads it, and no other site makes the browser send it."""
    response.set_cookie(
        session_cookie(is_https=is_https),
        token,
        max_age=seconds,
        path="/",
        secure=is_https,
        httponly=True,
        samesite="strict",
    )


def set_sign_in(response: Response, state: str, *, seconds: int, is_https: bool) -> None:
    """Give a browser the state of its sign-in.

    `Lax`, since it is the sign-in service's page that sends the browser back.
    """
    response.set_cookie(
        sign_in_cookie(is_https=is_https),
        state,
        max_age=seconds,
        path="/",
        secure=is_https,
        httponly=True,
        samesite="lax",
    )


def remove(response: Response, name: str, *, is_https: bool) -> None:
    """Take a cookie away."""
    response.delete_cookie(name, path="/", secure=is_https, httponly=True)


def _named(name: str, is_https: bool) -> str:
    return f"__Host-{name}" if is_https else name
