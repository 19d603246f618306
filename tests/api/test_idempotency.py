"""Requests under a key act once, whatever happens to their answers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response
from fastapi.testclient import TestClient

from api.envelope import Envelope
from api.errors import install
from api.main import service
from api.middleware.authentication import Authentication
from api.middleware.idempotency import MOST_KEPT, Idempotency
from arien_flows.casebook.requests import KEPT
from arien_flows.errors import CasebookBusyError, InputError
from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from tests.api.conftest import BASE
from tests.api.test_errors import checked
from tests.arien_flows.casebook.packs import GENESIS, pack, row

KEY = {"Idempotency-Key": "a-key"}


class Counting:
    """A service whose one route counts how often it acts, and answers as it is told."""

    def __init__(self, folder: Path) -> None:
        self.acts = 0
        self.answers: list[Response | Exception] = []
        app = FastAPI()
        install(app)

        @app.post("/act")
        async def act(request: Request) -> Response:
            await request.body()
            self.acts += 1
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        @app.get("/act")
        def look() -> Response:
            self.acts += 1
            return Response("{}")

        self.workspace = Workspace(Settings(data=folder))
        layers = Authentication(Idempotency(app, self.workspace))
        self.client = TestClient(
            Envelope(layers, body_bytes=1000), base_url=BASE, raise_server_exceptions=False
        )

    def post(self, answer: Response | Exception | None = None, body: str = "{}", **headers: str):
        self.answers = [] if answer is None else [answer]
        return self.client.post("/act", content=body, headers=KEY | headers)


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Counting]:
    made = Counting(tmp_path)
    yield made
    made.workspace.casebook.close()


def made(text: str = "{}", status: int = 201) -> Response:
    return Response(text, status, {"Location": "/made/1", "X-Own": "x"}, "application/json")


def test_repetition__gets_the_first_answer(counting: Counting):
    first = counting.post(made('{"n": 1}'))
    again = counting.post()
    assert counting.acts == 1
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == "/made/1"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["x-request-id"] != first.headers["x-request-id"]


def test_repetition__with_another_body_is_refused(counting: Counting):
    counting.post(made())
    assert checked(counting.post(body="[]")).code == "idempotency_key_reused"
    assert counting.acts == 1


@pytest.mark.parametrize("error", [InputError("no"), CasebookBusyError("later")])
def test_refusal__did_nothing_so_the_key_is_free(counting: Counting, error: Exception):
    assert counting.post(error).status_code in (422, 503)
    assert counting.post(made(), body="[]").status_code == 201
    assert counting.acts == 2


def test_bug__leaves_nobody_knowing(counting: Counting):
    assert checked(counting.post(ZeroDivisionError())).code == "bug"
    assert checked(counting.post()).code == "unknown_outcome"
    assert counting.acts == 1


def test_claim__of_a_process_that_died_is_told(counting: Counting, monkeypatch):
    monkeypatch.setattr(Idempotency, "_settle", _nothing)
    counting.post(made())
    answer = counting.post()
    assert checked(answer).code == "in_progress"
    assert answer.headers["retry-after"] == "2"
    assert counting.acts == 1


async def _nothing(*_: object) -> None:
    """Stands for a process that is killed between the act and its record."""


@pytest.mark.parametrize(("status", "acts", "code"), [(200, 2, None), (201, 1, "answer_not_kept")])
def test_long_answer__is_sent_whole_and_not_kept(counting: Counting, status, acts, code):
    text = "x" * (MOST_KEPT + 1)
    assert counting.post(made(text, status)).text == text
    again = counting.post(made(text, status))
    assert counting.acts == acts
    if code is not None:
        problem = checked(again)
        assert problem.code == code
        assert "/made/1" in problem.detail


def test_answer__of_the_greatest_length_is_kept(counting: Counting):
    text = "x" * MOST_KEPT
    counting.post(made(text))
    assert counting.post().text == text


@pytest.mark.parametrize("key", ["", "x" * 256, "k\u00e9y", "tab\tkey"])
def test_keys__are_short_printable_ascii(counting: Counting, key: str):
    answer = counting.client.post("/act", headers={b"Idempotency-Key": key.encode("latin-1")})
    assert checked(answer).code == "idempotency_key"
    assert counting.acts == 0


def test_keys__may_be_written_as_the_draft_does(counting: Counting):
    counting.post(made())
    quoted = counting.client.post("/act", content="{}", headers={"Idempotency-Key": '"a-key"'})
    assert quoted.headers["idempotent-replayed"] == "true"


def test_two_keys__are_refused(counting: Counting):
    answer = counting.client.post(
        "/act", headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    )
    assert checked(answer).code == "idempotency_key"


def test_other_requests__pass(counting: Counting):
    counting.answers = [made(), made()]
    assert counting.client.post("/act").status_code == 201
    assert counting.client.post("/act").status_code == 201
    assert counting.client.get("/act", headers=KEY).status_code == 200
    assert counting.acts == 3


def test_long_body__is_refused_before_anything(counting: Counting):
    assert checked(counting.post(made(), body="x" * 1001)).status == 413
    assert counting.acts == 0


def test_casebook__that_cannot_be_written_to_stops_the_request(tmp_path: Path):
    (tmp_path / "casebook.sqlite").mkdir()
    counting = Counting(tmp_path)
    problem = checked(counting.post(made()))
    assert problem.status == 500
    assert counting.acts == 0


def test_keys__hold_for_a_day(counting: Counting):
    counting.post(made())
    assert counting.workspace.casebook.requests.forget(datetime.now(UTC) + KEPT) == 1
    counting.post(made())
    assert counting.acts == 2


def test_import__sent_twice_is_made_once(tmp_path: Path):
    app = service(Settings(data=tmp_path))
    with TestClient(app, base_url=BASE) as client:
        send = {
            "content": pack(row(GENESIS, "Pool")),
            "headers": KEY | {"Content-Type": "text/yaml"},
        }
        first = client.post("/v1/tags/imports", **send)
        again = client.post("/v1/tags/imports", **send)
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert len(client.get("/v1/tags/imports").json()["items"]) == 1
