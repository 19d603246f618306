"""The queue of jobs: turns, leases, and that each job ends once."""

import threading

import pytest
from sqlalchemy import insert

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.case_records import CaseChange, CaseState
from arien_flows.casebook.engine import writing
from arien_flows.casebook.job_queue import MOST_ATTEMPTS
from arien_flows.casebook.job_records import Holding, JobFailure, JobProgress, JobState, Lease
from arien_flows.casebook.job_tables import duties
from arien_flows.casebook.schema import migrate
from arien_flows.errors import ConflictError, NotFoundError, QueueFullError
from tests.arien_flows.casebook.case_folders import make_case
from tests.arien_flows.casebook.queued import FILE, LEASE, NOW, after, put, told

WHY = JobFailure(code="input", title="No", detail="this cannot be")
DONE = JobProgress(done=1, total=1, unit="traces")


def claimed(casebook: Casebook, *, at: float = 0, worker: str = "w") -> Lease:
    lease = casebook.jobs.queue.claim(worker, after(at), LEASE)
    assert lease is not None
    return lease


def test_queue__of_a_casebook_that_does_not_exist_is_empty(casebook: Casebook):
    assert casebook.jobs.queue.claim("w", NOW, LEASE) is None
    assert casebook.jobs.page(owner=None, cases=None, before=None, limit=10) == []
    casebook.jobs.queue.release("w", NOW)
    with pytest.raises(NotFoundError):
        casebook.jobs.read("job_x")
    with pytest.raises(NotFoundError):
        casebook.jobs.cancel("job_x", NOW)


def test_submit__keeps_what_was_asked(casebook: Casebook):
    case_id = make_case(casebook).id
    job = put(casebook, "änn", case_id=case_id)
    assert casebook.jobs.read(job.id) == casebook.jobs.of_subject(job.subject) == job
    assert (job.owner, job.case_id, job.request) == ("änn", case_id, {"owner": "änn"})
    assert (job.state, job.attempts, job.created_at) == (JobState.QUEUED, 0, NOW)


def test_submit__lets_so_many_of_one_owner_wait(casebook: Casebook):
    asked = {"kind": "trace", "request": {}, "case_id": None, "most_waiting": 1}
    casebook.jobs.submit(subject="trace_1", owner="ann", now=NOW, **asked)
    with pytest.raises(QueueFullError, match="ARIEN_JOBS_PER_OWNER"):
        casebook.jobs.submit(subject="trace_2", owner="ann", now=after(1), **asked)
    casebook.jobs.submit(subject="trace_3", owner="bob", now=after(2), **asked)
    assert claimed(casebook).job.owner == "ann"
    casebook.jobs.submit(subject="trace_4", owner="ann", now=after(3), **asked)


def test_claim__takes_turns_by_owners(casebook: Casebook):
    for at in range(3):
        put(casebook, "ann", at=at)
    for at in range(3, 5):
        put(casebook, "bob", at=at)
    owners = []
    for at in range(10, 15):
        lease = claimed(casebook, at=at)
        owners.append(lease.job.owner)
        assert casebook.jobs.queue.finish(lease, [], DONE, after(at))
    assert owners == ["ann", "bob", "ann", "bob", "ann"]
    assert casebook.jobs.queue.claim("w", after(15), LEASE) is None


def test_claim__gives_a_second_worker_to_whom_nothing_runs(casebook: Casebook):
    for at in range(3):
        put(casebook, "ann", at=at)
    put(casebook, "bob", at=5)
    assert [claimed(casebook, at=6).job.owner for _ in range(3)] == ["ann", "bob", "ann"]


def test_finish__writes_result_and_events_once(casebook: Casebook):
    job = put(casebook)
    lease = claimed(casebook)
    assert casebook.jobs.queue.finish(lease, [FILE], DONE, after(1))
    assert not casebook.jobs.queue.finish(lease, [FILE], DONE, after(2))
    assert not casebook.jobs.queue.fail(lease, WHY, after(2))
    ended = casebook.jobs.read(job.id)
    assert (ended.state, ended.files, ended.progress) == (JobState.SUCCEEDED, (FILE,), DONE)
    assert ended.finished_at == after(1)
    assert told(casebook) == [("job.succeeded", job.id), ("trace.completed", job.subject)]


