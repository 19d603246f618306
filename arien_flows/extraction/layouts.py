"""How the pages of known markets are laid out: data, one file a layout in `page_layouts/`.

A layout says how its pages are recognised and which elements hold what. The newest design of a
market is not always the one that was saved, so selectors that find nothing are no error: a page of
which nothing is recognised is read by the general rules alone.

    name = "empire"
    market = "Empire Market"            # none for a layout that several sites share
    [recognise]
    strings = ["empire"]                # all stand in the page's bytes
    selectors = ["div.empire_header"]   # all name an element
    [regions]                           # a kind of region: selectors of the elements that hold it
    feedback = ["table.user_feedback"]
    [account]                           # selectors of a vendor's particulars: `vendors` reads them
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from arien_flows.extraction.errors import LayoutError, SelectorError
from arien_flows.extraction.html_tree import Element
from arien_flows.extraction.selectors import selector
from arien_flows.extraction.text import RegionKind

_TABLES = {"name", "market", "recognise", "regions", "account"}
_RECOGNISE = {"strings", "selectors"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the pages of a market, or of a kind of site, are laid out."""

    name: str
    market: str | None
    """The market whose pages these are; None where several sites look like that."""

    strings: tuple[bytes, ...]
    """All of them stand in the page."""

    selectors: tuple[str, ...]
    """Each of them names an element of the page."""

    regions: Mapping[RegionKind, tuple[str, ...]]
    account: Mapping[str, object]
    """Where a vendor's particulars stand, as written; `vendors` says what may be in it."""

    def fits(self, page: Element) -> bool:
        """Return whether a page is laid out like that."""
        utf8 = page.tree.source.utf8
        return all(string in utf8 for string in self.strings) and all(
            page.first(each) for each in self.selectors
        )


@cache
def layouts() -> tuple[Layout, ...]:
    """Return all known layouts, by name.

    Raises
    ------
    LayoutError
        If a file is not as it should be.
    """
    folder = files("arien_flows.extraction") / "page_layouts"
    found = [
        read_layout(file.read_text(encoding="utf-8"), file.name)
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    ]
    return tuple(sorted(found, key=lambda layout: layout.name))


def layout_of(page: Element) -> Layout | None:
    """Return the layout of a page; None where no known one fits.

    Where several fit, the one that demands most: more selectors, then more strings, then by name.
    """
    fitting = [layout for layout in layouts() if layout.fits(page)]
    return min(fitting, key=_least_demanding_last, default=None)


def _least_demanding_last(layout: Layout) -> tuple[int, int, str]:
    return -len(layout.selectors), -len(layout.strings), layout.name


def read_layout(text: str, file: str) -> Layout:
    """Return the layout that a file describes.

    Raises
    ------
    LayoutError
        If it cannot be read; names the file and what is wrong.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LayoutError(f"layout {file} is not TOML: {error}") from error
    recognise = tables.get("recognise", {})
    unknown = [*(set(tables) - _TABLES), *(set(recognise) - _RECOGNISE)]
    if unknown:
        raise LayoutError(f"layout {file} has unknown entries: {', '.join(sorted(unknown))}")
    if not isinstance(tables.get("name"), str) or not any(recognise.values()):
        raise LayoutError(f"layout {file} lacks a name or says not how its pages are recognised")
    return Layout(
        name=tables["name"],
        market=tables.get("market"),
        strings=tuple(each.encode() for each in _texts(recognise, "strings", file)),
        selectors=_selectors(recognise, "selectors", file),
        regions={
            _kind(name, file): _selectors(tables["regions"], name, file)
            for name in tables.get("regions", {})
        },
        account=tables.get("account", {}),
    )


def _kind(name: str, file: str) -> RegionKind:
    try:
        return RegionKind(name)
    except ValueError:
        known = ", ".join(kind.value for kind in RegionKind)
        raise LayoutError(f"layout {file}: no region is called {name!r}; known: {known}") from None


def _texts(table: Mapping[str, object], name: str, file: str) -> tuple[str, ...]:
    found = table.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise LayoutError(f"layout {file}: {name} must be a list of texts")
    return tuple(found)


def _selectors(table: Mapping[str, object], name: str, file: str) -> tuple[str, ...]:
    found = _texts(table, name, file)
    for each in found:
        try:
            selector(each)
        except SelectorError as error:
            raise LayoutError(f"layout {file}: {error}") from error
    return found
