"""Jobs over the API: asked for, watched, cancelled, fetched."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from api.main import service
from api.routers import jobs as routes
from arien_flows.access.ids import new_id
from arien_flows.casebook.engine import writing
from arien_flows.casebook.job_records import Job, JobFailure, JobProgress, JobState
from arien_flows.casebook.job_tables import jobs as table
from arien_flows.jobs.folder import folder_of, make_folder, measured, write_file
from arien_flows.jobs.trace_job import TRACE
from arien_flows.settings import Settings
from arien_flows.worker.handlers import HANDLERS
from arien_flows.worker.loop import Worker
from arien_flows.workspace import Workspace
from tests.api.conftest import BASE
from tests.small_case import NETWORK, SmallCase

CONTENT = b'{"made": "by a job"}'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder without ledgers; what jobs do is not at issue here."""
    return tmp_path_factory.mktemp("jobs")


@pytest.fixture
def workspace(folder: Path) -> Iterator[Workspace]:
    """Return the folder opened; no job waits there when the test has ended."""
    made = Workspace(Settings(data=folder))
    yield made
    jobs = made.casebook.jobs
    for job in jobs.page(owner=None, cases=None, before=None, limit=99, state=JobState.QUEUED):
        jobs.cancel(job.id, datetime.now(UTC))
    made.casebook.close()


@pytest.fixture(scope="module")
def asking(folder: Path) -> Iterator[TestClient]:
    app = service(Settings(data=folder))
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
        yield client


def put(workspace: Workspace) -> Job:
    now = datetime.now(UTC)
    return workspace.casebook.jobs.submit(
        kind="trace",
        subject=new_id("trace", now),
        request={},
        owner="somebody",
        case_id=None,
        now=now,
    )


def finish(workspace: Workspace) -> Job:
    """Do the job that waits, as a worker would."""
    now, queue = datetime.now(UTC), workspace.casebook.jobs.queue
    lease = queue.claim("w", now, 60)
    assert lease is not None
    folder = make_folder(workspace.settings.data, lease.job.id)
    made = measured(folder, write_file(folder, TRACE, "application/json", CONTENT))
    assert queue.finish(lease, [made], JobProgress(done=1, total=1, unit="traces"), now)
    return workspace.casebook.jobs.read(lease.job.id)


