import json
from collections import Counter
from functools import reduce
from operator import or_
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chains.tables import ScriptType
from heuristics.coinjoin import (
    DESCRIBED,
    DETECTIONS,
    EQUAL_MARKS,
    NOT_MEASURED,
    STANDARD_EXCLUSION,
    STRICT_EXCLUSION,
    VETOES,
    WASABI_1_MARKS,
    WASABI_2_MARKS,
    CoinJoinMark,
    Design,
    DetailField,
    excluded,
    mark_coinjoins,
    stopping,
)
from heuristics.coinjoin_columns import P2TR, P2WPKH, Eras
from heuristics.coinjoin_shape import sort_ascending
from heuristics.coinjoin_wasabi import standard_amounts
from tests.heuristics.coinjoin_cases import (
    UNKNOWN,
    kind_of,
    rounds,
    setting_of,
    transactions,
    tx0,
    wasabi_1,
    wasabi_2,
    whirlpool,
)
from tests.heuristics.transaction_cases import Coins, coinjoin_columns_of
from tests.reference import coinjoin as reference

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/coinjoin.json").read_text())["cases"]


@given(transactions)
@example([([(1, 9)] * 3, [(UNKNOWN, 0)] * 5)])
def test_mark_coinjoins__agrees_with_reference(chain) -> None:
    marks, details, _ = mark_coinjoins(coinjoin_columns_of(chain, kind_of), 0, len(chain))
    assert marks.dtype == np.uint16
    assert marks.tolist() == [reference.marks(*each, setting_of()) for each in chain]
    described = [number for number, mark in enumerate(marks.tolist()) if mark & DESCRIBED]
    assert details[:, DetailField.TRANSACTION].tolist() == described
    assert details[:, DetailField.MARKS].tolist() == marks[described].tolist()


