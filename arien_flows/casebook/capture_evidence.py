"""What collected documents leave in the evidence chain.

A row for each batch and for each part of it binds every row that was written. Each address that
was found, and what it was taken for, has rows of its own with all that an expert asks for: bytes,
place, time and its clock, collector, rules. Of a secret the chain says where it stands, and never
what it says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from sqlalchemy import Connection

from arien_flows.attribution.tag import CONFIDENCE
from arien_flows.casebook.capture_records import (
    Finding,
    FoundSecret,
    NewBatch,
)
from arien_flows.casebook.capture_tables import (
    capture_batches,
    capture_parts,
    capture_refusals,
    captures,
    derived_imports,
    document_withdrawals,
    extractions,
    findings,
    found_secrets,
)
from arien_flows.casebook.evidence import EvidenceKind, Provenance, record, record_many
from arien_flows.casebook.evidence_rows import rows_of
from arien_flows.casebook.records import Withdrawal

_PART_TABLES = (captures, extractions, findings, found_secrets, capture_refusals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighted:
    """Where and when the bytes were met in which something was found."""

    capture: int
    document_sha256: str
    media_type: str
    url: str | None
    captured_at: datetime
    clock: str
    collector: str | None
    extractor: str


def batch_begun(connection: Connection, number: int, batch: NewBatch) -> None:
    """Record that a batch was begun, and what was said of it."""
    record(
        connection,
        EvidenceKind.CAPTURE,
        {"batch": number, "name": batch.name, "market": batch.market},
        at=batch.imported_at,
        by=batch.imported_by,
        rows=[rows_of(capture_batches, id=number)],
    )


def part_written(
    connection: Connection, number: int, batch: int, counts: dict[str, int], at: datetime, by: str
) -> None:
    """Record all rows of one part of a batch."""
    record(
        connection,
        EvidenceKind.CAPTURE,
        {"batch": batch, "part": number, **counts},
        at=at,
        by=by,
        rows=[
            rows_of(capture_parts, id=number),
            *(rows_of(table, part_id=number) for table in _PART_TABLES),
        ],
    )


def found(
    connection: Connection,
    sightings: Sequence[tuple[Sighted, Sequence[Finding], Sequence[FoundSecret]]],
    *,
    at: datetime,
    by: str,
) -> None:
    """Record each address that was found, what it was taken for, and where secrets stand."""
    mentions, decisions, secrets = [], [], []
    for sighted, addresses, hidden in sightings:
        for each in addresses:
            mentions.append(_mention(sighted, each, by))
            decisions.append(_decision(sighted, each, by))
        secrets += [_secret(sighted, each) for each in hidden]
    for kind, payloads in (
        (EvidenceKind.MENTION, mentions),
        (EvidenceKind.DECISION, decisions),
        (EvidenceKind.SECRET_FOUND, secrets),
    ):
        if payloads:
            record_many(connection, kind, payloads, at=at, by=by)


def document_withdrawn(
    connection: Connection, number: int, sha256: str, withdrawal: Withdrawal
) -> None:
    """Record that a document was taken out of effect."""
    record(
        connection,
        EvidenceKind.WITHDRAWAL,
        {"document_sha256": sha256, "reason": withdrawal.reason},
        at=withdrawal.withdrawn_at,
        by=withdrawal.withdrawn_by,
        rows=[rows_of(document_withdrawals, document_id=number)],
    )


def tags_derived(
    connection: Connection, import_id: int, sha256: str, at: datetime, by: str
) -> None:
    """Record that an import of tags rests on a document."""
    record(
        connection,
        EvidenceKind.TAG_IMPORT,
        {"derived_import": import_id, "document_sha256": sha256},
        at=at,
        by=by,
        rows=[rows_of(derived_imports, import_id=import_id)],
    )


def _mention(sighted: Sighted, each: Finding, by: str) -> dict[str, object]:
    rule = " ".join(each.rules) or "plain"
    confidence = int(100 * Fraction(each.factor))
    return {
        "network": each.network,
        "networks": list(each.networks),
        "address": each.address,
        "form": each.form,
        "factor": each.factor,
        **_provenance(sighted, each.begin, each.end, rule, confidence, by),
    }


def _decision(sighted: Sighted, each: Finding, by: str) -> dict[str, object]:
    return {
        "network": each.network,
        "address": each.address,
        "role": each.role,
        "attributes": each.attributes,
        "owner": each.owner,
        "note": each.note,
        **_provenance(
            sighted,
            each.role_begin,
            each.role_end,
            each.role_rule,
            CONFIDENCE.get(each.confidence, 0),
            by,
        ),
    }


def _secret(sighted: Sighted, each: FoundSecret) -> dict[str, object]:
    return {
        "document_sha256": sighted.document_sha256,
        "capture": sighted.capture,
        "secret": each.kind,
        "begin": each.begin,
        "length": each.end - each.begin,
        "extractor": sighted.extractor,
    }


def _provenance(
    sighted: Sighted, begin: int, end: int, rule: str, confidence: int, by: str
) -> dict[str, object]:
    return Provenance(
        document_sha256=sighted.document_sha256,
        media_type=sighted.media_type,
        begin=begin,
        end=end,
        extractor=sighted.extractor,
        rule=rule,
        confidence=confidence,
        source_id=f"capture:{sighted.capture}",
        url=sighted.url,
        captured_at=sighted.captured_at,
        clock=sighted.clock,
        collector=sighted.collector,
        analyst=by,
    ).payload()
