"""The text of a page, with what is displayed first and what is not after it.

Decided here, because HTML does not say:

- The link of a payment scheme (`bitcoin:…`) counts as displayed where its element is: whoever
  presses it pays. So does the value of an input field, which is how shops show an address to copy.
- `noscript` is hidden although a reader without scripts sees it, because nobody can say which
  reader a capture stands for; what is hidden attributes nobody.
- Of style sheets only this is applied: what a rule of a sheet in the page hides by one class or id
  (`heuristics.markup_styles`). An element that another rule or a sheet elsewhere hides, or writing
  in the colour of its background, counts as displayed unless the layout of the market says
  otherwise.
"""

import numpy as np

from arien_flows.extraction.decoding import Source, decoded
from arien_flows.extraction.html_tree import Tree
from arien_flows.extraction.normal_form import NormalText, normal_form
from arien_flows.extraction.page_regions import PageText, page_regions
from arien_flows.extraction.region_list import RegionList
from arien_flows.extraction.text import DocumentText
from chains.types import Int32Array, Int64Array

BETWEEN = "\n\n"
"""Keeps what is displayed from what is not."""


def read_html(raw: bytes, encoding: str | None = None) -> DocumentText:
    """Return the text of a page.

    Parameters
    ----------
    raw
        The page's bytes.
    encoding
        What came with the page, if anything did; a byte-order mark goes before it.
    """
    return tree_text(Tree(decoded(raw, encoding, markup=True)))


def tree_text(tree: Tree) -> DocumentText:
    """Return the text of a page that was parsed already."""
    source, markup = tree.source, tree.markup
    shown = normal_form(markup.shown, markup.shown_at, markup.shown_until)
    unshown = normal_form(markup.unshown, markup.unshown_at, markup.unshown_until)
    between = BETWEEN if unshown.text else ""
    page = PageText(
        tree=tree,
        shown=shown,
        unshown=unshown,
        text=shown.text + between + unshown.text,
        unshown_from=len(shown.text) + len(between),
    )
    byte_at, width = _origins(source, shown, unshown, len(between))
    return DocumentText(
        text=page.text,
        byte_at=byte_at,
        regions=RegionList(lambda: page_regions(page)),
        encoding=source.encoding,
        undecodable=source.undecodable,
        width=width,
        cut=("too many tags: what follows the last was read as plain text",) if markup.cut else (),
    )


def _origins(
    source: Source, shown: NormalText, unshown: NormalText, between: int
) -> tuple[Int64Array, Int32Array]:
    """Return where each character comes from in the original, and how many bytes it was."""
    length = len(source.utf8)
    at = np.concatenate([shown.at, np.full(between, length, np.int32), unshown.at])
    until = np.concatenate([shown.until, np.full(between, length, np.int32), unshown.until])
    if source.origin is None:
        begin, end = at.astype(np.int64), until
    else:
        begin, end = source.origin[at], source.origin[until]
    width = (end - begin).astype(np.int32)
    return np.append(begin, source.length), width
