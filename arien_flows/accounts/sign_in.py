"""Whom a sign-in service means: somebody who has an account here, or gets one.

An account is made at the first sign-in where the service names one of our roles, and nowhere else.
Such an account has the role that the service names each time: who loses it there cannot sign in
here any more. An account that an administrator made keeps the role that it was given.
"""

from dataclasses import dataclass
from datetime import datetime

from arien_flows.access.claims import Claims
from arien_flows.access.oidc import Issuer
from arien_flows.access.secrets import is_same
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.access_records import BegunSignIn, NewPerson, Person
from arien_flows.casebook.book import Casebook
from arien_flows.errors import ConflictError, NotAuthenticatedError

FIRST_CLEARANCE = Tlp.AMBER
"""Of an account that is made at a first sign-in; an administrator raises it."""

_ASK = "ask an administrator"


RETURN_PATH = "/v1/sign-in/return"
"""Where the sign-in service sends browsers back to, below the public address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Signing in of people with browsers."""

    casebook: Casebook
    issuer: Issuer
    public_url: str

    def begin(self, now: datetime) -> tuple[str, str]:
        """Return where to send the browser, and the state that it has to bring back."""
        start = self.issuer.begin(self.public_url + RETURN_PATH)
        begun = BegunSignIn(nonce=start.nonce, verifier=start.verifier)
        self.casebook.sessions.begin_sign_in(start.state, begun, now)
        return start.url, start.state

    def finish(self, code: str, state: str, kept_state: str, now: datetime) -> str:
        """Return the token of a new session.

        `kept_state` is what the browser that began the sign-in was given to keep: without it,
        somebody could be led into the session of another one.
        """
        begun = None
        if is_same(state, kept_state):
            begun = self.casebook.sessions.take_sign_in(state, now)
        if begun is None:
            raise NotAuthenticatedError(
                "this sign-in was begun elsewhere, was finished before, or took too long: sign in "
                "again"
            )
        claims = self.issuer.finish(
            code,
            verifier=begun.verifier,
            nonce=begun.nonce,
            return_url=self.public_url + RETURN_PATH,
            now=now,
        )
        person = person_for(self.casebook, claims, now=now)
        return self.casebook.sessions.open(person.name, now)


def person_for(casebook: Casebook, claims: Claims, *, now: datetime) -> Person:
    """Return whose account it is; `NotAuthenticatedError` where there is none to be had."""
    person = casebook.people.known_as(claims.issuer, claims.subject)
    if person is None:
        return _first_time(casebook, claims, now)
    if person.disabled_at is not None:
        raise NotAuthenticatedError(f"{person.name} is disabled here: {_ASK}")
    if not person.has_claimed_role:
        return person
    if claims.role is None:
        raise NotAuthenticatedError(
            f"the sign-in service names no role for {person.name} any more: {_ASK}"
        )
    if claims.role is person.role:
        return person
    return casebook.people.claim_role(person.name, claims.role)


def _first_time(casebook: Casebook, claims: Claims, now: datetime) -> Person:
    if claims.role is None:
        raise NotAuthenticatedError(f"you have no account here: {_ASK}")
    wanted = NewPerson(
        name=claims.name,
        role=claims.role,
        clearance=FIRST_CLEARANCE,
        issuer=claims.issuer,
        subject=claims.subject,
        has_claimed_role=True,
    )
    try:
        return casebook.people.add(wanted, now=now, by=claims.issuer)
    except ConflictError as error:
        known = casebook.people.known_as(claims.issuer, claims.subject)
        if known is not None:
            return known  # another request of the same person was quicker
        raise NotAuthenticatedError(
            f"somebody else is called {claims.name} here: {_ASK} to make your account"
        ) from error
