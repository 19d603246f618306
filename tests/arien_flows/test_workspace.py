"""Earlier states of a ledger are made once each, and hold up nobody else."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from arien_flows import workspace
from arien_flows.casebook.engine import shown
from arien_flows.errors import InputError
from arien_flows.settings import Settings
from arien_flows.workspace import EARLIER_KEPT, OpenNetwork, Reading, Workspace, casebook_url
from tests.small_case import NETWORK, SmallCase

PATIENCE = 60


@pytest.fixture
def opened(small_case: SmallCase) -> OpenNetwork:
    return Workspace(Settings(data=small_case.data)).open(NETWORK)


def itself(reading: Reading) -> Reading:
    return reading


def test_ask__others_are_answered_while_an_earlier_state_is_made(
    opened: OpenNetwork, monkeypatch: pytest.MonkeyPatch
):
    begun, may_end, made = Event(), Event(), []

    def slow(reading: Reading, _derived: Path, height: int) -> Reading:
        made.append(height)
        begun.set()
        assert may_end.wait(PATIENCE)
        return reading

    monkeypatch.setattr(workspace, "reading_as_of", slow)
    with ThreadPoolExecutor(4) as threads:
        try:
            asked = [threads.submit(opened.ask, itself, height=3) for _ in range(2)]
            assert begun.wait(PATIENCE)
            present = threads.submit(opened.ask, itself).result(PATIENCE)
            threads.submit(opened.holdings).result(PATIENCE)
        finally:
            may_end.set()
        assert [each.result(PATIENCE) for each in asked] == [present, present]
    assert made == [3]


def test_ask__keeps_the_earlier_states_that_were_asked_last(
    opened: OpenNetwork, monkeypatch: pytest.MonkeyPatch
):
    made = []

    def counted(reading: Reading, _derived: Path, height: int) -> Reading:
        made.append(height)
        return reading

    monkeypatch.setattr(workspace, "reading_as_of", counted)
    for height in (0, *range(1, EARLIER_KEPT), 0, EARLIER_KEPT, 0, 1):
        opened.ask(itself, height=height)
    assert made == [*range(EARLIER_KEPT + 1), 1]


def test_ask__an_earlier_state_that_failed_is_made_again(
    opened: OpenNetwork, monkeypatch: pytest.MonkeyPatch
):
    def failing(_reading: Reading, _derived: Path, _height: int) -> Reading:
        raise OSError("the disk is away")

    with monkeypatch.context() as patched:
        patched.setattr(workspace, "reading_as_of", failing)
        with pytest.raises(OSError, match="away"):
            opened.ask(itself, height=3)
    earlier = opened.ask(itself, height=3)
    assert earlier.view.tip.height == 3
    assert earlier.tags_are_later
    with pytest.raises(InputError, match="--as-of 3"):
        opened.ask(itself, height=3, clusters_anew=False)


def test_casebook_url__takes_the_password_from_its_file(tmp_path: Path):
    file = tmp_path / "password"
    file.write_text("a:b/c@d\n")
    settings = Settings(casebook="postgresql://arien@db/arien", casebook_password_file=file)
    url = casebook_url(settings)
    assert url.password == "a:b/c@d"  # noqa: S105 of no server
    assert shown(url) == "postgresql+psycopg://arien:***@db/arien"
    assert "a:b" not in repr(settings)
