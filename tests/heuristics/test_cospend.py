import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics import cospend
from heuristics.columns import NO_ADDRESS, LinkColumns
from heuristics.cospend import (
    LogField,
    MergeRule,
    SighashEffect,
    SpendColumns,
    first_false_row,
    join_cospends,
    replay,
)
from heuristics.union_find import finalise, new_forest
from tests.reference import clusters
from tests.reference.clusters import Spend
from tests.reference.cospend import join_one_by_one

ADDRESSES = 12
SIGNED, ANYONE, UNSIGNED = 1, 0x81, 0
NEEDS_SIGNATURE, NEEDS_NONE = 2, 3

links = st.tuples(
    st.integers(0, ADDRESSES - 1), st.integers(0, ADDRESSES - 1), st.sampled_from([1, 2])
)
spends = st.builds(
    Spend,
    inputs=st.lists(st.integers(0, ADDRESSES - 1), min_size=1, max_size=5),
    excluded=st.booleans(),
    links=st.lists(links, max_size=2),
)
chains = st.lists(spends, max_size=12)


def spend_columns(inputs, sighash=None, script_type=None) -> SpendColumns:
    addresses = np.array([one for group in inputs for one in group], dtype=np.uint32)
    effect = np.zeros(256, dtype=np.uint8)
    effect[ANYONE] = SighashEffect.EXCLUDE_TRANSACTION
    effect[UNSIGNED] = SighashEffect.JOIN_IF_SIGNED
    needs = np.zeros(256, dtype=np.uint8)
    needs[NEEDS_SIGNATURE] = 1
    return SpendColumns(
        first_input=np.cumsum([0, *(len(group) for group in inputs)], dtype=np.int64),
        input_address=addresses,
        input_sighash=np.array(
            [SIGNED] * len(addresses) if sighash is None else sighash, dtype=np.uint8
        ),
        script_type=np.array(
            [NEEDS_SIGNATURE] * ADDRESSES if script_type is None else script_type, dtype=np.uint8
        ),
        sighash_effect=effect,
        needs_signature=needs,
    )


def link_columns(chain) -> LinkColumns:
    rows = [(number, *link) for number, spend in enumerate(chain) for link in spend.links]
    table = np.array(rows, dtype=np.uint32).reshape(-1, 4)
    return LinkColumns(
        table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy(), table[:, 3].astype(np.uint8)
    )


def marks_of(chain) -> np.ndarray:
    return np.array([spend.excluded for spend in chain], dtype=np.uint8)


NO_LINKS = link_columns([])


@given(chains)
def test_join_cospends__agrees_with_reference(chain) -> None:
    parent = new_forest(ADDRESSES)
    columns = spend_columns([spend.inputs for spend in chain])
    log = join_cospends(parent, columns, link_columns(chain), marks_of(chain), 0)
    assert log.tolist() == clusters.merge_log(ADDRESSES, chain)
    finalise(parent)
    assert parent.tolist() == clusters.labels(ADDRESSES, chain)


@given(chains, st.lists(st.integers(0, 12), max_size=4))
def test_join_cospends__in_pieces_gives_the_same_bytes(chain, cuts) -> None:
    columns, link_table, marks = (
        spend_columns([spend.inputs for spend in chain]),
        link_columns(chain),
        marks_of(chain),
    )
    whole, pieces = new_forest(ADDRESSES), new_forest(ADDRESSES)
    log = join_cospends(whole, columns, link_table, marks, 0)
    edges = [0, *sorted(min(cut, len(chain)) for cut in cuts), len(chain)]
    parts = [
        join_cospends(pieces, columns, link_table, marks[start:stop], start)
        for start, stop in pairwise(edges)
    ]
    assert np.concatenate(parts).tolist() == log.tolist()
    finalise(whole)
    finalise(pieces)
    assert pieces.tolist() == whole.tolist()


@given(chains, st.integers(1, 9), st.integers(1, 3))
def test_join_cospends__blocks_and_threads_change_no_byte(chain, inputs, threads) -> None:
    parent = new_forest(ADDRESSES)
    columns = spend_columns([spend.inputs for spend in chain])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cospend, "_BLOCK_INPUTS", inputs)
        patch.setattr(cospend, "_SHARED_INPUTS", inputs)
        log = join_cospends(
            parent, columns, link_columns(chain), marks_of(chain), 0, threads=threads
        )
    assert log.tolist() == clusters.merge_log(ADDRESSES, chain)
    finalise(parent)
    assert parent.tolist() == clusters.labels(ADDRESSES, chain)


