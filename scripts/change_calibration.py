"""What the change model's scores mean, and where its thresholds lie: both from held-out rows."""

import numpy as np
from change_card import GOAL_PPM
from change_ground_truth import Judged
from change_judging import model_says, strata
from change_trees import Candidate, exported, grow
from sklearn.isotonic import IsotonicRegression

from heuristics.change_features import STRATUM_NAMES
from heuristics.forest import WHOLE_PPM, Calibration, scores

FOLDS = 5

SMALLEST_STEP = 100
"""Rows that a step of the calibration rests on, at least."""


def held_out_scores(candidate: Candidate, rows: Judged, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the score of each row by trees that saw nothing of the sender's wallet program.

    And the fold of each row: those of one fold have wallet programs that no other fold has.
    """
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
    return score, fold_of[rows.style]


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


def least_taken(probability: np.ndarray, rows: Judged, fold: np.ndarray) -> int:
    """Return the least threshold from which on neither stratum nor fold has too many wrong answers.

    A fold is a group of wallet programs that were unknown to the trees that judged it. Whoever
    uses the model will be such a group, so the worst of them sets the threshold, not the mean.
    """
    groups = [chosen for _, chosen in strata(rows)]
    groups += [fold == number for number in np.unique(fold)]
    lowest = WHOLE_PPM
    for tau in np.unique(probability)[::-1].tolist():
        said = model_says(probability, tau)
        if not all(_wrong_ppm(said, rows, chosen) <= GOAL_PPM for chosen in groups):
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
            for _, chosen in strata(rows)
        ):
            break
        highest = int(tau)
    return highest


def _wrong_ppm(said: np.ndarray, rows: Judged, chosen: np.ndarray) -> int:
    payments = chosen & ~rows.is_change
    return WHOLE_PPM * int((said & payments).sum()) // max(int(payments.sum()), 1)
