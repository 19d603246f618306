"""A block explorer of Esplora's documented routes that answers with a real node's data.

No Esplora server can be had from a package registry, so this one stands in: what it says comes
from the node's own JSON (never from our decoder), and its shapes, pages, orders and refusals are
those that electrs documents and shows. Where Blockstream's and mempool.space's servers differ, a
test chooses by `Habits`. `tests.esplora` serves it.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from tests.nodes import Rpc

COIN_SAT = 100_000_000
TYPES = {
    "pubkey": "p2pk",
    "pubkeyhash": "p2pkh",
    "scripthash": "p2sh",
    "witness_v0_keyhash": "v0_p2wpkh",
    "witness_v0_scripthash": "v0_p2wsh",
    "witness_v1_taproot": "v1_p2tr",
    "nulldata": "op_return",
}
"""Esplora's names of script types, by the node's; all others are "unknown"."""


@dataclass(slots=True, kw_only=True)
class Habits:
    """What differs between servers; the defaults are Blockstream's."""

    page: int = 25
    most_unconfirmed: int = 50
    unconfirmed_fill_pages: bool = False
    """As mempool.space: unconfirmed transactions take up places of the first page."""

    listed_blocks: int = 10
    lists_blocks: bool = True
    states_median: bool = True
    signed_versions: bool = False
    """Versions as old servers wrote them: negative where the highest bit is set."""

    most_history: int | None = None
    """A script with more transactions is refused with "Too many history entries"."""


class RefusalError(Exception):
    """What a server refuses, with its own status and words."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True, kw_only=True, repr=False)
class Snapshot:
    """What a node's chain and pool of unconfirmed transactions held at one time."""

    blocks: list[dict[str, Any]]
    """As the node prints them at verbosity 2 or 3, by height."""

    pool: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of_node(cls, rpc: Rpc) -> "Snapshot":
        hashes = [rpc.getblockhash(height) for height in range(rpc.getblockcount() + 1)]
        pool = [rpc.getrawtransaction(txid, 1) for txid in rpc.getrawmempool()]
        return cls(blocks=[rpc.getblock(each, 3) for each in hashes], pool=pool)

    def up_to(self, height: int) -> "Snapshot":
        """Return the chain as it was at `height`, with nothing unconfirmed."""
        return Snapshot(blocks=self.blocks[: height + 1])

    @cached_property
    def height_of(self) -> dict[str, int]:
        return {block["hash"]: block["height"] for block in self.blocks}

    @cached_property
    def transactions(self) -> dict[str, tuple[dict[str, Any], int | None]]:
        """Transaction and height by id."""
        confirmed = {
            tx["txid"]: (tx, block["height"]) for block in self.blocks for tx in block["tx"]
        }
        return {**{tx["txid"]: (tx, None) for tx in self.pool}, **confirmed}

    @cached_property
    def spenders(self) -> dict[tuple[str, int], tuple[str, int]]:
        """Spending transaction and the input's position, by the output that is spent."""
        return {
            (spends["txid"], spends["vout"]): (txid, position)
            for txid, (tx, _) in self.transactions.items()
            for position, spends in enumerate(tx["vin"])
            if "coinbase" not in spends
        }

    @cached_property
    def histories(self) -> dict[str, list[str]]:
        """Ids of the transactions that touch a script, by the script's SHA-256.

        First the pool's, then the newest confirmed one; inside a block by id downwards.
        """
        touching: dict[str, set[str]] = defaultdict(set)
        for txid, (tx, _) in self.transactions.items():
            for script in self._scripts(tx):
                touching[hashlib.sha256(bytes.fromhex(script)).hexdigest()].add(txid)
        return {
            name: sorted(txids, key=self._age, reverse=True) for name, txids in touching.items()
        }

    def _age(self, txid: str) -> tuple[float, str]:
        height = self.transactions[txid][1]
        return (float("inf") if height is None else height, txid)

    def _scripts(self, tx: dict[str, Any]) -> Iterator[str]:
        for output in tx["vout"]:
            yield output["scriptPubKey"]["hex"]
        for spends in tx["vin"]:
            if "coinbase" not in spends:
                yield self.output(spends["txid"], spends["vout"])["scriptPubKey"]["hex"]

    @cached_property
    def scripts(self) -> dict[str, str]:
        """SHA-256 of the script by address."""
        return {
            output["scriptPubKey"]["address"]: hashlib.sha256(
                bytes.fromhex(output["scriptPubKey"]["hex"])
            ).hexdigest()
            for tx, _ in self.transactions.values()
            for output in tx["vout"]
            if "address" in output["scriptPubKey"]
        }

    def output(self, txid: str, vout: int) -> dict[str, Any]:
        return self.transactions[txid][0]["vout"][vout]


