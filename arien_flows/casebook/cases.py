"""Cases in the casebook: offered by it as `casebook.cases`."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from datetime import date, datetime

from sqlalchemy import Connection, Engine

from arien_flows.access.callers import Caller
from arien_flows.access.cases import CaseAccess, CaseRole
from arien_flows.casebook import case_acts, case_folders, case_people
from arien_flows.casebook.case_content import CaseContent
from arien_flows.casebook.case_ending import CaseEnding
from arien_flows.casebook.case_records import (
    Case,
    CaseAct,
    CaseChange,
    CaseFilter,
    Member,
    NewCase,
    Review,
)
from arien_flows.casebook.tag_lists import Read
from arien_flows.errors import NotFoundError


class Cases:
    """The cases of one casebook. Whether somebody may do a thing is asked before, by the caller."""

    def __init__(
        self,
        read: Read,
        writing: Callable[[], AbstractContextManager[Connection]],
        engine: Engine,
    ) -> None:
        self._read = read
        self._writing = writing
        self._engine = engine

    @property
    def content(self) -> CaseContent:
        """What is put into cases."""
        return CaseContent(self._read, self._writing)

    @property
    def ending(self) -> CaseEnding:
        """Deadlines, erasure, and what stands in several cases."""
        return CaseEnding(self._read, self._writing, self._engine)

    def access(self, case_id: str) -> CaseAccess | None:
        """Return what decides who sees a case; nothing where there is none of that name."""
        return self._read(lambda it: case_folders.access(it, case_id), None)

    def seen_by(self, caller: Caller) -> list[str]:
        """Return the ids of all cases that a caller sees, the newest first."""
        return self._read(lambda it: case_folders.seen_by(it, caller), [])

    def create(self, new: NewCase, *, now: datetime, by: str, lead: str | None = None) -> Case:
        """Keep a new case; who makes it leads it unless somebody else is named."""
        with self._writing() as connection:
            return case_folders.create(connection, new, lead=lead or by, now=now, by=by)

    def read(self, case_id: str) -> Case:
        """Return a case in whatever state; `NotFoundError` where there is none of that name."""
        found = self._read(lambda it: case_folders.read(it, case_id), None)
        if found is None:
            raise NotFoundError(f"there is no case {case_id}")
        return found

    def page(
        self, caller: Caller, wanted: CaseFilter, *, before: str | None, limit: int
    ) -> list[tuple[Case, CaseRole]]:
        """Return at most `limit` cases that a caller sees, with his or her part, newest first."""
        return self._read(
            lambda it: case_folders.page(it, caller, wanted, before=before, limit=limit), []
        )

    def change(
        self, case_id: str, wanted: CaseChange, *, version: int, now: datetime, by: str
    ) -> Case:
        """Change a case that stands at a version; `LostUpdateError` where it does not any more."""
        with self._writing() as connection:
            return case_folders.change(connection, case_id, wanted, version=version, now=now, by=by)

    def review(
        self, case_id: str, *, finding: str, next_review_by: date, now: datetime, by: str
    ) -> Review:
        """Keep a finding that a case is still needed, and set the day of its next review."""
        with self._writing() as connection:
            return case_folders.review(
                connection,
                case_id,
                finding=finding,
                next_review_by=next_review_by,
                now=now,
                by=by,
            )

    def reviews(self, case_id: str, *, before: str | None, limit: int) -> list[Review]:
        """Return at most `limit` reviews of a case, the newest first."""
        return self._read(
            lambda it: case_folders.reviews_page(it, case_id, before=before, limit=limit), []
        )

    def members(self, case_id: str) -> list[Member]:
        """Return the members of a case by their names."""
        return self._read(lambda it: case_people.members_of(it, case_id), [])

    def set_member(
        self, case_id: str, person: str, role: CaseRole, *, now: datetime, by: str
    ) -> Member:
        """Make somebody a member, or give a member another role."""
        with self._writing() as connection:
            return case_people.set_member(connection, case_id, person, role, now=now, by=by)

    def remove_member(self, case_id: str, person: str, *, now: datetime, by: str) -> None:
        """Take somebody off a case; `ConflictError` where it would be left without a lead."""
        with self._writing() as connection:
            case_people.remove_member(connection, case_id, person, now=now, by=by)

    def acts(
        self,
        case_id: str,
        *,
        introductions: Collection[str] | None = None,
        before: str | None,
        limit: int,
    ) -> list[CaseAct]:
        """Return at most `limit` acts of a case, the newest first.

        Of introductions only those by the named signals; nothing stands for all of them.
        """
        return self._read(
            lambda it: case_acts.acts_page(
                it, case_id, introductions=introductions, before=before, limit=limit
            ),
            [],
        )
