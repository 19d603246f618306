"""JSON from a stranger, read strictly.

`json.loads` returns whatever was sent. A `Json` is one decoded value that knows its place in the
answer; each of its readers returns exactly one kind of value or says, by place, what stands there
instead. Nothing is coerced: the text "1", the number 1.0 and `true` are not the integer 1.
"""

import json
from dataclasses import dataclass
from typing import Self

from chains.types import TxIdRaw

_SHOWN = 40
"""Characters of a wrong value that a message repeats."""


class UnexpectedAnswerError(ValueError):
    """An answer is not of the documented shape; the message says where and how."""


@dataclass(frozen=True, slots=True)
class Json:
    """One value of a decoded answer."""

    value: object
    place: str = "the answer"

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Decode an answer's bytes."""
        try:
            return cls(json.loads(body))
        except (ValueError, RecursionError) as error:
            # The decoder's own text may repeat the answer and is of no use to a reader.
            raise UnexpectedAnswerError("it is not JSON") from error

    def field(self, name: str) -> "Json":
        """Return the value under `name`, which must be there; it may be null."""
        if not isinstance(self.value, dict):
            raise self._wrong("an object")
        if name not in self.value:
            raise UnexpectedAnswerError(f"{self.place} has no {name!r}")
        return Json(self.value[name], f"{self.place}.{name}")

    def optional(self, name: str) -> "Json | None":
        """Return the value under `name`; nothing where it is missing or null."""
        if not isinstance(self.value, dict):
            raise self._wrong("an object")
        found = self.value.get(name)
        return None if found is None else Json(found, f"{self.place}.{name}")

    def items(self) -> list["Json"]:
        """Return the values of a list."""
        if not isinstance(self.value, list):
            raise self._wrong("a list")
        return [Json(item, f"{self.place}[{index}]") for index, item in enumerate(self.value)]

    def integer(self, low: int, high: int) -> int:
        """Return a whole number in `[low, high]`."""
        if type(self.value) is not int or not low <= self.value <= high:
            raise self._wrong(f"a whole number from {low} to {high}")
        return self.value

    def claim(self) -> bool:
        """Return true or false."""
        if not isinstance(self.value, bool):
            raise self._wrong("true or false")
        return self.value

    def hexadecimal(self) -> bytes:
        """Return bytes of any number, which are written in hexadecimal."""
        if not isinstance(self.value, str):
            raise self._wrong("hexadecimal text")
        return hexadecimal(self.value, self.place)

    def stored_hash(self) -> TxIdRaw:
        """Return a transaction id, block hash or tree node as stored: the shown one reversed."""
        found = self.hexadecimal()
        if len(found) != 32:
            raise self._wrong("64 hexadecimal digits")
        return TxIdRaw(found[::-1])

    def _wrong(self, wanted: str) -> UnexpectedAnswerError:
        shown = "null" if self.value is None else ascii(self.value)
        if len(shown) > _SHOWN:
            shown = f"{shown[:_SHOWN]}…"
        return UnexpectedAnswerError(f"{self.place} is {shown} and not {wanted}")


def hexadecimal(text: str, place: str) -> bytes:
    """Return the bytes of hexadecimal `text`, which stands at `place`.

    Spaces, which `bytes.fromhex` skips, are refused.
    """
    try:
        found = bytes.fromhex(text)
    except ValueError as error:
        raise UnexpectedAnswerError(f"{place} is not hexadecimal") from error
    if 2 * len(found) != len(text):
        raise UnexpectedAnswerError(f"{place} is not hexadecimal")
    return found
