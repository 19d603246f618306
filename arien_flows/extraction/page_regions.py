"""What the parts of a page are: by their elements, by the layout of the market, by their headings.

General rules read what authors of pages say in elements (`nav`, `blockquote`), in classes and ids
whose words are the same on most sites (`footer`, `feedback`), and in headings: what follows the
heading "Feedback" up to the next one is feedback. The layout of a market, where it is recognised,
adds what its own classes mean. Regions overlap freely; whoever decides about an address weighs
them (`arien_flows.extraction.roles`).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from arien_flows.extraction.html_tree import Element, Tree, rows_with
from arien_flows.extraction.layouts import layout_of
from arien_flows.extraction.normal_form import NormalText
from arien_flows.extraction.pgp_blocks import pgp_regions
from arien_flows.extraction.text import Region, RegionKind
from heuristics.markup_names import packed
from heuristics.markup_tokens import COMMENT
from heuristics.markup_tree import HIDES, IS_HIDDEN

ELEMENTS = {
    "nav": RegionKind.FURNITURE,
    "footer": RegionKind.FURNITURE,
    "header": RegionKind.FURNITURE,
    "aside": RegionKind.FURNITURE,
    "title": RegionKind.FURNITURE,
    "blockquote": RegionKind.QUOTE,
    "q": RegionKind.QUOTE,
    "cite": RegionKind.QUOTE,
}
"""Elements that say what they are."""

OWN_PARTS = ("article", "section", "blockquote", "td")
"""A `header` or `footer` in one of these belongs to that part, not to the site."""

WORDS = {
    RegionKind.FURNITURE: (
        "footer", "navbar", "navigation", "sidebar", "breadcrumb", "breadcrumbs", "copyright",
        "topbar", "masthead", "site-header", "site-footer", "header", "menu", "banner",
    ),
    RegionKind.FEEDBACK: (
        "feedback", "feedbacks", "feedback-list", "review", "reviews", "testimonial",
        "testimonials", "comment", "comments", "rating_message", "customer-reviews",
    ),
    RegionKind.QUOTE: (
        "quote", "quoted", "quotebox", "bbcode_quote", "bbCodeBlock--quote", "quote_body",
        "quoteheader", "quotecontent", "gmail_quote", "post-quote",
    ),
    RegionKind.TERMS: ("terms", "tos", "refund-policy", "refund_policy", "terms-of-service"),
    RegionKind.PROFILE: ("profile", "vendor", "about", "bio", "user-profile", "vendor-profile"),
    RegionKind.LISTING: ("listing", "listings", "product", "product-description", "description"),
}  # fmt: skip
"""Words that are a class or an id of their own, and mean the same on most sites."""

KIND_OF_WORD = {word: kind for kind, words in WORDS.items() for word in words}

_NAMED_AS = re.compile(
    rb"""\b(?:class|id)\s{0,9}=\s{0,9}(?:"([^"]{1,200})"|'([^']{1,200})'|([^\s>"']{1,200}))""",
    re.IGNORECASE,
)

HEADINGS = {
    RegionKind.FEEDBACK: re.compile(
        r"\b(feedbacks?|reviews?|testimonials?|bewertungen|avis|beoordelingen|отзывы|comments)\b",
        re.IGNORECASE,
    ),
    RegionKind.TERMS: re.compile(
        r"\b(terms|refund policy|shipping policy|rules of (the|my) (shop|store)|agb|условия)\b",
        re.IGNORECASE,
    ),
    RegionKind.PROFILE: re.compile(r"\b(about me|about us|profile|über mich)\b", re.IGNORECASE),
}
"""What headings call the part that follows."""

HEADING_NAMES = ("h1", "h2", "h3", "h4", "h5", "h6", "legend", "summary")

LONGEST_HEADING = 80
"""In characters; more is a sentence that happens to be set like a heading."""

