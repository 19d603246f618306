"""Batches: a table of addresses is sent, and a job answers each of its rows."""

import json
import shutil
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from api.callers import CallerDep, act_of, allow, note_subjects
from api.deps import PageLimit, WorkspaceDep, answer, problems
from api.errors import Fault, problem
from api.routers.job_results import SOON, result_file
from api.routers.jobs import Cursor
from api.visibility import no_such, require_seen
from arien_flows.access.ids import new_id
from arien_flows.access.permissions import Permission
from arien_flows.access.roles import Role
from arien_flows.batch.answer_shapes import (
    BatchAnswer,
    BatchList,
    BatchRows,
    batch_answer,
    batch_path,
)
from arien_flows.batch.job import KIND, MEDIA_TYPES, asked_of, lay_out
from arien_flows.batch.json_tables import csv_of_rows
from arien_flows.batch.manifest import MANIFEST
from arien_flows.batch.reading import FormatName, ReadingOptions, read_table
from arien_flows.batch.request import TRACE_BUDGET, BatchRequest, BatchTrace, Scope, Ways
from arien_flows.batch.row_shapes import BatchRow
from arien_flows.batch.rows import MOST_ROWS, InputTable
from arien_flows.batch.running import BatchOrder
from arien_flows.batch.writing import ROWS
from arien_flows.casebook.job_records import Job, JobState
from arien_flows.errors import InputError, NotFoundError
from arien_flows.exposure.request import DEFAULT_BUDGET, MAX_BUDGET
from arien_flows.jobs.folder import make_folder
from arien_flows.jobs.kept_files import kept_file
from arien_flows.shapes import plain, shaped
from arien_flows.tracing.request import MAX_DAYS, MAX_HOPS
from arien_flows.workspace import Workspace

router = APIRouter(prefix="/v1", tags=["batches"])

PATH = "/v1/batches"
"""Has a bound of its own on the length of bodies."""

MOST_FAULTS = 100
"""Faults of rows that a refusal names."""

FORMATS: dict[str, FormatName] = {
    "text/csv": "auto",
    "text/tab-separated-values": "tsv",
    "text/plain": "auto",
    "application/octet-stream": "auto",
    MEDIA_TYPES[".xlsx"]: "xlsx",
}
"""Kinds of bodies that hold a table."""

JSON = "application/json"
LINES = ("application/jsonl", "application/x-ndjson")

Cell = Annotated[str, Field(max_length=10_000)]
BatchId = Annotated[
    str,
    Path(
        description="Name of the batch.",
        max_length=40,
        pattern=r"^[a-z0-9_]+$",
        examples=["batch_01m856nn0b4q4gdpy405spg19n"],
    ),
]


class BatchRowBody(BaseModel):
    """One row. All cells are texts, as in a table."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True)

    address: Cell
    """Address, transaction id, or `txid:vout`."""

    network: Cell = ""
    """Name of the network; by default that of the address."""

    case_ref: Cell = ""
    """Kept beside the answer, like the next two."""

    label: Cell = ""
    """Kept beside the answer."""

    note: Cell = ""
    """Kept beside the answer."""

    direction: Cell = ""
    """`forward`, `backward` or `both`: which way this row is traced."""

    since: Annotated[Cell, Field(alias="from")] = ""
    """Date or time from which money of this row is followed."""

    until: Annotated[Cell, Field(alias="to")] = ""
    """Date or time up to which it is followed."""

    min_value: Cell = ""
    """Smallest amount that is followed."""

    max_hops: Cell = ""
    """Transactions between the row's address and the end of a path."""

    method: Cell = ""
    """Accounting convention of the row's traces."""


