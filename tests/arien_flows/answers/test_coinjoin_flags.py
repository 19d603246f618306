"""What is said of a CoinJoin on the answer about its transaction, design by design."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from arien_flows.answers.facts import Flag
from arien_flows.answers.transaction import transaction_answer
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import sqlite_url
from arien_flows.entities.clustering import run_clustering
from arien_flows.tag_book import TagBook
from arien_flows.workspace import Reading
from heuristics.rules import rule_named
from tests.arien_flows.casebook.packs import bring_in, pack, row
from tests.arien_flows.entities.test_coinjoins import (
    DECOY,
    MIX,
    MIXES,
    NUMBER,
    OPENING,
    PAIR,
    PAYJOIN,
    rounds,
)
from tests.ledgers import Tx, build_view, text_of_name


@pytest.fixture
def casebook(tmp_path: Path) -> Iterator[Casebook]:
    book = Casebook(sqlite_url(tmp_path / "casebook.sqlite"))
    yield book
    book.close()


def inferred(casebook: Casebook, chain: Sequence[Tx], number: int) -> dict[str, Flag]:
    """Return what rules say of a transaction, by the names of the flags."""
    view = build_view(chain)
    clustering = run_clustering(view, None)
    tags = TagBook(view, casebook, clustering)
    reading = Reading(view=view, clustering=clustering, clustering_gap="", tags=tags)
    answer = transaction_answer(reading, view.txid_text(number), limit=10)
    flags = {flag.name: flag for flag in answer.flags if flag.certainty == "inference"}
    for flag in flags.values():
        assert flag.rule is not None
        for said in flag.rule.split(", "):
            name, version = said.split()
            assert rule_named(name).version == int(version)
    return flags


@pytest.mark.parametrize(
    ("chain", "number", "name", "words"),
    [
        (
            [*OPENING, MIX],
            1,
            "coinjoin_shape",
            "CoinJoin without a known coordinator: 3 equal outputs of 0.00040000 tBTC; confidence "
            "of the rule's source: 49 of 100; below the threshold of reports; clustering leaves "
            "it out to be safe",
        ),
        (
            [*OPENING, DECOY],
            1,
            "coinjoin_shape_vetoed",
            "CoinJoin without a known coordinator: 2 equal outputs of 0.00050000 tBTC; confidence "
            "of the rule's source: not measured; another rule objects, so it is not called a "
            "CoinJoin; clustering leaves it out",
        ),
        (
            [*OPENING, PAIR],
            1,
            "coinjoin_possible",
            "a CoinJoin of two cannot be ruled out: two could have paid for equal outputs; "
            "confidence of the rule's source: not measured; strict clustering leaves it out to be "
            "safe; no report calls it a CoinJoin",
        ),
        (
            MIXES,
            NUMBER["third"],
            "coinjoin_shape",
            "Whirlpool mix: 5 coins of 0.01000000 tBTC; confidence of the rule's source: 60 of "
            "100; its coins come from mixes of the pool or from a Tx0, as far as two mixes back; "
            "taken for a CoinJoin; clustering leaves it out",
        ),
        (
            MIXES,
            NUMBER["tx0-0"],
            "coinjoin_preparation",
            "Whirlpool Tx0: one owner splits 2 coins for the pool of 0.01000000 tBTC and pays its "
            "fee; confidence of the rule's source: 90 of 100; no CoinJoin itself: clustering "
            "joins its inputs",
        ),
        (
            rounds([100_000, 100_000, 50_000, 50_000, 20_000, 10_000]),
            2,
            "coinjoin_shape",
            "Wasabi 2 round: at least 2 participants, 2 equal outputs of 0.00100000 tBTC and 3 "
            "other amounts; confidence of the rule's source: not measured; taken for a CoinJoin; "
            "clustering leaves it out",
        ),
    ],
)
def test_coinjoin_flags__says_what_a_coinjoin_is_taken_for(
    casebook, chain, number, name, words
) -> None:
    flags = inferred(casebook, chain, number)
    assert list(flags) == [name]
    assert flags[name].detail == words


def test_coinjoin_flags__a_payjoin_is_a_remark_and_no_coinjoin(casebook) -> None:
    flags = inferred(casebook, [*OPENING, PAYJOIN], 1)
    assert list(flags) == ["payjoin_possible"]
    assert "Clustering joins its inputs all the same" in flags["payjoin_possible"].detail


def test_coinjoin_flags__a_tag_of_an_exchange_objects(casebook) -> None:
    text = f'"{text_of_name("in1")}"'
    told = pack(row(text, "Exchange", category="exchange", confidence="ownership"))
    bring_in(casebook, told, network="bitcoin-regtest")
    (flag,) = inferred(casebook, [*OPENING, MIX], 1).values()
    assert flag.name == "coinjoin_shape_vetoed"
    assert flag.rule is not None
    assert flag.rule.endswith("coinjoin_exchange 1")
