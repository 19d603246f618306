"""Looking into the audit log: pages with the newest row first, and rows in their order."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select

from arien_flows.audit.chain import AuditRow
from arien_flows.audit.tables import audit_log
from arien_flows.casebook.evidence import moment_text


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which rows are meant; all of them where nothing is said."""

    caller: str | None = None
    case_id: str | None = None
    operation: str | None = None
    request_id: str | None = None
    since: datetime | None = None
    """First moment."""

    until: datetime | None = None
    """First moment after."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return them as SQL."""
        named = {
            "caller": self.caller,
            "case_id": self.case_id,
            "operation": self.operation,
            "request_id": self.request_id,
        }
        found = [audit_log.c[name] == value for name, value in named.items() if value is not None]
        if self.since is not None:
            found.append(audit_log.c.at >= moment_text(self.since))
        if self.until is not None:
            found.append(audit_log.c.at < moment_text(self.until))
        return found


def page(
    connection: Connection, wanted: AuditFilter, *, before: int | None, limit: int
) -> list[AuditRow]:
    """Return at most `limit` rows, the newest first, beginning before a number."""
    query = select(audit_log).where(*wanted.conditions())
    if before is not None:
        query = query.where(audit_log.c.seq < before)
    found = connection.execute(query.order_by(audit_log.c.seq.desc()).limit(limit))
    return [AuditRow(**row._mapping) for row in found]


def after(
    connection: Connection, wanted: AuditFilter, *, seq: int, upto: int, limit: int
) -> list[AuditRow]:
    """Return at most `limit` rows in their order, after a number and up to another one."""
    query = select(audit_log).where(
        audit_log.c.seq > seq, audit_log.c.seq <= upto, *wanted.conditions()
    )
    found = connection.execute(query.order_by(audit_log.c.seq).limit(limit))
    return [AuditRow(**row._mapping) for row in found]
