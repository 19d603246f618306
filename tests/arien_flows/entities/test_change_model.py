import json
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.entities import change_model
from arien_flows.entities.change_model import (
    CARD,
    FEATURE_NAMES,
    MODEL,
    ChangeModel,
    DamagedModelError,
    ModelDecisions,
    answers_checksum,
    blocks_of,
    load_model,
    model_decisions,
    probabilities,
    read_model,
)
from arien_flows.entities.change_model import fact_columns as fact_columns_of
from arien_flows.entities.change_votes import VoteSources, votes_of
from arien_flows.ledger.view import View
from heuristics.change_columns import Blocks
from heuristics.change_features import MODEL_VERSION, change_rows
from heuristics.change_rules import ChangeRule
from tests.arien_flows.entities.random_chains import random_chain, view_at
from tests.heuristics.test_change_features import excluded_of, fact_columns, votes_as_of
from tests.heuristics.wallet_cases import SmallLedger, change_columns, random_ledger

FOLDER = files("arien_flows.entities") / "models"
seeds = st.integers(0, 2**32)


def contents() -> tuple[bytes, bytes]:
    return (FOLDER / MODEL).read_bytes(), (FOLDER / CARD).read_bytes()


def test_load_model__is_the_one_that_the_card_describes() -> None:
    model = load_model()
    card = json.loads(contents()[1])
    assert model.version == card["version"] == MODEL_VERSION
    assert model.card == card
    assert model.preferred == card["preferred"]
    assert (model.tau_minus_ppm, model.tau_plus_ppm) == (
        card["thresholds"]["tau_minus_ppm"],
        card["thresholds"]["tau_plus_ppm"],
    )
    assert card["population"] == "simulated"
    assert len(contents()[0]) < 1_000_000


def test_load_model__was_judged_by_wallets_that_it_never_saw() -> None:
    card = load_model().card
    assert card["training"]["wallets"] == "training"
    assert card["evaluation"]["wallets"] == "evaluation"
    assert not set(card["training"]["seeds"]) & set(card["evaluation"]["seeds"])
    assert min(card[part]["wallet_programs"] for part in ("training", "evaluation")) >= 20


@pytest.mark.slow
def test_load_model__answers_as_on_the_machine_where_it_was_judged() -> None:
    assert answers_checksum(load_model()) == load_model().card["answers_sha256"]


def test_read_model__refuses_a_model_and_a_card_that_do_not_belong_together() -> None:
    model, card = contents()
    with pytest.raises(DamagedModelError, match="do not belong together"):
        read_model(model.replace(b"1", b"2", 1), card)


@pytest.mark.parametrize("name", ["features", "strata", "made_for", "version"])
def test_read_model__refuses_a_model_made_for_something_else(name: str) -> None:
    model, card = contents()
    other = json.loads(model)
    other[name] = 99
    content = json.dumps(other).encode()
    told = json.loads(card) | {"model_sha256": change_model.hashlib.sha256(content).hexdigest()}
    with pytest.raises(DamagedModelError, match=name):
        read_model(content, json.dumps(told).encode())


def test_feature_names__are_as_many_as_the_source_has() -> None:
    assert len(set(FEATURE_NAMES)) == 35
    assert FEATURE_NAMES[0] == "vote_optimal_change"
    assert FEATURE_NAMES[26] == "value_share_ppm"


def eager() -> ChangeModel:
    """Return the model with thresholds that random chains reach."""
    return replace(load_model(), tau_plus_ppm=300_000, tau_minus_ppm=200_000)


def decisions_of(ledger: SmallLedger, model: ChangeModel) -> ModelDecisions:
    votes, blocks = votes_as_of(ledger, ledger.blocks)
    columns, facts = change_columns(ledger), fact_columns(ledger)
    return model_decisions(model, columns, facts, blocks, votes, excluded_of(ledger))


@given(seeds)
def test_model_decisions__are_the_rows_beyond_the_thresholds(seed: int) -> None:
    ledger, model = random_ledger(seed, 12), eager()
    votes, blocks = votes_as_of(ledger, 12)
    rows = change_rows(
        change_columns(ledger),
        fact_columns(ledger),
        blocks,
        votes,
        excluded_of(ledger),
        0,
        len(ledger.transactions),
    )
    told = list(
        zip(
            rows.transaction.tolist(),
            rows.output.tolist(),
            rows.input_address.tolist(),
            rows.output_address.tolist(),
            probabilities(model, rows).tolist(),
            strict=True,
        )
    )
    expected = []
    for one, other in zip(told[0::2], told[1::2], strict=True):
        for row, neighbour in ((one, other), (other, one)):
            is_change = row[4] > model.tau_plus_ppm and neighbour[4] <= model.tau_plus_ppm
            if is_change or row[4] < model.tau_minus_ppm:
                expected.append(row)
    found = zip(*(column.tolist() for column in decisions_of(ledger, model)), strict=True)
    assert list(found) == expected


@given(seeds)
def test_model_decisions__do_not_depend_on_how_many_are_made_at_a_time(seed: int) -> None:
    ledger = random_ledger(seed, 8)
    whole = decisions_of(ledger, eager())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(change_model, "CHUNK_TRANSACTIONS", 3)
        parts = decisions_of(ledger, eager())
    for all_rows, in_parts in zip(whole, parts, strict=True):
        assert all_rows.dtype == in_parts.dtype
        assert all_rows.tolist() == in_parts.tolist()


def test_model_decisions__of_random_chains_go_both_ways() -> None:
    model = eager()
    found = [decisions_of(random_ledger(seed, 20), model) for seed in range(10)]
    probability = np.concatenate([each.probability_ppm for each in found])
    assert (probability > model.tau_plus_ppm).any()
    assert (probability < model.tau_minus_ppm).any()


def test_model_decisions__of_no_transactions_are_none() -> None:
    ledger = random_ledger(1, 3)
    decided = model_decisions(
        load_model(),
        change_columns(ledger),
        fact_columns(ledger),
        Blocks(np.array([2, 2]), np.array([2])),
        np.zeros((0, len(ChangeRule)), dtype=np.int8),
        np.zeros(0, dtype=np.uint8),
    )
    assert [len(column) for column in decided] == [0] * 5


def decided_in_view(view: View, first_block: int, last_block: int, lag: int) -> list[list[int]]:
    """Return the eager model's decisions about some blocks of a ledger, as rows."""
    sources, found = VoteSources.of(view), []

    def excluded(start: int, stop: int) -> np.ndarray:
        return np.zeros(stop - start, dtype=np.uint8)

    for voted in votes_of(
        sources, excluded, lag=lag, first_block=first_block, last_block=last_block
    ):
        decided = model_decisions(
            eager(),
            sources.columns,
            fact_columns_of(view),
            blocks_of(view, voted, lag),
            voted.votes,
            excluded(voted.start, voted.stop),
        )
        found += np.column_stack(list(decided)).tolist()
    return found


@pytest.mark.slow
@given(st.integers(0, 2**16), st.integers(1, 10), st.integers(0, 3))
def test_model_decisions__about_a_ledger_do_not_depend_on_when_they_are_made(
    seed: int, cut: int, lag: int
) -> None:
    chain = random_chain(seed, 14)
    view, settled = view_at(chain), 14 - lag
    cut = min(cut, settled)
    at_once = decided_in_view(view, 0, settled, lag)
    before = decided_in_view(view_at(chain, cut + lag), 0, cut, lag)
    assert at_once == before + decided_in_view(view, cut, settled, lag)
