"""What callers with some rights try in order to get more, over the whole service."""

import secrets
from datetime import UTC, datetime

from arien_flows.access.cases import CaseRole
from arien_flows.access.ids import new_id
from arien_flows.access.permissions import Permission
from arien_flows.access.roles import Role
from arien_flows.access.tlp import Tlp
from arien_flows.audit.log import AuditLog
from arien_flows.audit.reading import AuditFilter
from arien_flows.casebook.access_records import NewKey
from arien_flows.casebook.engine import sqlite_url
from arien_flows.casebook.webhook_records import NewWebhook
from tests.api.conftest import Accounts
from tests.api.foreign_objects import make_case

RECEIVER = "https://93.184.215.14/hook"


def with_key_of(accounts: Accounts, owner: str, *permissions: Permission, clearance: Tlp = Tlp.RED):
    wanted = NewKey(owner=owner, scopes=frozenset(permissions) or None, clearance=clearance)
    key, _ = accounts.casebook.keys.make(wanted, now=datetime.now(UTC), by="the tests")
    return accounts.anonymous({"Authorization": f"Bearer {key.text}"})


def test_job_of_a_case__is_not_cancelled_by_those_who_only_read_it(accounts: Accounts):
    now, case_id = datetime.now(UTC), make_case(accounts, {})
    reader = accounts.client(Role.ANALYST, "a reader")
    member = accounts.client(Role.ANALYST, "a member")
    for name, role in (("a reader", CaseRole.READER), ("a member", CaseRole.MEMBER)):
        accounts.casebook.cases.set_member(case_id, name, role, now=now, by="the tests")
    job = accounts.casebook.jobs.submit(
        kind="trace",
        subject=new_id("trace", now),
        request={},
        owner="a stranger",
        case_id=case_id,
        now=now,
    )
    for client in (reader, accounts.client(Role.SUPERVISOR)):
        assert client.get(f"/v1/jobs/{job.id}").status_code == 200
        assert client.delete(f"/v1/jobs/{job.id}").status_code == 403
    assert member.delete(f"/v1/jobs/{job.id}").status_code == 200


def test_repetition__gives_nothing_to_a_key_that_may_do_less(accounts: Accounts):
    accounts.client(Role.INVESTIGATOR, "a key holder")
    asked = {"json": {"url": RECEIVER}, "headers": {"Idempotency-Key": secrets.token_hex(8)}}
    path = f"/v1/webhooks/{_webhook_of(accounts, 'a key holder')}/ping"
    full = with_key_of(accounts, "a key holder")
    poor = with_key_of(accounts, "a key holder", Permission.READ_JOBS)
    assert full.post(path, **asked).status_code == 202
    assert full.post(path, **asked).headers["Idempotent-Replayed"] == "true"
    refused = poor.post(path, **asked)
    assert "Idempotent-Replayed" not in refused.headers
    assert refused.status_code in (403, 422)


def _webhook_of(accounts: Accounts, owner: str) -> str:
    new = NewWebhook(
        id=new_id("hook", datetime.now(UTC)),
        owner=owner,
        url="https://receiver.example/",
        description="",
        kinds=(),
        clearance=Tlp.RED,
        sealed_secret=b"sealed",
    )
    return accounts.casebook.hooks.add(new, datetime.now(UTC)).id


def test_receiver_of_strict_events__is_not_turned_by_a_key_for_less(accounts: Accounts):
    accounts.client(Role.INVESTIGATOR, "a key holder")
    path = f"/v1/webhooks/{_webhook_of(accounts, 'a key holder')}"
    weak = with_key_of(accounts, "a key holder", clearance=Tlp.GREEN)
    tag = {"If-Match": '"1"'}
    assert weak.patch(path, json={"url": RECEIVER}, headers=tag).status_code == 403
    assert weak.post(f"{path}/rotation", json={}).status_code == 403
    assert weak.get(path).status_code == 200


def test_log__holds_no_secret_of_headers_and_takes_any_character(accounts: Accounts):
    client = accounts.client(Role.ANALYST)
    key = accounts.key(Role.ANALYST, "a careless one")
    said = {"X-Case-ID": key, "X-Reason": "a%00b%1b[2J%0d%0aX-Evil: 1"}
    assert client.get("/v1/jobs", headers=said).status_code == 422
    log = AuditLog(sqlite_url(accounts.settings.data / "audit.sqlite"))
    rows = [row for some in log.export(AuditFilter()) for row in some]
    log.close()
    assert key.rpartition("_")[2] not in "\n".join(row.line() for row in rows)
    assert all("\n" not in row.line() and "\x1b" not in row.line() for row in rows)
