"""The forms in which a node hands out blocks: one shape, whatever it is asked for.

Measured against the node itself (JSON is what it takes long over), REST is about forty times
faster than JSON of verbosity 3 for full blocks; `scripts/bench_sources.py` says it for the whole
way into a ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chains.bitcoin.blockrecords import LONGEST_BLOCK
from chains.bitcoin.core.answers import as_object, block_bytes, from_hex, spent_bytes
from chains.bitcoin.core.place import Transport
from chains.bitcoin.core.rpc import Call, Json, NodeRpc, RpcRefusalError
from chains.errors import SourceUnavailableError
from chains.http import HttpClient, HttpRefusalError, Patience
from chains.types import shown_txid

_MOST_HEX_BYTES = 2 * LONGEST_BLOCK + 1024
_MOST_JSON_BYTES = 80 << 20
"""A block of nothing but small outputs, or of small inputs, takes up to about 60 MB as JSON."""

_JSON_BLOCKS = 2
"""Blocks of verbosity 3 in one request: few, because each may be large, and ten times as large
again while it is read."""

_PRUNED = "not available"
"""Part of what a node says of a block, or undo data, that it has deleted or not yet fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBlock:
    """One block as a node keeps it."""

    raw: bytes

    spent: bytes | None
    """What it spends, as `/rest/spenttxouts` writes it; nothing where it was not asked for."""


class Form(Protocol):
    """One form of asking."""

    transport: Transport

    def blocks(self, hashes: Sequence[bytes], *, spent: bool) -> list[StoredBlock]:
        """Return the blocks of these hashes, which are as stored; with what they spend or not."""
        ...


class RestForm:
    """Binary, over REST."""

    transport = Transport.REST

    def __init__(self, client: HttpClient, *, spending: Form | None) -> None:
        """Fetch what blocks spend in the form `spending`, or by REST too where it is None."""
        self._client = client
        self._spending = spending

    def blocks(self, hashes: Sequence[bytes], *, spent: bool) -> list[StoredBlock]:
        """Return blocks; see `Form`."""
        if spent and self._spending is not None:
            return self._spending.blocks(hashes, spent=True)
        return [
            StoredBlock(
                raw=self._get("block", block_hash),
                spent=self._get("spenttxouts", block_hash) if spent else None,
            )
            for block_hash in hashes
        ]

    def _get(self, what: str, block_hash: bytes) -> bytes:
        shown = shown_txid(block_hash)
        try:
            return self._client.get(f"/rest/{what}/{shown}.bin", most_bytes=2 * LONGEST_BLOCK)
        except HttpRefusalError as error:
            refusal = error
        raise _lost(self._client.name, shown, refusal.text or str(refusal.status))


class RpcForm:
    """Hexadecimal, by `getblock` of verbosity 0; what blocks spend by verbosity 3."""

    transport = Transport.RPC

    def __init__(self, rpc: NodeRpc, spending: Form) -> None:
        self._rpc = rpc
        self._spending = spending

    def blocks(self, hashes: Sequence[bytes], *, spent: bool) -> list[StoredBlock]:
        """Return blocks; see `Form`."""
        if spent:
            return self._spending.blocks(hashes, spent=True)
        answers = _get_blocks(self._rpc, hashes, 0, _MOST_HEX_BYTES)
        return [StoredBlock(raw=from_hex(answer, "a block"), spent=None) for answer in answers]


class Rpc3Form:
    """JSON, by `getblock` of verbosity 3."""

    transport = Transport.RPC3

    def __init__(self, rpc: NodeRpc) -> None:
        self._rpc = rpc

    def blocks(self, hashes: Sequence[bytes], *, spent: bool) -> list[StoredBlock]:
        """Return blocks; see `Form`."""
        found = []
        for start in range(0, len(hashes), _JSON_BLOCKS):
            some = hashes[start : start + _JSON_BLOCKS]
            for answer in _get_blocks(self._rpc, some, 3, _MOST_JSON_BYTES):
                block = as_object(answer, "a block")
                stored = spent_bytes(block) if spent else None
                found.append(StoredBlock(raw=block_bytes(block), spent=stored))
        return found


def choose_form(
    asked: Transport | None, client: HttpClient, rpc: NodeRpc, tip: bytes, patience: Patience
) -> Form:
    """Return the form that was asked for, or the fastest that the node offers.

    `tip` is the hash of a block that the node holds. Raises `SourceUnavailableError` where REST
    was asked for and is not offered.
    """
    verbose = Rpc3Form(rpc)
    if asked is Transport.RPC3:
        return verbose
    if asked is Transport.RPC:
        return RpcForm(rpc, verbose)
    shown = shown_txid(tip)
    if _offers(client, "/rest/chaininfo.json", patience):
        binary = _offers(client, f"/rest/spenttxouts/{shown}.bin", patience)
        return RestForm(client, spending=None if binary else verbose)
    if asked is Transport.REST:
        raise SourceUnavailableError(
            f"{client.name} offers no REST: start the node with -rest=1, or leave transport=rest "
            "away"
        )
    return RpcForm(rpc, verbose)


def _offers(client: HttpClient, path: str, patience: Patience) -> bool:
    try:
        client.get(path, patience=patience)
    except HttpRefusalError:
        return False
    return True


def _get_blocks(
    rpc: NodeRpc, hashes: Sequence[bytes], verbosity: int, most_bytes: int
) -> list[Json]:
    shown = [shown_txid(block_hash) for block_hash in hashes]
    calls = [Call(method="getblock", parameters=(name, verbosity)) for name in shown]
    answers = rpc.ask_all(calls, most_bytes=len(calls) * most_bytes)
    blocks: list[Json] = []
    for name, answer in zip(shown, answers, strict=True):
        if isinstance(answer, RpcRefusalError):
            raise _lost(rpc.name, name, answer.words)
        blocks.append(answer)
    return blocks


def _lost(node: str, shown: str, words: str) -> SourceUnavailableError:
    advice = (
        "; the node deletes old blocks (prune=): name one that keeps all of them, or begin a "
        "ledger later with `arien-flows ledger ingest --from HEIGHT`"
        if _PRUNED in words
        else ""
    )
    return SourceUnavailableError(f"{node} does not give block {shown}: {words}{advice}")