@given(transactions)
def test_mark_coinjoins__tells_the_design_its_confidence_and_its_amounts(chain) -> None:
    _, details, amounts = mark_coinjoins(coinjoin_columns_of(chain, kind_of), 0, len(chain))
    listed = []
    for row in details.tolist():
        number, mark, design, confidence, participants, amount = row
        inputs, outputs = chain[number]
        assert design == design_of(CoinJoinMark(mark))
        assert confidence == confidence_of(design, CoinJoinMark(mark), inputs, outputs)
        counts = Counter(value for _, value in outputs)
        if design == Design.WHIRLPOOL_TX0:
            assert (amount, participants) == reference.premix(inputs, outputs)
            continue
        if design == Design.WASABI_2:
            assert participants == -(-reference.distinct([a for a, _ in inputs]) // 10)
        graphsense = CoinJoinMark(mark) & WASABI_1_MARKS
        if design == Design.WASABI_1 and CoinJoinMark.WASABI_1 not in graphsense:
            by_levels = graphsense == CoinJoinMark.WASABI_1_1
            assert amount == reference.wasabi_1_amount(outputs, by_levels=by_levels)
        else:
            assert counts[amount] > 1
        if design in (Design.WASABI_1, Design.WASABI_2):
            listed += [
                [number, value, count]
                for value, count in sorted(counts.items())
                if count > 1 or (design == Design.WASABI_2 and value in reference.STANDARD)
            ]
    assert amounts.tolist() == listed


def design_of(mark: CoinJoinMark) -> Design:
    for marks, design in (
        (CoinJoinMark.WHIRLPOOL, Design.WHIRLPOOL),
        (CoinJoinMark.WASABI_2, Design.WASABI_2),
        (WASABI_1_MARKS, Design.WASABI_1),
        (CoinJoinMark.WASABI_2_SHAPE, Design.WASABI_2),
        (EQUAL_MARKS, Design.EQUAL_OUTPUTS),
    ):
        if mark & marks:
            return design
    return Design.WHIRLPOOL_TX0


def confidence_of(design: int, mark: CoinJoinMark, inputs: Coins, outputs: Coins) -> int:
    stated = [NOT_MEASURED]
    if design in (Design.WHIRLPOOL, Design.WHIRLPOOL_TX0):
        stated.append(60)
    if design == Design.WASABI_2 and CoinJoinMark.WASABI_2_SHAPE in mark:
        stated.append(60)
    if design == Design.WASABI_1 and CoinJoinMark.WASABI_1_0 in mark:
        stated.append(70)
    if design == Design.WASABI_1 and CoinJoinMark.WASABI_1_1 in mark:
        stated.append(reference.wasabi_1_1_confidence(inputs, outputs))
    if design == Design.EQUAL_OUTPUTS and CoinJoinMark.JOINMARKET in mark:
        stated.append(49)
    return max(stated)


@given(wasabi_1(), st.integers(0, 30), st.booleans(), st.booleans())
def test_wasabi_1__goes_by_the_coordinator_until_it_has_no_fixed_address(
    transaction, place, is_early, is_open
) -> None:
    inputs, outputs = transaction
    coordinator = outputs[place % len(outputs)][0] if place < 20 else 7
    eras = Eras(int(is_early), 0 if is_open else 9, 0, 0, -1, coordinator)
    marks, *_ = mark_coinjoins(coinjoin_columns_of([transaction], kind_of), 0, 1, eras)
    setting = setting_of(
        wasabi_1=not is_early, wasabi_1_open=is_open, coordinators=frozenset([coordinator])
    )
    assert marks.tolist() == [reference.marks(inputs, outputs, setting)]


@given(st.one_of(wasabi_1(), wasabi_2(), whirlpool(), tx0()))
def test_mark_coinjoins__a_design_that_does_not_exist_yet_is_not_found(transaction) -> None:
    never = Eras(1, 1, 1, 1, -1, -1)
    marks, *_ = mark_coinjoins(coinjoin_columns_of([transaction]), 0, 1, never)
    setting = reference.Setting(wasabi_1=False, whirlpool=False, wasabi_2=False)
    assert marks.tolist() == [reference.marks(*transaction, setting)]
    coordinated = WASABI_1_MARKS | WASABI_2_MARKS | CoinJoinMark.WHIRLPOOL
    assert not CoinJoinMark(int(marks[0])) & (coordinated | CoinJoinMark.WHIRLPOOL_TX0)


def test_standard_amounts__are_the_78_of_the_protocol() -> None:
    amounts = standard_amounts()
    assert len(amounts) == 78
    assert amounts[:8] == (5_000, 6_561, 8_192, 10_000, 13_122, 16_384, 19_683, 20_000)
    assert amounts[-3:] == (68_719_476_736, 94_143_178_827, 100_000_000_000)
    assert set(amounts) == reference.STANDARD
    assert (P2WPKH, P2TR) == (ScriptType.P2WPKH, ScriptType.P2TR)


@given(transactions)
def test_excluded__follows_the_mask_and_leaves_out_nothing_for_a_tx0_or_payjoin(chain) -> None:
    marks, *_ = mark_coinjoins(coinjoin_columns_of(chain), 0, len(chain))
    found = [CoinJoinMark(mark) for mark in marks.tolist()]
    strict, standard = excluded(marks, STRICT_EXCLUSION), excluded(marks, STANDARD_EXCLUSION)
    only = CoinJoinMark.WHIRLPOOL_TX0 | CoinJoinMark.PAYJOIN_POSSIBLE
    assert strict.dtype == np.uint8
    assert strict.tolist() == [bool(mark & ~only) for mark in found]
    assert [bool(mark & DETECTIONS) for mark in found] == standard.tolist()
    assert not any(one and not other for one, other in zip(standard, strict, strict=True))
    assert excluded(marks, CoinJoinMark(0)).tolist() == [0] * len(chain)
    assert stopping(marks).tolist() == [
        bool(mark & DETECTIONS and not mark & VETOES) for mark in found
    ]


@given(rounds())
def test_mark_coinjoins__ignores_the_order_of_inputs_and_outputs(transaction) -> None:
    inputs, outputs = transaction
    marks, details, _ = mark_coinjoins(
        coinjoin_columns_of([transaction, (inputs[::-1], outputs[::-1])]), 0, 2
    )
    assert marks[0] == marks[1]
    if len(details):
        assert details[0, 1:].tolist() == details[1, 1:].tolist()


@given(transactions, st.integers(0, 8), st.integers(0, 8))
def test_mark_coinjoins__judges_each_transaction_by_itself(chain, one, other) -> None:
    start, stop = sorted((min(one, len(chain)), min(other, len(chain))))
    columns = coinjoin_columns_of(chain)
    marks, details, _ = mark_coinjoins(columns, 0, len(chain))
    part_marks, part_details, _ = mark_coinjoins(columns, start, stop)
    assert part_marks.tolist() == marks[start:stop].tolist()
    inside = (details[:, 0] >= start) & (details[:, 0] < stop)
    assert part_details.tolist() == details[inside].tolist()


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["id"])
def test_mark_coinjoins__worked_examples(case) -> None:
    outputs = case.get("outputs")
    if outputs is None:
        repeated = case["outputs_repeated"]
        outputs = [repeated["value"]] * repeated["count"]
    data = case.get("data_outputs", [])
    transaction = (
        list(enumerate(case["inputs"])),
        [
            (UNKNOWN if place in data else 1_000 + place, value)
            for place, value in enumerate(outputs)
        ],
    )
    marks, details, _ = mark_coinjoins(coinjoin_columns_of([transaction]), 0, 1)
    mark = CoinJoinMark(int(marks[0]))
    assert mark == reduce(or_, (CoinJoinMark[name] for name in case["marks"]), CoinJoinMark(0))
    assert bool(mark & VETOES) == case.get("vetoed", False)
    if "confidence" not in case:
        assert len(details) == 0
        return
    assert details[0].tolist() == [
        0,
        int(mark),
        Design[case["design"]],
        NOT_MEASURED if case["confidence"] is None else case["confidence"],
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
    marks, *_ = mark_coinjoins(
        coinjoin_columns_of([joinmarket_round(inputs, participants, change)]), 0, 1
    )
    assert bool(marks[0] & CoinJoinMark.JOINMARKET) == marked


@pytest.mark.parametrize(("inputs", "marked"), [(100, True), (101, False)])
def test_equal_outputs__has_a_largest_size(inputs, marked) -> None:
    transaction = (
        [(one, 20_000) for one in range(inputs)],
        [(1_000 + one, 20_000) for one in range(40)]
        + [(2_000 + one, 10_000 + one) for one in range(40)],
    )
    marks, *_ = mark_coinjoins(coinjoin_columns_of([transaction]), 0, 1)
    assert marks[0] & CoinJoinMark.DEFINITE
    assert bool(marks[0] & CoinJoinMark.EQUAL_OUTPUTS) == marked


def test_equal_outputs__nobody_brings_more_than_anybody_takes() -> None:
    outputs = [(10, 50_000), (11, 50_000), (12, 30_000), (13, 20_000), (14, 1_000), (15, 50_000)]
    fair = ([(1, 70_000), (2, 70_000), (3, 61_000)], outputs)
    payout = ([(1, 70_001), (2, 70_000), (3, 61_000)], outputs)
    marks, *_ = mark_coinjoins(coinjoin_columns_of([fair, payout]), 0, 2)
    assert (marks & CoinJoinMark.EQUAL_OUTPUTS).astype(bool).tolist() == [True, False]


def test_mark_coinjoins__data_outputs_count_for_one_source_and_not_for_the_other() -> None:
    inputs = [(one, 60_000) for one in range(3)]
    outputs = [(10, 50_000), (11, 50_000), (12, 50_000), (13, 29_000), (14, 8_000), (15, 7_000)]
    plain, with_data = (inputs, outputs), (inputs, [*outputs, (UNKNOWN, 0)])
    marks, *_ = mark_coinjoins(coinjoin_columns_of([plain, with_data]), 0, 2)
    equal = CoinJoinMark.DEFINITE | CoinJoinMark.JOINMARKET | CoinJoinMark.EQUAL_OUTPUTS
    assert CoinJoinMark(int(marks[0])) == equal | CoinJoinMark.POSSIBLE
    # Seven outputs would need four participants; without the data output it is three of six.
    assert CoinJoinMark(int(marks[1])) == CoinJoinMark.JOINMARKET | CoinJoinMark.POSSIBLE


def test_wasabi_1_1__names_the_level_where_no_two_outputs_are_equal() -> None:
    inputs = [(one, 180_000_000) for one in range(3)]
    paid = [9_960_000, 10_000_000, 10_040_000, 500_000_123]
    outputs = [(10 + one, value) for one, value in enumerate(paid)]
    marks, details, amounts = mark_coinjoins(coinjoin_columns_of([(inputs, outputs)]), 0, 1)
    assert marks.tolist() == [CoinJoinMark.WASABI_1_1]
    assert details[0, DetailField.PARTICIPANTS :].tolist() == [3, 10_000_000]
    assert len(amounts) == 0


DATA = (UNKNOWN, 0)


@pytest.mark.parametrize(
    ("inputs", "outputs", "is_possible"),
    [
        # Three owners; three inputs of one address; one that could pay for all, with two of dust.
        ([(0, 1_040_000), (1, 1_040_000), (2, 1_040_000)], [10, 11, 12], True),
        ([(0, 1_040_000), (0, 1_040_000), (0, 1_040_000)], [10, 11, 12], False),
        ([(0, 3_100_000), (1, 10_000)], [10, 11, 12], False),
        # Who takes his coin back at his own address is no other payee, but `definite` counts him.
        ([(0, 1_040_000), (1, 1_040_000), (2, 1_040_000)], [0, 1, 2], True),
    ],
)
def test_whirlpool_tx0__hides_nobody_from_strict_clustering(inputs, outputs, is_possible) -> None:
    paid = [DATA, *((one, 1_000_500) for one in outputs), (20, 50_000), (21, 20_000)]
    marks, details, _ = mark_coinjoins(coinjoin_columns_of([(inputs, paid)]), 0, 1)
    assert CoinJoinMark.WHIRLPOOL_TX0 in CoinJoinMark(int(marks[0]))
    assert details[0, DetailField.DESIGN] == Design.WHIRLPOOL_TX0
    assert excluded(marks, STRICT_EXCLUSION).tolist() == [is_possible]
    assert excluded(marks, STANDARD_EXCLUSION).tolist() == stopping(marks).tolist() == [0]


def test_mark_coinjoins__an_unknown_input_counts_as_a_participant() -> None:
    outputs = [(10, 50_000), (11, 50_000), (12, 50_000), (13, 9_000), (14, 8_000), (15, 7_000)]
    unknown = ([(UNKNOWN, 60_000)] * 3, outputs)
    one_wallet = ([(1, 60_000)] * 3, outputs)
    marks, *_ = mark_coinjoins(coinjoin_columns_of([unknown, one_wallet]), 0, 2)
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
