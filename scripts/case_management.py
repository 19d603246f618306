r"""How a case-management system works with the service: an example that runs.

It makes a case (or finds the one of that number), names a receiver of events, has a table of
addresses answered, waits for the signed message that says so, fetches the results, checks them, and
keeps them with the case. What it did is printed as JSON. Nothing of arien-flows is imported: it is
written from the README and `/openapi.json`, with `requests` and `standardwebhooks`. After an
interruption it is run again, and makes nothing twice; the service knows a table again for 24 hours.

    ARIEN_KEY_FILE=cms.key python scripts/case_management.py http://127.0.0.1:8000 table.csv \
        --number 4711/26 --reason "Payments of the suspect" --port 9000 --results results/

The receiver of this example listens on this machine, so the administrator has to allow it:
ARIEN_WEBHOOK_ALLOW="127.0.0.1,127.0.0.1/32,9000". A receiver of your own has a public name and
speaks https.
"""

import argparse
import datetime
import hashlib
import json
import os
import queue
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
from standardwebhooks import Webhook, WebhookVerificationError

MOST_BYTES = 100_000
"""Messages are short; whoever sends more is not the service."""

ANSWER_SECONDS = 60
FINAL = ("succeeded", "failed", "cancelled")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class RefusedError(Exception):
    """The service did not do what it was asked; the problem document says why."""


class Service:
    """The service, asked with a key."""

    def __init__(self, base: str, key: str) -> None:
        address = urllib.parse.urlsplit(base)
        if address.scheme != "https" and address.hostname not in LOOPBACK:
            raise SystemExit("a key is sent over https only, or to this machine")
        self.base = base.rstrip("/")
        self.session = requests.Session()
        # Neither a proxy nor another key comes out of the environment.
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {key}"

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Return the answer to a request; `RefusedError` with the service's own words otherwise."""
        options = {"timeout": ANSWER_SECONDS, "allow_redirects": False} | options
        while True:
            answer = self.session.request(method, self.base + path, **options)
            if answer.status_code != 429:
                break
            time.sleep(int(answer.headers.get("Retry-After", "1")))
        if answer.status_code >= 300:
            raise RefusedError(_told(answer))
        return answer


def _told(answer: requests.Response) -> str:
    """Return what a problem document says, and the id by which the service's log knows it."""
    try:
        problem = answer.json()
    except ValueError:
        return f"{answer.request.method} {answer.url}: {answer.status_code}"
    return f"{problem['code']}: {problem['detail']} (request {problem['request_id']})"


class Inbox:
    """What came in: every message whose signature is right, once."""

    def __init__(self) -> None:
        self.secret: str | None = None
        self.messages: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
        self.counts = {"accepted": 0, "repeated": 0, "refused": 0}
        # A system of your own keeps these in its database, for as long as it runs.
        self._known: set[str] = set()
        self._one_at_a_time = threading.Lock()

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """Return the HTTP status with which a message is answered.

        RefusedError is what nobody signed who knows the secret, and what was signed more than five
        minutes ago. A message that is known may come again, since it is sent at least once: it is
        answered as before, and nothing is done.
        """
        with self._one_at_a_time:
            if self.secret is None:
                return 503
            try:
                Webhook(self.secret).verify(body, headers)
            except WebhookVerificationError:
                self.counts["refused"] += 1
                return 401
            name = headers["webhook-id"]
            is_known = name in self._known
            self.counts["repeated" if is_known else "accepted"] += 1
            if not is_known:
                self._known.add(name)
                self.messages.put((headers, body))
            return 204


