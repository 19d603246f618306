"""One good question per operation about what people do: cases, jobs, batches, keys, webhooks.

They are put to a service with accounts over the small ledger, in the order of a day's work, and
what is different each time (ids, moments, secrets) is settled in the answers.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

from arien_flows.access.roles import Role
from arien_flows.cases.signals import tell_signals
from arien_flows.settings import Settings
from arien_flows.watches.following import follow
from arien_flows.webhooks.delivering import deliver
from arien_flows.worker.handlers import HANDLERS
from arien_flows.worker.loop import Worker
from arien_flows.workspace import Workspace
from tests.api.conftest import Accounts
from tests.small_case import NETWORK, SmallCase
from tests.webhook_receiver import receiving

DAY_ONE = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
"""When all of it is said to have happened."""

ID = re.compile(r"\b([a-z]{2,12})_([0-9a-hjkmnp-tv-z]{26})\b")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:]{8}(\.\d+)?(Z|\+00:00)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
SETTLED: dict[str, object] = {
    "request_id": "4f1c0d6c2f0b4c6e9f6a1f8a2f7f3b11",
    "url": "https://receiver.example/hook",
    "log": "/var/lib/arien/audit.sqlite",
    "milliseconds": 3,
}
"""Fields that are told as these, wherever they stand."""

Take = Callable[[str, Response], Any]


def office_answers(case: SmallCase, folder: Path) -> dict[str, Any]:
    """Return an answer per operation, which is the same each time."""
    answers: dict[str, Any] = {}

    def take(operation: str, response: Response) -> Any:
        assert response.status_code < 300, (operation, response.status_code, response.text)
        answers[operation] = response.json()
        return answers[operation]

    begun = datetime.now(UTC).replace(microsecond=0)
    # What whoever shares the small case has asked of it is no part of the day.
    copytree(case.data, folder / "data", ignore=ignore_patterns("audit.sqlite*"))
    with receiving() as receiver, _office(folder / "data", receiver.port) as office:
        _ask_people(office, take)
        _ask_cases(office, case, take, begun.date() + timedelta(days=90))
        _ask_jobs(office, case, take)
        _ask_watches(office, case, take)
        _ask_webhooks(office, receiver.url, receiver.secrets, take)
        _ask_reviews(office, take)
        _ask_end_of_case(office, take)
        _ask_audit(office, take)
    settled: dict[str, Any] = _Settling(begun).settle(answers)
    return settled


@contextmanager
def _office(data: Path, port: int) -> Iterator[Accounts]:
    allow = f"127.0.0.1,127.0.0.1/32,{port}"
    made = Accounts(Settings(data=data, accounts=True, case_required=False, webhook_allow=allow))
    with TestClient(made.app):
        for role, name in ((Role.INVESTIGATOR, "ada"), (Role.INVESTIGATOR, "ben")):
            made.client(role, name)
        yield made
    made.close()


def _ada(office: Accounts) -> TestClient:
    return office.client(Role.INVESTIGATOR, "ada")


def _chief(office: Accounts) -> TestClient:
    return office.client(Role.SUPERVISOR, "chief")


@contextmanager
def _workspace(office: Accounts) -> Iterator[Workspace]:
    space = Workspace(office.settings)
    yield space
    space.casebook.close()


def _ask_people(office: Accounts, take: Take) -> None:
    admin = office.client(Role.ADMIN, "admin")
    new = {"name": "import-desk", "role": "service", "clearance": "amber"}
    made = admin.post("/v1/people", json=new)
    take("make_person", made)
    headers = {"If-Match": made.headers.get("ETag", '"1"')}
    change = {"clearance": "green"}
    take("change_person", admin.patch("/v1/people/import-desk", json=change, headers=headers))
    take("list_people", admin.get("/v1/people?limit=2"))
    take("read_me", _ada(office).get("/v1/me"))
    body = {"owner": "import-desk", "scopes": ["chain:read"], "networks": ["192.0.2.0/24"]}
    made = admin.post("/v1/keys", json=body)
    take("make_key", made)
    place = made.headers["Location"]
    take("read_key", admin.get(place))
    take("list_keys", admin.get("/v1/keys?limit=2"))
    take("revoke_key", admin.delete(place))


def _new_case(client: TestClient, number: str, review_by: date) -> Response:
    body = {
        "number": number,
        "title": "Parcels",
        "legal_basis": "§ 161 StPO",
        "authority": "Staatsanwaltschaft",
        "purpose": "To find who was paid.",
        "review_by": review_by.isoformat(),
    }
    return client.post("/v1/cases", json=body)


def _of_interest(address: str) -> dict[str, object]:
    item = {
        "network": NETWORK,
        "text": address,
        "person_role": "suspect",
        "certainty": "attribution",
        "note": "named in an interview",
    }
    return {"items": [item]}


def _ask_cases(office: Accounts, case: SmallCase, take: Take, review_by: date) -> None:
    ada, ben, chief = _ada(office), office.client(Role.INVESTIGATOR, "ben"), _chief(office)
    made = _new_case(ada, "Js 1/26", review_by)
    take("make_case", made)
    place = made.headers["Location"]
    headers = {"If-Match": made.headers["ETag"]}
    take("change_case", ada.patch(place, json={"title": "Parcels, again"}, headers=headers))
    take("read_case", ada.get(place))
    take("list_cases", ada.get("/v1/cases"))
    take("set_case_member", ada.put(f"{place}/members/chief", json={"role": "reader"}))
    take("list_case_members", ada.get(f"{place}/members"))
    finding = {"finding": "The proceedings go on.", "next_review_by": review_by.isoformat()}
    take("review_case", ada.post(f"{place}/reviews", json=finding))
    take("list_case_reviews", ada.get(f"{place}/reviews"))
    _ask_content(ada, case, place, take)
    second = _new_case(ben, "Js 2/26", review_by).headers["Location"]
    ben.post(f"{second}/addresses", json=_of_interest(case.address("alice")))
    with _workspace(office) as space:
        tell_signals(space, datetime.now(UTC))
    (signal,) = take("list_signals", chief.get("/v1/signals"))["items"]
    take("read_signal", chief.get(f"/v1/signals/{signal['id']}"))
    take("introduce_leads", chief.post(f"/v1/signals/{signal['id']}/introduction"))
    take("list_case_signals", ada.get(f"{place}/signals"))
    take("list_case_acts", ada.get(f"{place}/acts?limit=2"))


def _ask_content(ada: TestClient, case: SmallCase, place: str, take: Take) -> None:
    """Put an address, a note and a file into a case."""
    path = f"{place}/addresses"
    added = take("add_to_case", ada.post(path, json=_of_interest(case.address("alice"))))
    item = f"{path}/{added['items'][0]['item']['id']}"
    take("list_case_addresses", ada.get(path))
    read = ada.get(item)
    take("read_case_address", read)
    headers = {"If-Match": read.headers["ETag"]}
    take("change_case_address", ada.patch(item, json={"certainty": "fact"}, headers=headers))
    path = f"{place}/notes"
    written = ada.post(path, json={"text": "Paid on Monday.", "certainty": "inference"})
    note = f"{path}/{take('write_case_note', written)['id']}"
    headers = {"If-Match": written.headers["ETag"]}
    text = {"text": "Paid on Tuesday.", "certainty": "fact"}
    take("change_case_note", ada.put(note, json=text, headers=headers))
    take("read_case_note", ada.get(note))
    take("list_case_notes", ada.get(path))
    take("list_case_note_versions", ada.get(f"{note}/versions"))
    path = f"{place}/files"
    query = "?name=receipt.txt&note=from+the+parcel"
    attached = ada.post(f"{path}{query}", content=b"Received with thanks.\n")
    file = f"{path}/{take('attach_case_file', attached)['id']}"
    take("read_case_file", ada.get(file))
    take("list_case_files", ada.get(path))


def _ask_jobs(office: Accounts, case: SmallCase, take: Take) -> None:
    ada = _ada(office)
    place = ada.get("/v1/cases").json()["items"][0]["id"]
    later = {"Prefer": "respond-async"}
    body = {"network": NETWORK, "sources": [case.address("alice")], "policy": "fifo"}
    unwanted = ada.post("/v1/traces", json=body, headers=later).json()
    take("cancel_job", ada.delete(f"/v1/jobs/{unwanted['id']}"))
    job = ada.post("/v1/traces", json=body, headers=later | {"X-Case-ID": place}).json()
    _work(office)
    take("read_trace", ada.get(f"/v1/traces/{job['subject']}"))
    take("read_job", ada.get(f"/v1/jobs/{job['id']}"))
    take("list_jobs", ada.get("/v1/jobs"))
    table = f"address,note\n{case.address('alice')},first\nnonsense,second\n"
    options = f"name=list.csv&network={NETWORK}"
    csv = {"Content-Type": "text/csv"}
    batch = take("make_batch", ada.post(f"/v1/batches?{options}", content=table, headers=csv))
    _work(office)
    take("read_batch", ada.get(f"/v1/batches/{batch['id']}"))
    take("read_batch_rows", ada.get(f"/v1/batches/{batch['id']}/rows"))
    take("list_batches", ada.get("/v1/batches"))
    path = f"/v1/cases/{place}/traces"
    kept = ada.post(path, json={"subject": job["subject"], "note": "for the report"})
    result = take("attach_case_trace", kept)
    take("list_case_traces", ada.get(path))
    take("read_case_trace", ada.get(f"{path}/{result['id']}"))


def _work(office: Accounts) -> None:
    with _workspace(office) as space:
        Worker(space, name="worker-1", handlers=HANDLERS).run_waiting()


def _ask_watches(office: Accounts, case: SmallCase, take: Take) -> None:
    ada = _ada(office)
    body = {"network": NETWORK, "subjects": [case.address("exchange")], "list": "shops", "since": 0}
    (watch,) = take("make_watches", ada.post("/v1/watches", json=body))["items"]
    path = f"/v1/watches/{watch['id']}"
    read = ada.get(path)
    take("read_watch", read)
    headers = {"If-Match": read.headers["ETag"]}
    take("change_watch", ada.patch(path, json={"min_value": "1000"}, headers=headers))
    take("list_watches", ada.get("/v1/watches"))
    with _workspace(office) as space:
        follow(space, datetime.now(UTC))
    alert = take("list_alerts_of_watch", ada.get(f"{path}/alerts"))["items"][0]
    take("list_alerts", ada.get("/v1/alerts"))
    alert_path = f"/v1/alerts/{alert['id']}"
    take("read_alert", ada.get(alert_path))
    seen = ada.post(f"{alert_path}/acknowledgement", json={"note": "told the court"})
    take("acknowledge_alert", seen)


def _ask_webhooks(office: Accounts, url: str, secrets: list[str], take: Take) -> None:
    ada = _ada(office)
    body = {"url": url, "events": ["watch.hit"], "description": "the case system"}
    made = ada.post("/v1/webhooks", json=body)
    told = take("make_webhook", made)
    secrets.append(told["secret"])
    path = f"/v1/webhooks/{told['webhook']['id']}"
    headers = {"If-Match": made.headers["ETag"]}
    take("change_webhook", ada.patch(path, json={"description": "cases"}, headers=headers))
    take("ping_webhook", ada.post(f"{path}/ping"))
    with _workspace(office) as space:
        deliver(space, datetime.now(UTC))
    (delivery,) = take("list_deliveries", ada.get(f"{path}/deliveries"))["items"]
    take("resend_delivery", ada.post(f"{path}/deliveries/{delivery['id']}/resend"))
    take("rotate_webhook", ada.post(f"{path}/rotation", json={"overlap_hours": 48}))
    take("read_webhook", ada.get(path))
    take("list_webhooks", ada.get("/v1/webhooks"))


def _ask_reviews(office: Accounts, take: Take) -> None:
    """Review the import of the small case, which somebody else made."""
    path = "/v1/tags/imports/1/reviews"
    body = {"verdict": "approved", "reason": "Checked against the source."}
    take("review_tag_import", _chief(office).post(path, json=body))
    take("list_tag_reviews", _chief(office).get(path))


def _ask_end_of_case(office: Accounts, take: Take) -> None:
    found = _ada(office).get("/v1/cases").json()["items"][0]["id"]
    reason = {"X-Reason": "the proceedings have ended"}
    take("erase_case", _chief(office).delete(f"/v1/cases/{found}", headers=reason))


def _ask_audit(office: Accounts, take: Take) -> None:
    eye = office.client(Role.AUDITOR, "eye")
    take("list_audit", eye.get("/v1/audit?limit=2"))
    take("read_audit_head", eye.get("/v1/audit/head"))
    take("verify_audit", eye.get("/v1/audit/verification"))


class _Settling:
    """Replaces what is different each time: the same id by the same one, wherever it stands."""

    def __init__(self, begun: datetime) -> None:
        self._begun = begun
        self._ids: dict[str, str] = {}
        self._hashes: dict[str, str] = {}

    def settle(self, told: Any, field: str = "") -> Any:
        if isinstance(told, dict):
            return {key: self.settle(it, key) for key, it in told.items()}
        if isinstance(told, list):
            return [self.settle(it, field) for it in told]
        if field in SETTLED and told is not None:
            return SETTLED[field]
        if field.endswith("_hash"):
            return self._hash(told)
        return self._text(told) if isinstance(told, str) else told

    def _hash(self, told: str) -> str:
        """Return what stands for the hash of a row, which rests on ids and moments."""
        if not told.strip("0"):
            return told
        return self._hashes.setdefault(told, f"{len(self._hashes) + 1:064x}")

    def _text(self, text: str) -> str:
        text = ID.sub(self._id, text)
        text = re.sub(r"\baf_[\w-]{30,}", f"af_{'0' * 26}_{'x' * 43}", text)
        text = re.sub(r"whsec_[\w+/=-]+", f"whsec_{'A' * 43}=", text)
        if DAY.fullmatch(text):
            return self._day(date.fromisoformat(text)).isoformat()
        return MOMENT.sub(self._moment, text)

    def _id(self, found: re.Match[str]) -> str:
        return self._ids.setdefault(found[0], f"{found[1]}_{len(self._ids) + 1:026}")

    def _moment(self, found: re.Match[str]) -> str:
        moment = datetime.fromisoformat(found[0])
        if moment < self._begun:
            return found[0]
        hours = (moment - self._begun) // timedelta(hours=1)
        return (DAY_ONE + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")

    def _day(self, day: date) -> date:
        passed = day - self._begun.date()
        return day if passed < timedelta() else DAY_ONE.date() + passed