def random_columns(seed: int, transactions: int, addresses: int) -> tuple[SpendColumns, np.ndarray]:
    """Return columns in which everything that the rule looks at occurs, and marks."""
    random = np.random.default_rng(seed)
    counts = random.choice([0, 1, 1, 2, 3, 40], size=transactions)
    first_input = np.zeros(transactions + 1, dtype=np.int64)
    np.cumsum(counts, out=first_input[1:])
    inputs = int(first_input[-1])
    address = (addresses * random.random(inputs) ** 3).astype(np.uint32)
    address[random.random(inputs) < 0.02] = NO_ADDRESS
    rare = random.choice([SIGNED, UNSIGNED, ANYONE], size=inputs, p=[0.95, 0.04, 0.01])
    types = random.choice([NEEDS_SIGNATURE, NEEDS_NONE], size=addresses).astype(np.uint8)
    columns = spend_columns([], sighash=rare, script_type=types)
    marks = (random.random(transactions) < 0.1).astype(np.uint8)
    return columns._replace(first_input=first_input, input_address=address), marks


def random_links(seed: int, transactions: int, addresses: int, rows: int) -> LinkColumns:
    random = np.random.default_rng(seed)
    return LinkColumns(
        transaction=np.sort(random.integers(0, transactions, rows)).astype(np.uint32),
        address=random.integers(0, addresses, rows).astype(np.uint32),
        earlier=random.integers(0, addresses, rows).astype(np.uint32),
        rule=random.choice([1, 2], size=rows).astype(np.uint8),
    )


@pytest.mark.slow
@pytest.mark.parametrize("addresses", [500, 60_000, 1_000_000])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_join_cospends__of_many_blocks_equals_joining_one_by_one(addresses, threads) -> None:
    columns, marks = random_columns(5, 20_000, addresses)
    link_table = random_links(6, 20_000, addresses, 1_000)
    expected = join_one_by_one(columns, link_table, marks)
    parent = new_forest(addresses)
    log = join_cospends(parent, columns, link_table, marks, 0, threads=threads)
    assert log.tolist() == expected
    replayed = new_forest(addresses)
    replay(replayed, log)
    finalise(replayed)
    finalise(parent)
    assert np.array_equal(replayed, parent)


@given(chains, st.randoms(use_true_random=False))
def test_join_cospends__ignores_the_order_of_inputs_and_transactions(chain, random) -> None:
    def labels(ordered) -> list[int]:
        parent = new_forest(ADDRESSES)
        columns = spend_columns([spend.inputs for spend in ordered])
        join_cospends(parent, columns, link_columns(ordered), marks_of(ordered), 0)
        finalise(parent)
        return parent.tolist()

    shuffled = [
        Spend(random.sample(spend.inputs, len(spend.inputs)), spend.excluded, spend.links)
        for spend in random.sample(chain, len(chain))
    ]
    assert labels(shuffled) == labels(chain)


@given(chains, st.integers(0, 12))
def test_replay__of_the_first_rows_is_the_clustering_of_the_first_transactions(chain, cut) -> None:
    parent = new_forest(ADDRESSES)
    columns = spend_columns([spend.inputs for spend in chain])
    log = join_cospends(parent, columns, link_columns(chain), marks_of(chain), 0)
    earlier = new_forest(ADDRESSES)
    replay(earlier, log[log[:, LogField.TRANSACTION] < cut])
    finalise(earlier)
    assert earlier.tolist() == clusters.labels(ADDRESSES, chain[:cut])


@given(chains, st.data())
def test_first_false_row__finds_a_changed_log(chain, data) -> None:
    columns = spend_columns([spend.inputs for spend in chain])
    log = join_cospends(new_forest(ADDRESSES), columns, link_columns(chain), marks_of(chain), 0)
    assert first_false_row(new_forest(ADDRESSES), log) == -1
    if len(log):
        row = data.draw(st.integers(0, len(log) - 1))
        field = data.draw(st.sampled_from([LogField.CHILD, LogField.PARENT]))
        changed = log.copy()
        changed[row, field] = data.draw(
            st.integers(0, ADDRESSES).filter(lambda value: value != log[row, field])
        )
        assert 0 <= first_false_row(new_forest(ADDRESSES), changed) <= row


