"""What the node behind an explorer answers, as far as it is asked; pure, no input or output."""

import re
from typing import NamedTuple

from chains.ethereum.explorer.errors import UnexpectedAnswerError
from chains.ethereum.lookups import SentTransaction

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,16}")
_BYTES = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


class NodeBlock(NamedTuple):
    """A block of the chain."""

    height: int
    block_hash: bytes
    time: int
    """Seconds since 1970."""


def read_block(answer: object) -> NodeBlock:
    """Read `eth_getBlockByNumber`."""
    fields = _fields(answer)
    return NodeBlock(
        _quantity(fields, "number"), _raw(fields, "hash", 32), _quantity(fields, "timestamp")
    )


def read_sent(answer: object) -> SentTransaction | None:
    """Read `eth_getTransactionByHash`; nothing while the transaction is in no block."""
    fields = _fields(answer)
    if fields.get("blockNumber") is None:
        return None
    return SentTransaction(
        _quantity(fields, "blockNumber"),
        _raw(fields, "blockHash", 32),
        _raw(fields, "from", 20),
        None if fields.get("to") is None else _raw(fields, "to", 20),
    )


def _fields(answer: object) -> dict[str, object]:
    if not isinstance(answer, dict):
        raise UnexpectedAnswerError("its node answers with something that is not an object")
    return answer


def _quantity(fields: dict[str, object], name: str) -> int:
    found = fields.get(name)
    if not isinstance(found, str) or not _QUANTITY.fullmatch(found):
        raise UnexpectedAnswerError(f"{name} is {ascii(found)[:60]} and not a number in 0x digits")
    return int(found, 16)


def _raw(fields: dict[str, object], name: str, length: int) -> bytes:
    found = fields.get(name)
    if not isinstance(found, str) or not _BYTES.fullmatch(found) or len(found) != 2 + 2 * length:
        raise UnexpectedAnswerError(f"{name} is {ascii(found)[:60]} and not {length} bytes in hex")
    return bytes.fromhex(found[2:])
