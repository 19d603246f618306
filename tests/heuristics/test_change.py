import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.change import (
    change_votes,
    vote_difference,
    votes_of_blocks,
)
from heuristics.change_columns import MANY, Blocks, Fingerprints, Horizon, new_horizon
from heuristics.change_rules import STATIC, THRESHOLD_VOTES, ChangeRule
from heuristics.columns import NO_ADDRESS, Int8Array, UInt8Array, UInt32Array
from heuristics.fingerprint import LockType, fingerprints
from tests.heuristics.wallet_cases import (
    Input,
    Lock,
    Output,
    SmallLedger,
    Transaction,
    change_columns,
    fingerprint_columns,
    keyset_columns,
    random_ledger,
)
from tests.reference import change as reference

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/change_votes.json").read_text())["cases"]

seeds = st.integers(0, 2**32)
STATIC_COLUMNS = sorted(STATIC)


def blocks_of(ledger: SmallLedger, first: int, last: int, lag: int) -> Blocks:
    """Return the blocks `[first, last)`, each judged as of `lag` blocks later."""
    edges = fingerprint_columns(ledger).first_transaction
    ends = np.minimum(np.arange(first, last) + lag + 1, ledger.blocks)
    return Blocks(edges[first : last + 1], edges[ends])


def labels_of(ledger: SmallLedger) -> np.ndarray:
    """Return an arbitrary forest over the addresses, roots smallest."""
    return np.array([number - (number % 3 > 0) for number in range(len(ledger.locks))], "u4")


def newest_before(ledger: SmallLedger, block: int) -> int:
    return len(ledger.first_blocks(block).locks) - 1


def all_votes(ledger: SmallLedger, lag: int, first: int = 0, last: int | None = None) -> Int8Array:
    """Return the votes on blocks `[first, last)` with clusters from `labels_of`."""
    columns = change_columns(ledger)
    blocks = blocks_of(ledger, first, ledger.blocks if last is None else last, lag)
    excluded = np.array([each.excluded for each in ledger.transactions], dtype=np.uint8)
    start, stop = int(blocks.first_transaction[0]), int(blocks.first_transaction[-1])
    words = fingerprints(fingerprint_columns(ledger), start, len(ledger.transactions))
    votes, horizon, newest = votes_of_blocks(
        columns,
        keyset_columns(ledger),
        new_horizon(len(ledger.locks)),
        Fingerprints(start, words),
        excluded[start:stop],
        blocks,
        newest_address=newest_before(ledger, first),
        labels=labels_of(ledger),
    )
    assert newest == newest_before(ledger, ledger.blocks if last is None else last)
    if len(blocks.horizon):
        assert horizon.transactions == blocks.horizon[-1]
    return votes


def expected_votes(ledger: SmallLedger, lag: int) -> list[list[int]]:
    labels = labels_of(ledger)
    clusters = {}
    for number, lock in enumerate(ledger.locks):
        root = number
        while labels[root] != root:
            root = int(labels[root])
        clusters[lock] = root
    rows = []
    for transaction in ledger.transactions:
        known = len(ledger.first_blocks(transaction.block + lag + 1).transactions)
        case = reference.Case(ledger, transaction, known, clusters)
        rows += reference.votes(case)
    return rows


@given(seeds, st.integers(1, 12), st.integers(0, 6))
def test_votes_of_blocks__agree_with_reference(seed, blocks, lag) -> None:
    ledger = random_ledger(seed, blocks)
    votes = all_votes(ledger, lag).tolist()
    for row, expected in zip(votes, expected_votes(ledger, lag), strict=True):
        assert dict(zip(ChangeRule, row, strict=True)) == dict(
            zip(ChangeRule, expected, strict=True)
        )


def test_random_ledgers__make_every_rule_vote_for_and_against() -> None:
    seen = np.zeros((2, len(ChangeRule)), dtype=np.int64)
    for seed in range(40):
        votes = all_votes(random_ledger(seed, 12), lag=4)
        seen += [(votes > 0).sum(axis=0), (votes < 0).sum(axis=0)]
    assert dict(zip(ChangeRule, seen.min(axis=0) > 0, strict=True)) == dict.fromkeys(
        ChangeRule, True
    )


@given(seeds, st.integers(1, 10), st.integers(0, 4))
def test_votes_of_blocks__know_nothing_past_the_horizon(seed, blocks, lag) -> None:
    """Cut the chain at the horizon of its first blocks: their votes are the same."""
    ledger = random_ledger(seed, 10)
    before = ledger.first_blocks(blocks)
    decided = max(blocks - lag, 0)
    late, early = all_votes(ledger, lag, 0, decided), all_votes(before, lag, 0, decided)
    # The made-up clusters depend on how many addresses there are.
    known = [rule for rule in ChangeRule if rule is not ChangeRule.SAME_CLUSTER]
    assert late[:, known].tolist() == early[:, known].tolist()


