"""How addresses are hidden in writing, and what confidence a reading of each loses.

An address that stands plainly needs no rule. Each rule that was needed multiplies the confidence
of what follows from it by its factor: the writer meant to be read by people only, and we may have
read what he did not write. The factors are settled by judgement, not measured.
"""

from collections.abc import Iterable
from fractions import Fraction
from math import prod
from types import MappingProxyType

_RULES = {
    # Two to six runs with blanks, line breaks or hyphens between them.
    "joined": Fraction(19, 20),
    # Seven or more runs of equal length, but the last.
    "grouped": Fraction(19, 20),
    # The same with dots, stars, underscores and other marks between them.
    "punctuated": Fraction(9, 10),
    # Characters that nobody sees stood among the letters.
    "zero_width": Fraction(19, 20),
    # Letters of other scripts that look the same, or full-width ones.
    "homoglyph": Fraction(9, 10),
    "full_width": Fraction(9, 10),
    # `0 x`, `zero x` before 40 digits.
    "split_prefix": Fraction(9, 10),
    # `[dot]`, `(remove)` among the letters; or letters in brackets.
    "bracketed": Fraction(9, 10),
    # `@` for a, `$` for S, and so on.
    "leetspeak": Fraction(4, 5),
    "reversed": Fraction(4, 5),
    "rot13": Fraction(4, 5),
    "hex": Fraction(4, 5),
    "base64": Fraction(4, 5),
    # Letters that look alike in a picture.
    "misread": Fraction(4, 5),
    # 32 bytes in base58 have no checksum; a word nearby names the network.
    "named_network": Fraction(1),
}

FACTORS = MappingProxyType(_RULES)
"""Rule -> the factor by which confidence is multiplied."""


def factor_of(rules: Iterable[str]) -> Fraction:
    """Return the product of the factors of some rules."""
    return prod((FACTORS[rule] for rule in rules), start=Fraction(1))
