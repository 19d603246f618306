"""What sources say of an address: every tag, with its source and the document it stands in.

A tag that was written for another address of the same entity is shown too, and marked: it is only
as good as the clustering that carries it over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from arien_flows.account_workspace import AccountReading
from arien_flows.attribution.owner import Owner, is_disputed, readings
from arien_flows.attribution.source_documents import source_document
from arien_flows.casebook.records import StoredTag
from arien_flows.shapes import Certainty, Shape, Truncation
from arien_flows.tag_book import FoundTag, FoundTags
from arien_flows.workspace import Reading

MAX_TAGS = 100
"""Tags of one answer; an entity of an exchange may have many thousands."""


State = Literal["proposed", "approved", "rejected"]
"""What a second person says of a tag; `proposed` until one has said anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Shape):
    """The document that a tag stands in, which the casebook keeps."""

    name: str
    """Name of the file."""

    sha256: str
    """Hash of its bytes."""

    row: int
    """Place of the tag in the document's list, from 1."""

    read_from: str
    """Hash of the document that the tag was read from: another one where this program made the list
    of a collected page, and otherwise the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagAnswer(Shape):
    """What one source says."""

    label: str
    """Who or what the address is said to be."""

    address: str
    """The address that the source names."""

    inherited: bool
    """Whether that is another address of the same entity, so that rules carry the tag over."""

    concepts: tuple[str, ...]
    """Categories and kinds of abuse, in GraphSense's vocabulary."""

    actor: str | None
    """Who is meant, as an id of GraphSense's list of actors."""

    confidence: str
    """How the source knows, in GraphSense's vocabulary."""

    confidence_level: int
    """The same as a number from 0 to 100."""

    source: str
    """Where it was learned."""

    creator: str
    """Who wrote it down."""

    last_modified: date | None
    """When it was last confirmed."""

    document: Document
    """Where it is written, word for word."""

    licence: str | None
    """Under which the list was published, where that was said."""

    state: State
    """Whether a second person has approved it."""

    certainty: Certainty
    """Always `attribution`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimAnswer(Shape):
    """What all sources that name one actor, or give one label, and one category say together."""

    label: str
    """Of the most confident of them."""

    category: str
    """Risk category."""

    actor: str | None
    """Who is meant, as an id of GraphSense's list of actors."""

    confidence: int
    """Of all of them together, 0 to 100."""

    sources: int
    """Distinct sources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming(Shape):
    """What the sources come to: who the address is said to be, and how sure that is."""

    label: str
    """The claim that speaks: the severest of those that are well founded."""

    actor: str | None
    """Who is meant, as an id of GraphSense's list of actors."""

    combined_confidence: int
    """Of all sources of the claim together, 0 to 100; the weaker claim's where
    different actors are named."""

    disputed: bool
    """Whether sources contradict each other: they name different actors, or give different names
    and categories."""

    inherited: bool
    """Whether it is said of another address of the same entity only."""

    claims: tuple[ClaimAnswer, ...]
    """What is claimed, the one that speaks first; at most 100."""

    as_of: date
    """The day to which the age of the sources is counted: that of the last block."""

    certainty: Certainty
    """Always `attribution`."""


def tag_cuts(reading: Reading | AccountReading, found: FoundTags) -> tuple[Truncation, ...]:
    """Return what an answer's tags leave out."""
    return (NO_TAGS,) if reading.tags.is_empty else left_out_cuts(found)


def left_out_cuts(found: FoundTags) -> tuple[Truncation, ...]:
    """Return what the limit of tags leaves out; they count in the naming all the same."""
    if not found.left_out:
        return ()
    detail = f"{found.left_out:,} more tags, the least confident, are not shown"
    return (Truncation(where="tags", reason="too_many", limit=MAX_TAGS, detail=detail),)


def tag_answers(found: Iterable[FoundTag]) -> tuple[TagAnswer, ...]:
    """Return tags as answers show them."""
    return tuple(tag_answer(each.stored, inherited=each.is_inherited) for each in found)


def tag_answer(stored: StoredTag, *, inherited: bool) -> TagAnswer:
    """Return one tag of an address as answers show it."""
    tag = stored.tag
    return TagAnswer(
        label=tag.label,
        address=tag.address or "",
        inherited=inherited,
        concepts=tag.concepts,
        actor=tag.actor,
        confidence=tag.confidence,
        confidence_level=tag.level,
        source=tag.source,
        creator=tag.creator,
        last_modified=tag.lastmod,
        document=document_answer(stored),
        licence=stored.licence,
        state=state_answer(stored.state),
        certainty="attribution",
    )


def state_answer(state: str) -> State:
    """Return a state as answers name it."""
    match state:
        case "approved" | "rejected":
            return state
        case _:
            return "proposed"


def document_answer(stored: StoredTag) -> Document:
    """Return where a tag is written."""
    return Document(
        name=stored.document_name,
        sha256=stored.document_sha256,
        row=stored.row,
        read_from=source_document(stored),
    )


def naming(found: FoundTags, on: date) -> Naming | None:
    """Return what tags come to, as of a day: those of the address itself, if there are any."""
    for inherited, said in ((False, found.own), (True, found.inherited)):
        claims = readings([(each, "") for each in said], on)
        if claims:
            return Naming(
                label=claims[0].label,
                actor=claims[0].actor,
                combined_confidence=claims[0].confidence,
                disputed=is_disputed(said),
                inherited=inherited,
                claims=_claims(claims[:MAX_TAGS]),
                as_of=on,
                certainty="attribution",
            )
    return None


NO_TAGS = Truncation(
    where="tags",
    reason="no_tags",
    detail="the casebook holds no tags of this network: `arien-flows tags import` brings them in",
)


def _claims(found: Sequence[Owner]) -> tuple[ClaimAnswer, ...]:
    return tuple(
        ClaimAnswer(
            label=each.label,
            category=each.category,
            actor=each.actor,
            confidence=each.stated,
            sources=each.sources,
        )
        for each in found
    )
