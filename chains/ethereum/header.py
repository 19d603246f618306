"""The hash of a block, computed from the fields of its header.

A header is a list of fields in a fixed order; every fork since London added its own to the end.
A source that states a hash which its own fields do not have lies, or knows a field that the
decoder does not: either way the block must not be used.
"""

from itertools import pairwise

from chains.errors import MalformedBlockError
from chains.ethereum.address import keccak256
from chains.ethereum.quantities import UINT256, Fields, quantity, raw
from chains.ethereum.rlp import Item, encode

EMPTY_UNCLES = keccak256(encode([]))
"""What `sha3Uncles` is of a block without uncles."""

_ADDED = ("baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas",
          "parentBeaconBlockRoot", "requestsHash")  # fmt: skip
"""What forks added, in the order of the forks: London, Shanghai, three of Cancun, Prague."""

_NUMBERS = ("baseFeePerGas", "blobGasUsed", "excessBlobGas")


def header_hash(header: Fields) -> bytes:
    """Return the hash of a header as JSON-RPC shows it; `MalformedBlockError` names a bad field."""
    items: list[Item] = [
        raw(header, "parentHash", 32),
        raw(header, "sha3Uncles", 32),
        raw(header, "miner", 20),
        raw(header, "stateRoot", 32),
        raw(header, "transactionsRoot", 32),
        raw(header, "receiptsRoot", 32),
        raw(header, "logsBloom", 256),
        quantity(header, "difficulty", UINT256),
        quantity(header, "number"),
        quantity(header, "gasLimit"),
        quantity(header, "gasUsed"),
        quantity(header, "timestamp"),
        raw(header, "extraData"),
        raw(header, "mixHash", 32),
        raw(header, "nonce", 8),
    ]
    return keccak256(encode(items + _later_fields(header)))


def _later_fields(header: Fields) -> list[Item]:
    present = [header.get(name) is not None for name in _ADDED]
    if any(later and not earlier for earlier, later in pairwise(present)):
        missing = _ADDED[present.index(False)]
        raise MalformedBlockError(f"{missing} is missing, and a field of a later fork is there")
    return [
        quantity(header, name, UINT256) if name in _NUMBERS else raw(header, name, 32)
        for name, there in zip(_ADDED, present, strict=True)
        if there
    ]


def check_header(header: Fields) -> bytes:
    """Return the stated hash of a header, which its fields must have."""
    stated = raw(header, "hash", 32)
    found = header_hash(header)
    if found != stated:
        raise MalformedBlockError(
            f"hash is 0x{stated.hex()}, and the fields of the header hash to 0x{found.hex()}"
        )
    return stated
