"""What sources say of an address: every tag, with its source.

A tag that was written for another address of the same entity is shown too, and marked: it is only
as good as the clustering that carries it over.
"""

from dataclasses import dataclass
from datetime import date

from arien_flows.answers.facts import named
from arien_flows.attribution.tagpack import Tag
from arien_flows.shapes import Certainty, Shape, Truncation
from arien_flows.workspace import Reading

MAX_TAGS = 100
"""Tags of one answer; an entity of an exchange may have many thousands."""


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

    certainty: Certainty
    """Always `attribution`."""


def tags_answer(
    reading: Reading, address: int, root: int
) -> tuple[tuple[TagAnswer, ...], tuple[Truncation, ...]]:
    """Return the tags of an address and its entity, its own first, and what is left out."""
    if not reading.tags.packs:
        return (), (_no_tags(),)
    own = [(address, tag) for tag in reading.tags.direct(address)]
    shared = [pair for pair in reading.tags.of_entity(root) if pair[0] != address]
    shown = (own + sorted(shared, key=lambda pair: -pair[1].level))[:MAX_TAGS]
    left_out = len(own) + len(shared) - len(shown)
    cuts = (_too_many(left_out),) if left_out else ()
    return tuple(_tag(reading, number, tag, number != address) for number, tag in shown), cuts


def _tag(reading: Reading, number: int, tag: Tag, inherited: bool) -> TagAnswer:
    return TagAnswer(
        label=tag.label,
        address=named(reading.view, number),
        inherited=inherited,
        concepts=tag.concepts,
        confidence=tag.confidence,
        confidence_level=tag.level,
        source=tag.source,
        creator=tag.creator,
        last_modified=tag.lastmod,
        certainty="attribution",
    )


def _no_tags() -> Truncation:
    return Truncation(
        where="tags",
        reason="no_tags",
        detail="no TagPack is loaded: put files into the folder `tags` of the data folder, or "
        "name them with ARIEN_TAGS",
    )


def _too_many(left_out: int) -> Truncation:
    return Truncation(
        where="tags",
        reason="too_many",
        limit=MAX_TAGS,
        detail=f"{left_out:,} more tags of other addresses of the entity are not shown",
    )
