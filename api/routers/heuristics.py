"""The rules behind inferences, with what was measured of their errors."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api.callers import allow
from api.deps import answer, problems
from arien_flows.access.permissions import Permission
from arien_flows.answers.categories import CategoryList, categories_answer
from arien_flows.answers.rules import RuleList, rules_answer

router = APIRouter(
    prefix="/v1",
    tags=["heuristics"],
    dependencies=[allow(Permission.READ_CHAIN, is_about_subjects=False)],
)


@router.get(
    "/heuristics",
    operation_id="list_rules",
    summary="List the rules, what they assume and how often they were wrong",
    response_model=RuleList,
    responses=problems(_404="No rule has that name.", _422="The name is too long."),
)
def list_rules(
    rule: Annotated[
        str | None, Query(max_length=64, description="Only the rule of this name.")
    ] = None,
) -> Response:
    """Return what each rule assumes, when it fails, where it comes from, and its error rates.

    A rate names its population. What was measured on simulated chains is no error rate.
    """
    return answer(rules_answer(rule))


@router.get(
    "/heuristics/categories",
    operation_id="list_categories",
    summary="List the risk categories, what makes each, and what others call it",
    response_model=CategoryList,
    responses=problems(_422="No category has that name, or it is too long."),
)
def list_categories(
    category: Annotated[
        str | None, Query(max_length=64, description="Only the category of this name.")
    ] = None,
) -> Response:
    """Return the map from what tags say to risk categories, the most severe first.

    The names of others help to compare answers; they are no promise of the same meaning.
    """
    return answer(categories_answer(category))
