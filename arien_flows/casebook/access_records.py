"""What the casebook says of people, keys and sessions."""

from dataclasses import dataclass, field
from datetime import datetime

from arien_flows.access.permissions import Permission
from arien_flows.access.roles import Role
from arien_flows.access.tlp import Tlp


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person or a program that may use the service."""

    name: str
    role: Role
    clearance: Tlp
    issuer: str | None
    """The sign-in service that knows the person; nothing for those who use keys only."""

    subject: str | None
    """What the sign-in service calls the person."""

    has_claimed_role: bool
    """Whether the role is what the sign-in service says, each time anew."""

    made_at: datetime
    made_by: str
    disabled_at: datetime | None = None
    disabled_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """Somebody who shall have an account."""

    name: str
    role: Role
    clearance: Tlp
    issuer: str | None = None
    subject: str | None = None
    has_claimed_role: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """A key, without its secret."""

    id: str
    owner: str
    scopes: frozenset[Permission] | None
    """What it may be used for at most; nothing: all that its owner may do."""

    clearance: Tlp
    networks: tuple[str, ...]
    """From where it may be used, as `192.0.2.0/24`; none: from anywhere."""

    made_at: datetime
    made_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that shall be made."""

    owner: str
    scopes: frozenset[Permission] | None = None
    clearance: Tlp = Tlp.RED
    networks: tuple[str, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """What is needed to decide whether somebody shows a key that counts."""

    record: KeyRecord
    owner: Person
    secret_sha256: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is signed in."""

    person: Person
    made_at: datetime
    expires_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunSignIn:
    """What the return of a browser from the sign-in service is checked with."""

    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
