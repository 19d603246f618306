"""One suite for both databases."""

from collections.abc import Iterator

import pytest

from arien_flows.audit.log import AuditLog
from arien_flows.casebook.engine import database_url
from tests.arien_flows.casebook.conftest import address as address


@pytest.fixture
def log(address: str) -> Iterator[AuditLog]:
    made = AuditLog(database_url(address))
    yield made
    made.close()
