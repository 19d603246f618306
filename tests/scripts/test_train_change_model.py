"""The exported forest gives the library's own answers; the whole script runs end to end."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from arien_flows.entities.change_model import CARD, MODEL, read_model
from heuristics.change_features import FEATURE_COUNT, VOTE_COUNT
from heuristics.forest import check_forest, scores

SCRIPTS = Path(__file__).parents[2] / "scripts"
NANO = 1_000_000_000


@pytest.fixture
def trees() -> Iterator[ModuleType]:
    """Return the script's module; it stands beside others that import it by its bare name."""
    pytest.importorskip("sklearn", reason="scikit-learn trains models; install the group training")
    sys.path.insert(0, str(SCRIPTS))
    try:
        import change_trees

        yield change_trees
    finally:
        sys.path.remove(str(SCRIPTS))


def random_features(rows: int) -> np.ndarray:
    """Return votes and facts; the larger facts go up to what 32-bit floats hold exactly."""
    random = np.random.default_rng(7)
    votes = random.integers(-1, 2, (rows, VOTE_COUNT))
    facts = random.integers(0, 1 << 24, (rows, FEATURE_COUNT - VOTE_COUNT))
    facts[:, ::2] %= 7
    return np.concatenate([votes, facts], axis=1).astype(np.int32)


def random_rows(trees: ModuleType, features: np.ndarray) -> Any:
    """Return rows whose answers follow the features as far as noise allows."""
    random = np.random.default_rng(8)
    leaning = features[:, :5].sum(axis=1) + (features[:, -2] > 1 << 23)
    answer = leaning + random.normal(size=len(features)) > 0.5
    nothing = np.zeros(len(features), dtype=np.uint8)
    return trees.Judged(
        features=features,
        stratum=nothing,
        is_change=answer,
        has_recipe=np.ones(len(features), dtype=np.bool_),
        recipe_change=~answer,
        style=nothing,
        is_service=nothing,
        lead=nothing,
        week=nothing,
    )


@pytest.mark.slow
@pytest.mark.parametrize("place", range(2))
def test_exported__answers_as_the_library_does(trees: ModuleType, place: int) -> None:
    candidate = trees.CANDIDATES[place]
    features = random_features(4_000)
    classifier = trees.grow(candidate, random_rows(trees, features), 1_500)
    forest = trees.exported(classifier)
    check_forest(forest, FEATURE_COUNT)
    unseen = np.concatenate([features, random_features(8_000)[4_000:]])
    expected = classifier.predict_proba(unseen)[:, 1]
    score = scores(forest, unseen)
    probability = 1 / (1 + np.exp(-score / NANO))
    # A millionth, as probabilities are given; in fact it is the rounding of the leaves.
    assert np.abs(probability - expected).max() < 1e-6
    assert 0.05 < (expected > 0.5).mean() < 0.95


@pytest.mark.slow
def test_exported__never_answers_less_for_one_more_vote(trees: ModuleType) -> None:
    """Even where the answers it learned from say the opposite."""
    features = random_features(2_000)
    rows = random_rows(trees, features)
    forest = trees.exported(trees.grow(trees.CANDIDATES[1], rows, 1_000))
    for vote in range(VOTE_COUNT):
        against, for_it = features.copy(), features.copy()
        against[:, vote], for_it[:, vote] = -1, 1
        assert (scores(forest, for_it) >= scores(forest, against)).all()


@pytest.mark.slow
def test_train_change_model__writes_a_model_and_its_card(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn trains models; install the group training")
    done = subprocess.run(
        [sys.executable, SCRIPTS / "train_change_model.py", "--tiny", "--output", tmp_path],
        check=True,
        capture_output=True,
        text=True,
    )
    card = json.loads(done.stdout)
    assert json.loads((tmp_path / CARD).read_text()) == card
    model = read_model((tmp_path / MODEL).read_bytes(), (tmp_path / CARD).read_bytes())
    assert model.preferred == "vote"
    assert "the votes 46" not in card["reason"]
    assert card["training"]["seeds"] != card["evaluation"]["seeds"]
    assert 0 <= model.tau_minus_ppm < model.tau_plus_ppm <= 1_000_000
    for table in card["evaluation"]["rows"].values():
        assert table["all"]["model"]["changes"] == table["all"]["vote"]["changes"] > 1_000


@pytest.mark.slow
def test_train_change_model__does_not_replace_the_model_by_a_tiny_one() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn trains models; install the group training")
    done = subprocess.run(
        [sys.executable, SCRIPTS / "train_change_model.py", "--tiny"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "another --output" in done.stderr
