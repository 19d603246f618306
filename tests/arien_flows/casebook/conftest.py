"""One suite for both databases: each test runs with a SQLite file and with PostgreSQL."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import database_url

_NUMBERS = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'casebook.sqlite'}"
        return
    server = request.getfixturevalue("postgresql_server")
    name = f"test-{next(_NUMBERS)}"
    yield server.make_database(name)
    server.drop_database(name)


@pytest.fixture
def casebook(address: str) -> Iterator[Casebook]:
    book = Casebook(database_url(address))
    yield book
    book.close()
