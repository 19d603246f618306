"""Keys of people and programs: offered by a casebook as `casebook.keys`.

The secret of a key is shown when it is made and never again: the casebook holds its SHA-256. A key
does what its owner may do, as far as its scopes go; who takes a role away from the owner takes it
from the key.
"""

import ipaddress
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import Connection, Row, func, insert, select, update

from arien_flows.access.permissions import Permission
from arien_flows.access.roles import PERMISSIONS
from arien_flows.access.secrets import KeyText, new_key
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.access_records import KeyRecord, KnownKey, NewKey, NewPerson
from arien_flows.casebook.access_tables import keys, people
from arien_flows.casebook.people import add_person, find_person, no_person, person_of
from arien_flows.casebook.tag_lists import Read
from arien_flows.errors import ConflictError, InputError, NotFoundError

MOST_NETWORKS = 50
"""Ranges of addresses that one key may name."""


class Keys:
    """The keys of one casebook."""

    def __init__(
        self, read: Read, writing: Callable[[], AbstractContextManager[Connection]]
    ) -> None:
        self._read = read
        self._writing = writing

    def make(self, wanted: NewKey, *, now: datetime, by: str) -> tuple[KeyText, KeyRecord]:
        """Make a key for somebody who has an account; the only time that its text is known."""
        with self._writing() as connection:
            return make_key(connection, wanted, now=now, by=by)

    def make_with_owner(
        self, wanted: NewKey, owner: NewPerson, *, now: datetime, by: str
    ) -> tuple[KeyText, KeyRecord]:
        """Make a key, and the account of its owner where there is none of that name.

        `ConflictError` where there is one of another role.
        """
        with self._writing() as connection:
            known = find_person(connection, owner.name)
            if known is None:
                add_person(connection, owner, now=now, by=by)
            elif known.role is not owner.role:
                raise ConflictError(
                    f"{known.name} is {known.role.value}, and a key does not change that: leave "
                    "--role out, or make the key under another name"
                )
            return make_key(connection, wanted, now=now, by=by)

    def known(self, key_id: str) -> KnownKey | None:
        """Return a key with its owner, to decide whether it counts."""

        def look(connection: Connection) -> KnownKey | None:
            row = connection.execute(select(keys).where(keys.c.id == key_id)).first()
            if row is None:
                return None
            person = connection.execute(select(people).where(people.c.name == row.owner)).one()
            return KnownKey(
                record=_record(row), owner=person_of(person), secret_sha256=row.secret_sha256
            )

        return self._read(look, None)

    def read(self, key_id: str) -> KeyRecord:
        """Return a key; `NotFoundError` where there is none of that id."""
        found = self.known(key_id)
        if found is None:
            raise _no_key(key_id)
        return found.record

    def page(
        self, *, owner: str | None = None, before: str | None = None, limit: int
    ) -> list[KeyRecord]:
        """Return keys of somebody, or all, the newest first, revoked and expired ones included."""
        wanted = select(keys).order_by(keys.c.id.desc()).limit(limit)
        if owner is not None:
            wanted = wanted.where(keys.c.owner == owner)
        if before is not None:
            wanted = wanted.where(keys.c.id < before)
        return self._read(lambda it: [_record(row) for row in it.execute(wanted)], [])

    def revoke(self, key_id: str, *, now: datetime, by: str) -> KeyRecord:
        """Let a key count no more; once is enough, and the first time stands."""
        with self._writing() as connection:
            connection.execute(
                update(keys)
                .where(keys.c.id == key_id, keys.c.revoked_at.is_(None))
                .values(revoked_at=now, revoked_by=by)
            )
            row = connection.execute(select(keys).where(keys.c.id == key_id)).first()
            if row is None:
                raise _no_key(key_id)
            return _record(row)

    def note_use(self, key_id: str, now: datetime) -> None:
        """Keep that a key was used; an earlier use than is known changes nothing."""
        with self._writing() as connection:
            connection.execute(
                update(keys)
                .where(
                    keys.c.id == key_id,
                    keys.c.last_used_at.is_(None) | (keys.c.last_used_at < now),
                )
                .values(last_used_at=now)
            )

    def count_usable(self, now: datetime) -> int:
        """Return how many keys count at a moment."""
        wanted = (
            select(func.count())
            .select_from(keys.join(people, keys.c.owner == people.c.name))
            .where(
                keys.c.revoked_at.is_(None),
                keys.c.expires_at.is_(None) | (keys.c.expires_at > now),
                people.c.disabled_at.is_(None),
            )
        )
        return self._read(lambda it: int(it.execute(wanted).scalar_one()), 0)


def make_key(
    connection: Connection, wanted: NewKey, *, now: datetime, by: str
) -> tuple[KeyText, KeyRecord]:
    """Make a key inside the caller's transaction."""
    owner = find_person(connection, wanted.owner)
    if owner is None:
        raise no_person(wanted.owner)
    if owner.disabled_at is not None:
        raise ConflictError(f"{owner.name} is disabled, and gets no keys")
    if wanted.expires_at is not None and wanted.expires_at <= now:
        raise InputError("the key would have expired before it is made: name a later moment")
    beyond = sorted((wanted.scopes or frozenset()) - PERMISSIONS[owner.role])
    if beyond:
        raise InputError(f"{owner.role.value} may not do {', '.join(beyond)}: leave it out")
    key = new_key(now)
    record = KeyRecord(
        id=key.id,
        owner=owner.name,
        scopes=wanted.scopes,
        clearance=min(wanted.clearance, owner.clearance, key=list(Tlp).index),
        networks=networks_of(wanted.networks),
        made_at=now,
        made_by=by,
        expires_at=wanted.expires_at,
        revoked_at=None,
        revoked_by=None,
        last_used_at=None,
    )
    connection.execute(
        insert(keys).values(
            id=record.id,
            secret_sha256=key.digest,
            owner=record.owner,
            scopes=None if record.scopes is None else " ".join(sorted(record.scopes)),
            clearance=record.clearance.value,
            networks=" ".join(record.networks),
            made_at=now,
            made_by=by,
            expires_at=record.expires_at,
        )
    )
    return key, record


def networks_of(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return ranges of IP addresses in their one form; `InputError` for what is none."""
    if len(texts) > MOST_NETWORKS:
        raise InputError(f"a key names {MOST_NETWORKS} ranges of addresses at most")
    try:
        return tuple(str(ipaddress.ip_network(text)) for text in texts)
    except ValueError as error:
        raise InputError(
            f"{error}: name an IP address, or a range as 192.0.2.0/24 or 2001:db8::/32"
        ) from error


def _record(row: Row[tuple[object, ...]]) -> KeyRecord:
    # A scope that this version does not know allows nothing.
    known = {item.value for item in Permission}
    scopes = None if row.scopes is None else row.scopes.split()
    return KeyRecord(
        id=row.id,
        owner=row.owner,
        scopes=(
            None
            if scopes is None
            else frozenset(Permission(scope) for scope in scopes if scope in known)
        ),
        clearance=Tlp(row.clearance),
        networks=tuple(row.networks.split()),
        made_at=row.made_at,
        made_by=row.made_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        revoked_by=row.revoked_by,
        last_used_at=row.last_used_at,
    )


def _no_key(key_id: str) -> NotFoundError:
    return NotFoundError(f"there is no {key_id}, or it is not yours to see")
