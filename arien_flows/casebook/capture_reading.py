"""Reading captures, their history, and what was found in them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    exists,
    func,
    literal,
    select,
)

from arien_flows.casebook.capture_records import (
    Capture,
    CaptureCounts,
    CaptureFilter,
    Finding,
    FoundSecret,
    NewBatch,
    NewRefusal,
    Reading,
    StoredReading,
)
from arien_flows.casebook.capture_tables import (
    capture_batches,
    capture_parts,
    capture_refusals,
    captures,
    document_withdrawals,
    extractions,
    findings,
    found_secrets,
)
from arien_flows.casebook.models import documents
from arien_flows.casebook.rows import ROWS_AT_ONCE, withdrawal_in
from arien_flows.casebook.vendor_tables import vendor_accounts, vendor_observations


class Payee(NamedTuple):
    """An address that a listing says to pay to, as one capture shows it."""

    listing: str
    network: str
    address: str
    url: str | None
    capture: int
    captured_at: datetime
    document: int


class Listed(NamedTuple):
    """A capture of a listing."""

    capture: int
    listing: str
    market: str | None
    site: str
    url: str | None
    captured_at: datetime
    account: str | None
    """Whose page it is, where it is somebody's: `market/handle`."""


def is_latest() -> ColumnElement[bool]:
    """Return the condition that an extraction has no later one of its capture."""
    later = extractions.alias("later")
    return ~exists().where(
        and_(later.c.capture_id == extractions.c.capture_id, later.c.id > extractions.c.id)
    )


def is_in_effect() -> ColumnElement[bool]:
    """Return the condition that a capture's document was not withdrawn."""
    return ~exists().where(document_withdrawals.c.document_id == captures.c.document_id)


def page(
    connection: Connection, wanted: CaptureFilter, after: int, limit: int
) -> list[tuple[Capture, CaptureCounts]]:
    """Return at most `limit` captures and what was found, beginning after a number."""
    query = _captures().where(captures.c.id > after, *_conditions(wanted))
    found = [
        _capture(row) for row in connection.execute(query.order_by(captures.c.id).limit(limit))
    ]
    counts = _counts(connection, [each.id for each in found])
    return [(each, counts[each.id]) for each in found]


def captures_of(connection: Connection, wanted: CaptureFilter) -> list[Capture]:
    """Return all captures of a listing or a document, in the order of their time."""
    query = _captures().where(*_conditions(wanted))
    query = query.order_by(captures.c.captured_at, captures.c.id)
    return [_capture(row) for row in connection.execute(query)]


def captures_numbered(connection: Connection, capture_ids: Sequence[int]) -> list[Capture]:
    """Return captures by their numbers, in order."""
    found: list[Capture] = []
    listed = sorted(set(capture_ids))
    for start in range(0, len(listed), ROWS_AT_ONCE):
        query = _captures().where(captures.c.id.in_(listed[start : start + ROWS_AT_ONCE]))
        found += [_capture(row) for row in connection.execute(query.order_by(captures.c.id))]
    return found


def read_batch(connection: Connection, number: int) -> NewBatch | None:
    """Return what was said of a batch; nothing where there is none of that number."""
    query = select(capture_batches).where(capture_batches.c.id == number)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return NewBatch(
        name=row.name,
        collector=row.collector,
        market=row.market,
        network=row.network,
        options=row.options,
        imported_at=row.imported_at,
        imported_by=row.imported_by,
    )


def documents_beginning(connection: Connection, sha256: str) -> list[str]:
    """Return the hashes of collected documents that begin so, at most two."""
    query = (
        select(documents.c.sha256)
        .where(
            documents.c.sha256.startswith(sha256, autoescape=True),
            exists().where(captures.c.document_id == documents.c.id),
        )
        .limit(2)
    )
    return list(connection.execute(query).scalars())


def refusals_of(connection: Connection, batch: int) -> list[NewRefusal]:
    """Return what a batch offered and was not read, in its order."""
    query = (
        select(capture_refusals.c.path, capture_refusals.c.reason)
        .join(capture_parts, capture_parts.c.id == capture_refusals.c.part_id)
        .where(capture_parts.c.batch_id == batch)
        .order_by(capture_refusals.c.id)
    )
    return [NewRefusal(path=row.path, reason=row.reason) for row in connection.execute(query)]


def readings_of(connection: Connection, capture_ids: Sequence[int]) -> list[StoredReading]:
    """Return all readings of captures, the earlier ones first."""
    read: list[StoredReading] = []
    for start in range(0, len(capture_ids), ROWS_AT_ONCE):
        part = capture_ids[start : start + ROWS_AT_ONCE]
        read += _readings(connection, part)
    return read


