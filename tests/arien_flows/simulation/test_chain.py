"""The block files hold a chain that follows the rules, as far as keys need not sign."""

import hashlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from bitcoin.core import Hash
from bitcoin.core.script import CScript, CScriptOp

from arien_flows.simulation.parameters import SMALLEST, Parameters
from arien_flows.simulation.simulate import simulate
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.hashing import hash160
from chains.bitcoin.networks import REGTEST
from chains.bitcoin.script import classify
from chains.tables import ScriptType
from tests.arien_flows.simulation.conftest import Simulated

TARGET = 0x7FFFFF << 8 * 0x1D


@pytest.mark.slow
def test_blocks__link_to_genesis_and_do_the_work(simulated: Simulated) -> None:
    blocks = simulated.replay.blocks
    assert blocks[0].GetHash() == REGTEST.genesis_hash
    assert len(blocks) == simulated.summary.tip_height + 1
    for parent, block in pairwise(blocks):
        assert block.hashPrevBlock == parent.GetHash()
        assert block.nTime > parent.nTime
        assert block.nBits == 0x207FFFFF
        assert int.from_bytes(block.GetHash(), "little") <= TARGET


@pytest.mark.slow
def test_blocks__commit_to_transactions_and_witnesses(simulated: Simulated) -> None:
    for block in simulated.replay.blocks[1:]:
        assert block.hashMerkleRoot == block.calc_merkle_root()
        witness_root = block.calc_witness_merkle_root()
        commitment = bytes(block.vtx[0].vout[1].scriptPubKey)
        assert commitment == b"\x6a\x24\xaa\x21\xa9\xed" + Hash(witness_root + bytes(32))


@pytest.mark.slow
def test_coinbases__carry_their_height_and_take_subsidy_and_fees(simulated: Simulated) -> None:
    fees = [0] * len(simulated.replay.blocks)
    for one in simulated.replay.seen:
        if one.spends:
            assert one.fee >= 0
            fees[one.height] += one.fee
    for height, block in enumerate(simulated.replay.blocks[1:], start=1):
        coinbase = block.vtx[0]
        pushed = next(iter(coinbase.vin[0].scriptSig))
        number = pushed if isinstance(pushed, int) else int.from_bytes(pushed, "little")
        assert number == height
        assert sum(out.nValue for out in coinbase.vout) == REGTEST.subsidy(height) + fees[height]


@pytest.mark.slow
def test_transactions__are_as_many_as_asked_for_and_spend_mature_coins(
    simulated: Simulated,
) -> None:
    assert len(simulated.replay.seen) == SMALLEST
    for one in simulated.replay.seen:
        for spend in one.spends:
            assert not spend.by_coinbase or one.height - spend.made_at >= 100
        assert one.transaction.nLockTime < one.height


def lock(script: bytes) -> tuple[ScriptType, bytes]:
    """Return type and payload of a locking script."""
    kind, start, length = classify(np.frombuffer(script, dtype=np.uint8), 0, len(script))
    return ScriptType(kind), script[start : start + length]


def pushes(script: bytes) -> list[bytes]:
    """Return what a script pushes; small numbers as one byte."""
    return [
        bytes([part]) if isinstance(part, int | CScriptOp) else bytes(part)
        for part in CScript(script)
    ]


@pytest.mark.slow
def test_inputs__reveal_what_their_outputs_promised(simulated: Simulated) -> None:
    forms = set()
    for one in simulated.replay.seen:
        for i, spend in enumerate(one.spends):
            pushed = pushes(bytes(one.transaction.vin[i].scriptSig))
            witness = (
                [bytes(item) for item in one.transaction.wit.vtxinwit[i].scriptWitness.stack]
                if one.transaction.wit.vtxinwit
                else []
            )
            kind, payload = lock(spend.script)
            forms.add((kind, bool(witness)))
            if kind == ScriptType.P2PKH:
                assert hash160(pushed[1]) == payload
                assert len(pushed[1]) in (33, 65)
            elif kind == ScriptType.P2SH:
                assert hash160(pushed[-1]) == payload
                if witness:
                    assert pushed[-1] == b"\x00\x14" + hash160(witness[1])
                else:
                    assert lock(pushed[-1])[0] == ScriptType.MULTISIG
                    assert len(pushed) == 4
            elif kind == ScriptType.P2WPKH:
                assert hash160(witness[1]) == payload
            elif kind == ScriptType.P2WSH:
                assert hashlib.sha256(witness[-1]).digest() == payload
                assert lock(witness[-1])[0] == ScriptType.MULTISIG
            elif kind == ScriptType.P2TR:
                assert [len(item) for item in witness] == [64]
            elif kind == ScriptType.MULTISIG:
                assert len(pushed) == 2
            else:
                assert kind == ScriptType.P2PK
                assert len(pushed) == 1
    assert len({kind for kind, _ in forms}) == 7
    assert (ScriptType.P2SH, True) in forms
    assert (ScriptType.P2SH, False) in forms


