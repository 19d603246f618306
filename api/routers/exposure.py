"""Exposure: whose money somebody received, and who received theirs: one owner, or a set of them."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api.callers import allow
from api.deps import AddressPath, AnyNetworkDep, SettingsDep, answer, problems
from arien_flows.access.permissions import Permission
from arien_flows.account_workspace import OpenAccounts
from arien_flows.answers.account_exposure import (
    AccountExposureAnswer,
    account_exposure_answer,
)
from arien_flows.answers.exposure import exposure_answer
from arien_flows.answers.exposure_shapes import ExposureAnswer
from arien_flows.errors import InputError
from arien_flows.exposure.accounts import AccountExposureRequest
from arien_flows.exposure.request import (
    DEFAULT_FAN_OUT_OUTPUTS,
    DEFAULT_FAN_OUT_PERCENT,
    DEFAULT_HOPS,
    LEAST_CONFIDENCE,
    MAX_BUDGET,
    MAX_SUBJECTS,
    DirectionName,
    ExposureRequest,
)
from arien_flows.settings import Settings
from arien_flows.tracing.request import MAX_DAYS
from arien_flows.workspace import OpenNetwork
from heuristics.exposure_terms import MOST_HOPS

router = APIRouter(
    prefix="/v1/{network}", tags=["exposure"], dependencies=[allow(Permission.READ_CHAIN)]
)

PROBLEMS = problems(
    _404="No ledger, or no such address.",
    _422="The text is not an address of the network, or a parameter is out of its range.",
)


class ExposureLimits(BaseModel):
    """What an exposure is asked with, besides whose it is."""

    model_config = ConfigDict(use_attribute_docstrings=True, frozen=True)

    profile: Literal["strict", "standard", "wide"] = "strict"
    """Whose entities: each profile has to be run first. `wide` guesses much: use it to explore,
    never for a report."""

    asset: Annotated[str | None, Field(max_length=100)] = None
    """On a chain of accounts: the coin's name (the default), the symbol of a listed token, or a
    token's contract."""

    direction: Literal["in", "out", "both"] = "both"
    """Where money came from, where it went, or both."""

    since: datetime | None = None
    """What moved before this is not counted; with a time zone."""

    until: datetime | None = None
    """What moved after this is not counted; with a time zone."""

    horizon_days: Annotated[int | None, Field(ge=1, le=MAX_DAYS)] = None
    """How long before (out: after) what is counted money is followed; by default without end."""

    max_hops: Annotated[int, Field(ge=1, le=MOST_HOPS)] = DEFAULT_HOPS
    """Entities up to the named owner, who is counted; on a chain of accounts transfers."""

    min_value: Annotated[str | None, Field(pattern=r"^[0-9]{1,78}$", max_length=78)] = None
    """Smallest amount followed, in base units; by default as small as the budget allows."""

    budget: Annotated[int | None, Field(ge=1, le=MAX_BUDGET)] = None
    """Transactions that may be gone through in one direction, or movements of accounts; by default
    and at most what the service allows."""

    min_confidence: Annotated[int, Field(ge=0, le=100)] = LEAST_CONFIDENCE
    """Confidence from which a tag names an owner."""

    fan_out_outputs: Annotated[int, Field(ge=1, le=2**31)] = DEFAULT_FAN_OUT_OUTPUTS
    """Transactions with more outputs than this are payouts to many, ..."""

    fan_out_percent: Annotated[int, Field(ge=0, le=100)] = DEFAULT_FAN_OUT_PERCENT
    """... not gone through where less than this percentage of them is followed."""

    as_of: Annotated[int | None, Field(ge=0, le=2**31)] = None
    """Height of the block that is taken for the ledger's last; by default its last. Tags are
    today's."""


class ExposureBody(ExposureLimits):
    """An exposure of several owners to be found."""

    model_config = ConfigDict(extra="forbid")

    subjects: Annotated[
        list[Annotated[str, Field(max_length=25_000)]],
        Field(min_length=1, max_length=MAX_SUBJECTS),
    ]
    """Whose exposure: addresses, or `entity:ADDRESS`; several count as one."""


