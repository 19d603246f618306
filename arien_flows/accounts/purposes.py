"""What a question about the chain is asked for: the case, and a reason in the asker's words.

Directive (EU) 2016/680 lets data be looked at for a purpose that is set down (articles 4 and 25).
So with accounts every question about the chain names a case that its asker sees, and the audit log
keeps it. Whoever runs a service where that does not apply turns it off.
"""

from collections.abc import Callable
from urllib.parse import unquote

from arien_flows.access.callers import Caller
from arien_flows.access.cases import CaseAccess, case_role
from arien_flows.access.ids import ID
from arien_flows.access.permissions import Permission
from arien_flows.accounts.known import Known
from arien_flows.errors import ForbiddenError, InputError, NotFoundError

LONGEST_REASON = 500
"""Characters of a reason."""

ABOUT_SUBJECTS = frozenset({Permission.READ_CHAIN, Permission.TRACE, Permission.RUN_BATCHES})
"""What needs a purpose."""


class PurposeRequiredError(ForbiddenError):
    """A question about the chain does not say what it is asked for."""

    title = "A case has to be named"


class Purposes:
    """Checks what questions are asked for."""

    def __init__(self, access: Callable[[str], CaseAccess | None], *, is_required: bool) -> None:
        self._cases = Known(access)
        self._is_required = is_required

    def require(self, permission: Permission) -> None:
        """Raise `PurposeRequiredError` where no case is named and one has to be."""
        if self._is_required and permission in ABOUT_SUBJECTS:
            raise PurposeRequiredError(
                "say which case this is for: send its id as `X-Case-ID: case_…`, and if you like "
                "a reason as `X-Reason`"
            )

    def is_at_hand(self, case_id: str) -> bool:
        """Tell whether `check` will answer without asking the casebook."""
        return self._cases.fresh(case_id) is not None

    def look_up(self, case_id: str) -> None:
        """Ask the casebook who sees a case."""
        self._cases.get(case_id)

    def check(self, caller: Caller, case_id: str) -> None:
        """Raise `NotFoundError` unless a caller sees the case."""
        case = self._cases.get(case_id)
        if case is None or case_role(caller, case) is None:
            raise NotFoundError(f"there is no {case_id}, or it is not yours to see")


def case_in(header: str | None) -> str | None:
    """Return the case that a header names; `InputError` for what is no id."""
    if header is None:
        return None
    if not ID.fullmatch(header) or not header.startswith("case_"):
        raise InputError("X-Case-ID holds no id of a case: write it as the case's answer does")
    return header


def reason_in(header: str | None) -> str | None:
    """Return the reason that a header gives, in UTF-8 behind percent signs or in plain ASCII."""
    if header is None or not header.strip():
        return None
    try:
        reason = unquote(header.strip(), errors="strict")
    except UnicodeDecodeError as error:
        raise InputError("X-Reason is not UTF-8 behind its percent signs") from error
    if not header.isascii() or not reason.isprintable() or len(reason) > LONGEST_REASON:
        raise InputError(
            f"X-Reason holds at most {LONGEST_REASON} printable characters; letters beyond ASCII "
            "are percent-encoded UTF-8"
        )
    return reason
