"""Objects that belong to somebody else, for the test that nobody gets to see them.

A route names its objects by parameters of its path. Whoever adds a kind of object adds its
parameter to `FOREIGN`, with a function that makes one: owned by `STRANGER`, and in a case (if it
has one) that is labelled red and whose only member is the stranger. It is handed the ids of the
objects that stand before it in the path. A parameter that names no object of anybody goes to
`PLAIN`.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from arien_flows.access.ids import new_id
from arien_flows.access.roles import Role
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.access_records import NewKey, NewPerson
from arien_flows.casebook.case_records import Certainty, KeptBytes, NewFile, NewResult
from arien_flows.casebook.case_signals import signal_id
from arien_flows.casebook.job_records import Job
from arien_flows.casebook.watch_records import Found, NewWatch, Watch
from arien_flows.casebook.webhook_records import NewWebhook
from tests.api.conftest import Accounts
from tests.arien_flows.casebook.case_folders import SMUGGLING
from tests.arien_flows.casebook.packs import GENESIS
from tests.arien_flows.cases.filled import interest

STRANGER = "a stranger"
LATER = (datetime.now(UTC) + timedelta(days=90)).date()

PLAIN = {
    "network": "bitcoin-regtest",
    "address": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    "txid": "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",
    "height": "1",
    "number": "1",
    "position": "1",
    "market": "empire",
    "handle": "GreenShop",
    "other_market": "empire",
    "other_handle": "RedShop",
    "sha256": "0" * 64,
    "person": "nobody",
    "name": "summary.csv",
}
"""Parameters that name things of the chain or of everybody, each with a value."""


def make_key(accounts: Accounts, _made: Mapping[str, str]) -> str:
    _, record = accounts.casebook.keys.make_with_owner(
        NewKey(owner=STRANGER),
        NewPerson(name=STRANGER, role=Role.INVESTIGATOR, clearance=Tlp.RED),
        now=datetime.now(UTC),
        by="the tests",
    )
    return record.id


def make_case(accounts: Accounts, _made: Mapping[str, str]) -> str:
    number = secrets.token_hex(8)
    new = replace(SMUGGLING, number=number, tlp=Tlp.RED, review_by=LATER, erase_after=None)
    return accounts.casebook.cases.create(new, now=datetime.now(UTC), by=STRANGER).id


def make_item(accounts: Accounts, made: Mapping[str, str]) -> str:
    content, now = accounts.casebook.cases.content, datetime.now(UTC)
    ((item, _),) = content.add_subjects(made["case_id"], [interest()], now=now, by=STRANGER)
    return item.id


def make_note(accounts: Accounts, made: Mapping[str, str]) -> str:
    content, now = accounts.casebook.cases.content, datetime.now(UTC)
    note = content.write_note(
        made["case_id"], text="x", certainty=Certainty.FACT, now=now, by=STRANGER
    )
    return note.id


def make_file(accounts: Accounts, made: Mapping[str, str]) -> str:
    kept = KeptBytes(sha256="0" * 64, size=1, media_type="text/plain")
    new = NewFile(name="x", content=kept, certainty=Certainty.FACT)
    content, now = accounts.casebook.cases.content, datetime.now(UTC)
    return content.attach_file(made["case_id"], new, lambda: None, now=now, by=STRANGER).id


def make_result(accounts: Accounts, made: Mapping[str, str]) -> str:
    now = datetime.now(UTC)
    names = {"subject": new_id("trace", now), "job_id": new_id("job", now)}
    new = NewResult(**names, kind="trace", request="{}", note="", files=())
    content = accounts.casebook.cases.content
    return content.attach_result(made["case_id"], new, lambda: None, now=now, by=STRANGER).id


def make_signal(accounts: Accounts, _made: Mapping[str, str]) -> str:
    pair = sorted(make_case(accounts, {}) for _ in range(2))
    for case_id in pair:
        make_item(accounts, {"case_id": case_id})
    return signal_id((pair[0], pair[1]))


def make_job(accounts: Accounts, _made: Mapping[str, str]) -> str:
    return _submitted(accounts, "trace", None).id


def make_trace(accounts: Accounts, _made: Mapping[str, str]) -> str:
    return _submitted(accounts, "trace", make_case(accounts, {})).subject


def make_batch(accounts: Accounts, _made: Mapping[str, str]) -> str:
    return _submitted(accounts, "batch", make_case(accounts, {})).subject


def _submitted(accounts: Accounts, kind: str, case_id: str | None) -> Job:
    now = datetime.now(UTC)
    return accounts.casebook.jobs.submit(
        kind=kind,
        subject=new_id(kind, now),
        request={},
        owner=STRANGER,
        case_id=case_id,
        now=now,
    )


def make_watch(accounts: Accounts, _made: Mapping[str, str]) -> str:
    return _watching(accounts).id


def make_alert(accounts: Accounts, _made: Mapping[str, str]) -> str:
    found = Found(
        watch=_watching(accounts),
        txid=PLAIN["txid"],
        height=1,
        block_hash="0" * 64,
        block_time=datetime.now(UTC),
        direction="in",
        certainty="fact",
        detail="{}",
    )
    watches = accounts.casebook.watches
    watches.raise_alerts([found], datetime.now(UTC))
    (alert,) = watches.alerts(
        owner=STRANGER, cases=None, watch_id=found.watch.id, before=None, limit=2
    )
    return alert.id


def _watching(accounts: Accounts) -> Watch:
    new = NewWatch(
        network=PLAIN["network"],
        lane="address",
        subject=PLAIN["address"],
        direction="both",
        min_value=0,
        asset=None,
        list_name=None,
        begins_at=0,
        until=None,
    )
    (watch,) = accounts.casebook.watches.add(
        [new], owner=STRANGER, case_id=None, now=datetime.now(UTC)
    )
    return watch


def make_webhook(accounts: Accounts, _made: Mapping[str, str]) -> str:
    new = NewWebhook(
        id=new_id("hook", datetime.now(UTC)),
        owner=STRANGER,
        url="https://receiver.example/",
        description="",
        kinds=(),
        clearance=Tlp.RED,
        sealed_secret=b"sealed",
    )
    return accounts.casebook.hooks.add(new, datetime.now(UTC)).id


def inside(kind: str) -> Callable[[Accounts, Mapping[str, str]], str]:
    """Return what names a thing inside an object: who may not know the object gets no further."""
    return lambda _accounts, _made: new_id(kind, datetime.now(UTC))


FOREIGN: dict[str, Callable[[Accounts, Mapping[str, str]], str]] = {
    "key_id": make_key,
    "case_id": make_case,
    "item_id": make_item,
    "note_id": make_note,
    "file_id": make_file,
    "result_id": make_result,
    "signal_id": make_signal,
    "job_id": make_job,
    "trace_id": make_trace,
    "batch_id": make_batch,
    "watch_id": make_watch,
    "alert_id": make_alert,
    "webhook_id": make_webhook,
    "delivery_id": inside("del"),
}
"""Parameters that name somebody's object, each with what makes one of the stranger's."""

ABSENT = {name: f"{name.removesuffix('_id')}_{'0' * 26}" for name in FOREIGN} | {
    "webhook_id": f"hook_{'0' * 26}",
    "delivery_id": f"del_{'0' * 26}",
}
"""Ids that nothing has."""

_NOTE = {"text": "x", "certainty": "fact"}
_INTEREST = {"network": "bitcoin", "text": GENESIS, "person_role": "other", "certainty": "fact"}
BODIES: dict[str, object] = {
    "set_case_member": {"role": "reader"},
    "review_case": {"finding": "x", "next_review_by": LATER.isoformat()},
    "add_to_case": {"items": [_INTEREST]},
    "write_case_note": _NOTE,
    "change_case_note": _NOTE,
    "attach_case_trace": {"subject": f"trace_{'0' * 26}"},
}
"""Bodies that are valid, by operation id: of requests that are refused for their object only."""

QUERIES = {"attach_case_file": "name=a.txt&certainty=fact"}
"""Queries of requests that need one, by operation id."""

SEEN_BY: dict[str, frozenset[Role]] = {"key_id": frozenset({Role.ADMIN})}
"""Roles that see a kind of object whoever owns it."""
