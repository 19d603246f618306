"""Which clustering may confirm a peel chain."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from arien_flows.answers.peel_chain import peel_chain_answer
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import sqlite_url
from arien_flows.cli.peel_texts import peel_chain_lines
from arien_flows.entities.clustering import run_clustering
from arien_flows.tag_book import TagBook
from arien_flows.workspace import Reading
from tests.arien_flows.entities.test_peel_chains import peeling
from tests.ledgers import build_view


@pytest.fixture
def casebook(tmp_path: Path) -> Iterator[Casebook]:
    book = Casebook(sqlite_url(tmp_path / "casebook.sqlite"))
    yield book
    book.close()


@pytest.mark.parametrize(
    ("profile", "reasons", "said"),
    [
        ("strict", [], "can judge no hop"),
        ("wide", ["profile_joins_change", "exploration"], "not asked"),
    ],
)
def test_peel_chain_answer__asks_only_a_clustering_that_joins_no_change(
    casebook, profile, reasons, said
) -> None:
    view = build_view(peeling(6))
    clustering = run_clustering(view, None, profile)
    tags = TagBook(view, casebook, clustering)
    reading = Reading(view=view, clustering=clustering, clustering_gap="", tags=tags)
    answer = peel_chain_answer(reading, view.txid_text(1))
    assert [cut.reason for cut in answer.truncations] == reasons
    assert answer.complete == (reasons == [])
    assert (answer.validation.clustering is None) == (profile != "strict")
    assert f"Co-spend rule  {said}" in list(peel_chain_lines(answer))
