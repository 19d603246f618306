"""What a model or a count of votes makes of outputs whose truth is known."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from change_ground_truth import Judged

from arien_flows.entities.change_model import FEATURE_NAMES
from arien_flows.evaluation.proportions import Proportion
from heuristics.change import VOTES_NEEDED
from heuristics.change_features import STRATUM_NAMES
from heuristics.change_rates import PUBLISHED
from heuristics.change_rules import MODEL_VOTES
from heuristics.forest import WHOLE_PPM

GOALS = (0.0001, 0.0005, 0.001, 0.005, 0.01)
"""False-positive rates at which reach is told."""


def wilson(hits: int, count: int) -> list[float]:
    """Return the 95 % interval of a share; the whole of 0 to 1 where nothing was counted."""
    if count == 0:
        return [0.0, 1.0]
    return [round(end, 6) for end in Proportion(hits=hits, trials=count).interval]


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


def refusal(refused: np.ndarray, is_change: np.ndarray) -> dict[str, Any]:
    """Return how often outputs that were said not to be the change are it after all."""
    wrong, changes = int((refused & is_change).sum()), int(is_change.sum())
    return {
        "payments_refused": int((refused & ~is_change).sum()),
        "payments": int((~is_change).sum()),
        "changes_refused": wrong,
        "changes": changes,
        "changes_refused_rate": round(wrong / max(changes, 1), 6),
        "changes_refused_interval": wilson(wrong, changes),
    }


def reach(score: np.ndarray, is_change: np.ndarray) -> dict[str, float]:
    """Return the true-positive rate at each false-positive rate of `GOALS`."""
    order = np.argsort(-score.astype(np.int64), kind="stable")
    ranked, found = score[order], is_change[order]
    last = np.ones(len(ranked), dtype=np.bool_)
    last[:-1] = ranked[1:] != ranked[:-1]
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


def strata(rows: Judged) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the strata that occur."""
    for stratum, name in STRATUM_NAMES.items():
        chosen = rows.stratum == stratum
        if chosen.any():
            yield name, chosen


def vote_says(rows: Judged, needed: int) -> np.ndarray:
    """Return which outputs the threshold vote takes for the change."""
    return rows.lead >= needed


def model_says(probability: np.ndarray, tau_ppm: int) -> np.ndarray:
    """Return which outputs the model takes for the change; of two at once, neither."""
    said = probability > tau_ppm
    both = np.repeat(said[0::2] & said[1::2], 2)
    return said & ~both


def comparison(
    rows: Judged, probability: np.ndarray, tau_plus: int, tau_minus: int
) -> dict[str, Any]:
    """Return what model and vote make of the same rows, population by population."""
    table = {}
    for name, chosen in slices(rows):
        is_change = rows.is_change[chosen]
        votes = {str(k): outcome(vote_says(rows, k)[chosen], is_change) for k in range(1, 11)}
        table[name] = {
            "model": outcome(model_says(probability, tau_plus)[chosen], is_change),
            "model_refuses": refusal(probability[chosen] < tau_minus, is_change),
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
    for name, chosen in strata(rows):
        for low, high in pairwise(edges):
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


def precision_of_votes(rows: Judged) -> dict[str, dict[str, Any]]:
    """Return how often each vote is right here, beside how often it was found to be elsewhere.

    Where the two lie far apart, simulated wallets do not behave like those that were observed.
    """
    table = {}
    for column, rule in enumerate(MODEL_VOTES):
        votes_for = rows.features[:, column] > 0
        right, count = int((votes_for & rows.is_change).sum()), int(votes_for.sum())
        published = PUBLISHED.get(rule)
        table[FEATURE_NAMES[column]] = {
            "votes": count,
            "precision": round(right / max(count, 1), 4),
            "interval": wilson(right, count),
            "published_precision": published and published.precision_ppm / WHOLE_PPM,
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
