"""A workspace over either database, without a ledger."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from tests.arien_flows.casebook.conftest import address  # noqa: F401 a fixture


@pytest.fixture
def workspace(address: str, tmp_path: Path) -> Iterator[Workspace]:  # noqa: F811
    made = Workspace(Settings(data=tmp_path / "data", casebook=address, file_bytes=10_000))
    yield made
    made.casebook.close()
