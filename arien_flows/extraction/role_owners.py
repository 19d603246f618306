"""Whose an address is that somebody asks to be paid at, or proves.

On the page of an account that is the account, in those parts of the page that its holder wrote;
elsewhere an author who names himself in the same paragraph. A signed text speaks for its signer
wherever it stands: for the account only if the page shows that very key as the account's, else for
the key. Anybody can copy the proof of an address, too; so one is somebody's only if the signed
words themselves say who he is (`self_naming`). Where captures of a page contradict each
other about this address, a signature above it does not hold, or the chain contradicts it,
nobody is attributed and the note says why.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from arien_flows.extraction.authors import named_author
from arien_flows.extraction.context import AddressProof, Context, SignedStretch
from arien_flows.extraction.decision import Decision
from arien_flows.extraction.finding import Found
from arien_flows.extraction.role_places import Place
from arien_flows.extraction.self_naming import names_himself
from arien_flows.extraction.text import DocumentText, RegionKind

OWN_PARTS = (RegionKind.PROFILE, RegionKind.TERMS, RegionKind.LISTING)
"""What the account that a page is about wrote itself."""

FOLLOWED = ("bitcoin", "ethereum")
"""Chains that are followed; on all others an address is found and named, and no more."""

TOO_WEAK = ("price",)
"""Rules that tell a role and attribute nobody."""

WEB, SIGNED, PROVED = "web_crawl", "forensic", "manual_transaction"
"""How an attribution is known, in GraphSense's words: read from a page; from a signed statement;
proved by the address's own key."""


def signed_stretch(found: Found, stretches: Iterable[SignedStretch]) -> SignedStretch | None:
    """Return the verified text that holds an address and asks to be paid there."""
    return next(
        (
            each
            for each in stretches
            if each.begin <= found.begin and found.end <= each.end and found.address in each.asked
        ),
        None,
    )


def proof_of(found: Found, proofs: Iterable[AddressProof]) -> AddressProof | None:
    """Return the verified proof of an address in which it stands."""
    return next(
        (
            each
            for each in proofs
            if each.address == found.address and each.begin <= found.begin and found.end <= each.end
        ),
        None,
    )


_SELF_NAMED = "the writer gives himself this name"
_UNCLEAR = {"address-proof": "the signed words do not say who signs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    name: str
    market: str | None
    begin: int
    end: int


def attributed(
    document: DocumentText, place: Place, decided: Decision, context: Context
) -> Decision:
    """Return a decision with whom it attributes, or with why it attributes nobody."""
    owner = _owner(document, place, decided, context)
    refusal = _refusal(place, decided, context)
    if owner is None or refusal:
        note = refusal or _UNCLEAR.get(
            decided.rule, "it is not clear who is paid: nobody is named whose words these are"
        )
        return replace(decided, note=note)
    return replace(
        decided,
        attributes=True,
        owner=owner.name,
        owner_begin=owner.begin,
        owner_end=owner.end,
        market=owner.market,
        confidence=_confidence(decided),
        note="" if owner.market or decided.rule == "signed-statement" else _SELF_NAMED,
    )


def _confidence(decided: Decision) -> str:
    if decided.rule == "address-proof":
        return PROVED
    return SIGNED if decided.rule == "signed-statement" else WEB


def _refusal(place: Place, decided: Decision, context: Context) -> str:
    """Return why an address may not be attributed whoever is named; empty where it may."""
    found = place.found
    if not any(name.split("-")[0] in FOLLOWED for name in found.networks):
        return f"addresses of {' or '.join(found.networks)} are only detected"
    if found.form == "future":
        return "a form of address that no rule of the network gives a meaning yet"
    if decided.rule in TOO_WEAK:
        return "an amount stands beside it, but nobody asks to be paid there"
    if (
        place.region(RegionKind.SIGNED)
        and decided.rule != "address-proof"
        and signed_stretch(found, context.signed) is None
    ):
        return "it stands in a signed text, and no known key is seen to have signed a request"
    if found.address in context.contradicted:
        return "another capture of this page, or of one of this market, contradicts this address"
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
    page = context.owner if place.region(*OWN_PARTS) else None
    account = None
    if page is not None:
        account = _Owner(name=page.name, market=page.market, begin=page.begin, end=page.end)
    stretch = signed_stretch(found, context.signed)
    if decided.rule == "signed-statement" and stretch is not None:
        if page is not None and page.key == stretch.signer:
            return account
        return _Owner(
            name=f"PGP key {stretch.signer}", market=None, begin=stretch.begin, end=stretch.end
        )
    owner = account or _author(document, found)
    if decided.rule != "address-proof":
        return owner
    proof = proof_of(found, context.proofs)
    if owner is None or proof is None or not names_himself(owner.name, proof.message):
        return None
    return owner


def _author(document: DocumentText, found: Found) -> _Owner | None:
    author = named_author(document.text, found.start)
    if author is None:
        return None
    begin, end = document.bytes_of(author.start, author.stop)
    return _Owner(name=author.name, market=None, begin=begin, end=end)