class BatchTableBody(BaseModel):
    """A table as JSON. Row `i` of the list, from 0, is row `i + 2` of the results."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    rows: Annotated[list[BatchRowBody], Field(min_length=1, max_length=MOST_ROWS)]
    """The rows."""


class BatchOptions(BaseModel):
    """How the table is read, and what is asked of each row."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)

    name: Annotated[str, Field(max_length=200)] = "table"
    """What the table is called in the results."""

    network: Annotated[str | None, Field(max_length=40)] = None
    """Network of rows that name none; by default that of the address."""

    address_column: Annotated[str | None, Field(max_length=200)] = None
    """Name of the column of addresses, or its number from 1."""

    network_column: Annotated[str | None, Field(max_length=200)] = None
    """Likewise of networks."""

    profile: Literal["strict", "standard", "wide"] = "strict"
    """Whose entities."""

    scope: Scope = "address"
    """Whose exposure and risk: the address alone, or all of its entity."""

    exposure: bool = True
    """Whether to tell whose money was received, and who received it."""

    risk: bool = True
    """Whether to score it."""

    budget: Annotated[int, Field(ge=1, le=MAX_BUDGET)] = DEFAULT_BUDGET
    """Transactions that each direction of one exposure may go through."""

    trace: Ways | None = None
    """Also trace each row this way."""

    policy: Annotated[str, Field(max_length=20)] = "fifo"
    """Accounting convention of traces."""

    max_hops: Annotated[int, Field(ge=1, le=MAX_HOPS)] = 12
    """Transactions between a source of a trace and the end of a path."""

    min_value: Annotated[str | None, Field(pattern=r"^[0-9]{1,78}$", max_length=78)] = None
    """Smallest amount that traces follow, in base units."""

    horizon_days: Annotated[int | None, Field(ge=1, le=MAX_DAYS)] = None
    """How long after (backward: before) each source traces follow."""

    trace_budget: Annotated[int, Field(ge=1, le=200_000)] = TRACE_BUDGET
    """Transactions that each trace may look at."""

    currency: Annotated[str | None, Field(pattern=r"^[A-Z]{3}$", max_length=3)] = None
    """In which traced coins are valued at the time at which they were paid."""


_TABLE: dict[str, Any] = {
    "type": "object",
    "description": BatchTableBody.__doc__,
    "required": ["rows"],
    "additionalProperties": False,
    "properties": {
        "rows": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_ROWS,
            "items": BatchRowBody.model_json_schema(),
        }
    },
}
"""`BatchTableBody`, written out, as the framework does not read the body."""

_BODY: dict[str, Any] = {
    "required": True,
    "description": "The table: CSV, TSV, XLSX, or a list with one address a line, of at most "
    f"{MOST_ROWS:,} rows; or its rows as JSON.",
    "content": {
        JSON: {"schema": _TABLE},
        **{kind: {"schema": {"type": "string"}} for kind in FORMATS},
    },
}


