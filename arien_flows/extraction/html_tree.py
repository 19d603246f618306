"""HTML as a tree whose elements know their bytes in the original.

The tree itself is a handful of arrays that kernels fill (`heuristics.markup`); an `Element` is a
view of one row of them, and its attributes are read when somebody asks. So a page of which nothing
is asked costs little, and hostile nesting costs no more than its length.

What the tree does not do as a browser would is told in `heuristics.markup_tree`. Of style sheets
only what `heuristics.markup_styles` reads is applied: an element that another rule hides counts as
displayed unless a layout of the market says otherwise.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np

from arien_flows.extraction.decoding import Source, decoded
from arien_flows.extraction.entities import without_entities
from arien_flows.extraction.selectors import LAST, Step, selector
from chains.types import Int64Array
from heuristics.markup import Markup, read_markup
from heuristics.markup_names import packed
from heuristics.markup_tokens import OPEN
from heuristics.markup_tree import IS_HIDDEN

_ATTRIBUTE = re.compile(rb"""([^\s=/>][^\s=/>]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]*)))?""")
_NAME = re.compile(rb"<([^\s/>=]+)")


class Tree:
    """A parsed document: what its elements are views of."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.markup: Markup = read_markup(source.utf8)
        self._attributes: dict[int, Mapping[str, str]] = {}

    @cached_property
    def begin(self) -> Int64Array:
        """Where each element begins, in the document in UTF-8; 0 for the document itself."""
        begin = self.markup.begin[self.markup.token].astype(np.int64)
        begin[0] = 0
        return begin

    @cached_property
    def names(self) -> Int64Array:
        """The packed name of each element; 0 for the document itself."""
        names = (
            self.markup.tag[self.markup.token] if len(self.markup.tag) else np.zeros(1, np.int64)
        )
        names[0] = 0
        return names

    @cached_property
    def children(self) -> tuple[Int64Array, Int64Array]:
        """All elements ordered by what holds them, and where the children of each begin."""
        parents = self.markup.parent
        order = np.argsort(parents, kind="stable")
        return order, np.searchsorted(parents[order], np.arange(len(parents) + 1))

    def siblings(self, row: int) -> Int64Array:
        """Return the elements that one element's holder holds, itself among them, in order."""
        order, first = self.children
        holder = int(self.markup.parent[row])
        return order[first[holder] : first[holder + 1]] if holder >= 0 else order[:1]

    def element(self, row: int) -> "Element":
        """Return a view of a row."""
        return Element(self, row)

    def last_within(self, row: int) -> int:
        """Return the row after the last element that an element holds."""
        return int(np.searchsorted(self.begin, self.markup.end[row])) if row else len(self.begin)

    def attributes(self, row: int) -> Mapping[str, str]:
        """Return the attributes of an element."""
        found = self._attributes.get(row)
        if found is None:
            found = self._attributes[row] = self._read_attributes(row)
        return found

    def _read_attributes(self, row: int) -> Mapping[str, str]:
        if row == 0:
            return {}
        token = self.markup.token[row]
        start, stop = self.markup.name_end[token], self.markup.begin[token + 1] - 1
        attributes: dict[str, str] = {}
        for name, double, single, bare in _ATTRIBUTE.findall(self.source.utf8[start:stop]):
            key = name.decode("utf-8", "replace").lower()
            value = (double or single or bare).decode("utf-8", "replace")
            attributes.setdefault(key, without_entities(value))
        return attributes


