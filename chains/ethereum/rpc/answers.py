"""Reading the few fields of a node's JSON that the source itself needs; pure.

Everything that goes into a ledger is read by `chains.ethereum.decode`; here is only what tells
blocks apart.
"""

from collections.abc import Mapping, Sequence

from chains.errors import SourceUnavailableError
from chains.ethereum.rpc.calls import Json

_HASH_DIGITS = 64


def an_object(value: Json, what: str) -> Mapping[str, Json]:
    """Return a JSON object."""
    if not isinstance(value, Mapping):
        raise fault(what, "is no object")
    return value


def a_list(value: Json, what: str) -> Sequence[Json]:
    """Return a JSON list."""
    if not isinstance(value, list):
        raise fault(what, "is no list")
    return value


def number(value: Json, what: str) -> int:
    """Return a number that is written in hexadecimal."""
    if isinstance(value, str) and value.startswith("0x") and len(value) <= 66:
        try:
            return int(value, 16)
        except ValueError:
            pass
    raise fault(what, "is no number in hexadecimal")


def raw(value: Json, what: str, *, size: int | None = None) -> bytes:
    """Return bytes that are written in hexadecimal, `size` of them where that is given."""
    if isinstance(value, str) and value.startswith("0x"):
        try:
            found = bytes.fromhex(value[2:])
        except ValueError:
            found = None
        # `fromhex` skips white space.
        if found is not None and 2 * len(found) + 2 == len(value) and size in (None, len(found)):
            return found
    raise fault(what, "is not what it should be in hexadecimal")


def block_hash(value: Json, what: str = "hash") -> bytes:
    """Return a hash of 32 bytes."""
    return raw(value, what, size=32)


def fault(what: str, words: str) -> SourceUnavailableError:
    """Return the error for an answer that is not as it should be."""
    return SourceUnavailableError(f"the node's answer is not understood: {what} {words}")
