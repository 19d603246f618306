"""An explorer's answers, read strictly; and the many ways in which it says no with status 200.

An answer of the account module is `{"status", "message", "result"}`. Its status is "1" for rows,
"0" for no rows *and* for every kind of refusal, and with Blockscout "2" where some rows are not
there yet. Whether "0" means that there is nothing or that something is wrong shows only in what
`result` is: a list where there is nothing, a sentence where it is a refusal, sometimes null. What
a sentence means is decided here by words that servers are documented or recorded to use; one that
is not known fails its item and is repeated to the reader.

Rows hold texts throughout: numbers in decimal digits, addresses in either case, and empty texts for
what a row does not have.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from chains.errors import ChainError, LookupFailedError
from chains.ethereum.explorer.errors import (
    ChainNotServedError,
    ExplorerBusyError,
    KeyRefusedError,
    NotOfferedError,
    QueryTooLargeError,
    QuotaError,
    UnexpectedAnswerError,
)

_SHOWN = 120
"""Characters of a server's words that a message repeats."""

_MOST = 1 << 256
_DIGITS = re.compile(r"[0-9]{1,78}")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]*")

_NOTHING = re.compile(
    r"(?i)no (internal )?(transactions?|token transfers?|records?|blocks?|withdrawals?|"
    r"matching records|data)( were)? found"
)
"""What is said where the list is empty."""

_REFUSALS: tuple[tuple[str, type[ChainError], str], ...] = (
    (
        r"daily (rate )?limit|daily request",
        QuotaError,
        "what this key may ask in a day is used up: run the same command again tomorrow, or use "
        "another key",
    ),
    (
        r"rate limit|calls per sec|too many requests|too many invalid api key",
        ExplorerBusyError,
        "it was asked too often: run the same command again later, or lower the rate with rate=1 "
        "in the URI",
    ),
    (
        r"invalid api ?key|missing.*api ?key|api ?key.*(missing|required|invalid)|unauthorized",
        KeyRefusedError,
        "set ARIEN_EXPLORER_KEY, or ARIEN_EXPLORER_KEY_FILE, to a key of this explorer",
    ),
    (
        r"not supported for this chain|chain not supported|unsupported chainid|invalid chainid",
        ChainNotServedError,
        "name an explorer that has this chain, or a key whose plan includes it",
    ),
    (
        r"deprecated v1 endpoint",
        ChainNotServedError,
        "name the present interface, as in etherscan+https://api.etherscan.io/v2/api",
    ),
    (
        r"query timeout|smaller result|result window is too large|took too long|too many results",
        QueryTooLargeError,
        "ask a node or a ledger about an address of this size",
    ),
    (
        r"timeout|too busy|try again|temporarily|internal server error",
        ExplorerBusyError,
        "run the same command again later",
    ),
    (
        r"missing or invalid (action|module)|unknown (action|module)|api pro endpoint|not available"
        r"|not supported",
        NotOfferedError,
        "the explorer does not offer this",
    ),
)
"""Refusals by the words that they hold, the more telling first, and what can be done."""


class Rows(NamedTuple):
    """The rows of a list."""

    rows: list["Row"]
    gap: str
    """The server's own words where it says that rows are missing; else empty."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list, which knows its place in the answer."""

    texts: dict[str, object]
    place: str

    def has(self, name: str) -> bool:
        """Tell whether something stands under a name."""
        return self.texts.get(name) not in (None, "")

    def text(self, name: str, *others: str) -> str:
        """Return the text under the first of the names that the row has; empty without one."""
        for each in (name, *others):
            found = self.texts.get(each)
            if found is None:
                continue
            # A number proper is as clear as its digits.
            if type(found) is int:
                return str(found)
            if not isinstance(found, str):
                raise self._wrong(each, "a text")
            return found
        return ""

    def number(self, name: str, *others: str, below: int = _MOST) -> int:
        """Return the whole number that is written under one of the names."""
        found = self.text(name, *others)
        if not _DIGITS.fullmatch(found) or int(found) >= below:
            raise self._wrong(name, "a whole number in its range")
        return int(found)

    def optional_number(self, name: str, *, below: int = _MOST) -> int | None:
        """Return the number; nothing where the row does not have it."""
        return self.number(name, below=below) if self.has(name) else None

    def time(self) -> int:
        """Return the row's time, in seconds since 1970."""
        found = self.text("timeStamp", "timestamp")
        if _DIGITS.fullmatch(found):
            return self.number("timeStamp", "timestamp", below=1 << 40)
        try:
            moment = datetime.fromisoformat(found)
        except ValueError:
            raise self._wrong("timeStamp", "a time") from None
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())

    def address(self, name: str) -> bytes:
        """Return 20 bytes."""
        return self._bytes(name, 20)

    def optional_address(self, name: str) -> bytes | None:
        """Return 20 bytes; nothing where the row does not have them."""
        return self.address(name) if self.has(name) else None

    def hash(self, name: str, *others: str) -> bytes:
        """Return 32 bytes."""
        present = next((each for each in (name, *others) if self.has(each)), name)
        return self._bytes(present, 32)

    def optional_hash(self, name: str) -> bytes | None:
        """Return 32 bytes; nothing where the row does not have them."""
        return self.hash(name) if self.has(name) else None

    def selector(self) -> int:
        """Return the first four bytes that a transaction was sent with; 0 for fewer."""
        for name in ("input", "methodId"):
            digits = self.text(name).lower().removeprefix("0x")
            if len(digits) >= 8 and set(digits[:8]) <= set("0123456789abcdef"):
                return int(digits[:8], 16)
        return 0

    def _bytes(self, name: str, length: int) -> bytes:
        found = self.text(name)
        if not _HEXADECIMAL.fullmatch(found) or len(found) != 2 + 2 * length:
            raise self._wrong(name, f"0x and {2 * length} hexadecimal digits")
        return bytes.fromhex(found[2:])

    def _wrong(self, name: str, wanted: str) -> UnexpectedAnswerError:
        shown = ascii(self.texts.get(name))
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
        return UnexpectedAnswerError(f"{self.place}.{name} is {shown} and not {wanted}")


