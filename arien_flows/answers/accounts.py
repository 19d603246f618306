"""Who has an account, which keys there are, and who asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from arien_flows.access.callers import Caller, Means
from arien_flows.access.permissions import Permission
from arien_flows.access.roles import Role
from arien_flows.access.secrets import KeyText
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.access_records import KeyRecord, Person
from arien_flows.shapes import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerAnswer(Shape):
    """Who asks, and what he, she or it may do."""

    name: str
    """Names the person or program in every record."""

    role: Role
    """What the caller is in the organisation."""

    permissions: tuple[Permission, ...]
    """What the caller may do at all; of cases only those that he or she sees."""

    clearance: Tlp
    """Strictest label (Traffic Light Protocol) of what the caller may see."""

    means: Means
    """How the caller is known; `local` in a service without accounts."""

    key_id: str | None
    """The key that was used, if one was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonAnswer(Shape):
    """A person or a program that has an account."""

    name: str
    """Names the person or program in every record; never given to another one."""

    role: Role
    """What he, she or it may do at most."""

    clearance: Tlp
    """Strictest label (Traffic Light Protocol) of what may be seen."""

    issuer: str | None
    """The sign-in service that knows the person; nothing where only keys are used."""

    subject: str | None
    """What the sign-in service calls the person."""

    has_claimed_role: bool
    """Whether the role is what the sign-in service says, each time anew."""

    made_at: datetime
    """When the account was made."""

    made_by: str
    """By whom; the sign-in service's address for an account made at a first sign-in."""

    disabled_at: datetime | None
    """Since when the account does not count; nothing where it does."""

    disabled_by: str | None
    """Who disabled it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonPage(Shape):
    """A page of people and programs."""

    items: tuple[PersonAnswer, ...]
    """In the order of their names, disabled ones included."""

    next_cursor: str | None
    """Leads to the next page; nothing where this is the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAnswer(Shape):
    """A key, without its secret."""

    id: str
    """Names the key."""

    owner: str
    """Whose it is: what is done with it is done in this name."""

    scopes: tuple[Permission, ...] | None
    """What it may be used for at most; nothing: all that its owner may do."""

    clearance: Tlp
    """Strictest label of what may be seen with it; never more than its owner's."""

    networks: tuple[str, ...]
    """Ranges of IP addresses from which it may be used; none: from anywhere."""

    made_at: datetime
    """When it was made."""

    made_by: str
    """By whom."""

    expires_at: datetime | None
    """From when it does not count any more; nothing: until it is revoked."""

    revoked_at: datetime | None
    """Since when it does not count any more."""

    revoked_by: str | None
    """Who revoked it."""

    last_used_at: datetime | None
    """When it was last used, to about a minute; nothing for never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeKeyAnswer(KeyAnswer):
    """A key that was just made."""

    key: str
    """The key itself, to be sent as `Authorization: Bearer …`. It is never shown again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPage(Shape):
    """A page of keys."""

    items: tuple[KeyAnswer, ...]
    """The newest first, revoked and expired ones included."""

    next_cursor: str | None
    """Leads to the next page; nothing where this is the last one."""


def caller_answer(caller: Caller) -> CallerAnswer:
    """Return who asks."""
    return CallerAnswer(
        name=caller.name,
        role=caller.role,
        permissions=tuple(sorted(caller.permissions)),
        clearance=caller.clearance,
        means=caller.means,
        key_id=caller.key_id,
    )


def person_answer(person: Person) -> PersonAnswer:
    """Return an account as it is shown."""
    return PersonAnswer(**{name: getattr(person, name) for name in Person.__slots__})


def key_answer(record: KeyRecord) -> KeyAnswer:
    """Return a key as it is shown."""
    return KeyAnswer(**_key_fields(record))


def made_key_answer(key: KeyText, record: KeyRecord) -> MadeKeyAnswer:
    """Return a key as it is shown once."""
    return MadeKeyAnswer(key=key.text, **_key_fields(record))


def person_page(found: Sequence[Person], limit: int) -> PersonPage:
    """Return a page of one more person than it shows, where there are more."""
    items = tuple(person_answer(person) for person in found[:limit])
    return PersonPage(items=items, next_cursor=items[-1].name if len(found) > limit else None)


def key_page(found: Sequence[KeyRecord], limit: int) -> KeyPage:
    """Return a page of one more key than it shows, where there are more."""
    items = tuple(key_answer(record) for record in found[:limit])
    return KeyPage(items=items, next_cursor=items[-1].id if len(found) > limit else None)


def _key_fields(record: KeyRecord) -> dict[str, Any]:
    fields = {name: getattr(record, name) for name in KeyRecord.__slots__}
    return fields | {"scopes": None if record.scopes is None else tuple(sorted(record.scopes))}
