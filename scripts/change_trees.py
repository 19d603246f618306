"""Growing the trees of the change model with scikit-learn, and taking them over as whole numbers.

Trees are not allowed to lower a probability because of a vote *for* an output. Simulated wallets
pick coins less sparingly than real ones, and without that rule a model learns that "optimal
change" speaks against an output, which on the real chain is wrong.

Nor may they ask for an output's share of the value or for its place, though both are among the
features: these are habits of a simulated economy. Of 82 real payments whose change later
co-spending shows (blocks 100,000 to 102,000), change was the smaller output in 83 %, in the
simulation the larger one in 59 %; a forest that was free to ask put the outputs of 62 in the
wrong order and of 11 in the right one, the plain count of votes 10 and 46. So only votes tell one
output from the other, and the other facts say how much they weigh.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from change_ground_truth import Judged
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from arien_flows.entities.change_model import FOREST_TYPES
from heuristics.change_features import VOTE_COUNT, Fact
from heuristics.forest import LEAF, Forest

SEED = 1_337
NANO = 1_000_000_000
UNASKED = [VOTE_COUNT + Fact.VALUE_SHARE_PPM, VOTE_COUNT + Fact.OUTPUT_INDEX]
RISES = [1] * VOTE_COUNT + [0] * len(Fact)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What trees are to learn."""

    answer: str
    """Which answer: "owners'" or "recipe's"."""

    @property
    def name(self) -> str:
        """What a card calls it."""
        return f"boosted trees, {self.answer} answer"


CANDIDATES = (Candidate(answer="owners'"), Candidate(answer="recipe's"))


def grow(candidate: Candidate, rows: Judged, most: int) -> Any:
    """Return a classifier of scikit-learn, fitted on at most so many transactions."""
    answer = rows.is_change
    if candidate.answer == "recipe's":
        rows = rows.where(rows.has_recipe)
        answer = rows.recipe_change
    pairs = len(answer) // 2
    random = np.random.default_rng(SEED)
    chosen = np.sort(random.choice(pairs, size=min(pairs, most), replace=False))
    index = (2 * chosen[:, None] + [0, 1]).ravel()
    classifier = HistGradientBoostingClassifier(
        max_iter=150,
        max_leaf_nodes=15,
        min_samples_leaf=20,
        early_stopping=False,
        monotonic_cst=RISES,
        random_state=SEED,
    )
    features = rows.features[index]
    # What is the same everywhere splits nothing.
    features[:, UNASKED] = 0
    # On one thread sums are made in one order, so that every run grows the same trees.
    with threadpool_limits(limits=1):
        return classifier.fit(features, answer[index])


def exported(classifier: Any) -> Forest:
    """Return a fitted classifier's trees.

    A leaf holds billionths of a logit. Features are whole numbers, so a threshold rounded down asks
    the same question.
    """
    trees = [_tree(each.nodes) for (each,) in classifier._predictors]
    trees[0]["value"] += round(float(classifier._baseline_prediction.ravel()[0]) * NANO)
    sizes = [len(tree["feature"]) for tree in trees]
    first = np.concatenate([[0], np.cumsum(sizes)])
    columns: dict[str, np.ndarray] = {
        name: np.concatenate([tree[name] for tree in trees])
        for name in ("feature", "threshold", "left", "right", "value")
    }
    inner = columns["feature"] != LEAF
    offset = np.repeat(first[:-1], sizes)
    for child in ("left", "right"):
        columns[child] = np.where(inner, columns[child] + offset, 0)
    columns["value"] = np.where(inner, 0, columns["value"])
    columns["threshold"] = np.where(inner, columns["threshold"], 0)
    return Forest(
        first_node=first.astype(np.int32),
        **{name: column.astype(FOREST_TYPES[name]) for name, column in columns.items()},
    )


def _tree(nodes: np.ndarray) -> dict[str, np.ndarray]:
    is_leaf = nodes["is_leaf"] == 1
    threshold = np.where(is_leaf, 0, nodes["num_threshold"])
    return {
        "feature": np.where(is_leaf, LEAF, nodes["feature_idx"].astype(np.int64)),
        "threshold": np.floor(threshold).astype(np.int64),
        "left": nodes["left"].astype(np.int64),
        "right": nodes["right"].astype(np.int64),
        "value": np.rint(nodes["value"] * NANO).astype(np.int64),
    }
