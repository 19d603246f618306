import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.change import votes_of_blocks
from heuristics.change_columns import Blocks, Fingerprints, new_horizon
from heuristics.change_features import (
    FEATURE_COUNT,
    VOTE_COUNT,
    ChangeRows,
    FactColumns,
    Stratum,
    change_rows,
    share_ppm,
    value_class,
)
from heuristics.change_rules import MODEL_VOTES, ChangeRule
from heuristics.columns import Int8Array
from heuristics.fingerprint import fingerprints
from tests.heuristics.wallet_cases import (
    SmallLedger,
    change_columns,
    fingerprint_columns,
    keyset_columns,
    random_ledger,
)
from tests.reference import change_features as reference
from tests.reference.change import Case

seeds = st.integers(0, 2**32)
FIRST_HEIGHT = 1_005


def fact_columns(ledger: SmallLedger) -> FactColumns:
    """Return the columns; heights are such that an epoch ends within the ledger."""
    shared = fingerprint_columns(ledger)
    return FactColumns(
        first_transaction=shared.first_transaction,
        block_height=FIRST_HEIGHT + np.arange(ledger.blocks, dtype=np.uint32),
        version=shared.version,
        locktime=shared.locktime,
    )


def excluded_of(ledger: SmallLedger) -> np.ndarray:
    return np.array([each.excluded for each in ledger.transactions], dtype=np.uint8)


def votes_as_of(ledger: SmallLedger, known_blocks: int) -> tuple[Int8Array, Blocks]:
    """Return votes on the first blocks with all of these known, and where these are."""
    edges = fingerprint_columns(ledger).first_transaction
    known = int(edges[known_blocks])
    blocks = Blocks(np.array([0, known]), np.array([known]))
    votes, _, _ = votes_of_blocks(
        change_columns(ledger),
        keyset_columns(ledger),
        new_horizon(len(ledger.locks)),
        Fingerprints(0, fingerprints(fingerprint_columns(ledger), 0, known)),
        excluded_of(ledger)[:known],
        blocks,
        newest_address=-1,
    )
    return votes, blocks


def rows_of(ledger: SmallLedger, known_blocks: int, start: int = 0, stop: int = -1) -> ChangeRows:
    """Return the rows of `[start, stop)` with the first blocks known; by default of all these."""
    votes, blocks = votes_as_of(ledger, known_blocks)
    known = int(blocks.horizon[0])
    return change_rows(
        change_columns(ledger),
        fact_columns(ledger),
        blocks,
        votes,
        excluded_of(ledger)[:known],
        start,
        known if stop < 0 else stop,
    )


@given(seeds, st.integers(1, 12))
def test_change_rows__agree_with_reference(seed, blocks) -> None:
    ledger = random_ledger(seed, 12)
    votes, judged = votes_as_of(ledger, blocks)
    known = int(judged.horizon[0])
    columns = change_columns(ledger)
    numbers = {lock: number for number, lock in enumerate(ledger.locks)}
    expected = []
    for transaction in ledger.transactions[:known]:
        case = Case(ledger, transaction, known)
        if not reference.is_judged(case):
            continue
        for place, output in enumerate(case.spendable):
            number = int(columns.first_output[transaction.number]) + output.position
            expected.append(
                (
                    transaction.number,
                    number,
                    numbers[transaction.inputs[0].lock],
                    numbers[output.lock],
                    [int(votes[number, rule]) for rule in MODEL_VOTES]
                    + reference.facts(case, place, FIRST_HEIGHT + transaction.block),
                    reference.stratum(case),
                )
            )
    rows = rows_of(ledger, blocks)
    found = zip(*(column.tolist() for column in rows), strict=True)
    assert list(found) == expected


def test_random_ledgers__have_rows_of_every_stratum() -> None:
    seen = set()
    for seed in range(30):
        seen |= set(rows_of(random_ledger(seed, 30), 30).stratum.tolist())
    assert seen == set(Stratum)


@given(seeds, st.integers(1, 10))
def test_change_rows__know_nothing_past_the_horizon(seed, blocks) -> None:
    """Cut the chain at the horizon: the rows are the same."""
    ledger = random_ledger(seed, 12)
    late, early = rows_of(ledger, blocks), rows_of(ledger.first_blocks(blocks), blocks)
    assert [column.tolist() for column in late] == [column.tolist() for column in early]


