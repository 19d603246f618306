"""What the reviews of tags come to: each is proposed, approved or rejected.

The last review of a tag counts, and where it has none of its own the last one of its import. A tag
that nobody has reviewed is *proposed*, unless the same tag was rejected before: a rejection holds
for its key (network, subject, label, source and creator), and so for every later import that brings
the tag in again, until a review approves it there, or takes the rejection back where it was made.
So nobody gets around a rejection by a list that differs in a byte, nor by withdrawing the import
and making it again. Imports that were there when the tag was rejected are not concerned: their
versions of the tag have reviews of their own, or await them.

An approval holds for what was looked at, and for nothing else.
"""

from sqlalchemy import ColumnElement, Connection, FromClause, and_, case, func, select

from arien_flows.casebook.models import tag_imports, tag_reviews, tags

APPROVED = "approved"
PROPOSED = "proposed"
REJECTED = "rejected"


def state_of_tag() -> ColumnElement[str]:
    """Return the state of a tag of which `is_current` is settled: no rejected tag is current."""
    open_state = case(
        (tags.c.is_current, PROPOSED), (was_rejected_before(), REJECTED), else_=PROPOSED
    )
    return func.coalesce(own_verdict(), open_state)


def state_of_import() -> ColumnElement[str]:
    """Return the state of an import as a whole, whatever reviews of its tags say."""
    whole = (
        select(tag_reviews.c.verdict)
        .where(tag_reviews.c.import_id == tag_imports.c.id, tag_reviews.c.row.is_(None))
        .order_by(tag_reviews.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(whole, PROPOSED)


def own_verdict() -> ColumnElement[str]:
    """Return what the last review of a tag, or else of its import, says; null without any."""
    own, whole = (
        select(tag_reviews.c.verdict)
        .where(tag_reviews.c.import_id == tags.c.import_id, which)
        .order_by(tag_reviews.c.id.desc())
        .limit(1)
        .scalar_subquery()
        for which in (tag_reviews.c.row == tags.c.row, tag_reviews.c.row.is_(None))
    )
    return func.coalesce(own, whole)


def was_rejected_before() -> ColumnElement[bool]:
    """Return whether the same tag was rejected before its import was made, and still is."""
    other, review = tags.alias(), tag_reviews.alias()
    approval = func.coalesce(_last_approval(), 0)
    return (
        select(review.c.id)
        .select_from(other)
        .join(review, review.c.id == _deciding(other))
        .where(
            other.c.key == tags.c.key,
            review.c.verdict == REJECTED,
            review.c.after_import < tags.c.import_id,
            review.c.id > approval,
        )
        .correlate(tags)
        .exists()
    )


def count_rejected_before(connection: Connection, number: int) -> int:
    """Return how many tags of an import do not speak because they were rejected before."""
    if connection.execute(select(tag_reviews.c.id).limit(1)).first() is None:
        return 0
    wanted = (
        select(func.count())
        .select_from(tags)
        .where(
            and_(
                tags.c.import_id == number,
                tags.c.is_current.is_(False),
                own_verdict().is_(None),
                was_rejected_before(),
            )
        )
    )
    return int(connection.execute(wanted).scalar_one())


def _last_approval() -> ColumnElement[int]:
    """Return the number of the last review that approves a tag, in whatever import."""
    other, review = tags.alias(), tag_reviews.alias()
    return (
        select(func.max(review.c.id))
        .select_from(other)
        .join(review, review.c.id == _deciding(other))
        .where(other.c.key == tags.c.key, review.c.verdict == APPROVED)
        .correlate(tags)
        .scalar_subquery()
    )


def _deciding(tag: FromClause) -> ColumnElement[int]:
    """Return the number of the review that a tag's state follows from; null without any."""
    own, whole = (
        select(func.max(tag_reviews.c.id))
        .where(tag_reviews.c.import_id == tag.c.import_id, which)
        .correlate(tag)
        .scalar_subquery()
        for which in (tag_reviews.c.row == tag.c.row, tag_reviews.c.row.is_(None))
    )
    return func.coalesce(own, whole)
