"""Rules that every valid chain keeps and that are cheap to check while blocks are taken in.

The ledger is no full node: it does not run scripts or check signatures. It refuses blocks that
would make its own statements false: that do not follow, or create money.
"""

import numpy as np

from arien_flows.errors import SourceError
from arien_flows.ledger.beginning import stated_height
from arien_flows.ledger.view import View
from chains.bitcoin.decode import header_hashes
from chains.bitcoin.headers import previous_hashes
from chains.bitcoin.networks import Network
from chains.tables import BlockBatch
from chains.types import Int64Array, UInt8Array, UInt32Array, shown_txid


def check_chain(header: UInt8Array, view: View, first_height: int) -> None:
    """Refuse headers, shape (blocks, 80), that do not continue the chain of `view`.

    `first_height` is where the ledger begins; for a first block, `check_first_height` looks
    whether it stands there.
    """
    previous, block_hash = previous_hashes(header), header_hashes(header)
    if view.counts.blocks:
        before = header_hashes(view.header[-1:])
    else:
        if first_height == 0 and block_hash[0].tobytes() != view.network.genesis_hash:
            raise SourceError(
                f"the first block is {shown_txid(block_hash[0].tobytes())}, not the genesis "
                f"block of {view.network.name}: a ledger starts at genesis, unless it is told "
                "to begin later"
            )
        before = previous[:1]
    expected = np.concatenate([before, block_hash[:-1]])
    wrong = np.flatnonzero((previous != expected).any(axis=1))
    if len(wrong):
        raise SourceError(
            f"block {shown_txid(block_hash[wrong[0]].tobytes())} does not follow "
            f"{shown_txid(expected[wrong[0]].tobytes())}: the source changed its chain meanwhile; "
            "run the command again"
        )


def check_first_height(batch: BlockBatch, first_height: int, network: Network) -> None:
    """Refuse a late ledger's first block whose coinbase states another height (BIP 34)."""
    start = int(batch.coinbase_script_start[0])
    script = batch.raw[start : start + int(batch.coinbase_script_length[0])].tobytes()
    stated = stated_height(network, first_height, script)
    if stated not in (None, first_height):
        raise SourceError(
            f"block {shown_txid(batch.block_hash[0].tobytes())}, which the source has at height "
            f"{first_height}, states height {stated} itself: check that node, or use another source"
        )


def check_subsidies(
    batch: BlockBatch, fee: Int64Array, heights: UInt32Array, network: Network
) -> None:
    """Refuse a block whose coinbase claims more than the subsidy and the fees of its block."""
    first = batch.first_transaction[:-1]
    outputs = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(batch.value, dtype=np.int64)])
    claimed = outputs[batch.first_output[first + 1]] - outputs[batch.first_output[first]]
    fees = np.add.reduceat(fee, first)
    # Heights of one batch lie in few halving periods; ask for each period once.
    period, where = np.unique(heights // network.halving_interval, return_inverse=True)
    subsidy = np.array(
        [network.subsidy(int(number) * network.halving_interval) for number in period],
        dtype=np.int64,
    )[where]
    wrong = np.flatnonzero(claimed > subsidy + fees)
    if len(wrong):
        block = int(wrong[0])
        raise SourceError(
            f"block {int(heights[block])} creates {claimed[block] - fees[block]} satoshi where "
            f"{subsidy[block]} are allowed: it is not a block of {network.name}"
        )
