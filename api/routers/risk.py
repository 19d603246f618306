"""Risk: a score with its explanation, for an address or an entity."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api.deps import AddressPath, NetworkDep, ProfileQuery, SettingsDep, answer, problems
from api.routers.exposure import allowed_budget
from arien_flows.answers.risk import risk_answer
from arien_flows.answers.risk_shapes import RiskAnswer
from arien_flows.exposure.request import MAX_BUDGET
from arien_flows.settings import Settings
from arien_flows.workspace import OpenNetwork

router = APIRouter(prefix="/v1/{network}", tags=["risk"])

BudgetQuery = Annotated[
    int | None,
    Query(
        ge=1,
        le=MAX_BUDGET,
        description="Transactions that the exposure in one direction may go through; by default "
        "and at most what the service allows.",
    ),
]

PROBLEMS = problems(
    _404="No ledger, no such address, or no clustering of the ledger yet.",
    _422="The text is not an address of the network, or the budget is too large.",
)


@router.get(
    "/addresses/{address}/risk",
    operation_id="read_address_risk",
    summary="Score the risk of an address",
    response_model=RiskAnswer,
    responses=PROBLEMS,
)
def read_address_risk(
    address: AddressPath,
    network: NetworkDep,
    settings: SettingsDep,
    profile: ProfileQuery = "strict",
    budget: BudgetQuery = None,
) -> Response:
    """Return the score by the standard policy, and every point with what it rests on."""
    return _answered(network, settings, address, profile, budget)


@router.get(
    "/entities/{address}/risk",
    operation_id="read_entity_risk",
    summary="Score the risk of an entity",
    response_model=RiskAnswer,
    responses=PROBLEMS,
)
def read_entity_risk(
    address: AddressPath,
    network: NetworkDep,
    settings: SettingsDep,
    profile: ProfileQuery = "strict",
    budget: BudgetQuery = None,
) -> Response:
    """Return the score of all addresses of an entity together, named by any of them."""
    return _answered(network, settings, f"entity:{address}", profile, budget)


def _answered(
    network: OpenNetwork, settings: Settings, subject: str, profile: str, asked: int | None
) -> Response:
    budget = allowed_budget(asked, settings)
    return answer(
        network.ask(lambda reading: risk_answer(reading, subject, budget=budget), profile)
    )
