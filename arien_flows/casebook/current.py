"""Which tags speak: of several versions of one tag the last confirmed, unless it was withdrawn.

A change concerns the tags of one import and all other versions of them, so only those are looked
at. What speaks afterwards is named anew: each import's current tags have a digest, and the
digests of all imports together name the set of tags of a network.
"""

from itertools import groupby
from operator import itemgetter

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    delete,
    exists,
    func,
    select,
    update,
)

from arien_flows.attribution.snapshot import revision_of
from arien_flows.casebook.models import statements, tag_sets, tags, withdrawals
from arien_flows.casebook.rows import ROWS_AT_ONCE, write_rows


def choose_current(connection: Connection, number: int) -> None:
    """Let one of each import's tags and their other versions speak, and name the sets anew."""
    keys = select(tags.c.key).where(tags.c.import_id == number)
    touched = [
        int(found)
        for found in connection.execute(
            select(tags.c.import_id).where(tags.c.key.in_(keys)).distinct()
        ).scalars()
    ]
    several = (
        select(tags.c.key).where(tags.c.key.in_(keys)).group_by(tags.c.key).having(func.count() > 1)
    )
    places = connection.execute(_ranked(tags.c.key.in_(several))).all()
    speaking = [int(row.id) for row in places if row.place == 1 and not row.is_current]
    silent = [int(row.id) for row in places if row.place > 1 and row.is_current]
    for chosen, is_current in ((speaking, True), (silent, False)):
        for start in range(0, len(chosen), ROWS_AT_ONCE):
            part = chosen[start : start + ROWS_AT_ONCE]
            connection.execute(
                update(tags).where(tags.c.id.in_(part)).values(is_current=is_current)
            )
    for each in sorted({*touched, number}):
        _name_sets(connection, each)


def _ranked(which: ColumnElement[bool]) -> Select[tuple[int, bool, int]]:
    """Return tags that are in effect with their place among the versions of each, 1 the first."""
    place = func.row_number().over(
        partition_by=tags.c.key,
        order_by=(
            statements.c.lastmod.desc().nulls_last(),
            tags.c.import_id.desc(),
            tags.c.row.desc(),
        ),
    )
    return (
        select(tags.c.id, tags.c.is_current, place.label("place"))
        .join(statements, statements.c.id == tags.c.statement_id)
        .where(which, ~exists().where(withdrawals.c.import_id == tags.c.import_id))
    )


def _name_sets(connection: Connection, number: int) -> None:
    """Compute the digests of an import's current tags anew."""
    connection.execute(delete(tag_sets).where(tag_sets.c.import_id == number))
    current = (
        select(tags.c.network, tags.c.digest)
        .where(tags.c.import_id == number, tags.c.is_current)
        .order_by(tags.c.network)
    )
    rows = []
    for network, found in groupby(connection.execute(current), itemgetter(0)):
        digests = [bytes(row.digest).hex() for row in found]
        rows.append(
            {
                "import_id": number,
                "network": network,
                "tag_count": len(digests),
                "digest": revision_of(digests),
            }
        )
    write_rows(connection, tag_sets, rows)
