"""Documents: the very bytes of what was imported, each kept once, and never changed.

The table refuses UPDATE and DELETE. That a document was kept stands in the evidence chain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from arien_flows.casebook.evidence_acts import document_kept
from arien_flows.casebook.models import documents
from arien_flows.casebook.rows import next_number


def keep_document(
    connection: Connection,
    raw: bytes,
    sha256: str,
    *,
    name: str,
    media_type: str,
    imported_at: datetime,
    imported_by: str,
) -> int:
    """Return the row of a document, which is kept once however often it is imported."""
    known = connection.execute(select(documents.c.id).where(documents.c.sha256 == sha256)).scalar()
    if known is not None:
        return int(known)
    number = next_number(connection, documents)
    connection.execute(
        insert(documents).values(
            id=number,
            sha256=sha256,
            name=name,
            media_type=media_type,
            size=len(raw),
            content=raw,
            imported_at=imported_at,
            imported_by=imported_by,
        )
    )
    document_kept(connection, number, sha256=sha256, name=name, at=imported_at, by=imported_by)
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDocument:
    """A document without its bytes."""

    sha256: str
    name: str
    media_type: str
    imported_at: datetime
    imported_by: str


def described(connection: Connection, wanted: Sequence[str]) -> dict[str, KeptDocument]:
    """Return documents by their SHA-256; those that the casebook does not hold are left out."""
    found: dict[str, KeptDocument] = {}
    columns = [documents.c[name] for name in KeptDocument.__slots__]
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        rows = connection.execute(select(*columns).where(documents.c.sha256.in_(part)))
        found.update({row.sha256: KeptDocument(**row._mapping) for row in rows})
    return found


_AT_ONCE = 1_000
