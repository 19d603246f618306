"""The evidence chain: what was done to the casebook, in rows that nobody can change unseen.

Every act (a document kept, an import, a withdrawal, a finding, a look at a secret) appends a row in
the same transaction. A row holds what was done as JSON, and is bound to the one before it:
`row_hash = sha256(prev_hash || canonical JSON)`, where the JSON holds the row's number, kind,
payload, time and author, its names in order, without spaces, in ASCII. Whoever changes, removes or
inserts a row has to make all later hashes anew, and then the last one, the *head*, is another. A
head that was written down, signed or time-stamped outside proves everything before it; this
program prints heads and leaves signing and time-stamping (RFC 3161) to tools made for it.

A row also holds digests of the table rows that the act wrote (`rows`: never to change again) and
of tables whose content an act may change (`state`: as they stand until the next row that states
them). So a byte that is changed anywhere in those tables is found, too.

The tables refuse UPDATE and DELETE by triggers, which protects from mistakes, not from somebody
who owns the database. The chain is for him, and only as good as the heads that are kept elsewhere.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select

from arien_flows.casebook.evidence_rows import RowGroup, measure
from arien_flows.casebook.models import evidence
from arien_flows.casebook.rows import ROWS_AT_ONCE, write_rows

FIRST_HASH = "0" * 64
"""What stands in the place of a hash before the first row."""


class EvidenceKind(StrEnum):
    """What a row is evidence of."""

    CASEBOOK_UPGRADED = "casebook_upgraded"
    """What stood in a casebook when its chain began."""

    DOCUMENT_KEPT = "document_kept"
    CAPTURE = "capture"
    """A document was collected: where, when, by whom."""

    TAG_IMPORT = "tag_import"
    PRICE_IMPORT = "price_import"
    WITHDRAWAL = "withdrawal"
    """An import, a document or a finding was taken out of effect."""

    REVIEW = "review"
    MENTION = "mention"
    """An address stands in a document."""

    DECISION = "decision"
    """What a mention means, by which rule."""

    ACCOUNT = "account"
    """A document speaks of an account. What links accounts is worked out when it is asked, from the
    documents that are in effect then, and is no row."""

    SECRET_FOUND = "secret_found"  # noqa: S105 a kind of row
    SECRET_VIEWED = "secret_viewed"  # noqa: S105 a kind of row


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """One row of the chain."""

    seq: int
    """From 1, without gaps."""

    kind: str
    payload: str
    """Canonical JSON."""

    prev_hash: str
    row_hash: str
    recorded_at: str
    """RFC 3339 in UTC, to the microsecond."""

    recorded_by: str

    @property
    def told(self) -> dict[str, object]:
        """Return what the payload says."""
        told: dict[str, object] = json.loads(self.payload)
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last row of a chain, which stands for all before it."""

    seq: int
    row_hash: str
    recorded_at: str


NO_ROWS = Head(seq=0, row_hash=FIRST_HASH, recorded_at="")
"""The head of an empty chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a fact was learned, as a finding's payload tells it; what is not known is nothing."""

    document_sha256: str
    media_type: str
    begin: int
    """First byte that shows it."""

    end: int
    """First byte after it."""

    extractor: str
    """Name and version."""

    rule: str
    confidence: int
    """0 to 100."""

    source_id: str | None = None
    url: str | None = None
    captured_at: datetime | None = None
    clock: str | None = None
    """Whose clock said so."""

    collector: str | None = None
    analyst: str | None = None
    case: str | None = None

    def payload(self) -> dict[str, object]:
        """Return it as a part of a row's payload."""
        return {
            "document_sha256": self.document_sha256,
            "media_type": self.media_type,
            "begin": self.begin,
            "length": self.end - self.begin,
            "extractor": self.extractor,
            "rule": self.rule,
            "confidence": self.confidence,
            "source_id": self.source_id,
            "url": self.url,
            "captured_at": None if self.captured_at is None else moment_text(self.captured_at),
            "clock": self.clock,
            "collector": self.collector,
            "analyst": self.analyst,
            "case": self.case,
        }


