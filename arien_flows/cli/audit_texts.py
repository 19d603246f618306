"""The audit log as text for people."""

from collections.abc import Iterable

from arien_flows.answers.audit import AuditHead
from arien_flows.audit.verify import AuditVerification
from arien_flows.cli.output import pairs


def verification_lines(found: AuditVerification) -> Iterable[str]:
    """Return what was found, and what was checked."""
    for fault in found.faults:
        where = "" if fault.seq is None else f"row {fault.seq} "
        yield f"WRONG  {where}{fault.detail}"
    hidden = found.fault_count - len(found.faults)
    if hidden:
        yield f"WRONG  and {hidden:,} more"
    if found.faults:
        yield ""
    yield from pairs(
        (
            ("Audit log", found.log),
            ("Rows", f"{found.rows:,}"),
            ("Head", f"{found.head_seq}:{found.head_hash}"),
            ("Recorded", found.head_time or "nothing yet"),
        )
    )
    yield ""
    yield (
        "Nothing was changed since it was recorded."
        if found.ok
        else f"NOT AS IT WAS RECORDED: {found.fault_count:,} finding"
        f"{'s' * (found.fault_count != 1)}, the first one above."
    )
    yield found.limits


def head_lines(head: AuditHead) -> Iterable[str]:
    """Return a head as `audit verify --expect` takes it, and its time."""
    yield from pairs(
        (("Head", f"{head.seq}:{head.row_hash}"), ("Recorded", head.recorded_at or "nothing yet"))
    )
