"""Risk categories: one word for what the concepts of a tag say about an owner's business.

Tags name concepts, often several, in the vocabularies of GraphSense and of INTERPOL's working
group on the dark web and virtual assets (DW-VA). Exposure and risk need one category of an owner:
of those that the concepts name it is the first one of a data file, whose order runs from the most
severe to the least. Somebody who is tagged an exchange and a fraud is a fraud here.

The file also says what others call each category, so that an answer can be laid beside theirs.
Concepts that no category lists (`service`, `user`, `cold_wallet`) say how an address is used and
not what its owner does: a tag with nothing else is `unknown`, which is not the same as nobody
having named the address.

Fails when a tag's concepts are wrong or too few: the public list of sanctioned addresses, for one,
tags them `user` and nothing else.
"""

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from arien_flows.errors import InputError

MAP = "categories_1.toml"
"""The map of this version, beside this module."""

UNKNOWN = "unknown"
"""The category of an owner who is named, but not as what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One category, what makes it, and what others call it."""

    name: str
    summary: str
    concepts: frozenset[str]
    """Any one of them makes the category."""

    together: tuple[frozenset[str], ...]
    """So do all concepts of one of these sets."""

    elliptic: tuple[str, ...]
    chainalysis: tuple[str, ...]
    graphsense: tuple[str, ...]

    def is_named_by(self, concepts: frozenset[str]) -> bool:
        """Tell whether concepts, as `plain` writes them, make the category."""
        return not self.concepts.isdisjoint(concepts) or any(
            each <= concepts for each in self.together
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryMap:
    """All categories, the most severe first."""

    name: str
    sha256: str
    """Of the file's bytes."""

    categories: tuple[Category, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the categories, the most severe first."""
        return tuple(each.name for each in self.categories)

    def category(self, name: str) -> Category:
        """Return a category by its name; `InputError` names those that there are."""
        for each in self.categories:
            if each.name == name:
                return each
        raise InputError(f"{name!r} is no risk category: write one of {', '.join(self.names)}")

    def category_of(self, concepts: Iterable[str]) -> str:
        """Return the most severe category that concepts name, `unknown` where they name none."""
        named = frozenset(plain(each) for each in concepts)
        for each in self.categories:
            if each.is_named_by(named):
                return each.name
        return UNKNOWN


def plain(concept: str) -> str:
    """Return a concept as the map spells it: some ids of DW-VA have `-` in place of `_`."""
    return concept.strip().lower().replace("-", "_")


@cache
def standard_categories() -> CategoryMap:
    """Return the map of this version."""
    return read_categories((files("arien_flows.attribution") / MAP).read_bytes())


def category_of(concepts: Iterable[str]) -> str:
    """Return the most severe category that concepts name by the map of this version."""
    return _category_of(tuple(concepts))


@cache
def _category_of(concepts: tuple[str, ...]) -> str:
    # Half a million tags make a few hundred lists of concepts.
    return standard_categories().category_of(concepts)


def read_categories(document: bytes) -> CategoryMap:
    """Read a map; `InputError` says what is wrong with one."""
    try:
        told = tomllib.loads(document.decode())
        categories = tuple(_category(each) for each in told["category"])
        name = str(told["name"])
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"the map of risk categories is not TOML: {error}") from error
    except KeyError as error:
        raise InputError(f"the map of risk categories lacks {error}") from error
    names = [each.name for each in categories]
    if len(set(names)) < len(names):
        raise InputError("the map of risk categories names a category twice")
    if not names or names[-1] != UNKNOWN:
        raise InputError(f"the last one of the risk categories has to be {UNKNOWN!r}")
    return CategoryMap(
        name=name, sha256=hashlib.sha256(document).hexdigest(), categories=categories
    )


def _category(told: dict[str, list[str]]) -> Category:
    return Category(
        name=str(told["name"]),
        summary=str(told["summary"]),
        concepts=frozenset(told["concepts"]),
        together=tuple(frozenset(each) for each in told.get("together", [])),
        elliptic=tuple(told["elliptic"]),
        chainalysis=tuple(told["chainalysis"]),
        graphsense=tuple(told["graphsense"]),
    )
