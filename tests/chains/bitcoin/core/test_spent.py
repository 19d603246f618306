import numpy as np
import pytest
from bitcoin.core import CTxOut, VarIntSerializer
from bitcoin.core.script import CScript
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.core.spent import spent_outputs
from chains.bitcoin.decode import decode_transactions
from chains.bitcoin.script import classify_scripts
from chains.errors import SourceUnavailableError
from tests.contract.batches import spent_scripts

EMPTY = np.zeros(0, np.int64)

outputs = st.builds(
    lambda value, script: CTxOut(value, CScript(script)),
    st.integers(0, 21 * 10**14),
    st.binary(max_size=30) | st.integers(250, 260).map(bytes),
)

blocks = st.lists(st.lists(st.lists(outputs, max_size=3), min_size=1, max_size=3), max_size=3)
"""What blocks spend: blocks, transactions, outputs."""


def written(block):
    """Write what a block spends, by the library's serialiser."""
    parts = [VarIntSerializer.serialize(len(block))]
    for transaction in block:
        parts.append(VarIntSerializer.serialize(len(transaction)))
        parts += [output.serialize() for output in transaction]
    return b"".join(parts)


class Spending:
    """All of a batch that `spent_outputs` looks at."""

    def __init__(self, stored, counts):
        self.raw = np.frombuffer(bytearray(b"\xee" * 5 + b"".join(stored)), np.uint8)
        self.first_input = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        lengths = np.array([len(part) for part in stored], np.int64)
        self.places = (np.cumsum(lengths) - lengths + 5, lengths)

    def read(self):
        return spent_outputs(self, *self.places)


@given(blocks)
def test_spent_outputs__are_those_that_were_written(drawn):
    transactions = [transaction for block in drawn for transaction in block]
    batch = Spending([written(block) for block in drawn], [len(each) for each in transactions])
    expected = [(out.nValue, bytes(out.scriptPubKey)) for each in transactions for out in each]
    spent = batch.read()
    assert spent_scripts(batch, spent) == expected
    scripts = b"".join(script for _, script in expected)
    lengths = np.array([len(script) for _, script in expected], np.int64)
    raw = np.frombuffer(bytearray(scripts), np.uint8)
    kinds, _, _ = classify_scripts(raw, np.cumsum(lengths) - lengths, lengths)
    assert spent.script_type.tolist() == kinds.tolist()


@given(blocks.filter(bool), st.data())
def test_spent_outputs__refuse_bytes_that_are_cut_or_too_long(drawn, data):
    stored = [written(block) for block in drawn]
    counts = [len(transaction) for block in drawn for transaction in block]
    which = data.draw(st.integers(0, len(stored) - 1))
    kept = data.draw(st.integers(0, len(stored[which]) - 1))
    for damaged in (stored[which][:kept], stored[which] + b"\x00"):
        batch = Spending([*stored[:which], damaged, *stored[which + 1 :]], counts)
        with pytest.raises(SourceUnavailableError, match="does not fit the blocks"):
            batch.read()


def test_spent_outputs__refuse_counts_that_are_not_the_transactions():
    stored = written([[CTxOut(1)], []])
    assert len(Spending([stored], [1, 0]).read().value) == 1
    for counts in ([0, 1], [1], [1, 0, 0], [2, 0]):
        with pytest.raises(SourceUnavailableError, match="does not fit the blocks"):
            Spending([stored], counts).read()


@pytest.mark.parametrize("value", [-1, 21 * 10**14 + 1])
def test_spent_outputs__refuse_impossible_amounts(value):
    batch = Spending([written([[CTxOut(value)]])], [1])
    with pytest.raises(SourceUnavailableError, match="does not fit the blocks"):
        batch.read()


@given(st.binary(max_size=40), st.integers(0, 3))
def test_spent_outputs__raise_nothing_else(stored, count):
    batch = Spending([stored], [count])
    try:
        spent = batch.read()
    except SourceUnavailableError:
        return
    assert len(spent.value) == count


def test_spent_outputs__of_nothing_are_empty():
    batch = decode_transactions(np.zeros(0, np.uint8), EMPTY, EMPTY)
    assert len(spent_outputs(batch, EMPTY, EMPTY).value) == 0
