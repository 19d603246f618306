"""Addresses that are not written out: "ends in f4T3", "1A1zP...DivfNa".

They help a person who looks for an address that he has elsewhere, and say nothing about anybody:
sixty million addresses end in any two letters. So they are kept apart from what was found.
"""

import re
from typing import NamedTuple

_BEFORE = 80
"""Characters before a part in which somebody says what it is."""

_SAID = re.compile(
    r"\b(end|start|begin)(?:s|ing|ning)?[ \t]{1,3}(?:in|on|with)[\s:\"'`(\[.]{1,6}\Z", re.IGNORECASE
)
_COUNTED = re.compile(
    r"\b(last|first)[ \t]{1,3}(?:\d|four|five|six|few)[ \t]{1,3}"
    r"(?:characters|chars|letters|digits|symbols)"
    r"(?:[ \t]{1,3}(?:are|is|of it are))?[\s:\"'`(\[.]{1,6}\Z",
    re.IGNORECASE,
)
_SHORTENED = re.compile(r"(?<![0-9A-Za-z])([0-9A-Za-z]{4,20})(?:\.{2,6}|\*{2,8})\Z")
_BEGINNING = re.compile(r"(?:[13][1-9A-HJ-NP-Za-km-z]|bc1[qpQP]|0x[0-9a-fA-F]{2}|[48][1-9AB])")
_TOPIC = re.compile(r"address|wallet|btc|bitcoin|deposit|eth\b|xmr|addy", re.IGNORECASE)


class Part(NamedTuple):
    """Where an address is hinted at, and with what letters."""

    prefix: str
    suffix: str
    start: int
    stop: int


def partial_address(text: str, start: int, stop: int) -> Part | None:
    """Return what a short run that looks like a part of an address is said to be, if anything."""
    part = text[start:stop]
    least = max(start - _BEFORE, 0)
    shortened = _SHORTENED.search(text, max(start - 29, 0), start)
    if shortened and _BEGINNING.match(shortened[1]):
        return Part(shortened[1], part, shortened.start(), stop)
    said = _SAID.search(text, least, start) or _COUNTED.search(text, least, start)
    if said is None or not _TOPIC.search(text, least, stop + _BEFORE):
        return None
    if said[1].lower() in ("end", "last"):
        return Part("", part, start, stop)
    return Part(part, "", start, stop)
