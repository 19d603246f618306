"""People and programs that have accounts: offered by a casebook as `casebook.people`.

A name is given once: rows are disabled and never deleted, and names that differ in case only are
one name. Whom a sign-in service means is said by its own name and its name for the person, never
by a name or an address of mail that somebody could take over there.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update

from arien_flows.access.names import folded, person_name
from arien_flows.access.roles import Role
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.access_records import NewPerson, Person
from arien_flows.casebook.access_tables import people, sessions
from arien_flows.casebook.tag_lists import Read
from arien_flows.errors import ConflictError, InputError, NotFoundError


class People:
    """The accounts of one casebook."""

    def __init__(
        self, read: Read, writing: Callable[[], AbstractContextManager[Connection]]
    ) -> None:
        self._read = read
        self._writing = writing

    def add(self, wanted: NewPerson, *, now: datetime, by: str) -> Person:
        """Make an account; `ConflictError` where somebody has or had the name."""
        with self._writing() as connection:
            return add_person(connection, wanted, now=now, by=by)

    def named(self, name: str) -> Person | None:
        """Return somebody by name, disabled or not."""
        return self._read(lambda it: find_person(it, name), None)

    def read(self, name: str) -> Person:
        """Return somebody by name; `NotFoundError` where nobody has it."""
        found = self.named(name)
        if found is None:
            raise no_person(name)
        return found

    def known_as(self, issuer: str, subject: str) -> Person | None:
        """Return whom a sign-in service means."""

        def look(connection: Connection) -> Person | None:
            wanted = select(people).where(people.c.issuer == issuer, people.c.subject == subject)
            row = connection.execute(wanted).first()
            return None if row is None else person_of(row)

        return self._read(look, None)

    def page(self, *, after: str = "", limit: int) -> list[Person]:
        """Return people by their names, beginning after one, disabled ones included."""
        wanted = select(people).where(people.c.folded > folded(after)).order_by(people.c.folded)
        return self._read(
            lambda it: [person_of(row) for row in it.execute(wanted.limit(limit))], []
        )

    def change(
        self,
        name: str,
        *,
        role: Role | None = None,
        clearance: Tlp | None = None,
        is_disabled: bool | None = None,
        now: datetime,
        by: str,
    ) -> Person:
        """Change what is named; sessions of somebody who is disabled end."""
        with self._writing() as connection:
            found = find_person(connection, name)
            if found is None:
                raise no_person(name)
            values: dict[str, object] = {}
            if role is not None:
                # Said here, so that the sign-in service has no say in it any more.
                values |= {"role": _assignable(role).value, "has_claimed_role": False}
            if clearance is not None:
                values["clearance"] = clearance.value
            if is_disabled is not None and is_disabled != (found.disabled_at is not None):
                values["disabled_at"] = now if is_disabled else None
                values["disabled_by"] = by if is_disabled else None
            return _set(connection, found.name, values)

    def claim_role(self, name: str, role: Role) -> Person:
        """Take over the role that the sign-in service says somebody has now."""
        with self._writing() as connection:
            return _set(connection, name, {"role": _assignable(role).value})


def add_person(connection: Connection, wanted: NewPerson, *, now: datetime, by: str) -> Person:
    """Make an account inside the caller's transaction."""
    name = person_name(wanted.name)
    if (wanted.issuer is None) != (wanted.subject is None):
        raise InputError("whom a sign-in service means is said by its address and its subject")
    taken = select(people.c.name).where(people.c.folded == folded(name))
    if connection.execute(taken).first() is not None:
        raise ConflictError(f"the name {name} is taken, or was: names are never given again")
    if wanted.subject is not None:
        known = select(people.c.name).where(
            people.c.issuer == wanted.issuer, people.c.subject == wanted.subject
        )
        other = connection.execute(known).scalar()
        if other is not None:
            raise ConflictError(f"the sign-in service's subject belongs to {other} already")
    made = Person(
        name=name,
        role=_assignable(wanted.role),
        clearance=wanted.clearance,
        issuer=wanted.issuer,
        subject=wanted.subject,
        has_claimed_role=wanted.has_claimed_role,
        made_at=now,
        made_by=by,
    )
    connection.execute(
        insert(people).values(
            name=name,
            folded=folded(name),
            role=made.role.value,
            clearance=made.clearance.value,
            issuer=made.issuer,
            subject=made.subject,
            has_claimed_role=made.has_claimed_role,
            made_at=now,
            made_by=by,
        )
    )
    return made


def find_person(connection: Connection, name: str) -> Person | None:
    """Return somebody by name, in any case of letters."""
    row = connection.execute(select(people).where(people.c.folded == folded(name))).first()
    return None if row is None else person_of(row)


def person_of(row: Row[tuple[object, ...]]) -> Person:
    """Return what a row with the columns of people says."""
    return Person(
        name=row.name,
        role=Role(row.role),
        clearance=Tlp(row.clearance),
        issuer=row.issuer,
        subject=row.subject,
        has_claimed_role=row.has_claimed_role,
        made_at=row.made_at,
        made_by=row.made_by,
        disabled_at=row.disabled_at,
        disabled_by=row.disabled_by,
    )


def no_person(name: str) -> NotFoundError:
    """Return the error for a name that nobody has."""
    return NotFoundError(f"nobody is called {name!r} here: `people list` shows who there is")


def _assignable(role: Role) -> Role:
    if role is Role.LOCAL:
        raise InputError("nobody can be given the role of a service without accounts")
    return role


def _set(connection: Connection, name: str, values: dict[str, object]) -> Person:
    if values:
        connection.execute(update(people).where(people.c.name == name).values(values))
    if values.get("disabled_at") is not None:
        connection.execute(sessions.delete().where(sessions.c.person == name))
    found = find_person(connection, name)
    if found is None:
        raise no_person(name)
    return found
