"""Decision trees as flat arrays, evaluated in whole numbers.

A tree asks one question at each inner node, "is this feature at most that threshold?", and ends
in a leaf with a value; a forest adds up what its trees say. Features, thresholds and leaf values
are integers, so the sum does not depend on the order of adding, on the processor or on the
compiler: the same transaction gets the same score everywhere, for ever.

A score is no probability. A `Calibration` turns it into one: for each *stratum* (a kind of
transaction for which the same score means another risk) it holds the share of right answers that
was counted among answers of about that score. Probabilities are in millionths.

Training is not done here. Whatever library grew the trees, a test compares its answers to ours.
"""

from typing import NamedTuple

import numpy as np

from heuristics.columns import (
    Int16Array,
    Int32Array,
    Int64Array,
    UInt8Array,
    check_offsets,
    read_only,
    read_only_columns,
)
from heuristics.jit import kernel

LEAF = -1
"""Feature number of a node that asks nothing."""

WHOLE_PPM = 1_000_000

_ROWS_AT_A_TIME = 1 << 8


class Forest(NamedTuple):
    """The nodes of all trees, tree after tree; a tree's root stands first, children later."""

    first_node: Int32Array
    """Tree `t` has the nodes `[first_node[t], first_node[t + 1])`."""

    feature: Int16Array
    """The column that a node looks at, or `LEAF`."""

    threshold: Int32Array
    """A row goes left where its feature is at most this."""

    left: Int32Array
    """Node numbers; 0 in leaves."""

    right: Int32Array
    value: Int32Array
    """What a leaf adds to the score; 0 in inner nodes."""


class Calibration(NamedTuple):
    """What a score means, by stratum: a staircase that only rises."""

    first_step: Int32Array
    """Stratum `s` has the steps `[first_step[s], first_step[s + 1])`, at least one."""

    least_score: Int64Array
    """Where a step begins, ascending within a stratum; the first one also takes what is lower."""

    probability_ppm: Int32Array
    """0 to 1,000,000, never falling within a stratum."""


def check_forest(forest: Forest, feature_count: int) -> None:
    """Raise ValueError unless each walk through each tree ends in a leaf of that tree.

    Children stand after their parents, so no walk can turn in circles.
    """
    nodes = len(forest.feature)
    if any(len(column) != nodes for column in forest[2:]):
        raise ValueError("all columns of nodes must have one length")
    check_offsets("first_node", forest.first_node, nodes)
    sizes = np.diff(forest.first_node)
    if len(sizes) == 0 or sizes.min() < 1:
        raise ValueError("a forest has at least one tree, and a tree at least one node")
    number = np.arange(nodes)
    end = np.repeat(forest.first_node[1:], sizes)
    inner = forest.feature != LEAF
    for child in (forest.left[inner], forest.right[inner]):
        if not ((child > number[inner]) & (child < end[inner])).all():
            raise ValueError("a child must stand after its parent, in the same tree")
    if not ((forest.feature >= LEAF) & (forest.feature < feature_count)).all():
        raise ValueError(f"features are numbered from 0 to {feature_count - 1}")


def check_calibration(calibration: Calibration) -> None:
    """Raise ValueError unless each stratum has a staircase that rises."""
    steps = len(calibration.least_score)
    if len(calibration.probability_ppm) != steps:
        raise ValueError("all columns of steps must have one length")
    check_offsets("first_step", calibration.first_step, steps)
    if len(calibration.first_step) < 2 or np.diff(calibration.first_step).min() < 1:
        raise ValueError("a stratum has at least one step")
    within = np.ones(steps, dtype=np.bool_)
    within[calibration.first_step[:-1]] = False
    rises = np.diff(calibration.least_score, prepend=calibration.least_score[:1])
    climbs = np.diff(calibration.probability_ppm, prepend=calibration.probability_ppm[:1])
    if not ((rises[within] > 0).all() and (climbs[within] >= 0).all()):
        raise ValueError("steps must ascend by score, and probabilities must not fall")
    shares = calibration.probability_ppm
    if shares.min() < 0 or shares.max() > WHOLE_PPM:
        raise ValueError(f"probabilities lie between 0 and {WHOLE_PPM:,} millionths")


def scores(forest: Forest, features: Int32Array) -> Int64Array:
    """Return what all trees together say of each row of `features`, shape (rows, columns)."""
    check_forest(forest, features.shape[1])
    score = np.zeros(len(features), dtype=np.int64)
    walk = read_only_columns(_walk_through(forest))
    _add_trees(walk, read_only(features), score)
    return score


