"""Reviews of imported tags: what one person brings in, another one approves or rejects."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api.callers import CallerDep, allow
from api.deps import Cursor, PageLimit, WorkspaceDep, answer, problems
from api.routers.tags import UNUSABLE, ImportPath
from arien_flows.access.permissions import Permission
from arien_flows.answers.tag_imports import (
    ReviewPage,
    TagImportDetail,
    import_detail,
    reviews_page,
)

router = APIRouter(prefix="/v1/tags/imports/{number}/reviews", tags=["tags"])

REFUSED = UNUSABLE | problems(_401="Who asks is not known.", _403="Your role may not do this.")


class ReviewBody(BaseModel):
    """What was found of an import, or of one of its tags."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)

    verdict: Literal["approved", "rejected"]
    """What was found; rejected tags do not speak."""

    reason: Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"\S")]
    """In your own words; it is kept."""

    row: Annotated[int | None, Field(ge=1, le=2**31 - 1)] = None
    """Place of a tag in the document's list; by default the import as a whole."""


@router.get(
    "",
    operation_id="list_tag_reviews",
    summary="List the reviews of an import and its tags",
    dependencies=[allow(Permission.READ_TAGS)],
    response_model=ReviewPage,
    responses=REFUSED
    | problems(_404="There is no import of that number.", _422="The cursor is not valid."),
)
def list_tag_reviews(
    number: ImportPath, workspace: WorkspaceDep, limit: PageLimit, cursor: Cursor = None
) -> Response:
    """Return a page of reviews, the first one first: the last one of a tag or import counts."""
    page = reviews_page(workspace.casebook, number, limit=limit, cursor=cursor)
    response = answer(page)
    if page.next_cursor is not None:
        response.headers["Link"] = f'<?limit={limit}&cursor={page.next_cursor}>; rel="next"'
    return response


@router.post(
    "",
    operation_id="review_tag_import",
    summary="Approve or reject an import, or one of its tags",
    dependencies=[allow(Permission.APPROVE_TAGS)],
    status_code=201,
    response_model=TagImportDetail,
    responses=REFUSED
    | problems(
        _404="There is no such import or tag.",
        _413="The body is too long.",
        _422="You made the import yourself (four eyes), it was withdrawn, or no reason is given.",
    ),
)
def review_tag_import(
    number: ImportPath, body: ReviewBody, workspace: WorkspaceDep, caller: CallerDep
) -> Response:
    """Return the import with all its reviews. Nothing is deleted, and a later review counts."""
    casebook = workspace.casebook
    casebook.read_import(number)
    casebook.lists.review(
        number,
        row=body.row,
        verdict=body.verdict,
        reason=body.reason.strip(),
        now=datetime.now(UTC),
        by=caller.name,
    )
    return answer(import_detail(casebook, number), 201)
