"""A tag: what one source says about one address or transaction, and the words it may use.

Confidence levels and types are GraphSense's published ones, so that packs can be exchanged with
those who use them; `concepts` has the categories. What is said (a statement) is told apart from
whom it is said of: a pack of a hundred thousand reserve addresses makes one statement.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Self

CONFIDENCE: Mapping[str, int] = {
    "override": 100,
    "ownership": 100,
    "ledger_immanent": 100,
    "manual_transaction": 90,
    "service_api": 70,
    "forensic_investigation": 70,
    "authority_data": 60,
    "trusted_provider": 50,
    "service_data": 50,
    "forensic": 50,
    "untrusted_transaction": 40,
    "web_crawl": 20,
    "heuristic": 10,
    "unknown": 5,
}
"""GraphSense's confidence ids and their levels, 0 to 100."""

TAG_TYPES = frozenset({"actor", "event", "attribute", "mention"})

NAMES_SOMEBODY = frozenset({None, "actor"})
"""Tag types that say who an address belongs to; events, attributes and mentions do not."""

DEFAULT_CONFIDENCE = "unknown"
"""What a tag counts as that does not say how its source knows: the lowest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a source says, apart from whom it says it of."""

    label: str
    """Who or what is named."""

    source: str
    """Where it was learned: usually a URL."""

    currency: str
    confidence: str
    """GraphSense id."""

    concepts: tuple[str, ...]
    """Categories and abuse types, in the order of the pack, each once."""

    tag_type: str | None
    """One of `TAG_TYPES`; a tag without one names the actor."""

    actor: str | None
    """Id of the actor in GraphSense's list."""

    is_cluster_definer: bool
    context: str | None
    """More, as JSON text."""

    lastmod: date | None
    """When it was last confirmed."""

    creator: str
    """Who wrote it down."""

    @property
    def level(self) -> int:
        """Confidence from 0 to 100."""
        return CONFIDENCE[self.confidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag(Statement):
    """What one source says about one address or transaction."""

    address: str | None
    """As the pack writes it; none where the tag names a transaction."""

    tx_hash: str | None
    network: str
    """The chain; the currency where the pack does not name one."""

    @property
    def statement(self) -> Statement:
        """Return what is said, apart from whom it is said of."""
        return Statement(**{name: getattr(self, name) for name in STATEMENT_FIELDS})

    @classmethod
    def about(
        cls,
        said: Statement,
        *,
        network: str,
        address: str | None = None,
        tx_hash: str | None = None,
    ) -> Self:
        """Return a statement as the tag of an address or a transaction."""
        told = {name: getattr(said, name) for name in STATEMENT_FIELDS}
        return cls(network=network, address=address, tx_hash=tx_hash, **told)


STATEMENT_FIELDS = tuple(field.name for field in fields(Statement))
"""Fields of a statement, in the order in which they break ties."""
