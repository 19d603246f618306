"""Checking the audit log: every row against its hash and the row before, and the triggers.

Nothing that is read here is trusted to be readable: a changed byte may be no text any more. What
cannot be read does not give its hash, and is named for that.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from arien_flows.audit.chain import COLUMNS, Values, content_hash
from arien_flows.casebook.evidence import FIRST_HASH, NO_ROWS, Head
from arien_flows.casebook.evidence_triggers import Guard, trigger_faults
from arien_flows.shapes import Shape

GUARD = Guard(table="audit_log", reason="the audit log is only ever appended", same="seq = NEW.seq")

SHOWN_FAULTS = 100
"""Most faults that are listed; all are counted."""

LIMITS = (
    "Not shown by this: rows removed from the end of the log, and a log that was made anew as a "
    "whole. Compare with a head that is kept elsewhere: --expect SEQ:HASH."
)

Report = Callable[[int, int], None]
"""Is told how many rows are checked, of how many."""

_NUMBERS = frozenset({"seq", "outcome"})
_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFault(Shape):
    """Something that is not as it was recorded."""

    kind: str
    """`row` (was changed), `link` (something is missing or slipped in before it), `trigger` or
    `head`."""

    seq: int | None
    """Row that it was found at."""

    detail: str
    """What is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerification(Shape):
    """What was found in an audit log."""

    log: str
    """Where it is."""

    ok: bool
    """Whether nothing was found."""

    rows: int
    """Rows that were read."""

    head_seq: int
    """Number of the last row; 0 where there is none."""

    head_hash: str
    """Its hash. Written down elsewhere, it proves every row up to it."""

    head_time: str
    """When it was recorded; empty where there is none."""

    fault_count: int
    """How many faults there are."""

    faults: tuple[AuditFault, ...]
    """The first hundred of them, in the order of the rows."""

    limits: str
    """What no such check can show."""


@dataclass(slots=True)
class _Found:
    """What has been read so far."""

    expected: tuple[int, str] | None
    last: Head = NO_ROWS
    rows: int = 0
    expected_hash: str | None = None
    count: int = 0
    faults: list[AuditFault] = field(default_factory=list)

    def add(self, kind: str, detail: str, seq: int | None = None) -> None:
        self.count += 1
        if len(self.faults) < SHOWN_FAULTS:
            self.faults.append(AuditFault(kind=kind, seq=seq, detail=detail))


def verify(
    connection: Connection | None,
    name: str,
    *,
    expected: tuple[int, str] | None = None,
    report: Report = lambda _done, _total: None,
) -> AuditVerification:
    """Check everything; `expected` is the number and hash of a head that was kept elsewhere.

    Without a connection there is no log yet.
    """
    found = _Found(expected)
    if connection is not None:
        _read(connection, found, report)
    _compare_head(found)
    if connection is not None:
        for trigger, detail in trigger_faults(connection, (GUARD,)):
            found.add("trigger", f"the trigger {trigger} {detail}")
    return AuditVerification(
        log=name,
        ok=not found.count,
        rows=found.rows,
        head_seq=found.last.seq,
        head_hash=found.last.row_hash,
        head_time=found.last.recorded_at,
        fault_count=found.count,
        faults=tuple(found.faults),
        limits=LIMITS,
    )


def _read(connection: Connection, found: _Found, report: Report) -> None:
    total = int(connection.execute(text("SELECT count(*) FROM audit_log")).scalar_one())
    number, before = 0, FIRST_HASH
    for row in _raw_rows(connection):
        if found.rows % _AT_ONCE == 0:
            report(found.rows, total)
        seq, at, prev, own = int(row[0] or 0), row[1], str(row[-2]), str(row[-1])
        if seq != number + 1:
            found.add("link", f"follows row {number}: what stood between them is missing", seq)
        elif prev != before:
            found.add("link", "does not name the hash of the row before it", seq)
        if content_hash(prev, row[:-2]) != own:
            found.add("row", "was changed: its content does not give its hash", seq)
        if found.expected is not None and found.expected[0] == seq:
            found.expected_hash = own
        number, before = seq, own
        found.rows += 1
        found.last = Head(seq=seq, row_hash=own, recorded_at=str(at))


def _raw_rows(connection: Connection) -> Iterator[Values]:
    """Yield rows as they are kept, in the order of `COLUMNS`; what is no text by its bytes."""
    is_sqlite = connection.dialect.name == "sqlite"
    columns = ", ".join(
        f'CAST("{name}" AS BLOB)' if is_sqlite and name not in _NUMBERS else f'"{name}"'
        for name in COLUMNS
    )
    query = text(f"SELECT {columns} FROM audit_log ORDER BY seq")  # noqa: S608 constants
    found = connection.execute(query, execution_options={"yield_per": _AT_ONCE})
    if not is_sqlite:
        for part in found.partitions():
            yield from (tuple(row) for row in part)
        return
    for part in found.partitions():
        yield from (tuple(map(_readable, row)) for row in part)


def _readable(value: bytes | int | str | None) -> int | str | None:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else value


def _compare_head(found: _Found) -> None:
    if found.expected is None:
        return
    number, wanted = found.expected
    present = FIRST_HASH if number == 0 else found.expected_hash
    if present != wanted:
        now = "is not there any more" if present is None else f"has {present} now"
        found.add("head", f"had the hash {wanted} when it was the head, and {now}", number)