@given(seeds, st.integers(0, 3), st.integers(4, 9))
def test_votes_of_blocks__static_rules_do_not_depend_on_the_horizon(seed, lag, longer) -> None:
    ledger = random_ledger(seed, 8)
    soon, later = all_votes(ledger, lag), all_votes(ledger, longer)
    assert soon[:, STATIC_COLUMNS].tolist() == later[:, STATIC_COLUMNS].tolist()


def test_static__holds_every_rule_that_the_horizon_never_changes() -> None:
    changed: set[int] = set()
    for seed in range(80):
        ledger = random_ledger(seed, 10)
        differ = (all_votes(ledger, 0) != all_votes(ledger, 9)).any(axis=0)
        changed |= set(np.flatnonzero(differ).tolist())
    # The clusters are given from outside; it is their growth that makes that rule dynamic.
    assert changed | {ChangeRule.SAME_CLUSTER} == set(ChangeRule) - STATIC


@given(seeds, st.integers(0, 10), st.integers(0, 10), st.integers(0, 3))
def test_votes_of_blocks__are_the_same_in_parts(seed, one, other, lag) -> None:
    ledger = random_ledger(seed, 10)
    first, last = sorted((one, other))
    rows = change_columns(ledger).first_output[blocks_of(ledger, 0, 10, 0).first_transaction]
    part = all_votes(ledger, lag, first, last).tolist()
    assert part == all_votes(ledger, lag)[rows[first] : rows[last]].tolist()


@given(seeds)
def test_votes_of_blocks__name_one_output_or_none(seed) -> None:
    ledger = random_ledger(seed, 10)
    votes = all_votes(ledger, lag=3)
    first = change_columns(ledger).first_output
    for transaction in ledger.transactions:
        rows = votes[first[transaction.number] : first[transaction.number + 1]]
        spendable = np.array([output.lock is not None for output in transaction.outputs])
        chosen = (rows > 0).sum(axis=0)
        assert set(chosen.tolist()) <= {0, 1}
        assert ((rows < 0).sum(axis=0) == chosen * (spendable.sum() - 1)).all()
        assert not rows[~spendable].any()
        if transaction.excluded or not transaction.inputs or spendable.sum() < 2:
            assert not rows.any()


def mentions(addresses: UInt32Array, count: int) -> UInt8Array:
    """Return how often each address is mentioned, as a horizon counts it."""
    known = addresses[addresses != NO_ADDRESS].astype(np.int64)
    return np.minimum(np.bincount(known, minlength=count), MANY).astype(np.uint8)


@given(seeds, st.integers(0, 30))
def test_change_votes__of_a_range_as_of_one_horizon(seed, start) -> None:
    ledger = random_ledger(seed, 10)
    count = len(ledger.transactions)
    start = min(start, count)
    columns = change_columns(ledger)
    horizon = Horizon(
        count,
        mentions(columns.output_address, len(ledger.locks)),
        mentions(columns.input_address, len(ledger.locks)),
    )
    past = SmallLedger(ledger.transactions[:start], ledger.blocks)
    votes = change_votes(
        columns,
        keyset_columns(ledger),
        horizon,
        Fingerprints(start, fingerprints(fingerprint_columns(ledger), start, count)),
        np.array([each.excluded for each in ledger.transactions[start:]], dtype=np.uint8),
        start,
        newest_address=len(past.locks) - 1,
    )
    whole = all_votes(ledger, lag=10)[columns.first_output[start] :]
    whole[:, ChangeRule.SAME_CLUSTER] = 0
    assert votes.tolist() == whole.tolist()


@given(seeds)
def test_vote_difference__compares_the_two_outputs_with_most_votes(seed) -> None:
    ledger = random_ledger(seed, 10)
    votes, first = all_votes(ledger, lag=3), change_columns(ledger).first_output
    rows, differences = vote_difference(votes, first)
    for transaction in range(len(rows)):
        begin, end = int(first[transaction]), int(first[transaction + 1])
        counts = [
            (sum(int(votes[row, rule]) == 1 for rule in THRESHOLD_VOTES), row)
            for row in range(begin, end)
        ]
        most, next_most = sorted([*counts, (0, -1), (0, -1)], reverse=True)[:2]
        assert differences[transaction] == most[0] - next_most[0]
        assert rows[transaction] == (most[1] if most[0] > next_most[0] else -1)


def arguments(ledger: SmallLedger) -> dict:
    columns = change_columns(ledger)
    return {
        "columns": columns,
        "keysets": keyset_columns(ledger),
        "horizon": new_horizon(len(ledger.locks)),
        "fingerprints": Fingerprints(
            0, fingerprints(fingerprint_columns(ledger), 0, len(ledger.transactions))
        ),
        "excluded": np.zeros(len(ledger.transactions), dtype=np.uint8),
        "blocks": blocks_of(ledger, 0, ledger.blocks, 1),
        "newest_address": -1,
    }


