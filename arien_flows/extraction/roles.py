"""In what role each address of a document stands, and whether that says whose it is.

What was found is judged by where it stands (hidden, in the feedback, in a quotation) and by the
words within 120 characters of it, rules that exclude an attribution before those that make one;
`role_rules.RULES` lists all of them in that order. A role alone attributes nobody: it must also be
clear *who* is paid, and nothing may speak against it (`role_owners`).
"""

from dataclasses import dataclass

from arien_flows.extraction.context import MOST_SITES, AddressProof, Context
from arien_flows.extraction.decision import ATTRIBUTING, Decision
from arien_flows.extraction.finding import Found, Scan
from arien_flows.extraction.role_owners import (
    OWN_PARTS,
    TOO_WEAK,
    attributed,
    proof_of,
    signed_stretch,
)
from arien_flows.extraction.role_places import WINDOW, Place, places_of
from arien_flows.extraction.role_rules import RULES
from arien_flows.extraction.role_words import (
    Beside,
    Words,
    find_words,
    readable,
    without_words,
)
from arien_flows.extraction.text import DocumentText, Region, RegionKind

MOST_JUDGED = 5_000
"""Addresses of one document whose words are read. A document that names more is a list, which is
nobody's request to be paid; reading it all would take minutes."""

LONGEST_READ = 1_200
"""Characters of a proved message whose words are read; who he is one says in the first few."""

EXCLUDING = (
    "warning", "retired", "example", "donation", "someone-elses", "reported", "question", "negated",
    "refund", "past-payment", "market-payment",
)  # fmt: skip
"""Rules about words that exclude an attribution, in the order in which they are asked."""

REQUESTING = ("pay-request", "own-address", "pay-link", "label", "price")
"""Rules about words that somebody asks to be paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Which rule holds, and the bytes that show it."""

    rule: str
    begin: int
    end: int


def judge(document: DocumentText, scan: Scan, context: Context) -> tuple[Decision, ...]:
    """Decide about every address that a scan found, in the same order."""
    if not scan.found:
        return ()
    is_list = len(scan.found) > MOST_JUDGED
    places = places_of(document, scan.found, reads_words=not is_list)
    return tuple(
        _decision(document, places[id(each)], context, is_list=is_list) for each in scan.found
    )


def asked_for(document: DocumentText, scan: Scan) -> frozenset[str]:
    """Return the addresses at which a text asks to be paid, whoever wrote it.

    Only those of which nothing in the text says otherwise, wherever else in it they stand.
    """
    asked, doubted = set(), set()
    nothing_known = Context()
    if len(scan.found) <= MOST_JUDGED:
        for place in places_of(document, scan.found, reads_words=True).values():
            asks = any(
                find_words(rule, place.beside) for rule in REQUESTING if rule not in TOO_WEAK
            )
            if _by_place(place, nothing_known) or _excluded(place.beside):
                doubted.add(place.found.address)
            elif asks:
                asked.add(place.found.address)
    return frozenset(asked - doubted)


def _decision(document: DocumentText, place: Place, context: Context, *, is_list: bool) -> Decision:
    verdict = _verdict(document, place, context, is_list=is_list)
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
    return attributed(document, place, decided, context)


def _verdict(document: DocumentText, place: Place, context: Context, *, is_list: bool) -> Verdict:
    """Return the first rule that holds."""
    found = place.found
    by_place = _by_place(place, context)
    if by_place is not None:
        return by_place
    if is_list:
        return Verdict(rule="list", begin=found.begin, end=found.end)
    excluded = _excluded(place.beside)
    if excluded is not None:
        return _by_words(document, place, *excluded)
    proof = proof_of(found, context.proofs)
    if proof is not None:
        return _by_proof(document, proof)
    for rule in REQUESTING:
        words = find_words(rule, place.beside)
        if words is not None and (rule != "label" or place.region(*OWN_PARTS)):
            signed = rule not in TOO_WEAK and signed_stretch(found, context.signed)
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


def _excluded(beside: Beside) -> tuple[str, Words] | None:
    """Return the first rule about words that excludes an attribution, and its words."""
    plain = without_words("not-a-warning", beside)
    for rule in EXCLUDING:
        words = find_words(rule, plain)
        if words is not None:
            return rule, words
    return None


def _by_proof(document: DocumentText, proof: AddressProof) -> Verdict:
    """Return that an address is proved, unless words before, in or after the proof exclude it."""
    text = document.text
    for words in (
        Beside(
            before=readable(text[max(0, proof.start - WINDOW) : proof.start]),
            after=readable(text[proof.stop : proof.stop + WINDOW]),
        ),
        Beside(before=readable(proof.message[:LONGEST_READ]), after=""),
    ):
        excluded = _excluded(words)
        if excluded is not None:
            return Verdict(rule=excluded[0], begin=proof.begin, end=proof.end)
    return Verdict(rule="address-proof", begin=proof.begin, end=proof.end)


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
