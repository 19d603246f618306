"""Signals: what stands in several cases, told to those who may know."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.callers import CallerDep, allow
from api.deps import PageLimit, WorkspaceDep, answer, linked, problems
from api.routers.case_parts import UNSEEN, CasePath, NameCursor, SignalPath, now
from api.visibility import require_case
from arien_flows.access.permissions import Permission
from arien_flows.cases.signal_answers import (
    CaseSignals,
    SignalAnswer,
    SignalPage,
    case_signals,
    signal_answer,
    signals_page,
)
from arien_flows.cases.signals import read_signal

router = APIRouter(prefix="/v1", tags=["cases"])

UNKNOWN = problems(_404="There is no such signal, or it is not yours to see.")


@router.get(
    "/cases/{case_id}/signals",
    operation_id="list_case_signals",
    summary="List what a case shares with others",
    response_model=CaseSignals,
    dependencies=[allow(Permission.READ_CASES)],
    responses=UNSEEN,
)
def list_case_signals(
    case_id: CasePath, request: Request, caller: CallerDep, workspace: WorkspaceDep
) -> Response:
    """Return what stands here and in other cases that you see, and whom you were introduced to.

    Cases that you do not see are not looked at.
    """
    role = require_case(request, case_id, changes=False)
    return answer(case_signals(workspace, caller, case_id, role))


@router.get(
    "/signals",
    operation_id="list_signals",
    summary="List what cases share",
    response_model=SignalPage,
    dependencies=[allow(Permission.ASSIGN_CASES)],
    responses=problems(_422="The cursor is not valid, or its signal is gone."),
)
def list_signals(
    request: Request,
    caller: CallerDep,
    workspace: WorkspaceDep,
    limit: PageLimit,
    cursor: NameCursor = None,
) -> Response:
    """Return a page of the signals between cases that you are cleared for."""
    page = signals_page(workspace, caller, cursor=cursor, limit=limit)
    return linked(answer(page), request, page.next_cursor)


@router.get(
    "/signals/{signal_id}",
    operation_id="read_signal",
    summary="Show what two cases share",
    response_model=SignalAnswer,
    dependencies=[allow(Permission.READ_CASES)],
    responses=UNKNOWN,
)
def read_one_signal(signal_id: SignalPath, caller: CallerDep, workspace: WorkspaceDep) -> Response:
    """Return one signal between two cases that you see."""
    return answer(signal_answer(workspace, caller, signal_id))


@router.post(
    "/signals/{signal_id}/introduction",
    operation_id="introduce_leads",
    summary="Introduce the leads of two cases to each other",
    response_model=SignalAnswer,
    dependencies=[allow(Permission.ASSIGN_CASES)],
    responses=UNKNOWN,
)
def introduce_leads(signal_id: SignalPath, caller: CallerDep, workspace: WorkspaceDep) -> Response:
    """Tell the leads of both cases the number of the other one and who leads it, nothing else.

    It is kept in the acts of both. To introduce them again changes nothing.
    """
    signal = read_signal(workspace, caller, signal_id)
    workspace.casebook.cases.ending.introduce(signal.cases, now=now(), by=caller.name)
    return answer(signal_answer(workspace, caller, signal_id))
