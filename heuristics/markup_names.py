"""What the elements of HTML do, as tables for kernels.

A name is packed into one number: six bits a character, the first ten characters, lower case. Ten
are enough for every element that matters here (`blockquote`); longer names that begin alike are
taken for one another, which no rule minds.

The tables follow the elements' definitions in the HTML standard (html.spec.whatwg.org, sections
4 and 13.1), simplified: an element is *inside a line* or a *block*, may be *void*, may hold *raw*
text, and may end an earlier one whose closing tag is left out.
"""

from html.entities import html5

import numpy as np

from heuristics.columns import Int64Array

LONGEST_NAME = 10

_SYMBOLS = np.zeros(256, np.int64)
for _place, _letter in enumerate("abcdefghijklmnopqrstuvwxyz0123456789-:_", start=1):
    _SYMBOLS[ord(_letter)] = _place
    _SYMBOLS[ord(_letter.upper())] = _place
NAME_SYMBOLS: Int64Array = _SYMBOLS
"""For each byte its six bits in a name, in either case; 0 for a byte that is packed as nothing."""


def packed(name: str) -> int:
    """Return a name as kernels compare it."""
    code = 0
    for byte in name.encode()[:LONGEST_NAME]:
        code = code * 64 + int(NAME_SYMBOLS[byte])
    return code


VOID = 1
"""Has neither content nor a closing tag."""

BLOCK = 2
"""Begins and ends a line."""

RAW = 4
"""Its content is text whatever it looks like."""

ENTITIES = 8
"""Raw, but entities count (`textarea`, `title`)."""

UNSEEN = 16
"""A browser displays none of its content."""

KEEPS_SPACE = 32
"""White space in it is displayed as it stands."""

P, LI, DEFINITION, OPTION, GROUP, CELL, ROW, SECTION = (1 << bit for bit in range(6, 14))
"""What an opening tag may end. A `p` also ends at any block that opens in it."""

LIST, DEFINITIONS, CHOICE, TABLE = (1 << bit for bit in range(14, 18))
"""Within what that holds: an item of an inner list does not end one of the outer list."""

LINE_BREAK = 1 << 18

BODY = 1 << 19
"""`html`, `head`, `body`: never inside a line, never closed by anything else."""

_ELEMENTS = {
    "area base col embed link meta param source track wbr img input keygen": VOID,
    "br": VOID | LINE_BREAK,
    "hr": VOID | BLOCK,
    "address article aside blockquote center details dialog dir div fieldset figcaption": BLOCK,
    "figure footer form h1 h2 h3 h4 h5 h6 header hgroup legend main nav section summary": BLOCK,
    "caption": BLOCK,
    "html head body frameset": BLOCK | BODY,
    "ul ol menu": BLOCK | LIST,
    "dl": BLOCK | DEFINITIONS,
    "table": BLOCK | TABLE,
    "p": BLOCK | P,
    "li": BLOCK | LI,
    "dt dd": BLOCK | DEFINITION,
    "option": BLOCK | OPTION,
    "optgroup": BLOCK | GROUP,
    "select": BLOCK | CHOICE,
    "td th": BLOCK | CELL,
    "tr": BLOCK | ROW,
    "thead tbody tfoot": BLOCK | SECTION,
    "pre listing": BLOCK | KEEPS_SPACE,
    "textarea": BLOCK | RAW | ENTITIES | KEEPS_SPACE,
    "title": BLOCK | RAW | ENTITIES,
    "script style": BLOCK | RAW | UNSEEN,
    "template noscript": BLOCK | UNSEEN,
    "xmp": BLOCK | RAW | KEEPS_SPACE,
    "iframe noembed noframes": BLOCK | RAW | UNSEEN,
}

_bits = {packed(name): bits for names, bits in _ELEMENTS.items() for name in names.split()}
ELEMENT_NAMES: Int64Array = np.array(sorted(_bits), np.int64)
ELEMENT_BITS: Int64Array = np.array([_bits[name] for name in sorted(_bits)], np.int64)
"""What each of `ELEMENT_NAMES` does; every other element stands inside a line."""

_ENTITY_SYMBOLS = np.zeros(256, np.int64)
for _place, _letter in enumerate(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", start=1
):
    _ENTITY_SYMBOLS[ord(_letter)] = _place
ENTITY_SYMBOLS: Int64Array = _ENTITY_SYMBOLS
"""For each byte its six bits in the name of an entity, where case matters; 0 ends a name."""


def _packed_entity(name: str) -> int:
    code = 0
    for byte in name.encode():
        code = code * 64 + int(ENTITY_SYMBOLS[byte])
    return code


def _entities(*, closed: bool) -> tuple[Int64Array, Int64Array]:
    """Return the names of up to ten letters that stand for one character, and the characters."""
    known = {
        _packed_entity(name.rstrip(";")): ord(text)
        for name, text in html5.items()
        if len(text) == 1 and name.endswith(";") == closed and len(name.rstrip(";")) <= LONGEST_NAME
    }
    names = sorted(known)
    return np.array(names, np.int64), np.array([known[name] for name in names], np.int64)


ENTITY_NAMES, ENTITY_CODES = _entities(closed=True)
"""Entities that a semicolon ends (HTML standard, section 13.5, as Python's `html.entities` has it).
Longer names, and the few that stand for two characters, are left as they are written."""

OLD_ENTITY_NAMES, OLD_ENTITY_CODES = _entities(closed=False)
"""Those of before, which need no semicolon."""

LONGEST_OLD_ENTITY = 6

LINK_SCHEMES: Int64Array = np.array(
    sorted(
        packed(scheme) for scheme in ("bitcoin", "ethereum", "litecoin", "monero", "bitcoincas")
    ),
    np.int64,
)
"""Schemes of payment links: where the element is displayed, so is whom it pays."""

TEXT_ATTRIBUTES: Int64Array = np.array(
    sorted(packed(name) for name in ("alt", "title", "value", "placeholder", "content")), np.int64
)
"""Attributes whose value is writing, however short."""

OTHER_ATTRIBUTES: Int64Array = np.array(
    sorted(packed(name) for name in ("class", "style", "d", "points", "integrity")), np.int64
)
"""Attributes whose value says nothing to anybody."""

SHORTEST_OTHER_VALUE = 25
"""No address is shorter; values of other attributes are read from this length on, in bytes."""

HREF = packed("href")
VALUE = packed("value")
TYPE = packed("type")
STYLE = packed("style")
HIDDEN = packed("hidden")
CLASS = packed("class")
ID = packed("id")
INPUT = packed("input")
