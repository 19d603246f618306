"""Which tags speak: of several versions of one tag the last confirmed, unless it is out of effect.

Out of effect is what was withdrawn with its import, or rejected there or in an earlier import
(`verdicts`); and what nobody has approved yet, where the casebook's policy says that such tags do
not count (`reviews`).

A change concerns the tags of one import and all other versions of them, so only those are looked
at. What speaks afterwards is named anew: each import's current tags have a digest, and the
digests of all imports together name the set of tags of a network.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import (
    ColumnElement,
    Connection,
    case,
    delete,
    exists,
    func,
    not_,
    select,
    true,
    update,
)

from arien_flows.attribution.snapshot import revision_of
from arien_flows.casebook.models import (
    statements,
    tag_reviews,
    tag_sets,
    tags,
    withdrawals,
)
from arien_flows.casebook.pack_rows import UsableRow
from arien_flows.casebook.policies import counts_proposed
from arien_flows.casebook.rows import ROWS_AT_ONCE, write_rows
from arien_flows.casebook.verdicts import APPROVED, REJECTED, own_verdict, was_rejected_before


def choose_current(connection: Connection, number: int, row: int | None = None) -> None:
    """Let of each tag of an import (or of one of its rows) and its other versions one speak."""
    keys = select(tags.c.key).where(tags.c.import_id == number)
    if row is not None:
        keys = keys.where(tags.c.row == row)
    _choose(connection, tags.c.key.in_(keys), also=[number])


def choose_all(connection: Connection) -> None:
    """Decide of all tags which speak."""
    _choose(connection, true(), also=())


def choose_among_new(connection: Connection, written: Mapping[int, Sequence[UsableRow]]) -> None:
    """Decide which tags speak after imports that nobody has reviewed; `written` has their rows.

    All of them are marked as current. Only those that have other versions need a decision.
    """
    if not written:
        return
    if not counts_proposed(connection):
        for number in written:
            choose_current(connection, number)
        return
    several = _repeated_keys(connection, written)
    touched: set[int] = set()
    for start in range(0, len(several), ROWS_AT_ONCE):
        part = several[start : start + ROWS_AT_ONCE]
        touched |= _settle(connection, tags.c.key.in_(part))
    for number, rows in written.items():
        if number not in touched:
            _name_sets_of(connection, number, ((row.network, row.digest) for row in rows))
    for number in sorted(touched):
        _name_sets(connection, number)


def _choose(connection: Connection, which: ColumnElement[bool], also: Iterable[int]) -> None:
    for each in sorted({*_settle(connection, which), *also}):
        _name_sets(connection, each)


def _settle(connection: Connection, which: ColumnElement[bool]) -> set[int]:
    """Mark of some tags those that speak; `which` has to hold for all versions of each.

    Return the imports that the tags are of.
    """
    is_in_effect = _is_in_effect(connection)
    place = func.row_number().over(
        partition_by=(tags.c.key, case((is_in_effect, 1), else_=0)),
        order_by=(
            statements.c.lastmod.desc().nulls_last(),
            tags.c.import_id.desc(),
            tags.c.row.desc(),
        ),
    )
    effect = is_in_effect.label("effect")
    found = (
        select(tags.c.id, tags.c.import_id, tags.c.is_current, effect, place.label("place"))
        .join(statements, statements.c.id == tags.c.statement_id)
        .where(which)
    )
    touched: set[int] = set()
    changed: dict[bool, list[int]] = {True: [], False: []}
    for row in connection.execute(found):
        touched.add(int(row.import_id))
        speaks = bool(row.effect) and row.place == 1
        if speaks != bool(row.is_current):
            changed[speaks].append(int(row.id))
    for speaks, numbers in changed.items():
        for start in range(0, len(numbers), ROWS_AT_ONCE):
            part = numbers[start : start + ROWS_AT_ONCE]
            connection.execute(update(tags).where(tags.c.id.in_(part)).values(is_current=speaks))
    return touched


def _is_in_effect(connection: Connection) -> ColumnElement[bool]:
    """Return whether a tag counts, as far as withdrawals, reviews and the policy say."""
    stands = not_(exists().where(withdrawals.c.import_id == tags.c.import_id))
    verdict = own_verdict()
    if not counts_proposed(connection):
        return stands & (func.coalesce(verdict, "") == APPROVED)
    if connection.execute(select(tag_reviews.c.id).limit(1)).first() is None:
        return stands
    speaks = case((verdict.is_not(None), verdict != REJECTED), else_=not_(was_rejected_before()))
    return stands & speaks


def _repeated_keys(
    connection: Connection, written: Mapping[int, Sequence[UsableRow]]
) -> list[bytes]:
    """Return the keys of new tags that other tags have, too."""
    seen: set[bytes] = set()
    several = {
        row.key
        for rows in written.values()
        for row in rows
        if row.key in seen or seen.add(row.key)  # type: ignore[func-returns-value]
    }
    first = connection.execute(
        select(func.min(tags.c.id)).where(tags.c.import_id.in_(list(written)))
    ).scalar()
    if first is not None and connection.execute(select(tags.c.id).where(tags.c.id < first)).first():
        older = tags.alias()
        known = exists().where(older.c.key == tags.c.key, older.c.id < first)
        wanted = select(tags.c.key).where(tags.c.id >= first, known)
        several |= {bytes(key) for key in connection.execute(wanted).scalars()}
    return sorted(several)


def _name_sets(connection: Connection, number: int) -> None:
    """Compute the digests of an import's current tags anew."""
    connection.execute(delete(tag_sets).where(tag_sets.c.import_id == number))
    current = select(tags.c.network, tags.c.digest).where(
        tags.c.import_id == number, tags.c.is_current
    )
    found = ((row.network, bytes(row.digest)) for row in connection.execute(current))
    _name_sets_of(connection, number, found)


def _name_sets_of(
    connection: Connection, number: int, current: Iterable[tuple[str, bytes]]
) -> None:
    """Write the digests of an import's current tags, given the network and digest of each."""
    digests: dict[str, list[str]] = {}
    for network, digest in current:
        digests.setdefault(network, []).append(digest.hex())
    rows: list[dict[str, object]] = [
        {
            "import_id": number,
            "network": network,
            "tag_count": len(found),
            "digest": revision_of(found),
        }
        for network, found in sorted(digests.items())
    ]
    write_rows(connection, tag_sets, rows)
