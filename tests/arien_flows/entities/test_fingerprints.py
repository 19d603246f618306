from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from arien_flows.entities.change_votes import VoteSources
from arien_flows.entities.fingerprints import (
    fingerprint_columns,
    multisig_bits,
    multisig_reveals,
)
from arien_flows.ledger.memory import view_of
from arien_flows.ledger.view import View
from chains.bitcoin.networks import REGTEST
from chains.tables import ScriptType
from heuristics.fingerprint import FingerprintBit, LockType, fingerprints
from tests.arien_flows.entities.random_chains import random_chain, view_at
from tests.ledgers import batch_of
from tests.regtest_chain import RegtestChain

TYPES = {
    "pubkeyhash": FingerprintBit.P2PKH,
    "scripthash": FingerprintBit.P2SH,
    "witness_v0_keyhash": FingerprintBit.P2WPKH,
    "witness_v0_scripthash": FingerprintBit.P2WSH,
    "witness_v1_taproot": FingerprintBit.P2TR,
}
WITNESS_FORMS = {"scripthash", "witness_v0_keyhash", "witness_v0_scripthash", "witness_v1_taproot"}


@pytest.mark.parametrize("kind", LockType, ids=lambda kind: kind.name)
def test_lock_type__has_the_numbers_that_ledgers_store(kind) -> None:
    assert ScriptType[kind.name] == kind


def view_of_node(chain: RegtestChain) -> View:
    raw = [bytes.fromhex(chain.rpc.getblock(block["hash"], 0)) for block in chain.blocks]
    return view_of(batch_of(raw), REGTEST, heights=np.arange(len(raw), dtype=np.uint32))


def is_multisig(spend: dict[str, Any]) -> bool:
    """Return whether an input's script is m-of-n, as the node shows the spend."""
    kind = spend["prevout"]["scriptPubKey"]["type"]
    if kind == "multisig":
        return True
    if kind == "witness_v0_scripthash":
        return spend["txinwitness"][-1].endswith("ae")
    if kind != "scripthash":
        return False
    redeem = spend["scriptSig"]["asm"].split()[-1]
    if redeem.startswith("0014"):  # a key hash: what the witness ends with is a key, not a script
        return False
    return (spend["txinwitness"][-1] if redeem.startswith("0020") else redeem).endswith("ae")


def satoshi(amount: Decimal | float) -> int:
    return round(Decimal(str(amount)) * 10**8)


def told_by_node(block: dict[str, Any], transaction: dict[str, Any]) -> FingerprintBit:
    """Return the fingerprint that follows from what the node prints of a transaction."""
    spends = [spend for spend in transaction["vin"] if "coinbase" not in spend]
    kinds = {spend["prevout"]["scriptPubKey"]["type"] for spend in spends}
    inputs = [(spend["txid"], spend["vout"]) for spend in spends]
    outputs = [(satoshi(out["value"]), out["scriptPubKey"]["hex"]) for out in transaction["vout"]]
    inside = {each["txid"] for each in block["tx"]}
    claims = {
        FingerprintBit.VERSION_2: transaction["version"] >= 2,
        FingerprintBit.VERSION_3: transaction["version"] >= 3,
        FingerprintBit.LOCKTIME_HEIGHT: 0 < transaction["locktime"] < 500_000_000,
        FingerprintBit.LOCKTIME_TIME: transaction["locktime"] >= 500_000_000,
        FingerprintBit.RBF: any(spend["sequence"] < 0xFFFF_FFFE for spend in spends),
        FingerprintBit.SEGWIT: transaction["hash"] != transaction["txid"],
        FingerprintBit.SEGWIT_COMPATIBLE: bool(kinds) and kinds <= WITNESS_FORMS,
        FingerprintBit.SORTED: inputs == sorted(inputs) and outputs == sorted(outputs),
        FingerprintBit.ZEROCONF: any(spend["txid"] in inside for spend in spends),
        FingerprintBit.MULTISIG: any(is_multisig(spend) for spend in spends),
        FingerprintBit.OTHER_TYPE: bool(kinds - set(TYPES)),
        FingerprintBit.UNIFORM_INPUTS: len(kinds) == 1,
        FingerprintBit.TWO_INPUTS: len(spends) == 2,
        FingerprintBit.MORE_INPUTS: len(spends) > 2,
        FingerprintBit.TWO_OUTPUTS: len(outputs) == 2,
        FingerprintBit.MORE_OUTPUTS: len(outputs) > 2,
        FingerprintBit.COINBASE: not spends,
        **{bit: kind in kinds for kind, bit in TYPES.items()},
    }
    word = FingerprintBit(0)
    for bit, holds in claims.items():
        if holds:
            word |= bit
    return word


@pytest.mark.slow
def test_fingerprint_columns__agree_with_what_a_node_prints(regtest_chain) -> None:
    view = view_of_node(regtest_chain)
    words = fingerprints(fingerprint_columns(view), 0, view.counts.transactions)
    expected = [
        told_by_node(block, transaction)
        for block in regtest_chain.blocks
        for transaction in block["tx"]
    ]
    assert [FingerprintBit(int(word)) for word in words] == expected
    seen = {bit for bit in FingerprintBit if any(bit in word for word in expected)}
    assert {FingerprintBit.MULTISIG, FingerprintBit.P2WSH, FingerprintBit.P2TR} <= seen


@pytest.mark.slow
def test_vote_sources__multisigs_of_a_node_s_chain_share_keys(regtest_chain) -> None:
    """Bare, P2SH and P2WSH forms of one 2-of-3 hold its keys: their scripts are found."""
    view = view_of_node(regtest_chain)
    sources = VoteSources.of(view)
    assert len(sources.keysets.address) > 0
    for address, row in zip(sources.keysets.address, sources.keysets.reveal, strict=True):
        assert view.input_address[view.reveal_input[row]] == address
        assert view.revealed[view.first_reveal_byte[row + 1] - 1] == 0xAE
    assert (np.diff(sources.keysets.address.astype(np.int64)) > 0).all()


def test_fingerprint_columns__of_a_chain_in_memory() -> None:
    chain = random_chain(3, blocks=4)
    view = view_at(chain)
    words = fingerprints(fingerprint_columns(view), 0, view.counts.transactions)
    for built in chain.transactions.values():
        word = int(words[view.find_transaction(built.GetTxid()[::-1].hex())])
        assert bool(word & FingerprintBit.VERSION_2) == (built.nVersion >= 2)
        assert bool(word & FingerprintBit.COINBASE) == built.is_coinbase()


def test_multisig_bits__of_a_chain_without_any() -> None:
    view = view_at(random_chain(1, blocks=3))
    reveals = multisig_reveals(view)
    assert len(reveals) == 0
    assert not multisig_bits(view, reveals).any()
