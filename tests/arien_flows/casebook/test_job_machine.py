"""The queue against a simple model, in any order of what workers, users and clocks may do."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import writing
from arien_flows.casebook.event_tables import events
from arien_flows.casebook.job_queue import MOST_ATTEMPTS
from arien_flows.casebook.job_records import DONE, Holding, JobProgress, JobState, Lease
from arien_flows.casebook.job_tables import job_files, jobs
from arien_flows.errors import ConflictError
from tests.arien_flows.casebook.queued import FILE, LEASE, NOW, put, told

SOME = JobProgress(done=1, total=2, unit="traces")
EXAMPLES = 6
STEPS = 25


@dataclass
class Known:
    """What the model knows of a job."""

    state: JobState = JobState.QUEUED
    attempts: int = 0
    token: str | None = None
    until: datetime = NOW
    is_cancelling: bool = False


class Machine(RuleBasedStateMachine):
    """Workers that claim, fall silent, come back too late; users that cancel; clocks that jump."""

    casebook: Casebook

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.made = 0
        self.known: dict[str, Known] = {}
        self.leases: list[Lease] = []
        put(self.casebook)
        with writing(self.casebook._engine) as connection:
            for table in (job_files, jobs, events):
                connection.execute(delete(table))

    # --- what happens

    @rule(owner=st.sampled_from("ab"))
    def submit(self, owner: str) -> None:
        self.made += 1
        self.known[put(self.casebook, owner, at=self.made).id] = Known()

    @rule(seconds=st.sampled_from([-5, 1, 20, 31, 400]))
    def jump(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def claim(self) -> None:
        lease = self.casebook.jobs.queue.claim("w", self.now, LEASE)
        for job in self.known.values():
            if job.state is JobState.RUNNING and job.until <= self.now:
                self.lose(job)
        waiting = [name for name, job in self.known.items() if job.state is JobState.QUEUED]
        assert (lease is not None) == bool(waiting)
        if lease is None:
            return
        assert lease.job.id in waiting
        job = self.known[lease.job.id]
        job.state, job.token, job.attempts = JobState.RUNNING, lease.token, job.attempts + 1
        job.until = self.now + timedelta(seconds=LEASE)
        self.leases.append(lease)

    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        if lease := self.some_lease(data):
            held = self.casebook.jobs.queue.renew(lease, self.now, LEASE)
            self.heed(lease, held)

    @rule(data=st.data())
    def report(self, data: st.DataObject) -> None:
        if lease := self.some_lease(data):
            held = self.casebook.jobs.queue.report(lease, SOME, self.now, LEASE)
            self.heed(lease, held)

    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        if lease := self.some_lease(data):
            is_mine = self.casebook.jobs.queue.finish(lease, [FILE], SOME, self.now)
            assert is_mine == self.holds(lease)
            if is_mine:
                self.known[lease.job.id].state = JobState.SUCCEEDED

    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        if lease := self.some_lease(data):
            is_mine = self.casebook.jobs.queue.give_back(lease, self.now)
            assert is_mine == self.holds(lease)
            if is_mine:
                job = self.known[lease.job.id]
                job.token = None
                job.state = JobState.CANCELLED if job.is_cancelling else JobState.QUEUED
                job.attempts -= 0 if job.is_cancelling else 1

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if not self.known:
            return
        name = data.draw(st.sampled_from(sorted(self.known)))
        job = self.known[name]
        if job.state in DONE:
            with pytest.raises(ConflictError):
                self.casebook.jobs.cancel(name, self.now)
            return
        self.casebook.jobs.cancel(name, self.now)
        if job.state is JobState.QUEUED:
            job.state = JobState.CANCELLED
        else:
            job.is_cancelling = True

    # --- what has to hold

    @invariant()
    def agrees_with_the_model(self) -> None:
        found = self.casebook.jobs.named(list(self.known))
        assert set(found) == set(self.known)
        for name, job in self.known.items():
            assert (found[name].state, found[name].attempts) == (job.state, job.attempts)
            assert len(found[name].files) == (job.state is JobState.SUCCEEDED)

    @invariant()
    def tells_of_each_end_once(self) -> None:
        kinds = {
            JobState.SUCCEEDED: "job.succeeded",
            JobState.FAILED: "job.failed",
            JobState.CANCELLED: "job.cancelled",
        }
        ends = [(kinds[job.state], name) for name, job in self.known.items() if job.state in kinds]
        of_jobs = [event for event in told(self.casebook) if event[0] != "trace.completed"]
        assert sorted(of_jobs) == sorted(ends)

    # --- the model

    def some_lease(self, data: st.DataObject) -> Lease | None:
        return data.draw(st.sampled_from(self.leases)) if self.leases else None

    def holds(self, lease: Lease) -> bool:
        job = self.known[lease.job.id]
        return job.state is JobState.RUNNING and job.token == lease.token

    def heed(self, lease: Lease, held: Holding) -> None:
        job = self.known[lease.job.id]
        if not self.holds(lease):
            assert held is Holding.LOST
            return
        assert held is (Holding.CANCELLING if job.is_cancelling else Holding.KEPT)
        job.until = self.now + timedelta(seconds=LEASE)

    def lose(self, job: Known) -> None:
        job.token = None
        if job.is_cancelling:
            job.state = JobState.CANCELLED
        else:
            is_last = job.attempts >= MOST_ATTEMPTS
            job.state = JobState.FAILED if is_last else JobState.QUEUED


def test_queue__does_what_the_model_does(casebook: Casebook):
    machine = type("MachineOfCasebook", (Machine,), {"casebook": casebook})
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None),
    )
