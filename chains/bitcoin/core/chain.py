"""The chain that a node followed at one moment, and the questions about it.

A node answers by height for the chain that it follows *now*. So every such answer is accompanied
by another: whether the tip that was seen is still in the node's chain, asked after the first and
in the same request. If it is, so is every block below it, and the heights mean what they meant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from chains.bitcoin.core.answers import as_object, flag, number, stored_hash, text
from chains.bitcoin.core.rpc import (
    NOT_FOUND,
    Call,
    Json,
    NodeRpc,
    RpcRefusalError,
    accepted,
)
from chains.bitcoin.networks import Network
from chains.errors import ChainChangedError, SourceUnavailableError
from chains.http import Patience
from chains.types import shown_txid

CHAIN_NAMES = {
    "bitcoin": "main",
    "bitcoin-testnet3": "test",
    "bitcoin-testnet4": "testnet4",
    "bitcoin-signet": "signet",
    "bitcoin-regtest": "regtest",
}
"""What a node calls each network."""

SIGNET_CHALLENGE = (
    "512103ad5e0edad18cb1f0fc0d28a3d4f1f3e445640337489abb10404f2d1e086be430210359ef5021964fe22d6f8e"
    "05b2463c9540ce96883fe3b278760f048f5189f2e6c452ae"
)
"""The script that blocks of the default signet answer. All signets share one genesis block; nodes
too old to tell their challenge are known by their block 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeNote:
    """What a node says of its own state that its chain alone does not show."""

    words: str

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenChain:
    """A node's best chain as it was seen."""

    height: int
    tip: bytes
    """Hash of the block at `height`, as stored."""

    work: int
    """Summed work of all blocks."""

    first_height: int
    """Lowest height whose block the node still has."""

    notes: tuple[NodeNote, ...]

    hashes: dict[int, bytes] = field(default_factory=dict, repr=False)
    """Hashes by height that were asked for one by one."""

    @property
    def shown_tip(self) -> str:
        """Return the tip's hash as people read it."""
        return shown_txid(self.tip)

    @classmethod
    def see(cls, rpc: NodeRpc, network: Network, patience: Patience) -> Self:
        """Ask a node for its chain; `SourceUnavailableError` where it follows another network."""
        calls = [
            Call(method="getblockchaininfo"),
            Call(method="getblockhash", parameters=(0,)),
            Call(method="getblockhash", parameters=(1,)),
        ]
        answers = rpc.ask_all(calls, patience=patience)
        told = as_object(accepted(answers[0]), "getblockchaininfo")
        _check_network(rpc.name, network, text(told, "chain"), accepted(answers[1]))
        if network.name == "bitcoin-signet":
            _check_signet(rpc.name, network, told.get("signet_challenge"), answers[2])
        return cls(
            height=number(told, "blocks"),
            tip=stored_hash(told.get("bestblockhash"), "bestblockhash"),
            work=_work(told),
            first_height=number(told, "pruneheight") if flag(told, "pruned") else 0,
            notes=_notes(rpc.name, told),
        )

    def hash_at(self, rpc: NodeRpc, height: int) -> bytes:
        """Return the hash of this chain's block at `height`."""
        if height == self.height:
            return self.tip
        if height not in self.hashes:
            (self.hashes[height],) = self.hashes_of(rpc, height, height + 1)
        return self.hashes[height]

    def hashes_of(self, rpc: NodeRpc, first: int, last: int) -> list[bytes]:
        """Return the hashes of this chain's blocks of heights `[first, last)`.

        Raises `ChainChangedError` where the node no longer follows this chain.
        """
        calls = [Call(method="getblockhash", parameters=(height,)) for height in range(first, last)]
        seen = Call(method="getblockheader", parameters=(self.shown_tip,))
        *answers, tip = rpc.ask_all([*calls, seen])
        self._check_still_followed(tip)
        return [stored_hash(accepted(answer), "getblockhash") for answer in answers]

    def work_at(self, rpc: NodeRpc, height: int) -> int:
        """Return the summed work of this chain's blocks up to `height`."""
        if height == self.height:
            return self.work
        shown = shown_txid(self.hash_at(rpc, height))
        return _work(as_object(rpc.ask("getblockheader", shown), "getblockheader"))

    def _check_still_followed(self, tip: Json | RpcRefusalError) -> None:
        if isinstance(tip, RpcRefusalError) and tip.code == NOT_FOUND:
            raise self._changed()
        # A block that is not in the node's chain has -1 confirmations.
        if number(as_object(accepted(tip), "getblockheader"), "confirmations") < 1:
            raise self._changed()

    def _changed(self) -> ChainChangedError:
        return ChainChangedError(
            f"the node has left the chain that ended in block {self.height} "
            f"({self.shown_tip}): read its chain again"
        )


def _check_network(name: str, network: Network, chain: str, genesis: Json) -> None:
    told = {known: ours for ours, known in CHAIN_NAMES.items()}.get(chain)
    if told != network.name:
        theirs = told or f"a network called {chain!r}"
        advice = f": use --network {told}, or name another node" if told else ""
        raise SourceUnavailableError(f"{name} follows {theirs}, not {network.name}{advice}")
    if stored_hash(genesis, "getblockhash") != network.genesis_hash:
        raise SourceUnavailableError(
            f"{name} calls its network {chain!r}, but its first block is not that of {network.name}"
        )


def _check_signet(
    name: str, network: Network, challenge: Json, first_block: Json | RpcRefusalError
) -> None:
    known = challenge in (None, SIGNET_CHALLENGE)
    if not isinstance(first_block, RpcRefusalError):
        known &= stored_hash(first_block, "getblockhash") == network.first_block_hash
    if not known:
        raise SourceUnavailableError(
            f"{name} follows a signet of its own; {network.name} is the public one"
        )


def _work(told: Mapping[str, Json]) -> int:
    try:
        return int(text(told, "chainwork"), 16)
    except ValueError:
        raise SourceUnavailableError(
            "the node's answer is not understood: chainwork is not hexadecimal"
        ) from None


def _notes(name: str, told: Mapping[str, Json]) -> tuple[NodeNote, ...]:
    if not flag(told, "initialblockdownload"):
        return ()
    blocks, headers = number(told, "blocks"), number(told, "headers")
    return (
        NodeNote(
            words=f"{name} is itself still catching up with the network: it has block {blocks} of "
            f"{headers} that it knows of; a ledger can't get further than the node"
        ),
    )


def check_heights(chain: SeenChain, name: str, start: int, stop: int) -> None:
    """Raise unless the blocks of heights `[start, stop)` are in the chain and can be had."""
    if not 0 <= start <= stop <= chain.height + 1:
        raise ValueError(f"heights [{start}, {stop}) are not among the {chain.height + 1} blocks")
    if start < min(stop, chain.first_height):
        raise SourceUnavailableError(
            f"{name} has deleted its blocks below {chain.first_height} (prune=): name a node that "
            "keeps all blocks, or begin a ledger with "
            f"`arien-flows ledger ingest --from {chain.first_height}`"
        )
