"""Naming the tags that do not say any more what was imported.

The evidence chain tells that something among the tags of an import was changed. Which tag it was
follows from the digest that stands beside each: it covers all that the tag says. Where both were
changed to fit each other, this names nothing, and the import as a whole is what is known to be
wrong.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, Row, Select, select
from sqlalchemy.exc import DBAPIError

from arien_flows.attribution.snapshot import tag_digest
from arien_flows.attribution.subjects import SubjectError, subject_of
from arien_flows.attribution.tag import STATEMENT_FIELDS, Statement, Tag
from arien_flows.casebook.models import statements, tags
from chains.errors import AddressError

AT_ONCE = 1_000


def changed_tags(connection: Connection, number: int) -> Iterator[int]:
    """Yield the places in the document of an import's tags that contradict their digests."""
    wanted = select(tags.c.id, tags.c.row).where(tags.c.import_id == number).order_by(tags.c.row)
    try:
        places = connection.execute(wanted).all()
    except (DBAPIError, ValueError):
        return
    for start in range(0, len(places), AT_ONCE):
        part = [row.id for row in places[start : start + AT_ONCE]]
        found = _faithful(connection, part)
        if found is None:
            # One of them cannot be read: ask one by one.
            found = {each for each in part if each in (_faithful(connection, [each]) or set())}
        yield from (row.row for row in places[start : start + AT_ONCE] if row.id not in found)


def _faithful(connection: Connection, numbers: list[int]) -> set[int] | None:
    """Return which tags agree with their digests; nothing where one cannot be read."""
    try:
        rows = connection.execute(_told().where(tags.c.id.in_(numbers))).all()
    except (DBAPIError, ValueError):
        return None
    return {int(row.id) for row in rows if _is_faithful(row)}


def _told() -> Select[tuple[object, ...]]:
    return select(
        tags.c.id,
        tags.c.network,
        tags.c.subject,
        tags.c.is_transaction,
        tags.c.script_type,
        tags.c.payload,
        tags.c.digest,
        *(statements.c[name] for name in STATEMENT_FIELDS),
    ).join(statements, statements.c.id == tags.c.statement_id)


def _is_faithful(row: Row[tuple[object, ...]]) -> bool:
    told = row._mapping
    said = {name: told[name] for name in STATEMENT_FIELDS}
    said["concepts"] = tuple(told["concepts"].split())
    tag = Tag.about(
        Statement(**said),
        network=told["network"],
        address=None if told["is_transaction"] else told["subject"],
        tx_hash=told["subject"] if told["is_transaction"] else None,
    )
    try:
        subject = subject_of(tag, tag.network)
    except (SubjectError, AddressError, ValueError):
        return False
    kind = None if subject.script_type is None else int(subject.script_type)
    return (kind, subject.payload, tag_digest(tag)) == (
        told["script_type"],
        told["payload"],
        bytes(told["digest"]).hex(),
    )
