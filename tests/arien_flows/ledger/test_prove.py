"""Proofs are checked with hashlib alone, on blocks of the real chain and on hand-made ones."""

import hashlib
import json
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.errors import InputError, NotFoundError
from arien_flows.ledger.memory import view_of
from arien_flows.ledger.prove import Proof, check_proof, prove
from arien_flows.ledger.view import View
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import BITCOIN, REGTEST
from tests.ledgers import Chain, Tx, batch_of, build_view

SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 13)


@cache
def view_of_sizes() -> View:
    """Return a ledger whose block `i` has `SIZES[i]` transactions."""
    transactions = []
    for block, size in enumerate(SIZES):
        transactions.append(Tx(name=f"{block}.0", outputs=[("miner", 50_000 + size)]))
        spent = f"{block}.0:0"
        for place in range(1, size):
            name = f"{block}.{place}"
            transactions.append(
                Tx(name=name, inputs=[spent], outputs=[("miner", 50_000 + size - place)])
            )
            spent = f"{name}:0"
    return build_view(transactions)


def fold(proof: Proof) -> str:
    """Return the merkle root as the sentence in the proof says, with nothing but hashlib."""
    node = bytes.fromhex(proof.txid)[::-1]
    position = proof.position
    for element in proof.merkle_path:
        sibling = bytes.fromhex(element)[::-1]
        pair = sibling + node if position % 2 else node + sibling
        node = hashlib.sha256(hashlib.sha256(pair).digest()).digest()
        position //= 2
    return node.hex()


@pytest.mark.parametrize("block", range(len(SIZES)))
def test_prove__path_of_every_transaction_leads_to_the_header(block: int) -> None:
    view = view_of_sizes()
    for position in range(SIZES[block]):
        transaction = int(view.first_transaction[block]) + position
        proof = prove(view, view.txid_text(transaction))
        assert (proof.height, proof.position) == (block, position)
        assert proof.transaction_count == SIZES[block]
        assert fold(proof) == bytes.fromhex(proof.header)[36:68].hex()
        header_hash = hashlib.sha256(hashlib.sha256(bytes.fromhex(proof.header)).digest()).digest()
        assert header_hash[::-1].hex() == proof.block_hash
        assert check_proof(proof)


@given(st.data())
def test_check_proof__refuses_any_changed_digit(data: st.DataObject) -> None:
    view = view_of_sizes()
    proof = prove(view, view.txid_text(data.draw(st.integers(0, view.counts.transactions - 1))))
    texts = {"txid": proof.txid, "header": proof.header, "block_hash": proof.block_hash}
    texts |= {f"merkle_path {i}": element for i, element in enumerate(proof.merkle_path)}
    name = data.draw(st.sampled_from(sorted(texts)))
    text = texts[name]
    place = data.draw(st.integers(0, len(text) - 1))
    digit = data.draw(st.sampled_from([c for c in "0123456789abcdef" if c != text[place]]))
    changed = text[:place] + digit + text[place + 1 :]
    if name.startswith("merkle_path"):
        path = list(proof.merkle_path)
        path[int(name.split()[1])] = changed
        forged = replace(proof, merkle_path=tuple(path))
    else:
        forged = replace(proof, **{name: changed})
    assert not check_proof(forged)


@pytest.mark.parametrize(
    "change",
    [
        {"position": 1},
        {"position": -1},
        {"position": 5 + 8},
        {"merkle_path": ()},
        {"transaction_count": 17},
        {"header": "00"},
        {"txid": "not hexadecimal"},
        {"txid": "00"},
    ],
)
def test_check_proof__refuses_what_does_not_belong(change: dict[str, object]) -> None:
    view = view_of_sizes()
    proof = prove(view, view.txid_text(int(view.first_transaction[4]) + 4))
    assert check_proof(proof)
    assert not check_proof(replace(proof, **change))  # type: ignore[arg-type]


def test_prove__is_json_as_it_is() -> None:
    view = view_of_sizes()
    fields = json.loads(json.dumps(asdict(prove(view, view.txid_text(7)))))
    fields["merkle_path"] = tuple(fields["merkle_path"])
    assert check_proof(Proof(**fields))


def test_prove__says_what_is_wrong_with_the_question() -> None:
    view = view_of_sizes()
    with pytest.raises(InputError, match="64 hexadecimal digits"):
        prove(view, "abc")
    with pytest.raises(NotFoundError, match="up to block 8"):
        prove(view, "00" * 32)


def test_prove__of_a_repeated_coinbase_shows_the_later() -> None:
    chain = Chain.from_genesis()
    chain.add([Tx(name="first", outputs=[("miner", 1000)])])
    chain.height -= 1  # the next coinbase script is the same again
    chain.add([Tx(name="again", outputs=[("miner", 1000)])])
    assert chain.txid("first") == chain.txid("again")
    view = view_of(batch_of(chain.blocks), REGTEST, heights=np.arange(3, dtype=np.uint32))
    proof = prove(view, chain.txid("again"))
    assert proof.height == 2
    assert check_proof(proof)


@pytest.mark.slow
def test_prove__first_payment_of_the_real_chain(shared_data: Path) -> None:
    source = BlockFiles(shared_data / "btc_blocks" / "chain_mainnet_0_4312.dat", BITCOIN)
    (batch,) = source.batches(0, 171)
    view = view_of(batch, BITCOIN, heights=np.arange(171, dtype=np.uint32))
    # The payment from Satoshi Nakamoto to Hal Finney.
    proof = prove(view, "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16")
    assert proof.height == 170
    assert proof.block_hash == "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee"
    assert proof.position == 1
    assert proof.transaction_count == 2
    assert fold(proof) == bytes.fromhex(proof.header)[36:68].hex()
    assert check_proof(proof)
