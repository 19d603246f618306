"""In what role each address of a document stands, and whether that says whose it is.

What was found is judged by where it stands (hidden, in the feedback, in a quotation) and by the
words within 120 characters of it, rules that exclude an attribution before those that make one;
`role_rules.RULES` lists all of them in that order. A role alone attributes nobody: it must also be
clear *who* is paid. On the page of an account that is the account, in those parts of the page that
its holder wrote; elsewhere an author who names himself in the same paragraph. Where other captures
of the page show another address in the place of this one, or the chain contradicts it, nobody is
attributed and the note says why.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from arien_flows.extraction.authors import named_author
from arien_flows.extraction.context import MOST_SITES, AddressProof, Context, SignedStretch
from arien_flows.extraction.decision import ATTRIBUTING, Decision
from arien_flows.extraction.finding import Found, Scan
from arien_flows.extraction.role_rules import RULES
from arien_flows.extraction.role_words import Beside, Words, find_words, readable, without_words
from arien_flows.extraction.text import DocumentText, Region, RegionKind

WINDOW = 120
"""Characters on each side in which words can tell a role; other addresses are not counted."""

WIDEST = 1_200
"""To which the window may grow before an address by other addresses in it."""

OWN_PARTS = (RegionKind.PROFILE, RegionKind.TERMS, RegionKind.LISTING)
"""What the account that a page is about wrote itself."""

FOLLOWED = ("bitcoin", "ethereum")
"""Chains that are followed; on all others an address is found and named, and no more."""

EXCLUDING = (
    "warning", "retired", "example", "donation", "someone-elses", "reported", "question", "refund",
    "past-payment", "market-payment",
)  # fmt: skip
"""Rules about words that exclude an attribution, in the order in which they are asked."""

REQUESTING = ("pay-request", "own-address", "pay-link", "label", "price")
"""Rules about words that somebody asks to be paid."""

TOO_WEAK = ("price",)
"""They tell a role and attribute nobody."""

WEB, SIGNED, PROVED = "web_crawl", "forensic", "manual_transaction"
"""How an attribution is known, in GraphSense's words: read from a page; from a signed statement;
proved by the address's own key."""

_SENTENCE_ENDS = ".!?\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Which rule holds, and the bytes that show it."""

    rule: str
    begin: int
    end: int


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


def judge(document: DocumentText, scan: Scan, context: Context) -> tuple[Decision, ...]:
    """Decide about every address that a scan found, in the same order."""
    if not scan.found:
        return ()
    places = _places(document, scan.found)
    return tuple(_decision(document, places[id(each)], context) for each in scan.found)


