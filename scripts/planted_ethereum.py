"""Made-up Ethereum blocks: what a node answers about them, and the same as an export.

Each block is well formed down to its hash. Its transactions are a mix that is common on the main
net: plain payments, transfers of tokens, exchanges through a pool that wrap the coin first,
and failures. Nothing is random but by the seed.
"""

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from chains.ethereum.address import keccak256
from chains.ethereum.decode.signatures import TRANSFER, WRAPPED, topic_of
from chains.ethereum.header import EMPTY_UNCLES, header_hash
from chains.ethereum.networks import ETHER_WEI

BASE_FEE = 20 * 10**9
START = 1_700_000_000
_SWAP = "Swap(address,uint256,uint256,uint256,uint256,address)"


class PlantedBlock(NamedTuple):
    """What a node answers about a block."""

    block: dict[str, Any]
    receipts: list[dict[str, Any]]
    traces: list[dict[str, Any]]
    """Of `debug_traceBlockByNumber` with `callTracer` and logs."""


def planted_blocks(
    count: int, transactions: int, accounts: int, seed: int = 1
) -> Iterator[PlantedBlock]:
    """Yield blocks of so many transactions each, from height 1."""
    maker = _Maker(Random(seed), accounts)  # noqa: S311  # made-up payments, not secrets
    parent = bytes(32)
    for height in range(1, count + 1):
        planted = maker.block(height, parent, transactions)
        parent = bytes.fromhex(planted.block["hash"][2:])
        yield planted


def account(number: int) -> str:
    """Return the address of an account."""
    return "0x" + keccak256(b"account %d" % number)[12:].hex()


def _word(value: int | str) -> str:
    return f"{value:064x}" if isinstance(value, int) else value[2:].rjust(64, "0")


class _Maker:
    def __init__(self, random: Random, accounts: int) -> None:
        self._random = random
        self._accounts = [account(number) for number in range(accounts)]
        self._tokens = [account(-number) for number in range(1, 21)]
        self._weth, self._pool, self._miner = account(-100), account(-101), account(-102)
        self._topics = {text: "0x" + topic_of(text).hex() for text in (TRANSFER, WRAPPED, _SWAP)}

    def block(self, height: int, parent: bytes, count: int) -> PlantedBlock:
        self._height, self._logs = height, 0
        made = [self._transaction(position) for position in range(count)]
        block: dict[str, Any] = {
            "number": hex(height),
            "parentHash": "0x" + parent.hex(),
            "sha3Uncles": "0x" + EMPTY_UNCLES.hex(),
            "miner": self._miner,
            **{
                name: "0x" + keccak256(name.encode() + parent).hex()
                for name in ("stateRoot", "transactionsRoot", "receiptsRoot", "mixHash")
            },
            "logsBloom": "0x" + "00" * 256,
            "difficulty": "0x0",
            "gasLimit": hex(30_000_000),
            "gasUsed": hex(count * 60_000),
            "timestamp": hex(START + 12 * height),
            "extraData": "0x",
            "nonce": "0x" + "00" * 8,
            "baseFeePerGas": hex(BASE_FEE),
            "transactions": [sent for sent, *_ in made],
            "uncles": [],
        }
        block["hash"] = "0x" + header_hash(block).hex()
        return PlantedBlock(
            block, [receipt for _, receipt, _ in made], [{"result": frame} for *_, frame in made]
        )

    def _transaction(self, position: int) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        sender, other = self._random.sample(self._accounts, 2)
        kind = self._random.random()
        amount = self._random.randrange(1, 10**24)
        sent: dict[str, Any] = {
            "hash": "0x" + keccak256(b"%d/%d" % (self._height, position)).hex(),
            "type": "0x2",
            "from": sender,
            "nonce": hex(self._height),
            "gas": hex(200_000),
            "gasPrice": hex(BASE_FEE + 10**9),
            "input": "0x",
            "value": "0x0",
            "transactionIndex": hex(position),
        }
        frame: dict[str, Any] = {"type": "CALL", "from": sender, "logs": [], "calls": []}
        if kind < 0.3:
            sent |= {"to": other, "value": hex(amount % ETHER_WEI)}
        elif kind < 0.8:
            token = self._random.choice(self._tokens)
            sent |= {"to": token, "input": "0xa9059cbb" + _word(other) + _word(amount)}
            frame["logs"] = [self._transfer(token, sender, other, amount, 0)]
        elif kind < 0.95:
            sent |= {"to": self._pool, "value": hex(amount), "input": "0x7ff36ab5"}
            frame |= self._exchange(sender, amount)
        else:
            sent |= {"to": other, "value": hex(amount)}
            frame["error"] = "out of gas"
        frame |= {name: sent[name] for name in ("to", "value", "input")}
        return sent, self._receipt(sent, frame), frame

    def _exchange(self, sender: str, amount: int) -> dict[str, Any]:
        token = self._random.choice(self._tokens)
        wrap = {
            "type": "CALL", "from": self._pool, "to": self._weth, "value": hex(amount),
            "logs": [self._log(self._weth, WRAPPED, [self._pool], [amount], 0)],
        }  # fmt: skip
        out = amount * 3 // 2
        words = [amount, 0, 0, out]
        return {
            "calls": [wrap],
            "logs": [
                self._transfer(token, self._pool, sender, out, 1),
                self._log(self._pool, _SWAP, [sender, sender], words, 1),
            ],
        }

    def _transfer(
        self, token: str, giver: str, gets: str, amount: int, position: int
    ) -> dict[str, Any]:
        return self._log(token, TRANSFER, [giver, gets], [amount], position)

    def _log(
        self, contract: str, text: str, named: list[str], words: list[int], position: int
    ) -> dict[str, Any]:
        return {
            "address": contract,
            "topics": [self._topics[text], *("0x" + _word(one) for one in named)],
            "data": "0x" + "".join(map(_word, words)),
            "position": hex(position),
        }

    def _receipt(self, sent: dict[str, Any], frame: dict[str, Any]) -> dict[str, Any]:
        logs = [log for call in frame["calls"] for log in call["logs"]] + frame["logs"]
        start = self._logs
        self._logs += len(logs)
        return {
            "transactionHash": sent["hash"],
            "status": "0x0" if "error" in frame else "0x1",
            "gasUsed": hex(60_000),
            "effectiveGasPrice": sent["gasPrice"],
            "logs": [log | {"logIndex": hex(start + at)} for at, log in enumerate(logs)],
        }


