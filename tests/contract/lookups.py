"""What the contract suite of lookup sources stands on: the sources, and the node's word.

A source joins the suite by one line: the name of a session fixture that runs its server over
the regtest chain and has a `uri` by which the program opens it.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from chains.errors import LookupFailedError, RequestBudgetError
from chains.exchange import Exchange
from chains.lookups import OutputQuestion, Sighting
from chains.types import TxIdHex, TxIdRaw, raw_txid
from tests.regtest_chain import RegtestChain

LOOKUP_SERVERS = [
    "electrum_server",
    "esplora_server",
]
"""Fixtures of the servers whose sources must keep the contract."""


@dataclass(slots=True)
class Notebook:
    """A recorder that keeps everything in memory and allows `most` requests."""

    most: int = 1_000_000
    allowed: int = 0
    kept: list[Exchange] = field(default_factory=list)

    def allow(self) -> None:
        if self.allowed >= self.most:
            raise RequestBudgetError(f"{self.most} requests were made")
        self.allowed += 1

    def keep(self, exchange: Exchange) -> None:
        self.kept.append(exchange)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """An output, and the transaction that spends it."""

    question: OutputQuestion
    spender: TxIdRaw | None
    """Nothing while it is unspent, unconfirmed transactions counted."""


class NodesWord:
    """What the node says about its chain, looked up in what it prints at verbosity 3.

    The genesis block's transaction is left out: its output is no part of what can be spent, the
    node gives it out to nobody, and servers may know it or not.
    """

    def __init__(self, chain: RegtestChain) -> None:
        self.rpc = chain.rpc
        self.tip = len(chain.blocks) - 1
        self.hashes = [stored(block["hash"]) for block in chain.blocks]
        self.confirmed: dict[TxIdRaw, tuple[int, dict[str, Any]]] = {
            stored(made["txid"]): (height, made)
            for height, block in enumerate(chain.blocks)
            for made in block["tx"]
            if height > 0
        }
        unconfirmed = (chain.rpc.getrawtransaction(txid, 1) for txid in chain.unconfirmed)
        self.unconfirmed = {stored(made["txid"]): made for made in unconfirmed}
        self.headers = [chain.rpc.getblockheader(block["hash"]) for block in chain.blocks]
        self._outputs = self._all_outputs()
        self._spender = {
            (stored(spent["txid"]), int(spent["vout"])): txid
            for txid, made in self._transactions()
            for spent in made["vin"]
            if "txid" in spent
        }

    def raw(self, txid: TxIdRaw) -> bytes:
        """Return a transaction's bytes."""
        made = self.unconfirmed.get(txid) or self.confirmed[txid][1]
        return bytes.fromhex(made["hex"])

    def scripts(self) -> list[bytes]:
        """Return every script that the chain pays to, data outputs left out: nobody has them."""
        scripts = {script for _, script in self._outputs.values()}
        return sorted(script for script in scripts if not script.startswith(b"\x6a"))

    def histories(self) -> dict[bytes, set[Sighting]]:
        """Return which transactions touch each script, and where they stand."""
        touching: dict[bytes, set[Sighting]] = defaultdict(set)
        for txid, made in self._transactions():
            height = self.confirmed[txid][0] if txid in self.confirmed else None
            sighting = Sighting(txid=txid, height=height)
            for spent in made["vin"]:
                if "txid" in spent:
                    _, script = self._outputs[stored(spent["txid"]), int(spent["vout"])]
                    touching[script].add(sighting)
            for output in made["vout"]:
                touching[bytes.fromhex(output["scriptPubKey"]["hex"])].add(sighting)
        return dict(touching)

    def outputs(self) -> list[Spend]:
        """Return all confirmed outputs that can be spent, with who spends them."""
        return [
            Spend(
                question=OutputQuestion(
                    txid=txid, vout=vout, script=script, height=self.confirmed[txid][0]
                ),
                spender=self._spender.get((txid, vout)),
            )
            for (txid, vout), (_, script) in self._outputs.items()
            if txid in self.confirmed and not script.startswith(b"\x6a")
        ]

    def spends(self, txid: TxIdRaw) -> set[tuple[TxIdRaw, int]]:
        """Return the outputs that a transaction spends."""
        made = self.unconfirmed.get(txid) or self.confirmed[txid][1]
        return {
            (stored(spent["txid"]), int(spent["vout"])) for spent in made["vin"] if "txid" in spent
        }

    def stated(self, txid: TxIdRaw) -> list[tuple[int, bytes]]:
        """Return value in satoshi and script of what each input of a transaction spends."""
        made = self.unconfirmed.get(txid) or self.confirmed[txid][1]
        return [
            self._outputs[stored(spent["txid"]), int(spent["vout"])]
            for spent in made["vin"]
            if "txid" in spent
        ]

    def _transactions(self) -> Iterable[tuple[TxIdRaw, dict[str, Any]]]:
        for txid, (_, made) in self.confirmed.items():
            yield txid, made
        yield from self.unconfirmed.items()

    def _all_outputs(self) -> dict[tuple[TxIdRaw, int], tuple[int, bytes]]:
        return {
            (txid, int(output["n"])): (
                int(Decimal(output["value"]) * 10**8),
                bytes.fromhex(output["scriptPubKey"]["hex"]),
            )
            for txid, made in self._transactions()
            for output in made["vout"]
        }


def stored(shown: str) -> TxIdRaw:
    """Return an id or a hash, as the node prints it, in stored order."""
    return raw_txid(TxIdHex(shown))


def no_transaction(number: int = 0) -> TxIdRaw:
    """Return an id that no transaction has."""
    return TxIdRaw(hashlib.sha256(f"no transaction {number}".encode()).digest())


def failed(answers: Iterable[object]) -> list[bool]:
    """Return which answers say that the item could not be had."""
    return [isinstance(answer, LookupFailedError) for answer in answers]
