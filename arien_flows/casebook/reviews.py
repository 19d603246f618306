"""Four eyes on tags: what one person brings in, another one approves or rejects.

Reviews are rows that are only ever added; what they come to is said in `verdicts`. Rejected tags do
not speak; those that nobody reviewed do, unless the casebook's policy says otherwise.

People are known by the names of their accounts, or under which they use the computer. Where an
import was made by nobody in particular (by the service, before it knew its users), nobody can tell
that another one approves it, and it cannot be approved. Triggers of the database keep both rules,
too. The policy is one person's decision, with reason and name on record.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from arien_flows.casebook.current import choose_all, choose_current
from arien_flows.casebook.evidence import EvidenceKind, record
from arien_flows.casebook.evidence_acts import CURRENT_TAGS
from arien_flows.casebook.evidence_rows import rows_of
from arien_flows.casebook.imports import read_import
from arien_flows.casebook.models import tag_imports, tag_policies, tag_reviews, tags
from arien_flows.casebook.records import NOBODY, SERVICE, Review, TagImport, TagPolicy
from arien_flows.casebook.rows import next_number
from arien_flows.casebook.verdicts import APPROVED
from arien_flows.errors import InputError, NotFoundError


def review(
    connection: Connection,
    number: int,
    *,
    row: int | None,
    verdict: str,
    reason: str,
    now: datetime,
    by: str,
) -> TagImport:
    """Add a review of an import or of one of its tags."""
    found = read_import(connection, number)
    if found.withdrawal is not None:
        raise InputError(f"import {number} was withdrawn: {found.withdrawal.reason}")
    if verdict == APPROVED:
        _check_two_people(found, by)
    if row is not None and not _has_tag(connection, number, row):
        raise NotFoundError(f"import {number} has no tag {row}: `tags show {number}` lists them")
    place = next_number(connection, tag_reviews)
    connection.execute(
        insert(tag_reviews).values(
            id=place,
            import_id=number,
            row=row,
            verdict=verdict,
            reason=reason,
            after_import=_last_import(connection),
            reviewed_at=now,
            reviewed_by=by,
        )
    )
    choose_current(connection, number, row)
    record(
        connection,
        EvidenceKind.REVIEW,
        {
            "import": number,
            "row": row,
            "document_sha256": found.document_sha256,
            "verdict": verdict,
            "reason": reason,
        },
        at=now,
        by=by,
        rows=[rows_of(tag_reviews, id=place)],
        state=[CURRENT_TAGS],
    )
    return read_import(connection, number)


def set_policy(
    connection: Connection, *, counts_proposed: bool, reason: str, now: datetime, by: str
) -> None:
    """Decide whether tags count that nobody has approved."""
    place = next_number(connection, tag_policies)
    connection.execute(
        insert(tag_policies).values(
            id=place,
            counts_proposed=counts_proposed,
            reason=reason,
            after_import=_last_import(connection),
            set_at=now,
            set_by=by,
        )
    )
    choose_all(connection)
    record(
        connection,
        EvidenceKind.REVIEW,
        {"counts_proposed": counts_proposed, "reason": reason},
        at=now,
        by=by,
        rows=[rows_of(tag_policies, id=place)],
        state=[CURRENT_TAGS],
    )


def reviews_of(connection: Connection, number: int | None = None) -> list[Review]:
    """Return the reviews of an import and its tags, or of all, in the order of their making."""
    wanted = select(tag_reviews).order_by(tag_reviews.c.id)
    if number is not None:
        wanted = wanted.where(tag_reviews.c.import_id == number)
    return [
        Review(
            import_id=row.import_id,
            row=row.row,
            verdict=row.verdict,
            reason=row.reason,
            after_import=row.after_import,
            reviewed_at=row.reviewed_at,
            reviewed_by=row.reviewed_by,
        )
        for row in connection.execute(wanted)
    ]


def policies(connection: Connection) -> Sequence[TagPolicy]:
    """Return all decisions about proposed tags, the one in force last."""
    return [
        TagPolicy(
            counts_proposed=row.counts_proposed,
            reason=row.reason,
            after_import=row.after_import,
            set_at=row.set_at,
            set_by=row.set_by,
        )
        for row in connection.execute(select(tag_policies).order_by(tag_policies.c.id))
    ]


def _check_two_people(found: TagImport, by: str) -> None:
    if found.imported_by in NOBODY:
        made = "by the service" if found.imported_by == SERVICE else "under no user's name"
        raise InputError(
            f"import {found.id} was made {made}, so that nobody can tell whether another person "
            f"approves it: withdraw it, and import its document under a name (`arien-flows tags "
            f"import` or `listings import`)"
        )
    if by in NOBODY:
        raise InputError("who approves needs a name: the computer knows none of this user")
    if by == found.imported_by:
        raise InputError(
            f"import {found.id} was made by {by}, too: somebody else has to approve it (four eyes)"
        )


def _has_tag(connection: Connection, number: int, row: int) -> bool:
    wanted = select(tags.c.id).where(tags.c.import_id == number, tags.c.row == row)
    return connection.execute(wanted).first() is not None


def _last_import(connection: Connection) -> int:
    return int(connection.execute(select(func.max(tag_imports.c.id))).scalar() or 0)
