"""Every tag of the casebook with its place, page by page."""

import base64
import binascii
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from arien_flows.answers.tags import Document, State, document_answer, state_answer
from arien_flows.attribution.owner import is_disputed
from arien_flows.attribution.subjects import canonical_subject
from arien_flows.attribution.tag import Statement, Tag
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.records import StoredTag, TagFilter
from arien_flows.errors import InputError
from arien_flows.shapes import Certainty, Shape
from chains.networks import ALL_NETWORKS


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRecord(Shape):
    """A tag of the casebook."""

    network: str
    """Name of the network."""

    address: str | None
    """Canonical text of the address that is named; nothing where a transaction is."""

    transaction: str | None
    """Id of the transaction that is named; nothing where an address is."""

    label: str
    """Who or what it is said to be."""

    concepts: tuple[str, ...]
    """Categories and kinds of abuse, in GraphSense's vocabulary."""

    actor: str | None
    """Who is meant, as an id of GraphSense's list of actors."""

    tag_type: str | None
    """Whether the tag names an actor, an event, an attribute, or a mention."""

    is_cluster_definer: bool
    """Whether the source means the whole entity."""

    confidence: str
    """How the source knows, in GraphSense's vocabulary."""

    confidence_level: int
    """The same as a number from 0 to 100."""

    source: str
    """Where it was learned."""

    creator: str
    """Who wrote it down."""

    currency: str
    """The currency that the source names."""

    context: str | None
    """What the source adds, as text or JSON."""

    last_modified: date | None
    """When it was last confirmed."""

    document: Document
    """Where it is written, word for word."""

    import_id: int
    """The import that brought it in."""

    imported_at: datetime
    """When that was."""

    licence: str | None
    """Under which the list was published, where that was said."""

    state: State
    """Whether a second person has approved it."""

    disputed: bool
    """Whether sources name different actors of the same address."""

    certainty: Certainty
    """Always `attribution`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPage(Shape):
    """A page of tags."""

    items: tuple[TagRecord, ...]
    """Tags in the order in which they were imported."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


def tag_filter(
    *,
    network: str | None,
    subject: str | None,
    label: str | None,
    creator: str | None,
    known: Collection[str],
) -> TagFilter:
    """Return a filter as people put it; `InputError` where it names an address of no network."""
    if network is not None and network not in known:
        raise InputError(
            f"there are no tags of {network!r}, and it is no network of this program; there are "
            f"{', '.join(sorted(known))}"
        )
    if subject is not None and network is None:
        raise InputError("an address alone is not enough: name its network, too")
    if subject is not None and network is not None:
        subject = canonical_subject(subject, network)
    return TagFilter(network=network, subject=subject, label=label, creator=creator)


def tag_page(
    casebook: Casebook, wanted: TagFilter, *, limit: int, cursor: str | None = None
) -> TagPage:
    """Return a page of tags."""
    after = 0 if cursor is None else read_cursor(cursor)
    found = casebook.page(wanted, after, limit + 1)
    more = len(found) > limit
    return TagPage(
        items=_records(casebook, [stored for _number, stored in found[:limit]]),
        next_cursor=make_cursor(found[limit - 1][0]) if more else None,
    )


def known_networks(casebook: Casebook) -> frozenset[str]:
    """Return the networks of this program, and those that tags name."""
    return frozenset(casebook.networks()) | {known.name for known in ALL_NETWORKS}


def disputed_subjects(casebook: Casebook, found: Sequence[StoredTag]) -> set[tuple[str, str]]:
    """Return network and subject of those tags whose sources contradict each other."""
    subjects: dict[str, list[str]] = {}
    for stored in found:
        subjects.setdefault(stored.tag.network, []).append(_subject(stored.tag))
    disputed: set[tuple[str, str]] = set()
    for network, texts in subjects.items():
        said: dict[str, list[Statement]] = {}
        for other in casebook.tags_of(network, list(dict.fromkeys(texts))):
            said.setdefault(_subject(other.tag), []).append(other.tag)
        disputed |= {(network, text) for text, each in said.items() if is_disputed(each)}
    return disputed


def _subject(tag: Tag) -> str:
    return tag.address or tag.tx_hash or ""


def _records(casebook: Casebook, found: Sequence[StoredTag]) -> tuple[TagRecord, ...]:
    disputed = disputed_subjects(casebook, found)
    return tuple(
        TagRecord(
            network=stored.tag.network,
            address=stored.tag.address,
            transaction=stored.tag.tx_hash,
            label=stored.tag.label,
            concepts=stored.tag.concepts,
            actor=stored.tag.actor,
            tag_type=stored.tag.tag_type,
            is_cluster_definer=stored.tag.is_cluster_definer,
            confidence=stored.tag.confidence,
            confidence_level=stored.tag.level,
            source=stored.tag.source,
            creator=stored.tag.creator,
            currency=stored.tag.currency,
            context=stored.tag.context,
            last_modified=stored.tag.lastmod,
            document=document_answer(stored),
            import_id=stored.import_id,
            imported_at=stored.imported_at,
            licence=stored.licence,
            state=state_answer(stored.state),
            disputed=(stored.tag.network, _subject(stored.tag)) in disputed,
            certainty="attribution",
        )
        for stored in found
    )


def make_cursor(number: int) -> str:
    """Return a cursor to what comes after a number of the casebook."""
    return base64.urlsafe_b64encode(f"after {number}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> int:
    """Return the number in a cursor; `InputError` where it was damaged."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        word, _, digits = (
            base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition(" ")
        )
        if word != "after" or not (digits.isascii() and digits.isdecimal() and len(digits) < 19):
            raise ValueError(cursor)
        return int(digits)
    except (binascii.Error, ValueError) as error:
        raise InputError(
            "the cursor is damaged: give it back exactly as the last page had it"
        ) from error
