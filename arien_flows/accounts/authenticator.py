"""From what a request shows to its caller: one key, one session cookie, or one token.

Answers of the casebook are remembered for a second (`known`). Whether a key counts is decided anew
for each request: it may expire within the second, or be shown from another address.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Protocol

from arien_flows.access.callers import Caller
from arien_flows.access.claims import Claims
from arien_flows.access.secrets import digest, read_key
from arien_flows.accounts.callers import (
    NO_KEY,
    caller_of_person,
    caller_with_key,
    caller_with_session,
)
from arien_flows.accounts.known import Known
from arien_flows.accounts.sign_in import person_for
from arien_flows.accounts.uses import Uses
from arien_flows.casebook.access_records import KnownKey, Person, Session
from arien_flows.casebook.book import Casebook
from arien_flows.errors import NotAuthenticatedError

LONGEST = 8_192
"""Characters of a credential."""

TOKEN_SECONDS = 60.0
"""How long a token whose signature was checked is not checked again; it may expire sooner."""


class Verifier(Protocol):
    """Checks tokens of programs."""

    def bearer(self, token: str, now: datetime) -> Claims:
        """Return whom a token is about; `NotAuthenticatedError` where it does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a request shows to say who asks."""

    means: Literal["key", "session", "token"]
    text: str = field(repr=False)


def shown_by(authorization: str) -> Shown:
    """Return what a header `Authorization` shows; `NotAuthenticatedError` for what is nothing."""
    scheme, _, text = authorization.partition(" ")
    text = text.strip()
    if scheme.lower() != "bearer" or not text or len(text) > LONGEST or not text.isascii():
        raise NotAuthenticatedError("Authorization holds no key: write `Bearer af_…`")
    return Shown(means="key" if text.startswith("af_") else "token", text=text)


class Authenticator:
    """Knows the callers of one service with accounts. Safe to share between threads."""

    def __init__(self, casebook: Casebook, verifier: Verifier | None) -> None:
        self._casebook = casebook
        self._keys: Known[str, KnownKey | None] = Known(casebook.keys.known)
        self._sessions: Known[str, Session | None] = Known(casebook.sessions.known)
        self._people: Known[tuple[str, str], Person | None] = Known(
            lambda who: casebook.people.known_as(*who)
        )
        self._tokens: Known[str, Claims] | None = (
            None
            if verifier is None
            else Known(lambda it: verifier.bearer(it, datetime.now(UTC)), seconds=TOKEN_SECONDS)
        )
        self._uses_of_keys = Uses(casebook.keys.note_use)
        self._uses_of_sessions = Uses(casebook.sessions.note_use)

    def is_at_hand(self, shown: Shown) -> bool:
        """Tell whether `caller` will answer without waiting for a database or a server."""
        if shown.means == "key":
            key = read_key(shown.text)
            return key is None or self._keys.fresh(key.id) is not None
        if shown.means == "session":
            return self._sessions.fresh(digest(shown.text)) is not None
        claims = None if self._tokens is None else self._tokens.fresh(shown.text)
        if claims is None:
            return self._tokens is None
        return self._people.fresh((claims[0].issuer, claims[0].subject)) is not None

    def was_good(self, shown: Shown) -> bool:
        """Tell whether the like of it was looked up not long ago and found."""
        if shown.means == "key":
            key = read_key(shown.text)
            return key is not None and self._keys.was_answered(key.id)
        if shown.means == "session":
            return self._sessions.was_answered(digest(shown.text))
        return self._tokens is not None and self._tokens.was_answered(shown.text)

    def caller(self, shown: Shown, address: str, now: datetime) -> Caller | None:
        """Return who asks; nothing for a session that has ended.

        `NotAuthenticatedError` for a key or a token that does not count.
        """
        if shown.means == "key":
            return self._with_key(shown.text, address, now)
        if shown.means == "session":
            return self._with_session(shown.text, now)
        return self._with_token(shown.text, now)

    def forget_session(self, token_digest: str) -> None:
        """Ask the casebook anew for a session that was just closed."""
        self._sessions.forget(token_digest)

    def _with_key(self, text: str, address: str, now: datetime) -> Caller:
        key = read_key(text)
        if key is None:
            raise NotAuthenticatedError(NO_KEY)
        known = self._keys.get(key.id)
        if known is None:
            # Made-up ids must not push those of real keys out of memory.
            self._keys.forget(key.id)
        caller = caller_with_key(key, known, address, now)
        if known is not None:
            self._uses_of_keys.note(key.id, known.record.last_used_at, now)
        return caller

    def _with_session(self, text: str, now: datetime) -> Caller | None:
        token_digest = digest(text)
        session = self._sessions.get(token_digest)
        if session is None:
            self._sessions.forget(token_digest)
        caller = caller_with_session(session, now)
        if session is not None and caller is not None:
            self._uses_of_sessions.note(token_digest, session.seen_at, now)
        return caller

    def _with_token(self, text: str, now: datetime) -> Caller:
        if self._tokens is None:
            raise NotAuthenticatedError("tokens are not taken here: send a key, `Bearer af_…`")
        claims = self._tokens.get(text)
        if claims.expires_at <= now:
            raise NotAuthenticatedError("the token has expired: get a new one")
        who = (claims.issuer, claims.subject)
        person = self._people.get(who)
        if person is None:
            person = person_for(self._casebook, claims, now=now)
            self._people.forget(who)
        return caller_of_person(person, "token")
