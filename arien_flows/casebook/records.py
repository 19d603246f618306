"""What the casebook answers with: plain values that outlive the connection."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from arien_flows.attribution.tag import Statement, Tag
from arien_flows.attribution.terms import Terms
from arien_flows.prices.reading import FaultyRow
from arien_flows.prices.table import PriceOrigin
from chains.types import Int64Array, UInt8Array

SERVICE = "service"
"""Stands for whoever used the API before it knew its users."""

UNKNOWN_USER = "unknown"
"""Stands for a user whose name the computer does not know."""

NOBODY = frozenset({SERVICE, UNKNOWN_USER})
"""Names of no person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTag:
    """A tag with the place where it is written."""

    tag: Tag
    """With our name of its network, and its address in canonical text."""

    document_sha256: str
    document_name: str
    row: int
    """Place in the document's list of tags, from 1."""

    import_id: int
    imported_at: datetime
    licence: str | None = None
    """Under which the list was published, where somebody said so."""

    state: str = "proposed"
    """`proposed`, `approved` or `rejected`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """Why an import no longer counts."""

    reason: str
    withdrawn_at: datetime
    withdrawn_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TagImport:
    """One import of a document."""

    id: int
    document_sha256: str
    document_name: str
    document_bytes: int
    title: str
    creator: str
    network: str
    """What `BTC` was taken to mean."""

    imported_at: datetime
    imported_by: str
    tags: int
    """Tags that were taken over."""

    current: int
    """Those of them that speak today: neither superseded nor withdrawn."""

    repeated: int
    """Rows that say what another row of the document says, and were not taken twice."""

    faulty: int
    """Rows that could not be used."""

    withdrawal: Withdrawal | None
    form: str
    """How the document was read."""

    terms: Terms
    """What was said of the document when it was offered."""

    state: str
    """`proposed`, `approved` or `rejected` as a whole; tags may have reviews of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What somebody found of an import, or of one of its tags."""

    import_id: int
    row: int | None
    """Place of the tag in the document's list; nothing for the whole import."""

    verdict: str
    """`approved`, or `rejected`."""

    reason: str
    after_import: int
    """The last import at that time."""

    reviewed_at: datetime
    reviewed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPolicy:
    """Whether tags count that nobody has approved."""

    counts_proposed: bool
    reason: str
    after_import: int
    """The last import at that time."""

    set_at: datetime
    set_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyTag:
    """A row of a document that could not be used."""

    row: int
    subject: str
    """Address or transaction as the document writes it; empty where that cannot be told."""

    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOutcome:
    """What became of a document that was offered."""

    record: TagImport
    is_new: bool
    """False where the same document was imported before, and nothing was done."""

    faults: tuple[FaultyTag, ...]
    rejected_before: int = 0
    """Tags of a new import that do not speak, since the same was rejected in an earlier one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagFilter:
    """Which tags are wanted; nothing means any."""

    network: str | None = None
    subject: str | None = None
    """Canonical address or transaction id."""

    label: str | None = None
    """Part of a label, in any case."""

    creator: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class TagTable:
    """All current tags of a network's addresses as arrays, in no particular order.

    Equal to itself only, so that what is computed of one can be kept beside it.
    """

    revision: str
    """Names the set of tags."""

    statements: Sequence[Statement]
    """What they say, each once in each import."""

    documents: Sequence[str]
    """The document that each statement rests on (`attribution.source_documents`)."""

    tag_id: Int64Array
    """Numbers in the casebook."""

    statement: Int64Array
    """Place in `statements`."""

    script_type: UInt8Array
    payload: UInt8Array
    """Payloads, one after another."""

    first_payload_byte: Int64Array
    """Payload of tag `i` is `payload[first_payload_byte[i]:first_payload_byte[i + 1]]`."""

    other: int
    """Current tags of the network that name a transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceOffer:
    """What is said of a file of prices that is offered."""

    name: str
    """Name of the file."""

    asset: str
    currency: str
    source: str
    """Who states the prices."""

    licence: str | None
    imported_at: datetime
    imported_by: str


class PriceTableName(NamedTuple):
    """What tells a price table, whatever its number: who says it, where, and what."""

    source: str
    sha256: str
    """Of the file."""

    points_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTableRecord:
    """A price table without its points."""

    id: int
    asset: str
    currency: str
    origin: PriceOrigin
    granularity: str
    points: int
    first_time: datetime
    last_time: datetime
    missing: int
    """Points that are absent between the first and the last."""

    longest_gap: int
    """The most seconds between two neighbours."""

    absent: int
    """Rows that state that there is no price."""

    repeated: int
    """Rows that say what another row says."""

    faulty: int
    """Rows that could not be used."""

    points_sha256: str
    imported_at: datetime
    imported_by: str
    withdrawal: Withdrawal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceImport:
    """What became of a file of prices that was offered."""

    record: PriceTableRecord
    is_new: bool
    """False where the same prices were imported before, and nothing was done."""

    faults: tuple[FaultyRow, ...]
