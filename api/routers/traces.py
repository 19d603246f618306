"""Traces: where money went or came from, at once within a bound, or as a job."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from api.callers import CallerDep, act_of, allow, note_subjects
from api.deps import SettingsDep, WorkspaceDep, problems
from api.etags import entity_tag
from api.routers.job_results import accepted, result_file
from api.routers.job_watching import watch_of
from api.routers.preferences import PREFER, preferences_of
from api.visibility import no_such, require_seen
from arien_flows.access.ids import new_id
from arien_flows.access.permissions import Permission
from arien_flows.account_tracing.answer import AccountTraceAnswer
from arien_flows.account_tracing.request import AccountTraceRequest, GasOrderName
from arien_flows.account_workspace import OpenAccounts
from arien_flows.answers.jobs import JobAnswer, result_path
from arien_flows.casebook.job_records import Job, JobState
from arien_flows.errors import InputError, NotFoundError
from arien_flows.jobs.trace_job import KIND, TRACE
from arien_flows.jobs.trace_order import TraceOrder, trace_made
from arien_flows.settings import Settings
from arien_flows.tracing.answer import TraceAnswer
from arien_flows.tracing.request import (
    FURTHEST_PIN,
    MAX_BUDGET,
    MAX_DAYS,
    MAX_DEMIX_DEPTH,
    MAX_EXPANDED,
    MAX_GRAPH_NODES,
    MAX_HOPS,
    MAX_PINS,
    MAX_SECONDS,
    MAX_SOURCES,
    DemixName,
    DirectionName,
    FeeMode,
    LevelName,
    PolicyName,
    SubsidyOrder,
    TraceRequest,
)
from arien_flows.workspace import Workspace

router = APIRouter(prefix="/v1", tags=["traces"])

Source = Annotated[str, Field(max_length=25_000)]
NodeId = Annotated[str, Field(max_length=25_100)]
PinPlace = Annotated[int, Field(ge=-FURTHEST_PIN, le=FURTHEST_PIN)]


class TraceBody(BaseModel):
    """A trace to be made."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)

    network: Annotated[str, Field(max_length=40)]
    """Name of the network."""

    sources: Annotated[list[Source], Field(min_length=1, max_length=MAX_SOURCES)]
    """Addresses (what they received from outside), `txid:vout` (on a chain of accounts one
    movement, `TXHASH:POSITION`), or `entity:ADDRESS`."""

    asset: Annotated[str | None, Field(max_length=100)] = None
    """On a chain of accounts what is followed: the coin (by default), the symbol of a main token,
    or a token's contract."""

    direction: DirectionName = "forward"
    """Where it went, or where it came from."""

    policy: PolicyName = "fifo"
    """The accounting convention; none is a fact."""

    max_hops: Annotated[int, Field(ge=1, le=MAX_HOPS)] = 12
    """Transactions between a source and the end of a path."""

    min_value: Annotated[str | None, Field(pattern=r"^[0-9]{1,78}$", max_length=78)] = None
    """Smallest amount followed, in base units; by default 0.001 coins or 0.1 % of the source."""

    since: datetime | None = None
    """Transactions before this are not followed; with a time zone."""

    until: datetime | None = None
    """Transactions after this are not followed; with a time zone."""

    horizon_days: Annotated[int | None, Field(ge=1, le=MAX_DAYS)] = None
    """How long after (backward: before) each source money is followed."""

    budget: Annotated[int | None, Field(ge=1, le=MAX_BUDGET)] = None
    """Transactions that may be looked at; by default what the service allows in an answer at once.
    A job may look at more."""

    seconds: Annotated[int | None, Field(ge=1, le=MAX_SECONDS)] = None
    """After this long the search ends; the transactions looked at by then become the budget, and
    the manifest says `timed_out`. Another run of the same question may then come further."""

    fan_out_outputs: Annotated[int, Field(ge=1, le=2**31)] = 200
    """A transaction with more outputs than this is a payout to many, ..."""

    fan_out_percent: Annotated[int, Field(ge=0, le=100)] = 1
    """... and ends paths where less than this percentage of its money is traced."""

    dormant_days: Annotated[int, Field(ge=1, le=MAX_DAYS)] = 730
    """Coins unspent for longer than this many days are called dormant."""

    min_confidence: Annotated[int, Field(ge=0, le=100)] = 50
    """Confidence from which the tag of a service ends paths there."""

    fee_mode: FeeMode = "track"
    """List each traced fee, tell their sum only (`drop`), or follow fees into coinbases."""

    gas_order: GasOrderName = "last"
    """On a chain of accounts: whether a transaction's gas is paid after its value, or before."""

    subsidy_order: SubsidyOrder = "first"
    """Where fees are followed: whether a coinbase's new money comes before or after them."""

    graph_nodes: Annotated[int, Field(ge=10, le=MAX_GRAPH_NODES)] = 600
    """Nodes of the graph in the answer; smaller branches are folded, with their sums."""

    fiat: Annotated[str | None, Field(pattern=r"^[A-Z]{3}$", max_length=3)] = None
    """Currency in which money is valued at the time at which it was paid, as `EUR`; the casebook
    has to hold prices of the coin in it, or in a currency that its exchange rates convert."""

    demix: DemixName = "stop"
    """`candidates` lists, as `inferences`, what may be the money behind CoinJoins; on a chain of
    accounts, as `mixers`, withdrawals that may be of the money that went into mixers."""

    demix_depth: Annotated[int, Field(ge=1, le=MAX_DEMIX_DEPTH)] = 3
    """CoinJoins in a row that such candidates are followed through."""

    as_of: Annotated[int | None, Field(ge=0, le=2**31)] = None
    """Height of the block that is taken for the ledger's last; by default its last. What sources
    say is what they say today, and no block may be named before the last one up to which addresses
    are joined."""

    level: LevelName = "entity"
    """What the nodes of the graph are; at `address` no rule joins any."""

    expanded: Annotated[list[NodeId], Field(max_length=MAX_EXPANDED)] = []
    """Nodes of the graph to open, in turn, each by its `id` in the graph before: a fold shows what
    it holds, a chain its transactions, small amounts their coins, any other its neighbours."""

    pins: Annotated[dict[NodeId, tuple[PinPlace, PinPlace]], Field(max_length=MAX_PINS)] = {}
    """Where nodes stand, by `id`, as `[x, y]`: those that are named do not move, and new ones go
    beside them. Without pins the graph is laid out anew."""


