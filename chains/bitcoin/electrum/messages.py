"""The messages of the Electrum protocol: JSON-RPC, one message a line; pure.

A message is one object or an array of them. Every reply is kept as the very bytes that arrived,
so an array is cut into its members by position and never written anew. A call's id is made from
what it asks: the same question gets the same bytes as its answer while nothing has changed, and an
archive that is addressed by content stores them once.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

ID_BYTES = 6
"""Ids stay below 2^53, which every JSON reader keeps exactly."""

LONGEST_WORDS = 200
"""Characters of a server's own words that a message repeats."""

Parameter = str | int | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One question."""

    method: str
    params: tuple[Parameter, ...] = ()

    @property
    def text(self) -> str:
        """Return the method and its parameters as they are sent."""
        return f"{self.method} {json.dumps(self.params)}"

    @property
    def ident(self) -> int:
        """Return the id by which its reply is known; differs for different questions."""
        digest = hashlib.sha256(self.text.encode()).digest()
        return int.from_bytes(digest[:ID_BYTES], "big")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The server's reply that it does not answer a call."""

    code: int
    """0 where the server gives none."""

    words: str
    """The server's own words: one line, bounded."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply to one call."""

    ident: int | None
    """Nothing where the server could not make out what was asked."""

    received: bytes
    """The reply as it arrived, without the white space around it."""

    answer: object
    """What the call returns, or a `Refusal`."""


def encode(calls: Sequence[Call], *, as_array: bool) -> bytes:
    """Return the lines that ask all calls: one with an array of them, or one for each."""
    asked = [
        json.dumps(
            {"jsonrpc": "2.0", "id": call.ident, "method": call.method, "params": call.params}
        )
        for call in calls
    ]
    text = f"[{', '.join(asked)}]" if as_array else "\n".join(asked)
    return text.encode() + b"\n"


def decode(line: bytes) -> tuple[list[Reply], bool]:
    """Return the replies of a line, notifications left out, and whether it held an array.

    Raises `ValueError` with the fault where the line is no message of the protocol.
    """
    try:
        text = line.decode().strip()
        is_array = text.startswith("[")
        members = _members(text) if is_array else [(text, _JSON.decode(text))]
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    replies = [_reply(part, value) for part, value in members]
    return [reply for reply in replies if reply is not None], is_array


def plain(words: object) -> str:
    """Return a server's words as one bounded line of printable characters."""
    line = " ".join(str(words).split())
    line = "".join(character if character.isprintable() else "?" for character in line)
    return line if len(line) <= LONGEST_WORDS else f"{line[:LONGEST_WORDS]}…"


_JSON = json.JSONDecoder(parse_float=Decimal)


def _members(text: str) -> list[tuple[str, object]]:
    """Return the members of an array, each with its own text."""
    members: list[tuple[str, object]] = []
    at = 0
    while text[at : at + 1] != "]" or not members:
        if text[at : at + 1] != ("," if members else "["):
            raise ValueError("a comma is missing")
        start = _skip_space(text, at + 1)
        value, end = _JSON.raw_decode(text, start)
        members.append((text[start:end], value))
        at = _skip_space(text, end)
    if at + 1 != len(text):
        raise ValueError("something follows the array")
    return members


def _skip_space(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t", "\r", "\n"):
        at += 1
    return at


def _reply(part: str, value: object) -> Reply | None:
    if not isinstance(value, dict):
        raise ValueError("a reply is no object")
    if "method" in value:
        return None  # a notification: what was asked for once is not asked for again
    ident, error = value.get("id"), value.get("error")
    if ident is not None and (not isinstance(ident, int) or isinstance(ident, bool)):
        raise ValueError("a reply's id is no number")
    if error is not None:
        return Reply(ident, part.encode(), _refusal(error))
    if "result" not in value:
        raise ValueError("a reply holds neither a result nor an error")
    return Reply(ident, part.encode(), value["result"])


def _refusal(error: object) -> Refusal:
    if not isinstance(error, dict):
        return Refusal(0, plain(error))
    code = error.get("code")
    return Refusal(code if isinstance(code, int) else 0, plain(error.get("message", "no reason")))
