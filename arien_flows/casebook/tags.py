"""Reading tags: those of some addresses, all of a network as arrays, or page by page."""

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from sqlalchemy import Connection, Row, Select, bindparam, func, literal, select

from arien_flows.attribution.snapshot import revision_of
from arien_flows.attribution.source_documents import source_documents
from arien_flows.attribution.subjects import ETHEREUM_NAMES
from arien_flows.attribution.tag import STATEMENT_FIELDS, Statement, Tag
from arien_flows.casebook.models import documents, statements, tag_imports, tag_sets, tags
from arien_flows.casebook.records import StoredTag, TagFilter, TagTable
from arien_flows.casebook.verdicts import state_of_tag

SUBJECTS_AT_ONCE = 1_000
ROWS_AT_ONCE = 50_000

_DIGESTS = select(tag_sets.c.digest).where(tag_sets.c.network == bindparam("network"))


def revision(connection: Connection, network: str) -> str:
    """Return the name of a network's set of current tags: a hash, whatever their order."""
    return revision_of(connection.execute(_DIGESTS, {"network": network}).scalars())


def count_current(connection: Connection, network: str) -> int:
    """Return how many current tags a network has."""
    wanted = select(func.coalesce(func.sum(tag_sets.c.tag_count), 0)).where(
        tag_sets.c.network == network
    )
    return int(connection.execute(wanted).scalar_one())


def networks(connection: Connection) -> list[str]:
    """Return the networks that current tags name."""
    wanted = select(tag_sets.c.network).distinct().order_by(tag_sets.c.network)
    return list(connection.execute(wanted).scalars())


def tags_of(connection: Connection, network: str, subjects: Sequence[str]) -> list[StoredTag]:
    """Return the current tags of some addresses or transactions, in canonical text."""
    found: list[StoredTag] = []
    for start in range(0, len(subjects), SUBJECTS_AT_ONCE):
        about = {"network": network, "subjects": subjects[start : start + SUBJECTS_AT_ONCE]}
        found += [_stored_tag(row) for row in connection.execute(_of_subjects(), about)]
    return found


def tags_numbered(connection: Connection, numbers: Sequence[int]) -> list[StoredTag]:
    """Return tags by their numbers in the casebook, in that order."""
    found: dict[int, StoredTag] = {}
    for start in range(0, len(numbers), SUBJECTS_AT_ONCE):
        part = numbers[start : start + SUBJECTS_AT_ONCE]
        for row in connection.execute(_stored().where(tags.c.id.in_(part))):
            found[int(row.id)] = _stored_tag(row)
    return [found[number] for number in numbers]


def page(
    connection: Connection, wanted: TagFilter, after: int, limit: int
) -> list[tuple[int, StoredTag]]:
    """Return current tags with their numbers, ascending, beginning after a number."""
    query = _stored().where(tags.c.is_current, tags.c.id > after)
    if wanted.network is not None:
        query = query.where(tags.c.network == wanted.network)
    if wanted.subject is not None:
        query = query.where(tags.c.subject == wanted.subject)
    if wanted.label is not None:
        query = query.where(statements.c.label.icontains(wanted.label, autoescape=True))
    if wanted.creator is not None:
        query = query.where(statements.c.creator == wanted.creator)
    rows = connection.execute(query.order_by(tags.c.id).limit(limit))
    return [(int(row.id), _stored_tag(row)) for row in rows]


def everything(connection: Connection, network: str | None) -> Iterator[Tag]:
    """Yield all current tags, in the order in which they were imported."""
    query = _stored().where(tags.c.is_current).order_by(tags.c.id)
    if network is not None:
        query = query.where(tags.c.network == network)
    for row in connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query):
        yield _stored_tag(row).tag


