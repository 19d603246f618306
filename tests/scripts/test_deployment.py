"""The files for a deployment: read, since nothing here runs containers."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from arien_flows.cli.main import COMMANDS
from arien_flows.settings import VARIABLES
from tests.test_house import PACKAGES

FOLDER = Path(__file__).parents[2] / "scripts" / "deployment"
DOCKERFILE = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = (FOLDER / "compose.yaml").read_text(encoding="utf-8")


@pytest.fixture
def services() -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load(COMPOSE)["services"]
    return made


@pytest.mark.parametrize("text", [DOCKERFILE, COMPOSE])
def test_deployment__sets_what_there_is_to_set(text: str):
    assert set(re.findall(r"ARIEN_[A-Z_]+", text)) <= set(VARIABLES)


def test_dockerfile__copies_every_package_and_runs_as_nobody_in_particular():
    for package in PACKAGES:
        assert f"COPY {package} {package}\n" in DOCKERFILE
    assert DOCKERFILE.index("\nUSER arien\n") < DOCKERFILE.index("\nENTRYPOINT")


def test_compose__listens_on_loopback_only_and_runs_commands_that_there_are(services):
    for name in ("api", "worker"):
        service = services[name]
        assert service["command"][0] in COMMANDS
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
        assert service["read_only"] is True
        assert service["environment"]["ARIEN_ACCOUNTS"] == "1"
    assert "ports" not in services["database"]


def test_compose__holds_no_secret():
    assert "PASSWORD:" not in COMPOSE
    assert not re.search(r"://[^\s/@]+:[^\s@]+@", COMPOSE)