@dataclass(kw_only=True)
class Explorer:
    """Answers requests from a snapshot; `snapshot` may be replaced while it serves."""

    snapshot: Snapshot
    habits: Habits = field(default_factory=Habits)

    def answer(self, route: str) -> bytes:
        for shape, method in _ROUTES:
            found = re.fullmatch(shape, route)
            if found:
                return method(self, *found.groups())
        raise RefusalError(404, f'endpoint does not exist "{route}"')

    def tip_height(self) -> bytes:
        return str(len(self.snapshot.blocks) - 1).encode()

    def tip_hash(self) -> bytes:
        return str(self.snapshot.blocks[-1]["hash"]).encode()

    def hash_at(self, height: str) -> bytes:
        return str(self._block_at(int(height))["hash"]).encode()

    def block(self, block_hash: str) -> bytes:
        return encoded(self._described(self._block(block_hash)))

    def header(self, block_hash: str) -> bytes:
        block = self._block(block_hash)
        parts = (
            block["version"].to_bytes(4, "little", signed=True),
            bytes.fromhex(block.get("previousblockhash", "00" * 32))[::-1],
            bytes.fromhex(block["merkleroot"])[::-1],
            block["time"].to_bytes(4, "little"),
            bytes.fromhex(block["bits"])[::-1],
            block["nonce"].to_bytes(4, "little"),
        )
        return b"".join(parts).hex().encode()

    def blocks(self, height: str | None) -> bytes:
        if not self.habits.lists_blocks:
            raise RefusalError(404, 'endpoint does not exist "/blocks"')
        top = len(self.snapshot.blocks) - 1 if height is None else int(height)
        self._block_at(top)
        downwards = range(top, max(top - self.habits.listed_blocks, -1), -1)
        return encoded([self._described(self._block_at(height)) for height in downwards])

    def transaction(self, txid: str) -> bytes:
        return encoded(self.described(self._transaction(txid)[0]["txid"]))

    def transaction_hex(self, txid: str) -> bytes:
        return str(self._transaction(txid)[0]["hex"]).encode()

    def transaction_raw(self, txid: str) -> bytes:
        return bytes.fromhex(self._transaction(txid)[0]["hex"])

    def status(self, txid: str) -> bytes:
        known = self.snapshot.transactions.get(txid)
        return encoded(self._status(None if known is None else known[1]))

    def merkle_proof(self, txid: str) -> bytes:
        height = self.snapshot.transactions.get(txid, (None, None))[1]
        if height is None:
            raise RefusalError(404, "Transaction not found or is unconfirmed")
        txids = [tx["txid"] for tx in self.snapshot.blocks[height]["tx"]]
        position = txids.index(txid)
        return encoded({"block_height": height, "merkle": branch(txids, position), "pos": position})

    def outspend(self, txid: str, vout: str) -> bytes:
        return encoded(self._spending(txid, int(vout)))

    def outspends(self, txid: str) -> bytes:
        outputs = self._transaction(txid)[0]["vout"]
        return encoded([self._spending(txid, vout) for vout in range(len(outputs))])

    def script(self, kind: str, name: str) -> bytes:
        confirmed, pool = self._history(kind, name)
        return encoded(
            {
                kind: name,
                "chain_stats": {"tx_count": len(confirmed)},
                "mempool_stats": {"tx_count": len(pool)},
            }
        )

    def newest(self, kind: str, name: str) -> bytes:
        confirmed, pool = self._history(kind, name)
        if self.habits.unconfirmed_fill_pages:
            return self._page([*pool, *confirmed][: self.habits.page])
        return self._page([*pool[: self.habits.most_unconfirmed], *confirmed[: self.habits.page]])

    def older(self, kind: str, name: str, last: str | None) -> bytes:
        confirmed, _ = self._history(kind, name)
        if last is not None:
            # A transaction that is not there is after the end, and not an error.
            confirmed = confirmed[confirmed.index(last) + 1 :] if last in confirmed else []
        return self._page(confirmed[: self.habits.page])

    def pool(self, kind: str, name: str) -> bytes:
        return self._page(self._history(kind, name)[1][: self.habits.most_unconfirmed])

    def described(self, txid: str) -> dict[str, Any]:
        """Return a transaction as Esplora describes it."""
        tx, height = self._transaction(txid)
        unsigned = tx["version"] & 0xFFFFFFFF
        signed = unsigned - (1 << 32) if unsigned >> 31 else unsigned
        return {
            "txid": tx["txid"],
            "version": signed if self.habits.signed_versions else unsigned,
            "locktime": tx["locktime"],
            "vin": [self._input(spends) for spends in tx["vin"]],
            "vout": [_output(output) for output in tx["vout"]],
            "size": tx["size"],
            "weight": tx["weight"],
            "fee": _satoshi(tx.get("fee", Decimal(0))),
            "status": self._status(height),
        }

    def _input(self, spends: dict[str, Any]) -> dict[str, Any]:
        coinbase = "coinbase" in spends
        script = spends["coinbase"] if coinbase else spends["scriptSig"]["hex"]
        prevout = None
        if not coinbase:
            prevout = _output(self.snapshot.output(spends["txid"], spends["vout"]))
        witness = {"witness": spends["txinwitness"]} if "txinwitness" in spends else {}
        return {
            "txid": "00" * 32 if coinbase else spends["txid"],
            "vout": 0xFFFFFFFF if coinbase else spends["vout"],
            "prevout": prevout,
            "scriptsig": script,
            "scriptsig_asm": "",
            **witness,
            "is_coinbase": coinbase,
            "sequence": spends["sequence"],
        }

    def _page(self, txids: Iterable[str]) -> bytes:
        return encoded([self.described(txid) for txid in txids])

    def _history(self, kind: str, name: str) -> tuple[list[str], list[str]]:
        if kind == "address":
            if name not in self.snapshot.scripts:
                raise RefusalError(400, "Invalid Bitcoin address")
            name = self.snapshot.scripts[name]
        if not re.fullmatch("[0-9a-f]{64}", name):
            raise RefusalError(400, "Invalid hex string")
        found = self.snapshot.histories.get(name, [])
        if self.habits.most_history is not None and len(found) > self.habits.most_history:
            raise RefusalError(400, "Too many history entries")
        confirmed = [txid for txid in found if self.snapshot.transactions[txid][1] is not None]
        return confirmed, found[: len(found) - len(confirmed)]

    def _spending(self, txid: str, vout: int) -> dict[str, Any]:
        spender = self.snapshot.spenders.get((txid, vout))
        if spender is None:
            return {"spent": False}
        height = self.snapshot.transactions[spender[0]][1]
        return {
            "spent": True,
            "txid": spender[0],
            "vin": spender[1],
            "status": self._status(height),
        }

    def _status(self, height: int | None) -> dict[str, Any]:
        if height is None:
            return {"confirmed": False}
        block = self.snapshot.blocks[height]
        return {
            "confirmed": True,
            "block_height": height,
            "block_hash": block["hash"],
            "block_time": block["time"],
        }

    def _described(self, block: dict[str, Any]) -> dict[str, Any]:
        median = {"mediantime": block["mediantime"]} if self.habits.states_median else {}
        signed = block["version"]
        return {
            "id": block["hash"],
            "height": block["height"],
            "version": signed if self.habits.signed_versions else signed & 0xFFFFFFFF,
            "timestamp": block["time"],
            "tx_count": len(block["tx"]),
            "size": block["size"],
            "weight": block["weight"],
            "merkle_root": block["merkleroot"],
            "previousblockhash": block.get("previousblockhash"),
            **median,
            "nonce": block["nonce"],
            "bits": int(block["bits"], 16),
            "difficulty": float(block["difficulty"]),
        }

    def _block(self, block_hash: str) -> dict[str, Any]:
        if block_hash not in self.snapshot.height_of:
            raise RefusalError(404, "Block not found")
        return self.snapshot.blocks[self.snapshot.height_of[block_hash]]

    def _block_at(self, height: int) -> dict[str, Any]:
        if height >= len(self.snapshot.blocks):
            raise RefusalError(404, "Block not found")
        return self.snapshot.blocks[height]

    def _transaction(self, txid: str) -> tuple[dict[str, Any], int | None]:
        if txid not in self.snapshot.transactions:
            raise RefusalError(404, "Transaction not found")
        return self.snapshot.transactions[txid]


