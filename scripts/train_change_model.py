"""Train the change model on simulated chains, judge it on others, write it with its card.

    python scripts/train_change_model.py            # about half an hour; replaces the model
    python scripts/train_change_model.py --tiny --output FOLDER

Chains of the wallet family "training" train, calibrate and set the thresholds; chains of the
family "evaluation", whose programs and seeds nothing here has seen, only judge. Within training,
rows are split by the sender's wallet program (hence by owner, too): each score that calibrates or
sets a threshold comes from trees that never saw the program that it is about.

Candidates are boosted trees and a random forest, each trained on the owners' answer or on the
recipe's (see `change_ground_truth`), and all judged by the owners'. Trees are not allowed to
lower a probability because of a vote *for* an output, in either kind: simulated wallets pick
coins less sparingly than real ones, and without that rule a model learns that "optimal change"
speaks against an output, which on the real chain is wrong.

Prints the card as JSON.
"""

import argparse
import hashlib
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from change_ground_truth import Judged, judged_chain, together
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.isotonic import IsotonicRegression

from arien_flows.entities import change_model
from arien_flows.simulation.parameters import SMALLEST, Parameters
from heuristics.change_features import SERVICE_RECEIPTS, STRATUM_NAMES, VOTE_COUNT, Fact
from heuristics.forest import LEAF, WHOLE_PPM, Calibration, Forest, calibrated, scores

VERSION = 1
MODELS = Path(change_model.__file__).parent / "models"

SEED = 1_337
FOLDS = 5
MOST_TRAINED = 60_000
"""Transactions that one fit sees."""

GOAL_PPM = 500
"""Share of payments that may be taken for change: 0.05 %, as in the published comparison."""

VOTES_NEEDED = 7
GOALS = (0.0001, 0.0005, 0.001, 0.005, 0.01)

NANO = 1_000_000_000
SMALLEST_STEP = 100
"""Rows that a step of the calibration rests on, at least."""

FREE_FACTS = len(Fact)
RISES = [1] * VOTE_COUNT + [0] * FREE_FACTS

WARNINGS = (
    "Every figure here is simulated. Nobody has measured this model on the real chain, where "
    "owners are unknown.",
    "The published recipe for ground truth speaks of a biased choice of transactions: 39 % of "
    "them have three or more inputs against 8 % of the others, 39 % against 79 % have one "
    "(Moeser and Narayanan 2022, on the chain up to 2021, before taproot, ordinals and runes).",
    "The published forest lost most of its reach on payments between services: 6.9 % of the "
    "change found at 0.05 % false positives, against 80.1 % on its own held-out clusters.",
    "Simulated chains end within one or two epochs of 1,008 blocks, so the model knows nothing "
    "of how habits change over the years, and its trees do not ask for the epoch.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A way to grow trees."""

    trees: str
    answer: str
    """Which answer it learns: "owners" or "recipe"."""

    @property
    def name(self) -> str:
        return f"{self.trees}, {self.answer}' answer"


CANDIDATES = tuple(
    Candidate(trees=trees, answer=answer)
    for trees in ("boosted trees", "random forest")
    for answer in ("owners", "recipe")
)


# --- growing trees, and taking them over as whole numbers


def grow(candidate: Candidate, rows: Judged, most: int) -> Any:
    """Return a classifier of scikit-learn, fitted on at most so many transactions."""
    answer = rows.is_change
    if candidate.answer == "recipe":
        rows = rows.where(rows.has_recipe)
        answer = rows.recipe_change
    pairs = len(answer) // 2
    random = np.random.default_rng(SEED)
    chosen = np.sort(random.choice(pairs, size=min(pairs, most), replace=False))
    index = (2 * chosen[:, None] + [0, 1]).ravel()
    if candidate.trees == "boosted trees":
        classifier = HistGradientBoostingClassifier(
            max_iter=150,
            max_leaf_nodes=15,
            min_samples_leaf=20,
            early_stopping=False,
            monotonic_cst=RISES,
            random_state=SEED,
        )
    else:
        # The published parameters, with a bound on the size of a tree.
        classifier = RandomForestClassifier(
            100,
            max_features=7,
            min_samples_split=20,
            min_samples_leaf=10,
            max_leaf_nodes=200,
            monotonic_cst=RISES,
            random_state=SEED,
            n_jobs=2,
        )
    return classifier.fit(rows.features[index], answer[index])


def exported(classifier: Any) -> Forest:
    """Return a fitted classifier's trees.

    A leaf of a random forest holds the share of change among its rows, in billionths; a boosted
    one billionths of a logit. Features are whole numbers, so a threshold rounded down asks the
    same question.
    """
    if isinstance(classifier, RandomForestClassifier):
        trees = [_forest_tree(each.tree_) for each in classifier.estimators_]
    else:
        trees = [_boosted_tree(each.nodes) for (each,) in classifier._predictors]
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
        **{
            name: column.astype(change_model.FOREST_TYPES[name]) for name, column in columns.items()
        },
    )


