"""Risk: a score with its explanation, for an address or an entity."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api.callers import allow
from api.deps import AddressPath, AnyNetworkDep, ProfileQuery, SettingsDep, answer, problems
from api.routers.exposure import allowed_budget
from arien_flows.access.permissions import Permission
from arien_flows.account_workspace import OpenAccounts
from arien_flows.answers.account_risk import AccountRiskAnswer, account_risk_answer
from arien_flows.answers.risk import risk_answer
from arien_flows.answers.risk_shapes import RiskAnswer
from arien_flows.errors import InputError
from arien_flows.exposure.request import MAX_BUDGET
from arien_flows.settings import Settings
from arien_flows.workspace import OpenNetwork

router = APIRouter(
    prefix="/v1/{network}", tags=["risk"], dependencies=[allow(Permission.READ_CHAIN)]
)

BudgetQuery = Annotated[
    int | None,
    Query(
        ge=1,
        le=MAX_BUDGET,
        description="Transactions that the exposure in one direction may go through; by default "
        "and at most what the service allows.",
    ),
]

AssetQuery = Annotated[
    str | None,
    Query(
        max_length=100,
        description="On a chain of accounts: the coin's name (the default), the symbol of a listed "
        "token, or a token's contract.",
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
    response_model=RiskAnswer | AccountRiskAnswer,
    responses=PROBLEMS,
)
def read_address_risk(
    address: AddressPath,
    network: AnyNetworkDep,
    settings: SettingsDep,
    profile: ProfileQuery = "strict",
    budget: BudgetQuery = None,
    asset: AssetQuery = None,
) -> Response:
    """Return the score by the standard policy, and every point with what it rests on."""
    return _answered(network, settings, address, profile, budget, asset)


@router.get(
    "/entities/{address}/risk",
    operation_id="read_entity_risk",
    summary="Score the risk of an entity",
    response_model=RiskAnswer | AccountRiskAnswer,
    responses=PROBLEMS,
)
def read_entity_risk(
    address: AddressPath,
    network: AnyNetworkDep,
    settings: SettingsDep,
    profile: ProfileQuery = "strict",
    budget: BudgetQuery = None,
    asset: AssetQuery = None,
) -> Response:
    """Return the score of all addresses of an entity together, named by any of them."""
    return _answered(network, settings, f"entity:{address}", profile, budget, asset)


def _answered(
    network: OpenNetwork | OpenAccounts,
    settings: Settings,
    subject: str,
    profile: str,
    asked: int | None,
    asset: str | None,
) -> Response:
    budget = allowed_budget(asked, settings)
    if isinstance(network, OpenAccounts):
        return answer(
            network.ask(
                lambda reading: account_risk_answer(reading, subject, asset=asset, budget=budget),
                profile,
            )
        )
    if asset is not None:
        raise InputError("`asset` is for chains of accounts: leave it out")
    return answer(
        network.ask(lambda reading: risk_answer(reading, subject, budget=budget), profile)
    )
