"""Who sees a case: role, membership and label together, decided here and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from arien_flows.access.callers import Caller
from arien_flows.access.permissions import Permission
from arien_flows.access.roles import Role
from arien_flows.access.tlp import Tlp


class CaseRole(StrEnum):
    """What a member of a case may do there."""

    LEAD = "lead"
    """Everything, and name members."""

    MEMBER = "member"
    """Change the content."""

    READER = "reader"
    """Only look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseAccess:
    """What is needed to decide who sees a case."""

    id: str
    tlp: Tlp
    members: Mapping[str, CaseRole]
    """By the names of callers."""


def case_role(caller: Caller, case: CaseAccess) -> CaseRole | None:
    """Return what a caller may do in a case; nothing where it must not be known to him or her.

    Nobody sees past the clearance, members included. A supervisor needs no membership, but reads
    only: who changes a case is a member of it.
    """
    if not (caller.may(Permission.READ_CASES) and caller.clearance.covers(case.tlp)):
        return None
    if caller.role is Role.LOCAL:
        return CaseRole.LEAD
    own = case.members.get(caller.name)
    if own is not None:
        return own if caller.may(Permission.WRITE_CASES) else CaseRole.READER
    return CaseRole.READER if caller.role is Role.SUPERVISOR else None


def needs_membership(caller: Caller) -> bool:
    """Tell whether a caller sees only cases that he or she is a member of.

    It spares looking at all others; `case_role` decides.
    """
    return caller.role not in (Role.LOCAL, Role.SUPERVISOR)


def sees(caller: Caller, owner: str, case: CaseAccess | None) -> bool:
    """Tell whether a caller sees a job, a trace or the like, of an owner and perhaps a case.

    What belongs to a case is seen by those who see the case; anything else by its owner only.
    """
    if case is not None:
        return case_role(caller, case) is not None
    return caller.role is Role.LOCAL or caller.name == owner
