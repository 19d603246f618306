"""What the routes of cases have in common."""

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api.callers import caller_of
from api.deps import answer, problems
from api.etags import entity_tag
from api.visibility import require_case
from arien_flows.access.cases import CaseRole
from arien_flows.access.permissions import Permission
from arien_flows.answers.cases import Item
from arien_flows.errors import ForbiddenError

NAME = r"^[a-z]{2,12}_[0-9a-z]{26}$"
"""What a name of ours looks like."""


def _named(what: str, kind: str) -> object:
    example = f"{kind}_01m856nn0b4q4gdpy405spg19n"
    return Path(description=f"Name of the {what}.", pattern=NAME, max_length=40, examples=[example])


CasePath = Annotated[str, _named("case", "case")]
ItemPath = Annotated[str, _named("item", "item")]
NotePath = Annotated[str, _named("note", "note")]
FilePath = Annotated[str, _named("file", "file")]
ResultPath = Annotated[str, _named("result", "result")]
SignalPath = Annotated[str, _named("signal", "signal")]
NameCursor = Annotated[
    str | None,
    Query(description="`next_cursor` of the last page.", max_length=40, pattern=NAME),
]

Line = Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]
Text = Annotated[str, Field(min_length=1, max_length=100_000, pattern=r"\S")]
Remark = Annotated[str, Field(max_length=5_000)]

UNSEEN = problems(_404="There is no such case, or it is not yours to see.")
UNSEEN_PART = problems(_404="There is no such case or part of it, or it is not yours to see.")
CHANGING = problems(
    _403="You may read the case and not change it.",
    _409="The case is closed or erased.",
    _422="A field is not valid; the answer names it.",
)
CONDITIONAL = problems(
    _412="Somebody else changed it meanwhile: read it again.",
    _428="`If-Match` is missing: it says which version is changed.",
)


class Body(BaseModel):
    """What a request says."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)


def now() -> datetime:
    """Return the moment of a change."""
    return datetime.now(UTC)


def today() -> date:
    """Return the day by which deadlines are judged, which is UTC's."""
    return now().date()


def item_response(item: Item, status: int = 200, *, tag: str | None = None) -> Response:
    """Return an item with its version as its `ETag`."""
    response = answer(item, status)
    response.headers["ETag"] = entity_tag(tag or str(item.version))
    return response


def require_lead(
    request: Request, case_id: str, instead: Permission = Permission.ASSIGN_CASES
) -> CaseRole:
    """Return the caller's part in a case that he or she leads, or may deal with by a permission.

    `NotFoundError` where it must not be known, `ForbiddenError` for anybody else.
    """
    role = require_case(request, case_id, changes=False)
    if role is not CaseRole.LEAD and not caller_of(request).may(instead):
        raise ForbiddenError(f"only who leads {case_id} may do this, or a supervisor: ask them")
    return role
