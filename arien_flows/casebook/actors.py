"""Actors: lists of them as documents, and what is said of each."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from arien_flows.attribution.actorpack import Actor, ActorPack, actor_from, actor_text
from arien_flows.attribution.pack import FaultyRow
from arien_flows.casebook.documents import keep_document
from arien_flows.casebook.evidence import EvidenceKind, record
from arien_flows.casebook.evidence_rows import rows_of
from arien_flows.casebook.models import actor_lists, actors, documents
from arien_flows.casebook.rows import next_number, write_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorList:
    """One import of actors."""

    id: int
    document_sha256: str
    document_name: str
    title: str
    creator: str
    description: str | None
    actors: int
    faults: tuple[FaultyRow, ...]
    imported_at: datetime
    imported_by: str
    is_new: bool = False
    """Whether this very call brought it in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredActor:
    """An actor and where it is written."""

    actor: Actor
    document_sha256: str
    row: int


def import_actors(
    connection: Connection,
    raw: bytes,
    pack: ActorPack,
    sha256: str,
    *,
    name: str,
    now: datetime,
    by: str,
) -> ActorList:
    """Take a list of actors in; the same document is recognised, and left alone."""
    known = [it for it in lists(connection) if it.document_sha256 == sha256]
    if known:
        return known[0]
    number = next_number(connection, actor_lists)
    document = keep_document(
        connection, raw, sha256, name=name, media_type="application/yaml",
        imported_at=now, imported_by=by,
    )  # fmt: skip
    faults = [[fault.number, fault.subject, fault.fault] for fault in pack.faults]
    connection.execute(
        insert(actor_lists).values(
            id=number,
            document_id=document,
            title=pack.title,
            creator=pack.creator,
            description=pack.description,
            faults=json.dumps(faults, ensure_ascii=False),
            imported_at=now,
            imported_by=by,
        )
    )
    write_rows(
        connection,
        actors,
        [
            {
                "list_id": number,
                "row": row.number,
                "actor": row.actor.id,
                "label": row.actor.label,
                "told": actor_text(row.actor),
            }
            for row in pack.rows
        ],
    )
    record(
        connection,
        EvidenceKind.TAG_IMPORT,
        {"actor_list": number, "document_sha256": sha256, "actors": len(pack.rows)},
        at=now,
        by=by,
        rows=[rows_of(actor_lists, id=number), rows_of(actors, list_id=number)],
    )
    (made,) = (it for it in lists(connection) if it.id == number)
    return ActorList(**{name: getattr(made, name) for name in made.__slots__} | {"is_new": True})


def lists(connection: Connection) -> list[ActorList]:
    """Return all imports of actors, in their order."""
    wanted = (
        select(actor_lists, documents.c.sha256, documents.c.name)
        .join(documents, documents.c.id == actor_lists.c.document_id)
        .order_by(actor_lists.c.id)
    )
    return [
        ActorList(
            id=row.id,
            document_sha256=row.sha256,
            document_name=row.name,
            title=row.title,
            creator=row.creator,
            description=row.description,
            actors=len(
                connection.execute(select(actors.c.row).where(actors.c.list_id == row.id)).all()
            ),
            faults=tuple(
                FaultyRow(number=number, subject=subject, fault=fault)
                for number, subject, fault in json.loads(row.faults)
            ),
            imported_at=row.imported_at,
            imported_by=row.imported_by,
        )
        for row in connection.execute(wanted).all()
    ]


def find_actor(connection: Connection, name: str) -> StoredActor | None:
    """Return what the last list that holds an actor says of it."""
    found = list(_stored(connection, name))
    return found[-1] if found else None


def everybody(connection: Connection) -> list[Actor]:
    """Return every actor, each as the last list that holds it says."""
    return list({it.actor.id: it.actor for it in _stored(connection, None)}.values())


def _stored(connection: Connection, name: str | None) -> Iterator[StoredActor]:
    wanted = (
        select(actors.c.told, actors.c.row, documents.c.sha256)
        .join(actor_lists, actor_lists.c.id == actors.c.list_id)
        .join(documents, documents.c.id == actor_lists.c.document_id)
        .order_by(actors.c.list_id, actors.c.row)
    )
    if name is not None:
        wanted = wanted.where(actors.c.actor == name)
    for row in connection.execute(wanted):
        yield StoredActor(actor=actor_from(row.told), document_sha256=row.sha256, row=row.row)
