import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.forest import (
    LEAF,
    Calibration,
    Forest,
    calibrated,
    check_calibration,
    check_forest,
    scores,
)
from tests.reference import forest as reference

FEATURES = 4


@st.composite
def forests(draw: st.DrawFn) -> Forest:
    """Return one to three small trees; each node is a leaf or asks and gets two children."""
    first, feature, threshold, left, right, value = [0], [], [], [], [], []

    def grow(depth: int) -> int:
        node = len(feature)
        asks = depth < 4 and draw(st.booleans())
        feature.append(draw(st.integers(0, FEATURES - 1)) if asks else LEAF)
        threshold.append(draw(st.integers(-3, 3)) if asks else 0)
        value.append(0 if asks else draw(st.integers(-(10**9), 10**9)))
        left.append(0)
        right.append(0)
        if asks:
            left[node] = grow(depth + 1)
            right[node] = grow(depth + 1)
        return node

    for _ in range(draw(st.integers(1, 3))):
        grow(0)
        first.append(len(feature))
    return forest_of(first, feature, threshold, left, right, value)


def forest_of(
    first: list[int],
    feature: list[int],
    threshold: list[int],
    left: list[int],
    right: list[int],
    value: list[int],
) -> Forest:
    return Forest(
        first_node=np.array(first, dtype=np.int32),
        feature=np.array(feature, dtype=np.int16),
        threshold=np.array(threshold, dtype=np.int32),
        left=np.array(left, dtype=np.int32),
        right=np.array(right, dtype=np.int32),
        value=np.array(value, dtype=np.int32),
    )


ROWS = st.lists(st.lists(st.integers(-4, 4), min_size=FEATURES, max_size=FEATURES), max_size=20)


def table(rows: list[list[int]]) -> np.ndarray:
    return np.array(rows, dtype=np.int32).reshape(-1, FEATURES)


@given(forests(), ROWS)
def test_scores__agree_with_reference(forest: Forest, rows: list[list[int]]) -> None:
    assert scores(forest, table(rows)).tolist() == [reference.score(forest, row) for row in rows]


@given(forests(), ROWS, st.randoms(use_true_random=False))
def test_scores__of_a_row_do_not_depend_on_its_neighbours(forest, rows, random) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)
    straight = scores(forest, table(rows))
    shuffled = scores(forest, table([rows[i] for i in order]))
    assert shuffled.tolist() == straight[order].tolist()


def test_scores__of_more_rows_than_are_taken_at_a_time() -> None:
    forest = forest_of([0, 3], [0, LEAF, LEAF], [9_999, 0, 0], [1, 0, 0], [2, 0, 0], [0, 5, -7])
    features = np.zeros((20_000, FEATURES), dtype=np.int32)
    features[:, 0] = np.arange(20_000)
    assert scores(forest, features).tolist() == [5] * 10_000 + [-7] * 10_000


LEAF_ONLY = ([0, 1], [LEAF], [0], [0], [0], [1])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([0], [], [], [], [], []), "at least one tree"),
        (([0, 0], [], [], [], [], []), "at least one node"),
        (([0, 2], *LEAF_ONLY[1:]), "must run from 0 to 1"),
        (([0, 1], [LEAF], [0], [0], [0], [1, 2]), "one length"),
        (([0, 1], [FEATURES], [0], [0], [0], [1]), "stand after"),
        (([0, 3], [0, LEAF, LEAF], [0] * 3, [0, 0, 0], [2, 0, 0], [0] * 3), "stand after"),
        (
            ([0, 3, 4], [0, LEAF, LEAF, LEAF], [0] * 4, [1, 0, 0, 0], [3, 0, 0, 0], [0] * 4),
            "same tree",
        ),
        (([0, 3], [FEATURES, LEAF, LEAF], [0] * 3, [1, 0, 0], [2, 0, 0], [0] * 3), "0 to 3"),
        (([0, 3], [-2, LEAF, LEAF], [0] * 3, [1, 0, 0], [2, 0, 0], [0] * 3), "0 to 3"),
    ],
)
def test_check_forest__refuses_walks_that_could_go_astray(columns, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_forest(forest_of(*columns), FEATURES)


@st.composite
def calibrations(draw: st.DrawFn) -> Calibration:
    """Return staircases of one to three strata."""
    first, least, probability = [0], [], []
    for _ in range(draw(st.integers(1, 3))):
        steps = draw(st.integers(1, 5))
        least += sorted(
            draw(st.lists(st.integers(-20, 20), min_size=steps, max_size=steps, unique=True))
        )
        probability += sorted(
            draw(st.lists(st.integers(0, 1_000_000), min_size=steps, max_size=steps))
        )
        first.append(len(least))
    return calibration_of(first, least, probability)


def calibration_of(first: list[int], least: list[int], probability: list[int]) -> Calibration:
    return Calibration(
        first_step=np.array(first, dtype=np.int32),
        least_score=np.array(least, dtype=np.int64),
        probability_ppm=np.array(probability, dtype=np.int32),
    )


@given(calibrations(), st.lists(st.integers(-25, 25), max_size=30), st.data())
def test_calibrated__agrees_with_reference_and_never_falls(calibration, found, data) -> None:
    stratum = data.draw(st.integers(0, len(calibration.first_step) - 2))
    found.sort()
    score = np.array(found, dtype=np.int64)
    strata = np.full(len(found), stratum, dtype=np.uint8)
    probability = calibrated(calibration, score, strata).tolist()
    assert probability == [reference.probability(calibration, each, stratum) for each in found]
    assert probability == sorted(probability)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([0], [], []), "at least one step"),
        (([0, 0], [], []), "at least one step"),
        (([0, 2], [1], [1]), "must run from 0 to 1"),
        (([0, 1], [1], [1, 2]), "one length"),
        (([0, 2], [1, 1], [1, 2]), "ascend"),
        (([0, 2], [1, 2], [2, 1]), "must not fall"),
        (([0, 1], [1], [1_000_001]), "between 0 and"),
        (([0, 1], [1], [-1]), "between 0 and"),
    ],
)
def test_check_calibration__refuses_what_is_no_staircase(columns, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_calibration(calibration_of(*columns))


def test_calibrated__refuses_a_stratum_that_it_does_not_know() -> None:
    calibration = calibration_of([0, 1], [0], [500_000])
    one = np.zeros(1, dtype=np.int64)
    with pytest.raises(ValueError, match="stratum"):
        calibrated(calibration, one, np.ones(1, dtype=np.uint8))
    with pytest.raises(ValueError, match="needs a stratum"):
        calibrated(calibration, one, np.zeros(2, dtype=np.uint8))
