"""The command line in tests: no settings of the developer's own environment."""

import os

import pytest


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("ARIEN_") and not name.startswith("ARIEN_TEST_"):
            monkeypatch.delenv(name)