def sites_of(connection: Connection, addresses: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the sites on which addresses stand, in any role, but in withdrawn documents."""
    found: dict[str, set[str]] = {}
    listed = sorted(set(addresses))
    for start in range(0, len(listed), ROWS_AT_ONCE):
        query = (
            select(findings.c.address, captures.c.site)
            .distinct()
            .join(extractions, extractions.c.id == findings.c.extraction_id)
            .join(captures, captures.c.id == extractions.c.capture_id)
            .where(findings.c.address.in_(listed[start : start + ROWS_AT_ONCE]), is_in_effect())
        )
        for address, site in connection.execute(query):
            found.setdefault(address, set()).add(site)
    return {address: frozenset(sites) for address, sites in found.items()}


def captures_with(connection: Connection, addresses: Iterable[str]) -> list[int]:
    """Return the captures in effect in which one of the addresses stands."""
    found: set[int] = set()
    listed = sorted(set(addresses))
    for start in range(0, len(listed), ROWS_AT_ONCE):
        query = (
            select(captures.c.id)
            .distinct()
            .join(extractions, extractions.c.capture_id == captures.c.id)
            .join(findings, findings.c.extraction_id == extractions.c.id)
            .where(
                findings.c.address.in_(listed[start : start + ROWS_AT_ONCE]),
                is_latest(),
                is_in_effect(),
            )
        )
        found.update(connection.execute(query).scalars())
    return sorted(found)


def payees_of(connection: Connection, listings: Iterable[str], roles: Sequence[str]) -> list[Payee]:
    """Return the addresses that captures of listings show in some roles."""
    paid: list[Payee] = []
    listed = sorted(set(listings))
    for start in range(0, len(listed), ROWS_AT_ONCE):
        query = (
            select(
                captures.c.listing,
                func.coalesce(findings.c.network, findings.c.networks),
                findings.c.address,
                captures.c.url,
                captures.c.id,
                captures.c.captured_at,
                captures.c.document_id,
            )
            .join(extractions, extractions.c.capture_id == captures.c.id)
            .join(findings, findings.c.extraction_id == extractions.c.id)
            .where(
                captures.c.listing.in_(listed[start : start + ROWS_AT_ONCE]),
                findings.c.role.in_(roles),
                is_latest(),
                is_in_effect(),
            )
            .order_by(captures.c.captured_at, captures.c.id, findings.c.id)
        )
        paid += [Payee(*row) for row in connection.execute(query)]
    return paid


def listed_of(connection: Connection, listings: Iterable[str]) -> list[Listed]:
    """Return the captures of listings that were read and are in effect, in their order."""
    found: list[Listed] = []
    listed = sorted(set(listings))
    account = (
        select(func.min(vendor_accounts.c.market + "/" + vendor_accounts.c.handle))
        .join(vendor_observations, vendor_observations.c.account_id == vendor_accounts.c.id)
        .where(
            vendor_observations.c.document_id == captures.c.document_id,
            vendor_observations.c.first_byte == captures.c.first_byte,
        )
        .scalar_subquery()
    )
    for start in range(0, len(listed), ROWS_AT_ONCE):
        query = (
            select(
                captures.c.id,
                captures.c.listing,
                captures.c.market,
                captures.c.site,
                captures.c.url,
                captures.c.captured_at,
                account,
            )
            .where(
                captures.c.listing.in_(listed[start : start + ROWS_AT_ONCE]),
                exists().where(extractions.c.capture_id == captures.c.id),
                is_in_effect(),
            )
            .order_by(captures.c.captured_at, captures.c.id)
        )
        found += [Listed(*row) for row in connection.execute(query)]
    return found


def captures_holding(connection: Connection, places: Iterable[tuple[str, int]]) -> list[int]:
    """Return the captures in effect that hold a byte of a document, for each of some."""
    found: set[int] = set()
    for sha256, byte in sorted(set(places)):
        query = (
            select(captures.c.id)
            .join(documents, documents.c.id == captures.c.document_id)
            .where(
                documents.c.sha256 == sha256,
                captures.c.first_byte <= byte,
                captures.c.end_byte > byte,
                is_in_effect(),
            )
        )
        found.update(connection.execute(query).scalars())
    return sorted(found)


def _captures() -> Select[tuple[object, ...]]:
    return (
        select(
            captures,
            documents.c.sha256,
            documents.c.media_type,
            documents.c.size,
            capture_parts.c.batch_id,
            capture_batches.c.name.label("batch_name"),
            capture_batches.c.collector,
            capture_batches.c.network,
            capture_batches.c.imported_at,
            capture_batches.c.imported_by,
            document_withdrawals.c.reason,
            document_withdrawals.c.withdrawn_at,
            document_withdrawals.c.withdrawn_by,
        )
        .join(documents, documents.c.id == captures.c.document_id)
        .join(capture_parts, capture_parts.c.id == captures.c.part_id)
        .join(capture_batches, capture_batches.c.id == capture_parts.c.batch_id)
        .outerjoin(
            document_withdrawals, document_withdrawals.c.document_id == captures.c.document_id
        )
    )


def _conditions(wanted: CaptureFilter) -> list[ColumnElement[bool]]:
    given: list[ColumnElement[bool]] = []
    if wanted.market is not None:
        given.append(func.lower(captures.c.market) == wanted.market.lower())
    if wanted.listing is not None:
        given.append(captures.c.listing == wanted.listing)
    if wanted.sha256 is not None:
        given.append(documents.c.sha256 == wanted.sha256)
    if wanted.batch is not None:
        given.append(capture_parts.c.batch_id == wanted.batch)
    if wanted.address is not None:
        found = (
            select(literal(1))
            .select_from(findings.join(extractions, extractions.c.id == findings.c.extraction_id))
            .where(
                extractions.c.capture_id == captures.c.id,
                findings.c.address == wanted.address,
                is_latest(),
            )
        )
        given.append(found.exists())
    return given


def _counts(connection: Connection, capture_ids: Sequence[int]) -> dict[int, CaptureCounts]:
    counted = {number: CaptureCounts(found=0, attributing=0, secrets=0) for number in capture_ids}
    for each in readings_of(connection, capture_ids):
        if each.is_current:
            counted[each.capture] = CaptureCounts(
                found=len(each.reading.findings),
                attributing=sum(found.attributes for found in each.reading.findings),
                secrets=len(each.reading.secrets),
            )
    return counted


def _readings(connection: Connection, capture_ids: Sequence[int]) -> list[StoredReading]:
    query = (
        select(extractions, capture_parts.c.written_at)
        .join(capture_parts, capture_parts.c.id == extractions.c.part_id)
        .where(extractions.c.capture_id.in_(capture_ids))
        .order_by(extractions.c.capture_id, extractions.c.id)
    )
    rows = connection.execute(query).all()
    latest = {row.capture_id: row.id for row in rows}
    found = _by_extraction(connection, findings, capture_ids)
    secrets = _by_extraction(connection, found_secrets, capture_ids)
    return [
        StoredReading(
            capture=row.capture_id,
            read_at=row.written_at,
            is_current=latest[row.capture_id] == row.id,
            reading=Reading(
                extractor=row.extractor,
                reason=row.reason,
                cut=tuple(row.cut.splitlines()),
                findings=tuple(finding_of(each) for each in found.get(row.id, ())),
                secrets=tuple(
                    FoundSecret(kind=each.kind, begin=each.first_byte, end=each.end_byte)
                    for each in secrets.get(row.id, ())
                ),
            ),
        )
        for row in rows
    ]


def _by_extraction(
    connection: Connection, table: Table, capture_ids: Sequence[int]
) -> dict[int, list[Row[tuple[object, ...]]]]:
    query = (
        select(table)
        .join(extractions, extractions.c.id == table.c.extraction_id)
        .where(extractions.c.capture_id.in_(capture_ids))
        .order_by(table.c.id)
    )
    found: dict[int, list[Row[tuple[object, ...]]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.extraction_id, []).append(row)
    return found


def finding_of(row: Row[tuple[object, ...]]) -> Finding:
    """Return a finding from its row."""
    held = row._mapping
    return Finding(
        network=held["network"],
        networks=tuple(held["networks"].split()),
        address=held["address"],
        form=held["form"],
        begin=held["first_byte"],
        end=held["end_byte"],
        rules=tuple(held["rules"].split()),
        factor=held["factor"],
        role=held["role"],
        role_rule=held["role_rule"],
        role_begin=held["role_first_byte"],
        role_end=held["role_end_byte"],
        attributes=held["attributes"],
        owner=held["owner"],
        confidence=held["confidence"],
        note=held["note"],
    )


def _capture(row: Row[tuple[object, ...]]) -> Capture:
    held = row._mapping
    return Capture(
        id=held["id"],
        document_sha256=held["sha256"],
        media_type=held["media_type"],
        document_bytes=held["size"],
        path=held["path"],
        begin=held["first_byte"],
        end=held["end_byte"],
        listing=held["listing"],
        site=held["site"],
        market=held["market"],
        url=held["url"],
        captured_at=held["captured_at"],
        clock=held["clock"],
        note=held["note"],
        batch=held["batch_id"],
        batch_name=held["batch_name"],
        collector=held["collector"],
        network=held["network"],
        imported_at=held["imported_at"],
        imported_by=held["imported_by"],
        withdrawal=withdrawal_in(held),
    )