def _forest_tree(tree: Any) -> dict[str, np.ndarray]:
    return {
        "feature": np.where(tree.children_left < 0, LEAF, tree.feature),
        "threshold": np.floor(tree.threshold).astype(np.int64),
        "left": tree.children_left.astype(np.int64),
        "right": tree.children_right.astype(np.int64),
        "value": np.rint(tree.value[:, 0, 1] * NANO).astype(np.int64),
    }


def _boosted_tree(nodes: np.ndarray) -> dict[str, np.ndarray]:
    is_leaf = nodes["is_leaf"] == 1
    threshold = np.where(is_leaf, 0, nodes["num_threshold"])
    return {
        "feature": np.where(is_leaf, LEAF, nodes["feature_idx"].astype(np.int64)),
        "threshold": np.floor(threshold).astype(np.int64),
        "left": nodes["left"].astype(np.int64),
        "right": nodes["right"].astype(np.int64),
        "value": np.rint(nodes["value"] * NANO).astype(np.int64),
    }


# --- judging


def wilson(hits: int, count: int) -> list[float]:
    """Return the 95 % interval of a share; the whole of 0 to 1 where nothing was counted."""
    if count == 0:
        return [0.0, 1.0]
    z, share = 1.959964, hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * (share * (1 - share) / count + z * z / (4 * count**2)) ** 0.5 / (1 + z * z / count)
    return [round(max(middle - half, 0.0), 6), round(min(middle + half, 1.0), 6)]


def outcome(said: np.ndarray, is_change: np.ndarray) -> dict[str, Any]:
    """Return how often outputs that were said to be the change are, with counts."""
    right, wrong = int((said & is_change).sum()), int((said & ~is_change).sum())
    changes, payments = int(is_change.sum()), int((~is_change).sum())
    return {
        "right": right,
        "wrong": wrong,
        "changes": changes,
        "payments": payments,
        "true_positive_rate": round(right / max(changes, 1), 6),
        "true_positive_interval": wilson(right, changes),
        "false_positive_rate": round(wrong / max(payments, 1), 6),
        "false_positive_interval": wilson(wrong, payments),
    }


def reach(score: np.ndarray, is_change: np.ndarray) -> dict[str, float]:
    """Return the true-positive rate at each false-positive rate of `GOALS`."""
    order = np.argsort(-score.astype(np.int64), kind="stable")
    ranked, found = score[order], is_change[order]
    last = np.append(ranked[1:] != ranked[:-1], [True] * bool(len(ranked)))
    right = np.cumsum(found)[last] / max(int(found.sum()), 1)
    wrong = np.cumsum(~found)[last] / max(int((~found).sum()), 1)
    return {str(goal): round(float(right[wrong <= goal].max(initial=0)), 4) for goal in GOALS}


def area(score: np.ndarray, is_change: np.ndarray) -> float:
    """Return the area under the curve: how often a change outscores a payment, ties as halves."""
    values, place = np.unique(score, return_inverse=True)
    changes = np.bincount(place[is_change], minlength=len(values))
    payments = np.bincount(place[~is_change], minlength=len(values))
    below = np.cumsum(payments) - payments
    pairs = max(int(changes.sum()) * int(payments.sum()), 1)
    return round(float((changes * (below + payments / 2)).sum() / pairs), 6)


