"""What a sign-in service says of somebody, after everything about it was checked."""

from dataclasses import dataclass
from datetime import datetime

from arien_flows.access.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Whom a token is about."""

    issuer: str
    subject: str
    """The service's own name for somebody: never given to another one there."""

    name: str
    """What the service proposes to call him or her here."""

    role: Role | None
    """The role that it names; nothing where it names none of ours."""

    expires_at: datetime
