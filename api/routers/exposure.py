"""Exposure: whose money an address or an entity received, and who received theirs."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from api.deps import AddressPath, NetworkDep, ProfileQuery, SettingsDep, answer, problems
from arien_flows.answers.exposure import exposure_answer
from arien_flows.answers.exposure_shapes import ExposureAnswer
from arien_flows.errors import InputError
from arien_flows.exposure.request import (
    DEFAULT_HOPS,
    LEAST_CONFIDENCE,
    MAX_BUDGET,
    DirectionName,
    ExposureRequest,
)
from arien_flows.settings import Settings
from arien_flows.tracing.request import MAX_DAYS
from arien_flows.workspace import OpenNetwork
from heuristics.exposure_terms import MOST_HOPS

router = APIRouter(prefix="/v1/{network}", tags=["exposure"])

PROBLEMS = problems(
    _404="No ledger, or no such address.",
    _422="The text is not an address of the network, or a parameter is out of its range.",
)


class Limits:
    """What an exposure is asked with, besides whose it is."""

    def __init__(
        self,
        settings: SettingsDep,
        direction: Annotated[
            Literal["in", "out", "both"],
            Query(description="Where money came from, where it went, or both."),
        ] = "both",
        since: Annotated[
            datetime | None,
            Query(description="What moved before this is not counted; with a time zone."),
        ] = None,
        until: Annotated[
            datetime | None,
            Query(description="What moved after this is not counted; with a time zone."),
        ] = None,
        horizon_days: Annotated[
            int | None,
            Query(
                ge=1,
                le=MAX_DAYS,
                description="How long before (out: after) what is counted money is followed.",
            ),
        ] = None,
        max_hops: Annotated[
            int,
            Query(ge=1, le=MOST_HOPS, description="Entities up to the named owner."),
        ] = DEFAULT_HOPS,
        min_value: Annotated[
            str | None,
            Query(
                pattern=r"^[0-9]{1,16}$",
                max_length=16,
                description="Smallest amount followed, in base units; by default as small as the "
                "budget allows.",
            ),
        ] = None,
        budget: Annotated[
            int | None,
            Query(
                ge=1,
                le=MAX_BUDGET,
                description="Transactions that may be gone through in one direction; by default "
                "and at most what the service allows.",
            ),
        ] = None,
        min_confidence: Annotated[
            int,
            Query(ge=0, le=100, description="Confidence from which a tag names an owner."),
        ] = LEAST_CONFIDENCE,
    ) -> None:
        """Take the parameters of a request."""
        self.directions: tuple[DirectionName, ...] = (
            ("in", "out") if direction == "both" else (direction,)
        )
        self.since, self.until, self.horizon_days = since, until, horizon_days
        self.max_hops, self.min_confidence = max_hops, min_confidence
        self.min_value_sat = None if min_value is None else int(min_value)
        self.budget = allowed_budget(budget, settings)

    def of(self, subject: str) -> list[ExposureRequest]:
        """Return the requests about a subject, one for each direction."""
        return [
            ExposureRequest(
                subjects=(subject,),
                direction=direction,
                since=self.since,
                until=self.until,
                horizon_days=self.horizon_days,
                max_hops=self.max_hops,
                min_value_sat=self.min_value_sat,
                budget=self.budget,
                min_confidence=self.min_confidence,
            )
            for direction in self.directions
        ]


def allowed_budget(budget: int | None, settings: Settings) -> int:
    """Return how many transactions may be gone through; `InputError` for more than is allowed."""
    if budget is not None and budget > settings.trace_budget:
        raise InputError(
            f"the budget is {budget:,} and this service allows {settings.trace_budget:,} "
            "transactions: ask for less, raise ARIEN_TRACE_BUDGET, or use the command line"
        )
    return settings.trace_budget if budget is None else budget


LimitsDep = Annotated[Limits, Depends(Limits)]


@router.get(
    "/addresses/{address}/exposure",
    operation_id="read_address_exposure",
    summary="Show whose money an address received, and who received its",
    response_model=ExposureAnswer,
    responses=PROBLEMS,
)
def read_address_exposure(
    address: AddressPath, network: NetworkDep, limits: LimitsDep, profile: ProfileQuery = "strict"
) -> Response:
    """Return the shares of the first named owners that the money of an address meets.

    Shares and rest sum to the total exactly; what is direct is complete whatever the limits.
    """
    return _asked(network, limits, address, profile)


@router.get(
    "/entities/{address}/exposure",
    operation_id="read_entity_exposure",
    summary="Show whose money an entity received, and who received its",
    response_model=ExposureAnswer,
    responses=PROBLEMS,
)
def read_entity_exposure(
    address: AddressPath, network: NetworkDep, limits: LimitsDep, profile: ProfileQuery = "strict"
) -> Response:
    """Return the same of all addresses of an entity, named by any of them."""
    return _asked(network, limits, f"entity:{address}", profile)


def _asked(network: OpenNetwork, limits: Limits, subject: str, profile: str) -> Response:
    requests = limits.of(subject)
    return answer(network.ask(lambda reading: exposure_answer(reading, requests), profile))
