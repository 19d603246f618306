"""The roles of people and programs, and what each may do."""

from collections.abc import Mapping
from enum import StrEnum

from arien_flows.access.permissions import Permission


class Role(StrEnum):
    """What somebody is in the organisation."""

    INVESTIGATOR = "investigator"
    """Leads cases, and sees those that he or she is a member of."""

    ANALYST = "analyst"
    """Traces and proposes tags in the cases that he or she is a member of."""

    SUPERVISOR = "supervisor"
    """Approves, assigns, and sees all cases up to his or her clearance."""

    AUDITOR = "auditor"
    """Reads the audit log and nothing else."""

    ADMIN = "admin"
    """Runs the system and sees no case."""

    SERVICE = "service"
    """A program: does what the scopes of its key name, in the cases that it is a member of."""

    LOCAL = "local"
    """Whoever uses a service without accounts on the same machine: may do everything."""


_READING = frozenset(
    {
        Permission.READ_CHAIN,
        Permission.TRACE,
        Permission.READ_TAGS,
        Permission.READ_LISTINGS,
        Permission.RUN_BATCHES,
        Permission.READ_CASES,
        Permission.READ_JOBS,
    }
)
_ANALYSING = _READING | {
    Permission.PROPOSE_TAGS,
    Permission.IMPORT_LISTINGS,
    Permission.WRITE_CASES,
    Permission.WATCH,
}
_INVESTIGATING = _ANALYSING | {Permission.MANAGE_WEBHOOKS}

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.INVESTIGATOR: _INVESTIGATING,
    Role.ANALYST: _ANALYSING,
    Role.SUPERVISOR: _INVESTIGATING | {Permission.APPROVE_TAGS, Permission.ASSIGN_CASES},
    Role.AUDITOR: frozenset({Permission.READ_AUDIT}),
    Role.ADMIN: frozenset(
        {
            Permission.MANAGE_KEYS,
            Permission.MANAGE_USERS,
            Permission.READ_METRICS,
            Permission.MANAGE_WEBHOOKS,
        }
    ),
    Role.SERVICE: _INVESTIGATING,
    Role.LOCAL: frozenset(Permission),
}
"""What each role may do at most; the scopes of a key take away from it."""