TraceId = Annotated[
    str,
    Path(
        description="Name of the trace: the `subject` of its job.",
        max_length=40,
        pattern=r"^[a-z0-9_]+$",
        examples=["trace_01m856nn0b4q4gdpy405spg19n"],
    ),
]


@router.post(
    "/traces",
    operation_id="make_trace",
    summary="Follow money forward or backward",
    response_model=TraceAnswer | AccountTraceAnswer,
    dependencies=[allow(Permission.TRACE)],
    responses={
        202: {"description": "A job makes it; `Location` leads there.", "model": JobAnswer},
        **problems(
            _404="The network has no ledger here, or it does not hold a source.",
            _413="The body is too long.",
            _422="The request cannot be answered as it was put.",
            _429="Too many of your jobs wait already.",
        ),
    },
    openapi_extra={"parameters": [PREFER]},
)
async def make_trace(
    body: TraceBody,
    request: Request,
    caller: CallerDep,
    workspace: WorkspaceDep,
    settings: SettingsDep,
) -> Response:
    """Return where the money ended, the flow graph, and a manifest to repeat the run by.

    The same request gives the same bytes as long as the ledger, the clustering, the tags and the
    prices stay as they are and no `seconds` are given. `manifest` names all these; the ETag is the
    hash of the result, which does not cover it. On a chain of accounts hops are transfers, the
    budget counts movements, and each amount names its asset.

    With `Prefer: respond-async` a job makes the trace, which may look at more transactions, and the
    answer is 202 with the job; with `Prefer: respond-async, wait=10` it is 200 with the trace where
    that took no longer than so many seconds.
    """
    note_subjects(request, *body.sources)
    preferences = preferences_of(request)
    if not preferences.is_async:
        order = await run_in_threadpool(_order, body, workspace, settings.trace_budget)
        made = await run_in_threadpool(trace_made, workspace, order)
        headers = {"ETag": entity_tag(made.result_sha256)}
        return Response(made.content, headers=headers, media_type="application/json")
    order = await run_in_threadpool(_order, body, workspace, settings.trace_job_budget)
    job = await run_in_threadpool(_submitted, request, order, caller.name, workspace)
    job = await watch_of(request).end(workspace.casebook.jobs, job, preferences.wait)
    if job.state is not JobState.SUCCEEDED:
        return accepted(job, preferences.applied())
    response = await run_in_threadpool(result_file, request, workspace, job, TRACE)
    response.headers["Content-Location"] = result_path(job)
    response.headers["Preference-Applied"] = preferences.applied()
    return response