@contextmanager
def receiving(inbox: Inbox, port: int) -> Iterator[str]:
    """Listen for messages until the end of the block; gives the address to tell the service."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > MOST_BYTES:
                status = 413
            else:
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = inbox.take(headers, self.rfile.read(int(length)))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: standard output is for the report."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/events"
        finally:
            server.shutdown()
            thread.join()


def case_of(service: Service, number: str) -> dict[str, Any]:
    """Return the case of a number, and make it where there is none that this key sees."""
    found = service.ask("GET", "/v1/cases", params={"number": number}).json()["items"]
    if found:
        return dict(found[0])
    a_year_from_now = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=365)
    body = {
        "number": number,
        "title": f"Proceedings {number}",
        "legal_basis": "as recorded in the proceedings",
        "authority": "as recorded in the proceedings",
        "purpose": "to find where money of the proceedings came from and went",
        "review_by": a_year_from_now.isoformat(),
    }
    return dict(service.ask("POST", "/v1/cases", json=body).json())


def submit(service: Service, case_id: str, table: bytes, reason: str) -> requests.Response:
    """Send a table. The same table of the same case is one batch, however often it is sent."""
    key = hashlib.sha256(case_id.encode() + b"\0" + table).hexdigest()
    headers = {
        "Content-Type": "text/csv",
        "Idempotency-Key": key,
        "X-Reason": urllib.parse.quote(reason),
    }
    return service.ask("POST", "/v1/batches", data=table, headers=headers)


def message_about(inbox: Inbox, batch_id: str, seconds: int) -> tuple[dict[str, str], bytes]:
    """Wait for the message that a batch is done; others are passed over."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            headers, body = inbox.messages.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise RefusedError(
                f"no message about {batch_id} came within {seconds} seconds"
            ) from None
        told = json.loads(body)
        # Only the id is taken from it: a key goes to the service that was named, nowhere else.
        if told["type"] == "batch.completed" and told["data"]["id"] == batch_id:
            return headers, body


def try_the_receiver(url: str, secret: str, headers: dict[str, str], body: bytes) -> dict[str, int]:
    """Send one's own receiver what others might, and return how it answers."""
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=10)
    signature = Webhook(secret).sign("evt_late", past, body.decode())
    late = {
        "webhook-id": "evt_late",
        "webhook-timestamp": str(int(past.timestamp())),
        "webhook-signature": signature,
    }
    signed = {name: value for name, value in headers.items() if name.startswith("webhook-")}
    messages = {
        "forged": (signed, body.replace(b"batch_", b"trace_")),
        "late": (late, body),
        "repeated": (signed, body),
    }
    with requests.Session() as session:
        session.trust_env = False
        return {
            name: session.post(url, data=sent, headers=with_headers, timeout=10).status_code
            for name, (with_headers, sent) in messages.items()
        }


def finished(service: Service, batch_id: str, seconds: int) -> dict[str, Any]:
    """Return a batch that has succeeded, asking again while it has not."""
    deadline = time.monotonic() + seconds
    while True:
        batch = service.ask("GET", f"/v1/batches/{batch_id}").json()
        if batch["state"] == "succeeded":
            return dict(batch)
        if batch["state"] in FINAL or time.monotonic() > deadline:
            raise RefusedError(f"{batch_id} is {batch['state']}: {batch['failure']}")
        time.sleep(1)


