"""Words beside an address that tell its role, from a data file.

All patterns look at a few hundred characters at most, and none repeats what may itself repeat, so
their time is bounded. Of several patterns of a rule the one that ends nearest to the address is
told.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files

FILE = "role_words_1.toml"

_POINT_IN_NUMBER = re.compile(r"(?<=\d)\.(?=\d)")


class Side(Enum):
    """Where a rule's words stand."""

    AROUND = "around"
    BEFORE = "before"
    """They reach up to the address."""

    AFTER = "after"
    """They begin right after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The text beside an address, as the rules read it."""

    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Words that a rule found: which, and where they stand to the address."""

    start: int
    """Characters from the beginning of the text before the address, or of that after it."""

    stop: int
    is_before: bool
    language: str


def readable(text: str) -> str:
    """Return a text as the patterns expect it; every character stays in its place."""
    plain = text.replace("\u2019", "'")
    lower = plain.lower()
    if len(lower) != len(plain):  # a few letters become two
        lower = "".join(low if len(low := each.lower()) == 1 else each for each in plain)
    return _POINT_IN_NUMBER.sub(",", lower)


def find_words(rule: str, beside: Beside) -> Words | None:
    """Return the words by which a rule holds, if it does."""
    sides = _patterns()[rule]
    found: list[Words] = []
    for side, by_language in sides.items():
        for language, pattern in by_language.items():
            if side is not Side.AFTER:
                found += _matches(pattern, beside.before, language, is_before=True)
            if side is Side.AROUND:
                found += _matches(pattern, beside.after, language, is_before=False)
            elif side is Side.AFTER and (match := pattern.match(beside.after)):
                found.append(Words(start=0, stop=match.end(), is_before=False, language=language))
    return min(found, key=lambda words: _distance(words, beside), default=None)


def without_words(rule: str, beside: Beside) -> Beside:
    """Return the text with the words of a rule blanked out, everything else in its place."""
    before, after = beside.before, beside.after
    for pattern in _patterns()[rule][Side.AROUND].values():
        before = pattern.sub(lambda match: " " * len(match.group()), before)
        after = pattern.sub(lambda match: " " * len(match.group()), after)
    return Beside(before=before, after=after)


def _matches(pattern: re.Pattern[str], text: str, language: str, *, is_before: bool) -> list[Words]:
    return [
        Words(start=match.start(), stop=match.end(), is_before=is_before, language=language)
        for match in pattern.finditer(text)
    ]


def _distance(words: Words, beside: Beside) -> tuple[int, int]:
    """Return how far words stand from the address; of equal ones the shorter come first."""
    away = len(beside.before) - words.stop if words.is_before else words.start
    return away, words.stop - words.start


@cache
def _patterns() -> Mapping[str, Mapping[Side, Mapping[str, re.Pattern[str]]]]:
    """Return each rule's patterns by side and language."""
    text = (files("arien_flows.extraction") / FILE).read_text(encoding="utf-8")
    return {
        rule: {
            Side(side): {
                language: _compiled(Side(side), parts) for language, parts in by_language.items()
            }
            for side, by_language in sides.items()
        }
        for rule, sides in tomllib.loads(text).items()
    }


def _compiled(side: Side, parts: list[str]) -> re.Pattern[str]:
    # A blank in a pattern stands for any white space, since lines are broken anywhere.
    pattern = "|".join(f"(?:{part})" for part in parts).replace(" ", r"\s")
    return re.compile(rf"(?:{pattern})\Z" if side is Side.BEFORE else pattern)
