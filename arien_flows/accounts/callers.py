"""Who shows a key, a session or a token, as the rest of the program knows callers.

What counts is decided here from rows of the casebook and the time, with no database and no HTTP:
a key that is revoked, expired, its owner's no more, or shown from elsewhere than it may be is no
key. What is wrong with one is told to whoever holds it: it names nothing that they do not know.
"""

import ipaddress
from datetime import datetime

from arien_flows.access.callers import Caller, Means
from arien_flows.access.roles import PERMISSIONS
from arien_flows.access.secrets import KeyText, is_same
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.access_records import KnownKey, Person, Session
from arien_flows.casebook.sessions import IDLE
from arien_flows.errors import NotAuthenticatedError

NO_KEY = "the key is not known here: see that it is whole"


def caller_with_key(shown: KeyText, known: KnownKey | None, address: str, now: datetime) -> Caller:
    """Return whose key it is; `NotAuthenticatedError` where it does not count."""
    # Compared even where there is no such key, so that the time does not tell.
    wanted = known.secret_sha256 if known is not None else "0" * 64
    if not is_same(shown.digest, wanted) or known is None:
        raise NotAuthenticatedError(NO_KEY)
    record = known.record
    if record.revoked_at is not None:
        raise NotAuthenticatedError(f"{record.id} was revoked: ask for a new key")
    if record.expires_at is not None and record.expires_at <= now:
        raise NotAuthenticatedError(f"{record.id} has expired: ask for a new key")
    if record.networks and not _is_within(address, record.networks):
        raise NotAuthenticatedError(f"{record.id} may not be used from this address")
    _require_enabled(known.owner)
    permissions = PERMISSIONS[known.owner.role]
    if record.scopes is not None:
        permissions &= record.scopes
    return Caller(
        name=known.owner.name,
        role=known.owner.role,
        permissions=permissions,
        clearance=min(record.clearance, known.owner.clearance, key=list(Tlp).index),
        means="key",
        key_id=record.id,
    )


def caller_with_session(session: Session | None, now: datetime) -> Caller | None:
    """Return who is signed in; nothing where nobody is, any more."""
    if session is None or session.expires_at <= now or session.seen_at + IDLE <= now:
        return None
    if session.person.disabled_at is not None:
        return None
    return caller_of_person(session.person, "session")


def caller_of_person(person: Person, means: Means) -> Caller:
    """Return somebody with all that the role allows; `NotAuthenticatedError` where disabled."""
    _require_enabled(person)
    return Caller(
        name=person.name,
        role=person.role,
        permissions=PERMISSIONS[person.role],
        clearance=person.clearance,
        means=means,
    )


def _require_enabled(person: Person) -> None:
    if person.disabled_at is not None:
        raise NotAuthenticatedError(f"{person.name} is disabled here: ask an administrator")


def _is_within(address: str, networks: tuple[str, ...]) -> bool:
    try:
        place = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(place, ipaddress.IPv6Address) and place.ipv4_mapped is not None:
        place = place.ipv4_mapped
    return any(place in ipaddress.ip_network(network) for network in networks)
