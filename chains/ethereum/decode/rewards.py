"""Coins that come from nowhere: rewards of blocks before the merge, withdrawals after Shanghai.

Until the merge (block 15,537,394 of the main net) the miner of a block got a fixed reward and a
thirty-second of it for each uncle that the block names; the miner of an uncle got the reward less
an eighth for every block of the uncle's age. The rules are those of the protocol's execution
specification; EIP-649 and EIP-1234 lowered the reward. They hold for the main net only: other
chains pay what their makers chose, and only a trace tells.
"""

from collections.abc import Sequence
from typing import NamedTuple

from chains.ethereum.networks import ETHER_WEI

MAIN_NET = 1
"""Chain id of the chain that these rules are of."""

GWEI_WEI = 10**9
"""Wei in a gwei: withdrawals are counted in gwei."""

_BYZANTIUM, _CONSTANTINOPLE, MERGE = 4_370_000, 7_280_000, 15_537_394
DAO_FORK = 1_920_000
"""The block of the main net before whose transactions coins of 116 accounts were moved to another,
by the rules of the fork alone."""

DAO_NOTE = (
    "coins that the fork of block 1,920,000 moved out of the DAO are told by no {what}: after it, "
    "balances of those accounts are wrong"
)

_UNCLE_STEPS = 8
_UNCLE_PART = 32


class Reward(NamedTuple):
    """What somebody got for a block or an uncle."""

    account: bytes
    value: int
    """Wei."""


class Uncle(NamedTuple):
    """A block that was found and not built upon, as a later block names it."""

    miner: bytes
    height: int


def block_reward(height: int) -> int:
    """Return the fixed reward of a block of the main net, in wei; 0 for genesis and the merge."""
    if height == 0 or height >= MERGE:
        return 0
    if height < _BYZANTIUM:
        return 5 * ETHER_WEI
    return (3 if height < _CONSTANTINOPLE else 2) * ETHER_WEI


def rewards(height: int, miner: bytes, uncles: Sequence[Uncle]) -> list[Reward]:
    """Return what a block of the main net paid: its miner first, then those of its uncles."""
    fixed = block_reward(height)
    if not fixed:
        return []
    # Each uncle's thirty-second is rounded down on its own, as clients do; all are even.
    paid = [Reward(miner, fixed + len(uncles) * (fixed // _UNCLE_PART))]
    paid += [
        Reward(uncle.miner, (uncle.height + _UNCLE_STEPS - height) * fixed // _UNCLE_STEPS)
        for uncle in uncles
    ]
    return paid
