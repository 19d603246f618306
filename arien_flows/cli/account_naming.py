"""How accounts and keys are named on the command line, and listed there."""

from collections.abc import Iterator
from datetime import datetime

from arien_flows.access.permissions import Permission
from arien_flows.access.roles import Role
from arien_flows.access.tlp import Tlp
from arien_flows.answers.accounts import KeyAnswer, KeyPage, PersonPage
from arien_flows.casebook.access_records import NewPerson
from arien_flows.cli.output import NOTHING, table
from arien_flows.errors import InputError
from arien_flows.shapes import shown_time


def permissions_of(scopes: tuple[str, ...]) -> frozenset[Permission] | None:
    """Return what scopes name; nothing where none is named."""
    try:
        return frozenset(Permission(scope) for scope in scopes) or None
    except ValueError as error:
        known = ", ".join(Permission)
        raise InputError(f"{error}; scopes are {known}") from error


def wanted_owner(name: str, role: str | None, clearance: str | None) -> NewPerson | None:
    """Return the account that is wanted; nothing where only one that there is can be meant."""
    if role is None:
        return None
    label = Tlp.AMBER if clearance is None else Tlp(clearance)
    return NewPerson(name=name, role=Role(role), clearance=label)


def key_lines(page: KeyPage) -> Iterator[str]:
    """Yield a table of keys."""
    header = ("id", "owner", "scopes", "clearance", "from", "made", "expires", "used", "state")
    yield from table(header, [_key_row(key) for key in page.items])
    if page.next_cursor is not None:
        yield "There are more: raise --limit."


def person_lines(page: PersonPage) -> Iterator[str]:
    """Yield a table of accounts."""
    header = ("name", "role", "clearance", "signs in as", "made", "by", "state")
    rows = [
        (
            person.name,
            person.role.value,
            person.clearance.value,
            person.subject or NOTHING,
            _day(person.made_at),
            person.made_by,
            f"disabled {_day(person.disabled_at)}" if person.disabled_at else "in use",
        )
        for person in page.items
    ]
    yield from table(header, rows)
    if page.next_cursor is not None:
        yield "There are more: raise --limit."


def _key_row(key: KeyAnswer) -> tuple[str, ...]:
    return (
        key.id,
        key.owner,
        " ".join(key.scopes) if key.scopes is not None else "all",
        key.clearance.value,
        " ".join(key.networks) or "anywhere",
        _day(key.made_at),
        _day(key.expires_at),
        NOTHING if key.last_used_at is None else shown_time(key.last_used_at),
        f"revoked {_day(key.revoked_at)}" if key.revoked_at else "in use",
    )


def _day(moment: datetime | None) -> str:
    return NOTHING if moment is None else shown_time(moment)[:10]