def test_join_cospends__worked_example() -> None:
    vector = json.loads((Path(__file__).parents[1] / "vectors/clustering.json").read_text())
    transactions = vector["transactions"]
    columns = spend_columns([[one - 1 for one in each["inputs"]] for each in transactions])
    marks = np.array([each.get("coinjoin", False) for each in transactions], dtype=np.uint8)
    parent = new_forest(vector["address_count"])
    join_cospends(parent, columns, NO_LINKS, marks, 0)
    finalise(parent)
    sets = {
        root: [address + 1 for address in np.flatnonzero(parent == root).tolist()]
        for root in np.unique(parent).tolist()
    }
    assert [each for each in sets.values() if len(each) > 1] == vector["strict"]
    assert [root + 1 for root, each in sets.items() if len(each) > 1] == vector["named_by"]


def joined(inputs, **columns) -> list[list[int]]:
    parent = new_forest(ADDRESSES)
    marks = np.zeros(len(inputs), dtype=np.uint8)
    log = join_cospends(parent, spend_columns(inputs, **columns), NO_LINKS, marks, 0)
    return log[:, [LogField.CHILD, LogField.PARENT]].tolist()


def test_join_cospends__leaves_out_what_others_can_add_inputs_to() -> None:
    assert joined([[0, 1], [2, 3]], sighash=[SIGNED, ANYONE, SIGNED, SIGNED]) == [[3, 2]]


def test_join_cospends__passes_over_inputs_without_a_known_address() -> None:
    unknown = int(NO_ADDRESS)
    assert joined([[unknown, 4, unknown, 5], [unknown, unknown]]) == [[5, 4]]


def test_join_cospends__anyone_can_spend_names_no_owner() -> None:
    types = [NEEDS_SIGNATURE] * ADDRESSES
    types[0] = NEEDS_NONE
    anchored = [[0, 1, 2], [0, 3, 4]]
    unsigned = [UNSIGNED, SIGNED, SIGNED] * 2
    assert joined(anchored, script_type=types, sighash=unsigned) == [[2, 1], [4, 3]]
    # An old signature that the decoder did not recognise was still needed.
    assert joined([[1, 2]], sighash=[UNSIGNED, UNSIGNED]) == [[2, 1]]


def test_join_cospends__links_count_in_excluded_transactions_too() -> None:
    chain = [Spend([0, 1], excluded=True, links=[(5, 3, MergeRule.SAME_KEY)])]
    log = join_cospends(
        new_forest(ADDRESSES), spend_columns([[0, 1]]), link_columns(chain), marks_of(chain), 0
    )
    assert log.tolist() == [[5, 3, 0, 3, 5, MergeRule.SAME_KEY]]


def test_join_cospends__accepts_columns_that_cannot_be_written() -> None:
    columns = spend_columns([[0, 1]])
    for column in columns:
        column.flags.writeable = False
    assert len(join_cospends(new_forest(2), columns, NO_LINKS, np.zeros(1, np.uint8), 0)) == 1


@pytest.mark.parametrize(
    ("forest", "start", "marks", "message"),
    [
        (1, 0, 1, "not in the forest"),
        (ADDRESSES, 1, 1, "not all in the columns"),
        (ADDRESSES, -1, 1, "not all in the columns"),
        (ADDRESSES + 1, 0, 1, "script type"),
    ],
)
def test_join_cospends__refuses_columns_that_do_not_fit(forest, start, marks, message) -> None:
    with pytest.raises(ValueError, match=message):
        join_cospends(
            new_forest(forest),
            spend_columns([[0, 1]]),
            NO_LINKS,
            np.zeros(marks, dtype=np.uint8),
            start,
        )


def test_join_cospends__needs_a_thread() -> None:
    with pytest.raises(ValueError, match="at least one thread"):
        join_cospends(
            new_forest(ADDRESSES),
            spend_columns([[0, 1]]),
            NO_LINKS,
            np.zeros(1, np.uint8),
            0,
            threads=0,
        )


def test_join_cospends__of_no_transactions_logs_nothing() -> None:
    empty = np.empty(0, dtype=np.uint8)
    for threads in (1, 2):
        for start in (0, 1):
            log = join_cospends(
                new_forest(ADDRESSES),
                spend_columns([[0, 1]]),
                NO_LINKS,
                empty,
                start,
                threads=threads,
            )
            assert log.shape == (0, len(LogField))


def test_join_cospends__refuses_columns_of_different_lengths() -> None:
    columns = spend_columns([[0, 1]])
    with pytest.raises(ValueError, match="sighash"):
        join_cospends(
            new_forest(2),
            columns._replace(input_sighash=columns.input_sighash[:1]),
            NO_LINKS,
            np.zeros(1, np.uint8),
            0,
        )
    with pytest.raises(ValueError, match="first_input"):
        join_cospends(
            new_forest(2),
            columns._replace(first_input=np.array([0, 3])),
            NO_LINKS,
            np.zeros(1, np.uint8),
            0,
        )
