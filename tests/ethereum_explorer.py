"""A block explorer of accounts that answers from a small chain, in the documented shapes.

No Etherscan or Blockscout server can be had from a package registry, so this one stands in. Its
shapes, pages, orders, words and refusals are those of recorded answers; what differs between
servers a test chooses by `Habits`. Histories come from the parts of a chain's blocks, filtered by
account, never from our reading of lists.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from chains.ethereum.parts import BlockPart, MovePart, TransactionPart, parts_of
from chains.ethereum.tables import AccountBatch, MovementKind, TransactionKind
from tests.http_server import Asked, Reply, Served, serving

WEI_PER_GWEI = 10**9
CALLS = (MovementKind.CALL, MovementKind.CREATE, MovementKind.SELF_DESTRUCT)
TOKENS = {
    "tokentx": (MovementKind.TOKEN, MovementKind.WRAP, MovementKind.UNWRAP),
    "tokennfttx": (MovementKind.NFT,),
    "token1155tx": (MovementKind.MULTI_TOKEN,),
}
TRACE_TYPES = {
    MovementKind.CALL: "call",
    MovementKind.CREATE: "create",
    MovementKind.SELF_DESTRUCT: "suicide",
}
NOTHING = {
    "txlist": "No transactions found",
    "txlistinternal": "No internal transactions found",
    "tokentx": "No token transfers found",
}


@dataclass(slots=True, kw_only=True)
class Habits:
    """What differs between servers; the defaults are Etherscan's."""

    is_blockscout: bool = False
    window: int = 10_000
    """Rows of one question that are shown."""

    longest_page: int = 10_000
    most_rows_at_once: int = 1 << 30
    """A page of more rows is answered with a timeout."""

    tells_log_index: bool = False
    not_offered: frozenset[str] = frozenset()
    key: str | None = None
    """Without it every question is refused."""

    refuse_first: int = 0
    """How many questions are refused because they come too fast."""


