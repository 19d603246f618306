"""Addresses that are not written out: "ends in f4T3", "1A1zP...DivfNa".

They help a person who looks for an address that he has elsewhere, and say nothing about anybody:
sixty million addresses end in any two letters. So they are kept apart from what was found.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

MOST_HINTS = 5_000
"""Places of each kind that are looked at; what comes after them in a text is passed over."""

_PART = r"[\"'`(\[.…\s]{0,4}([0-9A-Za-z]{3,20})\b"
_SAID = re.compile(
    r"\b(end|start|begin)(?:s|ing|ning)?[ \t]{1,3}(?:in|on|with)[ \t:]{0,3}" + _PART, re.IGNORECASE
)
_LAST = re.compile(
    r"\b(last|first)[ \t]{1,3}(?:\d|four|five|six|few)[ \t]{1,3}"
    r"(?:characters|chars|letters|digits|symbols)(?:[ \t]{1,3}(?:are|is|of it are)|:)?" + _PART,
    re.IGNORECASE,
)
_SHORTENED = re.compile(
    r"(?<![0-9A-Za-z])([0-9A-Za-z]{4,20})(?:\.{2,6}|\*{2,8})([0-9A-Za-z]{3,20})"
)
_BEGINNING = re.compile(r"(?:[13][1-9A-HJ-NP-Za-km-z]|bc1[qpQP]|0x[0-9a-fA-F]{2}|[48][1-9AB])")
_HINTS = ("ends in", "ending", "ends with", "ends on", "starts", "starting", "begins", "beginning")
_COUNTED = ("last ", "first ")
_CIRCLE = 40
"""Characters around a hint in which an address must be spoken of."""

_TOPIC = re.compile(r"address|wallet|btc|bitcoin|deposit|eth\b|xmr|addy", re.IGNORECASE)


class Part(NamedTuple):
    """Where an address is hinted at, and with what letters."""

    prefix: str
    suffix: str
    start: int
    stop: int


def partial_addresses(text: str) -> Iterator[Part]:
    """Yield the hints of a text, in no order; of each kind the first `MOST_HINTS` at most."""
    lower = text.lower()
    yield from _hinted(text, lower, _HINTS, _SAID)
    yield from _hinted(text, lower, _COUNTED, _LAST)
    for mark in ("..", "**"):
        yield from _shortened(text, mark)


def _hinted(
    text: str, lower: str, hints: tuple[str, ...], shape: re.Pattern[str]
) -> Iterator[Part]:
    seen = set()
    for hint in hints:
        at = lower.find(hint)
        looked_at = 0
        while at >= 0 and looked_at < MOST_HINTS:
            looked_at += 1
            match = shape.match(text, at, at + 80)
            near = text[max(at - _CIRCLE, 0) : at + 80]
            if match and at not in seen and _is_telling(match[2]) and _TOPIC.search(near):
                seen.add(at)
                ends = match[1].lower() in ("end", "last")
                yield Part(
                    "" if ends else match[2], match[2] if ends else "", match.start(2), match.end(2)
                )
            at = lower.find(hint, at + len(hint))


def _shortened(text: str, mark: str) -> Iterator[Part]:
    at = text.find(mark)
    looked_at = 0
    while at >= 0 and looked_at < MOST_HINTS:
        looked_at += 1
        after = at + len(mark)
        # A row of the same mark is looked at once, from its beginning.
        while after < len(text) and text[after] == mark[0]:
            after += 1
        if at > 0 and text[at - 1].isalnum() and after < len(text) and text[after].isalnum():
            match = _SHORTENED.search(text, max(at - 21, 0), after + 20)
            if (
                match
                and match.start() < at
                and _BEGINNING.match(match[1])
                and (_is_telling(match[1]) or _is_telling(match[2]))
            ):
                yield Part(match[1], match[2], match.start(), match.end())
        at = text.find(mark, after)


def _is_telling(part: str) -> bool:
    """Return whether letters look like a part of an address: digits and letters, or both cases."""
    has_letter = any(letter.isalpha() for letter in part)
    has_digit = any(letter.isdigit() for letter in part)
    tail = part[1:]
    return has_letter and (has_digit or (tail not in (tail.lower(), tail.upper())))
