"""What transactions pay for gas, and to whom.

Before London all of it goes to the block's fee recipient. Since then (EIP-1559) the block's base
fee is destroyed for every unit of gas and the recipient gets the rest; what is paid for blobs
(EIP-4844) is destroyed too. A failed transaction pays all the same.
"""

import numpy as np

from chains.errors import MalformedBlockError
from chains.ethereum.decode.rows import BlockRows, MoveRows, TransactionRows, coin_moves, joined
from chains.ethereum.quantities import products
from chains.ethereum.tables import NO_ACCOUNT, MovementKind
from chains.types import UInt32Array, UInt64Array

BURNT, TIP = np.int64(3) << 40, np.int64(4) << 40
"""Sequences of the two: after everything else."""


def gas_moves(blocks: BlockRows, transactions: TransactionRows) -> MoveRows:
    """Return what was burnt and what the fee recipients got."""
    block = np.repeat(np.arange(len(blocks.height)), np.diff(blocks.first_transaction))
    base_fee = blocks.base_fee[block]
    too_low = np.flatnonzero(transactions.gas_price < base_fee)
    if len(too_low):
        height = int(blocks.height[block[too_low[0]]])
        raise MalformedBlockError(
            f"block {height}: effectiveGasPrice of a transaction is below baseFeePerGas"
        )
    burnt = _plus(products(transactions.gas_used, base_fee), transactions.blob_fee)
    tip = products(transactions.gas_used, transactions.gas_price - base_fee)
    nobody = np.full(len(block), NO_ACCOUNT, np.uint32)
    return joined(
        [
            _moves(MovementKind.GAS_BURNT, BURNT, burnt, transactions.sender, nobody),
            _moves(
                MovementKind.GAS_TIP, TIP, tip, transactions.sender, blocks.fee_recipient[block]
            ),
        ]
    )


def _moves(
    kind: MovementKind, sequence: np.int64, paid: UInt64Array, giver: UInt32Array, gets: UInt32Array
) -> MoveRows:
    rows = np.flatnonzero(paid.any(axis=1))
    count = len(rows)
    return coin_moves(
        rows,
        np.full(count, sequence),
        np.full(count, kind, np.uint8),
        giver[rows],
        gets[rows],
        paid[rows],
    )


def _plus(left: UInt64Array, right: UInt64Array) -> UInt64Array:
    """Return sums of amounts below 2**128."""
    total = left.copy()
    # Half limbs, whose sum has room for the carry.
    mask, half = np.uint64(0xFFFF_FFFF), np.uint64(32)
    carry = np.zeros(len(left), np.uint64)
    for limb in range(left.shape[1]):
        low = (left[:, limb] & mask) + (right[:, limb] & mask) + carry
        high = (left[:, limb] >> half) + (right[:, limb] >> half) + (low >> half)
        total[:, limb] = (low & mask) | ((high & mask) << half)
        carry = high >> half
    return total
