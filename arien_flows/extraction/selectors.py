"""A small part of the selectors of CSS: enough to name the parts of a market's pages.

    div.listing > td[data-kind="price"], #terms

Names of elements or `*`, `.class`, `#id`, `[attribute]` with `=`, `~=`, `^=`, `$=`, `*=`,
`:first-child`, `:last-child`, `:nth-child(NUMBER)`, descendants (a space), children (`>`), next
siblings (`+`), and alternatives (`,`). Selectors are written by us, in layouts; anything else in
one is an error.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from arien_flows.extraction.errors import SelectorError

_COMPOUND = re.compile(
    r"""(?P<tag>\*|[a-zA-Z][\w-]*)
      | \.(?P<class>[\w-]+)
      | \#(?P<id>[\w-]+)
      | \[\s*(?P<attribute>[\w:-]+)\s*
            (?:(?P<operator>[~^$*]?=)\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[\w-]+)))?
        \s*\]
      | :(?P<place>first-child|last-child|nth-child\(\s*(?P<number>[1-9]\d{0,3})\s*\))
      | (?P<joint>\s*[>+]\s*|\s+)
    """,
    re.VERBOSE,
)

LAST = -1
"""The place of a `:last-child`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """What an attribute must be like."""

    name: str
    operator: str
    """One of `=`, `~=`, `^=`, `$=`, `*=`, or nothing where the attribute need only be there."""

    value: str

    def holds(self, attributes: Mapping[str, str]) -> bool:
        """Return whether an element with these attributes passes."""
        found = attributes.get(self.name)
        if found is None:
            return False
        if self.operator == "~=":
            return self.value in found.split()
        if self.operator == "^=":
            return found.startswith(self.value)
        if self.operator == "$=":
            return found.endswith(self.value)
        if self.operator == "*=":
            return self.value in found
        return not self.operator or found == self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One element of a selector."""

    joint: str
    """How it stands to the step before: a space, `>` or `+`; nothing for the first."""

    tag: str
    """In lower case; nothing where any will do."""

    tests: tuple[Test, ...]
    places: tuple[int, ...]
    """Which child it must be, counted from 1, or `LAST`."""


@lru_cache(maxsize=1024)
def selector(text: str) -> tuple[tuple[Step, ...], ...]:
    """Return the alternatives of a selector, each as its steps from the outside in.

    Raises
    ------
    SelectorError
        If it says more than is understood here.
    """
    return tuple(_steps(part.strip(), text) for part in text.split(","))


def _steps(part: str, whole: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    joint, tag, tests, places = "", "", list[Test](), list[int]()
    place, fresh = 0, True
    while place < len(part):
        found = _COMPOUND.match(part, place)
        if found is None or (found["tag"] and not fresh) or (found["joint"] and fresh):
            raise SelectorError(f"selector {whole!r} is not understood from {part[place:]!r} on")
        place, fresh = found.end(), False
        if found["joint"]:
            steps.append(Step(joint=joint, tag=tag, tests=tuple(tests), places=tuple(places)))
            joint, tag, tests, places = found["joint"].strip() or " ", "", [], []
            fresh = True
        elif found["tag"]:
            tag = found["tag"].lower().replace("*", "")
        elif found["place"]:
            places.append(_place(found["place"], found["number"]))
        else:
            tests.append(_test(found))
    if fresh:
        raise SelectorError(f"selector {whole!r} has an empty part")
    return (*steps, Step(joint=joint, tag=tag, tests=tuple(tests), places=tuple(places)))


def _place(name: str, number: str | None) -> int:
    return int(number) if number else 1 if name == "first-child" else LAST


def _test(found: re.Match[str]) -> Test:
    if found["class"]:
        return Test(name="class", operator="~=", value=found["class"])
    if found["id"]:
        return Test(name="id", operator="=", value=found["id"])
    values = (found["double"], found["single"], found["bare"])
    value = next((each for each in values if each is not None), "")
    return Test(name=found["attribute"].lower(), operator=found["operator"] or "", value=value)
