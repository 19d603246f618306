"""The service over the small ledger, called without a network."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api.main import service
from arien_flows.settings import Settings
from tests.small_case import SmallCase

BASE = "http://127.0.0.1:8000"


@pytest.fixture(scope="session")
def client(small_case: SmallCase) -> Iterator[TestClient]:
    settings = Settings(data=small_case.data, page_rows=50, body_bytes=16_384)
    with TestClient(service(settings), base_url=BASE, raise_server_exceptions=False) as client:
        yield client
