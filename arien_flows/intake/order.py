"""What is said of documents that are brought in, and what became of each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from arien_flows.casebook.capture_records import Derived
from arien_flows.documents.columns import ColumnMapping

Result = Literal["imported", "read_anew", "known", "withdrawn", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is said of documents that are brought in together."""

    market: str | None
    """Whose pages they are, as people write its name."""

    captured_at: datetime | None
    """When they were captured, where they do not say so themselves."""

    origin: str | None
    """Where they were captured, where they do not say so themselves: a URL."""

    collector: str | None
    mapping: ColumnMapping | None
    mapping_text: str | None
    """The file that it was read from."""

    name: str
    """Of the batch."""

    network: str
    """What an address that is valid on several networks is taken for."""

    now: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """What became of one item."""

    path: str
    result: Result
    sha256: str | None = None
    """Of its document; nothing for what was refused."""

    listing: str | None = None
    captured_at: datetime | None = None
    clock: str | None = None
    found: int = 0
    """Addresses in it."""

    attributing: int = 0
    """Those of them that say whose they are."""

    secrets: int = 0
    notes: tuple[str, ...] = ()
    """What could not be read or was not searched."""

    reason: str | None = None
    """Why it was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Captures of one listing that name different addresses to pay to.

    What only some of them name is not attributed.
    """

    listing: str
    scope: str
    """How far it reaches: the pages on which these addresses are not attributed either."""

    network: str
    addresses: tuple[str, ...]
    sources: tuple[str, ...]
    """Host of each capture, or its time where no host is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeResult:
    """What became of everything that was offered."""

    batch: int | None
    """Its number; nothing where not one item was taken."""

    rows: tuple[ReportRow, ...]
    derived: tuple[Derived, ...]
    conflicts: tuple[Conflict, ...]