class Element:
    """An element of a page, or the whole document (whose `tag` is empty)."""

    __slots__ = ("row", "tree")

    def __init__(self, tree: Tree, row: int) -> None:
        self.tree = tree
        self.row = row

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Element) and (self.tree, self.row) == (other.tree, other.row)

    def __hash__(self) -> int:
        return hash((id(self.tree), self.row))

    def __repr__(self) -> str:
        return f"<{self.tag or 'document'} at {self.begin}>"

    @property
    def tag(self) -> str:
        """Its name, in lower case."""
        found = _NAME.match(self.tree.source.utf8, self.tree.begin[self.row]) if self.row else None
        return found[1].decode("utf-8", "replace").lower() if found else ""

    @property
    def attributes(self) -> Mapping[str, str]:
        """Attributes by lower-case name, entities decoded; of a name that comes twice the first."""
        return self.tree.attributes(self.row)

    @property
    def classes(self) -> list[str]:
        """The words of its `class`."""
        return self.attributes.get("class", "").split()

    @property
    def begin(self) -> int:
        """Byte of the original where its opening tag begins; the document begins at 0."""
        return self.tree.source.original(int(self.tree.begin[self.row])) if self.row else 0

    @property
    def content_begin(self) -> int:
        """Byte after its opening tag."""
        token = self.tree.markup.token[self.row]
        return self.tree.source.original(int(self.tree.markup.begin[token + 1]) if self.row else 0)

    @property
    def content_end(self) -> int:
        """Byte after the last of its content."""
        return self.tree.source.original(int(self.tree.markup.content_end[self.row]))

    @property
    def end(self) -> int:
        """Byte after its closing tag, or after its content where that is left out."""
        return self.tree.source.original(int(self.tree.markup.end[self.row]))

    @property
    def is_hidden(self) -> bool:
        """Whether it, or what holds it, says that it is not displayed."""
        return bool(self.tree.markup.mark[self.row] & IS_HIDDEN)

    @property
    def text(self) -> str:
        """What it displays, without white space at either end; of a hidden one what it holds.

        Blocks stand on lines of their own, inline elements join.
        """
        markup = self.tree.markup
        written = markup.unshown if self.is_hidden else markup.shown
        piece = written[markup.start[self.row] : markup.stop[self.row]]
        return piece.tobytes().decode("utf-8").strip()

    @property
    def parent(self) -> "Element | None":
        """The element that holds it."""
        row = int(self.tree.markup.parent[self.row])
        return Element(self.tree, row) if row >= 0 else None

    @property
    def children(self) -> "tuple[Element, ...]":
        """The elements that it holds directly, in order."""
        order, first = self.tree.children
        # The document itself has no holder (-1) and stands first in the order.
        rows = order[first[self.row] : first[self.row + 1]]
        return tuple(Element(self.tree, int(row)) for row in rows)

    def holders(self) -> "Iterator[Element]":
        """Yield what holds it, from the inside out."""
        holder = self.parent
        while holder is not None:
            yield holder
            holder = holder.parent

    def select(self, text: str) -> "list[Element]":
        """Return the elements within it that a selector names, in document order."""
        rows: set[int] = set()
        for steps in selector(text):
            rows.update(row for row in _candidates(self, steps[-1]) if _matches(self, row, steps))
        return [Element(self.tree, row) for row in sorted(rows)]

    def first(self, text: str) -> "Element | None":
        """Return the first element that a selector names, if any."""
        found = self.select(text)
        return found[0] if found else None


def parse(raw: bytes, encoding: str | None = None) -> Element:
    """Return the document as an element.

    Parameters
    ----------
    raw
        The original bytes; all offsets are places in them.
    encoding
        What came with the document, if anything did.
    """
    return Tree(decoded(raw, encoding, markup=True)).element(0)


def _candidates(within: Element, step: Step) -> list[int]:
    """Return rows in an element among which are all that a step can mean, in order."""
    tree = within.tree
    first, last = within.row + 1, tree.last_within(within.row)
    literal = next((test.value for test in step.tests if test.value.isalnum()), "")
    if not literal:
        literal = next((t.value for t in step.tests if re.fullmatch(r"[\w-]+", t.value)), "")
    if literal:
        return [row for row in rows_with(tree, literal.encode(), within) if first <= row < last]
    names = tree.names[first:last]
    wanted = np.flatnonzero(names == packed(step.tag)) if step.tag else np.arange(len(names))
    return [int(row) + first for row in wanted]


def rows_with(tree: Tree, literal: bytes, within: Element) -> Iterator[int]:
    """Yield the elements in whose opening tags some bytes stand, each once."""
    markup, utf8 = tree.markup, tree.source.utf8
    start = int(tree.begin[within.row])
    stop = int(markup.end[within.row])
    place = utf8.find(literal, start, stop)
    while place >= 0:
        token = int(np.searchsorted(markup.begin, place, "right")) - 1
        next_place = int(markup.begin[token + 1])
        if markup.kind[token] == OPEN:
            yield int(np.searchsorted(markup.token, token))
        place = utf8.find(literal, next_place, stop)


def _matches(within: Element, row: int, steps: tuple[Step, ...]) -> bool:
    """Return whether an element is what the last step means, and stands as the others say."""
    element = within.tree.element(row)
    step = steps[-1]
    if not _passes(element, step):
        return False
    if len(steps) == 1:
        return True
    rest = steps[:-1]
    if step.joint == "+":
        siblings = within.tree.siblings(row)
        place = int(np.searchsorted(siblings, row))
        return place > 0 and _matches(within, int(siblings[place - 1]), rest)
    for holder in element.holders():
        if holder.row <= within.row:
            break
        if _matches(within, holder.row, rest):
            return True
        if step.joint == ">":
            break
    return False


def _passes(element: Element, step: Step) -> bool:
    if step.tag and element.tag != step.tag:
        return False
    if step.tests:
        attributes = element.attributes
        if not all(test.holds(attributes) for test in step.tests):
            return False
    return all(_is_child(element, place) for place in step.places)


def _is_child(element: Element, place: int) -> bool:
    siblings = element.tree.siblings(element.row)
    wanted = len(siblings) if place == LAST else place
    return wanted <= len(siblings) and int(siblings[wanted - 1]) == element.row
