"""Deadlines of cases, their erasure, and what stands in several of them.

Offered by a casebook as `casebook.cases.ending`; `arien_flows.cases` puts the steps in order.
"""

from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import Connection, Engine

from arien_flows.casebook import case_erasure, case_folders, case_signals, doomed
from arien_flows.casebook.case_records import Case
from arien_flows.casebook.case_signals import Standing, ToldSignal
from arien_flows.casebook.events import EventType, emit
from arien_flows.casebook.tag_lists import Read


class CaseEnding:
    """What is done to cases because time passed, or because there is another one."""

    def __init__(
        self,
        read: Read,
        writing: Callable[[], AbstractContextManager[Connection]],
        engine: Engine,
    ) -> None:
        self._read = read
        self._writing = writing
        self._engine = engine

    # --- deadlines

    def overdue(self, now: datetime) -> list[str]:
        """Return the cases that are to be erased by now, those that were begun included."""
        return self._read(lambda it: case_folders.overdue(it, now.date()), [])

    def tell_due(self, now: datetime) -> int:
        """Tell the members of cases whose review is due, once for each day of review."""
        if not self._read(lambda it: len(case_folders.untold(it, now.date())), 0):
            return 0
        with self._writing() as connection:
            found = case_folders.untold(connection, now.date())
            for case in found:
                case_folders.keep_told_due(connection, case)
                emit(
                    connection,
                    EventType.CASE_DUE,
                    subject=case.id,
                    path=f"/v1/cases/{case.id}",
                    owner=case.written.made_by,
                    case_id=case.id,
                    now=now,
                )
        return len(found)

    # --- erasure, step by step

    def begin_erasure(self, case_id: str, *, reason: str, now: datetime, by: str) -> None:
        """Hide what a case holds, for good."""
        with self._writing() as connection:
            case_erasure.begin_erasure(connection, case_id, reason=reason, now=now, by=by)

    def remove_content(self, case_id: str, *, now: datetime) -> None:
        """Remove the rows of a case that is being erased, and doom its files."""
        with self._writing() as connection:
            case_erasure.remove_content(connection, case_id, now=now)

    def scrub(self) -> None:
        """Make the database forget what was deleted; `CasebookBusyError`: try again later."""
        case_erasure.scrub(self._engine)

    def end_erasure(self, case_id: str, *, now: datetime, by: str) -> Case:
        """Say that nothing is left of a case."""
        with self._writing() as connection:
            return case_erasure.end_erasure(connection, case_id, now=now, by=by)

    def doomed(self) -> list[str]:
        """Return the paths of the data folder that are to be removed."""
        return self._read(doomed.doomed, [])

    def remove_doomed(self, path: str, remove: Callable[[str], None], *, now: datetime) -> None:
        """Have a path removed, unless a case holds those bytes."""
        with self._writing() as connection:
            doomed.remove_doomed(connection, path, remove, now=now)

    # --- signals

    def standings(self, case_ids: Collection[str] | None) -> list[Standing]:
        """Return what stands in some cases, or in all."""
        return self._read(lambda it: case_signals.standings(it, case_ids), [])

    def told_signals(self, case_id: str | None = None) -> list[ToldSignal]:
        """Return the signals that were told of, of one case or all."""
        return self._read(lambda it: case_signals.told_signals(it, case_id), [])

    def tell_signal(self, pair: tuple[str, str], people: Iterable[str], *, now: datetime) -> bool:
        """Tell people of a signal between two cases, unless it was told before.

        Each is told as its owner: an event of one of the cases would be seen by all of its
        members, who must not know that there is anything to tell.
        """
        with self._writing() as connection:
            if not case_signals.keep_told(connection, pair, now=now):
                return False
            name = case_signals.signal_id(pair)
            for person in people:
                emit(
                    connection,
                    EventType.CASE_SIGNALLED,
                    subject=name,
                    path=f"/v1/signals/{name}",
                    owner=person,
                    case_id=None,
                    now=now,
                )
        return True

    def introduce(self, pair: tuple[str, str], *, now: datetime, by: str) -> None:
        """Let the leads of two cases know of each other."""
        with self._writing() as connection:
            case_signals.introduce(connection, pair, now=now, by=by)
