"""Which of model and votes is used unasked: what the script says of figures, and of the card's."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from arien_flows.entities.change_model import CARD

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def change_card() -> Iterator[ModuleType]:
    """Return the script's module; it stands beside others that import it by its bare name."""
    sys.path.insert(0, str(SCRIPTS))
    try:
        import change_card

        yield change_card
    finally:
        sys.path.remove(str(SCRIPTS))


def rates(found: float, wrong: float) -> dict[str, Any]:
    return {
        "true_positive_rate": found,
        "true_positive_interval": [found - 0.01, found + 0.01],
        "false_positive_rate": wrong,
    }


def judged(model: dict[str, Any], vote: dict[str, Any]) -> dict[str, Any]:
    return {"a week known": {"all": {"model": model, "vote": vote}}}


BETTER = judged(rates(0.6, 0.0001), rates(0.3, 0.0010))
NOT_MORE = judged(rates(0.31, 0.0001), rates(0.3, 0.0010))
LESS_SAFE = judged(rates(0.6, 0.0011), rates(0.3, 0.0010))


def test_verdict__of_the_shipped_trees_is_what_their_card_says(change_card: ModuleType) -> None:
    card = json.loads((files("arien_flows.entities") / "models" / CARD).read_bytes())
    told = change_card.verdict(card["evaluation"]["rows"], card["model_sha256"])
    assert told == (card["preferred"], card["reason"])
    assert card["preferred"] == "vote"
    assert card["reason"].startswith("on real payments the model ordered 24 outputs right and 15")
    assert card["history"] == list(change_card.HISTORY)
    assert card["warnings"] == list(change_card.WARNINGS)


def test_verdict__is_for_a_model_that_does_better_wherever_it_was_put(
    change_card: ModuleType,
) -> None:
    known = change_card.REAL_PAYMENTS
    as_good = replace(known, model_right=known.vote_right, model_wrong=known.vote_wrong)
    preferred, reason = change_card.verdict(BETTER, known.model_sha256, as_good)
    assert preferred == "model"
    assert reason.startswith("a week known: the model finds 0.6000 of the change")
    worse = replace(as_good, model_wrong=as_good.model_wrong + 1)
    preferred, reason = change_card.verdict(BETTER, known.model_sha256, worse)
    assert preferred == "vote"
    assert "46 outputs right and 11 wrong, the votes 46 and 10, and the model was sure of none" in (
        reason
    )


@pytest.mark.parametrize("figures", [NOT_MORE, LESS_SAFE])
def test_verdict__is_for_the_votes_where_the_model_does_no_better_on_simulated_rows(
    change_card: ModuleType, figures: dict[str, Any]
) -> None:
    known = change_card.REAL_PAYMENTS
    perfect = replace(known, model_right=82, model_wrong=0)
    both = BETTER | {"all known": figures["a week known"]}
    preferred, reason = change_card.verdict(both, known.model_sha256, perfect)
    assert preferred == "vote"
    assert "real payments" not in reason
    assert "all known: the model finds" in reason


def test_verdict__of_trees_that_nobody_put_to_real_payments_is_for_the_votes(
    change_card: ModuleType,
) -> None:
    perfect = replace(change_card.REAL_PAYMENTS, model_right=82, model_wrong=0)
    preferred, reason = change_card.verdict(BETTER, "00" * 32, perfect)
    assert preferred == "vote"
    assert reason.startswith("nobody has put these trees to real payments yet")
