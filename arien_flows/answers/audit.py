"""The audit log as people and programs read it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from arien_flows.audit.chain import AuditRow
from arien_flows.audit.log import AuditLog
from arien_flows.audit.reading import AuditFilter
from arien_flows.shapes import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord(Shape):
    """One row of the audit log."""

    seq: int
    """Its number, from 1, without gaps."""

    at: str
    """When the request came in: RFC 3339 in UTC, to the microsecond."""

    caller: str | None
    """Who asked; nothing where that was not known."""

    role: str | None
    """His or her role."""

    means: str | None
    """How the caller was known: `local`, `key`, `session` or `token`."""

    key_id: str | None
    """Public part of the key, where one was used."""

    ip: str | None
    """Address that the request came from."""

    request_id: str
    """Id of the request; what an act began and what came of it bear the same."""

    method: str
    """HTTP method."""

    target: str
    """Path and query as they were asked; secrets are replaced by `***`."""

    operation: str | None
    """Operation id; nothing where no route took the request."""

    permission: str | None
    """What the operation needs."""

    case_id: str | None
    """Case that the request belongs to, or said that it does."""

    reason: str | None
    """Why it was asked, as the caller said."""

    subjects: tuple[str, ...]
    """What it was about, where path and query do not tell."""

    body_sha256: str | None
    """SHA-256 of the body; nothing where there was none."""

    outcome: int | None
    """HTTP status of the answer; nothing in the row of an act that was about to be done."""

    prev_hash: str
    """Hash of the row before."""

    row_hash: str
    """Hash of this row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage(Shape):
    """Some rows of the audit log, the newest first."""

    items: tuple[AuditRecord, ...]
    """The rows."""

    next_cursor: str | None
    """Names the next page; nothing where this is the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead(Shape):
    """The last row of the audit log, which stands for all before it."""

    log: str
    """Where the log is."""

    seq: int
    """Its number; 0 where nothing is recorded."""

    row_hash: str
    """Its hash. Written down elsewhere, it proves every row up to it."""

    recorded_at: str
    """When its request came in; empty where nothing is recorded."""


def audit_head(log: AuditLog) -> AuditHead:
    """Return the head of a log."""
    head = log.head()
    return AuditHead(
        log=log.name, seq=head.seq, row_hash=head.row_hash, recorded_at=head.recorded_at
    )


def audit_page(log: AuditLog, wanted: AuditFilter, *, before: int | None, limit: int) -> AuditPage:
    """Return at most `limit` rows, beginning before a number."""
    found = log.page(wanted, before=before, limit=limit + 1)
    return AuditPage(
        items=tuple(record_of(row) for row in found[:limit]),
        next_cursor=str(found[limit - 1].seq) if len(found) > limit else None,
    )


def record_of(row: AuditRow) -> AuditRecord:
    """Return a row as it is shown."""
    return AuditRecord(
        seq=row.seq,
        at=row.at,
        caller=row.caller,
        role=row.role,
        means=row.means,
        key_id=row.key_id,
        ip=row.ip,
        request_id=row.request_id,
        method=row.method,
        target=row.target,
        operation=row.operation,
        permission=row.permission,
        case_id=row.case_id,
        reason=row.reason,
        subjects=tuple(json.loads(row.subjects)),
        body_sha256=row.body_sha256,
        outcome=row.outcome,
        prev_hash=row.prev_hash,
        row_hash=row.row_hash,
    )


def export_lines(log: AuditLog, wanted: AuditFilter) -> Iterator[str]:
    """Yield rows in their order as lines of canonical JSON, some at once.

    Whoever has them checks every hash without this program: `prev_hash` and `row_hash` taken out,
    `sha256(prev_hash || JSON with its names in order, without spaces, in ASCII)` is `row_hash`.
    """
    for rows in log.export(wanted):
        yield "".join(row.line() + "\n" for row in rows)