@pytest.mark.slow
def test_files__hold_late_blocks_and_a_stale_branch(simulated: Simulated) -> None:
    place = {block.GetHash(): i for i, block in enumerate(simulated.replay.file_order)}
    best = [place[block.GetHash()] for block in simulated.replay.blocks]
    late = [h for h in range(1, len(best) - 1) if best[h] > best[h + 1]]
    assert late == simulated.summary.late_heights != []
    stale = set(place) - {block.GetHash() for block in simulated.replay.blocks}
    assert {hash_[::-1].hex() for hash_ in stale} == set(simulated.summary.stale_blocks)
    assert len(stale) == 2


@pytest.mark.slow
def test_files__are_read_by_the_block_source(simulated: Simulated) -> None:
    source = BlockFiles(simulated.directory / "blocks", REGTEST)
    assert source.tip_height() == simulated.summary.tip_height
    assert source.block_hash(source.tip_height())[::-1].hex() == simulated.summary.tip_hash
    read = sum(batch.transaction_count for batch in source.batches(1, source.tip_height() + 1))
    assert read == SMALLEST


def content(directory: Path) -> dict[str, bytes]:
    """Return the bytes of the block files."""
    return {file.name: file.read_bytes() for file in (directory / "blocks").iterdir()}


@pytest.mark.slow
def test_simulate__writes_the_same_bytes_for_the_same_parameters(
    simulated: Simulated, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    assert simulate(Parameters(transactions=SMALLEST, seed=1), again) == simulated.summary
    for file in sorted(simulated.directory.rglob("*")):
        if file.is_file():
            twin = again / file.relative_to(simulated.directory)
            assert twin.read_bytes() == file.read_bytes(), file


@pytest.mark.slow
def test_simulate__gives_the_published_chain(simulated: Simulated) -> None:
    """Whoever changes the economy changes this hash: on every machine it must be the same."""
    assert simulated.summary.tip_hash == (
        "0a2114d6ba0b29de5b5634292bdeb37b9a5d076144f9679d097e5da2cc066495"
    )


@pytest.mark.slow
def test_simulate__another_seed_is_another_chain(simulated: Simulated, tmp_path: Path) -> None:
    other = simulate(Parameters(transactions=SMALLEST, seed=2), tmp_path)
    assert other.tip_hash != simulated.summary.tip_hash
    assert content(tmp_path) != content(simulated.directory)


@pytest.mark.slow
def test_simulate__hides_the_same_bytes_behind_a_key(simulated: Simulated, tmp_path: Path) -> None:
    key = bytes.fromhex("0123456789abcdef")
    simulate(Parameters(transactions=SMALLEST, seed=1, xor_key=key), tmp_path)
    hidden, plain = content(tmp_path), content(simulated.directory)
    assert hidden.pop("xor.dat") == key
    assert hidden.keys() == plain.keys()
    for name, raw in hidden.items():
        cleared = bytes(byte ^ key[i % 8] for i, byte in enumerate(raw))
        assert cleared == plain[name]


@pytest.mark.slow
def test_simulate__without_disorder_writes_in_chain_order(
    simulated: Simulated, tmp_path: Path
) -> None:
    plain = simulate(Parameters(transactions=SMALLEST, seed=1, disorder=False), tmp_path)
    assert plain.tip_hash == simulated.summary.tip_hash
    assert plain.stale_blocks == plain.late_heights == []
    (raw,) = content(tmp_path).values()
    records = [block.serialize() for block in simulated.replay.blocks]
    framed = [REGTEST.magic + len(block).to_bytes(4, "little") + block for block in records]
    assert raw == b"".join(framed)
