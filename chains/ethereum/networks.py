"""The Ethereum networks: what tells one chain's data from another's.

A chain is known by its id, which every signed transaction names. A development chain has whatever
id its node was started with, so the network `ethereum-dev` accepts any but those of public chains.
"""

from dataclasses import dataclass

ETHER_WEI = 10**18
"""Wei in one ether."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EthereumNetwork:
    """One Ethereum network."""

    name: str
    """The name that people and programs type."""

    coin: str
    """Name of the native coin; coins of test networks do not carry the name of the real one."""

    chain_id: int | None
    """As in EIP-155; nothing where any id of a private chain is accepted."""

    genesis_hash: bytes | None = None
    """Hash of block 0; nothing where every chain has its own."""


ETHEREUM = EthereumNetwork(
    name="ethereum",
    coin="ETH",
    chain_id=1,
    genesis_hash=bytes.fromhex("d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"),
)

ETHEREUM_DEV = EthereumNetwork(name="ethereum-dev", coin="tETH", chain_id=None)

ETHEREUM_NETWORKS = (ETHEREUM, ETHEREUM_DEV)
"""Every Ethereum network, the main one first."""