LEDGER = random_ledger(1, 4)
COLUMNS = change_columns(LEDGER)
COUNT = len(LEDGER.transactions)
ADDRESSES = len(LEDGER.locks)
NONE = np.zeros(0, dtype=np.uint8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": COLUMNS._replace(fee_sat=np.zeros(1, np.int64))}, "different transactions"),
        ({"columns": COLUMNS._replace(spent_output=np.zeros(0, np.int64))}, "every input"),
        ({"columns": COLUMNS._replace(spender=np.zeros(0, np.uint32))}, "every output"),
        ({"columns": COLUMNS._replace(first_output=np.array([0, 1]))}, "first_output must run"),
        ({"horizon": Horizon(0, NONE, NONE)}, "for every address"),
        ({"horizon": new_horizon(ADDRESSES)._replace(transactions=COUNT)}, "does not move back"),
        ({"fingerprints": Fingerprints(1, np.zeros(COUNT, np.uint32))}, "fingerprints of"),
        ({"fingerprints": Fingerprints(0, np.zeros(1, np.uint32))}, "fingerprints of"),
        ({"excluded": NONE}, "a byte that says"),
        ({"labels": np.zeros(1, np.uint32)}, "a label"),
        ({"blocks": Blocks(np.array([0, 2]), np.array([1]))}, "horizons ascend"),
        ({"blocks": Blocks(np.array([0, 2]), np.array([], np.int64))}, "a horizon each"),
        ({"blocks": Blocks(np.array([0, COUNT]), np.array([COUNT + 1]))}, "lies ahead"),
    ],
)
def test_votes_of_blocks__refuse_arguments_that_do_not_fit(change, message) -> None:
    with pytest.raises(ValueError, match=message):
        votes_of_blocks(**{**arguments(LEDGER), **change})


def test_votes_of_blocks__refuse_keysets_that_do_not_fit() -> None:
    keysets = keyset_columns(LEDGER)
    for wrong, message in (
        (keysets._replace(first_payload_byte=np.zeros(1, np.int64)), "a payload"),
        (keysets._replace(reveal=np.zeros(99, np.int64)), "its reveal"),
        (
            keysets._replace(address=np.zeros(1, np.uint32), reveal=np.array([10**6])),
            "not in the columns",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            votes_of_blocks(**{**arguments(LEDGER), "keysets": wrong})


def test_vote_difference__refuses_rows_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="first_row must run"):
        vote_difference(np.zeros((2, len(ChangeRule)), np.int8), np.array([0, 1]))


def test_marginal_fee__of_the_largest_fee_does_not_overflow() -> None:
    """All coins there will ever be as the fee of a transaction as large as a block."""
    ledger = random_ledger(5, 8)
    spends = [each for each in ledger.transactions if len(each.inputs) > 1]
    for each in spends:
        each.inputs[0] = replace(each.inputs[0], value=21 * 10**14)
        each.stripped_size = 1_000_000
    votes = all_votes(ledger, lag=2).tolist()
    assert votes == expected_votes(ledger, 2)


def payment_of(case: dict) -> SmallLedger:
    """Return a ledger with the payment of a vector; addresses that are not fresh were paid once."""
    sizes = {LockType.P2WPKH: 20, LockType.P2PKH: 20}
    ledger = SmallLedger(blocks=2)

    def lock(number: int, name: str) -> Lock:
        return Lock(LockType[name], bytes([number]) * sizes[LockType[name]])

    old = [
        Output(lock(number, each["type"]), 1, 0, number)
        for number, each in enumerate(case["outputs"])
        if not each["fresh"]
    ]
    coins = [
        Output(lock(10 + number, each["type"]), each["value_sat"], 0, len(old) + number, 1, number)
        for number, each in enumerate(case["inputs"])
    ]
    paid = [
        Output(lock(number, each["type"]), each["value_sat"], 1, number)
        for number, each in enumerate(case["outputs"])
    ]
    form = {key: case[key] for key in ("version", "locktime", "stripped_size", "witness_size")}
    ledger.transactions = [
        Transaction(number=0, block=0, txid=bytes(32), inputs=[], outputs=old + coins, **form),
        Transaction(
            number=1,
            block=1,
            txid=bytes([1]) * 32,
            inputs=[Input(coin, coin.lock, coin.value, 0xFFFF_FFFD) for coin in coins if coin.lock],
            outputs=paid,
            **form,
        ),
    ]
    return ledger


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["id"])
def test_votes_of_blocks__worked_examples(case) -> None:
    ledger = payment_of(case)
    # The forest of these tests joins addresses at will.
    known = [rule for rule in ChangeRule if rule is not ChangeRule.SAME_CLUSTER]
    votes = all_votes(ledger, lag=0)
    first = change_columns(ledger).first_output
    rows = votes[first[1] :]
    for position, row in enumerate(rows):
        sign = 1 if position == case["change"] else -1
        cast = {rule.name.lower(): int(row[rule]) for rule in known if row[rule]}
        assert cast == dict.fromkeys(case["votes"], sign)
    outcome = vote_difference(votes, first)
    assert outcome.difference[1] == case["difference"]
    assert outcome.row[1] == first[1] + case["change"]
