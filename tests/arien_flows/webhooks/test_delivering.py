"""Deliveries, from the event to the receiver's door."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from arien_flows.access.callers import Caller, local_caller
from arien_flows.access.cases import CaseAccess, CaseRole
from arien_flows.access.roles import PERMISSIONS, Role
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.access_records import NewPerson
from arien_flows.casebook.cases import Cases
from arien_flows.casebook.events import EventType
from arien_flows.casebook.webhook_records import DeliveryState, WebhookChange
from arien_flows.webhooks.delivering import LEASE, Delivering, deliver, fan_out, sender_of
from arien_flows.webhooks.owners import owners_of
from arien_flows.webhooks.schedule import DELAYS_SECONDS
from arien_flows.webhooks.sealing import new_secret, seal_of, shown_secret
from tests.arien_flows.webhooks.conftest import Office
from tests.http_server import Reply, serving
from tests.webhook_receiver import receiving

MakeOffice = Callable[..., Office]


def investigator(name: str, clearance: Tlp = Tlp.AMBER) -> Caller:
    return Caller(
        name=name,
        role=Role.INVESTIGATOR,
        permissions=PERMISSIONS[Role.INVESTIGATOR],
        clearance=clearance,
        means="key",
    )


def test_deliver__tells_each_receiver_of_each_event_once(make_office: MakeOffice):
    with receiving() as one, receiving() as other:
        office = make_office(one, other)
        hooks = [office.hook(one), office.hook(other, kinds=("job.succeeded",))]
        first = office.happens(subject="job_7")
        second = office.happens(EventType.JOB_FAILED)
        deliver(office.workspace, datetime.now(UTC))
        deliver(office.workspace, datetime.now(UTC))
    assert sorted(it.id for it in one.heard) == sorted(first + second)
    assert [it.id for it in other.heard] == first
    assert (one.forged, other.forged) == (0, 0)
    (told,) = other.heard
    assert (told.type, told.subject) == ("job.succeeded", "job_7")
    assert told.url == "http://127.0.0.1:8000/v1/jobs/job_7"
    for hook, count in zip(hooks, (2, 1), strict=True):
        log = office.log(hook)
        assert [it.state for it in log] == [DeliveryState.DELIVERED] * count
        assert all([a.status for a in it.attempts] == [204] for it in log)


def test_deliver__names_the_public_address(make_office: MakeOffice):
    with receiving() as receiver:
        office = make_office(receiver, public_url="https://flows.police.example/")
        office.hook(receiver)
        office.happens()
        office.deliver()
    assert receiver.heard[0].url == "https://flows.police.example/v1/jobs/job_1"


def test_deliver__tells_nothing_of_before_the_receiver_was_made(make_office: MakeOffice):
    with receiving() as receiver:
        office = make_office(receiver)
        office.happens()
        office.hook(receiver)
        office.deliver()
    assert receiver.heard == []


def test_deliver__tries_again_by_the_schedule_and_then_gives_up(make_office: MakeOffice):
    with serving(Reply(status=500, body=b"the receiver's own secret")) as served:
        office = make_office(served)
        hook = office.hook(url=f"{served.url}/")
        (event,) = office.happens()
        now = datetime.now(UTC)
        for delay in (*DELAYS_SECONDS[1:], None):
            office.deliver(now)
            (delivery,) = office.log(hook)
            ended = delivery.attempts[-1].ended_at
            assert ended is not None
            if delay is not None:
                assert delivery.state is DeliveryState.PENDING
                assert delivery.next_at is not None
                waited = (delivery.next_at - ended).total_seconds()
                assert delay <= waited <= delay * 1.1
                office.deliver(now + timedelta(seconds=delay * 0.9))
                now = delivery.next_at
    assert delivery.state is DeliveryState.FAILED
    assert len(delivery.attempts) == len(DELAYS_SECONDS) == len(served.asked)
    assert {it.headers["webhook-id"] for it in served.asked} == {event}
    assert {(a.status, a.failure) for a in delivery.attempts} == {(500, None)}
    # Three days of nothing else: nobody calls it any more.
    disabled = office.workspace.casebook.hooks.read(hook.id)
    assert disabled.disabled_at is not None
    assert disabled.disabled_why == "every attempt failed for 3 days"


def test_deliver__a_receiver_that_is_gone_is_disabled_and_the_owner_s_others_hear_of_it(
    make_office: MakeOffice, caplog: pytest.LogCaptureFixture
):
    with receiving() as gone, receiving() as other, caplog.at_level(logging.INFO):
        gone.reply = lambda _heard: Reply(status=410)
        office = make_office(gone, other)
        hook = office.hook(gone)
        office.hook(other, kinds=("webhook.disabled",))
        office.happens()
        office.deliver()
        office.happens()
        office.make_due()
        office.deliver()
        assert len(gone.heard) == 1
        (notice,) = other.heard
        assert (notice.type, notice.subject) == ("webhook.disabled", hook.id)
        # Enabled again, it hears what waited, and nothing of what happened meanwhile.
        gone.reply = lambda _heard: Reply(status=200)
        hooks = office.workspace.casebook.hooks
        assert hooks.read(hook.id).disabled_why == "it answered 410 Gone"
        version = hooks.read(hook.id).version
        hooks.change(hook.id, version, WebhookChange(enabled=True), datetime.now(UTC))
        office.deliver()
    assert len({it.id for it in gone.heard}) == 1
    assert len(gone.heard) == 2
    assert "127.0.0.1" not in caplog.text


def test_deliver__gives_a_receiver_the_time_that_it_asks_for(make_office: MakeOffice):
    with receiving() as receiver:
        receiver.reply = lambda _heard: Reply(status=503, headers={"Retry-After": "600"})
        office = make_office(receiver)
        hook = office.hook(receiver)
        office.happens()
        office.deliver()
    (delivery,) = office.log(hook)
    assert delivery.next_at is not None
    assert delivery.next_at - delivery.created_at >= timedelta(seconds=600)


def test_deliver__a_slow_receiver_holds_up_nobody_else(make_office: MakeOffice):
    release = threading.Event()
    with receiving() as slow, receiving() as quick:
        slow.reply = lambda _heard: Reply(status=200 if release.wait(10) else 500)
        quick.reply = lambda _heard: release.set() or Reply() if len(quick.heard) == 20 else Reply()
        office = make_office(slow, quick)
        office.hook(slow)
        office.hook(quick)
        office.happens(count=20)
        began = time.monotonic()
        office.deliver()
        assert time.monotonic() - began < 10
    # The slow one had one message at a time, while the quick one took all of them.
    assert release.is_set()
    assert len(quick.heard) == len(slow.heard) == 20


def test_deliver__two_workers_send_nothing_twice(make_office: MakeOffice):
    with receiving() as receiver:
        office = make_office(receiver)
        hook = office.hook(receiver)
        ids = office.happens(count=12)
        workers = [threading.Thread(target=office.deliver) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert sorted(it.id for it in receiver.heard) == sorted(ids)
    assert all(len(it.attempts) == 1 for it in office.log(hook))


def test_deliver__a_sender_that_was_killed_leaves_an_attempt_without_an_end(
    make_office: MakeOffice,
):
    with receiving() as receiver:
        office = make_office(receiver)
        hook = office.hook(receiver)
        (event,) = office.happens()
        now = datetime.now(UTC)
        hooks = office.workspace.casebook.hooks
        fan_out(office.workspace, local_caller, now)
        (due,) = hooks.due(now, (), 5)
        killed = Delivering(office.workspace, sender_of(office.workspace.settings))
        claimed = hooks.claim(due.id, now, LEASE)
        killed._send(due, now)  # it arrived, and nobody lives to say so
        office.deliver(now + timedelta(seconds=1))
        assert len(receiver.heard) == 1
        office.deliver(now + LEASE + timedelta(seconds=1))
    assert claimed is not None
    assert [it.id for it in receiver.heard] == [event, event]
    (delivery,) = office.log(hook)
    assert [(a.number, a.ended_at is None, a.status) for a in delivery.attempts] == [
        (1, True, None),
        (2, False, 204),
    ]


def test_finish__after_the_lease_was_lost_changes_no_more_than_the_attempt(
    make_office: MakeOffice,
):
    with receiving() as receiver:
        office = make_office(receiver)
        hook = office.hook(receiver)
        office.happens()
        now = datetime.now(UTC)
        hooks = office.workspace.casebook.hooks
        fan_out(office.workspace, local_caller, now)
        (due,) = hooks.due(now, (), 5)
        assert hooks.claim(due.id, now, LEASE) is not None
        assert hooks.claim(due.id, now, LEASE) is None
        office.deliver(now + LEASE + timedelta(seconds=1))
        (delivery,) = office.log(hook)
    assert delivery.state is DeliveryState.DELIVERED


def test_deliver__heeds_the_owner_s_rights_of_now(
    make_office: MakeOffice, monkeypatch: pytest.MonkeyPatch
):
    members = {"ann": CaseRole.MEMBER}
    folder = CaseAccess(id="case_1", tlp=Tlp.AMBER, members=members)
    monkeypatch.setattr(Cases, "access", lambda _, name: folder if name == "case_1" else None)
    rights = {"ann": investigator("ann"), "bob": investigator("bob")}
    with receiving() as receiver:
        office = make_office(receiver)
        ann = office.hook(receiver)
        low = office.hook(receiver, clearance=Tlp.GREEN)
        bob = office.hook(receiver, owner="bob")
        (seen,) = office.happens(case_id="case_1", owner="carol")
        office.happens(case_id="case_2", owner="ann")
        office.happens(owner="carol")
        office.deliver(owners=rights.get)
        assert [it.id for it in receiver.heard] == [seen]
        assert [len(office.log(hook)) for hook in (ann, low, bob)] == [1, 0, 0]
        # She loses the case while a message waits for its next attempt.
        receiver.reply = lambda _heard: Reply(status=500)
        office.happens(case_id="case_1")
        office.deliver(owners=rights.get)
        del members["ann"]
        office.make_due()
        before = len(receiver.heard)
        office.deliver(owners=rights.get)
        assert len(receiver.heard) == before
        assert office.log(ann)[0].state is DeliveryState.WITHHELD
        # An account that was disabled has no rights at all.
        office.happens()
        office.deliver(owners=lambda _name: None)
    assert len(receiver.heard) == before


def test_deliver__signs_with_both_secrets_while_one_is_rotated(make_office: MakeOffice):
    with receiving() as receiver:
        office = make_office(receiver)
        hook = office.hook(receiver)
        fresh = new_secret()
        now = datetime.now(UTC)
        sealed = seal_of(office.workspace.settings).close(fresh, hook.id)
        office.workspace.casebook.hooks.rotate(hook.id, sealed, now + timedelta(hours=1))
        office.happens()
        office.deliver()
        assert receiver.heard[0].signatures == 2
        receiver.secrets[:] = [shown_secret(fresh)]
        office.happens()
        office.deliver()
        office.happens()
        office.deliver(now + timedelta(hours=2))
        assert [it.signatures for it in receiver.heard] == [2, 2]
        # Two hours later the time of the test's own clock stamps it, which receivers refuse.
        assert receiver.forged == 1


def test_deliver__without_the_key_that_sealed_it_nothing_is_sent(make_office: MakeOffice):
    with receiving() as receiver:
        office = make_office(receiver)
        hook = office.hook(receiver)
        (office.workspace.settings.data / "secret.key").write_text("0" * 64)
        office.happens()
        office.deliver()
    (delivery,) = office.log(hook)
    assert delivery.attempts[0].failure == "secret_lost"
    assert (receiver.heard, receiver.forged) == ([], 0)


def test_deliver__what_the_administrator_does_not_allow_any_more_is_refused(
    make_office: MakeOffice,
):
    with receiving() as receiver:
        office = make_office()
        hook = office.hook(receiver)
        office.happens()
        office.deliver()
    (delivery,) = office.log(hook)
    assert delivery.attempts[0].failure == "target_refused"
    assert receiver.served.asked == []


def test_ping__reaches_the_one_receiver(make_office: MakeOffice):
    with receiving() as one, receiving() as other:
        office = make_office(one, other)
        hook = office.hook(one, kinds=("job.failed",))
        office.hook(other)
        made = office.workspace.casebook.hooks.ping(hook, datetime.now(UTC))
        office.deliver()
    assert [(it.type, it.subject) for it in one.heard] == [("webhook.ping", hook.id)]
    assert other.heard == []
    assert made.event_id == one.heard[0].id


def test_resend__sends_the_same_message_again(make_office: MakeOffice):
    with receiving() as receiver:
        office = make_office(receiver)
        hook = office.hook(receiver)
        (event,) = office.happens()
        office.deliver()
        (delivery,) = office.log(hook)
        office.workspace.casebook.hooks.resend(hook.id, delivery.id, datetime.now(UTC))
        office.deliver()
    assert [it.id for it in receiver.heard] == [event, event]
    assert [a.number for a in office.log(hook)[0].attempts] == [1, 2]


def test_forget__leaves_no_secret_and_sends_nothing_more(make_office: MakeOffice):
    with receiving() as receiver:
        office = make_office(receiver)
        hook = office.hook(receiver)
        office.happens()
        fan_out(office.workspace, local_caller, datetime.now(UTC))
        office.workspace.casebook.hooks.forget(hook.id, datetime.now(UTC))
        office.deliver()
    assert receiver.served.asked == []
    assert [it.state for it in office.log(hook)] == [DeliveryState.FAILED]


def test_erase__takes_the_events_of_a_case_and_their_deliveries(make_office: MakeOffice):
    office = make_office()
    hook = office.hook()
    office.happens(case_id="case_1", count=2)
    kept = office.happens()
    hooks = office.workspace.casebook.hooks
    events = hooks.new_events(10)
    told = {event.id: [hook.id] for event in events}
    hooks.fan_out(told, {event.id: event.kind for event in events}, datetime.now(UTC))
    with office.workspace.casebook._writing() as connection:
        hooks.erase(connection, "case_1")
    assert [it.event_id for it in office.log(hook)] == kept


def test_owners_of__with_accounts_are_people_as_they_are_now(make_office: MakeOffice):
    office = make_office(accounts=True)
    people, now = office.workspace.casebook.people, datetime.now(UTC)
    owners = owners_of(office.workspace)
    assert owners("ann") is None
    people.add(NewPerson(name="ann", role=Role.ANALYST, clearance=Tlp.GREEN), now=now, by="x")
    ann = owners("ann")
    assert ann is not None
    assert (ann.name, ann.role, ann.clearance) == ("ann", Role.ANALYST, Tlp.GREEN)
    people.change("ann", is_disabled=True, now=now, by="x")
    assert owners("ann") is None
