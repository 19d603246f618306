"""One suite for both databases where it matters."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.arien_flows.intake.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.casebook.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """Return a desk whose casebook is a file, and one whose casebook is on a server."""
    if request.param == "sqlite":
        made = Desk(tmp_path)
        yield made
        made.casebook.close()
        return
    server = request.getfixturevalue("postgresql_server")
    name = f"intake-{tmp_path.name}"[:60]
    made = Desk(tmp_path, server.make_database(name))
    yield made
    made.casebook.close()
    server.drop_database(name)
