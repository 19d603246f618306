"""What a block pays outside its transactions, from whatever tells it."""

from collections.abc import Mapping, Sequence

from chains.errors import MalformedBlockError
from chains.ethereum.decode.answers import StatedBlock
from chains.ethereum.decode.rewards import GWEI_WEI, MAIN_NET, Reward, Uncle, block_reward, rewards
from chains.ethereum.header import EMPTY_UNCLES, check_header
from chains.ethereum.quantities import a_list, an_object, quantity, raw
from chains.ethereum.tables import MovementKind

Paid = list[tuple[MovementKind, Reward]]
"""Kinds, and who got how much."""


def allocated(block: StatedBlock, allocation: Mapping[bytes, int]) -> Paid:
    """Return what the genesis block holds; nothing for other blocks."""
    if block.height:
        return []
    return [
        (MovementKind.GENESIS, Reward(account, value))
        for account, value in allocation.items()
        if value
    ]


def paid_by(
    block: StatedBlock,
    traced: Sequence[Reward] | None,
    uncles: Sequence[object] | None,
    chain_id: int | None,
) -> Paid:
    """Return rewards and withdrawals of a block, in the order of the protocol.

    Rewards that a trace tells (`traced`) are believed. Where it tells none, those of the main net
    follow from the block's height and the headers of the uncles that it names.
    """
    found = list(traced or ())
    if not found and chain_id == MAIN_NET and block_reward(block.height):
        found = rewards(block.height, block.miner, _uncles(block, uncles))
    return [(MovementKind.REWARD, reward) for reward in found if reward.value] + [
        (MovementKind.WITHDRAWAL, withdrawal) for withdrawal in _withdrawals(block)
    ]


def _uncles(block: StatedBlock, uncles: Sequence[object] | None) -> list[Uncle]:
    if raw(block.fields, "sha3Uncles", 32) == EMPTY_UNCLES:
        return []
    stated = list(a_list(block.fields.get("uncles"), "uncles"))
    headers = [an_object(header, "uncles") for header in uncles or ()]
    if [f"0x{check_header(header).hex()}" for header in headers] != stated:
        raise MalformedBlockError(
            f"block {block.height}: uncles: the headers of its uncles are needed to tell who was "
            "rewarded"
        )
    return [Uncle(raw(header, "miner", 20), quantity(header, "number")) for header in headers]


def _withdrawals(block: StatedBlock) -> list[Reward]:
    found = block.fields.get("withdrawals")
    if found is None:
        return []
    try:
        entries = [an_object(one, "withdrawals") for one in a_list(found, "withdrawals")]
        return [
            Reward(raw(one, "address", 20), quantity(one, "amount") * GWEI_WEI)
            for one in entries
            if quantity(one, "amount")
        ]
    except MalformedBlockError as error:
        raise MalformedBlockError(f"block {block.height}: {error}") from None
