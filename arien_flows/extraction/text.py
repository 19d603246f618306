"""The text of a document, and where each character of it comes from.

A rule reads a copy: decoded, without markup, in the NFKC form of Unicode, so that an address in
full-width letters or between two tags can be found. Every character of the copy knows the byte of
the original that it was made of, because what is found must be shown in the original.

Of a page, what is displayed comes first and in one piece: an address that tags cut is whole. What
a page does not display (comments, scripts, hidden elements, values of attributes) follows it, each
part on lines of its own, and all of it lies in `HIDDEN` regions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from chains.types import Int32Array, Int64Array


class RegionKind(Enum):
    """What a part of a page is."""

    HIDDEN = "hidden"
    """No reader sees it: a comment, a script, an element that is not displayed, an attribute."""

    FURNITURE = "furniture"
    """Belongs to the site and stands on every page: head, navigation, foot."""

    FEEDBACK = "feedback"
    """Written by others than whom the page is about."""

    QUOTE = "quote"
    """Quoted from somewhere."""

    PROFILE = "profile"
    """What a vendor says of himself."""

    TERMS = "terms"
    """A vendor's terms."""

    LISTING = "listing"
    """What is offered, its description and price."""

    SIGNED = "signed"
    """The text of a PGP-signed message."""

    KEY = "key"
    """An armoured PGP block: its letters are no writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A part of a document's text. Regions nest or lie apart."""

    kind: RegionKind
    start: int
    """First character of the copy."""

    stop: int
    """After the last."""

    rule: str
    """What says so: `layout:NAME`, or the name of a general rule."""

    begin: int = 0
    """First byte of the original that shows it (an opening tag, a quoted line's mark)."""

    end: int = 0
    """After the last; not after the first where nothing in particular shows it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DocumentText:
    """The copy that rules read."""

    text: str = field(repr=False)
    byte_at: Int64Array = field(repr=False)
    """Offset in the original of each character, and at the end that of the original's end.
    Ascending in what is displayed, and again in what is not; several characters may come from one
    byte (a ligature that NFKC takes apart)."""

    regions: Sequence[Region]
    """In the order of their beginnings, outer ones first. Worked out when they are first asked
    for: most documents hold nothing of interest, and then nobody asks."""

    encoding: str
    """How the bytes were decoded."""

    undecodable: int
    """Bytes that are no text in that encoding; each stands as U+FFFD."""

    width: Int32Array | None = None
    """How many bytes of the original each character was made of; None where each reaches as far as
    the next one begins, as in plain text."""

    cut: tuple[str, ...] = ()
    """Why the copy does not hold all of the document; none where it does."""

    def bytes_of(self, start: int, stop: int) -> tuple[int, int]:
        """Return the bytes of the original that characters `start` to `stop` were made of."""
        begin = int(self.byte_at[start])
        if self.width is None or stop <= start:
            return begin, int(self.byte_at[stop]) if stop > start else begin
        return begin, int(self.byte_at[stop - 1]) + int(self.width[stop - 1])
