"""Roles of an address that took part in a CoinJoin."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from arien_flows.answers.roles import roles_answer
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import sqlite_url
from arien_flows.cli.role_texts import roles_lines
from arien_flows.entities.clustering import run_clustering
from arien_flows.tag_book import TagBook
from arien_flows.workspace import Reading
from tests.arien_flows.entities.test_coinjoins import MIX, OPENING
from tests.ledgers import build_view, text_of_name


@pytest.fixture
def casebook(tmp_path: Path) -> Iterator[Casebook]:
    book = Casebook(sqlite_url(tmp_path / "casebook.sqlite"))
    yield book
    book.close()


def test_roles_answer__tells_of_coinjoins_that_were_left_out(casebook) -> None:
    view = build_view([*OPENING, MIX])
    clustering = run_clustering(view, None)
    tags = TagBook(view, casebook, clustering)
    reading = Reading(view=view, clustering=clustering, clustering_gap="", tags=tags)
    answer = roles_answer(reading, text_of_name("in0"))
    assert not answer.complete
    (cut,) = answer.truncations
    assert (cut.where, cut.reason) == ("features of the entity", "coinjoins")
    assert cut.detail.startswith("1 CoinJoin, where nobody can tell who paid whom; counts are at ")
    text = "\n".join(roles_lines(answer, with_features=False))
    assert "Read     of the entity: addresses 1, transactions 1, CoinJoins left out 1\n" in text
    assert "Left out: features of the entity (coinjoins). 1 CoinJoin, " in text
    undecided = sum(role.verdict == "undecided" for role in answer.roles)
    assert undecided > 0
    assert f"Roles    none holds; {undecided} undecided\n" in text
    other = roles_answer(reading, text_of_name("in3"))
    assert other.complete