_FEEDBACK_COLUMN = re.compile(r"\s*(feedback|review|comment|rating)s?\s*", re.IGNORECASE)
_BUYER_COLUMN = re.compile(r"\s*(buyer|from|user|customer|date|date time|time)s?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PageText:
    """A parsed page and both of its texts, before it is known what its parts are."""

    tree: Tree
    shown: NormalText
    unshown: NormalText
    text: str
    unshown_from: int

    def region(self, kind: RegionKind, rule: str, element: Element) -> Region:
        """Return the region of an element's text."""
        markup = self.tree.markup
        start, stop = int(markup.start[element.row]), int(markup.stop[element.row])
        first, last = self.places(start, stop, hidden=element.is_hidden)
        return Region(
            kind=kind,
            start=first,
            stop=last,
            rule=rule,
            begin=element.begin,
            end=element.content_begin,
        )

    def places(self, start: int, stop: int, *, hidden: bool) -> tuple[int, int]:
        """Return characters of the copy for places in one of the texts in UTF-8."""
        if hidden:
            by = self.unshown_from
            return self.unshown.index(start) + by, self.unshown.index(stop) + by
        return self.shown.index(start), self.shown.index(stop)


def page_regions(page: PageText) -> Iterator[Region]:
    """Yield the regions of a page."""
    yield from _hidden(page)
    yield from _by_layout(page)
    yield from _by_element(page)
    yield from _by_word(page)
    yield from _by_heading(page)
    yield from _by_column(page)
    yield from pgp_regions(page.text)


def _hidden(page: PageText) -> Iterator[Region]:
    """Yield all that is not displayed, then what in particular hides its parts."""
    if not page.unshown.text:
        return
    stop = len(page.text)
    tree = page.tree
    for row in np.flatnonzero(tree.markup.mark & HIDES).tolist():
        element = tree.element(row)
        holder = element.parent
        if holder and holder.is_hidden:
            continue
        yield page.region(RegionKind.HIDDEN, f"hidden:{element.tag}", element)
    for token in np.flatnonzero(tree.markup.kind == COMMENT).tolist():
        begin, end = (int(each) for each in tree.markup.begin[token : token + 2])
        first, last = np.searchsorted(page.unshown.at, (begin, end)).tolist()
        yield Region(
            kind=RegionKind.HIDDEN,
            start=first + page.unshown_from,
            stop=last + page.unshown_from,
            rule="hidden:comment",
            begin=tree.source.original(begin),
            end=tree.source.original(end),
        )
    yield Region(
        kind=RegionKind.HIDDEN, start=page.unshown_from, stop=stop, rule="hidden:attribute"
    )


def _named(tree: Tree, *names: str) -> Iterator[Element]:
    """Yield the displayed elements with one of these names, in document order."""
    wanted = np.isin(tree.names, [packed(name) for name in names])
    for row in np.flatnonzero(wanted & (tree.markup.mark & IS_HIDDEN == 0)).tolist():
        element = tree.element(row)
        if element.tag in names:
            yield element


def _by_element(page: PageText) -> Iterator[Region]:
    for element in _named(page.tree, *ELEMENTS):
        if element.tag in ("header", "footer") and any(
            holder.tag in OWN_PARTS for holder in element.holders()
        ):
            continue
        kind = ELEMENTS[element.tag]
        yield page.region(kind, f"{kind.value}:{element.tag}", element)


def _by_word(page: PageText) -> Iterator[Region]:
    document = page.tree.element(0)
    values = {value for values in _NAMED_AS.findall(page.tree.source.utf8) for value in values}
    for value in sorted(values):
        words = value.decode("utf-8", "replace").split()
        kinds = {KIND_OF_WORD[word]: word for word in reversed(words) if word in KIND_OF_WORD}
        for row in rows_with(page.tree, value, document) if kinds else ():
            element = page.tree.element(row)
            names = {*element.classes, element.attributes.get("id", "")}
            if element.tag in ("html", "body") or element.is_hidden:
                continue
            for kind, word in kinds.items():
                if word in names:
                    yield page.region(kind, f"{kind.value}:word-{word}", element)


def _by_heading(page: PageText) -> Iterator[Region]:
    """Yield what follows a heading that names it, up to the next heading that is as high."""
    markup = page.tree.markup
    following: dict[int, list[Element]] = {}
    for heading in reversed(list(_named(page.tree, *HEADING_NAMES))):
        # The headings after this one in the same holder, the nearest last; lower ones go.
        later = following.setdefault(int(markup.parent[heading.row]), [])
        while later and later[-1].tag > heading.tag:
            later.pop()
        if later:
            stop = int(markup.start[later[-1].row])
        else:
            stop = int(markup.stop[markup.parent[heading.row]])
        later.append(heading)
        text = heading.text
        kind = next((kind for kind, words in HEADINGS.items() if words.search(text)), None)
        if kind is None or len(text) > LONGEST_HEADING:
            continue
        start, stop = page.places(int(markup.stop[heading.row]), stop, hidden=False)
        yield Region(
            kind=kind,
            start=start,
            stop=stop,
            rule=f"{kind.value}:heading",
            begin=heading.begin,
            end=heading.end,
        )


def _by_column(page: PageText) -> Iterator[Region]:
    """Yield tables whose columns are called feedback, and buyer or date."""
    for table in _named(page.tree, "table"):
        row = table.first("tr")
        cells = [cell.text for cell in row.children] if row else []
        if any(map(_FEEDBACK_COLUMN.fullmatch, cells)) and any(map(_BUYER_COLUMN.fullmatch, cells)):
            yield page.region(RegionKind.FEEDBACK, "feedback:column", table)


def _by_layout(page: PageText) -> Iterable[Region]:
    document = page.tree.element(0)
    layout = layout_of(document)
    if layout is None:
        return
    for kind, selectors in layout.regions.items():
        for selector in selectors:
            for element in document.select(selector):
                yield page.region(kind, f"layout:{layout.name}/{kind.value}", element)
