"""`arien-flows case`: folders of investigations, for whoever works on this machine."""

import sys
from datetime import datetime
from pathlib import Path

import click

from arien_flows.cli.session import session_of, session_options

LABELS = ("clear", "green", "amber", "amber+strict", "red")
CERTAINTIES = ("fact", "inference", "attribution")
PERSON_ROLES = ("suspect", "convicted", "victim", "witness", "other", "unknown")

certainty_option = click.option(
    "--certainty",
    type=click.Choice(CERTAINTIES),
    required=True,
    help="What it rests on: it was seen, you conclude it, or a source says so.",
)
limit_option = click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=100,
    show_default=True,
    metavar="N",
    help="Most rows of each kind.",
)
_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
@session_options
def case() -> None:
    """Cases: make, fill, look at, erase. CASE is a case's id or its number."""


@case.command("create")
@session_options
@click.argument("number")
@click.option("--title", required=True, help="What it is called.")
@click.option("--legal-basis", required=True, help="The provision that lets you process the data.")
@click.option("--authority", required=True, help="Which authority is responsible.")
@click.option("--purpose", required=True, help="What the data is processed for.")
@click.option("--tlp", type=click.Choice(LABELS), default="amber", show_default=True)
@click.option(
    "--review-by", type=_DAY, required=True, metavar="DATE", help="When to look at it again."
)
@click.option("--erase-after", type=_DAY, metavar="DATE", help="After which day to erase it.")
@click.pass_context
def create_command(
    context: click.Context,
    number: str,
    title: str,
    legal_basis: str,
    authority: str,
    purpose: str,
    tlp: str,
    review_by: datetime,
    erase_after: datetime | None,
) -> None:
    """Make a case under the authority's own NUMBER."""
    from arien_flows.access.cases import CaseRole
    from arien_flows.access.tlp import Tlp
    from arien_flows.answers.cases import case_answer
    from arien_flows.casebook.case_records import NewCase
    from arien_flows.cli.case_naming import caller, now
    from arien_flows.cli.case_texts import case_lines
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session, moment = session_of(context), now()
    new = NewCase(
        number=number.strip(),
        title=title,
        legal_basis=legal_basis,
        authority=authority,
        purpose=purpose,
        tlp=Tlp(tlp),
        review_by=review_by.date(),
        erase_after=None if erase_after is None else erase_after.date(),
    )
    cases = Workspace(session.settings).casebook.cases
    made = cases.create(new, now=moment, by=caller().name)
    emit(session, case_answer(made, CaseRole.LEAD, today=moment.date()), case_lines)


@case.command("list")
@session_options
@click.option("--due", is_flag=True, help="Only those whose review, or whose erasure, is due.")
@limit_option
@click.pass_context
def list_command(context: click.Context, due: bool, limit: int) -> None:
    """List cases, the newest first."""
    from arien_flows.answers.cases import cases_answer
    from arien_flows.casebook.case_records import CaseFilter
    from arien_flows.cli.case_naming import caller, now
    from arien_flows.cli.case_texts import list_lines
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session, today = session_of(context), now().date()
    wanted = CaseFilter(due_on=today if due else None)
    cases = Workspace(session.settings).casebook.cases
    found = cases.page(caller(), wanted, before=None, limit=limit + 1)
    emit(session, cases_answer(found, limit=limit, today=today), list_lines)


@case.command("show")
@session_options
@click.argument("name", metavar="CASE")
@limit_option
@click.pass_context
def show_command(context: click.Context, name: str, limit: int) -> None:
    """Show a case and what was put into it."""
    from arien_flows.access.cases import CaseRole
    from arien_flows.answers.case_content import case_overview
    from arien_flows.answers.cases import case_answer
    from arien_flows.cli.case_naming import case_named, now
    from arien_flows.cli.case_texts import overview_lines
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session = session_of(context)
    workspace = Workspace(session.settings)
    found = workspace.casebook.cases.read(case_named(workspace, name))
    shown = case_answer(found, CaseRole.LEAD, today=now().date())
    emit(session, case_overview(workspace.casebook, shown, limit=limit), overview_lines)


