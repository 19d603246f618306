"""`/v1/batches`: a table is sent, a worker answers it, the answers are fetched."""

import csv
import io
import json
import shutil
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from api.errors import Problem
from api.main import service
from arien_flows.batch.answer_shapes import BatchAnswer, BatchRows
from arien_flows.batch.job import INPUT
from arien_flows.jobs.folder import JOBS
from arien_flows.settings import Settings
from arien_flows.worker.handlers import HANDLERS
from arien_flows.worker.loop import Worker
from arien_flows.workspace import Workspace
from tests.api.conftest import BASE
from tests.arien_flows.batch.small_tables import PRIVATE_KEY
from tests.small_case import NETWORK, SmallCase

CSV = {"Content-Type": "text/csv"}


@pytest.fixture(scope="module")
def settings(small_case: SmallCase, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    data = tmp_path_factory.mktemp("batches") / "data"
    shutil.copytree(small_case.data, data)
    return Settings(data=data, page_rows=50, body_bytes=2_048, batch_bytes=20_000)


@pytest.fixture(scope="module")
def desk(settings: Settings) -> Iterator[TestClient]:
    with TestClient(service(settings), base_url=BASE, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def table(small_case: SmallCase) -> str:
    rows = [small_case.address("alice"), small_case.address("exchange"), "nonsense", PRIVATE_KEY]
    return "address,note\n" + "\n".join(f"{row},n{place}" for place, row in enumerate(rows))


def work(settings: Settings) -> None:
    space = Workspace(settings)
    Worker(space, name="tester", handlers=HANDLERS).run_waiting()
    space.casebook.close()


@pytest.fixture(scope="module")
def done(desk: TestClient, settings: Settings, table: str) -> str:
    """Return the path of a batch that a worker has made."""
    response = desk.post(
        "/v1/batches?name=list.csv&trace=forward", content=table.encode(), headers=CSV
    )
    assert response.status_code == 202
    path = response.headers["location"]
    begun = TypeAdapter(BatchAnswer).validate_json(response.content)
    assert (begun.state, begun.table.rows, begun.table.faults) == ("queued", 2, 2)
    waiting = desk.get(f"{path}/rows")
    assert waiting.status_code == 409
    assert waiting.json()["code"] == "not_ready"
    work(settings)
    return path


def test_batch__tells_how_its_rows_came_out(desk: TestClient, done: str):
    response = desk.get(done)
    answer = TypeAdapter(BatchAnswer).validate_json(response.content)
    assert answer.state == "succeeded"
    assert answer.counts == {"invalid": 2, "ok": 2}
    assert {file.name for file in answer.files} >= {
        "summary.csv", "transfers.csv", "exposure.csv", "errors.csv", "report.xlsx",
        "manifest.json", "rows.jsonl",
    }  # fmt: skip
    assert [item["id"] for item in desk.get("/v1/batches").json()["items"]] == [answer.id]


def test_batch__answers_rows_in_pages_and_as_lines(desk: TestClient, done: str, small_case):
    first = desk.get(f"{done}/rows?limit=3")
    page = TypeAdapter(BatchRows).validate_json(first.content)
    assert [row.status for row in page.items] == ["ok", "ok", "invalid"]
    assert page.items[0].subject == small_case.address("alice")
    assert 'rel="next"' in first.headers["link"]
    rest = desk.get(f"{done}/rows?limit=3&cursor={page.next_cursor}").json()
    assert rest["next_cursor"] is None
    lines = desk.get(f"{done}/rows", headers={"Accept": "application/jsonl"})
    assert lines.headers["content-type"].startswith("application/jsonl")
    told = [json.loads(line) for line in lines.text.splitlines()]
    assert told == [*first.json()["items"], *rest["items"]]


def test_batch__gives_out_its_files(desk: TestClient, done: str):
    response = desk.get(f"{done}/files/summary.csv")
    assert response.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert [line["note"] for line in lines] == ["n0", "n1", "n2", "n3"]
    assert desk.get(f"{done}/files/state.json").status_code == 404
    assert desk.get(f"{done}/files/{INPUT}").status_code == 404


def test_batch__keeps_private_keys_nowhere(desk: TestClient, done: str, settings: Settings):
    assert desk.get(done).status_code == 200
    files = [path for path in (settings.data / JOBS).rglob("*") if path.is_file()]
    assert any(path.name == INPUT for path in files)
    assert not any(PRIVATE_KEY.encode() in path.read_bytes() for path in files)
    assert PRIVATE_KEY.encode() not in (settings.data / "casebook.sqlite").read_bytes()


def test_batch__takes_rows_as_json(desk: TestClient, settings: Settings, small_case: SmallCase):
    rows = [
        {"address": small_case.address("bob"), "direction": "backward", "from": "2009-01-01"},
        {"address": small_case.address("bob"), "note": '=HYPERLINK("x")'},
    ]
    response = desk.post(
        f"/v1/batches?network={NETWORK}&exposure=false&risk=false&trace=forward",
        json={"rows": rows},
    )
    assert response.status_code == 202
    work(settings)
    found = desk.get(f"{response.headers['location']}/rows").json()["items"]
    assert [row["row"] for row in found] == [2, 3]
    assert (found[0]["backward"] is not None, found[0]["forward"]) == (True, None)
    assert found[1]["forward"] is not None
    assert found[0]["risk"] is None


@pytest.mark.parametrize(
    ("headers", "content", "query", "status", "code"),
    [
        ({"Content-Type": "image/png"}, b"x", "", 415, "media_type"),
        (CSV, b"", "", 422, None),
        (CSV, b"address\nnonsense\n", "", 422, "no_row_usable"),
        (CSV, b"address\n" + b"x" * 20_000, "", 413, "too_large"),
        (CSV, b"address\nx\n", "?trace=sideways", 422, "invalid_request"),
        (CSV, b"address\nx\n", "?network=dogecoin", 404, None),
        (CSV, b"address\nx\n", "?unknown=1", 422, "invalid_request"),
        ({"Content-Type": "application/json"}, b'{"rows": [{"addres": "x"}]}', "", 422, None),
        ({"Content-Type": "application/json"}, b"{", "", 422, None),
    ],
)
def test_batch__refuses_what_is_no_table(desk: TestClient, headers, content, query, status, code):
    response = desk.post(f"/v1/batches{query}", content=content, headers=headers)
    assert response.status_code == status
    document = TypeAdapter(Problem).validate_json(response.content)
    assert code is None or document.code == code
    assert b"Traceback" not in response.content


def test_batch__names_the_faults_of_rows_it_refuses(desk: TestClient):
    sent = f"address\n{PRIVATE_KEY}\n".encode()
    response = desk.post("/v1/batches", content=sent, headers=CSV)
    assert response.json()["errors"][0]["code"] == "private_key"
    assert PRIVATE_KEY not in response.text


def test_batch__is_not_found_by_another_name(desk: TestClient, done: str):
    assert desk.get("/v1/batches/batch_00000000000000000000000000").status_code == 404
    job = desk.get(done).json()["job"].rpartition("/")[2]
    assert desk.get(f"/v1/batches/{job}").status_code == 404


def test_body__may_be_longer_for_tables_alone(desk: TestClient, table: str):
    longer = (table + "\n" + "\n".join(f"nonsense-{i}," for i in range(200))).encode()
    assert 2_048 < len(longer) < 20_000
    assert desk.post("/v1/batches", content=longer, headers=CSV).status_code == 202
    assert desk.post("/v1/traces", content=longer, headers=CSV).status_code == 413