def allowed_budget(budget: int | None, settings: Settings) -> int:
    """Return how many transactions may be gone through; `InputError` for more than is allowed."""
    if budget is not None and budget > settings.trace_budget:
        raise InputError(
            f"the budget is {budget:,} and this service allows {settings.trace_budget:,} "
            "transactions: ask for less, raise ARIEN_TRACE_BUDGET, or use the command line"
        )
    return settings.trace_budget if budget is None else budget


LimitsQuery = Annotated[ExposureLimits, Query()]


@router.get(
    "/addresses/{address}/exposure",
    operation_id="read_address_exposure",
    summary="Show whose money an address received, and who received its",
    response_model=ExposureAnswer | AccountExposureAnswer,
    responses=PROBLEMS,
)
def read_address_exposure(
    address: AddressPath, network: AnyNetworkDep, settings: SettingsDep, limits: LimitsQuery
) -> Response:
    """Return the shares of the first named owners that the money of an address meets.

    Shares and rest sum to the total exactly; what is direct is complete whatever the limits.
    """
    return _answered(network, settings, (address,), limits)


@router.get(
    "/entities/{address}/exposure",
    operation_id="read_entity_exposure",
    summary="Show whose money an entity received, and who received its",
    response_model=ExposureAnswer | AccountExposureAnswer,
    responses=PROBLEMS,
)
def read_entity_exposure(
    address: AddressPath, network: AnyNetworkDep, settings: SettingsDep, limits: LimitsQuery
) -> Response:
    """Return the same of all addresses of an entity, named by any of them."""
    return _answered(network, settings, (f"entity:{address}",), limits)


@router.post(
    "/exposures",
    operation_id="find_exposure",
    summary="Show whose money several owners together received, and who received theirs",
    response_model=ExposureAnswer | AccountExposureAnswer,
    responses=problems(
        _404="No ledger, or it does not hold an address.",
        _413="The body is too long.",
        _422="The request cannot be answered as it was put.",
    ),
)
def find_exposure(body: ExposureBody, network: AnyNetworkDep, settings: SettingsDep) -> Response:
    """Return the exposure of addresses and entities that count as one subject.

    What they paid to each other stays inside. One subject has a route of its own.
    """
    return _answered(network, settings, tuple(body.subjects), body)


def _answered(
    network: OpenNetwork | OpenAccounts,
    settings: Settings,
    subjects: tuple[str, ...],
    limits: ExposureLimits,
) -> Response:
    directions: tuple[DirectionName, ...] = (
        ("in", "out") if limits.direction == "both" else (limits.direction,)
    )
    if isinstance(network, OpenAccounts):
        return _answered_of_accounts(network, settings, subjects, directions, limits)
    if limits.asset is not None:
        raise InputError("`asset` is for chains of accounts: leave it out")
    requests = [
        ExposureRequest(
            subjects=subjects,
            direction=direction,
            since=limits.since,
            until=limits.until,
            horizon_days=limits.horizon_days,
            max_hops=limits.max_hops,
            min_value_sat=None if limits.min_value is None else int(limits.min_value),
            budget=allowed_budget(limits.budget, settings),
            min_confidence=limits.min_confidence,
            fan_out_outputs=limits.fan_out_outputs,
            fan_out_percent=limits.fan_out_percent,
        )
        for direction in directions
    ]
    return answer(
        network.ask(
            lambda reading: exposure_answer(reading, requests),
            limits.profile,
            limits.as_of,
            # Joining addresses anew as of an earlier block is no work for a service.
            clusters_anew=False,
        )
    )


def _answered_of_accounts(
    network: OpenAccounts,
    settings: Settings,
    subjects: tuple[str, ...],
    directions: tuple[DirectionName, ...],
    limits: ExposureLimits,
) -> Response:
    requests = [
        AccountExposureRequest(
            subjects=subjects,
            direction=direction,
            asset=limits.asset,
            since=limits.since,
            until=limits.until,
            horizon_days=limits.horizon_days,
            max_hops=limits.max_hops,
            min_value=None if limits.min_value is None else int(limits.min_value),
            budget=allowed_budget(limits.budget, settings),
            min_confidence=limits.min_confidence,
            fan_out=limits.fan_out_outputs,
            fan_out_percent=limits.fan_out_percent,
        )
        for direction in directions
    ]
    return answer(
        network.ask(
            lambda reading: account_exposure_answer(reading, requests),
            limits.profile,
            limits.as_of,
        )
    )
