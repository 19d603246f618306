"""Answers of a node, made by hand: one block at a time, well formed down to its hash."""

from typing import Any

from chains.ethereum.address import keccak256
from chains.ethereum.decode.answers import created_address
from chains.ethereum.decode.batch import decode_blocks
from chains.ethereum.decode.signatures import topic_of
from chains.ethereum.header import EMPTY_UNCLES, header_hash
from chains.ethereum.networks import ETHEREUM_DEV, EthereumNetwork
from chains.ethereum.tables import AccountBatch

ALICE, BOB, CAROL, MINER = ("0x" + digit * 40 for digit in "abc9")
TOKEN = "0x" + "7" * 40
NULL = "0x" + "0" * 40
WORD = "0x" + "5" * 64


def word(value: int | str) -> str:
    """Return 64 digits of a number, an address, or 32 bytes."""
    return f"{value:064x}" if isinstance(value, int) else value[2:].rjust(64, "0")


def log(
    contract: str, text: str, named: list[int | str], rest: list[int | str], **more: Any
) -> dict[str, Any]:
    """Return an event; `named` are its topics after the first."""
    return {
        "address": contract,
        "topics": ["0x" + topic_of(text).hex(), *("0x" + word(one) for one in named)],
        "data": "0x" + "".join(word(one) for one in rest),
        **more,
    }


def call(giver: str, gets: str, value: int = 0, **more: Any) -> dict[str, Any]:
    """Return a frame of `callTracer`."""
    return {"type": "CALL", "from": giver, "to": gets, "value": hex(value), **more}


def sent(to: str | None = BOB, value: int = 0, **more: Any) -> dict[str, Any]:
    """Return a transaction of Alice's."""
    return {
        "type": "0x2",
        "from": ALICE,
        "to": to,
        "value": hex(value),
        "nonce": "0x7",
        "gas": hex(100_000),
        "gasPrice": hex(12),
        "input": "0x",
        **more,
    }


class Chain:
    """Blocks, receipts and traces, as they are added."""

    def __init__(self, first: int = 1, **header: Any) -> None:
        self.first, self.header = first, header
        self.blocks: list[dict[str, Any]] = []
        self.receipts: list[list[dict[str, Any]]] = []
        self.traces: list[list[dict[str, Any]]] = []

    def block(self, **header: Any) -> None:
        """Begin a block."""
        parent = self.blocks[-1]["hash"] if self.blocks else "0x" + "0" * 64
        found: dict[str, Any] = {
            "number": hex(self.first + len(self.blocks)),
            "parentHash": parent,
            "sha3Uncles": "0x" + EMPTY_UNCLES.hex(),
            "miner": MINER,
            "stateRoot": WORD,
            "transactionsRoot": WORD,
            "receiptsRoot": WORD,
            "mixHash": WORD,
            "logsBloom": "0x" + "0" * 512,
            "difficulty": "0x0",
            "gasLimit": "0x1c9c380",
            "gasUsed": "0x0",
            "timestamp": "0x6553f100",
            "extraData": "0x",
            "nonce": "0x" + "0" * 16,
            "baseFeePerGas": "0xa",
            "uncles": [],
            **self.header,
            **header,
        }
        found = {name: value for name, value in found.items() if value is not None}
        self.blocks.append(found | {"hash": "0x" + header_hash(found).hex(), "transactions": []})
        self.receipts.append([])
        self.traces.append([])

    def add(
        self,
        transaction: dict[str, Any],
        frame: dict[str, Any] | None = None,
        logs: list[dict[str, Any]] | None = None,
        **receipt: Any,
    ) -> None:
        """Add a transaction to the last block; it succeeds unless the receipt says otherwise."""
        if not self.blocks:
            self.block()
        block, receipts = self.blocks[-1], self.receipts[-1]
        tx_hash = "0x" + keccak256(b"%d/%d" % (len(self.blocks), len(receipts))).hex()
        start = sum(len(one["logs"]) for one in receipts)
        block["transactions"].append({"hash": tx_hash, **transaction})
        receipts.append(
            {
                "transactionHash": tx_hash,
                "status": "0x1",
                "gasUsed": hex(21_000),
                "effectiveGasPrice": hex(12),
                "logs": [one | {"logIndex": hex(start + n)} for n, one in enumerate(logs or [])],
            }
            | receipt
        )
        sender, value = transaction["from"], int(transaction["value"], 16)
        to = transaction["to"]
        if to is None:
            made = created_address(bytes.fromhex(sender[2:]), int(transaction["nonce"], 16))
            root = call(sender, "0x" + made.hex(), value) | {"type": "CREATE"}
        else:
            root = call(sender, to, value)
        if receipts[-1]["status"] == "0x0":
            root["error"] = "execution reverted"
        self.traces[-1].append({"result": root | (frame or {})})

    def batch(
        self, network: EthereumNetwork = ETHEREUM_DEV, *, traced: bool = True, **more: Any
    ) -> AccountBatch:
        """Decode all of it."""
        traces = self.traces if traced else None
        return decode_blocks(self.blocks, self.receipts, traces, network, **more)
