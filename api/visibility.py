"""Objects that a caller must not know of are not found: the one check of routes."""

from fastapi import Request

from api.callers import caller_of, note_case
from api.deps import workspace_of
from arien_flows.access.cases import CaseRole, case_role, sees
from arien_flows.errors import ForbiddenError, NotFoundError

_CHANGING = frozenset({CaseRole.LEAD, CaseRole.MEMBER})


def require_seen(request: Request, name: str, *, owner: str, case_id: str | None) -> None:
    """Raise `NotFoundError` unless the caller may know of an object of an owner and a case."""
    cases = workspace_of(request).casebook.cases
    case = None if case_id is None else cases.access(case_id)
    is_orphan = case_id is not None and case is None
    if is_orphan or not sees(caller_of(request), owner, case):
        raise no_such(name)
    note_case(request, case_id)


def require_case(request: Request, case_id: str, *, changes: bool) -> CaseRole:
    """Return what the caller may do in a case.

    `NotFoundError` where it must not be known, `ForbiddenError` where it is only to be read.
    """
    case = workspace_of(request).casebook.cases.access(case_id)
    role = None if case is None else case_role(caller_of(request), case)
    if role is None:
        raise no_such(case_id)
    note_case(request, case_id)
    if changes and role not in _CHANGING:
        raise ForbiddenError(f"you may read {case_id} and not change it: ask its lead")
    return role


def no_such(name: str) -> NotFoundError:
    """Return the one error for what is not there and for what must not be known."""
    return NotFoundError(f"there is no {name}, or it is not yours to see")