def calibrated(calibration: Calibration, score: Int64Array, stratum: UInt8Array) -> Int32Array:
    """Return the probability, in millionths, that each score stands for in its stratum."""
    check_calibration(calibration)
    if len(score) != len(stratum):
        raise ValueError("each score needs a stratum")
    if len(stratum) and int(stratum.max()) >= len(calibration.first_step) - 1:
        raise ValueError("a stratum is not in the calibration")
    probability = np.empty(len(score), dtype=np.int32)
    _look_up(read_only_columns(calibration), score, stratum, probability)
    return probability


class _Walk(NamedTuple):
    """A forest in which every walk through a tree takes the same number of steps.

    Leaves ask a question, too, and lead to themselves whatever the answer, so that no step waits
    for the decision whether there is another one.
    """

    first_node: Int64Array
    steps: Int64Array
    """Of each tree: what its longest walk takes."""

    feature: Int64Array
    threshold: Int64Array
    child: Int64Array
    """Of node `n`: `child[2 * n]` where the feature is at most the threshold, else the next."""

    value: Int64Array


def _walk_through(forest: Forest) -> _Walk:
    """Return the forest as the kernel walks through it."""
    number, is_leaf = np.arange(len(forest.feature)), forest.feature == LEAF
    steps = np.zeros(len(forest.first_node) - 1, dtype=np.int64)
    _count_steps(read_only_columns(forest), np.zeros(len(number), dtype=np.int64), steps)
    child = np.column_stack(
        [np.where(is_leaf, number, forest.left), np.where(is_leaf, number, forest.right)]
    )
    return _Walk(
        first_node=forest.first_node.astype(np.int64),
        steps=steps,
        feature=np.where(is_leaf, 0, forest.feature).astype(np.int64),
        threshold=forest.threshold.astype(np.int64),
        child=child.ravel().astype(np.int64),
        value=forest.value.astype(np.int64),
    )


@kernel
def _count_steps(forest: Forest, depth: Int64Array, steps: Int64Array) -> None:
    """Write each tree's longest walk; `depth` has a zero for each node."""
    for tree in range(len(steps)):
        for node in range(forest.first_node[tree], forest.first_node[tree + 1]):
            if forest.feature[node] != LEAF:
                depth[forest.left[node]] = depth[node] + 1
                depth[forest.right[node]] = depth[node] + 1
            steps[tree] = max(steps[tree], depth[node])


@kernel
def _add_trees(walk: _Walk, features: Int32Array, score: Int64Array) -> None:
    """Add each tree's leaf value to each row's score.

    Some hundred rows pass through one tree before the next: both then stay in the cache. Four rows
    walk side by side, because each step of a walk has to wait for the one before.
    """
    feature, threshold, child, value = walk.feature, walk.threshold, walk.child, walk.value
    for start in range(0, len(features), _ROWS_AT_A_TIME):
        stop = min(start + _ROWS_AT_A_TIME, len(features))
        for tree in range(len(walk.steps)):
            root, steps = walk.first_node[tree], walk.steps[tree]
            row = start
            while row + 4 <= stop:
                a, b, c, d = root, root, root, root
                for _ in range(steps):
                    a = child[2 * a + int(features[row, feature[a]] > threshold[a])]
                    b = child[2 * b + int(features[row + 1, feature[b]] > threshold[b])]
                    c = child[2 * c + int(features[row + 2, feature[c]] > threshold[c])]
                    d = child[2 * d + int(features[row + 3, feature[d]] > threshold[d])]
                score[row] += value[a]
                score[row + 1] += value[b]
                score[row + 2] += value[c]
                score[row + 3] += value[d]
                row += 4
            while row < stop:
                a = root
                for _ in range(steps):
                    a = child[2 * a + int(features[row, feature[a]] > threshold[a])]
                score[row] += value[a]
                row += 1


@kernel
def _look_up(
    calibration: Calibration, score: Int64Array, stratum: UInt8Array, probability: Int32Array
) -> None:
    """Find the last step of each row's stratum that begins at or below its score."""
    for row in range(len(score)):
        first = calibration.first_step[stratum[row]]
        low, high = first, calibration.first_step[stratum[row] + 1]
        while high - low > 1:
            middle = (low + high) // 2
            if calibration.least_score[middle] <= score[row]:
                low = middle
            else:
                high = middle
        probability[row] = calibration.probability_ppm[low]