@dataclass(slots=True, kw_only=True)
class StandIn:
    """The explorer's state: a test may change the chain or the habits while it is served."""

    blocks: list[BlockPart]
    habits: Habits = field(default_factory=Habits)
    symbols: dict[bytes, tuple[str, int]] = field(default_factory=dict)
    refused: int = 0

    @classmethod
    def of(cls, batch: AccountBatch, **habits: Any) -> "StandIn":
        return cls(blocks=parts_of(batch), habits=Habits(**habits))

    def answer(self, asked: Asked) -> Reply:
        parts = urlsplit(asked.path)
        query = dict(parse_qsl(parts.query))
        habits = self.habits
        if habits.key is not None and query.get("apikey") != habits.key:
            return _no("Invalid API Key (#err2)")
        if self.refused < habits.refuse_first:
            self.refused += 1
            return _no("Max calls per sec rate limit reached (5/sec)")
        if habits.is_blockscout and parts.path == "/api/eth-rpc":
            call = json.loads(asked.body)
            return _json({"jsonrpc": "2.0", "id": 1, **self.node(call["method"], call["params"])})
        if parts.path != "/api":
            return Reply(status=404, body=b"<html>Not found</html>")
        if query.get("module") == "proxy" and not habits.is_blockscout:
            arguments = [query[name] for name in ("tag", "txhash") if name in query]
            return _json({"jsonrpc": "2.0", "id": 1, **self.node(query["action"], arguments)})
        if query.get("module") != "account" or query["action"] in habits.not_offered:
            words = (
                "Unknown action"
                if habits.is_blockscout
                else ("Error! Missing Or invalid Action name")
            )
            return _no(words)
        return self.account(query)

    def node(self, method: str, arguments: list[Any]) -> dict[str, Any]:
        if method == "eth_getBlockByNumber":
            tag = arguments[0]
            heights = {block.height: block for block in self.blocks}
            height = max(heights) if tag == "latest" else int(tag, 16)
            block = heights.get(height)
            if block is None:
                return {"result": None}
            return {
                "result": {
                    "number": hex(height),
                    "hash": "0x" + block.block_hash.hex(),
                    "timestamp": hex(block.time),
                }
            }
        assert method == "eth_getTransactionByHash"
        for block in self.blocks:
            for tx in block.transactions:
                if "0x" + tx.tx_hash.hex() == arguments[0]:
                    return {
                        "result": {
                            "blockNumber": hex(block.height),
                            "blockHash": "0x" + block.block_hash.hex(),
                            "from": _address(tx.sender),
                            "to": None if _creates(tx) else _address(tx.receiver),
                        }
                    }
        return {"result": None}

    def account(self, query: dict[str, str]) -> Reply:
        action, account = query["action"], bytes.fromhex(query["address"][2:])
        if action in ("balance", "tokenbalance"):
            contract = query.get("contractaddress")
            wanted = None if contract is None else bytes.fromhex(contract[2:])
            return _json({"status": "1", "message": "OK", "result": self.balance(account, wanted)})
        rows = list(self.rows(action, account))
        if action != "getminedblocks":
            first, last = int(query.get("startblock", 0)), int(query.get("endblock", 1 << 40))
            rows = [row for row in rows if first <= int(row["blockNumber"]) <= last]
        else:
            rows.reverse()
        size = min(int(query["offset"]), self.habits.longest_page)
        start = (int(query["page"]) - 1) * size
        if start + size > self.habits.window and start >= self.habits.window:
            return _no(
                "Result window is too large, PageNo x Offset size must be less than or equal to "
                f"{self.habits.window}"
            )
        shown = rows[start : min(start + size, self.habits.window)]
        if len(shown) > self.habits.most_rows_at_once:
            return _no("Query Timeout occured. Please select a smaller result dataset")
        if not shown:
            message = NOTHING.get(action, "No transactions found")
            return _json({"status": "0", "message": message, "result": []})
        return _json({"status": "1", "message": "OK", "result": shown})

    def balance(self, account: bytes, contract: bytes | None) -> str:
        moves = [
            move
            for block in self.blocks
            for tx in block.transactions
            for move in tx.moves
            if move.contract == contract
        ]
        got = sum(move.amount for move in moves if move.receiver == account)
        return str(got - sum(move.amount for move in moves if move.giver == account))

    def rows(self, action: str, account: bytes) -> Iterator[dict[str, str]]:
        makers: dict[str, Callable[..., Iterator[dict[str, str]]]] = {
            "txlist": self._transactions,
            "txlistinternal": self._calls,
            "getminedblocks": self._mined,
            "txsBeaconWithdrawal": self._withdrawals,
        }
        for block in self.blocks:
            normal = [tx for tx in block.transactions if tx.kind != TransactionKind.SYSTEM]
            for tx in block.transactions:
                index = normal.index(tx) if tx in normal else 0
                if action in TOKENS:
                    yield from self._tokens(block, tx, index, account, TOKENS[action])
                else:
                    yield from makers[action](block, tx, index, account)

    def _transactions(
        self, block: BlockPart, tx: TransactionPart, index: int, account: bytes
    ) -> Iterator[dict[str, str]]:
        head = {"blockNumber": str(block.height), "timeStamp": str(block.time)}
        if tx.kind == TransactionKind.SYSTEM:
            for move in tx.moves:
                if move.kind == MovementKind.GENESIS and move.receiver == account:
                    yield {
                        **head, "hash": f"GENESIS_{account.hex()}", "from": "GENESIS",
                        "to": _address(account), "value": str(move.amount), "blockHash": "",
                        "nonce": "", "isError": "0", "gasUsed": "0", "gasPrice": "0",
                    }  # fmt: skip
            return
        if account not in (tx.sender, tx.receiver):
            return
        made = _creates(tx)
        yield {
            **head,
            "hash": "0x" + tx.tx_hash.hex(),
            "blockHash": "0x" + block.block_hash.hex(),
            "nonce": str(tx.nonce),
            "transactionIndex": str(index),
            "from": _address(tx.sender),
            "to": "" if made else _address(tx.receiver),
            "value": str(tx.value),
            "gas": str(tx.gas_used),
            "gasPrice": str(_price(tx)),
            "gasUsed": str(tx.gas_used),
            "isError": "0" if tx.succeeded else "1",
            "txreceipt_status": "1" if tx.succeeded else "0",
            "input": f"0x{tx.selector:08x}" if tx.selector else "0x",
            "contractAddress": _address(tx.receiver) if made else "",
            "confirmations": "1",
        }

    def _calls(
        self, block: BlockPart, tx: TransactionPart, _index: int, account: bytes
    ) -> Iterator[dict[str, str]]:
        if tx.kind == TransactionKind.SYSTEM:
            return
        for at, move in enumerate(_inner(tx)):
            if account not in (move.giver, move.receiver):
                continue
            made = move.kind == MovementKind.CREATE
            row = {
                "blockNumber": str(block.height), "timeStamp": str(block.time),
                "from": _address(move.giver), "to": "" if made else _address(move.receiver),
                "value": str(move.amount),
                "contractAddress": _address(move.receiver) if made else "", "input": "",
                "type": TRACE_TYPES[move.kind], "gas": "0", "gasUsed": "0",
                "isError": "0", "errCode": "",
            }  # fmt: skip
            shown = "0x" + tx.tx_hash.hex()
            if self.habits.is_blockscout:
                row |= {"transactionHash": shown, "index": str(at + 1)}
                row |= {"callType": "" if made else "call"}
            else:
                row |= {"hash": shown, "traceId": f"0_{at + 1}"}
            yield row

    def _tokens(
        self,
        block: BlockPart,
        tx: TransactionPart,
        index: int,
        account: bytes,
        kinds: tuple[MovementKind, ...],
    ) -> Iterator[dict[str, str]]:
        for move in tx.moves:
            if move.kind not in kinds or account not in (move.giver, move.receiver):
                continue
            assert move.contract is not None
            symbol, decimals = self.symbols.get(move.contract, ("", 0))
            row = {
                "blockNumber": str(block.height),
                "timeStamp": str(block.time),
                "hash": "0x" + tx.tx_hash.hex(),
                "nonce": str(tx.nonce),
                "blockHash": "0x" + block.block_hash.hex(),
                "from": _address(move.giver),
                "contractAddress": _address(move.contract),
                "to": _address(move.receiver),
                "tokenName": symbol,
                "tokenSymbol": symbol,
                "tokenDecimal": str(decimals) if symbol else "",
                "transactionIndex": str(index),
                "gas": str(tx.gas_used),
                "gasPrice": str(_price(tx)),
                "gasUsed": str(tx.gas_used),
                "input": "deprecated",
                "confirmations": "1",
            }
            if move.kind == MovementKind.MULTI_TOKEN:
                row |= {"tokenID": str(move.token_id), "tokenValue": str(move.amount)}
            elif move.kind == MovementKind.NFT:
                row |= {"tokenID": str(move.token_id)}
            else:
                row |= {"value": str(move.amount)}
            if self.habits.tells_log_index:
                row |= {"logIndex": str(move.log_index)}
            yield row

    def _mined(
        self, block: BlockPart, tx: TransactionPart, _index: int, account: bytes
    ) -> Iterator[dict[str, str]]:
        for move in tx.moves:
            if move.kind == MovementKind.REWARD and move.receiver == account:
                yield {
                    "blockNumber": str(block.height),
                    "timeStamp": str(block.time),
                    "blockReward": str(move.amount),
                }

    def _withdrawals(
        self, block: BlockPart, tx: TransactionPart, _index: int, account: bytes
    ) -> Iterator[dict[str, str]]:
        for at, move in enumerate(tx.moves):
            if move.kind == MovementKind.WITHDRAWAL and move.receiver == account:
                yield {
                    "withdrawalIndex": str(1000 * block.height + at),
                    "validatorIndex": "1",
                    "address": _address(account),
                    "amount": str(move.amount // WEI_PER_GWEI),
                    "blockNumber": str(block.height),
                    "timestamp": str(block.time),
                }


@contextmanager
def served(stand_in: StandIn) -> Iterator[Served]:
    """Serve an explorer on a loopback port until the end of the block."""
    with serving(stand_in.answer) as server:
        yield server


def uri_of(server: Served, stand_in: StandIn) -> str:
    """Return how the explorer is named on the command line."""
    kind, path = ("blockscout", "") if stand_in.habits.is_blockscout else ("etherscan", "/api")
    return f"{kind}+{server.url}{path}"


def _no(words: str) -> Reply:
    return _json({"status": "0", "message": "NOTOK", "result": words})


def _json(found: object) -> Reply:
    return Reply(body=json.dumps(found).encode())


def _address(address: bytes | None) -> str:
    return "" if address is None else "0x" + address.hex()


def _creates(tx: TransactionPart) -> bool:
    return any(code.account == tx.receiver and code.creator == tx.sender for code in tx.codes)


def _price(tx: TransactionPart) -> int:
    """Return the price of gas that comes to what was paid for it."""
    paid = sum(
        move.amount
        for move in tx.moves
        if move.kind in (MovementKind.GAS_BURNT, MovementKind.GAS_TIP)
    )
    assert paid % max(tx.gas_used, 1) == 0, "choose fees that are multiples of the gas"
    return paid // max(tx.gas_used, 1)


def _inner(tx: TransactionPart) -> list[MovePart]:
    """Return the calls that are not the transaction's own."""
    calls = [move for move in tx.moves if move.kind in CALLS]
    own = bool(
        calls
        and tx.value
        and calls[0][1:3] == (tx.sender, tx.receiver)
        and calls[0].amount == tx.value
    )
    return calls[1:] if own else calls