def slices(rows: Judged) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the populations for which rates are told apart."""
    yield "all", np.ones(len(rows.is_change), dtype=np.bool_)
    for stratum, name in STRATUM_NAMES.items():
        yield name, rows.stratum == stratum
    yield "sent by a service", rows.is_service
    yield "sent by a person", ~rows.is_service
    yield "of which the recipe speaks", rows.has_recipe


def vote_says(rows: Judged, needed: int) -> np.ndarray:
    """Return which outputs the threshold vote takes for the change."""
    return rows.lead >= needed


def model_says(probability: np.ndarray, tau_ppm: int) -> np.ndarray:
    """Return which outputs the model takes for the change; of two at once, neither."""
    said = probability > tau_ppm
    both = np.repeat(said[0::2] & said[1::2], 2)
    return said & ~both


# --- calibration and thresholds


def held_out_scores(candidate: Candidate, rows: Judged, most: int) -> np.ndarray:
    """Return the score of each row by trees that saw nothing of the sender's wallet program."""
    styles, counts = np.unique(rows.style, return_counts=True)
    fold_of = np.empty(int(styles.max()) + 1, dtype=np.int64)
    # The commonest first, each to the fold that has fewest rows: folds of about one size.
    filled = np.zeros(FOLDS, dtype=np.int64)
    for i in np.argsort(-counts, kind="stable"):
        fold_of[styles[i]] = np.argmin(filled)
        filled[fold_of[styles[i]]] += counts[i]
    score = np.zeros(len(rows.style), dtype=np.int64)
    for fold in range(FOLDS):
        held_out = fold_of[rows.style] == fold
        forest = exported(grow(candidate, rows.where(~held_out), most))
        score[held_out] = scores(forest, rows.features[held_out])
    return score


def calibrate(score: np.ndarray, rows: Judged) -> Calibration:
    """Return the share of change among rows of each score, by stratum, as a rising staircase.

    A step of `n` rows, `k` of them change, stands for (k + 1) / (n + 2): no step claims more than
    its rows can carry.
    """
    first, least, probability = [0], [], []
    for stratum in STRATUM_NAMES:
        chosen = rows.stratum == stratum
        steps = _staircase(score[chosen], rows.is_change[chosen])
        least += [step[0] for step in steps]
        probability += [step[1] for step in steps]
        first.append(len(least))
    return Calibration(
        first_step=np.array(first, dtype=np.int32),
        least_score=np.array(least, dtype=np.int64),
        probability_ppm=np.array(probability, dtype=np.int32),
    )


