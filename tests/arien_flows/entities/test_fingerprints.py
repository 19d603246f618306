from random import Random

import pytest

from arien_flows.entities.fingerprints import (
    fingerprint_columns,
    multisig_bits,
    multisig_reveals,
)
from chains.tables import ScriptType
from heuristics.fingerprint import FingerprintBit, LockType, fingerprints
from tests.arien_flows.entities.random_chains import random_chain, view_at


@pytest.mark.parametrize("kind", LockType, ids=lambda kind: kind.name)
def test_lock_type__has_the_numbers_that_ledgers_store(kind) -> None:
    assert ScriptType[kind.name] == kind


def test_fingerprint_columns__of_real_transactions() -> None:
    chain = random_chain(Random(3).randrange(1000), blocks=20)
    view = view_at(chain)
    words = fingerprints(fingerprint_columns(view), 0, view.counts.transactions)
    for built in chain.transactions.values():
        word = int(words[view.find_transaction(built.GetTxid()[::-1].hex())])
        assert bool(word & FingerprintBit.VERSION_2) == (built.nVersion >= 2)
        assert bool(word & FingerprintBit.SEGWIT) == (
            built.has_witness() and not built.is_coinbase()
        )
        values = [output.nValue for output in built.vout]
        if values != sorted(values):
            assert not word & FingerprintBit.SORTED


def test_multisig_bits__of_a_chain_without_any() -> None:
    view = view_at(random_chain(1, blocks=3))
    reveals = multisig_reveals(view)
    assert len(reveals) == 0
    assert not multisig_bits(view, reveals).any()
