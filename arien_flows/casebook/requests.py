"""Requests that carry an idempotency key: which were answered, with what, and which are under way.

A client that lost an answer sends its request again, and must not act twice by that. So a request
with a key is *claimed* here before anything is done, in a transaction of its own: of two processes
that are sent the same request one gets the claim. The answer is kept beside the claim, and whoever
sends the same request within a day is given it again.

Only digests of the caller, the key and the request are kept. A claim without an answer is either
being carried out, or its process was killed. Then nobody can tell whether it acted, so it is never
carried out again under that key: after `UNKNOWN_AFTER` a repetition is told so.
"""

import hashlib
import json
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, insert, select, update

from arien_flows.casebook.request_tables import requests

KEPT = timedelta(hours=24)
"""How long a key stands for its request."""

UNKNOWN_AFTER = timedelta(minutes=10)
"""No request is answered for so long; a claim that is older was left by a process that died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request with a key."""

    id: str
    """Digest of who asks and of the key."""

    fingerprint: str
    """Digest of all that the request says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to carry a request out, given once."""

    id: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer that was given before."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    """Nothing where the answer was too long to be kept."""

    operation: str | None = None
    """What was done, as the audit log calls it."""

    permission: str | None = None
    """What was needed for it."""

    case_id: str | None = None
    """The case that it belongs to: a repetition is answered to those who still see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The same request was begun and has no answer."""

    is_unknown: bool
    """Whether none will come: it failed in a way that nobody foresaw, or its process died."""


@dataclass(frozen=True, slots=True)
class Other:
    """The key stands for another request."""


Outcome = Claim | Kept | Held | Other


def asked(caller: str, key: str, *parts: bytes) -> Asked:
    """Return how a request is known here: `parts` are all that makes it the same request."""
    name = hashlib.sha256(f"{caller}\0{key}".encode(errors="surrogatepass")).hexdigest()
    told = hashlib.sha256()
    for part in parts:
        told.update(len(part).to_bytes(8, "big"))
        told.update(part)
    return Asked(id=name, fingerprint=told.hexdigest())


class Requests:
    """The requests of one casebook that carry a key."""

    def __init__(self, writing: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._writing = writing

    def claim(self, request: Asked, now: datetime) -> Outcome:
        """Claim a request, or return what became of the one that its key stands for."""
        with self._writing() as connection:
            own = requests.c.id == request.id
            connection.execute(delete(requests).where(own, requests.c.claimed_at <= now - KEPT))
            found = connection.execute(select(requests).where(own)).mappings().first()
            if found is not None:
                return _outcome(found, request, now)
            token = secrets.token_hex(16)
            connection.execute(
                insert(requests).values(
                    id=request.id, fingerprint=request.fingerprint, claim=token, claimed_at=now
                )
            )
        return Claim(id=request.id, token=token)

    def keep(self, claim: Claim, answer: Kept) -> None:
        """Keep the answer to a claimed request."""
        with self._writing() as connection:
            connection.execute(
                update(requests)
                .where(_of(claim))
                .values(
                    status=answer.status,
                    headers=json.dumps(answer.headers),
                    body=answer.body,
                    operation=answer.operation,
                    permission=answer.permission,
                    case_id=answer.case_id,
                )
            )

    def release(self, claim: Claim) -> None:
        """Give a claim back, where nothing was done: the request may be sent again."""
        with self._writing() as connection:
            connection.execute(delete(requests).where(_of(claim)))

    def forget(self, now: datetime) -> int:
        """Remove what was claimed longer than `KEPT` ago; return how many requests that were."""
        with self._writing() as connection:
            old = requests.c.claimed_at <= now - KEPT
            return connection.execute(delete(requests).where(old)).rowcount


def _of(claim: Claim) -> ColumnElement[bool]:
    return (requests.c.id == claim.id) & (requests.c.claim == claim.token)


def _outcome(found: RowMapping, request: Asked, now: datetime) -> Outcome:
    if found["fingerprint"] != request.fingerprint:
        return Other()
    if found["status"] is None or found["status"] >= 500:
        is_over = found["status"] is not None or now - found["claimed_at"] >= UNKNOWN_AFTER
        return Held(is_unknown=is_over)
    body = found["body"]
    return Kept(
        status=found["status"],
        headers=tuple((name, value) for name, value in json.loads(found["headers"])),
        body=None if body is None else bytes(body),
        operation=found["operation"],
        permission=found["permission"],
        case_id=found["case_id"],
    )
