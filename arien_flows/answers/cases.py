"""Cases as folders: what they are for, who works on them, when they end, and what was done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from arien_flows.access.cases import CaseRole
from arien_flows.casebook.case_records import GONE, Case, CaseAct, Member, Review
from arien_flows.shapes import Shape

Label = Literal["clear", "green", "amber", "amber+strict", "red"]
State = Literal["open", "closed", "erasing", "erased"]
Part = Literal["lead", "member", "reader"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Shape):
    """What every part of a case says of itself."""

    id: str
    """Its name; names sort by the time of their making."""

    version: int
    """Counts the changes. The `ETag` holds it, and a change names it in `If-Match`."""

    made_at: datetime
    """When it was made."""

    made_by: str
    """By whom."""

    changed_at: datetime
    """When it was changed last."""

    changed_by: str
    """By whom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseAnswer(Item):
    """A case. Of an erased one the words are gone; its id, its dates and its acts stay."""

    number: str | None
    """The authority's own reference; nothing once it is erased."""

    number_sha256: str
    """SHA-256 of the number in UTF-8: who knows the number finds an erased case by it."""

    title: str | None
    """What it is called."""

    legal_basis: str | None
    """The provision that lets the data be processed."""

    authority: str | None
    """Which authority is responsible."""

    purpose: str | None
    """What the data is processed for."""

    tlp: Label
    """Its label; who is cleared for less does not see it, members included."""

    state: State
    """`closed`: nothing can be added. `erasing`: hidden, and being erased."""

    review_by: date
    """The day by which somebody has to see whether it is still needed."""

    is_due: bool
    """Whether that day, or the one of its erasure, has passed."""

    erase_after: date | None
    """The day after which it is erased by itself."""

    role: Part
    """What you may do in it."""

    erasure_reason: str | None
    """Why it was erased, in the words of who did it."""

    erased_at: datetime | None
    """When nothing was left of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePage(Shape):
    """A page of cases."""

    items: tuple[CaseAnswer, ...]
    """Cases that you see, the newest first."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberAnswer(Shape):
    """Somebody who works on a case."""

    person: str
    """The name of his or her account."""

    role: Part
    """`lead`: everything, and name members. `member`: change the content. `reader`: look."""

    made_at: datetime
    """Since when."""

    made_by: str
    """Who said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberList(Shape):
    """The members of a case."""

    items: tuple[MemberAnswer, ...]
    """By their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewOfCase(Shape):
    """A finding that a case is still needed."""

    id: str
    """Its name."""

    finding: str
    """Why it is still needed."""

    next_review_by: date
    """The day by which somebody has to look again."""

    made_at: datetime
    """When it was found."""

    made_by: str
    """By whom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPage(Shape):
    """A page of reviews of a case."""

    items: tuple[ReviewOfCase, ...]
    """The newest first."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseActAnswer(Shape):
    """Something that was done with a case; nobody can change that it was."""

    id: str
    """Its name."""

    kind: str
    """What was done, as `note_changed`."""

    subject: str | None
    """What it was done to: the name of an item, or of a person."""

    what: str | None
    """The fields that were changed, or the role that was given; never what they say."""

    at: datetime
    """When."""

    by: str
    """Who did it; `service` where a deadline did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseActPage(Shape):
    """A page of what was done with a case."""

    items: tuple[CaseActAnswer, ...]
    """The newest first."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


def case_answer(case: Case, role: CaseRole, *, today: date) -> CaseAnswer:
    """Return a case as somebody with a part in it sees it."""
    is_past = case.review_by < today or (case.erase_after is not None and case.erase_after < today)
    return CaseAnswer(
        id=case.id,
        version=case.written.version,
        made_at=case.written.made_at,
        made_by=case.written.made_by,
        changed_at=case.written.changed_at,
        changed_by=case.written.changed_by,
        number=case.number,
        number_sha256=case.number_sha256,
        title=case.title,
        legal_basis=case.legal_basis,
        authority=case.authority,
        purpose=case.purpose,
        tlp=case.tlp.value,
        state=case.state.value,
        review_by=case.review_by,
        is_due=is_past and case.state not in GONE,
        erase_after=case.erase_after,
        role=role.value,
        erasure_reason=case.erasure_reason,
        erased_at=case.erased_at,
    )


def cases_answer(found: Sequence[tuple[Case, CaseRole]], *, limit: int, today: date) -> CasePage:
    """Return a page of what was found; one more than the limit says that there is another."""
    items = tuple(case_answer(case, role, today=today) for case, role in found[:limit])
    return CasePage(items=items, next_cursor=cursor_of(found, items, limit))


def members_answer(members: Sequence[Member]) -> MemberList:
    """Return the members of a case."""
    return MemberList(items=tuple(member_answer(member) for member in members))


def member_answer(member: Member) -> MemberAnswer:
    """Return one member of a case."""
    return MemberAnswer(
        person=member.person,
        role=member.role.value,
        made_at=member.made_at,
        made_by=member.made_by,
    )


def review_of_case(review: Review) -> ReviewOfCase:
    """Return one review of a case."""
    return ReviewOfCase(
        id=review.id,
        finding=review.finding,
        next_review_by=review.next_review_by,
        made_at=review.made_at,
        made_by=review.made_by,
    )


def reviews_of_case(found: Sequence[Review], limit: int) -> ReviewPage:
    """Return a page of reviews."""
    items = tuple(review_of_case(review) for review in found[:limit])
    return ReviewPage(items=items, next_cursor=cursor_of(found, items, limit))


def case_acts_answer(found: Sequence[CaseAct], limit: int) -> CaseActPage:
    """Return a page of acts."""
    items = tuple(
        CaseActAnswer(
            id=act.id,
            kind=act.kind.value,
            subject=act.subject,
            what=act.what,
            at=act.at,
            by=act.by,
        )
        for act in found[:limit]
    )
    return CaseActPage(items=items, next_cursor=cursor_of(found, items, limit))


def cursor_of(
    found: Sequence[object],
    items: Sequence[CaseAnswer | ReviewOfCase | CaseActAnswer | Item],
    limit: int,
) -> str | None:
    """Return the name after which the next page begins; nothing where there is none."""
    return items[-1].id if len(found) > limit else None