@given(seeds, st.integers(0, 4))
def test_change_rows__of_each_block_know_its_own_horizon(seed, lag) -> None:
    """Judge all blocks at once, and each by itself."""
    ledger = random_ledger(seed, 8)
    edges = fingerprint_columns(ledger).first_transaction
    known = edges[np.minimum(np.arange(8) + lag + 1, 8)]
    columns, facts = change_columns(ledger), fact_columns(ledger)
    votes = np.zeros((len(columns.output_address), len(ChangeRule)), dtype=np.int8)

    def judged(first: int, last: int) -> list[list[int]]:
        start, stop = int(edges[first]), int(edges[last])
        begin, end = columns.first_output[start], columns.first_output[stop]
        rows = change_rows(
            columns,
            facts,
            Blocks(edges[first : last + 1], known[first:last]),
            votes[begin:end],
            excluded_of(ledger)[start:stop],
            start,
            stop,
        )
        return np.column_stack([rows.output, rows.stratum, rows.features]).tolist()

    assert judged(0, 8) == [row for block in range(8) for row in judged(block, block + 1)]


@given(seeds, st.data())
def test_change_rows__are_the_same_in_parts(seed, data) -> None:
    ledger = random_ledger(seed, 8)
    count = len(ledger.transactions)
    cut = data.draw(st.integers(0, count))
    whole = rows_of(ledger, 8)
    parts = rows_of(ledger, 8, 0, cut), rows_of(ledger, 8, cut, count)
    for all_rows, first, second in zip(whole, *parts, strict=True):
        assert all_rows.tolist() == [*first.tolist(), *second.tolist()]


def test_change_rows__pass_over_inputs_of_unknown_address() -> None:
    for seed in range(20):
        ledger = random_ledger(seed, 10)
        votes, blocks = votes_as_of(ledger, 10)
        columns = change_columns(ledger)
        unknown = columns.input_address.copy()
        firsts = columns.first_input[:-1][np.diff(columns.first_input) > 0]
        unknown[firsts] = 0xFFFF_FFFF
        rows = change_rows(
            columns._replace(input_address=unknown),
            fact_columns(ledger),
            blocks,
            votes,
            excluded_of(ledger),
            0,
            len(ledger.transactions),
        )
        several = np.diff(columns.first_input) > 1
        assert several[rows.transaction].all()
        second = columns.input_address[columns.first_input[rows.transaction.astype(np.int64)] + 1]
        assert rows.input_address.tolist() == second.tolist()


@given(st.integers(0, 21 * 10**14))
def test_value_class__is_a_logarithm_in_eighths(value: int) -> None:
    assert value_class(value) == reference.value_class(value)
    assert value_class(value) <= value_class(value + 1) <= value_class(value) + 1
    assert value < 16 or value_class(2 * value) == value_class(value) + 8


@given(st.integers(0, 21 * 10**14), st.integers(0, 21 * 10**14))
def test_share_ppm__is_exact_up_to_ten_thousand_coins(part: int, more: int) -> None:
    whole = part + more
    share = share_ppm(part, whole)
    if whole < 1 << 40:
        assert share == (part * 1_000_000 // whole if whole else 0)
    else:
        assert abs(share - part * 1_000_000 // whole) <= 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": -1}, "does not lie within"),
        ({"stop": 10_000}, "does not lie within"),
        ({"blocks": Blocks(np.zeros(3, dtype=np.int64), np.zeros(1, dtype=np.int64))}, "a horizon"),
        ({"votes": np.zeros((1, 40), dtype=np.int8)}, "a row for each output"),
        ({"excluded": np.zeros(1, dtype=np.uint8)}, "flag"),
        ({"version": np.zeros(1, dtype=np.int32)}, "version and a lock time"),
        ({"first_transaction": np.zeros(1, dtype=np.int64)}, "first_transaction"),
    ],
)
def test_change_rows__refuse_what_does_not_fit(change: dict, message: str) -> None:
    ledger = random_ledger(3, 6)
    votes, blocks = votes_as_of(ledger, 6)
    facts = fact_columns(ledger)
    for name in set(change) & set(facts._fields):
        facts = facts._replace(**{name: change[name]})
    with pytest.raises(ValueError, match=message):
        change_rows(
            change_columns(ledger),
            facts,
            change.get("blocks", blocks),
            change.get("votes", votes),
            change.get("excluded", excluded_of(ledger)),
            change.get("start", 0),
            change.get("stop", len(ledger.transactions)),
        )


def test_features__are_35_as_in_the_source() -> None:
    assert VOTE_COUNT == 26
    assert FEATURE_COUNT == 35