def code_of(response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_jobs__are_listed_newest_first_in_pages(asking: TestClient, workspace: Workspace):
    assert asking.get("/v1/jobs?state=queued").json() == {"items": [], "next_cursor": None}
    names = [put(workspace).id for _ in range(3)]
    first = asking.get("/v1/jobs?limit=2&state=queued")
    assert [job["id"] for job in first.json()["items"]] == sorted(names, reverse=True)[:2]
    assert first.headers["link"] == (
        f'</v1/jobs?limit=2&cursor={first.json()["next_cursor"]}&state=queued>; rel="next"'
    )
    rest = asking.get(first.headers["link"].split(">")[0][1:])
    assert ([job["id"] for job in rest.json()["items"]], "link" in rest.headers) == (
        [min(names)],
        False,
    )
    assert asking.get("/v1/jobs?state=queued&kind=batch").json()["items"] == []


def test_job__says_where_it_stands_and_what_came_of_it(asking: TestClient, workspace: Workspace):
    job = put(workspace)
    path = f"/v1/jobs/{job.id}"
    waiting = asking.get(path)
    assert (waiting.json()["state"], waiting.json()["result"]) == ("queued", None)
    known = {"If-None-Match": waiting.headers["etag"]}
    assert asking.get(path, headers=known).status_code == 304
    finish(workspace)
    ended = asking.get(path, headers=known)
    assert ended.status_code == 200
    assert ended.json()["result"] == f"/v1/traces/{job.subject}"
    (file,) = ended.json()["files"]
    assert asking.get(file["path"]).content == CONTENT


def test_job__of_another_case_is_not_there(asking: TestClient, workspace: Workspace):
    hidden = put(workspace)
    with writing(workspace.casebook._engine) as connection:
        connection.execute(update(table).where(table.c.id == hidden.id).values(case_id="case_1"))
    for name in (hidden.id, "job_" + "0" * 26):
        for path in (f"/v1/jobs/{name}", f"/v1/jobs/{name}/events", f"/v1/jobs/{name}/files/a"):
            answer = asking.get(path)
            assert code_of(answer) == (404, "not_found")
            assert answer.json()["detail"] == f"there is no {name}, or it is not yours to see"
        assert asking.delete(f"/v1/jobs/{name}").status_code == 404
    for name in (hidden.subject, "trace_" + "0" * 26):
        assert code_of(asking.get(f"/v1/traces/{name}")) == (404, "not_found")
    assert asking.get("/v1/jobs/JOB").status_code == 422


def test_job__is_cancelled_unless_it_has_ended(asking: TestClient, workspace: Workspace):
    waiting = put(workspace)
    answer = asking.delete(f"/v1/jobs/{waiting.id}")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert code_of(asking.delete(f"/v1/jobs/{waiting.id}")) == (409, "conflict")
    running = put(workspace)
    assert workspace.casebook.jobs.queue.claim("w", datetime.now(UTC), 60)
    answer = asking.delete(f"/v1/jobs/{running.id}")
    assert (answer.status_code, answer.json()["is_cancelling"]) == (202, True)


def test_file__is_given_whole_in_parts_or_not_at_all(asking: TestClient, workspace: Workspace):
    put(workspace)
    job = finish(workspace)
    path = f"/v1/jobs/{job.id}/files/{TRACE}"
    whole = asking.get(path)
    assert whole.headers["etag"] == f'"{job.files[0].sha256}"'
    assert whole.headers["content-disposition"] == f'attachment; filename="{TRACE}"'
    assert whole.headers["cache-control"] == "private, no-store"
    part = asking.get(path, headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.content) == (206, CONTENT[2:6])
    known = {"If-None-Match": whole.headers["etag"]}
    assert asking.get(path, headers=known).status_code == 304
    for name in ("other.json", ".lock", "%2e%2e", "%2e%2e%2fcasebook.sqlite"):
        assert asking.get(f"/v1/jobs/{job.id}/files/{name}").status_code == 404


@pytest.mark.parametrize("change", ["change", "remove"])
def test_file__that_is_not_what_was_made_is_not_given(
    asking: TestClient, workspace: Workspace, change: str
):
    put(workspace)
    job = finish(workspace)
    file = folder_of(workspace.settings.data, job.id) / TRACE
    if change == "remove":
        file.unlink()
    else:
        file.write_bytes(CONTENT.replace(b"job", b"jab"))
    for path in (f"/v1/jobs/{job.id}/files/{TRACE}", f"/v1/traces/{job.subject}"):
        assert code_of(asking.get(path)) == (500, "result_damaged")


def test_trace__that_is_not_made_yet_says_where_to_look(asking: TestClient, workspace: Workspace):
    job = put(workspace)
    answer = asking.get(f"/v1/traces/{job.subject}")
    assert code_of(answer) == (409, "not_ready")
    assert (answer.headers["location"], answer.headers["retry-after"]) == (
        f"/v1/jobs/{job.id}",
        "1",
    )
    finish(workspace)
    made = asking.get(f"/v1/traces/{job.subject}")
    assert (made.status_code, made.content) == (200, CONTENT)


def test_trace__that_failed_or_was_cancelled_says_so(asking: TestClient, workspace: Workspace):
    failed, queue = put(workspace), workspace.casebook.jobs.queue
    lease = queue.claim("w", datetime.now(UTC), 60)
    assert lease is not None
    why = JobFailure(code="not_found", title="Not found", detail="no such output")
    assert queue.fail(lease, why, datetime.now(UTC))
    answer = asking.get(f"/v1/traces/{failed.subject}")
    assert code_of(answer) == (409, "job_failed")
    assert answer.json()["detail"] == "Not found: no such output"
    cancelled = put(workspace)
    asking.delete(f"/v1/jobs/{cancelled.id}")
    assert code_of(asking.get(f"/v1/traces/{cancelled.subject}")) == (409, "job_cancelled")


def events_in(text: str) -> list[tuple[str, str, dict[str, object]]]:
    """Return the events of a stream: name, id and data."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
        if "event" in fields:
            found.append((fields["event"], fields["id"], json.loads(fields["data"])))
    return found


def test_events__tell_of_progress_until_the_job_ends(asking: TestClient, workspace: Workspace):
    job, queue = put(workspace), workspace.casebook.jobs.queue
    lease = queue.claim("w", datetime.now(UTC), 60)
    assert lease is not None

    def work() -> None:
        now = datetime.now(UTC)
        queue.report(lease, JobProgress(done=1, total=2, unit="rows"), now, 60)
        # The watcher looks twice a second; it need not see every step.
        threading.Event().wait(0.8)
        queue.finish(lease, [], JobProgress(done=2, total=2, unit="rows"), now)

    worker = threading.Thread(target=work)
    worker.start()
    stream = asking.get(f"/v1/jobs/{job.id}/events")
    worker.join()
    assert stream.headers["content-type"].startswith("text/event-stream")
    told = events_in(stream.text)
    assert told[0][0] == "state"
    kind, last, data = told[-1]
    assert (kind, data["state"]) == ("state", "succeeded")
    ids = [int(number) for _, number, _ in told]
    assert ids == sorted(set(ids))
    known = {"Last-Event-ID": last}
    assert asking.get(f"/v1/jobs/{job.id}/events", headers=known).status_code == 204
    late = {"Last-Event-ID": str(int(last) - 1)}
    (only,) = events_in(asking.get(f"/v1/jobs/{job.id}/events", headers=late).text)
    assert only == told[-1]


def test_events__of_a_quiet_job_keep_the_connection_and_end_in_time(
    asking: TestClient, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(routes, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(routes, "LONGEST_SECONDS", 0.3)
    text = asking.get(f"/v1/jobs/{put(workspace).id}/events").text
    assert text.count(": nothing new") >= 2
    assert [kind for kind, _, _ in events_in(text)] == ["state"]


# --- traces


@pytest.fixture(scope="module")
def tracing(small_case: SmallCase, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return settings over the small ledger with a casebook of their own: that one is shared."""
    folder = tmp_path_factory.mktemp("jobs")
    for path in small_case.data.iterdir():
        if path.is_dir():
            (folder / path.name).symlink_to(path)
    return Settings(data=folder, trace_budget=1_000, trace_job_budget=2_000, jobs_per_owner=2)


@pytest.fixture(scope="module")
def traces(tracing: Settings) -> Iterator[TestClient]:
    with TestClient(service(tracing), base_url=BASE, raise_server_exceptions=False) as client:
        yield client


def test_trace__as_a_job_gives_the_bytes_of_the_answer_at_once(
    traces: TestClient, tracing: Settings, small_case: SmallCase
):
    body = {"network": NETWORK, "sources": [small_case.address("alice")]}
    at_once = traces.post("/v1/traces", json=body)
    assert at_once.status_code == 200
    taken = traces.post("/v1/traces", json=body, headers={"Prefer": "respond-async"})
    assert taken.status_code == 202
    assert taken.headers["preference-applied"] == "respond-async"
    assert taken.headers["location"] == f"/v1/jobs/{taken.json()['id']}"
    worker = Worker(Workspace(tracing), name="w", handlers=HANDLERS)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        waited = traces.post("/v1/traces", json=body, headers={"Prefer": "respond-async, wait=20"})
    finally:
        worker.stop()
        thread.join()
    assert (waited.status_code, waited.content) == (200, at_once.content)
    later = traces.get(traces.get(taken.headers["location"]).json()["result"])
    assert (later.status_code, later.content) == (200, at_once.content)
    assert later.headers["etag"] == waited.headers["etag"]


def test_trace__as_a_job_may_look_further(traces: TestClient, small_case: SmallCase):
    body = {"network": NETWORK, "sources": [small_case.address("alice")], "budget": 2_000}
    refused = traces.post("/v1/traces", json=body)
    assert code_of(refused) == (422, "input")
    assert "respond-async" in refused.json()["detail"]
    taken = traces.post("/v1/traces", json=body, headers={"Prefer": "respond-async"})
    assert taken.status_code == 202
    body["budget"] = 2_001
    further = traces.post("/v1/traces", json=body, headers={"Prefer": "respond-async"})
    assert "ARIEN_TRACE_JOB_BUDGET" in further.json()["detail"]
    traces.delete(taken.headers["location"])


def test_trace__as_a_job_is_refused_where_too_many_wait(traces: TestClient, small_case: SmallCase):
    body = {"network": NETWORK, "sources": [small_case.address("alice")]}
    answers = [
        traces.post("/v1/traces", json=body, headers={"Prefer": "respond-async"}) for _ in range(3)
    ]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[2].json()["code"] == "queue_full"
    for answer in answers[:2]:
        assert traces.delete(answer.headers["location"]).json()["state"] == JobState.CANCELLED


@pytest.mark.parametrize(
    ("prefer", "status", "applied"),
    [
        ("wait=10", 200, None),
        ("return=minimal", 200, None),
        ('Respond-Async;x=1, wait="0"', 202, "respond-async"),
        ("wait=99999999999999999999, respond-async", 202, "respond-async"),
        ("respond-async, wait=-1", 202, "respond-async"),
        (",,;=,respond-async", 202, "respond-async"),
    ],
)
def test_preferences__are_heeded_or_passed_over(
    traces: TestClient, small_case: SmallCase, prefer: str, status: int, applied: str | None
):
    body = {"network": NETWORK, "sources": [small_case.address("alice")]}
    answer = traces.post("/v1/traces", json=body, headers={"Prefer": prefer})
    assert (answer.status_code, answer.headers.get("preference-applied")) == (status, applied)
    if status == 202:
        traces.delete(answer.headers["location"])


def test_trace__as_a_job_of_a_network_without_ledger_is_refused_at_once(traces: TestClient):
    body = {"network": "bitcoin", "sources": ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"]}
    answer = traces.post("/v1/traces", json=body, headers={"Prefer": "respond-async"})
    assert code_of(answer) == (404, "not_found")
