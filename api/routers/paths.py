"""Connections: the ways by which money can have gone from one end to another."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api.deps import SettingsDep, WorkspaceDep, problems
from arien_flows.answers.paths import connected
from arien_flows.errors import InputError
from arien_flows.settings import Settings
from arien_flows.tracing.answer import canonical_json
from arien_flows.tracing.paths_answer import PathAnswer
from arien_flows.tracing.paths_request import (
    MAX_LISTED,
    MAX_PATH_BUDGET,
    MAX_PATH_HOPS,
    OrderName,
    PathRequest,
    ThroughName,
)

router = APIRouter(prefix="/v1", tags=["traces"])

End = Annotated[str, Field(max_length=25_000)]

DEFAULT_BUDGET = 100_000


class PathBody(BaseModel):
    """Connections to be found."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)

    network: Annotated[str, Field(max_length=40)]
    """Name of the network."""

    origin: End
    """Where the money starts: an address (what it received from outside), `txid:vout`,
    `entity:ADDRESS`, `category:CATEGORY` or `service:LABEL`."""

    destination: End
    """Where it arrives, written the same way; an address means every coin paid to it."""

    by: OrderName = "value"
    """What comes first: the larger carried value, or fewer transactions."""

    limit: Annotated[int, Field(ge=1, le=MAX_LISTED)] = 10
    """Connections that are listed; all are counted."""

    max_hops: Annotated[int, Field(ge=1, le=MAX_PATH_HOPS)] = 12
    """Most transactions of a connection."""

    min_value: Annotated[str, Field(pattern=r"^[0-9]{1,16}$", max_length=16)] = "1"
    """Smallest coin of a connection, in base units."""

    since: datetime | None = None
    """Transactions before this are not passed, and an address or entity as origin means nothing
    that it received before; with a time zone."""

    until: datetime | None = None
    """The same of what comes after this; with a time zone."""

    budget: Annotated[int | None, Field(ge=1, le=MAX_PATH_BUDGET)] = None
    """Transactions that may be looked at; at most what the service allows, by default 100,000 or
    that."""

    through: Annotated[list[ThroughName], Field(max_length=2)] = []
    """What connections may run through that they otherwise end at."""

    as_of: Annotated[int | None, Field(ge=0, le=2**31)] = None
    """Height of the block that is taken for the ledger's last; by default its last. Tags are
    today's."""


@router.post(
    "/paths",
    operation_id="find_paths",
    summary="Find connections between two ends",
    response_model=PathAnswer,
    responses=problems(
        _404="The network has no ledger here, it does not hold an end, or no source names it.",
        _413="The body is too long.",
        _422="The request cannot be answered as it was put.",
    ),
)
def make_paths(body: PathBody, workspace: WorkspaceDep, settings: SettingsDep) -> Response:
    """Return the connections, their number, and what each policy says arrived over them.

    No path within the limits is an answer too. The same ledger and the same request give the same
    bytes.
    """
    request = _request(body, settings)
    network = workspace.open(body.network)
    answer = network.ask(
        lambda reading: connected(reading, request), height=body.as_of, clusters_anew=False
    )
    headers = {"ETag": f'"{answer.manifest.result_sha256}"'}
    return Response(canonical_json(answer), headers=headers, media_type="application/json")


def _request(body: PathBody, settings: Settings) -> PathRequest:
    most = min(settings.trace_budget, MAX_PATH_BUDGET)
    budget = min(DEFAULT_BUDGET, most) if body.budget is None else body.budget
    if budget > most:
        raise InputError(
            f"the budget is {budget:,} and this service allows {most:,} transactions: ask for "
            "less, raise ARIEN_TRACE_BUDGET, or use the command line"
        )
    return PathRequest(
        origin=body.origin,
        destination=body.destination,
        by=body.by,
        limit=body.limit,
        max_hops=body.max_hops,
        min_value_sat=int(body.min_value),
        since=body.since,
        until=body.until,
        budget=budget,
        through=tuple(body.through),
    )
