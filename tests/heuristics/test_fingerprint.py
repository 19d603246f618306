import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.fingerprint import (
    TYPE_BITS,
    FingerprintBit,
    LockType,
    fingerprints,
    transaction_of,
)
from tests.heuristics.wallet_cases import (
    Input,
    Lock,
    Output,
    SmallLedger,
    Transaction,
    fingerprint_columns,
    random_ledger,
)
from tests.reference.fingerprint import fingerprint

seeds = st.integers(0, 2**32)


@given(seeds, st.integers(1, 12))
def test_fingerprints__agree_with_reference(seed, blocks) -> None:
    ledger = random_ledger(seed, blocks)
    words = fingerprints(fingerprint_columns(ledger), 0, len(ledger.transactions))
    expected = [fingerprint(ledger, each) for each in ledger.transactions]
    assert [FingerprintBit(int(word)) for word in words] == expected


@given(seeds, st.integers(0, 40), st.integers(0, 40))
def test_fingerprints__judge_each_transaction_by_itself(seed, one, other) -> None:
    ledger = random_ledger(seed, 10)
    start, stop = sorted(min(each, len(ledger.transactions)) for each in (one, other))
    columns = fingerprint_columns(ledger)
    whole = fingerprints(columns, 0, len(ledger.transactions))
    assert fingerprints(columns, start, stop).tolist() == whole[start:stop].tolist()


@given(seeds, st.integers(1, 10))
def test_fingerprints__never_learn_from_later_blocks(seed, blocks) -> None:
    ledger = random_ledger(seed, 10)
    before = ledger.first_blocks(blocks)
    count = len(before.transactions)
    late = fingerprints(fingerprint_columns(ledger), 0, count)
    assert fingerprints(fingerprint_columns(before), 0, count).tolist() == late.tolist()


def two_outputs_of_one_value(one: Lock, other: Lock) -> SmallLedger:
    payment = Transaction(
        number=0,
        block=0,
        txid=bytes(32),
        version=1,
        locktime=0,
        stripped_size=100,
        witness_size=0,
        inputs=[Input(None, Lock(LockType.P2PKH, bytes(20)), 9, 0)],
        outputs=[Output(one, 4, 0, 0), Output(other, 4, 0, 1)],
    )
    return SmallLedger([payment], 1)


SCRIPTS = [
    Lock(LockType.P2PK, b"\x02" + b"\x14" * 32),
    Lock(LockType.P2PKH, b"\x07" * 20),
    Lock(LockType.P2SH, b"\x07" * 20),
    Lock(LockType.P2WPKH, b"\x07" * 20),
    Lock(LockType.P2WSH, b"\x07" * 32),
    Lock(LockType.P2TR, b"\x07" * 32),
    Lock(0, b""),
    Lock(0, b"\x76\xa9\x14" + b"\x07" * 20),
    Lock(0, b"\x76\xa9\x14" + b"\x07" * 20 + b"\x88\xac\x61"),
    Lock(0, b"\xa9\x14" + b"\x07" * 20 + b"\x88"),
    Lock(0, b"\x21\x02" + b"\x14" * 32 + b"\xad"),
    Lock(8, b"\x52\x02\x01\x01"),
]


@pytest.mark.parametrize("one", SCRIPTS, ids=lambda lock: lock.script.hex()[:8])
def test_fingerprints__outputs_of_one_value_stand_by_script(one) -> None:
    for other in [*SCRIPTS, None]:
        ledger = two_outputs_of_one_value(one, other)
        (word,) = fingerprints(fingerprint_columns(ledger), 0, 1)
        script = b"\x6a" if other is None else other.script
        assert bool(word & FingerprintBit.SORTED) == (one.script <= script)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=60))
def test_transaction_of__finds_the_maker_of_every_output(counts) -> None:
    first_output = np.cumsum([0, *counts], dtype=np.int64)
    for transaction, count in enumerate(counts):
        for position in range(count):
            output = int(first_output[transaction]) + position
            for before in {transaction + 1, len(counts)}:
                assert transaction_of(first_output, output, before) == transaction


def test_type_bits__hold_every_kind_of_input() -> None:
    for kind in LockType:
        ledger = two_outputs_of_one_value(SCRIPTS[0], SCRIPTS[1])
        ledger.transactions[0].inputs = [Input(None, Lock(kind, b"\x07" * 20), 9, 0)]
        (word,) = fingerprints(fingerprint_columns(ledger), 0, 1)
        assert FingerprintBit(int(word)) & TYPE_BITS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"first_transaction": np.array([0, 9])}, "first_transaction must run"),
        ({"first_output": np.array([0, 9])}, "first_output must run"),
        ({"version": np.zeros(0, np.int32)}, "different transactions"),
        ({"sequence": np.zeros(0, np.uint32)}, "every input"),
        ({"output_value_sat": np.zeros(0, np.int64)}, "every output"),
        ({"multisig": np.zeros(0, np.uint8)}, "every address"),
    ],
)
def test_fingerprints__refuse_columns_that_do_not_fit(change, message) -> None:
    columns = fingerprint_columns(two_outputs_of_one_value(SCRIPTS[0], SCRIPTS[1]))
    with pytest.raises(ValueError, match=message):
        fingerprints(columns._replace(**change), 0, 1)


@pytest.mark.parametrize(("start", "stop"), [(-1, 0), (1, 0), (0, 2)])
def test_fingerprints__refuse_transactions_that_do_not_exist(start, stop) -> None:
    columns = fingerprint_columns(two_outputs_of_one_value(SCRIPTS[0], SCRIPTS[1]))
    with pytest.raises(ValueError, match="not all in the columns"):
        fingerprints(columns, start, stop)
