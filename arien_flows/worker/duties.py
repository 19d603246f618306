"""What workers do from time to time, each thing by one worker at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from arien_flows.cases.deadlines import run_deadlines
from arien_flows.cases.signals import tell_signals
from arien_flows.watches.following import follow
from arien_flows.webhooks.delivering import deliver
from arien_flows.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Something to be done again and again."""

    name: str
    """At most 40 characters; names its lease in the casebook."""

    every_seconds: float
    """Between the end of one round and the beginning of the next."""

    run: Callable[[Workspace, datetime], None]
    """Does one round, and may be begun again after it was broken off anywhere."""


def forget_requests(workspace: Workspace, now: datetime) -> None:
    """Forget answers that were kept for requests that might be sent again."""
    workspace.casebook.requests.forget(now)


def _tell_signals(workspace: Workspace, now: datetime) -> None:
    tell_signals(workspace, now)


DUTIES: tuple[Duty, ...] = (
    Duty(name="deliveries", every_seconds=2, run=deliver),
    Duty(name="watches", every_seconds=10, run=follow),
    Duty(name="signals", every_seconds=30, run=_tell_signals),
    Duty(name="deadlines", every_seconds=60, run=run_deadlines),
    Duty(name="requests", every_seconds=3_600, run=forget_requests),
)
"""In the order in which they are looked at."""