@case.command("add")
@session_options
@click.argument("name", metavar="CASE")
@click.argument("texts", metavar="ADDRESS...", nargs=-1, required=True)
@click.option(
    "--kind",
    type=click.Choice(("address", "entity", "transaction")),
    default="address",
    show_default=True,
    help="What ADDRESS stands for; `entity`: all that the strict profile joins to it.",
)
@click.option(
    "--person",
    type=click.Choice(PERSON_ROLES),
    required=True,
    help="What the person behind it is in the proceedings.",
)
@certainty_option
@click.option("--note", default="", help="What else there is to say of it.")
@click.pass_context
def add_command(
    context: click.Context,
    name: str,
    texts: tuple[str, ...],
    kind: str,
    person: str,
    certainty: str,
    note: str,
) -> None:
    """Add addresses, entities or transactions to a case; all or none."""
    from arien_flows.answers.case_content import added_answer
    from arien_flows.casebook.case_records import Certainty, NewSubject, PersonRole, SubjectKind
    from arien_flows.cases.subjects import subject_named
    from arien_flows.cli.case_naming import caller, case_named, now
    from arien_flows.cli.case_texts import added_lines
    from arien_flows.cli.importing import meant_network
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session = session_of(context)
    workspace = Workspace(session.settings)
    network = meant_network(workspace)
    wanted = [
        NewSubject(
            subject=subject_named(SubjectKind(kind), network, text),
            person_role=PersonRole(person),
            certainty=Certainty(certainty),
            note=note,
        )
        for text in texts
    ]
    added = workspace.casebook.cases.content.add_subjects(
        case_named(workspace, name), wanted, now=now(), by=caller().name
    )
    emit(session, added_answer(added), added_lines)


@case.command("note")
@session_options
@click.argument("name", metavar="CASE")
@click.argument("text", metavar="TEXT")
@certainty_option
@click.pass_context
def note_command(context: click.Context, name: str, text: str, certainty: str) -> None:
    """Write a note; with `-` for TEXT it is read from standard input."""
    from arien_flows.answers.case_content import note_answer
    from arien_flows.casebook.case_records import Certainty
    from arien_flows.cli.case_naming import caller, case_named, now
    from arien_flows.cli.case_texts import note_lines
    from arien_flows.cli.output import emit
    from arien_flows.errors import InputError
    from arien_flows.workspace import Workspace

    session = session_of(context)
    said = sys.stdin.read() if text == "-" else text
    if not said.strip():
        raise InputError("the note is empty: say something in it")
    workspace = Workspace(session.settings)
    note = workspace.casebook.cases.content.write_note(
        case_named(workspace, name),
        text=said,
        certainty=Certainty(certainty),
        now=now(),
        by=caller().name,
    )
    emit(session, note_answer(note), note_lines)


@case.command("attach")
@session_options
@click.argument("name", metavar="CASE")
@click.argument("what", metavar="FILE|TRACE")
@click.option(
    "--certainty",
    type=click.Choice(CERTAINTIES),
    default="fact",
    show_default=True,
    help="What the file's content rests on; of a trace or batch it is inference.",
)
@click.option("--note", default="", help="What else there is to say of it.")
@click.pass_context
def attach_command(context: click.Context, name: str, what: str, certainty: str, note: str) -> None:
    """Keep a copy of a FILE with a case, or of what a finished trace_… or batch_… made."""
    from arien_flows.answers.case_content import file_answer, result_answer
    from arien_flows.casebook.case_records import Certainty
    from arien_flows.cases.attaching import attach_job, attach_path
    from arien_flows.cli.case_naming import caller, case_named, now
    from arien_flows.cli.case_texts import file_lines, result_lines
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session, by = session_of(context), caller().name
    workspace = Workspace(session.settings)
    case_id = case_named(workspace, name)
    if what.startswith(("trace_", "batch_")) and not Path(what).exists():
        job = workspace.casebook.jobs.of_subject(what)
        kept = attach_job(workspace, case_id, job, note=note, now=now(), by=by)
        emit(session, result_answer(kept), result_lines)
        return
    file = attach_path(
        workspace,
        case_id,
        Path(what),
        certainty=Certainty(certainty),
        note=note,
        now=now(),
        by=by,
    )
    emit(session, file_answer(file), file_lines)


@case.command("erase")
@session_options
@click.argument("name", metavar="CASE")
@click.option("--reason", required=True, help="Why. It is kept, so name nobody in it.")
@click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")
@click.pass_context
def erase_command(context: click.Context, name: str, reason: str, yes: bool) -> None:
    """Erase a case for good, or go on with an erasure that was cut short.

    Its id, the hash of its number, its dates and what was done with it stay. The casebook is
    written anew, which takes as much room as it has. Backups are not reached.
    """
    from arien_flows.access.cases import CaseRole
    from arien_flows.answers.cases import case_answer
    from arien_flows.cases.deadlines import erase
    from arien_flows.cli.case_naming import caller, case_named, now
    from arien_flows.cli.case_texts import case_lines
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session, moment = session_of(context), now()
    workspace = Workspace(session.settings)
    case_id = case_named(workspace, name)
    if not yes:
        click.confirm(f"Erase {case_id} for good?", abort=True, err=True)
    gone = erase(workspace, case_id, reason=reason, now=moment, by=caller().name)
    emit(session, case_answer(gone, CaseRole.LEAD, today=moment.date()), case_lines)
