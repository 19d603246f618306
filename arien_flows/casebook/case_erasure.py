"""Taking away what a case holds, so that nothing of it can be read any more.

What goes are the rows of every table that hangs on the case by a column `case_id`, and the rows
that hang on those by foreign keys: notes and their versions, files, watches, jobs, events,
whatever a later version adds. What stays is the case's id, the hash of its number, its dates, the
reason for its erasure, and the acts, which hold no content.

It goes in steps, each of which may be repeated after a kill: from the first on (state `erasing`)
nobody sees the content; then the rows go, and the paths of their files are doomed in the same
transaction; then the files go, and the database is made to forget (`scrub`); only then it says
`erased`.

To delete rows is not enough. SQLite leaves traces of cells that were once moved between pages,
whatever `secure_delete` says (measured: 4 of 6 files held words of deleted rows), and PostgreSQL
leaves dead rows in the table's file. So SQLite writes the file anew (VACUUM: as much room as the
casebook takes, seconds a gigabyte) and empties its log, and PostgreSQL writes those tables anew
(VACUUM FULL). Out of reach are copies: backups, the server's archived log, snapshots of the file
system, and blocks that a disk has set aside. Whoever keeps these erases them by their own deadline.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Engine, Table, delete, or_, select, text

from arien_flows.casebook.case_acts import record_act
from arien_flows.casebook.case_folders import read, touch
from arien_flows.casebook.case_records import ActKind, Case, CaseState
from arien_flows.casebook.case_tables import (
    case_acts,
    case_files,
    case_results,
    case_signals,
    cases,
    doomed_paths,
)
from arien_flows.casebook.doomed import doom, file_path, job_path
from arien_flows.casebook.engine import BUSY_SECONDS, translated
from arien_flows.casebook.event_tables import events
from arien_flows.casebook.job_tables import jobs
from arien_flows.casebook.models import metadata
from arien_flows.casebook.request_tables import requests
from arien_flows.casebook.webhook_tables import deliveries
from arien_flows.errors import CasebookBusyError, ConflictError

LOCK_SECONDS = 5
"""How long others who use the tables are waited for; where that is too short it goes on later."""

_LOOSE = ((deliveries, "event_id", events, "id"),)
"""Tables that point to others without a foreign key."""

_STAYS = frozenset({cases.name, case_acts.name, doomed_paths.name})
_WORDS = ("number", "title", "legal_basis", "authority", "purpose")


def begin_erasure(
    connection: Connection, case_id: str, *, reason: str, now: datetime, by: str
) -> None:
    """Hide what a case holds, for good; one that is being erased stays as it is."""
    present = read(connection, case_id)
    if present.state is CaseState.ERASED:
        raise ConflictError(f"{case_id} was erased already")
    if present.state is CaseState.ERASING:
        return
    state = CaseState.ERASING.value
    touch(connection, case_id, now=now, by=by, state=state, erasure_reason=reason)
    record_act(connection, case_id, ActKind.ERASURE_BEGUN, now=now, by=by)


def remove_content(connection: Connection, case_id: str, *, now: datetime) -> None:
    """Remove the rows of a case that is being erased, and doom its files."""
    forget_thoroughly(connection)
    paths = [*_file_paths(connection, case_id), *_job_paths(connection, case_id)]
    doom(connection, paths, case_id=case_id, now=now)
    # Jobs first: which of them belong is told by the results, too.
    for table in sorted(_tables(), key=lambda table: table is not jobs):
        _delete(connection, table, _belongs(table, case_id))
    is_of = or_(case_signals.c.first_case == case_id, case_signals.c.second_case == case_id)
    connection.execute(delete(case_signals).where(is_of))
    # Answers that are kept for repetitions may quote it. Without its body an answer still keeps the
    # request from being carried out twice.
    connection.execute(requests.update().where(requests.c.body.is_not(None)).values(body=None))
    nothing: dict[str, object] = dict.fromkeys(_WORDS)
    connection.execute(cases.update().where(cases.c.id == case_id).values(nothing))


def end_erasure(connection: Connection, case_id: str, *, now: datetime, by: str) -> Case:
    """Say that nothing is left of a case; `ConflictError` where that is not so."""
    left = [table.name for table in _tables() if _holds(connection, table, case_id)]
    if left:
        raise ConflictError(f"something of {case_id} came back while it was erased: {left}")
    touch(connection, case_id, now=now, by=by, state=CaseState.ERASED.value, erased_at=now)
    record_act(connection, case_id, ActKind.ERASED, now=now, by=by)
    return read(connection, case_id)


def forget_thoroughly(connection: Connection) -> None:
    """Have SQLite overwrite what this connection deletes from now on."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


