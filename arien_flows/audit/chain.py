"""Rows of the audit log, each bound to the one before it.

`row_hash = sha256(prev_hash || canonical JSON)`, where the JSON holds everything that a row says
(all its fields but the two hashes), names in order, without spaces, in ASCII: the rule of the
casebook's evidence chain, over other fields. An export holds the same JSON with both hashes beside,
so that anybody can check it without this program.

The chain shows that something was changed; it cannot keep whoever owns the database from making
all hashes anew. For him are the heads that are kept elsewhere.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from json.encoder import encode_basestring_ascii

from arien_flows.casebook.evidence import Head, canonical, moment_text, storable


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What is to be recorded of one request; an act is recorded when it begins and when it ends."""

    at: datetime
    """When the request came in."""

    request_id: str
    method: str
    target: str
    """Path and query as they were asked, without secrets."""

    caller: str | None = None
    """Who asked; nothing where that is not known."""

    role: str | None = None
    means: str | None = None
    """How the caller is known: `local`, `key`, `session` or `token`."""

    key_id: str | None = None
    """Public part of the key."""

    ip: str | None = None
    operation: str | None = None
    """Operation id of the route; nothing where none took the request."""

    permission: str | None = None
    case_id: str | None = None
    reason: str | None = None
    subjects: tuple[str, ...] = ()
    """What it was about, where path and query do not tell."""

    body_sha256: str | None = None
    """Digest of the body as far as it was read; nothing where there was none."""

    outcome: int | None = None
    """HTTP status of the answer; nothing for an act that is about to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One row of the log, as it is kept."""

    seq: int
    """From 1, without gaps."""

    at: str
    """RFC 3339 in UTC, to the microsecond."""

    caller: str | None
    role: str | None
    means: str | None
    key_id: str | None
    ip: str | None
    request_id: str
    method: str
    target: str
    operation: str | None
    permission: str | None
    case_id: str | None
    reason: str | None
    subjects: str
    """A list in canonical JSON."""

    body_sha256: str | None
    outcome: int | None
    prev_hash: str
    row_hash: str

    def line(self) -> str:
        """Return the row as one line of an export: canonical JSON with both hashes."""
        told: dict[str, object] = {name: getattr(self, name) for name in COLUMNS}
        return canonical(told | {"subjects": json.loads(self.subjects)})


COLUMNS = tuple(field.name for field in fields(AuditRow))
"""The columns of the table, in the order in which they are written."""

Values = tuple[int | str | None, ...]
"""A row's values in that order."""


def linked(entries: Iterable[AuditEntry], last: Head) -> Iterator[Values]:
    """Yield the rows that follow the last one of a log, as values of `COLUMNS`."""
    seq, link = last.seq, last.row_hash
    for entry in entries:
        seq += 1
        told = _told(seq, entry)
        before, link = link, content_hash(link, told)
        yield (*told, before, link)


def content_hash(prev_hash: str, told: Values) -> str:
    """Return the hash of a row from the values of all columns but the hashes."""
    (
        seq, at, caller, role, means, key_id, ip, request_id, method, target, operation,
        permission, case_id, reason, subjects, body_sha256, outcome,
    ) = told  # fmt: skip
    # Written out, in the order of the names: a log of millions of rows is checked this way.
    content = (
        f'{{"at":{_json(at)},"body_sha256":{_json(body_sha256)},"caller":{_json(caller)},'
        f'"case_id":{_json(case_id)},"ip":{_json(ip)},"key_id":{_json(key_id)},'
        f'"means":{_json(means)},"method":{_json(method)},"operation":{_json(operation)},'
        f'"outcome":{_json(outcome)},"permission":{_json(permission)},"reason":{_json(reason)},'
        f'"request_id":{_json(request_id)},"role":{_json(role)},"seq":{seq},'
        f'"subjects":{subjects},"target":{_json(target)}}}'
    )
    return hashlib.sha256((prev_hash + content).encode()).hexdigest()


def _json(value: int | str | None) -> str:
    if value is None:
        return "null"
    return encode_basestring_ascii(value) if isinstance(value, str) else str(value)


def _told(seq: int, entry: AuditEntry) -> Values:
    return (
        seq,
        moment_text(entry.at),
        _kept(entry.caller),
        entry.role,
        entry.means,
        _kept(entry.key_id),
        _kept(entry.ip),
        storable(entry.request_id),
        storable(entry.method),
        storable(entry.target),
        entry.operation,
        entry.permission,
        _kept(entry.case_id),
        _kept(entry.reason),
        canonical([storable(each) for each in entry.subjects]) if entry.subjects else "[]",
        entry.body_sha256,
        entry.outcome,
    )


def _kept(told: str | None) -> str | None:
    return None if told is None else storable(told)