def _staircase(score: np.ndarray, is_change: np.ndarray) -> list[tuple[int, int]]:
    if len(score) == 0:
        return [(0, WHOLE_PPM // 2)]
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    fitted = IsotonicRegression().fit_transform(ranked.astype(np.float64), is_change[order])
    steps: list[tuple[int, int]] = []
    begin = 0
    for end in [*(np.flatnonzero(np.diff(fitted)) + 1).tolist(), len(ranked)]:
        is_last = end == len(ranked)
        if end - begin < SMALLEST_STEP and not is_last:
            continue
        change = int(is_change[order[begin:end]].sum())
        share = WHOLE_PPM * (change + 1) // (end - begin + 2)
        if steps and share <= steps[-1][1]:
            share = steps[-1][1]
        else:
            steps.append((int(ranked[begin]), share))
        begin = end
    return steps


def least_taken(probability: np.ndarray, rows: Judged) -> int:
    """Return the least threshold from which on no stratum has more wrong answers than the goal."""
    lowest = WHOLE_PPM
    for tau in np.unique(probability)[::-1].tolist():
        said = model_says(probability, tau)
        if not all(_wrong_ppm(said, rows, chosen) <= GOAL_PPM for _, chosen in _strata(rows)):
            break
        lowest = int(tau)
    return lowest


def most_refused(probability: np.ndarray, rows: Judged) -> int:
    """Return the largest threshold below which no stratum has more of its change than the goal."""
    highest = 0
    for tau in np.unique(probability).tolist():
        missed = (probability < tau) & rows.is_change
        if not all(
            WHOLE_PPM * int(missed[chosen].sum()) <= GOAL_PPM * int(rows.is_change[chosen].sum())
            for _, chosen in _strata(rows)
        ):
            break
        highest = int(tau)
    return highest


def _strata(rows: Judged) -> Iterator[tuple[str, np.ndarray]]:
    for stratum, name in STRATUM_NAMES.items():
        chosen = rows.stratum == stratum
        if chosen.any():
            yield name, chosen


def _wrong_ppm(said: np.ndarray, rows: Judged, chosen: np.ndarray) -> int:
    payments = chosen & ~rows.is_change
    return WHOLE_PPM * int((said & payments).sum()) // max(int(payments.sum()), 1)


# --- the card


def comparison(rows: Judged, probability: np.ndarray, tau_plus: int) -> dict[str, Any]:
    """Return what model and vote make of the same rows, population by population."""
    table = {}
    for name, chosen in slices(rows):
        is_change = rows.is_change[chosen]
        votes = {
            str(k): outcome(vote_says(rows, k)[chosen], is_change) for k in range(1, 11)
        }
        table[name] = {
            "model": outcome(model_says(probability, tau_plus)[chosen], is_change),
            "model_area": area(probability[chosen], is_change),
            "model_reach": reach(probability[chosen], is_change),
            "vote": votes[str(VOTES_NEEDED)],
            "vote_area": area(rows.lead[chosen], is_change),
            "vote_reach": reach(rows.lead[chosen], is_change),
            **({"vote_by_lead": votes} if name == "all" else {}),
        }
    return table


def reliability(rows: Judged, probability: np.ndarray) -> list[dict[str, Any]]:
    """Return what share is change where the model says so much; by stratum and probability."""
    edges = [0, 1_000, 10_000, 100_000, 500_000, 900_000, 990_000, 999_000, WHOLE_PPM + 1]
    table = []
    for name, chosen in _strata(rows):
        for low, high in zip(edges[:-1], edges[1:], strict=True):
            here = chosen & (probability >= low) & (probability < high)
            count, change = int(here.sum()), int((here & rows.is_change).sum())
            if count:
                table.append(
                    {
                        "stratum": name,
                        "from_ppm": low,
                        "rows": count,
                        "said_ppm": round(float(probability[here].mean())),
                        "was_ppm": round(WHOLE_PPM * change / count),
                        "interval": wilson(change, count),
                    }
                )
    return table


def verdict(judged: dict[str, dict[str, Any]]) -> tuple[str, str]:
    """Return which of both a clustering should use, and why, by a rule fixed beforehand.

    The model must find more change than seven votes do, and take no more payments for change
    than these or than the goal, on every kind of evaluation rows.
    """
    reasons = []
    for hindsight, table in judged.items():
        model, vote = table["all"]["model"], table["all"]["vote"]
        more = model["true_positive_interval"][0] > vote["true_positive_interval"][1]
        bound = max(GOAL_PPM / WHOLE_PPM, vote["false_positive_rate"])
        safe = model["false_positive_rate"] <= bound
        reasons.append(
            f"{hindsight}: the model finds {model['true_positive_rate']:.4f} of the change at a "
            f"false-positive rate of {model['false_positive_rate']:.6f}, seven votes "
            f"{vote['true_positive_rate']:.4f} at {vote['false_positive_rate']:.6f}"
        )
        if not (more and safe):
            return "vote", "; ".join(reasons)
    return "model", "; ".join(reasons)


def precision_of_votes(rows: Judged) -> dict[str, dict[str, Any]]:
    """Return how often each vote is right, to compare with the published figures."""
    table = {}
    for column in range(VOTE_COUNT):
        votes_for = rows.features[:, column] > 0
        right, count = int((votes_for & rows.is_change).sum()), int(votes_for.sum())
        table[change_model.FEATURE_NAMES[column]] = {
            "votes": count,
            "precision": round(right / max(count, 1), 4),
            "interval": wilson(right, count),
        }
    return table


def recipe_quality(rows: Judged) -> dict[str, Any]:
    """Return how much the recipe reveals, and how much of that is true."""
    known = rows.where(rows.has_recipe & ~rows.week)
    right = int((known.recipe_change == known.is_change).reshape(-1, 2).all(axis=1).sum())
    count = len(known.is_change) // 2
    return {
        "transactions": int((~rows.week).sum()) // 2,
        "revealed": count,
        "right": right,
        "precision": round(right / max(count, 1), 6),
        "interval": wilson(right, count),
    }


# --- the run


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which chains are made, and how much is learned of them."""

    transactions: int
    training_seeds: tuple[int, ...]
    evaluation_seeds: tuple[int, ...]
    most: int
    candidates: tuple[Candidate, ...]


FULL = Plan(
    transactions=300_000,
    training_seeds=(101, 102, 103),
    evaluation_seeds=(901, 902),
    most=MOST_TRAINED,
    candidates=CANDIDATES,
)
TINY = Plan(
    transactions=SMALLEST,
    training_seeds=(101,),
    evaluation_seeds=(901,),
    most=1_000,
    candidates=CANDIDATES[:1],
)


def train(plan: Plan, report: Callable[[str], None]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the model file's content and the card's, without the checksum."""
    training = chains(plan, "training", plan.training_seeds, report)
    held_out, competition = {}, {}
    for candidate in plan.candidates:
        score = held_out_scores(candidate, training, plan.most)
        probability = calibrated(calibrate(score, training), score, training.stratum)
        held_out[candidate] = score
        competition[candidate.name] = reach(probability, training.is_change)
        report(f"{candidate.name}: {competition[candidate.name]}")
    best = max(plan.candidates, key=lambda c: competition[c.name][str(GOAL_PPM / WHOLE_PPM)])
    calibration = calibrate(held_out[best], training)
    probability = calibrated(calibration, held_out[best], training.stratum)
    tau_plus = least_taken(probability, training)
    tau_minus = most_refused(probability, training)
    forest = exported(grow(best, training, plan.most))
    report(f"chosen: {best.name}, tau {tau_minus} {tau_plus}, {len(forest.feature)} nodes")
    evaluation = chains(plan, "evaluation", plan.evaluation_seeds, report)
    seen = calibrated(calibration, scores(forest, evaluation.features), evaluation.stratum)
    judged, reliable = {}, {}
    for name, chosen in (("a week known", evaluation.week), ("all known", ~evaluation.week)):
        judged[name] = comparison(evaluation.where(chosen), seen[chosen], tau_plus)
        reliable[name] = reliability(evaluation.where(chosen), seen[chosen])
    preferred, reason = verdict(judged)
    model = {
        "version": VERSION,
        "features": list(change_model.FEATURE_NAMES),
        "strata": list(STRATUM_NAMES.values()),
        "made_for": change_model.made_for(),
        "tau_plus_ppm": tau_plus,
        "tau_minus_ppm": tau_minus,
        "forest": {name: column.tolist() for name, column in forest._asdict().items()},
        "calibration": {n: column.tolist() for n, column in calibration._asdict().items()},
    }
    card = {
        "version": VERSION,
        "model_sha256": "",
        "preferred": preferred,
        "reason": reason,
        "population": "simulated",
        "warnings": list(WARNINGS),
        "trees": {"kind": best.name, "trees": len(forest.first_node) - 1}
        | {"nodes": len(forest.feature), "votes_may_not_lower_a_probability": True},
        "stratum": f"service-like: an input's address was paid {SERVICE_RECEIPTS} times or more",
        "training": _chains_told("training", plan, plan.training_seeds, training)
        | {
            "split": f"{FOLDS} folds by the sender's wallet program, hence also by owner",
            "recipe": recipe_quality(training),
            "reach_held_out": competition,
            "held_out": comparison(training, probability, tau_plus),
            "precision_of_votes": precision_of_votes(training.where(~training.week)),
        },
        "thresholds": {
            "tau_plus_ppm": tau_plus,
            "tau_minus_ppm": tau_minus,
            "chosen_for_ppm": GOAL_PPM,
            "on": "held-out wallet programs of the training chains, in every stratum",
        },
        "evaluation": _chains_told("evaluation", plan, plan.evaluation_seeds, evaluation)
        | {
            "recipe": recipe_quality(evaluation),
            "rows": judged,
            "calibration": reliable,
            "precision_of_votes": precision_of_votes(evaluation.where(~evaluation.week)),
        },
        "made_with": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
        },
    }
    return model, card


def _chains_told(
    family: str, plan: Plan, seeds: tuple[int, ...], rows: Judged
) -> dict[str, Any]:
    return {
        "wallets": family,
        "seeds": list(seeds),
        "transactions_each": plan.transactions,
        "transactions_judged": int((~rows.week).sum()) // 2,
        "wallet_programs": len(np.unique(rows.style)),
    }


def chains(
    plan: Plan, family: Any, seeds: tuple[int, ...], report: Callable[[str], None]
) -> Judged:
    """Make the chains of a family, and return all their rows."""
    parts = []
    for seed in seeds:
        parts.append(
            judged_chain(
                Parameters(transactions=plan.transactions, seed=seed, wallets=family)
            )
        )
        report(f"{family} chain {seed}: {len(parts[-1].is_change):,} rows")
    return together(parts)


def write(model: dict[str, Any], card: dict[str, Any], folder: Path) -> None:
    """Write model and card; the card names the model's checksum."""
    content = (json.dumps(model, separators=(",", ":")) + "\n").encode()
    card["model_sha256"] = hashlib.sha256(content).hexdigest()
    text = json.dumps(card, indent=1) + "\n"
    change_model.read_model(content, text.encode())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / change_model.MODEL).write_bytes(content)
    (folder / change_model.CARD).write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="one smallest chain of each family")
    parser.add_argument("--output", type=Path, default=MODELS, help="where to write")
    options = parser.parse_args()
    if options.tiny and options.output == MODELS:
        parser.error("--tiny would replace the model by a useless one: name another --output")
    started = time.perf_counter()

    def report(text: str) -> None:
        print(f"{time.perf_counter() - started:7.0f} s  {text}", file=sys.stderr, flush=True)

    model, card = train(TINY if options.tiny else FULL, report)
    write(model, card, options.output)
    print(json.dumps(card, indent=1))


if __name__ == "__main__":
    main()
