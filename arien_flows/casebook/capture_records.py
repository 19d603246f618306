"""What the casebook takes and answers about collected documents: plain values."""

from dataclasses import dataclass, field
from datetime import datetime

from arien_flows.casebook.records import Withdrawal


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBatch:
    """What is said of documents that are brought in together."""

    name: str
    collector: str | None
    """Who collected them."""

    market: str | None
    network: str
    """What an address that is valid on several networks is taken for."""

    options: str
    """What else was said, as JSON."""

    imported_at: datetime
    imported_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An address in a capture: where it stands, in what role, and by which rules."""

    network: str | None
    """Nothing where it may be of several networks and nothing decides."""

    networks: tuple[str, ...]
    address: str
    form: str
    begin: int
    """First byte in the document."""

    end: int
    rules: tuple[str, ...]
    """By which obfuscated writing was read."""

    factor: str
    """By what confidence is multiplied for that: a fraction."""

    role: str
    role_rule: str
    role_begin: int
    """First byte of what shows the role."""

    role_end: int
    attributes: bool
    """Whether it says whose address it is."""

    owner: str | None
    """Who that is: a vendor's name, with the market where it is an account there."""

    confidence: str
    """How it is known, in GraphSense's words."""

    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSecret:
    """Where a secret stands. What it says is kept nowhere but in the document itself."""

    kind: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one version of the rules found in a capture."""

    extractor: str
    reason: str
    """Why it was read."""

    cut: tuple[str, ...]
    """Limits that were reached; none where the reading is complete."""

    findings: tuple[Finding, ...]
    secrets: tuple[FoundSecret, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCapture:
    """A capture that is offered, and what was found in it."""

    path: str
    begin: int
    end: int
    listing: str
    site: str
    market: str | None
    url: str | None
    captured_at: datetime
    clock: str
    note: str
    reading: Reading | None
    """Nothing where the same rules read it before."""

    @property
    def key(self) -> tuple[int, str, datetime, str | None]:
        """Return what tells captures of one document apart."""
        return self.begin, self.listing, self.captured_at, self.url


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A document that is offered, with its captures."""

    raw: bytes = field(repr=False)
    sha256: str
    name: str
    media_type: str
    captures: tuple[NewCapture, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRefusal:
    """Something that was offered and is not read."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A capture of the casebook."""

    id: int
    document_sha256: str
    media_type: str
    document_bytes: int
    path: str
    begin: int
    end: int
    listing: str
    site: str
    market: str | None
    url: str | None
    captured_at: datetime
    clock: str
    note: str
    batch: int
    batch_name: str
    collector: str | None
    network: str
    """What an address of several networks was taken for."""

    imported_at: datetime
    imported_by: str
    withdrawal: Withdrawal | None
    """Of the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReading:
    """A reading of a capture, and when it was made."""

    capture: int
    read_at: datetime
    is_current: bool
    """Whether no later one speaks in its place."""

    reading: Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureCounts:
    """How much the current reading of a capture found."""

    found: int
    attributing: int
    secrets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureFilter:
    """Which captures are wanted; nothing means any."""

    market: str | None = None
    address: str | None = None
    """That stands in them, in canonical text."""

    listing: str | None = None
    sha256: str | None = None
    batch: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What became of the tags that rest on a document."""

    document_sha256: str
    import_id: int | None
    """The import that speaks now; nothing where no tag rests on the document any more."""

    withdrawn: tuple[int, ...]
    """Imports that no longer speak."""

    tags: int
