"""The evidence chain as text for people."""

from collections.abc import Iterable

from arien_flows.answers.evidence import EvidenceLog
from arien_flows.casebook.evidence import Head
from arien_flows.casebook.evidence_verify import EvidenceVerification
from arien_flows.cli.output import pairs, table


def verification_lines(found: EvidenceVerification) -> Iterable[str]:
    """Return what was found, and what was checked."""
    for fault in found.faults:
        yield f"WRONG  {fault.where}: {fault.detail}"
    if found.faults:
        yield ""
    yield from pairs(
        (
            ("Casebook", found.casebook),
            ("Evidence", f"{found.rows:,} rows"),
            ("Documents", f"{found.documents:,}, each against its SHA-256"),
            ("Tables", f"{found.groups:,} groups of rows against what was recorded of them"),
            ("Head", f"{found.head_seq}:{found.head_hash}"),
            ("Recorded", found.head_time or "nothing yet"),
        )
    )
    yield ""
    yield "Nothing was changed since it was recorded." if found.ok else _verdict(found)
    yield found.limits


def _verdict(found: EvidenceVerification) -> str:
    count = len(found.faults)
    return f"NOT AS IT WAS RECORDED: {count:,} finding{'s' * (count != 1)}, the first one above."


def head_lines(head: Head) -> Iterable[str]:
    """Return a head as `evidence verify --head` takes it, and its time."""
    yield from pairs(
        (("Head", f"{head.seq}:{head.row_hash}"), ("Recorded", head.recorded_at or "nothing yet"))
    )


def log_lines(log: EvidenceLog) -> Iterable[str]:
    """Return what was done, one row a line."""
    yield from table(
        ("Row", "Recorded", "By", "What", "Details", "Hash"),
        (
            (
                str(act.seq),
                act.recorded_at,
                act.recorded_by,
                act.kind,
                ", ".join(f"{name} {value}" for name, value in act.told.items()) or "-",
                act.row_hash,
            )
            for act in log.acts
        ),
    )
    if log.next_after is not None:
        yield ""
        yield f"There are more: add --after {log.next_after}"