def test_fail__says_why_and_tells(casebook: Casebook):
    job = put(casebook)
    assert casebook.jobs.queue.fail(claimed(casebook), WHY, after(1))
    assert casebook.jobs.read(job.id).failure == WHY
    assert told(casebook) == [("job.failed", job.id)]


def test_lease__that_expired_is_another_workers(casebook: Casebook):
    put(casebook)
    first = claimed(casebook, worker="slow")
    assert casebook.jobs.queue.claim("w", after(LEASE - 1), LEASE) is None
    second = claimed(casebook, at=LEASE + 1)
    assert (second.job.id, second.job.attempts) == (first.job.id, 2)
    queue = casebook.jobs.queue
    assert queue.renew(first, after(LEASE + 2), LEASE) is Holding.LOST
    assert queue.report(first, DONE, after(LEASE + 2), LEASE) is Holding.LOST
    assert not queue.finish(first, [FILE], DONE, after(LEASE + 2))
    assert not queue.give_back(first, after(LEASE + 2))
    assert told(casebook) == []
    assert queue.finish(second, [FILE], DONE, after(LEASE + 3))
    assert len(told(casebook)) == 2


def test_lease__that_expired_unnoticed_can_be_renewed(casebook: Casebook):
    put(casebook)
    lease = claimed(casebook)
    assert casebook.jobs.queue.renew(lease, after(3 * LEASE), LEASE) is Holding.KEPT
    assert casebook.jobs.queue.claim("w", after(3 * LEASE + 1), LEASE) is None


def test_job__whose_workers_are_lost_fails_in_the_end(casebook: Casebook):
    job = put(casebook)
    for attempt in range(MOST_ATTEMPTS):
        claimed(casebook, at=attempt * 100)
    assert casebook.jobs.queue.claim("w", after(1000), LEASE) is None
    failed = casebook.jobs.read(job.id)
    assert (failed.state, failed.attempts) == (JobState.FAILED, MOST_ATTEMPTS)
    assert failed.failure is not None
    assert failed.failure.code == "worker_lost"
    assert told(casebook) == [("job.failed", job.id)]


def test_give_back__counts_no_attempt(casebook: Casebook):
    put(casebook)
    for _ in range(2 * MOST_ATTEMPTS):
        lease = claimed(casebook)
        assert lease.job.attempts == 1
        assert casebook.jobs.queue.give_back(lease, NOW)


def test_postpone__waits_and_counts(casebook: Casebook):
    put(casebook)
    assert casebook.jobs.queue.postpone(claimed(casebook), NOW, 60)
    assert casebook.jobs.queue.claim("w", after(59), LEASE) is None
    assert claimed(casebook, at=60).job.attempts == 2


def test_release__lets_the_dead_workers_jobs_go_at_once(casebook: Casebook):
    put(casebook)
    claimed(casebook, worker="dead")
    casebook.jobs.queue.release("somebody", after(1))
    assert casebook.jobs.queue.claim("w", after(1), LEASE) is None
    casebook.jobs.queue.release("dead", after(1))
    assert claimed(casebook, at=1).job.attempts == 2


def test_cancel__ends_what_waits_at_once(casebook: Casebook):
    job = put(casebook)
    assert casebook.jobs.cancel(job.id, after(1)).state is JobState.CANCELLED
    assert casebook.jobs.queue.claim("w", after(1), LEASE) is None
    with pytest.raises(ConflictError, match="cancelled"):
        casebook.jobs.cancel(job.id, after(2))


def test_cancel__asks_what_runs_to_end(casebook: Casebook):
    job = put(casebook)
    lease = claimed(casebook)
    assert casebook.jobs.cancel(job.id, after(1)).is_cancelling
    assert casebook.jobs.cancel(job.id, after(1)).state is JobState.RUNNING
    assert casebook.jobs.queue.renew(lease, after(1), LEASE) is Holding.CANCELLING
    assert casebook.jobs.queue.stop(lease, after(2))
    assert casebook.jobs.read(job.id).state is JobState.CANCELLED
    assert told(casebook) == [("job.cancelled", job.id)]


