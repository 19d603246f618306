"""Roles on documents that nobody here wrote for these rules: the simulation's, and saved pages."""

import re
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from arien_flows.extraction.context import Context, PageOwner
from arien_flows.extraction.reading import read_text
from arien_flows.extraction.roles import judge
from arien_flows.extraction.scan import scan
from arien_flows.simulation.chain import write_chain
from arien_flows.simulation.listings import Document, documents
from arien_flows.simulation.parameters import SMALLEST, Parameters
from arien_flows.simulation.plan import make_plan
from arien_flows.simulation.vendors import vendors_of

ROLES = {
    "pay_to": "pay_to",
    "donation": "boilerplate",
    "feedback": "feedback",
    "example": "quoted",
    "warning": "quoted",
}
"""What a rule must say of each role that the simulation's documents have."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Document]:
    """Return the documents of the smallest chain."""
    plan = make_plan(Parameters(transactions=SMALLEST, seed=1))
    _, book = write_chain(plan, tmp_path_factory.mktemp("blocks"))
    return documents(book, vendors_of(plan))


def owner_of(raw: bytes) -> PageOwner | None:
    named = re.search(rb"Vendor: ([^<]+)</h2>", raw)
    if named is None:
        return None
    begin, end = named.span(1)
    return PageOwner(name=named[1].decode(), market="M", begin=begin, end=end)


@pytest.mark.slow
def test_judge__is_right_about_every_document_of_the_simulation(made: list[Document]) -> None:
    seen: Counter[str] = Counter()
    for document in made:
        raw = document.text.encode()
        kind = "text/html" if document.file.endswith(".html") else "text/plain"
        text = read_text(raw, kind)
        decisions = judge(text, scan(text), Context(owner=owner_of(raw)))
        told = [(each.found.address, each.role.value) for each in decisions]
        truth = [(each.address, ROLES[each.role]) for each in document.mentions]
        assert sorted(told) == sorted(truth), document.file
        for each in decisions:
            assert each.attributes == (each.role.value == "pay_to")
            assert each.owner == (document.vendor if each.attributes else None)
        seen.update(each.role for each in document.mentions)
    assert set(seen) == set(ROLES)


@pytest.mark.slow
def test_judge__attributes_nobody_on_saved_pages_of_real_markets(shared_data: Path) -> None:
    """Whoever the page is said to be about: it shows no vendor's address."""
    owner = PageOwner(name="somebody", market="M", begin=0, end=1)
    pages = 0
    with tarfile.open(shared_data / "dnm_html" / "pages.tar.gz") as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is None:
                continue
            raw = file.read()
            text = read_text(raw, "application/octet-stream")
            assert text.byte_at[-1] == len(raw)
            for each in judge(text, scan(text), Context(owner=owner)):
                assert not each.attributes, (member.name, each)
            pages += 1
    assert pages > 150
