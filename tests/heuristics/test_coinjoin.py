import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heuristics.coinjoin import (
    NOT_MEASURED,
    CoinJoinMark,
    DetailField,
    mark_coinjoins,
)
from heuristics.coinjoin_shape import sort_ascending
from heuristics.columns import NO_ADDRESS
from tests.heuristics.transaction_cases import Coins, coinjoin_columns_of
from tests.reference import coinjoin as reference

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/coinjoin.json").read_text())["cases"]
UNKNOWN = int(NO_ADDRESS)

# Few values and addresses, so that most transactions repeat some; the values stand on both sides
# of every threshold.
values = st.sampled_from([0, 546, 2_730, 2_731, 4_999, 5_000, 15_000, 15_001, 90_000])
addresses = st.one_of(st.integers(0, 8), st.just(UNKNOWN))
coins = st.lists(st.tuples(addresses, values), max_size=9)


@st.composite
def rounds(draw) -> tuple[Coins, Coins]:
    """Draw a transaction with the shape of a CoinJoin, then bend it a little."""
    participants = draw(st.integers(2, 5))
    value = draw(values)
    inputs = [(one, draw(values)) for one in range(participants + draw(st.integers(0, 2)))]
    outputs = [(100 + one, value) for one in range(participants)]
    outputs += [(200 + one, draw(values)) for one in range(participants - draw(st.integers(0, 1)))]
    if draw(st.booleans()):
        place = draw(st.integers(0, len(outputs) - 1))
        outputs[place] = draw(st.tuples(st.sampled_from([0, 100, UNKNOWN]), values))
    return inputs, draw(st.permutations(outputs))


transactions = st.lists(st.one_of(st.tuples(coins, coins), rounds()), max_size=8)


@given(transactions)
@example([([(1, 9)] * 3, [(UNKNOWN, 0)] * 5)])
def test_mark_coinjoins__agrees_with_reference(chain) -> None:
    marks, details = mark_coinjoins(coinjoin_columns_of(chain), 0, len(chain))
    assert marks.tolist() == [reference.marks(*transaction) for transaction in chain]
    marked = [number for number, mark in enumerate(marks.tolist()) if mark]
    assert details[:, DetailField.TRANSACTION].tolist() == marked


@given(rounds())
def test_mark_coinjoins__ignores_the_order_of_inputs_and_outputs(transaction) -> None:
    inputs, outputs = transaction
    marks, details = mark_coinjoins(coinjoin_columns_of([transaction, (inputs[::-1], outputs[::-1])]), 0, 2)
    assert marks[0] == marks[1]
    if marks[0]:
        assert details[0, 1:].tolist() == details[1, 1:].tolist()


@given(transactions, st.integers(0, 8), st.integers(0, 8))
def test_mark_coinjoins__judges_each_transaction_by_itself(chain, one, other) -> None:
    start, stop = sorted((min(one, len(chain)), min(other, len(chain))))
    columns = coinjoin_columns_of(chain)
    marks, details = mark_coinjoins(columns, 0, len(chain))
    part_marks, part_details = mark_coinjoins(columns, start, stop)
    assert part_marks.tolist() == marks[start:stop].tolist()
    inside = (details[:, 0] >= start) & (details[:, 0] < stop)
    assert part_details.tolist() == details[inside].tolist()


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["id"])
def test_mark_coinjoins__worked_examples(case) -> None:
    outputs = case.get("outputs")
    if outputs is None:
        repeated = case["outputs_repeated"]
        outputs = [repeated["value"]] * repeated["count"]
    transaction = (
        list(enumerate(case["inputs"])),
        list(enumerate(outputs, start=1_000)),
    )
    marks, details = mark_coinjoins(coinjoin_columns_of([transaction]), 0, 1)
    mark = CoinJoinMark(int(marks[0]))
    assert (CoinJoinMark.DEFINITE in mark) == case["definite"]
    assert (CoinJoinMark.JOINMARKET in mark) == case["joinmarket"]
    if not mark:
        assert len(details) == 0
        return
    assert (CoinJoinMark.STONEWALL in mark) == case["vetoed"]
    confidence = case["confidence"]
    assert details[0].tolist() == [
        0,
        int(mark),
        NOT_MEASURED if confidence is None else confidence,
        case["participants"],
        case["denomination_sat"],
    ]


def joinmarket_round(inputs: int, participants: int, change: int) -> tuple[Coins, Coins]:
    return (
        [(one, 100_000) for one in range(inputs)],
        [(10_000 + one, 50_000) for one in range(participants)]
        + [(20_000 + one, 10_000 + one) for one in range(change)],
    )