def read_rows(body: bytes) -> Rows:
    """Read a list of the account module; an empty one is no refusal."""
    found = _envelope(body)
    result, message = found.get("result"), str(found.get("message") or "")
    if isinstance(result, list):
        rows = [Row(item, f"result[{at}]") for at, item in enumerate(_objects(result))]
        status = str(found.get("status"))
        if status == "2":
            return Rows(rows, message[:_SHOWN])
        if status == "1" or (not rows and _NOTHING.search(message)):
            return Rows(rows, "")
        raise refusal(message or "an empty list without a word")
    if result is None and _NOTHING.search(message):
        return Rows([], "")
    raise refusal(_words(found))


def read_number(body: bytes) -> int:
    """Read a balance: decimal digits."""
    found = _envelope(body)
    result = found.get("result")
    if type(result) is int:
        result = str(result)
    if isinstance(result, str) and _DIGITS.fullmatch(result) and int(result) < _MOST:
        return int(result)
    raise refusal(_words(found))


def read_node_answer(body: bytes) -> object:
    """Read what the node behind an explorer answers, passed on: `{"jsonrpc", "result"}`."""
    found = _envelope(body)
    error = found.get("error")
    if error:
        said = error.get("message") if isinstance(error, dict) else error
        raise refusal(str(said))
    if "jsonrpc" in found and "result" in found:
        return found["result"]
    if str(found.get("status")) == "0":
        raise refusal(_words(found))
    if "result" in found:
        return found["result"]
    raise UnexpectedAnswerError("the answer has no 'result'")


def refusal(words: str) -> ChainError:
    """Return the error that a server's sentence means, with what can be done."""
    shown = " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    for pattern, kind, remedy in _REFUSALS:
        if re.search(pattern, words, re.IGNORECASE):
            return kind(f"it says {shown!r}: {remedy}")
    return LookupFailedError(f"it says {shown!r}")


def _envelope(body: bytes) -> dict[str, object]:
    if not body.strip():
        raise ExplorerBusyError("it answers with nothing at all: run the same command again later")
    try:
        found = json.loads(body, parse_float=str)
    except (ValueError, RecursionError):
        if body.lstrip()[:1] == b"<":
            raise UnexpectedAnswerError(
                "it answers with a web page: name the place of the interface itself, as in "
                "etherscan+https://HOST/api or blockscout+https://HOST"
            ) from None
        # The decoder's own text may repeat the answer and is of no use to a reader.
        raise UnexpectedAnswerError("it answers with something that is not JSON") from None
    if not isinstance(found, dict):
        raise UnexpectedAnswerError("its answer is not an object")
    return found


def _objects(items: list[object]) -> list[dict[str, object]]:
    found = [item for item in items if isinstance(item, dict)]
    if len(found) != len(items):
        raise UnexpectedAnswerError("its list holds something that is not a row")
    return found


def _words(found: dict[str, object]) -> str:
    """Return the sentence of a refusal, which stands under either name."""
    result, message = found.get("result"), str(found.get("message") or "")
    if isinstance(result, str) and result:
        return result
    return message or "nothing under 'result'"
