"""Train the change model on simulated chains, judge it on others, write it with its card.

    python scripts/train_change_model.py            # about a quarter of an hour; replaces the model
    python scripts/train_change_model.py --tiny --output FOLDER

Chains of the wallet family "training" train, calibrate and set the thresholds; chains of the
family "evaluation", whose programs and seeds nothing here has seen, only judge. Within training,
rows are split by the sender's wallet program (hence by owner, too): each score that calibrates or
sets a threshold comes from trees that never saw the program that it is about.

Candidates are boosted trees that learn the owners' answer or the recipe's (see
`change_ground_truth`); both are judged by the owners'. The better one at its own threshold is
taken. `HISTORY` (in `change_card`) tells what was tried before.

Prints the card as JSON.
"""

import argparse
import hashlib
import json
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from change_calibration import (
    FOLDS,
    calibrate,
    held_out_scores,
    least_taken,
    most_refused,
)
from change_card import GOAL_PPM, HISTORY, WARNINGS, verdict
from change_ground_truth import Judged, judged_chain, together
from change_judging import (
    comparison,
    model_says,
    outcome,
    precision_of_votes,
    reach,
    recipe_quality,
    reliability,
)
from change_trees import CANDIDATES, Candidate, exported, grow

from arien_flows.entities import change_model
from arien_flows.simulation.parameters import SMALLEST, Parameters
from heuristics.change_features import MODEL_VERSION, SERVICE_HOPS, STRATUM_NAMES
from heuristics.forest import Calibration, Forest, calibrated, scores

MODELS = Path(change_model.__file__).parent / "models"

MOST_TRAINED = 40_000
"""Transactions that one fit sees."""


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
    evaluation_seeds=(911, 912),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """A candidate, judged on the training chains by trees that never saw the sender's program."""

    candidate: Candidate
    calibration: Calibration
    probability: np.ndarray
    tau_plus: int
    told: dict[str, Any]
    """What the card says of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The trees that are taken, and their thresholds."""

    forest: Forest
    best: HeldOut
    tau_minus: int

    def probability(self, rows: Judged) -> np.ndarray:
        """Return what they say of rows, in millionths."""
        return calibrated(self.best.calibration, scores(self.forest, rows.features), rows.stratum)

    def compared(self, rows: Judged, probability: np.ndarray) -> dict[str, Any]:
        """Return what they and the votes make of rows."""
        return comparison(rows, probability, self.best.tau_plus, self.tau_minus)


def train(plan: Plan, report: Callable[[str], None]) -> tuple[bytes, dict[str, Any]]:
    """Return the model file's content and the card's, but for the checksum of its answers."""
    training = chains(plan, "training", plan.training_seeds, report)
    tried = [held_out(candidate, training, plan.most, report) for candidate in plan.candidates]
    best = max(tried, key=lambda each: each.told["found"]["true_positive_rate"])
    forest = exported(grow(best.candidate, training, plan.most))
    tau_minus = most_refused(best.probability, training)
    trained = Trained(forest=forest, best=best, tau_minus=tau_minus)
    report(f"chosen: {best.candidate.name}, tau {tau_minus} {best.tau_plus}")
    content = model_file(trained)
    evaluation = chains(plan, "evaluation", plan.evaluation_seeds, report)
    judged, evaluated = _evaluated(plan, evaluation, trained)
    checksum = hashlib.sha256(content).hexdigest()
    preferred, reason = verdict(judged, checksum)
    return content, {
        "version": MODEL_VERSION,
        "model_sha256": checksum,
        "answers_sha256": "",
        "preferred": preferred,
        "reason": reason,
        "population": "simulated",
        "warnings": list(WARNINGS),
        "history": list(HISTORY),
        "trees": {"kind": best.candidate.name, "trees": len(forest.first_node) - 1}
        | {"nodes": len(forest.feature), "votes_may_not_lower_a_probability": True},
        "stratum": f"service-like: {SERVICE_HOPS} payments in a row with one input and two outputs",
        "training": _training_told(plan, training, trained, tried),
        "thresholds": {
            "tau_plus_ppm": best.tau_plus,
            "tau_minus_ppm": tau_minus,
            "chosen_for_ppm": GOAL_PPM,
            "on": "held-out wallet programs of the training chains, in every stratum",
        },
        "evaluation": evaluated,
        "made_with": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
        },
    }


