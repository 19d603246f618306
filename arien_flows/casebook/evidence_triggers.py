"""The triggers that keep rows from being changed, and whether they are in force.

They guard documents, evidence, acts of cases, and the audit log. A trigger of the right name that
does nothing is as good as none. So what it does is compared, not only what it is called: with its
text in SQLite, and in PostgreSQL with the acts, the table and the function of this very schema.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """One table whose rows nobody may change."""

    table: str
    reason: str
    """What somebody is told who tries."""

    same: str
    """SQL that tells whether a row would take the place of the row `NEW`."""


GUARDS = (
    Guard(
        table="documents",
        reason="documents are kept as they are: withdraw what was wrong",
        same="id = NEW.id OR sha256 = NEW.sha256",
    ),
    Guard(
        table="evidence",
        reason="evidence is only ever appended",
        same="seq = NEW.seq OR row_hash = NEW.row_hash",
    ),
    Guard(
        table="case_acts",
        reason="acts of a case are only ever appended",
        same="id = NEW.id",
    ),
)
"""The guarded tables of the casebook."""

_REFUSAL = "BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END"
_ROW, _BEFORE, _DELETE, _UPDATE, _TRUNCATE = 1, 2, 8, 16, 32
_ACTS = {"change": _ROW | _BEFORE | _DELETE | _UPDATE, "truncate": _BEFORE | _TRUNCATE}
"""As PostgreSQL writes when a trigger fires (`pg_trigger.tgtype`)."""

MISSING = "is missing: nothing keeps the table from being changed"
CHANGED = "is not the one that was made: it may let the table be changed"


def trigger_names(dialect: str, guards: Sequence[Guard]) -> list[str]:
    """Return the names of the triggers that tables have in a database."""
    acts = ("update", "delete", "replace") if dialect == "sqlite" else tuple(_ACTS)
    return [f"{guard.table}_no_{act}" for guard in guards for act in acts]


TRIGGERS = {dialect: trigger_names(dialect, GUARDS) for dialect in ("sqlite", "postgresql")}
"""What keeps documents and evidence from being changed by mistake."""


def trigger_faults(
    connection: Connection, guards: Sequence[Guard] = GUARDS
) -> Iterator[tuple[str, str]]:
    """Yield the triggers that are not in force as they were made, with what is wrong."""
    dialect = connection.dialect.name
    read = _in_sqlite if dialect == "sqlite" else _in_postgresql
    there = read(connection, guards)
    for name in trigger_names(dialect, guards):
        if name not in there:
            yield name, MISSING
        elif not there[name]:
            yield name, CHANGED


def _in_sqlite(connection: Connection, guards: Sequence[Guard]) -> dict[str, bool]:
    """Return the triggers there are, and whether each says what it should."""
    wanted = {}
    for guard in guards:
        table, refuse = guard.table, f"BEGIN SELECT RAISE(ABORT, '{guard.reason}'); END"
        for act in ("update", "delete"):
            name = f"{table}_no_{act}"
            wanted[name] = f"CREATE TRIGGER {name} BEFORE {act.upper()} ON {table} {refuse}"
        same = f"EXISTS (SELECT 1 FROM {table} WHERE {guard.same})"  # noqa: S608 constants
        name = f"{table}_no_replace"
        wanted[name] = f"CREATE TRIGGER {name} BEFORE INSERT ON {table} WHEN {same} {refuse}"
    kept = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    return {name: made == wanted.get(name) for name, made in kept}


def _in_postgresql(connection: Connection, guards: Sequence[Guard]) -> dict[str, bool]:
    query = text(
        "SELECT t.tgname, c.relname, t.tgtype, t.tgenabled, t.tgqual, t.tgargs, p.prosrc "
        "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "JOIN pg_proc p ON p.oid = t.tgfoid "
        "WHERE t.tgrelid = ANY "
        "(SELECT to_regclass(name) FROM unnest(CAST(:tables AS text[])) AS name)"
    )
    wanted = {
        f"{guard.table}_no_{act}": (guard.table, acts, guard.reason.encode() + b"\0")
        for guard in guards
        for act, acts in _ACTS.items()
    }
    found = connection.execute(query, {"tables": [guard.table for guard in guards]})
    return {
        name: (table, acts, bytes(told)) == wanted.get(name)
        and condition is None
        and _letter(enabled) in ("O", "A")
        and source.strip() == _REFUSAL
        for name, table, acts, enabled, condition, told, source in found
    }


def _letter(written: str | bytes) -> str:
    """Return a value of PostgreSQL's type `char`, which drivers give as text or as bytes."""
    return written.decode() if isinstance(written, bytes) else written
