"""Connections: the ways by which money can have gone from one end to another."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api.callers import allow
from api.deps import SettingsDep, WorkspaceDep, answer, problems
from arien_flows.access.permissions import Permission
from arien_flows.account_tracing.paths_answer import AccountPathAnswer
from arien_flows.account_tracing.paths_request import AccountPathRequest
from arien_flows.account_workspace import OpenAccounts
from arien_flows.answers.account_paths import connected_accounts
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

router = APIRouter(prefix="/v1", tags=["traces"], dependencies=[allow(Permission.TRACE)])

End = Annotated[str, Field(max_length=25_000)]

DEFAULT_BUDGET = 100_000
HOPS = 12
ACCOUNT_HOPS = 8
MOST_DIGITS = 16
"""Of an amount of satoshi."""


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

    asset: Annotated[str | None, Field(max_length=100)] = None
    """On a chain of accounts what the origin gave: the coin, the symbol of a main token, or a
    token's contract; by default anything."""

    by: OrderName = "value"
    """What comes first: the larger carried value, or fewer transactions."""

    limit: Annotated[int, Field(ge=1, le=MAX_LISTED)] = 10
    """Connections that are listed; all are counted."""

    max_hops: Annotated[int | None, Field(ge=1, le=MAX_PATH_HOPS)] = None
    """Most transactions of a connection, by default 12; on a chain of accounts most transfers, by
    default 8."""

    min_value: Annotated[str, Field(pattern=r"^[0-9]{1,78}$", max_length=78)] = "1"
    """Smallest coin of a connection, in base units; on a chain of accounts the smallest part of
    what the origin gave, counted in `asset`."""

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
    response_model=PathAnswer | AccountPathAnswer,
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
    network = workspace.open_any(body.network)
    if isinstance(network, OpenAccounts):
        return _on_accounts(body, network, settings)
    request = _request(body, settings)
    found = network.ask(
        lambda reading: connected(reading, request), height=body.as_of, clusters_anew=False
    )
    headers = {"ETag": f'"{found.manifest.result_sha256}"'}
    return Response(canonical_json(found), headers=headers, media_type="application/json")


def _on_accounts(body: PathBody, network: OpenAccounts, settings: Settings) -> Response:
    request = AccountPathRequest(
        origin=body.origin,
        destination=body.destination,
        asset=body.asset,
        by=body.by,
        limit=body.limit,
        max_hops=ACCOUNT_HOPS if body.max_hops is None else body.max_hops,
        min_value=int(body.min_value),
        since=body.since,
        until=body.until,
        budget=_budget(body, settings),
        through=tuple(body.through),
    )
    return answer(
        network.ask(lambda reading: connected_accounts(reading, request), height=body.as_of)
    )


def _budget(body: PathBody, settings: Settings) -> int:
    most = min(settings.trace_budget, MAX_PATH_BUDGET)
    budget = min(DEFAULT_BUDGET, most) if body.budget is None else body.budget
    if budget > most:
        raise InputError(
            f"the budget is {budget:,} and this service allows {most:,} transactions: ask for "
            "less, raise ARIEN_TRACE_BUDGET, or use the command line"
        )
    return budget


def _request(body: PathBody, settings: Settings) -> PathRequest:
    if body.asset is not None:
        raise InputError("`asset` is for chains of accounts: leave it out")
    if len(body.min_value) > MOST_DIGITS:
        raise InputError(f"min_value has more than {MOST_DIGITS} digits: no coin is worth that")
    return PathRequest(
        origin=body.origin,
        destination=body.destination,
        by=body.by,
        limit=body.limit,
        max_hops=HOPS if body.max_hops is None else body.max_hops,
        min_value_sat=int(body.min_value),
        since=body.since,
        until=body.until,
        budget=_budget(body, settings),
        through=tuple(body.through),
    )