def _places(document: DocumentText, found: Sequence[Found]) -> dict[int, Place]:
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
        # What others wrote, or what belongs to the site, says nothing about what stands outside.
        before, after = bisect_right(ends, each.start), bisect_left(begins, each.stop)
        first = max(first, ends[before - 1] if before else 0)
        last = min(last, begins[after] if after < len(begins) else len(document.text))
        following = bisect_left(starts, each.stop)
        if following < len(starts) and starts[following] < last:
            last = _sentence_end(document.text, each.stop, starts[following])
        beside = Beside(
            before=readable(document.text[first : each.start]),
            after=readable(document.text[each.stop : last]),
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
    for earlier in reversed(ordered[max(0, number - 32) : number]):
        if earlier.stop <= first:
            break
        if earlier.stop <= each.start:
            first -= earlier.stop - earlier.start
    return max(0, first, each.start - WIDEST)


def _sentence_end(text: str, start: int, stop: int) -> int:
    """Return where the sentence ends that goes on at `start`; another address follows at `stop`."""
    ends = [place for end in _SENTENCE_ENDS if (place := text.find(end, start, stop)) >= 0]
    return min(ends, default=stop)


def _decision(document: DocumentText, place: Place, context: Context) -> Decision:
    verdict = _verdict(document, place, context)
    role = RULES[verdict.rule].role
    decided = Decision(
        found=place.found,
        role=role,
        rule=verdict.rule,
        begin=verdict.begin,
        end=verdict.end,
        attributes=False,
        owner=None,
        owner_begin=0,
        owner_end=0,
        market=None,
        confidence="",
        note=_note(place, verdict, context),
    )
    if role not in ATTRIBUTING:
        return decided
    return _attributed(document, place, decided, context)


def _verdict(document: DocumentText, place: Place, context: Context) -> Verdict:
    """Return the first rule that holds."""
    found = place.found
    by_place = _by_place(place, context)
    if by_place is not None:
        return by_place
    proof = _proof(found, context.proofs)
    if proof is not None:
        return Verdict(rule="address-proof", begin=proof.begin, end=proof.end)
    beside = without_words("not-a-warning", place.beside)
    for rule in EXCLUDING:
        words = find_words(rule, beside)
        if words is not None:
            return _by_words(document, place, rule, words)
    for rule in REQUESTING:
        words = find_words(rule, place.beside)
        if words is not None and (rule != "label" or place.region(*OWN_PARTS)):
            signed = rule not in TOO_WEAK and _signed(found, context.signed)
            return _by_words(document, place, "signed-statement" if signed else rule, words)
    return Verdict(rule="unclear", begin=found.begin, end=found.end)


def _by_place(place: Place, context: Context) -> Verdict | None:
    """Return the rule that holds because of where an address stands, whatever the words say."""
    found = place.found
    hidden = place.region(RegionKind.HIDDEN)
    if hidden is not None:
        return _shown_by("hidden", hidden, found)
    key = place.region(RegionKind.KEY)
    if key is not None:
        return _shown_by("key-block", key, found)
    if found.address in context.denied:
        return Verdict(rule="deny-list", begin=found.begin, end=found.end)
    if context.sites.get(found.address, 1) >= MOST_SITES:
        return Verdict(rule="many-sites", begin=found.begin, end=found.end)
    for kind, rule in (
        (RegionKind.FEEDBACK, "feedback"),
        (RegionKind.FURNITURE, "furniture"),
        (RegionKind.QUOTE, "quotation"),
    ):
        region = place.region(kind)
        if region is not None:
            return _shown_by(rule, region, found)
    return None


def _shown_by(rule: str, region: Region, found: Found) -> Verdict:
    if region.begin < region.end:
        return Verdict(rule=rule, begin=region.begin, end=region.end)
    return Verdict(rule=rule, begin=found.begin, end=found.end)


def _by_words(document: DocumentText, place: Place, rule: str, words: Words) -> Verdict:
    origin = place.first if words.is_before else place.found.stop
    start, stop = origin + words.start, origin + words.stop
    text = document.text
    while start < stop and text[start].isspace():
        start += 1
    while start < stop and text[stop - 1].isspace():
        stop -= 1
    begin, end = document.bytes_of(start, stop)
    return Verdict(rule=rule, begin=begin, end=end)


def _proof(found: Found, proofs: Iterable[AddressProof]) -> AddressProof | None:
    return next(
        (
            each
            for each in proofs
            if each.address == found.address and each.begin <= found.begin and found.end <= each.end
        ),
        None,
    )


def _signed(found: Found, stretches: Iterable[SignedStretch]) -> SignedStretch | None:
    return next(
        (each for each in stretches if each.begin <= found.begin and found.end <= each.end), None
    )


def _note(place: Place, verdict: Verdict, context: Context) -> str:
    """Return what a reader must know besides the rule."""
    found = place.found
    if verdict.rule == "deny-list":
        denial = context.denied[found.address]
        return f"{denial.why} ({denial.origin})"
    if verdict.rule == "many-sites":
        return f"stands on {context.sites[found.address]:,} unrelated sites"
    rules = {"hidden", "feedback", "furniture", "quotation"}
    if verdict.rule in rules:
        return ", ".join(dict.fromkeys(region.rule for region in place.regions))
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    name: str
    market: str | None
    begin: int
    end: int


def _attributed(
    document: DocumentText, place: Place, decided: Decision, context: Context
) -> Decision:
    """Return a decision with whom it attributes, or with why it attributes nobody."""
    owner = _owner(document, place, decided, context)
    refusal = _refusal(place, decided, context)
    if owner is None or refusal:
        note = refusal or "it is not clear who is paid: nobody is named whose words these are"
        return _with(decided, note=note)
    return _with(
        decided,
        attributes=True,
        owner=owner,
        confidence=_confidence(decided),
        note="" if owner.market else "the writer gives himself this name",
    )


def _confidence(decided: Decision) -> str:
    if decided.rule == "address-proof":
        return PROVED
    return SIGNED if decided.rule == "signed-statement" else WEB


def _with(
    decided: Decision,
    *,
    note: str,
    attributes: bool = False,
    owner: _Owner | None = None,
    confidence: str = "",
) -> Decision:
    return Decision(
        found=decided.found,
        role=decided.role,
        rule=decided.rule,
        begin=decided.begin,
        end=decided.end,
        attributes=attributes,
        owner=owner.name if owner else None,
        owner_begin=owner.begin if owner else 0,
        owner_end=owner.end if owner else 0,
        market=owner.market if owner else None,
        confidence=confidence,
        note=note,
    )


def _refusal(place: Place, decided: Decision, context: Context) -> str:
    """Return why an address may not be attributed whoever is named; empty where it may."""
    found = place.found
    if not any(name.split("-")[0] in FOLLOWED for name in found.networks):
        return f"addresses of {' or '.join(found.networks)} are only detected"
    if found.form == "future":
        return "a form of address that no rule of the network gives a meaning yet"
    if decided.rule in TOO_WEAK:
        return "an amount stands beside it, but nobody asks to be paid there"
    if found.address in context.contradicted:
        return "another capture of this page shows another address in its place"
    if context.doubt is not None:
        for name in found.networks:
            reason = context.doubt(name, found.address)
            if reason:
                return reason
    return ""


def _owner(
    document: DocumentText, place: Place, decided: Decision, context: Context
) -> _Owner | None:
    """Return who is paid or proves, as the document names him."""
    found = place.found
    page = context.owner
    if page is not None and place.region(*OWN_PARTS):
        return _Owner(name=page.name, market=page.market, begin=page.begin, end=page.end)
    stretch = _signed(found, context.signed)
    if decided.rule == "signed-statement" and stretch is not None:
        return _Owner(
            name=f"PGP key {stretch.signer}", market=None, begin=stretch.begin, end=stretch.end
        )
    author = named_author(document.text, found.start)
    if author is None:
        return None
    begin, end = document.bytes_of(author.start, author.stop)
    return _Owner(name=author.name, market=None, begin=begin, end=end)
