"""The triggers that keep documents and evidence from being changed, and whether they are in force.

A trigger of the right name that does nothing is as good as none. So what it does is compared, not
only what it is called: with its text in SQLite, and in PostgreSQL with the acts, the table and the
function of this very schema.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, text

REASONS = {
    "documents": "documents are kept as they are: withdraw what was wrong",
    "evidence": "evidence is only ever appended",
}
"""What somebody is told who tries to change a table."""

_SAME = {
    "documents": "id = NEW.id OR sha256 = NEW.sha256",
    "evidence": "seq = NEW.seq OR row_hash = NEW.row_hash",
}
_REFUSAL = "BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END"
_ROW, _BEFORE, _DELETE, _UPDATE, _TRUNCATE = 1, 2, 8, 16, 32
_ACTS = {"change": _ROW | _BEFORE | _DELETE | _UPDATE, "truncate": _BEFORE | _TRUNCATE}
"""As PostgreSQL writes when a trigger fires (`pg_trigger.tgtype`)."""

TRIGGERS = {
    "sqlite": tuple(
        f"{table}_no_{act}" for table in REASONS for act in ("update", "delete", "replace")
    ),
    "postgresql": tuple(f"{table}_no_{act}" for table in REASONS for act in _ACTS),
}
"""What keeps documents and evidence from being changed by mistake."""

MISSING = "is missing: nothing keeps the table from being changed"
CHANGED = "is not the one that was made: it may let the table be changed"


def trigger_faults(connection: Connection) -> Iterator[tuple[str, str]]:
    """Yield the triggers that are not in force as they were made, with what is wrong."""
    dialect = connection.dialect.name
    there = _in_sqlite(connection) if dialect == "sqlite" else _in_postgresql(connection)
    for name in TRIGGERS[dialect]:
        if name not in there:
            yield name, MISSING
        elif not there[name]:
            yield name, CHANGED


def _in_sqlite(connection: Connection) -> dict[str, bool]:
    """Return the triggers there are, and whether each says what it should."""
    wanted = {}
    for table, why in REASONS.items():
        refuse = f"BEGIN SELECT RAISE(ABORT, '{why}'); END"
        for act in ("update", "delete"):
            name = f"{table}_no_{act}"
            wanted[name] = f"CREATE TRIGGER {name} BEFORE {act.upper()} ON {table} {refuse}"
        same = f"EXISTS (SELECT 1 FROM {table} WHERE {_SAME[table]})"  # noqa: S608 constants
        name = f"{table}_no_replace"
        wanted[name] = f"CREATE TRIGGER {name} BEFORE INSERT ON {table} WHEN {same} {refuse}"
    kept = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    return {name: made == wanted.get(name) for name, made in kept}


def _in_postgresql(connection: Connection) -> dict[str, bool]:
    query = text(
        "SELECT t.tgname, c.relname, t.tgtype, t.tgenabled, t.tgqual, t.tgargs, p.prosrc "
        "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "JOIN pg_proc p ON p.oid = t.tgfoid "
        "WHERE t.tgrelid IN (to_regclass('documents'), to_regclass('evidence'))"
    )
    wanted = {
        f"{table}_no_{act}": (table, acts, why.encode() + b"\0")
        for table, why in REASONS.items()
        for act, acts in _ACTS.items()
    }
    return {
        name: (table, acts, bytes(told)) == wanted.get(name)
        and condition is None
        and _letter(enabled) in ("O", "A")
        and source.strip() == _REFUSAL
        for name, table, acts, enabled, condition, told, source in connection.execute(query)
    }


def _letter(written: str | bytes) -> str:
    """Return a value of PostgreSQL's type `char`, which drivers give as text or as bytes."""
    return written.decode() if isinstance(written, bytes) else written
