"""Proof that a transaction is part of a block, for people who do not trust this program.

A block's header commits to its transactions by the root of a merkle tree: ids are hashed in pairs,
the hashes in pairs again, until one is left. Whoever has an id, the sibling at each level and the
header can repeat that with any SHA-256. What gives the header its weight is the work behind its
hash, and that every node of the network knows the block by it.

The proof says that the id stands in the block. What the transaction pays is for the transaction
itself to say: its id is the double SHA-256 of its bytes without witness, so a copy from any source
will do.
"""

from dataclasses import dataclass

import numpy as np

from arien_flows.ledger.view import View
from chains.bitcoin.hashing import double_sha256
from chains.bitcoin.headers import target_of
from chains.bitcoin.merkle import fold_path, merkle_path
from chains.types import TxIdHex, raw_txid, shown_txid

HEADER_BYTES = 80

HOW_TO_CHECK = (
    "Reverse the bytes of txid and of each merkle_path element. Start with the txid; for each "
    "element in turn, put it to the right of what you have if the current position is even, to "
    "the left if it is odd, replace both by SHA-256 of SHA-256 of the 64 bytes, and halve the "
    "position, rounding down. The result must be bytes 37 to 68 of the header. SHA-256 of SHA-256 "
    "of the 80 bytes of the header, reversed, must be block_hash, and any node or public explorer "
    "of the network must know the block of that hash at that height."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That a transaction stands in a block; every field is JSON as it is."""

    network: str

    txid: TxIdHex
    """As people read it."""

    height: int
    """Where the ledger has the block; the header itself does not say it."""

    block_hash: TxIdHex
    """As people read it."""

    header: str
    """The 80 bytes of the block header in hexadecimal, in the order in which they are hashed."""

    position: int
    """Place of the transaction in the block, from 0."""

    transaction_count: int
    """Transactions in the block."""

    merkle_path: tuple[str, ...]
    """The sibling at each level, from the bottom up, written like ids; empty if it is alone."""

    how_to_check: str = HOW_TO_CHECK


def prove(view: View, txid: str) -> Proof:
    """Return the proof of a transaction of the view; of two with one id (BIP 30), of the later.

    Raises
    ------
    InputError
        The text is no transaction id.
    NotFoundError
        The view does not hold the transaction.
    """
    transaction = view.find_transaction(txid)
    block = int(view.blocks_of(np.array([transaction]))[0])
    first, end = int(view.first_transaction[block]), int(view.first_transaction[block + 1])
    path = merkle_path(view.txid[first:end], transaction - first)
    return Proof(
        network=view.network.name,
        txid=view.txid_text(transaction),
        height=int(view.block_height[block]),
        block_hash=view.block_hash(block),
        header=view.header[block].tobytes().hex(),
        position=transaction - first,
        transaction_count=end - first,
        merkle_path=tuple(shown_txid(sibling) for sibling in path),
    )


def check_proof(proof: Proof) -> bool:
    """Return whether a proof holds in itself: id, path, header, block hash and its work agree.

    It takes no ledger. Whether the network's chain has the block is for a node to say.
    """
    try:
        header = bytes.fromhex(proof.header)
        txid = raw_txid(proof.txid)
        path = [bytes(raw_txid(TxIdHex(sibling))) for sibling in proof.merkle_path]
        root = fold_path(txid, proof.position, path)
    except ValueError:
        return False
    if len(header) != HEADER_BYTES or any(len(node) != 32 for node in (txid, *path)):
        return False
    block_hash = double_sha256(header)
    work_done = int.from_bytes(block_hash, "little") <= target_of(
        int.from_bytes(header[72:76], "little")
    )
    return (
        root == header[36:68]
        and shown_txid(block_hash) == proof.block_hash
        and work_done
        and 0 <= proof.position < proof.transaction_count
        and len(path) == (proof.transaction_count - 1).bit_length()
    )