def record(
    connection: Connection,
    kind: EvidenceKind,
    payload: Mapping[str, object],
    *,
    at: datetime,
    by: str,
    rows: Sequence[RowGroup] = (),
    state: Sequence[RowGroup] = (),
) -> Head:
    """Append one row inside the caller's transaction, which has to be the writer's.

    `rows` names rows that the act wrote and nobody may change again, `state` what a table holds
    until another row says so; both are read back, so they have to be written before.
    """
    told = dict(payload)
    for name, groups in (("rows", rows), ("state", state)):
        if name in told:
            raise ValueError(f"{name} is the chain's own: hand the groups over")
        if groups:
            told[name] = [measure(connection, group).payload() for group in groups]
    return record_many(connection, kind, [told], at=at, by=by)


def record_many(
    connection: Connection,
    kind: EvidenceKind,
    payloads: Iterable[Mapping[str, object]],
    *,
    at: datetime,
    by: str,
) -> Head:
    """Append a row for each payload, in their order; return the head afterwards."""
    last, when, author = head(connection), moment_text(at), storable(by)
    seq, link = last.seq, last.row_hash
    waiting: list[dict[str, object]] = []
    for payload in payloads:
        seq, text = seq + 1, canonical(payload)
        before, link = link, row_hash(link, seq, kind.value, text, when, author)
        waiting.append(
            {
                "seq": seq,
                "kind": kind.value,
                "payload": text,
                "prev_hash": before,
                "row_hash": link,
                "recorded_at": when,
                "recorded_by": author,
            }
        )
        if len(waiting) == ROWS_AT_ONCE:
            write_rows(connection, evidence, waiting)
            waiting = []
    if len(waiting) == 1:
        connection.execute(insert(evidence).values(**waiting[0]))
    else:
        write_rows(connection, evidence, waiting)
    return Head(seq=seq, row_hash=link, recorded_at=when)


def head(connection: Connection, before: datetime | None = None) -> Head:
    """Return the last row, or the last one that was recorded before a moment."""
    wanted = select(evidence.c.seq, evidence.c.row_hash, evidence.c.recorded_at)
    if before is not None:
        wanted = wanted.where(evidence.c.recorded_at < moment_text(before))
    row = connection.execute(wanted.order_by(evidence.c.seq.desc()).limit(1)).one_or_none()
    if row is None:
        return NO_ROWS
    return Head(seq=row.seq, row_hash=row.row_hash, recorded_at=row.recorded_at)


def page(
    connection: Connection, *, after: int, limit: int, kind: EvidenceKind | None = None
) -> list[EvidenceRow]:
    """Return rows in their order, beginning after a number."""
    wanted = select(evidence).where(evidence.c.seq > after)
    if kind is not None:
        wanted = wanted.where(evidence.c.kind == kind.value)
    found = connection.execute(wanted.order_by(evidence.c.seq).limit(limit))
    return [EvidenceRow(**row._mapping) for row in found]


def row_hash(prev: str, seq: int, kind: str, payload: str, at: str, by: str) -> str:
    """Return the hash of a row; `payload` is canonical JSON already."""
    # In the order of the names, so that the whole is canonical, too.
    told = (
        f'{{"kind":{canonical(kind)},"payload":{payload},"recorded_at":{canonical(at)},'
        f'"recorded_by":{canonical(by)},"seq":{seq}}}'
    )
    return hashlib.sha256((prev + told).encode()).hexdigest()


def canonical(value: object) -> str:
    """Return JSON of which there is one form only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def moment_text(moment: datetime) -> str:
    """Return a moment as the chain writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def storable(name: str) -> str:
    """Return a name as any database can hold it."""
    return name.replace("\0", "\\0").encode(errors="backslashreplace").decode()
