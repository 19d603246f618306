"""Whatever is asked, the service answers as its description says, and never fails.

Requests are made up from the description itself. So that they reach something, names of networks,
addresses and transactions are often replaced by those of the small ledgers.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from httpx2 import InvalidURL
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.main import application, service
from arien_flows.settings import Settings
from arien_flows.warm_up import compile_kernels
from tests.account_chains import text_of as account_text
from tests.api.conftest import BASE
from tests.postgres import Server
from tests.small_accounts import NETWORK as ACCOUNTS
from tests.small_accounts import SmallAccounts
from tests.small_case import NETWORK, SmallCase

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = int(os.environ.get("ARIEN_TEST_EXAMPLES", "3"))
"""Requests per operation; a long run by hand takes hundreds."""

load_all_checks()
DESCRIPTION = application(Settings()).openapi()
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)
OPERATIONS = {each.ok().label: each.ok() for each in SCHEMA.get_all_operations()}
WRITING = [label for label in OPERATIONS if not label.startswith("GET")]


@pytest.fixture(scope="module")
def folder(
    small_case: SmallCase, small_accounts: SmallAccounts, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a data folder with both small ledgers, which may be written to."""
    data = tmp_path_factory.mktemp("conformance") / "data"
    copytree(small_case.data, data)
    copytree(small_accounts.data / ACCOUNTS, data / ACCOUNTS)
    return data


@pytest.fixture(scope="module")
def asked(folder: Path) -> Iterator[TestClient]:
    # Where nothing was compiled yet, the service would say for a minute that it is not ready.
    compile_kernels()
    app = service(Settings(data=folder, body_bytes=100_000))
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def asked_on_postgresql(folder: Path, postgresql_server: Server) -> Iterator[TestClient]:
    address = postgresql_server.make_database("conformance")
    app = service(Settings(data=folder, casebook=address, body_bytes=100_000))
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
        yield client
    app_closes(app)
    postgresql_server.drop_database("conformance")


def app_closes(app: Any) -> None:
    """Close the casebook of a service, which lies under its layers."""
    while not hasattr(app, "state"):
        app = app.app
    app.state.workspace.casebook.close()


def real(case: SmallCase) -> dict[str, list[Any]]:
    """Return values that mean something, by the names of parameters and fields."""
    addresses = [case.address(name) for name in ("alice", "bob", "exchange")]
    addresses.append(account_text("alice"))
    return {
        "network": [NETWORK, ACCOUNTS],
        "address": addresses,
        "a": addresses,
        "b": addresses,
        "txid": [case.txid("pay"), case.txid("join")],
        "number": [1],
        "origin": addresses,
        "destination": addresses,
        "sources": [[address] for address in addresses],
        "subjects": [[address] for address in addresses],
        "items": [[*addresses, "x"]],
    }


def put(client: TestClient, label: str, mode: GenerationMode, known: dict[str, list[Any]]) -> None:
    """Put made-up requests of an operation to the service, and judge the answers."""
    operation = OPERATIONS[label]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def check(case: Any, data: st.DataObject) -> None:
        parts = (case.path_parameters, case.query, case.body)
        for part in (each for each in parts if isinstance(each, dict)):
            for name in sorted(set(part) & set(known)):
                if data.draw(st.integers(0, 3)):
                    part[name] = data.draw(st.sampled_from(known[name]))
        told = {key: it for key, it in case.as_transport_kwargs().items() if it is not None}
        cookies = told.pop("cookies", {})
        if cookies:
            told["headers"]["Cookie"] = "; ".join(f"{key}={it}" for key, it in cookies.items())
        if isinstance(told.get("data"), str | bytes):
            told["content"] = told.pop("data")
        try:
            response = client.request(**told)
        except (InvalidURL, UnicodeEncodeError, ValueError):
            return  # nothing that a client could send
        case.validate_response(response, checks=CHECKS)

    check()


@pytest.mark.parametrize("label", OPERATIONS)
def test_operations__answer_as_described(asked: TestClient, small_case: SmallCase, label: str):
    put(asked, label, GenerationMode.POSITIVE, real(small_case))


@pytest.mark.parametrize("label", OPERATIONS)
def test_operations__refuse_what_is_not_as_described(
    asked: TestClient, small_case: SmallCase, label: str
):
    put(asked, label, GenerationMode.NEGATIVE, real(small_case))


@pytest.mark.parametrize("label", WRITING)
def test_writing__answers_alike_on_postgresql(
    asked_on_postgresql: TestClient, small_case: SmallCase, label: str
):
    put(asked_on_postgresql, label, GenerationMode.POSITIVE, real(small_case))
