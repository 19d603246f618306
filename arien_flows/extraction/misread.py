"""Letters that a machine misreads in a picture: 0 and O, 1 and l and I, 5 and S, 8 and B.

At most two letters are taken for others of their kind, and an address is believed only if exactly
one such text is one whose checksum holds. A letter that no address of the kind has must have been
misread. Addresses without a checksum cannot be mended.
"""

from collections.abc import Iterator
from itertools import combinations, product

from arien_flows.extraction.addresses import Reading, is_checked, read_address
from chains.bitcoin.bech32 import CHARSET
from chains.detect.base58 import ALPHABET

MOST_SUBSTITUTIONS = 2
MOST_TEXTS = 2_000
"""Texts that are tried for one misread address; one with more letters to doubt is given up."""

_ALIKE = ("0Oo", "1lIi", "5Ss", "8B")
_OTHERS = {
    letter: [other for other in group if other != letter] for group in _ALIKE for letter in group
}
_HEX = "0123456789abcdefABCDEF"


def read_misread(text: str) -> Reading | None:
    """Return the one address that a text may be if one or two letters were misread."""
    found = {}
    for candidate in _texts(text):
        reading = read_address(candidate)
        if reading and is_checked(reading):
            found[reading.address] = reading
            if len(found) > 1:
                return None
    return next(iter(found.values()), None)


def _texts(text: str) -> Iterator[str]:
    """Yield the texts that differ in one or two letters, none if there would be too many."""
    kind = _kind(text)
    if kind is None:
        return
    prefix, alphabet = kind
    body = text[len(prefix) :]
    wrong = [place for place, letter in enumerate(body) if letter not in alphabet]
    changed = sum(a != b for a, b in zip(prefix, text, strict=False))
    if len(wrong) + changed > MOST_SUBSTITUTIONS:
        return
    choices = {
        place: [other for other in _OTHERS[letter] if other in alphabet]
        for place, letter in enumerate(body)
        if letter in _OTHERS
    }
    if any(not choices.get(place) for place in wrong):
        return
    free = [place for place in choices if place not in wrong and choices[place]]
    tried = 0
    for more in range(MOST_SUBSTITUTIONS - len(wrong) - changed + 1):
        for extra in combinations(free, more):
            places = [*wrong, *extra]
            for letters in product(*(choices[place] for place in places)):
                tried += 1
                if tried > MOST_TEXTS:
                    return
                mended = list(body)
                for place, letter in zip(places, letters, strict=True):
                    mended[place] = letter
                yield prefix + "".join(mended)


def _kind(text: str) -> tuple[str, str] | None:
    """Return how an address that was misread as this begins, and the letters that may follow."""
    lower = text.lower()
    if text[:1] in "1lI3" and 26 <= len(text) <= 35:
        return ("3" if text[0] == "3" else "1", ALPHABET)
    if lower[:3] in ("bc1", "bcl", "bci", "8c1"):
        is_upper = text == text.upper()
        return ("BC1", CHARSET.upper()) if is_upper else ("bc1", CHARSET)
    if lower[:2] in ("0x", "ox") and len(text) == 42:
        return ("0x", _HEX)
    return None