_HEX = "([0-9a-f]{64})"
_SCRIPT = "/(address|scripthash)/([^/]+)"
_ROUTES: list[tuple[str, Callable[..., bytes]]] = [
    ("/blocks/tip/height", Explorer.tip_height),
    ("/blocks/tip/hash", Explorer.tip_hash),
    ("/blocks(?:/([0-9]+))?", Explorer.blocks),
    ("/block-height/([0-9]+)", Explorer.hash_at),
    (f"/block/{_HEX}", Explorer.block),
    (f"/block/{_HEX}/header", Explorer.header),
    (f"/tx/{_HEX}", Explorer.transaction),
    (f"/tx/{_HEX}/hex", Explorer.transaction_hex),
    (f"/tx/{_HEX}/raw", Explorer.transaction_raw),
    (f"/tx/{_HEX}/status", Explorer.status),
    (f"/tx/{_HEX}/merkle-proof", Explorer.merkle_proof),
    (f"/tx/{_HEX}/outspend/([0-9]+)", Explorer.outspend),
    (f"/tx/{_HEX}/outspends", Explorer.outspends),
    (_SCRIPT, Explorer.script),
    (f"{_SCRIPT}/txs", Explorer.newest),
    (f"{_SCRIPT}/txs/chain(?:/{_HEX})?", Explorer.older),
    (f"{_SCRIPT}/txs/mempool", Explorer.pool),
]


def branch(txids: list[str], position: int) -> list[str]:
    """Return the merkle branch of a transaction, as shown, from the leaves up."""
    level, path = [bytes.fromhex(txid)[::-1] for txid in txids], []
    while len(level) > 1:
        level += level[-1:] if len(level) % 2 else []
        path.append(level[position ^ 1][::-1].hex())
        level = [
            hashlib.sha256(hashlib.sha256(level[i] + level[i + 1]).digest()).digest()
            for i in range(0, len(level), 2)
        ]
        position //= 2
    return path


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def _output(output: dict[str, Any]) -> dict[str, Any]:
    script = output["scriptPubKey"]
    address = {"scriptpubkey_address": script["address"]} if "address" in script else {}
    return {
        "scriptpubkey": script["hex"],
        "scriptpubkey_asm": script["asm"],
        "scriptpubkey_type": TYPES.get(script["type"], "unknown"),
        **address,
        "value": _satoshi(output["value"]),
    }


def _satoshi(amount: Decimal) -> int:
    return int(amount * COIN_SAT)
