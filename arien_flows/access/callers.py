"""Who asks: a person or a program, known by a key, a session or a token."""

from dataclasses import dataclass
from typing import Literal

from arien_flows.access.permissions import Permission
from arien_flows.access.roles import PERMISSIONS, Role
from arien_flows.access.tlp import Tlp

Means = Literal["local", "key", "session", "token"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever a request comes from, as authentication found out."""

    name: str
    """Names the person or program in every record: unique, and never given to another one."""

    role: Role
    permissions: frozenset[Permission]
    clearance: Tlp
    """Strictest label that he or she may see."""

    means: Means
    """How he or she is known."""

    key_id: str | None = None
    """The public part of the key, where one was used."""

    def may(self, permission: Permission) -> bool:
        """Tell whether the caller is allowed to do something at all."""
        return permission in self.permissions


def local_caller(name: str) -> Caller:
    """Return the caller of a service without accounts, which only this machine reaches."""
    return Caller(
        name=name,
        role=Role.LOCAL,
        permissions=PERMISSIONS[Role.LOCAL],
        clearance=Tlp.RED,
        means="local",
    )