def _number(value: str) -> int:
    return int(value, 16)


def export(blocks: list[PlantedBlock], folder: Path, *, traces: bool, suffix: str = ".csv") -> None:
    """Write blocks as ethereum-etl exports them."""
    folder.mkdir(parents=True, exist_ok=True)
    tables: dict[str, list[dict[str, Any]]] = {
        "blocks": [_block_row(one.block) for one in blocks],
        "transactions": [row for one in blocks for row in _sent_rows(one)],
        "receipts": [row for one in blocks for row in _receipt_rows(one)],
        "logs": [row for one in blocks for row in _log_rows(one)],
    }
    if traces:
        tables["traces"] = [row for one in blocks for row in _trace_rows(one)]
    for name, rows in tables.items():
        opened = gzip.open if suffix.endswith(".gz") else open
        with opened(folder / f"{name}{suffix}", "wt", newline="") as file:
            if rows:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)


def _block_row(block: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": _number(block["number"]),
        "hash": block["hash"],
        "parent_hash": block["parentHash"],
        "sha3_uncles": block["sha3Uncles"],
        "miner": block["miner"],
        "timestamp": _number(block["timestamp"]),
        "base_fee_per_gas": _number(block["baseFeePerGas"]),
    }


def _sent_rows(one: PlantedBlock) -> Iterator[dict[str, Any]]:
    for sent in one.block["transactions"]:
        yield {
            "hash": sent["hash"],
            "nonce": _number(sent["nonce"]),
            "block_hash": one.block["hash"],
            "block_number": _number(one.block["number"]),
            "transaction_index": _number(sent["transactionIndex"]),
            "from_address": sent["from"],
            "to_address": sent["to"],
            "value": _number(sent["value"]),
            "gas": _number(sent["gas"]),
            "gas_price": _number(sent["gasPrice"]),
            "input": sent["input"],
            "transaction_type": 2,
        }


def _receipt_rows(one: PlantedBlock) -> Iterator[dict[str, Any]]:
    for position, receipt in enumerate(one.receipts):
        yield {
            "transaction_hash": receipt["transactionHash"],
            "transaction_index": position,
            "block_hash": one.block["hash"],
            "block_number": _number(one.block["number"]),
            "gas_used": _number(receipt["gasUsed"]),
            "contract_address": "",
            "status": _number(receipt["status"]),
            "effective_gas_price": _number(receipt["effectiveGasPrice"]),
        }


def _log_rows(one: PlantedBlock) -> Iterator[dict[str, Any]]:
    for position, receipt in enumerate(one.receipts):
        for log in receipt["logs"]:
            yield {
                "log_index": _number(log["logIndex"]),
                "transaction_hash": receipt["transactionHash"],
                "transaction_index": position,
                "block_hash": one.block["hash"],
                "block_number": _number(one.block["number"]),
                "address": log["address"],
                "data": log["data"],
                "topics": ",".join(log["topics"]),
            }


def _trace_rows(one: PlantedBlock) -> Iterator[dict[str, Any]]:
    for position, trace in enumerate(one.traces):
        root = trace["result"]
        for address, frame in (("", root), *((str(at), c) for at, c in enumerate(root["calls"]))):
            yield {
                "block_number": _number(one.block["number"]),
                "transaction_hash": one.receipts[position]["transactionHash"],
                "transaction_index": position,
                "from_address": frame["from"],
                "to_address": frame["to"],
                "value": _number(frame["value"]),
                "input": "0x",
                "output": "0x",
                "trace_type": "call",
                "call_type": "call",
                "trace_address": address,
                "error": frame.get("error", ""),
                "status": 0 if "error" in root else 1,
            }
