"""Which worker has the duty: what is done from time to time, by one worker at a time.

As with jobs, whoever falls silent loses it when the lease expires.
"""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from arien_flows.casebook.job_tables import duties


def take_duty(
    connection: Connection, name: str, worker: str, now: datetime, seconds: float
) -> str | None:
    """Take a duty that is due, for so many seconds; return the token, or nothing."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    first = dialect.insert(duties).values(name=name, due_at=now).on_conflict_do_nothing()
    connection.execute(first)
    token = secrets.token_hex(16)
    is_free = or_(duties.c.leased_until.is_(None), duties.c.leased_until <= now)
    is_due = and_(duties.c.name == name, duties.c.due_at <= now, is_free)
    until = now + timedelta(seconds=seconds)
    taken = update(duties).where(is_due).values(worker=worker, token=token, leased_until=until)
    return token if connection.execute(taken).rowcount else None


def renew_duty(
    connection: Connection, name: str, token: str, now: datetime, seconds: float
) -> bool:
    """Keep a duty for longer; false where another worker has it."""
    until = now + timedelta(seconds=seconds)
    is_held = and_(duties.c.name == name, duties.c.token == token)
    return bool(
        connection.execute(update(duties).where(is_held).values(leased_until=until)).rowcount
    )


def leave_duty(connection: Connection, name: str, token: str, due_at: datetime) -> None:
    """Say when a duty is due again, unless another worker has it by now."""
    is_held = and_(duties.c.name == name, duties.c.token == token)
    done = update(duties).where(is_held)
    connection.execute(done.values(due_at=due_at, worker=None, token=None, leased_until=None))


def release_duties(connection: Connection, worker: str, now: datetime) -> None:
    """Let the duties of a worker go that is known to be dead."""
    connection.execute(update(duties).where(duties.c.worker == worker).values(leased_until=now))


def is_duty_due(connection: Connection, name: str, now: datetime) -> bool:
    """Tell whether a duty may be taken; looking takes no lock."""
    row = connection.execute(
        select(duties.c.due_at, duties.c.leased_until).where(duties.c.name == name)
    ).first()
    return row is None or (row.due_at <= now and (not row.leased_until or row.leased_until <= now))
