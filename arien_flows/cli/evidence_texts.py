"""The evidence chain as text for people."""

from collections.abc import Iterable
from textwrap import wrap

from arien_flows.answers.evidence import EvidenceLog
from arien_flows.casebook.evidence import Head
from arien_flows.casebook.evidence_verify import EvidenceVerification
from arien_flows.cli.output import pairs

WIDTH = 100
"""Characters of a line of the log."""

LONGEST_VALUE = 200
"""Characters of one value that the log prints."""


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
    """Return of each row when, what and by whom, then what it says, and its hash."""
    for act in log.acts:
        yield f"{act.seq}  {act.recorded_at}  {act.kind}  by {act.recorded_by}"
        said = (f"{name} {_cut(value)}" for name, value in act.told.items() if value != "null")
        yield from wrap(
            ", ".join(said),
            width=WIDTH,
            initial_indent="   ",
            subsequent_indent="   ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        yield f"   hash {act.row_hash}"
    if log.next_after is not None:
        yield ""
        yield f"There are more: add --after {log.next_after}"


def _cut(value: str) -> str:
    """Return a value as far as a line has room for it; `--json` has it whole."""
    if len(value) <= LONGEST_VALUE:
        return value
    return f"{value[:LONGEST_VALUE]}… ({len(value):,} characters: --json shows all)"
