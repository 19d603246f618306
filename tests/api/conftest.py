"""The service over the small ledger, called without a network; with accounts and without."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import ASGIApp

from api.main import application, service
from arien_flows.access.roles import Role
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.access_records import NewKey, NewPerson
from arien_flows.casebook.book import Casebook
from arien_flows.settings import Settings
from arien_flows.warm_up import compile_kernels
from arien_flows.workspace import Workspace
from tests.small_case import SmallCase

BASE = "http://127.0.0.1:8000"


@pytest.fixture(scope="session")
def client(small_case: SmallCase) -> Iterator[TestClient]:
    # Where nothing was compiled yet, the service would say for a minute that it is not ready.
    compile_kernels()
    settings = Settings(data=small_case.data, page_rows=50, body_bytes=16_384)
    with TestClient(service(settings), base_url=BASE, raise_server_exceptions=False) as client:
        yield client


class Accounts:
    """A service with accounts over an empty data folder, and whoever uses it.

    `accounts.client(Role.ANALYST)` calls with a key of an analyst who is made by the way;
    `accounts.client(Role.ANALYST, "ann")` with one of hers. The same one is the same client.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.app: ASGIApp = service(settings)
        self.casebook: Casebook = Workspace(settings).casebook
        self._clients: dict[str, TestClient] = {}

    def client(
        self, role: Role, name: str | None = None, *, clearance: Tlp = Tlp.RED
    ) -> TestClient:
        """Return a client that calls with a key."""
        who = name or f"an {role.value}"
        if who not in self._clients:
            key = self.key(role, who, clearance=clearance)
            self._clients[who] = self.anonymous({"Authorization": f"Bearer {key}"})
        return self._clients[who]

    def key(self, role: Role, name: str, *, clearance: Tlp = Tlp.RED) -> str:
        """Return a new key of somebody, who is made where nobody has the name."""
        made, _ = self.casebook.keys.make_with_owner(
            NewKey(owner=name),
            NewPerson(name=name, role=role, clearance=clearance),
            now=datetime.now(UTC),
            by="the tests",
        )
        return made.text

    def anonymous(self, headers: dict[str, str] | None = None) -> TestClient:
        """Return a client of the same service that sends these headers and no key."""
        return TestClient(
            self.app, base_url=BASE, raise_server_exceptions=False, headers=headers or {}
        )

    def close(self) -> None:
        """Close what was opened."""
        self.casebook.close()


@pytest.fixture(scope="session")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    """Return a service with accounts that no test relies on being empty. Name a case or not."""
    settings = Settings(
        data=tmp_path_factory.mktemp("accounts"),
        accounts=True,
        case_required=False,
        rate_per_minute=0,
    )
    made = Accounts(settings)
    # Begun and ended once, as a server does it: what is open is closed at the end.
    with TestClient(made.app, base_url=BASE):
        yield made
    made.close()


AccountsClient = Callable[..., TestClient]


@pytest.fixture(scope="session")
def accounts_client(accounts: Accounts) -> AccountsClient:
    """Return `accounts.client`: from a role, and perhaps a name, to a client with a key."""
    return accounts.client


@pytest.fixture(scope="session")
def bare_application() -> FastAPI:
    """Return routes without layers around them; who uses them sets `state.workspace` first.

    The framework takes seconds to make them, so tests share them.
    """
    return application(Settings())