def held_out(
    candidate: Candidate, training: Judged, most: int, report: Callable[[str], None]
) -> HeldOut:
    """Return how a candidate does on rows that its trees never saw."""
    score, fold = held_out_scores(candidate, training, most)
    calibration = calibrate(score, training)
    probability = calibrated(calibration, score, training.stratum)
    tau_plus = least_taken(probability, training, fold)
    told = {
        "tau_plus_ppm": tau_plus,
        "found": outcome(model_says(probability, tau_plus), training.is_change),
        "reach": reach(probability, training.is_change),
    }
    report(f"{candidate.name}: {told}")
    return HeldOut(
        candidate=candidate,
        calibration=calibration,
        probability=probability,
        tau_plus=tau_plus,
        told=told,
    )


def model_file(trained: Trained) -> bytes:
    """Return the model file's content."""
    model = {
        "version": MODEL_VERSION,
        "features": list(change_model.FEATURE_NAMES),
        "strata": list(STRATUM_NAMES.values()),
        "made_for": change_model.made_for(),
        "tau_plus_ppm": trained.best.tau_plus,
        "tau_minus_ppm": trained.tau_minus,
        "forest": {name: column.tolist() for name, column in trained.forest._asdict().items()},
        "calibration": {
            name: column.tolist() for name, column in trained.best.calibration._asdict().items()
        },
    }
    return (json.dumps(model, separators=(",", ":")) + "\n").encode()


def _training_told(
    plan: Plan, training: Judged, trained: Trained, tried: list[HeldOut]
) -> dict[str, Any]:
    return _chains_told("training", plan, plan.training_seeds, training) | {
        "split": f"{FOLDS} folds by the sender's wallet program, hence also by owner",
        "recipe": recipe_quality(training),
        "candidates_held_out": {each.candidate.name: each.told for each in tried},
        "held_out": trained.compared(training, trained.best.probability),
        "precision_of_votes": precision_of_votes(training.where(~training.week)),
    }


def _evaluated(
    plan: Plan, evaluation: Judged, trained: Trained
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the tables that the verdict rests on, and with them the card's part."""
    seen = trained.probability(evaluation)
    judged, reliable = {}, {}
    for name, chosen in (("a week known", evaluation.week), ("all known", ~evaluation.week)):
        rows = evaluation.where(chosen)
        judged[name] = trained.compared(rows, seen[chosen])
        reliable[name] = reliability(rows, seen[chosen])
    return judged, _chains_told("evaluation", plan, plan.evaluation_seeds, evaluation) | {
        "recipe": recipe_quality(evaluation),
        "rows": judged,
        "calibration": reliable,
        "precision_of_votes": precision_of_votes(evaluation.where(~evaluation.week)),
    }


def _chains_told(family: str, plan: Plan, seeds: tuple[int, ...], rows: Judged) -> dict[str, Any]:
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
            judged_chain(Parameters(transactions=plan.transactions, seed=seed, wallets=family))
        )
        report(f"{family} chain {seed}: {len(parts[-1].is_change):,} rows")
    return together(parts)


def write(content: bytes, card: dict[str, Any], folder: Path) -> None:
    """Write model and card; the card names the checksum of the model's answers, too."""
    read = change_model.read_model(content, json.dumps(card).encode())
    card["answers_sha256"] = change_model.answers_checksum(read)
    text = json.dumps(card, indent=1) + "\n"
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

    content, card = train(TINY if options.tiny else FULL, report)
    write(content, card, options.output)
    print(json.dumps(card, indent=1))


if __name__ == "__main__":
    main()
