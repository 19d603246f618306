"""Where each address stands: in which parts of the document, beside which words.

The words that count are those within 120 characters. Other addresses among them are not counted,
so that the heading of a list is heard by all of it; the words after an address end with its
sentence where another address follows; and what others wrote, or what belongs to the site, says
nothing about what stands outside.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from arien_flows.extraction.finding import Found
from arien_flows.extraction.role_words import Beside, readable
from arien_flows.extraction.text import DocumentText, Region, RegionKind

WINDOW = 120
"""Characters on each side in which words can tell a role; other addresses are not counted."""

WIDEST = 1_200
"""To which the window may grow before an address by other addresses in it."""

MOST_BEFORE = 32
"""Addresses before one that may make its window grow."""

_SENTENCE_ENDS = ".!?\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An address where it stands."""

    found: Found
    regions: tuple[Region, ...]
    """Those that hold it, the innermost first."""

    beside: Beside
    first: int
    """Character of the copy where the text before it begins."""

    def region(self, *kinds: RegionKind) -> Region | None:
        """Return the innermost region of some kinds that holds it."""
        return next((each for each in self.regions if each.kind in kinds), None)


def places_of(
    document: DocumentText, found: Sequence[Found], *, reads_words: bool
) -> dict[int, Place]:
    """Return where each address stands, by the identity of what was found."""
    ordered = sorted(found, key=lambda each: (each.start, each.stop))
    starts = [each.start for each in ordered]
    foreign = [
        each
        for each in document.regions
        if each.kind in (RegionKind.FEEDBACK, RegionKind.FURNITURE)
    ]
    ends = sorted(each.stop for each in foreign)
    begins = sorted(each.start for each in foreign)
    places: dict[int, Place] = {}
    for number, (each, regions) in enumerate(
        zip(ordered, _holding(document, ordered), strict=True)
    ):
        first = _first_beside(ordered, number)
        last = each.stop + WINDOW
        before, after = bisect_right(ends, each.start), bisect_left(begins, each.stop)
        first = max(first, ends[before - 1] if before else 0)
        last = min(last, begins[after] if after < len(begins) else len(document.text))
        following = bisect_left(starts, each.stop)
        if following < len(starts) and starts[following] < last:
            last = _sentence_end(document.text, each.stop, starts[following])
        beside = Beside(
            before=readable(document.text[first : each.start]) if reads_words else "",
            after=readable(document.text[each.stop : last]) if reads_words else "",
        )
        places[id(each)] = Place(found=each, regions=regions, beside=beside, first=first)
    return places


def _holding(document: DocumentText, ordered: Sequence[Found]) -> Iterator[tuple[Region, ...]]:
    """Yield the regions that hold each address, in one pass over both."""
    waiting = iter(document.regions)
    upcoming = next(waiting, None)
    active: list[Region] = []
    for each in ordered:
        while upcoming is not None and upcoming.start <= each.start:
            active.append(upcoming)
            upcoming = next(waiting, None)
        active = [region for region in active if region.stop > each.start]
        holding = (region for region in active if region.stop >= each.stop)
        yield tuple(sorted(holding, key=lambda region: region.stop - region.start))


def _first_beside(ordered: Sequence[Found], number: int) -> int:
    """Return where the text before an address begins that tells about it."""
    each = ordered[number]
    first = each.start - WINDOW
    for earlier in reversed(ordered[max(0, number - MOST_BEFORE) : number]):
        if earlier.stop <= first:
            break
        if earlier.stop <= each.start:
            first -= earlier.stop - earlier.start
    return max(0, first, each.start - WIDEST)


def _sentence_end(text: str, start: int, stop: int) -> int:
    """Return where the sentence ends that goes on at `start`; another address follows at `stop`."""
    ends = [place for end in _SENTENCE_ENDS if (place := text.find(end, start, stop)) >= 0]
    return min(ends, default=stop)
