"""Cases as text on a terminal."""

from collections.abc import Iterable

from arien_flows.answers.case_content import (
    AddedInterests,
    CaseOverview,
    FileAnswer,
    NoteAnswer,
    ResultAnswer,
)
from arien_flows.answers.cases import CaseAnswer, CasePage
from arien_flows.cli.output import NOTHING, pairs, table
from arien_flows.shapes import shown_time


def case_lines(case: CaseAnswer) -> list[str]:
    """Return a case."""
    due = "  (due)" if case.is_due else ""
    return pairs(
        (
            ("Case", case.id),
            ("Number", case.number or f"erased; SHA-256 {case.number_sha256}"),
            ("Title", case.title or NOTHING),
            ("Legal basis", case.legal_basis or NOTHING),
            ("Authority", case.authority or NOTHING),
            ("Purpose", case.purpose or NOTHING),
            ("Label", case.tlp),
            ("State", case.state),
            ("Review by", f"{case.review_by}{due}"),
            ("Erase after", str(case.erase_after or NOTHING)),
            ("Made", f"{shown_time(case.made_at)} by {case.made_by}"),
        )
    )


def list_lines(page: CasePage) -> list[str]:
    """Return a table of cases."""
    header = ("case", "number", "title", "label", "state", "review by", "due")
    rows = [
        (
            case.id,
            case.number or NOTHING,
            case.title or NOTHING,
            case.tlp,
            case.state,
            str(case.review_by),
            "yes" if case.is_due else "no",
        )
        for case in page.items
    ]
    return [*table(header, rows), *_more("cases", page.next_cursor)]


def overview_lines(shown: CaseOverview) -> list[str]:
    """Return a case with what was put into it."""
    lines = case_lines(shown.case)
    if shown.addresses.items:
        header = ("of interest", "network", "kind", "person", "certainty", "note")
        rows = [
            (it.text, it.network, it.kind, it.person_role, it.certainty, it.note or NOTHING)
            for it in shown.addresses.items
        ]
        lines += ["", *table(header, rows), *_more("addresses", shown.addresses.next_cursor)]
    for note in shown.notes.items:
        lines += ["", *note_lines(note)]
    lines += _more("notes", shown.notes.next_cursor)
    for file in shown.files.items:
        lines += ["", *file_lines(file)]
    lines += _more("files", shown.files.next_cursor)
    for result in shown.traces.items:
        lines += ["", *result_lines(result)]
    return [*lines, *_more("traces", shown.traces.next_cursor)]


def added_lines(added: AddedInterests) -> Iterable[str]:
    """Return what became of what was added."""
    for each in added.items:
        told = "added" if each.is_new else "there already"
        yield f"{each.item.text} ({each.item.network} {each.item.kind}): {told}"


def note_lines(note: NoteAnswer) -> list[str]:
    """Return a note, line by line."""
    head = (
        f"Note {note.id}, {note.certainty}, by {note.changed_by} at {shown_time(note.changed_at)}"
    )
    return [head, *(f"  {line}" for line in note.text.splitlines())]


def file_lines(file: FileAnswer) -> list[str]:
    """Return a file."""
    return [
        f"File {file.name} ({file.size:,} bytes, {file.media_type})",
        f"  SHA-256 {file.sha256}",
    ]


def result_lines(result: ResultAnswer) -> list[str]:
    """Return a trace or batch with its files."""
    files = [f"  {file.name}  SHA-256 {file.sha256}" for file in result.files]
    return [f"{result.kind.capitalize()} {result.subject}", *files]


def _more(what: str, cursor: str | None) -> list[str]:
    return [] if cursor is None else [f"There are more {what}: ask for more with --limit."]
