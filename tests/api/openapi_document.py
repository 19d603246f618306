"""Writes the stored OpenAPI document and its examples anew: `python -m tests.api.openapi_document`.

Run it when the API was changed on purpose, and review the difference.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from api.description import EXAMPLES
from api.main import application, service
from arien_flows.settings import Settings
from arien_flows.warm_up import compile_kernels
from tests.account_chains import text_of as account_text
from tests.api.office_questions import office_answers
from tests.api.questions import COLLECTED, OF_ACCOUNT, WITHDRAWN, ask, questions
from tests.small_accounts import NETWORK as ACCOUNTS
from tests.small_accounts import SmallAccounts, make_small_accounts
from tests.small_case import SmallCase, make_small_case

STORED = EXAMPLES.with_name("openapi.json")
BYTES_ON_DISK = 1_000_000
SETTLED = {
    "imported_at": "2026-02-03T04:05:06Z",
    "imported_by": "an analyst",
    "withdrawn_at": "2026-02-04T04:05:06Z",
    "withdrawn_by": "an analyst",
}


def text_of(document: object) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


LINES_TO = 5
"""Depth down to which the stored document has a line for each part: a parameter, a field."""


def document_text(document: object, depth: int = 0) -> str:
    """Return the stored form of the document: lines that can be compared, but not too many."""
    if not isinstance(document, dict) or not document or depth == LINES_TO:
        return json.dumps(document, ensure_ascii=False)
    parts = (
        f"{' ' * (depth + 1)}{json.dumps(key, ensure_ascii=False)}: {document_text(it, depth + 1)}"
        for key, it in document.items()
    )
    return "{\n" + ",\n".join(parts) + f"\n{' ' * depth}}}" + ("" if depth else "\n")


BASE = "http://127.0.0.1:8000"


def examples(client: TestClient, case: SmallCase, accounts: SmallAccounts) -> dict[str, Any]:
    """Return a real answer per operation; sizes, users and moments that differ are made equal."""
    operations = [
        *questions(case),
        *COLLECTED,
        OF_ACCOUNT,
        "make_trace",
        "find_paths",
        "find_exposure",
        "look_up",
        "import_tags",
        WITHDRAWN,
    ]
    answers = {operation: ask(client, case, operation).json() for operation in operations}
    of_accounts = TestClient(service(Settings(data=accounts.data)), base_url=BASE)
    answers["rank_accounts_around"] = of_accounts.get(
        f"/v1/{ACCOUNTS}/addresses/{account_text('alice')}/next"
    ).json()
    with tempfile.TemporaryDirectory() as folder:
        answers |= office_answers(case, Path(folder))
    _settle(answers)
    for status in answers["list_networks"]["items"]:
        status["bytes_on_disk"] = BYTES_ON_DISK
    return answers


def _settle(answer: Any) -> None:
    """Replace when and by whom something was done, wherever it stands."""
    if isinstance(answer, list):
        for item in answer:
            _settle(item)
    if isinstance(answer, dict):
        for field, value in answer.items():
            if field in SETTLED and value is not None:
                answer[field] = SETTLED[field]
            _settle(value)


def main() -> None:
    compile_kernels()
    with tempfile.TemporaryDirectory() as folder:
        case = make_small_case(Path(folder))
        accounts = make_small_accounts(Path(folder) / "accounts")
        client = TestClient(service(Settings(data=case.data)), base_url=BASE)
        EXAMPLES.write_text(text_of(examples(client, case, accounts)), encoding="utf-8")
    STORED.write_text(document_text(application(Settings()).openapi()), encoding="utf-8")


if __name__ == "__main__":
    main()
