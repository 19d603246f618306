"""Reading a node's JSON: strict, and clear about what is wrong; pure, no input or output.

A block of verbosity 3 is turned back into bytes: its header from the header's fields, its
transactions from their hexadecimal form. What it spends is written as `/rest/spenttxouts` writes
it, so that both are read by the same code.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from chains.bitcoin.core.rpc import Json
from chains.bitcoin.networks import COIN_SAT
from chains.errors import SourceUnavailableError

_HASH_DIGITS = 64
_OLD_NODE = "; what blocks spend is told by Bitcoin Core from version 23 on"


def as_object(value: Json, what: str) -> Mapping[str, Json]:
    """Return a JSON object."""
    if not isinstance(value, Mapping):
        raise _fault(what, "is no object")
    return value


def text(holder: Mapping[str, Json], key: str) -> str:
    """Return a text."""
    value = holder.get(key)
    if not isinstance(value, str):
        raise _fault(key, "is no text")
    return value


def number(holder: Mapping[str, Json], key: str) -> int:
    """Return a whole number."""
    value = holder.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _fault(key, "is no whole number")
    return value


def flag(holder: Mapping[str, Json], key: str) -> bool:
    """Return a truth value; an absent one is False, as older nodes mean it."""
    value = holder.get(key, False)
    if not isinstance(value, bool):
        raise _fault(key, "is neither true nor false")
    return value


def stored_hash(value: Json, what: str) -> bytes:
    """Return a hash that is shown in hexadecimal, as the chain stores it."""
    if not isinstance(value, str) or len(value) != _HASH_DIGITS:
        raise _fault(what, "is no hash")
    return from_hex(value, what)[::-1]


def from_hex(value: Json, what: str) -> bytes:
    """Return the bytes of a hexadecimal text."""
    if not isinstance(value, str):
        raise _fault(what, "is no text")
    try:
        decoded = bytes.fromhex(value)
    except ValueError:
        raise _fault(what, "is not hexadecimal") from None
    # `fromhex` skips white space.
    if 2 * len(decoded) != len(value):
        raise _fault(what, "is not hexadecimal")
    return decoded


def satoshi(value: Json) -> int:
    """Return an amount that is stated in bitcoin, exactly."""
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        raise _fault("value", "is no number")
    exponent = Decimal(value).as_tuple().exponent
    # Of what has no more than eight places, the product is exact; NaN and infinity have letters.
    if not isinstance(exponent, int) or exponent < -8 or not 0 <= value <= 21_000_000:
        raise _fault("value", "is no amount")
    return int(value * COIN_SAT)


def block_bytes(block: Mapping[str, Json]) -> bytes:
    """Return a block of verbosity 3 (or 2) as it is stored."""
    transactions = [from_hex(as_object(tx, "tx").get("hex"), "hex") for tx in _rows(block, "tx")]
    return b"".join([_header(block), compact_size(len(transactions)), *transactions])


def _header(block: Mapping[str, Json]) -> bytes:
    previous = block.get("previousblockhash")
    fields = (
        _word(block, "version", signed=True),
        bytes(32) if previous is None else stored_hash(previous, "previousblockhash"),
        stored_hash(block.get("merkleroot"), "merkleroot"),
        _word(block, "time"),
        _bits(block),
        _word(block, "nonce"),
    )
    return b"".join(fields)


def _bits(block: Mapping[str, Json]) -> bytes:
    bits = from_hex(block.get("bits"), "bits")
    if len(bits) != 4:
        raise _fault("bits", "is no compact target")
    return bits[::-1]


def _word(block: Mapping[str, Json], key: str, *, signed: bool = False) -> bytes:
    try:
        return number(block, key).to_bytes(4, "little", signed=signed)
    except OverflowError:
        raise _fault(key, "does not fit into four bytes") from None


def spent_bytes(block: Mapping[str, Json]) -> bytes:
    """Return what a block of verbosity 3 spends, as `/rest/spenttxouts` writes it."""
    rows = _rows(block, "tx")
    parts = [compact_size(len(rows))]
    for row in rows:
        inputs = [as_object(value, "vin") for value in _rows(as_object(row, "tx"), "vin")]
        spending = [value for value in inputs if "coinbase" not in value]
        parts.append(compact_size(len(spending)))
        parts += [_spent_output(value) for value in spending]
    return b"".join(parts)


def _spent_output(spending: Mapping[str, Json]) -> bytes:
    if "prevout" not in spending:
        raise _fault("prevout", f"is missing{_OLD_NODE}")
    output = as_object(spending["prevout"], "prevout")
    locking = as_object(output.get("scriptPubKey"), "scriptPubKey")
    script = from_hex(locking.get("hex"), "hex")
    value = satoshi(output.get("value")).to_bytes(8, "little")
    return value + compact_size(len(script)) + script


def compact_size(count: int) -> bytes:
    """Return a count as blocks write it."""
    if count < 0xFD:
        return bytes([count])
    if count <= 0xFFFF:
        return b"\xfd" + count.to_bytes(2, "little")
    return b"\xfe" + count.to_bytes(4, "little")


def _rows(holder: Mapping[str, Json], key: str) -> Sequence[Json]:
    value = holder.get(key)
    if not isinstance(value, list):
        raise _fault(key, "is no list")
    return value


def _fault(what: str, words: str) -> SourceUnavailableError:
    return SourceUnavailableError(f"the node's answer is not understood: {what} {words}")
