"""What is put into cases: offered by a casebook as `casebook.cases.content`."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from arien_flows.casebook import case_files, case_notes, case_subjects
from arien_flows.casebook.case_erasure import forget_thoroughly
from arien_flows.casebook.case_files import Settle
from arien_flows.casebook.case_records import (
    CaseFile,
    CaseNote,
    CaseResult,
    CaseSubject,
    Certainty,
    NewFile,
    NewResult,
    NewSubject,
    NoteVersion,
    PersonRole,
)
from arien_flows.casebook.tag_lists import Read
from arien_flows.errors import NotFoundError

Answer = TypeVar("Answer")


class CaseContent:
    """The content of the cases of one casebook.

    Lists are read newest first, from before an id on. What a case does not hold is a
    `NotFoundError`, and one that is closed takes nothing (`ConflictError`).
    """

    def __init__(
        self, read: Read, writing: Callable[[], AbstractContextManager[Connection]]
    ) -> None:
        self._read = read
        self._writing = writing

    # --- addresses, entities, transactions

    def add_subjects(
        self, case_id: str, wanted: Sequence[NewSubject], *, now: datetime, by: str
    ) -> list[tuple[CaseSubject, bool]]:
        """Keep what is of interest, all or nothing; tell of each whether it is new."""
        with self._writing() as connection:
            return case_subjects.add_subjects(connection, case_id, wanted, now=now, by=by)

    def subject(self, case_id: str, item_id: str) -> CaseSubject:
        """Return one item."""
        return self._found(lambda it: case_subjects.read_subject(it, case_id, item_id), item_id)

    def subjects(self, case_id: str, *, before: str | None, limit: int) -> list[CaseSubject]:
        """Return items of a case."""
        return self._read(
            lambda it: case_subjects.subjects_page(it, case_id, before=before, limit=limit), []
        )

    def change_subject(
        self,
        case_id: str,
        item_id: str,
        *,
        person_role: PersonRole | None = None,
        certainty: Certainty | None = None,
        note: str | None = None,
        version: int,
        now: datetime,
        by: str,
    ) -> CaseSubject:
        """Say something else of an item that stands at a version."""
        with self._writing() as connection:
            return case_subjects.change_subject(
                connection,
                case_id,
                item_id,
                person_role=person_role,
                certainty=certainty,
                note=note,
                version=version,
                now=now,
                by=by,
            )

    def remove_subject(self, case_id: str, item_id: str, *, now: datetime, by: str) -> None:
        """Take an item out of a case."""
        with self._writing() as connection:
            forget_thoroughly(connection)
            case_subjects.remove_subject(connection, case_id, item_id, now=now, by=by)

    # --- notes

    def write_note(
        self, case_id: str, *, text: str, certainty: Certainty, now: datetime, by: str
    ) -> CaseNote:
        """Keep a new note."""
        with self._writing() as connection:
            return case_notes.write_note(
                connection, case_id, text=text, certainty=certainty, now=now, by=by
            )

    def change_note(
        self,
        case_id: str,
        note_id: str,
        *,
        text: str,
        certainty: Certainty,
        version: int,
        now: datetime,
        by: str,
    ) -> CaseNote:
        """Let a note that stands at a version say something else; what it said is kept."""
        with self._writing() as connection:
            return case_notes.change_note(
                connection,
                case_id,
                note_id,
                text=text,
                certainty=certainty,
                version=version,
                now=now,
                by=by,
            )

    def remove_note(self, case_id: str, note_id: str, *, now: datetime, by: str) -> None:
        """Take a note away with all its versions."""
        with self._writing() as connection:
            forget_thoroughly(connection)
            case_notes.remove_note(connection, case_id, note_id, now=now, by=by)

    def note(self, case_id: str, note_id: str) -> CaseNote:
        """Return one note as it stands."""
        return self._found(lambda it: case_notes.read_note(it, case_id, note_id), note_id)

    def notes(self, case_id: str, *, before: str | None, limit: int) -> list[CaseNote]:
        """Return notes of a case."""
        return self._read(
            lambda it: case_notes.notes_page(it, case_id, before=before, limit=limit), []
        )

    def note_versions(
        self, case_id: str, note_id: str, *, after: int, limit: int
    ) -> list[NoteVersion]:
        """Return what a note said, the first version first, beginning after one of them."""
        return self._found(
            lambda it: case_notes.note_versions(it, case_id, note_id, after=after, limit=limit),
            note_id,
        )

    # --- files, and results with their files

    def attach_file(
        self, case_id: str, new: NewFile, settle: Settle, *, now: datetime, by: str
    ) -> CaseFile:
        """Keep a file with a case; `settle` moves its bytes to their place."""
        with self._writing() as connection:
            return case_files.attach_file(connection, case_id, new, settle, now=now, by=by)

    def remove_file(self, case_id: str, file_id: str, *, now: datetime, by: str) -> None:
        """Take a file out of a case; its bytes are doomed."""
        with self._writing() as connection:
            forget_thoroughly(connection)
            case_files.remove_file(connection, case_id, file_id, now=now, by=by)

    def file(self, case_id: str, file_id: str) -> CaseFile:
        """Return one file, also of a result."""
        return self._found(lambda it: case_files.read_file(it, case_id, file_id), file_id)

    def files(self, case_id: str, *, before: str | None, limit: int) -> list[CaseFile]:
        """Return the attachments of a case."""
        return self._read(
            lambda it: case_files.files_page(it, case_id, before=before, limit=limit), []
        )

    def attach_result(
        self, case_id: str, new: NewResult, settle: Settle, *, now: datetime, by: str
    ) -> CaseResult:
        """Keep a trace or batch with a case; `settle` moves its bytes to their place."""
        with self._writing() as connection:
            return case_files.attach_result(connection, case_id, new, settle, now=now, by=by)

    def remove_result(self, case_id: str, result_id: str, *, now: datetime, by: str) -> None:
        """Take a trace or batch out of a case; the bytes of its files are doomed."""
        with self._writing() as connection:
            forget_thoroughly(connection)
            case_files.remove_result(connection, case_id, result_id, now=now, by=by)

    def result(self, case_id: str, result_id: str) -> CaseResult:
        """Return one trace or batch."""
        return self._found(lambda it: case_files.read_result(it, case_id, result_id), result_id)

    def results(self, case_id: str, *, before: str | None, limit: int) -> list[CaseResult]:
        """Return traces and batches of a case."""
        return self._read(
            lambda it: case_files.results_page(it, case_id, before=before, limit=limit), []
        )

    def _found(self, question: Callable[[Connection], Answer], name: str) -> Answer:
        nothing: list[Answer] = []
        for found in self._read(lambda it: [question(it)], nothing):
            return found
        raise NotFoundError(f"there is no {name}")