def table_of(connection: Connection, network: str) -> TagTable:
    """Return all current tags of a network's addresses as arrays."""
    # In the order of the rows: by the index on subjects it takes twice as long.
    wanted = (
        select(tags.c.id, tags.c.statement_id, tags.c.script_type, tags.c.payload)
        .where(tags.c.network == network, tags.c.is_current, tags.c.payload.is_not(None))
        .order_by(tags.c.id)
    )
    if network in ETHEREUM_NAMES:
        # The text of an account's address says it all, so nothing is kept beside it.
        wanted = (
            select(tags.c.id, tags.c.statement_id, literal(0), tags.c.subject)
            .where(tags.c.network == network, tags.c.is_current, ~tags.c.is_transaction)
            .order_by(tags.c.id)
        )
    numbers = [np.empty(0, np.int64)]
    said = [np.empty(0, np.int64)]
    types = [np.empty(0, np.uint8)]
    payloads: list[bytes] = []
    streamed = connection.execution_options(yield_per=ROWS_AT_ONCE)
    for part in streamed.execute(wanted).partitions():
        ids, statement_ids, script_types, scripts = zip(*part, strict=True)
        numbers.append(np.array(ids, np.int64))
        said.append(np.array(statement_ids, np.int64))
        types.append(np.array(script_types, np.uint8))
        payloads += map(_payload, scripts)
    distinct, place = np.unique(np.concatenate(said), return_inverse=True)
    said_by, listed_in = _statements(connection, distinct.tolist())
    return TagTable(
        revision=revision(connection, network),
        statements=said_by,
        documents=source_documents(said_by, listed_in),
        tag_id=np.concatenate(numbers),
        statement=place.astype(np.int64),
        script_type=np.concatenate(types),
        # A copy, because kernels are compiled for arrays that may be written to.
        payload=np.frombuffer(b"".join(payloads), np.uint8).copy(),
        first_payload_byte=np.cumsum([0, *map(len, payloads)], dtype=np.int64),
        other=count_current(connection, network) - len(payloads),
    )


def _payload(stored: bytes | str) -> bytes:
    """Return what an address stands for; `stored` is the text of an account's address."""
    return bytes.fromhex(stored[2:]) if isinstance(stored, str) else stored


def _statements(connection: Connection, wanted: list[int]) -> tuple[list[Statement], list[str]]:
    """Return statements by their numbers, which are ascending, and the documents listing them."""
    if not wanted:
        return [], []
    columns = [statements.c[name] for name in STATEMENT_FIELDS]
    query = (
        select(statements.c.id, documents.c.sha256, *columns)
        .join(tag_imports, tag_imports.c.id == statements.c.import_id)
        .join(documents, documents.c.id == tag_imports.c.document_id)
        .where(statements.c.id.between(wanted[0], wanted[-1]))
    )
    found = {int(row.id): (_statement(row), str(row.sha256)) for row in connection.execute(query)}
    return [found[number][0] for number in wanted], [found[number][1] for number in wanted]


@cache
def _of_subjects() -> Select[tuple[object, ...]]:
    """Return the question for tags of `subjects` of a `network`.

    Made once: almost every answer asks it, and making it takes ten times as long as answering it.
    """
    return _stored().where(
        tags.c.network == bindparam("network"),
        tags.c.subject.in_(bindparam("subjects", expanding=True)),
        tags.c.is_current,
    )


@cache
def _stored() -> Select[tuple[object, ...]]:
    return (
        select(
            tags.c.id,
            tags.c.row,
            tags.c.network,
            tags.c.subject,
            tags.c.is_transaction,
            tags.c.import_id,
            tag_imports.c.imported_at,
            tag_imports.c.licence,
            state_of_tag().label("state"),
            documents.c.sha256,
            documents.c.name,
            *(statements.c[name] for name in STATEMENT_FIELDS),
        )
        .join(statements, statements.c.id == tags.c.statement_id)
        .join(tag_imports, tag_imports.c.id == tags.c.import_id)
        .join(documents, documents.c.id == tag_imports.c.document_id)
    )


def _stored_tag(row: Row[tuple[object, ...]]) -> StoredTag:
    found = row._mapping
    subject: str = found["subject"]
    is_transaction: bool = found["is_transaction"]
    return StoredTag(
        tag=Tag.about(
            _statement(row),
            network=found["network"],
            address=None if is_transaction else subject,
            tx_hash=subject if is_transaction else None,
        ),
        document_sha256=found["sha256"],
        document_name=found["name"],
        row=found["row"],
        import_id=found["import_id"],
        imported_at=found["imported_at"],
        licence=found["licence"],
        state=found["state"],
    )


def _statement(row: Row[tuple[object, ...]]) -> Statement:
    found = row._mapping
    return Statement(
        label=found["label"],
        source=found["source"],
        currency=found["currency"],
        confidence=found["confidence"],
        concepts=tuple(found["concepts"].split()),
        tag_type=found["tag_type"],
        actor=found["actor"],
        is_cluster_definer=found["is_cluster_definer"],
        context=found["context"],
        lastmod=found["lastmod"],
        creator=found["creator"],
    )