def scrub(engine: Engine) -> None:
    """Make the database forget rows that were deleted; outside of any transaction.

    `CasebookBusyError` where somebody still reads what was there before: try again later.
    """
    with translated(engine), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            _scrub_sqlite(connection)
        else:
            _scrub_postgresql(connection.execution_options(isolation_level="AUTOCOMMIT"))


def _scrub_postgresql(connection: Connection) -> None:
    connection.execute(text(f"SET lock_timeout = '{LOCK_SECONDS}s'"))
    try:
        for table in _with_dependents(_tables()):
            connection.execute(text(f'VACUUM (FULL) "{table.name}"'))
    finally:
        connection.execute(text("RESET lock_timeout"))


def _scrub_sqlite(connection: Connection) -> None:
    # Our connections begin a transaction by themselves, and inside one there is no VACUUM.
    connection.exec_driver_sql("COMMIT")
    connection.exec_driver_sql("VACUUM")
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {LOCK_SECONDS * 1000}")
    try:
        is_busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    if is_busy:
        raise CasebookBusyError(
            "somebody still reads the casebook as it was: the erasure goes on later by itself"
        )


def _tables() -> list[Table]:
    """Return the tables whose rows belong to cases and go with them."""
    return [
        table
        for table in metadata.sorted_tables
        if "case_id" in table.columns and table.name not in _STAYS
    ]


def _dependents(table: Table) -> Iterator[tuple[Table, str, str]]:
    """Yield tables that point to a table, with the column and what it points to."""
    yield from ((other, column, at) for other, column, to, at in _LOOSE if to is table)
    for other in metadata.sorted_tables:
        for key in other.foreign_keys:
            if key.column.table is table and other is not table:
                yield other, key.parent.name, key.column.name


def _with_dependents(tables: Sequence[Table]) -> list[Table]:
    found = dict.fromkeys((*tables, cases))
    for table in tables:
        for other, _, _ in _dependents(table):
            found.update(dict.fromkeys(_with_dependents([other])))
    return list(found)


def _belongs(table: Table, case_id: str) -> ColumnElement[bool]:
    """Return which rows belong to a case: a job also by what was made of it."""
    own = table.c.case_id == case_id
    if table is not jobs:
        return own
    attached = select(case_results.c.job_id).where(case_results.c.case_id == case_id)
    return or_(own, jobs.c.case_id.is_(None) & jobs.c.id.in_(attached))


def _delete(connection: Connection, table: Table, which: ColumnElement[bool]) -> None:
    """Delete rows of a table after those that point to them."""
    # Held first, so that no worker adds to them meanwhile.
    connection.execute(select(*table.primary_key).where(which).with_for_update()).all()
    for other, column, target in _dependents(table):
        pointed = select(table.c[target]).where(which)
        _delete(connection, other, other.c[column].in_(pointed))
    connection.execute(delete(table).where(which))


def _holds(connection: Connection, table: Table, case_id: str) -> bool:
    query = select(table.c.case_id).where(table.c.case_id == case_id).limit(1)
    return connection.execute(query).first() is not None


def _file_paths(connection: Connection, case_id: str) -> list[str]:
    query = select(case_files.c.sha256).where(case_files.c.case_id == case_id)
    return [file_path(sha256) for sha256 in connection.execute(query).scalars()]


def _job_paths(connection: Connection, case_id: str) -> list[str]:
    query = select(jobs.c.id).where(_belongs(jobs, case_id))
    return [job_path(job_id) for job_id in connection.execute(query).scalars()]
