"""The page in a real browser: follows money, opens a node, and moves nothing that was there.

Needs a Chromium on the path (`scripts/install-chromium`); in CI its absence is a failure. What a
look at a screenshot tells is not tested here.
"""

import os
import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from tests.e2e.test_serve import address  # noqa: F401  # the service as a process
from tests.small_case import SmallCase

SECONDS = 90


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Any]:  # noqa: F811  # the fixture imported above
    """Open the start page; after the test nothing may have been asked of anybody else."""
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser_path is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("no Chromium on the path: run scripts/install-chromium")
    told: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"]
        )
        opened = browser.new_page(viewport={"width": 1400, "height": 1000})
        opened.on("console", lambda message: told.append(message.text))
        opened.on("pageerror", lambda error: told.append(str(error)))
        opened.on("request", lambda sent: told.append(sent.url) if _is_foreign(sent.url) else None)
        opened.goto(address)
        yield opened
        browser.close()
    assert told == []


def _is_foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "data:"))


def until(page: Any, condition: str) -> None:
    """Wait for a condition; the page's own policy forbids the waiting that Playwright offers."""
    deadline = time.monotonic() + SECONDS
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        time.sleep(0.05)


def places(page: Any) -> dict[str, list[int]]:
    """Return where the drawn nodes are, from the page's own drawing."""
    found: dict[str, list[int]] = page.evaluate(
        "Object.fromEntries(shown.graph.nodes.map((n) => [n.id, [n.x, n.y]]))"
    )
    return found


def follow(page: Any, source: str) -> None:
    until(page, "document.getElementById('network').options.length > 0")
    page.fill("#sources", source)
    page.click("#trace button")
    until(page, "shown !== null")


def test_page__draws_what_the_service_answers(page: Any, small_case: SmallCase):
    follow(page, small_case.address("alice"))
    drawn = page.evaluate("[...document.querySelectorAll('#flow .node')].map((n) => n.dataset.id)")
    assert sorted(drawn) == sorted(places(page))
    lines = page.evaluate("document.querySelectorAll('#flow .edge').length")
    assert lines == page.evaluate("shown.graph.edges.length")
    text = page.inner_text("#result")
    assert page.evaluate("shown.manifest.result_sha256") in text
    assert "Method: fifo, forward" in text
    assert all(cut in text for cut in page.evaluate("shown.truncations.map((c) => c.detail)"))


def test_page__opens_a_node_and_moves_no_other(page: Any, small_case: SmallCase):
    follow(page, small_case.address("alice"))
    before = places(page)
    page.focus(f'[data-id="{next(iter(before))}"]')
    page.keyboard.press("Enter")
    page.click("#open")
    until(page, "steps.length === 1")
    after = places(page)
    assert {name: after.get(name) for name in before} == before
    page.click("#undo")
    until(page, "steps.length === 0")
    assert places(page) == before


@pytest.mark.parametrize("level", ["address", "transaction", "entity"])
def test_page__changes_what_nodes_are(page: Any, small_case: SmallCase, level: str):
    follow(page, small_case.address("alice"))
    page.select_option("#level", level)
    until(page, f"shown !== null && shown.graph.level === '{level}'")
    page.select_option("#policy", "haircut")
    until(page, "shown !== null && shown.request.policy === 'haircut'")
    assert page.evaluate("shown.graph.level") == level
    page.select_option("#policy", "fifo")
    until(page, "shown !== null && shown.request.policy === 'fifo'")
