"""Who is signed in, and sign-ins that have begun: offered by a casebook as `casebook.sessions`.

A session ends after a time without use, after a working day at the latest, when its owner signs
out, and when he or she is disabled. A sign-in that has begun is taken once: it is deleted by the
statement that reads it, so that of two requests with one state only one gets it.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update

from arien_flows.access.secrets import digest, new_token
from arien_flows.casebook.access_records import BegunSignIn, Session
from arien_flows.casebook.access_tables import people, sessions, sign_ins
from arien_flows.casebook.people import person_of
from arien_flows.casebook.tag_lists import Read
from arien_flows.errors import ConflictError

LONGEST = timedelta(hours=12)
"""After this long a person signs in again."""

IDLE = timedelta(hours=1)
"""A session that is not used for so long ends."""

SIGN_IN = timedelta(minutes=10)
"""How long a person may take at the sign-in service."""

MOST_SIGN_INS = 10_000
"""Sign-ins under way at a time: anybody may begin one, and rows must not pile up."""


class Sessions:
    """The sessions of one casebook."""

    def __init__(
        self, read: Read, writing: Callable[[], AbstractContextManager[Connection]]
    ) -> None:
        self._read = read
        self._writing = writing

    def begin_sign_in(self, state: str, begun: BegunSignIn, now: datetime) -> None:
        """Keep what the browser's return will be checked with; what is too old is forgotten."""
        with self._writing() as connection:
            connection.execute(delete(sign_ins).where(sign_ins.c.expires_at <= now))
            connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
            count = connection.execute(select(func.count()).select_from(sign_ins)).scalar_one()
            if count >= MOST_SIGN_INS:
                raise ConflictError("too many people are signing in: try again in ten minutes")
            connection.execute(
                insert(sign_ins).values(
                    state_sha256=digest(state),
                    nonce=begun.nonce,
                    verifier=begun.verifier,
                    expires_at=now + SIGN_IN,
                )
            )

    def take_sign_in(self, state: str, now: datetime) -> BegunSignIn | None:
        """Return a sign-in that has begun, and forget it; nothing where it was taken or is old."""
        with self._writing() as connection:
            taken = connection.execute(
                delete(sign_ins)
                .where(sign_ins.c.state_sha256 == digest(state))
                .returning(sign_ins.c.nonce, sign_ins.c.verifier, sign_ins.c.expires_at)
            ).first()
            if taken is None or taken.expires_at <= now:
                return None
            return BegunSignIn(nonce=taken.nonce, verifier=taken.verifier)

    def open(self, person: str, now: datetime) -> str:
        """Sign somebody in; return the token, which is kept as a digest only."""
        token = new_token()
        with self._writing() as connection:
            connection.execute(
                insert(sessions).values(
                    token_sha256=digest(token),
                    person=person,
                    made_at=now,
                    expires_at=now + LONGEST,
                    seen_at=now,
                )
            )
        return token

    def known(self, token_digest: str) -> Session | None:
        """Return a session with its owner, to decide whether it counts."""

        def look(connection: Connection) -> Session | None:
            row = connection.execute(
                select(sessions).where(sessions.c.token_sha256 == token_digest)
            ).first()
            if row is None:
                return None
            person = connection.execute(select(people).where(people.c.name == row.person)).one()
            return Session(
                person=person_of(person),
                made_at=row.made_at,
                expires_at=row.expires_at,
                seen_at=row.seen_at,
            )

        return self._read(look, None)

    def note_use(self, token_digest: str, now: datetime) -> None:
        """Keep that a session was used; an earlier use than is known changes nothing."""
        with self._writing() as connection:
            connection.execute(
                update(sessions)
                .where(sessions.c.token_sha256 == token_digest, sessions.c.seen_at < now)
                .values(seen_at=now)
            )

    def close(self, token_digest: str) -> None:
        """Sign out: delete a session, if there is one."""
        with self._writing() as connection:
            connection.execute(delete(sessions).where(sessions.c.token_sha256 == token_digest))
