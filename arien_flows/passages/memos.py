"""Memos of THORChain: what a payment asks to be swapped into, and which payment one answers.

A payment that goes in says where the proceeds are to go: `=:ETH.ETH:0x…:limit`. A payment that
comes out names the one that it answers: `OUT:` and the id of that transaction, or `REFUND:` where
nothing was swapped. On Bitcoin they stand in an OP_RETURN output.

Source: THORChain's documentation of transaction memos.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from arien_flows.ledger.view import View

_SWAPS = ("=", "SWAP", "S")
_ANSWERS = ("OUT", "REFUND")
_SHORT = {"E": "ETH.ETH", "B": "BTC.BTC"}
_ID_DIGITS = 64
_LARGEST_DIRECT = 75
_PUSHDATA1 = 0x4C


@dataclass(frozen=True, slots=True, kw_only=True)
class Memo:
    """What a memo says."""

    kind: Literal["swap", "out", "refund"]
    asset: str
    """Of a swap, what is wanted, as `CHAIN.ASSET`; else empty."""

    destination: str
    """Of a swap, who is to get it; else empty."""

    answers: bytes
    """Of an answer, the id of the transaction that it names, as people read it; else empty."""


def read_memo(text: str) -> Memo | None:
    """Return what a text says as a memo; nothing where it is none."""
    kind, *rest = text.strip().split(":")
    if kind.upper() in _SWAPS and len(rest) >= 2:
        asset = _SHORT.get(rest[0].upper(), rest[0].upper())
        destination = rest[1].split("/")[0]
        if "." in asset and destination:
            return Memo(kind="swap", asset=asset, destination=destination, answers=b"")
    if kind.upper() in _ANSWERS and rest:
        digits = rest[0].lower()
        if len(digits) == _ID_DIGITS and not set(digits) - set("0123456789abcdef"):
            return Memo(
                kind="out" if kind.upper() == "OUT" else "refund",
                asset="",
                destination="",
                answers=bytes.fromhex(digits),
            )
    return None


def memos_of(view: View) -> dict[int, Memo]:
    """Return the memos in the OP_RETURN outputs of a Bitcoin ledger, by output."""
    starts, content = view.first_op_return_byte, view.op_return_data
    outputs = view.op_return_output
    size = np.diff(starts)
    # The first letters are looked at in all rows at once; few outputs begin like a memo.
    candidates = np.flatnonzero(size > 4)
    first = starts[candidates]
    pushed = content[first]
    skip = np.where(pushed == _PUSHDATA1, 2, 1)
    letters = content[first + skip] & 0xDF
    begins = np.isin(letters, np.frombuffer(b"SOR\x1d", np.uint8))
    direct = (pushed <= _LARGEST_DIRECT) | (pushed == _PUSHDATA1)
    found: dict[int, Memo] = {}
    for row in candidates[begins & direct].tolist():
        raw = content[int(starts[row]) : int(starts[row + 1])].tobytes()
        memo = read_memo(_pushed(raw))
        if memo is not None:
            found[int(outputs[row])] = memo
    return found


def _pushed(raw: bytes) -> str:
    """Return what the script pushes first, as text."""
    start = 2 if raw[0] == _PUSHDATA1 else 1
    size = raw[1] if raw[0] == _PUSHDATA1 else raw[0]
    return raw[start : start + size].decode("ascii", "replace")
