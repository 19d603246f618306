"""Addresses with brackets or signs among their letters.

`1A1zP1[dot]eP5Q` and `1A1zP1(remove)eP5Q` are read without what stands in brackets, `1A1zP1[e]P5Q`
without the brackets. A sign stands for one of two letters; the address is believed only if exactly
one choice of letters is one whose checksum holds.
"""

import re
from itertools import product

from arien_flows.extraction.addresses import Reading, is_checked, read_address

MOST_SIGNS = 5
"""Signs in one address; each doubles what has to be tried."""

_SIGNS = {
    "@": "aA",
    "$": "Ss",
    "!": "1i",
    "|": "1",
    "€": "eE",
    "£": "L",
    "¢": "cC",
    "¥": "Y",
    "§": "Ss",
}
_IN_BRACKETS = re.compile(r"[\[({<][^\[\](){}<>]{0,16}[\])}>]")
_BRACKETS = re.compile(r"[\[\](){}<>]")


def read_decorated(text: str) -> tuple[Reading, tuple[str, ...]] | None:
    """Return the one address that a text may hide, and the rules by which it was read."""
    found: dict[str, tuple[Reading, tuple[str, ...]]] = {}
    bare_texts: dict[str, tuple[str, ...]] = {text: ()}
    bare_texts.setdefault(_IN_BRACKETS.sub("", text), ("bracketed",))
    bare_texts.setdefault(_BRACKETS.sub("", text), ("bracketed",))
    for bare, rules in tuple(bare_texts.items()):
        # What ends a sentence is no letter.
        bare_texts.setdefault(bare.rstrip("!|"), rules)
    for bare, rules in bare_texts.items():
        for reading, more in _without_signs(bare):
            if is_checked(reading):
                found.setdefault(reading.address, (reading, (*rules, *more)))
    return next(iter(found.values())) if len(found) == 1 else None


def _without_signs(text: str) -> list[tuple[Reading, tuple[str, ...]]]:
    """Return the addresses that a text may be, with each sign taken for a letter."""
    places = [place for place, letter in enumerate(text) if letter in _SIGNS]
    if len(places) > MOST_SIGNS or not 26 <= len(text) <= 110:
        return []
    if not places:
        reading = read_address(text)
        return [(reading, ())] if reading else []
    readings: list[tuple[Reading, tuple[str, ...]]] = []
    for letters in product(*(_SIGNS[text[place]] for place in places)):
        mended = list(text)
        for place, letter in zip(places, letters, strict=True):
            mended[place] = letter
        reading = read_address("".join(mended))
        if reading:
            readings.append((reading, ("leetspeak",)))
    return readings
