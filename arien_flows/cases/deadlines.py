"""The deadlines of cases: who has to look at one again, and what is erased.

`run_deadlines` is called now and then by a worker. An erasure that was cut short at any point (a
kill, a full disk, a reader of the database that did not end) is gone on with at the next call, and
a case says `erased` only when nothing is left: neither rows, nor files, nor traces of them in the
database's own file.
"""

from collections.abc import Sequence
from datetime import datetime

from arien_flows.casebook.case_records import Case
from arien_flows.casebook.records import SERVICE
from arien_flows.cases.attaching import store_of
from arien_flows.workspace import Workspace

TIME_HAS_COME = "The time to erase it has come."


def run_deadlines(workspace: Workspace, now: datetime) -> None:
    """Tell of reviews that are due, erase what is to be erased, and remove doomed files.

    `CasebookBusyError` where an erasure has to wait for somebody who reads the casebook.
    """
    ending = workspace.casebook.cases.ending
    ending.tell_due(now)
    store_of(workspace).remove_forgotten()
    due = ending.overdue(now)
    for case_id in due:
        ending.begin_erasure(case_id, reason=TIME_HAS_COME, now=now, by=SERVICE)
    _finish(workspace, due, now=now, by=SERVICE)


def erase(workspace: Workspace, case_id: str, *, reason: str, now: datetime, by: str) -> Case:
    """Erase a case, or go on with its erasure; see `casebook.case_erasure`.

    Where somebody reads the casebook meanwhile it stays `erasing`, which hides it as well, and
    `CasebookBusyError` says that it goes on later.
    """
    cases = workspace.casebook.cases
    cases.ending.begin_erasure(case_id, reason=reason, now=now, by=by)
    _finish(workspace, [case_id], now=now, by=by)
    return cases.read(case_id)


def remove_doomed(workspace: Workspace, now: datetime) -> None:
    """Remove the files that no row speaks of any more; raises the first `OSError` at the end."""
    store, ending = store_of(workspace), workspace.casebook.cases.ending
    failures = []
    for path in ending.doomed():
        try:
            ending.remove_doomed(path, store.remove, now=now)
        except OSError as error:
            failures.append(error)
    for failure in failures:
        raise failure


def _finish(workspace: Workspace, case_ids: Sequence[str], *, now: datetime, by: str) -> None:
    """Take away what hidden cases hold, all together: to scrub a database once takes long."""
    ending = workspace.casebook.cases.ending
    for case_id in case_ids:
        ending.remove_content(case_id, now=now)
    remove_doomed(workspace, now)
    if case_ids:
        ending.scrub()
    for case_id in case_ids:
        ending.end_erasure(case_id, now=now, by=by)