@router.get(
    "/traces/{trace_id}",
    operation_id="read_trace",
    summary="Fetch a trace that a job made",
    response_model=TraceAnswer | AccountTraceAnswer,
    dependencies=[allow(Permission.TRACE)],
    responses={
        304: {"description": "The trace is the one that `If-None-Match` names."},
        **problems(
            _404="There is no such trace, or it is not yours to see.",
            _409="Its job has not ended yet (`not_ready`), failed (`job_failed`), or was cancelled "
            "(`job_cancelled`); `Location` leads to the job.",
            _500="The file is gone, or not what it was.",
        ),
    },
)
def read_trace(trace_id: TraceId, request: Request, workspace: WorkspaceDep) -> Response:
    """Return the very bytes that the job made: those that `POST /v1/traces` would have answered.

    They never change; the ETag is their SHA-256.
    """
    try:
        job = workspace.casebook.jobs.of_subject(trace_id)
    except NotFoundError:
        raise no_such(trace_id) from None
    if job.kind != KIND:
        raise no_such(trace_id)
    require_seen(request, trace_id, owner=job.owner, case_id=job.case_id)
    return result_file(request, workspace, job, TRACE)


def _submitted(request: Request, order: TraceOrder, owner: str, workspace: Workspace) -> Job:
    act, now = act_of(request.scope), datetime.now(UTC)
    return workspace.casebook.jobs.submit(
        kind=KIND,
        subject=new_id("trace", now),
        request=order.to_plain(),
        owner=owner,
        case_id=None if act is None else act.case_id,
        now=now,
        most_waiting=workspace.settings.jobs_per_owner,
    )


def _order(body: TraceBody, workspace: Workspace, most: int) -> TraceOrder:
    """Return what is asked for; `NotFoundError` where the network has no ledger."""
    is_accounts = isinstance(workspace.open_any(body.network), OpenAccounts)
    settings = workspace.settings
    budget = _budget(body, settings, most)
    return TraceOrder(
        network=body.network,
        request=_of_accounts(body, budget) if is_accounts else _of_coins(body, budget),
        as_of=body.as_of,
    )


def _budget(body: TraceBody, settings: Settings, most: int) -> int:
    budget = settings.trace_budget if body.budget is None else body.budget
    if budget > most:
        hint = "" if most > settings.trace_budget else " `Prefer: respond-async` allows more,"
        setting = "ARIEN_TRACE_BUDGET" if hint else "ARIEN_TRACE_JOB_BUDGET"
        raise InputError(
            f"the budget is {budget:,} and this service allows {most:,} transactions here: ask for "
            f"less,{hint} or raise {setting}"
        )
    return min(budget, most)


def _of_accounts(body: TraceBody, budget: int) -> AccountTraceRequest:
    for name in ("subsidy_order", "demix_depth", "expanded", "pins"):
        if getattr(body, name) != TraceBody.model_fields[name].default:
            raise InputError(f"{name} means nothing on a chain of accounts: leave it out")
    if body.level == "transaction":
        raise InputError("level is entity or address on a chain of accounts")
    return AccountTraceRequest(
        sources=tuple(body.sources),
        asset=body.asset,
        direction=body.direction,
        policy=body.policy,
        max_hops=body.max_hops,
        min_value=None if body.min_value is None else int(body.min_value),
        since=body.since,
        until=body.until,
        horizon_days=body.horizon_days,
        budget=budget,
        seconds=body.seconds,
        fan_out=body.fan_out_outputs,
        fan_out_percent=body.fan_out_percent,
        dormant_days=body.dormant_days,
        min_confidence=body.min_confidence,
        fee_mode=body.fee_mode,
        gas_order=body.gas_order,
        graph_nodes=body.graph_nodes,
        fiat=body.fiat,
        demix=body.demix,
        level=body.level,
    )


def _of_coins(body: TraceBody, budget: int) -> TraceRequest:
    if body.asset is not None or body.gas_order != "last":
        raise InputError("asset and gas_order are for chains of accounts: leave them out")
    return TraceRequest(
        sources=tuple(body.sources),
        direction=body.direction,
        policy=body.policy,
        max_hops=body.max_hops,
        min_value_sat=None if body.min_value is None else int(body.min_value),
        since=body.since,
        until=body.until,
        horizon_days=body.horizon_days,
        budget=budget,
        seconds=body.seconds,
        fan_out_outputs=body.fan_out_outputs,
        fan_out_percent=body.fan_out_percent,
        dormant_days=body.dormant_days,
        min_confidence=body.min_confidence,
        fee_mode=body.fee_mode,
        subsidy_order=body.subsidy_order,
        graph_nodes=body.graph_nodes,
        fiat=body.fiat,
        demix=body.demix,
        demix_depth=body.demix_depth,
        level=body.level,
        expanded=tuple(body.expanded),
        pins=tuple((name, x, y) for name, (x, y) in body.pins.items()),
    )
