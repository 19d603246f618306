"""What a client would rather have: the header `Prefer` (RFC 7240)."""

import re
from dataclasses import dataclass

from fastapi import Request

LONGEST_WAIT = 30
"""Seconds that a request waits for its job at most, whatever is preferred."""

PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": "`respond-async`: have a job do it and answer at once; with `wait=N`, wait for "
    f"it up to N seconds ({LONGEST_WAIT} at most).",
    "required": False,
    "schema": {"type": "string", "maxLength": 200},
}
"""How the description of the service tells of the header."""

_PREFERENCE = re.compile(r'\s*([a-z-]+)\s*(?:=\s*"?([^",;]*)"?)?\s*(?:;.*)?', re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """The preferences that this service knows; it passes over any other."""

    is_async: bool = False
    """`respond-async`: do it as a job."""

    wait: int = 0
    """`wait=N`: seconds that the client would wait for it all the same."""

    def applied(self) -> str:
        """Return what `Preference-Applied` says."""
        return f"respond-async, wait={self.wait}" if self.wait else "respond-async"


def preferences_of(request: Request) -> Preferences:
    """Return what a request prefers; of a preference that is named twice the first counts."""
    found: dict[str, str] = {}
    for header in request.headers.getlist("prefer"):
        for part in header[:1000].split(","):
            match = _PREFERENCE.fullmatch(part)
            if match is not None:
                found.setdefault(match[1].lower(), (match[2] or "").strip())
    wait = found.get("wait", "")
    seconds = int(wait) if wait.isascii() and wait.isdecimal() and len(wait) < 10 else 0
    return Preferences(is_async="respond-async" in found, wait=min(seconds, LONGEST_WAIT))
