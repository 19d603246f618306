"""Slow, obvious versions of the forest's kernels: the oracle of their tests."""

from collections.abc import Sequence

from heuristics.forest import LEAF, Calibration, Forest


def score(forest: Forest, row: Sequence[int]) -> int:
    """Walk each tree by itself."""
    total = 0
    for root in forest.first_node[:-1].tolist():
        node = root
        while forest.feature[node] != LEAF:
            goes_left = row[int(forest.feature[node])] <= int(forest.threshold[node])
            node = int(forest.left[node] if goes_left else forest.right[node])
        total += int(forest.value[node])
    return total


def probability(calibration: Calibration, score: int, stratum: int) -> int:
    """Return the highest step of the stratum that begins at or below the score."""
    first, stop = calibration.first_step[stratum : stratum + 2].tolist()
    found = int(calibration.probability_ppm[first])
    for step in range(first, stop):
        if calibration.least_score[step] <= score:
            found = int(calibration.probability_ppm[step])
    return found