def fetch(service: Service, files: list[dict[str, Any]], folder: Path) -> dict[str, str]:
    """Fetch files into a folder, each checked against its hash; return the hashes by name."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        digest, target = hashlib.sha256(), folder / Path(file["name"]).name
        part = target.with_name(target.name + ".part")
        with service.ask("GET", file["path"], stream=True) as answer, part.open("wb") as out:
            for piece in answer.iter_content(65_536):
                digest.update(piece)
                out.write(piece)
        if digest.hexdigest() != file["sha256"]:
            part.unlink()
            raise RefusedError(f"{file['name']} did not arrive as it was made")
        part.replace(target)
    return {file["name"]: file["sha256"] for file in files}


def keep(service: Service, case_id: str, batch_id: str, note: str) -> dict[str, Any]:
    """Keep a batch with a case, and return what the case holds of it."""
    path = f"/v1/cases/{case_id}/traces"
    for kept in service.ask("GET", path).json()["items"]:
        if kept["subject"] == batch_id:
            return dict(kept)
    return dict(service.ask("POST", path, json={"subject": batch_id, "note": note}).json())


def deliveries(service: Service, webhook_id: str, seconds: int) -> list[dict[str, Any]]:
    """Return the log of what a receiver was told, once nothing is on its way any more."""
    deadline = time.monotonic() + seconds
    while True:
        found = service.ask("GET", f"/v1/webhooks/{webhook_id}/deliveries").json()["items"]
        if all(it["state"] != "pending" for it in found) or time.monotonic() > deadline:
            return [{name: it[name] for name in ("id", "event", "state")} for it in found]
        time.sleep(0.2)


def work(service: Service, wanted: argparse.Namespace, inbox: Inbox, url: str) -> dict[str, Any]:
    """Do everything, in order; return the report."""
    table = wanted.table.read_bytes()
    case = case_of(service, wanted.number)
    # Questions about the chain and their results are asked for a case, which the audit log keeps.
    service.session.headers["X-Case-ID"] = case["id"]
    body = {"url": url, "events": ["batch.completed"], "description": "case management"}
    named = service.ask("POST", "/v1/webhooks", json=body).json()
    inbox.secret, webhook_id = named["secret"], named["webhook"]["id"]
    try:
        first = submit(service, case["id"], table, wanted.reason)
        again = submit(service, case["id"], table, wanted.reason)
        batch_id = first.json()["id"]
        url_told, receiver = None, None
        # What an earlier run has sent may be done already, and is told of once only.
        if "Idempotent-Replayed" not in first.headers:
            headers, message = message_about(inbox, batch_id, wanted.seconds)
            url_told = json.loads(message)["data"]["url"]
            receiver = try_the_receiver(url, named["secret"], headers, message)
        batch = finished(service, batch_id, wanted.seconds)
        hashes = fetch(service, batch["files"], wanted.results)
        kept = keep(service, case["id"], batch_id, wanted.reason)
        if {file["name"]: file["sha256"] for file in kept["files"]} != hashes:
            raise RefusedError("the case does not hold the files that were fetched")
        told = deliveries(service, webhook_id, wanted.seconds)
    finally:
        # A system of your own keeps its receiver, and its secret where secrets are kept.
        service.ask("DELETE", f"/v1/webhooks/{webhook_id}")
    return {
        "case": case["id"],
        "batch": batch_id,
        "sent_again": again.json()["id"],
        "url": url_told,
        "counts": batch["counts"],
        "files": hashes,
        "kept_as": kept["id"],
        "receiver": receiver,
        "messages": inbox.counts,
        "deliveries": told,
    }


def key_of(environment: "os._Environ[str]") -> str:
    """Return the key; the command line would show it to every user of the machine."""
    if "ARIEN_KEY" in environment:
        return environment["ARIEN_KEY"].strip()
    if "ARIEN_KEY_FILE" in environment:
        return Path(environment["ARIEN_KEY_FILE"]).read_text(encoding="ascii").strip()
    raise SystemExit("set ARIEN_KEY, or ARIEN_KEY_FILE to a file that holds the key")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("base", help="address of the service, as https://flows.example")
    parser.add_argument("table", type=Path, help="a CSV file with a column `address`")
    parser.add_argument("--number", required=True, help="your own reference of the case")
    parser.add_argument("--reason", required=True, help="why it is asked; stands in the audit log")
    parser.add_argument("--results", type=Path, required=True, help="folder for the results")
    parser.add_argument("--port", type=int, default=0, help="of the receiver; by default any")
    parser.add_argument("--seconds", type=int, default=600, help="how long to wait for the batch")
    wanted = parser.parse_args()
    service, inbox = Service(wanted.base, key_of(os.environ)), Inbox()
    try:
        with service.session, receiving(inbox, wanted.port) as url:
            report = work(service, wanted, inbox, url)
    except (RefusedError, requests.RequestException, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