@pytest.mark.parametrize(
    ("inputs", "participants", "change", "marked"),
    [
        (49, 10, 1, True),
        (50, 10, 6, False),
        (50, 10, 7, True),
        (100, 5, 5, True),
        (101, 5, 5, False),
    ],
)
def test_joinmarket__many_inputs_need_many_outputs(inputs, participants, change, marked) -> None:
    marks, _ = mark_coinjoins(coinjoin_columns_of([joinmarket_round(inputs, participants, change)]), 0, 1)
    assert bool(marks[0] & CoinJoinMark.JOINMARKET) == marked


@pytest.mark.parametrize(("inputs", "marked"), [(100, True), (101, False)])
def test_equal_outputs__has_a_largest_size(inputs, marked) -> None:
    transaction = (
        [(one, 20_000) for one in range(inputs)],
        [(1_000 + one, 20_000) for one in range(40)]
        + [(2_000 + one, 10_000 + one) for one in range(40)],
    )
    marks, _ = mark_coinjoins(coinjoin_columns_of([transaction]), 0, 1)
    assert marks[0] & CoinJoinMark.DEFINITE
    assert bool(marks[0] & CoinJoinMark.EQUAL_OUTPUTS) == marked


def test_equal_outputs__nobody_brings_more_than_anybody_takes() -> None:
    outputs = [(10, 50_000), (11, 50_000), (12, 30_000), (13, 20_000), (14, 1_000), (15, 50_000)]
    fair = ([(1, 70_000), (2, 70_000), (3, 61_000)], outputs)
    payout = ([(1, 70_001), (2, 70_000), (3, 61_000)], outputs)
    marks, _ = mark_coinjoins(coinjoin_columns_of([fair, payout]), 0, 2)
    assert (marks & CoinJoinMark.EQUAL_OUTPUTS).astype(bool).tolist() == [True, False]


def test_mark_coinjoins__data_outputs_count_for_one_source_and_not_for_the_other() -> None:
    inputs = [(one, 60_000) for one in range(3)]
    outputs = [(10, 50_000), (11, 50_000), (12, 50_000), (13, 29_000), (14, 8_000), (15, 7_000)]
    plain, with_data = (inputs, outputs), (inputs, [*outputs, (UNKNOWN, 0)])
    marks, _ = mark_coinjoins(coinjoin_columns_of([plain, with_data]), 0, 2)
    assert CoinJoinMark(int(marks[0])) == CoinJoinMark(7)
    # Seven outputs would need four participants; without the data output it is three of six.
    assert CoinJoinMark(int(marks[1])) == CoinJoinMark.JOINMARKET


def test_mark_coinjoins__an_unknown_input_counts_as_a_participant() -> None:
    outputs = [(10, 50_000), (11, 50_000), (12, 50_000), (13, 9_000), (14, 8_000), (15, 7_000)]
    unknown = ([(UNKNOWN, 60_000)] * 3, outputs)
    one_wallet = ([(1, 60_000)] * 3, outputs)
    marks, _ = mark_coinjoins(coinjoin_columns_of([unknown, one_wallet]), 0, 2)
    assert marks[0] != 0
    assert marks[1] == 0


@given(st.lists(st.integers(0, 50), max_size=200))
@example(list(range(100)))
@example(list(range(100, 0, -1)))
def test_sort_ascending__sorts_the_first_values_and_no_more(numbers) -> None:
    array = np.array([*numbers, -1, -2], dtype=np.int64)
    sort_ascending(array, len(numbers))
    assert array.tolist() == [*sorted(numbers), -1, -2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"first_input": np.array([0, 1, 1])}, "different transactions"),
        ({"first_output": np.array([0, 9])}, "first_output must run"),
        ({"input_value_sat": np.zeros(0, np.int64)}, "every input"),
        ({"output_value_sat": np.zeros(0, np.int64)}, "every output"),
    ],
)
def test_mark_coinjoins__refuses_columns_that_do_not_fit(change, message) -> None:
    columns = coinjoin_columns_of([([(0, 1)], [(1, 1)])])._replace(**change)
    with pytest.raises(ValueError, match=message):
        mark_coinjoins(columns, 0, 1)


@pytest.mark.parametrize(("start", "stop"), [(-1, 0), (1, 0), (0, 2)])
def test_mark_coinjoins__refuses_transactions_that_do_not_exist(start, stop) -> None:
    with pytest.raises(ValueError, match="not all in the columns"):
        mark_coinjoins(coinjoin_columns_of([([(0, 1)], [(1, 1)])]), start, stop)
