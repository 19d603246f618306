"""The chain that a node followed at one moment, and whether it still follows it.

A node answers by height for the chain that it follows *now*. So questions by height are
accompanied by another, asked after them: whether the last block that was seen still stands at its
height. If it does, so does every block below it, and the heights mean what they meant.
"""

from dataclasses import dataclass
from typing import Self

from chains.errors import ChainChangedError, SourceUnavailableError
from chains.ethereum.lookups import BlockPlace
from chains.ethereum.networks import EthereumNetwork
from chains.ethereum.rpc.answers import an_object, block_hash, number
from chains.ethereum.rpc.calls import Call, Json, NodeRpc, Outcome, RpcRefusalError, accepted
from chains.http import Patience

PUBLIC_CHAINS = {
    1: "Ethereum's main net", 10: "Optimism", 14: "Flare", 25: "Cronos", 30: "Rootstock",
    40: "Telos", 56: "BNB Smart Chain", 61: "Ethereum Classic", 88: "Viction", 100: "Gnosis",
    122: "Fuse", 128: "Heco", 130: "Unichain", 137: "Polygon", 146: "Sonic",
    169: "Manta Pacific", 199: "BitTorrent Chain", 204: "opBNB", 250: "Fantom",
    252: "Fraxtal", 288: "Boba", 324: "zkSync Era", 369: "PulseChain",
    480: "World Chain", 592: "Astar", 999: "HyperEVM", 1030: "Conflux", 1088: "Metis",
    1101: "Polygon zkEVM", 1116: "Core", 1135: "Lisk", 1284: "Moonbeam", 1285: "Moonriver",
    1329: "Sei", 1868: "Soneium", 2020: "Ronin", 2222: "Kava", 5000: "Mantle", 7000: "ZetaChain",
    8217: "Kaia", 8453: "Base", 9001: "Evmos", 10001: "EthereumPoW", 17000: "Holesky",
    34443: "Mode", 42161: "Arbitrum One", 42170: "Arbitrum Nova", 42220: "Celo",
    43114: "Avalanche", 48900: "Zircuit", 59144: "Linea", 80094: "Berachain", 81457: "Blast",
    167000: "Taiko", 534352: "Scroll", 560048: "Hoodi", 7777777: "Zora", 11155111: "Sepolia",
    1313161554: "Aurora", 1666600000: "Harmony",
}  # fmt: skip
"""Ids of public chains. Their amounts must not be taken for those of a development chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenChain:
    """A node's chain as it was seen."""

    tip: BlockPlace
    genesis: bytes
    notes: tuple[str, ...]

    @classmethod
    def see(cls, rpc: NodeRpc, network: EthereumNetwork, patience: Patience) -> Self:
        """Ask a node for its chain; `SourceUnavailableError` where it follows another network."""
        calls = [
            Call(method="eth_chainId"),
            header_call(0),
            header_call("latest"),
            Call(method="eth_syncing"),
        ]
        chain_id, genesis, tip, syncing = rpc.ask_all(calls, patience=patience)
        _check_network(rpc.name, network, number(accepted(chain_id), "eth_chainId"))
        seen = cls(
            tip=place_of(_there(rpc.name, tip)),
            genesis=place_of(_there(rpc.name, genesis)).block_hash,
            notes=_syncing(rpc.name, syncing),
        )
        if network.genesis_hash not in (None, seen.genesis):
            raise SourceUnavailableError(
                f"{rpc.name} says that it follows {network.name}, but its first block is another; "
                "name another node"
            )
        return seen

    def check(self, still: Outcome) -> None:
        """Raise `ChainChangedError` unless `still`, asked for by `still_call`, is the tip."""
        found = accepted(still)
        if found is None or place_of(found) != self.tip:
            raise ChainChangedError(
                f"the node has left the chain that ended in block {self.tip.height} "
                f"(0x{self.tip.block_hash.hex()}): read its chain again"
            )

    def still_call(self) -> Call:
        """Return the call whose answer `check` judges."""
        return header_call(self.tip.height)

    def check_heights(self, start: int, stop: int) -> None:
        """Raise `ValueError` unless the blocks of heights `[start, stop)` are in the chain."""
        if not 0 <= start <= stop <= self.tip.height + 1:
            raise ValueError(
                f"heights [{start}, {stop}) are not among the {self.tip.height + 1} blocks"
            )


def header_call(height: int | str) -> Call:
    """Return the call for a block with the ids of its transactions only."""
    shown = height if isinstance(height, str) else hex(height)
    return Call(method="eth_getBlockByNumber", parameters=(shown, False))


def place_of(block: Json) -> BlockPlace:
    """Return the place that a block states."""
    told = an_object(block, "block")
    return BlockPlace(number(told.get("number"), "number"), block_hash(told.get("hash")))


def _there(name: str, block: Outcome) -> Json:
    found = accepted(block)
    if found is None:
        raise SourceUnavailableError(
            f"{name} has no blocks yet: run again when it has begun to follow its chain"
        )
    return found


def _check_network(name: str, network: EthereumNetwork, chain_id: int) -> None:
    if network.chain_id is not None and chain_id != network.chain_id:
        raise SourceUnavailableError(
            f"{name} follows the chain with id {chain_id}{_known(chain_id)}, not {network.name} "
            f"(id {network.chain_id}): name another node or another --network"
        )
    if network.chain_id is None and chain_id in PUBLIC_CHAINS:
        raise SourceUnavailableError(
            f"{name} follows a public chain (id {chain_id}{_known(chain_id)}), and {network.name} "
            "is for chains of development: name another node or another --network"
        )


def _known(chain_id: int) -> str:
    return f", {PUBLIC_CHAINS[chain_id]}" if chain_id in PUBLIC_CHAINS else ""


def _syncing(name: str, told: Outcome) -> tuple[str, ...]:
    """Return a note where the node is catching up; services often do not answer that."""
    if isinstance(told, RpcRefusalError) or not isinstance(told, dict):
        return ()
    there = number(told.get("currentBlock", "0x0"), "currentBlock")
    wanted = number(told.get("highestBlock", "0x0"), "highestBlock")
    if wanted <= there:
        return ()
    return (
        f"{name} is itself still catching up with the network: it has block {there} of {wanted} "
        "that it knows of; a ledger can't get further than the node",
    )
