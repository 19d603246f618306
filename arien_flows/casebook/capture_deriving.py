"""The tags that rest on a document, made of what is found in it today.

They are a TagPack of their own, kept and imported like anybody's, so that versions, withdrawals,
earlier states and exports need nothing new. What the pack says follows from the findings in effect
alone: it is made again whenever they change, and the one before it is withdrawn in the same
transaction. A document that was withdrawn, or says nothing more, has none.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction

from sqlalchemy import Connection, Row, insert, select

from arien_flows.attribution.export import tagpack_text
from arien_flows.attribution.source_documents import KEY
from arien_flows.attribution.subjects import ETHEREUM
from arien_flows.attribution.tag import CONFIDENCE, Tag
from arien_flows.attribution.tagpack import parse_tagpack
from arien_flows.casebook import imports
from arien_flows.casebook.capture_evidence import tags_derived
from arien_flows.casebook.capture_reading import finding_of, is_in_effect, is_latest
from arien_flows.casebook.capture_records import Derived, Finding
from arien_flows.casebook.capture_tables import captures, derived_imports, extractions, findings
from arien_flows.casebook.models import documents, tag_imports, withdrawals
from arien_flows.casebook.records import Withdrawal
from chains.bitcoin.networks import BITCOIN

CREATOR = "arien-flows"
CONCEPTS = ("vendor", "dark_web", "drugs")


def derive(
    connection: Connection, document_ids: Iterable[int], *, now: datetime, by: str, reason: str
) -> list[Derived]:
    """Make the tags of documents anew where they would say something else; `reason` says why."""
    return [
        made
        for number in sorted(set(document_ids))
        if (made := _derived(connection, number, now=now, by=by, reason=reason)) is not None
    ]


def derived_from(connection: Connection, sha256s: Sequence[str]) -> list[int]:
    """Return the imports in effect that rest on documents."""
    wanted = (
        select(derived_imports.c.import_id)
        .join(documents, documents.c.id == derived_imports.c.document_id)
        .outerjoin(withdrawals, withdrawals.c.import_id == derived_imports.c.import_id)
        .where(documents.c.sha256.in_(sha256s), withdrawals.c.import_id.is_(None))
        .order_by(derived_imports.c.import_id)
    )
    return list(connection.execute(wanted).scalars())


def imports_of(connection: Connection, document: int) -> list[int]:
    """Return the imports in effect that rest on a document."""
    wanted = (
        select(derived_imports.c.import_id)
        .outerjoin(withdrawals, withdrawals.c.import_id == derived_imports.c.import_id)
        .where(derived_imports.c.document_id == document, withdrawals.c.import_id.is_(None))
        .order_by(derived_imports.c.import_id)
    )
    return list(connection.execute(wanted).scalars())


def _derived(
    connection: Connection, document: int, *, now: datetime, by: str, reason: str
) -> Derived | None:
    sha256 = connection.execute(
        select(documents.c.sha256).where(documents.c.id == document)
    ).scalar_one()
    tags = _tags(connection, document, sha256)
    raw = _pack(tags, sha256) if tags else b""
    standing = imports_of(connection, document)
    if standing and tags and _hashes(connection, standing) == [hashlib.sha256(raw).hexdigest()]:
        return None
    if not standing and not tags:
        return None
    withdrawal = Withdrawal(reason=reason, withdrawn_at=now, withdrawn_by=by)
    for number in standing:
        imports.withdraw(connection, number, withdrawal)
    made = None
    if tags:
        name = f"derived-{sha256[:16]}.yaml"
        origin = imports.Origin(name=name, network=BITCOIN.name, imported_at=now, imported_by=by)
        made = imports.import_pack(connection, raw, parse_tagpack(raw, name), origin).record.id
        connection.execute(insert(derived_imports).values(import_id=made, document_id=document))
        tags_derived(connection, made, sha256, now, by)
    return Derived(
        document_sha256=sha256, import_id=made, withdrawn=tuple(standing), tags=len(tags)
    )


def _hashes(connection: Connection, numbers: list[int]) -> list[str]:
    wanted = (
        select(documents.c.sha256)
        .join(tag_imports, tag_imports.c.document_id == documents.c.id)
        .where(tag_imports.c.id.in_(numbers))
    )
    return list(connection.execute(wanted).scalars())


def _pack(tags: list[Tag], sha256: str) -> bytes:
    title = f"Addresses read from the document {sha256}"
    return "".join(tagpack_text(tags, title=title, creator=CREATOR)).encode()


def _tags(connection: Connection, document: int, sha256: str) -> list[Tag]:
    """Return what the findings in effect say, each address and owner once."""
    query = (
        select(findings, captures.c.captured_at, captures.c.listing, extractions.c.extractor)
        .join(extractions, extractions.c.id == findings.c.extraction_id)
        .join(captures, captures.c.id == extractions.c.capture_id)
        .where(
            captures.c.document_id == document,
            findings.c.attributes,
            findings.c.network.is_not(None),
            findings.c.owner.is_not(None),
            is_latest(),
            is_in_effect(),
        )
        .order_by(captures.c.captured_at.desc(), findings.c.first_byte, findings.c.id)
    )
    best: dict[tuple[str, str, str], tuple[tuple[int, Fraction], Tag]] = {}
    for row in connection.execute(query):
        found = finding_of(row)
        if found.network is None or found.owner is None:
            continue
        key = found.network, found.address, found.owner
        worth = CONFIDENCE[found.confidence], Fraction(found.factor)
        # Of several places the one that says it best; among equals the latest, then the first.
        if key not in best or worth > best[key][0]:
            best[key] = worth, _tag(found, found.network, found.owner, row, sha256)
    return [tag for _, tag in best.values()]


def _tag(
    found: Finding, network: str, owner: str, row: Row[tuple[object, ...]], sha256: str
) -> Tag:
    held = row._mapping
    context = {
        KEY: sha256,
        "begin": found.begin,
        "end": found.end,
        "rule": found.role_rule,
        "role": found.role,
        "role_begin": found.role_begin,
        "role_end": found.role_end,
        "rules": list(found.rules),
        "factor": found.factor,
        "extractor": held["extractor"],
        "listing": held["listing"],
        "captured_at": held["captured_at"].isoformat(),
    }
    return Tag(
        address=found.address,
        tx_hash=None,
        label=owner,
        source=f"document:{sha256}",
        currency="ETH" if network == ETHEREUM else "BTC",
        network=network,
        confidence=found.confidence,
        concepts=CONCEPTS,
        tag_type="actor",
        actor=None,
        is_cluster_definer=False,
        context=json.dumps(context, sort_keys=True, ensure_ascii=False),
        lastmod=held["captured_at"].date(),
        creator=CREATOR,
    )