@pytest.mark.parametrize("end", ["give_back", "expire"])
def test_cancel__holds_where_the_worker_goes_first(casebook: Casebook, end: str):
    job = put(casebook)
    lease = claimed(casebook)
    casebook.jobs.cancel(job.id, after(1))
    if end == "give_back":
        assert casebook.jobs.queue.give_back(lease, after(2))
    else:
        assert casebook.jobs.queue.claim("w", after(LEASE), LEASE) is None
    assert casebook.jobs.read(job.id).state is JobState.CANCELLED


def test_page__shows_ones_own_and_those_of_cases(casebook: Casebook):
    case_id = make_case(casebook).id
    own, shared = put(casebook), put(casebook, "bob", at=1, case_id=case_id)
    left = put(casebook, at=2)
    hidden = put(casebook, "bob", at=3)
    other = put(casebook, at=4, case_id=make_case(casebook, "43 Js 8/26").id)

    def page(owner: str | None, cases: list[str] | None, **more: object) -> list[str]:
        wanted = {"before": None, "limit": 10, **more}
        return [job.id for job in casebook.jobs.page(owner=owner, cases=cases, **wanted)]

    assert page(None, None) == [other.id, hidden.id, left.id, shared.id, own.id]
    assert page("ann", [case_id]) == [left.id, shared.id, own.id]
    assert page("ann", []) == [left.id, own.id]
    assert page(None, [case_id]) == [shared.id]
    assert page("ann", [case_id], before=left.id, limit=1) == [shared.id]
    assert page("ann", [], state=JobState.RUNNING) == page("ann", [], kind="batch") == []


def test_submit__puts_nothing_into_a_case_that_is_closed(casebook: Casebook):
    case = make_case(casebook)
    closed = CaseChange(state=CaseState.CLOSED)
    casebook.cases.change(case.id, closed, version=case.written.version, now=NOW, by="ada")
    with pytest.raises(ConflictError, match="is closed"):
        put(casebook, case_id=case.id)
    assert casebook.jobs.page(owner=None, cases=None, before=None, limit=9) == []


def test_claims__of_many_threads_take_each_job_once(casebook: Casebook):
    for at in range(24):
        put(casebook, f"owner {at % 3}", at=at)
    done: list[str] = []

    def work(name: str) -> None:
        while (lease := casebook.jobs.queue.claim(name, after(100), LEASE)) is not None:
            assert casebook.jobs.queue.finish(lease, [FILE], DONE, after(101))
            done.append(lease.job.id)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    waiting = casebook.jobs.page(
        owner=None, cases=None, before=None, limit=99, state=JobState.QUEUED
    )
    assert (len(done), len(set(done)), waiting) == (24, 24, [])
    assert len(told(casebook)) == 48


def test_migration__down_and_up_keeps_the_rest(casebook: Casebook):
    put(casebook)
    assert casebook.jobs.queue.finish(claimed(casebook), [FILE], DONE, NOW)
    with writing(casebook._engine) as connection:
        connection.execute(insert(duties).values(name="watches", due_at=NOW))
        migrate(connection, "0008")
        migrate(connection)
    assert casebook.jobs.page(owner=None, cases=None, before=None, limit=9) == []


def test_duty__is_one_workers_at_a_time(casebook: Casebook):
    queue = casebook.jobs.queue
    assert queue.take_duty("watches", "w", NOW, LEASE) is None
    put(casebook)
    token = queue.take_duty("watches", "w", NOW, LEASE)
    assert token is not None
    assert queue.take_duty("watches", "v", after(1), LEASE) is None
    assert queue.renew_duty("watches", token, after(20), LEASE)
    assert queue.take_duty("watches", "v", after(LEASE + 1), LEASE) is None
    queue.leave_duty("watches", token, after(100))
    assert queue.take_duty("watches", "v", after(99), LEASE) is None
    assert queue.take_duty("watches", "v", after(100), LEASE) is not None


def test_duty__of_a_silent_worker_goes_to_another(casebook: Casebook):
    put(casebook)
    queue = casebook.jobs.queue
    token = queue.take_duty("watches", "w", NOW, LEASE)
    assert token is not None
    other = queue.take_duty("watches", "v", after(LEASE), LEASE)
    assert other is not None
    assert not queue.renew_duty("watches", token, after(LEASE + 1), LEASE)
    queue.leave_duty("watches", token, after(LEASE + 1))
    assert queue.take_duty("watches", "w", after(LEASE + 2), LEASE) is None