@router.post(
    "/batches",
    operation_id="make_batch",
    summary="Answer each row of a table",
    status_code=202,
    response_model=BatchAnswer,
    dependencies=[allow(Permission.RUN_BATCHES)],
    responses=problems(
        _404="A network that is named has no ledger here.",
        _413="The table is too long.",
        _415="The body is of no kind that holds a table.",
        _422="The table, or every row of it, cannot be used; `errors` names rows.",
        _429="Too many of your jobs wait already.",
    ),
    openapi_extra={"requestBody": _BODY},
)
async def make_batch(
    request: Request,
    caller: CallerDep,
    workspace: WorkspaceDep,
    options: Annotated[BatchOptions, Query()],
) -> Response:
    """Take a table on; a job answers its rows, and the answer says where to look for it.

    A row that cannot be answered does not spoil others: the results say why. Only a table that
    cannot be read, or of which no row can be used, is refused at once. Private keys in it are
    kept nowhere.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON and kind not in FORMATS:
        raise HTTPException(415, f"send a table as one of {', '.join((*FORMATS, JSON))}")
    raw = await request.body()
    if kind == JSON:
        raw = await run_in_threadpool(_table_in_json, raw)
    order = await run_in_threadpool(_order, workspace, raw, kind, options)
    table = order.table
    note_subjects(request, f"{len(table.rows):,} rows of a table, sha256 {table.sha256}")
    if not table.rows:
        return _no_row_usable(request, table)
    job = await run_in_threadpool(_submitted, request, workspace, order, caller.name)
    response = answer(batch_answer(job), 202)
    response.headers.update({"Location": batch_path(job.subject), "Retry-After": SOON})
    return response


@router.get(
    "/batches",
    operation_id="list_batches",
    summary="List batches",
    response_model=BatchList,
    dependencies=[allow(Permission.RUN_BATCHES)],
    responses=problems(_422="A parameter is not valid."),
)
def list_batches(
    caller: CallerDep, workspace: WorkspaceDep, limit: PageLimit, cursor: Cursor = None
) -> Response:
    """Return your own batches and those of the cases that you see, the newest first."""
    sees_all = caller.role is Role.LOCAL
    book = workspace.casebook
    found = book.jobs.page(
        owner=None if sees_all else caller.name,
        cases=None if sees_all else book.cases.seen_by(caller),
        before=cursor,
        limit=limit + 1,
        kind=KIND,
    )
    items = found[:limit]
    following = items[-1].id if len(found) > limit else None
    response = answer(
        BatchList(items=tuple(batch_answer(job) for job in items), next_cursor=following)
    )
    if following is not None:
        response.headers["Link"] = f'<{PATH}?limit={limit}&cursor={following}>; rel="next"'
    return response


_NO_BATCH = "There is no such batch, or it is not yours to see."
_NOT_MADE = (
    "It has not been made yet (`not_ready`), its job failed (`job_failed`) or was cancelled "
    "(`job_cancelled`); `Location` leads to the job."
)


@router.get(
    "/batches/{batch_id}",
    operation_id="read_batch",
    summary="Show a batch",
    response_model=BatchAnswer,
    dependencies=[allow(Permission.RUN_BATCHES)],
    responses=problems(
        _404=_NO_BATCH,
        _422="The name is not one of a batch.",
        _500="A file is gone, or not what it was.",
    ),
)
def read_batch(batch_id: BatchId, request: Request, workspace: WorkspaceDep) -> Response:
    """Return where a batch stands, how its rows came out, and the files that it made."""
    job = _seen_batch(request, workspace, batch_id)
    manifest = None
    if job.state is JobState.SUCCEEDED:
        _, path = kept_file(workspace.settings.data, job, MANIFEST)
        manifest = json.loads(path.read_bytes())["manifest"]
    return answer(batch_answer(job, manifest))


@router.get(
    "/batches/{batch_id}/rows",
    operation_id="read_batch_rows",
    summary="Read the answers to the rows of a batch",
    response_model=BatchRows,
    dependencies=[allow(Permission.RUN_BATCHES)],
    responses={
        200: {
            "content": {LINES[0]: {"itemSchema": {"$ref": "#/components/schemas/BatchRow"}}},
            "description": "A page of answers; with `Accept: application/jsonl` all of them, one "
            "a line.",
        },
        304: {"description": "The lines are those that `If-None-Match` names."},
        **problems(
            _404=_NO_BATCH,
            _409=_NOT_MADE,
            _422="A parameter is not valid.",
            _500="A file is gone, or not what it was.",
        ),
    },
)
def read_batch_rows(
    batch_id: BatchId,
    request: Request,
    workspace: WorkspaceDep,
    limit: PageLimit,
    cursor: Annotated[
        str | None,
        Query(description="`next_cursor` of the last page.", max_length=6, pattern=r"^[0-9]+$"),
    ] = None,
) -> Response:
    """Return what is said of each row, in the order of the table."""
    job = _seen_batch(request, workspace, batch_id)
    wants_lines = any(kind in request.headers.get("accept", "") for kind in LINES)
    if job.state is not JobState.SUCCEEDED or wants_lines:
        return result_file(request, workspace, job, ROWS)
    _, path = kept_file(workspace.settings.data, job, ROWS)
    start, items, more = int(cursor or 0), list[BatchRow](), False
    with path.open("rb") as lines:
        for place, line in enumerate(lines):
            if place >= start + limit:
                more = True
                break
            if place >= start:
                items.append(shaped(BatchRow, json.loads(line)))
    following = str(start + limit) if more else None
    response = answer(BatchRows(items=tuple(items), next_cursor=following))
    if following is not None:
        here = f"{batch_path(batch_id)}/rows"
        response.headers["Link"] = f'<{here}?limit={limit}&cursor={following}>; rel="next"'
    return response


@router.get(
    "/batches/{batch_id}/files/{name}",
    operation_id="fetch_batch_file",
    summary="Fetch a file that a batch made",
    response_class=Response,
    dependencies=[allow(Permission.RUN_BATCHES)],
    responses={
        200: {
            "description": "The bytes of the file; `ETag` is their SHA-256.",
            "content": {"application/octet-stream": {}},
        },
        206: {"description": "The part that `Range` names."},
        304: {"description": "The file is the one that `If-None-Match` names."},
        416: {"description": "The file has no such part."},
        **problems(
            _404="There is no such batch or file, or it is not yours to see.",
            _409=_NOT_MADE,
            _422="The name is not one of a batch.",
            _500="The file is gone, or not what it was.",
        ),
    },
)
def fetch_batch_file(
    batch_id: BatchId,
    name: Annotated[str, Path(description="Name of the file.", max_length=100)],
    request: Request,
    workspace: WorkspaceDep,
) -> Response:
    """Return the bytes of a file, which never change."""
    job = _seen_batch(request, workspace, batch_id)
    return result_file(request, workspace, job, name, is_download=True)


def _seen_batch(request: Request, workspace: Workspace, batch_id: str) -> Job:
    """Return the job of a batch that the caller may see; `NotFoundError` for any other."""
    try:
        job = workspace.casebook.jobs.of_subject(batch_id)
    except NotFoundError:
        raise no_such(batch_id) from None
    if job.kind != KIND:
        raise no_such(batch_id)
    require_seen(request, batch_id, owner=job.owner, case_id=job.case_id)
    return job


def _table_in_json(raw: bytes) -> bytes:
    """Return a table that came as JSON as CSV; `InputError` where it is none."""
    try:
        body = BatchTableBody.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = "/".join(str(each) for each in first["loc"])
        raise InputError(f"the body is no table: {first['msg']} at /{place}") from None
    return csv_of_rows([row.model_dump(by_alias=True) for row in body.rows])


def _order(workspace: Workspace, raw: bytes, kind: str, options: BatchOptions) -> BatchOrder:
    """Return what is asked; `InputError` where it cannot be asked."""
    networks = tuple(workspace.networks()) or ReadingOptions().networks
    if options.network is not None:
        workspace.open_any(options.network)
        networks = (options.network,)
    traces = None
    if options.trace is not None:
        traces = BatchTrace(
            direction=options.trace,
            policy=options.policy,
            max_hops=options.max_hops,
            min_value=options.min_value,
            horizon_days=options.horizon_days,
            budget=options.trace_budget,
        )
    table = read_table(
        raw,
        options.name,
        options=ReadingOptions(
            networks=networks,
            input_format="csv" if kind == JSON else FORMATS[kind],
            address_column=options.address_column,
            network_column=options.network_column,
        ),
    )
    request = BatchRequest(
        profile=options.profile,
        scope=options.scope,
        exposure=options.exposure,
        risk=options.risk,
        budget=options.budget,
        trace=traces,
        currency=options.currency,
    )
    return BatchOrder(table=table, name=options.name, request=request)


def _submitted(request: Request, workspace: Workspace, order: BatchOrder, owner: str) -> Job:
    """Put the batch into the queue, its table in the job's folder."""
    act, now = act_of(request.scope), datetime.now(UTC)
    name = new_id("job", now)
    asked = plain(asked_of(order))
    if not isinstance(asked, dict):
        raise TypeError("an order is an object")
    folder = make_folder(workspace.settings.data, name)
    try:
        lay_out(folder, order)
        return workspace.casebook.jobs.submit(
            kind=KIND,
            subject=new_id("batch", now),
            request=asked,
            owner=owner,
            case_id=None if act is None else act.case_id,
            now=now,
            job_id=name,
            most_waiting=workspace.settings.jobs_per_owner,
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _no_row_usable(request: Request, table: InputTable) -> Response:
    """Refuse a table of which no row can be answered, and say why of each."""
    return problem(
        request,
        status=422,
        code="no_row_usable",
        title="No row of the table can be used",
        detail=f"all {len(table.faults):,} rows are faulty: mend them and send the table again",
        errors=tuple(
            Fault(pointer=f"/rows/{fault.row}", code=fault.code, detail=fault.detail)
            for fault in table.faults[:MOST_FAULTS]
        ),
    )
