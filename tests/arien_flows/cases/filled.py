"""A case with something of everything in it, each of which holds the same rare words."""

from datetime import datetime
from pathlib import Path

from arien_flows.access.ids import new_id
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.case_records import (
    CaseFile,
    Certainty,
    NewSubject,
    PersonRole,
    Subject,
    SubjectKind,
)
from arien_flows.casebook.events import EventType, emit
from arien_flows.casebook.job_records import Job, JobFile, JobProgress
from arien_flows.casebook.webhook_records import NewWebhook
from arien_flows.cases.attaching import Offer, attach, attach_job, store_of
from arien_flows.jobs.folder import make_folder, measured, write_file
from arien_flows.workspace import Workspace
from tests.arien_flows.casebook.packs import GENESIS

RARE = "quokka-ledger-word"


def interest(text: str = GENESIS, kind: SubjectKind = SubjectKind.ADDRESS) -> NewSubject:
    return NewSubject(
        subject=Subject(kind=kind, network="bitcoin", text=text),
        person_role=PersonRole.SUSPECT,
        certainty=Certainty.ATTRIBUTION,
        note=f"{RARE} owns it",
    )


def attach_bytes(workspace: Workspace, case_id: str, content: bytes, now: datetime) -> CaseFile:
    offer = Offer(name=f"{RARE}.txt", certainty=Certainty.FACT, note=RARE)
    with store_of(workspace).receiving() as receiving:
        receiving.write(content)
        return attach(workspace, case_id, receiving, offer, now=now, by="ada")


def finished_job(
    workspace: Workspace, now: datetime, *, case_id: str | None = None, subject: str
) -> Job:
    """Have a job done, as a worker does it."""
    jobs, data = workspace.casebook.jobs, workspace.settings.data
    request = {"sources": [RARE]}
    job = jobs.submit(
        kind="trace", subject=subject, request=request, owner="ada", case_id=case_id, now=now
    )
    lease = jobs.queue.claim("a worker", now, 60)
    assert lease is not None
    folder = make_folder(data, job.id)
    made = write_file(folder, "trace.json", "application/json", f'"{RARE}"'.encode())
    files: list[JobFile] = [measured(folder, made)]
    assert jobs.queue.finish(lease, files, JobProgress(), now)
    return jobs.read(job.id)


def fill_case(workspace: Workspace, case_id: str, now: datetime) -> None:
    """Put everything into a case that one can hold."""
    content = workspace.casebook.cases.content
    content.add_subjects(case_id, [interest()], now=now, by="ada")
    note = content.write_note(
        case_id, text=f"{RARE} " * 400, certainty=Certainty.INFERENCE, now=now, by="ada"
    )
    content.change_note(
        case_id,
        note.id,
        text=f"{RARE}, twice",
        certainty=Certainty.FACT,
        version=1,
        now=now,
        by="ada",
    )
    attach_bytes(workspace, case_id, f"{RARE} in a file".encode(), now)
    own = finished_job(workspace, now, case_id=case_id, subject="trace_own")
    attach_job(workspace, case_id, own, note=RARE, now=now, by="ada")
    private = finished_job(workspace, now, subject="trace_private")
    attach_job(workspace, case_id, private, note=RARE, now=now, by="ada")
    finished_job(workspace, now, case_id=case_id, subject="trace_left")
    workspace.casebook.cases.review(
        case_id,
        finding=f"{RARE} is still needed",
        next_review_by=now.date(),
        now=now,
        by="ada",
    )
    with workspace.casebook._writing() as connection:
        event = emit(
            connection,
            EventType.JOB_SUCCEEDED,
            subject="trace_own",
            path=f"/{RARE}",
            owner="ada",
            case_id=case_id,
            now=now,
        )
    hook = workspace.casebook.hooks.add(
        NewWebhook(
            id=new_id("hook", now),
            owner="ada",
            url="https://receiver.example/",
            description="",
            kinds=(),
            clearance=Tlp.RED,
            sealed_secret=b"sealed",
        ),
        now,
    )
    assert workspace.casebook.hooks.fan_out({event: [hook.id]}, {event: "job.succeeded"}, now) == 1


def left_in_files(folder: Path, word: str = RARE) -> list[str]:
    """Return the files below a folder whose name or bytes hold a word."""
    return [
        path.name
        for path in folder.rglob("*")
        if word in path.name or (path.is_file() and word.encode() in path.read_bytes())
    ]
